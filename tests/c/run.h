/* Runs of the normal model that several test programs share: their sizes, and the draws of one as rows. */
#ifndef CATENA_TEST_RUN_H
#define CATENA_TEST_RUN_H

#include "normal.h"

#define CHAINS 4
#define WARMUP 150
#define SAMPLES 100
#define SAMPLER_COLUMNS 7
#define COLUMNS (SAMPLER_COLUMNS + NORMAL_OUTPUTS)
#define SIZE (CHAINS * SAMPLES * COLUMNS)
#define THREADS 3

/* The draws of a run into rows. Returns its status; `result` and `error` may be NULL when they are not wanted. */
static inline catena_status sample_rows(const catena_model *model, const catena_options *options, catena_io io, double *rows,
                                 catena_result **result, catena_error **error) {
  catena_error *trouble = NULL;
  catena_result *own = NULL;
  catena_writer *writers[CHAINS];
  catena_status status;
  int i;
  check_ok(catena_writers_memory_new(rows, SIZE, CHAINS, SAMPLES, COLUMNS, CATENA_LAYOUT_ROWS, writers, &trouble), trouble,
           __FILE__, __LINE__, "memory writers");
  io.sample_writers = writers;
  io.num_sample_writers = CHAINS;
  status = catena_sample_nuts(model, options, &io, result ? result : &own, error);
  catena_result_free(own);
  for (i = 0; i < CHAINS; ++i) catena_writer_free(writers[i]);
  return status;
}

static inline void end(normal *n, catena_model *model, catena_options *options) {
  CHECK_INT(n->workers_made, n->workers_freed);
  CHECK_INT(n->entered_twice, 0);
  CHECK_INT(n->released, 0);
  catena_model_free(model);
  CHECK_INT(n->released, 1);
  catena_options_free(options);
}

#endif
