/* A shared library with a model for the command `catena`: normals about a mean that the data file gives, with a generated
 * quantity from the chain's random numbers and sums over the chains' pool. Not linked with Catena. */
#include <catena.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIMENSION = 3 };

static int piece(void *data, void *worker, size_t begin, size_t end, double *partial) {
  const double *z = (const double *)data;
  size_t i;
  (void)worker;
  for (i = begin; i < end; i++) partial[0] -= 0.5 * z[i] * z[i];
  return 0;
}

static int evaluate(void *user, void *worker, catena_task *task, const double *x, double *lp, double *g) {
  double z[DIMENSION];
  int i;
  (void)worker;
  for (i = 0; i < DIMENSION; i++) {
    z[i] = x[i] - *(const double *)user;
    g[i] = -z[i];
  }
  return catena_task_reduce(task, DIMENSION, 1, 1, piece, z, lp);
}

static int constrain(void *user, void *worker, catena_task *task, const double *x, double *outputs) {
  (void)user, (void)worker;
  memcpy(outputs, x, DIMENSION * sizeof *x);
  outputs[DIMENSION] = catena_task_normal(task);
  return 0;
}

static int initialize(void *user, void *worker, catena_task *task, const catena_init *init, double *position) {
  (void)user, (void)worker, (void)task;
  return catena_init_values(init, "x", position, DIMENSION) < 0 ? -1 : 0;
}

CATENA_MODEL_ENTRY(normals);

/* The data are the mean. */
int normals(const char *data, uint32_t seed, catena_density *density, char *message, size_t message_size) {
  static const char *const outputs[] = {"x.1", "x.2", "x.3", "noise"};
  double *mean = (double *)malloc(sizeof *mean);
  if (!mean || sscanf(data, "{\"mean\": %lf}", mean) != 1) {
    snprintf(message, message_size, "expected a mean in '%s' (seed %u)", data, (unsigned)seed);
    free(mean);
    return 1;
  }
  density->user = mean;
  density->release = free;
  density->dimension = DIMENSION;
  density->log_density_gradient = evaluate;
  density->output_count = DIMENSION + 1;
  density->output_names = outputs;
  density->parameter_outputs = DIMENSION;
  density->constrain = constrain;
  density->initialize = initialize;
  return 0;
}
