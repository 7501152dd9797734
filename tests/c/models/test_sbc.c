/* Simulation-based calibration (Talts, Betancourt, Simpson, Vehtari and Gelman 2018) of eight schools, non-centred.

   Each replication draws parameters from the prior and data from the likelihood, samples the posterior and counts how many
   of its thinned draws lie below the true value. If model and sampler are right that rank is uniform on 0 .. DRAWS. The log
   density is ranked too: it depends on the data, and finds faults that parameters alone hide (Modrak et al. 2023). */
#include "../../../examples/eight_schools/model.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { J = EIGHT_SCHOOLS_J, DIMENSION = EIGHT_SCHOOLS_DIMENSION };
enum { REPLICATIONS = 2000, WARMUP = 500, DRAWS = 127, THIN = 8, SEED = 2018 };
enum { BINS = 16, RANKS_PER_BIN = (DRAWS + 1) / BINS };

enum { MU, LOG_TAU, THETA_TRANS_1, THETA_1, LOG_DENSITY, QUANTITIES };
static const char *const quantity_names[QUANTITIES] = {"mu", "log tau", "theta_trans[1]", "theta[1]", "log density"};

/* A sum over BINS - 1 = 15 degrees of freedom exceeds this with probability 0.0002: 0.001 shared by QUANTITIES = 5. */
static const double chi_square_bound = 42.33;

static const double pi = 3.14159265358979323846;

/* Splitmix64 (Steele, Lea and Flood 2014): the prior's random numbers must not be the sampler's. */
static uint64_t state = SEED;

static double uniform(void)   /* on (0, 1) */
{
    uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    return ((double)(z >> 11) + 0.5) / 9007199254740992.0;
}

static double normal(void)
{
    const double radius = sqrt(-2.0 * log(uniform()));
    return radius * cos(2.0 * pi * uniform());
}

static void must(catena_status status, catena_error *error)
{
    if (status == CATENA_OK)
        return;
    fprintf(stderr, "%s\n", error ? catena_error_message(error) : "failed without an error object");
    exit(EXIT_FAILURE);
}

/* The ranked quantities at a position on the unconstrained scale. */
static void quantities(const catena_model *model, const double *position, double *values)
{
    catena_error *error = NULL;
    double gradient[DIMENSION];
    values[MU] = position[J];
    values[LOG_TAU] = position[J + 1];
    values[THETA_TRANS_1] = position[0];
    values[THETA_1] = position[J] + exp(position[J + 1]) * position[0];
    must(catena_model_log_density(model, 1, position, &values[LOG_DENSITY], gradient, NULL, &error), error);
}

/* One replication: adds its ranks to `counts`, and returns its number of divergences. */
static uint64_t replicate(uint64_t replication, unsigned counts[QUANTITIES][BINS])
{
    struct eight_schools data = eight_schools_rubin;   /* its standard errors; y is simulated */
    double truth[DIMENSION];
    for (int j = 0; j < J; j++)
        truth[j] = normal();
    truth[J] = 5.0 * normal();
    truth[J + 1] = log(5.0 * tan(0.5 * pi * uniform()));
    for (int j = 0; j < J; j++)
        data.y[j] = truth[J] + exp(truth[J + 1]) * truth[j] + data.sigma[j] * normal();

    catena_error *error = NULL;
    catena_model *model = NULL;
    catena_options *options = NULL;
    catena_writer *writer = NULL;
    catena_result *result = NULL;
    const catena_density density = eight_schools_density(&data);
    must(catena_model_new(&density, &model, &error), error);
    must(catena_options_new(&options, &error), error);
    must(catena_options_set_num_chains(options, 1, &error), error);
    must(catena_options_set_num_threads(options, 1, &error), error);
    must(catena_options_set_num_warmup(options, WARMUP, &error), error);
    must(catena_options_set_num_samples(options, DRAWS * THIN, &error), error);
    must(catena_options_set_thin(options, THIN, &error), error);
    must(catena_options_set_delta(options, 0.95, &error), error);
    must(catena_options_set_seed(options, replication, &error), error);
    must(catena_options_set_refresh(options, 0, &error), error);

    double draws[DRAWS * 64];
    const size_t columns = catena_sample_column_count(model);
    if (columns > 64)
        abort();
    must(catena_writer_memory_new(draws, DRAWS * columns, DRAWS, columns, columns, 1, &writer, &error), error);
    const catena_io io = {.struct_size = sizeof io, .sample_writers = &writer, .num_sample_writers = 1};
    must(catena_sample_nuts(model, options, &io, &result, &error), error);

    /* The outputs are the last columns: theta_trans, mu, tau, then theta. */
    const size_t first = columns - EIGHT_SCHOOLS_OUTPUTS;
    double true_values[QUANTITIES], values[QUANTITIES];
    unsigned ranks[QUANTITIES] = {0};
    quantities(model, truth, true_values);
    for (int d = 0; d < DRAWS; d++) {
        double position[DIMENSION];
        for (int i = 0; i < DIMENSION; i++)
            position[i] = draws[(size_t)d * columns + first + (size_t)i];
        position[J + 1] = log(position[J + 1]);
        quantities(model, position, values);
        for (int q = 0; q < QUANTITIES; q++)
            ranks[q] += values[q] < true_values[q];
    }
    for (int q = 0; q < QUANTITIES; q++)
        counts[q][ranks[q] / RANKS_PER_BIN]++;

    const uint64_t divergences = catena_result_divergences(result, 0);
    catena_result_free(result);
    catena_writer_free(writer);
    catena_options_free(options);
    catena_model_free(model);
    return divergences;
}

int main(void)
{
    unsigned counts[QUANTITIES][BINS] = {{0}};
    uint64_t divergences = 0;
    for (uint64_t r = 0; r < REPLICATIONS; r++)
        divergences += replicate(r, counts);

    const double expected = (double)REPLICATIONS / BINS;
    int failures = 0;
    printf("%d replications, %d ranks in %d bins, chi-square bound %.1f, %llu divergences in all\n", REPLICATIONS, DRAWS + 1,
           BINS, chi_square_bound, (unsigned long long)divergences);
    for (int q = 0; q < QUANTITIES; q++) {
        double chi_square = 0.0;
        printf("%-15s", quantity_names[q]);
        for (int b = 0; b < BINS; b++) {
            chi_square += (counts[q][b] - expected) * (counts[q][b] - expected) / expected;
            printf("%4u", counts[q][b]);
        }
        const int good = chi_square <= chi_square_bound;
        printf("  chi-square %.1f%s\n", chi_square, good ? "" : "  FAILED");
        failures += !good;
    }
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
