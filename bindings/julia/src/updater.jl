# Sequential learning: independent sets of weighted models.

"How sets are resampled: `catena_resampler`."
const RESAMPLERS = (liu_west = Int32(0), copies = Int32(1))

"What becomes of data that no model explains: `catena_zero_weights`."
const ZERO_WEIGHTS = (error = Int32(0), warn = Int32(1), skip = Int32(2), reset = Int32(3))

"""
    Catena.Updater(likelihood, prior; sets = 1, models = 1000, seed, options...)

Independent sets of weighted models, drawn from a prior, that take in data one after the other; every estimate has an error, from
the spread of the sets.

- `seed`: an integer; random when not given. `init_set_id = 1`: id of the first set; others follow. What a set draws depends on
  these and the data alone
- `a = 0.98`, `h`: the resampling of Liu and West (2001), by which a model goes to `a x + (1 - a) mean + h S z`; by default `h` is
  `sqrt(1 - a^2)`, which keeps mean and covariance. `max_tries = 1000`: how often an impossible move is drawn
- `resampler = :liu_west`, or `:copies`, which stay where they are; `scheme = :systematic` as in [`Catena.resample!`](@ref)
- `ess_below = 0.5`: a set is resampled when its effective sample size is below this share of its models; 0: never
- `zero_weights = :error`: what becomes of a datum that no model of a set explains; `:warn` and `:skip` leave it out, `:reset` draws
  the set anew from the prior
- `divergences = false`: keep the divergence of each resampling, for [`Catena.divergences`](@ref)
- `threads`, `callbacks`: as in [`Catena.sample`](@ref)

What is done: [`Catena.update!`](@ref), [`Catena.batch_update!`](@ref), [`Catena.hypothetical_update`](@ref),
[`Catena.resample!`](@ref), [`Catena.resample_by!`](@ref), [`Catena.reset!`](@ref), [`Catena.set_models!`](@ref),
[`Catena.set_log_weights!`](@ref). What is learnt: [`Catena.means`](@ref), [`Catena.mean`](@ref), [`Catena.covariance`](@ref),
[`Catena.histogram`](@ref), [`Catena.density`](@ref), [`Catena.densest`](@ref), [`Catena.hull`](@ref), [`Catena.ellipsoid`](@ref),
[`Catena.fisher_information`](@ref). What to do next: [`Catena.worth`](@ref), [`Catena.design`](@ref), [`Catena.optimize`](@ref),
[`Catena.learn!`](@ref). What is behind: [`Catena.sets`](@ref), [`Catena.models`](@ref), [`Catena.weights`](@ref),
[`Catena.records`](@ref), [`Catena.log_likelihood`](@ref). [`Catena.save`](@ref) and [`Catena.load`](@ref) turn it into bytes and back.

Outcomes, models and experiments are given as numbers, as vectors or as matrices with one per row; experiments also as a `NamedTuple` or
a table with the fields. Sets go by their ids, parameters by their names.

An exception in a function becomes a [`CatenaError`](@ref), whose cause it is, and the updater is as it was. One thread at a time may
use an updater, and its functions must not. `close(updater)` frees it, as does the garbage collector.
"""
mutable struct Updater
    likelihood::Likelihood
    session::LearnSession
    handles::Handles
    # C_NULL when it was freed.
    handle::Ptr{Cvoid}
    log::Log
    roots::Any

    function Updater(likelihood::Likelihood, session::LearnSession, handles, handle, log, roots)
        finalizer(close, new(likelihood, session, handles, handle, log, roots))
    end
end

function Updater(likelihood::Likelihood, prior::Prior; sets::Integer = 1, models::Integer = 1000, init_set_id::Integer = 1,
                 seed = nothing, a::Real = 0.98, h::Union{Real,Nothing} = nothing, max_tries::Integer = 1000,
                 resampler = :liu_west, scheme = :systematic, ess_below::Real = 0.5, zero_weights = :error,
                 divergences::Bool = false, threads::Integer = 0, callbacks = :auto)
    seed === nothing && (seed = rand(Random.RandomDevice(), UInt32))
    options(threads) = Ref(table(UpdaterOptionsTable;
        num_sets = count_of(:sets, sets), init_set_id = count_of(:init_set_id, init_set_id),
        num_models = count_of(:models, models), seed = count_of(:seed, seed), num_threads = threads,
        resampler = code_of("resampler", RESAMPLERS, resampler), resampling = code_of("scheme", SCHEMES, scheme),
        liu_west_a = a, liu_west_h = h === nothing ? -1.0 : h, max_tries = count_of(:max_tries, max_tries),
        ess_threshold = ess_below, zero_weights = code_of("zero_weights", ZERO_WEIGHTS, zero_weights),
        divergences = divergences))
    with_handles() do temporary
        open_updater(likelihood, options, threads, callbacks, :catena_updater_new, new_prior(temporary, prior))
    end
