/* A shared library with a model for the command `catena` that tells prior and likelihood apart: eight numbers of the data
 * file about a mean with a normal prior. Not linked with Catena. */
#include <catena.h>
#include <math.h>
#include <stdio.h>

enum { COUNT = 8 };
static const double prior_sd = 3, half_log_tau = 0.91893853320467274178;
static double y[COUNT];

static int parts(void *user, void *worker, catena_task *task, const double *x, double *log_prior, double *log_likelihood,
                 double *prior_gradient, double *likelihood_gradient) {
  const double z = x[0] / prior_sd;
  double sum = 0, slope = 0;
  int i;
  (void)user, (void)worker, (void)task;
  for (i = 0; i < COUNT; i++) {
    sum -= 0.5 * (y[i] - x[0]) * (y[i] - x[0]) + half_log_tau;
    slope += y[i] - x[0];
  }
  *log_prior = -0.5 * z * z - log(prior_sd) - half_log_tau;
  *log_likelihood = sum;
  if (prior_gradient) prior_gradient[0] = -z / prior_sd;
  if (likelihood_gradient) likelihood_gradient[0] = slope;
  return 0;
}

static int density(void *user, void *worker, catena_task *task, const double *x, double *value, double *gradient) {
  double prior, likelihood, slope;
  parts(user, worker, task, x, &prior, &likelihood, gradient, &slope);
  *value = prior + likelihood;
  gradient[0] += slope;
  return 0;
}

static int prior(void *user, void *worker, catena_task *task, double *x) {
  (void)user, (void)worker;
  x[0] = prior_sd * catena_task_normal(task);
  return 0;
}

CATENA_MODEL_ENTRY(mean_of_normals);

/* The data are the numbers. */
int mean_of_normals(const char *data, uint32_t seed, catena_density *table, char *message, size_t message_size) {
  (void)seed;
  if (sscanf(data, "{\"y\": [%lf, %lf, %lf, %lf, %lf, %lf, %lf, %lf]}", y, y + 1, y + 2, y + 3, y + 4, y + 5, y + 6,
             y + 7) != COUNT) {
    snprintf(message, message_size, "expected eight numbers y in '%s'", data);
    return 1;
  }
  table->dimension = 1;
  table->log_density_gradient = density;
  table->log_density_parts = parts;
  table->sample_prior = prior;
  return 0;
}
