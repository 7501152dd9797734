# Populations and updaters as bytes.

"""
    Catena.save(population) -> Vector{UInt8}
    Catena.save(updater) -> Vector{UInt8}

The whole population as bytes, with its model and the functions that were applied, or the whole updater with its likelihood, by
the standard library Serialization.
"""
function save(population::Population)
    place = Ref{Ptr{Cvoid}}(C_NULL)
    GC.@preserve place perform(population, :catena_population_save, Base.unsafe_convert(Ptr{Ptr{Cvoid}}, place))
    length = Ref{Csize_t}(0)
    first = ccall(symbol(:catena_checkpoint_bytes), Ptr{UInt8}, (Ptr{Cvoid}, Ptr{Csize_t}), place[], length)
    bytes = copy(unsafe_wrap(Array, first, Int(length[])))
    ccall(symbol(:catena_checkpoint_free), Cvoid, (Ptr{Cvoid},), place[])
    session = population.session
    io = IOBuffer()
    Serialization.serialize(io, (bytes, session.in_place, serialized(session.model), serialized(session.operations)))
    take!(io)
end

serialized(object) = (io = IOBuffer(); Serialization.serialize(io, object); take!(io))

"""
    Catena.load(bytes; model, threads = 0, callbacks = :auto, progress = nothing, communicator = C_NULL, spread = :sets)
        -> Catena.Population or Catena.Updater

The population or updater that [`Catena.save`](@ref) gave, which goes on with the same bits; by default with the model or likelihood
that was saved. Its functions and types, and those of the traces, must be defined.
"""
function load(bytes::AbstractVector{UInt8}; model = nothing, threads::Integer = 0, callbacks = :auto, progress = nothing,
              communicator = C_NULL, spread = :sets)
    saved = try
        Serialization.deserialize(IOBuffer(bytes))::Union{Tuple{Vector{UInt8},Bool,Vector{UInt8},Vector{UInt8}},SavedUpdater}
    catch
        throw(ArgumentError("argument 'bytes': expected what Catena.save gave"))
    end
    saved isa SavedUpdater && communicator != C_NULL && throw(ArgumentError("argument 'communicator': expected none, for an updater"))
    saved isa SavedUpdater && return load_updater(saved, model; threads = threads, callbacks = callbacks)
    checkpoint, in_place, of_model, operations = saved
    model === nothing && (model = Serialization.deserialize(IOBuffer(of_model)))
    new_population(model; threads = threads, callbacks = callbacks, checkpoint = checkpoint, in_place = in_place,
                   progress = progress, communicator = communicator, spread = spread, operations = Serialization.deserialize(IOBuffer(operations)))
end
