/* Each callback of each service fails at its first, second, third and last call, in each way: nothing may crash or leak, tables are
 * released once, workers and traces freed, statuses and errors agree, and results count the rows that writers took.
 * `test_faults N [SEED]` goes on with N faults at random places. */
#include "every_argument.h"

enum kind { EVALUATE, DENSITY, BATCH, CONSTRAIN, INITIALIZE, WORKER, PARTS, PRIOR, SHAPE, VALUES, ASKED, NAMES, ROW, MESSAGE, FINISH,
            INTERRUPT, CREATE, COPY, APPLY, INCORPORATE, RESET, WEIGH, REPORT, SAMPLE, DIVERSIFY, FINGERPRINT, SERIALIZE, DESERIALIZE,
            CELLS, SCORE, OUTCOMES, DOMAIN_OF, INITIAL, TRANSITION, LOG_WEIGHT, BACKWARD, RESAMPLER, MEASURE, KINDS };

static unsigned long long count[KINDS], fault_at, faults;
static int fault_kind = KINDS, fault_code;

static int faulty(enum kind kind) {
  if (++count[kind] != fault_at || (int)kind != fault_kind) return 0;
  ++faults;
  return fault_code;
}
#define FAULT(kind) \
  do { \
    const int code_ = faulty(kind); \
    if (code_) return code_; \
  } while (0)

static int released, alive, rows_taken, tables;

static void release(void *user) { (void)user, ++released; }

static int worker_new(void *user, void **worker) {
  (void)user;
  FAULT(WORKER);
  ++alive;
  return (*worker = malloc(1)) ? 0 : -1;
}
static void worker_free(void *user, void *worker) { (void)user, --alive, free(worker); }
static int evaluate(void *user, void *worker, catena_task *task, const double *x, double *value, double *gradient) {
  FAULT(EVALUATE);
  return fx_evaluate(user, worker, task, x, value, gradient);
}
static int density(void *user, void *worker, catena_task *task, const double *x, double *value) {
  double unused[DIMENSION];
  FAULT(DENSITY);
  return fx_evaluate(user, worker, task, x, value, unused);
}
static int batch(void *user, void *worker, catena_task *task, size_t n, const double *x, double *values, double *gradients,
                 int *codes) {
  size_t i;
  FAULT(BATCH);
  for (i = 0; i < n; ++i) codes[i] = evaluate(user, worker, task, x + i * DIMENSION, values + i, gradients + i * DIMENSION);
  return 0;
}
static int constrain(void *user, void *worker, catena_task *task, const double *x, double *out) {
  FAULT(CONSTRAIN);
  return fx_constrain(user, worker, task, x, out);
}
static int initialize(void *user, void *worker, catena_task *task, const catena_init *init, double *x) {
  (void)user, (void)worker, (void)task;
  FAULT(INITIALIZE);
  return catena_init_values(init, "x.1", x, 1) < 0 ? -1 : 0;
}
static int parts(void *user, void *worker, catena_task *task, const double *x, double *prior, double *likelihood, double *g,
                 double *h) {
  FAULT(PARTS);
  return fx_parts(user, worker, task, x, prior, likelihood, g, h);
}
static int prior(void *user, void *worker, catena_task *task, double *x) {
  FAULT(PRIOR);
  return fx_prior(user, worker, task, x);
}
static catena_density model_table(void) {
  catena_density t = fx_density();
  ++tables;
  t.release = release, t.log_density_gradient = evaluate, t.log_density = density, t.log_density_gradient_batch = batch;
  t.constrain = constrain, t.initialize = initialize, t.worker_new = worker_new, t.worker_free = worker_free;
  t.log_density_parts = parts, t.sample_prior = prior, t.log_density_without_jacobian = NULL;
  return t;
}

