# The choice of the next experiment.

"By what experiments are compared: `catena_criterion`."
const CRITERIA = (gain = Int32(0), risk = Int32(1))

"Kinds of designs: `catena_design_kind`."
const DESIGNS = (guess = Int32(0), sparse = Int32(1), best = Int32(2))

"How the next experiment is chosen: [`Catena.Guess`](@ref), [`Catena.Sparse`](@ref) or [`Catena.Best`](@ref)."
abstract type Design end

"""
    Catena.Guess(time; scale = 1, longest = nothing, guessed = (;), fields = nothing)

Particle guess (Wiebe, Granade, Ferrie and Cory 2014): the field `time` is `scale` over the distance of two models that are drawn by their
weights, at most `longest`. `guessed = (field = :parameter,)` names fields that get a parameter of the model that was guessed; `fields`
are values of all fields, zeros by default.
"""
struct Guess <: Design
    time::Symbol
    scale::Float64
    longest::Float64
    guessed::NamedTuple
    fields::Any
end
Guess(time; scale::Real = 1, longest::Union{Real,Nothing} = nothing, guessed::NamedTuple = NamedTuple(), fields = nothing) =
    Guess(Symbol(time), scale, longest === nothing ? 0.0 : longest, guessed, fields)

"""
    Catena.Sparse(time; scale = 1, fields = nothing)

The field `time` of experiment k is `scale * (9 / 8)^(k - 1)` (Ferrie, Granade and Cory 2013).
"""
struct Sparse <: Design
    time::Symbol
    scale::Float64
    fields::Any
end
Sparse(time; scale::Real = 1, fields = nothing) = Sparse(Symbol(time), scale, fields)

"""
    Catena.Best(candidates; criterion = :gain, samples = nothing)

The best of the candidates: of the largest expected information gain per cost, or of the least Bayes risk (`:risk`). `samples` outcomes
are simulated for each where they cannot be listed, 100 by default.
"""
struct Best <: Design
    candidates::Any
    criterion::Symbol
    samples::Union{Int,Nothing}
end
Best(candidates; criterion = :gain, samples = nothing) = Best(candidates, criterion, samples)

"""
    Catena.sparse_time(k; scale = 1)

The time of experiment `k`, from 1, by the sparse-time heuristic.
"""
sparse_time(k::Integer; scale::Real = 1) = ccall(symbol(:catena_sparse_time), Float64, (UInt32, Float64), k - 1, scale)

"How many outcomes to simulate; 0 is the library's default."
samples_of(samples) = samples === nothing ? Csize_t(0) : Csize_t(count_of(:samples, samples))

function place_of_field(updater::Updater, argument, field)
    at = findfirst(==(string(field)), updater.likelihood.fields)
    at === nothing && throw(ArgumentError(
        "argument '$argument': expected one of $(join(updater.likelihood.fields, ", ")), got $field"))
    Csize_t(at - 1)
end

fields_of(updater::Updater, ::Nothing) = zeros(0)
fields_of(updater::Updater, fields) = vec(only_row("fields", experiments_of(updater, fields, "fields")))

"The table's members, and the arrays that they point to."
function members(updater::Updater, how::Guess)
    into = Csize_t[place_of_field(updater, "guessed", field) for field in keys(how.guessed)]
    from = Csize_t[place_of(updater, parameter) for parameter in values(how.guessed)]
    fields = fields_of(updater, how.fields)
    (kind = DESIGNS.guess, time_field = place_of_field(updater, "time", how.time), scale = how.scale, most = how.longest,
     num_guesses = length(into), guess_fields = pointer(into), guess_parameters = pointer(from),
     fields = isempty(fields) ? Ptr{Float64}(C_NULL) : pointer(fields)), (into, from, fields)
end
function members(updater::Updater, how::Sparse)
    fields = fields_of(updater, how.fields)
    (kind = DESIGNS.sparse, time_field = place_of_field(updater, "time", how.time), scale = how.scale,
     fields = isempty(fields) ? Ptr{Float64}(C_NULL) : pointer(fields)), (fields,)