end

"An updater that `make`, a function of the library, makes of the likelihood and of `source`."
function open_updater(likelihood, options, threads, callbacks, make, source)
    # Both run Julia functions.
    caller = calls_on_caller(FunctionModel(0, identity), callbacks)
    caller || threads != 0 || (threads = Threads.nthreads())
    session, log, handles = LearnSession(likelihood, caller), Log(models_from_one), Handles([])
    logger, given = new_logger(log), options(count_of(:threads, threads))
    # What the library has pointers to as long as the updater lives.
    roots = (session, log, logger)
    place = Ref{Ptr{Cvoid}}(C_NULL)
    with_names(likelihood.parameters) do parameters
        with_names(likelihood.fields) do fields
            whole = likelihood_table(likelihood, session, parameters, fields)
            GC.@preserve roots likelihood whole given place begin
                pointer_to(reference, T) = Ptr{Cvoid}(Base.unsafe_convert(Ptr{T}, reference))
                call_for(session, log, make, pointer_to(whole, LikelihoodTable), source,
                         pointer_to(given, UpdaterOptionsTable),
                         logs_into_julia(caller) ? pointer_to(logger, LoggerTable) : C_NULL, C_NULL,
                         Base.unsafe_convert(Ptr{Ptr{Cvoid}}, place))
            end
        end
    end
    handle = place[]
    push!(handles.frees, () -> caller ? ccall(symbol(:catena_updater_free), Cvoid, (Ptr{Cvoid},), handle) :
                                        free_gc_safe(symbol(:catena_updater_free), handle))
    Updater(likelihood, session, handles, handle, log, roots)
end

"Models, experiments and data in the library's words are counted from 0."
models_from_one(text) = replace(text, r"\b(model|experiment|datum) \d+" => words ->
    replace(words, r"\d+$" => digits -> string(parse(Int, digits) + 1)))

function Base.close(updater::Updater)
    updater.handle = C_NULL
    free_all(updater.handles)
end

function handle_of(updater::Updater)
    updater.handle == C_NULL && throw(ArgumentError("argument 'updater': expected one that was not closed"))
    check_idle(updater.session)
    updater.handle
end

perform(updater::Updater, name::Symbol, arguments...) =
    GC.@preserve updater call_for(updater.session, updater.log, name, handle_of(updater), arguments...)

"A function of the library that calls nobody."
read_of(updater::Updater, name::Symbol, arguments...) = GC.@preserve updater begin
    handle = handle_of(updater)
    _, failure = attempt() do place
        GC.@preserve place plain_call(symbol(name), handle, arguments..., Base.unsafe_convert(Ptr{Ptr{Cvoid}}, place))
    end
    failure === nothing || throw(in_words(failure, models_from_one))
    nothing
end

dimension_of(updater::Updater) = length(updater.likelihood.parameters)

"Rows of numbers as a matrix: of a number, a vector (many where a row is one number, else one) or a matrix."
function rows_of(argument, values, columns)
    values isa Real && columns == 1 && return fill(Float64(values), 1, 1)
    values isa AbstractMatrix{<:Real} && size(values, 2) == columns && return Matrix{Float64}(values)
    list = values isa Tuple ? collect(values) : values
    list isa AbstractVector{<:Real} && columns == 1 && return reshape(Vector{Float64}(list), :, 1)
    list isa AbstractVector{<:Real} && length(list) == columns && return reshape(Vector{Float64}(list), 1, :)
    throw(DimensionMismatch("argument '$argument': expected a matrix of $columns columns, got $(summary(values))"))
end

outcomes_of(updater::Updater, outcomes, argument = "outcomes") = rows_of(argument, outcomes, updater.likelihood.width)
models_of(updater::Updater, models, argument = "models") = rows_of(argument, models, dimension_of(updater))

