# plot(updater, :omega) and plot(updater, (:omega, :rate)): a marginal or a credible region, drawn by Plots.
module CatenaRecipesBaseExt

import Catena
import RecipesBase

# What is Catena's among the attributes of a plot.
const OWN = (:level, :set)

"A series with its own attributes beside those of the plot."
function series(given, own, arguments...)
    attributes = Dict{Symbol,Any}(key => value for (key, value) in given if !(key in OWN))
    merge!(attributes, own)
    RecipesBase.RecipeData(attributes, arguments)
end

options(given) = Dict(key => given[key] for key in OWN if haskey(given, key))
percent(given) = string(round(100 * get(given, :level, 0.95); digits = 3), " % region")

"Neighbours in the region of highest density, with a gap between regions."
function filled(found)
    x, y = Float64[], Float64[]
    for i in eachindex(found.at)
        if found.inside[i]
            push!(x, found.at[i])
            push!(y, found.density[i])
        elseif !isempty(x) && !isnan(x[end])
            push!(x, NaN)
            push!(y, NaN)
        end
    end
    x, y
end

function RecipesBase.apply_recipe(given::AbstractDict{Symbol,Any}, updater::Catena.Updater, parameter::Union{Symbol,AbstractString})
    found = Catena.marginal(updater, parameter; options(given)...)
    attributes = merge!(Dict{Symbol,Any}(:xguide => string(parameter), :yguide => "density",
                                         :title => "$parameter after $(length(Catena.records(updater))) data"), given)
    x, y = filled(found)
    all = [
        series(attributes, Dict(:seriestype => :bar, :bar_width => found.edges[2] - found.edges[1], :linewidth => 0, :color => :gray85,
                                :label => ""), (found.edges[1:end-1] .+ found.edges[2:end]) ./ 2, found.heights),
        series(attributes, Dict(:seriestype => :path, :fillrange => 0, :fillalpha => 0.45, :linewidth => 0, :color => :steelblue,
                                :label => percent(given)), x, y),
        series(attributes, Dict(:seriestype => :path, :linewidth => 2, :color => :midnightblue, :label => "all sets"), found.at,
               found.density),
        series(attributes, Dict(:seriestype => :vline, :linestyle => :dash, :color => :midnightblue, :label => "mean"), [found.mean])]
    size(found.of_sets, 2) > 1 && insert!(all, 3, series(
        attributes, Dict(:seriestype => :path, :linewidth => 0.7, :color => :gray60,
                         :label => permutedims([i == 1 ? "each set" : "" for i in 1:size(found.of_sets, 2)])), found.at, found.of_sets))
    all
end

function RecipesBase.apply_recipe(given::AbstractDict{Symbol,Any}, updater::Catena.Updater, parameters)
    found = Catena.region(updater, collect(parameters); options(given)...)
    attributes = merge!(Dict{Symbol,Any}(:xguide => string(parameters[1]), :yguide => string(parameters[2]),
                                         :title => "after $(length(Catena.records(updater))) data"), given)
    dots(which, colour, label) = series(attributes, Dict(
        :seriestype => :scatter, :markersize => 1.5, :markerstrokewidth => 0, :markeralpha => 0.6, :color => colour, :label => label),
        found.models[which, 1], found.models[which, 2])
    closed = [found.hull; found.hull[1:min(end, 1), :]]
    [dots(.!found.inside, :gray75, ""), dots(found.inside, :steelblue, percent(given)),
     series(attributes, Dict(:seriestype => :path, :linewidth => 2, :color => :midnightblue, :label => "convex hull"), closed[:, 1],
            closed[:, 2]),
     series(attributes, Dict(:seriestype => :path, :linewidth => 1.5, :linestyle => :dash, :color => :firebrick,
                             :label => "smallest ellipse"), found.ellipse[:, 1], found.ellipse[:, 2]),
     series(attributes, Dict(:seriestype => :scatter, :markershape => :cross, :markersize => 6, :color => :black, :label => "mean"),
            [found.mean[1]], [found.mean[2]])]
end

# Of the first parameter, or the first two.
function RecipesBase.apply_recipe(given::AbstractDict{Symbol,Any}, updater::Catena.Updater)
    names = updater.likelihood.parameters
    RecipesBase.apply_recipe(given, updater, length(names) == 1 ? names[1] : names[1:2])
end

end
