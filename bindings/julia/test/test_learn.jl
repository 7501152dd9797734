# Sequential learning and design: a coin thrown several times, whose bias is the parameter.

const HEADS = [3, 2, 4, 1, 3, 2, 3, 5]
const THROWS = [5, 5, 6, 3, 4, 3, 5, 7]

function coin!(out, outcomes, models, experiments)
    for (e, n) in enumerate(experiments.throws), (o, k) in enumerate(outcomes)
        out[:, o, e] .= binomial(Int(n), Int(k)) .* view(models, :, 1) .^ k .* (1 .- view(models, :, 1)) .^ (n - k)
    end
end
coin(f! = coin!; options...) = Catena.Likelihood(f!; parameters = ["bias"], fields = [:throws => :integer],
    domain = experiment -> 0:experiment.throws, are_valid! = (valid, models) -> valid .= 0 .< models[:, 1] .< 1,
    score! = function (out, outcomes, models, experiments)
        for (e, n) in enumerate(experiments.throws), (o, k) in enumerate(outcomes)
            out[:, 1, o, e] .= k ./ models[:, 1] .- (n - k) ./ (1 .- models[:, 1])
        end
    end, options...)
new_updater(likelihood = coin(); sets = 4, models = 2000, seed = 3, options...) =
    Catena.Updater(likelihood, Catena.UniformPrior(0, 1); sets = sets, models = models, seed = seed, options...)

@testset "an updater has the exact posterior, and goes on with the same bits" begin
    # 23 heads of 38 throws, uniform prior: Beta(24, 16).
    u = new_updater()
    Catena.batch_update!(u, HEADS[1:4], THROWS[1:4]; resample_interval = 2)
    v = Catena.load(Catena.save(u))
    for w in (u, v), i in 5:8
        Catena.update!(w, HEADS[i], (throws = THROWS[i],))
    end
    @test Catena.models(u, 3) == Catena.models(v, 3) && Catena.weights(u, 3) == Catena.weights(v, 3)
    bias = Catena.means(u)[1]
    @test abs(bias.mean - 0.6) < 5 * bias.standard_error < 0.025
    @test bias.name == "bias" && abs(bias.sd / sqrt(0.24 / 41) - 1) < 0.05
    same = Catena.mean(first, u)
    @test same.mean ≈ bias.mean && same.standard_error ≈ bias.standard_error
    @test abs(Catena.mean(u, 2)[1] - 0.6) < 0.02 && abs(Catena.covariance(u, 2)[1] / (0.24 / 41) - 1) < 0.15
    # The log of the beta function of whole numbers.
    log_factorial(n) = sum(log, 1:n)
    exact = sum(log(binomial(n, k)) for (n, k) in zip(THROWS, HEADS)) + log_factorial(23) + log_factorial(15) - log_factorial(39)
    both = Catena.log_likelihood(u)
    @test abs(both.estimate - exact) < 5 * both.standard_error
    sets = Catena.sets(u)
    @test [set.id for set in sets] == 1:4
    @test all(set -> set.resamples > 0 && set.least_ess < 1000 && set.lost == 0 && set.entropy > 6, sets)
    @test all(set -> sum(Catena.log_normalizations(u, set.id)) ≈ set.log_likelihood, sets)
    @test [datum.outcome for datum in Catena.records(u)] == HEADS && Catena.records(u)[2].experiment == (throws = 5.0,)
    @test occursin("4 sets of 2000 models after 8 data, bias 0.", string(u))
    for options in ((callbacks = :caller, threads = 2), (callbacks = Catena.POOL_CALLBACKS ? :pool : :auto, threads = 3))
        w = new_updater(; options...)
        Catena.batch_update!(w, HEADS[1:4], THROWS[1:4]; resample_interval = 2)
        foreach(i -> Catena.update!(w, HEADS[i], THROWS[i]), 5:8)
        @test Catena.models(w, 3) == Catena.models(u, 3)
    end
    close(u)
    @test_throws ArgumentError Catena.means(u)
    @test string(u) == "Catena.Updater: closed"
end

