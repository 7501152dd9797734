/* A frequency learnt from a two-level system that precesses, by experiments that are chosen as one learns.
 *
 *   a shot after the time t ends in state 1 with probability  p = 1/2 - e^(-t/T2) cos(omega t) / 2
 *   an experiment counts the ones among SHOTS shots
 *
 * with T2 known and omega uniform on [0, 1] at first. The time of each experiment is the particle guess of Wiebe, Granade,
 * Ferrie and Cory (2014), one over the distance of two models, not longer than T2. Four independent sets of weighted models
 * learn from the same counts, in parallel, so that the spread of their means is an error; the last line sets the mean beside
 * that of the same data by numerical quadrature. */
#include <catena.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETS 4
#define MODELS 4000
#define STEPS 60
#define SHOTS 10

static const double T2 = 200, TRUTH = 0.6180339887498949;

/* Models come in blocks of at most this many. */
enum { BLOCK = 1024 };

static double probability(double omega, double t) { return 0.5 - 0.5 * exp(-t / T2) * cos(omega * t); }

static double choose(int n, int k) { return exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)); }

/* x to the power n. */
static double power(double x, int n) {
  double y = 1;
  for (; n > 0; n >>= 1, x *= x)
    if (n & 1) y *= x;
  return y;
}

/* out[(e * n_o + o) * n_m + m]: counts, models, experiments. */
static int likelihood(void *user, void *worker, void *context, catena_task *task, size_t n_o, const double *outcomes,
                      size_t n_m, const double *models, size_t n_e, const double *times, double *out) {
  double half[BLOCK], p[BLOCK];
  size_t e, o, m;
  (void)user, (void)worker, (void)context, (void)task;
  for (e = 0; e < n_e; ++e) {
    const double visible = exp(-times[e] / T2);
    for (m = 0; m < n_m; ++m) half[m] = 0.5 * models[m] * times[e];
    /* cos(omega t) = 2 cos²(omega t / 2) - 1, in vectors. */
    catena_cos_squared(n_m, half, p);
    for (m = 0; m < n_m; ++m) p[m] = 0.5 * (1 + visible) - visible * p[m];
    for (o = 0; o < n_o; ++o) {
      const int k = (int)outcomes[o];
      const double ways = choose(SHOTS, k);
      for (m = 0; m < n_m; ++m) *out++ = ways * power(p[m], k) * power(1 - p[m], SHOTS - k);
    }
  }
  return 0;
}

static int num_outcomes(void *user, catena_task *task, const double *experiment, size_t *count) {
  (void)user, (void)task, (void)experiment;
  *count = SHOTS + 1;
  return 0;
}

/* A frequency is between 0 and 1. */
static int are_valid(void *user, void *worker, catena_task *task, size_t n, const double *models, uint8_t *valid) {
  size_t i;
  (void)user, (void)worker, (void)task;
  for (i = 0; i < n; ++i) valid[i] = models[i] >= 0 && models[i] <= 1;
  return 0;
}

/* The laboratory, and what it saw. */
typedef struct {
  uint64_t random;
  double time[STEPS];
  int ones[STEPS];
} laboratory;

/* Uniform on [0, 1): SplitMix64. */
static double uniform(uint64_t *state) {
  uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
  z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
  return (double)((z ^ (z >> 31)) >> 11) / 9007199254740992.0;
}

static int measure(void *user, uint32_t k, const double *experiment, double *outcome) {
  laboratory *lab = user;
  const double p = probability(TRUTH, experiment[0]);
  int ones = 0, shot;
  for (shot = 0; shot < SHOTS; ++shot) ones += uniform(&lab->random) < p;
  lab->time[k] = experiment[0];
  lab->ones[k] = ones;
  *outcome = ones;
  return 0;
}

