/* Particle filters through the ABI: right, with equal bits however they are run, and nothing leaked when callbacks fail. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"
#include <math.h>
#include <pthread.h>
#include <time.h>

#define TIMES 6
#define A 0.9
#define Q 0.5
#define R 0.7
#define LOG_2_PI 1.8378770664093453

static const double observations[TIMES] = {0.3, -0.8, 1.1, 0.4, -0.2, 0.9};

/* x_0 ~ N(0, 1), x_t = A x_{t-1} + N(0, Q), y_t = x_t + N(0, R); d copies that see the same y. */
typedef struct linear {
  pthread_mutex_t lock;
  size_t d;
  int workers_made, workers_freed, released;
  /* The call of any callback, counted from 1, that fails. */
  long calls, bad_call;
  /* Time at which all log weights, or that of one particle, are `value`. */
  size_t bad_time, bad_particle;
  double value;
  int one_by_one;
  pthread_t caller;
  int elsewhere;
} linear;

static int called(linear *m, catena_task *task) {
  long call;
  pthread_mutex_lock(&m->lock);
  call = ++m->calls;
  m->elsewhere += !pthread_equal(m->caller, pthread_self());
  pthread_mutex_unlock(&m->lock);
  if (call != m->bad_call) return 0;
  if (task) catena_task_message(task, "planted");
  return -1;
}

static double log_normal(double x, double mean, double variance) {
  return -0.5 * ((x - mean) * (x - mean) / variance + LOG_2_PI + log(variance));
}

static void released(void *user) { ++((linear *)user)->released; }

static int worker_new(void *user, void **worker) {
  linear *m = user;
  if (called(m, NULL)) return 1;
  *worker = malloc(1);
  pthread_mutex_lock(&m->lock);
  ++m->workers_made;
  pthread_mutex_unlock(&m->lock);
  return 0;
}

static void worker_free(void *user, void *worker) {
  linear *m = user;
  pthread_mutex_lock(&m->lock);
  ++m->workers_freed;
  pthread_mutex_unlock(&m->lock);
  free(worker);
}

static int normals(linear *m, catena_task *task, size_t n, double *x) {
  size_t i;
  if (!m->one_by_one) return catena_task_normals(task, n * m->d, x);
  for (i = 0; i < n * m->d; ++i) x[i] = catena_task_normal(task);
  return 0;
}

static int initial(void *user, void *worker, catena_task *task, size_t n, double *states) {
  linear *m = user;
  CHECK(worker != NULL && catena_task_chain_id(task) >= 1);
  if (called(m, task)) return -1;
  return normals(m, task, n, states);
}

static int transition(void *user, void *worker, catena_task *task, size_t time, size_t n, const double *previous,
                      double *states) {
  linear *m = user;
  size_t i;
  CHECK(worker != NULL && time > 0 && time < TIMES);
  if (called(m, task) || normals(m, task, n, states)) return -1;
  for (i = 0; i < n * m->d; ++i) states[i] = A * previous[i] + sqrt(Q) * states[i];
  return 0;
}

static int log_weight(void *user, void *worker, catena_task *task, size_t time, size_t n, const double *previous,
                      const double *states, double *log_weights) {
  linear *m = user;
  size_t i, j;
  (void)worker;
  CHECK((previous == NULL) == (time == 0));
  if (called(m, task)) return 1;
  for (i = 0; i < n; ++i) {
    log_weights[i] = 0;
    for (j = 0; j < m->d; ++j) log_weights[i] += log_normal(observations[time], states[j * n + i], R);
    if (m->bad_time == time && (m->bad_particle == i || m->bad_particle == SIZE_MAX)) log_weights[i] = m->value;
  }
  return 0;
}

static int propose(void *user, void *worker, catena_task *task, size_t time, size_t n, const double *previous,
                   double *states) {
  linear *m = user;
  const double variance = time ? Q : 1, gain = variance / (variance + R);
  size_t i;
  (void)worker;
  if (called(m, task) || normals(m, task, n, states)) return -1;
  for (i = 0; i < n * m->d; ++i) {
    const double mean = time ? A * previous[i] : 0;
    states[i] = mean + gain * (observations[time] - mean) + sqrt(variance * (1 - gain)) * states[i];
  }
  return 0;
}

