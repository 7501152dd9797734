/* Sizes that no machine has, tables cut through a member, counts near 2^64: a status with words, never an abort, an endless
 * loop or a silent wrap. And what is lent to a refused call is released once. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"
#include <stddef.h>

static int standard(void *user, void *worker, catena_task *task, const double *x, double *value, double *gradient) {
  (void)user, (void)worker, (void)task;
  *value = -0.5 * x[0] * x[0];
  gradient[0] = -x[0];
  return 0;
}

static catena_density density(size_t dimension) {
  catena_density d = {.struct_size = sizeof d, .dimension = dimension, .log_density_gradient = standard};
  return d;
}

static catena_model *model(const catena_density *d) {
  catena_model *m = NULL;
  catena_error *error = NULL;
  CHECK_OK(catena_model_new(d, &m, &error));
  return m;
}

static catena_options *options(size_t num_chains, size_t num_warmup, size_t num_samples) {
  catena_options *o = NULL;
  catena_error *error = NULL;
  CHECK_OK(catena_options_new(&o, &error));
  CHECK_OK(catena_options_set_num_chains(o, num_chains, &error));
  CHECK_OK(catena_options_set_num_warmup(o, num_warmup, &error));
  CHECK_OK(catena_options_set_num_samples(o, num_samples, &error));
  return o;
}

/* A run with these arguments is refused. */
static void refused(const catena_model *m, catena_options *o, const char *argument, const char *got) {
  catena_result *result = NULL;
  catena_error *error = NULL;
  CHECK_REFUSES(catena_sample_nuts(m, o, NULL, &result, &error), argument, got);
  CHECK(!result);
  catena_options_free(o);
}

static void too_large_for_memory(void) {
  catena_error *error = NULL;
  catena_density d = density((size_t)1 << 50);
  catena_model *m = NULL, *one, *wide;
  catena_options *o;
  double value[8] = {0}, out;
  CHECK_REFUSES(catena_model_new(&d, &m, &error), "density.dimension", "1125899906842624");
  d.dimension = (size_t)1 << 59;
  CHECK_REFUSES(catena_model_new(&d, &m, &error), "density.dimension", "576460752303423488");
  d = density(1), one = model(&d);
  d = density(4000000), wide = model(&d);
  refused(one, options((size_t)1 << 50, 10, 10), "num_chains", "1125899906842624");
  refused(one, options((size_t)1 << 62, 10, 10), "num_chains", "4611686018427387904");
  o = options(1, 10, 10);
  CHECK_OK(catena_options_set_metric(o, CATENA_METRIC_DENSE_E, &error));
  refused(wide, o, "metric", "4000000 coordinates, which takes");
  refused(wide, options(100000, 10, 10), "num_chains", "100000 of 4000000 coordinates");
  CHECK_REFUSES(catena_diagnose_rhat(value, (size_t)1 << 50, 4, 0, 1, &out, &error), "chains", "1125899906842624 of 4");
  catena_model_free(one);
  catena_model_free(wide);
}

static int shape(void *user, const char *name, size_t most, size_t *sizes, size_t *rank) {
  (void)user, (void)name, (void)most;
  *rank = 1, sizes[0] = (size_t)1 << 50;
  return 1;
}

static int values(void *user, const char *name, double *out, size_t count) {
  (void)user, (void)name, (void)out, (void)count;
  return 0;
}

/* A chain's failure, not the process's. */
static void initial_values_too_large(void) {
  catena_error *error = NULL;
  catena_init_table table = {.struct_size = sizeof table, .shape = shape, .values = values};
  catena_init *init = NULL;
  const catena_init *inits[1];
  catena_io io = {.struct_size = sizeof io, .inits = inits, .num_inits = 1};
  catena_density d = density(1);
  catena_model *m = model(&d);
  catena_options *o = options(1, 10, 10);
  catena_result *result = NULL;
  CHECK_OK(catena_init_new(&table, &init, &error));
  inits[0] = init;
  CHECK(catena_sample_nuts(m, o, &io, &result, &error) != CATENA_OK);
  CHECK_HAS(catena_error_message(error), "1125899906842624 elements");
  catena_error_free(error);
  catena_result_free(result);
  catena_init_free(init);
  catena_options_free(o);
  catena_model_free(m);
}

