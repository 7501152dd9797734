# Likelihoods over outcomes × models × experiments, from functions of whole arrays.

"Kinds of numbers: `catena_number`."
const NUMBERS = (real = Int32(0), integer = Int32(1))

"""
    Catena.Likelihood(likelihood!; parameters, fields = (), options...)

How probable outcomes are under models in experiments, for [`Catena.Updater`](@ref). The functions fill arrays that belong to the
library: don't keep them. `models` is a matrix with a model per row; `outcomes` a vector, or a matrix with an outcome per row where
an outcome has several numbers; `experiments` a `NamedTuple` with a vector per field, and `experiment` one with numbers.

- `likelihood!(out, outcomes, models, experiments)` fills an array of models × outcomes × experiments: probabilities of whole
  outcomes, densities of real ones
- `parameters`: names of a model's parameters; `fields`: names of the fields of an experiment, those of whole numbers as in
  `:throws => :integer`
- `outcome = :integer` or `:real`, `width = 1`: what an outcome is, and how many numbers it has
- `domain`: the outcomes that there can be, or a function of an `experiment` that returns them; where there are none they cannot be
  listed and are simulated. By default whole outcomes are 0 and 1, and real ones cannot be listed
- `log = false`: whether `likelihood!` fills in logarithms, for long records
- `prepare(experiments)`: its value is a further argument of `likelihood!`, `simulate!` and `score!`
- `are_valid!(valid, models)`: which models are possible
- `canonicalize!(models)`: replaces models that resampling has moved by those that stand for them
- `simulate!(rng, out, models, experiments)` draws outcomes, models × experiments, or models × numbers × experiments; by default
  outcomes that can be listed are drawn by their probabilities
- `update_timestep!(rng, models, experiment)`: moves models to what they are after an experiment, as parameters that drift
- `experiment_cost!(costs, experiments)`: what each costs; 1 by default
- `score!(out, outcomes, models, experiments)` fills models × parameters × outcomes × experiments with the gradient of the log
  likelihood, for [`Catena.fisher_information`](@ref)

`randn!(rng, x)` and `rand!(rng, x)` on such columns draw numbers of each model's own.
"""
struct Likelihood
    functions::NamedTuple
    parameters::Vector{String}
    fields::Vector{String}
    kinds::Vector{Int32}
    outcome::Int32
    width::Int
    log::Bool
end

function Likelihood(likelihood!; parameters, fields = (), outcome = :integer, width::Integer = 1, domain = nothing,
                    log::Bool = false, prepare = nothing, are_valid! = nothing, canonicalize! = nothing, simulate! = nothing,
                    update_timestep! = nothing, experiment_cost! = nothing, score! = nothing)
    names = strings(parameters)
    isempty(names) && throw(ArgumentError("argument 'parameters': expected at least one name"))
    width >= 1 || throw(ArgumentError("argument 'width': expected at least 1, got $width"))
    kind_of(field) = code_of("fields", NUMBERS, field isa Pair ? last(field) : :real)
    name_of(field) = String(string(field isa Pair ? first(field) : field))
    functions = (likelihood! = likelihood!, prepare = prepare, are_valid! = are_valid!, canonicalize! = canonicalize!,
                 domain = domain, simulate! = simulate!, update_timestep! = update_timestep!,
                 experiment_cost! = experiment_cost!, score! = score!)
    Likelihood(functions, names, String[name_of(field) for field in fields], Int32[kind_of(field) for field in fields],
               code_of("outcome", NUMBERS, outcome), width, log)
end

Base.show(io::IO, of::Likelihood) =
    print(io, "Catena.Likelihood of ", of.outcome == NUMBERS.integer ? "whole" : "real", " outcomes over ",
          join(of.parameters, ", "), isempty(of.fields) ? "" : " in experiments of " * join(of.fields, ", "))

