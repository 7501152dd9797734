# What can be sampled. A model of any kind gives a table for the library by `with_table` (callbacks.jl).

abstract type Model end

strings(::Nothing) = nothing
strings(names) = String[String(string(name)) for name in names]

function check_count(argument, names, count)
    names === nothing || length(names) == count ||
        throw(ArgumentError("argument '$argument': expected $count names, got $(length(names))"))
end

function check_dimension(dimension)
    dimension >= 0 || throw(ArgumentError("argument 'dimension': expected at least 0, got $dimension"))
    Int(dimension)
end

"What a model may have to tell prior and likelihood apart, or `nothing`."
struct PriorFunctions{P,S,D}
    log_density_parts!::P
    sample_prior!::S
    log_density_data!::D
    data_count::Int
end

"""
    FunctionModel(dimension, f!; names, outputs, constrain!, initialize!, parameter_outputs, transformed_outputs,
                  log_density_parts!, sample_prior!, log_density_data!, data_count)
    FunctionModel(f!, dimension; ...)

A model from a Julia function `f!(g, x)`, which returns the log density (up to a constant) at the unconstrained position
`x` and writes all `dimension` partial derivatives to `g`. Both are `Vector{Float64}` that are used again for the next
call: don't keep them. `g` is NaN on entry, so a derivative that was forgotten is noticed.

- A log density of `-Inf` or `NaN` rejects the point. An exception ends the run and is thrown by [`Catena.sample`](@ref).
- `names`: names of the coordinates; `x.1`, `x.2`, ... when not given.
- `outputs`, `constrain!`: names of the quantities to report instead of the coordinates, and a function
  `constrain!(out, x)` that fills in their values, or `constrain!(out, x, rng)`, where `rng` is an `AbstractRNG` of the
  chain's own: drawing from it never changes the draws of the position.
- `initialize!`: a function `initialize!(x, given)` that fills the position from values by name (`init` of
  [`Catena.sample`](@ref), rows of [`Catena.generate_quantities`](@ref)): `given["theta"]` is a number or an array,
  `haskey(given, "theta")` says whether it is given. Entries left NaN are drawn. Without it values are looked up by the names
  of the coordinates.
- `parameter_outputs`: how many of the outputs, the first ones, are the parameters that `initialize!` reads, and
  `transformed_outputs`: how many after them are functions of these alone; the others are generated quantities.

For [`Catena.sample_smc`](@ref), which begins at the prior where there are these:

- `log_density_parts!(g, h, x)` returns the log prior and the log likelihood, whose sum is the log density, and writes their
  gradients to `g` and `h`; `sample_prior!(x, rng)` draws a position from the prior.
- `log_density_data!(g, h, x, count)` returns the log prior plus the log likelihood of the first `count` data, and the log
  likelihood of the datum after them, with the gradients of both, for data one after the other; `data_count` is their number.

On Julia 1.9 or later with several threads, the functions are called from several threads at once, also from threads
that Julia did not start; they must not write to anything shared (see `callbacks` of [`Catena.sample`](@ref)). Otherwise
they are only called on the thread that called `sample`.
"""
struct FunctionModel{F,C,I,P<:PriorFunctions} <: Model
    dimension::Int
    f!::F
    names::Union{Nothing,Vector{String}}
    outputs::Union{Nothing,Vector{String}}
    constrain!::C
    initialize!::I
    parameter_outputs::Int
    transformed_outputs::Int
    prior::P
    function FunctionModel(dimension::Integer, f!; names = nothing, outputs = nothing, constrain! = nothing,
                           initialize! = nothing, parameter_outputs::Integer = 0, transformed_outputs::Integer = 0,
                           log_density_parts! = nothing, sample_prior! = nothing, log_density_data! = nothing,
                           data_count::Integer = 0)
        check_count("names", names, check_dimension(dimension))
        (outputs === nothing) == (constrain! === nothing) ||
            throw(ArgumentError("arguments 'outputs' and 'constrain!': expected both or neither"))
        prior = PriorFunctions(log_density_parts!, sample_prior!, log_density_data!, data_count)
        new{typeof(f!),typeof(constrain!),typeof(initialize!),typeof(prior)}(
            dimension, f!, strings(names), strings(outputs), constrain!, initialize!, parameter_outputs, transformed_outputs,
            prior)
    end
end

FunctionModel(f!, dimension::Integer; options...) = FunctionModel(dimension, f!; options...)
FunctionModel(::Integer, ::Integer; options...) =
    throw(ArgumentError("argument 'f!': expected a function, got a number"))

