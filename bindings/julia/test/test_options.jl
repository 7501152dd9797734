@testset "initial values" begin
    # A single draw with a tiny fixed step stays where it started.
    stay(model; options...) = Catena.sample(model, 1; warmup = 0, adapt = false, stepsize = 1e-9, max_depth = 1,
                                            seed = 1, options...)
    start(draws) = [draws.values[1, chain, end-1:end] for chain in 1:size(draws, 2)]
    near(a, b) = all(isapprox.(a, b; atol = 1e-6))
    named = FunctionModel(2, normal!; names = ["a", "b.1"])
    @test near(start(stay(MODEL; init = [0.25, 0.75])), fill([0.25, 0.75], 4))
    @test near(start(stay(MODEL; init = [1 2 3 4; 5 6 7 8])), [[1, 5], [2, 6], [3, 7], [4, 8]])
    @test near(start(stay(MODEL; chains = 2, init = [[1, 5], [2, 6]])), [[1, 5], [2, 6]])
    @test near(start(stay(MODEL; chains = 2, chain_id = 3, init = id -> [id, -id])), [[3, -3], [4, -4]])
    @test near(start(stay(named; init = (a = 0.5, b = [1.5]))), fill([0.5, 1.5], 4))
    @test near(start(stay(named; chains = 2, init = [(a = 0.5, b = [1.5]), Dict("a" => 1, "b" => [2])])),
               [[0.5, 1.5], [1, 2]])
    # What is not given is drawn.
    partly = start(stay(named; init = (a = 0.5,)))
    @test all(x -> isapprox(x[1], 0.5; atol = 1e-6) && abs(x[2]) < 2, partly)
    @test length(unique(x[2] for x in partly)) == 4
    @test all(x -> maximum(abs, x) < 0.01, start(stay(MODEL; init_radius = 0.01)))
    @test_throws DimensionMismatch stay(MODEL; init = [[1, 2]])
    @test_throws DimensionMismatch stay(MODEL; init = [1 2; 3 4])
    @test_throws CatenaError stay(MODEL; init = [1.0])
    said(init) = try stay(MODEL; init = init); "" catch exception; sprint(showerror, exception) end
    @test occursin("Dict(pairs...)", said([:a => 0.5, :b => 1.5]))
    @test occursin("Dict(pair)", said(:a => 0.5))
    @test_throws ArgumentError stay(MODEL; init = "here")
end

@testset "JSON" begin
    @test Catena.json((a = 1, b = [1.5, Inf, NaN], c = [1 2; 3 4])) ==
          "{\"a\":1,\"b\":[1.5,\"Inf\",\"NaN\"],\"c\":[[1,2],[3,4]]}"
    @test Catena.json(Dict("q\"\\\n" => true)) == "{\"q\\\"\\\\\\u000a\":1}"
end

@testset "metrics" begin
    for metric in (:unit, :diag, :dense)
        draws = Catena.sample(MODEL, 1000; seed = 4, metric = metric)
        check_moments(draws, MEAN, SD)
        @test length(draws.chains[1].inv_metric) == Dict(:unit => 0, :diag => 2, :dense => 4)[metric]
    end
    fixed = (adapt = false, warmup = 0, seed = 1, chains = 2)
    @test Catena.sample(MODEL, 5; metric = :diag, inv_metric = [2.0, 3.0], fixed...).chains[1].inv_metric == [2, 3]
    @test Catena.sample(MODEL, 5; inv_metric = [2.0, 3.0], fixed...).chains[1].inv_metric == [2, 0, 0, 3]
    @test Catena.sample(MODEL, 5; metric = :diag, inv_metric = [[2, 3], [4, 5]], fixed...).chains[2].inv_metric == [4, 5]
    @test Catena.sample(MODEL, 5; metric = :dense, inv_metric = [2 1; 1 3], fixed...).chains[1].inv_metric == [2, 1, 1, 3]
    @test_throws CatenaError Catena.sample(MODEL, 5; inv_metric = [2.0], fixed...)
    # What a run ended with is what the next one starts from.
    @test Catena.inv_metrics(Catena.sample(MODEL, 5; metric = :unit, warmup = 50, seed = 1)) === nothing
    for metric in (:diag, :dense, :auto)
        found = Catena.inv_metrics(Catena.sample(MODEL, 5; metric = metric, warmup = 200, seed = 1, chains = 2))
        @test size.(found) == fill(metric === :diag ? (2,) : (2, 2), 2)
        @test Catena.inv_metrics(Catena.sample(MODEL, 5; metric = metric, inv_metric = found, fixed...)) == found
    end
    @test_throws ArgumentError Catena.sample(MODEL, 5; metric = :round)
end

@testset "warm-up and thinning" begin
    draws = Catena.sample(MODEL, 100; warmup = 50, thin = 3, save_warmup = true, seed = 1)
    @test size(draws) == (34, 4, 2)
    @test size(draws.warmup, 1) == 17
    all_draws = Catena.sample(MODEL, 100; warmup = 50, seed = 1)
    @test draws["x.1"] == all_draws["x.1"][1:3:end, :]
