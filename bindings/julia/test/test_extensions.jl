# The file of each extension is run, on every version of Julia, against a stand-in for the package with the interface that it
# uses. That Julia 1.9 and later load it together with the real package is not tested.

module LogDensityProblems
struct LogDensityOrder{K} end
Base.isless(::LogDensityOrder{A}, ::LogDensityOrder{B}) where {A,B} = A < B
capabilities(::Type) = nothing
capabilities(object) = capabilities(typeof(object))
function dimension end
function logdensity_and_gradient end
end

struct Problem{K} end
LogDensityProblems.capabilities(::Type{Problem{K}}) where {K} = LogDensityProblems.LogDensityOrder{K}()
LogDensityProblems.dimension(::Problem) = 2
LogDensityProblems.logdensity_and_gradient(::Problem, x) = (g = similar(x); (normal!(g, x), g))

module MCMCChains
struct Chains
    values::Any
    names::Any
    sections::Any
end
end

module AbstractMCMC
abstract type AbstractMCMCEnsemble end
struct MCMCSerial <: AbstractMCMCEnsemble end
struct MCMCThreads <: AbstractMCMCEnsemble end
struct LogDensityModel{L}
    logdensity::L
end
function sample end
end

module RecipesBase
struct RecipeData
    attributes::Dict{Symbol,Any}
    arguments::Tuple
end
function apply_recipe end
end

"Evaluates an extension's file with its `import Package` bound to the stand-in of that name."
function load_extension(name)
    file = joinpath(@__DIR__, "..", "ext", name * ".jl")
    text = replace(read(file, String), r"^import (LogDensityProblems|MCMCChains|AbstractMCMC|RecipesBase)$"m => s"import ..\1")
    include_string(@__MODULE__, text, file)
end

@testset "LogDensityProblems" begin
    before = copy(Catena.ADAPTERS)
    load_extension("CatenaLogDensityProblemsExt")
    try
        draws = Catena.sample(Problem{1}(), 100; warmup = 100, seed = 1)
        @test draws.values == Catena.sample(MODEL, 100; warmup = 100, seed = 1).values
        @test occursin("with a gradient", message_of(() -> Catena.sample(Problem{0}(), 10)))
        @test occursin("argument 'model'", message_of(() -> Catena.sample("a text", 10)))
    finally
        empty!(Catena.ADAPTERS)
        append!(Catena.ADAPTERS, before)
    end
end

@testset "MCMCChains" begin
    load_extension("CatenaMCMCChainsExt")
    draws = Catena.sample(MODEL, 50; warmup = 50, seed = 1)
    chains = Base.invokelatest(MCMCChains.Chains, draws)
    @test size(chains.values) == (50, 9, 4)
    @test chains.values[:, 8, 3] == draws["x.1"][:, 3]
    @test chains.names[8:9] == [Symbol("x.1"), Symbol("x.2")] == chains.sections.parameters
    @test chains.sections.internals == Symbol.(keys(draws)[1:7])
end

@testset "AbstractMCMC" begin
    load_extension("CatenaAbstractMCMCExt")
    model, sampler = AbstractMCMC.LogDensityModel(MODEL), Catena.NUTS(warmup = 50)
    several(seed) = Base.invokelatest(AbstractMCMC.sample, Random.MersenneTwister(seed), model, sampler,
                                      AbstractMCMC.MCMCThreads(), 20, 3)
    @test size(several(1)) == (20, 3, 2)
    @test several(1).values == several(1).values != several(2).values
    @test size(Base.invokelatest(AbstractMCMC.sample, model, sampler, 20)) == (20, 1, 2)
end

@testset "RecipesBase" begin
    load_extension("CatenaRecipesBaseExt")
    recipe(given, arguments...) = Base.invokelatest(RecipesBase.apply_recipe, Dict{Symbol,Any}(pairs(given)), arguments...)
    labels(all) = [one.attributes[:label] for one in all]
    # A law of one parameter: bars, the region of highest density, the sets, all of them, the mean.
    likelihood = Catena.Likelihood((out, rest...) -> out .= 0.5; parameters = (:a, :b))
    updater = Catena.Updater(likelihood, Catena.NormalPrior([0, 1], [1 0; 0 1]); sets = 2, seed = 1)
    found = recipe((level = 0.8, title = "mine"), updater, :b)
    @test labels(found)[[1, 2, 4, 5]] == ["", "80.0 % region", "all sets", "mean"]
    @test all(one -> one.attributes[:title] == "mine" && !haskey(one.attributes, :level), found)
    shown = Catena.marginal(updater, :b; level = 0.8)
    x, y = found[2].arguments
    @test filter(!isnan, x) == shown.at[shown.inside] && filter(!isnan, y) == shown.density[shown.inside]
    @test found[3].arguments == (shown.at, shown.of_sets) && length(found[3].attributes[:label]) == 2
    @test found[4].arguments == (shown.at, shown.density) && found[5].arguments == ([shown.mean],)
    @test length(found[1].arguments[1]) == length(shown.heights) && found[1].arguments[2] == shown.heights
    # Two parameters of a set: models, hull and ellipse.
    found = recipe((set = 2,), updater)
    shown = Catena.region(updater; set = 2)
    @test labels(found) == ["", "95.0 % region", "convex hull", "smallest ellipse", "mean"]
    @test found[2].arguments == (shown.models[shown.inside, 1], shown.models[shown.inside, 2])
    @test found[3].arguments[1] == [shown.hull[:, 1]; shown.hull[1, 1]]
    @test found[1].attributes[:xguide] == "a" && found[1].attributes[:yguide] == "b"
    @test found[4].arguments == (shown.ellipse[:, 1], shown.ellipse[:, 2])
end
