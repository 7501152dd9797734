# What a model's `initialize!` reads.

"""
The values by name that `initialize!` of a [`FunctionModel`](@ref) gets: `given["theta"]` is a number or an array (`KeyError`
when it is not given), `get(given, "theta", default)` and `haskey(given, "theta")` work as for a `Dict`. Valid only inside the
call that got it.
"""
struct Given
    init::Ptr{Cvoid}
end

"Thrown where the library has noted the reason already."
struct Reported <: Exception end

"Most dimensions of an array."
const MOST_DIMENSIONS = 16

"The dimensions of a variable; `nothing` when it is not given."
function shape_of(given::Given, name)
    dimensions, rank = zeros(Csize_t, MOST_DIMENSIONS), Ref{Csize_t}(0)
    found = ccall(symbol(:catena_init_shape), Cint, (Ptr{Cvoid}, Cstring, Csize_t, Ptr{Csize_t}, Ptr{Csize_t}),
                  given.init, String(name), MOST_DIMENSIONS, dimensions, rank)
    found < 0 && throw(Reported())
    found == 0 ? nothing : Int.(dimensions[1:Int(rank[])])
end

Base.haskey(given::Given, name::Union{AbstractString,Symbol}) = shape_of(given, name) !== nothing

function Base.get(given::Given, name::Union{AbstractString,Symbol}, default)
    shape = shape_of(given, name)
    shape === nothing && return default
    values = zeros(shape...)
    found = ccall(symbol(:catena_init_values), Cint, (Ptr{Cvoid}, Cstring, Ptr{Float64}, Csize_t),
                  given.init, String(name), values, length(values))
    found < 0 && throw(Reported())
    isempty(shape) ? values[] : values
end

function Base.getindex(given::Given, name::Union{AbstractString,Symbol})
    value = get(given, name, nothing)
    value === nothing && throw(KeyError(name))
    value
end