end

@testset "options that are refused" begin
    @test occursin("delta", message_of(() -> Catena.sample(MODEL, 10; delta = 2)))
    @test occursin("expected an integer of at least 0, got -1", message_of(() -> Catena.sample(MODEL, 10; warmup = -1)))
    @test occursin("not an option", message_of(() -> Catena.sample(MODEL, 10; dleta = 0.9)))
    @test occursin("chains", message_of(() -> Catena.sample(MODEL, 10; chains = 0)))
    @test occursin("FunctionModel(dimension, f!)", message_of(() -> Catena.sample(normal!, 10)))
    @test_throws ArgumentError FunctionModel(2, normal!; names = ["a"])
    @test_throws ArgumentError FunctionModel(2, normal!; outputs = ["a"])
    @test_throws ArgumentError FunctionModel(-1, normal!)
    @test_throws ArgumentError Catena.sample(MODEL, 10; callbacks = :anywhere)
end

@testset "options by name" begin
    known = Catena.options()
    names = [option.name for option in known]
    @test length(names) > 20 && allunique(names)
    @test all(option -> !isempty(option.help) && !isempty(option.range) && !isempty(option.services), known)
    metric = only(option for option in known if option.name === :metric)
    stans(name) = name in (:unit, :diag, :dense) ? string(name, "_e") : string(name)
    @test metric.choices == [stans(name) for name in keys(Catena.METRICS)]
    @test metric.default == "auto"
    # Every option that the library has is taken by its name, here at its default, without a line about it in the package.
    for option in known
        option.keyword === option.name || continue
        any(engine -> string(engine) in option.services, keys(Catena.ENGINES)) || continue
        option.name in (:metric, :seed) && continue
        options = (; option.name => option.default)
        @test size(Catena.sample(MODEL, 3; warmup = 0, chains = 1, seed = 1, options...), 2) == 1
    end
    # The defaults of sample's own keywords are the library's.
    defaults = Catena.sample(MODEL; seed = 1)
    default(name) = parse(Int, only(option.default for option in known if option.name === name))
    @test size(defaults, 1) == default(:num_samples) && size(defaults, 2) == default(:num_chains)
    @test defaults.chains[1].id == default(:init_chain_id)
    @test Catena.sample(MODEL; seed = 1, warmup = default(:num_warmup)).values == defaults.values
    # A preset says what is not given, and what is given wins.
    brief(; options...) = Catena.sample(MODEL, 50; seed = 3, chains = 1, options...)
    stan = brief(preset = :stan)
    @test (stan.options.warmup, stan.options.metric) == (1000, :diag)
    @test stan.values == brief(metric = :diag, warmup = 1000, delta = 0.8).values == brief(metric = :diag).values
    @test brief(preset = :stan, warmup = 70).values == brief(warmup = 70, metric = :diag).values != stan.values
    @test (brief().options.warmup, brief().options.metric) == (200, :auto) && brief().values == brief(preset = :catena).values
    # Numbers, switches and choices.
    short(; options...) = Catena.sample(MODEL, 20; warmup = 20, seed = 1, options...)
    @test short(max_depth = 2, delta = 9 // 10).values == short(max_depth = "2", delta = "0.9").values
    @test short(adapt = false).values != short().values
    @test short(on_failure = :stop_run).values == short().values
    @test short(metric = :auto, warmup_mode = :together).values != short(metric = :auto).values
    @test occursin("argument 'warmup_mode'", message_of(() -> short(warmup_mode = :alone_or_not)))
    @test occursin("did you mean 'delta'?", message_of(() -> short(dleta = 0.9)))
    @test occursin("did you mean 'chains'?", message_of(() -> short(chain = 3)))
    @test occursin("there are ", message_of(() -> short(xyzzy = 3)))
    @test message_of(() -> short(num_chains = 3)) == "ArgumentError: 'num_chains' is called 'chains' here"
    @test occursin("argument 'chain_id': expected at least 1, got 0", message_of(() -> short(chain_id = 0)))
    @test occursin("argument 'thin': expected a whole number of at least 1, got -1", message_of(() -> short(thin = -1)))
    @test occursin("argument 'adapt': expected true (1) or false (0), got 2", message_of(() -> short(adapt = 2)))
    @test occursin("'stop_run'", message_of(() -> short(on_failure = :stop_rum)))
    @test_throws ArgumentError short(thin = [1])
    @test message_of(() -> short(genealogy = true)) ==
          "ArgumentError: 'genealogy' is not an option here; it is one of population"
end

@testset "progress" begin
    io = IOBuffer()
    Catena.sample(MODEL, 100; warmup = 100, seed = 1, progress = io)
    shown = String(take!(io))
    @test occursin(r"^\rCatena: +\d+ % of 4 chains", shown)
    @test occursin(r"100 % of 4 chains, \d+ gradients, 0 divergences *\n$", shown)
end
