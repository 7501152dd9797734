/* Samples the five posteriors through the C ABI, 4 chains of 5000 draws each, and compares with the reference summaries:
   every mean within 4 combined Monte Carlo standard errors, every standard deviation within 5 %, every R-hat below 1.01. */
#include "data/posteriors.h"
#include "models.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHAINS = 4, DRAWS = 5000, SEED = 1 };

static const double mean_bound = 4.0;   /* sqrt(mcse_reference^2 + mcse_ours^2) */
static const double sd_bound = 0.05;    /* relative */
static const double rhat_bound = 1.01;  /* Vehtari et al. 2021 */

static int failures = 0;

static void must(catena_status status, catena_error *error)
{
    if (status == CATENA_OK)
        return;
    fprintf(stderr, "%s\n", error ? catena_error_message(error) : "failed without an error object");
    exit(EXIT_FAILURE);
}

/* Mean and standard deviation of column `column` over all chains. */
static void moments(const double *draws, size_t columns, size_t column, double *mean, double *sd)
{
    const size_t n = (size_t)CHAINS * DRAWS;
    double sum = 0.0, squares = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += draws[i * columns + column];
    *mean = sum / (double)n;
    for (size_t i = 0; i < n; i++)
        squares += (draws[i * columns + column] - *mean) * (draws[i * columns + column] - *mean);
    *sd = sqrt(squares / (double)(n - 1));
}

static void compare(const catena_model *model, const double *draws, size_t columns, const struct reference *reference)
{
    size_t column = 0;
    while (column < columns && strcmp(catena_sample_column(model, column), reference->name) != 0)
        column++;
    if (column == columns) {
        printf("  %-10s is not among the columns\n", reference->name);
        failures++;
        return;
    }
    catena_error *error = NULL;
    double mean, sd, mcse, rhat;
    const double *values = draws + column;
    moments(draws, columns, column, &mean, &sd);
    must(catena_diagnose_mcse_mean(values, CHAINS, DRAWS, DRAWS * columns, columns, &mcse, &error), error);
    must(catena_diagnose_rhat(values, CHAINS, DRAWS, DRAWS * columns, columns, &rhat, &error), error);

    const double difference = (mean - reference->mean) / hypot(mcse, reference->mcse_mean);
    const double ratio = sd / reference->sd;
    /* Written so that NaN fails. */
    const int good = fabs(difference) <= mean_bound && fabs(ratio - 1.0) <= sd_bound && rhat < rhat_bound;
    printf("  %-10s %11.6g %11.6g %+8.2f %9.3f %8.4f%s\n", reference->name, mean, reference->mean, difference, ratio, rhat,
           good ? "" : "   FAILED");
    failures += !good;
}

static void run(const char *name, catena_density density, const struct reference *reference, size_t parameters)
{
    catena_error *error = NULL;
    catena_model *model = NULL;
    catena_options *options = NULL;
    catena_result *result = NULL;
    catena_writer *writers[CHAINS];
    must(catena_model_new(&density, &model, &error), error);
    must(catena_options_new(&options, &error), error);
    must(catena_options_set_num_chains(options, CHAINS, &error), error);
    must(catena_options_set_num_samples(options, DRAWS, &error), error);
    must(catena_options_set_seed(options, SEED, &error), error);
    must(catena_options_set_refresh(options, 0, &error), error);

    const size_t columns = catena_sample_column_count(model), size = CHAINS * DRAWS * columns;
    double *draws = malloc(size * sizeof *draws);
    if (!draws)
        exit(EXIT_FAILURE);
    must(catena_writers_memory_new(draws, size, CHAINS, DRAWS, columns, CATENA_LAYOUT_ROWS, writers, &error), error);
    const catena_io io = {.struct_size = sizeof io, .sample_writers = writers, .num_sample_writers = CHAINS};
    must(catena_sample_nuts(model, options, &io, &result, &error), error);

    unsigned long long divergences = 0;
    for (size_t i = 0; i < CHAINS; i++)
        divergences += catena_result_divergences(result, i);
    printf("%s: %llu divergences\n  %-10s %11s %11s %8s %9s %8s\n", name, divergences, "parameter", "mean", "reference",
           "diff/se", "sd ratio", "R-hat");
    for (size_t i = 0; i < parameters; i++)
        compare(model, draws, columns, &reference[i]);

    for (size_t i = 0; i < CHAINS; i++)
        catena_writer_free(writers[i]);
    catena_result_free(result);
    catena_options_free(options);
    catena_model_free(model);
    free(draws);
}

#define RUN(name) run(#name, name##_density(), reference_##name, sizeof reference_##name / sizeof *reference_##name)

int main(void)
{
    RUN(eight_schools_noncentered);
    RUN(blr);
    RUN(kidscore_momhsiq);
    RUN(garch11);
    RUN(ark);
    if (failures)
        fprintf(stderr, "%d parameters are out of bounds\n", failures);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
