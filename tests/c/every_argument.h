/* What test_every_argument's calls are given: one small object of each kind that the C ABI knows, made anew for each call, with
 * functions that do as they should. */
#ifndef EVERY_ARGUMENT_H
#define EVERY_ARGUMENT_H

#define _POSIX_C_SOURCE 200809L
#include "check.h"

#include <math.h>
#include <stdint.h>

enum { ROOM = 4096, DIMENSION = 2, CHAINS = 1, DRAWS = 8 };

/* Lengths of what is read below: any reading past it is found by the address sanitizer. */
static double numbers[ROOM];
static const char *const column_names[] = {"lp__", "x.1", "x.2", NULL};

static inline int fx_evaluate(void *user, void *worker, catena_task *task, const double *x, double *value, double *gradient) {
  (void)user, (void)worker, (void)task;
  *value = -0.5 * (x[0] * x[0] + x[1] * x[1]);
  gradient[0] = -x[0], gradient[1] = -x[1];
  return 0;
}
static inline int fx_parts(void *user, void *worker, catena_task *task, const double *x, double *prior, double *likelihood,
                    double *prior_gradient, double *likelihood_gradient) {
  size_t i;
  (void)user, (void)worker, (void)task;
  *prior = *likelihood = -0.25 * (x[0] * x[0] + x[1] * x[1]);
  for (i = 0; i < DIMENSION; ++i) {
    if (prior_gradient) prior_gradient[i] = -0.5 * x[i];
    if (likelihood_gradient) likelihood_gradient[i] = -0.5 * x[i];
  }
  return 0;
}
static inline int fx_without(void *user, void *worker, catena_task *task, const double *x, double *value, double *gradient) {
  double unused[DIMENSION];
  return fx_evaluate(user, worker, task, x, value, gradient ? gradient : unused);
}
static inline int fx_prior(void *user, void *worker, catena_task *task, double *x) {
  (void)user, (void)worker;
  x[0] = catena_task_normal(task), x[1] = catena_task_normal(task);
  return 0;
}
static inline int fx_constrain(void *user, void *worker, catena_task *task, const double *x, double *out) {
  (void)user, (void)worker, (void)task;
  out[0] = x[0], out[1] = x[1], out[2] = x[0] + x[1];
  return 0;
}
static inline catena_density fx_density(void) {
  static const char *const outputs[] = {"x.1", "x.2", "sum"};
  catena_density t = {.struct_size = sizeof t, .dimension = DIMENSION, .log_density_gradient = fx_evaluate};
  t.output_count = 3, t.output_names = outputs, t.constrain = fx_constrain, t.parameter_outputs = 2;
  t.log_density_parts = fx_parts, t.sample_prior = fx_prior;
  t.log_density_without_jacobian = fx_without;
  return t;
}

static inline void fx_drop_line(void *user, catena_level level, int64_t chain, const char *line) {
  (void)user, (void)level, (void)chain, (void)line;
}
static inline int fx_never(void *user) { return user != NULL; }
static const catena_logger fx_logger = {.struct_size = sizeof fx_logger, .log = fx_drop_line};
static const catena_interrupt fx_interrupt = {.struct_size = sizeof fx_interrupt, .requested = fx_never};

