# Generated quantities of draws made before.

"""
    Catena.generate_quantities(model, draws; seed = draws.seed, options...) -> Catena.Draws
    Catena.generate_quantities(model, values, names; seed, chain_id = 1, options...) -> Catena.Draws

Computes the outputs of `model` anew for draws made before, the chains in parallel: those of a [`Catena.Draws`](@ref), or
`values` (draws × chains × columns) with the `names` of the columns. The result has the generated quantities as its columns,
one row per draw: the outputs of a model after its `parameter_outputs` and `transformed_outputs`, or all outputs when it does
not say how many these are.

The model's parameters are looked up among the columns by name, and its coordinates where these are missing: so the draws of
a `FunctionModel` without outputs serve one with the same coordinates and outputs. A column that is missing is named in the
error. A draw that the model refuses becomes a row of NaN, with a warning.

Random numbers depend on `seed` (random when not given) and the chain's id alone. `threads` and `callbacks` are as in
[`Catena.sample`](@ref). An exception in the model is thrown here.
"""
function generate_quantities(object, draws::Draws; seed = draws.seed, options...)
    ids = [report.id for report in draws.chains]
    first_id = first(ids)
    # Chains that failed are missing; in between they take part without draws, so that all others keep their ids.
    places = ids .- first_id .+ 1
    tables, rows = fill(zeros(0, 0), last(places)), zeros(Int, last(places))
    for (chain, place) in enumerate(places)
        rows[place] = draws.chains[chain].rows
        # Row after row, as the library wants them.
        tables[place] = permutedims(draws.values[1:rows[place], chain, :])
    end
    generate(object, tables, rows, draws.names, places, first_id; seed = seed, options...)
end

function generate_quantities(object, values::AbstractArray{<:Real,3}, names; seed = nothing, chain_id::Integer = 1,
                             options...)
    length(names) == size(values, 3) ||
        throw(DimensionMismatch("argument 'names': expected $(size(values, 3)) names, got $(length(names))"))
    chains = size(values, 2)
    tables = [permutedims(Matrix{Float64}(values[:, chain, :])) for chain in 1:chains]
    generate(object, tables, fill(size(values, 1), chains), strings(names), collect(1:chains), chain_id; seed = seed, options...)
end

"`tables`: columns × draws of each chain; `places`: those of the chains that are wanted."
function generate(object, tables, rows, names, places, chain_id; seed, threads::Integer = 0, callbacks = :auto)
    model = as_model(object)
    chains = length(tables)
    chains >= 1 || throw(ArgumentError("argument 'values': expected at least 1 chain, got none"))
    caller = calls_on_caller(model, callbacks)
    session = session_of(model, caller)
    session === nothing || caller || threads != 0 || (threads = Threads.nthreads())
    seed === nothing && (seed = rand(Random.RandomDevice(), UInt32))
    log, counts = Log(), Csize_t.(rows)
    with_handles() do handles
        options = new_options(handles, 1, chains, 0, seed, chain_id, :diag, threads, NamedTuple())
        logger = new_logger(log)
        GC.@preserve model session log logger tables counts begin
            handle = new_model(handles, model, session)
            columns = quantity_names(handle)
            values = fill(NaN, maximum(rows), chains, length(columns))
            writers = new_writers(handles, values)
            pointers = pointer.(tables)
            result, failure = with_names(names) do list
                given = Ref(table(DrawsTable; names = list, columns = length(names), values = pointer(pointers),
                                  rows = pointer(counts), num_chains = chains))
                io = Ref(table(IoTable; sample_writers = pointer(writers), num_sample_writers = chains,
                               logger = logs_into_julia(caller) ? Base.unsafe_convert(Ptr{LoggerTable}, logger) : C_NULL))
                GC.@preserve values writers pointers given io generate(handles, handle, options, given, io, caller)
            end
            show_lines(log)
            rethrow_failure(session)
            all_draws = collect_draws(result, failure, values, written_rows(writers), columns, 0, maximum(rows), seed,
                                      options, NamedTuple(), 0)
            length(places) == chains ? all_draws : only_chains(all_draws, places .+ (Int(chain_id) - 1))
        end
    end
end

"The library's call; the result (a handle) and the error that came with it."
function generate(handles::Handles, model, options, given, io, caller)
    failure = nothing
    result = make(handles, :catena_result_free) do out, e
        status, failure = attempt(e -> generate_once(model, options, given, io, caller, out, e))
        OK
    end
    result, failure
end

quantity_names(model) =
    [unsafe_string(ccall(symbol(:catena_quantity_column), Cstring, (Ptr{Cvoid}, Csize_t), model, i - 1))
     for i in 1:Int(ccall(symbol(:catena_quantity_column_count), Csize_t, (Ptr{Cvoid},), model))]

function only_chains(draws::Draws, ids)
    keep = [i for (i, report) in enumerate(draws.chains) if report.id in ids]
    Draws(draws.values[:, keep, :], draws.warmup[:, keep, :], draws.names, draws.sampler_columns, draws.chains[keep],
          draws.failures, draws.checkpoints[keep], draws.seed, draws.max_depth, draws.n, draws.options,
          draws.dimension, draws.settings, draws.steps_of_files)
end
