/* For runtests.jl: a normal model with a location behind `user`, models that refuse; and the layout of the
 * structs of catena.h as a C compiler sees it. */
#include <catena.h>
#include <stddef.h>

/* Independent normals with means user[0], user[1] and standard deviations 1 and 2. */
int normal(void *user, void *worker, catena_task *task, const double *x, double *lp, double *g) {
  const double *mean = (const double *)user;
  const double a = x[0] - mean[0], b = (x[1] - mean[1]) / 2;
  (void)worker, (void)task;
  *lp = -0.5 * (a * a + b * b);
  g[0] = -a;
  g[1] = -b / 2;
  return 0;
}

/* Standard normals, observed as 1.2 and -0.4 with an error of 0.5. */
int conjugate_parts(void *user, void *worker, catena_task *task, const double *x, double *prior, double *likelihood,
                    double *g, double *h) {
  static const double seen[] = {1.2, -0.4};
  (void)user, (void)worker, (void)task;
  *prior = -2 * 0.91893853320467274178;
  *likelihood = *prior + 2 * 0.69314718055994530942;
  for (int j = 0; j < 2; j++) {
    const double away = seen[j] - x[j];
    *prior -= 0.5 * x[j] * x[j];
    *likelihood -= 2 * away * away;
    if (g) g[j] = -x[j];
    if (h) h[j] = 4 * away;
  }
  return 0;
}

int conjugate(void *user, void *worker, catena_task *task, const double *x, double *lp, double *g) {
  double likelihood, h[2];
  conjugate_parts(user, worker, task, x, lp, &likelihood, g, h);
  *lp += likelihood;
  for (int j = 0; j < 2; j++) g[j] += h[j];
  return 0;
}

int conjugate_prior(void *user, void *worker, catena_task *task, double *x) {
  (void)user, (void)worker;
  for (int j = 0; j < 2; j++) x[j] = catena_task_normal(task);
  return 0;
}

/* The sum, and a random number. */
int outputs(void *user, void *worker, catena_task *task, const double *x, double *out) {
  (void)user, (void)worker;
  out[0] = x[0] + x[1];
  out[1] = catena_task_normal(task);
  return 0;
}

/* The coordinates from the outputs m.1 and m.2, as the variable m; values above 1e6 are refused. */
int from_outputs(void *user, void *worker, catena_task *task, const catena_init *init, double *x) {
  (void)user, (void)worker;
  if (catena_init_values(init, "m", x, 2) < 0) return -1;
  if (x[0] > 1e6) {
    catena_task_message(task, "too large");
    return 1;
  }
  return 0;
}

/* The outputs m.1 and m.2, which are the parameters, and the quantities sum and noise. */
int four_outputs(void *user, void *worker, catena_task *task, const double *x, double *out) {
  out[0] = x[0];
  out[1] = x[1];
  return outputs(user, worker, task, x, out + 2);
}

/* Chain 2 stops, with a message. */
int one_fails(void *user, void *worker, catena_task *task, const double *x, double *lp, double *g) {
  if (catena_task_chain_id(task) == 2) {
    catena_task_message(task, "chain two is not wanted");
    return -1;
  }
  return normal(user, worker, task, x, lp, g);
}

int all_fail(void *user, void *worker, catena_task *task, const double *x, double *lp, double *g) {
  (void)user, (void)worker, (void)x, (void)lp, (void)g;
  catena_task_message(task, "nothing is wanted");
  return -1;
}

#define OFFSETS(type, ...)                      \
  const size_t type##_layout[] = {sizeof(type), __VA_ARGS__}
#define AT(type, member) offsetof(type, member)

OFFSETS(catena_density, AT(catena_density, struct_size), AT(catena_density, user), AT(catena_density, release),
        AT(catena_density, dimension), AT(catena_density, log_density_gradient), AT(catena_density, log_density),
        AT(catena_density, log_density_gradient_batch), AT(catena_density, names), AT(catena_density, output_count),
        AT(catena_density, output_names), AT(catena_density, constrain), AT(catena_density, initialize),
        AT(catena_density, worker_new), AT(catena_density, worker_free), AT(catena_density, threading),
        AT(catena_density, parameter_outputs), AT(catena_density, transformed_outputs),
        AT(catena_density, log_density_parts), AT(catena_density, log_density_parts_batch),
        AT(catena_density, sample_prior), AT(catena_density, data_count), AT(catena_density, log_density_data),
        AT(catena_density, log_density_without_jacobian), AT(catena_density, log_density_hessian),
        AT(catena_density, log_density_without_jacobian_batch));
OFFSETS(catena_logger, AT(catena_logger, struct_size), AT(catena_logger, user), AT(catena_logger, release),
        AT(catena_logger, log));
