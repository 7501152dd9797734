# Options of a run: keywords of `sample` to the library's options, by name.

"Options that are called otherwise as arguments of `sample`."
const RENAMED_OPTIONS = (num_samples = :n, num_chains = :chains, num_warmup = :warmup, init_chain_id = :chain_id,
                         num_threads = :threads, warmup = :warmup_mode)

"The option that a keyword sets which `sample` does not name itself."
option_of(keyword::Symbol) = keyword === :warmup_mode ? :warmup : keyword

"Arguments of `sample` that are none of the library's options."
const OTHER_ARGUMENTS = (:init, :engine, :inv_metric, :checkpoints, :from, :callbacks, :communicator, :progress)

const METRICS = (unit = Int32(0), diag = Int32(1), dense = Int32(2), fisher_diag = Int32(3), fisher_dense = Int32(4),
                 low_rank = Int32(5), auto = Int32(6))

"What moves a chain: `catena_engine`."
const ENGINES = (nuts = Int32(0), static = Int32(1), fixed_param = Int32(2))

"The texts of a list that ends with NULL; none for a NULL list."
function texts_of(list::Ptr{Ptr{UInt8}})
    texts = String[]
    list == C_NULL && return texts
    while (text = unsafe_load(list, length(texts) + 1)) != C_NULL
        push!(texts, unsafe_string(text))
    end
    texts
end

"""
    Catena.options() -> Vector{NamedTuple}

The options of a run that the library has: `name`, `default`, `range`, `choices`, `services` (the engines and functions that
take it) and `help`. Those of chains are keywords of [`Catena.sample`](@ref), those of populations of
[`Catena.Population`](@ref), those of sets of particles of [`Catena.sample_smc`](@ref), some by another name, which is the `keyword`.
"""
function options()
    count = Int(ccall(symbol(:catena_options_count), Csize_t, ()))
    map(1:count) do i
        option = unsafe_load(ccall(symbol(:catena_options_at), Ptr{OptionTable}, (Csize_t,), i - 1))
        name = Symbol(unsafe_string(option.name))
        (name = name, keyword = get(RENAMED_OPTIONS, name, name), default = unsafe_string(option.default_value),
         range = unsafe_string(option.range), choices = texts_of(option.choices), services = texts_of(option.services),
         help = unsafe_string(option.help))
    end
end

"Calls a setter of the library; its error names the keyword."
function set_by(f, name::Symbol)
    _, failure = attempt(f)
    failure === nothing && return
    keyword = get(RENAMED_OPTIONS, name, name)
    message = replace(failure.message, "argument '$name'" => "argument '$keyword'")
    throw(CatenaError(failure.status, message, failure.chain, failure.argument === nothing ? nothing : string(keyword)))
end

set_option(options::Ptr{Cvoid}, name::Symbol, value::Union{AbstractString,Symbol}) =
    set_by(e -> ccall(symbol(:catena_options_set), Int32, (Ptr{Cvoid}, Cstring, Cstring, Ptr{Ptr{Cvoid}}),
                      options, string(name), string(value), e), name)

set_option(options::Ptr{Cvoid}, name::Symbol, value::AbstractVector{<:Union{AbstractString,Symbol}}) =
    set_option(options, name, join(value, ","))

set_option(options::Ptr{Cvoid}, name::Symbol, value::Real) =
    set_by(e -> ccall(symbol(:catena_options_set_number), Int32, (Ptr{Cvoid}, Cstring, Float64, Ptr{Ptr{Cvoid}}),
                      options, string(name), value, e), name)

function set_option(options::Ptr{Cvoid}, name::Symbol, value::Integer)
    # The library has the words for what is no number of 64 bits.
    0 <= value <= typemax(UInt64) || return set_option(options, name, Float64(value))
    set_by(e -> ccall(symbol(:catena_options_set_integer), Int32, (Ptr{Cvoid}, Cstring, UInt64, Ptr{Ptr{Cvoid}}),
                      options, string(name), value, e), name)