/* Traces are numbers. */
static inline int fx_create(void *user, catena_task *task, void **trace) {
  (void)user, (void)task;
  return (*trace = calloc(1, sizeof(double))) ? 0 : -1;
}
static inline void fx_free(void *user, void *trace) { (void)user, free(trace); }
static inline int fx_copy(void *user, const void *trace, catena_task *task, void **out) {
  if (fx_create(user, task, out)) return -1;
  memcpy(*out, trace, sizeof(double));
  return 0;
}
static inline int fx_apply(void *user, void *trace, int64_t operation, const void *argument, size_t size, catena_task *task,
                    double *increment) {
  (void)user, (void)operation, (void)argument, (void)size, (void)task;
  *(double *)trace += 1, *increment = 0;
  return 0;
}
static inline int fx_incorporate(void *user, void *trace, catena_task *task, double *increment) {
  (void)user, (void)trace, (void)task, *increment = 0;
  return 0;
}
static inline int fx_reset(void *user, void *trace, catena_task *task) {
  (void)user, (void)task, *(double *)trace = 0;
  return 0;
}
static inline int fx_report(void *user, const void *trace, int64_t what, catena_task *task, size_t width, double *out) {
  (void)user, (void)what, (void)task;
  if (width) *out = *(const double *)trace;
  return 0;
}
static inline int fx_diversify(void *user, const void *trace, int64_t operation, const void *argument, size_t size, catena_task *task,
                        catena_family *family) {
  void *child;
  (void)operation, (void)argument, (void)size;
  CHECK_INT(catena_family_add(NULL, NULL, 0) != 0, 1);
  if (fx_copy(user, trace, task, &child)) return -1;
  return catena_family_add(family, child, 0);
}
static inline int fx_fingerprint(void *user, const void *trace, int64_t scope, catena_task *task, uint64_t *words) {
  (void)user, (void)scope, (void)task;
  words[0] = 0, memcpy(&words[1], trace, sizeof *words);
  return 0;
}
static inline int fx_serialize(void *user, const void *trace, catena_task *task, catena_bytes *out) {
  (void)user, (void)task;
  CHECK(catena_bytes_write(NULL, trace, 1) != 0 && catena_bytes_write(out, NULL, 1) != 0);
  return catena_bytes_write(out, trace, sizeof(double));
}
static inline int fx_deserialize(void *user, const void *bytes, size_t size, catena_task *task, void **trace) {
  if (size != sizeof(double) || fx_create(user, task, trace)) return -1;
  memcpy(*trace, bytes, size);
  return 0;
}
static inline catena_traces fx_traces(void) {
  catena_traces t = {.struct_size = sizeof t};
  t.create = fx_create, t.free = fx_free, t.copy = fx_copy, t.apply = fx_apply, t.incorporate = fx_incorporate;
  t.reset_to_prior = fx_reset, t.weigh = fx_incorporate, t.report = fx_report, t.sample = fx_report, t.diversify = fx_diversify;
  t.fingerprint = fx_fingerprint, t.serialize = fx_serialize, t.deserialize = fx_deserialize;
  return t;
}

/* A coin of unknown bias; an experiment is a number of throws' time, which has no meaning. */
static inline int fx_cells(void *user, void *worker, void *context, catena_task *task, size_t n_o, const double *outcomes, size_t n_m,
                    const double *models, size_t n_e, const double *experiments, double *out) {
  size_t o, m, e;
  (void)user, (void)worker, (void)context, (void)task, (void)experiments;
  for (o = 0; o < n_o; ++o)
    for (m = 0; m < n_m; ++m)
      for (e = 0; e < n_e; ++e) *out++ = outcomes[o] > 0 ? models[m] : 1 - models[m];
  return 0;
}
static inline int fx_score(void *user, void *worker, void *context, catena_task *task, size_t n_o, const double *outcomes, size_t n_m,
                    const double *models, size_t n_e, const double *experiments, double *out) {
  size_t k;
  (void)user, (void)worker, (void)context, (void)task, (void)outcomes, (void)models, (void)experiments;
  for (k = 0; k < n_o * n_m * n_e; ++k) out[k] = 1;
  return 0;
}
static inline int fx_two(void *user, catena_task *task, const double *experiment, size_t *count) {
  (void)user, (void)task, (void)experiment, *count = 2;
  return 0;
}
static inline int fx_domain(void *user, catena_task *task, const double *experiment, size_t count, double *outcomes) {
  size_t k;
  (void)user, (void)task, (void)experiment;
  for (k = 0; k < count; ++k) outcomes[k] = (double)k;
  return 0;
}
static inline catena_likelihood fx_likelihood(void) {
  static const char *const names[] = {"p"}, *const fields[] = {"t"};
  catena_likelihood t = {.struct_size = sizeof t, .num_parameters = 1, .parameter_names = names, .outcome_width = 1};
  t.num_fields = 1, t.field_names = fields, t.likelihood = fx_cells, t.num_outcomes = fx_two, t.domain = fx_domain;
  t.score = fx_score;
  return t;
}
static inline int fx_measure(void *user, uint32_t k, const double *experiment, double *outcome) {
  (void)user, (void)experiment, *outcome = k & 1;
  return 0;
}
static inline int fx_resampler(void *user, uint64_t set, size_t n, size_t dimension, const double *models, const double *weights,
                        size_t wanted, catena_models *out) {
  (void)user, (void)set, (void)dimension, (void)wanted;
  CHECK(catena_models_put(NULL, n, models, weights) != 0 && catena_models_put(out, n, NULL, weights) != 0);
  return catena_models_put(out, n, models, weights);
}
static inline int fx_piece(void *data, void *worker, size_t begin, size_t end, double *partial) {
  (void)data, (void)worker, (void)begin, (void)end, (void)partial;
  return 0;
}

