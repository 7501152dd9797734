/* A regression over the processes of MPI: chains that warm up together, and one set of particles. What makes it a program for many
 * processes are the lines with `ranks`.
 *
 *   main        by itself
 *   main mpi    under mpirun */
#include <catena_mpi.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DATA = 1000, DIMENSION = 4, CHAINS = 8, SAMPLES = 500, PARTICLES = 2048 };
enum { SAMPLER_COLUMNS = 7, SET_COLUMNS = 4 };
static const double PRIOR_SD = 2;

typedef struct {
    double x[DATA][DIMENSION], y[DATA];
} data;

/* Made up: waves of three frequencies, and noise that looks like it. */
static void make(data *d)
{
    static const double truth[DIMENSION] = {0.5, -1, 2, 0.25};
    for (int i = 0; i < DATA; i++) {
        double mean = 0;
        for (int j = 0; j < DIMENSION; j++) {
            d->x[i][j] = j == 0 ? 1 : sin(0.1 * i * j + j);
            mean += truth[j] * d->x[i][j];
        }
        d->y[i] = mean + 1.4 * sin(37.7 * i * i);
    }
}

static int parts(void *user, void *worker, catena_task *task, const double *x, double *log_prior, double *log_likelihood,
                 double *prior_gradient, double *likelihood_gradient)
{
    const data *d = user;
    double sum = 0, gradient[DIMENSION] = {0};
    (void)worker, (void)task;
    for (int i = 0; i < DATA; i++) {
        double residual = d->y[i];
        for (int j = 0; j < DIMENSION; j++)
            residual -= x[j] * d->x[i][j];
        sum -= 0.5 * residual * residual;
        for (int j = 0; j < DIMENSION; j++)
            gradient[j] += residual * d->x[i][j];
    }
    *log_likelihood = sum;
    *log_prior = 0;
    for (int j = 0; j < DIMENSION; j++)
        *log_prior -= 0.5 * x[j] * x[j] / (PRIOR_SD * PRIOR_SD);
    for (int j = 0; prior_gradient && j < DIMENSION; j++)
        prior_gradient[j] = -x[j] / (PRIOR_SD * PRIOR_SD);
    if (likelihood_gradient)
        memcpy(likelihood_gradient, gradient, sizeof gradient);
    return 0;
}

static int evaluate(void *user, void *worker, catena_task *task, const double *x, double *log_density, double *gradient)
{
    double log_prior, log_likelihood, of_prior[DIMENSION];
    parts(user, worker, task, x, &log_prior, &log_likelihood, of_prior, gradient);
    for (int j = 0; j < DIMENSION; j++)
        gradient[j] += of_prior[j];
    *log_density = log_prior + log_likelihood;
    return 0;
}

static int from_prior(void *user, void *worker, catena_task *task, double *x)
{
    (void)user, (void)worker;
    for (int j = 0; j < DIMENSION; j++)
        x[j] = PRIOR_SD * catena_task_normal(task);
    return 0;
}

static double now(void)
{
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* All bits of the numbers, in one (FNV-1a). */
static uint64_t bits(const double *x, size_t n)
{
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < n * sizeof *x; i++)
        hash = (hash ^ ((const unsigned char *)x)[i]) * 1099511628211u;
    return hash;
}

static void must(catena_status status, catena_error *error)
{
    if (status == CATENA_OK)
        return;
    fprintf(stderr, "%s\n", catena_error_message(error));
    MPI_Abort(MPI_COMM_WORLD, 1);
}

/* An array for rows of `count` writers, and the writers. */
static double *room(size_t count, size_t rows, size_t columns, catena_writer **writers)
{
    catena_error *error = NULL;
    const size_t size = count * rows * columns;
    double *values = calloc(size, sizeof *values);
    if (!values)
        MPI_Abort(MPI_COMM_WORLD, 1);
    must(catena_writers_memory_new(values, size, count, rows, columns, CATENA_LAYOUT_ROWS, writers, &error), error);
    return values;
}

int main(int argc, char **argv)
{
    static const char *const settings[][2] = {
        {"num_chains", "8"},     {"num_warmup", "200"},      {"num_samples", "500"}, {"seed", "1"},   {"warmup", "together"},
        {"metric", "fisher_diag"}, {"num_particles", "2048"}, {"num_sets", "1"},      {"refresh", "0"}, {"num_threads", "1"},
    };
    static data d;
    catena_communicator ranks;
    MPI_Init(&argc, &argv);
    if (catena_mpi_new(MPI_COMM_WORLD, 60, &ranks) != MPI_SUCCESS)
        return 1;
    make(&d);
    const int first = ranks.rank == 0;
    catena_density density = {.struct_size = sizeof density, .user = &d, .dimension = DIMENSION};
    density.log_density_gradient = evaluate;
    density.log_density_parts = parts;
    density.sample_prior = from_prior;
    catena_model *model = NULL;
    catena_options *options = NULL;
    catena_error *error = NULL;
    must(catena_model_new(&density, &model, &error), error);
    must(catena_options_new(&options, &error), error);
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        must(catena_options_set(options, settings[i][0], settings[i][1], &error), error);
    catena_io io = {.struct_size = sizeof io};
    if (argc > 1 && strcmp(argv[1], "mpi") == 0)
        io.communicator = &ranks;

    catena_writer *writers[CHAINS];
    double *draws = room(CHAINS, SAMPLES, SAMPLER_COLUMNS + DIMENSION, writers);
    io.sample_writers = writers;
    io.num_sample_writers = CHAINS;
    catena_result *result = NULL;
    double begun = now();
    must(catena_sample_nuts(model, options, &io, &result, &error), error);
    if (first)
        printf("chains %016llx %.3f\n", (unsigned long long)bits(draws, (size_t)CHAINS * SAMPLES * (SAMPLER_COLUMNS + DIMENSION)),
               now() - begun);
    catena_result_free(result);
    for (int i = 0; i < CHAINS; i++)
        catena_writer_free(writers[i]);
    free(draws);

    draws = room(1, PARTICLES, SET_COLUMNS + DIMENSION, writers);
    io.num_sample_writers = 1;
    catena_smc_result *set = NULL;
    /* The metric of particles is their covariance. */
    must(catena_options_set(options, "metric", "diag_e", &error), error);
    begun = now();
    must(catena_sample_smc(model, options, NULL, &io, &set, &error), error);
    if (first)
        printf("particles %016llx %.3f\n", (unsigned long long)bits(draws, (size_t)PARTICLES * (SET_COLUMNS + DIMENSION)),
               now() - begun);
    catena_smc_result_free(set);
    catena_writer_free(writers[0]);
    free(draws);

    catena_options_free(options);
    catena_model_free(model);
    catena_mpi_free(&ranks);
    MPI_Finalize();
    return 0;
}