end

set_option(::Ptr{Cvoid}, name::Symbol, value) =
    throw(ArgumentError("argument '$name': expected a number, true or false, or a name, got $(repr(value))"))

"The value of an option that is a whole number."
function whole_option(options::Ptr{Cvoid}, name::Symbol)
    value = Ref{UInt64}(0)
    checked(e -> ccall(symbol(:catena_options_get_integer), Int32, (Ptr{Cvoid}, Cstring, Ptr{UInt64}, Ptr{Ptr{Cvoid}}),
                       options, string(name), value, e))
    Int(value[])
end

"`value` as an integer of the library; a refusal names the keyword `argument`."
function count_of(argument::Symbol, value)
    value isa Integer && 0 <= value <= typemax(UInt64) && return UInt64(value)
    throw(ArgumentError("argument '$argument': expected an integer of at least 0, got $(repr(value))"))
end

function code_of(argument, codes, value)
    value isa Symbol && haskey(codes, value) && return codes[value]
    throw(ArgumentError("argument '$argument': expected $(join(repr.(keys(codes)), ", ", " or ")), got $(repr(value))"))
end

"How many letters must change, come or go to make one word of another."
function edits(a, b)
    row = collect(0:length(b))
    for (i, x) in enumerate(a)
        before, row[1] = row[1], i
        for (j, y) in enumerate(b)
            before, row[j+1] = row[j+1], min(row[j+1] + 1, row[j] + 1, before + (x != y))
        end
    end
    row[end]
end

"Refuses a keyword that is no option of the `services`, or an option that has another name here."
function check_keyword(given::Symbol, services = keys(ENGINES), others = OTHER_ARGUMENTS)
    name = option_of(given)
    all_options = options()
    known = filter(option -> any(service -> string(service) in option.services, services), all_options)
    at = findfirst(option -> option.name === name, all_options)
    if at !== nothing && !(all_options[at] in known)
        throw(ArgumentError("'$name' is not an option here; it is one of $(join(all_options[at].services, ", "))"))
    end
    keyword = get(RENAMED_OPTIONS, name, name)
    keyword in (name, given) || throw(ArgumentError("'$name' is called '$keyword' here"))
    at === nothing || return
    keywords = [[option.keyword for option in known]; collect(others)]
    distances = [edits(string(name), string(keyword)) for keyword in keywords]
    least, at = findmin(distances)
    near = 3 * least <= length(string(name)) + 2
    throw(ArgumentError("'$name' is not an option; " *
                        (near ? "did you mean '$(keywords[at])'?" : "there are " * join(sort(keywords), ", "))))
end

"What is otherwise than in C unless a call says it: a gradient written by hand is looked at where chains begin."
looked_at(::FunctionModel) = (check_gradient = true,)
looked_at(::Any) = (;)

"A handle with the options set; `extra` are those that `sample` does not name."
function new_options(handles::Handles, n, chains, warmup, seed, chain_id, metric, threads, extra)
    foreach(check_keyword, keys(extra))
    options = make(handles, :catena_options_free) do out, e
        ccall(symbol(:catena_options_new), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Ptr{Cvoid}}), out, e)
    end
    set_option(options, :num_samples, count_of(:n, n))
    set_option(options, :num_chains, count_of(:chains, chains))
    # What is not given is the library's: the preset's.
    warmup === nothing || set_option(options, :num_warmup, count_of(:warmup, warmup))
    set_option(options, :seed, count_of(:seed, seed))
    set_option(options, :init_chain_id, count_of(:chain_id, chain_id))
    metric === nothing || set_option(options, :metric, code_of("metric", METRICS, metric))
    set_option(options, :num_threads, count_of(:threads, threads))
    # Progress is shown by polling, so that it never needs a callback.
    set_option(options, :refresh, 0)
    for (name, value) in pairs(extra)
        set_option(options, option_of(name), value)
    end
    options
end
