/* Particle filters through the ABI: right, with equal bits however they are run, and nothing leaked when callbacks fail. */
#define _POSIX_C_SOURCE 200809L
#include "linear.h"

static void test_evidence(void) {
  static const int kinds[] = {CATENA_FILTER_BOOTSTRAP, CATENA_FILTER_GUIDED, CATENA_FILTER_AUXILIARY};
  catena_error *error = NULL;
  size_t k;
  printf("the evidence is that of the Kalman filter\n");
  for (k = 0; k < 3; ++k) {
    linear m;
    catena_filter *filter = NULL;
    catena_filter_options o = options_of(50, 400);
    catena_state_space t;
    double e, off, ess[TIMES], series[TIMES], means[2 * TIMES], variances[2 * TIMES];
    linear_init(&m, 2);
    t = table_of(&m);
    o.kind = kinds[k];
    CHECK_OK(catena_filter_run(&t, &o, NULL, NULL, &filter, &error));
    CHECK_INT(m.released, 1);
    CHECK(m.workers_made > 0 && m.workers_made == m.workers_freed);
    CHECK_INT(catena_filter_num_sets(filter), 50);
    CHECK_INT(catena_filter_set_id(filter, 49), 50);
    CHECK_INT(catena_filter_num_times(filter, 3), TIMES);
    CHECK_INT(catena_filter_set_status(filter, 3), CATENA_OK);
    e = catena_filter_standard_error(filter);
    CHECK_BETWEEN(e, 1e-4, 0.1);
    off = (catena_filter_log_evidence(filter) - exact(2)) / e;
    CHECK_BETWEEN(off, -4, 4);
    CHECK_OK(catena_filter_ess(filter, 0, ess, TIMES, &error));
    CHECK_BETWEEN(ess[0], 1, 400);
    CHECK_OK(catena_filter_log_evidences(filter, 0, series, TIMES, &error));
    CHECK(series[TIMES - 1] == catena_filter_set_log_evidence(filter, 0));
    CHECK_OK(catena_filter_means(filter, 0, means, 2 * TIMES, &error));
    CHECK_OK(catena_filter_variances(filter, 0, variances, 2 * TIMES, &error));
    CHECK_BETWEEN(means[0], 0.3 / 1.7 - 0.2, 0.3 / 1.7 + 0.2);
    CHECK_BETWEEN(variances[1], 0.2, 0.7);
    catena_filter_free(filter);
  }
}

#define PARTICLES 3000
#define TRAJECTORIES 20

/* Everything that can be read of a run of three sets. */
typedef struct reading {
  double states[3][PARTICLES * 2], log_weights[3][PARTICLES], series[3][TIMES], drawn[3][TIMES * 2 * TRAJECTORIES];
  uint32_t ancestors[3][PARTICLES];
} reading;

static void read_sets(const catena_state_space *t, const catena_filter_options *o, reading *r) {
  catena_error *error = NULL;
  catena_filter *filter = NULL;
  size_t s;
  CHECK_OK(catena_filter_run(t, o, NULL, NULL, &filter, &error));
  for (s = 0; s < o->num_sets; ++s) {
    const size_t at = (size_t)(catena_filter_set_id(filter, s) - 1);
    CHECK_OK(catena_filter_particles(filter, s, TIMES - 1, PARTICLES, r->states[at], r->log_weights[at],
                                     r->ancestors[at], &error));
    CHECK_OK(catena_filter_log_evidences(filter, s, r->series[at], TIMES, &error));
    CHECK_OK(catena_filter_trajectories(filter, s, r->drawn[at], TIMES * 2 * TRAJECTORIES, &error));
  }
  catena_filter_free(filter);
}

static void test_bits(void) {
  reading *first = calloc(1, sizeof *first), *other = calloc(1, sizeof *other);
  int run;
  printf("equal bits on any number of threads, in any cut and any grouping\n");
  for (run = 0; run < 7; ++run) {
    linear m;
    catena_state_space t;
    catena_filter_options o = options_of(3, PARTICLES);
    linear_init(&m, 2);
    t = table_of(&m);
    o.num_threads = run == 1 ? 2 : run == 2 ? 4 : 1;
    o.num_trajectories = TRAJECTORIES;
    t.threading = run == 3 || run == 4 ? CATENA_THREADS_CALLER : CATENA_THREADS_ANY;
    t.whole_sets = run == 4 || run == 5;
    memset(other, 0, sizeof *other);
    if (run < 6) {
      read_sets(&t, &o, run ? other : first);
    } else {
      o.num_sets = 1;
      read_sets(&t, &o, other);
      o.num_sets = o.init_set_id = 2;
      read_sets(&t, &o, other);
    }
    if (t.threading == CATENA_THREADS_CALLER) CHECK_INT(m.elsewhere, 0);
    if (run) CHECK(memcmp(first, other, sizeof *first) == 0);
  }
  free(first);
  free(other);
}

