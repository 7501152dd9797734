/* Sequential learning over the ranks of MPI. Prints the bits of all models and weights, which must be the same on all ranks.
 *
 *   learner plain | mpi | die
 *
 * plain: one process, without MPI's communicator; die: rank 1 is killed amid an update. */
#define _POSIX_C_SOURCE 200809L
#include <catena_mpi.h>
#include <math.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MODELS = 20000, DATA = 30, CANDIDATES = 25 };

typedef struct {
  int dies, rank, calls;
} context;

/* A two-level system that precesses: outcome 0 with probability cos^2(omega t / 2). */
static int likelihood(void *user, void *worker, void *shared, catena_task *task, size_t n_o, const double *outcomes, size_t n_m,
                      const double *models, size_t n_e, const double *experiments, double *out) {
  context *c = user;
  (void)worker, (void)shared, (void)task;
  for (size_t e = 0; e < n_e; ++e)
    for (size_t o = 0; o < n_o; ++o)
      for (size_t m = 0; m < n_m; ++m) {
        double x = cos(0.5 * models[m] * experiments[e]);
        *out++ = outcomes[o] == 0 ? x * x : 1 - x * x;
      }
  if (c->dies && c->rank == 1 && ++c->calls == 100) raise(SIGKILL);
  return 0;
}

/* By its place, for a call's arguments are looked at in any order. */
static void must(catena_status status, catena_error **error, int rank) {
  if (status == CATENA_OK) return;
  printf("rank %d: status %d: %s\n", rank, (int)status, catena_error_message(*error));
  fflush(stdout);
  /* MPI_Finalize would wait for a rank that is lost. */
  sleep(2);
  _exit(3);
}

static uint64_t more(uint64_t hash, const double *x, size_t n) {
  const unsigned char *bytes = (const unsigned char *)x;
  for (size_t i = 0; i < n * sizeof *x; ++i) hash = (hash ^ bytes[i]) * 1099511628211u;
  return hash;
}

int main(int argc, char **argv) {
  static const char *const fields[] = {"t"};
  static double models[MODELS], weights[MODELS], worth[CANDIDATES], times[CANDIDATES];
  const char *mode = argc > 1 ? argv[1] : "mpi";
  catena_communicator ranks;
  MPI_Init(&argc, &argv);
  if (catena_mpi_new(MPI_COMM_WORLD, strcmp(mode, "die") == 0 ? 1.5 : 60, &ranks) != MPI_SUCCESS) return 1;
  const int rank = (int)ranks.rank;
  context c = {strcmp(mode, "die") == 0, rank, 0};
  catena_likelihood table = {.struct_size = sizeof table, .user = &c, .threading = CATENA_THREADS_CALLER, .num_parameters = 1,
                             .num_fields = 1, .field_names = fields, .outcome_kind = CATENA_NUMBER_INTEGER,
                             .likelihood = likelihood};
  if (strcmp(mode, "plain") != 0) table.communicator = &ranks;
  catena_updater_options options;
  catena_error *error = NULL;
  catena_prior *prior = NULL;
  catena_updater *updater = NULL;
  const double low = 0, high = 1;
  must(catena_updater_options_init(&options, sizeof options, &error), &error, rank);
  options.num_models = MODELS;
  options.seed = 5;
  must(catena_prior_uniform_new(1, &low, &high, &prior, &error), &error, rank);
  must(catena_updater_new(&table, prior, &options, NULL, NULL, &updater, &error), &error, rank);
  for (int k = 0; k < DATA; ++k) {
    double t = 1 + 1.3 * k, outcome = k % 3 == 1;
    must(catena_updater_update(updater, &outcome, &t, &error), &error, rank);
  }
  for (int i = 0; i < CANDIDATES; ++i) times[i] = 1 + i;
  must(catena_updater_worth(updater, CANDIDATES, times, NULL, 0, worth, NULL, &error), &error, rank);
  must(catena_updater_models(updater, 1, models, MODELS, &error), &error, rank);
  must(catena_updater_weights(updater, 1, weights, MODELS, &error), &error, rank);
  uint64_t hash = more(more(more(14695981039346656037u, models, MODELS), weights, MODELS), worth, CANDIDATES), least = 0, most = 0;
  MPI_Allreduce(&hash, &least, 1, MPI_UINT64_T, MPI_MIN, MPI_COMM_WORLD);
  MPI_Allreduce(&hash, &most, 1, MPI_UINT64_T, MPI_MAX, MPI_COMM_WORLD);
  if (least != most) printf("rank %d: other bits than other ranks: %016llx\n", rank, (unsigned long long)hash);
  if (rank == 0) printf("%016llx\n", (unsigned long long)hash);
  catena_updater_free(updater);
  catena_prior_free(prior);
  catena_mpi_free(&ranks);
  MPI_Finalize();
  return 0;
}
