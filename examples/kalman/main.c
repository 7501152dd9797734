/* The local-level model of the flow of the Nile at Aswan, 1871 to 1970, by independent sets of weighted traces.
 *
 *   level:  m[1] ~ N(1120, 1e4),  m[t] ~ N(m[t-1], 1469.1)
 *   flow:   y[t] ~ N(m[t], 15099)
 *
 * with the variances of Durbin and Koopman (2012), Time Series Analysis by State Space Methods, section 2.2.5. Each trace is
 * the host's own value: the path of levels so far. The library moves, weighs and resamples traces in eight sets, in
 * parallel; the evidence and its error over the sets are set beside the exact one by a Kalman filter. */
#include <catena.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETS 8
#define PARTICLES 1000

static const double LEVEL_VARIANCE = 1469.1, FLOW_VARIANCE = 15099, FIRST_MEAN = 1120, FIRST_VARIANCE = 1e4;

/* Annual flow in 10^8 cubic metres; public domain (as in statsmodels' data set "nile"). */
static const double flow[] = {
    1120, 1160, 963,  1210, 1160, 1160, 813,  1230, 1370, 1140, 995,  935,  1110, 994,  1020, 960,  1180,
    799,  958,  1140, 1100, 1210, 1150, 1250, 1260, 1220, 1030, 1100, 774,  840,  874,  694,  940,  833,
    701,  916,  692,  1020, 1050, 969,  831,  726,  456,  824,  702,  1120, 1100, 832,  764,  821,  768,
    845,  864,  862,  698,  845,  744,  796,  1040, 759,  781,  865,  845,  944,  984,  897,  822,  1010,
    771,  676,  649,  846,  812,  742,  801,  1040, 860,  874,  848,  890,  744,  749,  838,  1050, 918,
    986,  797,  923,  975,  815,  1020, 906,  901,  1170, 912,  746,  919,  718,  714,  740};
enum { YEARS = sizeof flow / sizeof *flow };

/* A trace: the levels up to now. */
typedef struct {
  size_t years;
  double level[YEARS];
} path;

/* Operations of this host. */
enum { STEP = 1, OBSERVE = 2 };

static double log_normal(double x, double mean, double variance) {
  const double two_pi = 6.283185307179586;
  return -0.5 * (log(two_pi * variance) + (x - mean) * (x - mean) / variance);
}

static int create(void *user, catena_task *task, void **trace) {
  path *p = calloc(1, sizeof *p);
  (void)user;
  if (!p) {
    catena_task_message(task, "out of memory");
    return -1;
  }
  p->level[0] = FIRST_MEAN + sqrt(FIRST_VARIANCE) * catena_task_normal(task);
  p->years = 1;
  *trace = p;
  return 0;
}

static void release_path(void *user, void *trace) {
  (void)user;
  free(trace);
}

static int copy(void *user, const void *trace, catena_task *task, void **out) {
  path *p = malloc(sizeof *p);
  (void)user;
  if (!p) {
    catena_task_message(task, "out of memory");
    return -1;
  }
  memcpy(p, trace, sizeof *p);
  *out = p;
  return 0;
}

static int apply(void *user, void *trace, int64_t operation, const void *argument, size_t size, catena_task *task,
                 double *log_increment) {
  path *p = trace;
  const double now = p->level[p->years - 1];
  (void)user, (void)size;
  switch (operation) {
    case STEP:
      p->level[p->years++] = now + sqrt(LEVEL_VARIANCE) * catena_task_normal(task);
      return 0;
    case OBSERVE: {
      double y;
      memcpy(&y, argument, sizeof y);
      *log_increment = log_normal(y, now, FLOW_VARIANCE);
      return 0;
    }
    default: catena_task_message(task, "no such operation"); return -1;
  }
}

/* The level in the last year. */
static int report(void *user, const void *trace, int64_t what, catena_task *task, size_t width, double *out) {
  const path *p = trace;
  (void)user, (void)what, (void)task, (void)width;
  *out = p->level[p->years - 1];
  return 0;
}

/* Log evidence and mean of the last level, exactly. */
static double kalman(double *mean) {
  double m = FIRST_MEAN, variance = FIRST_VARIANCE, log_evidence = 0;
  size_t t;
  for (t = 0; t < YEARS; ++t) {
    double gain;
    if (t > 0) variance += LEVEL_VARIANCE;
    log_evidence += log_normal(flow[t], m, variance + FLOW_VARIANCE);
    gain = variance / (variance + FLOW_VARIANCE);
    m += gain * (flow[t] - m);
    variance *= 1 - gain;
  }
  *mean = m;
  return log_evidence;
}

static void check(catena_status status, catena_error *error) {
  if (status == CATENA_OK) return;
  fprintf(stderr, "%s\n", catena_error_message(error));
  exit(EXIT_FAILURE);
}

int main(void) {
  static double level[SETS * PARTICLES], weight[SETS * PARTICLES];
  catena_traces traces;
  catena_options *options = NULL;
  catena_population *population = NULL;
  catena_error *error = NULL;
  double mean = 0, exact_mean, exact, estimate, standard_error;
  size_t t, i;

  memset(&traces, 0, sizeof traces);
  traces.struct_size = sizeof traces;
  traces.create = create;
  traces.free = release_path;
  traces.copy = copy;
  traces.apply = apply;
  traces.report = report;

  check(catena_options_new(&options, &error), error);
  check(catena_options_set(options, "seed", "1871", &error), error);
  /* Who descends from whom, for the line on paths below. */
  check(catena_options_set(options, "genealogy", "true", &error), error);
  /* These operations can't fail on the way, so that they need no copies to fall back on. */
  check(catena_options_set(options, "on_trace_failure", "lose", &error), error);
  check(catena_population_new(&traces, options, NULL, &population, &error), error);
  check(catena_population_reinitialize(population, SETS, PARTICLES, &error), error);

  for (t = 0; t < YEARS; ++t) {
    if (t > 0) check(catena_population_apply(population, STEP, NULL, 0, &error), error);
    check(catena_population_apply(population, OBSERVE, &flow[t], sizeof flow[t], &error), error);
    /* Where the effective sample size is below half of the traces. */
    check(catena_population_resample(population, 0, CATENA_RESAMPLING_SYSTEMATIC, 0.5, &error), error);
  }

  check(catena_population_report(population, CATENA_WHICH_ALL, 0, 1, level, SETS * PARTICLES, &error), error);
  check(catena_population_pooled_weights(population, weight, SETS * PARTICLES, &error), error);
  for (i = 0; i < SETS * PARTICLES; ++i) mean += weight[i] * level[i];
  exact = kalman(&exact_mean);
  for (i = 0; i < SETS; ++i) {
    const uint64_t id = catena_population_set_id(population, i);
    size_t first = 0, generations;
    static size_t ancestors[YEARS + 1];
    check(catena_population_distinct_ancestors(population, id, ancestors, YEARS + 1, &generations, &error), error);
    first = ancestors[0];
    printf("set %d: log evidence %.3f, effective sample size %.0f of %d, %zu of %d founders have descendants\n", (int)id,
           catena_population_log_evidence(population, id), catena_population_ess(population, id), PARTICLES, first, PARTICLES);
  }
  printf("level in 1970: estimate %.1f, exact %.1f\n", mean, exact_mean);
  estimate = catena_population_pooled_log_evidence(population, &standard_error);
  printf("log evidence: estimate %.4f, standard error %.4f, exact %.4f\n", estimate, standard_error, exact);

  catena_population_free(population);
  catena_options_free(options);
  return 0;
}
