# Initial values and inverse metrics, one per chain.

json(value::Bool) = value ? "1" : "0"
json(value::Integer) = string(value)
json(value::Real) = isnan(value) ? "\"NaN\"" : isinf(value) ? (value > 0 ? "\"Inf\"" : "\"-Inf\"") :
                    string(Float64(value))
json(values::AbstractVector) = "[" * join((json(value) for value in from_one(values)), ",") * "]"
# Stan's convention: the first index is the outermost.
json(values::AbstractArray) = ndims(values) == 0 ? json(values[]) :
    "[" * join((json(collect(selectdim(values, 1, i))) for i in axes(from_one(values), 1)), ",") * "]"
json(values::Union{NamedTuple,AbstractDict}) =
    "{" * join((json_string(string(name)) * ":" * json(value) for (name, value) in pairs(values)), ",") * "}"
json(value) = throw(ArgumentError("expected numbers and arrays of numbers, got a $(typeof(value))"))

"Arrays of other indices would be taken for ones of these."
function from_one(values::AbstractArray)
    Base.has_offset_axes(values) && throw(ArgumentError(
        "expected an array whose indices begin at 1, got one with the indices $(join(axes(values), ", ")); give its `parent`"))
    values
end

function json_string(text)
    escaped = map(collect(text)) do c
        c == '"' ? "\\\"" : c == '\\' ? "\\\\" : c < ' ' ? "\\u" * string(Int(c); base = 16, pad = 4) : string(c)
    end
    "\"" * join(escaped) * "\""
end

"""
What each of the chains starts from, one entry per chain. `init` is `nothing`; a position (a vector, NaN entries are
drawn); values by name (`NamedTuple` or `AbstractDict`); a matrix with a column per chain; a vector with an entry of any of
these kinds per chain; or a function from the chain's id to any of them.
"""
inits_of(::Nothing, chains, first_id) = nothing
inits_of(init::Union{AbstractVector{<:Real},NamedTuple,AbstractDict}, chains, first_id) = Any[init for _ in 1:chains]
inits_of(init::Function, chains, first_id) = Any[init(first_id + i - 1) for i in 1:chains]

function inits_of(init::AbstractMatrix{<:Real}, chains, first_id)
    size(init, 2) == chains ||
        throw(DimensionMismatch("argument 'init': expected $chains columns, one per chain, got $(size(init, 2))"))
    Any[from_one(init)[:, i] for i in 1:chains]
end

# Values by name in another form than those of a NamedTuple or a Dict.
inits_of(init::Union{Pair,AbstractVector{<:Pair},Tuple{Vararg{Pair}}}, chains, first_id) = throw(ArgumentError(string(
    "argument 'init': expected values by name as a NamedTuple or a Dict, got ", init isa Pair ? "a pair" : "pairs",
    "; Dict(", init isa Pair ? "pair" : "pairs...", ") makes one of them")))

function inits_of(init::AbstractVector, chains, first_id)
    length(init) == chains ||
        throw(DimensionMismatch("argument 'init': expected $chains entries, one per chain, got $(length(init))"))
    Any[init...]
end

inits_of(init, chains, first_id) = throw(ArgumentError(string(
    "argument 'init': expected a position, a NamedTuple or Dict of values, a matrix with a column per chain, a vector of ",
    "them or a function of the chain's id, got a ", typeof(init))))

new_init(::Handles, ::Nothing) = C_NULL

function new_init(handles::Handles, position::AbstractVector{<:Real})
    values = Vector{Float64}(from_one(position))
    make(handles, :catena_init_free) do out, e
        ccall(symbol(:catena_init_position_new), Int32, (Ptr{Float64}, Csize_t, Ptr{Ptr{Cvoid}}, Ptr{Ptr{Cvoid}}),
              values, length(values), out, e)
    end
end

function new_init(handles::Handles, values::Union{NamedTuple,AbstractDict})
    text = json(values)
    make(handles, :catena_init_free) do out, e
        ccall(symbol(:catena_init_json_new), Int32, (Ptr{UInt8}, Csize_t, Ptr{Ptr{Cvoid}}, Ptr{Ptr{Cvoid}}),
              text, sizeof(text), out, e)
    end
end

new_init(::Handles, other) = throw(ArgumentError(string(
    "argument 'init': expected a vector of numbers, a NamedTuple, a Dict or nothing for each chain, got a ",
    typeof(other))))

"Inverse metrics as vectors, one per chain (matrices are symmetric, so their order does not matter)."
inv_metrics_of(::Nothing, chains) = nothing
inv_metrics_of(metric::Union{AbstractVector{<:Real},AbstractMatrix{<:Real}}, chains) =
    [vec(Array{Float64}(metric)) for _ in 1:chains]

function inv_metrics_of(metrics::AbstractVector, chains)
    length(metrics) == chains ||
        throw(DimensionMismatch("argument 'inv_metric': expected $chains entries, one per chain, got $(length(metrics))"))
    all(metric -> metric isa AbstractArray{<:Real} && length(metric) == length(first(metrics)), metrics) ||
        throw(ArgumentError("argument 'inv_metric': expected vectors or matrices of one size"))
    [vec(Array{Float64}(metric)) for metric in metrics]
end
