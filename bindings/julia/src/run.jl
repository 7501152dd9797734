# Starting a run, waiting for it, taking its results.

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
end

function poll(run, caller, done, e)
    f = symbol(:catena_run_poll)
    GC.@preserve done e begin
        p, q = Base.unsafe_convert(Ptr{Cint}, done), Base.unsafe_convert(Ptr{Ptr{Cvoid}}, e)
        caller ? ccall(f, Int32, (Ptr{Cvoid}, Float64, Ptr{Cint}, Ptr{Ptr{Cvoid}}), run, POLL_SECONDS, p, q) :
                 poll_gc_safe(f, run, POLL_SECONDS, p, q)
    end
end

"Frees a run; one that has not ended is cancelled and waited for."
function free_run(run, session, caller)
    # Evaluations that are still asked for end at once.
    session === nothing || (session.failed[] = true)
    f = symbol(:catena_run_free)
    caller ? ccall(f, Cvoid, (Ptr{Cvoid},), run) : free_gc_safe(f, run)
end

cancel(run) = ccall(symbol(:catena_run_cancel), Cvoid, (Ptr{Cvoid},), run)

function progress_line(run, chains)
    one = Ref(table(ProgressTable))
    warming = done = total = divergences = gradients = 0
    for chain in 0:chains-1
        checked(e -> ccall(symbol(:catena_run_progress), Int32, (Ptr{Cvoid}, Csize_t, Ptr{ProgressTable}, Ptr{Ptr{Cvoid}}),
                           run, chain, one, e))
        warming += one[].in_warmup
        done += one[].iteration
        total += one[].total
        divergences += one[].divergences
        gradients += one[].gradients
    end
    percent = total == 0 ? 100 : div(100 * done, total)
    string("Catena: ", lpad(percent, 3), " % of ", chains, chains == 1 ? " chain" : " chains",
           warming > 0 ? " ($warming warming up), " : ", ", gradients, " gradients, ", divergences, " divergences")
end

"Waits for the run, showing what it logs and where it is; ends it when a callback failed."
function drive(run, session, caller, log, chains, progress::Union{IO,Nothing})
    done = Ref{Cint}(0)
    shown, width = 0.0, 0
    while done[] == 0
        # Ctrl-C is held back while the library's frames are on the stack, and thrown here.
        disable_sigint(() -> checked(e -> poll(run, caller, done, e)))
        has_failed(session) && cancel(run)
        show_lines(log)
        if progress !== nothing && (done[] != 0 || time() - shown >= PROGRESS_SECONDS)
            line = progress_line(run, chains)
            print(progress, "\r", rpad(line, width), done[] == 0 ? "" : "\n")
            flush(progress)
            shown, width = time(), length(line)
        end
        yield()
    end
end

"The run's result (a handle), and the error that came with it."
function take_result(handles::Handles, run, caller)
    failure = nothing
    result = make(handles, :catena_result_free) do out, e
        # The run has ended, so this returns at once.
        status, failure = attempt(e -> ccall(symbol(:catena_run_wait), Int32,
                                             (Ptr{Cvoid}, Ptr{Ptr{Cvoid}}, Ptr{Ptr{Cvoid}}), run, out, e))
        OK
    end
    result, failure
end

for (name, T) in ((:catena_result_stepsize, Float64), (:catena_result_warmup_seconds, Float64),
                  (:catena_result_sampling_seconds, Float64), (:catena_result_warmup_gradients, UInt64),
                  (:catena_result_sampling_gradients, UInt64), (:catena_result_divergences, UInt64),
                  (:catena_result_saturated, UInt64), (:catena_result_chain_id, UInt64),
                  (:catena_result_inv_metric_size, Csize_t), (:catena_result_chain_status, Int32),
                  (:catena_result_chain_error, Ptr{Cvoid}))
    @eval $(Symbol(replace(string(name), "catena_" => "")))(result, chain) =
        ccall(symbol($(QuoteNode(name))), $T, (Ptr{Cvoid}, Csize_t), result, chain)
end

function report(result, chain)
    inv_metric = zeros(result_inv_metric_size(result, chain))
    checked(e -> ccall(symbol(:catena_result_inv_metric), Int32,
                       (Ptr{Cvoid}, Csize_t, Ptr{Float64}, Csize_t, Ptr{Ptr{Cvoid}}),
                       result, chain, inv_metric, length(inv_metric), e))
    ChainReport(result_chain_id(result, chain), result_stepsize(result, chain), inv_metric,
                result_warmup_gradients(result, chain), result_sampling_gradients(result, chain),
                result_divergences(result, chain), result_saturated(result, chain),
                result_warmup_seconds(result, chain), result_sampling_seconds(result, chain))
