# What an updater holds and estimates.

"Numbers and counts of a set."
number_of(updater::Updater, name::Symbol, set) = ccall(symbol(name), Float64, (Ptr{Cvoid}, UInt64), handle_of(updater), set)
times_of(updater::Updater, name::Symbol, set) = Int(ccall(symbol(name), UInt64, (Ptr{Cvoid}, UInt64), handle_of(updater), set))

"Number of models of a set that is there."
function size_of_set(updater::Updater, set)
    ids = set_ids(updater)
    set in ids || throw(ArgumentError("argument 'set': expected one of $(join(ids, ", ")), got $set"))
    Int(ccall(symbol(:catena_updater_set_size), Csize_t, (Ptr{Cvoid}, UInt64), handle_of(updater), set))
end

set_ids(updater::Updater) =
    [Int(ccall(symbol(:catena_updater_set_id), UInt64, (Ptr{Cvoid}, Csize_t), handle_of(updater), i))
     for i in 0:Int(ccall(symbol(:catena_updater_num_sets), Csize_t, (Ptr{Cvoid},), handle_of(updater)))-1]

"Copies what is there of a set into `values`."
function fill_of!(values, updater::Updater, name, set, arguments...)
    GC.@preserve values read_of(updater, name, UInt64(set), arguments..., pointer(values), Csize_t(length(values)))
    values
end

"Where a parameter stands, from 0."
function place_of(updater::Updater, parameter)
    at = findfirst(==(string(parameter)), updater.likelihood.parameters)
    at === nothing && throw(ArgumentError(
        "argument 'parameter': expected one of $(join(updater.likelihood.parameters, ", ")), got $parameter"))
    Csize_t(at - 1)
end

"""
    Catena.sets(updater) -> Vector of NamedTuple

The sets: `id`; number of `models`; effective sample size, `ess`, and the smallest so far, before resampling, `least_ess`; how often it was
resampled, `resamples`; data that it left out or after which it was begun anew, `lost`; models that found no valid place, `stuck`; the
`entropy` of its weights; and its `log_likelihood` of all data.
"""
function sets(updater::Updater)
    map(set_ids(updater)) do id
        number(name) = number_of(updater, name, id)
        count(name) = times_of(updater, name, id)
        (id = id, models = size_of_set(updater, id), ess = number(:catena_updater_ess),
         least_ess = number(:catena_updater_least_ess), resamples = count(:catena_updater_resamples),
         lost = count(:catena_updater_lost), stuck = count(:catena_updater_stuck), entropy = entropy(updater, id),
         log_likelihood = number(:catena_updater_log_likelihood))
    end
end

"""
    Catena.entropy(updater, set)

The entropy of a set's weights in nats, `log(n)` of level ones.
"""
entropy(updater::Updater, set::Integer) = number_of(updater, :catena_updater_entropy, set)

"""
    Catena.models(updater, set) -> Matrix

The models of a set, one per row.
"""
models(updater::Updater, set::Integer) =
    fill_of!(zeros(size_of_set(updater, set), dimension_of(updater)), updater, :catena_updater_models, set)

"""
    Catena.weights(updater, set)

Weights of a set's models, whose sum is 1; [`Catena.log_weights`](@ref) are the logs, not normalised.
"""
weights(updater::Updater, set::Integer) = fill_of!(zeros(size_of_set(updater, set)), updater, :catena_updater_weights, set)
log_weights(updater::Updater, set::Integer) = fill_of!(zeros(size_of_set(updater, set)), updater, :catena_updater_log_weights, set)

"""
    Catena.records(updater) -> Vector of (outcome, experiment)

The data that were taken in: each outcome a number, or a vector of several, and each experiment a `NamedTuple`.
"""
function records(updater::Updater)
    width, fields = updater.likelihood.width, length(updater.likelihood.fields)
    map(0:count_of_data(updater)-1) do i
        outcome, experiment = zeros(width), zeros(fields)
        GC.@preserve outcome experiment read_of(updater, :catena_updater_record, Csize_t(i), pointer(outcome), pointer(experiment))
        (outcome = width == 1 ? outcome[1] : outcome, experiment = named(updater, experiment))
    end
end
count_of_data(updater::Updater) = Int(ccall(symbol(:catena_updater_num_records), Csize_t, (Ptr{Cvoid},), handle_of(updater)))

