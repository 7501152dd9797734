# Results: arrays with names, a table, a summary.

"""
What one chain reports: its `id`, the nominal step size and inverse metric at its end, gradient evaluations in and after
warm-up, divergent transitions and transitions of the largest depth after warm-up, and seconds.
"""
struct ChainReport
    id::Int
    stepsize::Float64
    inv_metric::Vector{Float64}
    warmup_gradients::Int
    sampling_gradients::Int
    divergences::Int
    saturated::Int
    warmup_seconds::Float64
    sampling_seconds::Float64
end

"""
Draws of several chains.

- `values`: draws × chains × columns; `warmup`: the same of the warm-up, without draws unless `save_warmup = true`
- `names`: names of the columns: first `sampler_columns` of the sampler (with NUTS `lp__`, `accept_stat__`, `stepsize__`,
  `treedepth__`, `n_leapfrog__`, `divergent__`, `energy__`), then the parameters
- `chains`: a [`ChainReport`](@ref) each
- `failures`: the [`CatenaError`](@ref)s of chains that failed, which have no draws here
- `seed`, `max_depth`: of the run

`draws["mu"]` (or `draws[:mu]`) is the draws × chains matrix of a column; `Array(draws)` the draws × chains × parameters
array and [`Catena.parameters`](@ref) its names; [`Catena.columns`](@ref) a table; [`Catena.summarize`](@ref) the summary that
`show` prints.
"""
struct Draws
    values::Array{Float64,3}
    warmup::Array{Float64,3}
    names::Vector{String}
    sampler_columns::Int
    chains::Vector{ChainReport}
    failures::Vector{CatenaError}
    seed::UInt64
    max_depth::Int
end

"Names of the parameters (the model's outputs), in the order of `Array(draws)`."
parameters(draws::Draws) = draws.names[draws.sampler_columns+1:end]

Base.Array(draws::Draws) = draws.values[:, :, draws.sampler_columns+1:end]
Base.size(draws::Draws) = (size(draws.values, 1), size(draws.values, 2), length(draws.names) - draws.sampler_columns)
Base.size(draws::Draws, i::Integer) = size(draws)[i]
Base.keys(draws::Draws) = draws.names

function Base.getindex(draws::Draws, name::Union{AbstractString,Symbol})
    column = findfirst(==(String(name)), draws.names)
    column === nothing && throw(KeyError(name))
    draws.values[:, :, column]
end

"""
    Catena.columns(draws) -> NamedTuple of vectors

One row per draw: `chain` (its id), `draw`, then every column of `draws.names`, the chains one after the other. A
`NamedTuple` of vectors is a table for everything that takes tables, e.g. `DataFrame(Catena.columns(draws))`.
"""
function columns(draws::Draws)
    n, chains, count = size(draws.values)
    names = (:chain, :draw, Symbol.(draws.names)...)
    ids = repeat([report.id for report in draws.chains]; inner = n)
    NamedTuple{names}((ids, repeat(1:n; outer = chains), (vec(draws.values[:, :, i]) for i in 1:count)...))
end

"Statistics of the summary, in the order of `catena_statistic`."
const STATISTICS = (:mean, :mcse_mean, :sd, :mcse_sd, :q5, :median, :q95, :ess_bulk, :ess_tail, :rhat)

"""
Statistics of every parameter and of `lp__`; NaN where a column is constant.

- `variables`: names of the rows
- `columns`: `NamedTuple` of vectors: `variable`, `mean`, `mcse_mean`, `sd`, `mcse_sd`, `q5`, `median`, `q95`, `ess_bulk`,
  `ess_tail`, `rhat` (Vehtari et al. 2021)
- `divergences`, `saturated`: divergent transitions, and transitions of the largest depth; -1 when the engine has none
- `text`: the table with its warnings, as printed

`summary["mu"]` is a row as a `NamedTuple`.
"""
struct Summary
    variables::Vector{String}
    columns::NamedTuple
    divergences::Int
    saturated::Int
    text::String
end

columns(summary::Summary) = summary.columns

function Base.getindex(summary::Summary, name::Union{AbstractString,Symbol})
    row = findfirst(==(String(name)), summary.variables)
    row === nothing && throw(KeyError(name))
    map(column -> column[row], summary.columns)
end

"""
    Catena.summarize(draws) -> Catena.Summary

Mean, standard deviation, quantiles, their Monte Carlo errors, effective sample sizes and R-hat of every parameter.
"""
function summarize(draws::Draws)
    values, names = draws.values, draws.names
    n, chains, count = size(values)
    with_handles() do handles
        handle = with_names(names) do list
            make(handles, :catena_summary_free) do out, e
                ccall(symbol(:catena_summary_new), Int32,
                      (Ptr{Float64}, Csize_t, Csize_t, Csize_t, Csize_t, Int32, Ptr{Ptr{UInt8}}, UInt32, Ptr{Ptr{Cvoid}},
                       Ptr{Ptr{Cvoid}}),
                      values, length(values), chains, n, count, LAYOUT_COLUMNS, list, draws.max_depth, out, e)
            end
        end
        rows = ccall(symbol(:catena_summary_size), Csize_t, (Ptr{Cvoid},), handle)
        variables = [unsafe_string(ccall(symbol(:catena_summary_name), Cstring, (Ptr{Cvoid}, Csize_t), handle, row - 1))
                     for row in 1:rows]
        statistics = [[statistic(handle, row, code) for row in 0:Int(rows)-1] for code in 0:length(STATISTICS)-1]
        Summary(variables, NamedTuple{(:variable, STATISTICS...)}((variables, statistics...)),
                ccall(symbol(:catena_summary_divergences), Int64, (Ptr{Cvoid},), handle),
                ccall(symbol(:catena_summary_saturated), Int64, (Ptr{Cvoid},), handle),
                unsafe_string(ccall(symbol(:catena_summary_text), Cstring, (Ptr{Cvoid},), handle)))
    end
end

function statistic(handle, row, code)
    out = Ref(NaN)
    checked(e -> ccall(symbol(:catena_summary_value), Int32,
                       (Ptr{Cvoid}, Csize_t, Int32, Ptr{Float64}, Ptr{Ptr{Cvoid}}), handle, row, code, out, e))
    out[]
end

Base.show(io::IO, ::MIME"text/plain", summary::Summary) = print(io, chomp(summary.text))
Base.show(io::IO, summary::Summary) = print(io, "Catena.Summary of ", length(summary.variables), " variables")

function Base.show(io::IO, draws::Draws)
    n, chains, count = size(draws)
    print(io, "Catena.Draws: ", n, " draws × ", chains, " chains × ", count, " parameters")
end

function Base.show(io::IO, ::MIME"text/plain", draws::Draws)
    show(io, draws)
    for failure in draws.failures
        print(io, "\nfailed: ", failure.message)
    end
    print(io, "\n\n")
    show(io, MIME"text/plain"(), summarize(draws))
end
