/* Bad arguments to populations, each named. */
#include "numbers.h"

int main(void) {
  catena_options *options = NULL;
  host h = {PTHREAD_MUTEX_INITIALIZER, 0, 0, 0, 0};
  catena_population *p = NULL;
  catena_checkpoint *bytes = NULL;
  catena_error *error = NULL;
  catena_traces traces;
  const char junk[] = "not a population";
  const double nan_weight[TRACES] = {NAN}, one = 1;
  const size_t counts[2] = {1, 2};
  const uint64_t gone = 9;
  double x[4];

  CHECK_OK(catena_options_new(&options, &error));
  CHECK_OK(catena_options_set(options, "num_threads", "3", &error));

  /* A table without what it must have is released at once, but for one whose size cannot be right. */
  traces = table(&h);
  traces.apply = NULL;
  CHECK_REFUSES(catena_population_new(&traces, options, NULL, &p, &error), "traces.apply", "NULL");
  traces = table(&h);
  traces.deserialize = NULL;
  CHECK_REFUSES(catena_population_new(&traces, options, NULL, &p, &error), "traces.deserialize", "serialize is one");
  traces = table(&h);
  traces.threading = 3;
  CHECK_REFUSES(catena_population_new(&traces, options, NULL, &p, &error), "traces.threading", "3");
  traces = table(&h);
  traces.struct_size = 8;
  CHECK_REFUSES(catena_population_new(&traces, options, NULL, &p, &error), "traces.struct_size", "8");
  traces = table(&h);
  traces.copy = NULL;
  CHECK_REFUSES(catena_population_new(&traces, options, NULL, &p, &error), "on_trace_failure", "copied");
  CHECK_REFUSES(catena_population_new(NULL, options, NULL, &p, &error), "traces", "NULL");
  traces = table(&h);
  h.fail_at = 1;
  CHECK_FAILS(catena_population_new(&traces, options, NULL, &p, &error), CATENA_MODEL, NULL, "set 1, trace 0", "create");
  CHECK(!p && h.released == 5 && h.live == 0);
  h.fail_at = 0;
  CHECK_OK(catena_checkpoint_new((const uint8_t *)junk, sizeof junk, &bytes, &error));
  CHECK_FAILS(catena_population_load(&traces, bytes, options, NULL, &p, &error), CATENA_CHECKPOINT, NULL, "expected", "got");
  catena_checkpoint_free(bytes);
  CHECK_INT(h.released, 6);
  h.released = 0;

  p = begun(&h, options);
  CHECK_REFUSES(catena_population_block_resample(p, counts, 2, 0, ALL, &error), "counts", "2");
  CHECK_REFUSES(catena_population_resample(p, 0, 5, ALL, &error), "scheme", "5");
  CHECK_REFUSES(catena_population_resample(p, 0, 0, NAN, &error), "ess_below", "NaN");
  CHECK_REFUSES(catena_population_apply(p, ADD, NULL, 8, &error), "argument", "NULL");
  CHECK_REFUSES(catena_population_apply(NULL, ADD, NULL, 0, &error), "population", "NULL");
  CHECK_REFUSES(catena_population_report(p, 3, 1, 1, x, 1, &error), "which", "3");
  CHECK_REFUSES(catena_population_report(p, CATENA_WHICH_SETS, 1, 1, x, 2, &error), "out", "2");
  CHECK_REFUSES(catena_population_drop_ids(p, &gone, 1, &error), "set", "9");
  CHECK_REFUSES(catena_population_set_log_weights(p, 1, nan_weight, TRACES, &error), "log_weights", "NaN");
  CHECK_REFUSES(catena_population_weights(p, 9, 0, x, 4, &error), "set", "9");
  CHECK_REFUSES(catena_population_weights(p, 1, 2, x, 4, &error), "kind", "2");
  CHECK_REFUSES(catena_population_weights(p, 1, 0, x, 4, &error), "size", "4");
  CHECK_REFUSES(catena_population_reinitialize(p, 0, 1, &error), "n_sets", "0");
  CHECK_OK(catena_population_apply(p, NOTHING, NULL, 0, &error));
  {
    const double inf = INFINITY;
    CHECK_FAILS(catena_population_apply(p, ADD, &inf, sizeof inf, &error), CATENA_MODEL, NULL, "set 1, trace 0: operation 2",
                "got inf");
    const double lost = -INFINITY;
    CHECK_OK(catena_population_apply(p, ADD, &lost, sizeof lost, &error));
  }
  CHECK_FAILS(catena_population_resample(p, 0, 0, ALL, &error), CATENA_ALL_LOST, NULL, "set 1", "zero");
  CHECK(catena_population_log_evidence(p, 1) == -INFINITY && catena_population_ess(p, 1) == 0);
  catena_population_free(p);

  /* An optional function that is not there is named when it is wanted. */
  traces = table(&h);
  traces.weigh = NULL;
  CHECK_OK(catena_population_new(&traces, options, NULL, &p, &error));
  CHECK_FAILS(catena_population_likelihood_weight(p, &error), CATENA_MODEL, NULL, "no function 'weigh'", "set 1, trace 0");
  CHECK_OK(catena_population_reset_to_prior(p, 3, 2, &error));
  CHECK_OK(catena_population_apply(p, PUT, &one, sizeof one, &error));
  CHECK_REFUSES(catena_population_distinct_ancestors(p, 7, NULL, 0, NULL, &error), "set", "7");
  catena_population_free(p);
  catena_population_free(NULL);
  catena_options_free(options);
  return 0;
}