@testset "estimates" begin
    u = Catena.batch_update!(new_updater(divergences = true), HEADS, THROWS)
    beta(p) = p^23 * (1 - p)^15 * exp(sum(log, 1:39) - sum(log, 1:23) - sum(log, 1:15))
    at = [0.2, 0.6, 0.99]
    @test length(Catena.divergences(u, 2)) == Catena.sets(u)[2].resamples
    @test sum(Catena.histogram(u, "bias", [0, 0.5, 1])) ≈ 2
    @test all(abs.(Catena.density(u, :bias, at) .- beta.(at)) .< 0.5)
    @test Catena.density(u, :bias, at) ≈ sum(Catena.density(u, :bias, at; set = i) for i in 1:4) / 4
    densest = Catena.densest(u, 1; level = 0.9)
    @test 1000 < count(densest) < 1980
    ends = Catena.hull(u, 1; level = 0.9)
    @test extrema(Catena.models(u, 1)[densest, 1]) == extrema(ends)
    @test Catena.hull_contains(u, 1, at; level = 0.9) == [false, true, false]
    round = Catena.ellipsoid(u, 1; level = 0.9)
    @test abs(round.centre[1] - sum(ends) / 2) < 1e-3
    # n / (p (1 - p)) is what n throws inform of p; its mean under Beta(24, 16) is n 39 38 / (23 15).
    information = Catena.fisher_information(u, 1, (throws = [5, 10],))
    @test size(information) == (1, 1, 2)
    @test all(abs.(vec(information) ./ ([5, 10] .* (39 * 38 / (23 * 15))) .- 1) .< 0.03)
    @test Catena.bayesian_bound(12, information)[1] ≈ 1 / (12 + sum(information))
    after = Catena.hypothetical_update(u, 2, 0:1, [1, 2])
    @test size(after.weights) == (2000, 2, 2) && all(sum(after.weights; dims = 1) .≈ 1)
    @test sum(exp.(after.log_normalizations[:, 1])) ≈ 1
    @test Catena.likelihood(u, 0:1, [0.25, 0.5, 0.75], [1, 2])[3, 1, 2] ≈ 0.0625
    drawn = Catena.simulate(u, [0.25, 0.5], 3)
    @test size(drawn) == (2, 1) && all(in(0:3), drawn)
    @test Catena.cos_squared([0.0 1.0]) ≈ [1.0 cos(1)^2]
    @test_throws DimensionMismatch Catena.cos_squared!(zeros(2), zeros(3))
end

@testset "models and weights of one's own" begin
    u = Catena.update!(new_updater(), 3, 5)
    calls = 0
    Catena.resample_by!(u) do models, weights, n
        calls += 1
        models[1:500, :], weights[1:500]
    end
    Catena.resample!(u)
    @test calls == 4 && all(set -> set.models == 500, Catena.sets(u))
    Catena.resample_by!((models, weights, n) -> throw(Unwanted(7)), u)
    @test_throws CatenaError Catena.resample!(u)
    Catena.resample_by!(nothing, u)
    Catena.resample!(u, 10)
    @test all(set -> set.models == 10, Catena.sets(u))
    Catena.set_models!(u, 1, [0.2, 0.4, 0.6], [1, 2, 1])
    @test Catena.mean(u, 1)[1] ≈ 0.4
    Catena.set_log_weights!(u, 1, [0, 0, log(2)])
    @test Catena.weights(u, 1) ≈ [0.25, 0.25, 0.5] && length(Catena.log_weights(u, 1)) == 3
    Catena.reset!(u)
    @test isempty(Catena.records(u)) && Catena.sets(u)[1].models == 2000
end

@testset "outcomes of several real numbers, contexts, models that drift, no fields" begin
    moved = Threads.Atomic{Int}(0)
    drift = Catena.Likelihood(
        function (out, outcomes, models, experiments, context)
            experiments === NamedTuple() && context == :shared || error("not what prepare made")
            for o in axes(outcomes, 1)
                out[:, o, 1] .= log_gauss.(outcomes[o, 1], models[:, 1], models[:, 2] .^ 2) .+
                                log_gauss.(outcomes[o, 2], models[:, 1], models[:, 2] .^ 2)
            end
        end;
        parameters = (:mean, :sd), outcome = :real, width = 2, log = true, prepare = experiments -> :shared,
        canonicalize! = models -> (models[:, 2] .= abs.(models[:, 2])),
        simulate! = function (rng, out, models, experiments, context)
            out[:, 1, 1] .= models[:, 1] .+ randn(rng, size(models, 1))
            out[:, 2, 1] .= models[:, 2]
        end,
        update_timestep! = (rng, models, experiment) -> (Threads.atomic_add!(moved, 1); models[:, 1] .+= 0.25),
        experiment_cost! = (costs, experiments) -> costs .= 2)
    u = Catena.Updater(drift, Catena.DrawsPrior([0 -1; 1 -1; 2 -1]); sets = 4, models = 300, seed = 3)
    Catena.update!(u, [1.0, 1.0])
    @test moved[] == 4
    heavier = Catena.models(u, 2)[:, 1] .== 1.25
    @test sum(Catena.weights(u, 2)[heavier]) > count(heavier) / 300 > 0.2
    Catena.resample!(u)
    @test minimum(Catena.models(u, 1)[:, 2]) > 0.99
    drawn = Catena.simulate(u, [0 5; 1 6])
    @test size(drawn) == (2, 2, 1) && drawn[:, 2, 1] == [5, 6] && drawn != Catena.simulate(u, [0 5; 1 6])
    @test_throws DimensionMismatch Catena.update!(u, 1)
    @test occursin("real outcomes over mean, sd", string(drift))
    v = Catena.Updater(drift, Catena.ProductPrior(Catena.NormalPrior(0, 4), Catena.NormalPrior([3], [0])); models = 5000, seed = 1)
    @test abs(Catena.covariance(v)[1, 1] - 4) < 0.4 && all(==(3), Catena.models(v, 1)[:, 2])
    draws = Catena.sample(MODEL, 50; warmup = 50, seed = 1)
    from_draws = Catena.Updater(drift, Catena.DrawsPrior(draws, ["x.1", "x.2"]); seed = 1)
    @test all(in(vec(draws["x.2"])), Catena.models(from_draws, 1)[:, 2])
