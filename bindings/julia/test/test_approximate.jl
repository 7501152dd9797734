# Pathfinder and variational inference from Julia.

@testset "approximations" begin
    centre, spread = [1.0, -2.0], [0.5, 3.0]
    function gaussian!(gradient, x)
        z = (x .- centre) ./ spread
        gradient .= .-z ./ spread
        -sum(abs2, z) / 2
    end
    model = Catena.FunctionModel(2, gaussian!; names = ["a", "b"])

    @testset "Pathfinder finds a normal" begin
        draws = Catena.pathfinder(model; seed = 3)
        @test draws.names == ["lp_approx__", "lp__", "path__", "a", "b"]
        @test size(draws) == (1000, 1)
        @test draws.khat < 0.7
        @test isapprox(sum(draws["a"]) / 1000, 1; atol = 0.1)
        @test isapprox(sum(draws["b"]) / 1000, -2; atol = 0.6)
        @test draws.positions[1, :] == vec(draws["a"])
        @test [fit.id for fit in draws.fits] == 1:4
        @test all(fit -> fit.converged && isapprox(fit.mean, centre; rtol = 0.1), draws.fits)
        few = Catena.pathfinder(model; seed = 3, num_paths = 2, num_draws = 10, psis_resample = false)
        @test size(few) == (20, 1)
    end

    @testset "variational fits are each by themselves" begin
        draws = Catena.variational(model; seed = 3, chains = 2, output_draws = 500)
        @test size(draws) == (500, 2)
        @test all(fit -> isapprox(fit.mean, centre; atol = 0.2) && isapprox(fit.sd, spread; rtol = 0.1), draws.fits)
        @test draws.at_mean[:, 4] == [fit.mean[1] for fit in draws.fits]
        alone = Catena.variational(model; seed = 3, chain_id = 2, output_draws = 500)
        @test alone["a"][:, 1] == draws["a"][:, 2]
    end

    @testset "a bad path is left out, and all of them are an error" begin
        function cut!(gradient, x)
            gradient .= .-x
            x[1] < -5 ? NaN : -x[1]^2 / 2
        end
        cut = Catena.FunctionModel(1, cut!)
        draws = @test_logs (:warn, r"chain 4") match_mode = :any Catena.pathfinder(cut; seed = 1, init = [[0.5], [1.0], [1.5], [-10.0]])
        @test [fit.failure === nothing for fit in draws.fits] == [true, true, true, false]
        @test_throws Catena.CatenaError Catena.pathfinder(cut; seed = 1, init = [-10.0])
    end
end
