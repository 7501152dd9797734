# Runs as objects, and chains that are gone on with.

"The model, whose run is cancelled at the evaluation of this number (one run at a time)."
function cancelled_at(evaluation)
    run, count = Ref{Any}(nothing), Ref(0)
    model = FunctionModel(2, (g, x) -> ((count[] += 1) == evaluation && Catena.cancel(run[]); normal!(g, x)))
    function stopped(n; options...)
        run[] = Catena.start(model, n; callbacks = :caller, options...)
        fetch(run[])
    end
end

"The draws of a run that is cancelled when all chains are past their warm-up."
function stopped_in_sampling(n; options...)
    run = Catena.start(MODEL, n; callbacks = :caller, options...)
    while any(one -> one.iteration <= one.total - n, Catena.progress(run))
        Catena.poll(run)
    end
    Catena.cancel(run)
    fetch(run)
end

"The draws of a run in parts, each stopped after some evaluations."
function in_parts(n; evaluations, options...)
    draws, parts = cancelled_at(evaluations)(n; options...), 1
    @test any(report -> report.status == :interrupted, draws.chains)
    while any(report -> report.status == :interrupted, draws.chains)
        stopped = cancelled_at(evaluations)
        rest = stopped(n; options..., seed = draws.seed, checkpoints = draws.checkpoints)
        draws = Catena.join_parts(draws, rest)
        parts += 1
    end
    @test parts > 2
    draws
end

@testset "a run, watched" begin
    whole = Catena.sample(MODEL, 300; warmup = 200, seed = 7)
    for model in (MODEL, c_model(:normal))
        run = Catena.start(model, 300; warmup = 200, seed = 7)
        # How often depends on how quick the machine is.
        while !Catena.poll(run; timeout = 0.001)
        end
        at_end = Catena.progress(run)
        @test [one.chain for one in at_end] == 1:4
        @test all(one -> one.iteration == one.total == 500 && one.over && !one.warmup && one.stepsize > 0, at_end)
        draws = fetch(run)
        @test draws.values == whole.values
        @test [one.gradients for one in at_end] ==
              [report.warmup_gradients + report.sampling_gradients for report in draws.chains]
        # Again, and after all was freed.
        @test fetch(run) === draws
        @test Catena.poll(run)
        @test string.(Catena.progress(run)) == string.(at_end)
        @test Catena.cancel(run) === close(run) === nothing
        @test occursin("100 % of 4 chains", string(run))
        @test all(report -> report.status == :ok && report.iterations == 500 && report.rows == 300, draws.chains)
    end
end

@testset "two runs at once, from two models" begin
    first, second = Catena.start(MODEL, 200; seed = 1), Catena.start(c_model(:normal), 200; seed = 2)
    wait(second)
    @test fetch(first).values == Catena.sample(MODEL, 200; seed = 1).values
    @test fetch(second).values == Catena.sample(MODEL, 200; seed = 2).values
end

@testset "a run cancelled" begin
    run = Catena.start(c_model(:normal), 10^8; warmup = 100, thin = 10^5, seed = 3)
    while any(one -> one.warmup, Catena.progress(run))
        @test !Catena.poll(run; timeout = 0.001)
    end
    Catena.cancel(run)
    draws = fetch(run)
    @test all(report -> report.status == :interrupted && 100 < report.iterations < 10^8, draws.chains)
    # A row is the first of each 10^5 iterations.
    @test [report.rows for report in draws.chains] == [cld(report.iterations - 100, 10^5) for report in draws.chains]
    @test size(draws, 1) == maximum(report.rows for report in draws.chains)
    @test !any(isempty, draws.checkpoints)
    @test startswith(Catena.summarize(draws).text, "4 chains of $(minimum(report.rows for report in draws.chains)) draws")
end

@testset "runs that end badly" begin
    run = Catena.start(FunctionModel(2, (g, x) -> throw(Unwanted(1))), 10)
    wait(run)
    @test_throws Unwanted fetch(run)
    @test_throws Unwanted fetch(run)
    run = Catena.start(c_model(:all_fail), 10; chains = 1)
    @test_throws CatenaError fetch(run)
    @test_throws CatenaError fetch(run)
    closed = Catena.start(c_model(:normal), 1; warmup = 10^9)
    close(closed)
    @test_throws ArgumentError fetch(closed)
    @test string(closed) == "Catena.Run: closed"
    @test_throws ArgumentError Catena.poll(Catena.start(MODEL, 10); timeout = -1)
    @test_throws CatenaError Catena.start(MODEL, 10; delta = 2)
    # Runs that nobody has any more, of both kinds, under way.
    for _ in 1:3
        Catena.poll(Catena.start(MODEL, 1; warmup = 10^9))
        Catena.poll(Catena.start(c_model(:normal), 1; warmup = 10^9); timeout = 0.01)
    end
    GC.gc()
    @test size(Catena.sample(MODEL, 10; warmup = 10)) == (10, 4, 2)
end

