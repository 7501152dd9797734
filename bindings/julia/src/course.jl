# What became of sets of particles, step by step, and the page about it.

const NOUNS = (step = 0, stage = 1, datum = 2, time = 3)

"""
    Catena.Course()

What became of independent sets of particles step by step, for a page for a browser: [`Catena.note!`](@ref) it after each step of an
updater or a population, or once with what [`Catena.sample_smc`](@ref) or [`Catena.particle_filter`](@ref) found;
[`Catena.report`](@ref) writes the page.
"""
mutable struct Course
    handles::Handles
    # C_NULL before the first note.
    handle::Ptr{Cvoid}
    parameters::Vector{String}
    Course() = finalizer(course -> free_all(course.handles), new(Handles([]), C_NULL, String[]))
end

function opened(course::Course, noun::Symbol)
    if course.handle == C_NULL
        course.handle = make(course.handles, :catena_course_free) do out, e
            ccall(symbol(:catena_course_new), Int32, (Int32, Ptr{Ptr{Cvoid}}, Ptr{Ptr{Cvoid}}), NOUNS[noun], out, e)
        end
    end
    course.handle
end

"""
    Catena.note!(course, what) -> course

Notes where the sets stand. Of an updater: effective sample sizes, evidence, mean and 95 % interval of each parameter, and the
models. Of a population: effective sample sizes, evidence, and, with `genealogy = true`, how many founders its traces stem from. Of
what [`Catena.particle_filter`](@ref) or [`Catena.sample_smc`](@ref) found: all times or stages, and the particles of the latter.
"""
function note!(course::Course, updater::Updater)
    course.parameters = collect(String.(updater.likelihood.parameters))
    GC.@preserve course updater begin
        handle = handle_of(updater)
        checked(e -> ccall(symbol(:catena_course_note_updater), Int32, (Ptr{Cvoid}, Ptr{Cvoid}, Ptr{Ptr{Cvoid}}),
                           opened(course, :datum), handle, e))
    end
    course
end

function note!(course::Course, population::Population)
    GC.@preserve course population checked(e -> ccall(symbol(:catena_course_note_population), Int32,
        (Ptr{Cvoid}, Ptr{Cvoid}, Ptr{Ptr{Cvoid}}), opened(course, :step), handle_of(population), e))
    course
end

function add_step(course::Course, noun, set; members...)
    step = Ref(table(CourseStepTable; members...))
    GC.@preserve course checked(e -> ccall(symbol(:catena_course_add), Int32,
        (Ptr{Cvoid}, UInt64, Ptr{CourseStepTable}, Ptr{Ptr{Cvoid}}), opened(course, noun), set, step, e))
end

function note!(course::Course, filter::ParticleFilter)
    for (i, set) in enumerate(filter.sets), t in axes(filter.ess, 1)
        isnan(filter.ess[t, i]) || add_step(course, :time, set.id; way = t, ess = filter.ess[t, i],
                                            log_evidence = filter.log_evidences[t, i])
    end
    course
end

function note!(course::Course, draws::WeightedDraws)
    n = size(draws.values, 1)
    for set in draws.sets, stage in set.stages
        add_step(course, :stage, set.id; size = n, stage...)
    end
    # Row after row, set after set.
    values = permutedims(draws.values, (3, 1, 2))
    ids, rows = UInt64[set.id for set in draws.sets], fill(Csize_t(n), length(draws.sets))
    with_names(draws.names) do names
        GC.@preserve course checked(e -> ccall(symbol(:catena_course_particles), Int32,
            (Ptr{Cvoid}, Ptr{Float64}, Csize_t, Ptr{UInt64}, Ptr{Csize_t}, Csize_t, Csize_t, Ptr{Ptr{UInt8}}, Ptr{Ptr{Cvoid}}),
            opened(course, :stage), values, length(values), ids, rows, length(ids), length(draws.names), names, e))
    end
    course
end

"""
    Catena.report(course, file = "report.html"; title = "Sets of particles", truth = (;)) -> file

Writes a page for a browser: the verdict in words; evidence, effective sample sizes, ancestors and, of an updater, the posterior over
the steps, with their errors across the sets; the particles. `truth` has true values of parameters by name, where they are known.
What [`Catena.sample_smc`](@ref) and [`Catena.particle_filter`](@ref) found can be given in place of a course.
"""
function report(course::Course, file::AbstractString = "report.html"; title::AbstractString = "Sets of particles", truth = (;))
    unknown = [String(name) for name in keys(truth) if !(String(name) in course.parameters)]
    isempty(unknown) || throw(ArgumentError(
        "argument 'truth': expected some of $(join(course.parameters, ", ")), got $(join(unknown, ", "))"))
    values = Float64[get(truth, Symbol(name), NaN) for name in course.parameters]
    title, file = String(title), String(file)
    GC.@preserve course title values begin
        options = Ref(table(CourseOptionsTable; title = pointer(title), num_truth = length(values),
                            truth = isempty(values) ? Ptr{Float64}(C_NULL) : pointer(values)))
        checked(e -> ccall(symbol(:catena_course_report), Int32,
                           (Ptr{Cvoid}, Ptr{CourseOptionsTable}, Cstring, Ptr{Ptr{Cvoid}}), opened(course, :step), options, file, e))
    end
    file
end

report(found::Union{WeightedDraws,ParticleFilter}, file::AbstractString = "report.html"; options...) =
    report(note!(Course(), found), file; options...)
