/* Runs as handles: started, watched, cancelled, waited for; on pools of their own or shared; with models that only the
 * calling thread may enter, and with batches. */
#define _POSIX_C_SOURCE 200809L
#include "run.h"
#include <time.h>

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The draws that every way of running must give. */
static double *reference(const catena_options *options) {
  normal n;
  catena_model *model;
  catena_error *error = NULL;
  double *rows = (double *)calloc(SIZE, sizeof *rows);
  CHECK(rows);
  normal_init(&n);
  model = normal_model(&n);
  CHECK_OK(sample_rows(model, options, empty_io(), rows, NULL, &error));
  catena_model_free(model);
  return rows;
}

static catena_io into(double *rows, catena_writer **writers) {
  catena_error *error = NULL;
  catena_io io = empty_io();
  CHECK_OK(catena_writers_memory_new(rows, SIZE, CHAINS, SAMPLES, COLUMNS, CATENA_LAYOUT_ROWS, writers, &error));
  io.sample_writers = writers;
  io.num_sample_writers = CHAINS;
  return io;
}

static void free_all(catena_writer **writers) {
  int i;
  for (i = 0; i < CHAINS; ++i) catena_writer_free(writers[i]);
}

static void started_and_waited_for(void) {
  catena_error *error = NULL;
  catena_options *options = short_options(CHAINS, WARMUP, SAMPLES, THREADS);
  double *expected = reference(options), rows[2][SIZE];
  catena_pool *pool = NULL;
  catena_run *runs[2];
  catena_result *result = NULL;
  catena_writer *writers[2][CHAINS];
  catena_progress progress;
  normal n;
  catena_model *model;
  int i, done = 0;
  size_t chain;
  puts("two runs at once on one pool, watched and waited for");
  normal_init(&n);
  model = normal_model(&n);
  CHECK_OK(catena_pool_new(2, &pool, &error));
  CHECK_INT(catena_pool_threads(pool), 2);
  CHECK_OK(catena_options_set_pool(options, pool, &error));
  catena_pool_free(pool);
  for (i = 0; i < 2; ++i) {
    catena_io io = into(rows[i], writers[i]);
    CHECK_OK(catena_run_start(model, options, &io, &runs[i], &error));
  }
  while (!done) CHECK_OK(catena_run_poll(runs[0], 0.001, &done, &error));
  memset(&progress, 0, sizeof progress);
  progress.struct_size = sizeof progress;
  for (chain = 0; chain < CHAINS; ++chain) {
    CHECK_OK(catena_run_progress(runs[0], chain, &progress, &error));
    CHECK_INT(progress.chain_id, chain + 1);
    CHECK_INT(progress.iteration, WARMUP + SAMPLES);
    CHECK_INT(progress.total, WARMUP + SAMPLES);
    CHECK_INT(progress.over, 1);
    CHECK_INT(progress.in_warmup, 0);
    CHECK_BETWEEN(progress.stepsize, 0.1, 2);
    CHECK(progress.gradients > WARMUP + SAMPLES);
  }
  CHECK_REFUSES(catena_run_progress(runs[0], CHAINS, &progress, &error), "chain", "got 4");
  for (i = 0; i < 2; ++i) {
    CHECK_OK(catena_run_wait(runs[i], &result, &error));
    CHECK_INT(catena_result_num_chains(result), CHAINS);
    catena_result_free(result);
    CHECK_REFUSES(catena_run_wait(runs[i], &result, &error), "run", "was");
    CHECK(!result);
    catena_run_free(runs[i]);
    CHECK_BITS(rows[i], expected, SIZE);
    free_all(writers[i]);
  }
  end(&n, model, options);
  free(expected);
}

/* A slow model: about a quarter of a millisecond for each evaluation, so that runs last. */
static int slow(void *user, void *worker, catena_task *task, const double *x, double *lp, double *g) {
  const double until = seconds() + 2.5e-4;
  while (seconds() < until) {
  }
  return normal_evaluate(user, worker, task, x, lp, g);
}

#define MANY 64

