# Populations: independent sets of weighted traces.

"How ancestors are drawn: `catena_resampling`."
const SCHEMES = (multinomial = Int32(0), stratified = Int32(1), systematic = Int32(2), residual = Int32(3), ssp = Int32(4))

"Which traces are asked: `catena_which`."
const WHICH = (distinguished = Int32(0), sets = Int32(1), all = Int32(2))

"""
    Catena.Population(model; sets = 1, particles = 1, seed, options...)
    Catena.Population(create; apply, copy, incorporate, reset_to_prior, weigh, diversify, fingerprint, serialize, deserialize, ...)

Independent sets of weighted traces, which are any Julia objects. `model` is an object with methods, [`Catena.create`](@ref)
and as many others as are needed; or `create(rng)` is a function that draws a trace from the prior, and the keywords are
functions with the arguments of those methods without the model.

- `seed`: an integer; random when not given. What is drawn for a trace depends on it, the id of the trace's set, its number and
  the verbs before, not on threads or other sets
- `init_set_id = 1`: id of the first set; others follow
- `on_trace_failure = :keep`: a verb that fails leaves the population as it was; with `:lose` a trace in which a function fails
  is dropped with a warning, its weight zero
- `genealogy = false`: keep who descends from whom
- `progress`: a function `(done, total)` that is told every few milliseconds how many traces the verb under way has done, of how many;
  what it throws ends the verb
- `threads`, `callbacks`: as in [`Catena.sample`](@ref)

What is done: [`Catena.apply!`](@ref), [`Catena.incorporate!`](@ref), [`Catena.likelihood_weight!`](@ref),
[`Catena.resample!`](@ref), [`Catena.block_resample!`](@ref), [`Catena.reset_to_prior!`](@ref), [`Catena.diversify!`](@ref),
[`Catena.collapse!`](@ref), [`Catena.on_trace!`](@ref), [`Catena.set_log_weights!`](@ref),
[`Catena.for_each!`](@ref); to the sets: [`Catena.reinitialize!`](@ref), [`Catena.grow!`](@ref), [`Catena.drop!`](@ref), [`Catena.forget!`](@ref). What is asked:
[`Catena.report`](@ref), `Catena.sample(f, population)`, [`Catena.trace`](@ref), [`Catena.sets`](@ref),
[`Catena.weights`](@ref), [`Catena.log_evidence`](@ref), [`Catena.genealogy`](@ref). [`Catena.save`](@ref) and
[`Catena.load`](@ref) turn it into bytes and back.

An exception in a function becomes a [`CatenaError`](@ref) with the `set` and the `particle`, whose cause it is. One thread at a
time may use a population, and its functions must not. `close(population)` frees it, as does the garbage collector.
"""
mutable struct Population
    session::TraceSession
    handles::Handles
    # C_NULL when it was freed.
    handle::Ptr{Cvoid}
    log::Log
    roots::Any

    function Population(session, handles, handle, log, roots)
        population = new(session, handles, handle, log, roots)
        finalizer(close, population)
    end
end

"Arguments of `Population` that are none of the library's options."
const POPULATION_ARGUMENTS = (:sets, :particles, :threads, :callbacks, :progress)

Population(model; options...) = new_population(model; options...)

function Population(create::Function; apply = nothing, copy = nothing, incorporate = nothing, reset_to_prior = nothing,
                    weigh = nothing, diversify = nothing, fingerprint = nothing, serialize = nothing, deserialize = nothing,
                    options...)
    (serialize === nothing) == (deserialize === nothing) ||
        throw(ArgumentError("arguments 'serialize' and 'deserialize': expected both or neither"))
    new_population(TraceFunctions((create = create, apply = apply, copy_trace = copy, incorporate = incorporate,
                                   reset_to_prior = reset_to_prior, weigh = weigh, diversify = diversify,
                                   fingerprint = fingerprint, serialize_trace = serialize,
                                   deserialize_trace = deserialize)); options...)
end