"What the callbacks of one updater share; N are the names of the fields."
mutable struct LearnSession{N,F<:NamedTuple}
    functions::F
    dimension::Int
    width::Int
    caller::Bool
    in_place::Bool
    lock::Threads.SpinLock
    # Roots of what `prepare` made, and places among them that are free.
    boxes::Vector{Union{Nothing,TraceBox}}
    vacant::Vector{Int}
    exceptions::Vector{Tuple{UInt64,Int64,Any,Any}}
    interrupted::Threads.Atomic{Bool}
    busy::Bool
    # The user's resampler, or nothing.
    resampler::Any
    bits::Ptr{Cvoid}
    normals::Ptr{Cvoid}
    uniforms::Ptr{Cvoid}
end

LearnSession(of::Likelihood, caller) =
    LearnSession{Tuple(Symbol.(of.fields)),typeof(of.functions)}(
        of.functions, length(of.parameters), of.width, caller, false, Threads.SpinLock(), [], [], [], Threads.Atomic{Bool}(false),
        false, nothing, symbol(:catena_task_bits), symbol(:catena_task_normals), symbol(:catena_task_uniforms))

at_work(::LearnSession) = "updater"

"The library's table of experiments as vectors by name."
function experiments_at(::LearnSession{N}, address::Ptr{Float64}, n) where {N}
    NamedTuple{N}(ntuple(f -> numbers_at(address + (f - 1) * Int(n) * sizeof(Float64), n), Val(length(N))))
end
"One experiment, as numbers by name."
experiment_at(::LearnSession{N}, address::Ptr{Float64}) where {N} =
    NamedTuple{N}(ntuple(f -> unsafe_load(address, f), Val(length(N))))

outcomes_at(s::LearnSession, address::Ptr{Float64}, n) = s.width == 1 ? numbers_at(address, n) : rows_at(address, n, s.width)

"What `prepare` made as further arguments."
shared(context::Ptr{Cvoid}) = context == C_NULL ? () : (box_of(context).trace,)

function learn_prepare(s::S, task::Ptr{Cvoid}, n::Csize_t, experiments::Ptr{Float64}, out::Ptr{Ptr{Cvoid}})::Cint where {S<:LearnSession}
    guarded(s, task) do _
        unsafe_store!(out, keep_trace!(s, s.functions.prepare(experiments_at(s, experiments, n))))
    end
end

function learn_free(s::S, context::Ptr{Cvoid})::Cvoid where {S<:LearnSession}
    context == C_NULL || drop_trace!(s, context)
    nothing
end

function learn_likelihood(s::S, ::Ptr{Cvoid}, context::Ptr{Cvoid}, task::Ptr{Cvoid}, n_o::Csize_t, outcomes::Ptr{Float64},
                          n_m::Csize_t, models::Ptr{Float64}, n_e::Csize_t, experiments::Ptr{Float64},
                          out::Ptr{Float64})::Cint where {S<:LearnSession}
    guarded(s, task) do _
        cells = unsafe_wrap(Array, out, (Int(n_m), Int(n_o), Int(n_e)))
        s.functions.likelihood!(cells, outcomes_at(s, outcomes, n_o), rows_at(models, n_m, s.dimension),
                                experiments_at(s, experiments, n_e), shared(context)...)
    end
end

function learn_score(s::S, ::Ptr{Cvoid}, context::Ptr{Cvoid}, task::Ptr{Cvoid}, n_o::Csize_t, outcomes::Ptr{Float64},
                     n_m::Csize_t, models::Ptr{Float64}, n_e::Csize_t, experiments::Ptr{Float64},
                     out::Ptr{Float64})::Cint where {S<:LearnSession}
    guarded(s, task) do _
        cells = unsafe_wrap(Array, out, (Int(n_m), s.dimension, Int(n_o), Int(n_e)))
        s.functions.score!(cells, outcomes_at(s, outcomes, n_o), rows_at(models, n_m, s.dimension),
                           experiments_at(s, experiments, n_e), shared(context)...)
    end
end

