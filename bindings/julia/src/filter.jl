# Particle filters over functions of whole matrices.

"Kinds of filters: `catena_filter_kind`."
const FILTERS = (bootstrap = Int32(0), guided = Int32(1), auxiliary = Int32(2))

"Random numbers of a set's own stream, for matrices of one particle per row. Valid only inside the call that got it."
struct FilterRNG <: Random.AbstractRNG
    chain::ChainRNG
    rows::Int
    normals::Ptr{Cvoid}
    uniforms::Ptr{Cvoid}
end

Random.rng_native_52(::FilterRNG) = UInt64
Base.rand(rng::FilterRNG, type::Random.SamplerType{T}) where {T<:Base.BitInteger} = rand(rng.chain, type)
Base.rand(rng::FilterRNG, type::Random.SamplerType{Bool}) = rand(rng.chain, type)

# Columns of numbers for all particles are drawn in vectors, and are the particle's own.
for (fill!, numbers, one) in ((:randn!, :normals, :randn), (:rand!, :uniforms, :rand))
    @eval function Random.$fill!(rng::FilterRNG, A::Array{Float64})
        whole = rng.rows > 0 && length(A) % rng.rows == 0
        whole && ccall(rng.$numbers, Cint, (Ptr{Cvoid}, Csize_t, Ptr{Float64}), rng.chain.task, length(A), A) == 0 && return A
        for i in eachindex(A)
            A[i] = $one(rng)
        end
        A
    end
end
Random.randn(rng::FilterRNG, ::Type{Float64}, dims::Integer...) = Random.randn!(rng, zeros(dims...))

"What the callbacks of one filter share."
mutable struct FilterSession
    functions::Any
    dimension::Int
    caller::Bool
    in_place::Bool
    lock::Threads.SpinLock
    exceptions::Vector{Tuple{UInt64,Int64,Any,Any}}
    interrupted::Threads.Atomic{Bool}
    busy::Bool
    bits::Ptr{Cvoid}
    normals::Ptr{Cvoid}
    uniforms::Ptr{Cvoid}
end

"The library's numbers as a matrix, a particle per row; nothing at the first time."
rows_at(address::Ptr{Float64}, n, d) = address == C_NULL ? nothing : unsafe_wrap(Array, address, (Int(n), Int(d)))
numbers_at(address::Ptr{Float64}, n) = unsafe_wrap(Array, address, Int(n))

"Calls `f(rng)` for a callback over `n` particles."
guarded_rows(f, session, task, n) = guarded(session, task) do rng
    f(FilterRNG(rng, Int(n), session.normals, session.uniforms))
end

filter_initial(s::FilterSession, ::Ptr{Cvoid}, task::Ptr{Cvoid}, n::Csize_t, x::Ptr{Float64})::Cint =
    guarded_rows(rng -> s.functions.initial!(rng, rows_at(x, n, s.dimension)), s, task, n)

filter_transition(s::FilterSession, ::Ptr{Cvoid}, task::Ptr{Cvoid}, t::Csize_t, n::Csize_t, previous::Ptr{Float64},
                  x::Ptr{Float64})::Cint = guarded_rows(s, task, n) do rng
    s.functions.transition!(rng, rows_at(x, n, s.dimension), rows_at(previous, n, s.dimension), Int(t) + 1)
end

filter_propose(s::FilterSession, ::Ptr{Cvoid}, task::Ptr{Cvoid}, t::Csize_t, n::Csize_t, previous::Ptr{Float64},
               x::Ptr{Float64})::Cint = guarded_rows(s, task, n) do rng
    s.functions.propose!(rng, rows_at(x, n, s.dimension), rows_at(previous, n, s.dimension), Int(t) + 1)
end