function new_population(model; sets::Integer = 1, particles::Integer = 1, seed = nothing, threads::Integer = 0,
                        callbacks = :auto, checkpoint = nothing, operations = [], in_place = false, progress = nothing, extra...)
    foreach(name -> check_keyword(name, (:population,), POPULATION_ARGUMENTS), keys(extra))
    # Both run Julia functions.
    caller = calls_on_caller(FunctionModel(0, identity), callbacks)
    caller || threads != 0 || (threads = Threads.nthreads())
    seed === nothing && (seed = rand(Random.RandomDevice(), UInt32))
    in_place = in_place || string(get(extra, :on_trace_failure, "keep")) in ("lose", "1")
    session = TraceSession(model, caller, in_place, progress)
    append!(session.operations, operations)
    log, handles = Log(), Handles([])
    try
        options = make(handles, :catena_options_free) do out, e
            ccall(symbol(:catena_options_new), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Ptr{Cvoid}}), out, e)
        end
        set_option(options, :seed, count_of(:seed, seed))
        set_option(options, :num_threads, count_of(:threads, threads))
        for (name, value) in pairs(extra)
            set_option(options, name, value)
        end
        saved = checkpoint === nothing ? C_NULL : new_checkpoint(handles, checkpoint)
        logger, traces = new_logger(log), traces_table(session)
        interrupt = Ref(table(InterruptTable; user = pointer_from_objref(session),
                              requested = @cfunction(population_interrupted, Cint, (Ref{TraceSession},))))
        io = Ref(table(PopulationIoTable;
                       logger = logs_into_julia(caller) ? Base.unsafe_convert(Ptr{LoggerTable}, logger) : C_NULL,
                       interrupt = progress === nothing ? C_NULL : Ptr{Cvoid}(Base.unsafe_convert(Ptr{InterruptTable}, interrupt)),
                       progress_user = pointer_from_objref(session),
                       progress = progress === nothing ? C_NULL :
                                  @cfunction(population_progress, Cvoid, (Ref{TraceSession}, Csize_t, Csize_t))))
        # What the library has pointers to as long as the population lives.
        roots = (session, log, logger, traces, io, interrupt)
        place = Ref{Ptr{Cvoid}}(C_NULL)
        GC.@preserve roots place begin
            t = Ptr{Cvoid}(Base.unsafe_convert(Ptr{TracesTable}, traces))
            i, o = Ptr{Cvoid}(Base.unsafe_convert(Ptr{PopulationIoTable}, io)), Base.unsafe_convert(Ptr{Ptr{Cvoid}}, place)
            checkpoint === nothing ? call_for(session, log, :catena_population_new, t, options, i, o) :
                                     call_for(session, log, :catena_population_load, t, saved, options, i, o)
        end
        handle = place[]
        push!(handles.frees, () -> caller ? ccall(symbol(:catena_population_free), Cvoid, (Ptr{Cvoid},), handle) :
                                            free_gc_safe(symbol(:catena_population_free), handle))
        population = Population(session, handles, handle, log, roots)
        checkpoint === nothing && (sets != 1 || particles != 1) && reinitialize!(population, sets, particles)
        return population
    catch
        free_all(handles)
        rethrow()
    end
end

function Base.close(population::Population)
    population.handle = C_NULL
    free_all(population.handles)
end

"Throws what a function threw that the library only tells something; by default there is none."
rethrow_told(session) = nothing
function rethrow_told(session::TraceSession)
    session.told === nothing && return
    (exception, trace), session.told = session.told, nothing
    exception isa InterruptException && throw(exception)
    try
        throw(CapturedException(exception, trace))
    catch
        throw(exception)
    end
end

"What is at work, in words."
at_work(session) = "population"

"Calls a function of the library that may call back, whose last argument is a place for an error; throws what went wrong."
function call_for(session, log::Log, name::Symbol, arguments...)
    failure = attempt_for(session, log, name, arguments...)
    failure === nothing || throw_with_cause(session, failure)
    nothing
