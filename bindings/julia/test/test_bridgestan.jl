# CATENA_BRIDGESTAN_MODEL is the path of a Stan program without data that BridgeStan compiled; without it only refusals are
# tested.
if Libdl.dlsym_e(Catena.library(), :catena_density_from_bridgestan) == C_NULL
    @info "the library has no BridgeStan: skipped"
else
    @testset "BridgeStan" begin
        @test_throws CatenaError BridgeStanModel(joinpath(mktempdir(), "missing." * Libdl.dlext))
        path = get(ENV, "CATENA_BRIDGESTAN_MODEL", "")
        if !isempty(path)
            model = BridgeStanModel(path)
            draws = Catena.sample(model, 100; warmup = 200, seed = 1)
            @test draws.values == Catena.sample(model, 100; warmup = 200, seed = 1).values
            @test !any(isnan, draws.values)
        end
    end
end
