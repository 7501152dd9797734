/* A frequency and the time for which its signal lasts, learnt together from a two-level system that precesses.
 *
 *   a shot after the time t ends in state 1 with probability  p = 1/2 - e^(-g t) cos(omega t) / 2,  g = 1/T2
 *   an experiment counts the ones among SHOTS shots
 *
 * with omega uniform on [0, 1] and g on [0, 0.1] at first. Times grow by 9/8 from one experiment to the next, so that each tells
 * the periods apart that the ones before left open. Four independent sets of weighted models learn from the same counts; the last
 * line sets the mean of g beside that of the same data by quadrature over both parameters. */
#include <catena.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETS 4
#define MODELS 20000
#define STEPS 40
#define SHOTS 40

static const double OMEGA = 0.6180339887498949, RATE = 0.02, MOST_RATE = 0.1;

/* Models come in blocks of at most this many. */
enum { BLOCK = 1024 };

static double probability(double omega, double rate, double t) { return 0.5 - 0.5 * exp(-rate * t) * cos(omega * t); }

static double choose(int n, int k) { return exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)); }

/* x to the power n. */
static double power(double x, int n) {
  double y = 1;
  for (; n > 0; n >>= 1, x *= x)
    if (n & 1) y *= x;
  return y;
}

/* out[(e * n_o + o) * n_m + m]: counts, models, times. The second parameter of model m is models[n_m + m]. */
static int likelihood(void *user, void *worker, void *context, catena_task *task, size_t n_o, const double *outcomes,
                      size_t n_m, const double *models, size_t n_e, const double *times, double *out) {
  double p[BLOCK];
  size_t e, o, m;
  (void)user, (void)worker, (void)context, (void)task;
  for (e = 0; e < n_e; ++e) {
    for (m = 0; m < n_m; ++m) p[m] = probability(models[m], models[n_m + m], times[e]);
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

static int are_valid(void *user, void *worker, catena_task *task, size_t n, const double *models, uint8_t *valid) {
  const double *rates = models + n;
  size_t i;
  (void)user, (void)worker, (void)task;
  for (i = 0; i < n; ++i) valid[i] = models[i] >= 0 && models[i] <= 1 && rates[i] >= 0 && rates[i] <= MOST_RATE;
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
  const double p = probability(OMEGA, RATE, experiment[0]);
  int ones = 0, shot;
  for (shot = 0; shot < SHOTS; ++shot) ones += uniform(&lab->random) < p;
  lab->time[k] = experiment[0];
  lab->ones[k] = ones;
  *outcome = ones;
  return 0;
}

/* The posterior means by the midpoint rule over both parameters: frequencies within `width` of `centre`, where all is. */
static void quadrature(const laboratory *lab, double centre, double width, double *omega, double *rate) {
  enum { POINTS = 500 };
  static double log_density[POINTS][POINTS];
  double largest = -INFINITY, sum = 0;
  int i, j, k;
  for (i = 0; i < POINTS; ++i)
    for (j = 0; j < POINTS; ++j) {
      double sum_of_logs = 0;
      for (k = 0; k < STEPS; ++k) {
        const double p = probability(centre + width * (2 * (i + 0.5) / POINTS - 1), MOST_RATE * (j + 0.5) / POINTS, lab->time[k]);
        sum_of_logs += lab->ones[k] * log(p) + (SHOTS - lab->ones[k]) * log(1 - p);
      }
      log_density[i][j] = sum_of_logs;
      if (sum_of_logs > largest) largest = sum_of_logs;
    }
  *omega = *rate = 0;
  for (i = 0; i < POINTS; ++i)
    for (j = 0; j < POINTS; ++j) {
      const double w = exp(log_density[i][j] - largest);
      sum += w;
      *omega += w * (centre + width * (2 * (i + 0.5) / POINTS - 1));
      *rate += w * MOST_RATE * (j + 0.5) / POINTS;
    }
  *omega /= sum;
  *rate /= sum;
}

static void check(catena_status status, catena_error *error) {
  if (status == CATENA_OK) return;
  fprintf(stderr, "%s\n", catena_error_message(error));
  exit(EXIT_FAILURE);
}

int main(void) {
  static const char *const parameters[] = {"omega", "rate"}, *const fields[] = {"t"};
  static laboratory lab = {2026, {0}, {0}};
  const double low[] = {0, 0}, high[] = {1, MOST_RATE};
  catena_likelihood model;
  catena_updater_options options;
  catena_design design;
  catena_prior *prior = NULL;
  catena_updater *updater = NULL;
  catena_error *error = NULL;
  double mean[2], standard_error[2], covariance[4], exact[2];
  uint32_t taken;

  memset(&model, 0, sizeof model);
  model.struct_size = sizeof model;
  model.num_parameters = 2;
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
  options.seed = 3;
  options.liu_west_a = 0.995;

  memset(&design, 0, sizeof design);
  design.struct_size = sizeof design;
  design.kind = CATENA_DESIGN_SPARSE;
  design.scale = 1;

  check(catena_prior_uniform_new(2, low, high, &prior, &error), error);
  check(catena_updater_new(&model, prior, &options, NULL, NULL, &updater, &error), error);
  check(catena_updater_learn(updater, &design, STEPS, measure, &lab, &taken, &error), error);
  check(catena_updater_means(updater, mean, standard_error, 2, &error), error);
  check(catena_updater_covariance(updater, covariance, 4, &error), error);
  quadrature(&lab, mean[0], 10 * sqrt(covariance[0]), &exact[0], &exact[1]);
  printf("%d experiments of %d shots, the last one of t = %.1f; resampled %d times\n", (int)taken, SHOTS, lab.time[STEPS - 1],
         (int)catena_updater_resamples(updater, 1));
  printf("omega %.6f, standard deviation %.6f, standard error %.6f, quadrature %.6f, truth %.6f\n", mean[0],
         sqrt(covariance[0]), standard_error[0], exact[0], OMEGA);
  printf("rate: mean %.5f, standard deviation %.5f, truth %.5f, quadrature %.5f\n", mean[1], sqrt(covariance[3]), RATE, exact[1]);
  catena_updater_free(updater);
  catena_prior_free(prior);
  return 0;
}
