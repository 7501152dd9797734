# Results: arrays with names, a table, a summary.

"""
What one chain reports.

- `id`; `status`: `:ok` when all its iterations were run, `:interrupted` when it was stopped before and can be resumed
- `iterations`: iterations done, warm-up included; `rows`, `warmup_rows`: its draws in `values` and `warmup` of
  [`Catena.Draws`](@ref)
- `stepsize`, `inv_metric`: the nominal step size and inverse metric at its end: nothing (unit), variances (diag),
  covariances (dense), or those of `CATENA_METRIC_LOW_RANK` in `catena.h`
- `warmup_gradients`, `sampling_gradients`: gradient evaluations in and after warm-up; `warmup_seconds`,
  `sampling_seconds`: what they took
- `divergences`, `saturated`: divergent transitions and transitions of the largest depth after warm-up
- `stop_reason`: what ended it: `:all_iterations`, `:enough` (`until_ess`, `until_rhat`), `:max_gradients`, `:max_seconds`,
  `:interrupt` or `:failure`
- `delta`: the target of the acceptance statistic at its end, which warm-up may have raised (`raise_delta`); NaN where the step
  size was not adapted
"""
struct ChainReport
    id::Int
    status::Symbol
    iterations::Int
    rows::Int
    warmup_rows::Int
    stepsize::Float64
    inv_metric::Vector{Float64}
    warmup_gradients::Int
    sampling_gradients::Int
    divergences::Int
    saturated::Int
    warmup_seconds::Float64
    sampling_seconds::Float64
    stop_reason::Symbol
    delta::Float64
end

"""
Draws of several chains.

- `values`: draws × chains × columns; `warmup`: the same of the warm-up, without draws unless `save_warmup = true`. A chain
  that was stopped before the others has NaN after its last row
- `names`: names of the columns: first `sampler_columns` of the sampler (with NUTS `lp__`, `accept_stat__`, `stepsize__`,
  `treedepth__`, `n_leapfrog__`, `divergent__`, `energy__`), then the parameters
- `chains`: a [`ChainReport`](@ref) each
- `failures`: the [`CatenaError`](@ref)s of chains that failed, which have no draws here
- `checkpoints`: each chain as bytes, to be stored and gone on with, see [`Catena.resume`](@ref); empty where there is none
- `seed`, `max_depth`: of the run; `n`, `options`: what it was asked for; `settings`: the same by the names of the library's
  options, as pairs of texts
- `dimension`: coordinates of the model; 0 where files don't tell

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
    checkpoints::Vector{Vector{UInt8}}
    seed::UInt64
    max_depth::Int
    n::Int
    options::NamedTuple
    dimension::Int
    settings::Vector{Pair{String,String}}
    # The step sizes of the warm-up iterations that files have, of each chain: its rows are left out.
    steps_of_files::Vector{Vector{Float64}}
end

"""
    Catena.warmup_step_sizes(draws) -> Vector{Vector{Float64}}

The step sizes of each chain's warm-up iterations that were saved (`save_warmup = true`); empty vectors without.
"""
function warmup_step_sizes(draws::Draws)
    isempty(draws.steps_of_files) || return draws.steps_of_files
    at = findfirst(==("stepsize__"), draws.names)
    [at === nothing ? Float64[] : draws.warmup[1:report.warmup_rows, i, at] for (i, report) in enumerate(draws.chains)]
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

One row per draw: `chain` (its id), `draw` (from 1), then every column of `draws.names`, the chains one after the other. A
`NamedTuple` of vectors is a table for everything that takes tables, e.g. `DataFrame(Catena.columns(draws))`.
"""
function columns(draws::Draws)
    n, chains, count = size(draws.values)
    names = (:chain, :draw, Symbol.(draws.names)...)
    ids = repeat([report.id for report in draws.chains]; inner = n)
    # Those that a stopped chain did not come to are left out.
    there = [draw <= report.rows for report in draws.chains for draw in 1:n]
    columns = (ids, repeat(1:n; outer = chains), (vec(draws.values[:, :, i]) for i in 1:count)...)
    NamedTuple{names}(all(there) ? columns : map(column -> column[there], columns))
