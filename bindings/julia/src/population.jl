# Populations: independent sets of weighted traces.

"How ancestors are drawn: `catena_resampling`."
const SCHEMES = (multinomial = Int32(0), stratified = Int32(1), systematic = Int32(2), residual = Int32(3), ssp = Int32(4))

"Which traces are asked: `catena_which`."
const WHICH = (distinguished = Int32(0), sets = Int32(1), all = Int32(2))

"What each process has: `catena_spread`."
const SPREADS = (sets = Int32(0), traces = Int32(1))

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
- `communicator`: a pointer to a `catena_communicator`, which must live as long as the population: the processes that share it, see
  docs/cluster.md. All make the same calls, with a `seed`, and get what is asked of any trace, as Julia's serialization moves it
- `spread = :sets`: each of them has whole sets, whose traces never move; with `:traces` an equal part of every set, and traces move
  where there is no room for them, by [`Catena.serialize_trace`](@ref). Traces of several processes merge by `hash`, which must be
  the same on all

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
    # The processes that share it, or C_NULL.
    communicator::Ptr{Cvoid}

    function Population(session, handles, handle, log, roots, communicator)
        population = new(session, handles, handle, log, roots, communicator)
        finalizer(close, population)
    end
end

"Arguments of `Population` that are none of the library's options."
const POPULATION_ARGUMENTS = (:sets, :particles, :threads, :callbacks, :progress, :communicator, :spread)

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
                        callbacks = :auto, checkpoint = nothing, operations = [], in_place = false, progress = nothing,
                        communicator = C_NULL, spread = :sets, extra...)
    foreach(name -> check_keyword(name, (:population,), POPULATION_ARGUMENTS), keys(extra))
    # Both run Julia functions.
    caller = calls_on_caller(FunctionModel(0, identity), callbacks)
    caller || threads != 0 || (threads = Threads.nthreads())
    seed === nothing && (seed = rand(Random.RandomDevice(), UInt32))
    in_place = in_place || string(get(extra, :on_trace_failure, "keep")) in ("lose", "1")
    ranks = Ptr{Cvoid}(communicator)
    session = TraceSession(model, caller, in_place, progress)
    (session.rank, session.processes) = ranks == C_NULL ? (0, 1) : ranks_of(ranks)
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
                                  @cfunction(population_progress, Cvoid, (Ref{TraceSession}, Csize_t, Csize_t)),
                       communicator = ranks, spread = code_of("spread", SPREADS, spread)))
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
        population = Population(session, handles, handle, log, roots, ranks)
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

function handle_of(population::Population)
    population.handle == C_NULL && throw(ArgumentError("argument 'population': expected one that was not closed"))
    check_idle(population.session)
    population.handle
end

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
    # On other processes it is not there.
    population.communicator == C_NULL && trace(population, set, i)
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

function Base.show(io::IO, population::Population)
    population.handle == C_NULL && return print(io, "Catena.Population: closed")
    all_sets, evidence = sets(population), log_evidence(population)
    print(io, "Catena.Population: ", length(all_sets), " sets of ", join(unique(set.traces for set in all_sets), ", "),
          " traces, log evidence ", evidence.estimate, " ± ", evidence.standard_error)
end