function learn_simulate(s::S, ::Ptr{Cvoid}, context::Ptr{Cvoid}, task::Ptr{Cvoid}, n_m::Csize_t, models::Ptr{Float64},
                        n_e::Csize_t, experiments::Ptr{Float64}, out::Ptr{Float64})::Cint where {S<:LearnSession}
    guarded_rows(s, task, n_m) do rng
        shape = s.width == 1 ? (Int(n_m), Int(n_e)) : (Int(n_m), s.width, Int(n_e))
        s.functions.simulate!(rng, unsafe_wrap(Array, out, shape), rows_at(models, n_m, s.dimension),
                              experiments_at(s, experiments, n_e), shared(context)...)
    end
end

function learn_valid(s::S, ::Ptr{Cvoid}, task::Ptr{Cvoid}, n::Csize_t, models::Ptr{Float64},
                     valid::Ptr{UInt8})::Cint where {S<:LearnSession}
    guarded(s, task) do _
        s.functions.are_valid!(unsafe_wrap(Array, Ptr{Bool}(valid), Int(n)), rows_at(models, n, s.dimension))
    end
end

function learn_canonicalize(s::S, ::Ptr{Cvoid}, task::Ptr{Cvoid}, n::Csize_t, models::Ptr{Float64})::Cint where {S<:LearnSession}
    guarded(_ -> s.functions.canonicalize!(rows_at(models, n, s.dimension)), s, task)
end

"The outcomes of an experiment as a matrix, one per row."
function listed(s::LearnSession, experiment)
    domain = s.functions.domain isa Function ? s.functions.domain(experiment_at(s, experiment)) : s.functions.domain
    domain === nothing && return zeros(0, s.width)
    outcomes = Float64.(domain isa AbstractArray ? domain : collect(domain))
    outcomes isa AbstractMatrix && size(outcomes, 2) == s.width && return Matrix(outcomes)
    s.width == 1 && return reshape(vec(outcomes), :, 1)
    throw(DimensionMismatch("domain: expected a matrix of $(s.width) columns, got one of $(size(outcomes))"))
end

function learn_count(s::S, task::Ptr{Cvoid}, experiment::Ptr{Float64}, count::Ptr{Csize_t})::Cint where {S<:LearnSession}
    guarded(_ -> unsafe_store!(count, size(listed(s, experiment), 1)), s, task)
end

function learn_domain(s::S, task::Ptr{Cvoid}, experiment::Ptr{Float64}, count::Csize_t,
                      out::Ptr{Float64})::Cint where {S<:LearnSession}
    guarded(_ -> copyto!(rows_at(out, count, s.width), listed(s, experiment)), s, task)
end

function learn_timestep(s::S, ::Ptr{Cvoid}, task::Ptr{Cvoid}, experiment::Ptr{Float64}, n::Csize_t,
                        models::Ptr{Float64})::Cint where {S<:LearnSession}
    guarded_rows(s, task, n) do rng
        s.functions.update_timestep!(rng, rows_at(models, n, s.dimension), experiment_at(s, experiment))
    end
end

function learn_cost(s::S, task::Ptr{Cvoid}, n::Csize_t, experiments::Ptr{Float64}, out::Ptr{Float64})::Cint where {S<:LearnSession}
    guarded(_ -> s.functions.experiment_cost!(numbers_at(out, n), experiments_at(s, experiments, n)), s, task)
end

function learn_resample(s::S, ::UInt64, n::Csize_t, ::Csize_t, models::Ptr{Float64}, weights::Ptr{Float64}, wanted::Csize_t,
                        out::Ptr{Cvoid})::Cint where {S<:LearnSession}
    guarded(s, C_NULL) do _
        found, of = s.resampler(copy(rows_at(models, n, s.dimension)), copy(numbers_at(weights, n)), Int(wanted))
        values, weight = Matrix{Float64}(reshape(found, :, s.dimension)), Vector{Float64}(of)
        size(values, 1) == length(weight) || throw(DimensionMismatch(
            "resampler: expected a weight for each of $(size(values, 1)) models, got $(length(weight))"))
        ccall(symbol(:catena_models_put), Cint, (Ptr{Cvoid}, Csize_t, Ptr{Float64}, Ptr{Float64}), out, length(weight), values, weight)
    end
end