end

"As [`call_for`](@ref), but returns the library's error."
function attempt_for(session, log::Log, name::Symbol, arguments...)
    session.busy && throw(ArgumentError("the $(at_work(session)) is at work: a function that it calls cannot use it"))
    session.busy = true
    empty!(session.exceptions)
    session.interrupted[] = false
    f = symbol(name)
    failure = nothing
    try
        # Ctrl-C is let through in the user's functions, and kept there.
        _, failure = disable_sigint() do
            attempt() do place
                GC.@preserve place begin
                    e = Base.unsafe_convert(Ptr{Ptr{Cvoid}}, place)
                    session.caller ? plain_call(f, arguments..., e) : gc_safe_call(f, arguments..., e)
                end
            end
        end
    finally
        session.busy = false
    end
    show_lines(log)
    session.interrupted[] && throw(InterruptException())
    rethrow_told(session)
    failure === nothing ? nothing : in_words(failure, log.words)
end

"Throws the library's error; the exception of the function that it is about is its cause."
function throw_with_cause(session, failure::CatenaError)
    # A filter's functions are called for many particles at once.
    same(set, particle) = (failure.set === nothing || set == failure.set) && (failure.particle === nothing || particle == failure.particle)
    at = findfirst(one -> same(one[1], one[2]), session.exceptions)
    at === nothing && throw(failure)
    _, _, exception, trace = session.exceptions[at]
    empty!(session.exceptions)
    try
        throw(CapturedException(exception, trace))
    catch
        throw(failure)
    end
end

handle_of(population::Population) =
    population.handle == C_NULL ? throw(ArgumentError("argument 'population': expected one that was not closed")) :
    population.handle

perform(population::Population, name::Symbol, arguments...) =
    GC.@preserve population call_for(population.session, population.log, name, handle_of(population), arguments...)

"Calls `act` with the number of an operation, which is remembered if it goes well."
function with_operation(act, population::Population, f, arguments; keep = true)
    operations = population.session.operations
    before = length(operations)
    recent = max(1, before - 7):before
    at = isempty(arguments) ? findlast(one -> one[1] === f && isempty(one[2]), operations[recent]) : nothing
    at === nothing && push!(operations, (f, arguments))
    done = false
    try
        result = act(Int64(at === nothing ? before + 1 : recent[at]))
        done = keep
        return result
    finally
        done || resize!(operations, before)
    end
end

"""
    Catena.apply!(f, population, arguments...)
    Catena.apply!(population, operation, arguments...)

Calls `f(rng, trace, arguments...)`, or the model's [`Catena.apply`](@ref), for every trace of every set. It returns

- `nothing`: the trace, which it may have changed, keeps its weight;
- a number, by which the log weight grows (`-Inf`: the trace is impossible);
- or a tuple `(trace, increment)`: the trace is another object from here on.

`rng` is an `AbstractRNG` of the trace's own. `f` and the arguments are kept, to do the same to sets that are grown.
"""
function apply!(f::Function, population::Population, arguments...)
    with_operation(population, f, arguments) do number
        perform(population, :catena_population_apply, number, C_NULL, Csize_t(0))
    end
    population
end
apply!(population::Population, operation, arguments...) =
    apply!(own(apply, population), population, operation, arguments...)

"A method of the population's model, as a function without the model; always the same object."
own(f, population::Population) = Own(f, population.session.model)
struct Own{F,M} <: Function
    f::F
    model::M
end
(own::Own)(arguments...) = own.f(own.model, arguments...)

"""
    Catena.incorporate!(population)

Makes every trace consistent with its observations, by [`Catena.incorporate`](@ref).
"""
incorporate!(population::Population) = (perform(population, :catena_population_incorporate); population)

"""
    Catena.likelihood_weight!(population)

*Sets* every log weight to what [`Catena.weigh`](@ref) returns. The evidence is from here on their mean.
"""
likelihood_weight!(population::Population) = (perform(population, :catena_population_likelihood_weight); population)

