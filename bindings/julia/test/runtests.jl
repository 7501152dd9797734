# Tests of Catena.jl. They need the Catena library (see CATENA_LIB), its header (CATENA_INCLUDE, by default that of this
# repository) and a C compiler (CC, by default cc).
using Catena, Test
import Libdl, Random

# Independent normals with standard deviations 1 and 2 about (1, -2); the same in test/model.c.
const MEAN = [1.0, -2.0]
const SD = [1.0, 2.0]
function normal!(g, x)
    a, b = x[1] - MEAN[1], (x[2] - MEAN[2]) / 2
    g[1] = -a
    g[2] = -b / 2
    -0.5 * (a * a + b * b)
end
const MODEL = FunctionModel(2, normal!)

"Errors beyond so many Monte Carlo standard errors fail a test (seeds are fixed, so they never do by chance alone)."
const BOUND = 4.5

function check_moments(draws, means, sds)
    summary = Catena.summarize(draws)
    for (name, mean, sd) in zip(Catena.parameters(draws), means, sds)
        row = summary[name]
        @test abs(row.mean - mean) < BOUND * row.mcse_mean
        @test abs(row.sd - sd) < BOUND * row.mcse_sd
        @test row.rhat < 1.02
    end
end

message_of(f) =
    try
        f()
        ""
    catch exception
        sprint(showerror, exception)
    end

function signal_self()
    ccall(:kill, Cint, (Cint, Cint), getpid(), 2)
end

@testset "Catena.jl" begin
    include("test_functions.jl")
    include("test_failures.jl")
    include("test_options.jl")
    include("test_engines.jl")
    include("test_c.jl")
    include("test_runs.jl")
    include("test_quantities.jl")
    include("test_gradient.jl")
    include("test_draws.jl")
    include("test_population.jl")
    include("test_filter.jl")
    include("test_smc.jl")
    include("test_approximate.jl")
    include("test_optimize.jl")
    include("test_learn.jl")
    include("test_extensions.jl")
    include("test_bridgestan.jl")
end
