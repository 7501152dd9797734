# Sequential Monte Carlo: independent sets of weighted particles.

"How a set ended: `catena_set_outcome`."
const OUTCOMES = (:finished, :lost, :stalled, :stopped, :failed)

"""
What one set of [`Catena.sample_smc`](@ref) reports.

- `id`; `outcome`: `:finished`, `:lost` (all its particles have lost their weight), `:stalled`, `:stopped` or `:failed`;
  `failure`: the [`CatenaError`](@ref) of one that failed or stalled, else `nothing`
- `log_evidence`: NaN of a set that failed or was stopped; `standard_error`: as estimated within the set
- `rows`: draws it has; `refused`: points that the model refused, or where no finite value was; `seconds`: on all its threads
- `stages`: a `NamedTuple` each: `way` (the temperature, or the number of data), `ess` (effective sample size at its end, before
  particles were resampled), `log_evidence` (of the way up to there), `acceptance` of the moves and their `stepsize`
"""
struct SetReport
    id::Int
    outcome::Symbol
    failure::Union{CatenaError,Nothing}
    log_evidence::Float64
    standard_error::Float64
    rows::Int
    refused::Int
    seconds::Float64
    stages::Vector{NamedTuple{(:way, :ess, :log_evidence, :acceptance, :stepsize, :ancestors),NTuple{6,Float64}}}
end

"""
Weighted draws of [`Catena.sample_smc`](@ref), and the evidence.

- `log_evidence`, `standard_error`: the log of the mean evidence of the sets, and its error across them; of a single set its
  error as estimated within it. Sets that failed are left out
- `values`: particles × sets × columns; NaN for sets without draws
- `names`: names of the columns: `lp__`, `log_weight__`, `set__`, `ancestor__` (the particle from which this one stems at the last
  resampling), then the parameters
- `sets`: a [`SetReport`](@ref) each
- `seed`: of the run

`draws["mu"]` is the particles × sets matrix of a column, [`Catena.weights`](@ref)`(draws)` the matrix of weights, which sum to 1;
[`Catena.columns`](@ref) a table; [`Catena.summarize`](@ref) weighted means with their errors.
"""
struct WeightedDraws
    log_evidence::Float64
    standard_error::Float64
    values::Array{Float64,3}
    names::Vector{String}
    sets::Vector{SetReport}
    seed::UInt64
end

"Columns before the parameters."
const SMC_COLUMNS = 4

"Arguments of `sample_smc` that are none of the library's options."
const SMC_ARGUMENTS = (:reference, :callbacks, :communicator)

"""
    Catena.sample_smc(model; options...) -> Catena.WeightedDraws

Takes independent sets of weighted particles along a path of densities to the posterior. The path begins at the prior where the
model has `sample_prior!` with `log_density_data!` (one datum after the other) or `log_density_parts!` (the likelihood tempered,
see [`FunctionModel`](@ref)); else at a normal, and the evidence is then the integral of exp(log density).

- `num_sets = 4`, `num_particles = 1000`: sets, from which the error of the evidence comes, and particles of each
- `seed`: an integer; random when not given. What a set draws depends on it, the set's id, the options and the model, not on
  threads or other sets
- `path = :auto`: also `:prior`, `:data` and `:reference`; `kernel = :hmc`: also `:nuts`, `:random_walk` and `:independent`
- `reference`: the normal to begin at, `(mean = m, sd = s)` or `(mean = m, cov = c)`; where a normal is wanted and not given, one
  is fitted to a short run of NUTS
- every other option of the library with `smc` among its services by its name, such as `num_moves`, `ess_threshold`,
  `waste_free` or `init_set_id`: [`Catena.options`](@ref)`()` lists them. `refresh = 1` logs each stage
- `threads`, `callbacks`, `communicator`: as in [`Catena.sample`](@ref)

An exception in a model's function ends the run and is thrown here, as is Ctrl-C. When some sets fail or stall, a warning says
which and why, and the others count; when all do, the error of the first is thrown, with its `set` and `particle`.
"""
function sample_smc(object; seed = nothing, reference = nothing, threads::Integer = 0, callbacks = :auto,
                    communicator = C_NULL, extra...)
    normal = reference_of(reference)
    call_service(object, :smc, SMC_ARGUMENTS; seed = seed, threads = threads, callbacks = callbacks, extra...) do call
        names = columns_of(call, :smc)
        normal === nothing || check_reference(normal, call.model)
        values = fill(NaN, whole_option(call.options, :num_particles), whole_option(call.options, :num_sets), length(names))
        writers = new_writers(call.handles, values)
        begins = normal === nothing ? nothing :
                 Ref(table(ReferenceTable; mean = pointer(normal.mean), spread = pointer(normal.spread),
                           spread_size = length(normal.spread)))
        result, failure = GC.@preserve normal values writers begins begin
            start = begins === nothing ? C_NULL : Ptr{Cvoid}(Base.unsafe_convert(Ptr{ReferenceTable}, begins))
            io = io_of(call; sample_writers = pointer(writers), num_sample_writers = length(writers),
                       communicator = Ptr{Cvoid}(communicator))
            run_service(call, io, :catena_sample_smc, :catena_smc_result_free, start)
        end
        result == C_NULL && throw(failure)
        collect_sets(result, failure, values, names, call.seed)
    end
