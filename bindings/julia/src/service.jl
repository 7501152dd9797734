# Calls of services that are over when they return: sets of particles, starts of an optimiser, paths, fits.

"What happens on the thread that waits while the library works."
mutable struct Watch
    session::Any
    log::Log
    # Whether this task stays on its thread, so that lines may be shown while the library's frames are on its stack.
    shows::Bool
    exception::Any
end

function requested(watch::Watch)::Cint
    (watch.exception === nothing && !has_failed(watch.session)) || return 1
    try
        # Ctrl-C is held back while the library's frames are on the stack, and looked for here.
        Base.reenable_sigint(() -> GC.safepoint())
        watch.shows && show_lines(watch.log)
        return 0
    catch exception
        watch.exception = exception
        return 1
    end
end

interrupt_pointer() = @cfunction(requested, Cint, (Ref{Watch},))

"What a call of a service has at hand; alive while `call_service` is."
struct Call
    handles::Handles
    model::Ptr{Cvoid}
    options::Ptr{Cvoid}
    session::Any
    # The library calls the model, and all else, on the calling thread alone.
    caller::Bool
    log::Log
    logger::Any
    watch::Watch
    interrupt::Any
    seed::UInt64
end

"""
Makes what a call of `service` needs and returns what `work` makes of it, which gets the [`Call`](@ref) and calls
[`run_service`](@ref). `extra` are options of the library, of which the names in `arguments` are none; `counts` are an option, the
argument it comes from and its value or `nothing` each.
"""
function call_service(work, object, service, arguments, counts = (); seed, threads, callbacks, extra...)
    foreach(name -> check_keyword(name, (service,), arguments), keys(extra))
    model = as_model(object)
    caller = calls_on_caller(model, callbacks)
    session = session_of(model, caller)
    session === nothing || caller || threads != 0 || (threads = Threads.nthreads())
    seed === nothing && (seed = rand(Random.RandomDevice(), UInt32))
    log = Log()
    watch = Watch(session, log, current_task().sticky, nothing)
    with_handles() do handles
        options = make(handles, :catena_options_free) do out, e
            ccall(symbol(:catena_options_new), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Ptr{Cvoid}}), out, e)
        end
        set_option(options, :seed, count_of(:seed, seed))
        for (option, argument, count) in counts
            count === nothing || set_option(options, option, count_of(argument, count))
        end
        set_option(options, :num_threads, count_of(:threads, threads))
        set_option(options, :refresh, 0)
        for (name, value) in pairs(extra)
            set_option(options, name, value)
        end
        logger = new_logger(log)
        interrupt = Ref(table(InterruptTable; user = pointer_from_objref(watch), requested = interrupt_pointer()))
        GC.@preserve model session log logger watch interrupt begin
            handle = new_model(handles, model, session)
            work(Call(handles, Ptr{Cvoid}(handle), options, session, caller, log, logger, watch, interrupt, seed))
        end
    end
end

"What the library reads and writes in a call: logger, interrupt and `lists`."
io_of(call::Call; lists...) =
    Ref(table(IoTable; logger = logs_into_julia(call.caller) ? Base.unsafe_convert(Ptr{LoggerTable}, call.logger) : C_NULL,
              interrupt = Base.unsafe_convert(Ptr{InterruptTable}, call.interrupt), lists...))

"Inits of `count` machines; their list, which must stay alive."
function new_inits(call::Call, init, count)
    given = inits_of(init, count, whole_option(call.options, :init_chain_id))
    given === nothing ? Ptr{Cvoid}[] : Ptr{Cvoid}[new_init(call.handles, one) for one in given]
end

"Names of the columns that a service writes."
function columns_of(call::Call, service)
    column, count = symbol(Symbol("catena_", service, "_column")), symbol(Symbol("catena_", service, "_column_count"))
    [unsafe_string(ccall(column, Cstring, (Ptr{Cvoid}, Csize_t), call.model, i - 1))
     for i in 1:Int(ccall(count, Csize_t, (Ptr{Cvoid},), call.model))]
end

"""
The library's call: its report (a handle, or NULL) and the error that came with it. An exception of the model's functions, or
Ctrl-C, is thrown. `more` stands between the options and `io`.
"""
function run_service(call::Call, io, name, free, more...)
    failure = nothing
    result = make(call.handles, free) do out, e
        status, failure = attempt(e -> run_service(call, io, symbol(name), out, e, more))
        OK
    end
    show_lines(call.log)
    rethrow_failure(call.session)
    call.watch.exception === nothing || throw(call.watch.exception)
    result, failure
end

function run_service(call::Call, io, f::Ptr, out, e, more)
    GC.@preserve io out e begin
        arguments = (call.model, call.options, more..., Ptr{Cvoid}(Base.unsafe_convert(Ptr{IoTable}, io)),
                     Base.unsafe_convert(Ptr{Ptr{Cvoid}}, out), Base.unsafe_convert(Ptr{Ptr{Cvoid}}, e))
        # Before Julia 1.9 a callback into Julia must not find the collector let go.
        call.caller || !POOL_CALLBACKS ? plain_call(f, arguments...) : gc_safe_call(f, arguments...)
    end
end
