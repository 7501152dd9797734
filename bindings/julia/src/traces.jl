# Traces that are Julia objects, and the functions that work on them.
#
# The library holds the address of a `TraceBox`; the session roots the boxes until the library frees them. As in
# callbacks.jl nothing is thrown through the library's frames: an exception's words go to the library, and the exception is
# kept to be the cause of the error that the library reports.

"""
    Catena.create(model, rng)

A trace from the prior. The one method that a model of traces needs; others are [`Catena.apply`](@ref),
[`Catena.copy_trace`](@ref), [`Catena.incorporate`](@ref), [`Catena.reset_to_prior`](@ref), [`Catena.weigh`](@ref),
[`Catena.diversify`](@ref), [`Catena.fingerprint`](@ref), [`Catena.serialize_trace`](@ref) and
[`Catena.deserialize_trace`](@ref).
"""
function create end

"""
    Catena.apply(model, rng, trace, operation, arguments...)

The model's own operations, for `Catena.apply!(population, operation, arguments...)`. Returns what [`Catena.apply!`](@ref)
says.
"""
function apply end

"""
    Catena.copy_trace(model, trace)

A trace that is as `trace` and independent of it; by default `deepcopy`.
"""
copy_trace(model, trace) = isbits(trace) ? trace : deepcopy(trace)

"""
    Catena.incorporate(model, rng, trace)

Makes the trace consistent with its observations; returns what [`Catena.apply!`](@ref) says.
"""
function incorporate end

"""
    Catena.reset_to_prior(model, rng, trace)

A trace from the prior; by default another one by [`Catena.create`](@ref).
"""
reset_to_prior(model, rng, trace) = create(model, rng)

"""
    Catena.weigh(model, rng, trace)

The log of the trace's likelihood weight.
"""
function weigh end

"""
    Catena.diversify(model, rng, trace, arguments...)

A vector of pairs of a trace and the increment of its log weight.
"""
function diversify end

"""
    Catena.fingerprint(model, trace, arguments...)

A value that is equal for traces that merge; by default the trace itself.
"""
fingerprint(model, trace) = trace

"""
    Catena.serialize_trace(model, io, trace)

Writes a trace, by default with the standard library Serialization.
"""
serialize_trace(model, io, trace) = Serialization.serialize(io, trace)

"""
    Catena.deserialize_trace(model, io)

Reads what [`Catena.serialize_trace`](@ref) wrote.
"""
deserialize_trace(model, io) = Serialization.deserialize(io)

"A model of traces from functions."
struct TraceFunctions{F<:NamedTuple}
    functions::F
end

function function_of(model::TraceFunctions, name)
    f = getfield(model.functions, name)
    f === nothing ? throw(ArgumentError("the population has no function '$name'")) : f
end
create(model::TraceFunctions, rng) = function_of(model, :create)(rng)
apply(model::TraceFunctions, rng, trace, arguments...) = function_of(model, :apply)(rng, trace, arguments...)
incorporate(model::TraceFunctions, rng, trace) = function_of(model, :incorporate)(rng, trace)
weigh(model::TraceFunctions, rng, trace) = function_of(model, :weigh)(rng, trace)
diversify(model::TraceFunctions, rng, trace, arguments...) = function_of(model, :diversify)(rng, trace, arguments...)

for (name, arguments) in ((:copy_trace, (:trace,)), (:reset_to_prior, (:rng, :trace)), (:fingerprint, (:trace,)),
                          (:serialize_trace, (:io, :trace)), (:deserialize_trace, (:io,)))
    key = QuoteNode(name)
    default = name === :reset_to_prior ? :(create(model, rng)) : :(invoke($name, Tuple{Any,$((:Any for _ in arguments)...)}, model, $(arguments...)))
    @eval function $name(model::TraceFunctions, $(arguments...))
        f = getfield(model.functions, $key)
        f === nothing ? $default : f($(arguments...))
    end
end

"A trace, where the library finds it."
mutable struct TraceBox
    trace::Any
    place::Int
end

"What the callbacks of one population share."
mutable struct TraceSession
    model::Any
    # Callbacks come only on the calling thread, inside disable_sigint.
    caller::Bool
    # Ctrl-C waits for the end of a verb that works in place.
    in_place::Bool
    lock::Threads.SpinLock
    # Roots of the boxes, and places among them that are free.
    boxes::Vector{Union{Nothing,TraceBox}}
    vacant::Vector{Int}
    # What was applied, as (function, arguments), so that it can be done to further sets.
    operations::Vector{Any}
    # What traces are asked, and their answers, in the order they come.
    asked::Any
    answers::Vector{Any}
    answered::Threads.Atomic{Int}
    # Exceptions as (set, particle, exception, backtrace): the first few.
    exceptions::Vector{Tuple{UInt64,Int64,Any,Any}}
    interrupted::Threads.Atomic{Bool}
    busy::Bool
    # The user's function that is told of progress, or nothing; and the exception that it threw, with its backtrace.
    progress::Any
    told::Any
    # The library's function for random bits.
    bits::Ptr{Cvoid}
    # This process, of how many.
    rank::Int
    processes::Int
