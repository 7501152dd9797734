/* Compiled models of the tests: normals of standard deviations 1, 2, ..., with a user pointer that counts. */
#include <catena.h>
#include <R.h>
#include <Rinternals.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

enum { DIMENSION = 3 };

typedef struct {
  atomic_int evaluations, workers, interrupt_at, fail_at, released, elsewhere;
  /* R's. */
  pthread_t thread;
} counts;

static int evaluate(void *user, const double *x, double *lp, double *g) {
  counts *c = user;
  *lp = 0;
  for (int i = 0; i < DIMENSION; i++) {
    const double variance = (i + 1.0) * (i + 1.0);
    *lp -= 0.5 * x[i] * x[i] / variance;
    g[i] = -x[i] / variance;
  }
  if (c) {
    const int now = atomic_fetch_add(&c->evaluations, 1) + 1;
    if (!pthread_equal(pthread_self(), c->thread)) atomic_fetch_add(&c->elsewhere, 1);
    if (now == c->interrupt_at) raise(SIGINT);
  }
  return 0;
}

int normal_gradient(void *user, void *worker, catena_task *task, const double *x, double *lp, double *g) {
  counts *c = user;
  if (c && c->fail_at && c->evaluations >= c->fail_at) return -1;
  (void)worker, (void)task;
  return evaluate(user, x, lp, g);
}

int normal_density(void *user, void *worker, catena_task *task, const double *x, double *lp) {
  double g[DIMENSION];
  return normal_gradient(user, worker, task, x, lp, g);
}

int normal_batch(void *user, void *worker, catena_task *task, size_t n, const double *x, double *lp, double *g, int *codes) {
  (void)worker, (void)task, (void)codes;
  for (size_t i = 0; i < n; i++) evaluate(user, x + i * DIMENSION, lp + i, g + i * DIMENSION);
  return 0;
}

int normal_constrain(void *user, void *worker, catena_task *task, const double *x, double *outputs) {
  (void)user, (void)worker, (void)task;
  for (int i = 0; i < DIMENSION; i++) outputs[i] = 10 * x[i];
  outputs[DIMENSION] = x[0] + x[1];
  return 0;
}

/* The coordinates, then twice the first of them, then their sum. */
int quantities(void *user, void *worker, catena_task *task, const double *x, double *outputs) {
  (void)user, (void)worker, (void)task;
  for (int i = 0; i < DIMENSION; i++) outputs[i] = x[i];
  outputs[DIMENSION] = 2 * x[0];
  outputs[DIMENSION + 1] = x[0] + x[1] + x[2];
  return 0;
}

/* The coordinates, then a standard normal number of the chain's. */
int noisy(void *user, void *worker, catena_task *task, const double *x, double *outputs) {
  (void)user, (void)worker;
  for (int i = 0; i < DIMENSION; i++) outputs[i] = x[i];
  outputs[DIMENSION] = catena_task_normal(task);
  return 0;
}

/* Refuses negative first coordinates, with words. */
int choosy(void *user, void *worker, catena_task *task, const double *x, double *outputs) {
  (void)user, (void)worker;
  outputs[0] = x[0];
  if (x[0] >= 0) return 0;
  catena_task_message(task, "negative");
  return 1;
}

/* Takes 0.1 ms; the tenth call sends an interrupt. */
int slow_interrupting(void *user, void *worker, catena_task *task, const double *x, double *outputs) {
  static atomic_int calls;
  const struct timespec pause = {.tv_nsec = 100000};
  (void)user, (void)worker, (void)task;
  if (atomic_fetch_add(&calls, 1) == 9) raise(SIGINT);
  nanosleep(&pause, NULL);
  outputs[0] = x[0];
  return 0;
}

int worker_new(void *user, void **worker) {
  atomic_fetch_add(&((counts *)user)->workers, 1);
  *worker = user;
  return 0;
}

void worker_free(void *user, void *worker) {
  (void)worker;
  atomic_fetch_sub(&((counts *)user)->workers, 1);
}

