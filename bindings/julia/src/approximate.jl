# Draws from approximations: Pathfinder, variational inference, and normal distributions at modes.

"""
What one path of [`Catena.pathfinder`](@ref), or one fit of [`Catena.variational`](@ref), reports.

- `id`; `failure`: the [`CatenaError`](@ref) of one that failed, else `nothing`
- `iterations`, and whether they ended by a tolerance: `converged`
- `elbo`: the evidence lower bound, as last estimated; `khat`: above 0.7 the draws are too far from the density for weights to
  correct them
- `dropped`: draws without a finite log density; `gradients`, `densities`: evaluations with gradient and without; `draws`, `seconds`
- `mean`, `sd`: on the unconstrained scale; empty where it failed
"""
struct ApproximationFit
    id::Int
    failure::Union{CatenaError,Nothing}
    iterations::Int
    converged::Bool
    elbo::Float64
    khat::Float64
    dropped::Int
    gradients::Int
    densities::Int
    draws::Int
    seconds::Float64
    mean::Vector{Float64}
    sd::Vector{Float64}
end

"""
Draws of [`Catena.pathfinder`](@ref), [`Catena.variational`](@ref) or [`Catena.laplace`](@ref).

- `values`: draws × fits × columns; the draws of all paths count as one fit. NaN for fits without draws
- `names`: names of the columns: `lp_approx__`, `lp__`, `path__` (of paths), or `lp__` (0), `log_p__`, `log_g__`, or (of modes)
  `log_p__`, `log_q__`, then the parameters
- `at_mean`: of variational fits the columns at the mean, fits × columns
- `khat`: of all draws together, as they were before they were resampled; of a single fit, its own; NaN of several
- `pool`: of paths, how many draws with a weight the draws were taken from
- `positions`: of paths, the draws' unconstrained positions, dimension × draws
- `fits`: an [`ApproximationFit`](@ref) each
- `seed`: of the run

`draws["mu"]` is the draws × fits matrix of a column.
"""
struct ApproximateDraws
    values::Array{Float64,3}
    names::Vector{String}
    at_mean::Matrix{Float64}
    khat::Float64
    pool::Int
    positions::Matrix{Float64}
    fits::Vector{ApproximationFit}
    seed::UInt64
end

"Columns before the parameters."
approximate_columns(names) = "log_q__" in names ? 2 : 3

"""
    Catena.pathfinder(model; options...) -> Catena.ApproximateDraws

Follows an optimiser from several initial values, takes from each path the normal distribution with the highest evidence lower
bound, and draws from it (Zhang, Carpenter, Gelman and Vehtari 2022). The draws of several paths are resampled by their smoothed
importance weights.

- `num_paths = 4`, `num_draws = 1000` from each, `num_psis_draws = 1000` of all
- `init`: as in [`Catena.sample`](@ref), one per path
- `seed`: an integer; random when not given
- every other option of the library with `pathfinder` among its services by its name, such as `num_elbo_draws` or `psis_resample`:
  [`Catena.options`](@ref)`()` lists them
- `threads`, `callbacks`: as in [`Catena.sample`](@ref)

A path that fails is left out with a warning; when all fail, the error is thrown.
"""
pathfinder(object; extra...) = approximate(object, :pathfinder; extra...)

"""
    Catena.variational(model; options...) -> Catena.ApproximateDraws

Fits a normal distribution on the unconstrained scale by climbing the evidence lower bound (automatic differentiation variational
inference), once for each of `chains = 1` ids, and draws from it.

- `variational_family = :meanfield`: also `:fullrank`; `output_draws = 1000`
- `init`, `seed`, `threads`, `callbacks`: as in [`Catena.pathfinder`](@ref)
- every other option of the library with `variational` among its services by its name, such as `tol_average`

When some fits fail, a warning says which and why; when all do, the error is thrown.
"""
variational(object; chains = 1, extra...) = approximate(object, :variational; chains = chains, extra...)

"""
    Catena.laplace(model; mode = nothing, options...) -> Catena.ApproximateDraws

Draws from the normal distribution on the unconstrained scale whose mean is a mode of the density and whose precision is the
negative Hessian there, once for each of `chains = 1` ids.

- `mode`: what [`Catena.optimize`](@ref) found (with `jacobian = true` where the model has transforms), or as `init` in
  [`Catena.sample`](@ref), with values of all parameters; by default it is found, from `num_starts = 1` starts
- `laplace_draws = 1000`
- `seed`, `threads`, `callbacks`: as in [`Catena.pathfinder`](@ref)
- every other option of the library with `laplace` among its services by its name

A point that is no mode is an error, or a warning where others are.
"""
laplace(object; mode = nothing, chains = 1, extra...) =
    approximate(object, :laplace; init = mode_of(mode), chains = chains, extra...)

mode_of(mode) = mode
mode_of(optimum::Optimum) = optimum.best.position

"Arguments that are none of the library's options."
const APPROXIMATE_ARGUMENTS = (:init, :callbacks)

