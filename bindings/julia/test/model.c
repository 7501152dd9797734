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
        AT(catena_density, sample_prior), AT(catena_density, data_count), AT(catena_density, log_density_data));
OFFSETS(catena_logger, AT(catena_logger, struct_size), AT(catena_logger, user), AT(catena_logger, release),
        AT(catena_logger, log));
OFFSETS(catena_io, AT(catena_io, struct_size), AT(catena_io, inits), AT(catena_io, num_inits), AT(catena_io, inv_metrics),
        AT(catena_io, num_inv_metrics), AT(catena_io, inv_metric_size), AT(catena_io, init_writers),
        AT(catena_io, num_init_writers), AT(catena_io, sample_writers), AT(catena_io, num_sample_writers),
        AT(catena_io, diagnostic_writers), AT(catena_io, num_diagnostic_writers), AT(catena_io, checkpoints),
        AT(catena_io, num_checkpoints), AT(catena_io, logger), AT(catena_io, interrupt));
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
OFFSETS(catena_population_io, AT(catena_population_io, struct_size), AT(catena_population_io, logger),
        AT(catena_population_io, interrupt), AT(catena_population_io, progress_user), AT(catena_population_io, progress));
const int constants[] = {CATENA_THREADS_ANY, CATENA_THREADS_ONE, CATENA_THREADS_CALLER, CATENA_LAYOUT_COLUMNS,
                         CATENA_LOG_DEBUG, CATENA_LOG_INFO, CATENA_LOG_WARNING, CATENA_METRIC_UNIT_E,
                         CATENA_METRIC_DIAG_E, CATENA_METRIC_DENSE_E, CATENA_ENGINE_NUTS,
                         CATENA_ENGINE_STATIC, CATENA_ENGINE_FIXED_PARAM, CATENA_STATISTIC_MEAN, CATENA_STATISTIC_RHAT,
                         CATENA_RESAMPLING_MULTINOMIAL, CATENA_RESAMPLING_STRATIFIED, CATENA_RESAMPLING_SYSTEMATIC,
                         CATENA_RESAMPLING_RESIDUAL, CATENA_RESAMPLING_SSP, CATENA_WHICH_DISTINGUISHED,
                         CATENA_WHICH_SETS, CATENA_WHICH_ALL};
