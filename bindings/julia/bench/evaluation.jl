# What an evaluation of a Julia function costs through the library, against a direct call: the ratio and the extra ns.
#
# - Points: many points in one call of `catena_model_log_density`, so the callback alone.
# - Runs: the time per gradient of whole runs whose evaluations all come to the calling thread, against that of the same
#   model compiled from C (test/model.c) on one pool thread, with the same draws. What is beyond C and the difference of
#   the two functions is the way to the calling thread and back, the callback included.
#
# Each number is the best of some repeats. Needs what the tests need (a C compiler, CATENA_LIB).
#
#   julia --project=bindings/julia bindings/julia/bench/evaluation.jl
using Catena
import Libdl

const REPEATS = 7
const POINTS = 100_000
const DRAWS = 20_000

"Two independent normals: as little work as a model can do."
const MEAN = [1.0, -2.0]
function normal!(g, x)
    a, b = x[1] - MEAN[1], (x[2] - MEAN[2]) / 2
    g[1] = -a
    g[2] = -b / 2
    -0.5 * (a * a + b * b)
end

"The eight schools (Rubin 1981): ten coordinates, an exponential and a logarithm."
const EFFECTS = (28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0)
const ERRORS = (15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0)
function schools!(g, x)
    mu, tau = x[9], exp(x[10])
    u = tau / 5
    log_density = -mu^2 / 50 - log1p(u^2) + x[10]
    g[9] = -mu / 25
    g[10] = 1 - 2u^2 / (1 + u^2)
    for j in 1:8
        r = (EFFECTS[j] - mu - tau * x[j]) / ERRORS[j]
        d = r / ERRORS[j]
        log_density -= (x[j]^2 + r^2) / 2
        g[j] = tau * d - x[j]
        g[9] += d
        g[10] += tau * x[j] * d
    end
    log_density
end

"Least nanoseconds per unit of `f()`, which returns how many units of work it did."
function best(f)
    f()
    minimum(1:REPEATS) do _
        start = time_ns()
        units = f()
        (time_ns() - start) / units
    end
end

function direct_cost(f!, positions)
    g, x, total = zeros(size(positions, 1)), zeros(size(positions, 1)), Ref(0.0)
    cost = best() do
        for i in axes(positions, 2)
            copyto!(x, 1, positions, (i - 1) * length(x) + 1, length(x))
            total[] += f!(g, x)
        end
        size(positions, 2)
    end
    # The sum is used, so that no compiler leaves the calls out.
    isfinite(total[]) ? cost : NaN
end

function library_cost(f!, positions)
    dimension, points = size(positions)
    model = FunctionModel(dimension, f!)
    values, gradients = zeros(points), zeros(dimension, points)
    Catena.with_handles() do handles
        session = Catena.session_of(model, true)
        GC.@preserve model session begin
            handle = Catena.new_model(handles, model, session)
            # As in Catena.sample, where the callback alone lets Ctrl-C in.
            disable_sigint() do
                best() do
                    Catena.checked(e -> ccall(Catena.symbol(:catena_model_log_density), Int32,
                                              (Ptr{Cvoid}, Csize_t, Ptr{Float64}, Ptr{Float64}, Ptr{Float64}, Ptr{Cint},
                                               Ptr{Ptr{Cvoid}}),
                                              handle, points, positions, values, gradients, C_NULL, e))
                    points
                end
            end
        end
    end
end

"Nanoseconds per gradient of whole runs."
run_cost(model; options...) = best() do
    draws = Catena.sample(model, DRAWS; seed = 1, progress = false, options...)
    sum(chain.warmup_gradients + chain.sampling_gradients for chain in draws.chains)
end

show_ns(ns) = string(round(ns; digits = 1), " ns")

function show_costs(what, base, base_cost, cost)
    println(rpad(what, 34), base, lpad(show_ns(base_cost), 10), ", through the library", lpad(show_ns(cost), 10),
            ": ratio ", round(cost / base_cost; digits = 2), ", extra ", show_ns(cost - base_cost))
end

println("Julia ", VERSION, ", Catena ", Catena.library_version())
for (name, f!, dimension) in (("two normals", normal!, 2), ("eight schools", schools!, 10))
    positions = [sin(i + 0.1j) for i in 1:dimension, j in 1:POINTS]
    show_costs("points, $name:", "direct", direct_cost(f!, positions), library_cost(f!, positions))
end

const INCLUDE = get(ENV, "CATENA_INCLUDE", joinpath(@__DIR__, "..", "..", "..", "include"))
const SOURCE = joinpath(@__DIR__, "..", "test", "model.c")
const COMPILED = joinpath(mktempdir(), "model." * Libdl.dlext)
run(`$(get(ENV, "CC", "cc")) -O2 -shared -fPIC -I$INCLUDE $SOURCE $(Libdl.dlpath(Catena.library())) -o $COMPILED`)
const IN_C = CModel(2, Libdl.dlsym(Libdl.dlopen(COMPILED), :normal); user = pointer(MEAN), keep = MEAN)

for chains in (1, 4, 16), threads in (1, 2)
    show_costs("runs, chains $chains, pool threads $threads:", "in C  ",
               run_cost(IN_C; chains = chains, threads = 1),
               run_cost(FunctionModel(2, normal!); chains = chains, threads = threads, callbacks = :caller))
end
