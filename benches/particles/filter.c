/* Catena's half of benches/particles: bootstrap filters of two models, and weighting and resampling against a copy.
 *
 *   filter filter MODEL PARTICLES THREADS REPEATS   prints the nanoseconds per particle and step of the quickest repeat,
 *                                                   and the log evidence
 *   filter memory PARTICLES                         one filter of so many particles, for its peak memory */
#define _POSIX_C_SOURCE 200809L
#include <catena.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define TIMES 100

static double y[TIMES];

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The models are those of the Python package: LinearGauss(sigmaX=1, sigmaY=0.2, rho=0.9) and StochVol(mu=-1, rho=0.9,
 * sigma=0.3), with its constants left in. */
static int linear_initial(void *user, void *worker, catena_task *task, size_t n, double *states) {
  const double sd = 1 / sqrt(1 - 0.9 * 0.9);
  (void)user, (void)worker;
  if (catena_task_normals(task, n, states)) return -1;
  for (size_t i = 0; i < n; ++i) states[i] *= sd;
  return 0;
}

static int linear_transition(void *user, void *worker, catena_task *task, size_t time, size_t n,
                             const double *restrict previous, double *restrict states) {
  (void)user, (void)worker, (void)time;
  if (catena_task_normals(task, n, states)) return -1;
  for (size_t i = 0; i < n; ++i) states[i] += 0.9 * previous[i];
  return 0;
}

static int linear_log_weight(void *user, void *worker, catena_task *task, size_t time, size_t n, const double *previous,
                             const double *restrict states, double *restrict log_weights) {
  const double constant = -0.91893853320467274 - log(0.2);
  (void)user, (void)worker, (void)task, (void)previous;
  for (size_t i = 0; i < n; ++i) {
    const double z = (y[time] - states[i]) / 0.2;
    log_weights[i] = constant - 0.5 * z * z;
  }
  return 0;
}

static int volatility_initial(void *user, void *worker, catena_task *task, size_t n, double *states) {
  const double sd = 0.3 / sqrt(1 - 0.9 * 0.9);
  (void)user, (void)worker;
  if (catena_task_normals(task, n, states)) return -1;
  for (size_t i = 0; i < n; ++i) states[i] = -1 + sd * states[i];
  return 0;
}

static int volatility_transition(void *user, void *worker, catena_task *task, size_t time, size_t n,
                                 const double *restrict previous, double *restrict states) {
  (void)user, (void)worker, (void)time;
  if (catena_task_normals(task, n, states)) return -1;
  for (size_t i = 0; i < n; ++i) states[i] = -1 + 0.9 * (previous[i] + 1) + 0.3 * states[i];
  return 0;
}

static int volatility_log_weight(void *user, void *worker, catena_task *task, size_t time, size_t n,
                                 const double *previous, const double *restrict states, double *restrict log_weights) {
  (void)user, (void)worker, (void)task, (void)previous;
  for (size_t i = 0; i < n; ++i)
    log_weights[i] = -0.91893853320467274 - 0.5 * (states[i] + y[time] * y[time] * exp(-states[i]));
  return 0;
}

/* The same observations in both languages: a deterministic series of the right size. */
static void observe(int volatility) {
  for (int t = 0; t < TIMES; ++t)
    y[t] = volatility ? 0.9 * sin(1.7 * t + 0.3 * t * t) : 2 * sin(0.35 * t) + 0.5 * cos(2.1 * t);
}

static catena_state_space model_of(const char *name) {
  const int volatility = strcmp(name, "volatility") == 0;
  catena_state_space model = {.struct_size = sizeof model, .dimension = 1};
  model.initial = volatility ? volatility_initial : linear_initial;
  model.transition = volatility ? volatility_transition : linear_transition;
  model.log_weight = volatility ? volatility_log_weight : linear_log_weight;
  observe(volatility);
  return model;
}

static double run(const catena_state_space *model, const catena_filter_options *options) {
  catena_filter *filter = NULL;
  catena_error *error = NULL;
  if (catena_filter_run(model, options, NULL, NULL, &filter, &error) != CATENA_OK) {
    fprintf(stderr, "%s\n", catena_error_message(error));
    exit(1);
  }
  const double log_evidence = catena_filter_log_evidence(filter);
  catena_filter_free(filter);
  return log_evidence;
}

int main(int argc, char **argv) {
  catena_filter_options options;
  catena_filter_options_init(&options, sizeof options, NULL);
  if (argc == 6 && strcmp(argv[1], "filter") == 0) {
    const catena_state_space model = model_of(argv[2]);
    catena_pool *pool = NULL;
    double best = INFINITY, log_evidence = 0;
    options.num_particles = strtoul(argv[3], NULL, 10);
    options.num_times = TIMES;
    options.moments = 0;
    if (catena_pool_new(strtoul(argv[4], NULL, 10), &pool, NULL)) return 1;
    options.pool = pool;
    for (long repeat = strtol(argv[5], NULL, 10); repeat > 0; --repeat) {
      const double start = now();
      ++options.seed;
      log_evidence = run(&model, &options);
      best = fmin(best, now() - start);
    }
    catena_pool_free(pool);
    printf("%.3f %.4f\n", best * 1e9 / ((double)options.num_particles * TIMES), log_evidence);
    return 0;
  }
  if (argc == 3 && strcmp(argv[1], "memory") == 0) {
    const catena_state_space model = model_of("linear");
    struct rusage usage;
    options.num_particles = strtoul(argv[2], NULL, 10);
    options.num_times = 5;
    options.moments = 0;
    const double start = now();
    run(&model, &options);
    getrusage(RUSAGE_SELF, &usage);
    printf("%zu particles: %.1f s, peak %.1f MB, %.2f bytes per particle\n", options.num_particles, now() - start,
           (double)usage.ru_maxrss / 1024, (double)usage.ru_maxrss * 1024 / (double)options.num_particles);
    return 0;
  }
  fprintf(stderr, "usage: filter filter linear|volatility PARTICLES THREADS REPEATS | memory PARTICLES\n");
  return 2;
}
