# Sets of particles: x ~ N(0, I), y_j ~ N(x_j, 0.5²), whose evidence is known.

const SEEN, NOISE = [1.2, -0.4], 0.5
log_pdf(x, mean, sd) = -0.5 * ((x - mean) / sd)^2 - log(sd) - 0.5 * log(2π)
const EXACT = sum(log_pdf.(SEEN, 0, sqrt(1 + NOISE^2)))

function two!(g, h, x)
    g .= .-x
    h .= (SEEN .- x) ./ NOISE^2
    sum(log_pdf.(x, 0, 1)), sum(log_pdf.(SEEN, x, NOISE))
end
function both!(g, x)
    h = similar(g)
    value = sum(two!(g, h, x))
    g .+= h
    value
end
function data!(g, h, x, count)
    seen, next = (1:2) .<= count, (1:2) .== count + 1
    slope = (SEEN .- x) ./ NOISE^2
    g .= seen .* slope .- x
    h .= next .* slope
    sum(log_pdf.(x, 0, 1)) + sum(seen .* log_pdf.(SEEN, x, NOISE)), log_pdf(SEEN[count+1], x[count+1], NOISE)
end
from_prior!(x, rng) = Random.randn!(rng, x)
conjugate(f! = two!; options...) =
    FunctionModel(2, both!; log_density_parts! = f!, sample_prior! = from_prior!, options...)
smc(model; options...) = Catena.sample_smc(model; num_sets = 12, num_particles = 100, seed = 7, options...)

function check_sets(draws, way = 1)
    @test 1e-4 < draws.standard_error < 0.2
    @test abs(draws.log_evidence - EXACT) < 4 * draws.standard_error
    @test all(set -> set.outcome === :finished && set.rows == 100 && last(set.stages).way == way, draws.sets)
    table = Catena.summarize(draws)
    @test all(abs.(table.mean[2:3] .- SEEN ./ (1 + NOISE^2)) .< 4 .* table.mcse_mean[2:3] .+ 0.02)
end

@testset "the evidence along each path" begin
    draws = smc(conjugate())
    check_sets(draws)
    for kernel in (:nuts, :random_walk, "independent")
        check_sets(smc(conjugate(); kernel = kernel))
    end
    check_sets(smc(conjugate(log_density_data! = data!, data_count = 2)), 2)
    check_sets(smc(FunctionModel(2, both!)))
    check_sets(smc(conjugate(); reference = (mean = [0.5, 0], sd = [1, 0.8])))
    check_sets(smc(conjugate(); path = :reference, reference = (mean = [0.5, 0], cov = [1 0.2; 0.2 1])))
    @test smc(conjugate(); callbacks = :caller, threads = 2).values == draws.values
    if Catena.POOL_CALLBACKS
        @test smc(conjugate(); callbacks = :pool, threads = 2).values == draws.values
    end
    alone = smc(conjugate(); num_sets = 1, init_set_id = 3)
    @test alone.values[:, 1, :] == draws.values[:, 3, :]
end

@testset "weighted draws" begin
    draws = smc(conjugate(); init_set_id = 5, num_sets = 3, num_moves = 0)
    @test draws.names == ["lp__", "log_weight__", "set__", "ancestor__", "x.1", "x.2"]
    @test size(draws) == (100, 3) && Catena.parameters(draws) == ["x.1", "x.2"]
    @test [set.id for set in draws.sets] == 5:7 && draws["set__"][1, :] == 5:7
    @test extrema(draws["ancestor__"]) |> ((a, b),) -> 1 <= a && b <= 100
    w = Catena.weights(draws)
    @test sum(w) ≈ 1 && length(unique(w[:, 1])) > 2
    table = Catena.columns(draws)
    @test keys(table) == (:set, :particle, :ancestor, :log_weight, :lp__, Symbol("x.1"), Symbol("x.2"))
    @test log(sum(exp, table.log_weight) / length(table.log_weight)) ≈ draws.log_evidence
    @test table.lp__[3] ≈ both!(zeros(2), [table[6][3], table[7][3]])
    @test Catena.log_evidence(draws) == (estimate = draws.log_evidence, standard_error = draws.standard_error)
    @test Catena.summarize(draws).mean[2] ≈ sum(w .* draws["x.1"])
    @test occursin(r"log evidence: estimate -?[\d.]+, standard error [\d.]+", sprint(show, MIME("text/plain"), draws))
    @test_throws KeyError draws["y"]
    @test_logs (:info, r"Set 5: stage 1: temperature") match_mode = :any smc(conjugate(); init_set_id = 5, num_sets = 1, refresh = 1)
end

