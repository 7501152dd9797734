/* A library that exports its model: two standard normals, a and b, and the outputs a, b and s = a + b. The data are words
 * anywhere in a JSON text: "slow" takes a fifth of a second for each gradient after the first 20, "stuck" a minute, "refuse"
 * refuses s where a is above 0, "refuse_all" always, with a message. */
#include <catena.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { slow = 1, stuck = 2, refuse = 4, refuse_all = 8 };

struct model {
  int flags;
  int calls;
};

static int density(void *user, void *worker, catena_task *task, const double *x, double *value, double *gradient) {
  struct model *model = user;
  (void)worker, (void)task;
  /* Only runs of one thread ask for sleep. */
  if (model->flags & (slow | stuck) && ++model->calls > 20) {
    const struct timespec time = {model->flags & stuck ? 60 : 0, model->flags & stuck ? 0 : 200000000};
    nanosleep(&time, NULL);
  }
  *value = -0.5 * (x[0] * x[0] + x[1] * x[1]);
  gradient[0] = -x[0], gradient[1] = -x[1];
  return 0;
}

static int constrain(void *user, void *worker, catena_task *task, const double *x, double *out) {
  const struct model *model = user;
  (void)worker;
  out[0] = x[0], out[1] = x[1];
  if (model->flags & refuse_all || (model->flags & refuse && x[0] > 0)) {
    catena_task_message(task, "no sum here");
    return 1;
  }
  out[2] = x[0] + x[1];
  return 0;
}

CATENA_MODEL_ENTRY(normals);
int normals(const char *data, uint32_t seed, catena_density *table, char *message, size_t size) {
  static const char *const names[] = {"a", "b"}, *const outputs[] = {"a", "b", "s"};
  struct model *model = calloc(1, sizeof *model);
  (void)seed;
  if (!model) {
    snprintf(message, size, "no memory");
    return 1;
  }
  if (data && strstr(data, "\"slow\"")) model->flags |= slow;
  if (data && strstr(data, "\"stuck\"")) model->flags |= stuck;
  if (data && strstr(data, "\"refuse\"")) model->flags |= refuse;
  if (data && strstr(data, "\"refuse_all\"")) model->flags |= refuse_all;
  table->user = model, table->release = free;
  table->dimension = 2, table->names = names, table->log_density_gradient = density;
  table->output_count = 3, table->output_names = outputs, table->constrain = constrain, table->parameter_outputs = 2;
  return 0;
}
