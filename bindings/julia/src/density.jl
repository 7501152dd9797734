# Log densities at given positions.

"""
    Catena.log_density_gradient(model, x) -> (log density, gradient)

Evaluates the model at the unconstrained position `x` through the library, as a chain would. The log density is NaN where
the model refuses the point.

With a matrix `x` (a position per column): a vector of log densities, and a matrix with a gradient per column.
"""
function log_density_gradient(object, x::AbstractVector{<:Real})
    values, gradients = evaluate_columns(object, reshape(x, :, 1), true)
    values[1], vec(gradients)
end
log_density_gradient(object, x::AbstractMatrix{<:Real}) = evaluate_columns(object, x, true)

"""
    Catena.log_density(model, x)

The log density at the unconstrained position `x`, without the gradient; NaN where the model refuses the point. With a
matrix `x` (a position per column): a vector of log densities.
"""
log_density(object, x::AbstractVector{<:Real}) = evaluate_columns(object, reshape(x, :, 1), false)[1][1]
log_density(object, x::AbstractMatrix{<:Real}) = evaluate_columns(object, x, false)[1]

function evaluate_columns(object, x, wants_gradients)
    model = as_model(object)
    session = session_of(model, true)
    positions = Matrix{Float64}(x)
    values, gradients = fill(NaN, size(positions, 2)), fill(NaN, wants_gradients ? size(positions) : (0, 0))
    with_handles() do handles
        GC.@preserve model session gradients begin
            handle = new_model(handles, model, session)
            dimension = ccall(symbol(:catena_model_dimension), Csize_t, (Ptr{Cvoid},), handle)
            size(positions, 1) == dimension ||
                throw(DimensionMismatch("argument 'x': expected $dimension numbers, got $(size(positions, 1))"))
            _, failure = disable_sigint() do
                attempt(e -> ccall(symbol(:catena_model_log_density), Int32,
                                   (Ptr{Cvoid}, Csize_t, Ptr{Float64}, Ptr{Float64}, Ptr{Float64}, Ptr{Cint},
                                    Ptr{Ptr{Cvoid}}), handle, length(values), positions, values,
                                   wants_gradients ? pointer(gradients) : Ptr{Float64}(C_NULL), C_NULL, e))
            end
            rethrow_failure(session)
            failure === nothing || throw(failure)
        end
    end
    values, gradients
end