static void cancelled(void) {
  catena_error *error = NULL;
  catena_options *options = short_options(MANY, 1000, 100000, 2);
  catena_density density;
  catena_run *run = NULL;
  catena_result *result = NULL;
  catena_model *model = NULL;
  normal n;
  int done = 1;
  size_t chain;
  double start, took;
  puts("64 chains cancelled");
  normal_init(&n);
  density = normal_table(&n);
  density.log_density_gradient = slow;
  CHECK_OK(catena_model_new(&density, &model, &error));
  CHECK_OK(catena_run_start(model, options, NULL, &run, &error));
  CHECK_OK(catena_run_poll(run, 0.05, &done, &error));
  CHECK_INT(done, 0);
  start = seconds();
  catena_run_cancel(run);
  CHECK_FAILS(catena_run_wait(run, &result, &error), CATENA_INTERRUPTED, NULL, "interrupt", "");
  took = seconds() - start;
  printf("cancelling took %.1f ms\n", 1e3 * took);
  CHECK_INT(catena_result_num_chains(result), MANY);
  for (chain = 0; chain < MANY; ++chain) CHECK_INT(catena_result_chain_status(result, chain), CATENA_INTERRUPTED);
  catena_result_free(result);
  catena_run_free(run);
  /* A run that nobody waits for is ended by freeing it. */
  CHECK_OK(catena_run_start(model, options, NULL, &run, &error));
  catena_run_free(run);
  end(&n, model, options);
}

typedef struct caller {
  normal n;
  pthread_t thread;
  int elsewhere;
} caller;

static void note(caller *c) {
  if (!pthread_equal(c->thread, pthread_self())) normal_count(&c->n, &c->elsewhere);
}

static int evaluate_here(void *user, void *worker, catena_task *task, const double *x, double *lp, double *g) {
  note((caller *)user);
  return normal_evaluate(user, worker, task, x, lp, g);
}

static int constrain_here(void *user, void *worker, catena_task *task, const double *x, double *outputs) {
  note((caller *)user);
  return normal_constrain(user, worker, task, x, outputs);
}

static int batch_here(void *user, void *worker, catena_task *task, size_t points, const double *x, double *lp, double *g,
                      int *codes) {
  size_t i;
  note((caller *)user);
  (void)worker, (void)task;
  for (i = 0; i < points; ++i) {
    CHECK_INT(codes[i], 0);
    lp[i] = normal_value(x + NORMAL_DIMENSION * i, g + NORMAL_DIMENSION * i);
  }
  return 0;
}

static void log_here(void *user, catena_level level, int64_t chain, const char *line) {
  (void)level, (void)chain, (void)line;
  note((caller *)user);
}

static int table_row_here(void *user, size_t count, const double *values) {
  (void)count, (void)values;
  note((caller *)user);
  return 0;
}

static void on_the_calling_thread(void) {
  static const size_t sizes[] = {0, 1, 3, 100};
  size_t k;
  puts("a model for the calling thread alone, with and without batches");
  for (k = 0; k < sizeof sizes / sizeof *sizes; ++k) {
    catena_error *error = NULL;
    catena_options *options = short_options(CHAINS, WARMUP, SAMPLES, THREADS);
    double *expected = reference(options), rows[SIZE];
    catena_writer *writers[CHAINS], *watched[CHAINS];
    catena_writer_table table;
    catena_logger logger;
    catena_run *run = NULL;
    catena_result *result = NULL;
    catena_model *model = NULL;
    catena_density density;
    catena_io io;
    caller c;
    int done = 0, turns = 0, i;
    normal_init(&c.n);
    c.thread = pthread_self();
    c.elsewhere = 0;
    density = normal_table(&c.n);
    density.log_density_gradient = evaluate_here;
    density.log_density_gradient_batch = batch_here;
    density.constrain = constrain_here;
    density.threading = CATENA_THREADS_CALLER;
    CHECK_OK(catena_model_new(&density, &model, &error));
    CHECK_OK(catena_options_set_batch_size(options, sizes[k], &error));
    CHECK_OK(catena_options_set_batch_wait(options, 0.002, &error));
    memset(&logger, 0, sizeof logger);
    logger.struct_size = sizeof logger;
    logger.user = &c;
    logger.log = log_here;
    memset(&table, 0, sizeof table);
    table.struct_size = sizeof table;
    table.user = &c;
    table.row = table_row_here;
    io = into(rows, writers);
    io.logger = &logger;
    for (i = 0; i < CHAINS; ++i) CHECK_OK(catena_writer_new(&table, &watched[i], &error));
    io.diagnostic_writers = watched;
    io.num_diagnostic_writers = CHAINS;
    CHECK_OK(catena_run_start(model, options, &io, &run, &error));
    for (; !done; ++turns) CHECK_OK(catena_run_poll(run, 0, &done, &error));
    CHECK(turns > 1);
    CHECK_OK(catena_run_wait(run, &result, &error));
    catena_result_free(result);
    catena_run_free(run);
    free_all(writers);
    free_all(watched);
    CHECK_INT(c.elsewhere, 0);
    CHECK_BITS(rows, expected, SIZE);
    free(expected);
    end(&c.n, model, options);
  }
}

