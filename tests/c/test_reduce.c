/* A parallel sum inside the model: a worker is never used by two calls at once, and the draws don't depend on the number
 * of threads. */
#define _POSIX_C_SOURCE 200809L
#include "normal.h"

#define TERMS 100000
#define GRAIN 4096

/* A normal likelihood of many observations with unknown mean and log scale. */
typedef struct data {
  double y[TERMS];
  pthread_mutex_t lock;
  long entered_twice, pieces, workers_made, workers_freed;
  /* The code that the piece starting at `bad_begin` returns; 0: none. */
  int code;
  size_t bad_begin;
} data;

typedef struct worker {
  int busy;
} worker;

/* What one evaluation hands to its pieces. */
typedef struct terms {
  data *d;
  double mean, precision;
} terms;

static void enter(data *d, worker *w) {
  /* Atomic, for a worker that is wrongly shared would be entered from two threads. */
  if (__sync_lock_test_and_set(&w->busy, 1)) {
    pthread_mutex_lock(&d->lock);
    ++d->entered_twice;
    pthread_mutex_unlock(&d->lock);
  }
}

static void leave(worker *w) { __sync_lock_release(&w->busy); }

static int piece(void *user, void *worker_of_piece, size_t begin, size_t end, double *partial) {
  const terms *t = (const terms *)user;
  double square = 0, slope = 0;
  size_t i;
  enter(t->d, (worker *)worker_of_piece);
  CHECK(begin % GRAIN == 0 && end <= TERMS && end > begin && end - begin <= GRAIN);
  for (i = begin; i < end; ++i) {
    const double r = t->d->y[i] - t->mean;
    square += r * r;
    slope += r;
  }
  partial[0] = square * t->precision;
  partial[1] = slope * t->precision;
  pthread_mutex_lock(&t->d->lock);
  ++t->d->pieces;
  pthread_mutex_unlock(&t->d->lock);
  leave((worker *)worker_of_piece);
  return t->d->code && begin == t->d->bad_begin ? t->d->code : 0;
}

static int evaluate(void *user, void *worker_of_chain, catena_task *task, const double *x, double *lp, double *g) {
  data *d = (data *)user;
  terms t;
  double sums[2];
  int code;
  t.d = d;
  t.mean = x[0];
  t.precision = exp(-2 * x[1]);
  enter(d, (worker *)worker_of_chain);
  /* While pieces run the evaluation itself stays entered: none of them may get this worker. */
  code = catena_task_reduce(task, TERMS, GRAIN, 2, piece, &t, sums);
  leave((worker *)worker_of_chain);
  if (code) {
    catena_task_message(task, "a piece refused");
    return code;
  }
  *lp = -0.5 * sums[0] - TERMS * x[1] - 0.5 * (x[0] * x[0] + x[1] * x[1]);
  g[0] = sums[1] - x[0];
  g[1] = sums[0] - TERMS - x[1];
  return 0;
}

static int worker_new(void *user, void **out) {
  data *d = (data *)user;
  *out = calloc(1, sizeof(worker));
  CHECK(*out);
  pthread_mutex_lock(&d->lock);
  ++d->workers_made;
  pthread_mutex_unlock(&d->lock);
  return 0;
}

static void worker_free(void *user, void *w) {
  data *d = (data *)user;
  pthread_mutex_lock(&d->lock);
  ++d->workers_freed;
  pthread_mutex_unlock(&d->lock);
  free(w);
}

static catena_model *model_of(data *d) {
  catena_error *error = NULL;
  catena_model *model = NULL;
  catena_density t;
  memset(&t, 0, sizeof t);
  t.struct_size = sizeof t;
  t.user = d;
  t.dimension = 2;
  t.log_density_gradient = evaluate;
  t.worker_new = worker_new;
  t.worker_free = worker_free;
  CHECK_OK(catena_model_new(&t, &model, &error));
  return model;
}

static void fill(data *d) {
  uint64_t state = 12345;
  size_t i;
  memset(d, 0, sizeof *d);
  CHECK_INT(pthread_mutex_init(&d->lock, NULL), 0);
  for (i = 0; i < TERMS; ++i) {
    /* Knuth's multiplier: any spread of values will do. */
    state = state * 6364136223846793005u + 1442695040888963407u;
    d->y[i] = 0.5 + (double)(state >> 11) / 9007199254740992.0;
  }
}

#define WARMUP 12
#define SAMPLES 6

