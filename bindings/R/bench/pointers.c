/* A normal with a tridiagonal precision, to be sampled from R and from C alike. With -DPROGRAM the C side: prints the seconds of
 * one run, CPU time first. */
#include <catena.h>
#include <stddef.h>

enum { DIMENSION = 200, CHAINS = 8, ITERATIONS = 20000, THIN = 10 };

int evaluate(void *user, void *worker, catena_task *task, const double *x, double *log_density, double *gradient) {
  double sum = 0;
  (void)user, (void)worker, (void)task;
  for (int i = 0; i < DIMENSION; i++) {
    gradient[i] = -2 * x[i] + 0.9 * ((i ? x[i - 1] : 0) + (i + 1 < DIMENSION ? x[i + 1] : 0));
    sum += x[i] * gradient[i];
  }
  *log_density = sum / 2;
  return 0;
}

#ifdef PROGRAM
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double seconds(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

int main(void) {
  const catena_density density = {
      .struct_size = sizeof density, .dimension = DIMENSION, .log_density_gradient = evaluate};
  catena_model *model = NULL;
  catena_options *options = NULL;
  catena_writer *writers[CHAINS];
  catena_result *result = NULL;
  if (catena_model_new(&density, &model, NULL) || catena_options_new(&options, NULL) ||
      catena_options_set_num_chains(options, CHAINS, NULL) || catena_options_set_num_samples(options, ITERATIONS, NULL) ||
      catena_options_set_thin(options, THIN, NULL) ||
      catena_options_set_seed(options, 1, NULL) || catena_options_set_refresh(options, 0, NULL))
    return 1;
  const double wall = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
  const size_t rows = catena_options_rows(options), columns = catena_sample_column_count(model);
  const size_t size = CHAINS * rows * columns;
  double *draws = malloc(size * sizeof *draws);
  if (!draws || catena_writers_memory_new(draws, size, CHAINS, rows, columns, CATENA_LAYOUT_COLUMNS, writers, NULL)) return 1;
  const catena_io io = {.struct_size = sizeof io, .sample_writers = writers, .num_sample_writers = CHAINS};
  if (catena_sample_nuts(model, options, &io, &result, NULL)) return 1;
  printf("%.6f %.6f\n", seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu, seconds(CLOCK_MONOTONIC) - wall);
  catena_result_free(result);
  for (int i = 0; i < CHAINS; i++) catena_writer_free(writers[i]);
  catena_options_free(options);
  catena_model_free(model);
  free(draws);
  return 0;
}
#endif
