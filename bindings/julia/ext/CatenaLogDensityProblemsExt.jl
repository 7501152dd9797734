# Any object that implements LogDensityProblems with gradients is a model.
module CatenaLogDensityProblemsExt

import Catena
import LogDensityProblems

function adapt(object)
    capabilities = LogDensityProblems.capabilities(object)
    capabilities === nothing && return nothing
    capabilities >= LogDensityProblems.LogDensityOrder{1}() || throw(ArgumentError(
        "argument 'model': expected a log density with a gradient (wrap it with LogDensityProblemsAD), got $capabilities"))
    Catena.FunctionModel(LogDensityProblems.dimension(object), function (g, x)
        # A copy, because an implementation may keep its argument.
        log_density, gradient = LogDensityProblems.logdensity_and_gradient(object, copy(x))
        copyto!(g, gradient)
        log_density
    end)
end

__init__() = push!(Catena.ADAPTERS, adapt)

end
