# Calls of the library that call back: what the functions throw comes out again.

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

"Refuses what a callback asks of what is at work on it: the library would, in less telling words."
check_idle(session) = session.busy &&
    throw(ArgumentError("the $(at_work(session)) is at work: a function that it calls cannot use it"))

"Calls a function of the library that may call back, whose last argument is a place for an error; throws what went wrong."
function call_for(session, log::Log, name::Symbol, arguments...)
    failure = attempt_for(session, log, name, arguments...)
    failure === nothing || throw_with_cause(session, failure)
    nothing
end

"As [`call_for`](@ref), but returns the library's error."
function attempt_for(session, log::Log, name::Symbol, arguments...)
    check_idle(session)
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
