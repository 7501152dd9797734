# Gradients against finite differences.

"""
What [`Catena.diagnose`](@ref) found.

- `log_density`: at the point
- `values`: the point; `model`: the model's gradient there; `finite_differences`: the central differences, NaN where the
  model refused one of their points; `errors`: the model's derivatives minus the differences
- `failures`: number of coordinates whose error is above the threshold or no number
- `text`: Stan's table, as printed
"""
struct GradientCheck
    log_density::Float64
    values::Vector{Float64}
    model::Vector{Float64}
    finite_differences::Vector{Float64}
    errors::Vector{Float64}
    failures::Int
    text::String
end

Base.show(io::IO, check::GradientCheck) =
    print(io, "Catena.GradientCheck: ", check.failures, " of ", length(check.values), " derivatives are wrong")
Base.show(io::IO, ::MIME"text/plain", check::GradientCheck) = (show(io, check); print(io, "\n\n", chomp(check.text)))

"""
    Catena.diagnose(model; init = nothing, seed = 0, chain_id = 1, init_radius = 2, epsilon = 1e-6, threshold = 1e-6)
        -> Catena.GradientCheck

Compares the model's gradient with central differences (f(x + epsilon) - f(x - epsilon)) / 2epsilon, coordinate by coordinate,
at the point where a chain of that seed and id would start from `init`: `nothing`, a position, or values by name.
`threshold` is the largest absolute error that is no failure. The functions of a `FunctionModel` are called on the calling
thread; an exception in them is thrown here.
"""
function diagnose(object; init = nothing, seed::Integer = 0, chain_id::Integer = 1, init_radius::Real = 2,
                  epsilon::Real = 1e-6, threshold::Real = 1e-6)
    model = as_model(object)
    session = session_of(model, true)
    with_handles() do handles
        options = new_options(handles, 0, 1, 0, seed, chain_id, :diag, 1, (init_radius = init_radius,))
        context = new_init(handles, init)
        GC.@preserve model session begin
            handle = new_model(handles, model, session)
            failure = nothing
            check = make(handles, :catena_gradient_check_free) do out, e
                status, failure = attempt(e -> ccall(
                    symbol(:catena_diagnose_gradient), Int32,
                    (Ptr{Cvoid}, Ptr{Cvoid}, Ptr{Cvoid}, Ptr{LoggerTable}, Float64, Float64, Ptr{Ptr{Cvoid}}, Ptr{Ptr{Cvoid}}),
                    handle, options, context, C_NULL, epsilon, threshold, out, e))
                OK
            end
            rethrow_failure(session)
            failure === nothing || throw(failure)
            read_check(check)
        end
    end
end

function read_check(check)
    size = Int(ccall(symbol(:catena_gradient_check_size), Csize_t, (Ptr{Cvoid},), check))
    numbers(name) = [ccall(symbol(name), Float64, (Ptr{Cvoid}, Csize_t), check, i - 1) for i in 1:size]
    GradientCheck(ccall(symbol(:catena_gradient_check_log_density), Float64, (Ptr{Cvoid},), check),
                  numbers(:catena_gradient_check_value), numbers(:catena_gradient_check_model),
                  numbers(:catena_gradient_check_finite_difference), numbers(:catena_gradient_check_error),
                  ccall(symbol(:catena_gradient_check_failures), Csize_t, (Ptr{Cvoid},), check),
                  unsafe_string(ccall(symbol(:catena_gradient_check_text), Cstring, (Ptr{Cvoid},), check)))
end