static int proposal_log_weight(void *user, void *worker, catena_task *task, size_t time, size_t n,
                               const double *previous, const double *states, double *log_weights) {
  linear *m = user;
  size_t i, j;
  (void)worker, (void)states;
  if (called(m, task)) return -1;
  for (i = 0; i < n; ++i)
    for (log_weights[i] = 0, j = 0; j < m->d; ++j)
      log_weights[i] += log_normal(observations[time], time ? A * previous[j * n + i] : 0, (time ? Q : 1) + R);
  return 0;
}

static int auxiliary_log_weight(void *user, void *worker, catena_task *task, size_t time, size_t n,
                                const double *previous, double *log_weights) {
  linear *m = user;
  size_t i, j;
  (void)worker;
  if (called(m, task)) return -1;
  for (i = 0; i < n; ++i)
    for (log_weights[i] = 0, j = 0; j < m->d; ++j)
      log_weights[i] += log_normal(observations[time], A * previous[j * n + i], 1.5 * (Q + R));
  return 0;
}

static int transition_log_density(void *user, void *worker, catena_task *task, size_t time, size_t n,
                                  const double *previous, const double *states, double *log_densities) {
  linear *m = user;
  size_t i, j;
  (void)worker, (void)time;
  if (called(m, task)) return -1;
  for (i = 0; i < n; ++i)
    for (log_densities[i] = 0, j = 0; j < m->d; ++j)
      log_densities[i] += log_normal(states[j * n + i], A * previous[j * n + i], Q);
  return 0;
}

static void linear_init(linear *m, size_t d) {
  memset(m, 0, sizeof *m);
  CHECK_INT(pthread_mutex_init(&m->lock, NULL), 0);
  m->d = d;
  m->bad_time = SIZE_MAX;
  m->caller = pthread_self();
}

static catena_state_space table_of(linear *m) {
  catena_state_space t;
  memset(&t, 0, sizeof t);
  t.struct_size = sizeof t;
  t.user = m;
  t.release = released;
  t.dimension = m->d;
  t.worker_new = worker_new;
  t.worker_free = worker_free;
  t.initial = initial;
  t.transition = transition;
  t.log_weight = log_weight;
  t.propose = propose;
  t.proposal_log_weight = proposal_log_weight;
  t.auxiliary_log_weight = auxiliary_log_weight;
  t.transition_log_density = transition_log_density;
  return t;
}

static catena_filter_options options_of(size_t sets, size_t particles) {
  catena_filter_options o;
  catena_error *error = NULL;
  memset(&o, 0xA5, sizeof o);
  CHECK_OK(catena_filter_options_init(&o, sizeof o, &error));
  o.num_sets = sets;
  o.num_particles = particles;
  o.num_times = TIMES;
  o.seed = 11;
  return o;
}

static double exact(size_t d) {
  double mean = 0, variance = 1, sum = 0;
  size_t t;
  for (t = 0; t < TIMES; ++t) {
    double gain;
    if (t) mean *= A, variance = A * A * variance + Q;
    sum += (double)d * log_normal(observations[t], mean, variance + R);
    gain = variance / (variance + R);
    mean += gain * (observations[t] - mean);
    variance *= 1 - gain;
  }
  return sum;
}

