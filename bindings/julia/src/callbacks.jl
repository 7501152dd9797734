# From the library back into Julia.
#
# Each callback is a top-level function compiled for C by @cfunction; the Julia object it works on stands behind the `user`
# pointer and is rooted for the run by `with_table`. Nothing is thrown through the library's frames: the first exception is
# kept and thrown again when the library has returned.

"Vectors that one call at a time uses, so that evaluations don't allocate."
mutable struct Worker
    x::Vector{Float64}
    g::Vector{Float64}
    # A second gradient.
    h::Vector{Float64}
    out::Vector{Float64}
end

"What the callbacks of one run share."
mutable struct Session{M}
    model::M
    outputs::Int
    # Callbacks come only on the calling thread, inside disable_sigint; user code gets Ctrl-C enabled again.
    caller::Bool
    # A spin lock, because a thread that Julia did not start should not wait for a task.
    lock::Threads.SpinLock
    # Roots of the workers the library holds pointers to.
    workers::Vector{Worker}
    failed::Threads.Atomic{Bool}
    # The first exception and its backtrace.
    failure::Any
    # Whether somebody waits who looks for Ctrl-C in `interrupted`, and it came inside an evaluation.
    polled::Bool
    interrupted::Bool
end

Session(model, outputs, caller) =
    Session(model, outputs, caller, Threads.SpinLock(), Worker[], Threads.Atomic{Bool}(false), nothing, false, false)

function locked(f, lock)
    Base.lock(lock)
    try
        f()
    finally
        Base.unlock(lock)
    end
end

function keep_failure!(session::Session, exception, backtrace)
    locked(session.lock) do
        session.failed[] || (session.failure = (exception, backtrace))
        session.failed[] = true
    end
    STOP
end

"Throws the session's first exception, if there is one, with its own backtrace as the cause."
function rethrow_failure(session::Session)
    session.failure === nothing && return
    exception, backtrace = session.failure
    exception isa InterruptException && throw(exception)
    try
        throw(CapturedException(exception, backtrace))
    catch
        throw(exception)
    end
end
rethrow_failure(::Nothing) = nothing

has_failed(session::Session) = session.failed[]
has_failed(::Nothing) = false

"Calls `f(arguments...)` of the user's, during which Ctrl-C may throw."
@inline call_user(session, f, arguments...) =
    session.caller ? Base.reenable_sigint(() -> f(arguments...)) : f(arguments...)

"""
As [`call_user`](@ref), for functions that give the same whenever they are called: what the first Ctrl-C breaks off is called again,
so that its chain can go on, and whoever waits for the run finds it in `interrupted`.
"""
@inline function call_whole(session, f, arguments...)
    session.polled || return call_user(session, f, arguments...)
    try
        return call_user(session, f, arguments...)
    catch exception
        exception isa InterruptException && !session.interrupted || rethrow()
        session.interrupted = true
    end
    call_user(session, f, arguments...)
end

"Throws the Ctrl-C that came inside an evaluation since the last call."
function rethrow_interrupt(session::Session)
    session.interrupted || return
    session.interrupted = false
    throw(InterruptException())
end
rethrow_interrupt(::Nothing) = nothing

function worker_new(session::Session, out::Ptr{Ptr{Cvoid}})::Cint
    try
        dimension = session.model.dimension
        worker = Worker(zeros(dimension), zeros(dimension), zeros(dimension), zeros(session.outputs))
        locked(() -> push!(session.workers, worker), session.lock)
        unsafe_store!(out, pointer_from_objref(worker))
        return EVALUATED
    catch exception
        return keep_failure!(session, exception, catch_backtrace())
    end
end

