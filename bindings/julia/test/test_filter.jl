# Particle filters: x_1 ~ N(0, 1), x_t ~ N(a x_{t-1}, q), y_t ~ N(x_t, r), in two coordinates that see the same data.

const A, Q, R = 0.9, 0.5, 0.7
const YS = [0.3, -0.8, 1.1, 0.4, -0.2, 0.9]
log_gauss(x, mean, variance) = -0.5 * ((x - mean)^2 / variance + log(2π * variance))

first!(rng, x) = Random.randn!(rng, x)
function step!(rng, x, previous, t)
    Random.randn!(rng, x)
    x .= A .* previous .+ sqrt(Q) .* x
end
weigh!(w, x, previous, t) = w .= vec(sum(log_gauss.(YS[t], x, R); dims = 2))
density!(w, x, previous, t) = w .= vec(sum(log_gauss.(x, A .* previous, Q); dims = 2))

run_filter(; options...) = Catena.particle_filter(first!, step!, weigh!; dimension = 2, times = 6, sets = 20, particles = 300,
                                                  seed = 3, options...)

const KALMAN = let mean = 0.0, variance = 1.0, log_evidence = 0.0, means = Float64[]
    for (t, y) in enumerate(YS)
        t > 1 && ((mean, variance) = (A * mean, A^2 * variance + Q))
        log_evidence += 2 * log_gauss(y, mean, variance + R)
        mean += variance / (variance + R) * (y - mean)
        variance *= R / (variance + R)
        push!(means, mean)
    end
    (log_evidence = log_evidence, means = means, variance = variance)
end

near(filter) = abs(exp(filter.log_evidence - KALMAN.log_evidence) - 1) < 4 * filter.standard_error

@testset "a filter is the Kalman filter" begin
    found = run_filter()
    @test near(found) && found.standard_error < 0.1
    @test size(found.means) == (6, 20, 2)
    error = vec(sum(found.means; dims = (2, 3))) / 40 - KALMAN.means
    @test maximum(abs, error) < 0.05
    @test abs(sum(found.variances[6, :, :]) / 40 - KALMAN.variance) < 0.03
    @test [set.log_evidence for set in found.sets] == found.log_evidences[6, :]
    @test run_filter(sets = 2, init_set_id = 4).means == found.means[:, 4:5, :]
    @test run_filter(callbacks = :caller, threads = 2).means == found.means
    @test run_filter(seed = 4).means != found.means
    @test occursin("20 sets of 300 particles over 6 times", string(found))
    if Catena.POOL_CALLBACKS
        @test run_filter(callbacks = :pool, threads = 3).means == found.means
    end
end

@testset "trajectories, particles and lineages" begin
    found = run_filter(transition_log_density! = density!, trajectories = 50)
    @test size(found.trajectories) == (50, 6, 20, 2)
    @test abs(sum(found.trajectories[:, 6, :, :]) / 2000 - KALMAN.means[6]) < 0.1
    @test all(==(300), found.survivors[6, :]) && all(>=(0), diff(found.survivors; dims = 1))
    last = Catena.particles(found, 3)
    w = exp.(last.log_weights .- maximum(last.log_weights))
    @test vec(sum(w .* last.states; dims = 1)) / sum(w) ≈ found.means[6, 3, :]
    path = Catena.lineage(found, 3, 7)
    @test path[6, :] == last.states[7, :]
    @test path[5, :] == Catena.particles(found, 3; time = 5).states[last.ancestors[7], :]
    @test run_filter(transition_log_density! = density!, trajectories = 50,
                     transition_log_density_bound = -log(2π * Q)).log_evidence == found.log_evidence
    @test_throws ArgumentError Catena.particles(found, 99)
    close(found)
    @test_throws ArgumentError Catena.lineage(found, 3, 7)
end

@testset "guided and auxiliary filters" begin
    ahead(previous) = previous === nothing ? 0.0 : A .* previous
    variance(t) = t > 1 ? Q : 1.0
    function propose!(rng, x, previous, t)
        gain = variance(t) / (variance(t) + R)
        Random.randn!(rng, x)
        x .= ahead(previous) .+ gain .* (YS[t] .- ahead(previous)) .+ sqrt(gain * R) .* x
    end
    promised!(w, x, previous, t) = w .= vec(sum(log_gauss.(YS[t], zero(x) .+ ahead(previous), variance(t) + R); dims = 2))
    guided = run_filter(kind = :guided, propose! = propose!, proposal_log_weight! = promised!)
    @test near(guided) && guided.standard_error < run_filter().standard_error
    @test near(run_filter(kind = :auxiliary, auxiliary_log_weight! = (w, previous, t) -> promised!(w, previous, previous, t)))
    @test occursin("'kind'", message_of(() -> run_filter(kind = :guided)))
    @test_throws ArgumentError run_filter(kind = :bootstrapped)
end

@testset "conditional sweeps" begin
    path = fill(0.25, 6, 2)
    sweep = run_filter(retained = path, sets = 2)
    @test Catena.lineage(sweep, 2, 1) == path
    @test size(Catena.lineage(sweep, 1)) == (6, 2)
    @test_throws DimensionMismatch run_filter(retained = path[2:6, :])
end

@testset "filters that fail" begin
    failing(w, x, previous, t) = t == 3 ? throw(Unwanted(3)) : weigh!(w, x, previous, t)
    failure = try
        Catena.particle_filter(first!, step!, failing; dimension = 2, times = 6, seed = 1)
    catch exception
        @test any(one -> one[1] isa CapturedException && one[1].ex isa Unwanted, Base.catch_stack())
        exception
    end
    @test failure isa CatenaError && failure.set == 1
    @test occursin(r"^set 1: the model stopped at time 3; it says: .*Unwanted", failure.message)
    interrupted(w, x, previous, t) = throw(InterruptException())
    @test_throws InterruptException Catena.particle_filter(first!, step!, interrupted; dimension = 2, times = 6)
    lost!(w, x, previous, t) = t == 3 ? fill!(w, -Inf) : weigh!(w, x, previous, t)
    found = @test_logs (:warn, r"set 1") Catena.particle_filter(first!, step!, lost!; dimension = 2, times = 6, sets = 2)
    @test found.log_evidence == -Inf && all(set -> set.lost && set.times == 3, found.sets)
    @test all(isnan, found.means[4:6, :, :]) && !any(isnan, found.means[1:2, :, :])
    @test_throws CatenaError run_filter(sets = 0)
    # Numbers one by one, and of other shapes, are random too.
    shapes!(rng, x) = (x .= randn(rng, size(x)...); x[1] += randn(rng) + rand(rng) + rand(rng, 1:3))
    @test isfinite(Catena.particle_filter(shapes!, step!, weigh!; dimension = 2, times = 6).log_evidence)
end