/* The posterior mean by the trapezoidal rule. */
static double quadrature(const laboratory *lab) {
  enum { POINTS = 400001 };
  static double log_density[POINTS];
  double largest = -INFINITY, sum = 0, first = 0;
  size_t i;
  int k;
  for (i = 0; i < POINTS; ++i) {
    const double omega = (double)i / (POINTS - 1);
    double sum_of_logs = 0;
    for (k = 0; k < STEPS; ++k) {
      const double p = probability(omega, lab->time[k]);
      /* No power of zero has a logarithm; nought ones are certain where p = 0. */
      if (lab->ones[k] > 0) sum_of_logs += lab->ones[k] * log(p);
      if (lab->ones[k] < SHOTS) sum_of_logs += (SHOTS - lab->ones[k]) * log(1 - p);
    }
    log_density[i] = sum_of_logs;
    if (sum_of_logs > largest) largest = sum_of_logs;
  }
  for (i = 0; i < POINTS; ++i) {
    const double end = i == 0 || i == POINTS - 1 ? 0.5 : 1, w = end * exp(log_density[i] - largest);
    sum += w;
    first += w * (double)i / (POINTS - 1);
  }
  return first / sum;
}

static void check(catena_status status, catena_error *error) {
  if (status == CATENA_OK) return;
  fprintf(stderr, "%s\n", catena_error_message(error));
  exit(EXIT_FAILURE);
}

int main(void) {
  static const char *const parameters[] = {"omega"}, *const fields[] = {"t"};
  static laboratory lab = {2026, {0}, {0}};
  const double low = 0, high = 1;
  catena_likelihood model;
  catena_updater_options options;
  catena_design design;
  catena_prior *prior = NULL;
  catena_updater *updater = NULL;
  catena_error *error = NULL;
  double mean, standard_error, variance, evidence, evidence_error;
  uint32_t taken;
  size_t i;

  memset(&model, 0, sizeof model);
  model.struct_size = sizeof model;
  model.num_parameters = 1;
  model.parameter_names = parameters;
  model.num_fields = 1;
  model.field_names = fields;
  model.outcome_kind = CATENA_NUMBER_INTEGER;
  model.likelihood = likelihood;
  model.num_outcomes = num_outcomes;
  model.are_valid = are_valid;

  check(catena_updater_options_init(&options, sizeof options, &error), error);
  options.num_sets = SETS;
  options.num_models = MODELS;
  options.seed = 7;
  /* Less smoothing than the usual 0.98: the first posteriors have several modes, which a wide kernel would blur. */
  options.liu_west_a = 0.999;

  memset(&design, 0, sizeof design);
  design.struct_size = sizeof design;
  design.kind = CATENA_DESIGN_GUESS;
  design.most = T2;

  check(catena_prior_uniform_new(1, &low, &high, &prior, &error), error);
  check(catena_updater_new(&model, prior, &options, NULL, NULL, &updater, &error), error);
  check(catena_updater_learn(updater, &design, STEPS, measure, &lab, &taken, &error), error);

  for (i = 0; i < SETS; ++i) {
    const uint64_t id = catena_updater_set_id(updater, i);
    double own;
    check(catena_updater_set_mean(updater, id, &own, 1, &error), error);
    printf("set %d: omega %.6f, log likelihood %.2f, resampled %d times, effective sample size %.0f of %d\n", (int)id, own,
           catena_updater_log_likelihood(updater, id), (int)catena_updater_resamples(updater, id),
           catena_updater_ess(updater, id), MODELS);
  }
  evidence = catena_updater_pooled_log_likelihood(updater, &evidence_error);
  printf("%d experiments of %d shots, the last one of t = %.1f; log likelihood %.2f, standard error %.2f\n", (int)taken, SHOTS,
         lab.time[STEPS - 1], evidence, evidence_error);
  check(catena_updater_means(updater, &mean, &standard_error, 1, &error), error);
  check(catena_updater_covariance(updater, &variance, 1, &error), error);
  printf("standard error of the mean over the sets: %.2g\n", standard_error);
  printf("omega: mean %.6f, standard deviation %.6f, truth %.6f, quadrature %.6f\n", mean, sqrt(variance), TRUTH,
         quadrature(&lab));

  catena_updater_free(updater);
  catena_prior_free(prior);
  return 0;
}
