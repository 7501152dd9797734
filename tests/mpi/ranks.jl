# Populations and a particle filter over the ranks of MPI, started by mpirun, or with the argument `plain` by themselves: the hash that
# each rank prints is that of one process.
using Catena, Random

const TABLE = zeros(UInt8, 256)
const ranks = if "plain" in ARGS
    C_NULL
else
    words = zeros(UInt8, 1024)
    code = ccall((:catena_communicator_open, "libcatena-mpi"), Cint, (Cdouble, Ptr{Cvoid}, Ptr{UInt8}, Csize_t), 60.0, TABLE, words, 1024)
    code == 0 || error("MPI does not start ($code)")
    Ptr{Cvoid}(pointer(TABLE))
end
# No single call ends it.
const RELEASE_AT = 2 * sizeof(Ptr{Cvoid})
const release = unsafe_load(Ptr{Ptr{Cvoid}}(pointer(TABLE) + RELEASE_AT))
unsafe_store!(Ptr{Ptr{Cvoid}}(pointer(TABLE) + RELEASE_AT), C_NULL)

function moved(; more...)
    p = Catena.Population(rng -> randn(rng); particles = 20, seed = 5, communicator = ranks, more...)
    for y in (0.3, -1.0, 0.7)
        Catena.apply!((rng, x, y) -> (x + 0.1 * randn(rng), -(x - y)^2), p, y)
        Catena.resample!(p; ess_below = 0.7)
    end
    Catena.on_trace!((rng, x) -> 0.25, p, 1, 13)
    Catena.collapse!(x -> round(x; digits = 1), p)
    Any[Catena.report(identity, p), Catena.sample((rng, x) -> x + randn(rng), p; which = :sets), Catena.log_evidence(p).estimate]
end

filter = Catena.particle_filter((rng, x) -> randn!(rng, x), (rng, x, previous, t) -> (randn!(rng, x); x .+= 0.9 .* previous),
                                (w, x, previous, t) -> (w .= -0.5 .* (view(x, :, 1) .- t) .^ 2); dimension = 1, times = 5, sets = 3, particles = 100, seed = 6,
                                communicator = ranks)
found = Any[moved(sets = 3), moved(spread = :traces), filter.log_evidences]
println(string(hash(repr(found)); base = 16))
ranks == C_NULL || ccall(release, Cvoid, (Ptr{Cvoid},), unsafe_load(Ptr{Ptr{Cvoid}}(pointer(TABLE) + sizeof(Csize_t))))