function evaluate(session::Session, worker::Worker, task::Ptr{Cvoid}, position::Ptr{Float64}, value::Ptr{Float64},
                  gradient::Ptr{Float64})::Cint
    session.failed[] && return STOP
    try
        x, g, n = worker.x, worker.g, session.model.dimension
        GC.@preserve x unsafe_copyto!(pointer(x), position, n)
        fill!(g, NaN)
        log_density = call_whole(session, session.model.f!, g, x)
        log_density isa Real || throw(ArgumentError("f!(g, x): expected to return a number, got $(repr(log_density))"))
        length(x) == length(g) == n || throw(DimensionMismatch("f!(g, x) changed the length of a vector"))
        unsafe_store!(value, Float64(log_density))
        GC.@preserve g unsafe_copyto!(gradient, pointer(g), n)
        return EVALUATED
    catch exception
        return keep_failure!(session, exception, catch_backtrace())
    end
end

"Random numbers of a chain's stream for outputs. Valid only inside the call that got it."
struct ChainRNG <: Random.AbstractRNG
    task::Ptr{Cvoid}
    bits::Ptr{Cvoid}
end

Random.rng_native_52(::ChainRNG) = UInt64
Base.rand(rng::ChainRNG, ::Random.SamplerType{UInt64}) = ccall(rng.bits, UInt64, (Ptr{Cvoid},), rng.task)
for T in (Bool, Int8, UInt8, Int16, UInt16, Int32, UInt32, Int64)
    @eval Base.rand(rng::ChainRNG, ::Random.SamplerType{$T}) = rand(rng, UInt64) % $T
end
Base.rand(rng::ChainRNG, ::Random.SamplerType{T}) where {T<:Union{Int128,UInt128}} =
    ((rand(rng, UInt64) % UInt128) << 64 | rand(rng, UInt64)) % T

function constrain(session::Session, worker::Worker, task::Ptr{Cvoid}, position::Ptr{Float64},
                   outputs::Ptr{Float64})::Cint
    session.failed[] && return STOP
    try
        x, out, constrain! = worker.x, worker.out, session.model.constrain!
        GC.@preserve x unsafe_copyto!(pointer(x), position, session.model.dimension)
        fill!(out, NaN)
        if applicable(constrain!, out, x)
            call_user(session, constrain!, out, x)
        else
            call_user(session, constrain!, out, x, ChainRNG(task, symbol(:catena_task_bits)))
        end
        length(out) == session.outputs || throw(DimensionMismatch("constrain!(out, x) changed the length of a vector"))
        GC.@preserve out unsafe_copyto!(outputs, pointer(out), session.outputs)
        return EVALUATED
    catch exception
        return keep_failure!(session, exception, catch_backtrace())
    end
end

function initialize(session::Session, worker::Worker, task::Ptr{Cvoid}, init::Ptr{Cvoid}, position::Ptr{Float64})::Cint
    session.failed[] && return STOP
    try
        x, n = worker.x, session.model.dimension
        fill!(x, NaN)
        call_user(session, session.model.initialize!, x, Given(init))
        length(x) == n || throw(DimensionMismatch("initialize!(x, given) changed the length of a vector"))
        GC.@preserve x unsafe_copyto!(position, pointer(x), n)
        return EVALUATED
    catch exception
        exception isa Reported && return STOP
        return keep_failure!(session, exception, catch_backtrace())
    end
end

# One compiled trampoline per type of session, so that a call of the user's function is a static one.
worker_new_pointer(::Type{S}) where {S} = @cfunction(worker_new, Cint, (Ref{S}, Ptr{Ptr{Cvoid}}))
evaluate_pointer(::Type{S}) where {S} =
    @cfunction(evaluate, Cint, (Ref{S}, Ref{Worker}, Ptr{Cvoid}, Ptr{Float64}, Ptr{Float64}, Ptr{Float64}))
constrain_pointer(::Type{S}) where {S} =
    @cfunction(constrain, Cint, (Ref{S}, Ref{Worker}, Ptr{Cvoid}, Ptr{Float64}, Ptr{Float64}))
initialize_pointer(::Type{S}) where {S} =
    @cfunction(initialize, Cint, (Ref{S}, Ref{Worker}, Ptr{Cvoid}, Ptr{Cvoid}, Ptr{Float64}))

"Whether callbacks into Julia may come from threads that Julia did not start."
const POOL_CALLBACKS = VERSION >= v"1.9"

