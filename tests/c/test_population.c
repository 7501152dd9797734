/* Populations through the C ABI: traces are freed once, failures leave all as it was, weights and sets are what they say. */
#include "numbers.h"

/* One of each verb. */
static catena_status verb(catena_population *p, int which, catena_error **error) {
  const double a = 0.5;
  const size_t counts[SETS] = {5, 30, 20};
  catena_checkpoint *saved = NULL;
  catena_status status;
  switch (which) {
    case 0: return catena_population_apply(p, MOVE, &a, sizeof a, error);
    case 1: return catena_population_incorporate(p, error);
    case 2: return catena_population_likelihood_weight(p, error);
    case 3: return catena_population_resample(p, 50, CATENA_RESAMPLING_SSP, ALL, error);
    case 4: return catena_population_block_resample(p, counts, SETS, CATENA_RESAMPLING_RESIDUAL, ALL, error);
    case 5: return catena_population_reset_to_prior(p, 30, CATENA_RESAMPLING_SYSTEMATIC, error);
    case 6: return catena_population_diversify(p, 1, NULL, 0, error);
    case 7: return catena_population_collapse(p, 7, error);
    case 8: return catena_population_collapse_map(p, 7, error);
    case 9: return catena_population_on_trace(p, 2, 1, PUT, &a, sizeof a, NULL, error);
    case 10: return catena_population_grow_iid(p, 2, NULL, error);
    case 11: return catena_population_reinitialize(p, 2, 7, error);
    default:
      status = catena_population_save(p, &saved, error);
      catena_checkpoint_free(saved);
      return status;
  }
}
#define VERBS 13

static void test_failures(catena_options *options) {
  int which;
  for (which = 0; which < VERBS; ++which) {
    host h = {PTHREAD_MUTEX_INITIALIZER, 0, 0, 0, 0};
    catena_population *p = begun(&h, options);
    catena_error *error = NULL;
    double before[SETS * TRACES], after[SETS * TRACES];
    long calls, k, live = h.live;
    calls = h.calls;
    CHECK_OK(verb(p, which, &error));
    calls = h.calls - calls;
    catena_population_free(p);
    CHECK_INT(h.released, 1);

    p = begun(&h, options);
    seen(p, before, SETS * TRACES);
    for (k = 1; k <= calls; ++k) {
      h.fail_at = h.calls + k;
      CHECK_INT(verb(p, which, &error), CATENA_MODEL);
      CHECK(catena_error_set(error) >= 1 && catena_error_particle(error) >= 0 && catena_error_chain(error) == -1);
      CHECK_HAS(catena_error_message(error), "told to fail");
      catena_error_free(error);
      error = NULL;
      h.fail_at = 0;
      CHECK_INT(h.live, live);
      seen(p, after, SETS * TRACES);
      CHECK_BITS(before, after, SETS * TRACES);
    }
    CHECK_OK(verb(p, which, &error));
    catena_population_free(p);
    CHECK_INT(h.released, 2);
  }
}

