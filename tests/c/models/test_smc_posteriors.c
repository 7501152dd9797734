/* The five posteriors by catena_sample_smc, from a reference fitted to a short run: 16 independent sets of particles by HMC
   and by NUTS. Every mean within 4 combined standard errors (ours across the sets, the reference's own), every standard
   deviation within 8 %. */
#include "data/posteriors.h"
#include "models.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SETS = 16, PARTICLES = 1000 };

static const double mean_bound = 4.0; /* sqrt(mcse_reference^2 + ours^2) */
static const double sd_bound = 0.08;  /* relative */

static int failures = 0;

static void must(catena_status status, catena_error *error)
{
    if (status == CATENA_OK)
        return;
    fprintf(stderr, "%s\n", error ? catena_error_message(error) : "failed without an error object");
    exit(EXIT_FAILURE);
}

static void set(catena_options *options, const char *name, const char *value)
{
    catena_error *error = NULL;
    must(catena_options_set(options, name, value, &error), error);
}

/* The weighted mean of a column, centred and squared where `centre` says so, with its error across the sets. */
static double weighted(const double *draws, size_t columns, size_t column, const double *centre, double *error)
{
    double top[SETS], bottom[SETS], tops = 0.0, bottoms = 0.0, squares = 0.0, largest = -INFINITY, mean;
    for (size_t i = 0; i < (size_t)SETS * PARTICLES; i++)
        largest = fmax(largest, draws[i * columns + 1]);
    for (size_t s = 0; s < SETS; s++) {
        top[s] = bottom[s] = 0.0;
        for (size_t i = s * PARTICLES; i < (s + 1) * PARTICLES; i++) {
            const double x = draws[i * columns + column], w = exp(draws[i * columns + 1] - largest);
            top[s] += w * (centre ? (x - *centre) * (x - *centre) : x);
            bottom[s] += w;
        }
        tops += top[s];
        bottoms += bottom[s];
    }
    mean = tops / bottoms;
    for (size_t s = 0; s < SETS; s++)
        squares += (top[s] - mean * bottom[s]) * (top[s] - mean * bottom[s]);
    *error = sqrt(squares * SETS / (SETS - 1)) / bottoms;
    return mean;
}

static void compare(const catena_model *model, const double *draws, size_t columns, const struct reference *reference)
{
    size_t column = 0;
    double mean, error, ratio, ignored, difference;
    int good;
    while (column < columns && strcmp(catena_smc_column(model, column), reference->name) != 0)
        column++;
    if (column == columns) {
        printf("  %-10s is not among the columns\n", reference->name);
        failures++;
        return;
    }
    mean = weighted(draws, columns, column, NULL, &error);
    ratio = sqrt(weighted(draws, columns, column, &mean, &ignored)) / reference->sd;
    difference = (mean - reference->mean) / hypot(error, reference->mcse_mean);
    /* Written so that NaN fails. */
    good = fabs(difference) <= mean_bound && fabs(ratio - 1.0) <= sd_bound;
    printf("  %-10s %11.6g %11.6g %+8.2f %9.3f%s\n", reference->name, mean, reference->mean, difference, ratio,
           good ? "" : "   FAILED");
    failures += !good;
}

static void run(const char *name, const char *kernel, catena_density density, const struct reference *reference,
                size_t parameters)
{
    catena_error *error = NULL;
    catena_model *model = NULL;
    catena_options *options = NULL;
    catena_smc_result *result = NULL;
    catena_writer *writers[SETS];
    char text[32];
    must(catena_model_new(&density, &model, &error), error);
    must(catena_options_new(&options, &error), error);
    snprintf(text, sizeof text, "%d", SETS);
    set(options, "num_sets", text);
    snprintf(text, sizeof text, "%d", PARTICLES);
    set(options, "num_particles", text);
    set(options, "kernel", kernel);
    set(options, "seed", "1");
    set(options, "refresh", "0");

    const size_t columns = catena_smc_column_count(model), size = SETS * PARTICLES * columns;
    double *draws = malloc(size * sizeof *draws);
    if (!draws)
        exit(EXIT_FAILURE);
    must(catena_writers_memory_new(draws, size, SETS, PARTICLES, columns, CATENA_LAYOUT_ROWS, writers, &error), error);
    const catena_io io = {.struct_size = sizeof io, .sample_writers = writers, .num_sample_writers = SETS};
    must(catena_sample_smc(model, options, NULL, &io, &result, &error), error);

    printf("%s, %s: log evidence %.3f +- %.3f, %zu stages\n  %-10s %11s %11s %8s %9s\n", name, kernel,
           catena_smc_result_log_evidence(result), catena_smc_result_standard_error(result),
           catena_smc_result_num_stages(result, 0), "parameter", "mean", "reference", "diff/se", "sd ratio");
    for (size_t i = 0; i < parameters; i++)
        compare(model, draws, columns, &reference[i]);

    for (size_t i = 0; i < SETS; i++)
        catena_writer_free(writers[i]);
    catena_smc_result_free(result);
    catena_options_free(options);
    catena_model_free(model);
    free(draws);
}

#define RUN(name)                                                                                                   \
    do {                                                                                                            \
        run(#name, "hmc", name##_density(), reference_##name, sizeof reference_##name / sizeof *reference_##name);  \
        run(#name, "nuts", name##_density(), reference_##name, sizeof reference_##name / sizeof *reference_##name); \
    } while (0)

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