end

"Mean and spread as vectors."
reference_of(::Nothing) = nothing
function reference_of(reference)
    (reference isa NamedTuple && keys(reference) in ((:mean, :sd), (:mean, :cov))) || throw(ArgumentError(
        "argument 'reference': expected (mean = ..., sd = ...) or (mean = ..., cov = ...), got $(repr(reference))"))
    # A covariance is symmetric, so that its order does not matter.
    (mean = vec(Array{Float64}(reference[1])), spread = vec(Array{Float64}(reference[2])))
end

function check_reference(normal, model)
    dimension = Int(ccall(symbol(:catena_model_dimension), Csize_t, (Ptr{Cvoid},), model))
    length(normal.mean) == dimension ||
        throw(DimensionMismatch("argument 'reference': expected a mean of $dimension numbers, got $(length(normal.mean))"))
end

for (name, T) in ((:set_id, UInt64), (:set_outcome, Int32), (:set_error, Ptr{Cvoid}), (:set_log_evidence, Float64),
                  (:set_standard_error, Float64), (:set_rows, Csize_t), (:set_refused, UInt64), (:set_seconds, Float64),
                  (:num_stages, Csize_t))
    @eval $(Symbol("smc_", name))(result, set) =
        ccall(symbol($(QuoteNode(Symbol("catena_smc_result_", name)))), $T, (Ptr{Cvoid}, Csize_t), result, set)
end

"A number of a stage, counted from 0."
of_stage(result, set, stage, name) =
    ccall(symbol(Symbol("catena_smc_result_stage_", name)), Float64, (Ptr{Cvoid}, Csize_t, Csize_t), result, set, stage)

function set_report(result, set)
    failure = smc_set_error(result, set)
    stages = [(way = of_stage(result, set, i, :way), ess = of_stage(result, set, i, :ess),
               log_evidence = of_stage(result, set, i, :log_evidence), acceptance = of_stage(result, set, i, :acceptance),
               stepsize = of_stage(result, set, i, :stepsize), ancestors = of_stage(result, set, i, :ancestors)) for i in 0:Int(smc_num_stages(result, set))-1]
    SetReport(smc_set_id(result, set), OUTCOMES[smc_set_outcome(result, set)+1],
              failure == C_NULL ? nothing : read_error(ccall(symbol(:catena_error_code), Int32, (Ptr{Cvoid},), failure), failure),
              smc_set_log_evidence(result, set), smc_set_standard_error(result, set), smc_set_rows(result, set),
              smc_set_refused(result, set), smc_set_seconds(result, set), stages)
end

function collect_sets(result, failure, values, names, seed)
    count = Int(ccall(symbol(:catena_smc_result_num_sets), Csize_t, (Ptr{Cvoid},), result))
    sets = [set_report(result, set) for set in 0:count-1]
    failures = [set.failure for set in sets if set.failure !== nothing]
    if failure !== nothing
        length(failures) == count && throw(isempty(failures) ? failure : first(failures))
        foreach(one -> @warn(one.message), failures)
    end
    # Particles are counted from 1.
    values[:, :, SMC_COLUMNS] .+= 1
    WeightedDraws(ccall(symbol(:catena_smc_result_log_evidence), Float64, (Ptr{Cvoid},), result),
                  ccall(symbol(:catena_smc_result_standard_error), Float64, (Ptr{Cvoid},), result), values, names, sets, seed)
