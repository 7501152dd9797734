/* What a table owns or lends is released exactly once, whatever becomes of the call it was given to: each function that takes
 * tables is refused for each of its arguments in turn, and succeeds in the end, and releases are counted. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"

enum { OWNER, LOGGER, INTERRUPT, TABLES };
static int releases[TABLES];

static void release(void *user) { ++*(int *)user; }

static void expect(int owner, int lent) {
  CHECK_INT(releases[OWNER], owner);
  CHECK_INT(releases[LOGGER], lent);
  CHECK_INT(releases[INTERRUPT], lent);
  memset(releases, 0, sizeof releases);
}

/* A refused call that was given `owner` tables to own, and `lent` loggers and interrupts. */
#define REFUSED(call, owner, lent) \
  do { \
    CHECK((call) != CATENA_OK); \
    CHECK(error && *catena_error_message(error)); \
    catena_error_free(error); \
    error = NULL; \
    expect(owner, lent); \
  } while (0)

static void drop_line(void *user, catena_level level, int64_t chain, const char *line) {
  (void)user, (void)level, (void)chain, (void)line;
}

static int never(void *user) {
  (void)user;
  return 0;
}

static catena_logger logger(void) {
  catena_logger t = {.struct_size = sizeof t, .user = &releases[LOGGER], .release = release, .log = drop_line};
  return t;
}

static catena_interrupt interrupt(void) {
  catena_interrupt t = {.struct_size = sizeof t, .user = &releases[INTERRUPT], .release = release, .requested = never};
  return t;
}

static int evaluate(void *user, void *worker, catena_task *task, const double *x, double *value, double *gradient) {
  (void)user, (void)worker, (void)task;
  *value = -0.5 * x[0] * x[0];
  gradient[0] = -x[0];
  return 0;
}

static catena_density density(void) {
  catena_density t = {.struct_size = sizeof t, .user = &releases[OWNER], .release = release, .dimension = 1,
                      .log_density_gradient = evaluate};
  return t;
}

/* A table with room for members of a newer version. */
#define NEWER(type) \
  struct { \
    type known; \
    void *later; \
  }

static void models(void) {
  catena_error *error = NULL;
  catena_model *model = NULL;
  catena_density t = density();
  NEWER(catena_density) newer = {density(), &error};
  const char *unnamed[1] = {NULL};
  puts("models");
  REFUSED(catena_model_new(NULL, &model, &error), 0, 0);
  REFUSED(catena_model_new(&t, NULL, &error), 1, 0);
  newer.known.struct_size = sizeof newer;
  REFUSED(catena_model_new(&newer.known, &model, &error), 1, 0);
  t.log_density_gradient = NULL;
  REFUSED(catena_model_new(&t, &model, &error), 1, 0);
  t = density(), t.dimension = (size_t)1 << 59;
  REFUSED(catena_model_new(&t, &model, &error), 1, 0);
  t = density(), t.output_count = 1;
  REFUSED(catena_model_new(&t, &model, &error), 1, 0);
  t = density(), t.data_count = 1;
  REFUSED(catena_model_new(&t, &model, &error), 1, 0);
  t = density(), t.threading = 9;
  REFUSED(catena_model_new(&t, &model, &error), 1, 0);
  t = density(), t.names = unnamed;
  REFUSED(catena_model_new(&t, &model, &error), 1, 0);
  t = density(), t.parameter_outputs = 5;
  REFUSED(catena_model_new(&t, &model, &error), 1, 0);
  /* What cannot be read is left alone, for nothing says where its members are. */
  t = density(), t.struct_size = 12;
  REFUSED(catena_model_new(&t, &model, &error), 0, 0);
  t = density();
  CHECK_OK(catena_model_new(&t, &model, &error));
  expect(0, 0);
  catena_model_free(model);
  expect(1, 0);
}

static int no_shape(void *user, const char *name, size_t most, size_t *shape, size_t *rank) {
  (void)user, (void)name, (void)most, (void)shape, (void)rank;
  return 0;
}

static int no_values(void *user, const char *name, double *values, size_t count) {
  (void)user, (void)name, (void)values, (void)count;
  return 1;
}

static void contexts_and_writers(void) {
  catena_error *error = NULL;
  catena_init *init = NULL;
  catena_writer *writer = NULL;
  catena_init_table i = {.struct_size = sizeof i, .user = &releases[OWNER], .release = release};
  NEWER(catena_writer_table) w = {{.struct_size = sizeof w.known, .user = &releases[OWNER], .release = release}, &error};
  puts("init contexts and writers");
  REFUSED(catena_init_new(&i, NULL, &error), 1, 0);
  REFUSED(catena_init_new(&i, &init, &error), 1, 0);
  i.shape = no_shape;
  REFUSED(catena_init_new(&i, &init, &error), 1, 0);
  i.values = no_values;
  CHECK_OK(catena_init_new(&i, &init, &error));
  expect(0, 0);
  catena_init_free(init);
  expect(1, 0);
  REFUSED(catena_writer_new(&w.known, NULL, &error), 1, 0);
  CHECK_OK(catena_writer_new(&w.known, &writer, &error));
  expect(0, 0);
  catena_writer_free(writer);
  expect(1, 0);
  w.known.struct_size = sizeof w;
  REFUSED(catena_writer_new(&w.known, &writer, &error), 1, 0);
}

