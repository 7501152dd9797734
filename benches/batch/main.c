/* One run: MODEL (funnel or eight_schools) CHAINS WARMUP DRAWS BATCH. Prints, as JSON: seconds, gradients, the effective
 * sample size in bulk of the first coordinate, calls of the batch function and the points in them. */
#define _POSIX_C_SOURCE 200809L
#include "models.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(int argc, char **argv) {
  if (argc != 6) return 2;
  const catena_density density = strcmp(argv[1], "funnel") ? eight_schools() : funnel();
  const size_t chains = strtoul(argv[2], NULL, 10), warmup = strtoul(argv[3], NULL, 10);
  const size_t draws = strtoul(argv[4], NULL, 10), batch = strtoul(argv[5], NULL, 10);
  catena_error *error = NULL;
  catena_model *model;
  catena_options *options;
  catena_result *result = NULL;
  if (catena_model_new(&density, &model, &error) || catena_options_new(&options, &error) ||
      catena_options_set(options, "preset", "stan", &error) ||
      catena_options_set_num_chains(options, chains, &error) || catena_options_set_num_warmup(options, warmup, &error) ||
      catena_options_set_num_samples(options, draws, &error) || catena_options_set_seed(options, 1, &error) ||
      catena_options_set_batch_size(options, batch, &error) || catena_options_set_refresh(options, 0, &error)) {
    fprintf(stderr, "%s\n", catena_error_message(error));
    return 1;
  }
  const size_t columns = catena_sample_column_count(model), size = chains * draws * columns;
  double *values = malloc(size * sizeof *values);
  catena_writer **writers = malloc(chains * sizeof *writers);
  if (catena_writers_memory_new(values, size, chains, draws, columns, CATENA_LAYOUT_ROWS, writers, &error)) return 1;
  const catena_io io = {.struct_size = sizeof io, .sample_writers = writers, .num_sample_writers = chains};
  const double start = seconds();
  if (catena_sample_nuts(model, options, &io, &result, &error)) {
    fprintf(stderr, "%s\n", catena_error_message(error));
    return 1;
  }
  const double took = seconds() - start;
  double gradients = 0, sampling = 0, ess = 0;
  for (size_t i = 0; i < chains; i++) {
    sampling += (double)catena_result_sampling_gradients(result, i);
    gradients += (double)catena_result_warmup_gradients(result, i);
  }
  gradients += sampling;
  if (catena_diagnose_ess_bulk(values + columns - density.dimension, chains, draws, draws * columns, columns, &ess, &error))
    return 1;
  printf("{\"seconds\": %.4f, \"gradients\": %.0f, \"sampling_gradients\": %.0f, \"ess\": %.1f, \"calls\": %ld, "
         "\"rows\": %ld}\n",
         took, gradients, sampling, ess, batch_calls(), batch_rows());
  return 0;
}
