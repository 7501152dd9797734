/* Static HMC, fixed parameters, generated quantities of given draws, gradients against finite differences. */
#define _POSIX_C_SOURCE 200809L
#include "run.h"

#define PI 3.14159265358979323846
#define STATIC_COLUMNS (5 + NORMAL_OUTPUTS)
#define FIXED_COLUMNS (2 + NORMAL_OUTPUTS)

/* mu as one variable of two numbers. */
static int initialize(void *user, void *worker, catena_task *task, const catena_init *init, double *position) {
  (void)user, (void)worker, (void)task;
  if (catena_init_values(init, "mu", position, 2) < 0) return -1;
  if (position[0] > 1e6) {
    catena_task_message(task, "too large");
    return 1;
  }
  return 0;
}

/* The normal model, which says that its outputs are two parameters, one transformed parameter and a quantity. */
static catena_model *full_model(normal *n) {
  catena_error *error = NULL;
  catena_model *model = NULL;
  catena_density t;
  normal_init(n);
  t = normal_table(n);
  t.initialize = initialize;
  t.parameter_outputs = 2;
  t.transformed_outputs = 1;
  CHECK_OK(catena_model_new(&t, &model, &error));
  return model;
}

/* Memory for the draws of CHAINS chains. */
static double *memory(size_t columns, catena_writer **writers) {
  catena_error *error = NULL;
  const size_t size = CHAINS * SAMPLES * columns;
  double *rows = (double *)malloc(size * sizeof *rows);
  CHECK(rows);
  CHECK_OK(catena_writers_memory_new(rows, size, CHAINS, SAMPLES, columns, CATENA_LAYOUT_ROWS, writers, &error));
  return rows;
}

static catena_io to(catena_writer **writers) {
  catena_io io = empty_io();
  io.sample_writers = writers;
  io.num_sample_writers = CHAINS;
  return io;
}

static void free_writers(catena_writer **writers) {
  int i;
  for (i = 0; i < CHAINS; ++i) catena_writer_free(writers[i]);
}

static void test_static(void) {
  static const char *const names[] = {"lp__", "accept_stat__", "stepsize__", "int_time__", "energy__", "mu.1"};
  normal n;
  catena_error *error = NULL;
  catena_result *result = NULL;
  catena_run *run = NULL;
  catena_writer *writers[CHAINS], *again[CHAINS];
  catena_model *model = full_model(&n);
  catena_options *options = short_options(CHAINS, WARMUP, SAMPLES, THREADS);
  double *rows = memory(STATIC_COLUMNS, writers), *other = memory(STATIC_COLUMNS, again);
  catena_io io = to(writers);
  size_t i;
  printf("static HMC, at once and as a run\n");
  CHECK_INT(catena_engine_column_count(model, CATENA_ENGINE_STATIC), STATIC_COLUMNS);
  CHECK_INT(catena_engine_column_count(model, 9), 0);
  for (i = 0; i < sizeof names / sizeof *names; ++i)
    CHECK_TEXT(catena_engine_column(model, CATENA_ENGINE_STATIC, i), names[i]);
  CHECK(!catena_engine_column(model, CATENA_ENGINE_STATIC, STATIC_COLUMNS));
  CHECK_REFUSES(catena_options_set_int_time(options, -1, &error), "int_time", "-1");
  CHECK_OK(catena_sample_hmc_static(model, options, &io, &result, &error));
  CHECK_BETWEEN(rows[3], 2 * PI, 2 * PI);
  CHECK_BETWEEN(rows[2], 1e-3, 10);
  CHECK_HAS(catena_result_json(result, 1), "\"stepsize\"");
  CHECK_HAS(catena_result_json(result, 1), "\"metric_type\"");
  CHECK_HAS(catena_result_json(result, 1), "\"diag_e\"");
  CHECK(!catena_result_json(result, CHAINS));
  catena_result_free(result);
  CHECK_OK(catena_options_set_int_time(options, 1.25, &error));
  CHECK_OK(catena_options_set_num_threads(options, 1, &error));
  io = to(again);
  CHECK_REFUSES(catena_run_start_engine(model, 3, options, &io, &run, &error), "engine", "got 3");
  CHECK_OK(catena_run_start_engine(model, CATENA_ENGINE_STATIC, options, &io, &run, &error));
  CHECK_OK(catena_run_wait(run, &result, &error));
  catena_result_free(result);
  catena_run_free(run);
  CHECK_BETWEEN(other[3], 1.25, 1.25);
  /* The same once more, with the default time: another engine's option changes nothing else. */
  CHECK_OK(catena_options_set_int_time(options, 2 * PI, &error));
  free_writers(again);
  free(other);
  other = memory(STATIC_COLUMNS, again);
  io = to(again);
  CHECK_OK(catena_sample_hmc_static(model, options, &io, &result, &error));
  catena_result_free(result);
  CHECK_BITS(other, rows, CHAINS * SAMPLES * STATIC_COLUMNS);
  free_writers(writers);
  free_writers(again);
  free(rows);
  free(other);
  end(&n, model, options);
}

