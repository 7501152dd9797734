/* Chains over the ranks of MPI. Prints a line with the bits of all draws, which must be the same on all ranks.
 *
 *   chains MODE [TIME_OUT [CALLS]] [WHAT]
 *
 * Modes: plain (one process, without MPI's communicator; WHAT is another mode), alone, together, enough, particles (one set); fail (the model of chain 3 stops), die (rank 1
 * is killed at so many CALLS of its model, where chains are WHAT: alone, together), hang (rank 1 stops answering), refuse (rank 1 gives no model). */
#define _POSIX_C_SOURCE 200809L
#include <catena_mpi.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CHAINS = 7, DIM = 5, SAMPLES = 400, COLUMNS = 7 + DIM };

typedef struct {
  const char *mode;
  int rank;
  long calls, end;
} context;

static int evaluate(void *user, void *worker, catena_task *task, const double *x, double *lp, double *g) {
  context *c = user;
  (void)worker;
  double sum = 0;
  for (int i = 0; i < DIM; ++i) {
    double precision = 1.0 + i;
    sum -= 0.5 * precision * x[i] * x[i];
    g[i] = -precision * x[i];
  }
  *lp = sum;
  ++c->calls;
  if (strcmp(c->mode, "fail") == 0 && catena_task_chain_id(task) == 3 && c->calls > 100) {
    catena_task_message(task, "no more");
    return -1;
  }
  if (c->rank == 1 && c->calls == c->end) {
    if (strcmp(c->mode, "die") == 0) raise(SIGKILL);
    if (strcmp(c->mode, "hang") == 0) sleep(600);
  }
  return 0;
}

static uint64_t bits_of(const double *x, size_t n) {
  uint64_t hash = 14695981039346656037u;
  const unsigned char *bytes = (const unsigned char *)x;
  for (size_t i = 0; i < n * sizeof *x; ++i) hash = (hash ^ bytes[i]) * 1099511628211u;
  return hash;
}

static int option(catena_options *options, const char *name, const char *value) {
  catena_error *error = NULL;
  if (catena_options_set(options, name, value, &error) == CATENA_OK) return 1;
  fprintf(stderr, "%s\n", catena_error_message(error));
  catena_error_free(error);
  return 0;
}

static int parts(void *user, void *worker, catena_task *task, const double *x, double *log_prior, double *log_likelihood,
                 double *prior_gradient, double *likelihood_gradient) {
  (void)user, (void)worker, (void)task;
  *log_prior = *log_likelihood = 0;
  for (int i = 0; i < DIM; ++i) {
    double apart = x[i] - 0.5;
    *log_prior -= 0.5 * x[i] * x[i];
    *log_likelihood -= 8 * apart * apart;
    if (prior_gradient) prior_gradient[i] = -x[i];
    if (likelihood_gradient) likelihood_gradient[i] = -16 * apart;
  }
  return 0;
}

static int from_prior(void *user, void *worker, catena_task *task, double *x) {
  (void)user, (void)worker;
  for (int i = 0; i < DIM; ++i) x[i] = catena_task_normal(task);
  return 0;
}

static int shown(const double *x, size_t n, int rank) {
  uint64_t hash = bits_of(x, n), least = 0, most = 0;
  MPI_Allreduce(&hash, &least, 1, MPI_UINT64_T, MPI_MIN, MPI_COMM_WORLD);
  MPI_Allreduce(&hash, &most, 1, MPI_UINT64_T, MPI_MAX, MPI_COMM_WORLD);
  if (least != most) printf("rank %d: other bits than other ranks: %016llx\n", rank, (unsigned long long)hash);
  if (rank == 0) printf("%016llx\n", (unsigned long long)hash);
  return least != most;
}

