/* Sets of particles through the C ABI: a conjugate normal with prior and likelihood, as data one by one, from a reference;
 * batches, the calling thread, failures that name set and particle. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"
#include "normal.h"

#define SETS 3
#define PARTICLES 400
#define DIMENSION 2
#define FIRST_COLUMNS 4
#define COLUMNS (FIRST_COLUMNS + DIMENSION)
#define SIZE (SETS * PARTICLES * COLUMNS)
#define HALF_LOG_TAU 0.91893853320467274178

/* x ~ N(0, I), y_j ~ N(x_j, 0.5^2). */
static const double observed[DIMENSION] = {1.2, -0.4};
static const double noise = 0.5;

typedef struct conjugate {
  pthread_t caller;
  int of_caller, others, released;
  /* The draw from the prior, from 1, that is far away, where the likelihood is `value` with the return `code`; 0: none. */
  long bad_draw;
  int code;
  double value;
  long draws;
} conjugate;

static double log_normal(double x, double mean, double sd) {
  const double z = (x - mean) / sd;
  return -0.5 * z * z - log(sd) - HALF_LOG_TAU;
}

static double exact_evidence(void) {
  return log_normal(observed[0], 0, sqrt(1 + noise * noise)) + log_normal(observed[1], 0, sqrt(1 + noise * noise));
}

static void note(conjugate *c) {
  if (c->of_caller && !pthread_equal(pthread_self(), c->caller)) ++c->others;
}

static int parts(void *user, void *worker, catena_task *task, const double *x, double *prior, double *likelihood, double *g,
                 double *h) {
  conjugate *c = (conjugate *)user;
  int j;
  (void)worker;
  note(c);
  *prior = *likelihood = 0;
  for (j = 0; j < DIMENSION; ++j) {
    *prior += log_normal(x[j], 0, 1);
    *likelihood += log_normal(observed[j], x[j], noise);
    if (g) g[j] = -x[j];
    if (h) h[j] = (observed[j] - x[j]) / (noise * noise);
  }
  if (x[0] > 100) {
    *likelihood = c->value;
    catena_task_message(task, "as the test wants it");
    return c->code;
  }
  return 0;
}

static int evaluate(void *user, void *worker, catena_task *task, const double *x, double *value, double *gradient) {
  double prior, likelihood, h[DIMENSION];
  const int code = parts(user, worker, task, x, &prior, &likelihood, gradient, h);
  int j;
  *value = prior + likelihood;
  for (j = 0; j < DIMENSION; ++j) gradient[j] += h[j];
  return code;
}

static int batch(void *user, void *worker, catena_task *task, size_t n, const double *x, double *priors, double *likelihoods,
                 double *g, double *h, int *codes) {
  size_t i;
  for (i = 0; i < n; ++i) {
    const size_t at = i * DIMENSION;
    codes[i] = parts(user, worker, task, x + at, priors + i, likelihoods + i, g ? g + at : NULL, h ? h + at : NULL);
  }
  return 0;
}

static int draw(void *user, void *worker, catena_task *task, double *x) {
  conjugate *c = (conjugate *)user;
  int j;
  (void)worker;
  note(c);
  for (j = 0; j < DIMENSION; ++j) x[j] = catena_task_normal(task);
  if (c->bad_draw && ++c->draws == c->bad_draw) x[0] = 1000;
  return 0;
}

static int data(void *user, void *worker, catena_task *task, const double *x, size_t count, double *value, double *next,
                double *g, double *h) {
  size_t j;
  (void)user, (void)worker, (void)task;
  CHECK(count < DIMENSION);
  *value = 0;
  for (j = 0; j < DIMENSION; ++j) {
    *value += log_normal(x[j], 0, 1);
    if (g) g[j] = -x[j];
    if (j < count) *value += log_normal(observed[j], x[j], noise);
    if (g && j < count) g[j] += (observed[j] - x[j]) / (noise * noise);
    if (h) h[j] = j == count ? (observed[j] - x[j]) / (noise * noise) : 0;
  }
  *next = log_normal(observed[count], x[count], noise);
  return 0;
}

