# Populations: traces of any kind, the same bits whatever the sets, failures.

log_normal(y, x) = -0.5 * (y - x)^2 - 0.5 * log(2π)
move(rng, x, sd) = (x + sd * randn(rng), 0.0)
observe(rng, x, y) = log_normal(y, x)

"A model by methods, whose traces are mutable."
struct Walks end
mutable struct Walk
    x::Float64
end
Catena.create(::Walks, rng) = Walk(randn(rng))
Catena.copy_trace(::Walks, walk) = Walk(walk.x)
function Catena.apply(::Walks, rng, walk, operation, a)
    operation === :observe && return log_normal(a, walk.x)
    walk.x += a * randn(rng)
    nothing
end
Catena.incorporate(::Walks, rng, walk) = walk.x / 8
Catena.reset_to_prior(::Walks, rng, walk) = Walk(randn(rng))
Catena.weigh(::Walks, rng, walk) = -abs(walk.x)
Catena.diversify(::Walks, rng, walk, by) = [Walk(walk.x + d) => log(0.5) for d in (-by, by)]
Catena.fingerprint(::Walks, walk) = floor(walk.x)

position_of(walk::Walk) = walk.x
position_of(x) = x

"The same by functions, whose traces are numbers."
walkers(; options...) = Catena.Population(randn; apply = (rng, x, operation, a) -> operation === :observe ? log_normal(a, x) :
    (x + a * randn(rng), 0.0), incorporate = (rng, x) -> x / 8, reset_to_prior = (rng, x) -> randn(rng),
    weigh = (rng, x) -> -abs(x), diversify = (rng, x, by) -> [x + d => log(0.5) for d in (-by, by)],
    fingerprint = x -> floor(x), seed = 7, options...)

function go_on!(p)
    Catena.apply!(p, :observe, 0.5)
    Catena.resample!(p; ess_below = 0.9)
    Catena.apply!(p, :move, 0.3)
    Catena.resample!(p, 30; scheme = :multinomial)
    Catena.incorporate!(p)
    Catena.diversify!(p, 0.1)
    Catena.resample!(p, 25; scheme = :ssp)
    Catena.collapse!(p)
    Catena.reset_to_prior!(p, 20)
    Catena.likelihood_weight!(p)
    Catena.resample!(p; scheme = :residual)
    Catena.apply!(p, :move, 1)
    Catena.apply!(p, :observe, -0.3)
end

seen(p) = (Catena.report(position_of, p), [Catena.log_weights(p, set.id) for set in Catena.sets(p)], Catena.sets(p))

@testset "the same bits" begin
    by_functions = go_on!(walkers(sets = 3, particles = 40))
    by_methods = go_on!(Catena.Population(Walks(); seed = 7, sets = 3, particles = 40))
    @test seen(by_functions) == seen(by_methods)
    grown = go_on!(walkers(particles = 40))
    @test Catena.grow!(grown, 2) == 2
    @test seen(grown) == seen(by_functions)
    alone = go_on!(walkers(particles = 40, init_set_id = 3))
    @test Catena.log_weights(alone, 3) == Catena.log_weights(by_functions, 3)
    @test seen(go_on!(walkers(sets = 3, particles = 40, callbacks = :caller, threads = 2))) == seen(by_functions)
    Catena.reinitialize!(grown, 3, 40)
    @test seen(go_on!(grown)) == seen(by_functions)
    Catena.reinitialize!(grown, 3, 40; seed = 8)
    @test seen(go_on!(grown)) != seen(by_functions)
    if Catena.POOL_CALLBACKS
        @test seen(go_on!(walkers(sets = 3, particles = 40, callbacks = :pool, threads = 3))) == seen(by_functions)
    end
end