@testset "sets that fail" begin
    drawn = 0
    far!(x, rng) = (drawn += 1; from_prior!(x, rng); drawn == 10 && (x[1] = 1000))
    none!(g, h, x) = x[1] > 100 ? (two!(g, h, x)[1], NaN) : two!(g, h, x)
    broken(f! = none!) = (drawn = 0; FunctionModel(2, both!; log_density_parts! = f!, sample_prior! = far!))
    failure = try smc(broken(); num_sets = 1, callbacks = :caller) catch exception; exception end
    @test failure isa CatenaError && (failure.set, failure.particle, failure.status) == (1, 10, :model)
    @test occursin("set 1, particle 10: expected a finite log likelihood", failure.message)
    draws = @test_logs (:warn, r"set \d, particle") match_mode = :any smc(broken(); num_sets = 3, callbacks = :caller)
    @test count(set -> set.outcome === :failed && set.failure isa CatenaError, draws.sets) == 1
    @test length(Catena.columns(draws).set) == 200
    @test count(==(0), sum(Catena.weights(draws); dims = 1)) == 1
    @test occursin(": failed: set ", sprint(show, MIME("text/plain"), draws))
    check_sets(smc(broken((g, h, x) -> x[1] > 100 ? (0.0, -Inf) : two!(g, h, x)); callbacks = :caller))
    # An exception is thrown as it was.
    @test message_of(() -> smc(conjugate((g, h, x) -> error("as the test wants it")))) == "as the test wants it"
    @test occursin("expected to return two numbers", message_of(() -> smc(conjugate((g, h, x) -> 1.0))))
    @test occursin("changed the length", message_of(() -> smc(FunctionModel(2, both!; log_density_parts! = two!,
                                                                            sample_prior! = (x, rng) -> push!(x, 1)))))
    @test_throws InterruptException smc(conjugate((g, h, x) -> throw(InterruptException())))
end

@testset "options of sets" begin
    @test message_of(() -> smc(conjugate(); num_move = 3)) == "ArgumentError: 'num_move' is not an option; did you mean 'num_moves'?"
    @test occursin("one of nuts", message_of(() -> smc(conjugate(); thin = 2)))
    @test occursin("'threads' here", message_of(() -> smc(conjugate(); num_threads = 2)))
    @test occursin("argument 'kernel'", message_of(() -> smc(conjugate(); kernel = :hcm)))
    @test_throws CatenaError smc(conjugate(); num_particles = 0)
    # Every option at its default, by its name, but for the metric and target: those of chains are others.
    expected = smc(conjugate(); num_sets = 2).values
    others = filter(option -> "smc" in option.services && !(option.name in (:seed, :num_threads, :num_particles, :num_sets, :metric, :delta)),
                    Catena.options())
    @test length(others) > 13
    @test all(option -> smc(conjugate(); num_sets = 2, (option.name => option.default,)...).values == expected, others)
    check_sets(smc(conjugate(); waste_free = true, num_moves = 4))
    @test occursin("log_density_parts and sample_prior", message_of(() -> smc(FunctionModel(2, both!); path = :prior)))
    @test occursin("data_count", message_of(() -> smc(conjugate(; data_count = 2))))
    @test_throws ArgumentError smc(conjugate(); reference = (mean = [0, 0],))
    @test_throws DimensionMismatch smc(conjugate(); reference = (mean = [0.0], sd = [1.0]))
    @test occursin("reference.spread_size", message_of(() -> smc(conjugate(); reference = (mean = [0, 0], sd = [1, 1, 1]))))
end

@testset "compiled functions of sets" begin
    model = c_model(:conjugate; log_density_parts = compiled(:conjugate_parts), sample_prior = compiled(:conjugate_prior))
    check_sets(smc(model))
    Base.exit_on_sigint(false)
    other = run(`sh -c "sleep 1; kill -INT $(getpid())"`; wait = false)
    @test_throws InterruptException smc(model; num_moves = 10^8)
    wait(other)
    calls = 0
    signalling!(g, h, x) = ((calls += 1) == 300 && signal_self(); two!(g, h, x))
    @test_throws InterruptException smc(conjugate(signalling!); num_moves = 10^6, callbacks = :caller)
end

@testset "pages about sets" begin
    found = Catena.sample_smc(MODEL; num_sets = 3, num_particles = 100, seed = 1)
    @test all(isnan(stage.ancestors) || 0 < stage.ancestors <= 100 for stage in found.sets[1].stages)
    file = tempname() * ".html"
    @test Catena.report(found, file; title = "Three sets") == file
    page = read(file, String)
    for part in ("<title>Three sets</title>", "3 sets, ", "300 particles, 2 variables", "id=\"ancestors\"")
        @test occursin(part, page)
    end
    population = Catena.Population(rng -> rand(rng); sets = 2, particles = 20, seed = 1, genealogy = true)
    course = Catena.Course()
    for _ in 1:3
        Catena.note!(course, Catena.resample!(population))
    end
    Catena.report(course, file)
    page = read(file, String)
    @test occursin("2 sets, 3 steps", page) && occursin("id=\"ancestors\"", page)
    @test occursin("steps or particles", message_of(() -> Catena.report(Catena.Course(), file)))
end