static int shape(void *user, const char *name, size_t most, size_t *sizes, size_t *rank) {
  const int code = faulty(SHAPE);
  /* A positive answer is one that a context may give. */
  return code ? (code < 0 ? code : 0) : fx_shape(user, name, most, sizes, rank);
}
static int values(void *user, const char *name, double *out, size_t n) {
  FAULT(VALUES);
  return fx_values(user, name, out, n);
}
static int asked(void *user) {
  (void)user;
  FAULT(ASKED);
  return 0;
}
static int names(void *user, size_t n, const char *const *texts) {
  (void)user, (void)n, (void)texts;
  FAULT(NAMES);
  return 0;
}
static int take_row(void *user, size_t n, const double *numbers_given) {
  (void)user, (void)n, (void)numbers_given;
  FAULT(ROW);
  ++rows_taken;
  return 0;
}
static int message(void *user, const char *line) {
  (void)user, (void)line;
  FAULT(MESSAGE);
  return 0;
}
static int finish(void *user) {
  (void)user;
  FAULT(FINISH);
  return 0;
}
static int requested(void *user) {
  (void)user;
  return faulty(INTERRUPT) != 0;
}

/* A call that was refused or failed has an error, and one that did not has none. */
static void judge(catena_status status, catena_error **error) {
  CHECK((status == CATENA_OK) == (*error == NULL));
  /* Without a fault all is well. */
  if (fault_kind == KINDS) check_ok(status, *error, __FILE__, __LINE__, "a call without a fault");
  CHECK(status != CATENA_INTERNAL);
  if (*error) CHECK_INT(catena_error_code(*error), status), CHECK(*catena_error_message(*error));
  catena_error_free(*error);
  *error = NULL;
}

typedef catena_status (*sampler)(const catena_model *, const catena_options *, const catena_io *, catena_result **, catena_error **);

static void sampled(sampler call, size_t batch_size) {
  catena_error *error = NULL;
  catena_density t = model_table();
  catena_model *model = NULL;
  catena_options *options = new_options();
  catena_init *init = NULL;
  catena_writer *writer = NULL;
  catena_result *result = NULL;
  catena_init_table context = {.struct_size = sizeof context, .release = release, .shape = shape, .values = values};
  catena_writer_table sink = {.struct_size = sizeof sink, .release = release};
  catena_logger logger = {.struct_size = sizeof logger, .release = release, .log = fx_drop_line};
  catena_interrupt interrupt = {.struct_size = sizeof interrupt, .release = release, .requested = requested};
  catena_io io = {.struct_size = sizeof io, .logger = &logger, .interrupt = &interrupt};
  context.finish = asked;
  sink.names = names, sink.row = take_row, sink.message = message, sink.finish = finish;
  tables += 4;
  CHECK_OK(catena_model_new(&t, &model, &error));
  CHECK_OK(catena_init_new(&context, &init, &error));
  CHECK_OK(catena_writer_new(&sink, &writer, &error));
  CHECK_OK(catena_options_set_integer(options, "batch_size", batch_size, &error));
  CHECK_OK(catena_options_set_integer(options, "check_gradient", 1, &error));
  io.inits = (const catena_init *const *)&init, io.num_inits = 1;
  io.sample_writers = &writer, io.num_sample_writers = 1;
  rows_taken = 0;
  judge(call(model, options, &io, &result, &error), &error);
  if (result) {
    CHECK_INT(catena_result_rows(result, 0), rows_taken);
    CHECK_INT(catena_writer_rows(writer), rows_taken);
  }
  catena_result_free(result);
  catena_writer_free(writer);
  catena_init_free(init);
  catena_options_free(options);
  catena_model_free(model);
}
static void nuts(void) { sampled(catena_sample_nuts, 0); }
static void batched(void) { sampled(catena_sample_nuts, 2); }
static void fixed(void) { sampled(catena_sample_fixed_param, 0); }
static void hmc(void) { sampled(catena_sample_hmc_static, 0); }