end

TraceSession(model, caller, in_place, progress) =
    TraceSession(model, caller, in_place, Threads.SpinLock(), [], [], [], nothing, [], Threads.Atomic{Int}(0), [],
                 Threads.Atomic{Bool}(false), false, progress, nothing, symbol(:catena_task_bits), 0, 1)

# Both are called on the thread that called the library.
function population_progress(session::TraceSession, done::Csize_t, total::Csize_t)::Cvoid
    session.told === nothing || return
    try
        session.caller && !session.in_place ? Base.reenable_sigint(() -> session.progress(Int(done), Int(total))) :
            session.progress(Int(done), Int(total))
    catch exception
        session.told = (exception, catch_backtrace())
    end
    nothing
end

"What the user's function for progress threw ends the verb."
population_interrupted(session::TraceSession)::Cint = session.told !== nothing

"More exceptions of one verb are not kept."
const MOST_EXCEPTIONS = 64

function keep_trace!(session, trace)
    box = TraceBox(trace, 0)
    locked(session.lock) do
        if isempty(session.vacant)
            push!(session.boxes, box)
            box.place = length(session.boxes)
        else
            box.place = pop!(session.vacant)
            session.boxes[box.place] = box
        end
    end
    pointer_from_objref(box)
end

box_of(trace::Ptr{Cvoid}) = unsafe_pointer_to_objref(trace)::TraceBox

"Calls `f(rng)` for a callback: what it throws becomes words."
function guarded(f, session, task::Ptr{Cvoid})::Cint
    session.interrupted[] && return STOP
    try
        rng = ChainRNG(task, session.bits)
        session.caller && !session.in_place ? Base.reenable_sigint(() -> f(rng)) : f(rng)
        return EVALUATED
    catch exception
        trace = catch_backtrace()
        try
            if exception isa InterruptException
                session.interrupted[] = true
                return STOP
            end
            words = sprint(showerror, exception)
            ccall(symbol(:catena_task_message), Cvoid, (Ptr{Cvoid}, Cstring), task, replace(words, '\0' => ' '))
            set = ccall(symbol(:catena_task_chain_id), UInt64, (Ptr{Cvoid},), task)
            particle = ccall(symbol(:catena_task_particle), Int64, (Ptr{Cvoid},), task)
            locked(session.lock) do
                length(session.exceptions) < MOST_EXCEPTIONS &&
                    push!(session.exceptions, (set, particle + 1, exception, trace))
            end
        catch
            # An exception that cannot be shown; that it failed is known.
        end
        return STOP
    end
end

"Takes in what a function of a trace returned."
change!(::TraceBox, ::Nothing, ::Ptr{Float64}) = nothing
change!(::TraceBox, increment::Real, out::Ptr{Float64}) = unsafe_store!(out, Float64(increment))
function change!(box::TraceBox, both::Tuple{Any,Real}, out::Ptr{Float64})
    box.trace = both[1]
    unsafe_store!(out, Float64(both[2]))
end
change!(::TraceBox, value, ::Ptr{Float64}) = throw(ArgumentError(
    "expected nothing, the log weight's increment, or a tuple of a trace and that, got a $(typeof(value))"))

create_trace(session::TraceSession, task::Ptr{Cvoid}, out::Ptr{Ptr{Cvoid}})::Cint = guarded(session, task) do rng
    unsafe_store!(out, keep_trace!(session, create(session.model, rng)))
end

"Frees the place of a trace that is not needed any more."
function drop_trace!(session, trace::Ptr{Cvoid})
    box = box_of(trace)
    locked(session.lock) do
        session.boxes[box.place] = nothing
        push!(session.vacant, box.place)
    end
    nothing
end

free_trace(session::TraceSession, trace::Ptr{Cvoid})::Cvoid = drop_trace!(session, trace)

copy_trace_of(session::TraceSession, trace::Ptr{Cvoid}, task::Ptr{Cvoid}, out::Ptr{Ptr{Cvoid}})::Cint =
    guarded(session, task) do _
        unsafe_store!(out, keep_trace!(session, copy_trace(session.model, box_of(trace).trace)))
    end

apply_to(session::TraceSession, trace::Ptr{Cvoid}, operation::Int64, ::Ptr{Cvoid}, ::Csize_t, task::Ptr{Cvoid},
         out::Ptr{Float64})::Cint = guarded(session, task) do rng
    f, arguments = session.operations[operation]
    box = box_of(trace)
    change!(box, f(rng, box.trace, arguments...), out)
end

incorporate_in(session::TraceSession, trace::Ptr{Cvoid}, task::Ptr{Cvoid}, out::Ptr{Float64})::Cint =
    guarded(session, task) do rng
        box = box_of(trace)
        change!(box, incorporate(session.model, rng, box.trace), out)
    end

reset_trace(session::TraceSession, trace::Ptr{Cvoid}, task::Ptr{Cvoid})::Cint = guarded(session, task) do rng
    box = box_of(trace)
    box.trace = reset_to_prior(session.model, rng, box.trace)
end