end

"The values, without chains that have no draws, up to the length of the shortest."
function complete_rows(draws::Draws)
    used = [i for (i, report) in enumerate(draws.chains) if report.rows > 0]
    shortest = isempty(used) ? 0 : minimum(draws.chains[i].rows for i in used)
    (shortest, length(used)) == size(draws.values)[1:2] ? draws.values : draws.values[1:shortest, used, :]
end

"""
    Catena.inv_metrics(draws)

The inverse metric that each chain ended with, as `inv_metric` of [`Catena.sample`](@ref) takes them: `nothing` with
`metric = :unit`, else a vector of vectors of variances, or of covariance matrices with `:dense`, `:fisher_dense`, and `:auto`
of up to 128 coordinates. With `:low_rank`, and `:auto` of more, they are the numbers that `catena.h` tells of, with zeros behind those of chains that have fewer.
"""
function inv_metrics(draws::Draws)
    metric = get(draws.options, :metric, :unit)
    metric === :unit && return nothing
    found = [report.inv_metric for report in draws.chains]
    (metric in (:dense, :fisher_dense) || metric === :auto && all(is_matrix, found)) && return [reshape(one, isqrt(length(one)), :) for one in found]
    longest = isempty(found) ? 0 : maximum(length, found)
    [vcat(one, zeros(longest - length(one))) for one in found]
end

"Whether these numbers, of the metric `:auto`, are a matrix: those of low rank are no symmetric ones."
function is_matrix(numbers)
    side = isqrt(length(numbers))
    square = reshape(view(numbers, 1:side^2), side, side)
    side^2 == length(numbers) && square == transpose(square)
end

"What a summary shows: `catena_summary_options`."
struct SummaryOptions
    struct_size::Csize_t
    variables::Ptr{Ptr{UInt8}}
    num_variables::Csize_t
    probabilities::Ptr{Float64}
    num_probabilities::Csize_t
    order::Ptr{UInt8}
    lengths::Ptr{Csize_t}
    num_lengths::Csize_t
    pool::Ptr{Cvoid}
    digits::UInt32
end

"What a report tells beside the draws: `catena_report_options`."
struct ReportOptions
    struct_size::Csize_t
    title::Ptr{UInt8}
    seconds::Ptr{Float64}
    step_sizes::Ptr{Float64}
    inv_metrics::Ptr{Float64}
    metric_size::Csize_t
    lengths::Ptr{Csize_t}
    pool::Ptr{Cvoid}
    max_depth::UInt32
    dimension::Csize_t
    warmup_step_sizes::Ptr{Float64}
    warmup_size::Csize_t
    warmup_lengths::Ptr{Csize_t}
    setting_names::Ptr{Ptr{UInt8}}
    setting_values::Ptr{Ptr{UInt8}}
    num_settings::Csize_t
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
    Catena.summarize(draws; variables = nothing, quantiles = (0.05, 0.5, 0.95), digits = 4, order = "") -> Catena.Summary

Mean, standard deviation, quantiles, their Monte Carlo errors, effective sample sizes and R-hat of every parameter. Of a
run that was stopped, chains without draws are left out, and the others count up to the length of the shortest.

