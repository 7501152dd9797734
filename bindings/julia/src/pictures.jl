# What pictures of an updater show, for any package that draws; ext/CatenaRecipesBaseExt.jl has them drawn by Plots.

"Where nearly all of a parameter's law lies, over the sets that are drawn."
function span_of(updater::Updater, parameter, ids; outside = 2e-3)
    at = Int(place_of(updater, parameter)) + 1
    ends = map(ids) do id
        x, w = models(updater, id)[:, at], weights(updater, id)
        order = sortperm(x)
        below = cumsum(w[order])
        low, high = searchsortedfirst(below, outside), searchsortedfirst(below, 1 - outside)
        x[order[low]], x[order[min(high, length(order))]]
    end
    low, high = minimum(first, ends), maximum(last, ends)
    margin = high > low ? 0.08 * (high - low) : 0.01 * max(abs(low), 1)
    low - margin, high + margin
end

"""
    Catena.marginal(updater, parameter; level = 0.95, set = nothing, bins = 40, points = 512) -> NamedTuple

What a picture of a parameter's law shows: its `density` over all sets (or one) `at` points, those of the sets, `of_sets`, whose spread is the
error; which points are `inside` the region of highest density of this level; bars, `heights` between `edges`; and the `mean`. With Plots
loaded `plot(updater, parameter)` draws it.
"""
function marginal(updater::Updater, parameter; level::Real = 0.95, set = nothing, bins::Integer = 40, points::Integer = 512)
    0 < level <= 1 || throw(ArgumentError("argument 'level': expected a number above 0, at most 1, got $level"))
    ids = set === nothing ? set_ids(updater) : [set]
    low, high = span_of(updater, parameter, ids)
    edges, at = collect(range(low, high; length = bins + 1)), collect(range(low, high; length = points))
    of_sets = hcat((density(updater, parameter, at; set = id) for id in ids)...)
    pooled = vec(sum(of_sets; dims = 2)) / length(ids)
    order = sortperm(pooled; rev = true)
    inside = falses(points)
    inside[order[1:searchsortedfirst(cumsum(pooled[order]) / sum(pooled), level - 1e-12)]] .= true
    place = Int(place_of(updater, parameter)) + 1
    (at = at, density = pooled, of_sets = of_sets, inside = inside, edges = edges,
     heights = histogram(updater, parameter, edges; set = set), mean = sum(mean(updater, id)[place] for id in ids) / length(ids))
end

"The corners of the convex hull of points in the plane, one per row, counter-clockwise: Andrew's chains."
function corners_of(points::AbstractMatrix)
    sorted = sort([(points[i, 1], points[i, 2]) for i in 1:size(points, 1)])
    turns_left(a, b, c) = (b[1] - a[1]) * (c[2] - a[2]) - (b[2] - a[2]) * (c[1] - a[1]) > 0
    function chain(list)
        found = similar(list, 0)
        for point in list
            while length(found) >= 2 && !turns_left(found[end-1], found[end], point)
                pop!(found)
            end
            push!(found, point)
        end
        found[1:end-1]
    end
    all = length(sorted) < 3 ? sorted : [chain(sorted); chain(reverse(sorted))]
    Float64[one[j] for one in all, j in 1:2]
end

"""
    Catena.region(updater, parameters = the first two; level = 0.95, set = the first, corners = 180) -> NamedTuple

What a picture of two parameters of a set shows: its `models`, which of them are `inside` the region of highest density of this level, the
corners of the `hull` and of an `ellipse` around those, and the `mean`. Of more than two parameters, hull and ellipse are shadows. With
Plots loaded `plot(updater, parameters)` draws it.
"""
function region(updater::Updater, parameters = updater.likelihood.parameters[1:min(end, 2)]; level::Real = 0.95,
                set::Integer = set_ids(updater)[1], corners::Integer = 180)
    length(parameters) == 2 ||
        throw(ArgumentError("argument 'parameters': expected two names, got $(length(parameters))"))
    pair = [Int(place_of(updater, parameter)) + 1 for parameter in parameters]
    all, inside = models(updater, set)[:, pair], densest(updater, set; level = level)
    round = ellipsoid(updater, set; level = level)
    # The shadow of {x : (x - c)' S (x - c) <= 1}: the inverse of the block of S's inverse.
    shadow = inv(round.shape)[pair, pair]
    # Cholesky's factor of it.
    a = sqrt(shadow[1, 1])
    b, c = shadow[1, 2] / a, sqrt(max(shadow[2, 2] - (shadow[1, 2] / a)^2, 0.0))
    angles = range(0, 2π; length = corners)
    ellipse = hcat(round.centre[pair[1]] .+ a .* cos.(angles), round.centre[pair[2]] .+ b .* cos.(angles) .+ c .* sin.(angles))
    (models = all, inside = inside, hull = corners_of(all[inside, :]), ellipse = ellipse, mean = mean(updater, set)[pair])
end
