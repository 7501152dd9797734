# Chains as bytes, and going on with them.

"The checkpoint of one chain; nothing when it has none, because it failed or was stopped before it began."
function checkpoint_bytes(result, chain)
    out = Ref{Ptr{Cvoid}}(C_NULL)
    status, _ = attempt(e -> ccall(symbol(:catena_result_checkpoint_new), Int32,
                                   (Ptr{Cvoid}, Csize_t, Ptr{Ptr{Cvoid}}, Ptr{Ptr{Cvoid}}), result, chain, out, e))
    status == OK || return UInt8[]
    length = Ref{Csize_t}(0)
    first = ccall(symbol(:catena_checkpoint_bytes), Ptr{UInt8}, (Ptr{Cvoid}, Ptr{Csize_t}), out[], length)
    bytes = copy(unsafe_wrap(Array, first, Int(length[])))
    ccall(symbol(:catena_checkpoint_free), Cvoid, (Ptr{Cvoid},), out[])
    bytes
end

new_checkpoints(::Handles, ::Nothing, chains) = Ptr{Cvoid}[]

function new_checkpoints(handles::Handles, checkpoints::AbstractVector, chains)
    length(checkpoints) == chains || throw(DimensionMismatch(
        "argument 'checkpoints': expected $chains entries, one per chain, got $(length(checkpoints))"))
    Ptr{Cvoid}[new_checkpoint(handles, one) for one in checkpoints]
end

new_checkpoints(::Handles, other, chains) =
    throw(ArgumentError("argument 'checkpoints': expected a vector with the bytes of each chain, got a $(typeof(other))"))

function new_checkpoint(handles::Handles, bytes::AbstractVector{UInt8})
    isempty(bytes) && return C_NULL
    kept = Vector{UInt8}(bytes)
    make(handles, :catena_checkpoint_free) do out, e
        ccall(symbol(:catena_checkpoint_new), Int32, (Ptr{UInt8}, Csize_t, Ptr{Ptr{Cvoid}}, Ptr{Ptr{Cvoid}}),
              kept, length(kept), out, e)
    end
end

new_checkpoint(::Handles, other) =
    throw(ArgumentError("argument 'checkpoints': expected the bytes of each chain, got a $(typeof(other))"))

"The ends of another run's chains that have one."
ends_of(::Nothing) = nothing
ends_of(draws::Draws) = ends_of(draws.checkpoints)
function ends_of(checkpoints::AbstractVector{<:AbstractVector{UInt8}})
    ends = [Vector{UInt8}(one) for one in checkpoints if !isempty(one)]
    isempty(ends) && throw(ArgumentError("argument 'from': expected draws with the end of a chain, got none"))
    ends
end
ends_of(other) = throw(ArgumentError("argument 'from': expected Draws, or checkpoints of them, got a $(typeof(other))"))

"""
    Catena.resume(model, before, n = before.n; options...) -> Catena.Draws
    Catena.resume(model, before; more, options...) -> Catena.Draws

Goes on with the chains of `before`, the [`Catena.Draws`](@ref) of a run that was stopped, or of one that has finished and
should have `n` draws of each chain, more than it has, or `more` beyond the `before.n` that it was asked for. Each chain draws what it would have drawn had it not been stopped; the
result has the draws of both parts. `model` is the one of the run before, and so are the options, which need not be given
again; `max_evaluations` counts anew.

To go on in another process, store `before.checkpoints` (bytes: `write(path, before.checkpoints[1])`, `read(path)`) and give
them, with the same options and the seed of the run (`before.seed`), to [`Catena.sample`](@ref):
`Catena.sample(model, n; seed = seed, checkpoints = bytes)`, which returns the draws that come after them.
"""
function resume(object, before::Draws, n::Integer = before.n; more::Integer = 0, options...)
    more >= 0 || throw(ArgumentError("argument 'more': expected at least 0, got $more"))
    isempty(before.failures) || throw(ArgumentError(
        "argument 'before': expected chains that can go on, got one that failed: $(first(before.failures).message)"))
    same = Base.structdiff(before.options, NamedTuple{(:max_evaluations,)})
    rest = try
        sample(object, Base.checked_add(Int(n), Int(more)); same..., options..., checkpoints = before.checkpoints)
    catch
        LAST[] === nothing || (LAST[] = join_parts(before, LAST[]))
        rethrow()
    end
    join_parts(before, rest)
end

"Draws of the first part followed by those of the second; all else is of the second."
function join_parts(a::Draws, b::Draws)
    count(draws, field) = [getfield(report, field) for report in draws.chains]
    rows, warmup_rows = (count(a, field) .+ count(b, field) for field in (:rows, :warmup_rows))
    Draws(stacked(a.values, count(a, :rows), b.values, count(b, :rows)),
          stacked(a.warmup, count(a, :warmup_rows), b.warmup, count(b, :warmup_rows)), b.names, b.sampler_columns,
          with_rows.(b.chains, rows, warmup_rows), b.failures, b.checkpoints, b.seed, b.max_depth, b.n, b.options,
          b.dimension, b.settings, Vector{Float64}[])
end

function stacked(a, rows_a, b, rows_b)
    all = fill(NaN, maximum(rows_a .+ rows_b), size(a, 2), size(a, 3))
    for chain in 1:size(a, 2)
        i, j = rows_a[chain], rows_b[chain]
        all[1:i, chain, :] = @view a[1:i, chain, :]
        all[i+1:i+j, chain, :] = @view b[1:j, chain, :]
    end
    all
end