"""
    Catena.resample!(population, n = nothing; scheme = :systematic, ess_below = Inf)

Draws the traces of each set anew by their weights: `n` of them, or as many as it has, where its effective sample size is below
`ess_below` times their number. The weights are level afterwards, and the evidence is kept. Schemes are `:multinomial`,
`:stratified`, `:systematic`, `:residual` and `:ssp`.
"""
function resample!(population::Population, n = nothing; scheme = :systematic, ess_below::Real = Inf)
    perform(population, :catena_population_resample, size_of(n), code_of("scheme", SCHEMES, scheme), Float64(ess_below))
    population
end

size_of(::Nothing) = Csize_t(0)
size_of(n) = Csize_t(n isa Integer && n > 0 ? n : throw(ArgumentError("argument 'n': expected at least 1, got $(repr(n))")))

"""
    Catena.block_resample!(population, counts; scheme = :systematic, ess_below = Inf)

As [`Catena.resample!`](@ref), with a number of traces for each set. Samples of different sets then differ in distribution, and no
set can be grown any more.
"""
function block_resample!(population::Population, counts; scheme = :systematic, ess_below::Real = Inf)
    sizes = Csize_t[size_of(n) for n in counts]
    GC.@preserve sizes perform(population, :catena_population_block_resample, pointer(sizes), Csize_t(length(sizes)),
                               code_of("scheme", SCHEMES, scheme), Float64(ess_below))
    population
end

"""
    Catena.reset_to_prior!(population, n = nothing; scheme = :systematic)

Resamples, sets all weights to 1 and draws every trace from the prior.
"""
function reset_to_prior!(population::Population, n = nothing; scheme = :systematic)
    perform(population, :catena_population_reset_to_prior, size_of(n), code_of("scheme", SCHEMES, scheme))
    population
end

"""
    Catena.diversify!(f, population, arguments...)
    Catena.diversify!(population, arguments...)

Every trace becomes several: `f(rng, trace, arguments...)`, or the model's [`Catena.diversify`](@ref), returns a vector of pairs
of a trace and the increment of its log weight.
"""
function diversify!(f::Function, population::Population, arguments...)
    with_operation(population, f, arguments) do number
        perform(population, :catena_population_diversify, number, C_NULL, Csize_t(0))
    end
    population
end
diversify!(population::Population, arguments...) = diversify!(own(diversify, population), population, arguments...)

"""
    Catena.collapse!(f, population, arguments...; map = false)
    Catena.collapse!(population, arguments...; map = false)

In each set traces merge for which `f(trace, arguments...)`, or the model's [`Catena.fingerprint`](@ref), has equal values (and
hashes): one, drawn by weight, is kept and gets the sum of their weights; or, with `map`, the one of the largest weight, with that.
"""
function collapse!(f::Function, population::Population, arguments...; map::Bool = false)
    with_operation(population, f, arguments) do number
        perform(population, map ? :catena_population_collapse_map : :catena_population_collapse, number)
    end
    population
end
collapse!(population::Population, arguments...; map::Bool = false) =
    collapse!(own(fingerprint, population), population, arguments...; map = map)

"""
    Catena.on_trace!(f, population, set, i, arguments...) -> increment

As [`Catena.apply!`](@ref) for trace `i` of the set with the id `set` alone. No set can be grown afterwards.
"""
function on_trace!(f::Function, population::Population, set::Integer, i::Integer, arguments...)
    trace(population, set, i)
    out = Ref(NaN)
    with_operation(population, f, arguments; keep = false) do number
        GC.@preserve out perform(population, :catena_population_on_trace, UInt64(set), Csize_t(i - 1), number, C_NULL,
                                 Csize_t(0), Base.unsafe_convert(Ptr{Float64}, out))
    end
    out[]
end