@testset "a run in parts equals the run in one" begin
    whole = Catena.sample(MODEL, 200; warmup = 150, seed = 5)
    parts = in_parts(200; evaluations = 900, warmup = 150, seed = 5)
    @test parts.values == whole.values
    @test [report.sampling_gradients for report in parts.chains] == [report.sampling_gradients for report in whole.chains]
    # Rows of the warm-up go along, thinned.
    kept = (warmup = 150, seed = 5, save_warmup = true, thin = 4)
    whole, parts = Catena.sample(MODEL, 200; kept...), in_parts(200; evaluations = 600, kept...)
    @test parts.values == whole.values
    @test parts.warmup == whole.warmup
    @test size(parts.warmup, 1) == 38
end

@testset "gone on with by resume" begin
    options = (warmup = 150, seed = 5, metric = :dense)
    whole = Catena.sample(MODEL, 20000; options...)
    stopped = stopped_in_sampling(20000; options...)
    @test all(report -> report.status == :interrupted && report.rows > 0, stopped.chains)
    # Rows that are not there are NaN in the array, and missing in tables and the summary.
    rows = [report.rows for report in stopped.chains]
    @test [count(!isnan, stopped["x.1"][:, chain]) for chain in 1:4] == rows
    @test length(Catena.columns(stopped).draw) == sum(rows)
    @test Catena.summarize(stopped)["x.1"].mean ≈ sum(stopped["x.1"][1:minimum(rows), :]) / 4minimum(rows)
    @test Catena.resume(MODEL, stopped).values == whole.values
    # Bytes from a file, of a chain that goes on by itself.
    path = joinpath(mktempdir(), "chain")
    write(path, stopped.checkpoints[2])
    alone = Catena.sample(MODEL, 20000; options..., chains = 1, chain_id = 2, checkpoints = [read(path)])
    @test alone.values[:, 1, :] == whole.values[rows[2]+1:end, 2, :]
    # Stopped by the limit of evaluations of each chain, again and again.
    parts = Catena.sample(MODEL, 200; options..., max_evaluations = 300)
    for limit in 1:100
        all(report -> report.status == :ok, parts.chains) && break
        parts = Catena.resume(MODEL, parts; max_evaluations = 300)
    end
    @test parts.values == Catena.sample(MODEL, 200; options...).values
    # More draws of a run that has finished.
    longer = Catena.resume(c_model(:normal), whole, 20100)
    @test longer.values == Catena.sample(MODEL, 20100; options...).values
    # More beyond what was asked for, again and again.
    short = Catena.sample(MODEL, 50; options...)
    longer = Catena.resume(MODEL, Catena.resume(MODEL, short; more = 30); more = 120)
    @test (longer.n, longer.values) == (200, Catena.sample(MODEL, 200; options...).values)
    @test_throws ArgumentError Catena.resume(MODEL, short; more = -1)
    # What doesn't fit.
    @test_throws DimensionMismatch Catena.sample(MODEL, 200; options..., checkpoints = stopped.checkpoints[1:2])
    @test_throws ArgumentError Catena.sample(MODEL, 200; options..., checkpoints = fill("chain", 4))
    @test_throws ArgumentError Catena.sample(MODEL, 200; options..., checkpoints = "chain")
    status(f) = try f(); :none catch exception; exception.status end
    @test status(() -> Catena.resume(MODEL, stopped; seed = 6)) == :checkpoint
    @test status(() -> Catena.sample(MODEL, 200; options..., checkpoints = fill(UInt8[1, 2, 3], 4))) == :checkpoint
    failed = @test_logs (:warn, r"chain two") match_mode = :any Catena.sample(c_model(:one_fails), 10; warmup = 10, seed = 1)
    @test occursin("chain two is not wanted", message_of(() -> Catena.resume(c_model(:one_fails), failed)))
end

@testset "begun where another run ended" begin
    first_run = Catena.sample(MODEL, 50; warmup = 200, seed = 5, chains = 3)
    still = (warmup = 0, seed = 6)
    second = Catena.sample(MODEL, 50; chains = 4, from = first_run, still...)
    for (i, report) in enumerate(second.chains)
        before = first_run.chains[mod1(i, 3)]
        @test (report.stepsize, report.inv_metric) == (before.stepsize, before.inv_metric)
    end
    @test Catena.sample(MODEL, 50; chains = 4, from = first_run.checkpoints, still...).values == second.values
    # The first draw lies near the last one of the run before: the step is short.
    near = Catena.sample(MODEL, 1; chains = 3, from = first_run, stepsize = 1e-6, max_depth = 1, still...)
    @test isapprox(near["x.1"][1, :], first_run["x.1"][end, :]; atol = 1e-4)
    short = Catena.sample(MODEL, 50; chains = 3, from = first_run, seed = 7)
    @test short.options.warmup == 50 && [c.inv_metric for c in short.chains] == [c.inv_metric for c in first_run.chains]
    # It goes on with what it began with.
    part = Catena.sample(MODEL, 50; chains = 3, from = first_run, seed = 7, max_evaluations = 60)
    @test Catena.resume(MODEL, part).values == short.values
    @test_throws ArgumentError Catena.sample(MODEL, 5; from = 3)
    @test_throws ArgumentError Catena.sample(MODEL, 5; from = [UInt8[]])
    @test occursin("argument 'from'", message_of(() -> Catena.sample(FunctionModel(1, (g, x) -> (g[1] = -x[1]; -x[1]^2 / 2)), 5; from = first_run)))
end