@testset "saved and gone on with" begin
    p = go_on!(Catena.Population(Walks(); seed = 7, sets = 2, particles = 40))
    bytes = Catena.save(p)
    loaded = Catena.load(bytes)
    @test seen(loaded) == seen(p)
    for q in (p, loaded)
        Catena.grow!(q)
        go_on!(q)
    end
    @test seen(loaded) == seen(p)
    draw(rng, walk) = walk.x + randn(rng)
    @test Catena.sample(draw, loaded) == Catena.sample(draw, p)
    @test Catena.sample(draw, p) != Catena.sample(draw, p)
    @test seen(Catena.load(bytes; model = Walks())) == seen(Catena.load(bytes))
    @test_throws ArgumentError Catena.load(UInt8[1, 2, 3])
    # As bytes of the model's own.
    written = Catena.Population(randn; seed = 1, particles = 3, serialize = (io, x) -> write(io, x),
                                deserialize = io -> read(io, Float64))
    @test seen(Catena.load(Catena.save(written))) == seen(written)
end

@testset "evidence is that of the Kalman filter" begin
    mean, variance, exact = 0.0, 1.0, 0.0
    p = Catena.Population(randn; seed = 11, sets = 200, particles = 50)
    for (t, y) in enumerate([0.3, 1.1, 0.9, -0.4, 0.2, 1.7])
        if t > 1
            variance += 0.64
            Catena.apply!(move, p, 0.8)
        end
        exact -= 0.5 * (log(2π * (variance + 1)) + (y - mean)^2 / (variance + 1))
        mean += variance / (variance + 1) * (y - mean)
        variance /= variance + 1
        Catena.apply!(observe, p, y)
        Catena.resample!(p; ess_below = 0.7)
    end
    found = Catena.log_evidence(p)
    @test 0 < found.standard_error < 0.1
    @test abs(exp(found.estimate - exact) - 1) < 4 * found.standard_error
    @test occursin("200 sets of 50 traces", string(p))
end

@testset "failures" begin
    p = walkers(sets = 3, particles = 10)
    Catena.apply!(observe, p, 0.2)
    before, target = seen(p), Catena.trace(p, 2, 5)
    failing(rng, x) = x == target ? throw(Unwanted(7)) : (99.0, 1.0)
    failure = try
        Catena.apply!(failing, p)
    catch exception
        exception
    end
    @test failure isa CatenaError && failure.status === :model
    @test (failure.set, failure.particle) == (2, 5)
    @test occursin("set 2, trace 5: operation 2: it failed; it says: ", failure.message) && occursin("Unwanted", failure.message)
    @test seen(p) == before
    # The exception itself is the cause.
    causes = try
        Catena.apply!(failing, p)
    catch
        [exception for (exception, _) in Base.catch_stack()]
    end
    @test any(one -> one isa CapturedException && one.ex isa Unwanted, causes)
    @test occursin("expected nothing", message_of(() -> Catena.apply!((rng, x) -> "1", p)))
    @test occursin("below infinity, got NaN", message_of(() -> Catena.apply!((rng, x) -> NaN, p)))
    @test occursin("at work", message_of(() -> Catena.apply!((rng, x) -> Catena.resample!(p), p)))
    @test occursin("3 counts, one per set", message_of(() -> Catena.block_resample!(p, [1, 2])))
    @test_throws ArgumentError Catena.on_trace!(observe, p, 7, 1, 0.0)
    @test_throws ArgumentError Catena.resample!(p; scheme = :sistematic)
    @test_throws CatenaError Catena.genealogy(p, 1)
    @test seen(p) == before
    @test length(p.session.operations) == 1
    @test_throws InterruptException Catena.apply!((rng, x) -> throw(InterruptException()), p)
    @test seen(p) == before
    @test occursin("no function 'weigh'", message_of(() -> Catena.likelihood_weight!(Catena.Population(randn))))
    Catena.apply!((rng, x) -> -Inf, p)
    lost = try Catena.resample!(p) catch exception; exception end
    @test lost.status === :all_lost
end

@testset "traces that are lost" begin
    p = walkers(sets = 2, particles = 10, on_trace_failure = :lose, genealogy = true)
    target = Catena.trace(p, 2, 5)
    @test_logs (:warn, r"set 2, trace 5: operation 1: it failed; it says: .*Unwanted.*; the trace is lost") begin
        Catena.apply!((rng, x) -> x == target ? throw(Unwanted(1)) : nothing, p)
    end
    values = Catena.report(identity, p)
    @test findall(ismissing, values) == [15]
    @test Catena.log_weights(p, 2)[5] == -Inf
    @test_throws ArgumentError Catena.trace(p, 2, 5)
    Catena.resample!(p)
    found = Catena.genealogy(p, 2)
    @test length(found.distinct_ancestors) == 2 && !(5 in found.ancestors) && issubset(found.ancestors, 1:10)
    @test found.coalescence === nothing