"""
    Catena.set_log_weights!(population, set, log_weights)

Sets the log weights of one set; its evidence is from here on their mean weight. No set can be grown afterwards.
"""
function set_log_weights!(population::Population, set::Integer, log_weights)
    values = collect(Float64, log_weights)
    GC.@preserve values perform(population, :catena_population_set_log_weights, UInt64(set), pointer(values),
                                Csize_t(length(values)))
    population
end

"""
    Catena.reinitialize!(population, sets, particles; seed = nothing)

Drops everything and begins anew from the prior, with a new seed if one is given.
"""
function reinitialize!(population::Population, sets::Integer, particles::Integer; seed = nothing)
    seed === nothing || perform(population, :catena_population_set_seed, count_of(:seed, seed))
    perform(population, :catena_population_reinitialize, Csize_t(count_of(:sets, sets)),
            Csize_t(count_of(:particles, particles)))
    empty!(population.session.operations)
    population
end

"""
    Catena.grow!(population, k = 1) -> id of the first new set

More sets, by doing to them what was done to the others, which are left alone: each is bit for bit what it would have been from
the start.
"""
function grow!(population::Population, k::Integer = 1)
    first = Ref{UInt64}(0)
    GC.@preserve first perform(population, :catena_population_grow_iid, Csize_t(count_of(:k, k)),
                               Base.unsafe_convert(Ptr{UInt64}, first))
    Int(first[])
end

"""
    Catena.drop!(population, k)
    Catena.drop!(population; ids)

Drops the last `k` sets, or those with the `ids`; at least one stays.
"""
function drop!(population::Population, k::Integer)
    perform(population, :catena_population_drop_iid, Csize_t(count_of(:k, k)))
    population
end
function drop!(population::Population; ids)
    numbers = UInt64[count_of(:ids, id) for id in ids]
    GC.@preserve numbers perform(population, :catena_population_drop_ids, pointer(numbers), Csize_t(length(numbers)))
    population
end

"""
    Catena.forget!(population)

Drops the history, and the functions and arguments in it. No set can be grown until the population is begun anew.
"""
function forget!(population::Population)
    perform(population, :catena_population_clear_history)
    empty!(population.session.operations)
    population
end

"""
    Catena.report(f, population, arguments...; which = :all) -> Vector

`f(trace, arguments...)` of all traces, set by set; of the first of each set (`which = :sets`), or of the `:distinguished` one, the
first of the first set. `missing` for traces that were lost. `f` must not change the trace.
"""
report(f::Function, population::Population, arguments...; which = :all) =
    answers(population, :catena_population_report, (rng, trace) -> f(trace, arguments...), which)

"""
    Catena.for_each!(f, population, arguments...; report = identity) -> Vector

[`Catena.apply!`](@ref), and [`Catena.report`](@ref) of all traces afterwards.
"""
for_each!(f::Function, population::Population, arguments...; report = identity) =
    Catena.report(report, apply!(f, population, arguments...))

"""
    Catena.sample(f, population, arguments...; which = :all) -> Vector

As [`Catena.report`](@ref), for `f(rng, trace, arguments...)`, which draws random numbers, others in each call.
"""
sample(f::Function, population::Population, arguments...; which = :all) =
    answers(population, :catena_population_sample, (rng, trace) -> f(rng, trace, arguments...), which)

function answers(population::Population, name, f, which)
    code = code_of("which", WHICH, which)
    sizes = [set.traces for set in sets(population)]
    count = which === :distinguished ? 1 : which === :sets ? length(sizes) : sum(sizes)
    session, places = population.session, fill(NaN, count)
    session.asked, session.answers = f, Vector{Any}(missing, count)
    session.answered[] = 0
    try
        GC.@preserve places perform(population, name, code, Int64(0), Csize_t(1), pointer(places), Csize_t(count))
        return map(place -> isnan(place) ? missing : session.answers[Int(place)], places)
    finally
        session.asked, session.answers = nothing, []
    end
end