# One compiled trampoline per type of session, so that a call of the user's function is a static one.
cells_pointers(::Type{S}) where {S} =
    (likelihood = @cfunction(learn_likelihood, Cint, (Ref{S}, Ptr{Cvoid}, Ptr{Cvoid}, Ptr{Cvoid}, Csize_t, Ptr{Float64}, Csize_t,
                                                      Ptr{Float64}, Csize_t, Ptr{Float64}, Ptr{Float64})),
     score = @cfunction(learn_score, Cint, (Ref{S}, Ptr{Cvoid}, Ptr{Cvoid}, Ptr{Cvoid}, Csize_t, Ptr{Float64}, Csize_t,
                                            Ptr{Float64}, Csize_t, Ptr{Float64}, Ptr{Float64})),
     simulate = @cfunction(learn_simulate, Cint, (Ref{S}, Ptr{Cvoid}, Ptr{Cvoid}, Ptr{Cvoid}, Csize_t, Ptr{Float64}, Csize_t,
                                                  Ptr{Float64}, Ptr{Float64})),
     prepare = @cfunction(learn_prepare, Cint, (Ref{S}, Ptr{Cvoid}, Csize_t, Ptr{Float64}, Ptr{Ptr{Cvoid}})),
     free = @cfunction(learn_free, Cvoid, (Ref{S}, Ptr{Cvoid})))
models_pointers(::Type{S}) where {S} =
    (valid = @cfunction(learn_valid, Cint, (Ref{S}, Ptr{Cvoid}, Ptr{Cvoid}, Csize_t, Ptr{Float64}, Ptr{UInt8})),
     canonicalize = @cfunction(learn_canonicalize, Cint, (Ref{S}, Ptr{Cvoid}, Ptr{Cvoid}, Csize_t, Ptr{Float64})),
     timestep = @cfunction(learn_timestep, Cint, (Ref{S}, Ptr{Cvoid}, Ptr{Cvoid}, Ptr{Float64}, Csize_t, Ptr{Float64})),
     count = @cfunction(learn_count, Cint, (Ref{S}, Ptr{Cvoid}, Ptr{Float64}, Ptr{Csize_t})),
     domain = @cfunction(learn_domain, Cint, (Ref{S}, Ptr{Cvoid}, Ptr{Float64}, Csize_t, Ptr{Float64})),
     cost = @cfunction(learn_cost, Cint, (Ref{S}, Ptr{Cvoid}, Csize_t, Ptr{Float64}, Ptr{Float64})))
resample_pointer(::Type{S}) where {S} =
    @cfunction(learn_resample, Cint, (Ref{S}, UInt64, Csize_t, Csize_t, Ptr{Float64}, Ptr{Float64}, Csize_t, Ptr{Cvoid}))

"The table, whose lists of names and kinds the caller keeps."
function likelihood_table(of::Likelihood, session::S, parameters, fields) where {S<:LearnSession}
    cells, models, f = cells_pointers(S), models_pointers(S), of.functions
    given(name, pointer) = getfield(f, name) === nothing ? C_NULL : pointer
    Ref(table(LikelihoodTable;
        user = pointer_from_objref(session), threading = session.caller ? THREADS_CALLER : THREADS_ANY, whole = session.caller,
        num_parameters = length(of.parameters), parameter_names = parameters, num_fields = length(of.fields),
        field_names = fields, field_kinds = pointer(of.kinds), outcome_kind = of.outcome, outcome_width = of.width,
        is_log = of.log, prepare = given(:prepare, cells.prepare), context_free = given(:prepare, cells.free),
        likelihood = cells.likelihood, are_valid = given(:are_valid!, models.valid),
        canonicalize = given(:canonicalize!, models.canonicalize), num_outcomes = given(:domain, models.count),
        domain = given(:domain, models.domain), simulate = given(:simulate!, cells.simulate),
        update_timestep = given(:update_timestep!, models.timestep),
        experiment_cost = given(:experiment_cost!, models.cost), score = given(:score!, cells.score)))
end

