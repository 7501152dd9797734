# Runs as objects: watched, cancelled, waited for.

"Where one chain of a run has come, see [`Catena.progress`](@ref)."
struct Progress
    chain::Int
    iteration::Int
    total::Int
    divergences::Int
    gradients::Int
    stepsize::Float64
    warmup::Bool
    over::Bool
end

"""
A run under way, made by [`Catena.start`](@ref).

`fetch(run)` waits for its end and returns the [`Catena.Draws`](@ref), whenever it is called; `wait(run)` only waits;
`close(run)` ends the run and frees what the library holds for it, as does the garbage collector when nobody has the run any
more. [`Catena.poll`](@ref), [`Catena.progress`](@ref) and [`Catena.cancel`](@ref) look after it. `progress` and `cancel` may be
called from any thread, the others from one at a time.
"""
mutable struct Run
    handles::Handles
    # C_NULL when it was freed.
    handle::Ptr{Cvoid}
    session::Union{Session,Nothing}
    caller::Bool
    log::Log
    chains::Int
    roots::Any
    # Makes the draws of the library's result and error.
    collect::Any
    # Held while the handle is used by a function that any thread may call.
    lock::Threads.SpinLock
    over::Bool
    # Where the chains were at the end.
    last::Vector{Progress}
    # The draws, or the exception instead.
    outcome::Any

    function Run(handles, handle, session, caller, log, chains, roots, collect)
        run = new(handles, handle, session, caller, log, chains, roots, collect, Threads.SpinLock(), false, Progress[],
                  nothing)
        finalizer(close, run)
    end
end

"""
    Catena.progress(run) -> Vector of Catena.Progress

Where each chain of a run has come: `chain` (its id), `iteration` of `total` iterations (warm-up included), `divergences`
after warm-up, `gradients` evaluated, the nominal `stepsize` (NaN before the first iteration), whether it is still in
`warmup`, and whether it is `over`.
"""
function progress(run::Run)
    locked(run.lock) do
        run.handle == C_NULL ? copy(run.last) : [progress(run.handle, chain) for chain in 0:run.chains-1]
    end
end

function progress(handle::Ptr{Cvoid}, chain)
    one = Ref(table(ProgressTable))
    checked(e -> ccall(symbol(:catena_run_progress), Int32, (Ptr{Cvoid}, Csize_t, Ptr{ProgressTable}, Ptr{Ptr{Cvoid}}),
                       handle, chain, one, e))
    p = one[]
    Progress(p.chain_id, p.iteration, p.total, p.divergences, p.gradients, p.stepsize, p.in_warmup != 0, p.over != 0)
end

"""
    Catena.cancel(run)

Tells all chains to stop and returns at once. `fetch(run)` then has what was drawn, and [`Catena.resume`](@ref) goes on.
"""
function cancel(run::Run)
    locked(run.lock) do
        run.handle == C_NULL || ccall(symbol(:catena_run_cancel), Cvoid, (Ptr{Cvoid},), run.handle)
    end
    nothing
end

"""
    Catena.poll(run; timeout = 0) -> Bool

Waits up to `timeout` seconds for the run to end, and says whether it has. An exception in the model ends the run and is
thrown by `fetch`.
"""
function poll(run::Run; timeout::Real = 0)
    timeout >= 0 || throw(ArgumentError("argument 'timeout': expected at least 0, got $timeout"))
    run.over && return true
    run.handle == C_NULL && throw(ArgumentError("argument 'run': expected one that was not closed"))
    done, until = Ref{Cint}(0), time() + timeout
    while done[] == 0
        pause = clamp(until - time(), 0.0, POLL_SECONDS)
        # Ctrl-C is held back while the library's frames are on the stack, and thrown here.
        GC.@preserve run disable_sigint(() -> checked(e -> poll_once(run.handle, run.caller, pause, done, e)))
        has_failed(run.session) && cancel(run)
        rethrow_interrupt(run.session)
        show_lines(run.log)
        yield()
        done[] == 0 && time() >= until && return false
    end
    run.over = true
end

"Waits for the run, showing where it is."
function drive(run::Run, io::Union{IO,Nothing})
    shown, width = 0.0, 0
    while true
        over = run.outcome !== nothing || poll(run; timeout = POLL_SECONDS)
        if io !== nothing && (over || time() - shown >= PROGRESS_SECONDS)
            line = progress_line(progress(run))
            print(io, "\r", rpad(line, width), over ? "\n" : "")
            flush(io)
            shown, width = time(), length(line)
        end
        over && return
    end
end

function progress_line(chains)
    total = sum(one.total for one in chains)
    percent = total == 0 ? 100 : div(100 * sum(one.iteration for one in chains), total)
    warming = count(one -> one.warmup, chains)
    string("Catena: ", lpad(percent, 3), " % of ", length(chains), length(chains) == 1 ? " chain" : " chains",
           warming > 0 ? " ($warming warming up), " : ", ", sum(one.gradients for one in chains), " gradients, ",
           sum(one.divergences for one in chains), " divergences")
end

"Waits until all chains of the run have ended."
Base.wait(run::Run) = drive(run, nothing)

"""
    fetch(run::Catena.Run; progress = false) -> Catena.Draws

Waits until all chains have ended and returns their draws, or throws as [`Catena.sample`](@ref) does; `progress` is as there.
Chains of a run that was cancelled have the draws they came to. Ctrl-C ends the waiting, not the run.
"""
function Base.fetch(run::Run; progress = false)
    drive(run, progress_io(progress))
    if run.outcome === nothing
        run.outcome = try
            rethrow_failure(run.session)
            run.collect(take_result(run.handles, run.handle, run.caller)...)
        catch exception
            # The session keeps its own, with the backtrace.
            exception
        end
        close(run)
    end
    run.outcome isa Draws && return run.outcome
    rethrow_failure(run.session)
    throw(run.outcome)
end

"The draws of the last run that Ctrl-C ended inside `sample` or `resume`."
const LAST = Ref{Union{Draws,Nothing}}(nothing)

"""
    Catena.last_draws() -> Catena.Draws

What the last run drew, where Ctrl-C ended it inside [`Catena.sample`](@ref) or [`Catena.resume`](@ref), which goes on with it.
"""
function last_draws()
    LAST[] === nothing && throw(ArgumentError("expected a run that Ctrl-C has ended, and none after it, got none"))
    LAST[]
end

"Has the chains of an interrupted run stop where they are, and keeps what they drew; a second Ctrl-C is thrown at once."
function keep_drawn(run::Run)
    cancel(run)
    draws = fetch(run)
    LAST[] = draws
    rows = minimum(report.rows for report in draws.chains)
    @info "interrupted: each chain has at least $rows draws of $(draws.n); Catena.last_draws() has them, and Catena.resume goes on"
end

function Base.close(run::Run)
    handle = locked(run.lock) do
        handle = run.handle
        handle == C_NULL || !run.over || (run.last = [progress(handle, chain) for chain in 0:run.chains-1])
        run.handle = C_NULL
        handle
    end
    handle == C_NULL || free_all(run.handles)
    nothing
end

function Base.show(io::IO, run::Run)
    print(io, "Catena.Run: ", run.handle == C_NULL && isempty(run.last) ? "closed" : progress_line(progress(run)))
end
