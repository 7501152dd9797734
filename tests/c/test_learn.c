/* Sequential learning through the ABI: right, the same bits however it is called, words for what is wrong, nothing leaked. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"
#include <math.h>
#include <pthread.h>

/* A coin thrown `shots` times; its bias is the parameter. */
typedef struct coin {
  pthread_mutex_t lock;
  pthread_t caller;
  int workers_made, workers_freed, contexts_made, contexts_freed, released, elsewhere;
  /* A likelihood that is none: the model, and the value; or a refusal. */
  size_t bad_model;
  double bad_value;
  int refuse;
} coin;

static void count(coin *c, int *what) {
  pthread_mutex_lock(&c->lock);
  ++*what;
  pthread_mutex_unlock(&c->lock);
}

static int worker_new(void *user, void **worker) {
  count(user, &((coin *)user)->workers_made);
  *worker = malloc(1);
  return 0;
}

static void worker_free(void *user, void *worker) {
  count(user, &((coin *)user)->workers_freed);
  free(worker);
}

/* What an experiment shares: the numbers of ways. */
static int prepare(void *user, catena_task *task, size_t n_e, const double *shots, void **context) {
  double *ways = malloc(n_e * 64 * sizeof *ways);
  size_t e;
  int k;
  (void)task;
  count(user, &((coin *)user)->contexts_made);
  for (e = 0; e < n_e; ++e)
    for (ways[e * 64] = 1, k = 1; k <= (int)shots[e]; ++k) ways[e * 64 + k] = ways[e * 64 + k - 1] * (shots[e] - k + 1) / k;
  *context = ways;
  return 0;
}

static void context_free(void *user, void *context) {
  count(user, &((coin *)user)->contexts_freed);
  free(context);
}

static int likelihood(void *user, void *worker, void *context, catena_task *task, size_t n_o, const double *outcomes,
                      size_t n_m, const double *models, size_t n_e, const double *shots, double *out) {
  coin *c = user;
  const double *ways = context;
  size_t e, o, m;
  CHECK(worker && context);
  if (!pthread_equal(c->caller, pthread_self())) count(c, &c->elsewhere);
  if (c->refuse) {
    catena_task_message(task, "planted");
    return -1;
  }
  for (e = 0; e < n_e; ++e)
    for (o = 0; o < n_o; ++o)
      for (m = 0; m < n_m; ++m, ++out) {
        const double k = outcomes[o];
        const size_t first = catena_task_particle(task) < 0 ? 0 : (size_t)catena_task_particle(task);
        *out = ways[e * 64 + (size_t)k] * pow(models[m], k) * pow(1 - models[m], shots[e] - k);
        if (c->bad_value != 0 && first + m == c->bad_model) *out = c->bad_value;
      }
  return 0;
}

static int num_outcomes(void *user, catena_task *task, const double *shots, size_t *count) {
  (void)user, (void)task;
  *count = (size_t)shots[0] + 1;
  return 0;
}

static int are_valid(void *user, void *worker, catena_task *task, size_t n, const double *models, uint8_t *valid) {
  size_t i;
  (void)user, (void)worker, (void)task;
  for (i = 0; i < n; ++i) valid[i] = models[i] > 0 && models[i] < 1;
  return 0;
}

static void released(void *user) { ++((coin *)user)->released; }

static const char *const parameters[] = {"p"}, *const fields[] = {"shots"};
static const int32_t kinds[] = {CATENA_NUMBER_INTEGER};

static catena_likelihood table(coin *c) {
  catena_likelihood t;
  memset(&t, 0, sizeof t);
  t.struct_size = sizeof t;
  t.user = c;
  t.release = released;
  t.num_parameters = 1;
  t.parameter_names = parameters;
  t.num_fields = 1;
  t.field_names = fields;
  t.field_kinds = kinds;
  t.outcome_kind = CATENA_NUMBER_INTEGER;
  t.worker_new = worker_new;
  t.worker_free = worker_free;
  t.prepare = prepare;
  t.context_free = context_free;
  t.likelihood = likelihood;
  t.num_outcomes = num_outcomes;
  t.are_valid = are_valid;
  return t;
}