static double *draws_of(data *d, const catena_model *model, size_t chains, size_t threads, size_t *size) {
  /* Near the mode, so that the few iterations are short ones. */
  static const double start[] = {1.0, -1.2};
  catena_error *error = NULL;
  catena_writer *writers[8];
  const catena_init *inits[8];
  catena_init *init = NULL;
  catena_result *result = NULL;
  catena_io io = empty_io();
  catena_options *options = short_options(chains, WARMUP, SAMPLES, threads);
  const size_t columns = catena_sample_column_count(model);
  double *draws;
  size_t i;
  *size = chains * SAMPLES * columns;
  draws = (double *)calloc(*size, sizeof *draws);
  CHECK(draws);
  CHECK_OK(catena_options_set_max_depth(options, 4, &error));
  CHECK_OK(catena_options_set_stepsize(options, 0.001, &error));
  CHECK_OK(catena_init_position_new(start, 2, &init, &error));
  CHECK_OK(catena_writers_memory_new(draws, *size, chains, SAMPLES, columns, CATENA_LAYOUT_ROWS, writers, &error));
  for (i = 0; i < chains; ++i) inits[i] = init;
  io.inits = inits;
  io.num_inits = chains;
  io.sample_writers = writers;
  io.num_sample_writers = chains;
  CHECK_OK(catena_sample_nuts(model, options, &io, &result, &error));
  for (i = 0; i < chains; ++i) {
    CHECK_INT(catena_writer_rows(writers[i]), SAMPLES);
    CHECK(catena_result_sampling_gradients(result, i) > 0);
    catena_writer_free(writers[i]);
  }
  CHECK_INT(d->entered_twice, 0);
  CHECK_INT(d->workers_made, d->workers_freed);
  catena_init_free(init);
  catena_result_free(result);
  catena_options_free(options);
  return draws;
}

static void test_threads(data *d) {
  static const size_t chains[] = {1, 2, 5}, threads[] = {1, 2, 3, 4, 8};
  catena_model *model = model_of(d);
  size_t c, t, size, same;
  for (c = 0; c < 3; ++c) {
    double *reference = draws_of(d, model, chains[c], 1, &size);
    for (t = 1; t < sizeof threads / sizeof *threads; ++t) {
      double *draws;
      printf("%zu chains on %zu threads draw what they draw on one\n", chains[c], threads[t]);
      draws = draws_of(d, model, chains[c], threads[t], &same);
      CHECK_INT(same, size);
      CHECK_BITS(draws, reference, size);
      free(draws);
    }
    CHECK(reference[0] != reference[catena_sample_column_count(model)]);
    free(reference);
  }
  catena_model_free(model);
}

static void test_one_evaluation(data *d) {
  catena_error *error = NULL;
  catena_model *model = model_of(d);
  const double x[] = {0.9, -1.1};
  double lp, g[2], sum = 0;
  size_t i;
  printf("the sum is that of a plain loop\n");
  d->pieces = 0;
  CHECK_OK(catena_model_log_density(model, 1, x, &lp, g, NULL, &error));
  for (i = 0; i < TERMS; ++i) sum += (d->y[i] - x[0]) * (d->y[i] - x[0]);
  sum = -0.5 * sum * exp(-2 * x[1]) - TERMS * x[1] - 0.5 * (x[0] * x[0] + x[1] * x[1]);
  CHECK_BETWEEN(lp, sum - 1e-9 * fabs(sum), sum + 1e-9 * fabs(sum));
  CHECK_INT(d->pieces, (TERMS + GRAIN - 1) / GRAIN);
  CHECK_INT(d->entered_twice, 0);
  CHECK_INT(d->workers_made, d->workers_freed);
  catena_model_free(model);
}

static void test_refusals(data *d) {
  catena_error *error = NULL;
  catena_result *result = NULL;
  catena_model *model = model_of(d);
  catena_options *options = short_options(2, 5, 5, 4);
  const double x[] = {0.9, -1.1};
  double lp = 0, g[2];
  int code = 0;
  size_t i;
  printf("a piece that rejects\n");
  d->code = 5;
  d->bad_begin = 2 * GRAIN;
  CHECK_OK(catena_model_log_density(model, 1, x, &lp, g, &code, &error));
  CHECK(lp != lp);
  CHECK_INT(code, 1);
  CHECK_FAILS(catena_sample_nuts(model, options, NULL, &result, &error), CATENA_CHAIN_FAILED, NULL, "2 of 2 chains",
              "a piece refused");
  for (i = 0; i < 2; ++i) CHECK_INT(catena_result_chain_status(result, i), CATENA_INITIALIZATION);
  catena_result_free(result);
  printf("a piece that stops\n");
  d->code = -3;
  CHECK_FAILS(catena_model_log_density(model, 1, x, &lp, g, &code, &error), CATENA_MODEL, NULL, "stopped",
              "a piece refused");
  CHECK_FAILS(catena_sample_nuts(model, options, NULL, &result, &error), CATENA_CHAIN_FAILED, NULL, "2 of 2 chains",
              "a piece refused");
  for (i = 0; i < 2; ++i) CHECK_INT(catena_result_chain_status(result, i), CATENA_MODEL);
  d->code = 0;
  CHECK_INT(d->entered_twice, 0);
  CHECK_INT(d->workers_made, d->workers_freed);
  catena_result_free(result);
  catena_options_free(options);
  catena_model_free(model);
}

int main(void) {
  data *d = (data *)malloc(sizeof *d);
  CHECK(d);
  fill(d);
  test_one_evaluation(d);
  test_threads(d);
  test_refusals(d);
  free(d);
  return 0;
}
