/* What tests of populations share: traces that are numbers, of a host that counts them and can be told to
 * fail. */
#ifndef CATENA_TEST_NUMBERS_H
#define CATENA_TEST_NUMBERS_H

#include "check.h"
#include <math.h>
#include <pthread.h>

/* A trace is a number on the heap; the host counts how many there are and fails at a call of its choice. */
typedef struct {
  pthread_mutex_t lock;
  long live, calls, fail_at, released;
} host;

enum { MOVE = 1, ADD = 2, PUT = 3, NOTHING = 4 };

static inline int called(host *h, catena_task *task) {
  int fails;
  pthread_mutex_lock(&h->lock);
  fails = ++h->calls == h->fail_at;
  pthread_mutex_unlock(&h->lock);
  if (fails) catena_task_message(task, "told to fail");
  return fails ? -1 : 0;
}

static inline void *number(host *h, double x) {
  double *trace = malloc(sizeof *trace);
  *trace = x;
  pthread_mutex_lock(&h->lock);
  ++h->live;
  pthread_mutex_unlock(&h->lock);
  return trace;
}

static inline int create(void *user, catena_task *task, void **trace) {
  int code = called(user, task);
  /* A trace that comes with a failure is taken back too. */
  *trace = number(user, catena_task_normal(task));
  return code;
}

static inline void free_trace(void *user, void *trace) {
  host *h = user;
  pthread_mutex_lock(&h->lock);
  --h->live;
  pthread_mutex_unlock(&h->lock);
  free(trace);
}

static inline int copy(void *user, const void *trace, catena_task *task, void **out) {
  if (called(user, task)) return -1;
  *out = number(user, *(const double *)trace);
  return 0;
}

static inline int apply(void *user, void *trace, int64_t operation, const void *argument, size_t size, catena_task *task,
                 double *increment) {
  double *x = trace, a = 0;
  if (called(user, task)) return -1;
  if (size == sizeof a) memcpy(&a, argument, sizeof a);
  CHECK(catena_task_chain_id(task) >= 1 && catena_task_particle(task) >= 0);
  switch (operation) {
    case MOVE: *x += a * catena_task_normal(task); break;
    case ADD: *increment = a; break;
    case PUT: *x = a; break;
    default: CHECK_INT(size, 0);
  }
  return 0;
}

static inline int report(void *user, const void *trace, int64_t what, catena_task *task, size_t width, double *out) {
  size_t i;
  if (called(user, task)) return -1;
  for (i = 0; i < width; ++i) out[i] = (double)what * *(const double *)trace;
  return 0;
}

static inline int sample(void *user, const void *trace, int64_t what, catena_task *task, size_t width, double *out) {
  size_t i;
  (void)what;
  if (called(user, task)) return -1;
  for (i = 0; i < width; ++i) out[i] = *(const double *)trace + catena_task_normal(task);
  return 0;
}

static inline int incorporate(void *user, void *trace, catena_task *task, double *increment) {
  *increment = -*(double *)trace;
  return called(user, task);
}

static inline int weigh(void *user, void *trace, catena_task *task, double *log_weight) {
  *log_weight = *(double *)trace;
  return called(user, task);
}

static inline int diversify(void *user, const void *trace, int64_t operation, const void *argument, size_t size, catena_task *task,
                     catena_family *family) {
  (void)operation, (void)argument, (void)size;
  CHECK_INT(catena_family_add(family, NULL, 0), -1);
  CHECK_INT(catena_family_add(family, number(user, *(const double *)trace), -0.5), 0);
  /* What was given before a failure is taken back. */
  if (called(user, task)) return -1;
  CHECK_INT(catena_family_add(family, number(user, -*(const double *)trace), -1.5), 0);
  return 0;
}

static inline int fingerprint(void *user, const void *trace, int64_t scope, catena_task *task, uint64_t *words) {
  CHECK_INT(scope, 7);
  words[1] = *(const double *)trace > 0;
  return called(user, task);
}

static inline int serialize(void *user, const void *trace, catena_task *task, catena_bytes *out) {
  CHECK_INT(catena_bytes_write(out, trace, 3), 0);
  CHECK_INT(catena_bytes_write(out, (const char *)trace + 3, sizeof(double) - 3), 0);
  return called(user, task);
}

static inline int deserialize(void *user, const void *bytes, size_t size, catena_task *task, void **trace) {
  double x;
  CHECK_INT(size, sizeof x);
  if (called(user, task)) return -1;
  memcpy(&x, bytes, sizeof x);
  *trace = number(user, x);
  return 0;
}

static inline void release(void *user) {
  host *h = user;
  CHECK_INT(h->live, 0);
  ++h->released;
}

static inline catena_traces table(host *h) {
  catena_traces t;
  memset(&t, 0, sizeof t);
  t.struct_size = sizeof t;
  t.user = h;
  t.release = release;
  t.create = create;
  t.free = free_trace;
  t.copy = copy;
  t.apply = apply;
  t.incorporate = incorporate;
  t.weigh = weigh;
  t.report = report;
  t.sample = sample;
  t.diversify = diversify;
  t.fingerprint = fingerprint;
  t.serialize = serialize;
  t.deserialize = deserialize;
  return t;
}

#define SETS 3
#define TRACES 20
#define ALL INFINITY

static inline void seen(catena_population *p, double *out, size_t size) {
  catena_error *error = NULL;
  CHECK_OK(catena_population_report(p, CATENA_WHICH_ALL, 1, 1, out, size, &error));
}

static inline catena_population *begun(host *h, catena_options *options) {
  catena_traces traces = table(h);
  catena_population *p = NULL;
  catena_error *error = NULL;
  CHECK_OK(catena_population_new(&traces, options, NULL, &p, &error));
  CHECK_OK(catena_population_reinitialize(p, SETS, TRACES, &error));
  CHECK_OK(catena_population_likelihood_weight(p, &error));
  return p;
}

#endif
