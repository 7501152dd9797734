# Files of draws, read back.

"""
    Catena.read(files) -> Catena.Draws

Reads files of draws of chains, one path per chain: Stan CSV of Catena's or CmdStan's, or Arrow of Catena's. Rows of warm-up are left
out, and longer chains are cut to the length of the shortest, with a warning. Chains are numbered from 1 and cannot be gone on
with; step sizes, metrics, times, seed and the largest depth are there as far as the files tell. A file that is none of draws, or not
one of the same run's, is a [`CatenaError`](@ref) that names file and line.
"""
function read(files::AbstractVector{<:AbstractString})
    isempty(files) && throw(ArgumentError("argument 'files': expected at least one file, got none"))
    with_handles() do handles
        handle = with_names(files) do paths
            make(handles, :catena_files_free) do out, e
                ccall(symbol(:catena_files_read), Int32, (Ptr{Ptr{UInt8}}, Csize_t, Ptr{Cvoid}, Ptr{Ptr{Cvoid}}, Ptr{Ptr{Cvoid}}),
                      paths, length(files), C_NULL, out, e)
            end
        end
        draws_of_files(handle, files)
    end
end
read(file::AbstractString) = read([file])

files_count(name, handle) = Int(ccall(symbol(name), Csize_t, (Ptr{Cvoid},), handle))
files_count(name, handle, chain) = Int(ccall(symbol(name), Csize_t, (Ptr{Cvoid}, Csize_t), handle, chain))

function draws_of_files(handle, files)
    n, chains = files_count(:catena_files_num_draws, handle), files_count(:catena_files_num_chains, handle)
    width = files_count(:catena_files_num_columns, handle)
    names = [unsafe_string(ccall(symbol(:catena_files_column), Cstring, (Ptr{Cvoid}, Csize_t), handle, i)) for i in 0:width-1]
    "log_weight__" in names &&
        throw(ArgumentError("argument 'files': expected draws of chains, got sets of particles in '$(first(files))'"))
    # The library has them chain after chain, row after row.
    at = ccall(symbol(:catena_files_values), Ptr{Float64}, (Ptr{Cvoid},), handle)
    rows = n * chains * width == 0 ? zeros(width, n, chains) : unsafe_wrap(Array, at, (width, n, chains))
    values = permutedims(rows, (2, 3, 1))
    settings = told_settings(:catena_files_setting, handle)
    setting(name) = (at = findfirst(one -> first(one) == name, settings); at === nothing ? "" : last(settings[at]))
    whole(name) = something(tryparse(UInt64, setting(name)), UInt64(0))
    own = something(findfirst(name -> !endswith(name, "__"), names), width + 1) - 1
    depth = Int(whole("max_depth"))
    lengths = [files_count(:catena_files_length, handle, i) for i in 0:chains-1]
    count_of(name, holds) = (at = findfirst(==(name), names); at === nothing ? zeros(Int, chains) : [count(holds, values[:, c, at]) for c in 1:chains])
    diverged = count_of("divergent__", !=(0))
    saturated = depth == 0 ? zeros(Int, chains) : count_of("treedepth__", >=(depth))
    reports = map(1:chains) do c
        line = files_count(:catena_files_cut_off, handle, c - 1)
        line == 0 || @warn "'$(files[c])' was cut off at line (of an Arrow file: row) $line, which was left out"
        seconds(part) = ccall(symbol(:catena_files_seconds), Float64, (Ptr{Cvoid}, Csize_t, Int32), handle, c - 1, part)
        step = ccall(symbol(:catena_files_stepsize), Float64, (Ptr{Cvoid}, Csize_t), handle, c - 1)
        ChainReport(c, :ok, lengths[c], n, 0, step, files_metric(handle, c - 1), 0, 0, diverged[c], saturated[c], seconds(0),
                    seconds(1), :all_iterations, NaN)
    end
    all(==(n), lengths) || @warn "the files have $(join(lengths, ", ")) draws: each was cut to the first $n"
    dimensions = unique(files_count(:catena_files_dimension, handle, c) for c in 0:chains-1)
    Draws(values, zeros(0, chains, width), names, own, reports, CatenaError[], Vector{UInt8}[], whole("seed"), depth, n, (;),
          length(dimensions) == 1 ? dimensions[1] : 0, settings, [files_steps(handle, c) for c in 0:chains-1])
end

function files_steps(handle, chain)
    steps = zeros(files_count(:catena_files_warmup_size, handle, chain))
    checked(e -> ccall(symbol(:catena_files_warmup_step_sizes), Int32, (Ptr{Cvoid}, Csize_t, Ptr{Float64}, Csize_t, Ptr{Ptr{Cvoid}}),
                       handle, chain, steps, length(steps), e))
    steps
end

function files_metric(handle, chain)
    metric = zeros(files_count(:catena_files_inv_metric_size, handle, chain))
    isempty(metric) && return metric
    checked(e -> ccall(symbol(:catena_files_inv_metric), Int32,
                       (Ptr{Cvoid}, Csize_t, Ptr{Float64}, Csize_t, Ptr{Csize_t}, Ptr{Ptr{Cvoid}}),
                       handle, chain, metric, length(metric), C_NULL, e))
    metric
end