static void test_fixed(void) {
  static const double one[] = {1, 1};
  const double *metrics[CHAINS] = {one, one, one, one};
  normal n;
  size_t i, c;
  catena_error *error = NULL;
  catena_result *result = NULL;
  catena_writer *writers[CHAINS];
  catena_model *model = full_model(&n);
  catena_options *options = short_options(CHAINS, WARMUP, SAMPLES, THREADS);
  double *rows = memory(FIXED_COLUMNS, writers);
  catena_io io = to(writers);
  printf("fixed parameters\n");
  CHECK_OK(catena_sample_fixed_param(model, options, &io, &result, &error));
  for (c = 0; c < CHAINS; ++c) {
    const double *first = rows + c * SAMPLES * FIXED_COLUMNS;
    CHECK_INT(catena_result_rows(result, c), SAMPLES);
    CHECK_INT(catena_result_warmup_gradients(result, c), 1);
    for (i = 1; i < SAMPLES; ++i) {
      const double *row = first + i * FIXED_COLUMNS;
      CHECK_BITS(row + 2, first + 2, 3);
      CHECK(row[5] != first[5]);
      CHECK(row[0] == 0 && row[1] == 0);
    }
  }
  CHECK(rows[2] != rows[SAMPLES * FIXED_COLUMNS + 2]);
  catena_result_free(result);
  io.inv_metrics = metrics;
  io.num_inv_metrics = CHAINS;
  io.inv_metric_size = 2;
  CHECK_REFUSES(catena_sample_fixed_param(model, options, &io, &result, &error), "inv_metrics", "got");
  free_writers(writers);
  free(rows);
  end(&n, model, options);
}

/* Lines of warnings, from any thread. */
typedef struct lines {
  pthread_mutex_t lock;
  int count;
  char last[256];
  int64_t chain;
} lines;

static void keep(void *user, catena_level level, int64_t chain, const char *line) {
  lines *l = (lines *)user;
  if (level != CATENA_LOG_WARNING) return;
  pthread_mutex_lock(&l->lock);
  ++l->count;
  l->chain = chain;
  snprintf(l->last, sizeof l->last, "%s", line);
  pthread_mutex_unlock(&l->lock);
}

static void test_quantities(void) {
  static const char *const names[] = {"lp__", "mu.2", "mu.1"};
  enum { ROWS = 6, GIVEN = 3, CHAIN = 2, BAD = 4 };
  double given[CHAINS][ROWS][GIVEN], out[CHAINS][ROWS], single[ROWS];
  const double *values[CHAINS];
  const size_t rows[CHAINS] = {ROWS, ROWS, ROWS, ROWS};
  const char *missing[] = {"lp__", "mu.2", "nu"};
  lines kept = {PTHREAD_MUTEX_INITIALIZER, 0, "", 0};
  normal n;
  size_t c, r;
  catena_error *error = NULL;
  catena_result *result = NULL;
  catena_writer *writers[CHAINS], *writer = NULL;
  catena_logger logger;
  catena_draws draws;
  catena_io io = to(writers);
  catena_model *model = full_model(&n);
  catena_options *options = short_options(CHAINS, WARMUP, SAMPLES, THREADS);
  printf("generated quantities of given draws\n");
  memset(&logger, 0, sizeof logger);
  logger.struct_size = sizeof logger;
  logger.user = &kept;
  logger.log = keep;
  io.logger = &logger;
  for (c = 0; c < CHAINS; ++c) {
    values[c] = &given[c][0][0];
    for (r = 0; r < ROWS; ++r) {
      given[c][r][0] = -1;
      given[c][r][1] = (double)r;
      given[c][r][2] = (double)c;
    }
  }
  /* A row that the model refuses. */
  given[CHAIN][BAD][2] = 1e7;
  memset(&draws, 0, sizeof draws);
  draws.struct_size = sizeof draws;
  draws.names = names;
  draws.columns = GIVEN;
  draws.values = values;
  draws.rows = rows;
  draws.num_chains = CHAINS;
  CHECK_INT(catena_quantity_column_count(model), 1);
  CHECK_TEXT(catena_quantity_column(model, 0), "noise");
  CHECK(!catena_quantity_column(model, 1));
  CHECK_OK(catena_writers_memory_new(&out[0][0], CHAINS * ROWS, CHAINS, ROWS, 1, CATENA_LAYOUT_ROWS, writers, &error));
  CHECK_OK(catena_generate_quantities(model, options, &draws, &io, &result, &error));
  for (c = 0; c < CHAINS; ++c) {
    CHECK_INT(catena_result_iterations(result, c), ROWS);
    for (r = 0; r < ROWS; ++r) CHECK(isnan(out[c][r]) == (c == CHAIN && r == BAD));
  }
  CHECK(out[0][0] != out[0][1] && out[0][0] != out[1][0]);
  CHECK_INT(kept.count, 1);
  CHECK_INT(kept.chain, CHAIN + 1);
  CHECK_HAS(kept.last, "row 5");
  CHECK_HAS(kept.last, "too large");
  catena_result_free(result);
  free_writers(writers);

  /* One chain of it by itself. */
  CHECK_OK(catena_options_set_num_chains(options, 1, &error));
  CHECK_OK(catena_options_set_init_chain_id(options, 2, &error));
  draws.num_chains = 1;
  draws.values = values + 1;
  CHECK_OK(catena_writer_memory_new(single, ROWS, ROWS, 1, 1, 1, &writer, &error));
  io.sample_writers = &writer;
  io.num_sample_writers = 1;
  CHECK_OK(catena_generate_quantities(model, options, &draws, &io, &result, &error));
  catena_result_free(result);
  CHECK_BITS(single, out[1], ROWS);
  catena_writer_free(writer);

  draws.names = missing;
  io.num_sample_writers = 0;
  CHECK_FAILS(catena_generate_quantities(model, options, &draws, &io, &result, &error), CATENA_INVALID_ARGUMENT, "draws.names",
              "mu.1", "expected");
  draws.names = names;
  draws.num_chains = 2;
  CHECK_REFUSES(catena_generate_quantities(model, options, &draws, &io, &result, &error), "draws.num_chains", "got 2");
  CHECK_REFUSES(catena_generate_quantities(model, options, NULL, &io, &result, &error), "draws", "NULL");
  end(&n, model, options);
}