"Lines that the library logged, until the calling thread shows them."
mutable struct Log
    lock::Threads.SpinLock
    lines::Vector{Tuple{Int32,Int64,String}}
    # What is done to words beyond [`from_one`](@ref).
    words::Any
end
Log(words = identity) = Log(Threads.SpinLock(), [], words)

function log_line(log::Log, level::Int32, chain::Int64, line::Ptr{UInt8})::Cvoid
    try
        text = unsafe_string(line)
        locked(() -> push!(log.lines, (level, chain, text)), log.lock)
    catch
        # A line that cannot be kept is lost; there is nowhere to say so.
    end
    nothing
end

log_pointer() = @cfunction(log_line, Cvoid, (Ref{Log}, Int32, Int64, Ptr{UInt8}))

"A table for the library that fills `log`; both must be rooted as long as it is used."
new_logger(log::Log) = Ref(table(LoggerTable; user = pointer_from_objref(log), log = log_pointer()))

"Whether lines may be logged: pool threads may only call into Julia where it lets foreign threads in."
logs_into_julia(caller) = caller || POOL_CALLBACKS

"Hands what was logged to Julia's logging. Failures are left out: they become exceptions or warnings of their own."
function show_lines(log::Log)
    isempty(log.lines) && return
    lines = locked(log.lock) do
        taken = log.lines
        log.lines = []
        taken
    end
    for (level, chain, line) in lines
        text = log.words(from_one(line))
        where = chain < 0 ? "" : "chain $chain: "
        if level == LOG_WARNING
            @warn where * text
        elseif level == LOG_INFO
            @info where * text
        elseif level == LOG_DEBUG
            @debug where * text
        end
    end
end

"How a run calls back: the session (`nothing` for models without Julia in them) and whether only the calling thread does."
session_of(::Model, caller) = nothing
session_of(model::FunctionModel, caller) =
    Session(model, model.outputs === nothing ? 0 : length(model.outputs), caller)

"The handle of the library's model; `session` and `model` must be rooted as long as it is used."
function new_model(handles::Handles, model::FunctionModel, session::Session)
    S = typeof(session)
    has_outputs = model.outputs !== nothing
    with_names(model.names) do names
        with_names(model.outputs) do outputs
            density = Ref(table(DensityTable;
                user = pointer_from_objref(session), dimension = model.dimension, names = names,
                output_count = session.outputs, output_names = outputs,
                log_density_gradient = evaluate_pointer(S), constrain = has_outputs ? constrain_pointer(S) : C_NULL,
                initialize = model.initialize! === nothing ? C_NULL : initialize_pointer(S),
                parameter_outputs = model.parameter_outputs, transformed_outputs = model.transformed_outputs,
                prior_pointers(S, model.prior)...,
                worker_new = worker_new_pointer(S), threading = session.caller ? THREADS_CALLER : THREADS_ANY))
            new_model(handles, density)
        end
    end
end

function new_model(handles::Handles, model::CModel, ::Nothing)
    with_names(model.names) do names
        with_names(model.outputs) do outputs
            density = Ref(table(DensityTable;
                user = model.user, dimension = model.dimension, log_density_gradient = model.log_density_gradient,
                log_density = model.log_density, names = names, output_names = outputs,
                output_count = model.outputs === nothing ? 0 : length(model.outputs), constrain = model.constrain,
                initialize = model.initialize, worker_new = model.worker_new, worker_free = model.worker_free,
                parameter_outputs = model.parameter_outputs, transformed_outputs = model.transformed_outputs,
                log_density_parts = model.log_density_parts, log_density_parts_batch = model.log_density_parts_batch,
                sample_prior = model.sample_prior, data_count = model.data_count,
                log_density_data = model.log_density_data))
            new_model(handles, density)
        end
    end
end

new_model(::Handles, model::BridgeStanModel, ::Nothing) = model.handle

new_model(handles::Handles, density::Ref{DensityTable}) =
    make(handles, :catena_model_free) do out, e
        ccall(symbol(:catena_model_new), Int32, (Ptr{DensityTable}, Ptr{Ptr{Cvoid}}, Ptr{Ptr{Cvoid}}), density, out, e)
    end
