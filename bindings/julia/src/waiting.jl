# Calls that wait inside the library.

"Longest time in seconds between two looks at interrupts, at progress and at Julia's other tasks."
const POLL_SECONDS = 0.05

"Shortest time in seconds between two progress lines."
const PROGRESS_SECONDS = 0.25

# A thread that waits inside the library must not hold up the garbage collector: on Julia 1.9 and later the callbacks of
# pool threads may need it to go on. On every version this is for runs that don't call back on the waiting thread. Nothing
# between enter and leave may touch Julia's memory, hence functions of plain bits.
@static if VERSION >= v"1.12"
    poll_gc_safe(f::Ptr{Cvoid}, run::Ptr{Cvoid}, timeout::Float64, done::Ptr{Cint}, e::Ptr{Ptr{Cvoid}}) =
        @ccall gc_safe = true $f(run::Ptr{Cvoid}, timeout::Float64, done::Ptr{Cint}, e::Ptr{Ptr{Cvoid}})::Int32
    free_gc_safe(f::Ptr{Cvoid}, run::Ptr{Cvoid}) = @ccall gc_safe = true $f(run::Ptr{Cvoid})::Cvoid
    generate_gc_safe(f::Ptr{Cvoid}, model::Ptr{Cvoid}, options::Ptr{Cvoid}, given::Ptr{Cvoid}, io::Ptr{Cvoid},
                     out::Ptr{Ptr{Cvoid}}, e::Ptr{Ptr{Cvoid}}) =
        @ccall gc_safe = true $f(model::Ptr{Cvoid}, options::Ptr{Cvoid}, given::Ptr{Cvoid}, io::Ptr{Cvoid},
                                 out::Ptr{Ptr{Cvoid}}, e::Ptr{Ptr{Cvoid}})::Int32
else
    @noinline function poll_gc_safe(f::Ptr{Cvoid}, run::Ptr{Cvoid}, timeout::Float64, done::Ptr{Cint},
                                    e::Ptr{Ptr{Cvoid}})
        state = ccall(:jl_gc_safe_enter, Int8, ())
        status = ccall(f, Int32, (Ptr{Cvoid}, Float64, Ptr{Cint}, Ptr{Ptr{Cvoid}}), run, timeout, done, e)
        ccall(:jl_gc_safe_leave, Cvoid, (Int8,), state)
        status
    end
    @noinline function free_gc_safe(f::Ptr{Cvoid}, run::Ptr{Cvoid})
        state = ccall(:jl_gc_safe_enter, Int8, ())
        ccall(f, Cvoid, (Ptr{Cvoid},), run)
        ccall(:jl_gc_safe_leave, Cvoid, (Int8,), state)
    end
    @noinline function generate_gc_safe(f::Ptr{Cvoid}, model::Ptr{Cvoid}, options::Ptr{Cvoid}, given::Ptr{Cvoid},
                                        io::Ptr{Cvoid}, out::Ptr{Ptr{Cvoid}}, e::Ptr{Ptr{Cvoid}})
        state = ccall(:jl_gc_safe_enter, Int8, ())
        status = ccall(f, Int32, (Ptr{Cvoid}, Ptr{Cvoid}, Ptr{Cvoid}, Ptr{Cvoid}, Ptr{Ptr{Cvoid}}, Ptr{Ptr{Cvoid}}),
                       model, options, given, io, out, e)
        ccall(:jl_gc_safe_leave, Cvoid, (Int8,), state)
        status
    end
end

"Waits up to `timeout` seconds for the run of this handle."
function poll_once(run, caller, timeout, done, e)
    f = symbol(:catena_run_poll)
    GC.@preserve done e begin
        p, q = Base.unsafe_convert(Ptr{Cint}, done), Base.unsafe_convert(Ptr{Ptr{Cvoid}}, e)
        caller ? ccall(f, Int32, (Ptr{Cvoid}, Float64, Ptr{Cint}, Ptr{Ptr{Cvoid}}), run, timeout, p, q) :
                 poll_gc_safe(f, run, timeout, p, q)
    end
end

"Frees a run; one that has not ended is cancelled and waited for."
function free_run(run, session, caller)
    # Evaluations that are still asked for end at once.
    session === nothing || (session.failed[] = true)
    f = symbol(:catena_run_free)
    caller ? ccall(f, Cvoid, (Ptr{Cvoid},), run) : free_gc_safe(f, run)
end

"Computes generated quantities, from start to end; `given` and `io` are references to tables."
function generate_once(model, options, given, io, caller, out, e)
    f = symbol(:catena_generate_quantities)
    GC.@preserve given io out e begin
        t, i = Ptr{Cvoid}(Base.unsafe_convert(Ptr{DrawsTable}, given)), Ptr{Cvoid}(Base.unsafe_convert(Ptr{IoTable}, io))
        o, p = Base.unsafe_convert(Ptr{Ptr{Cvoid}}, out), Base.unsafe_convert(Ptr{Ptr{Cvoid}}, e)
        caller ? ccall(f, Int32, (Ptr{Cvoid}, Ptr{Cvoid}, Ptr{Cvoid}, Ptr{Cvoid}, Ptr{Ptr{Cvoid}}, Ptr{Ptr{Cvoid}}),
                       model, options, t, i, o, p) :
                 generate_gc_safe(f, model, options, t, i, o, p)
    end
end

"Calls a function of the library that returns a status; its arguments are plain bits."
@generated function plain_call(f::Ptr{Cvoid}, arguments...)
    values = [:(arguments[$i]) for i in 1:length(arguments)]
    :(ccall(f, Int32, $(Expr(:tuple, arguments...)), $(values...)))
end

"As [`plain_call`](@ref), while the garbage collector may go on without this thread."
@generated function gc_safe_call(f::Ptr{Cvoid}, arguments...)
    if VERSION >= v"1.12"
        typed = join(("arguments[$i]::$(repr(T))" for (i, T) in enumerate(arguments)), ", ")
        return Meta.parse("@ccall gc_safe = true \$f($typed)::Int32")
    end
    values = [:(arguments[$i]) for i in 1:length(arguments)]
    quote
        $(Expr(:meta, :noinline))
        state = ccall(:jl_gc_safe_enter, Int8, ())
        status = ccall(f, Int32, $(Expr(:tuple, arguments...)), $(values...))
        ccall(:jl_gc_safe_leave, Cvoid, (Int8,), state)
        status
    end
end
