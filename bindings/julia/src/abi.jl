# Structs and constants of catena.h. The tests compare the sizes and offsets with those of a C compiler.

const THREADS_ANY = Int32(0)
const THREADS_ONE = Int32(1)
const THREADS_CALLER = Int32(2)

const LAYOUT_COLUMNS = Int32(1)

const LOG_DEBUG = Int32(0)
const LOG_INFO = Int32(1)
const LOG_WARNING = Int32(2)

"What an evaluation callback returns."
const EVALUATED = Cint(0)
const STOP = Cint(-1)

"`catena_density`"
Base.@kwdef struct DensityTable
    struct_size::Csize_t = 0
    user::Ptr{Cvoid} = C_NULL
    release::Ptr{Cvoid} = C_NULL
    dimension::Csize_t = 0
    log_density_gradient::Ptr{Cvoid} = C_NULL
    log_density::Ptr{Cvoid} = C_NULL
    log_density_gradient_batch::Ptr{Cvoid} = C_NULL
    names::Ptr{Ptr{UInt8}} = C_NULL
    output_count::Csize_t = 0
    output_names::Ptr{Ptr{UInt8}} = C_NULL
    constrain::Ptr{Cvoid} = C_NULL
    initialize::Ptr{Cvoid} = C_NULL
    worker_new::Ptr{Cvoid} = C_NULL
    worker_free::Ptr{Cvoid} = C_NULL
    threading::Int32 = THREADS_ANY
    parameter_outputs::Csize_t = 0
    transformed_outputs::Csize_t = 0
    log_density_parts::Ptr{Cvoid} = C_NULL
    log_density_parts_batch::Ptr{Cvoid} = C_NULL
    sample_prior::Ptr{Cvoid} = C_NULL
    data_count::Csize_t = 0
    log_density_data::Ptr{Cvoid} = C_NULL
    log_density_without_jacobian::Ptr{Cvoid} = C_NULL
    log_density_hessian::Ptr{Cvoid} = C_NULL
    log_density_without_jacobian_batch::Ptr{Cvoid} = C_NULL
end

"`catena_logger`"
Base.@kwdef struct LoggerTable
    struct_size::Csize_t = 0
    user::Ptr{Cvoid} = C_NULL
    release::Ptr{Cvoid} = C_NULL
    log::Ptr{Cvoid} = C_NULL
end

"`catena_io`"
Base.@kwdef struct IoTable
    struct_size::Csize_t = 0
    inits::Ptr{Ptr{Cvoid}} = C_NULL
    num_inits::Csize_t = 0
    inv_metrics::Ptr{Ptr{Float64}} = C_NULL
    num_inv_metrics::Csize_t = 0
    inv_metric_size::Csize_t = 0
    init_writers::Ptr{Ptr{Cvoid}} = C_NULL
    num_init_writers::Csize_t = 0
    sample_writers::Ptr{Ptr{Cvoid}} = C_NULL
    num_sample_writers::Csize_t = 0
    diagnostic_writers::Ptr{Ptr{Cvoid}} = C_NULL
    num_diagnostic_writers::Csize_t = 0
    checkpoints::Ptr{Ptr{Cvoid}} = C_NULL
    num_checkpoints::Csize_t = 0
    logger::Ptr{LoggerTable} = C_NULL
    interrupt::Ptr{Cvoid} = C_NULL
    communicator::Ptr{Cvoid} = C_NULL
    from::Ptr{Ptr{Cvoid}} = C_NULL
    num_from::Csize_t = 0
end

"`catena_progress`"
Base.@kwdef struct ProgressTable
    struct_size::Csize_t = 0
    chain_id::UInt64 = 0
    iteration::UInt64 = 0
    total::UInt64 = 0
    divergences::UInt64 = 0
    gradients::UInt64 = 0
    stepsize::Float64 = NaN
    in_warmup::Int32 = 0
    over::Int32 = 0
end

"`catena_draws`"
Base.@kwdef struct DrawsTable
    struct_size::Csize_t = 0
    names::Ptr{Ptr{UInt8}} = C_NULL
    columns::Csize_t = 0
    values::Ptr{Ptr{Float64}} = C_NULL
    rows::Ptr{Csize_t} = C_NULL
    num_chains::Csize_t = 0