static void release(void *user) { ++((conjugate *)user)->released; }

static catena_density conjugate_table(conjugate *c) {
  catena_density t;
  memset(&t, 0, sizeof t);
  t.struct_size = sizeof t;
  t.user = c;
  t.release = release;
  t.dimension = DIMENSION;
  t.log_density_gradient = evaluate;
  t.log_density_parts = parts;
  t.log_density_parts_batch = batch;
  t.sample_prior = draw;
  return t;
}

static catena_options *options_of(const char *kernel) {
  static const char *const all[][2] = {
      {"num_sets", "3"}, {"num_particles", "400"}, {"init_set_id", "5"}, {"seed", "7"}, {"num_threads", "2"}};
  catena_error *error = NULL;
  catena_options *options = NULL;
  size_t i;
  CHECK_OK(catena_options_new(&options, &error));
  for (i = 0; i < sizeof all / sizeof *all; ++i) CHECK_OK(catena_options_set(options, all[i][0], all[i][1], &error));
  CHECK_OK(catena_options_set(options, "kernel", kernel, &error));
  return options;
}

/* Runs; the rows of all sets, one after the other. */
static catena_smc_result *run(const catena_density *density, catena_options *options, const catena_reference *reference,
                              double *rows) {
  catena_error *error = NULL;
  catena_model *model = NULL;
  catena_smc_result *result = NULL;
  catena_writer *writers[SETS];
  catena_io io = empty_io();
  int i;
  CHECK_OK(catena_model_new(density, &model, &error));
  CHECK_INT(catena_smc_column_count(model), COLUMNS);
  CHECK_OK(catena_writers_memory_new(rows, SIZE, SETS, PARTICLES, COLUMNS, CATENA_LAYOUT_ROWS, writers, &error));
  io.sample_writers = writers;
  io.num_sample_writers = SETS;
  CHECK_OK(catena_sample_smc(model, options, reference, &io, &result, &error));
  for (i = 0; i < SETS; ++i) catena_writer_free(writers[i]);
  catena_model_free(model);
  catena_options_free(options);
  return result;
}

static void check_result(const catena_smc_result *result, double way) {
  size_t s, i;
  const double value = catena_smc_result_log_evidence(result), error = catena_smc_result_standard_error(result);
  /* Three sets tell their error roughly: four times what it is on average. */
  CHECK_BETWEEN(error, 1e-6, 0.3);
  CHECK_BETWEEN(value - exact_evidence(), -0.16, 0.16);
  CHECK_INT(catena_smc_result_num_sets(result), SETS);
  for (s = 0; s < SETS; ++s) {
    const size_t stages = catena_smc_result_num_stages(result, s);
    CHECK_INT(catena_smc_result_set_id(result, s), 5 + s);
    CHECK_INT(catena_smc_result_set_outcome(result, s), CATENA_SET_FINISHED);
    CHECK(!catena_smc_result_set_error(result, s));
    CHECK_INT(catena_smc_result_set_rows(result, s), PARTICLES);
    CHECK_BETWEEN(catena_smc_result_set_log_evidence(result, s), exact_evidence() - 1, exact_evidence() + 1);
    CHECK_BETWEEN(catena_smc_result_set_standard_error(result, s), 0.001, 0.5);
    CHECK_BETWEEN(catena_smc_result_set_seconds(result, s), 0, 60);
    CHECK_INT(catena_smc_result_set_refused(result, s), 0);
    CHECK(stages > 0);
    for (i = 0; i < stages; ++i) CHECK_BETWEEN(catena_smc_result_stage_ess(result, s, i), 199, PARTICLES);
    CHECK_BETWEEN(catena_smc_result_stage_way(result, s, stages - 1), way, way);
    CHECK_BETWEEN(catena_smc_result_stage_acceptance(result, s, stages - 1), 0.05, 1);
    CHECK_BETWEEN(catena_smc_result_stage_stepsize(result, s, stages - 1), 1e-3, 10);
    CHECK_BETWEEN(catena_smc_result_stage_log_evidence(result, s, stages - 1), exact_evidence() - 1, exact_evidence() + 1);
    CHECK(isnan(catena_smc_result_stage_way(result, s, stages)));
  }
  CHECK_INT(catena_smc_result_set_outcome(result, SETS), CATENA_SET_STOPPED);
  CHECK(isnan(catena_smc_result_set_log_evidence(result, SETS)));
}

