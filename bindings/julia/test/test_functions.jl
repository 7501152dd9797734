@testset "a function in two dimensions" begin
    draws = Catena.sample(MODEL, 2000; seed = 1)
    @test size(draws) == (2000, 4, 2)
    @test !any(isnan, draws.values)
    check_moments(draws, MEAN, SD)
    @test [report.id for report in draws.chains] == 1:4
    @test all(report -> 0.1 < report.stepsize < 2 && report.sampling_gradients > 2000 && report.divergences == 0 &&
                        report.delta == 0.7 && length(report.inv_metric) == 4, draws.chains)
end

@testset "evaluation through the library" begin
    value, gradient = Catena.log_density_gradient(MODEL, [2.0, 0.0])
    @test value == -1.0
    @test gradient == [-1.0, -0.5]
    @test Catena.log_density_gradient(FunctionModel(1, (g, x) -> (g[1] = 0; -Inf)), [0]) == (-Inf, [0.0])
    @test_throws DimensionMismatch Catena.log_density_gradient(MODEL, [1.0])
end

@testset "the same bits in one run, in four, and on any number of threads" begin
    whole = Catena.sample(MODEL, 200; warmup = 200, seed = 7)
    for id in 1:4
        alone = Catena.sample(MODEL, 200; warmup = 200, seed = 7, chains = 1, chain_id = id, threads = 1)
        @test alone.values[:, 1, :] == whole.values[:, id, :]
    end
    @test Catena.sample(MODEL, 200; warmup = 200, seed = 7, threads = 3).values == whole.values
    @test Catena.sample(MODEL, 200; warmup = 200, seed = 7, callbacks = :caller).values == whole.values
    @test Catena.sample(MODEL, 200; warmup = 200, seed = 8).values != whole.values
    if Catena.POOL_CALLBACKS
        @test Catena.sample(MODEL, 200; warmup = 200, seed = 7, callbacks = :pool, threads = 3).values == whole.values
    else
        @test_throws ArgumentError Catena.sample(MODEL, 200; callbacks = :pool)
    end
end

@testset "callbacks on the thread that called" begin
    threads = Set{Int}()
    tasks = Set{Task}()
    model = FunctionModel(2, function (g, x)
        push!(threads, Threads.threadid())
        push!(tasks, current_task())
        normal!(g, x)
    end)
    Catena.sample(model, 50; warmup = 50, callbacks = :caller, seed = 1)
    @test threads == Set([Threads.threadid()])
    @test tasks == Set([current_task()])
end

@testset "a function that allocates and collects" begin
    count = Ref(0)
    model = FunctionModel(2, function (g, x)
        (count[] += 1) % 500 == 0 && GC.gc()
        garbage = [x .- MEAN for _ in 1:20]
        g .= -garbage[end] ./ SD .^ 2
        -0.5 * sum(abs2, garbage[1] ./ SD)
    end)
    draws = Catena.sample(model, 500; warmup = 300, seed = 3, callbacks = :caller)
    @test count[] > 3200
    check_moments(draws, MEAN, SD)
end

@testset "outputs and their random numbers" begin
    both(out, x) = (out[1] = sum(x); out[2] = x[1])
    function random(out, x, rng)
        out[1] = sum(x)
        out[2] = randn(rng)
        rand(rng, 1:6) in 1:6 && 0 <= rand(rng) < 1 || error("not what was asked for")
    end
    plain = Catena.sample(MODEL, 1000; seed = 5)
    draws = Catena.sample(FunctionModel(2, normal!; outputs = ["sum", "first"], constrain! = both), 1000; seed = 5)
    @test Catena.parameters(draws) == ["sum", "first"]
    @test draws["first"] == plain["x.1"]
    @test draws["sum"] == plain["x.1"] + plain["x.2"]
    noisy = Catena.sample(FunctionModel(2, normal!; outputs = [:sum, :noise], constrain! = random), 1000; seed = 5)
    @test noisy[:sum] == draws["sum"]
    check_moments(noisy, [sum(MEAN), 0.0], [sqrt(sum(abs2, SD)), 1.0])
end

@testset "rejected points" begin
    # A half-normal by refusing the other half: divergences, but no error, and no draw from there.
    model = FunctionModel(1, (g, x) -> (g[1] = -x[1]; x[1] < 0 ? -Inf : -0.5 * x[1]^2))
    draws = Catena.sample(model, 500; warmup = 500, seed = 2)
    @test minimum(draws["x.1"]) >= 0
    @test sum(report.divergences for report in draws.chains) > 0
end
