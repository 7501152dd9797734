# Options of a run: keywords of `sample` to setters of the library.

"Keywords passed on as they are, with the type that the setter takes."
const PASSED_OPTIONS = (
    thin = Csize_t, save_warmup = Int32, init_radius = Float64, stepsize = Float64, stepsize_jitter = Float64,
    max_depth = UInt32, int_time = Float64, max_energy_error = Float64, adapt = Int32, delta = Float64, gamma = Float64, kappa = Float64,
    t0 = Float64, init_buffer = Csize_t, term_buffer = Csize_t, window = Csize_t)

const METRICS = (unit = Int32(0), diag = Int32(1), dense = Int32(2))

"What moves a chain: `catena_engine`."
const ENGINES = (nuts = Int32(0), static = Int32(1), fixed_param = Int32(2))

"Deepest trees unless `max_depth` says otherwise."
const DEFAULT_MAX_DEPTH = 10

for T in unique((Csize_t, UInt64, Float64, Int32, UInt32))
    @eval set_option(options::Ptr{Cvoid}, name::Symbol, value::$T) =
        checked(e -> ccall(symbol(Symbol(:catena_options_set_, name)), Int32, (Ptr{Cvoid}, $T, Ptr{Ptr{Cvoid}}),
                           options, value, e))
end

"`value` as the library's type `T`; a refusal names the keyword `argument`."
function convert_option(argument::Symbol, T, value)
    try
        return convert(T, value)
    catch
        kind = T <: AbstractFloat ? "a number" : T <: Unsigned ? "an integer of at least 0" : "true or false"
        throw(ArgumentError("argument '$argument': expected $kind, got $(repr(value))"))
    end
end

function code_of(argument, codes, value)
    value isa Symbol && haskey(codes, value) && return codes[value]
    throw(ArgumentError("argument '$argument': expected $(join(repr.(keys(codes)), ", ", " or ")), got $(repr(value))"))
end

"A handle with the options set; `extra` are those of `PASSED_OPTIONS`."
function new_options(handles::Handles, n, chains, warmup, seed, chain_id, metric, threads, extra)
    options = make(handles, :catena_options_free) do out, e
        ccall(symbol(:catena_options_new), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Ptr{Cvoid}}), out, e)
    end
    set_option(options, :num_samples, convert_option(:n, Csize_t, n))
    set_option(options, :num_chains, convert_option(:chains, Csize_t, chains))
    set_option(options, :num_warmup, convert_option(:warmup, Csize_t, warmup))
    set_option(options, :seed, convert_option(:seed, UInt64, seed))
    set_option(options, :init_chain_id, convert_option(:chain_id, UInt64, chain_id))
    set_option(options, :metric, code_of("metric", METRICS, metric))
    set_option(options, :num_threads, convert_option(:threads, Csize_t, threads))
    # Progress is shown by polling, so that it never needs a callback.
    set_option(options, :refresh, Csize_t(0))
    for (name, value) in pairs(extra)
        haskey(PASSED_OPTIONS, name) ||
            throw(ArgumentError("'$name' is not an option; there are " * join(keys(PASSED_OPTIONS), ", ")))
        set_option(options, name, convert_option(name, PASSED_OPTIONS[name], value))
    end
    options
end
