# The shared library: where it is, its functions, its errors, its handles.

"Major version of the ABI that this package was written for."
const ABI_VERSION = 0

const LIBRARY = Ref{Ptr{Cvoid}}(C_NULL)

function library_candidates()
    file = "libcatena." * Libdl.dlext
    chosen = get(ENV, "CATENA_LIB", "")
    isempty(chosen) || return [isdir(chosen) ? joinpath(chosen, file) : chosen]
    # The second name is that of an installation without the files for development.
    candidates = ["libcatena", file * ".$ABI_VERSION"]
    if Sys.which("pkg-config") !== nothing
        folder = try
            readchomp(pipeline(`pkg-config --variable=libdir catena`, stderr = devnull))
        catch
            ""
        end
        isempty(folder) || push!(candidates, joinpath(folder, file))
    end
    candidates
end

"The loaded library; loads it when called first."
function library()
    LIBRARY[] == C_NULL || return LIBRARY[]
    candidates = library_candidates()
    for candidate in candidates
        handle = Libdl.dlopen(candidate; throw_error = false)
        handle === nothing && continue
        version = ccall(Libdl.dlsym(handle, :catena_abi_version), UInt32, ())
        version == ABI_VERSION ||
            error("$candidate has version $version of Catena's ABI, this package needs version $ABI_VERSION")
        return LIBRARY[] = handle
    end
    error("the Catena library was not found (tried ", join(candidates, ", "), "); set ENV[\"CATENA_LIB\"] to its path")
end

"Address of one of the library's functions."
symbol(name::Symbol) = Libdl.dlsym(library(), name)

"Version of the library, e.g. \"0.1.0\"."
library_version() = unsafe_string(ccall(symbol(:catena_version_string), Cstring, ()))

const OK = Int32(0)
const INTERRUPTED = Int32(7)

const STATUS_NAMES = (:ok, :invalid_argument, :initialization, :model, :writer, :io, :checkpoint, :interrupted,
                      :chain_failed, :internal, :all_lost)

"""
A failure that the library reports.

- `status`: `:invalid_argument`, `:initialization`, `:model`, `:io`, `:chain_failed`, `:internal`, ...
- `message`: the whole message, with the chain and the argument it is about
- `chain`: id of the chain, or `nothing`
- `argument`: name of the offending argument, or `nothing`
- `set`, `particle`: id of the set of traces or particles, and which of them (from 1), or `nothing`
"""
struct CatenaError <: Exception
    status::Symbol
    message::String
    chain::Union{Int64,Nothing}
    argument::Union{String,Nothing}
    set::Union{Int64,Nothing}
    particle::Union{Int64,Nothing}
end
CatenaError(status, message, chain, argument) = CatenaError(status, message, chain, argument, nothing, nothing)

Base.showerror(io::IO, e::CatenaError) = print(io, "CatenaError: ", e.message)

status_name(status::Integer) = 0 <= status < length(STATUS_NAMES) ? STATUS_NAMES[status+1] : :unknown

"The library's error as an exception; the handle stays its owner's."
function read_error(status::Integer, handle::Ptr{Cvoid})
    handle == C_NULL && return CatenaError(status_name(status), "failed with status $status", nothing, nothing)
    message = unsafe_string(ccall(symbol(:catena_error_message), Cstring, (Ptr{Cvoid},), handle))
    chain = ccall(symbol(:catena_error_chain), Int64, (Ptr{Cvoid},), handle)
    argument = ccall(symbol(:catena_error_argument), Ptr{UInt8}, (Ptr{Cvoid},), handle)
    set = ccall(symbol(:catena_error_set), Int64, (Ptr{Cvoid},), handle)
    particle = ccall(symbol(:catena_error_particle), Int64, (Ptr{Cvoid},), handle)
    CatenaError(status_name(status), from_one(message), chain < 0 ? nothing : chain,
                argument == C_NULL ? nothing : unsafe_string(argument), set < 0 ? nothing : set,
                particle < 0 ? nothing : particle + 1)
end

"The library's words with traces, particles and times counted from 1."
function from_one(text)
    more(digits) = string(parse(Int, digits) + 1)
    member = r"^(set \d+, )?(trace|particle) \d+: |outputs of particle \d+(?= )"
    text = replace(text, member => words -> replace(words, r"\d+(?=(: )?$)" => more))
    replace(text, r"^set [^;]*\bat time \d+" => words -> replace(words, r"\d+$" => more))
end

"The error with other words."
in_words(failure::CatenaError, words) =
    CatenaError(failure.status, words(failure.message), failure.chain, failure.argument, failure.set, failure.particle)

"Calls `f` with a place for an error; returns the status and the error (`nothing` when it went well)."
function attempt(f)
    place = Ref{Ptr{Cvoid}}(C_NULL)
    status = f(place)
    status == OK && return status, nothing
    failure = read_error(status, place[])
    ccall(symbol(:catena_error_free), Cvoid, (Ptr{Cvoid},), place[])
    status, failure
end

"Calls `f` with a place for an error and throws that error when the status is not OK."
function checked(f)
    _, failure = attempt(f)
    failure === nothing || throw(failure)
    nothing
end

"""
Handles of the library, freed in reverse order at the end of [`with_handles`](@ref): none may outlive one made before it.
"""
struct Handles
    frees::Vector{Any}
end

function with_handles(f)
    handles = Handles([])
    try
        f(handles)
    finally
        free_all(handles)
    end
end

"Frees what is left of them; a Ctrl-C here would leak it, or free it too late."
free_all(handles::Handles) = disable_sigint() do
    while !isempty(handles.frees)
        pop!(handles.frees)()
    end
end

"Makes a handle by `f(out, error)`, which returns a status, and lets `free` free it."
function make(f, handles::Handles, free)
    out = Ref{Ptr{Cvoid}}(C_NULL)
    disable_sigint() do
        checked(e -> f(out, e))
        let handle = out[]
            push!(handles.frees, () -> free(handle))
        end
    end
    out[]
end

make(f, handles::Handles, free::Symbol) =
    make(f, handles, handle -> ccall(symbol(free), Cvoid, (Ptr{Cvoid},), handle))