static void finalize(SEXP handle) { free(R_ExternalPtrAddr(handle)); }

SEXP counts_new(SEXP interrupt_at, SEXP fail_at) {
  counts *c = calloc(1, sizeof *c);
  c->interrupt_at = Rf_asInteger(interrupt_at);
  c->fail_at = Rf_asInteger(fail_at);
  c->thread = pthread_self();
  SEXP handle = PROTECT(R_MakeExternalPtr(c, R_NilValue, R_NilValue));
  R_RegisterCFinalizer(handle, finalize);
  UNPROTECT(1);
  return handle;
}

SEXP counts_get(SEXP handle) {
  const counts *c = R_ExternalPtrAddr(handle);
  SEXP value = Rf_allocVector(INTSXP, 4);
  INTEGER(value)[0] = c->evaluations;
  INTEGER(value)[1] = c->workers;
  INTEGER(value)[2] = c->released;
  INTEGER(value)[3] = c->elsewhere;
  return value;
}

/* Counts one evaluation in R code. */
SEXP counts_evaluation(SEXP handle) {
  counts *c = R_ExternalPtrAddr(handle);
  atomic_fetch_add(&c->evaluations, 1);
  if (!pthread_equal(pthread_self(), c->thread)) atomic_fetch_add(&c->elsewhere, 1);
  return R_NilValue;
}

static void release(void *user) { atomic_fetch_add(&((counts *)user)->released, 1); }

/* A filled table in memory of its own. */
SEXP table_new(SEXP user) {
  static const char *const names[DIMENSION] = {"a", "b.1", "b.2"};
  static catena_density table;
  table = (catena_density){.struct_size = sizeof table,
                           .user = R_ExternalPtrAddr(user),
                           .release = release,
                           .dimension = DIMENSION,
                           .log_density_gradient = normal_gradient,
                           .names = names};
  return R_MakeExternalPtr(&table, R_NilValue, R_NilValue);
}

/* A standard normal prior, and a datum 1 with an error of 1, per coordinate; three of them, as in normal_gradient. */
int conjugate_parts(void *user, void *worker, catena_task *task, const double *x, double *prior, double *likelihood,
                    double *g, double *h) {
  (void)user, (void)worker, (void)task;
  *prior = *likelihood = -3 * 0.91893853320467274178;
  for (int j = 0; j < 3; j++) {
    *prior -= 0.5 * x[j] * x[j];
    *likelihood -= 0.5 * (1 - x[j]) * (1 - x[j]);
    if (g) g[j] = -x[j];
    if (h) h[j] = 1 - x[j];
  }
  return 0;
}

int conjugate_batch(void *user, void *worker, catena_task *task, size_t n, const double *x, double *priors,
                    double *likelihoods, double *g, double *h, int *codes) {
  for (size_t i = 0; i < n; i++)
    codes[i] = conjugate_parts(user, worker, task, x + 3 * i, priors + i, likelihoods + i, g ? g + 3 * i : NULL,
                               h ? h + 3 * i : NULL);
  return 0;
}

int conjugate_prior(void *user, void *worker, catena_task *task, double *x) {
  (void)user, (void)worker;
  for (int j = 0; j < 3; j++) x[j] = catena_task_normal(task);
  return 0;
}

/* One coordinate's datum after the other. */
int conjugate_data(void *user, void *worker, catena_task *task, const double *x, size_t count, double *value, double *next,
                   double *g, double *h) {
  (void)user, (void)worker, (void)task;
  *value = -(3 + (double)count) * 0.91893853320467274178;
  *next = -0.91893853320467274178 - 0.5 * (1 - x[count]) * (1 - x[count]);
  for (size_t j = 0; j < 3; j++) {
    *value -= 0.5 * (x[j] * x[j] + (j < count ? (1 - x[j]) * (1 - x[j]) : 0));
    if (g) g[j] = (j < count ? 1 - x[j] : 0) - x[j];
    if (h) h[j] = j == count ? 1 - x[j] : 0;
  }
  return 0;
}
