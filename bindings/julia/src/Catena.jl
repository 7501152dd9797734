"""
Many Markov chains in one process over one shared model: adaptive NUTS, or static HMC, by the Catena library.

[`Catena.sample`](@ref) runs the chains over a [`FunctionModel`](@ref) (a Julia function), a [`CModel`](@ref) (pointers to
compiled functions), a [`BridgeStanModel`](@ref) (a compiled Stan program) or, from Julia 1.9, any object that implements
LogDensityProblems. It returns [`Catena.Draws`](@ref).

The shared library is found by the environment variable `CATENA_LIB` (its path, or its folder), else where the system's
loader looks, else by `pkg-config`.
"""
module Catena

import Libdl
import Random
import Serialization

export FunctionModel, CModel, BridgeStanModel, CatenaError

include("library.jl")
include("abi.jl")
include("models.jl")
include("given.jl")
include("callbacks.jl")
include("parts.jl")
include("options.jl")
include("inits.jl")
include("density.jl")
include("draws.jl")
include("files.jl")
include("results.jl")
include("waiting.jl")
include("handle.jl")
include("run.jl")
include("checkpoints.jl")
include("quantities.jl")
include("gradient.jl")
include("traces.jl")
include("calls.jl")
include("population.jl")
include("ranks.jl")
include("questions.jl")
include("filter.jl")
include("service.jl")
include("smc.jl")
include("optimize.jl")
include("approximate.jl")
include("likelihood.jl")
include("updater.jl")
include("saved.jl")
include("estimates.jl")
include("design.jl")
include("course.jl")
include("pictures.jl")

end