function approximate(object, service; seed = nothing, init = nothing, threads::Integer = 0, callbacks = :auto, chains = nothing,
                     chain_id = nothing, extra...)
    counts = ((:num_chains, :chains, chains), (:init_chain_id, :chain_id, chain_id))
    call_service(object, service, APPROXIMATE_ARGUMENTS, counts; seed = seed, threads = threads, callbacks = callbacks,
                 extra...) do call
        paths, mode = service === :pathfinder, service === :laplace
        options, names = call.options, columns_of(call, service)
        count = whole_option(options, paths ? :num_paths : :num_chains)
        rows, writers_wanted = paths ? (path_rows(options, count), 1) :
                               (whole_option(options, mode ? :laplace_draws : :output_draws) + (mode ? 0 : 1), count)
        values = fill(NaN, rows, writers_wanted, length(names))
        writers, inits = new_writers(call.handles, values), new_inits(call, init, count)
        result, failure = GC.@preserve values writers inits begin
            io = io_of(call; inits = pointer(inits), num_inits = length(inits), sample_writers = pointer(writers),
                       num_sample_writers = length(writers))
            run_service(call, io, Symbol("catena_", service), :catena_approximation_free)
        end
        result == C_NULL && throw(failure)
        dimension = Int(ccall(symbol(:catena_model_dimension), Csize_t, (Ptr{Cvoid},), call.model))
        collect_fits(result, failure, values, names, call.seed, dimension, service)
    end
end

"Rows of the draws of all paths."
function path_rows(options, paths)
    weighs = paths > 1 && whole_option(options, :psis_resample) == 1 && whole_option(options, :calculate_lp) == 1
    weighs ? whole_option(options, :num_psis_draws) : paths * whole_option(options, :num_draws)
end

for (name, T) in ((:id, UInt64), (:error, Ptr{Cvoid}), (:iterations, Csize_t), (:converged, Int32), (:elbo, Float64),
                  (:khat, Float64), (:dropped, UInt64), (:gradients, UInt64), (:densities, UInt64), (:draws, Csize_t),
                  (:seconds, Float64), (:mean, Ptr{Float64}), (:sd, Ptr{Float64}))
    @eval $(Symbol("fit_", name))(result, fit) =
        ccall(symbol($(QuoteNode(Symbol("catena_approximation_fit_", name)))), $T, (Ptr{Cvoid}, Csize_t), result, fit)
end

function fit_report(result, fit, dimension)
    failure = fit_error(result, fit)
    moments(from) = from == C_NULL ? Float64[] : copy(unsafe_wrap(Array, from, dimension))
    ApproximationFit(fit_id(result, fit),
                     failure == C_NULL ? nothing :
                     read_error(ccall(symbol(:catena_error_code), Int32, (Ptr{Cvoid},), failure), failure),
                     fit_iterations(result, fit), fit_converged(result, fit) != 0, fit_elbo(result, fit), fit_khat(result, fit),
                     fit_dropped(result, fit), fit_gradients(result, fit), fit_densities(result, fit), fit_draws(result, fit),
                     fit_seconds(result, fit), moments(fit_mean(result, fit)), moments(fit_sd(result, fit)))
end

for (name, T) in ((:num_fits, Csize_t), (:rows, Csize_t), (:pool, Csize_t), (:positions, Ptr{Float64}), (:khat, Float64))
    @eval $(Symbol("approximation_", name))(result) =
        ccall(symbol($(QuoteNode(Symbol("catena_approximation_", name)))), $T, (Ptr{Cvoid},), result)
end

function collect_fits(result, failure, values, names, seed, dimension, service)
    fits = [fit_report(result, fit, dimension) for fit in 0:Int(approximation_num_fits(result))-1]
    failures = [fit.failure for fit in fits if fit.failure !== nothing]
    if failure !== nothing && (isempty(failures) || length(failures) == length(fits))
        throw(failure)
    end
    foreach(one -> @warn(one.message), failures)
    rows, at = Int(approximation_rows(result)), approximation_positions(result)
    positions = at == C_NULL ? zeros(dimension, 0) : copy(unsafe_wrap(Array, at, (dimension, rows)))
    # The mean of a variational fit has the first row.
    none = zeros(0, length(names))
    draws, at_mean = service === :pathfinder ? (values[1:rows, :, :], none) :
                     service === :laplace ? (values, none) : (values[2:end, :, :], values[1, :, :])
    ApproximateDraws(draws, names, at_mean, approximation_khat(result), approximation_pool(result), positions, fits, seed)
end

Base.size(draws::ApproximateDraws) = size(draws.values)[1:2]
Base.keys(draws::ApproximateDraws) = draws.names
parameters(draws::ApproximateDraws) = draws.names[approximate_columns(draws.names)+1:end]

function Base.getindex(draws::ApproximateDraws, name::Union{AbstractString,Symbol})
    column = findfirst(==(String(name)), draws.names)
    column === nothing && throw(KeyError(name))
    draws.values[:, :, column]
end

function Base.show(io::IO, draws::ApproximateDraws)
    print(io, "Catena.ApproximateDraws: ", size(draws, 1), " draws × ", length(parameters(draws)), " parameters of ",
          length(draws.fits), isempty(draws.at_mean) ? " paths" : " fits")
    isnan(draws.khat) || print(io, ", k-hat ", round(draws.khat; digits = 2))
end
Base.size(draws::ApproximateDraws, axis) = size(draws)[axis]