#define MODELS 5000
#define DATA 8
static const double heads[DATA] = {3, 2, 4, 1, 3, 2, 3, 5}, throws[DATA] = {5, 5, 6, 3, 4, 3, 5, 7};

static catena_updater *made(coin *c, catena_likelihood *t, size_t threads) {
  catena_updater_options options;
  catena_prior *prior = NULL;
  catena_updater *updater = NULL;
  catena_error *error = NULL;
  const double low = 0, high = 1;
  c->caller = pthread_self();
  CHECK_OK(catena_updater_options_init(&options, sizeof options, &error));
  options.num_sets = 4;
  options.num_models = MODELS;
  options.num_threads = threads;
  options.seed = 3;
  CHECK_OK(catena_prior_uniform_new(1, &low, &high, &prior, &error));
  CHECK_INT(catena_prior_dimension(prior), 1);
  CHECK_OK(catena_updater_new(t, prior, &options, NULL, NULL, &updater, &error));
  catena_prior_free(prior);
  return updater;
}

static void done(catena_updater *updater, coin *c) {
  catena_updater_free(updater);
  CHECK_INT(c->workers_freed, c->workers_made);
  CHECK_INT(c->contexts_freed, c->contexts_made);
  CHECK_INT(c->released, 1);
}

/* 23 heads of 38 throws, uniform prior: Beta(24, 16). */
static void posterior(int32_t threading, int32_t whole, double *models) {
  coin c = {.lock = PTHREAD_MUTEX_INITIALIZER};
  catena_likelihood t = table(&c);
  catena_updater *updater;
  catena_checkpoint *saved = NULL;
  catena_error *error = NULL;
  double mean, standard_error, variance, evidence, evidence_error, exact = 0;
  size_t i;
  t.threading = threading;
  t.whole = whole;
  updater = made(&c, &t, 2);
  CHECK_OK(catena_updater_batch_update(updater, DATA / 2, heads, throws, 2, &error));
  CHECK_OK(catena_updater_save(updater, &saved, &error));
  done(updater, &c);
  c.released = 0;
  CHECK_OK(catena_updater_load(&t, saved, NULL, NULL, NULL, &updater, &error));
  catena_checkpoint_free(saved);
  for (i = DATA / 2; i < DATA; ++i) CHECK_OK(catena_updater_update(updater, heads + i, throws + i, &error));
  CHECK_INT(catena_updater_num_records(updater), DATA);
  CHECK_OK(catena_updater_record(updater, 5, &mean, &variance, &error));
  CHECK(mean == heads[5] && variance == throws[5]);
  CHECK_OK(catena_updater_means(updater, &mean, &standard_error, 1, &error));
  CHECK_BETWEEN(mean, 24.0 / 40 - 0.005, 24.0 / 40 + 0.005);
  CHECK_BETWEEN(standard_error, 0, 0.003);
  CHECK_OK(catena_updater_covariance(updater, &variance, 1, &error));
  CHECK_BETWEEN(variance, 0.9 * 0.24 / 41, 1.1 * 0.24 / 41);
  for (i = 0; i < DATA; ++i) exact += lgamma(throws[i] + 1) - lgamma(heads[i] + 1) - lgamma(throws[i] - heads[i] + 1);
  exact += lgamma(24) + lgamma(16) - lgamma(40);
  evidence = catena_updater_pooled_log_likelihood(updater, &evidence_error);
  CHECK_BETWEEN(evidence, exact - 0.05, exact + 0.05);
  CHECK(threading == CATENA_THREADS_ANY || c.elsewhere == 0);
  CHECK_OK(catena_updater_models(updater, 2, models, MODELS, &error));
  CHECK_OK(catena_updater_weights(updater, 3, models + MODELS, MODELS, &error));
  done(updater, &c);
}

