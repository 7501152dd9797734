/* A model that breaks the rule: its chains write to one counter without asking each other. The thread sanitizer must see
 * it (tests/run-thread-sanitizer.sh), or what it does not see elsewhere would mean nothing. */
#define _POSIX_C_SOURCE 200809L
#include "normal.h"

static long evaluations;

static int evaluate(void *user, void *worker, catena_task *task, const double *x, double *lp, double *g) {
  ++evaluations;
  return normal_evaluate(user, worker, task, x, lp, g);
}

int main(void) {
  normal n;
  catena_density t;
  catena_error *error = NULL;
  catena_result *result = NULL;
  catena_model *model = NULL;
  catena_options *options = short_options(2, 200, 2000, 2);
  catena_io io = empty_io();
  normal_init(&n);
  t = normal_table(&n);
  t.log_density_gradient = evaluate;
  CHECK_OK(catena_model_new(&t, &model, &error));
  CHECK_OK(catena_sample_nuts(model, options, &io, &result, &error));
  catena_result_free(result);
  catena_options_free(options);
  catena_model_free(model);
  printf("about %ld evaluations\n", evaluations);
  return 0;
}
