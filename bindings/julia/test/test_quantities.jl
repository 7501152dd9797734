@testset "generated quantities of draws" begin
    model = FunctionModel(2, normal!; outputs = ["sum", "noise"],
                          constrain! = (out, x, rng) -> (out[1] = x[1] + x[2]; out[2] = randn(rng)))
    draws = Catena.sample(MODEL, 500; warmup = 300, seed = 4)
    made = Catena.generate_quantities(model, draws)
    @test keys(made) == Catena.parameters(made) == ["sum", "noise"]
    @test size(made) == (500, 4, 2)
    @test made["sum"] == draws["x.1"] + draws["x.2"]
    @test length(unique(made["noise"])) == 2000
    noise = Catena.summarize(made)["noise"]
    @test abs(noise.mean) < BOUND * noise.mcse_mean
    @test abs(noise.sd - 1) < BOUND * noise.mcse_sd
    # Random numbers depend on seed and id alone.
    @test Catena.generate_quantities(model, draws; threads = 1).values == made.values
    @test Catena.generate_quantities(model, draws; callbacks = :caller).values == made.values
    @test Catena.generate_quantities(model, draws; seed = 5)["noise"] != made["noise"]
    alone = Catena.generate_quantities(model, draws.values[:, 3:3, :], keys(draws); seed = 4, chain_id = 3)
    @test alone.values[:, 1, :] == made.values[:, 3, :]
    @test [report.id for report in alone.chains] == [3]
    if Catena.POOL_CALLBACKS
        @test Catena.generate_quantities(model, draws; callbacks = :pool, threads = 3).values == made.values
    end
    # What there is of a run that was stopped.
    stopped = stopped_in_sampling(20000; warmup = 150, seed = 5)
    some = Catena.generate_quantities(model, stopped)
    @test [report.rows for report in some.chains] == [report.rows for report in stopped.chains]
    @test isequal(some["sum"], stopped["x.1"] + stopped["x.2"])
end

@testset "of a model that says what its parameters are" begin
    four = ["m.1", "m.2", "sum", "noise"]
    model = c_model(:normal; outputs = four, constrain = compiled(:four_outputs), initialize = compiled(:from_outputs),
                    parameter_outputs = 2)
    draws = Catena.sample(model, 200; warmup = 100, seed = 1)
    made = Catena.generate_quantities(model, draws)
    @test keys(made) == ["sum", "noise"]
    @test made["sum"] == draws["sum"]
    # A chain that failed leaves the others their numbers.
    failed = @test_logs (:warn, r"chain two") match_mode = :any begin
        Catena.sample(c_model(:one_fails; outputs = four, constrain = compiled(:four_outputs)), 200; warmup = 100, seed = 1)
    end
    @test Catena.generate_quantities(model, failed).values == made.values[:, [1, 3, 4], :]
    # A row that is refused.
    values = cat([1.0, 1e7, 3.0], [1.0, 2.0, 3.0]; dims = 3)
    refused = Catena.generate_quantities(model, values, ["m.1", "m.2"]; seed = 1)
    @test isequal(refused["sum"], reshape([2.0, NaN, 6.0], 3, 1))
    @test isnan(refused["noise"][2]) && !isnan(refused["noise"][3])
    @test occursin("'m.2'", message_of(() -> Catena.generate_quantities(model, values, ["m.1", "mu"])))
    @test_throws DimensionMismatch Catena.generate_quantities(model, values, ["m.1"])
    # The same in Julia; initial values by name pass through the same function.
    function positions!(x, given)
        @assert haskey(given, :m) && !haskey(given, "absent") && get(given, "absent", 7) == 7
        x .= given["m"]
    end
    by_name = FunctionModel(2, normal!; outputs = four, parameter_outputs = 2, initialize! = positions!,
                            constrain! = (out, x, rng) -> (out[1:2] = x; out[3] = sum(x); out[4] = randn(rng)))
    @test Catena.generate_quantities(by_name, draws)["sum"] == draws["sum"]
    @test Catena.diagnose(by_name; init = (m = [0.25, 0.75],)).values == [0.25, 0.75]
    scalar = FunctionModel(1, (g, x) -> (g[1] = -x[1]; -0.5 * x[1]^2); initialize! = (x, given) -> (x[1] = log(given[:tau])))
    @test Catena.diagnose(scalar; init = (tau = 2.0,)).values == [log(2.0)]
    @test_throws KeyError Catena.diagnose(scalar; init = (sigma = 2.0,))
    transformed = c_model(:normal; outputs = four, constrain = compiled(:four_outputs), initialize = compiled(:from_outputs),
                          parameter_outputs = 2, transformed_outputs = 1)
    @test keys(Catena.generate_quantities(transformed, draws)) == ["noise"]
end

@testset "that throw" begin
    throwing = FunctionModel(2, normal!; outputs = ["a"], constrain! = (out, x) -> throw(Unwanted(x[1])))
    draws = Catena.sample(MODEL, 10; warmup = 10, seed = 1)
    @test_throws Unwanted Catena.generate_quantities(throwing, draws)
    @test_throws ArgumentError Catena.generate_quantities(MODEL, zeros(3, 0, 2), ["x.1", "x.2"])
end
