/* One run of four chains writes the same files as four runs of one chain each, whatever the number of threads. */
#define _POSIX_C_SOURCE 200809L
#include "normal.h"
#include <unistd.h>

#define CHAINS 4

static void run(const char *prefix, uint64_t first, size_t chains, size_t threads) {
  catena_error *error = NULL;
  catena_result *result = NULL;
  catena_writer *writers[CHAINS], *diagnostics[CHAINS];
  catena_io io = empty_io();
  catena_options *options = short_options(chains, 150, 100, threads);
  catena_model *model;
  normal n;
  char path[128];
  size_t i;
  normal_init(&n);
  model = normal_model(&n);
  CHECK_OK(catena_options_set_init_chain_id(options, first, &error));
  CHECK_OK(catena_options_set_save_warmup(options, 1, &error));
  CHECK_OK(catena_options_set_thin(options, 2, &error));
  CHECK_OK(catena_options_set_metric(options, CATENA_METRIC_DENSE_E, &error));
  for (i = 0; i < chains; ++i) {
    snprintf(path, sizeof path, "%s_draws_%d.csv", prefix, (int)(first + i));
    CHECK_OK(catena_writer_csv_new(path, 8, 0, &writers[i], &error));
    snprintf(path, sizeof path, "%s_diagnostic_%d.csv", prefix, (int)(first + i));
    CHECK_OK(catena_writer_csv_new(path, 0, 0, &diagnostics[i], &error));
  }
  io.sample_writers = writers;
  io.diagnostic_writers = diagnostics;
  io.num_sample_writers = io.num_diagnostic_writers = chains;
  CHECK_OK(catena_sample_nuts(model, options, &io, &result, &error));
  CHECK_INT(catena_result_num_chains(result), chains);
  for (i = 0; i < chains; ++i) {
    CHECK_INT(catena_result_chain_id(result, i), first + i);
    CHECK_INT(catena_writer_rows(writers[i]), 125);
    catena_writer_free(writers[i]);
    catena_writer_free(diagnostics[i]);
  }
  catena_result_free(result);
  catena_options_free(options);
  catena_model_free(model);
  CHECK_INT(n.workers_made, n.workers_freed);
  CHECK_INT(n.released, 1);
  CHECK_INT(n.entered_twice, 0);
}

/* A daemon may have none: files are made all the same. Last, for nothing can be said afterwards. */
static void without_standard_output(void) {
  catena_error *error = NULL;
  catena_writer *writer = NULL;
  fflush(stdout);
  CHECK_INT(close(STDOUT_FILENO), 0);
  CHECK_OK(catena_writer_csv_new("test_files_daemon.csv", 0, 0, &writer, &error));
  catena_writer_free(writer);
  CHECK(access("test_files_daemon.csv", F_OK) != 0);
}

int main(void) {
  static const size_t threads[] = {1, 2, 8};
  char path[128], reference[128];
  size_t t;
  int chain, kind;
  static const char *const kinds[] = {"draws", "diagnostic"};
  for (chain = 1; chain <= CHAINS; ++chain) run("test_files_alone", (uint64_t)chain, 1, 1);
  for (t = 0; t < sizeof threads / sizeof *threads; ++t) {
    printf("four chains on %zu threads against four runs of one chain\n", threads[t]);
    run("test_files_together", 1, CHAINS, threads[t]);
    for (chain = 1; chain <= CHAINS; ++chain)
      for (kind = 0; kind < 2; ++kind) {
        snprintf(reference, sizeof reference, "test_files_alone_%s_%d.csv", kinds[kind], chain);
        snprintf(path, sizeof path, "test_files_together_%s_%d.csv", kinds[kind], chain);
        check_same_files(reference, path);
        CHECK_INT(remove(path), 0);
        if (t + 1 == sizeof threads / sizeof *threads) CHECK_INT(remove(reference), 0);
      }
  }
  without_standard_output();
  return 0;
}