weigh_trace(session::TraceSession, trace::Ptr{Cvoid}, task::Ptr{Cvoid}, out::Ptr{Float64})::Cint =
    guarded(session, task) do rng
        unsafe_store!(out, Float64(weigh(session.model, rng, box_of(trace).trace)))
    end

report_trace(session::TraceSession, trace::Ptr{Cvoid}, ::Int64, task::Ptr{Cvoid}, ::Csize_t, out::Ptr{Float64})::Cint =
    guarded(session, task) do rng
        place = Threads.atomic_add!(session.answered, 1) + 1
        session.answers[place] = session.asked(rng, box_of(trace).trace)
        # A place among those of all processes, which says whose it is.
        unsafe_store!(out, Float64((place - 1) * session.processes + session.rank))
    end

diversify_trace(session::TraceSession, trace::Ptr{Cvoid}, operation::Int64, ::Ptr{Cvoid}, ::Csize_t, task::Ptr{Cvoid},
                family::Ptr{Cvoid})::Cint = guarded(session, task) do rng
    f, arguments = session.operations[operation]
    for (member, increment) in f(rng, box_of(trace).trace, arguments...)
        ccall(symbol(:catena_family_add), Cint, (Ptr{Cvoid}, Ptr{Cvoid}, Float64), family, keep_trace!(session, member),
              increment)
    end
end

fingerprint_of(session::TraceSession, trace::Ptr{Cvoid}, operation::Int64, task::Ptr{Cvoid}, words::Ptr{UInt64})::Cint =
    guarded(session, task) do _
        f, arguments = session.operations[operation]
        value = f(box_of(trace).trace, arguments...)
        unsafe_store!(words, hash(value, UInt(0)) % UInt64, 1)
        unsafe_store!(words, hash(value, UInt(0x2545f491)) % UInt64, 2)
    end

serialize_to(session::TraceSession, trace::Ptr{Cvoid}, task::Ptr{Cvoid}, out::Ptr{Cvoid})::Cint =
    guarded(session, task) do _
        io = IOBuffer()
        serialize_trace(session.model, io, box_of(trace).trace)
        bytes = take!(io)
        ccall(symbol(:catena_bytes_write), Cint, (Ptr{Cvoid}, Ptr{UInt8}, Csize_t), out, bytes, length(bytes))
    end

deserialize_from(session::TraceSession, bytes::Ptr{UInt8}, size::Csize_t, task::Ptr{Cvoid}, out::Ptr{Ptr{Cvoid}})::Cint =
    guarded(session, task) do _
        kept = copy(unsafe_wrap(Array, bytes, Int(size)))
        unsafe_store!(out, keep_trace!(session, deserialize_trace(session.model, IOBuffer(kept))))
    end

"The table of a session, which must be rooted as long as it is used."
function traces_table(session::TraceSession)
    report = @cfunction(report_trace, Cint, (Ref{TraceSession}, Ptr{Cvoid}, Int64, Ptr{Cvoid}, Csize_t, Ptr{Float64}))
    Ref(table(TracesTable;
        user = pointer_from_objref(session), threading = session.caller ? THREADS_CALLER : THREADS_ANY,
        create = @cfunction(create_trace, Cint, (Ref{TraceSession}, Ptr{Cvoid}, Ptr{Ptr{Cvoid}})),
        free = @cfunction(free_trace, Cvoid, (Ref{TraceSession}, Ptr{Cvoid})),
        copy = @cfunction(copy_trace_of, Cint, (Ref{TraceSession}, Ptr{Cvoid}, Ptr{Cvoid}, Ptr{Ptr{Cvoid}})),
        apply = @cfunction(apply_to, Cint, (Ref{TraceSession}, Ptr{Cvoid}, Int64, Ptr{Cvoid}, Csize_t, Ptr{Cvoid},
                                            Ptr{Float64})),
        incorporate = @cfunction(incorporate_in, Cint, (Ref{TraceSession}, Ptr{Cvoid}, Ptr{Cvoid}, Ptr{Float64})),
        reset_to_prior = @cfunction(reset_trace, Cint, (Ref{TraceSession}, Ptr{Cvoid}, Ptr{Cvoid})),
        weigh = @cfunction(weigh_trace, Cint, (Ref{TraceSession}, Ptr{Cvoid}, Ptr{Cvoid}, Ptr{Float64})),
        report = report, sample = report,
        diversify = @cfunction(diversify_trace, Cint, (Ref{TraceSession}, Ptr{Cvoid}, Int64, Ptr{Cvoid}, Csize_t,
                                                       Ptr{Cvoid}, Ptr{Cvoid})),
        fingerprint = @cfunction(fingerprint_of, Cint, (Ref{TraceSession}, Ptr{Cvoid}, Int64, Ptr{Cvoid}, Ptr{UInt64})),
        serialize = @cfunction(serialize_to, Cint, (Ref{TraceSession}, Ptr{Cvoid}, Ptr{Cvoid}, Ptr{Cvoid})),
        deserialize = @cfunction(deserialize_from, Cint, (Ref{TraceSession}, Ptr{UInt8}, Csize_t, Ptr{Cvoid},
                                                          Ptr{Ptr{Cvoid}}))))
end
