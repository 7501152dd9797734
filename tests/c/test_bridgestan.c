/* A model from a library with BridgeStan's C ABI. MOCK_MODEL and MOCK_SINGLE are paths of bridgestan/mock_model.c compiled
 * with and without threads. */
#include "check.h"

#define CHAINS 2
#define SAMPLES 400
#define OUTPUTS 12
#define COLUMNS (7 + OUTPUTS)

typedef struct lines {
  int warnings, others;
} lines;

static void count_line(void *user, catena_level level, int64_t chain, const char *line) {
  lines *l = user;
  (void)chain;
  if (level == CATENA_LOG_DEBUG) return;
  if (level < CATENA_LOG_WARNING) {
    ++l->others;
    return;
  }
  ++l->warnings;
  CHECK_HAS(line, "1 thread, not 2");
}

static catena_density from_library(const char *path, const char *data) {
  catena_error *error = NULL;
  catena_density table;
  memset(&table, 0, sizeof table);
  table.struct_size = sizeof table;
  CHECK_OK(catena_density_from_bridgestan(path, data, 7, &table, &error));
  return table;
}

/* Samples the model of a library; its draws into `rows`, its warnings to the caller. */
static int sample(const char *path, int threading, double *rows) {
  catena_error *error = NULL;
  catena_model *model = NULL;
  catena_options *options = NULL;
  catena_result *result = NULL;
  catena_writer *writers[CHAINS];
  lines said = {0, 0};
  catena_logger logger;
  catena_io io;
  catena_density table = from_library(path, "{}");
  int i;
  CHECK_INT(table.threading, threading);
  CHECK_INT(table.dimension, 10);
  CHECK_OK(catena_model_new(&table, &model, &error));
  CHECK_INT(catena_model_output_count(model), OUTPUTS);
  CHECK_TEXT(catena_model_name(model, 3), "m.1.1");
  CHECK_TEXT(catena_model_output_name(model, 10), "mu_sum");
  CHECK_OK(catena_options_new(&options, &error));
  CHECK_OK(catena_options_set_num_chains(options, CHAINS, &error));
  CHECK_OK(catena_options_set_num_samples(options, SAMPLES, &error));
  CHECK_OK(catena_options_set_num_threads(options, 2, &error));
  CHECK_OK(catena_options_set_refresh(options, 0, &error));
  CHECK_OK(catena_writers_memory_new(rows, CHAINS * SAMPLES * COLUMNS, CHAINS, SAMPLES, COLUMNS, CATENA_LAYOUT_ROWS,
                                     writers, &error));
  memset(&logger, 0, sizeof logger);
  logger.struct_size = sizeof logger;
  logger.user = &said;
  logger.log = count_line;
  memset(&io, 0, sizeof io);
  io.struct_size = sizeof io;
  io.sample_writers = writers;
  io.num_sample_writers = CHAINS;
  io.logger = &logger;
  CHECK_OK(catena_sample_nuts(model, options, &io, &result, &error));
  CHECK_INT(said.others, 0);
  catena_result_free(result);
  for (i = 0; i < CHAINS; ++i) catena_writer_free(writers[i]);
  catena_options_free(options);
  catena_model_free(model);
  return said.warnings;
}

int main(void) {
  static double rows[CHAINS * SAMPLES * COLUMNS], single[CHAINS * SAMPLES * COLUMNS];
  catena_error *error = NULL;
  catena_density table;
  size_t i;
  printf("a library's model is sampled\n");
  CHECK_INT(sample(MOCK_MODEL, CATENA_THREADS_ANY, rows), 0);
  for (i = 0; i < CHAINS * SAMPLES; ++i) {
    const double *outputs = rows + COLUMNS * i + 7;
    CHECK(outputs[0] + outputs[1] == outputs[10]);
    CHECK(outputs[2] > 0 && outputs[9] > outputs[2]);
    CHECK_BETWEEN(outputs[11], 0, 1);
  }
  printf("a library without threads runs on one, with a warning, and the same draws\n");
  CHECK_INT(sample(MOCK_SINGLE, CATENA_THREADS_ONE, single), 1);
  CHECK_BITS(rows, single, CHAINS * SAMPLES * COLUMNS);
  printf("a table that becomes no model is released by its host; bad arguments are refused\n");
  table = from_library(MOCK_MODEL, NULL);
  table.release(table.user);
  CHECK_FAILS(catena_density_from_bridgestan(MOCK_MODEL, "[]", 1, &table, &error), CATENA_MODEL, NULL, "line=1",
              "column=1");
  CHECK_FAILS(catena_density_from_bridgestan("no-such.so", "", 1, &table, &error), CATENA_IO, NULL, "no-such.so", "");
  table.struct_size = 8;
  CHECK_FAILS(catena_density_from_bridgestan(MOCK_MODEL, "", 1, &table, &error), CATENA_INVALID_ARGUMENT,
              "out.struct_size", "sizeof", "8");
  return 0;
}
