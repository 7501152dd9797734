# Starting runs, and running chains to their end.

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

- `chains = 4`, `warmup`: number of chains, and of warm-up iterations, which are the preset's where they are not given
- `seed`: an integer; random when not given. Chain `id` of a seed is the same chain, bit for bit, in whatever run and on
  however many threads. `chain_id = 1`: id of the first chain
- `init`: `nothing` (uniform on (-2, 2), see `init_radius`); an unconstrained position (a vector; NaN entries are drawn);
  values by name (a `NamedTuple` or `AbstractDict`); a matrix with a column per chain; a vector with one of these for each
  chain; or a function from a chain's id to one of these
- `engine = :nuts`: also `:static` (trajectories of the length `int_time`, 2π by default) and `:fixed_param` (the position
  stays the initial one, without warm-up, and the outputs are drawn anew)
- `metric`, by default the preset's: `:unit`, `:diag`, `:dense`, and from draws and gradients `:fisher_diag`, `:fisher_dense`,
  `:low_rank`, `:auto`;
  `inv_metric`: a vector of variances (a matrix when dense) to start from, or a vector of them, one for each chain
- `warmup_mode = :alone`: or `:together`, whether chains share what they learn in warm-up (with a metric from draws and gradients)
- every other option of the library by its name, such as `delta`, `max_depth`, `thin`, `save_warmup` or `adapt`:
  [`Catena.options`](@ref)`()` lists them with their defaults; `preset = :stan` has Stan's. `check_gradient`, true by default for a
  `FunctionModel`, compares the gradient with finite differences where each chain begins and fails the chain where it is wrong, at
  the cost of twice as many evaluations of the log density as there are coordinates, at most 128
- `threads = 0`: threads of the pool the chains run on; 0: the cores available to the process, but with callbacks from the
  pool as many as Julia has
- `callbacks = :auto`: from where the functions of a `FunctionModel` are called: `:pool`, several at once from the pool's
  threads (Julia 1.9 or later; the default there when Julia has several threads), or `:caller`, one at a time on the thread
  that called `sample`, while the pool does the sampler's arithmetic
- `checkpoints`: bytes of checkpoints to go on from, one for each chain, see [`Catena.resume`](@ref); the draws are then
  those after them
- `from`: the [`Catena.Draws`](@ref) of another run, or its `checkpoints`, whose chains' ends these begin at: with their positions,
  metrics and step sizes, so far as `init`, `inv_metric` and `stepsize` are not given. Chains take them in turn. Warm-up is then 50
  iterations where `warmup` is not given; one of fewer than 100 leaves the metric as it is
- `communicator`: a pointer to a `catena_communicator`, which must live as long as the run: the processes that chains are spread over, see
  `docs/cluster.md`. All make the same call, with a `seed`
- `progress`: whether to show a progress line on `stderr` (by default where that is a terminal), or an `IO`

An exception in a model's function ends the run and is thrown here. So is Ctrl-C, when the chains have stopped after the
iteration under way: [`Catena.last_draws`](@ref)`()` has what they drew. A second one is thrown at once. When some chains fail, a warning says
which and why, and the draws of the others are returned; when all do, their error is thrown.
"""
function sample(object, n::Integer = 1000; progress = stderr isa Base.TTY, options...)
    LAST[] = nothing
    run = start(object, n; options...)
    try
        fetch(run; progress = progress)
    catch exception
        exception isa InterruptException && keep_drawn(run)
        rethrow()
    finally
        close(run)
    end
end

"""
    Catena.start(model, n = 1000; options...) -> Catena.Run

Starts chains over `model` and returns at once, while they run on the library's threads. Arguments are those of
[`Catena.sample`](@ref), without `progress`. Look after the run with [`Catena.poll`](@ref), [`Catena.progress`](@ref) and
[`Catena.cancel`](@ref); `fetch(run)` waits and returns the [`Catena.Draws`](@ref).