end

"`catena_traces`"
Base.@kwdef struct TracesTable
    struct_size::Csize_t = 0
    user::Ptr{Cvoid} = C_NULL
    release::Ptr{Cvoid} = C_NULL
    threading::Int32 = THREADS_ANY
    create::Ptr{Cvoid} = C_NULL
    free::Ptr{Cvoid} = C_NULL
    copy::Ptr{Cvoid} = C_NULL
    apply::Ptr{Cvoid} = C_NULL
    incorporate::Ptr{Cvoid} = C_NULL
    reset_to_prior::Ptr{Cvoid} = C_NULL
    weigh::Ptr{Cvoid} = C_NULL
    report::Ptr{Cvoid} = C_NULL
    sample::Ptr{Cvoid} = C_NULL
    diversify::Ptr{Cvoid} = C_NULL
    fingerprint::Ptr{Cvoid} = C_NULL
    serialize::Ptr{Cvoid} = C_NULL
    deserialize::Ptr{Cvoid} = C_NULL
end

"`catena_population_io`"
Base.@kwdef struct PopulationIoTable
    struct_size::Csize_t = 0
    logger::Ptr{LoggerTable} = C_NULL
    interrupt::Ptr{Cvoid} = C_NULL
    progress_user::Ptr{Cvoid} = C_NULL
    progress::Ptr{Cvoid} = C_NULL
    communicator::Ptr{Cvoid} = C_NULL
    spread::Int32 = 0
end

"`catena_interrupt`"
Base.@kwdef struct InterruptTable
    struct_size::Csize_t = 0
    user::Ptr{Cvoid} = C_NULL
    release::Ptr{Cvoid} = C_NULL
    requested::Ptr{Cvoid} = C_NULL
end

"`catena_reference`"
Base.@kwdef struct ReferenceTable
    struct_size::Csize_t = 0
    mean::Ptr{Float64} = C_NULL
    spread::Ptr{Float64} = C_NULL
    spread_size::Csize_t = 0
end

"`catena_state_space`"
Base.@kwdef struct StateSpaceTable
    struct_size::Csize_t = 0
    user::Ptr{Cvoid} = C_NULL
    release::Ptr{Cvoid} = C_NULL
    threading::Int32 = THREADS_ANY
    whole_sets::Int32 = 0
    dimension::Csize_t = 0
    worker_new::Ptr{Cvoid} = C_NULL
    worker_free::Ptr{Cvoid} = C_NULL
    initial::Ptr{Cvoid} = C_NULL
    transition::Ptr{Cvoid} = C_NULL
    log_weight::Ptr{Cvoid} = C_NULL
    propose::Ptr{Cvoid} = C_NULL
    proposal_log_weight::Ptr{Cvoid} = C_NULL
    auxiliary_log_weight::Ptr{Cvoid} = C_NULL
    transition_log_density::Ptr{Cvoid} = C_NULL
    has_transition_log_density_bound::Int32 = 0
    transition_log_density_bound::Float64 = 0
end

"`catena_filter_options`"
Base.@kwdef struct FilterOptionsTable
    struct_size::Csize_t = 0
    num_sets::Csize_t = 1
    init_set_id::UInt64 = 1
    num_particles::Csize_t = 1000
    num_times::Csize_t = 1
    seed::UInt64 = 0
    num_threads::Csize_t = 0
    pool::Ptr{Cvoid} = C_NULL
    kind::Int32 = 0
    resampling::Int32 = 2
    ess_threshold::Float64 = 0.5
    num_trajectories::Csize_t = 0
    moments::Int32 = 1
    history::Int32 = 0
    retained::Ptr{Float64} = C_NULL
    communicator::Ptr{Cvoid} = C_NULL
end

