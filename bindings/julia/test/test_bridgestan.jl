# A model with BridgeStan's ABI, written by hand (tests/c/bridgestan), and, where CATENA_BRIDGESTAN_MODEL is the path of a
# Stan program without data that BridgeStan compiled, that one.
const MOCK_SOURCE = joinpath(@__DIR__, "..", "..", "..", "tests", "c", "bridgestan", "mock_model.c")
const MOCK = joinpath(dirname(COMPILED), "mock." * Libdl.dlext)
run(`$(get(ENV, "CC", "cc")) -std=c11 -D_POSIX_C_SOURCE=200809L -O2 -shared -fPIC $MOCK_SOURCE -o $MOCK -lm -lpthread`)

@testset "BridgeStan" begin
    draws = Catena.sample(BridgeStanModel(MOCK; data = "{}"), 1000; seed = 1)
    @test Catena.parameters(draws) == ["mu.1", "mu.2", "sigma", "m.1.1", "m.2.1", "m.1.2", "m.2.2", "m.1.3", "m.2.3",
                                       "tau", "mu_sum", "noise"]
    # mu[i] ~ normal(i, 2), m[i, j] ~ normal(10 i + j, 1)
    summary = Catena.summarize(draws)
    for (name, mean, sd) in (("mu.2", 2, 2), ("m.1.3", 13, 1), ("m.2.1", 21, 1))
        @test abs(summary[name].mean - mean) < BOUND * summary[name].mcse_mean
        @test abs(summary[name].sd - sd) < BOUND * summary[name].mcse_sd
    end
    @test draws["mu_sum"] ≈ draws["mu.1"] + draws["mu.2"]
    @test minimum(draws["tau"] - draws["sigma"]) >= 0

    # Data and initial values by name, on the constrained scale, arrays as Julia has them.
    start = (mu = [1.0, 2.0], sigma = 0.5, m = [11.0 12 13; 21 22 23], tau = 1.5)
    stayed = Catena.sample(BridgeStanModel(MOCK; data = (N = 3, y = [1, 2, 3])), 1; engine = :fixed_param, init = start)
    @test stayed.values[1, 1, 3:12] ≈ [1, 2, 0.5, 11, 21, 12, 22, 13, 23, 1.5]

    @test occursin("missing", message_of(() -> BridgeStanModel(joinpath(mktempdir(), "missing." * Libdl.dlext))))
    @test_throws CatenaError Catena.sample(BridgeStanModel(MOCK; data = "{\"fail\": 1}"), 10; chains = 1)
end

const STAN_PROGRAM = get(ENV, "CATENA_BRIDGESTAN_MODEL", "")
if isempty(STAN_PROGRAM)
    @info "CATENA_BRIDGESTAN_MODEL is not set: the test of a compiled Stan program is skipped"
else
    @testset "a Stan program" begin
        model = BridgeStanModel(STAN_PROGRAM)
        draws = Catena.sample(model, 100; warmup = 200, seed = 1)
        @test draws.values == Catena.sample(model, 100; warmup = 200, seed = 1).values
        @test !any(isnan, draws.values)
    end
end
