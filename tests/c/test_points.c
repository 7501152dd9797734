/* Models without dimension, and log densities at given points. */
#define _POSIX_C_SOURCE 200809L
#include "run.h"

static int draw_uniform(void *user, void *worker, catena_task *task, const double *x, double *outputs) {
  (void)user, (void)worker, (void)x;
  outputs[0] = catena_task_uniform(task);
  outputs[1] = catena_task_exponential(task);
  outputs[2] = (double)(catena_task_bits(task) >> 11) / 9007199254740992.0;
  return 0;
}

#define FREE_DRAWS 4000
#define FREE_COLUMNS (SAMPLER_COLUMNS + 3)

static void test_no_dimension(void) {
  static const char *const names[] = {"u", "e", "b"};
  static const double means[] = {0.5, 1, 0.5}, variances[] = {1 / 12., 1, 1 / 12.};
  static double rows[FREE_DRAWS * FREE_COLUMNS];
  catena_error *error = NULL;
  catena_result *result = NULL;
  catena_writer *writer = NULL;
  catena_model *model = NULL;
  catena_io io = empty_io();
  catena_options *options = short_options(1, 10, FREE_DRAWS, 1);
  catena_density t;
  size_t r;
  int k;
  printf("a model of dimension 0 samples its outputs\n");
  memset(&t, 0, sizeof t);
  t.struct_size = sizeof t;
  t.output_count = 3;
  t.output_names = names;
  t.constrain = draw_uniform;
  CHECK_OK(catena_model_new(&t, &model, &error));
  CHECK_OK(catena_writer_memory_new(rows, FREE_DRAWS * FREE_COLUMNS, FREE_DRAWS, FREE_COLUMNS, FREE_COLUMNS, 1, &writer,
                                    &error));
  io.sample_writers = &writer;
  io.num_sample_writers = 1;
  CHECK_OK(catena_sample_nuts(model, options, &io, &result, &error));
  CHECK_INT(catena_writer_rows(writer), FREE_DRAWS);
  CHECK(catena_result_stepsize(result, 0) != catena_result_stepsize(result, 0));
  for (k = 0; k < 3; ++k) {
    const double error_of_mean = sqrt(variances[k] / FREE_DRAWS);
    double mean = 0;
    for (r = 0; r < FREE_DRAWS; ++r) mean += rows[r * FREE_COLUMNS + SAMPLER_COLUMNS + k] / FREE_DRAWS;
    CHECK_BETWEEN(mean, means[k] - 5 * error_of_mean, means[k] + 5 * error_of_mean);
  }
  catena_writer_free(writer);
  catena_result_free(result);
  catena_options_free(options);
  catena_model_free(model);
}

static int alone(void *user, void *worker, catena_task *task, const double *x, double *lp) {
  (void)worker, (void)task;
  ++((normal *)user)->bad_chain;
  *lp = normal_value(x, NULL);
  return x[0] > 100 ? 2 : x[0] < -100 ? -2 : 0;
}

static int batch(void *user, void *worker, catena_task *task, size_t count, const double *x, double *lp, double *g,
                 int *codes) {
  size_t i;
  (void)worker;
  ++((normal *)user)->code;
  catena_task_message(task, "from the batch");
  for (i = 0; i < count; ++i) {
    lp[i] = normal_value(x + 2 * i, g + 2 * i);
    codes[i] = x[2 * i] > 100 ? 2 : x[2 * i] < -100 ? -2 : 0;
  }
  return 0;
}

static void test_log_density(void) {
  static const double x[] = {0, 0, 101, 0, 1, -2}, stopping[] = {0, 0, -101, 0, 1, 2};
  catena_error *error = NULL;
  catena_model *model = NULL;
  catena_density t;
  normal n;
  double lp[3], plain[3], g[6], expected[6], unused[2];
  int codes[3];
  int i;
  normal_init(&n);
  t = normal_table(&n);
  printf("log densities one by one and in a batch\n");
  for (i = 0; i < 3; ++i) plain[i] = normal_value(x + 2 * i, expected + 2 * i);
  CHECK_OK(catena_model_new(&t, &model, &error));
  CHECK_OK(catena_model_log_density(model, 3, x, lp, g, codes, &error));
  CHECK_BITS(lp, plain, 3);
  CHECK_BITS(g, expected, 6);
  CHECK(codes[0] == 0 && codes[1] == 0 && codes[2] == 0);
  CHECK_OK(catena_model_log_density(model, 3, x, lp, NULL, NULL, &error));
  CHECK_BITS(lp, plain, 3);
  CHECK_OK(catena_model_log_density(model, 0, NULL, NULL, NULL, NULL, &error));
  catena_model_free(model);
  t.log_density = alone;
  t.log_density_gradient_batch = batch;
  CHECK_OK(catena_model_new(&t, &model, &error));
  CHECK_OK(catena_model_log_density(model, 3, x, lp, NULL, codes, &error));
  CHECK_INT(n.bad_chain, 3);
  CHECK(lp[0] == plain[0] && lp[1] != lp[1] && lp[2] == plain[2]);
  CHECK(codes[0] == 0 && codes[1] > 0 && codes[2] == 0);
  CHECK_FAILS(catena_model_log_density(model, 3, stopping, lp, NULL, NULL, &error), CATENA_MODEL, NULL, "stopped", "");
  CHECK_OK(catena_model_log_density(model, 1, x, lp, unused, NULL, &error));
  CHECK_INT(n.code, 0);
  CHECK_OK(catena_model_log_density(model, 3, x, lp, g, codes, &error));
  CHECK_INT(n.code, 1);
  CHECK(lp[0] == plain[0] && lp[1] != lp[1] && lp[2] == plain[2]);
  CHECK(codes[0] == 0 && codes[1] > 0 && codes[2] == 0);
  CHECK_OK(catena_model_log_density(model, 3, x, lp, g, NULL, &error));
  CHECK(lp[1] != lp[1]);
  CHECK_FAILS(catena_model_log_density(model, 3, stopping, lp, g, codes, &error), CATENA_MODEL, NULL, "stopped",
              "from the batch");
  catena_model_free(model);
  CHECK_INT(n.workers_made, n.workers_freed);
  n.fail_workers = 1;
  n.released = 0;
  CHECK_OK(catena_model_new(&t, &model, &error));
  CHECK_FAILS(catena_model_log_density(model, 1, x, lp, NULL, NULL, &error), CATENA_MODEL, NULL, "worker_new returned 7",
              "");
  catena_model_free(model);
  CHECK_INT(n.released, 1);
}

int main(void) {
  test_no_dimension();
  test_log_density();
  return 0;
}