static void over_a_model(int which) {
  catena_error *error = NULL;
  catena_density t = model_table();
  catena_model *model = NULL;
  catena_options *options = new_options();
  catena_smc_result *weighted = NULL;
  catena_optimum *optimum = NULL;
  catena_approximation *approximation = NULL;
  catena_gradient_check *check = NULL;
  catena_logger logger = {.struct_size = sizeof logger, .release = release, .log = fx_drop_line};
  catena_interrupt interrupt = {.struct_size = sizeof interrupt, .release = release, .requested = requested};
  catena_io io = {.struct_size = sizeof io, .logger = &logger, .interrupt = &interrupt};
  tables += 2;
  CHECK_OK(catena_model_new(&t, &model, &error));
  CHECK_OK(catena_options_set_integer(options, "jacobian", 1, &error));
  switch (which) {
  case 0: judge(catena_sample_smc(model, options, NULL, &io, &weighted, &error), &error); break;
  case 1: judge(catena_optimize(model, options, &io, &optimum, &error), &error); break;
  case 2: judge(catena_pathfinder(model, options, &io, &approximation, &error), &error); break;
  case 3: judge(catena_variational(model, options, &io, &approximation, &error), &error); break;
  case 4: judge(catena_laplace(model, options, &io, &approximation, &error), &error); break;
  default:
    --tables;
    judge(catena_diagnose_gradient(model, options, NULL, &logger, 1e-6, 1e-6, &check, &error), &error);
  }
  catena_gradient_check_free(check);
  catena_approximation_free(approximation);
  catena_optimum_free(optimum);
  catena_smc_result_free(weighted);
  catena_options_free(options);
  catena_model_free(model);
}
static void smc(void) { over_a_model(0); }
static void optimize(void) { over_a_model(1); }
static void pathfinder(void) { over_a_model(2); }
static void variational(void) { over_a_model(3); }
static void laplace(void) { over_a_model(4); }
static void diagnose(void) { over_a_model(5); }

static int create(void *user, catena_task *task, void **trace) {
  FAULT(CREATE);
  ++alive;
  return fx_create(user, task, trace);
}
static void free_trace(void *user, void *trace) { --alive, fx_free(user, trace); }
static int copy(void *user, const void *trace, catena_task *task, void **out) {
  FAULT(COPY);
  ++alive;
  return fx_copy(user, trace, task, out);
}
static int apply(void *user, void *trace, int64_t operation, const void *argument, size_t size, catena_task *task, double *increment) {
  FAULT(APPLY);
  return fx_apply(user, trace, operation, argument, size, task, increment);
}
static int incorporate(void *user, void *trace, catena_task *task, double *increment) {
  FAULT(INCORPORATE);
  return fx_incorporate(user, trace, task, increment);
}
static int reset(void *user, void *trace, catena_task *task) {
  FAULT(RESET);
  return fx_reset(user, trace, task);
}
static int weigh(void *user, void *trace, catena_task *task, double *weight) {
  FAULT(WEIGH);
  return fx_incorporate(user, trace, task, weight);
}
static int report(void *user, const void *trace, int64_t what, catena_task *task, size_t width, double *out) {
  FAULT(REPORT);
  return fx_report(user, trace, what, task, width, out);
}
static int sample(void *user, const void *trace, int64_t what, catena_task *task, size_t width, double *out) {
  FAULT(SAMPLE);
  return fx_report(user, trace, what, task, width, out);
}
static int diversify(void *user, const void *trace, int64_t operation, const void *argument, size_t size, catena_task *task,
                     catena_family *family) {
  void *child;
  (void)operation, (void)argument, (void)size;
  FAULT(DIVERSIFY);
  if (fx_copy(user, trace, task, &child)) return -1;
  ++alive;
  return catena_family_add(family, child, 0);
}
static int fingerprint(void *user, const void *trace, int64_t scope, catena_task *task, uint64_t *words) {
  FAULT(FINGERPRINT);
  return fx_fingerprint(user, trace, scope, task, words);
}
static int serialize(void *user, const void *trace, catena_task *task, catena_bytes *out) {
  FAULT(SERIALIZE);
  return fx_serialize(user, trace, task, out);
}
static int deserialize(void *user, const void *bytes, size_t size, catena_task *task, void **trace) {
  FAULT(DESERIALIZE);
  ++alive;
  return fx_deserialize(user, bytes, size, task, trace);
}
static catena_traces traces(void) {
  catena_traces t = {.struct_size = sizeof t, .release = release, .create = create, .free = free_trace, .copy = copy};
  ++tables;
  t.apply = apply, t.incorporate = incorporate, t.reset_to_prior = reset, t.weigh = weigh, t.report = report, t.sample = sample;
  t.diversify = diversify, t.fingerprint = fingerprint, t.serialize = serialize, t.deserialize = deserialize;
  return t;
}