"`catena_likelihood`"
Base.@kwdef struct LikelihoodTable
    struct_size::Csize_t = 0
    user::Ptr{Cvoid} = C_NULL
    release::Ptr{Cvoid} = C_NULL
    threading::Int32 = THREADS_ANY
    whole::Int32 = 0
    num_parameters::Csize_t = 0
    parameter_names::Ptr{Ptr{UInt8}} = C_NULL
    num_fields::Csize_t = 0
    field_names::Ptr{Ptr{UInt8}} = C_NULL
    field_kinds::Ptr{Int32} = C_NULL
    outcome_kind::Int32 = 0
    outcome_width::Csize_t = 0
    is_log::Int32 = 0
    worker_new::Ptr{Cvoid} = C_NULL
    worker_free::Ptr{Cvoid} = C_NULL
    prepare::Ptr{Cvoid} = C_NULL
    context_free::Ptr{Cvoid} = C_NULL
    likelihood::Ptr{Cvoid} = C_NULL
    are_valid::Ptr{Cvoid} = C_NULL
    canonicalize::Ptr{Cvoid} = C_NULL
    num_outcomes::Ptr{Cvoid} = C_NULL
    domain::Ptr{Cvoid} = C_NULL
    simulate::Ptr{Cvoid} = C_NULL
    update_timestep::Ptr{Cvoid} = C_NULL
    experiment_cost::Ptr{Cvoid} = C_NULL
    score::Ptr{Cvoid} = C_NULL
    communicator::Ptr{Cvoid} = C_NULL
end

"`catena_updater_options`"
Base.@kwdef struct UpdaterOptionsTable
    struct_size::Csize_t = 0
    num_sets::Csize_t = 1
    init_set_id::UInt64 = 1
    num_models::Csize_t = 1000
    seed::UInt64 = 0
    num_threads::Csize_t = 0
    pool::Ptr{Cvoid} = C_NULL
    resampler::Int32 = 0
    resampling::Int32 = 2
    liu_west_a::Float64 = 0.98
    liu_west_h::Float64 = -1
    max_tries::Csize_t = 1000
    ess_threshold::Float64 = 0.5
    zero_weights::Int32 = 0
    divergences::Int32 = 0
    device::Ptr{Cvoid} = C_NULL
end

"`catena_design`"
Base.@kwdef struct DesignTable
    struct_size::Csize_t = 0
    kind::Int32 = 0
    criterion::Int32 = 0
    time_field::Csize_t = 0
    scale::Float64 = 0
    most::Float64 = 0
    num_guesses::Csize_t = 0
    guess_fields::Ptr{Csize_t} = C_NULL
    guess_parameters::Ptr{Csize_t} = C_NULL
    fields::Ptr{Float64} = C_NULL
    num_candidates::Csize_t = 0
    candidates::Ptr{Float64} = C_NULL
    samples::Csize_t = 0
end

"`catena_course_step`"
Base.@kwdef struct CourseStepTable
    struct_size::Csize_t = 0
    way::Float64 = NaN
    size::Float64 = NaN
    ess::Float64 = NaN
    ancestors::Float64 = NaN
    log_evidence::Float64 = NaN
    acceptance::Float64 = NaN
    stepsize::Float64 = NaN
end

"`catena_course_options`"
Base.@kwdef struct CourseOptionsTable
    struct_size::Csize_t = 0
    title::Ptr{UInt8} = C_NULL
    truth::Ptr{Float64} = C_NULL
    num_truth::Csize_t = 0
end

"`catena_option`, which is the library's"
struct OptionTable
    name::Ptr{UInt8}
    help::Ptr{UInt8}
    kind::Int32
    default_value::Ptr{UInt8}
    range::Ptr{UInt8}
    least::Float64
    greatest::Float64
    choices::Ptr{Ptr{UInt8}}
    choice_numbers::Ptr{Int32}
    services::Ptr{Ptr{UInt8}}
end

"A table with its own size in its first member, as the library asks for."
table(T; members...) = T(; struct_size = sizeof(T), members...)

"A list of names as C wants it; `f` gets the address of the list and may use it until it returns."
function with_names(f, names)
    names === nothing && return f(Ptr{Ptr{UInt8}}(C_NULL))
    any(name -> '\0' in name, names) && throw(ArgumentError("argument 'names': a name has a NUL character"))
    GC.@preserve names begin
        list = Ptr{UInt8}[pointer(name) for name in names]
        GC.@preserve list f(pointer(list))
    end
end