"""
    Catena.trace(population, set, i)

Trace `i` of the set with the id `set`, which must not be changed.
"""
function trace(population::Population, set::Integer, i::Integer)
    address = i < 1 || set < 1 ? C_NULL :
              ccall(symbol(:catena_population_trace), Ptr{Cvoid}, (Ptr{Cvoid}, UInt64, Csize_t), handle_of(population), set,
                    i - 1)
    address == C_NULL && throw(ArgumentError("set $set has no trace $i, or it was lost"))
    box_of(address).trace
end

"""
    Catena.sets(population) -> Vector of (id, traces, ess, log_evidence)

The sets: their ids, numbers of traces, effective sample sizes and log evidences.
"""
function sets(population::Population)
    p = handle_of(population)
    map(1:Int(ccall(symbol(:catena_population_num_sets), Csize_t, (Ptr{Cvoid},), p))) do i
        id = ccall(symbol(:catena_population_set_id), UInt64, (Ptr{Cvoid}, Csize_t), p, i - 1)
        (id = Int(id), traces = Int(ccall(symbol(:catena_population_set_size), Csize_t, (Ptr{Cvoid}, UInt64), p, id)),
         ess = ccall(symbol(:catena_population_ess), Float64, (Ptr{Cvoid}, UInt64), p, id),
         log_evidence = ccall(symbol(:catena_population_log_evidence), Float64, (Ptr{Cvoid}, UInt64), p, id))
    end
end

"""
    Catena.counts(population) -> (operations, copies)

How many operations were done since the population was begun, and how many copies of traces resampling has made.
"""
counts(population::Population) =
    (operations = Int(ccall(symbol(:catena_population_generation), UInt64, (Ptr{Cvoid},), handle_of(population))),
     copies = Int(ccall(symbol(:catena_population_copies), UInt64, (Ptr{Cvoid},), handle_of(population))))

"""
    Catena.weights(population, set)
    Catena.weights(population)

Weights of a set that sum to 1; or of all traces, set by set, that sum to 1 together, where each set counts with its evidence.
[`Catena.log_weights`](@ref) are the logs, as they are.
"""
weights(population::Population, set::Integer) = weights_of(population, set, Int32(1))
function weights(population::Population)
    out = zeros(sum(set.traces for set in sets(population)))
    checked(e -> ccall(symbol(:catena_population_pooled_weights), Int32, (Ptr{Cvoid}, Ptr{Float64}, Csize_t, Ptr{Ptr{Cvoid}}),
                       handle_of(population), out, length(out), e))
    out
end

"""
    Catena.log_weights(population, set)

Log weights of the set with the id `set`.
"""
log_weights(population::Population, set::Integer) = weights_of(population, set, Int32(0))

function weights_of(population::Population, set, kind)
    p = handle_of(population)
    out = zeros(Int(ccall(symbol(:catena_population_set_size), Csize_t, (Ptr{Cvoid}, UInt64), p, set)))
    checked(e -> ccall(symbol(:catena_population_weights), Int32,
                       (Ptr{Cvoid}, UInt64, Int32, Ptr{Float64}, Csize_t, Ptr{Ptr{Cvoid}}), p, set, kind, out, length(out), e))
    out
end

"""
    Catena.log_evidence(population) -> (estimate, standard_error)

The log of the mean evidence of all sets, and its standard error across them (NaN for one set); [`Catena.sets`](@ref) has those of
the sets.
"""
function log_evidence(population::Population)
    standard_error = Ref(NaN)
    estimate = ccall(symbol(:catena_population_pooled_log_evidence), Float64, (Ptr{Cvoid}, Ptr{Float64}), handle_of(population),
                     standard_error)
    (estimate = estimate, standard_error = standard_error[])
end

