/* What goes wrong in single chains, and the interrupt: reported with the chain, the others untouched, logs whole. */
#define _POSIX_C_SOURCE 200809L
#include "run.h"

/* Counts of log lines, by chain id. */
typedef struct lines {
  pthread_mutex_t lock;
  int progress[CHAINS + 1], errors[CHAINS + 1], others, released;
  char last_error[512];
} lines;

static void collect(void *user, catena_level level, int64_t chain, const char *line) {
  lines *l = (lines *)user;
  pthread_mutex_lock(&l->lock);
  CHECK(!strchr(line, '\n'));
  if (chain >= 1 && chain <= CHAINS && level == CATENA_LOG_INFO && strstr(line, "Iteration: ")) ++l->progress[chain];
  else if (chain >= 1 && chain <= CHAINS && level == CATENA_LOG_ERROR) {
    ++l->errors[chain];
    snprintf(l->last_error, sizeof l->last_error, "%s", line);
  } else ++l->others;
  pthread_mutex_unlock(&l->lock);
}

static void collected(void *user) { ++((lines *)user)->released; }

static void lines_init(lines *l, catena_logger *logger) {
  memset(l, 0, sizeof *l);
  CHECK_INT(pthread_mutex_init(&l->lock, NULL), 0);
  memset(logger, 0, sizeof *logger);
  logger->struct_size = sizeof *logger;
  logger->user = l;
  logger->release = collected;
  logger->log = collect;
}

static void test_failing_chains(void) {
  static const struct {
    int code;
    long evaluation;
    catena_status status;
    const char *words;
  } cases[] = {{3, 1, CATENA_INITIALIZATION, "100 tries"}, {-2, 300, CATENA_MODEL, "stopped the run"}};
  static double whole[SIZE], rows[SIZE];
  catena_error *error = NULL;
  catena_result *result = NULL;
  catena_io io = empty_io();
  catena_options *options = short_options(CHAINS, WARMUP, SAMPLES, 1);
  catena_logger logger;
  catena_model *model;
  lines l;
  normal n;
  size_t c, i;
  normal_init(&n);
  model = normal_model(&n);
  lines_init(&l, &logger);
  io.logger = &logger;
  printf("progress lines\n");
  CHECK_OK(sample_rows(model, options, io, whole, NULL, &error));
  CHECK_INT(l.released, 1);
  for (i = 1; i <= CHAINS; ++i) {
    /* Iterations 1, 100, 200 and the last. */
    CHECK_INT(l.progress[i], 4);
    CHECK_INT(l.errors[i], 0);
  }
  for (c = 0; c < sizeof cases / sizeof *cases; ++c) {
    printf("chain 3 gets code %d from the model and fails alone\n", cases[c].code);
    n.bad_chain = 3;
    n.code = cases[c].code;
    n.bad_evaluation = cases[c].evaluation;
    lines_init(&l, &logger);
    CHECK_FAILS(sample_rows(model, options, io, rows, &result, &error), CATENA_CHAIN_FAILED, NULL, "ids 3",
                cases[c].words);
    for (i = 0; i < CHAINS; ++i) {
      CHECK_INT(catena_result_chain_status(result, i), i == 2 ? cases[c].status : CATENA_OK);
      CHECK_INT(l.errors[i + 1] > 0, i == 2);
      if (i != 2) CHECK_BITS(rows + i * SAMPLES * COLUMNS, whole + i * SAMPLES * COLUMNS, SAMPLES * COLUMNS);
    }
    CHECK_INT(catena_error_chain(catena_result_chain_error(result, 2)), 3);
    CHECK_HAS(catena_error_message(catena_result_chain_error(result, 2)), "as the test wants it");
    CHECK_HAS(l.last_error, "as the test wants it");
    catena_result_free(result);
  }
  printf("the only chain's failure is the run's\n");
  CHECK_OK(catena_options_set_num_chains(options, 1, &error));
  CHECK_OK(catena_options_set_init_chain_id(options, 3, &error));
  CHECK_FAILS(catena_sample_nuts(model, options, NULL, &result, &error), CATENA_MODEL, NULL, "chain 3: ",
              "as the test wants it");
  CHECK(result);
  catena_result_free(result);
  printf("workers that can't be made\n");
  n.fail_workers = 1;
  CHECK_FAILS(catena_sample_nuts(model, options, NULL, &result, &error), CATENA_MODEL, NULL, "chain 3: ",
              "worker_new returned 7");
  catena_result_free(result);
  end(&n, model, options);
}

static void test_rejections(void) {
  static double rows[SIZE];
  catena_error *error = NULL;
  catena_result *result = NULL;
  catena_options *options = short_options(CHAINS, WARMUP, SAMPLES, 1);
  catena_model *model;
  normal n;
  size_t r;
  double divergent = 0;
  normal_init(&n);
  model = normal_model(&n);
  printf("points rejected while sampling are divergences\n");
  n.bad_chain = 2;
  n.code = 1;
  n.bad_evaluation = 900;
  CHECK_OK(catena_options_set_max_depth(options, 3, &error));
  CHECK_OK(sample_rows(model, options, empty_io(), rows, &result, &error));
  for (r = 0; r < SAMPLES; ++r) divergent += rows[(SAMPLES + r) * COLUMNS + 5];
  CHECK(divergent > 0);
  CHECK_INT(catena_result_divergences(result, 1), divergent);
  CHECK_INT(catena_result_divergences(result, 0), 0);
  catena_result_free(result);
  end(&n, model, options);
}

