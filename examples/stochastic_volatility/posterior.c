#include "model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIMENSION = 3, FILTER_PARTICLES = 400, SETS = 4, PARTICLES = 128 };

/* Where parameters are wanted on the whole line: mu, atanh(phi), log(sigma), each with a normal prior. */
static const double prior_mean[DIMENSION] = {-1, 2, -2}, prior_sd[DIMENSION] = {1, 0.5, 0.7};

static void parameters(const double *x, double *out)
{
    out[0] = x[0];
    out[1] = tanh(x[1]);
    out[2] = exp(x[2]);
}

/* The likelihood is an estimate by a filter with random numbers of its own. It is unbiased, and a particle keeps the one it has
 * until it moves, so that the posterior and the evidence are right all the same (Andrieu, Doucet and Holenstein 2010). */
static int parts(void *user, void *worker, catena_task *task, const double *x, double *log_prior, double *log_likelihood,
                 double *prior_gradient, double *likelihood_gradient)
{
    const double half_log_2_pi = 0.91893853320467274;
    catena_error *error = NULL;
    catena_filter *filter = NULL;
    catena_filter_options options;
    double values[DIMENSION];
    stochastic_volatility model = {.data = user};
    (void)prior_gradient, (void)likelihood_gradient; /* a random walk wants none */
    *log_prior = 0;
    for (int i = 0; i < DIMENSION; i++) {
        const double z = (x[i] - prior_mean[i]) / prior_sd[i];
        *log_prior -= 0.5 * z * z + log(prior_sd[i]) + half_log_2_pi;
    }
    parameters(x, values);
    model.mu = values[0];
    model.phi = values[1];
    model.sigma = values[2];
    if (!(fabs(model.phi) < 1 && model.sigma > 0 && isfinite(model.sigma)))
        return 1;
    const catena_state_space space = stochastic_volatility_space(&model);
    catena_status status = catena_filter_options_init(&options, sizeof options, &error);
    if (status == CATENA_OK) {
        options.num_particles = FILTER_PARTICLES;
        options.num_times = model.data->count;
        options.seed = catena_task_bits(task);
        options.pool = worker;
        options.moments = 0;
        status = catena_filter_run(&space, &options, NULL, NULL, &filter, &error);
    }
    *log_likelihood = filter ? catena_filter_log_evidence(filter) : NAN;
    if (!filter)
        catena_task_message(task, catena_error_message(error));
    catena_filter_free(filter);
    catena_error_free(error);
    return filter ? 0 : -1;
}

static int gradient(void *user, void *worker, catena_task *task, const double *x, double *log_density, double *g)
{
    (void)user, (void)worker, (void)x, (void)log_density, (void)g;
    catena_task_message(task, "an estimated likelihood has no gradient");
    return -1;
}

static int prior(void *user, void *worker, catena_task *task, double *x)
{
    (void)user, (void)worker;
    for (int i = 0; i < DIMENSION; i++)
        x[i] = prior_mean[i] + prior_sd[i] * catena_task_normal(task);
    return 0;
}

static int constrain(void *user, void *worker, catena_task *task, const double *x, double *outputs)
{
    (void)user, (void)worker, (void)task;
    parameters(x, outputs);
    return 0;
}

/* Each worker filters on a thread of its own. */
static int worker_new(void *user, void **worker)
{
    catena_pool *pool = NULL;
    (void)user;
    if (catena_pool_new(1, &pool, NULL) != CATENA_OK)
        return -1;
    *worker = pool;
    return 0;
}

static void worker_free(void *user, void *worker)
{
    (void)user;
    catena_pool_free(worker);
}

/* Mean of a column over all sets, weighted, and its error across them. */
static void tell(const char *name, const double *draws, size_t columns, size_t column, double log_evidence)
{
    double top[SETS] = {0}, bottom[SETS] = {0}, tops = 0, bottoms = 0, squares = 0;
    for (size_t i = 0; i < (size_t)SETS * PARTICLES; i++) {
        const double weight = exp(draws[i * columns + 1] - log_evidence);
        top[i / PARTICLES] += weight * draws[i * columns + column];
        bottom[i / PARTICLES] += weight;
    }
    for (int s = 0; s < SETS; s++)
        tops += top[s], bottoms += bottom[s];
    for (int s = 0; s < SETS; s++)
        squares += pow(top[s] - tops / bottoms * bottom[s], 2);
    printf("%6s: mean %7.3f, standard error %.3f\n", name, tops / bottoms, sqrt(squares * SETS / (SETS - 1)) / bottoms);
}

int posterior_sample(const returns *data, catena_error **error)
{
    static const char *const names[DIMENSION] = {"mu", "phi", "sigma"};
    static const char *const settings[][2] = {{"num_sets", "4"}, {"num_particles", "128"}, {"num_moves", "3"},
                                              {"kernel", "random_walk"}, {"seed", "1999"}};
    catena_density table = {.struct_size = sizeof table, .dimension = DIMENSION, .log_density_gradient = gradient};
    catena_model *model = NULL;
    catena_options *options = NULL;
    catena_smc_result *result = NULL;
    catena_writer *writers[SETS] = {NULL};
    catena_io io = {.struct_size = sizeof io, .sample_writers = writers, .num_sample_writers = SETS};
    double *draws = NULL;
    table.user = (void *)data;
    table.log_density_parts = parts;
    table.sample_prior = prior;
    table.constrain = constrain;
    table.output_count = DIMENSION;
    table.output_names = names;
    table.worker_new = worker_new;
    table.worker_free = worker_free;

    catena_status status = catena_model_new(&table, &model, error);
    if (status == CATENA_OK)
        status = catena_options_new(&options, error);
    for (size_t i = 0; status == CATENA_OK && i < sizeof settings / sizeof *settings; i++)
        status = catena_options_set(options, settings[i][0], settings[i][1], error);
    const size_t columns = catena_smc_column_count(model), size = SETS * PARTICLES * columns;
    if (status == CATENA_OK && !(draws = malloc(size * sizeof *draws)))
        status = CATENA_INTERNAL;
    if (status == CATENA_OK)
        status = catena_writers_memory_new(draws, size, SETS, PARTICLES, columns, CATENA_LAYOUT_ROWS, writers, error);
    if (status == CATENA_OK)
        status = catena_sample_smc(model, options, NULL, &io, &result, error);
    if (status == CATENA_OK) {
        printf("posterior of the parameters, %d sets of %d particles, each likelihood by a filter of %d\n", SETS, PARTICLES,
               FILTER_PARTICLES);
        for (size_t j = 0; j < DIMENSION; j++)
            tell(names[j], draws, columns, columns - DIMENSION + j, catena_smc_result_log_evidence(result));
        printf("log evidence: estimate %.3f, standard error %.3f\n", catena_smc_result_log_evidence(result),
               catena_smc_result_standard_error(result));
    }
    for (size_t s = 0; s < SETS; s++)
        catena_writer_free(writers[s]);
    free(draws);
    catena_smc_result_free(result);
    catena_options_free(options);
    catena_model_free(model);
    return status == CATENA_OK ? 0 : -1;
}