"""
    CModel(dimension, log_density_gradient; user, log_density, names, outputs, constrain, initialize,
           worker_new, worker_free, parameter_outputs, transformed_outputs, log_density_parts,
           log_density_parts_batch, sample_prior, log_density_data, data_count, keep)

A model from pointers to compiled functions (`Ptr{Cvoid}`, by `Libdl.dlsym` or `@cfunction`) with the signatures of
`catena_density` in catena.h; `user` is passed to all of them. They are called from any thread, several at once, on every
version of Julia, so a pointer that leads back into Julia needs Julia 1.9 or later. `keep` is any Julia object to be kept
alive with the model, for instance the array that `user` points to.
"""
struct CModel <: Model
    dimension::Int
    log_density_gradient::Ptr{Cvoid}
    user::Ptr{Cvoid}
    log_density::Ptr{Cvoid}
    names::Union{Nothing,Vector{String}}
    outputs::Union{Nothing,Vector{String}}
    constrain::Ptr{Cvoid}
    initialize::Ptr{Cvoid}
    worker_new::Ptr{Cvoid}
    worker_free::Ptr{Cvoid}
    parameter_outputs::Int
    transformed_outputs::Int
    log_density_parts::Ptr{Cvoid}
    log_density_parts_batch::Ptr{Cvoid}
    sample_prior::Ptr{Cvoid}
    log_density_data::Ptr{Cvoid}
    data_count::Int
    keep::Any
end

function CModel(dimension::Integer, log_density_gradient::Ptr{Cvoid}; user::Ptr = C_NULL,
                log_density::Ptr{Cvoid} = C_NULL, names = nothing, outputs = nothing, constrain::Ptr{Cvoid} = C_NULL,
                initialize::Ptr{Cvoid} = C_NULL, worker_new::Ptr{Cvoid} = C_NULL, worker_free::Ptr{Cvoid} = C_NULL,
                parameter_outputs::Integer = 0, transformed_outputs::Integer = 0,
                log_density_parts::Ptr{Cvoid} = C_NULL, log_density_parts_batch::Ptr{Cvoid} = C_NULL,
                sample_prior::Ptr{Cvoid} = C_NULL, log_density_data::Ptr{Cvoid} = C_NULL, data_count::Integer = 0,
                keep = nothing)
    check_count("names", names, check_dimension(dimension))
    CModel(dimension, log_density_gradient, Ptr{Cvoid}(user), log_density, strings(names), strings(outputs), constrain,
           initialize, worker_new, worker_free, parameter_outputs, transformed_outputs, log_density_parts,
           log_density_parts_batch, sample_prior, log_density_data, data_count, keep)
end

"""
    BridgeStanModel(library; data = "", seed = 0)

A Stan program compiled by BridgeStan into the shared library at path `library`. `data` is a JSON text, the path of a file
that ends in .json, or a `NamedTuple` or `AbstractDict` of numbers and arrays; `seed` is for random numbers in the
transformed data block.
"""
mutable struct BridgeStanModel <: Model
    handle::Ptr{Cvoid}
    function BridgeStanModel(library::AbstractString; data = "", seed::Integer = 0)
        text = data isa AbstractString ? String(data) : json(data)
        loaded = Ref(table(DensityTable))
        checked(e -> ccall(symbol(:catena_density_from_bridgestan), Int32,
                           (Cstring, Cstring, UInt32, Ptr{DensityTable}, Ptr{Ptr{Cvoid}}),
                           library, text, seed, loaded, e))
        out = Ref{Ptr{Cvoid}}(C_NULL)
        # The library releases the program where no model comes of it.
        checked(e -> ccall(symbol(:catena_model_new), Int32, (Ptr{DensityTable}, Ptr{Ptr{Cvoid}}, Ptr{Ptr{Cvoid}}),
                           loaded, out, e))
        finalizer(m -> ccall(symbol(:catena_model_free), Cvoid, (Ptr{Cvoid},), m.handle), new(out[]))
    end
end

"""
Functions that turn an object of a foreign type into a [`Model`](@ref), or return `nothing` when they don't know it.
Package extensions add theirs.
"""
const ADAPTERS = Any[]

as_model(model::Model) = model

function as_model(object)
    for adapter in ADAPTERS
        model = Base.invokelatest(adapter, object)
        model === nothing || return model::Model
    end
    throw(ArgumentError(string(
        "argument 'model': expected a FunctionModel, a CModel, a BridgeStanModel or, on Julia 1.9 or later with that ",
        "package loaded, an object of LogDensityProblems, got a ", typeof(object),
        object isa Function ? "; for a function say how many coordinates it has: FunctionModel(dimension, f!)" : "")))
end
