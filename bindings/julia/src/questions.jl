# What populations are asked: reports, samples, weights, evidence, genealogy.

"""
    Catena.report(f, population, arguments...; which = :all) -> Vector

`f(trace, arguments...)` of all traces, set by set; of the first of each set (`which = :sets`), or of the `:distinguished` one, the
first of the first set. `missing` for traces that were lost. `f` must not change the trace.
"""
report(f::Function, population::Population, arguments...; which = :all) =
    answers(population, :catena_population_report, (rng, trace) -> f(trace, arguments...), which)

"""
    Catena.for_each!(f, population, arguments...; report = identity) -> Vector

[`Catena.apply!`](@ref), and [`Catena.report`](@ref) of all traces afterwards.
"""
for_each!(f::Function, population::Population, arguments...; report = identity) =
    Catena.report(report, apply!(f, population, arguments...))

"""
    Catena.sample(f, population, arguments...; which = :all) -> Vector

As [`Catena.report`](@ref), for `f(rng, trace, arguments...)`, which draws random numbers, others in each call.
"""
sample(f::Function, population::Population, arguments...; which = :all) =
    answers(population, :catena_population_sample, (rng, trace) -> f(rng, trace, arguments...), which)

function answers(population::Population, name, f, which)
    code = code_of("which", WHICH, which)
    sizes = [set.traces for set in sets(population)]
    count = which === :distinguished ? 1 : which === :sets ? length(sizes) : sum(sizes)
    session, places = population.session, fill(NaN, count)
    session.asked, session.answers = f, Vector{Any}(missing, count)
    session.answered[] = 0
    try
        GC.@preserve places perform(population, name, code, Int64(0), Csize_t(1), pointer(places), Csize_t(count))
        all = gathered(population.communicator, session.answers)
        return map(place -> isnan(place) ? missing : all[Int(place) % length(all)+1][Int(place) ÷ length(all)+1], places)
    finally
        session.asked, session.answers = nothing, []
    end
end

"""
    Catena.trace(population, set, i)

Trace `i` of the set with the id `set`, which must not be changed.
"""
function trace(population::Population, set::Integer, i::Integer)
    address = i < 1 || set < 1 ? C_NULL :
              ccall(symbol(:catena_population_trace), Ptr{Cvoid}, (Ptr{Cvoid}, UInt64, Csize_t), handle_of(population), set,
                    i - 1)
    address == C_NULL && throw(ArgumentError("set $set has no trace $i, or it was lost"))
    box_of(address).trace
end

"""
    Catena.sets(population) -> Vector of (id, traces, ess, log_evidence)

The sets: their ids, numbers of traces, effective sample sizes and log evidences.
"""
function sets(population::Population)
    p = handle_of(population)
    map(1:Int(ccall(symbol(:catena_population_num_sets), Csize_t, (Ptr{Cvoid},), p))) do i
        id = ccall(symbol(:catena_population_set_id), UInt64, (Ptr{Cvoid}, Csize_t), p, i - 1)
        (id = Int(id), traces = Int(ccall(symbol(:catena_population_set_size), Csize_t, (Ptr{Cvoid}, UInt64), p, id)),
         ess = ccall(symbol(:catena_population_ess), Float64, (Ptr{Cvoid}, UInt64), p, id),
         log_evidence = ccall(symbol(:catena_population_log_evidence), Float64, (Ptr{Cvoid}, UInt64), p, id))
    end
end

"""
    Catena.counts(population) -> (operations, copies)

How many operations were done since the population was begun, and how many copies of traces resampling has made.
"""
counts(population::Population) =
    (operations = Int(ccall(symbol(:catena_population_generation), UInt64, (Ptr{Cvoid},), handle_of(population))),
     copies = Int(ccall(symbol(:catena_population_copies), UInt64, (Ptr{Cvoid},), handle_of(population))))

"""
    Catena.weights(population, set)
    Catena.weights(population)

Weights of a set that sum to 1; or of all traces, set by set, that sum to 1 together, where each set counts with its evidence.
[`Catena.log_weights`](@ref) are the logs, as they are.
"""
weights(population::Population, set::Integer) = weights_of(population, set, Int32(1))
function weights(population::Population)
    out = zeros(sum(set.traces for set in sets(population)))
    checked(e -> ccall(symbol(:catena_population_pooled_weights), Int32, (Ptr{Cvoid}, Ptr{Float64}, Csize_t, Ptr{Ptr{Cvoid}}),
                       handle_of(population), out, length(out), e))
    out
end

"""
    Catena.log_weights(population, set)

Log weights of the set with the id `set`.
"""
log_weights(population::Population, set::Integer) = weights_of(population, set, Int32(0))

function weights_of(population::Population, set, kind)
    p = handle_of(population)
    out = zeros(Int(ccall(symbol(:catena_population_set_size), Csize_t, (Ptr{Cvoid}, UInt64), p, set)))
    checked(e -> ccall(symbol(:catena_population_weights), Int32,
                       (Ptr{Cvoid}, UInt64, Int32, Ptr{Float64}, Csize_t, Ptr{Ptr{Cvoid}}), p, set, kind, out, length(out), e))
    out
end

"""
    Catena.log_evidence(population) -> (estimate, standard_error)

The log of the mean evidence of all sets, and its standard error across them (NaN for one set); [`Catena.sets`](@ref) has those of
the sets.
"""
function log_evidence(population::Population)
    standard_error = Ref(NaN)
    estimate = ccall(symbol(:catena_population_pooled_log_evidence), Float64, (Ptr{Cvoid}, Ptr{Float64}), handle_of(population),
                     standard_error)
    (estimate = estimate, standard_error = standard_error[])
end

"""
    Catena.genealogy(population, set; generation = 0) -> (distinct_ancestors, ancestors, coalescence)

Of a population with `genealogy = true`: how many different ancestors the traces of a set have in each generation (resampling
makes one), founders first; the number of each trace's ancestor in a `generation`, 0 for the founders; and how many generations
back they have one in common, `nothing` when they have none.
"""
function genealogy(population::Population, set::Integer; generation::Integer = 0)
    p, count = handle_of(population), Ref{Csize_t}(0)
    distinct(out, size) = checked(e -> ccall(symbol(:catena_population_distinct_ancestors), Int32,
        (Ptr{Cvoid}, UInt64, Ptr{Csize_t}, Csize_t, Ptr{Csize_t}, Ptr{Ptr{Cvoid}}), p, set, out, size, count, e))
    distinct(C_NULL, 0)
    numbers = zeros(Csize_t, count[])
    distinct(numbers, length(numbers))
    places = zeros(UInt32, Int(ccall(symbol(:catena_population_set_size), Csize_t, (Ptr{Cvoid}, UInt64), p, set)))
    checked(e -> ccall(symbol(:catena_population_ancestors), Int32,
        (Ptr{Cvoid}, UInt64, Csize_t, Ptr{UInt32}, Csize_t, Ptr{Ptr{Cvoid}}), p, set, generation, places, length(places), e))
    back = ccall(symbol(:catena_population_coalescence), Int64, (Ptr{Cvoid}, UInt64), p, set)
    (distinct_ancestors = Int.(numbers), ancestors = Int.(places) .+ 1, coalescence = back < 0 ? nothing : Int(back))
end