/* The derivative by the second coordinate is wrong. */
static int wrong(void *user, void *worker, catena_task *task, const double *x, double *lp, double *g) {
  const int code = normal_evaluate(user, worker, task, x, lp, g);
  g[1] += 0.5;
  return code;
}

static void test_gradient(void) {
  normal n;
  size_t i;
  static const double at[] = {0.5, -1};
  catena_error *error = NULL;
  catena_init *init = NULL;
  catena_gradient_check *check = NULL;
  catena_model *model = full_model(&n), *bad = NULL;
  catena_options *options = short_options(1, 0, 0, 1);
  catena_density t = normal_table(&n);
  printf("gradients against finite differences\n");
  CHECK_OK(catena_diagnose_gradient(model, options, NULL, NULL, 1e-6, 1e-6, &check, &error));
  CHECK_INT(catena_gradient_check_size(check), 2);
  CHECK_INT(catena_gradient_check_failures(check), 0);
  for (i = 0; i < 2; ++i) CHECK_BETWEEN(catena_gradient_check_error(check, i), -1e-6, 1e-6);
  CHECK(isnan(catena_gradient_check_error(check, 2)));
  catena_gradient_check_free(check);

  t.release = NULL;
  t.log_density_gradient = wrong;
  CHECK_OK(catena_model_new(&t, &bad, &error));
  CHECK_OK(catena_init_position_new(at, 2, &init, &error));
  CHECK_OK(catena_diagnose_gradient(bad, options, init, NULL, 1e-6, 1e-6, &check, &error));
  CHECK_INT(catena_gradient_check_failures(check), 1);
  CHECK_BETWEEN(catena_gradient_check_log_density(check), normal_value(at, NULL), normal_value(at, NULL));
  CHECK_BETWEEN(catena_gradient_check_value(check, 1), -1, -1);
  CHECK_BETWEEN(catena_gradient_check_error(check, 1), 0.5 - 1e-6, 0.5 + 1e-6);
  CHECK_BETWEEN(catena_gradient_check_model(check, 1) - catena_gradient_check_finite_difference(check, 1), 0.5 - 1e-6,
                0.5 + 1e-6);
  CHECK_HAS(catena_gradient_check_text(check), "finite diff");
  catena_gradient_check_free(check);
  CHECK_REFUSES(catena_diagnose_gradient(bad, options, init, NULL, 0, 1e-6, &check, &error), "epsilon", "got 0");
  CHECK_REFUSES(catena_diagnose_gradient(bad, options, init, NULL, 1e-6, -1, &check, &error), "threshold", "got -1");
  CHECK_REFUSES(catena_diagnose_gradient(NULL, options, init, NULL, 1e-6, 1e-6, &check, &error), "model", "NULL");
  catena_init_free(init);
  catena_model_free(bad);
  end(&n, model, options);
}

int main(void) {
  test_static();
  test_fixed();
  test_quantities();
  test_gradient();
  return 0;
}