end

Base.size(draws::WeightedDraws) = size(draws.values)[1:2]
Base.keys(draws::WeightedDraws) = draws.names
parameters(draws::WeightedDraws) = draws.names[SMC_COLUMNS+1:end]

function Base.getindex(draws::WeightedDraws, name::Union{AbstractString,Symbol})
    column = findfirst(==(String(name)), draws.names)
    column === nothing && throw(KeyError(name))
    draws.values[:, :, column]
end

"""
    Catena.weights(draws::Catena.WeightedDraws) -> Matrix

Weights of all draws, particles × sets, that sum to 1: each set counts with its evidence. 0 where there is no draw.
"""
function weights(draws::WeightedDraws)
    logs = replace(draws["log_weight__"], NaN => -Inf)
    most = maximum(logs)
    most == -Inf && return zeros(size(logs))
    found = exp.(logs .- most)
    found ./ sum(found)
end

"""
    Catena.log_evidence(draws::Catena.WeightedDraws) -> (estimate, standard_error)
"""
log_evidence(draws::WeightedDraws) = (estimate = draws.log_evidence, standard_error = draws.standard_error)

"""
    Catena.columns(draws::Catena.WeightedDraws) -> NamedTuple of vectors

One row per draw: `set` (its id), `particle` (from 1), `ancestor`, `log_weight`, `lp__`, then the parameters. The mean of
exp(`log_weight`) is the evidence.
"""
function columns(draws::WeightedDraws)
    used = [i for (i, set) in enumerate(draws.sets) if set.rows > 0]
    column(i) = vec(draws.values[:, used, i])
    names = (:set, :particle, :ancestor, :log_weight, :lp__, Symbol.(parameters(draws))...)
    NamedTuple{names}((Int.(column(3)), repeat(1:size(draws.values, 1); outer = length(used)), Int.(column(4)), column(2),
                       column(1), (column(i) for i in SMC_COLUMNS+1:length(draws.names))...))
end

"""
    Catena.summarize(draws::Catena.WeightedDraws) -> NamedTuple of vectors

`variable`, weighted `mean`, its error `mcse_mean` from the scatter of the sets (NaN for one set), and `sd`.
"""
function summarize(draws::WeightedDraws)
    used = [i for (i, set) in enumerate(draws.sets) if set.rows > 0]
    # Sets that lost all particles count as well.
    n = count(set -> set.outcome in (:finished, :lost), draws.sets)
    w = weights(draws)[:, used]
    variables = ["lp__"; parameters(draws)]
    rows = map(variables) do variable
        x = draws[variable][:, used]
        mean = sum(w .* x)
        # Of a ratio of averages over the sets.
        spread = sum(w .* (x .- mean); dims = 1)
        (mean, n > 1 ? sqrt(n / (n - 1) * sum(abs2, spread)) : NaN, sqrt(sum(w .* abs2.(x .- mean))))
    end
    (variable = variables, mean = first.(rows), mcse_mean = getindex.(rows, 2), sd = last.(rows))
end

function Base.show(io::IO, draws::WeightedDraws)
    particles, sets = size(draws)
    print(io, "Catena.WeightedDraws: ", sets, " sets of ", particles, " particles × ", length(parameters(draws)), " parameters")
end

function Base.show(io::IO, ::MIME"text/plain", draws::WeightedDraws)
    show(io, draws)
    print(io, "\nlog evidence: estimate ", round(draws.log_evidence; digits = 4), ", standard error ",
          round(draws.standard_error; digits = 4))
    for set in draws.sets
        set.outcome === :finished && continue
        print(io, "\nset ", set.id, ": ", set.outcome, set.failure === nothing ? "" : ": " * set.failure.message)
    end
    any(set -> set.rows > 0, draws.sets) || return
    table = summarize(draws)
    width = maximum(length, table.variable)
    print(io, "\n\n", lpad("", width), lpad("mean", 13), lpad("mcse_mean", 13), lpad("sd", 13))
    for i in eachindex(table.variable)
        print(io, "\n", rpad(table.variable[i], width))
        for column in (table.mean, table.mcse_mean, table.sd)
            print(io, lpad(string(round(column[i]; sigdigits = 5)), 13))
        end
    end
end