static void test_paths_and_drivers(void) {
  static const char *const kernels[] = {"random_walk", "independent", "hmc", "nuts"};
  static double rows[SIZE], others[SIZE];
  size_t k;
  for (k = 0; k < sizeof kernels / sizeof *kernels; ++k) {
    catena_error *error = NULL;
    conjugate c = {0};
    catena_density t = conjugate_table(&c);
    catena_options *options = options_of(kernels[k]);
    catena_smc_result *result = run(&t, options, NULL, rows);
    check_result(result, 1);
    CHECK_BITS(rows + 1, (double[]){catena_smc_result_set_log_evidence(result, 0)}, 1);
    CHECK_BETWEEN(rows[2], 5, 5);
    catena_smc_result_free(result);
    CHECK_INT(c.released, 1);

    options = options_of(kernels[k]);
    CHECK_OK(catena_options_set(options, "batch_size", "50", &error));
    catena_smc_result_free(run(&t, options, NULL, others));
    CHECK_BITS(rows, others, SIZE);

    c.caller = pthread_self();
    c.of_caller = 1;
    t.threading = CATENA_THREADS_CALLER;
    catena_smc_result_free(run(&t, options_of(kernels[k]), NULL, others));
    CHECK_BITS(rows, others, SIZE);
    CHECK_INT(c.others, 0);

    t.threading = CATENA_THREADS_ANY;
    c.of_caller = 0;
    t.data_count = DIMENSION;
    t.log_density_data = data;
    result = run(&t, options_of(kernels[k]), NULL, others);
    check_result(result, DIMENSION);
    catena_smc_result_free(result);
  }
}

static void test_references(void) {
  static const double mean[DIMENSION] = {0.5, 0}, sd[DIMENSION] = {1, 0.8}, covariance[] = {1, 0.2, 0.2, 1};
  static double rows[SIZE];
  catena_error *error = NULL;
  conjugate c = {0};
  catena_density t = conjugate_table(&c);
  catena_reference reference = {sizeof reference, mean, sd, DIMENSION};
  catena_smc_result *result;
  catena_model *model = NULL;
  catena_options *options = options_of("hmc");
  t.log_density_parts = NULL;
  t.log_density_parts_batch = NULL;
  t.sample_prior = NULL;
  result = run(&t, options_of("hmc"), &reference, rows);
  check_result(result, 1);
  catena_smc_result_free(result);
  reference.spread = covariance;
  reference.spread_size = DIMENSION * DIMENSION;
  result = run(&t, options_of("nuts"), &reference, rows);
  check_result(result, 1);
  catena_smc_result_free(result);
  /* Fitted. */
  result = run(&t, options_of("hmc"), NULL, rows);
  check_result(result, 1);
  catena_smc_result_free(result);

  CHECK_OK(catena_model_new(&t, &model, &error));
  reference.spread_size = 3;
  result = (catena_smc_result *)&c;
  CHECK_REFUSES(catena_sample_smc(model, options, &reference, NULL, &result, &error), "reference.spread_size", "3");
  CHECK(!result);
  CHECK_OK(catena_options_set(options, "path", "data", &error));
  CHECK_REFUSES(catena_sample_smc(model, options, NULL, NULL, &result, &error), "path", "log_density_data");
  CHECK_REFUSES(catena_sample_smc(NULL, options, NULL, NULL, &result, &error), "model", "NULL");
  CHECK_REFUSES(catena_sample_smc(model, NULL, NULL, NULL, &result, &error), "options", "NULL");
  CHECK_REFUSES(catena_sample_smc(model, options, NULL, NULL, NULL, &error), "out", "NULL");
  catena_model_free(model);
  t.data_count = 3;
  CHECK_REFUSES(catena_model_new(&t, &model, &error), "density.log_density_data", "data_count of 3");
  catena_options_free(options);
}