for (callback, name) in ((:filter_log_weight, :log_weight!), (:filter_proposal_log_weight, :proposal_log_weight!),
                         (:filter_transition_log_density, :transition_log_density!))
    @eval $callback(s::FilterSession, ::Ptr{Cvoid}, task::Ptr{Cvoid}, t::Csize_t, n::Csize_t, previous::Ptr{Float64},
                    x::Ptr{Float64}, w::Ptr{Float64})::Cint = guarded_rows(s, task, n) do _
        s.functions.$name(numbers_at(w, n), rows_at(x, n, s.dimension), rows_at(previous, n, s.dimension), Int(t) + 1)
    end
end

filter_auxiliary(s::FilterSession, ::Ptr{Cvoid}, task::Ptr{Cvoid}, t::Csize_t, n::Csize_t, previous::Ptr{Float64},
                 w::Ptr{Float64})::Cint = guarded_rows(s, task, n) do _
    s.functions.auxiliary_log_weight!(numbers_at(w, n), rows_at(previous, n, s.dimension), Int(t) + 1)
end

function state_space_table(session::FilterSession, bound)
    f = session.functions
    given(name, pointer) = getfield(f, name) === nothing ? C_NULL : pointer
    Ref(table(StateSpaceTable;
        user = pointer_from_objref(session), threading = session.caller ? THREADS_CALLER : THREADS_ANY, whole_sets = 1,
        dimension = session.dimension,
        initial = @cfunction(filter_initial, Cint, (Ref{FilterSession}, Ptr{Cvoid}, Ptr{Cvoid}, Csize_t, Ptr{Float64})),
        transition = @cfunction(filter_transition, Cint, (Ref{FilterSession}, Ptr{Cvoid}, Ptr{Cvoid}, Csize_t, Csize_t,
                                                          Ptr{Float64}, Ptr{Float64})),
        log_weight = @cfunction(filter_log_weight, Cint, (Ref{FilterSession}, Ptr{Cvoid}, Ptr{Cvoid}, Csize_t, Csize_t,
                                                          Ptr{Float64}, Ptr{Float64}, Ptr{Float64})),
        propose = given(:propose!, @cfunction(filter_propose, Cint, (Ref{FilterSession}, Ptr{Cvoid}, Ptr{Cvoid}, Csize_t,
                                                                     Csize_t, Ptr{Float64}, Ptr{Float64}))),
        proposal_log_weight = given(:proposal_log_weight!, @cfunction(filter_proposal_log_weight, Cint,
            (Ref{FilterSession}, Ptr{Cvoid}, Ptr{Cvoid}, Csize_t, Csize_t, Ptr{Float64}, Ptr{Float64}, Ptr{Float64}))),
        auxiliary_log_weight = given(:auxiliary_log_weight!, @cfunction(filter_auxiliary, Cint,
            (Ref{FilterSession}, Ptr{Cvoid}, Ptr{Cvoid}, Csize_t, Csize_t, Ptr{Float64}, Ptr{Float64}))),
        transition_log_density = given(:transition_log_density!, @cfunction(filter_transition_log_density, Cint,
            (Ref{FilterSession}, Ptr{Cvoid}, Ptr{Cvoid}, Csize_t, Csize_t, Ptr{Float64}, Ptr{Float64}, Ptr{Float64}))),
        has_transition_log_density_bound = bound !== nothing,
        transition_log_density_bound = bound === nothing ? 0.0 : bound))
end

"""
What a [`Catena.particle_filter`](@ref) found.

- `log_evidence`, `standard_error`: log likelihood of all observations over all sets, and its error across them
- `sets`: for each its `id`, whether it was `lost`, the `times` it was filtered over, its `log_evidence`
- `log_evidences`, `ess`: times × sets, log likelihood of the observations so far, effective sample sizes
- `means`, `variances`: times × sets × coordinates, given the observations up to each time
- `trajectories`: trajectories × times × sets × coordinates
- `survivors`: times × sets, with `history` or trajectories: how many particles have descendants at the end

Numbers that are not there are NaN. [`Catena.particles`](@ref) and [`Catena.lineage`](@ref) look at particles.
"""
mutable struct ParticleFilter
    log_evidence::Float64
    standard_error::Float64
    sets::Vector{NamedTuple{(:id, :lost, :times, :log_evidence),Tuple{Int,Bool,Int,Float64}}}
    log_evidences::Matrix{Float64}
    ess::Matrix{Float64}
    means::Array{Float64,3}
    variances::Array{Float64,3}
    trajectories::Array{Float64,4}
    survivors::Matrix{Float64}
    dimension::Int
    num_particles::Int
    handles::Handles
    handle::Ptr{Cvoid}