static void test_failing_writer(void) {
  catena_error *error = NULL;
  catena_result *result = NULL;
  catena_writer *writers[CHAINS];
  catena_io io = empty_io();
  catena_options *options = short_options(CHAINS, WARMUP, SAMPLES, 1);
  catena_model *model;
  table tables[CHAINS];
  normal n;
  size_t i;
  int stop_run;
  normal_init(&n);
  model = normal_model(&n);
  for (stop_run = 0; stop_run < 2; ++stop_run) {
    printf("a writer that fails at row 5 fails its chain%s\n", stop_run ? " and stops the run" : "");
    for (i = 0; i < CHAINS; ++i) writers[i] = table_writer(&tables[i]);
    tables[1].fail_at = 5;
    io.sample_writers = writers;
    io.num_sample_writers = CHAINS;
    /* So many iterations that only a stop can end them. */
    if (stop_run) {
      CHECK_OK(catena_options_set_on_failure(options, CATENA_ON_FAILURE_STOP_RUN, &error));
      CHECK_OK(catena_options_set_num_samples(options, 2000000000, &error));
      CHECK_OK(catena_options_set_thin(options, 100000, &error));
      CHECK_OK(catena_options_set_refresh(options, 0, &error));
      tables[1].fail_at = 1;
    }
    CHECK_FAILS(catena_sample_nuts(model, options, &io, &result, &error), CATENA_CHAIN_FAILED, NULL, "chain 2: ",
                "row function failed with code 28");
    for (i = 0; i < CHAINS; ++i) {
      CHECK_INT(catena_result_chain_status(result, i),
                i == 1 ? CATENA_WRITER : stop_run ? CATENA_INTERRUPTED : CATENA_OK);
      if (!stop_run) CHECK_INT(tables[i].rows, i == 1 ? 4 : SAMPLES);
      CHECK_INT(catena_result_rows(result, i), tables[i].rows);
      CHECK_INT(catena_writer_rows(writers[i]), tables[i].rows);
      CHECK(tables[i].finishes <= 1);
      table_end(&tables[i], writers[i]);
    }
    catena_result_free(result);
  }
  end(&n, model, options);
}

typedef struct asked {
  pthread_t caller;
  int times, limit, wrong_thread, released;
} asked;

static int requested(void *user) {
  asked *a = (asked *)user;
  if (!pthread_equal(a->caller, pthread_self())) a->wrong_thread = 1;
  return ++a->times >= a->limit;
}

static void asked_release(void *user) { ++((asked *)user)->released; }

static void test_interrupt(void) {
  catena_error *error = NULL;
  catena_result *result = NULL;
  catena_writer *writers[CHAINS];
  catena_checkpoint *checkpoint = NULL;
  catena_interrupt interrupt;
  catena_io io = empty_io();
  catena_options *options = short_options(CHAINS, WARMUP, 2000000000, THREADS);
  catena_model *model;
  table tables[CHAINS];
  asked a;
  normal n;
  size_t i, whole = 0;
  normal_init(&n);
  model = normal_model(&n);
  printf("an interrupt ends a huge run\n");
  memset(&a, 0, sizeof a);
  memset(&interrupt, 0, sizeof interrupt);
  a.caller = pthread_self();
  a.limit = 20;
  interrupt.struct_size = sizeof interrupt;
  interrupt.user = &a;
  interrupt.release = asked_release;
  interrupt.requested = requested;
  io.interrupt = &interrupt;
  for (i = 0; i < CHAINS; ++i) writers[i] = table_writer(&tables[i]);
  io.sample_writers = writers;
  io.num_sample_writers = CHAINS;
  CHECK_OK(catena_options_set_thin(options, 1000, &error));
  CHECK_FAILS(catena_sample_nuts(model, options, &io, &result, &error), CATENA_INTERRUPTED, NULL, "interrupt", "");
  CHECK(result);
  CHECK_INT(a.wrong_thread, 0);
  CHECK_INT(a.released, 1);
  CHECK(a.times >= a.limit);
  for (i = 0; i < CHAINS; ++i) {
    size_t r, done = catena_result_iterations(result, i);
    CHECK_INT(catena_result_chain_status(result, i), CATENA_INTERRUPTED);
    /* Rows of iterations 0, 1000, 2000, ... of those after warm-up. */
    CHECK_INT(tables[i].rows, done > WARMUP ? (done - WARMUP + 999) / 1000 : 0);
    for (r = 0; r < tables[i].rows * COLUMNS; ++r) CHECK(tables[i].values[r] == tables[i].values[r]);
    if (done > 0) {
      ++whole;
      CHECK_OK(catena_result_checkpoint_new(result, i, &checkpoint, &error));
      catena_checkpoint_free(checkpoint);
    }
    table_end(&tables[i], writers[i]);
  }
  CHECK(whole > 0);
  catena_result_free(result);
  end(&n, model, options);
}

int main(void) {
  test_failing_chains();
  test_rejections();
  test_failing_writer();
  test_interrupt();
  return 0;
}