/* One thread, so that the draws from the prior come in order. */
static catena_smc_result *fail(conjugate *c, catena_status expected, const char *word) {
  catena_error *error = NULL;
  catena_model *model = NULL;
  catena_smc_result *result = NULL;
  catena_density t = conjugate_table(c);
  catena_options *options = options_of("hmc");
  CHECK_OK(catena_options_set(options, "num_sets", "1", &error));
  CHECK_OK(catena_options_set(options, "num_threads", "1", &error));
  CHECK_OK(catena_model_new(&t, &model, &error));
  if (expected == CATENA_OK)
    CHECK_OK(catena_sample_smc(model, options, NULL, NULL, &result, &error));
  else
    CHECK_FAILS(catena_sample_smc(model, options, NULL, NULL, &result, &error), expected, NULL, word, "set 5");
  CHECK(result);
  catena_model_free(model);
  catena_options_free(options);
  return result;
}

static void test_failures(void) {
  conjugate c = {0};
  catena_smc_result *result;
  c.bad_draw = 100;
  c.value = NAN;
  result = fail(&c, CATENA_MODEL, "set 5, particle 99: expected a finite log likelihood, or -inf, got NaN");
  CHECK_INT(catena_smc_result_set_outcome(result, 0), CATENA_SET_FAILED);
  CHECK_HAS(catena_error_message(catena_smc_result_set_error(result, 0)), "particle 99");
  CHECK(isnan(catena_smc_result_log_evidence(result)));
  catena_smc_result_free(result);

  c.draws = 0;
  c.code = -1;
  catena_smc_result_free(fail(&c, CATENA_MODEL, "as the test wants it"));

  c.draws = 0;
  c.code = 1;
  result = fail(&c, CATENA_OK, "");
  CHECK_INT(catena_smc_result_set_refused(result, 0), 1);
  CHECK_BETWEEN(catena_smc_result_log_evidence(result), exact_evidence() - 0.5, exact_evidence() + 0.5);
  catena_smc_result_free(result);

  catena_smc_result_free(NULL);
  CHECK_INT(catena_smc_result_num_sets(NULL), 0);
  CHECK(isnan(catena_smc_result_standard_error(NULL)));
  CHECK(!catena_smc_column(NULL, 0));
}

