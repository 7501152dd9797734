# Processes that share a call, as a `catena_communicator` brings them, where Julia itself has something to tell them.

"`catena_communicator`: what comes first in it."
struct CommunicatorTable
    struct_size::Csize_t
    user::Ptr{Cvoid}
    release::Ptr{Cvoid}
    rank::Csize_t
    size::Csize_t
    time_out::Float64
    allgatherv::Ptr{Cvoid}
end

"This process's rank, and how many there are."
function ranks_of(communicator::Ptr{Cvoid})
    table = unsafe_load(Ptr{CommunicatorTable}(communicator))
    (Int(table.rank), Int(table.size))
end

"What all processes bring, in their order; that of this one alone where there are no others."
function gathered(communicator::Ptr{Cvoid}, mine)
    communicator == C_NULL && return [mine]
    io = IOBuffer()
    Serialization.serialize(io, mine)
    bytes = take!(io)
    size = ranks_of(communicator)[2]
    lengths = zeros(Csize_t, size)
    bring(communicator, Csize_t[length(bytes)], fill(Csize_t(sizeof(Csize_t)), size), lengths)
    everything = zeros(UInt8, sum(lengths))
    bring(communicator, bytes, lengths, everything)
    starts = cumsum(lengths) .- lengths
    [Serialization.deserialize(IOBuffer(everything[starts[r]+1:starts[r]+lengths[r]])) for r in 1:size]
end

function bring(communicator::Ptr{Cvoid}, mine, lengths::Vector{Csize_t}, everything)
    table = unsafe_load(Ptr{CommunicatorTable}(communicator))
    outcome = ccall(table.allgatherv, Cint, (Ptr{Cvoid}, Ptr{Cvoid}, Ptr{Csize_t}, Ptr{Cvoid}), table.user, mine, lengths, everything)
    outcome == 0 && return nothing
    error(outcome == 1 ? "a rank did not answer within $(table.time_out) s" : "the communicator failed with code $outcome")
end