static void test_evidence(void) {
  static const int kinds[] = {CATENA_FILTER_BOOTSTRAP, CATENA_FILTER_GUIDED, CATENA_FILTER_AUXILIARY};
  catena_error *error = NULL;
  size_t k;
  printf("the evidence is that of the Kalman filter\n");
  for (k = 0; k < 3; ++k) {
    linear m;
    catena_filter *filter = NULL;
    catena_filter_options o = options_of(50, 400);
    catena_state_space t;
    double e, off, ess[TIMES], series[TIMES], means[2 * TIMES], variances[2 * TIMES];
    linear_init(&m, 2);
    t = table_of(&m);
    o.kind = kinds[k];
    CHECK_OK(catena_filter_run(&t, &o, NULL, NULL, &filter, &error));
    CHECK_INT(m.released, 1);
    CHECK(m.workers_made > 0 && m.workers_made == m.workers_freed);
    CHECK_INT(catena_filter_num_sets(filter), 50);
    CHECK_INT(catena_filter_set_id(filter, 49), 50);
    CHECK_INT(catena_filter_num_times(filter, 3), TIMES);
    CHECK_INT(catena_filter_set_status(filter, 3), CATENA_OK);
    e = catena_filter_standard_error(filter);
    CHECK_BETWEEN(e, 1e-4, 0.1);
    off = (catena_filter_log_evidence(filter) - exact(2)) / e;
    CHECK_BETWEEN(off, -4, 4);
    CHECK_OK(catena_filter_ess(filter, 0, ess, TIMES, &error));
    CHECK_BETWEEN(ess[0], 1, 400);
    CHECK_OK(catena_filter_log_evidences(filter, 0, series, TIMES, &error));
    CHECK(series[TIMES - 1] == catena_filter_set_log_evidence(filter, 0));
    CHECK_OK(catena_filter_means(filter, 0, means, 2 * TIMES, &error));
    CHECK_OK(catena_filter_variances(filter, 0, variances, 2 * TIMES, &error));
    CHECK_BETWEEN(means[0], 0.3 / 1.7 - 0.2, 0.3 / 1.7 + 0.2);
    CHECK_BETWEEN(variances[1], 0.2, 0.7);
    catena_filter_free(filter);
  }
}

#define PARTICLES 3000
#define TRAJECTORIES 20

/* Everything that can be read of a run of three sets. */
typedef struct reading {
  double states[3][PARTICLES * 2], log_weights[3][PARTICLES], series[3][TIMES], drawn[3][TIMES * 2 * TRAJECTORIES];
  uint32_t ancestors[3][PARTICLES];
} reading;

static void read_sets(const catena_state_space *t, const catena_filter_options *o, reading *r) {
  catena_error *error = NULL;
  catena_filter *filter = NULL;
  size_t s;
  CHECK_OK(catena_filter_run(t, o, NULL, NULL, &filter, &error));
  for (s = 0; s < o->num_sets; ++s) {
    const size_t at = (size_t)(catena_filter_set_id(filter, s) - 1);
    CHECK_OK(catena_filter_particles(filter, s, TIMES - 1, PARTICLES, r->states[at], r->log_weights[at],
                                     r->ancestors[at], &error));
    CHECK_OK(catena_filter_log_evidences(filter, s, r->series[at], TIMES, &error));
    CHECK_OK(catena_filter_trajectories(filter, s, r->drawn[at], TIMES * 2 * TRAJECTORIES, &error));
  }
  catena_filter_free(filter);
}

static void test_bits(void) {
  reading *first = calloc(1, sizeof *first), *other = calloc(1, sizeof *other);
  int run;
  printf("equal bits on any number of threads, in any cut and any grouping\n");
  for (run = 0; run < 7; ++run) {
    linear m;
    catena_state_space t;
    catena_filter_options o = options_of(3, PARTICLES);
    linear_init(&m, 2);
    t = table_of(&m);
    o.num_threads = run == 1 ? 2 : run == 2 ? 4 : 1;
    o.num_trajectories = TRAJECTORIES;
    t.threading = run == 3 || run == 4 ? CATENA_THREADS_CALLER : CATENA_THREADS_ANY;
    t.whole_sets = run == 4 || run == 5;
    memset(other, 0, sizeof *other);
    if (run < 6) {
      read_sets(&t, &o, run ? other : first);
    } else {
      o.num_sets = 1;
      read_sets(&t, &o, other);
      o.num_sets = o.init_set_id = 2;
      read_sets(&t, &o, other);
    }
    if (t.threading == CATENA_THREADS_CALLER) CHECK_INT(m.elsewhere, 0);
    if (run) CHECK(memcmp(first, other, sizeof *first) == 0);
  }
  free(first);
  free(other);
}