static void test_sets_weights_and_traces(catena_options *options) {
  host h = {PTHREAD_MUTEX_INITIALIZER, 0, 0, 0, 0}, other = {PTHREAD_MUTEX_INITIALIZER, 0, 0, 0, 0};
  catena_population *p = begun(&h, options), *again = NULL;
  catena_checkpoint *saved = NULL;
  catena_error *error = NULL;
  catena_traces traces = table(&other);
  double x[2 * TRACES], w[TRACES], se, increment, expected, sum = 0;
  const double one = 1;
  uint64_t first = 0, gone = 2;
  size_t i, counts[4], count = 0;
  uint32_t ancestors[TRACES];

  CHECK_INT(catena_population_num_sets(p), SETS);
  CHECK_INT(catena_population_set_id(p, 2), 3);
  CHECK_INT(catena_population_set_id(p, 3), 0);
  CHECK_INT(catena_population_generation(p), 1);
  CHECK_OK(catena_population_grow_iid(p, 1, &first, &error));
  CHECK_INT(first, 4);
  CHECK_OK(catena_population_drop_ids(p, &gone, 1, &error));
  CHECK_OK(catena_population_drop_iid(p, 1, &error));
  CHECK_INT(catena_population_num_sets(p), 2);
  CHECK_INT(catena_population_set_size(p, 2), 0);
  CHECK_INT(catena_population_set_size(p, 3), TRACES);
  CHECK(isnan(catena_population_ess(p, 2)) && isnan(catena_population_log_evidence(p, 2)));
  CHECK(!catena_population_trace(p, 2, 0) && !catena_population_trace(p, 3, TRACES));

  /* Weights are the traces, by `weigh`. */
  CHECK_OK(catena_population_weights(p, 3, CATENA_WEIGHTS_LOG, w, TRACES, &error));
  for (i = 0; i < TRACES; ++i) CHECK(w[i] == *(const double *)catena_population_trace(p, 3, i));
  for (i = 0; i < TRACES; ++i) sum += exp(w[i]);
  CHECK_BETWEEN(catena_population_log_evidence(p, 3), log(sum / TRACES) - 1e-12, log(sum / TRACES) + 1e-12);
  CHECK_OK(catena_population_weights(p, 3, CATENA_WEIGHTS_NORMALIZED, x, TRACES, &error));
  for (i = 0; i < TRACES; ++i) CHECK_BETWEEN(x[i] * sum, exp(w[i]) - 1e-12, exp(w[i]) + 1e-12);
  CHECK_OK(catena_population_pooled_weights(p, x, 2 * TRACES, &error));
  for (i = 0, sum = 0; i < 2 * TRACES; ++i) sum += x[i];
  CHECK_BETWEEN(sum, 1 - 1e-12, 1 + 1e-12);
  expected = log((exp(catena_population_log_evidence(p, 1)) + exp(catena_population_log_evidence(p, 3))) / 2);
  CHECK_BETWEEN(catena_population_pooled_log_evidence(p, &se), expected - 1e-12, expected + 1e-12);
  CHECK(se > 0);

  CHECK_OK(catena_population_on_trace(p, 3, 4, ADD, &one, sizeof one, &increment, &error));
  CHECK(increment == 1);
  CHECK_OK(catena_population_weights(p, 3, CATENA_WEIGHTS_LOG, x, TRACES, &error));
  CHECK(x[4] == w[4] + 1);
  CHECK_OK(catena_population_report_trace(p, 3, 4, 2, 2, x, &error));
  CHECK(x[0] == 2 * w[4] && x[1] == x[0]);
  CHECK_OK(catena_population_report(p, CATENA_WHICH_SETS, 1, 1, x, 2, &error));
  CHECK(x[1] == w[0]);
  CHECK_OK(catena_population_sample(p, CATENA_WHICH_DISTINGUISHED, 1, 1, x, 1, &error));
  CHECK_OK(catena_population_sample(p, CATENA_WHICH_DISTINGUISHED, 1, 1, x + 1, 1, &error));
  CHECK(x[0] != x[1]);
  CHECK_OK(catena_population_set_log_weights(p, 3, w, TRACES, &error));

  CHECK_OK(catena_population_for_each(p, ADD, &one, sizeof one, 3, 1, x, 2 * TRACES, &error));
  CHECK(x[TRACES + 5] == 3 * w[5]);
  CHECK_OK(catena_population_set_log_weights(p, 3, w, TRACES, &error));
  CHECK_REFUSES(catena_population_for_each(p, ADD, &one, sizeof one, 3, 1, x, 2, &error), "out", "2");

  /* Ancestors. */
  CHECK_OK(catena_population_resample(p, 0, CATENA_RESAMPLING_MULTINOMIAL, ALL, &error));
  CHECK_OK(catena_population_distinct_ancestors(p, 3, NULL, 0, &count, &error));
  CHECK_INT(count, 2);
  CHECK_OK(catena_population_distinct_ancestors(p, 3, counts, 4, NULL, &error));
  CHECK(counts[1] == TRACES && counts[0] < TRACES);
  CHECK_OK(catena_population_ancestors(p, 3, 0, ancestors, TRACES, &error));
  for (i = 0; i < TRACES; ++i) CHECK(w[ancestors[i]] == *(const double *)catena_population_trace(p, 3, i));
  CHECK_INT(catena_population_coalescence(p, 3), -1);
  CHECK(catena_population_copies(p) > 0);

  /* Saved and read, it goes on with the same bits. */
  CHECK_OK(catena_population_save(p, &saved, &error));
  CHECK_OK(catena_population_load(&traces, saved, options, NULL, &again, &error));
  CHECK_OK(catena_population_apply(p, MOVE, &one, sizeof one, &error));
  CHECK_OK(catena_population_apply(again, MOVE, &one, sizeof one, &error));
  seen(p, x, 2 * TRACES);
  {
    double y[2 * TRACES];
    seen(again, y, 2 * TRACES);
    CHECK_BITS(x, y, 2 * TRACES);
  }
  catena_checkpoint_free(saved);
  CHECK_OK(catena_population_clear_history(p, &error));
  CHECK_REFUSES(catena_population_grow_iid(p, 1, NULL, &error), "k", "cleared");
  CHECK_OK(catena_population_set_seed(p, 5, &error));
  catena_population_free(again);
  CHECK(other.released == 1 && h.released == 0);
  catena_population_free(p);
  CHECK_INT(h.released, 1);
}