end

function precession!(out, outcomes, models, experiments)
    for e in eachindex(experiments.t)
        zero = Catena.cos_squared((models[:, 1] .- experiments.inverted[e]) .* (experiments.t[e] / 2))
        for (o, k) in enumerate(outcomes)
            out[:, o, e] .= k == 0 ? zero : 1 .- zero
        end
    end
end
const PRECESSION = Catena.Likelihood(precession!; parameters = (:omega,), fields = (:t, :inverted))

@testset "designs" begin
    u = new_updater(PRECESSION; models = 1000, a = 0.99)
    worth = Catena.worth(u, (t = [0, 1, 3], inverted = 0))
    @test worth.gains[1] < 1e-12 && issorted(worth.gains) && issorted(worth.risks; rev = true)
    @test Catena.worth(u, [3 0]; scales = 4).risks[1] ≈ 4 * worth.risks[3]
    @test Catena.design(u, Catena.Best([0 0; 1 0; 3 0])) == (t = 3.0, inverted = 0.0)
    @test Catena.design(u, Catena.Best([0 0; 1 0; 3 0]; criterion = :risk)).t == 3
    @test Catena.design(u, Catena.Sparse(:t; scale = 3, fields = (9, 0.5)), 3) == (t = 3 * 81 / 64, inverted = 0.5)
    @test Catena.sparse_time(3; scale = 3) == 3 * 81 / 64
    guess = Catena.design(u, Catena.Guess(:t; longest = 50, guessed = (inverted = :omega,)))
    @test 1 < guess.t <= 50 && 0 < guess.inverted < 1
    best = Catena.optimize(u, (t = 1, inverted = 0); moves = (t = 0.5,), low = 0, high = 4)
    @test 2 < best.experiment.t <= 4 && best.value > worth.gains[2]
    @test occursin("expected one of t, inverted", message_of(() -> Catena.design(u, Catena.Guess(:time))))

    # The loop: counts of a simulated frequency; the function may look at the updater.
    truth, last = 0.37, 0
    taken = Catena.learn!(u, Catena.Guess(:t; longest = 200, guessed = (inverted = :omega,)), 60) do experiment, k
        last = k
        Catena.simulate(u, truth, experiment)[1]
    end
    omega = Catena.means(u)[1]
    @test taken == last == 60 == length(Catena.records(u))
    @test omega.sd < 0.02 && abs(omega.mean - truth) < 5 * omega.sd
    @test Catena.learn!((experiment, k) -> k < 4 ? 1 : nothing, u, Catena.Sparse(:t), 10) == 3
    @test_throws Unwanted Catena.learn!((experiment, k) -> k < 3 ? 0 : throw(Unwanted(k)), u, Catena.Sparse(:t), 10)
    @test length(Catena.records(u)) == 65
end