end

"Whether callbacks into Julia may come from threads that Julia did not start."
const POOL_CALLBACKS = VERSION >= v"1.9"

function calls_on_caller(model, callbacks)
    callbacks in (:auto, :caller, :pool) ||
        throw(ArgumentError("argument 'callbacks': expected :auto, :caller or :pool, got $(repr(callbacks))"))
    callbacks === :pool && !POOL_CALLBACKS &&
        throw(ArgumentError("argument 'callbacks': :pool needs Julia 1.9 or later"))
    model isa FunctionModel || return false
    callbacks === :caller || callbacks === :auto && !(POOL_CALLBACKS && Threads.nthreads() > 1)
end

progress_io(progress::Bool) = progress ? stderr : nothing
progress_io(progress::Union{IO,Nothing}) = progress

"""
    Catena.sample(model, n = 1000; options...) -> Catena.Draws

Runs chains over `model` and returns `n` draws of each.

- `chains = 4`, `warmup = 1000`: number of chains, and of warm-up iterations
- `seed`: an integer; random when not given. Chain `id` of a seed is the same chain, bit for bit, in whatever run and on
  however many threads. `chain_id = 1`: id of the first chain
- `init`: `nothing` (uniform on (-2, 2), see `init_radius`); an unconstrained position (a vector; NaN entries are drawn);
  values by name (a `NamedTuple` or `AbstractDict`); a matrix with a column per chain; a vector with one of these for each
  chain; or a function from a chain's id to one of these
- `engine = :nuts`: also `:static` (trajectories of the length `int_time`, 2π by default) and `:fixed_param` (the position
  stays the initial one, without warm-up, and the outputs are drawn anew)
- `metric = :diag`: also `:unit` and `:dense`; `inv_metric`: a vector of variances (a matrix when dense) to start from, or
  a vector of them, one for each chain
- every other option of the library by its name, such as `delta`, `max_depth`, `thin`, `save_warmup` or `adapt`, with the
  defaults of Stan: [`Catena.options`](@ref)`()` lists them
- `threads = 0`: threads of the pool the chains run on; 0: the cores available to the process, but with callbacks from the
  pool as many as Julia has
- `callbacks = :auto`: from where the functions of a `FunctionModel` are called: `:pool`, several at once from the pool's
  threads (Julia 1.9 or later; the default there when Julia has several threads), or `:caller`, one at a time on the thread
  that called `sample`, while the pool does the sampler's arithmetic
- `progress`: whether to show a progress line on `stderr` (by default where that is a terminal), or an `IO`

An exception in a model's function ends the run and is thrown here, as is Ctrl-C. When some chains fail, a warning says
which and why, and the draws of the others are returned; when all do, their error is thrown.
"""
function sample(object, n::Integer = 1000; chains::Integer = 4, warmup::Integer = 1000, seed = nothing,
                chain_id::Integer = 1, init = nothing, engine = :nuts, metric = :diag, inv_metric = nothing, threads::Integer = 0,
                callbacks = :auto, progress = stderr isa Base.TTY, extra...)
    model = as_model(object)
    chains >= 1 || throw(ArgumentError("argument 'chains': expected at least 1, got $chains"))
    engine_code = code_of("engine", ENGINES, engine)
    engine === :fixed_param && (warmup = 0)
    caller = calls_on_caller(model, callbacks)
    session = session_of(model, caller)
    session === nothing || caller || threads != 0 || (threads = Threads.nthreads())
    seed === nothing && (seed = rand(Random.RandomDevice(), UInt32))
    inits = inits_of(init, chains, chain_id)
    inv_metrics = inv_metrics_of(inv_metric, chains)
    log = Log()
    # Pool threads may only log into Julia where it lets foreign threads in.
    logs = caller || POOL_CALLBACKS
    with_handles() do handles
        options = new_options(handles, n, chains, warmup, seed, chain_id, metric, threads, extra)
        rows = Int(ccall(symbol(:catena_options_rows), Csize_t, (Ptr{Cvoid},), options))
        init_handles = inits === nothing ? Ptr{Cvoid}[] : Ptr{Cvoid}[new_init(handles, one) for one in inits]
        metric_pointers = inv_metrics === nothing ? Ptr{Float64}[] : pointer.(inv_metrics)
        logger = Ref(table(LoggerTable; user = pointer_from_objref(log), log = log_pointer()))
        with_model(handles, model, session) do handle
            names = column_names(handle, engine_code)
            outputs = ccall(symbol(:catena_model_output_count), Csize_t, (Ptr{Cvoid},), handle)
            values = fill(NaN, rows, chains, length(names))
            writers = new_writers(handles, values)
            GC.@preserve values log logger writers init_handles inv_metrics metric_pointers begin
                io = Ref(table(IoTable; inits = pointer(init_handles), num_inits = length(init_handles),
                               inv_metrics = pointer(metric_pointers), num_inv_metrics = length(metric_pointers),
                               inv_metric_size = inv_metrics === nothing ? 0 : length(first(inv_metrics)),
                               sample_writers = pointer(writers), num_sample_writers = length(writers),
                               logger = logs ? Base.unsafe_convert(Ptr{LoggerTable}, logger) : C_NULL))
                run = make(handles, run -> free_run(run, session, caller)) do out, e
                    ccall(symbol(:catena_run_start_engine), Int32,
                          (Ptr{Cvoid}, Int32, Ptr{Cvoid}, Ptr{IoTable}, Ptr{Ptr{Cvoid}}, Ptr{Ptr{Cvoid}}),
                          handle, engine_code, options, io, out, e)
                end
                drive(run, session, caller, log, chains, progress_io(progress))
                result, failure = take_result(handles, run, caller)
                rethrow_failure(session)
                collect_draws(result, failure, values, names, length(names) - Int(outputs), n, seed, options)
            end
        end
    end
