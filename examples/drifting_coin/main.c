/* A coin whose bias drifts: what is learnt of it must be forgotten at the right rate.
 *
 *   the bias moves from one day to the next by a normal step of standard deviation STEP, reflected at 0 and 1
 *   each day the coin is thrown THROWS times, and the heads are counted
 *
 * The step is the likelihood's `update_timestep`: after each count every model moves as the coin does. Four independent sets
 * follow the same counts; the last line sets the mean of the last day beside that of the same chain on a fine grid, where
 * each day's law is multiplied by the likelihood and smeared by the step. */
#include <catena.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETS 4
#define MODELS 20000
#define DAYS 100
#define THROWS 20
#define STEP 0.03

/* Models come in blocks of at most this many. */
enum { BLOCK = 1024 };

/* Into [0, 1], as by mirrors at its ends. */
static double reflected(double x) {
  x = fabs(fmod(x, 2));
  return x > 1 ? 2 - x : x;
}

static double ways(int n, int k) { return exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)); }

/* out[(e * n_o + o) * n_m + m]: counts, models, days. */
static int likelihood(void *user, void *worker, void *context, catena_task *task, size_t n_o, const double *outcomes,
                      size_t n_m, const double *models, size_t n_e, const double *throws, double *out) {
  size_t e, o, m;
  (void)user, (void)worker, (void)context, (void)task;
  for (e = 0; e < n_e; ++e)
    for (o = 0; o < n_o; ++o) {
      const double k = outcomes[o], n = throws[e], factor = ways((int)n, (int)k);
      for (m = 0; m < n_m; ++m) *out++ = factor * pow(models[m], k) * pow(1 - models[m], n - k);
    }
  return 0;
}

static int num_outcomes(void *user, catena_task *task, const double *throws, size_t *count) {
  (void)user, (void)task;
  *count = (size_t)throws[0] + 1;
  return 0;
}

static int are_valid(void *user, void *worker, catena_task *task, size_t n, const double *models, uint8_t *valid) {
  size_t i;
  (void)user, (void)worker, (void)task;
  for (i = 0; i < n; ++i) valid[i] = models[i] >= 0 && models[i] <= 1;
  return 0;
}

/* A night. */
static int update_timestep(void *user, void *worker, catena_task *task, const double *throws, size_t n, double *models) {
  double step[BLOCK];
  size_t i;
  (void)user, (void)worker, (void)throws;
  if (catena_task_normals(task, n, step) != 0) return 1;
  for (i = 0; i < n; ++i) models[i] = reflected(models[i] + STEP * step[i]);
  return 0;
}

/* Uniform on [0, 1): SplitMix64. */
static double uniform(void) {
  static uint64_t state = 2026;
  uint64_t z = state += UINT64_C(0x9E3779B97F4A7C15);
  z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
  return (double)((z ^ (z >> 31)) >> 11) / 9007199254740992.0;
}

/* The coin's days, and the heads seen. */
static void live(double *bias, double *heads) {
  int day, i;
  double p = 0.3;
  for (day = 0; day < DAYS; ++day) {
    bias[day] = p;
    for (heads[day] = 0, i = 0; i < THROWS; ++i) heads[day] += uniform() < p;
    /* A normal number by Box and Muller. */
    p = reflected(p + STEP * sqrt(-2 * log(1 - uniform())) * cos(6.283185307179586 * uniform()));
  }
}

#define POINTS 2000

/* Mean and standard deviation of the law that a grid holds. */
static void moments(const double *law, double *mean, double *deviation) {
  double sum = 0, first = 0, second = 0;
  int i;
  for (i = 0; i < POINTS; ++i) {
    const double p = (i + 0.5) / POINTS;
    sum += law[i];
    first += law[i] * p;
    second += law[i] * p * p;
  }
  *mean = first / sum;
  *deviation = sqrt(second / sum - *mean * *mean);
}

/* The law of the bias after the last count and the night that follows, as the sets have it. */
static void by_grid(const double *heads, double *mean, double *deviation) {
  static double law[POINTS], next[POINTS], kernel[POINTS];
  const int reach = (int)(6 * STEP * POINTS);
  int day, i, j;
  for (j = 0; j <= reach; ++j) kernel[j] = exp(-0.5 * pow(j / (STEP * POINTS), 2));
  for (i = 0; i < POINTS; ++i) law[i] = 1;
  for (day = 0; day < DAYS; ++day) {
    double sum = 0;
    for (i = 0; i < POINTS; ++i) {
      const double p = (i + 0.5) / POINTS;
      law[i] *= pow(p, heads[day]) * pow(1 - p, THROWS - heads[day]);
      sum += law[i];
      next[i] = 0;
    }
    for (i = 0; i < POINTS; ++i)
      for (j = -reach; j <= reach; ++j) {
        int to = i + j;
        to = to < 0 ? -1 - to : to >= POINTS ? 2 * POINTS - 1 - to : to;
        next[to] += law[i] / sum * kernel[abs(j)];
      }
    memcpy(law, next, sizeof law);
  }
  moments(law, mean, deviation);
}

static void check(catena_status status, catena_error *error) {
  if (status == CATENA_OK) return;
  fprintf(stderr, "%s\n", catena_error_message(error));
  exit(EXIT_FAILURE);
}

int main(void) {
  static const char *const parameters[] = {"bias"}, *const fields[] = {"throws"};
  static const int32_t kinds[] = {CATENA_NUMBER_INTEGER};
  static double bias[DAYS], heads[DAYS];
  const double low = 0, high = 1, throws = THROWS;
  catena_likelihood model;
  catena_updater_options options;
  catena_prior *prior = NULL;
  catena_updater *updater = NULL;
  catena_error *error = NULL;
  double mean, variance, standard_error, exact, deviation;
  int day;

  memset(&model, 0, sizeof model);
  model.struct_size = sizeof model;
  model.num_parameters = 1;
  model.parameter_names = parameters;
  model.num_fields = 1;
  model.field_names = fields;
  model.field_kinds = kinds;
  model.outcome_kind = CATENA_NUMBER_INTEGER;
  model.likelihood = likelihood;
  model.num_outcomes = num_outcomes;
  model.are_valid = are_valid;
  model.update_timestep = update_timestep;

  check(catena_updater_options_init(&options, sizeof options, &error), error);
  options.num_sets = SETS;
  options.num_models = MODELS;
  options.seed = 11;
  /* The drift moves the models apart: copies serve, no smoothing is wanted. */
  options.resampler = CATENA_RESAMPLER_COPIES;

  check(catena_prior_uniform_new(1, &low, &high, &prior, &error), error);
  check(catena_updater_new(&model, prior, &options, NULL, NULL, &updater, &error), error);
  live(bias, heads);
  for (day = 0; day < DAYS; ++day) {
    check(catena_updater_update(updater, &heads[day], &throws, &error), error);
    check(catena_updater_means(updater, &mean, &standard_error, 1, &error), error);
    if (day % 20 == 19) printf("day %d: %2.0f heads of %d, bias %.3f, estimated %.3f\n", day + 1, heads[day], THROWS, bias[day], mean);
  }
  check(catena_updater_covariance(updater, &variance, 1, &error), error);
  by_grid(heads, &exact, &deviation);
  printf("resampled %d times, standard deviation %.4f, on the grid %.4f\n", (int)catena_updater_resamples(updater, 1),
         sqrt(variance), deviation);
  printf("bias: mean %.5f, standard error %.5f, grid %.5f\n", mean, standard_error, exact);
  catena_updater_free(updater);
  catena_prior_free(prior);
  return 0;
}
