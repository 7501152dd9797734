# Callbacks of models that tell prior and likelihood apart. As in callbacks.jl nothing is thrown through the library's frames.

"""
The values and gradients of a function of the user's that returns two numbers and writes the gradient of each; gradients that
the library does not ask for are NULL.
"""
function two_parts(session::Session, worker::Worker, position, values, gradients, name, f!, more...)::Cint
    session.failed[] && return STOP
    try
        x, g, h, n = worker.x, worker.g, worker.h, session.model.dimension
        GC.@preserve x unsafe_copyto!(pointer(x), position, n)
        fill!(g, NaN)
        fill!(h, NaN)
        both = call_user(session, f!, g, h, x, more...)
        both isa Tuple{Real,Real} || throw(ArgumentError("$name: expected to return two numbers, got $(repr(both))"))
        length(x) == length(g) == length(h) == n || throw(DimensionMismatch("$name changed the length of a vector"))
        for (value, to) in zip(both, values)
            unsafe_store!(to, Float64(value))
        end
        for (gradient, to) in zip((g, h), gradients)
            to == C_NULL || GC.@preserve gradient unsafe_copyto!(to, pointer(gradient), n)
        end
        return EVALUATED
    catch exception
        return keep_failure!(session, exception, catch_backtrace())
    end
end

evaluate_parts(session::Session, worker::Worker, task::Ptr{Cvoid}, position::Ptr{Float64}, prior::Ptr{Float64},
               likelihood::Ptr{Float64}, g::Ptr{Float64}, h::Ptr{Float64})::Cint =
    two_parts(session, worker, position, (prior, likelihood), (g, h), "log_density_parts!(g, h, x)",
              session.model.prior.log_density_parts!)

evaluate_data(session::Session, worker::Worker, task::Ptr{Cvoid}, position::Ptr{Float64}, count::Csize_t,
              value::Ptr{Float64}, next::Ptr{Float64}, g::Ptr{Float64}, h::Ptr{Float64})::Cint =
    two_parts(session, worker, position, (value, next), (g, h), "log_density_data!(g, h, x, count)",
              session.model.prior.log_density_data!, Int(count))

function draw_prior(session::Session, worker::Worker, task::Ptr{Cvoid}, position::Ptr{Float64})::Cint
    session.failed[] && return STOP
    try
        x, n = worker.x, session.model.dimension
        fill!(x, NaN)
        call_user(session, session.model.prior.sample_prior!, x, ChainRNG(task, symbol(:catena_task_bits)))
        length(x) == n || throw(DimensionMismatch("sample_prior!(x, rng) changed the length of a vector"))
        GC.@preserve x unsafe_copyto!(position, pointer(x), n)
        return EVALUATED
    catch exception
        return keep_failure!(session, exception, catch_backtrace())
    end
end

parts_pointer(::Type{S}) where {S} =
    @cfunction(evaluate_parts, Cint, (Ref{S}, Ref{Worker}, Ptr{Cvoid}, Ptr{Float64}, Ptr{Float64}, Ptr{Float64},
                                      Ptr{Float64}, Ptr{Float64}))
data_pointer(::Type{S}) where {S} =
    @cfunction(evaluate_data, Cint, (Ref{S}, Ref{Worker}, Ptr{Cvoid}, Ptr{Float64}, Csize_t, Ptr{Float64}, Ptr{Float64},
                                     Ptr{Float64}, Ptr{Float64}))
prior_pointer(::Type{S}) where {S} = @cfunction(draw_prior, Cint, (Ref{S}, Ref{Worker}, Ptr{Cvoid}, Ptr{Float64}))

"Members of the table for what a model has."
prior_pointers(S, prior::PriorFunctions) =
    (log_density_parts = prior.log_density_parts! === nothing ? C_NULL : parts_pointer(S),
     sample_prior = prior.sample_prior! === nothing ? C_NULL : prior_pointer(S), data_count = prior.data_count,
     log_density_data = prior.log_density_data! === nothing ? C_NULL : data_pointer(S))
