@testset "static HMC" begin
    draws = Catena.sample(MODEL, 2000; seed = 1, engine = :static, int_time = 2)
    @test keys(draws) == ["lp__", "accept_stat__", "stepsize__", "int_time__", "energy__", "x.1", "x.2"]
    @test size(draws) == (2000, 4, 2)
    # Trajectories of whole steps: at most a step shorter than what was asked for.
    @test all(2 .- draws["stepsize__"] .< draws["int_time__"] .<= 2)
    check_moments(draws, MEAN, SD)
    @test Catena.summarize(draws).saturated == -1
end

@testset "fixed parameters" begin
    model = FunctionModel(1, (g, x) -> (g[1] = -x[1]; -0.5 * x[1]^2); outputs = ["place", "noise"],
                          constrain! = (out, x, rng) -> (out[1] = x[1]; out[2] = randn(rng)))
    draws = Catena.sample(model, 1000; seed = 1, engine = :fixed_param, init = [0.5], save_warmup = true)
    @test keys(draws) == ["lp__", "accept_stat__", "place", "noise"]
    @test all(==(0.5), draws["place"])
    @test length(unique(draws["noise"])) == 4000
    noise = Catena.summarize(draws)["noise"]
    @test abs(noise.mean) < BOUND * noise.mcse_mean
    @test abs(noise.sd - 1) < BOUND * noise.mcse_sd
    @test size(draws.warmup, 1) == 0
    @test_throws CatenaError Catena.sample(model, 10; engine = :fixed_param, inv_metric = [1.0])
end

@testset "an engine that there is not" begin
    @test occursin(":nuts, :static or :fixed_param, got :slice", message_of(() -> Catena.sample(MODEL, 5; engine = :slice)))
end