static void equal_bits(void) {
  static double a[2 * MODELS], b[2 * MODELS];
  posterior(CATENA_THREADS_ANY, 0, a);
  posterior(CATENA_THREADS_ANY, 1, b);
  CHECK_BITS(a, b, 2 * MODELS);
  posterior(CATENA_THREADS_CALLER, 1, b);
  CHECK_BITS(a, b, 2 * MODELS);
}

static void estimates_and_designs(void) {
  coin c = {.lock = PTHREAD_MUTEX_INITIALIZER};
  catena_likelihood t = table(&c);
  catena_updater *updater = made(&c, &t, 2);
  catena_error *error = NULL;
  static uint8_t inside[MODELS];
  const double edges[] = {0, 0.5, 1}, points[] = {0.2, 0.6, 0.99}, candidates[] = {1, 5, 40};
  double heights[3], gains[3], risks[3], centre, shape, one = 7, value, drawn[6], models[] = {0.3, 0.9};
  size_t corners, i, sum = 0;
  uint32_t taken;
  catena_design design;
  CHECK_OK(catena_updater_batch_update(updater, DATA, heads, throws, 5, &error));
  CHECK_OK(catena_updater_histogram(updater, 1, 0, edges, 2, heights, &error));
  CHECK_BETWEEN(0.5 * (heights[0] + heights[1]), 1 - 1e-12, 1 + 1e-12);
  CHECK_OK(catena_updater_density(updater, 1, 0, 0, points, 3, heights, &error));
  CHECK(heights[1] > 3 && heights[0] < 0.1 && heights[2] < 0.1);
  CHECK_OK(catena_updater_densest(updater, 1, 0.9, inside, MODELS, &error));
  for (i = 0; i < MODELS; ++i) sum += inside[i];
  CHECK_BETWEEN((double)sum, 0.5 * MODELS, 0.99 * MODELS);
  CHECK_OK(catena_updater_hull_contains(updater, 1, 0.9, 3, points, inside, &error));
  CHECK(!inside[0] && inside[1] && !inside[2]);
  CHECK_OK(catena_updater_hull(updater, 1, 0.9, heights, 3, &corners, &error));
  CHECK_INT(corners, 2);
  CHECK_OK(catena_updater_ellipsoid(updater, 1, 0.9, 1e-6, &centre, &shape, &error));
  CHECK_BETWEEN(centre, (heights[0] + heights[1]) / 2 - 1e-3, (heights[0] + heights[1]) / 2 + 1e-3);
  CHECK_OK(catena_updater_worth(updater, 3, candidates, NULL, 0, gains, risks, &error));
  CHECK(0 < gains[0] && gains[0] < gains[1] && gains[1] < gains[2]);
  CHECK(risks[0] > risks[1] && risks[1] > risks[2] && risks[2] > 0);
  memset(&design, 0, sizeof design);
  design.struct_size = sizeof design;
  design.kind = CATENA_DESIGN_BEST;
  design.num_candidates = 3;
  design.candidates = candidates;
  CHECK_OK(catena_updater_design(updater, &design, 0, &value, &error));
  CHECK(value == 40);
  CHECK_OK(catena_updater_simulate(updater, 2, models, 3, candidates, drawn, 6, &error));
  for (i = 0; i < 6; ++i) CHECK(drawn[i] >= 0 && drawn[i] <= candidates[i / 2]);
  CHECK_BETWEEN(catena_sparse_time(2, 3), 3 * 81.0 / 64, 3 * 81.0 / 64);
  CHECK_REFUSES(catena_updater_learn(updater, &design, 1, NULL, NULL, &taken, &error), "measure", "NULL");
  CHECK_REFUSES(catena_updater_ellipsoid(updater, 9, 0.9, 1e-6, &centre, &shape, &error), "set", "9");
  (void)one;
  done(updater, &c);
}