- `variables`: a name or several, columns or variables with all of their elements, in the order wanted; `nothing`: all
- `quantiles`: probabilities of the quantiles in the text
- `digits`: significant digits of the text, 1 to 18
- `order`: the statistic by which rows are ordered, such as `"ess_bulk"`, or `"-r_hat"` for the largest first
"""
function summarize(draws::Draws; variables = nothing, quantiles = (0.05, 0.5, 0.95), digits::Integer = 4, order = "")
    values, names = complete_rows(draws), draws.names
    n, chains, count = size(values)
    asked = variables === nothing ? String[] :
            variables isa Union{AbstractString,Symbol} ? [String(variables)] : String[String(v) for v in variables]
    probabilities = Float64[q for q in quantiles]
    lengths = [report.rows for report in draws.chains if report.rows > 0]
    # Chains that failed are not among the draws.
    length(lengths) == chains || empty!(lengths)
    order = string(order)
    with_handles() do handles
        handle = with_names(names) do list
            with_names(asked) do wanted
                GC.@preserve probabilities lengths order begin
                    asks = Ref(SummaryOptions(sizeof(SummaryOptions), isempty(asked) ? C_NULL : wanted, length(asked),
                                              pointer(probabilities), length(probabilities),
                                              isempty(order) ? C_NULL : Ptr{UInt8}(pointer(order)),
                                              isempty(lengths) ? C_NULL : Ptr{Csize_t}(pointer(lengths)), length(lengths),
                                              C_NULL, digits))
                    make(handles, :catena_summary_free) do out, e
                        ccall(symbol(:catena_summary_select), Int32,
                              (Ptr{Float64}, Csize_t, Csize_t, Csize_t, Csize_t, Int32, Ptr{Ptr{UInt8}}, UInt32,
                               Ptr{SummaryOptions}, Ptr{Ptr{Cvoid}}, Ptr{Ptr{Cvoid}}),
                              values, length(values), chains, n, count, LAYOUT_COLUMNS, list, draws.max_depth, asks, out, e)
                    end
                end
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

"These vectors one after the other, with zeros behind those that are shorter than the longest."
function padded(vectors)
    longest = isempty(vectors) ? 0 : maximum(length, vectors)
    Float64[i <= length(one) ? one[i] : 0.0 for one in vectors for i in 1:longest]
end

"""
    Catena.report(draws, file = "report.html"; title = "Draws") -> file

Writes a page for a browser about the draws: the verdict in words and what to do, the table, pictures. The file needs nothing else.
"""
function report(draws::Draws, file::AbstractString = "report.html"; title::AbstractString = "Draws")
    values = complete_rows(draws)
    n, chains, count = size(values)
    places = [i for (i, one) in enumerate(draws.chains) if one.rows > 0]
    used = draws.chains[places]
    seconds = Float64[s for one in used for s in (one.warmup_seconds, one.sampling_seconds)]
    steps = Float64[one.stepsize for one in used]
    metrics = draws.dimension == 0 ? Float64[] : padded([one.inv_metric for one in used])
    path = warmup_step_sizes(draws)[places]
    # What never moves has none.
    all(steps -> all(step -> isfinite(step) && step > 0, steps), path) || foreach(i -> path[i] = Float64[], eachindex(path))
    warmup, warmup_lengths = padded(path), Csize_t[length(one) for one in path]
    lengths = Csize_t[one.rows for one in used]
    given(list) = isempty(list) ? Ptr{eltype(list)}(C_NULL) : pointer(list)
    each(list) = div(length(list), max(chains, 1))
    title, file = String(title), String(file)
    with_names(draws.names) do names
        with_names(first.(draws.settings)) do setting_names
            with_names(last.(draws.settings)) do setting_values
                GC.@preserve seconds steps metrics warmup warmup_lengths lengths title begin
                    asks = Ref(ReportOptions(sizeof(ReportOptions), pointer(title), given(seconds), given(steps), given(metrics),
                                             each(metrics), given(lengths), C_NULL, draws.max_depth, draws.dimension,
                                             given(warmup), each(warmup), given(warmup_lengths), setting_names, setting_values,
                                             length(draws.settings)))
                    checked(e -> ccall(symbol(:catena_report), Int32,
                                       (Ptr{Float64}, Csize_t, Csize_t, Csize_t, Csize_t, Int32, Ptr{Ptr{UInt8}},
                                        Ptr{ReportOptions}, Cstring, Ptr{Ptr{Cvoid}}),
                                       values, length(values), chains, n, count, LAYOUT_COLUMNS, names, asks, file, e))
                end
            end
        end
    end
    file
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