static void bad_arguments(void) {
  catena_error *error = NULL;
  catena_options *options = short_options(CHAINS, WARMUP, SAMPLES, THREADS);
  catena_run *run = NULL;
  catena_result *result = NULL;
  catena_progress progress;
  catena_model *model = NULL;
  catena_pool *pool = NULL;
  catena_density density;
  normal n;
  puts("bad arguments");
  normal_init(&n);
  model = normal_model(&n);
  CHECK_REFUSES(catena_pool_new(1, NULL, &error), "out", "NULL");
  CHECK_INT(catena_pool_threads(NULL), 0);
  catena_pool_free(NULL);
  CHECK_REFUSES(catena_options_set_pool(NULL, NULL, &error), "options", "NULL");
  CHECK_REFUSES(catena_options_set_batch_size(NULL, 1, &error), "options", "NULL");
  CHECK_REFUSES(catena_options_set_batch_wait(NULL, 1, &error), "options", "NULL");
  CHECK_REFUSES(catena_options_set_batch_wait(options, -1, &error), "batch_wait", "got -1");
  CHECK_REFUSES(catena_options_set_batch_wait(options, nan(""), &error), "batch_wait", "NaN");
  CHECK_REFUSES(catena_run_start(NULL, options, NULL, &run, &error), "model", "NULL");
  CHECK_REFUSES(catena_run_start(model, NULL, NULL, &run, &error), "options", "NULL");
  CHECK_REFUSES(catena_run_start(model, options, NULL, NULL, &error), "out", "NULL");
  CHECK_OK(catena_options_set_batch_size(options, 2, &error));
  CHECK_REFUSES(catena_run_start(model, options, NULL, &run, &error), "batch_size", "got 2");
  CHECK_OK(catena_options_set_batch_size(options, 0, &error));
  CHECK(!run);
  CHECK_REFUSES(catena_run_poll(NULL, 0, NULL, &error), "run", "NULL");
  CHECK_REFUSES(catena_run_wait(NULL, &result, &error), "run", "NULL");
  CHECK_REFUSES(catena_run_progress(NULL, 0, &progress, &error), "run", "NULL");
  CHECK_OK(catena_run_start(model, options, NULL, &run, &error));
  CHECK_REFUSES(catena_run_poll(run, -1, NULL, &error), "timeout", "got -1");
  CHECK_REFUSES(catena_run_poll(run, nan(""), NULL, &error), "timeout", "NaN");
  CHECK_REFUSES(catena_run_wait(run, NULL, &error), "out", "NULL");
  CHECK_REFUSES(catena_run_progress(run, 0, NULL, &error), "out", "NULL");
  progress.struct_size = 2;
  CHECK_REFUSES(catena_run_progress(run, 0, &progress, &error), "out.struct_size", "got 2");
  catena_run_cancel(NULL);
  catena_run_free(run);
  catena_run_free(NULL);

  CHECK_OK(catena_pool_new(2, &pool, &error));
  CHECK_OK(catena_options_set_pool(options, pool, &error));
  catena_pool_free(pool);
  catena_model_free(model);
  density = normal_table(&n);
  density.threading = 9;
  CHECK_REFUSES(catena_model_new(&density, &model, &error), "density.threading", "got 9");
  density.threading = CATENA_THREADS_ONE;
  CHECK_OK(catena_model_new(&density, &model, &error));
  CHECK_REFUSES(catena_run_start(model, options, NULL, &run, &error), "pool", "2 threads");
  catena_model_free(model);
  catena_options_free(options);
}

int main(void) {
  started_and_waited_for();
  cancelled();
  on_the_calling_thread();
  bad_arguments();
  return 0;
}