static void population_with(int lose) {
  catena_error *error = NULL;
  catena_traces t = traces();
  catena_options *options = new_options();
  catena_population *p = NULL, *again = NULL;
  catena_checkpoint *saved = NULL;
  double out[64], increment;
  uint64_t first;
#define STEP(call) judge(call, &error)
  CHECK_OK(catena_options_set_integer(options, "num_sets", 2, &error));
  CHECK_OK(catena_options_set(options, "on_trace_failure", lose ? "lose" : "keep", &error));
  STEP(catena_population_new(&t, options, NULL, &p, &error));
  if (p) {
    STEP(catena_population_reinitialize(p, 2, 3, &error));
    STEP(catena_population_apply(p, 0, NULL, 0, &error));
    STEP(catena_population_incorporate(p, &error));
    STEP(catena_population_grow_iid(p, 1, &first, &error));
    STEP(catena_population_drop_iid(p, 1, &error));
    STEP(catena_population_likelihood_weight(p, &error));
    STEP(catena_population_resample(p, 4, CATENA_RESAMPLING_SYSTEMATIC, INFINITY, &error));
    STEP(catena_population_report(p, CATENA_WHICH_ALL, 0, 1, out, 8, &error));
    STEP(catena_population_sample(p, CATENA_WHICH_ALL, 0, 1, out, 8, &error));
    STEP(catena_population_diversify(p, 0, NULL, 0, &error));
    STEP(catena_population_collapse(p, 0, &error));
    STEP(catena_population_on_trace(p, 1, 0, 0, NULL, 0, &increment, &error));
    STEP(catena_population_reset_to_prior(p, 3, CATENA_RESAMPLING_SYSTEMATIC, &error));
    STEP(catena_population_save(p, &saved, &error));
    if (saved) {
      t = traces();
      STEP(catena_population_load(&t, saved, options, NULL, &again, &error));
    }
  }
  catena_population_free(again);
  catena_population_free(p);
  catena_checkpoint_free(saved);
  catena_options_free(options);
}
static void population_keeps(void) { population_with(0); }
static void population_loses(void) { population_with(1); }

static int cells(void *user, void *worker, void *context, catena_task *task, size_t n_o, const double *outcomes, size_t n_m,
                 const double *models, size_t n_e, const double *experiments, double *out) {
  FAULT(CELLS);
  return fx_cells(user, worker, context, task, n_o, outcomes, n_m, models, n_e, experiments, out);
}
static int score(void *user, void *worker, void *context, catena_task *task, size_t n_o, const double *outcomes, size_t n_m,
                 const double *models, size_t n_e, const double *experiments, double *out) {
  FAULT(SCORE);
  return fx_score(user, worker, context, task, n_o, outcomes, n_m, models, n_e, experiments, out);
}
static int outcomes_of(void *user, catena_task *task, const double *experiment, size_t *n) {
  FAULT(OUTCOMES);
  return fx_two(user, task, experiment, n);
}
static int domain_of(void *user, catena_task *task, const double *experiment, size_t n, double *outcomes) {
  FAULT(DOMAIN_OF);
  return fx_domain(user, task, experiment, n, outcomes);
}
static int measure(void *user, uint32_t k, const double *experiment, double *outcome) {
  FAULT(MEASURE);
  return fx_measure(user, k, experiment, outcome);
}
static int resampler(void *user, uint64_t set, size_t n, size_t dimension, const double *models, const double *weights, size_t wanted,
                     catena_models *out) {
  FAULT(RESAMPLER);
  return fx_resampler(user, set, n, dimension, models, weights, wanted, out);
}

static void learn(void) {
  catena_error *error = NULL;
  catena_likelihood t = fx_likelihood();
  const catena_updater_options o = fx_updater_options();
  catena_prior *p = new_prior();
  catena_updater *u = NULL;
  catena_design design = {.struct_size = sizeof design, .scale = 1, .most = 10, .samples = 5};
  double out[64], one[1] = {1};
  uint32_t taken;
  ++tables;
  t.release = release, t.worker_new = worker_new, t.worker_free = worker_free, t.likelihood = cells, t.score = score;
  t.num_outcomes = outcomes_of, t.domain = domain_of;
  STEP(catena_updater_new(&t, p, &o, NULL, NULL, &u, &error));
  if (u) {
    STEP(catena_updater_update(u, one, one, &error));
    STEP(catena_updater_batch_update(u, 1, one, one, 1, &error));
    STEP(catena_updater_worth(u, 1, one, NULL, 5, out, out, &error));
    STEP(catena_updater_simulate(u, 1, one, 1, one, out, 1, &error));
    STEP(catena_updater_fisher_information(u, 1, 1, one, out, 1, &error));
    STEP(catena_updater_learn(u, &design, 3, measure, NULL, &taken, &error));
    STEP(catena_updater_resample_by(u, resampler, NULL, &error));
    STEP(catena_updater_resample(u, 10, &error));
  }
  catena_updater_free(u);
  catena_prior_free(p);
}