static int stop(void *user, void *worker, size_t begin, size_t end, double *sums) {
  (void)user, (void)worker, (void)begin, (void)end, (void)sums;
  return -1;
}

static int sum(void *user, void *worker, catena_task *task, const double *x, double *value, double *gradient) {
  (void)user, (void)worker, (void)x, (void)gradient;
  return catena_task_reduce(task, (size_t)1 << 45, 1, 1, stop, NULL, value);
}

/* All pieces at once would take more than there is; the first one ends it. */
static void sums_of_many_pieces(void) {
  catena_error *error = NULL;
  catena_density d = density(1);
  catena_options *o = options(1, 10, 10);
  catena_result *result = NULL;
  catena_model *m;
  d.log_density_gradient = sum, m = model(&d);
  CHECK_OK(catena_options_set_num_threads(o, 2, &error));
  CHECK(catena_sample_nuts(m, o, NULL, &result, &error) != CATENA_OK);
  catena_error_free(error);
  catena_result_free(result);
  catena_options_free(o);
  catena_model_free(m);
}

static void drop_line(void *user, catena_level level, int64_t chain, const char *line) {
  (void)user, (void)level, (void)chain, (void)line;
}

static void long_runs(void) {
  const size_t warmups[] = {SIZE_MAX, (size_t)1 << 63, SIZE_MAX - 5}, samples[] = {0, ((size_t)1 << 63) - 1, 5};
  catena_error *error = NULL;
  catena_logger logger = {.struct_size = sizeof logger, .log = drop_line};
  catena_io io = {.struct_size = sizeof io, .logger = &logger};
  catena_density d = density(1);
  catena_model *m = model(&d);
  refused(m, options((size_t)1, SIZE_MAX, 1), "num_samples", "got 1");
  refused(m, options((size_t)1, (size_t)1 << 63, (size_t)1 << 63), "num_samples", "9223372036854775808");
  for (size_t i = 0; i < 3; ++i) {
    catena_options *o = options(1, warmups[i], samples[i]);
    catena_result *result = NULL;
    CHECK_OK(catena_options_set_max_evaluations(o, 500, &error));
    CHECK_OK(catena_sample_nuts(m, o, &io, &result, &error));
    CHECK(catena_result_iterations(result, 0) > 0);
    catena_result_free(result);
    catena_options_free(o);
  }
  catena_model_free(m);
}

/* A size that ends inside a member gives half a pointer. */
static void cut_tables(void) {
  catena_error *error = NULL;
  catena_density d = density(1);
  catena_model *m = NULL;
  char words[32];
  for (d.struct_size = 0; d.struct_size < sizeof d; ++d.struct_size) {
    if (d.struct_size % sizeof(void *) == 0) continue;
    snprintf(words, sizeof words, "got %zu", d.struct_size);
    CHECK_REFUSES(catena_model_new(&d, &m, &error), "density.struct_size", words);
  }
  d.struct_size = offsetof(catena_density, log_density);
  CHECK_OK(catena_model_new(&d, &m, &error));
  catena_model_free(m);
}

static int never(void *user) {
  (void)user;
  return 0;
}

static void released(void *user) { ++*(int *)user; }