"""
    Catena.genealogy(population, set; generation = 0) -> (distinct_ancestors, ancestors, coalescence)

Of a population with `genealogy = true`: how many different ancestors the traces of a set have in each generation (resampling
makes one), founders first; the number of each trace's ancestor in a `generation`, 0 for the founders; and how many generations
back they have one in common, `nothing` when they have none.
"""
function genealogy(population::Population, set::Integer; generation::Integer = 0)
    p, count = handle_of(population), Ref{Csize_t}(0)
    distinct(out, size) = checked(e -> ccall(symbol(:catena_population_distinct_ancestors), Int32,
        (Ptr{Cvoid}, UInt64, Ptr{Csize_t}, Csize_t, Ptr{Csize_t}, Ptr{Ptr{Cvoid}}), p, set, out, size, count, e))
    distinct(C_NULL, 0)
    numbers = zeros(Csize_t, count[])
    distinct(numbers, length(numbers))
    places = zeros(UInt32, Int(ccall(symbol(:catena_population_set_size), Csize_t, (Ptr{Cvoid}, UInt64), p, set)))
    checked(e -> ccall(symbol(:catena_population_ancestors), Int32,
        (Ptr{Cvoid}, UInt64, Csize_t, Ptr{UInt32}, Csize_t, Ptr{Ptr{Cvoid}}), p, set, generation, places, length(places), e))
    back = ccall(symbol(:catena_population_coalescence), Int64, (Ptr{Cvoid}, UInt64), p, set)
    (distinct_ancestors = Int.(numbers), ancestors = Int.(places) .+ 1, coalescence = back < 0 ? nothing : Int(back))
end

"""
    Catena.save(population) -> Vector{UInt8}
    Catena.save(updater) -> Vector{UInt8}

The whole population as bytes, with its model and the functions that were applied, or the whole updater with its likelihood, by
the standard library Serialization.
"""
function save(population::Population)
    place = Ref{Ptr{Cvoid}}(C_NULL)
    GC.@preserve place perform(population, :catena_population_save, Base.unsafe_convert(Ptr{Ptr{Cvoid}}, place))
    length = Ref{Csize_t}(0)
    first = ccall(symbol(:catena_checkpoint_bytes), Ptr{UInt8}, (Ptr{Cvoid}, Ptr{Csize_t}), place[], length)
    bytes = copy(unsafe_wrap(Array, first, Int(length[])))
    ccall(symbol(:catena_checkpoint_free), Cvoid, (Ptr{Cvoid},), place[])
    session = population.session
    io = IOBuffer()
    Serialization.serialize(io, (bytes, session.in_place, serialized(session.model), serialized(session.operations)))
    take!(io)
end

serialized(object) = (io = IOBuffer(); Serialization.serialize(io, object); take!(io))

"""
    Catena.load(bytes; model, threads = 0, callbacks = :auto, progress = nothing) -> Catena.Population or Catena.Updater

The population or updater that [`Catena.save`](@ref) gave, which goes on with the same bits; by default with the model or likelihood
that was saved. Its functions and types, and those of the traces, must be defined.
"""
function load(bytes::AbstractVector{UInt8}; model = nothing, threads::Integer = 0, callbacks = :auto, progress = nothing)
    saved = try
        Serialization.deserialize(IOBuffer(bytes))::Union{Tuple{Vector{UInt8},Bool,Vector{UInt8},Vector{UInt8}},SavedUpdater}
    catch
        throw(ArgumentError("argument 'bytes': expected what Catena.save gave"))
    end
    saved isa SavedUpdater && return load_updater(saved, model; threads = threads, callbacks = callbacks)
    checkpoint, in_place, of_model, operations = saved
    model === nothing && (model = Serialization.deserialize(IOBuffer(of_model)))
    new_population(model; threads = threads, callbacks = callbacks, checkpoint = checkpoint, in_place = in_place,
                   progress = progress, operations = Serialization.deserialize(IOBuffer(operations)))
end

function Base.show(io::IO, population::Population)
    population.handle == C_NULL && return print(io, "Catena.Population: closed")
    all_sets, evidence = sets(population), log_evidence(population)
    print(io, "Catena.Population: ", length(all_sets), " sets of ", join(unique(set.traces for set in all_sets), ", "),
          " traces, log evidence ", evidence.estimate, " ± ", evidence.standard_error)
end
