/* A population of opaque traces, and particle filters, whose sets are spread over the ranks of MPI. Prints the bits of all weights,
 * values, evidences and of the saved bytes, which must be the same on all ranks.
 *
 *   population plain | mpi | traces | fail | die
 *
 * plain: one process, without MPI's communicator; traces: every rank has a part of each set; fail: a trace of rank 1 fails; die: rank 1
 * is killed amid an operation. */
#define _POSIX_C_SOURCE 200809L
#include <catena_mpi.h>
#include <math.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SETS = 5, PARTICLES = 40, TIMES = 8, MOVE = 1, OBSERVE = 2, FAIL = 3, DIE = 4 };

static int rank;

static int create(void *user, catena_task *task, void **trace) {
  double *x = malloc(sizeof *x);
  (void)user;
  *x = catena_task_normal(task);
  *trace = x;
  return 0;
}

static void free_trace(void *user, void *trace) {
  (void)user;
  free(trace);
}

static int copy(void *user, const void *trace, catena_task *task, void **out) {
  (void)user, (void)task;
  *out = malloc(sizeof(double));
  memcpy(*out, trace, sizeof(double));
  return 0;
}

static int apply(void *user, void *trace, int64_t operation, const void *argument, size_t size, catena_task *task, double *increment) {
  double *x = trace, a = 0;
  (void)user;
  if (size == sizeof a) memcpy(&a, argument, sizeof a);
  if (operation == MOVE) *x += a * catena_task_normal(task);
  if (operation == OBSERVE) *increment = -0.5 * (*x - a) * (*x - a);
  if (operation == FAIL && rank == 1 && catena_task_particle(task) == 7) return catena_task_message(task, "no more"), -1;
  if (operation == DIE && rank == 1) raise(SIGKILL);
  return 0;
}

static int report(void *user, const void *trace, int64_t what, catena_task *task, size_t width, double *out) {
  (void)user, (void)what, (void)task;
  for (size_t i = 0; i < width; ++i) out[i] = *(const double *)trace;
  return 0;
}

static int serialize(void *user, const void *trace, catena_task *task, catena_bytes *out) {
  (void)user, (void)task;
  return catena_bytes_write(out, trace, sizeof(double));
}

static int deserialize(void *user, const void *bytes, size_t size, catena_task *task, void **trace) {
  return size == sizeof(double) ? copy(user, bytes, task, trace) : -1;
}

static int initial(void *user, void *worker, catena_task *task, size_t n, double *states) {
  (void)user, (void)worker;
  catena_task_normals(task, n, states);
  return 0;
}

static int transition(void *user, void *worker, catena_task *task, size_t time, size_t n, const double *previous, double *states) {
  (void)user, (void)worker, (void)time;
  catena_task_normals(task, n, states);
  for (size_t i = 0; i < n; ++i) states[i] = 0.9 * previous[i] + 0.5 * states[i];
  return 0;
}

static int log_weight(void *user, void *worker, catena_task *task, size_t time, size_t n, const double *previous, const double *states,
                      double *out) {
  (void)user, (void)worker, (void)task, (void)previous;
  for (size_t i = 0; i < n; ++i) out[i] = -0.5 * (states[i] - (double)time / 4) * (states[i] - (double)time / 4);
  return 0;
}

/* By its place, for a call's arguments are looked at in any order. */
static void must(catena_status status, catena_error **error) {
  if (status == CATENA_OK) return;
  printf("rank %d: status %d: %s\n", rank, (int)status, catena_error_message(*error));
  fflush(stdout);
  /* MPI_Finalize would wait for a rank that is lost. */
  sleep(2);
  _exit(3);
}

static uint64_t more(uint64_t hash, const void *x, size_t n) {
  const unsigned char *bytes = x;
  for (size_t i = 0; i < n; ++i) hash = (hash ^ bytes[i]) * 1099511628211u;
  return hash;
}