static inline int fx_initial(void *user, void *worker, catena_task *task, size_t n, double *states) {
  (void)user, (void)worker, (void)task;
  memset(states, 0, n * sizeof *states);
  return 0;
}
static inline int fx_transition(void *user, void *worker, catena_task *task, size_t time, size_t n, const double *previous,
                         double *states) {
  (void)user, (void)worker, (void)task, (void)time;
  memcpy(states, previous, n * sizeof *states);
  return 0;
}
static inline int fx_log_weight(void *user, void *worker, catena_task *task, size_t time, size_t n, const double *previous,
                         const double *states, double *log_weights) {
  (void)user, (void)worker, (void)task, (void)time, (void)previous, (void)states;
  memset(log_weights, 0, n * sizeof *log_weights);
  return 0;
}
static inline catena_state_space fx_state_space(void) {
  catena_state_space t = {.struct_size = sizeof t, .dimension = 1};
  t.initial = fx_initial, t.transition = fx_transition, t.log_weight = fx_log_weight;
  t.transition_log_density = fx_log_weight;
  return t;
}

static inline int fx_shape(void *user, const char *name, size_t most, size_t *shape, size_t *rank) {
  (void)user, (void)name, (void)most, (void)shape, *rank = 0;
  return 1;
}
static inline int fx_values(void *user, const char *name, double *values, size_t count) {
  (void)user, (void)name;
  memset(values, 0, count * sizeof *values);
  return 0;
}
static const catena_init_table fx_init_table = {.struct_size = sizeof fx_init_table, .shape = fx_shape, .values = fx_values};
static const catena_writer_table fx_writer_table = {.struct_size = sizeof fx_writer_table};

/* Handles, each made anew. */
#define MADE(type, call) \
  type *made = NULL; \
  CHECK_OK(call); \
  return made
static catena_error *made_error;
#define error made_error
static inline catena_model *new_model(void) {
  catena_density t = fx_density();
  catena_model *out = NULL;
  CHECK_OK(catena_model_new(&t, &out, &error));
  return out;
}
static inline catena_options *new_options(void) {
  catena_options *out = NULL;
  static const struct { const char *name; uint64_t value; } small[] = {
      {"num_chains", CHAINS}, {"num_warmup", 5}, {"num_samples", 5}, {"refresh", 0}, {"num_threads", 1}, {"num_sets", 1},
      {"num_particles", 10}, {"num_paths", 1}, {"num_draws", 5}, {"num_psis_draws", 5}, {"num_elbo_draws", 2}, {"num_starts", 1},
      {"output_draws", 5}, {"variational_iterations", 10}, {"adapt_eta", 0}, {"laplace_draws", 5}, {"genealogy", 1}};
  size_t i;
  CHECK_OK(catena_options_new(&out, &error));
  for (i = 0; i < sizeof small / sizeof *small; ++i)
    CHECK_OK(catena_options_set_integer(out, small[i].name, small[i].value, &error));
  return out;
}
/* What a service gives for a new model and new options. */
#define SERVED(name, type, call) \
  static inline type *name(void) { \
    catena_model *model = new_model(); \
    catena_options *options = new_options(); \
    type *out = NULL; \
    CHECK_OK(call); \
    catena_options_free(options); \
    catena_model_free(model); \
    return out; \
  }
