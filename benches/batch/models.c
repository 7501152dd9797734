#include "models.h"

#include <math.h>
#include <stdatomic.h>

static atomic_long calls, rows;

/* Points are handled in blocks, transposed, so that the compiler vectorises over points. */
enum { BLOCK = 16, MOST = 10, FUNNEL = 10, SCHOOLS = 8, SCHOOLS_DIM = 10 };

typedef void block(const double x[MOST][BLOCK], double lp[BLOCK], double g[MOST][BLOCK]);

static int in_blocks(block *f, size_t dim, size_t n, const double *positions, double *lp, double *gradients, int *codes) {
  double x[MOST][BLOCK] = {{0}}, g[MOST][BLOCK], value[BLOCK];
  atomic_fetch_add(&calls, 1);
  atomic_fetch_add(&rows, (long)n);
  for (size_t start = 0; start < n; start += BLOCK) {
    const size_t count = n - start < BLOCK ? n - start : BLOCK;
    for (size_t i = 0; i < count; i++)
      for (size_t k = 0; k < dim; k++) x[k][i] = positions[(start + i) * dim + k];
    f((const double (*)[BLOCK])x, value, g);
    for (size_t i = 0; i < count; i++) {
      lp[start + i] = value[i];
      codes[start + i] = !isfinite(value[i]);
      for (size_t k = 0; k < dim; k++) gradients[(start + i) * dim + k] = g[k][i];
    }
  }
  return 0;
}

static void funnel_block(const double x[MOST][BLOCK], double lp[BLOCK], double g[MOST][BLOCK]) {
  double precision[BLOCK], sum[BLOCK] = {0};
  for (int i = 0; i < BLOCK; i++) precision[i] = exp(-x[0][i]);
  for (int k = 1; k < FUNNEL; k++)
    for (int i = 0; i < BLOCK; i++) {
      g[k][i] = -x[k][i] * precision[i];
      sum[i] += x[k][i] * x[k][i];
    }
  for (int i = 0; i < BLOCK; i++) {
    const double v = x[0][i], q = 0.5 * precision[i] * sum[i];
    lp[i] = -v * v / 18 - 0.5 * (FUNNEL - 1) * v - q;
    g[0][i] = -v / 9 - 0.5 * (FUNNEL - 1) + q;
  }
}

static const double y[SCHOOLS] = {28, 8, -3, 7, -1, 1, 18, 12};
static const double sigma[SCHOOLS] = {15, 10, 16, 11, 9, 11, 10, 18};

static void schools_block(const double x[MOST][BLOCK], double lp[BLOCK], double g[MOST][BLOCK]) {
  double tau[BLOCK];
  for (int i = 0; i < BLOCK; i++) tau[i] = exp(x[9][i]);
  for (int i = 0; i < BLOCK; i++) {
    const double mu = x[8][i], u = tau[i] / 5;
    lp[i] = -0.5 * mu * mu / 25 - log1p(u * u) + x[9][i];
    g[8][i] = -mu / 25;
    g[9][i] = 1 - 2 * u * u / (1 + u * u);
  }
  for (int k = 0; k < SCHOOLS; k++)
    for (int i = 0; i < BLOCK; i++) {
      const double r = (y[k] - x[8][i] - tau[i] * x[k][i]) / sigma[k], d = r / sigma[k];
      lp[i] -= 0.5 * (x[k][i] * x[k][i] + r * r);
      g[k][i] = tau[i] * d - x[k][i];
      g[8][i] += d;
      g[9][i] += tau[i] * x[k][i] * d;
    }
}

static int funnel_batch(void *user, void *worker, catena_task *task, size_t n, const double *x, double *lp, double *g,
                        int *codes) {
  (void)user, (void)worker, (void)task;
  return in_blocks(funnel_block, FUNNEL, n, x, lp, g, codes);
}

static int schools_batch(void *user, void *worker, catena_task *task, size_t n, const double *x, double *lp, double *g,
                         int *codes) {
  (void)user, (void)worker, (void)task;
  return in_blocks(schools_block, SCHOOLS_DIM, n, x, lp, g, codes);
}

static int funnel_one(void *user, void *worker, catena_task *task, const double *x, double *lp, double *g) {
  double sum = 0;
  const double v = x[0], precision = exp(-v);
  (void)user, (void)worker, (void)task;
  for (int k = 1; k < FUNNEL; k++) {
    g[k] = -x[k] * precision;
    sum += x[k] * x[k];
  }
  *lp = -v * v / 18 - 0.5 * (FUNNEL - 1) * v - 0.5 * precision * sum;
  g[0] = -v / 9 - 0.5 * (FUNNEL - 1) + 0.5 * precision * sum;
  return !isfinite(*lp);
}

static int schools_one(void *user, void *worker, catena_task *task, const double *x, double *lp, double *g) {
  const double mu = x[8], tau = exp(x[9]), u = tau / 5;
  (void)user, (void)worker, (void)task;
  *lp = -0.5 * mu * mu / 25 - log1p(u * u) + x[9];
  g[8] = -mu / 25;
  g[9] = 1 - 2 * u * u / (1 + u * u);
  for (int k = 0; k < SCHOOLS; k++) {
    const double r = (y[k] - mu - tau * x[k]) / sigma[k], d = r / sigma[k];
    *lp -= 0.5 * (x[k] * x[k] + r * r);
    g[k] = tau * d - x[k];
    g[8] += d;
    g[9] += tau * x[k] * d;
  }
  return !isfinite(*lp);
}

catena_density funnel(void) {
  const catena_density t = {.struct_size = sizeof t, .dimension = FUNNEL, .log_density_gradient = funnel_one,
                            .log_density_gradient_batch = funnel_batch};
  return t;
}

catena_density eight_schools(void) {
  const catena_density t = {.struct_size = sizeof t, .dimension = SCHOOLS_DIM, .log_density_gradient = schools_one,
                            .log_density_gradient_batch = schools_batch};
  return t;
}

long batch_calls(void) { return atomic_load(&calls); }

long batch_rows(void) { return atomic_load(&rows); }