/* One set of 10^5 particles, in parts on the ranks. */
static int particles(context *c, catena_communicator *ranks) {
  enum { PARTICLES = 100000, SET_COLUMNS = 4 + DIM };
  const size_t size = (size_t)PARTICLES * SET_COLUMNS;
  catena_density density = {.struct_size = sizeof density, .user = c, .dimension = DIM, .log_density_gradient = evaluate};
  density.log_density_parts = parts;
  density.sample_prior = from_prior;
  catena_model *model = NULL;
  catena_options *options = NULL;
  catena_writer *writer = NULL;
  catena_smc_result *result = NULL;
  catena_error *error = NULL;
  double *rows = calloc(size, sizeof *rows);
  if (!rows || catena_model_new(&density, &model, NULL) || catena_options_new(&options, NULL)) return 1;
  if (!option(options, "num_particles", "100000") || !option(options, "num_sets", "1") || !option(options, "num_moves", "2") ||
      !option(options, "num_threads", "1") || !option(options, "refresh", "0"))
    return 1;
  if (catena_writers_memory_new(rows, size, 1, PARTICLES, SET_COLUMNS, CATENA_LAYOUT_ROWS, &writer, NULL)) return 1;
  catena_io io = {.struct_size = sizeof io, .sample_writers = &writer, .num_sample_writers = 1, .communicator = ranks};
  if (catena_sample_smc(model, options, NULL, &io, &result, &error) != CATENA_OK) {
    printf("rank %d: %s\n", c->rank, catena_error_message(error));
    return 1;
  }
  int differs = shown(rows, size, c->rank);
  catena_writer_free(writer);
  catena_smc_result_free(result);
  catena_options_free(options);
  catena_model_free(model);
  free(rows);
  MPI_Finalize();
  return differs;
}

int main(int argc, char **argv) {
  const char *mode = argc > 1 ? argv[1] : "alone";
  double time_out = argc > 2 ? atof(argv[2]) : 60;
  int plain = strcmp(mode, "plain") == 0, adapts_alone = strcmp(mode, "together") != 0 && strcmp(mode, "enough") != 0;
  const int dies = strcmp(mode, "die") == 0 || strcmp(mode, "hang") == 0;
  const char *what = plain && argc > 3 ? argv[3] : dies && argc > 4 ? argv[4] : mode;
  adapts_alone = strcmp(what, "together") != 0 && strcmp(what, "enough") != 0;
  catena_communicator ranks;
  context c = {mode, 0, 0, argc > 3 ? atol(argv[3]) : 2000};
  MPI_Init(&argc, &argv);
  if (catena_mpi_new(MPI_COMM_WORLD, time_out, &ranks) != MPI_SUCCESS) return 1;
  c.rank = (int)ranks.rank;

  catena_density density = {.struct_size = sizeof density, .user = &c, .dimension = DIM, .log_density_gradient = evaluate};
  density.threading = CATENA_THREADS_CALLER;
  catena_model *model = NULL;
  catena_options *options = NULL;
  if (strcmp(what, "particles") == 0) return particles(&c, plain ? NULL : &ranks);
  catena_writer *writers[CHAINS];
  catena_result *result = NULL;
  catena_error *error = NULL;
  size_t size = (size_t)CHAINS * SAMPLES * COLUMNS;
  double *draws = calloc(size, sizeof *draws);
  if (!draws || catena_model_new(&density, &model, NULL) || catena_options_new(&options, NULL)) return 1;
  if (!option(options, "num_chains", "7") || !option(options, "num_warmup", "150") ||
      !option(options, "num_samples", "400") || !option(options, "refresh", "0"))
    return 1;
  if (!adapts_alone && (!option(options, "warmup", "together") || !option(options, "metric", "fisher_diag"))) return 1;
  if (strcmp(what, "enough") == 0 && !option(options, "until_ess", "500")) return 1;
  if (catena_writers_memory_new(draws, size, CHAINS, SAMPLES, COLUMNS, CATENA_LAYOUT_ROWS, writers, NULL)) return 1;
  catena_io io = {.struct_size = sizeof io, .sample_writers = writers, .num_sample_writers = CHAINS};
  if (!plain) io.communicator = &ranks;
  const catena_model *given = strcmp(mode, "refuse") == 0 && c.rank == 1 ? NULL : model;
  catena_status status = catena_sample_nuts(given, options, &io, &result, &error);
  if (status != CATENA_OK) {
    printf("rank %d: status %d: %s\n", c.rank, (int)status, catena_error_message(error));
    fflush(stdout);
    /* MPI_Finalize waits for the lost rank, and a rank that has left without it may end those that still have words to say. */
    if (strstr(catena_error_message(error), "did not answer")) {
      sleep(2);
      _exit(3);
    }
  }

  if (status == CATENA_OK) {
    shown(draws, size, c.rank);
  } else {
    MPI_Barrier(MPI_COMM_WORLD);
  }
  for (int i = 0; i < CHAINS; ++i) catena_writer_free(writers[i]);
  catena_result_free(result);
  catena_error_free(error);
  catena_options_free(options);
  catena_model_free(model);
  free(draws);
  catena_mpi_free(&ranks);
  MPI_Finalize();
  return status != CATENA_OK;
}
