# Modes, and normal distributions at them, from Julia.

@testset "modes" begin
    centre, spread = [1.0, -2.0], [0.5, 3.0]
    function gaussian!(gradient, x)
        z = (x .- centre) ./ spread
        gradient .= .-z ./ spread
        -sum(abs2, z) / 2
    end
    model = Catena.FunctionModel(2, gaussian!; names = ["a", "b"])

    @testset "every algorithm finds a mode" begin
        for algorithm in (:lbfgs, :bfgs, :newton)
            found = Catena.optimize(model; algorithm, seed = 3)
            @test isapprox([found["a"], found["b"]], centre; atol = 1e-6)
            @test found.best.failure === nothing && length(found.modes) == 1
        end
    end

    @testset "many starts tell of all modes" begin
        function wells!(gradient, x)
            gradient[1] = -(x[1]^2 - 9) * x[1] + 0.1
            -(x[1]^2 - 9)^2 / 4 + x[1] / 10
        end
        found = Catena.optimize(Catena.FunctionModel(1, wells!); num_starts = 16, seed = 1)
        @test length(found.modes) == 2 && sum(mode.found for mode in found.modes) == 16
        @test found.best.position[1] > 2.9
        @test occursin("16 of 16 starts converged", sprint(show, found))
    end

    @testset "an end that is no mode is an error" begin
        function endless!(gradient, x)
            gradient[1] = 1.0
            x[1]
        end
        failure = try
            Catena.optimize(Catena.FunctionModel(1, endless!); max_iterations = 20, seed = 1)
        catch error
            error
        end
        @test failure isa Catena.CatenaError && occursin("start 1, iteration 20", failure.message)
    end

    @testset "draws at a mode are those of a normal" begin
        for mode in (nothing, Catena.optimize(model; seed = 3))
            draws = Catena.laplace(model; mode, laplace_draws = 400, seed = 3)
            @test draws.names == ["log_p__", "log_q__", "a", "b"] && size(draws) == (400, 1)
            @test isapprox(draws.fits[1].sd, spread; rtol = 1e-8)
            difference = draws["log_p__"] .- draws["log_q__"]
            @test maximum(difference) - minimum(difference) < 1e-9
        end
    end
end
