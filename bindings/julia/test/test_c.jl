const INCLUDE = get(ENV, "CATENA_INCLUDE", joinpath(@__DIR__, "..", "..", "..", "include"))
const SOURCE = joinpath(@__DIR__, "model.c")
const COMPILED = joinpath(mktempdir(), "model." * Libdl.dlext)
run(`$(get(ENV, "CC", "cc")) -std=c99 -Wall -Wextra -O2 -shared -fPIC -I$INCLUDE $SOURCE $(Libdl.dlpath(Catena.library()))
     -o $COMPILED`)
const COMPILED_LIBRARY = Libdl.dlopen(COMPILED)
compiled(name) = Libdl.dlsym(COMPILED_LIBRARY, name)

@testset "structs as the C compiler lays them out" begin
    for (T, name) in ((Catena.DensityTable, :catena_density), (Catena.LoggerTable, :catena_logger),
                      (Catena.IoTable, :catena_io), (Catena.ProgressTable, :catena_progress),
                      (Catena.DrawsTable, :catena_draws), (Catena.OptionTable, :catena_option),
                      (Catena.InterruptTable, :catena_interrupt), (Catena.ReferenceTable, :catena_reference),
                      (Catena.TracesTable, :catena_traces), (Catena.PopulationIoTable, :catena_population_io),
                      (Catena.StateSpaceTable, :catena_state_space), (Catena.FilterOptionsTable, :catena_filter_options),
                      (Catena.LikelihoodTable, :catena_likelihood), (Catena.UpdaterOptionsTable, :catena_updater_options),
                      (Catena.DesignTable, :catena_design), (Catena.CourseStepTable, :catena_course_step),
                      (Catena.CourseOptionsTable, :catena_course_options), (Catena.ReportOptions, :catena_report_options))
        layout = unsafe_wrap(Array, Ptr{Csize_t}(compiled(Symbol(name, :_layout))), fieldcount(T) + 1)
        @test layout == [sizeof(T); [fieldoffset(T, i) for i in 1:fieldcount(T)]]
    end
    @test unsafe_wrap(Array, Ptr{Cint}(compiled(:constants)), 39) ==
          [Catena.THREADS_ANY, Catena.THREADS_ONE, Catena.THREADS_CALLER, Catena.LAYOUT_COLUMNS, Catena.LOG_DEBUG,
           Catena.LOG_INFO, Catena.LOG_WARNING, Catena.METRICS.unit, Catena.METRICS.diag, Catena.METRICS.dense,
           Catena.ENGINES.nuts, Catena.ENGINES.static, Catena.ENGINES.fixed_param, 0, length(Catena.STATISTICS) - 1,
           Catena.SCHEMES.multinomial, Catena.SCHEMES.stratified, Catena.SCHEMES.systematic, Catena.SCHEMES.residual,
           Catena.SCHEMES.ssp, Catena.WHICH.distinguished, Catena.WHICH.sets, Catena.WHICH.all,
           Catena.FILTERS.bootstrap, Catena.FILTERS.guided, Catena.FILTERS.auxiliary, Catena.NUMBERS.real, Catena.NUMBERS.integer,
           Catena.RESAMPLERS.liu_west, Catena.RESAMPLERS.copies, Catena.ZERO_WEIGHTS.error, Catena.ZERO_WEIGHTS.warn,
           Catena.ZERO_WEIGHTS.skip, Catena.ZERO_WEIGHTS.reset, Catena.DESIGNS.guess, Catena.DESIGNS.sparse, Catena.DESIGNS.best,
           Catena.CRITERIA.gain, Catena.CRITERIA.risk]
end

c_model(name; options...) =
    (mean = copy(MEAN); CModel(2, compiled(name); user = pointer(mean), keep = mean, options...))

@testset "compiled functions" begin
    draws = Catena.sample(c_model(:normal), 1000; seed = 1)
    check_moments(draws, MEAN, SD)
    # The same model in Julia gives the same bits.
    @test draws.values == Catena.sample(MODEL, 1000; seed = 1).values
    noisy = Catena.sample(c_model(:normal; outputs = ["sum", "noise"], constrain = compiled(:outputs)), 1000; seed = 1)
    @test noisy["sum"] == draws["x.1"] + draws["x.2"]
    check_moments(noisy, [sum(MEAN), 0.0], [sqrt(sum(abs2, SD)), 1.0])
    @test Catena.log_density_gradient(c_model(:normal), [2.0, 0.0]) == (-1.0, [-1.0, -0.5])
end

@testset "chains that fail" begin
    draws = @test_logs (:warn, r"chain 2.*chain two is not wanted") match_mode = :any begin
        Catena.sample(c_model(:one_fails), 100; warmup = 100, seed = 1)
    end
    @test [report.id for report in draws.chains] == [1, 3, 4]
    @test size(draws) == (100, 3, 2)
    @test only(draws.failures).chain == 2
    @test only(draws.failures).status == :model
    whole = Catena.sample(c_model(:normal), 100; warmup = 100, seed = 1)
    @test draws.values == whole.values[:, [1, 3, 4], :]
    @test occursin("nothing is wanted", message_of(() -> Catena.sample(c_model(:all_fail), 10; chains = 1)))
    @test_throws CatenaError Catena.sample(c_model(:all_fail), 10; chains = 3)
end

@testset "a compiled model interrupted" begin
    Base.exit_on_sigint(false)
    other = run(`sh -c "sleep 1; kill -INT $(getpid())"`; wait = false)
    @test_throws InterruptException Catena.sample(c_model(:normal), 1; warmup = 10^9)
    wait(other)
end