end

"Names of the columns of a run's draws."
function column_names(model, engine)
    count = ccall(symbol(:catena_engine_column_count), Csize_t, (Ptr{Cvoid}, Int32), model, engine)
    [unsafe_string(ccall(symbol(:catena_engine_column), Cstring, (Ptr{Cvoid}, Int32, Csize_t), model, engine, i - 1))
     for i in 1:Int(count)]
end

"A memory writer for each chain into `values` (rows × chains × columns)."
function new_writers(handles::Handles, values::Array{Float64,3})
    rows, chains, columns = size(values)
    writers = fill(C_NULL, chains)
    disable_sigint() do
        checked(e -> ccall(symbol(:catena_writers_memory_new), Int32,
                           (Ptr{Float64}, Csize_t, Csize_t, Csize_t, Csize_t, Int32, Ptr{Ptr{Cvoid}}, Ptr{Ptr{Cvoid}}),
                           values, length(values), chains, rows, columns, LAYOUT_COLUMNS, writers, e))
        push!(handles.frees, () -> foreach(w -> ccall(symbol(:catena_writer_free), Cvoid, (Ptr{Cvoid},), w), writers))
    end
    writers
end

"Draws of the chains that ended well; throws `failure` when there are none."
function collect_draws(result, failure, values, names, sampler_columns, n, seed, options)
    result == C_NULL && throw(failure)
    chains = size(values, 2)
    good = [chain for chain in 1:chains if result_chain_status(result, chain - 1) == OK]
    isempty(good) && throw(failure)
    failures = [read_error(result_chain_status(result, chain - 1), result_chain_error(result, chain - 1))
                for chain in 1:chains if !(chain in good)]
    for one in failures
        @warn one.message
    end
    length(good) == chains || (values = values[:, good, :])
    # Rows of the warm-up come first, if they were asked for.
    kept = cld(Int(n), whole_option(options, :thin))
    first_row = size(values, 1) - kept + 1
    warmup = values[1:first_row-1, :, :]
    first_row == 1 || (values = values[first_row:end, :, :])
    Draws(values, warmup, names, sampler_columns, [report(result, chain - 1) for chain in good], failures, seed,
          whole_option(options, :max_depth))
end

"""
    Catena.NUTS(; options...)

The sampler by name, for interfaces that want one: with AbstractMCMC (Julia 1.9 or later),
`sample(LogDensityModel(ℓ), Catena.NUTS(delta = 0.9), MCMCThreads(), 1000, 4)`. The options are those of
[`Catena.sample`](@ref).
"""
struct NUTS{O}
    options::O
end
NUTS(; options...) = NUTS((; options...))