@testset "failures leave the updater as it was" begin
    u = Catena.update!(new_updater(), 3, 5)
    before = Catena.log_weights(u, 1)
    @test occursin("one of the 6 outcomes", message_of(() -> Catena.update!(u, 9, 5)))
    @test occursin("1.5 in experiment 1", message_of(() -> Catena.update!(u, 1, 1.5)))
    @test occursin("expected the fields throws, got shots", message_of(() -> Catena.update!(u, 1, (shots = 5,))))
    @test_throws DimensionMismatch Catena.update!(u, 1)
    @test occursin("'set': expected one of 1, 2, 3, 4, got 9", message_of(() -> Catena.models(u, 9)))
    @test occursin("'parameter': expected one of bias", message_of(() -> Catena.density(u, :p, [0.5])))
    @test_throws DimensionMismatch Catena.NormalPrior([0, 0], 1)
    @test_throws CatenaError new_updater(sets = 0)
    @test_throws CatenaError Catena.load(Catena.save(u); model = PRECESSION)
    @test Catena.log_weights(u, 1) == before

    failure = try
        Catena.update!(new_updater(coin((arguments...) -> throw(Unwanted(3)))), 1, 1)
    catch exception
        @test any(one -> one[1] isa CapturedException && one[1].ex isa Unwanted, Base.catch_stack())
        exception
    end
    @test failure isa CatenaError && occursin("it says: ", failure.message)
    wrong(value) = new_updater(coin((out, rest...) -> (out .= value)); models = 3)
    failure = try
        Catena.update!(wrong([0, 0.5, 1.5]), 1, 1)
    catch exception
        exception
    end
    @test failure.set == 1 && failure.particle == 3
    @test occursin("particle 3: outcome 1, model 3, experiment 1: expected a probability from 0 to 1, got 1.5", failure.message)
    @test_throws CatenaError Catena.update!(wrong(0), 1, 1)
    lost = new_updater(coin((out, rest...) -> (out .= 0)); models = 3, zero_weights = :warn)
    @test_logs (:warn, r"no model explains it") match_mode = :any Catena.update!(lost, 1, 1)
    @test all(set -> set.lost == 1, Catena.sets(lost))
    @test_throws InterruptException Catena.update!(new_updater(coin((rest...) -> throw(InterruptException()))), 1, 1)
    self = Ref{Any}(nothing)
    self[] = new_updater(coin((rest...) -> Catena.models(self[], 1)); callbacks = :caller)
    @test occursin("the updater is at work", message_of(() -> Catena.update!(self[], 1, 1)))
end

@testset "pictures" begin
    u = Catena.batch_update!(new_updater(), HEADS, THROWS)
    curve = Catena.marginal(u, :bias; level = 0.9)
    @test abs(sum(curve.density) * (curve.at[2] - curve.at[1]) - 1) < 0.01
    # Of Beta(24, 16), by quadrature.
    low, high = extrema(curve.at[curve.inside])
    @test abs(low - 0.473) < 0.01 && abs(high - 0.725) < 0.01
    @test size(curve.of_sets) == (512, 4) && abs(curve.mean - 0.6) < 0.01 && length(curve.heights) == length(curve.edges) - 1 == 40
    @test_throws ArgumentError Catena.marginal(u, :bias; level = 0)
    three = Catena.Likelihood((out, rest...) -> out .= 0.5; parameters = (:a, :b, :c))
    v = Catena.Updater(three, Catena.NormalPrior([0, 0, 0], [1 0.6 0; 0.6 1 0; 0 0 1]); seed = 1)
    shown = Catena.region(v, (:b, :c); level = 0.9)
    @test size(shown.models) == (1000, 2) && size(shown.ellipse) == (180, 2)
    # The corners are models, and no model of the region is outside of any of their sides.
    h = shown.hull
    inner = shown.models[shown.inside, :]
    side(i) = (h[i, :], h[mod1(i + 1, size(h, 1)), :])
    left(a, b, p) = (b[1] - a[1]) * (p[2] - a[2]) - (b[2] - a[2]) * (p[1] - a[1]) >= -1e-12
    @test all(left(side(i)..., inner[j, :]) for i in 1:size(h, 1), j in 1:size(inner, 1))
    @test maximum(abs, h[:, 1]) < 1.01 * maximum(abs, shown.ellipse[:, 1]) < 1.3 * 2.5
    @test_throws ArgumentError Catena.region(u)
end

@testset "a page as data come" begin
    updater, course, file = new_updater(; models = 300), Catena.Course(), tempname() * ".html"
    Catena.note!(course, updater)
    Catena.note!(course, Catena.update!(updater, 3, 5))
    Catena.report(course, file; title = "A coin", truth = (bias = 0.6,))
    page = read(file, String)
    for part in ("<title>A coin</title>", "4 sets, 1 datum, 1200 models", "\"truth\":0.6")
        @test occursin(part, page)
    end
    @test occursin("'truth'", message_of(() -> Catena.report(course, file; truth = (other = 1,))))
end