The functions of a `FunctionModel` that are called on the calling thread (see `callbacks`) are called, and their chains move,
only inside `poll`, `wait` and `fetch`.
"""
function start(object, n::Integer = 1000; chains::Integer = 4, warmup = nothing, seed = nothing,
               chain_id::Integer = 1, init = nothing, engine = :nuts, metric = nothing, inv_metric = nothing,
               threads::Integer = 0, callbacks = :auto, checkpoints = nothing, from = nothing, communicator = C_NULL, extra...)
    model = as_model(object)
    chains >= 1 || throw(ArgumentError("argument 'chains': expected at least 1, got $chains"))
    engine_code = code_of("engine", ENGINES, engine)
    engine === :fixed_param && (warmup = 0)
    caller = calls_on_caller(model, callbacks)
    session = session_of(model, caller)
    session === nothing || caller || threads != 0 || (threads = Threads.nthreads())
    session === nothing || (session.polled = caller)
    seed === nothing && (seed = rand(Random.RandomDevice(), UInt32))
    inits = inits_of(init, chains, chain_id)
    inv_metrics = inv_metrics_of(inv_metric, chains)
    log = Log()
    ends = ends_of(from)
    # Where a run begins warm, its warm-up is short unless it is given.
    ends === nothing || (extra = (; warm_start = true, extra...))
    handles = Handles([])
    try
        options = new_options(handles, n, chains, warmup, seed, chain_id, metric, threads, (; looked_at(model)..., extra...))
        rows = Int(ccall(symbol(:catena_options_rows), Csize_t, (Ptr{Cvoid},), options))
        init_handles = inits === nothing ? Ptr{Cvoid}[] : Ptr{Cvoid}[new_init(handles, one) for one in inits]
        metric_pointers = inv_metrics === nothing ? Ptr{Float64}[] : pointer.(inv_metrics)
        checkpoint_handles = new_checkpoints(handles, checkpoints, chains)
        end_handles = ends === nothing ? Ptr{Cvoid}[] : Ptr{Cvoid}[new_checkpoint(handles, one) for one in ends]
        logger = new_logger(log)
        model_handle = new_model(handles, model, session)
        names = column_names(model_handle, engine_code)
        outputs = ccall(symbol(:catena_model_output_count), Csize_t, (Ptr{Cvoid},), model_handle)
        dimension = Int(ccall(symbol(:catena_model_dimension), Csize_t, (Ptr{Cvoid},), model_handle))
        values = fill(NaN, rows, chains, length(names))
        writers = new_writers(handles, values)
        # What the library has pointers to as long as the run lasts.
        roots = (model, session, log, logger, values, inv_metrics)
        run = GC.@preserve roots writers init_handles metric_pointers checkpoint_handles end_handles begin
            io = Ref(table(IoTable; inits = pointer(init_handles), num_inits = length(init_handles),
                           inv_metrics = pointer(metric_pointers), num_inv_metrics = length(metric_pointers),
                           inv_metric_size = inv_metrics === nothing ? 0 : length(first(inv_metrics)),
                           sample_writers = pointer(writers), num_sample_writers = length(writers),
                           checkpoints = pointer(checkpoint_handles), num_checkpoints = length(checkpoint_handles),
                           from = pointer(end_handles), num_from = length(end_handles),
                           communicator = Ptr{Cvoid}(communicator),
                           logger = logs_into_julia(caller) ? Base.unsafe_convert(Ptr{LoggerTable}, logger) : C_NULL))
            make(handles, run -> free_run(run, session, caller)) do out, e
                ccall(symbol(:catena_run_start_engine), Int32,
                      (Ptr{Cvoid}, Int32, Ptr{Cvoid}, Ptr{IoTable}, Ptr{Ptr{Cvoid}}, Ptr{Ptr{Cvoid}}),
                      model_handle, engine_code, options, io, out, e)
            end
        end
        # With what the library has where nothing was given.
        asked = (; chains = chains, warmup = whole_option(options, :num_warmup), seed = seed, chain_id = chain_id,
                 engine = engine, metric = keys(METRICS)[whole_option(options, :metric)+1], from = ends, extra...)
        collect = (result, failure) -> collect_draws(result, failure, values, written_rows(writers), names,
                                                     length(names) - Int(outputs), n, seed, options, asked, dimension)
        return Run(handles, run, session, caller, log, chains, roots, collect)
    catch
        free_all(handles)
        rethrow()
    end
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