"""
    Catena.log_likelihood(updater) -> (estimate, standard_error)

The log probability (density) of all data, over all sets, and its standard error across them (NaN of one set);
[`Catena.sets`](@ref) has those of the sets.
"""
function log_likelihood(updater::Updater)
    standard_error = Ref(NaN)
    estimate = ccall(symbol(:catena_updater_pooled_log_likelihood), Float64, (Ptr{Cvoid}, Ptr{Float64}), handle_of(updater),
                     standard_error)
    (estimate = estimate, standard_error = standard_error[])
end

"""
    Catena.log_normalizations(updater, set)

Logs of each datum's predictive probability (density), given those before.
"""
log_normalizations(updater::Updater, set::Integer) =
    fill_of!(zeros(count_of_data(updater)), updater, :catena_updater_log_normalizations, set)

"""
    Catena.divergences(updater, set)

Kullback-Leibler divergences of a set's resamplings in nats, of an updater with `divergences = true`.
"""
divergences(updater::Updater, set::Integer) =
    fill_of!(zeros(times_of(updater, :catena_updater_resamples, set)), updater, :catena_updater_divergences, set)

"""
    Catena.means(updater) -> Vector of (name, mean, standard_error, sd)

The mean of each parameter over all sets, its standard error across them (NaN of one set), and the standard deviation of the law.
"""
function means(updater::Updater)
    d = dimension_of(updater)
    mean, error = zeros(d), zeros(d)
    GC.@preserve mean error read_of(updater, :catena_updater_means, pointer(mean), pointer(error), Csize_t(d))
    spread = covariance(updater)
    [(name = updater.likelihood.parameters[j], mean = mean[j], standard_error = error[j], sd = sqrt(spread[j, j])) for j in 1:d]
end

"""
    Catena.mean(f, updater) -> (mean, standard_error)
    Catena.mean(updater, set) -> Vector

The mean of `f(model)`, a number, over all sets, with its standard error across them; `model` is a row of a set's matrix. Or the mean of
each parameter in one set.
"""
function mean(f, updater::Updater)
    of_sets = map(set_ids(updater)) do id
        x, w = models(updater, id), weights(updater, id)
        sum(w[i] * f(view(x, i, :)) for i in eachindex(w))
    end
    n = length(of_sets)
    mean = sum(of_sets) / n
    (mean = mean, standard_error = sqrt(sum(abs2, of_sets .- mean) / (n - 1) / n))
end
mean(updater::Updater, set::Integer) = fill_of!(zeros(dimension_of(updater)), updater, :catena_updater_set_mean, set)

"""
    Catena.covariance(updater) -> Matrix
    Catena.covariance(updater, set) -> Matrix

The covariance of the parameters, over all sets in equal parts or in one.
"""
function covariance(updater::Updater)
    d = dimension_of(updater)
    out = zeros(d, d)
    GC.@preserve out read_of(updater, :catena_updater_covariance, pointer(out), Csize_t(length(out)))
    out
end
covariance(updater::Updater, set::Integer) =
    fill_of!(zeros(dimension_of(updater), dimension_of(updater)), updater, :catena_updater_set_covariance, set)

"The mean over all sets, or one, of what is read of each."
function over_sets(read, updater::Updater, set)
    ids = set === nothing ? set_ids(updater) : [set]
    sum(read(id) for id in ids) / length(ids)
end

"""
    Catena.histogram(updater, parameter, edges; set = nothing) -> Vector

The density of a parameter as heights of bars between neighbours of `edges`, over all sets or in one.
"""
function histogram(updater::Updater, parameter, edges; set = nothing)
    at, ends = place_of(updater, parameter), Vector{Float64}(edges)
    length(ends) >= 2 || throw(ArgumentError("argument 'edges': expected at least 2, got $(length(ends))"))
    over_sets(updater, set) do id
        heights = zeros(length(ends) - 1)
        GC.@preserve ends heights read_of(updater, :catena_updater_histogram, UInt64(id), at, pointer(ends),
                                          Csize_t(length(heights)), pointer(heights))
        heights
    end
end