static int initial(void *user, void *worker, catena_task *task, size_t n, double *states) {
  FAULT(INITIAL);
  return fx_initial(user, worker, task, n, states);
}
static int transition(void *user, void *worker, catena_task *task, size_t time, size_t n, const double *previous, double *states) {
  FAULT(TRANSITION);
  return fx_transition(user, worker, task, time, n, previous, states);
}
static int log_weight(void *user, void *worker, catena_task *task, size_t time, size_t n, const double *previous,
                      const double *states, double *out) {
  FAULT(LOG_WEIGHT);
  return fx_log_weight(user, worker, task, time, n, previous, states, out);
}
static int backward(void *user, void *worker, catena_task *task, size_t time, size_t n, const double *previous, const double *states,
                    double *out) {
  FAULT(BACKWARD);
  return fx_log_weight(user, worker, task, time, n, previous, states, out);
}
static void filter(void) {
  catena_error *error = NULL;
  catena_state_space t = fx_state_space();
  catena_filter_options o = fx_filter_options();
  catena_filter *f = NULL;
  catena_interrupt interrupt = {.struct_size = sizeof interrupt, .release = release, .requested = requested};
  tables += 2;
  t.release = release, t.worker_new = worker_new, t.worker_free = worker_free;
  t.initial = initial, t.transition = transition, t.log_weight = log_weight, t.transition_log_density = backward;
  judge(catena_filter_run(&t, &o, NULL, &interrupt, &f, &error), &error);
  catena_filter_free(f);
}

static void (*const scenarios[])(void) = {nuts, batched, fixed, hmc, smc, optimize, pathfinder, variational, laplace, diagnose,
                                          population_keeps, population_loses, learn, filter};
enum { SCENARIOS = sizeof scenarios / sizeof *scenarios };
static const int codes[] = {-1, 1, 77, INT32_MIN};
enum { CODES = sizeof codes / sizeof *codes };

static void run(void (*scenario)(void), int kind, unsigned long long at, int code) {
  memset(count, 0, sizeof count);
  released = tables = alive = 0;
  fault_kind = kind, fault_at = at, fault_code = code;
  scenario();
  CHECK_INT(released, tables);
  CHECK_INT(alive, 0);
}

int main(int argc, char **argv) {
  const unsigned long long wanted = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
  unsigned long long seen[SCENARIOS][KINDS], state = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
  size_t s, c;
  int kind;
  for (s = 0; s < SCENARIOS; ++s) {
    run(scenarios[s], KINDS, 0, 0);
    memcpy(seen[s], count, sizeof count);
    for (kind = 0; kind < KINDS; ++kind)
      for (c = 0; c < CODES; ++c) {
        const unsigned long long n = seen[s][kind];
        unsigned long long at;
        for (at = 1; at <= 3 && at <= n; ++at) run(scenarios[s], kind, at, codes[c]);
        if (n > 3) run(scenarios[s], kind, n, codes[c]);
      }
  }
  for (kind = 0; kind < KINDS; ++kind) {
    for (c = s = 0; s < SCENARIOS; ++s) c += seen[s][kind] > 0;
    if (!c && kind != INTERRUPT && kind != ASKED) printf("callback %d is never called\n", kind);
    CHECK(c || kind == INTERRUPT);
  }
  printf("%llu faults at the first, second, third and last call of each callback\n", faults);
  while (faults < wanted) {
    /* Knuth's generator of 64 bits; what is left over decides. */
    state = state * 6364136223846793005u + 1442695040888963407u;
    s = (size_t)(state >> 33) % SCENARIOS, kind = (int)(state >> 40) % KINDS;
    if (seen[s][kind]) run(scenarios[s], kind, 1 + (state >> 17) % seen[s][kind], codes[(state >> 60) % CODES]);
  }
  printf("%llu faults in all\n", faults);
  return 0;
}