static void test_failures(void) {
  static const int kinds[] = {CATENA_FILTER_BOOTSTRAP, CATENA_FILTER_GUIDED, CATENA_FILTER_AUXILIARY};
  catena_error *error = NULL;
  size_t k;
  printf("each callback fails once at each call, and nothing is leaked\n");
  for (k = 0; k < 3; ++k) {
    long bad = 0, last = 1;
    for (bad = 0; bad <= last; ++bad) {
      linear m;
      catena_filter *filter = (catena_filter *)&m;
      catena_filter_options o = options_of(2, 1500);
      catena_state_space t;
      linear_init(&m, 1);
      t = table_of(&m);
      m.bad_call = bad;
      o.kind = kinds[k];
      o.num_trajectories = 2;
      o.num_threads = 1 + (size_t)bad % 2;
      t.threading = bad % 3 ? CATENA_THREADS_ANY : CATENA_THREADS_CALLER;
      if (bad == 0) {
        CHECK_OK(catena_filter_run(&t, &o, NULL, NULL, &filter, &error));
        /* How many workers are made depends on time; all other calls are counted. */
        last = m.calls - m.workers_made;
      } else {
        catena_status status = catena_filter_run(&t, &o, NULL, NULL, &filter, &error);
        CHECK_INT(status, CATENA_MODEL);
        CHECK(filter == NULL && error != NULL && catena_error_set(error) >= 1);
        CHECK(strstr(catena_error_message(error), "planted") || strstr(catena_error_message(error), "worker"));
        catena_error_free(error);
        error = NULL;
      }
      CHECK_INT(m.released, 1);
      CHECK_INT(m.workers_made, m.workers_freed);
      catena_filter_free(filter);
    }
    CHECK(last > 20);
  }
}

static void test_weights(void) {
  linear m;
  catena_error *error = NULL;
  catena_filter *filter = NULL;
  catena_filter_options o = options_of(2, 8);
  catena_state_space t;
  double x[8], w[8];
  printf("lost particles, and weights that are none\n");
  linear_init(&m, 1);
  t = table_of(&m);
  m.bad_time = 1;
  m.bad_particle = SIZE_MAX;
  m.value = -INFINITY;
  CHECK_FAILS(catena_filter_run(&t, &o, NULL, NULL, &filter, &error), CATENA_ALL_LOST, NULL, "set 1", "time 1");
  CHECK(filter != NULL && catena_filter_log_evidence(filter) == -INFINITY);
  CHECK_INT(catena_filter_set_status(filter, 1), CATENA_ALL_LOST);
  CHECK_INT(catena_filter_num_times(filter, 1), 2);
  CHECK_OK(catena_filter_particles(filter, 1, 1, 8, x, w, NULL, &error));
  CHECK(isfinite(x[0]) && w[7] == -INFINITY);
  catena_filter_free(filter);
  m.bad_particle = 5;
  m.value = NAN;
  CHECK_FAILS(catena_filter_run(&t, &o, NULL, NULL, &filter, &error), CATENA_MODEL, NULL, "particle 5", "time 1");
  CHECK(filter == NULL);
  m.value = INFINITY;
  CHECK_FAILS(catena_filter_run(&t, &o, NULL, NULL, &filter, &error), CATENA_MODEL, NULL, "set 1", "inf");
  CHECK_INT(m.released, 3);
}

static int requested(void *user) { return ++*(int *)user > 3; }

static int sleepy(void *user, void *worker, catena_task *task, size_t time, size_t n, const double *previous,
                  double *states) {
  const struct timespec while_ = {0, 2000000};
  nanosleep(&while_, NULL);
  return transition(user, worker, task, time, n, previous, states);
}

