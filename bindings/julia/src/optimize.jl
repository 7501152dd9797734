# Modes from many starts.

"How a start ended: `catena_ending`."
const ENDINGS = (:tol_obj, :tol_rel_obj, :tol_grad, :tol_rel_grad, :tol_param, :iteration_limit, :line_search, :unbounded,
                 :no_mode, :no_hessian, :stopped, :failed)

"""
What one start of [`Catena.optimize`](@ref) reports.

- `id`; `ending`: the tolerance that was met (`:tol_obj`, `:tol_rel_obj`, `:tol_grad`, `:tol_rel_grad`, `:tol_param`), or
  `:iteration_limit`, `:line_search`, `:unbounded`, `:no_mode`, `:no_hessian`, `:stopped`, `:failed`; `failure`: the
  [`CatenaError`](@ref) that says why it has not converged, else `nothing`
- `iterations`, `evaluations`, `log_density` where it ended, `seconds`
- `position`: unconstrained; `outputs`: what the model reports there; empty where there are none
"""
struct OptimizeStart
    id::Int
    ending::Symbol
    failure::Union{CatenaError,Nothing}
    iterations::Int
    evaluations::Int
    log_density::Float64
    seconds::Float64
    position::Vector{Float64}
    outputs::Vector{Float64}
end

"""
What [`Catena.optimize`](@ref) finds.

- `names`: names of the outputs
- `starts`: an [`OptimizeStart`](@ref) each; `best`: the converged one with the highest log density
- `modes`: the distinct modes, highest first: a `NamedTuple` with the number `start` of the start that ended highest, how many have
  `found` it, and `log_density`
- `seed`: of the run

`optimum["mu"]` is the best value of an output.
"""
struct Optimum
    names::Vector{String}
    starts::Vector{OptimizeStart}
    best::OptimizeStart
    modes::Vector{NamedTuple{(:start, :found, :log_density),Tuple{Int,Int,Float64}}}
    seed::UInt64
end

"Arguments that are none of the library's options."
const OPTIMIZE_ARGUMENTS = (:init, :callbacks)

"""
    Catena.optimize(model; options...) -> Catena.Optimum

Climbs to modes of the density from `num_starts = 1` starts, each by itself.

- `algorithm = :lbfgs`: also `:bfgs`, `:newton`; `jacobian = false`: whether the mode is that of the density with the Jacobian of the
  transforms
- `init`: as in [`Catena.sample`](@ref), one per start
- `seed`: an integer; random when not given
- every other option of the library with `optimize` among its services by its name, such as `tol_grad` or `jitter`
- `threads`, `callbacks`: as in [`Catena.sample`](@ref)

Starts that have not converged are told in `starts`; when none has, the error is thrown.
"""
function optimize(object; seed = nothing, init = nothing, threads::Integer = 0, callbacks = :auto, extra...)
    call_service(object, :optimize, OPTIMIZE_ARGUMENTS; seed = seed, threads = threads, callbacks = callbacks, extra...) do call
        inits = new_inits(call, init, whole_option(call.options, :num_starts))
        result, failure = GC.@preserve inits begin
            io = io_of(call; inits = pointer(inits), num_inits = length(inits))
            run_service(call, io, :catena_optimize, :catena_optimum_free)
        end
        failure === nothing || throw(failure)
        collect_starts(result, call.model, call.seed)
    end
end

for (name, T) in ((:id, UInt64), (:ending, Int32), (:error, Ptr{Cvoid}), (:iterations, Csize_t), (:evaluations, UInt64),
                  (:log_density, Float64), (:seconds, Float64), (:position, Ptr{Float64}), (:outputs, Ptr{Float64}))
    @eval $(Symbol("start_", name))(optimum, start) =
        ccall(symbol($(QuoteNode(Symbol("catena_optimum_start_", name)))), $T, (Ptr{Cvoid}, Csize_t), optimum, start)
end

function start_report(optimum, start, dimension, outputs)
    failure = start_error(optimum, start)
    numbers(from, count) = from == C_NULL ? Float64[] : copy(unsafe_wrap(Array, from, count))
    OptimizeStart(start_id(optimum, start), ENDINGS[start_ending(optimum, start)+1],
                  failure == C_NULL ? nothing :
                  read_error(ccall(symbol(:catena_error_code), Int32, (Ptr{Cvoid},), failure), failure),
                  start_iterations(optimum, start), start_evaluations(optimum, start), start_log_density(optimum, start),
                  start_seconds(optimum, start), numbers(start_position(optimum, start), dimension),
                  numbers(start_outputs(optimum, start), outputs))
end

function collect_starts(optimum, model, seed)
    count(name) = Int(ccall(symbol(Symbol("catena_optimum_", name)), Csize_t, (Ptr{Cvoid},), optimum))
    of_mode(name, mode) = Int(ccall(symbol(Symbol("catena_optimum_mode_", name)), Csize_t, (Ptr{Cvoid}, Csize_t), optimum, mode))
    of_model(name) = Int(ccall(symbol(Symbol("catena_model_", name)), Csize_t, (Ptr{Cvoid},), model))
    outputs = of_model(:output_count)
    names = [unsafe_string(ccall(symbol(:catena_model_output_name), Cstring, (Ptr{Cvoid}, Csize_t), model, i - 1))
             for i in 1:outputs]
    starts = [start_report(optimum, start, of_model(:dimension), outputs) for start in 0:count(:num_starts)-1]
    modes = map(0:count(:num_modes)-1) do mode
        start = of_mode(:start, mode) + 1
        (start = start, found = of_mode(:found, mode), log_density = starts[start].log_density)
    end
    Optimum(names, starts, starts[count(:best)+1], modes, seed)
end

function Base.getindex(optimum::Optimum, name::Union{AbstractString,Symbol})
    at = findfirst(==(String(name)), optimum.names)
    at === nothing && throw(KeyError(name))
    optimum.best.outputs[at]
end

Base.keys(optimum::Optimum) = optimum.names

function Base.show(io::IO, optimum::Optimum)
    converged = count(start -> start.failure === nothing, optimum.starts)
    print(io, "Catena.Optimum: log density ", optimum.best.log_density, ", ", converged, " of ", length(optimum.starts),
          " starts converged, ", length(optimum.modes), " distinct modes")
end