end

Base.close(filter::ParticleFilter) = (filter.handle = C_NULL; free_all(filter.handles))

"""
    Catena.particle_filter(initial!, transition!, log_weight!; dimension, times, options...) -> Catena.ParticleFilter

Runs a particle filter on several independent sets. The functions work on whole matrices with a particle per row and `dimension`
columns, which belong to the library: don't keep them. `t` counts from 1, the time of the first observation.

- `initial!(rng, x)` draws the states `x` at time 1
- `transition!(rng, x, previous, t)` draws the states at `t`, 2 or later, from those before
- `log_weight!(w, x, previous, t)` fills `w` with the log density of the observation at `t`, 0 where there is none; `previous` is
  `nothing` at time 1
- `sets = 1`, `particles = 1000`: independent sets, and particles in each; `init_set_id = 1`
- `seed`: an integer; random when not given. A set has the same bits in whatever run and on however many threads
- `kind = :bootstrap`; `:guided` wants `propose!(rng, x, previous, t)`, which draws states and knows the observation, and
  `proposal_log_weight!(w, x, previous, t)`, the log density of the observation plus that of the transition minus that of the
  proposal; `:auxiliary` wants `auxiliary_log_weight!(w, previous, t)`, how well states promise to explain the observation at `t`
- `scheme = :systematic` (see [`Catena.resample!`](@ref)), `ess_below = 0.5`: when and how to resample
- `trajectories = 0`: number of trajectories to draw backwards from each set; wants `transition_log_density!(w, x, previous, t)`,
  row by row; `transition_log_density_bound`, which it never exceeds, makes them faster
- `moments = true`: whether means and variances are wanted; `history = false`: whether the particles of all times are kept
- `retained`: a trajectory, times × coordinates, that the first particle of each set follows: a bootstrap filter is then a sweep of
  conditional sequential Monte Carlo, with its history. The next one of particle Gibbs is `Catena.lineage(filter, set)`; give
  each sweep another seed
- `threads`, `callbacks`: as in [`Catena.sample`](@ref)
- `communicator`: a pointer to a `catena_communicator`: the processes that share the sets, see docs/cluster.md

`randn!(rng, x)` and `rand!(rng, x)` on such matrices draw the numbers of all particles at once, in vectors.

An exception in a function ends the filter: a [`CatenaError`](@ref) with the `set`, whose cause it is. A set that loses all its
particles has evidence zero, with a warning.
"""
function particle_filter(initial!, transition!, log_weight!; dimension::Integer, times::Integer, sets::Integer = 1,
                         particles::Integer = 1000, init_set_id::Integer = 1, seed = nothing, kind = :bootstrap,
                         scheme = :systematic, ess_below::Real = 0.5, propose! = nothing, proposal_log_weight! = nothing,
                         auxiliary_log_weight! = nothing, transition_log_density! = nothing,
                         transition_log_density_bound::Union{Real,Nothing} = nothing, trajectories::Integer = 0,
                         moments::Bool = true, history::Bool = false, retained = nothing, threads::Integer = 0,
                         callbacks = :auto, communicator = C_NULL)
    caller = calls_on_caller(FunctionModel(0, identity), callbacks)
    caller || threads != 0 || (threads = Threads.nthreads())
    seed === nothing && (seed = rand(Random.RandomDevice(), UInt32))
    functions = (initial! = initial!, transition! = transition!, log_weight! = log_weight!, propose! = propose!,
                 proposal_log_weight! = proposal_log_weight!, auxiliary_log_weight! = auxiliary_log_weight!,
                 transition_log_density! = transition_log_density!)
    session = FilterSession(functions, check_dimension(dimension), caller, false, Threads.SpinLock(), [],
                            Threads.Atomic{Bool}(false), false, symbol(:catena_task_bits), symbol(:catena_task_normals),
                            symbol(:catena_task_uniforms))
    history = history || trajectories > 0 || retained !== nothing
    retained === nothing || size(retained) == (times, dimension) || throw(DimensionMismatch(
        "argument 'retained': expected a $times × $dimension matrix, got $(size(retained))"))
    # Each time together.
    path = retained === nothing ? Float64[] : vec(permutedims(Matrix{Float64}(retained)))
    options = Ref(table(FilterOptionsTable;
        num_sets = count_of(:sets, sets), init_set_id = count_of(:init_set_id, init_set_id),
        num_particles = count_of(:particles, particles), num_times = count_of(:times, times), seed = count_of(:seed, seed),
        num_threads = count_of(:threads, threads), kind = code_of("kind", FILTERS, kind),
        resampling = code_of("scheme", SCHEMES, scheme), ess_threshold = ess_below,
        num_trajectories = count_of(:trajectories, trajectories), moments = moments, history = history,
        retained = isempty(path) ? C_NULL : pointer(path), communicator = Ptr{Cvoid}(communicator)))
    log, place = Log(), Ref{Ptr{Cvoid}}(C_NULL)
    model, logger = state_space_table(session, transition_log_density_bound), new_logger(log)
    failure = GC.@preserve session options path log model logger place begin
        pointer_to(reference, T) = Ptr{Cvoid}(Base.unsafe_convert(Ptr{T}, reference))
        attempt_for(session, log, :catena_filter_run, pointer_to(model, StateSpaceTable),
                    pointer_to(options, FilterOptionsTable),
                    logs_into_julia(caller) ? pointer_to(logger, LoggerTable) : C_NULL, C_NULL,
                    Base.unsafe_convert(Ptr{Ptr{Cvoid}}, place))
    end
    handle = place[]
    handle == C_NULL && throw_with_cause(session, failure)
    handles = Handles([() -> ccall(symbol(:catena_filter_free), Cvoid, (Ptr{Cvoid},), handle)])
    found = try
        read_filter(handles, handle, Int(dimension), Int(times), Int(particles), Int(trajectories), moments, history)
    catch
        free_all(handles)
        rethrow()
    end
    failure === nothing || @warn failure.message
    finalizer(close, found)