end

@testset "sets and weights" begin
    p = walkers(sets = 2, particles = 2)
    Catena.set_log_weights!(p, 1, log.([1, 3]))
    Catena.set_log_weights!(p, 2, log.([2, 2]))
    @test Catena.weights(p, 1) ≈ [0.25, 0.75]
    @test sum(Catena.weights(p)) ≈ 1
    @test Catena.log_evidence(p).estimate ≈ log(2)
    @test [set.ess for set in Catena.sets(p)] ≈ [1.6, 2]
    @test occursin("step 1 was done to some sets", message_of(() -> Catena.grow!(p)))
    @test Catena.on_trace!((rng, x) -> (9.0, 0.5), p, 1, 2) == 0.5
    @test Catena.trace(p, 1, 2) == 9
    @test Catena.for_each!((rng, x) -> 0.0, p; report = x -> x > 8) == [false, true, false, false]
    @test Catena.counts(p) == (operations = 4, copies = 0)
    @test Catena.report(x -> x > 8, p; which = :sets) == [false, false]
    Catena.collapse!(x -> "same", p; map = true)
    @test Catena.report(string, p; which = :distinguished) == ["9.0"]
    Catena.drop!(p; ids = [1])
    Catena.block_resample!(p, [7])
    @test [(set.id, set.traces) for set in Catena.sets(p)] == [(2, 7)]
    @test_throws CatenaError Catena.drop!(p, 1)
    Catena.reinitialize!(p, 2, 3)
    Catena.apply!(move, p, 1.0)
    Catena.forget!(p)
    @test occursin("cleared", message_of(() -> Catena.grow!(p)))
    close(p)
    @test_throws ArgumentError Catena.sets(p)
    @test string(p) == "Catena.Population: closed"
    @test message_of(() -> walkers(genealogie = true)) == "ArgumentError: 'genealogie' is not an option; did you mean 'genealogy'?"
    @test occursin("one of nuts", message_of(() -> walkers(max_depth = 3)))
    @test_throws CatenaError walkers(init_set_id = 0)
end

@testset "traces are let go" begin
    p = Catena.Population(Walks(); seed = 1, sets = 2, particles = 30)
    go_on!(p)
    GC.gc()
    @test count(!isnothing, p.session.boxes) == sum(set.traces for set in Catena.sets(p))
    try Catena.apply!((rng, walk) -> walk.x > 1 ? error("planted") : nothing, p) catch end
    @test count(!isnothing, p.session.boxes) == sum(set.traces for set in Catena.sets(p))
    session = p.session
    close(p)
    @test count(!isnothing, session.boxes) == 0
end

"Sleeps without letting other tasks run, as computing does."
sleep_blocking(seconds) = ccall(:usleep, Cint, (Cuint,), round(Int, 1e6 * seconds))

@testset "progress" begin
    told = Tuple{Int,Int}[]
    p = Catena.Population(rng -> 0.0; sets = 2, particles = 100, seed = 1, progress = (done, total) -> push!(told, (done, total)))
    empty!(told)
    slow(rng, x) = (sleep_blocking(0.001); (x + 1, 0.0))
    Catena.apply!(slow, p)
    @test length(told) > 2 && issorted(first.(told)) && all(one -> one[1] <= one[2] == 200, told)
    # An exception ends the verb, and leaves the population as it was; so it does in one that is loaded.
    # Loading may take long enough to tell of its progress too.
    armed = Ref(false)
    failing = Catena.load(Catena.save(p); progress = (done, total) -> armed[] && total == 200 && done > 20 && throw(Unwanted(3)))
    armed[] = true
    @test_throws Unwanted Catena.apply!(slow, failing)
    @test Catena.report(identity, failing) == ones(200)
end