/* A page of particles, and what is refused. */
static void test_page(void) {
  catena_error *error = NULL;
  catena_course *course = NULL, *other = NULL;
  catena_course_step step = {.struct_size = sizeof step, .way = 1, .ess = 40, .size = 50, .ancestors = 30, .log_evidence = -2};
  catena_course_options options = {.struct_size = sizeof options, .title = "Two sets"};
  const double rows[6] = {0.5, -1, 1, 0.25, 0, 2};
  const char *const names[2] = {"log_weight__", "x"};
  const uint64_t ids[2] = {3, 4};
  const size_t counts[2] = {1, 2};
  char page[1 << 16];
  size_t length;
  FILE *file;
  CHECK_OK(catena_course_new(CATENA_NOUN_STAGE, &course, &error));
  CHECK_REFUSES(catena_course_new(7, &other, &error), "noun", "another");
  CHECK_REFUSES(catena_course_new(0, NULL, &error), "out", "NULL");
  CHECK_FAILS(catena_course_report(course, NULL, "page.html", &error), CATENA_INVALID_ARGUMENT, NULL, "steps or particles", "");
  CHECK_OK(catena_course_add(course, 3, &step, &error));
  CHECK_OK(catena_course_add(course, 4, &step, &error));
  CHECK_REFUSES(catena_course_add(course, 4, NULL, &error), "step", "NULL");
  CHECK_REFUSES(catena_course_add(NULL, 4, &step, &error), "course", "NULL");
  CHECK_OK(catena_course_particles(course, rows, 6, ids, counts, 2, 2, names, &error));
  CHECK_REFUSES(catena_course_particles(course, rows, 5, ids, counts, 2, 2, names, &error), "size", "5");
  CHECK_REFUSES(catena_course_note_smc(course, NULL, 10, &error), "result", "NULL");
  CHECK_REFUSES(catena_course_note_filter(course, NULL, &error), "filter", "NULL");
  CHECK_REFUSES(catena_course_note_updater(course, NULL, &error), "updater", "NULL");
  CHECK_REFUSES(catena_course_note_population(course, NULL, &error), "population", "NULL");
  CHECK_OK(catena_course_report(course, &options, "page.html", &error));
  file = fopen("page.html", "r");
  CHECK(file);
  length = fread(page, 1, sizeof page - 1, file);
  page[length] = 0;
  fclose(file);
  remove("page.html");
  CHECK_HAS(page, "<title>Two sets</title>");
  CHECK_HAS(page, "2 sets, 1 stage, 3 particles, 1 variable");
  catena_course_free(course);
  catena_course_free(NULL);
}

/* Files of draws, read back. */
static void test_files(void) {
  catena_error *error = NULL;
  catena_files *files = NULL;
  const char *const paths[2] = {"draws_1.csv", "draws_2.csv"};
  double metric[2];
  size_t rows = 0;
  int i;
  for (i = 0; i < 2; i++) {
    FILE *file = fopen(paths[i], "w");
    fprintf(file, "# model = two\nlp__,x\n# Adaptation terminated\n# Step size = 0.5\n# Diagonal elements of inverse mass matrix:\n# 1, 2\n-1,%d\n-2,7\n", i);
    fclose(file);
  }
  CHECK_OK(catena_files_read(paths, 2, NULL, &files, &error));
  CHECK_INT(catena_files_num_chains(files), 2);
  CHECK_INT(catena_files_num_draws(files), 2);
  CHECK_INT(catena_files_length(files, 1), 2);
  CHECK_INT(catena_files_num_columns(files), 2);
  CHECK_TEXT(catena_files_column(files, 1), "x");
  CHECK(!catena_files_column(files, 2));
  CHECK(catena_files_values(files)[5] == 1 && catena_files_values(files)[7] == 7);
  CHECK_TEXT(catena_files_setting(files, 0, 0), "model");
  CHECK_TEXT(catena_files_setting(files, 0, 1), "two");
  CHECK(catena_files_stepsize(files, 1) == 0.5 && isnan(catena_files_stepsize(files, 2)));
  CHECK(isnan(catena_files_seconds(files, 0, 1)));
  CHECK_INT(catena_files_inv_metric_size(files, 0), 2);
  CHECK_OK(catena_files_inv_metric(files, 0, metric, 2, &rows, &error));
  CHECK(metric[1] == 2 && rows == 1);
  CHECK_REFUSES(catena_files_inv_metric(files, 0, metric, 1, NULL, &error), "size", "1");
  CHECK_INT(catena_files_num_stages(files, 0), 0);
  CHECK_INT(catena_files_cut_off(files, 0), 0);
  CHECK_OK(catena_files_report(files, NULL, "page.html", &error));
  CHECK_INT(remove("page.html"), 0);
  catena_files_free(files);
  remove(paths[1]);
  CHECK_FAILS(catena_files_read(paths, 2, NULL, &files, &error), CATENA_IO, NULL, "draws_2.csv", "");
  remove(paths[0]);
  catena_files_free(NULL);
  CHECK_INT(catena_files_num_draws(NULL), 0);
}

int main(void) {
  test_paths_and_drivers();
  test_references();
  test_failures();
  test_page();
  test_files();
  return 0;
}