static void test_failures(void) {
  static const int kinds[] = {CATENA_FILTER_BOOTSTRAP, CATENA_FILTER_GUIDED, CATENA_FILTER_AUXILIARY};
  catena_error *error = NULL;
  size_t k;
  printf("each callback fails once at each call, and nothing is leaked\n");
  for (k = 0; k < 3; ++k) {
    long bad = 0, last = 1;
    for (bad = 0; bad <= last; ++bad) {
      linear m;
      catena_filter *filter = (catena_filter *)&m;
      catena_filter_options o = options_of(2, 1500);
      catena_state_space t;
      linear_init(&m, 1);
      t = table_of(&m);
      m.bad_call = bad;
      o.kind = kinds[k];
      o.num_trajectories = 2;
      o.num_threads = 1 + (size_t)bad % 2;
      t.threading = bad % 3 ? CATENA_THREADS_ANY : CATENA_THREADS_CALLER;
      if (bad == 0) {
        CHECK_OK(catena_filter_run(&t, &o, NULL, NULL, &filter, &error));
        /* How many workers are made depends on time; all other calls are counted. */
        last = m.calls - m.workers_made;
      } else {
        catena_status status = catena_filter_run(&t, &o, NULL, NULL, &filter, &error);
        CHECK_INT(status, CATENA_MODEL);
        CHECK(filter == NULL && error != NULL && catena_error_set(error) >= 1);
        CHECK(strstr(catena_error_message(error), "planted") || strstr(catena_error_message(error), "worker"));
        catena_error_free(error);
        error = NULL;
      }
      CHECK_INT(m.released, 1);
      CHECK_INT(m.workers_made, m.workers_freed);
      catena_filter_free(filter);
    }
    CHECK(last > 20);
  }
}

static void test_weights(void) {
  linear m;
  catena_error *error = NULL;
  catena_filter *filter = NULL;
  catena_filter_options o = options_of(2, 8);
  catena_state_space t;
  double x[8], w[8];
  printf("lost particles, and weights that are none\n");
  linear_init(&m, 1);
  t = table_of(&m);
  m.bad_time = 1;
  m.bad_particle = SIZE_MAX;
  m.value = -INFINITY;
  CHECK_FAILS(catena_filter_run(&t, &o, NULL, NULL, &filter, &error), CATENA_ALL_LOST, NULL, "set 1", "time 1");
  CHECK(filter != NULL && catena_filter_log_evidence(filter) == -INFINITY);
  CHECK_INT(catena_filter_set_status(filter, 1), CATENA_ALL_LOST);
  CHECK_INT(catena_filter_num_times(filter, 1), 2);
  CHECK_OK(catena_filter_particles(filter, 1, 1, 8, x, w, NULL, &error));
  CHECK(isfinite(x[0]) && w[7] == -INFINITY);
  catena_filter_free(filter);
  m.bad_particle = 5;
  m.value = NAN;
  CHECK_FAILS(catena_filter_run(&t, &o, NULL, NULL, &filter, &error), CATENA_MODEL, NULL, "particle 5", "time 1");
  CHECK(filter == NULL);
  m.value = INFINITY;
  CHECK_FAILS(catena_filter_run(&t, &o, NULL, NULL, &filter, &error), CATENA_MODEL, NULL, "set 1", "inf");
  CHECK_INT(m.released, 3);
}

static void test_particle_gibbs(void) {
  catena_error *error = NULL;
  double path[TIMES] = {0.1, 0.2, 0.3, 0.2, 0.1, 0}, kept[TIMES], sum[TIMES] = {0};
  int sweep;
  printf("conditional sweeps: one particle keeps its path, twenty find the smoothing mean\n");
  memcpy(kept, path, sizeof path);
  for (sweep = 0; sweep < 2100; ++sweep) {
    linear m;
    catena_filter *filter = NULL;
    catena_filter_options o = options_of(1, sweep < 100 ? 1 : 20);
    catena_state_space t;
    size_t i;
    linear_init(&m, 1);
    t = table_of(&m);
    t.threading = CATENA_THREADS_CALLER;
    o.seed = (uint64_t)sweep;
    o.retained = path;
    CHECK_OK(catena_filter_run(&t, &o, NULL, NULL, &filter, &error));
    CHECK_OK(catena_filter_lineage(filter, 0, catena_filter_drawn(filter, 0), path, TIMES, &error));
    if (sweep < 100) CHECK_BITS(path, kept, TIMES);
    for (i = 0; sweep >= 100 && i < TIMES; ++i) sum[i] += path[i] / 2000;
    catena_filter_free(filter);
  }
  /* Kalman's filter and Rauch, Tung and Striebel's smoother. */
  {
    double mean[TIMES], variance[TIMES];
    int t;
    for (t = 0; t < TIMES; ++t) {
      const double before = t ? A * mean[t - 1] : 0, spread = t ? A * A * variance[t - 1] + Q : 1;
      mean[t] = before + spread / (spread + R) * (observations[t] - before);
      variance[t] = spread * R / (spread + R);
    }
    for (t = TIMES - 2; t >= 0; --t)
      mean[t] += variance[t] * A / (A * A * variance[t] + Q) * (mean[t + 1] - A * mean[t]);
    for (t = 0; t < TIMES; ++t) CHECK_BETWEEN(sum[t], mean[t] - 0.1, mean[t] + 0.1);
  }
}

int main(void) {
  test_evidence();
  test_bits();
  test_failures();
  test_weights();
  test_particle_gibbs();
  return 0;
}