SERVED(new_result, catena_result, catena_sample_nuts(model, options, NULL, &out, &error))
SERVED(new_approximation, catena_approximation, catena_laplace(model, options, NULL, &out, &error))
SERVED(new_optimum, catena_optimum, catena_optimize(model, options, NULL, &out, &error))
SERVED(new_smc_result, catena_smc_result, catena_sample_smc(model, options, NULL, NULL, &out, &error))
SERVED(new_gradient_check, catena_gradient_check, catena_diagnose_gradient(model, options, NULL, NULL, 1e-6, 1e-6, &out, &error))
/* Its model lives as long as it runs. */
static inline catena_run *new_run(void) {
  static catena_model *model;
  catena_options *options = new_options();
  catena_run *out = NULL;
  if (!model) model = new_model();
  CHECK_OK(catena_run_start(model, options, NULL, &out, &error));
  catena_options_free(options);
  return out;
}
static inline catena_pool *new_pool(void) { MADE(catena_pool, catena_pool_new(1, &made, &error)); }
static inline catena_devices *new_devices(void) { MADE(catena_devices, catena_devices_new(&made, &error)); }
static inline catena_ranks *new_ranks(void) { MADE(catena_ranks, catena_ranks_new(1, 1, &made, &error)); }
static inline catena_init *new_init(void) { MADE(catena_init, catena_init_new(&fx_init_table, &made, &error)); }
static inline catena_writer *new_writer(void) { MADE(catena_writer, catena_writer_none_new(&made, &error)); }
static inline catena_checkpoint *new_checkpoint(void) {
  MADE(catena_checkpoint, catena_checkpoint_new((const uint8_t *)"junk", 4, &made, &error));
}
static inline catena_prior *new_prior(void) {
  static const double low = 0.1, high = 0.9;
  MADE(catena_prior, catena_prior_uniform_new(1, &low, &high, &made, &error));
}
static inline catena_summary *new_summary(void) {
  MADE(catena_summary, catena_summary_new(numbers, CHAINS * DRAWS * 3, CHAINS, DRAWS, 3, CATENA_LAYOUT_ROWS, column_names, 10,
                                          &made, &error));
}
static inline catena_error *new_error(void) {
  catena_error *out = NULL;
  CHECK(catena_model_new(NULL, NULL, &out) != CATENA_OK && out);
  return out;
}
static inline catena_population *new_population(void) {
  const catena_traces t = fx_traces();
  catena_options *options = new_options();
  catena_population *out = NULL;
  CHECK_OK(catena_population_new(&t, options, NULL, &out, &error));
  CHECK_OK(catena_population_reinitialize(out, 1, 4, &error));
  catena_options_free(options);
  return out;
}
static inline catena_updater_options fx_updater_options(void) {
  catena_updater_options o;
  CHECK_OK(catena_updater_options_init(&o, sizeof o, &error));
  o.num_sets = 1, o.num_models = 20, o.num_threads = 1, o.divergences = 1;
  return o;
}
static inline catena_updater *new_updater(void) {
  const catena_likelihood t = fx_likelihood();
  const catena_updater_options o = fx_updater_options();
  const double outcome = 1, experiment = 1;
  catena_prior *prior = new_prior();
  catena_updater *out = NULL;
  CHECK_OK(catena_updater_new(&t, prior, &o, NULL, NULL, &out, &error));
  CHECK_OK(catena_updater_update(out, &outcome, &experiment, &error));
  catena_prior_free(prior);
  return out;
}
static inline catena_checkpoint *saved_updater(void) {
  catena_updater *updater = new_updater();
  catena_checkpoint *out = NULL;
  CHECK_OK(catena_updater_save(updater, &out, &error));
  catena_updater_free(updater);
  return out;
}
static inline catena_checkpoint *saved_population(void) {
  catena_population *population = new_population();
  catena_checkpoint *out = NULL;
  CHECK_OK(catena_population_save(population, &out, &error));
  catena_population_free(population);
  return out;
}
static inline catena_filter_options fx_filter_options(void) {
  catena_filter_options o;
  CHECK_OK(catena_filter_options_init(&o, sizeof o, &error));
  o.num_sets = 1, o.num_particles = 10, o.num_times = 3, o.num_threads = 1, o.num_trajectories = 2, o.moments = 1, o.history = 1;
  return o;
}
static inline catena_filter *new_filter(void) {
  const catena_state_space t = fx_state_space();
  const catena_filter_options o = fx_filter_options();
  catena_filter *out = NULL;
  CHECK_OK(catena_filter_run(&t, &o, NULL, NULL, &out, &error));
  return out;
}
static inline catena_course *new_course_of(int32_t noun) { MADE(catena_course, catena_course_new(noun, &made, &error)); }
static inline catena_course *new_course(void) { return new_course_of(CATENA_NOUN_STAGE); }
static inline catena_course *course_with_a_step(void) {
  const catena_course_step step = {.struct_size = sizeof step, .way = 1, .ess = 5, .size = 10};
  catena_course *course = new_course();
  CHECK_OK(catena_course_add(course, 1, &step, &error));
  return course;
}
static inline const char *const *paths_of_draws(void) {
  static const char *const paths[] = {"every_argument_draws.csv"};
  FILE *file = fopen(paths[0], "w");
  CHECK(file);
  fputs("lp__,stepsize__,x.1,x.2\n-3,0.25,0.5,0.5\n-2,0.75,0.5,0.5\n", file);
  fputs("# Adaptation terminated\n# Step size = 0.5\n# Diagonal elements of inverse mass matrix:\n# 1, 2\n", file);
  fputs("-1,0.5,0.5,0.25\n-2,0.5,0.1,0.2\n-1,0.5,0.3,0.7\n-2,0.5,0.4,0.1\n", file);
  CHECK_INT(fclose(file), 0);
  return paths;
}
static inline catena_files *new_files(void) { MADE(catena_files, catena_files_read(paths_of_draws(), 1, NULL, &made, &error)); }
#undef error

#endif