"""
    Catena.density(updater, parameter, points; bandwidth = 0, set = nothing) -> Vector

The density of a parameter at points, over all sets or in one, by normal kernels of this width (0: Silverman's).
"""
function density(updater::Updater, parameter, points; bandwidth::Real = 0, set = nothing)
    at, x = place_of(updater, parameter), Vector{Float64}(points)
    over_sets(updater, set) do id
        heights = zeros(length(x))
        GC.@preserve x heights read_of(updater, :catena_updater_density, UInt64(id), at, Float64(bandwidth), pointer(x),
                                       Csize_t(length(x)), pointer(heights))
        heights
    end
end

"""
    Catena.densest(updater, set; level = 0.95) -> BitVector

Which of a set's models are those of highest density that together have the weight `level`.
"""
densest(updater::Updater, set::Integer; level::Real = 0.95) =
    fill_of!(zeros(UInt8, size_of_set(updater, set)), updater, :catena_updater_densest, set, Float64(level)) .!= 0

"""
    Catena.hull(updater, set; level = 0.95) -> Matrix

The corners of the convex hull of the models that [`Catena.densest`](@ref) finds, one per row: of two parameters counter-clockwise, of one
its two ends; of more there are none.
"""
function hull(updater::Updater, set::Integer; level::Real = 0.95)
    d, corners = dimension_of(updater), Ref{Csize_t}(0)
    read(out, room) = GC.@preserve out corners read_of(
        updater, :catena_updater_hull, UInt64(set), Float64(level), room == 0 ? Ptr{Float64}(C_NULL) : pointer(out), Csize_t(room),
        Base.unsafe_convert(Ptr{Csize_t}, corners))
    read(zeros(0), 0)
    out = zeros(d, Int(corners[]))
    read(out, size(out, 2))
    permutedims(out)
end

"""
    Catena.hull_contains(updater, set, points; level = 0.95) -> BitVector

Which points lie in the convex hull of the models that [`Catena.densest`](@ref) finds.
"""
function hull_contains(updater::Updater, set::Integer, points; level::Real = 0.95)
    x = models_of(updater, points, "points")
    inside = zeros(UInt8, size(x, 1))
    GC.@preserve x inside read_of(updater, :catena_updater_hull_contains, UInt64(set), Float64(level), Csize_t(size(x, 1)), pointer(x),
                                  pointer(inside))
    inside .!= 0
end

"""
    Catena.ellipsoid(updater, set; level = 0.95, tolerance = 1e-4) -> (centre, shape)

The ellipsoid of least volume, `(x - centre)' * shape * (x - centre) <= 1`, around the models that [`Catena.densest`](@ref) finds, within a
factor of `1 + tolerance` of its radius squared.
"""
function ellipsoid(updater::Updater, set::Integer; level::Real = 0.95, tolerance::Real = 1e-4)
    d = dimension_of(updater)
    centre, shape = zeros(d), zeros(d, d)
    GC.@preserve centre shape read_of(updater, :catena_updater_ellipsoid, UInt64(set), Float64(level), Float64(tolerance),
                                      pointer(centre), pointer(shape))
    (centre = centre, shape = shape)
end

"""
    Catena.fisher_information(updater, set, experiments = ()) -> Array

Fisher's information of one outcome of each experiment, parameters × parameters × experiments: its mean over a set's models. Wants `score!`.
"""
function fisher_information(updater::Updater, set::Integer, experiments = ())
    x, d = experiments_of(updater, experiments), dimension_of(updater)
    out = zeros(d, d, size(x, 1))
    GC.@preserve x out perform(updater, :catena_updater_fisher_information, UInt64(set), Csize_t(size(x, 1)), pointer(x),
                               pointer(out), Csize_t(length(out)))
    out
end

"""
    Catena.bayesian_bound(prior, information) -> Matrix

The Bayesian Cramér-Rao bound of the covariance, from the prior's information (the inverse of its covariance, if it is normal) and that of
experiments, as [`Catena.fisher_information`](@ref) gives it.
"""
function bayesian_bound(prior, information::AbstractArray)
    d = isqrt(length(prior))
    d^2 == length(prior) && length(information) % d^2 == 0 || throw(DimensionMismatch(
        "argument 'information': expected matrices of $d rows and columns, got $(length(information)) numbers"))
    all, bound = Float64[prior...; vec(information)], zeros(d, d)
    checked(e -> ccall(symbol(:catena_bayesian_bound), Int32, (Csize_t, Csize_t, Ptr{Float64}, Ptr{Float64}, Ptr{Ptr{Cvoid}}), d,
                       length(information) ÷ d^2, all, bound, e))
    bound
end
