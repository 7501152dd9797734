/* How well one gate works, by interleaved randomised benchmarking (Magesan et al. 2012, Physical Review Letters 109, 080505).
 *
 *   a sequence of m random gates survives with probability      A p^m + B
 *   one with the gate in question after each of them with       A (p_ref p_gate)^m + B
 *   an experiment counts the survivors among SHOTS sequences of one length and kind
 *
 * A and B hold what preparation and measurement do, p_ref the errors of the random gates, p_gate that of the gate alone. All
 * four are learnt from the same counts by four independent sets of weighted models; the last line has the gate's p, its error
 * rate being (1 - p) / 2 for one qubit. */
#include <catena.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETS 4
#define MODELS 20000
#define SHOTS 100
#define LENGTHS 30
#define STRIDE 10

enum { P_GATE, P_REF, A, B, PARAMETERS };
enum { LENGTH, INTERLEAVED, FIELDS };

static const double TRUTH[PARAMETERS] = {0.995, 0.99, 0.45, 0.5};

/* Models come in blocks of at most this many. */
enum { BLOCK = 1024 };

/* x to the power n. */
static double power(double x, int n) {
  double y = 1;
  for (; n > 0; n >>= 1, x *= x)
    if (n & 1) y *= x;
  return y;
}

static double survival(double p_gate, double p_ref, double a, double b, int length, int interleaved) {
  return a * power(interleaved ? p_gate * p_ref : p_ref, length) + b;
}

static double choose(int n, int k) { return exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)); }

/* out[(e * n_o + o) * n_m + m]: counts, models, experiments. */
static int likelihood(void *user, void *worker, void *context, catena_task *task, size_t n_o, const double *outcomes,
                      size_t n_m, const double *models, size_t n_e, const double *experiments, double *out) {
  double p[BLOCK];
  size_t e, o, m;
  (void)user, (void)worker, (void)context, (void)task;
  for (e = 0; e < n_e; ++e) {
    const int length = (int)experiments[LENGTH * n_e + e], interleaved = experiments[INTERLEAVED * n_e + e] != 0;
    for (m = 0; m < n_m; ++m)
      p[m] = survival(models[P_GATE * n_m + m], models[P_REF * n_m + m], models[A * n_m + m], models[B * n_m + m], length,
                      interleaved);
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

/* Decays between 0 and 1, and probabilities at every length. */
static int are_valid(void *user, void *worker, catena_task *task, size_t n, const double *models, uint8_t *valid) {
  const double *gate = models + P_GATE * n, *ref = models + P_REF * n, *a = models + A * n, *b = models + B * n;
  size_t i;
  (void)user, (void)worker, (void)task;
  for (i = 0; i < n; ++i)
    valid[i] = gate[i] >= 0 && gate[i] <= 1 && ref[i] >= 0 && ref[i] <= 1 && a[i] >= 0 && b[i] >= 0 && a[i] + b[i] <= 1;
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

static void check(catena_status status, catena_error *error) {
  if (status == CATENA_OK) return;
  fprintf(stderr, "%s\n", catena_error_message(error));
  exit(EXIT_FAILURE);
}

int main(void) {
  static const char *const parameters[] = {"p_gate", "p_ref", "A", "B"}, *const fields[] = {"m", "interleaved"};
  static const int32_t kinds[] = {CATENA_NUMBER_INTEGER, CATENA_NUMBER_INTEGER};
  /* What is known of such devices beforehand: normal, cut to what is possible. */
  static const double centre[PARAMETERS] = {0.98, 0.98, 0.45, 0.5}, width[PARAMETERS] = {0.02, 0.02, 0.05, 0.05};
  static double counts[2 * LENGTHS], experiments[FIELDS * 2 * LENGTHS];
  double normal[PARAMETERS * PARAMETERS] = {0}, mean[PARAMETERS], standard_error[PARAMETERS],
                                      covariance[PARAMETERS * PARAMETERS];
  catena_likelihood model;
  catena_updater_options options;
  catena_prior *prior = NULL;
  catena_updater *updater = NULL;
  catena_error *error = NULL;
  const size_t n = 2 * LENGTHS;
  size_t i;
  int j;

  for (i = 0; i < n; ++i) {
    const int length = STRIDE * (int)(i / 2 + 1), interleaved = (int)(i % 2);
    const double p = survival(TRUTH[P_GATE], TRUTH[P_REF], TRUTH[A], TRUTH[B], length, interleaved);
    experiments[LENGTH * n + i] = length;
    experiments[INTERLEAVED * n + i] = interleaved;
    for (j = 0; j < SHOTS; ++j) counts[i] += uniform() < p;
  }

  memset(&model, 0, sizeof model);
  model.struct_size = sizeof model;
  model.num_parameters = PARAMETERS;
  model.parameter_names = parameters;
  model.num_fields = FIELDS;
  model.field_names = fields;
  model.field_kinds = kinds;
  model.outcome_kind = CATENA_NUMBER_INTEGER;
  model.likelihood = likelihood;
  model.num_outcomes = num_outcomes;
  model.are_valid = are_valid;

  check(catena_updater_options_init(&options, sizeof options, &error), error);
  options.num_sets = SETS;
  options.num_models = MODELS;
  options.seed = 17;
  for (j = 0; j < PARAMETERS; ++j) normal[j * PARAMETERS + j] = width[j] * width[j];
  check(catena_prior_normal_new(PARAMETERS, centre, normal, &prior, &error), error);
  check(catena_updater_new(&model, prior, &options, NULL, NULL, &updater, &error), error);
  check(catena_updater_batch_update(updater, n, counts, experiments, 5, &error), error);
  check(catena_updater_means(updater, mean, standard_error, PARAMETERS, &error), error);
  check(catena_updater_covariance(updater, covariance, PARAMETERS * PARAMETERS, &error), error);
  printf("%d experiments of %d sequences, up to %d gates; resampled %d times\n", (int)n, SHOTS, STRIDE * LENGTHS,
         (int)catena_updater_resamples(updater, 1));
  for (j = PARAMETERS - 1; j >= 0; --j)
    printf("%s: mean %.5f, standard deviation %.5f, standard error %.5f, truth %.5f\n", parameters[j], mean[j],
           sqrt(covariance[j * PARAMETERS + j]), standard_error[j], TRUTH[j]);
  catena_updater_free(updater);
  catena_prior_free(prior);
  return 0;
}