end
function members(updater::Updater, how::Best)
    candidates = experiments_of(updater, how.candidates, "candidates")
    (kind = DESIGNS.best, criterion = code_of("criterion", CRITERIA, how.criterion), num_candidates = size(candidates, 1),
     candidates = pointer(candidates), samples = samples_of(how.samples)), (candidates,)
end

"""
    Catena.design(updater, how, k = 1) -> NamedTuple

The experiment number `k`, from 1, of a [`Catena.Guess`](@ref), [`Catena.Sparse`](@ref) or [`Catena.Best`](@ref).
"""
function design(updater::Updater, how::Design, k::Integer = 1)
    all, kept = members(updater, how)
    whole, out = Ref(table(DesignTable; all...)), zeros(length(updater.likelihood.fields))
    GC.@preserve kept whole out perform(updater, :catena_updater_design, Ptr{Cvoid}(Base.unsafe_convert(Ptr{DesignTable}, whole)),
                                        UInt32(k - 1), pointer(out))
    named(updater, out)
end

"""
    Catena.worth(updater, experiments; scales = nothing, samples = nothing) -> (gains, risks)

What each experiment is expected to teach, the mean over the sets, in one pass over all: the information gain in nats, and the Bayes risk,
the sum of `scales` (by default 1) times the parameters' variances afterwards. `samples` outcomes are simulated where they cannot be
listed, 100 by default.
"""
function worth(updater::Updater, experiments; scales = nothing, samples = nothing)
    x, d = experiments_of(updater, experiments), dimension_of(updater)
    factors = scales === nothing ? ones(d) : Vector{Float64}(scales isa Real ? [scales] : scales)
    length(factors) == d || throw(DimensionMismatch("argument 'scales': expected $d numbers, got $(length(factors))"))
    gains, risks = zeros(size(x, 1)), zeros(size(x, 1))
    GC.@preserve x factors gains risks perform(updater, :catena_updater_worth, Csize_t(size(x, 1)), pointer(x), pointer(factors),
                                               samples_of(samples), pointer(gains), pointer(risks))
    (gains = gains, risks = risks)
end

"""
    Catena.optimize(updater, experiment; moves, low = nothing, high = nothing, criterion = :gain, samples = nothing, max_evaluations = 500)
        -> (experiment, value)

The best experiment near this one, by the simplex method of Nelder and Mead: `moves = (field = 0.5,)` are the fields that are moved and how
far at first, `low` and `high` their bounds. `value` is the gain per cost, or the risk, there.
"""
function optimize(updater::Updater, experiment; moves::NamedTuple, low = nothing, high = nothing, criterion = :gain, samples = nothing,
                  max_evaluations::Integer = 500)
    x = vec(only_row("experiment", experiments_of(updater, experiment, "experiment")))
    fields = Csize_t[place_of_field(updater, "moves", field) for field in keys(moves)]
    n, scales, value = length(fields), Float64[moves...], Ref(NaN)
    bound(argument, values) = values === nothing ? zeros(0) : length(values) == n ? Float64[values...] : throw(DimensionMismatch(
        "argument '$argument': expected $n numbers, got $(length(values))"))
    lows, highs = bound("low", low), bound("high", high)
    given(values) = isempty(values) ? Ptr{Float64}(C_NULL) : pointer(values)
    GC.@preserve x fields scales lows highs value perform(
        updater, :catena_updater_optimize, code_of("criterion", CRITERIA, criterion), Csize_t(n), pointer(fields), pointer(scales),
        given(lows), given(highs), samples_of(samples), Csize_t(count_of(:max_evaluations, max_evaluations)), pointer(x),
        Base.unsafe_convert(Ptr{Float64}, value))
    (experiment = named(updater, x), value = value[])
end

"""
    Catena.learn!(measure, updater, how, steps) -> Int

Chooses an experiment, has it measured and takes its outcome in, `steps` times: `measure(experiment, k)` carries out the experiment, a
`NamedTuple`, and returns the outcome; `nothing` ends the loop. It may look at the updater, and simulate. Returns how many data were taken
in; when something is thrown, those before it stay.
"""
function learn!(measure, updater::Updater, how::Design, steps::Integer)
    for k in 1:steps
        experiment = design(updater, how, k)
        outcome = measure(experiment, k)
        outcome === nothing && return k - 1
        update!(updater, outcome, experiment)
    end
    steps
end