static void runs(void) {
  catena_error *error = NULL;
  catena_model *model = NULL;
  catena_options *options = NULL;
  catena_result *result = NULL, *more = NULL;
  catena_run *run = NULL;
  catena_smc_result *weighted = NULL;
  catena_gradient_check *check = NULL;
  catena_density t = density();
  catena_logger l = logger();
  catena_interrupt i = interrupt();
  NEWER(catena_io) newer = {{.struct_size = sizeof newer, .logger = &l, .interrupt = &i}, &error};
  catena_io io = {.struct_size = sizeof io, .logger = &l, .interrupt = &i};
  const catena_init *none[1] = {NULL};
  puts("runs");
  t.release = NULL;
  CHECK_OK(catena_model_new(&t, &model, &error));
  CHECK_OK(catena_options_new(&options, &error));
  CHECK_OK(catena_options_set_num_chains(options, 2, &error));
  CHECK_OK(catena_options_set_num_warmup(options, 10, &error));
  CHECK_OK(catena_options_set_num_samples(options, 10, &error));
  CHECK_OK(catena_options_set_integer(options, "num_sets", 1, &error));
  CHECK_OK(catena_options_set_integer(options, "num_particles", 10, &error));
#define EACH(function) \
  REFUSED(function(NULL, options, &io, &result, &error), 0, 1); \
  REFUSED(function(model, NULL, &io, &result, &error), 0, 1); \
  REFUSED(function(model, options, &io, NULL, &error), 0, 1); \
  REFUSED(function(model, options, &newer.known, &result, &error), 0, 1); \
  CHECK_OK(function(model, options, &io, &result, &error)); \
  expect(0, 1); \
  if (result) catena_result_free(result); \
  result = NULL
  EACH(catena_sample_nuts);
  EACH(catena_sample_hmc_static);
  EACH(catena_sample_fixed_param);
  CHECK_OK(catena_sample_nuts(model, options, NULL, &result, &error));
  REFUSED(catena_continue(NULL, options, result, 1, &io, &more, &error), 0, 1);
  REFUSED(catena_continue(model, NULL, result, 1, &io, &more, &error), 0, 1);
  REFUSED(catena_continue(model, options, NULL, 1, &io, &more, &error), 0, 1);
  REFUSED(catena_continue(model, options, result, SIZE_MAX, &io, &more, &error), 0, 1);
  REFUSED(catena_continue(model, options, result, 1, &io, NULL, &error), 0, 1);
  CHECK_OK(catena_continue(model, options, result, 1, &io, &more, &error));
  expect(0, 1);
  catena_result_free(more);
  catena_result_free(result);
  result = NULL;
  REFUSED(catena_run_start(NULL, options, &io, &run, &error), 0, 1);
  REFUSED(catena_run_start(model, NULL, &io, &run, &error), 0, 1);
  REFUSED(catena_run_start(model, options, &io, NULL, &error), 0, 1);
  REFUSED(catena_run_start(model, options, &newer.known, &run, &error), 0, 1);
  REFUSED(catena_run_start_engine(model, 99, options, &io, &run, &error), 0, 1);
  CHECK_OK(catena_run_start(model, options, &io, &run, &error));
  expect(0, 0);
  catena_run_free(run);
  expect(0, 1);
  REFUSED(catena_generate_quantities(model, options, NULL, &io, &result, &error), 0, 1);
  REFUSED(catena_generate_quantities(model, options, NULL, &io, NULL, &error), 0, 1);
  REFUSED(catena_sample_smc(NULL, options, NULL, &io, &weighted, &error), 0, 1);
  REFUSED(catena_sample_smc(model, NULL, NULL, &io, &weighted, &error), 0, 1);
  REFUSED(catena_sample_smc(model, options, NULL, &io, NULL, &error), 0, 1);
  CHECK_OK(catena_sample_smc(model, options, NULL, &io, &weighted, &error));
  expect(0, 1);
  catena_smc_result_free(weighted);
  io.inits = none, io.num_inits = 1;
  REFUSED(catena_sample_nuts(model, options, &io, &result, &error), 0, 1);
  io.inits = NULL, io.num_inits = 0;
  /* One of both that is refused leaves the other to be released as well. */
  l.log = NULL;
  REFUSED(catena_sample_nuts(model, options, &io, &result, &error), 0, 1);
  l = logger(), i.requested = NULL;
  REFUSED(catena_sample_nuts(model, options, &io, &result, &error), 0, 1);
  i = interrupt();
#define LOGGER_ALONE(call) \
  CHECK((call) != CATENA_OK); \
  catena_error_free(error); \
  error = NULL; \
  CHECK_INT(releases[LOGGER], 1); \
  releases[LOGGER] = 0
  LOGGER_ALONE(catena_diagnose_gradient(NULL, options, NULL, &l, 1e-6, 1e-6, &check, &error));
  LOGGER_ALONE(catena_diagnose_gradient(model, NULL, NULL, &l, 1e-6, 1e-6, &check, &error));
  LOGGER_ALONE(catena_diagnose_gradient(model, options, NULL, &l, -1, 1e-6, &check, &error));
  LOGGER_ALONE(catena_diagnose_gradient(model, options, NULL, &l, 1e-6, 1e-6, NULL, &error));
  catena_options_free(options);
  catena_model_free(model);
}