end

"Copies what is there of a set into `values`."
read_into(handle, name, set, values) =
    checked(e -> ccall(symbol(name), Int32, (Ptr{Cvoid}, Csize_t, Ptr{Float64}, Csize_t, Ptr{Ptr{Cvoid}}), handle, set, values,
                       length(values), e))

function read_filter(handles, f, d, times, particles, trajectories, moments, history)
    standard_error = ccall(symbol(:catena_filter_standard_error), Float64, (Ptr{Cvoid},), f)
    evidence_of(i) = ccall(symbol(:catena_filter_set_log_evidence), Float64, (Ptr{Cvoid}, Csize_t), f, i)
    count = Int(ccall(symbol(:catena_filter_num_sets), Csize_t, (Ptr{Cvoid},), f))
    sets = [(id = Int(ccall(symbol(:catena_filter_set_id), UInt64, (Ptr{Cvoid}, Csize_t), f, i)),
             lost = ccall(symbol(:catena_filter_set_status), Int32, (Ptr{Cvoid}, Csize_t), f, i) != OK,
             times = Int(ccall(symbol(:catena_filter_num_times), Csize_t, (Ptr{Cvoid}, Csize_t), f, i)),
             log_evidence = evidence_of(i)) for i in 0:count-1]
    log_evidences, ess = fill(NaN, times, count), fill(NaN, times, count)
    means, variances = (fill(NaN, moments ? times : 0, count, d) for _ in 1:2)
    drawn = fill(NaN, trajectories, times, count, d)
    survivors = fill(NaN, history ? times : 0, count)
    for (i, set) in enumerate(sets)
        there = 1:set.times
        for (name, to) in ((:catena_filter_log_evidences, log_evidences), (:catena_filter_ess, ess))
            values = zeros(set.times)
            read_into(f, name, i - 1, values)
            to[there, i] = values
        end
        for (name, to) in ((:catena_filter_means, means), (:catena_filter_variances, variances))
            moments || continue
            values = zeros(d, set.times)
            read_into(f, name, i - 1, values)
            to[there, i, :] = permutedims(values)
        end
        if trajectories > 0 && !set.lost
            values = zeros(trajectories, d, set.times)
            read_into(f, :catena_filter_trajectories, i - 1, values)
            drawn[:, :, i, :] = permutedims(values, (1, 3, 2))
        end
        if history
            counts = zeros(Csize_t, set.times)
            checked(e -> ccall(symbol(:catena_filter_survivors), Int32,
                               (Ptr{Cvoid}, Csize_t, Ptr{Csize_t}, Csize_t, Ptr{Ptr{Cvoid}}), f, i - 1, counts, set.times, e))
            survivors[there, i] = counts
        end
    end
    ParticleFilter(ccall(symbol(:catena_filter_log_evidence), Float64, (Ptr{Cvoid},), f), standard_error, sets, log_evidences,
                   ess, means, variances, drawn, survivors, d, particles, handles, f)