OFFSETS(catena_io, AT(catena_io, struct_size), AT(catena_io, inits), AT(catena_io, num_inits), AT(catena_io, inv_metrics),
        AT(catena_io, num_inv_metrics), AT(catena_io, inv_metric_size), AT(catena_io, init_writers),
        AT(catena_io, num_init_writers), AT(catena_io, sample_writers), AT(catena_io, num_sample_writers),
        AT(catena_io, diagnostic_writers), AT(catena_io, num_diagnostic_writers), AT(catena_io, checkpoints),
        AT(catena_io, num_checkpoints), AT(catena_io, logger), AT(catena_io, interrupt), AT(catena_io, communicator),
        AT(catena_io, from), AT(catena_io, num_from));
OFFSETS(catena_progress, AT(catena_progress, struct_size), AT(catena_progress, chain_id),
        AT(catena_progress, iteration), AT(catena_progress, total), AT(catena_progress, divergences),
        AT(catena_progress, gradients), AT(catena_progress, stepsize), AT(catena_progress, in_warmup),
        AT(catena_progress, over));
OFFSETS(catena_draws, AT(catena_draws, struct_size), AT(catena_draws, names), AT(catena_draws, columns),
        AT(catena_draws, values), AT(catena_draws, rows), AT(catena_draws, num_chains));
OFFSETS(catena_option, AT(catena_option, name), AT(catena_option, help), AT(catena_option, kind),
        AT(catena_option, default_value), AT(catena_option, range), AT(catena_option, least), AT(catena_option, greatest),
        AT(catena_option, choices), AT(catena_option, choice_numbers), AT(catena_option, services));
OFFSETS(catena_traces, AT(catena_traces, struct_size), AT(catena_traces, user), AT(catena_traces, release),
        AT(catena_traces, threading), AT(catena_traces, create), AT(catena_traces, free), AT(catena_traces, copy),
        AT(catena_traces, apply), AT(catena_traces, incorporate), AT(catena_traces, reset_to_prior),
        AT(catena_traces, weigh), AT(catena_traces, report), AT(catena_traces, sample), AT(catena_traces, diversify),
        AT(catena_traces, fingerprint), AT(catena_traces, serialize), AT(catena_traces, deserialize));
OFFSETS(catena_interrupt, AT(catena_interrupt, struct_size), AT(catena_interrupt, user), AT(catena_interrupt, release),
        AT(catena_interrupt, requested));
OFFSETS(catena_reference, AT(catena_reference, struct_size), AT(catena_reference, mean), AT(catena_reference, spread),
        AT(catena_reference, spread_size));
OFFSETS(catena_population_io, AT(catena_population_io, struct_size), AT(catena_population_io, logger),
        AT(catena_population_io, interrupt), AT(catena_population_io, progress_user), AT(catena_population_io, progress),
        AT(catena_population_io, communicator), AT(catena_population_io, spread));
OFFSETS(catena_state_space, AT(catena_state_space, struct_size), AT(catena_state_space, user),
        AT(catena_state_space, release), AT(catena_state_space, threading), AT(catena_state_space, whole_sets),
        AT(catena_state_space, dimension), AT(catena_state_space, worker_new), AT(catena_state_space, worker_free),
        AT(catena_state_space, initial), AT(catena_state_space, transition), AT(catena_state_space, log_weight),
        AT(catena_state_space, propose), AT(catena_state_space, proposal_log_weight),
        AT(catena_state_space, auxiliary_log_weight), AT(catena_state_space, transition_log_density),
        AT(catena_state_space, has_transition_log_density_bound), AT(catena_state_space, transition_log_density_bound));
OFFSETS(catena_filter_options, AT(catena_filter_options, struct_size), AT(catena_filter_options, num_sets),
        AT(catena_filter_options, init_set_id), AT(catena_filter_options, num_particles),
        AT(catena_filter_options, num_times), AT(catena_filter_options, seed), AT(catena_filter_options, num_threads),
        AT(catena_filter_options, pool), AT(catena_filter_options, kind), AT(catena_filter_options, resampling),
        AT(catena_filter_options, ess_threshold), AT(catena_filter_options, num_trajectories),
        AT(catena_filter_options, moments), AT(catena_filter_options, history),
        AT(catena_filter_options, retained), AT(catena_filter_options, communicator));
