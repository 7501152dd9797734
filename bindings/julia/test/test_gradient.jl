@testset "a gradient against finite differences" begin
    for model in (MODEL, c_model(:normal))
        check = Catena.diagnose(model; seed = 3)
        @test check.failures == 0
        @test all(abs.(check.errors) .< 1e-6)
        @test check.model == -(check.values - MEAN) ./ SD .^ 2
        @test check.errors == check.model - check.finite_differences
        @test all(abs.(check.values) .< 2)
        @test Catena.diagnose(model; seed = 3, init_radius = 0.01).values ≈ check.values / 200
        @test Catena.diagnose(model; seed = 3, chain_id = 2).values != check.values
    end
    wrong = FunctionModel(2, (g, x) -> (value = normal!(g, x); g[2] += 0.5; value); names = ["a", "b"])
    for init in ([0.5, -1], (a = 0.5, b = -1))
        bad = Catena.diagnose(wrong; init = init)
        @test bad.failures == 1
        @test bad.values == [0.5, -1]
        @test bad.log_density == normal!(zeros(2), [0.5, -1])
        @test bad.errors ≈ [0, 0.5] atol = 1e-6
        @test occursin("1 of 2 derivatives are wrong", string(bad))
        @test occursin("finite diff", sprint(show, MIME"text/plain"(), bad))
    end
    @test Catena.diagnose(wrong; threshold = 1).failures == 0
    # A point refused on one side.
    half = FunctionModel(1, (g, x) -> (g[1] = -1; x[1] < 1 ? -Inf : -x[1]))
    edge = Catena.diagnose(half; init = [1.0])
    @test edge.failures == 1 && !isfinite(edge.finite_differences[1])
    @test_throws Unwanted Catena.diagnose(FunctionModel(1, (g, x) -> throw(Unwanted(0))))
    @test occursin("epsilon", message_of(() -> Catena.diagnose(MODEL; epsilon = 0)))
end

@testset "a wrong gradient is found where chains begin, unless nobody wants to know" begin
    wrong = FunctionModel(2, (g, x) -> (value = normal!(g, x); g[2] += 0.5; value); names = ["a", "b"])
    short = (chains = 2, warmup = 20, seed = 1, progress = false)
    words = message_of(() -> Catena.sample(wrong, 5; short...))
    @test occursin("chain 1", words) && occursin("derivative by 'b'", words) && occursin("differences", words)
    @test Catena.sample(wrong, 5; short..., check_gradient = false) isa Catena.Draws
    @test Catena.sample(MODEL, 5; short...).values == Catena.sample(MODEL, 5; short..., check_gradient = false).values
end

@testset "log densities at given positions" begin
    positions = [2.0 1.0 0.5; 0.0 -2.0 3.0]
    for model in (MODEL, c_model(:normal))
        values, gradients = Catena.log_density_gradient(model, positions)
        @test size(gradients) == (2, 3)
        for i in 1:3
            @test Catena.log_density_gradient(model, positions[:, i]) == (values[i], gradients[:, i])
            @test Catena.log_density(model, positions[:, i]) == values[i] == normal!(zeros(2), positions[:, i])
        end
        @test Catena.log_density(model, positions) == values
        @test Catena.log_density(model, zeros(2, 0)) == []
        @test_throws DimensionMismatch Catena.log_density(model, zeros(3, 2))
    end
    calls = Ref(0)
    counted = FunctionModel(1, (g, x) -> (calls[] += 1; g[1] = 0; x[1] > 0 ? NaN : 0.0))
    @test isequal(Catena.log_density(counted, [-1.0 1.0]), [0.0, NaN])
    @test calls[] == 2
end