end

"Where the set of an id stands, from 0, in a filter that was not closed."
function place_of(filter::ParticleFilter, set)
    filter.handle == C_NULL && throw(ArgumentError("argument 'filter': expected one that was not closed"))
    at = findfirst(one -> one.id == set, filter.sets)
    at === nothing && throw(ArgumentError("argument 'set': expected one of $(join((one.id for one in filter.sets), ", ")), got $set"))
    at - 1
end

"""
    Catena.particles(filter, set; time = the last) -> (states, log_weights, ancestors)

The particles of a set at a time: a matrix with one per row, log weights (not normalised), and the rows of the time before that
they came from. Times other than the last want `history = true`.
"""
function particles(filter::ParticleFilter, set::Integer; time::Integer = filter.sets[place_of(filter, set)+1].times)
    n = filter.num_particles
    states, log_weights, ancestors = zeros(n, filter.dimension), zeros(n), zeros(UInt32, n)
    checked(e -> ccall(symbol(:catena_filter_particles), Int32,
                       (Ptr{Cvoid}, Csize_t, Csize_t, Csize_t, Ptr{Float64}, Ptr{Float64}, Ptr{UInt32}, Ptr{Ptr{Cvoid}}),
                       filter.handle, place_of(filter, set), time - 1, n, states, log_weights, ancestors, e))
    (states = states, log_weights = log_weights, ancestors = Int.(ancestors) .+ 1)
end

"""
    Catena.lineage(filter, set, i) -> Matrix
    Catena.lineage(filter, set)

The path that led to particle `i` of the last time, or to one drawn by its weight: times × coordinates. Wants `history = true`.
"""
function lineage(filter::ParticleFilter, set::Integer)
    place = place_of(filter, set)
    lineage(filter, set, ccall(symbol(:catena_filter_drawn), Csize_t, (Ptr{Cvoid}, Csize_t), filter.handle, place) + 1)
end
function lineage(filter::ParticleFilter, set::Integer, i::Integer)
    place = place_of(filter, set)
    values = zeros(filter.dimension, filter.sets[place+1].times)
    checked(e -> ccall(symbol(:catena_filter_lineage), Int32,
                       (Ptr{Cvoid}, Csize_t, Csize_t, Ptr{Float64}, Csize_t, Ptr{Ptr{Cvoid}}), filter.handle, place, i - 1, values,
                       length(values), e))
    permutedims(values)
end

function Base.show(io::IO, filter::ParticleFilter)
    print(io, "Catena.ParticleFilter: ", length(filter.sets), " sets of ", filter.num_particles, " particles over ",
          size(filter.ess, 1), " times, log evidence ", filter.log_evidence, " ± ", filter.standard_error)
end