static int create(void *user, catena_task *task, void **trace) {
  (void)user, (void)task;
  return (*trace = malloc(1)) ? 0 : -1;
}

static int refuse_to_create(void *user, catena_task *task, void **trace) {
  (void)user, (void)task, (void)trace;
  return -1;
}

static void free_trace(void *user, void *trace) {
  (void)user;
  /* Traces go before what they may use. */
  CHECK_INT(releases[OWNER], 0);
  free(trace);
}

static int copy(void *user, const void *trace, catena_task *task, void **out) {
  (void)trace;
  return create(user, task, out);
}

static int apply(void *user, void *trace, int64_t operation, const void *argument, size_t size, catena_task *task,
                 double *increment) {
  (void)user, (void)trace, (void)operation, (void)argument, (void)size, (void)task, (void)increment;
  return 0;
}

static catena_traces traces(void) {
  catena_traces t = {.struct_size = sizeof t, .user = &releases[OWNER], .release = release};
  t.create = create;
  t.copy = copy;
  t.free = free_trace;
  t.apply = apply;
  return t;
}

static void populations(void) {
  static const uint8_t junk[] = "junk";
  catena_error *error = NULL;
  catena_population *p = NULL;
  catena_checkpoint *bytes = NULL;
  catena_traces t = traces();
  catena_logger l = logger();
  catena_interrupt i = interrupt();
  NEWER(catena_population_io) newer = {{.struct_size = sizeof newer, .logger = &l, .interrupt = &i}, &error};
  catena_population_io io = {.struct_size = sizeof io, .logger = &l, .interrupt = &i};
  puts("populations");
  CHECK_OK(catena_checkpoint_new(junk, sizeof junk, &bytes, &error));
  REFUSED(catena_population_new(NULL, NULL, &io, &p, &error), 0, 1);
  REFUSED(catena_population_new(&t, NULL, &io, NULL, &error), 1, 1);
  REFUSED(catena_population_new(&t, NULL, &newer.known, &p, &error), 1, 1);
  REFUSED(catena_population_load(NULL, bytes, NULL, &io, &p, &error), 0, 1);
  REFUSED(catena_population_load(&t, NULL, NULL, &io, &p, &error), 1, 1);
  REFUSED(catena_population_load(&t, bytes, NULL, &io, NULL, &error), 1, 1);
  REFUSED(catena_population_load(&t, bytes, NULL, &io, &p, &error), 1, 1);
  t.apply = NULL;
  REFUSED(catena_population_new(&t, NULL, &io, &p, &error), 1, 1);
  t = traces(), t.create = refuse_to_create;
  REFUSED(catena_population_new(&t, NULL, &io, &p, &error), 1, 1);
  t = traces();
  CHECK_OK(catena_population_new(&t, NULL, &io, &p, &error));
  expect(0, 0);
  catena_population_free(p);
  expect(1, 1);
  catena_checkpoint_free(bytes);
}

static int likelihood(void *user, void *worker, void *context, catena_task *task, size_t n_o, const double *outcomes, size_t n_m,
                      const double *models, size_t n_e, const double *experiments, double *out) {
  size_t k;
  (void)user, (void)worker, (void)context, (void)task, (void)outcomes, (void)models, (void)experiments;
  for (k = 0; k < n_o * n_m * n_e; ++k) out[k] = 0.5;
  return 0;
}

static catena_likelihood coin(void) {
  static const char *const names[] = {"p"};
  catena_likelihood t = {.struct_size = sizeof t, .user = &releases[OWNER], .release = release};
  t.num_parameters = 1;
  t.parameter_names = names;
  t.outcome_width = 1;
  t.likelihood = likelihood;
  return t;
}