OFFSETS(catena_likelihood, AT(catena_likelihood, struct_size), AT(catena_likelihood, user),
        AT(catena_likelihood, release), AT(catena_likelihood, threading), AT(catena_likelihood, whole),
        AT(catena_likelihood, num_parameters), AT(catena_likelihood, parameter_names), AT(catena_likelihood, num_fields),
        AT(catena_likelihood, field_names), AT(catena_likelihood, field_kinds), AT(catena_likelihood, outcome_kind),
        AT(catena_likelihood, outcome_width), AT(catena_likelihood, is_log), AT(catena_likelihood, worker_new),
        AT(catena_likelihood, worker_free), AT(catena_likelihood, prepare), AT(catena_likelihood, context_free),
        AT(catena_likelihood, likelihood), AT(catena_likelihood, are_valid), AT(catena_likelihood, canonicalize),
        AT(catena_likelihood, num_outcomes), AT(catena_likelihood, domain), AT(catena_likelihood, simulate),
        AT(catena_likelihood, update_timestep), AT(catena_likelihood, experiment_cost), AT(catena_likelihood, score),
        AT(catena_likelihood, communicator));
OFFSETS(catena_updater_options, AT(catena_updater_options, struct_size), AT(catena_updater_options, num_sets),
        AT(catena_updater_options, init_set_id), AT(catena_updater_options, num_models),
        AT(catena_updater_options, seed), AT(catena_updater_options, num_threads), AT(catena_updater_options, pool),
        AT(catena_updater_options, resampler), AT(catena_updater_options, resampling),
        AT(catena_updater_options, liu_west_a), AT(catena_updater_options, liu_west_h),
        AT(catena_updater_options, max_tries), AT(catena_updater_options, ess_threshold),
        AT(catena_updater_options, zero_weights), AT(catena_updater_options, divergences),
        AT(catena_updater_options, device));
OFFSETS(catena_design, AT(catena_design, struct_size), AT(catena_design, kind), AT(catena_design, criterion),
        AT(catena_design, time_field), AT(catena_design, scale), AT(catena_design, most), AT(catena_design, num_guesses),
        AT(catena_design, guess_fields), AT(catena_design, guess_parameters), AT(catena_design, fields),
        AT(catena_design, num_candidates), AT(catena_design, candidates), AT(catena_design, samples));
OFFSETS(catena_course_step, AT(catena_course_step, struct_size), AT(catena_course_step, way), AT(catena_course_step, size),
        AT(catena_course_step, ess), AT(catena_course_step, ancestors), AT(catena_course_step, log_evidence),
        AT(catena_course_step, acceptance), AT(catena_course_step, stepsize));
OFFSETS(catena_report_options, AT(catena_report_options, struct_size), AT(catena_report_options, title),
        AT(catena_report_options, seconds), AT(catena_report_options, step_sizes),
        AT(catena_report_options, inv_metrics), AT(catena_report_options, metric_size),
        AT(catena_report_options, lengths), AT(catena_report_options, pool),
        AT(catena_report_options, max_depth), AT(catena_report_options, dimension),
        AT(catena_report_options, warmup_step_sizes), AT(catena_report_options, warmup_size),
        AT(catena_report_options, warmup_lengths), AT(catena_report_options, setting_names),
        AT(catena_report_options, setting_values), AT(catena_report_options, num_settings));
OFFSETS(catena_course_options, AT(catena_course_options, struct_size), AT(catena_course_options, title),
        AT(catena_course_options, truth), AT(catena_course_options, num_truth));
const int constants[] = {CATENA_THREADS_ANY, CATENA_THREADS_ONE, CATENA_THREADS_CALLER, CATENA_LAYOUT_COLUMNS,
                         CATENA_LOG_DEBUG, CATENA_LOG_INFO, CATENA_LOG_WARNING, CATENA_METRIC_UNIT_E,
                         CATENA_METRIC_DIAG_E, CATENA_METRIC_DENSE_E, CATENA_ENGINE_NUTS,
                         CATENA_ENGINE_STATIC, CATENA_ENGINE_FIXED_PARAM, CATENA_STATISTIC_MEAN, CATENA_STATISTIC_RHAT,
                         CATENA_RESAMPLING_MULTINOMIAL, CATENA_RESAMPLING_STRATIFIED, CATENA_RESAMPLING_SYSTEMATIC,
                         CATENA_RESAMPLING_RESIDUAL, CATENA_RESAMPLING_SSP, CATENA_WHICH_DISTINGUISHED,
                         CATENA_WHICH_SETS, CATENA_WHICH_ALL, CATENA_FILTER_BOOTSTRAP, CATENA_FILTER_GUIDED,
                         CATENA_FILTER_AUXILIARY, CATENA_NUMBER_REAL, CATENA_NUMBER_INTEGER,
                         CATENA_RESAMPLER_LIU_WEST, CATENA_RESAMPLER_COPIES, CATENA_ZERO_WEIGHTS_ERROR,
                         CATENA_ZERO_WEIGHTS_WARN, CATENA_ZERO_WEIGHTS_SKIP, CATENA_ZERO_WEIGHTS_RESET,
                         CATENA_DESIGN_GUESS, CATENA_DESIGN_SPARSE, CATENA_DESIGN_BEST, CATENA_CRITERION_GAIN,
                         CATENA_CRITERION_RISK};