/* Traces that may be lost are, and a caller's host is called on this thread alone. */
static pthread_t caller;

static int apply_here(void *user, void *trace, int64_t operation, const void *argument, size_t size, catena_task *task,
                      double *increment) {
  CHECK(pthread_equal(pthread_self(), caller));
  return apply(user, trace, operation, argument, size, task, increment);
}

typedef struct {
  int lines, requested;
  size_t told;
} watch;

static void log_line(void *user, catena_level level, int64_t chain, const char *line) {
  watch *w = user;
  CHECK(level == CATENA_LOG_WARNING && chain == -1);
  CHECK_HAS(line, "the trace is lost, its weight zero");
  ++w->lines;
}

static int requested(void *user) { return ((watch *)user)->requested; }

static void progress(void *user, size_t done, size_t total) {
  CHECK(done <= total);
  ++((watch *)user)->told;
}

static void test_lost_traces(catena_options *options) {
  host h = {PTHREAD_MUTEX_INITIALIZER, 0, 0, 0, 0};
  watch w = {0, 0, 0};
  catena_logger logger = {sizeof logger, &w, NULL, log_line};
  catena_interrupt interrupt = {sizeof interrupt, &w, NULL, requested};
  catena_population_io io;
  catena_population *p = NULL;
  catena_error *error = NULL;
  catena_traces traces = table(&h);
  const double one = 1;
  double x[2];
  memset(&io, 0, sizeof io);
  io.struct_size = sizeof io;
  io.logger = &logger;
  io.interrupt = &interrupt;
  io.progress_user = &w;
  io.progress = progress;
  traces.threading = CATENA_THREADS_CALLER;
  traces.apply = apply_here;
  traces.copy = NULL;
  caller = pthread_self();
  CHECK_OK(catena_options_set(options, "on_trace_failure", "lose", &error));
  CHECK_OK(catena_population_new(&traces, options, &io, &p, &error));
  CHECK_OK(catena_population_reinitialize(p, 1, 2, &error));
  h.fail_at = h.calls + 2;
  CHECK_OK(catena_population_apply(p, PUT, &one, sizeof one, &error));
  CHECK_INT(w.lines, 1);
  CHECK_INT(h.live, 1);
  CHECK_OK(catena_population_report(p, CATENA_WHICH_ALL, 1, 1, x, 2, &error));
  CHECK(x[0] == 1 && isnan(x[1]) && !catena_population_trace(p, 1, 1));
  CHECK_FAILS(catena_population_resample(p, 0, 0, ALL, &error), CATENA_MODEL, NULL, "set 1", "cannot be copied");
  w.requested = 1;
  CHECK_FAILS(catena_population_apply(p, PUT, &one, sizeof one, &error), CATENA_INTERRUPTED, NULL, "interrupt", "before");
  w.requested = 0;
  CHECK_OK(catena_population_reinitialize(p, 2, 200000, &error));
  CHECK(w.told > 0);
  catena_population_free(p);
  CHECK_OK(catena_options_set(options, "on_trace_failure", "keep", &error));
}

int main(void) {
  catena_options *options = NULL;
  catena_error *error = NULL;
  CHECK_OK(catena_options_new(&options, &error));
  CHECK_OK(catena_options_set(options, "num_threads", "3", &error));
  test_failures(options);
  test_lost_traces(options);
  CHECK_OK(catena_options_set(options, "genealogy", "true", &error));
  test_sets_weights_and_traces(options);
  catena_options_free(options);
  return 0;
}