static void updaters(void) {
  static const uint8_t junk[] = "junk";
  const double low = 0, high = 1;
  catena_error *error = NULL;
  catena_updater *u = NULL;
  catena_prior *prior = NULL;
  catena_checkpoint *bytes = NULL;
  catena_updater_options o;
  catena_likelihood t = coin();
  catena_logger l = logger();
  catena_interrupt i = interrupt();
  puts("updaters");
  CHECK_OK(catena_prior_uniform_new(1, &low, &high, &prior, &error));
  CHECK_OK(catena_checkpoint_new(junk, sizeof junk, &bytes, &error));
  CHECK_OK(catena_updater_options_init(&o, sizeof o, &error));
  REFUSED(catena_updater_new(NULL, prior, &o, &l, &i, &u, &error), 0, 1);
  REFUSED(catena_updater_new(&t, NULL, &o, &l, &i, &u, &error), 1, 1);
  REFUSED(catena_updater_new(&t, prior, &o, &l, &i, NULL, &error), 1, 1);
  o.num_models = 0;
  REFUSED(catena_updater_new(&t, prior, &o, &l, &i, &u, &error), 1, 1);
  CHECK_OK(catena_updater_options_init(&o, sizeof o, &error));
  REFUSED(catena_updater_load(&t, NULL, &o, &l, &i, &u, &error), 1, 1);
  REFUSED(catena_updater_load(&t, bytes, &o, &l, &i, NULL, &error), 1, 1);
  REFUSED(catena_updater_load(&t, bytes, &o, &l, &i, &u, &error), 1, 1);
  l.log = NULL;
  REFUSED(catena_updater_new(&t, prior, &o, &l, &i, &u, &error), 1, 1);
  l = logger(), i.requested = NULL;
  REFUSED(catena_updater_new(&t, prior, &o, &l, &i, &u, &error), 1, 1);
  i = interrupt(), t.likelihood = NULL;
  REFUSED(catena_updater_new(&t, prior, &o, &l, &i, &u, &error), 1, 1);
  t = coin();
  CHECK_OK(catena_updater_new(&t, prior, &o, &l, &i, &u, &error));
  expect(0, 0);
  catena_updater_free(u);
  expect(1, 1);
  catena_checkpoint_free(bytes);
  catena_prior_free(prior);
}

static int initial(void *user, void *worker, catena_task *task, size_t n, double *states) {
  (void)user, (void)worker, (void)task;
  memset(states, 0, n * sizeof *states);
  return 0;
}

static int transition(void *user, void *worker, catena_task *task, size_t time, size_t n, const double *previous, double *states) {
  (void)user, (void)worker, (void)task, (void)time;
  memcpy(states, previous, n * sizeof *states);
  return 0;
}

static int log_weight(void *user, void *worker, catena_task *task, size_t time, size_t n, const double *previous,
                      const double *states, double *log_weights) {
  (void)user, (void)worker, (void)task, (void)time, (void)previous, (void)states;
  memset(log_weights, 0, n * sizeof *log_weights);
  return 0;
}

static catena_state_space still(void) {
  catena_state_space t = {.struct_size = sizeof t, .user = &releases[OWNER], .release = release, .dimension = 1};
  t.initial = initial;
  t.transition = transition;
  t.log_weight = log_weight;
  return t;
}

static void filters(void) {
  catena_error *error = NULL;
  catena_filter *f = NULL;
  catena_filter_options o;
  catena_state_space t = still();
  catena_logger l = logger();
  catena_interrupt i = interrupt();
  puts("particle filters");
  CHECK_OK(catena_filter_options_init(&o, sizeof o, &error));
  o.num_sets = 1, o.num_particles = 10, o.num_times = 3;
  REFUSED(catena_filter_run(NULL, &o, &l, &i, &f, &error), 0, 1);
  REFUSED(catena_filter_run(&t, NULL, &l, &i, &f, &error), 1, 1);
  REFUSED(catena_filter_run(&t, &o, &l, &i, NULL, &error), 1, 1);
  o.num_particles = 0;
  REFUSED(catena_filter_run(&t, &o, &l, &i, &f, &error), 1, 1);
  o.num_particles = 10, l.log = NULL;
  REFUSED(catena_filter_run(&t, &o, &l, &i, &f, &error), 1, 1);
  l = logger(), i.requested = NULL;
  REFUSED(catena_filter_run(&t, &o, &l, &i, &f, &error), 1, 1);
  i = interrupt(), t.initial = NULL;
  REFUSED(catena_filter_run(&t, &o, &l, &i, &f, &error), 1, 1);
  t = still();
  CHECK_OK(catena_filter_run(&t, &o, &l, &i, &f, &error));
  expect(1, 1);
  catena_filter_free(f);
  expect(0, 0);
}

int main(void) {
  models();
  contexts_and_writers();
  runs();
  populations();
  updaters();
  filters();
  return 0;
}