/* Logger and interrupt are lent: the call releases them once, whatever it is refused for. */
static void lent_tables(void) {
  int loggers = 0, interrupts = 0, calls = 0;
  catena_error *error = NULL;
  catena_logger logger = {.struct_size = sizeof logger, .user = &loggers, .release = released, .log = drop_line};
  catena_interrupt interrupt = {.struct_size = sizeof interrupt, .user = &interrupts, .release = released,
                                .requested = never};
  catena_io io = {.struct_size = sizeof io, .logger = &logger, .interrupt = &interrupt};
  const catena_init *none[2] = {NULL, NULL};
  catena_density d = density(1);
  catena_model *m = model(&d);
  catena_options *o = options(2, 10, 10);
  catena_result *result = NULL;
  catena_run *run = NULL;
#define RELEASES(call) \
  do { \
    CHECK((call) != CATENA_OK); \
    catena_error_free(error); \
    error = NULL; \
    ++calls; \
    CHECK_INT(loggers, calls); \
    CHECK_INT(interrupts, calls); \
  } while (0)
  RELEASES(catena_sample_nuts(NULL, o, &io, &result, &error));
  RELEASES(catena_sample_nuts(m, NULL, &io, &result, &error));
  RELEASES(catena_sample_nuts(m, o, &io, NULL, &error));
  RELEASES(catena_run_start(NULL, o, &io, &run, &error));
  RELEASES(catena_run_start(m, o, &io, NULL, &error));
  RELEASES(catena_run_start_engine(m, 99, o, &io, &run, &error));
  RELEASES(catena_generate_quantities(m, o, NULL, &io, &result, &error));
  io.inits = none, io.num_inits = 1;
  RELEASES(catena_sample_nuts(m, o, &io, &result, &error));
  io.inits = NULL, io.num_inits = 2;
  RELEASES(catena_sample_nuts(m, o, &io, &result, &error));
  io.num_inits = 0;
  CHECK_OK(catena_options_set_batch_size(o, 2, &error));
  RELEASES(catena_sample_nuts(m, o, &io, &result, &error));
  CHECK_OK(catena_options_set_batch_size(o, 0, &error));
  interrupt.requested = NULL;
  RELEASES(catena_sample_nuts(m, o, &io, &result, &error));
  interrupt.requested = never;
  logger.struct_size = 8;
  CHECK(catena_sample_nuts(m, o, &io, &result, &error) != CATENA_OK);
  catena_error_free(error), error = NULL;
  CHECK_INT(interrupts, ++calls);
  logger.struct_size = sizeof logger;
  CHECK_OK(catena_sample_nuts(m, o, &io, &result, &error));
  CHECK_INT(interrupts, ++calls);
  CHECK_INT(loggers, calls - 1);
  catena_result_free(result);
  catena_options_free(o);
  catena_model_free(m);
}

static int count_row(void *user, size_t count, const double *row) {
  (void)count, (void)row;
  ++*(size_t *)user;
  return 0;
}

static int fail_at_five(void *user, size_t count, const double *row) {
  count_row(user, count, row);
  return *(size_t *)user == 5;
}

/* Counts equal what writers took, also when the diagnostic writer alone fails at a draw. */
static void rows_when_one_of_two_writers_fails(void) {
  size_t samples = 0, diagnostics = 0;
  catena_error *error = NULL;
  catena_writer_table table = {.struct_size = sizeof table, .user = &samples, .row = count_row};
  catena_writer *sample = NULL, *diagnostic = NULL;
  catena_io io = {.struct_size = sizeof io, .sample_writers = &sample, .num_sample_writers = 1,
                  .diagnostic_writers = &diagnostic, .num_diagnostic_writers = 1};
  catena_density d = density(1);
  catena_model *m = model(&d);
  catena_options *o = options(1, 10, 10);
  catena_result *result = NULL;
  CHECK_OK(catena_writer_new(&table, &sample, &error));
  table.user = &diagnostics, table.row = fail_at_five;
  CHECK_OK(catena_writer_new(&table, &diagnostic, &error));
  CHECK_FAILS(catena_sample_nuts(m, o, &io, &result, &error), CATENA_WRITER, NULL, "row", "chain 1");
  CHECK_INT(samples, 5);
  CHECK_INT(catena_writer_rows(sample), 5);
  CHECK_INT(catena_result_rows(result, 0), 5);
  CHECK_INT(catena_writer_rows(diagnostic), 4);
  catena_writer_free(sample);
  catena_writer_free(diagnostic);
  catena_result_free(result);
  catena_options_free(o);
  catena_model_free(m);
}

int main(void) {
  too_large_for_memory();
  initial_values_too_large();
  sums_of_many_pieces();
  long_runs();
  cut_tables();
  lent_tables();
  rows_when_one_of_two_writers_fails();
  printf("sizes without memory, cut tables, long runs and lent tables get words\n");
  return 0;
}