"Experiments as a matrix of a column per field."
function experiments_of(updater::Updater, experiments, argument = "experiments")
    fields = updater.likelihood.fields
    isempty(fields) && return zeros(1, 0)
    experiments isa Union{Real,Tuple,AbstractArray{<:Real}} && return rows_of(argument, experiments, length(fields))
    column(name) = hasproperty(experiments, name) ? getproperty(experiments, name) : throw(ArgumentError(
        "argument '$argument': expected the fields $(join(fields, ", ")), got $(join(propertynames(experiments), ", "))"))
    columns = [column(Symbol(name)) for name in fields]
    n = maximum(length, columns)
    all(one -> one isa Real || length(one) == n, columns) ||
        throw(DimensionMismatch("argument '$argument': expected columns of equal lengths, got $(length.(columns))"))
    Float64[one isa Real ? one : one[i] for i in 1:n, one in columns]
end

function only_row(argument, rows)
    size(rows, 1) == 1 || throw(DimensionMismatch("argument '$argument': expected one, got $(size(rows, 1))"))
    rows
end

"One experiment by name, or several."
named(updater::Updater, values::AbstractVector) = NamedTuple{Tuple(Symbol.(updater.likelihood.fields))}(Tuple(values))

"""
    Catena.update!(updater, outcome, experiment = ())

Takes in a datum: the weights of every set are multiplied by the likelihoods, models move on by `update_timestep!`, and sets whose
effective sample size is too small are resampled.
"""
function update!(updater::Updater, outcome, experiment = ())
    o = only_row("outcome", outcomes_of(updater, outcome, "outcome"))
    x = only_row("experiment", experiments_of(updater, experiment, "experiment"))
    GC.@preserve o x perform(updater, :catena_updater_update, pointer(o), pointer(x))
    updater
end

"""
    Catena.batch_update!(updater, outcomes, experiments = (); resample_interval = 5)

Takes in many data, one after the other. Sets are looked at for resampling after every so many; an error names the datum, and those
before it stay.
"""
function batch_update!(updater::Updater, outcomes, experiments = (); resample_interval::Integer = 5)
    o, x = outcomes_of(updater, outcomes), experiments_of(updater, experiments)
    isempty(updater.likelihood.fields) || size(x, 1) == size(o, 1) || throw(DimensionMismatch(
        "argument 'experiments': expected $(size(o, 1)), one for each outcome, got $(size(x, 1))"))
    GC.@preserve o x perform(updater, :catena_updater_batch_update, Csize_t(size(o, 1)), pointer(o), pointer(x),
                             Csize_t(count_of(:resample_interval, resample_interval)))
    updater
end

"""
    Catena.hypothetical_update(updater, set, outcomes, experiments = ()) -> (weights, log_normalizations)

What a set's weights would be after each outcome in each experiment, models × outcomes × experiments; and logs of the predictive
probabilities, outcomes × experiments. The set stays as it is.
"""
function hypothetical_update(updater::Updater, set::Integer, outcomes, experiments = ())
    o, x = outcomes_of(updater, outcomes), experiments_of(updater, experiments)
    weights, logs = zeros(size_of_set(updater, set), size(o, 1), size(x, 1)), zeros(size(o, 1), size(x, 1))
    GC.@preserve o x weights logs perform(
        updater, :catena_updater_hypothetical_update, UInt64(set), Csize_t(size(o, 1)), pointer(o), Csize_t(size(x, 1)), pointer(x),
        pointer(weights), Csize_t(length(weights)), pointer(logs))
    (weights = weights, log_normalizations = logs)
end

"""
    Catena.resample!(updater, n = nothing)

Resamples every set now, to `n` models each, or as many as it has.
"""
resample!(updater::Updater, n = nothing) = (perform(updater, :catena_updater_resample, size_of(n)); updater)

"""
    Catena.resample_by!(f, updater)
    Catena.resample_by!(nothing, updater)

Has sets resampled by `f(models, weights, n)` from here on, which returns a tuple of models, a matrix with one per row, and of their weights,
which are kept as they are; or again as the updater was told. [`Catena.save`](@ref) leaves it out.
"""
function resample_by!(f, updater::Updater)
    session = updater.session
    before, session.resampler = session.resampler, f
    try
        perform(updater, :catena_updater_resample_by, f === nothing ? C_NULL : resample_pointer(typeof(session)),
                pointer_from_objref(session))
    catch
        session.resampler = before
        rethrow()
    end
    updater
end