static uint64_t all_of(catena_population *p, uint64_t hash) {
  catena_error *error = NULL;
  const size_t sets = catena_population_num_sets(p);
  size_t count = 0;
  double evidence, standard_error;
  for (size_t i = 0; i < sets; ++i) {
    const uint64_t id = catena_population_set_id(p, i);
    const double log_evidence = catena_population_log_evidence(p, id);
    hash = more(more(hash, &id, sizeof id), &log_evidence, sizeof log_evidence);
    count += catena_population_set_size(p, id);
  }
  double *values = malloc(2 * count * sizeof *values);
  must(catena_population_report(p, CATENA_WHICH_ALL, 0, 1, values, count, &error), &error);
  must(catena_population_pooled_weights(p, values + count, count, &error), &error);
  evidence = catena_population_pooled_log_evidence(p, &standard_error);
  hash = more(more(more(hash, values, 2 * count * sizeof *values), &evidence, sizeof evidence), &standard_error, sizeof standard_error);
  free(values);
  return hash;
}

int main(int argc, char **argv) {
  const char *mode = argc > 1 ? argv[1] : "mpi";
  catena_communicator ranks;
  MPI_Init(&argc, &argv);
  if (catena_mpi_new(MPI_COMM_WORLD, strcmp(mode, "die") == 0 ? 1.5 : 60, &ranks) != MPI_SUCCESS) return 1;
  rank = (int)ranks.rank;
  const catena_communicator *communicator = strcmp(mode, "plain") == 0 ? NULL : &ranks;
  catena_traces table = {.struct_size = sizeof table, .create = create, .free = free_trace, .copy = copy, .apply = apply,
                         .report = report, .serialize = serialize, .deserialize = deserialize};
  const int32_t spread = strcmp(mode, "traces") == 0 ? CATENA_SPREAD_TRACES : CATENA_SPREAD_SETS;
  catena_population_io io = {.struct_size = sizeof io, .communicator = communicator, .spread = spread};
  catena_error *error = NULL;
  catena_population *p = NULL;
  catena_checkpoint *saved = NULL;
  must(catena_population_new(&table, NULL, &io, &p, &error), &error);
  must(catena_population_reinitialize(p, SETS, PARTICLES, &error), &error);
  for (int t = 0; t < TIMES; ++t) {
    const double step = 0.5, y = t / 4.0;
    must(catena_population_apply(p, MOVE, &step, sizeof step, &error), &error);
    must(catena_population_apply(p, OBSERVE, &y, sizeof y, &error), &error);
    must(catena_population_resample(p, 0, CATENA_RESAMPLING_SYSTEMATIC, 0.7, &error), &error);
  }
  const int64_t odd = strcmp(mode, "fail") == 0 ? FAIL : strcmp(mode, "die") == 0 ? DIE : MOVE;
  must(catena_population_apply(p, odd, NULL, 0, &error), &error);
  must(catena_population_grow_iid(p, 2, NULL, &error), &error);
  must(catena_population_drop_iid(p, 1, &error), &error);
  uint64_t hash = all_of(p, 14695981039346656037u), least = 0, most = 0;
  must(catena_population_save(p, &saved, &error), &error);
  size_t length = 0;
  const uint8_t *bytes = catena_checkpoint_bytes(saved, &length);
  hash = more(hash, bytes, length);
  catena_population_free(p);
  must(catena_population_load(&table, saved, NULL, &io, &p, &error), &error);
  hash = all_of(p, hash);
  catena_population_free(p);
  catena_checkpoint_free(saved);

  catena_state_space model = {.struct_size = sizeof model, .dimension = 1, .initial = initial, .transition = transition,
                              .log_weight = log_weight};
  catena_filter_options options;
  catena_filter *filter = NULL;
  must(catena_filter_options_init(&options, sizeof options, &error), &error);
  options.num_sets = SETS;
  options.num_times = TIMES;
  options.communicator = communicator;
  must(catena_filter_run(&model, &options, NULL, NULL, &filter, &error), &error);
  for (size_t set = 0; set < SETS; ++set) {
    double evidences[TIMES];
    must(catena_filter_log_evidences(filter, set, evidences, TIMES, &error), &error);
    hash = more(hash, evidences, sizeof evidences);
  }
  catena_filter_free(filter);

  MPI_Allreduce(&hash, &least, 1, MPI_UINT64_T, MPI_MIN, MPI_COMM_WORLD);
  MPI_Allreduce(&hash, &most, 1, MPI_UINT64_T, MPI_MAX, MPI_COMM_WORLD);
  if (least != most) printf("rank %d: other bits than other ranks: %016llx\n", rank, (unsigned long long)hash);
  if (rank == 0) printf("%016llx\n", (unsigned long long)hash);
  catena_mpi_free(&ranks);
  MPI_Finalize();
  return 0;
}
