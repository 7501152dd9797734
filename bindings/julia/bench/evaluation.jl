# What an evaluation of a Julia function costs beyond the function itself when it is called on the calling thread: the time
# per gradient of whole runs, less that of the same model compiled from C (test/model.c) on one pool thread, and less the
# function's own time. Draws and numbers of gradients are the same in both. Needs what the tests need.
#
#   julia --project=bindings/julia bindings/julia/bench/evaluation.jl
using Catena
import Libdl

const MEAN = [1.0, -2.0]
function normal!(g, x)
    a, b = x[1] - MEAN[1], (x[2] - MEAN[2]) / 2
    g[1] = -a
    g[2] = -b / 2
    -0.5 * (a * a + b * b)
end

const INCLUDE = get(ENV, "CATENA_INCLUDE", joinpath(@__DIR__, "..", "..", "..", "include"))
const SOURCE = joinpath(@__DIR__, "..", "test", "model.c")
const COMPILED = joinpath(mktempdir(), "model." * Libdl.dlext)
run(`$(get(ENV, "CC", "cc")) -O2 -shared -fPIC -I$INCLUDE $SOURCE $(Libdl.dlpath(Catena.library())) -o $COMPILED`)
const FUNCTION = Libdl.dlsym(Libdl.dlopen(COMPILED), :normal)

const REPEATS = 7
const DRAWS = 20_000

"Nanoseconds per gradient of a whole run, the best of some."
function run_cost(model; options...)
    best = Inf
    for _ in 0:REPEATS
        start = time_ns()
        draws = Catena.sample(model, DRAWS; seed = 1, progress = false, options...)
        taken = time_ns() - start
        best = min(best, taken / sum(chain.warmup_gradients + chain.sampling_gradients for chain in draws.chains))
    end
    best
end

function direct_cost(calls)
    g, x, total = zeros(2), [0.5, 0.25], 0.0
    best = Inf
    for _ in 1:REPEATS
        start = time_ns()
        for _ in 1:calls
            total += normal!(g, x)
            x[1] = g[2]
        end
        best = min(best, (time_ns() - start) / calls)
    end
    isfinite(total) ? best : NaN
end

direct_cost(10)
direct = direct_cost(10^6)
println("the function itself: ", round(direct; digits = 1), " ns")
for chains in (1, 4, 16), threads in (1, 2)
    c = run_cost(CModel(2, FUNCTION; user = pointer(MEAN), keep = MEAN); chains = chains, threads = 1)
    julia = run_cost(FunctionModel(2, normal!); chains = chains, threads = threads, callbacks = :caller)
    println(chains, " chains, ", threads, " threads: Julia on the calling thread ", round(Int, julia), " ns per gradient, C on one ",
            "pool thread ", round(Int, c), " ns, beyond the function ", round(Int, julia - c - direct), " ns")
end