/* A resampler that keeps the heavier half, whose weights stay. */
static int halved(void *user, uint64_t set, size_t n, size_t dimension, const double *models, const double *weights,
                  size_t wanted, catena_models *out) {
  (void)set, (void)wanted;
  CHECK_INT(dimension, 1);
  ++*(int *)user;
  return catena_models_put(out, n / 2, models, weights);
}

static void failures(void) {
  coin c = {.lock = PTHREAD_MUTEX_INITIALIZER};
  catena_likelihood t = table(&c);
  catena_updater *updater = made(&c, &t, 2), *none = NULL;
  catena_error *error = NULL;
  static double before[MODELS], after[MODELS];
  double outcome = 9, shots = 5, half = 1.5, x[3] = {0, 1, 2}, out[3];
  int calls = 0;
  CHECK_OK(catena_updater_update(updater, heads, throws, &error));
  CHECK_OK(catena_updater_log_weights(updater, 1, before, MODELS, &error));
  CHECK_FAILS(catena_updater_update(updater, &outcome, &shots, &error), CATENA_INVALID_ARGUMENT, "outcome",
              "one of the 6 outcomes", "got 9");
  CHECK_REFUSES(catena_updater_update(updater, heads, &half, &error), "experiments.shots", "1.5 in experiment 0");
  c.bad_model = 4321;
  c.bad_value = NAN;
  CHECK_FAILS(catena_updater_update(updater, heads, throws, &error), CATENA_MODEL, NULL, "outcome 3, model 4321, experiment 0",
              "expected a probability from 0 to 1, got NaN");
  c.bad_value = 1.25;
  CHECK_FAILS(catena_updater_update(updater, heads, throws, &error), CATENA_MODEL, NULL, "set 1, particle 4321", "got 1.25");
  c.bad_value = 0;
  c.refuse = 1;
  CHECK_FAILS(catena_updater_update(updater, heads, throws, &error), CATENA_MODEL, NULL, "set ", "it says: planted");
  c.refuse = 0;
  CHECK_OK(catena_updater_log_weights(updater, 1, after, MODELS, &error));
  CHECK_BITS(before, after, MODELS);
  CHECK_INT(catena_updater_num_records(updater), 1);
  CHECK_OK(catena_updater_resample_by(updater, halved, &calls, &error));
  CHECK_OK(catena_updater_resample(updater, 0, &error));
  CHECK_INT(calls, 4);
  CHECK_INT(catena_updater_set_size(updater, 1), MODELS / 2);
  CHECK_OK(catena_updater_resample_by(updater, NULL, NULL, &error));
  CHECK_OK(catena_updater_resample(updater, 10, &error));
  CHECK_INT(catena_updater_set_size(updater, 4), 10);
  CHECK_INT(catena_updater_resamples(updater, 4), 2);
  CHECK_OK(catena_updater_set_models(updater, 1, 3, x, x, &error));
  CHECK_REFUSES(catena_updater_models(updater, 1, out, 2, &error), "size", "2");
  CHECK_OK(catena_updater_reset(updater, &error));
  CHECK_INT(catena_updater_set_size(updater, 1), MODELS);
  CHECK_INT(catena_updater_num_records(updater), 0);
  done(updater, &c);

  c.released = 0;
  CHECK_REFUSES(catena_updater_new(&t, NULL, NULL, NULL, NULL, &none, &error), "prior", "NULL");
  CHECK_INT(c.released, 1);
  CHECK(isnan(catena_updater_ess(NULL, 1)) && catena_updater_num_sets(NULL) == 0);
  catena_updater_free(NULL);
  catena_prior_free(NULL);
  catena_cos_squared(3, x, out);
  CHECK_BETWEEN(out[1], cos(1) * cos(1) - 2e-16, cos(1) * cos(1) + 2e-16);
}

int main(void) {
  equal_bits();
  estimates_and_designs();
  failures();
  puts("learn: ok");
  return 0;
}
