/* Bad arguments to particle filters, each named; and an interrupt. */
#define _POSIX_C_SOURCE 200809L
#include "linear.h"
#include <time.h>

static int requested(void *user) { return ++*(int *)user > 3; }

static int sleepy(void *user, void *worker, catena_task *task, size_t time, size_t n, const double *previous,
                  double *states) {
  const struct timespec while_ = {0, 2000000};
  nanosleep(&while_, NULL);
  return transition(user, worker, task, time, n, previous, states);
}

int main(void) {
  linear m;
  catena_error *error = NULL;
  catena_filter *filter = NULL;
  catena_filter_options o = options_of(1, 100);
  catena_state_space t;
  catena_interrupt interrupt;
  double x[100];
  size_t counts[TIMES];
  int polls = 0;
  linear_init(&m, 1);
#define RUN catena_filter_run(&t, &o, NULL, NULL, &filter, &error)
#define REFUSED(member, bad, name, got) \
  do { \
    t = table_of(&m); \
    o = options_of(1, 100); \
    (member) = (bad); \
    CHECK_REFUSES(RUN, name, got); \
  } while (0)
  REFUSED(t.initial, NULL, "model.initial", "NULL");
  REFUSED(t.transition, NULL, "model.transition", "NULL");
  REFUSED(t.log_weight, NULL, "model.log_weight", "NULL");
  REFUSED(t.propose, NULL, "model.propose", "NULL");
  REFUSED(t.dimension, 0, "model.dimension", "0");
  REFUSED(t.threading, 3, "model.threading", "3");
  REFUSED(t.struct_size, 8, "model.struct_size", "8");
  REFUSED(o.struct_size, 8, "options.struct_size", "8");
  REFUSED(o.kind, 3, "kind", "3");
  REFUSED(o.resampling, 5, "resampling", "5");
  REFUSED(o.num_particles, 0, "num_particles", "0");
  REFUSED(o.num_times, 0, "num_times", "0");
  REFUSED(o.ess_threshold, -1, "ess_threshold", "-1");
  t = table_of(&m);
  o = options_of(1, 100);
  t.transition_log_density = NULL;
  t.auxiliary_log_weight = NULL;
  o.num_trajectories = 5;
  CHECK_REFUSES(RUN, "num_trajectories", "5");
  o.kind = CATENA_FILTER_AUXILIARY;
  CHECK_REFUSES(RUN, "kind", "without");
  CHECK_REFUSES(catena_filter_run(NULL, &o, NULL, NULL, &filter, &error), "model", "NULL");
  t = table_of(&m);
  CHECK_REFUSES(catena_filter_run(&t, NULL, NULL, NULL, &filter, &error), "options", "NULL");
  CHECK_REFUSES(catena_filter_run(&t, &o, NULL, NULL, NULL, &error), "out", "NULL");
  CHECK_REFUSES(catena_filter_options_init(NULL, sizeof o, &error), "options", "NULL");
  CHECK_REFUSES(catena_filter_options_init(&o, 4, &error), "struct_size", "4");
  o = options_of(1, 100);
  CHECK_OK(RUN);
  CHECK_REFUSES(catena_filter_ess(filter, 1, x, TIMES, &error), "set", "1");
  CHECK_REFUSES(catena_filter_ess(filter, 0, x, 3, &error), "size", "3");
  CHECK_REFUSES(catena_filter_ess(NULL, 0, x, TIMES, &error), "filter", "NULL");
  CHECK_REFUSES(catena_filter_particles(filter, 0, 2, 100, x, NULL, NULL, &error), "time", "2");
  CHECK_REFUSES(catena_filter_particles(filter, 0, TIMES - 1, 99, x, NULL, NULL, &error), "num_particles", "99");
  CHECK_REFUSES(catena_filter_lineage(filter, 0, 0, x, TIMES, &error), "options.history", "0");
  catena_filter_free(filter);
  o.history = 1;
  CHECK_OK(RUN);
  CHECK_OK(catena_filter_particles(filter, 0, 2, 100, x, NULL, NULL, &error));
  CHECK_OK(catena_filter_lineage(filter, 0, 99, x, TIMES, &error));
  CHECK_OK(catena_filter_survivors(filter, 0, counts, TIMES, &error));
  CHECK(counts[TIMES - 1] == 100 && counts[0] < 100 && counts[0] > 0);
  CHECK_REFUSES(catena_filter_lineage(filter, 0, 100, x, TIMES, &error), "particle", "100");
  catena_filter_free(filter);
  memset(&interrupt, 0, sizeof interrupt);
  interrupt.struct_size = sizeof interrupt;
  interrupt.user = &polls;
  interrupt.requested = requested;
  t.transition = sleepy;
  o.num_particles = 100000;
  CHECK_FAILS(catena_filter_run(&t, &o, NULL, &interrupt, &filter, &error), CATENA_INTERRUPTED, NULL, "interrupt", "");
  CHECK(filter == NULL);
  CHECK_INT(m.workers_made, m.workers_freed);
  CHECK(catena_task_normals(NULL, 3, x) != 0);
  catena_filter_free(NULL);
  CHECK_INT(catena_filter_num_sets(NULL), 0);
  CHECK(isnan(catena_filter_log_evidence(NULL)));
  return 0;
}