"""
    Catena.reset!(updater)

Begins anew from the prior, without data. The models are others than before.
"""
reset!(updater::Updater) = (perform(updater, :catena_updater_reset); updater)

"""
    Catena.set_models!(updater, set, models, weights = ones)

Puts models and their weights in the place of a set's. What was learnt so far is kept in the total likelihood.
"""
function set_models!(updater::Updater, set::Integer, models, weights = nothing)
    x = models_of(updater, models)
    w = weights === nothing ? ones(size(x, 1)) : Vector{Float64}(weights)
    length(w) == size(x, 1) || throw(DimensionMismatch("argument 'weights': expected $(size(x, 1)) numbers, got $(length(w))"))
    GC.@preserve x w perform(updater, :catena_updater_set_models, UInt64(set), Csize_t(length(w)), pointer(x), pointer(w))
    updater
end

"""
    Catena.set_log_weights!(updater, set, log_weights)

*Sets* the log weights of a set, one for each model.
"""
function set_log_weights!(updater::Updater, set::Integer, log_weights)
    w = Vector{Float64}(log_weights)
    GC.@preserve w perform(updater, :catena_updater_set_log_weights, UInt64(set), pointer(w), Csize_t(length(w)))
    updater
end

"""
    Catena.likelihood(updater, outcomes, models, experiments = ()) -> Array

Likelihoods (logarithms where the likelihood fills in those) of any models: models × outcomes × experiments.
"""
function likelihood(updater::Updater, outcomes, models, experiments = ())
    o, m, x = outcomes_of(updater, outcomes), models_of(updater, models), experiments_of(updater, experiments)
    out = zeros(size(m, 1), size(o, 1), size(x, 1))
    GC.@preserve o m x out perform(
        updater, :catena_updater_likelihood, Csize_t(size(o, 1)), pointer(o), Csize_t(size(m, 1)), pointer(m), Csize_t(size(x, 1)),
        pointer(x), pointer(out), Csize_t(length(out)))
    out
end

"""
    Catena.simulate(updater, models, experiments = ()) -> Array

An outcome of each model in each experiment: models × experiments, or models × numbers × experiments. Each call draws anew.
"""
function simulate(updater::Updater, models, experiments = ())
    m, x, width = models_of(updater, models), experiments_of(updater, experiments), updater.likelihood.width
    out = width == 1 ? zeros(size(m, 1), size(x, 1)) : zeros(size(m, 1), width, size(x, 1))
    GC.@preserve m x out perform(updater, :catena_updater_simulate, Csize_t(size(m, 1)), pointer(m), Csize_t(size(x, 1)),
                                 pointer(x), pointer(out), Csize_t(length(out)))
    out
end

"An updater as bytes, and its likelihood."
struct SavedUpdater
    checkpoint::Vector{UInt8}
    likelihood::Vector{UInt8}
end

function save(updater::Updater)
    place, length = Ref{Ptr{Cvoid}}(C_NULL), Ref{Csize_t}(0)
    GC.@preserve place read_of(updater, :catena_updater_save, Base.unsafe_convert(Ptr{Ptr{Cvoid}}, place))
    first = ccall(symbol(:catena_checkpoint_bytes), Ptr{UInt8}, (Ptr{Cvoid}, Ptr{Csize_t}), place[], length)
    bytes = copy(unsafe_wrap(Array, first, Int(length[])))
    ccall(symbol(:catena_checkpoint_free), Cvoid, (Ptr{Cvoid},), place[])
    serialized(SavedUpdater(bytes, serialized(updater.likelihood)))
end

function load_updater(saved::SavedUpdater, likelihood; threads, callbacks)
    likelihood === nothing && (likelihood = Serialization.deserialize(IOBuffer(saved.likelihood)))
    options(threads) = Ref(table(UpdaterOptionsTable; num_threads = threads))
    with_handles() do temporary
        open_updater(likelihood, options, threads, callbacks, :catena_updater_load, new_checkpoint(temporary, saved.checkpoint))
    end
end

function Base.show(io::IO, updater::Updater)
    updater.handle == C_NULL && return print(io, "Catena.Updater: closed")
    of_sets = sets(updater)
    print(io, "Catena.Updater: ", length(of_sets), " sets of ", join(unique(set.models for set in of_sets), ", "), " models after ",
          length(records(updater)), " data")
    for one in means(updater)
        print(io, ", ", one.name, " ", one.mean, " ± ", one.sd)
    end
end