"""
    Catena.cos_squared!(out, x)

Fills `out` with `cos(x)^2`, within 2e-16, about 1 ns each: the likelihood of a two-level system that precesses.
"""
function cos_squared!(out::Array{Float64}, x::Array{Float64})
    length(out) == length(x) || throw(DimensionMismatch("cos_squared!: expected $(length(out)) numbers, got $(length(x))"))
    ccall(symbol(:catena_cos_squared), Cvoid, (Csize_t, Ptr{Float64}, Ptr{Float64}), length(x), x, out)
    out
end

"""
    Catena.cos_squared(x)

`cos(x)^2` of each number of an array, see [`Catena.cos_squared!`](@ref).
"""
cos_squared(x::AbstractArray{<:Real}) = cos_squared!(zeros(size(x)), Array{Float64}(x))

"A law that the models of an updater are drawn from at first; see [`Catena.UniformPrior`](@ref) and its like."
abstract type Prior end

"""
    Catena.UniformPrior(low, high)

Independent uniforms between `low` and `high`, numbers or a vector with one per parameter.
"""
struct UniformPrior <: Prior
    low::Vector{Float64}
    high::Vector{Float64}
    UniformPrior(low, high) = length(low) == length(high) ? new(Float64[low...], Float64[high...]) : throw(DimensionMismatch(
        "argument 'high': expected $(length(low)) numbers, got $(length(high))"))
end

"""
    Catena.NormalPrior(mean, covariance)

A normal law; the covariance, a matrix or of one parameter a number, may be singular.
"""
struct NormalPrior <: Prior
    mean::Vector{Float64}
    covariance::Matrix{Float64}
    NormalPrior(mean, covariance) = length(covariance) == length(mean)^2 ?
        new(Float64[mean...], reshape(Float64[covariance...], length(mean), length(mean))) : throw(DimensionMismatch(
        "argument 'covariance': expected a matrix of $(length(mean)) rows and columns, got $(length(covariance)) numbers"))
end

"""
    Catena.DrawsPrior(draws)
    Catena.DrawsPrior(draws::Catena.Draws, parameters)

One of the rows of a matrix at random; or of the draws of a run, the parameters of these names.
"""
struct DrawsPrior <: Prior
    values::Matrix{Float64}
    DrawsPrior(values::AbstractVecOrMat) = new(Matrix{Float64}(values isa AbstractVector ? reshape(values, :, 1) : values))
end
DrawsPrior(draws::Draws, parameters) = DrawsPrior(hcat((vec(draws[string(name)]) for name in parameters)...))

"""
    Catena.ProductPrior(parts...)

Independent parts, their parameters one after the other.
"""
struct ProductPrior <: Prior
    parts::Vector{Prior}
    ProductPrior(parts::Prior...) = new(Prior[parts...])
end

new_prior(handles::Handles, name::Symbol, arguments...) = make(handles, :catena_prior_free) do out, e
    GC.@preserve out e plain_call(symbol(name), arguments..., Base.unsafe_convert(Ptr{Ptr{Cvoid}}, out),
                                  Base.unsafe_convert(Ptr{Ptr{Cvoid}}, e))
end
new_prior(handles::Handles, p::UniformPrior) =
    GC.@preserve p new_prior(handles, :catena_prior_uniform_new, Csize_t(length(p.low)), pointer(p.low), pointer(p.high))
new_prior(handles::Handles, p::NormalPrior) =
    GC.@preserve p new_prior(handles, :catena_prior_normal_new, Csize_t(length(p.mean)), pointer(p.mean), pointer(p.covariance))
new_prior(handles::Handles, p::DrawsPrior) =
    GC.@preserve p new_prior(handles, :catena_prior_draws_new, Csize_t(size(p.values, 1)), Csize_t(size(p.values, 2)), pointer(p.values))
function new_prior(handles::Handles, p::ProductPrior)
    parts = Ptr{Cvoid}[new_prior(handles, part) for part in p.parts]
    GC.@preserve parts new_prior(handles, :catena_prior_product_new, Csize_t(length(parts)), pointer(parts))
end
