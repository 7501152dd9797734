/* What tests of particle filters share: a linear model with normal noise, whose evidence is known and whose functions can be told to
 * fail. Include after defining _POSIX_C_SOURCE. */
#ifndef CATENA_TEST_LINEAR_H
#define CATENA_TEST_LINEAR_H

#include "check.h"
#include <math.h>
#include <pthread.h>

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

static inline int called(linear *m, catena_task *task) {
  long call;
  pthread_mutex_lock(&m->lock);
  call = ++m->calls;
  m->elsewhere += !pthread_equal(m->caller, pthread_self());
  pthread_mutex_unlock(&m->lock);
  if (call != m->bad_call) return 0;
  if (task) catena_task_message(task, "planted");
  return -1;
}

static inline double log_normal(double x, double mean, double variance) {
  return -0.5 * ((x - mean) * (x - mean) / variance + LOG_2_PI + log(variance));
}

static inline void released(void *user) { ++((linear *)user)->released; }

static inline int worker_new(void *user, void **worker) {
  linear *m = user;
  if (called(m, NULL)) return 1;
  *worker = malloc(1);
  pthread_mutex_lock(&m->lock);
  ++m->workers_made;
  pthread_mutex_unlock(&m->lock);
  return 0;
}

static inline void worker_free(void *user, void *worker) {
  linear *m = user;
  pthread_mutex_lock(&m->lock);
  ++m->workers_freed;
  pthread_mutex_unlock(&m->lock);
  free(worker);
}

static inline int normals(linear *m, catena_task *task, size_t n, double *x) {
  size_t i;
  if (!m->one_by_one) return catena_task_normals(task, n * m->d, x);
  for (i = 0; i < n * m->d; ++i) x[i] = catena_task_normal(task);
  return 0;
}

static inline int initial(void *user, void *worker, catena_task *task, size_t n, double *states) {
  linear *m = user;
  CHECK(worker != NULL && catena_task_chain_id(task) >= 1);
  if (called(m, task)) return -1;
  return normals(m, task, n, states);
}

static inline int transition(void *user, void *worker, catena_task *task, size_t time, size_t n, const double *previous,
                      double *states) {
  linear *m = user;
  size_t i;
  CHECK(worker != NULL && time > 0 && time < TIMES);
  if (called(m, task) || normals(m, task, n, states)) return -1;
  for (i = 0; i < n * m->d; ++i) states[i] = A * previous[i] + sqrt(Q) * states[i];
  return 0;
}

static inline int log_weight(void *user, void *worker, catena_task *task, size_t time, size_t n, const double *previous,
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

static inline int propose(void *user, void *worker, catena_task *task, size_t time, size_t n, const double *previous,
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

static inline int proposal_log_weight(void *user, void *worker, catena_task *task, size_t time, size_t n,
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

static inline int auxiliary_log_weight(void *user, void *worker, catena_task *task, size_t time, size_t n,
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

static inline int transition_log_density(void *user, void *worker, catena_task *task, size_t time, size_t n,
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

static inline void linear_init(linear *m, size_t d) {
  memset(m, 0, sizeof *m);
  CHECK_INT(pthread_mutex_init(&m->lock, NULL), 0);
  m->d = d;
  m->bad_time = SIZE_MAX;
  m->caller = pthread_self();
}

static inline catena_state_space table_of(linear *m) {
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

static inline catena_filter_options options_of(size_t sets, size_t particles) {
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

static inline double exact(size_t d) {
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

#endif