static void test_arguments(void) {
  linear m;
  catena_error *error = NULL;
  catena_filter *filter = NULL;
  catena_filter_options o = options_of(1, 100);
  catena_state_space t;
  catena_interrupt interrupt;
  double x[100];
  size_t counts[TIMES];
  int polls = 0;
  printf("arguments are checked by name\n");
  linear_init(&m, 1);
#define RUN catena_filter_run(&t, &o, NULL, NULL, &filter, &error)
#define REFUSED(member, bad, name, got) \
  do { \
    t = table_of(&m); \
    o = options_of(1, 100); \
    (member) = (bad); \
    CHECK_REFUSES(RUN, name, got); \
  } while (0)
  REFUSED(t.initial, NULL, "model.initial", "NULL");
  REFUSED(t.transition, NULL, "model.transition", "NULL");
  REFUSED(t.log_weight, NULL, "model.log_weight", "NULL");
  REFUSED(t.propose, NULL, "model.propose", "NULL");
  REFUSED(t.dimension, 0, "model.dimension", "0");
  REFUSED(t.threading, 3, "model.threading", "3");
  REFUSED(t.struct_size, 8, "model.struct_size", "8");
  REFUSED(o.struct_size, 8, "options.struct_size", "8");
  REFUSED(o.kind, 3, "kind", "3");
  REFUSED(o.resampling, 5, "resampling", "5");
  REFUSED(o.num_particles, 0, "num_particles", "0");
  REFUSED(o.num_times, 0, "num_times", "0");
  REFUSED(o.ess_threshold, -1, "ess_threshold", "-1");
  t = table_of(&m);
  o = options_of(1, 100);
  t.transition_log_density = NULL;
  t.auxiliary_log_weight = NULL;
  o.num_trajectories = 5;
  CHECK_REFUSES(RUN, "num_trajectories", "5");
  o.kind = CATENA_FILTER_AUXILIARY;
  CHECK_REFUSES(RUN, "kind", "without");
  CHECK_REFUSES(catena_filter_run(NULL, &o, NULL, NULL, &filter, &error), "model", "NULL");
  t = table_of(&m);
  CHECK_REFUSES(catena_filter_run(&t, NULL, NULL, NULL, &filter, &error), "options", "NULL");
  CHECK_REFUSES(catena_filter_run(&t, &o, NULL, NULL, NULL, &error), "out", "NULL");
  CHECK_REFUSES(catena_filter_options_init(NULL, sizeof o, &error), "options", "NULL");
  CHECK_REFUSES(catena_filter_options_init(&o, 4, &error), "struct_size", "4");
  o = options_of(1, 100);
  CHECK_OK(RUN);
  CHECK_REFUSES(catena_filter_ess(filter, 1, x, TIMES, &error), "set", "1");
  CHECK_REFUSES(catena_filter_ess(filter, 0, x, 3, &error), "size", "3");
  CHECK_REFUSES(catena_filter_ess(NULL, 0, x, TIMES, &error), "filter", "NULL");
  CHECK_REFUSES(catena_filter_particles(filter, 0, 2, 100, x, NULL, NULL, &error), "time", "2");
  CHECK_REFUSES(catena_filter_particles(filter, 0, TIMES - 1, 99, x, NULL, NULL, &error), "num_particles", "99");
  CHECK_REFUSES(catena_filter_lineage(filter, 0, 0, x, TIMES, &error), "options.history", "0");
  catena_filter_free(filter);
  o.history = 1;
  CHECK_OK(RUN);
  CHECK_OK(catena_filter_particles(filter, 0, 2, 100, x, NULL, NULL, &error));
  CHECK_OK(catena_filter_lineage(filter, 0, 99, x, TIMES, &error));
  CHECK_OK(catena_filter_survivors(filter, 0, counts, TIMES, &error));
  CHECK(counts[TIMES - 1] == 100 && counts[0] < 100 && counts[0] > 0);
  CHECK_REFUSES(catena_filter_lineage(filter, 0, 100, x, TIMES, &error), "particle", "100");
  catena_filter_free(filter);
  memset(&interrupt, 0, sizeof interrupt);
  interrupt.struct_size = sizeof interrupt;
  interrupt.user = &polls;
  interrupt.requested = requested;
  t.transition = sleepy;
  o.num_particles = 100000;
  CHECK_FAILS(catena_filter_run(&t, &o, NULL, &interrupt, &filter, &error), CATENA_INTERRUPTED, NULL, "interrupt", "");
  CHECK(filter == NULL);
  CHECK_INT(m.workers_made, m.workers_freed);
  CHECK(catena_task_normals(NULL, 3, x) != 0);
  catena_filter_free(NULL);
  CHECK_INT(catena_filter_num_sets(NULL), 0);
  CHECK(isnan(catena_filter_log_evidence(NULL)));
}

int main(void) {
  test_evidence();
  test_bits();
  test_failures();
  test_weights();
  test_arguments();
  return 0;
}
