# From what the library holds at the end of a run to draws.

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

"Rows that each writer has taken."
written_rows(writers) = [Int(ccall(symbol(:catena_writer_rows), Csize_t, (Ptr{Cvoid},), writer)) for writer in writers]

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

for (name, T) in ((:catena_result_stepsize, Float64), (:catena_result_delta, Float64),
                  (:catena_result_warmup_seconds, Float64),
                  (:catena_result_sampling_seconds, Float64), (:catena_result_warmup_gradients, UInt64),
                  (:catena_result_sampling_gradients, UInt64), (:catena_result_divergences, UInt64),
                  (:catena_result_saturated, UInt64), (:catena_result_chain_id, UInt64),
                  (:catena_result_inv_metric_size, Csize_t), (:catena_result_rows, Csize_t),
                  (:catena_result_iterations, Csize_t), (:catena_result_warmup_iterations, Csize_t), (:catena_result_chain_status, Int32),
                  (:catena_result_stop_reason, Int32),
                  (:catena_result_chain_error, Ptr{Cvoid}))
    @eval $(Symbol(replace(string(name), "catena_" => "")))(result, chain) =
        ccall(symbol($(QuoteNode(name))), $T, (Ptr{Cvoid}, Csize_t), result, chain)
end

"Names of `catena_stop_reason`, from 0."
const STOP_REASONS = (:all_iterations, :enough, :max_gradients, :max_seconds, :interrupt, :failure)

function report(result, chain, rows, warmup_rows)
    inv_metric = zeros(result_inv_metric_size(result, chain))
    checked(e -> ccall(symbol(:catena_result_inv_metric), Int32,
                       (Ptr{Cvoid}, Csize_t, Ptr{Float64}, Csize_t, Ptr{Ptr{Cvoid}}),
                       result, chain, inv_metric, length(inv_metric), e))
    ChainReport(result_chain_id(result, chain), status_name(result_chain_status(result, chain)),
                result_iterations(result, chain), rows, warmup_rows, result_stepsize(result, chain), inv_metric,
                result_warmup_gradients(result, chain), result_sampling_gradients(result, chain),
                result_divergences(result, chain), result_saturated(result, chain),
                result_warmup_seconds(result, chain), result_sampling_seconds(result, chain),
                STOP_REASONS[result_stop_reason(result, chain)+1], result_delta(result, chain))
end

"What a run was asked for, as a function of the library's tells it of a handle; of a name that several have, the first."
function told_settings(name, handle)
    settings = Pair{String,String}[]
    setting(at, part) = ccall(symbol(name), Ptr{UInt8}, (Ptr{Cvoid}, Csize_t, Int32), handle, at, part)
    at = 0
    while (text = setting(at, 0)) != C_NULL
        option = unsafe_string(text)
        any(one -> first(one) == option, settings) || push!(settings, option => unsafe_string(setting(at, 1)))
        at += 1
    end
    settings
end

"The same report with other numbers of rows."
with_rows(r::ChainReport, rows, warmup_rows) =
    ChainReport(r.id, r.status, r.iterations, rows, warmup_rows, (getfield(r, i) for i in 6:fieldcount(ChainReport))...)

"""
Draws of the chains that were not ended by an error; throws `failure` when there are none. `written`: rows of each chain;
`options`: the library's handle; `asked`: the arguments of the run; `dimension`: coordinates of the model.
"""
function collect_draws(result, failure, values, written, names, sampler_columns, n, seed, options, asked, dimension)
    result == C_NULL && throw(failure)
    chains = size(values, 2)
    statuses = [result_chain_status(result, chain - 1) for chain in 1:chains]
    good = [chain for chain in 1:chains if statuses[chain] in (OK, INTERRUPTED)]
    isempty(good) && throw(failure)
    failures = [read_error(statuses[chain], result_chain_error(result, chain - 1)) for chain in 1:chains if !(chain in good)]
    for one in failures
        @warn one.message
    end
    # Rows of the warm-up come first, if they were asked for; a chain from a checkpoint begins where it had come to.
    saved = told_settings(:catena_result_setting, result)
    of_warmup(chain) = ("save_warmup" => "true") in saved ? cld(Int(result_warmup_iterations(result, chain - 1)), whole_option(options, :thin)) : 0
    warmups = [clamp(of_warmup(chain) - Int(result_rows(result, chain - 1)) + written[chain], 0, written[chain]) for chain in good]
    samples = written[good] .- warmups
    Draws(cut(values, good, warmups, samples), cut(values, good, zero(warmups), warmups), names, sampler_columns,
          [report(result, chain - 1, samples[i], warmups[i]) for (i, chain) in enumerate(good)], failures,
          [checkpoint_bytes(result, chain - 1) for chain in good], seed, whole_option(options, :max_depth), n, asked, dimension,
          told_settings(:catena_result_setting, result), Vector{Float64}[])
end

"Of each of the `chains` so many `rows`, after the `first` ones; NaN where another chain has more."
function cut(values, chains, first, rows)
    most = maximum(rows)
    all(==(0), first) && all(==(most), rows) && (most, length(chains)) == size(values)[1:2] && return values
    part = fill(NaN, most, length(chains), size(values, 3))
    for (i, chain) in enumerate(chains)
        part[1:rows[i], i, :] = @view values[first[i]+1:first[i]+rows[i], chain, :]
    end
    part
end
