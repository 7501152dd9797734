/* Checks each model of models.h before any sampling: log density and outputs against an independent computation
   (tests/data/log_densities.py), the gradient against finite differences, initialize as the inverse of constrain,
   and refusals of initial values outside the support. */
#include "data/log_densities.h"
#include "models.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DIMENSION = 16, MAX_OUTPUTS = 32, TEXT = 4096 };

static int failures = 0;

static void expect_close(const char *model, const char *what, size_t point, size_t i, double got, double expected, double bound)
{
    if (fabs(got - expected) <= bound)   /* false for NaN */
        return;
    fprintf(stderr, "%s, point %zu, %s %zu: expected %.17g +- %.1e, got %.17g\n", model, point, what, i, expected, bound, got);
    failures++;
}

static void give_up(catena_error *error)
{
    fprintf(stderr, "%s\n", catena_error_message(error));
    exit(EXIT_FAILURE);
}

static double log_density(const catena_model *model, const double *position, double *gradient)
{
    double value = 0.0;
    catena_error *error = NULL;
    if (catena_model_log_density(model, 1, position, &value, gradient, NULL, &error) != CATENA_OK)
        give_up(error);
    return value;
}

/* Fourth-order central difference; its truncation error is of order h^4, its rounding error of order epsilon / h. */
static const double step = 1e-3;

static double difference(const catena_model *model, const double *position, size_t dimension, size_t i)
{
    double x[MAX_DIMENSION], value[2][2], gradient[MAX_DIMENSION];
    memcpy(x, position, dimension * sizeof *x);
    for (int far = 0; far < 2; far++) {
        for (int side = 0; side < 2; side++) {
            x[i] = position[i] + (side ? 1.0 : -1.0) * (1 + far) * step;
            value[far][side] = log_density(model, x, gradient);
        }
    }
    return (8.0 * (value[0][1] - value[0][0]) - (value[1][1] - value[1][0])) / (12.0 * step);
}

/* Writes outputs as the JSON an init file holds: elements name.1, name.2, ... gathered into arrays. */
static void write_json(const catena_density *density, const double *outputs, char *text)
{
    size_t n = 0;
    text[n++] = '{';
    for (size_t i = 0; i < density->output_count; i++) {
        const char *name = density->output_names[i], *dot = strchr(name, '.');
        const size_t length = dot ? (size_t)(dot - name) : strlen(name);
        const int first = !dot || strcmp(dot, ".1") == 0;
        const int last = !dot || i + 1 == density->output_count || strncmp(density->output_names[i + 1], name, length + 1) != 0;
        if (first)
            n += (size_t)snprintf(text + n, TEXT - n, "%s\"%.*s\": %s", n > 1 ? ", " : "", (int)length, name, dot ? "[" : "");
        n += (size_t)snprintf(text + n, TEXT - n, "%s%.17g%s", first ? "" : ", ", outputs[i], dot && last ? "]" : "");
    }
    snprintf(text + n, TEXT - n, "}");
}

/* Starts one chain of `density` at the values in `text` with no warm-up and one draw. */
static catena_status start(const catena_model *model, const char *text, double *position, catena_error **error)
{
    const size_t dimension = catena_model_dimension(model);
    catena_options *options = NULL;
    catena_init *init = NULL;
    catena_writer *writer = NULL;
    catena_result *result = NULL;
    catena_error *setup = NULL;
    if (catena_options_new(&options, &setup) != CATENA_OK
        || catena_options_set_num_chains(options, 1, &setup) != CATENA_OK
        || catena_options_set_num_warmup(options, 0, &setup) != CATENA_OK
        || catena_options_set_num_samples(options, 1, &setup) != CATENA_OK
        || catena_options_set_stepsize(options, 1e-9, &setup) != CATENA_OK
        || catena_options_set_max_depth(options, 1, &setup) != CATENA_OK
        || catena_init_json_new(text, strlen(text), &init, &setup) != CATENA_OK
        || catena_writer_memory_new(position, dimension, 1, dimension, dimension, 1, &writer, &setup) != CATENA_OK)
        give_up(setup);
    const catena_init *inits[] = {init};
    catena_writer *writers[] = {writer};
    const catena_io io = {
        .struct_size = sizeof io, .inits = inits, .num_inits = 1, .init_writers = writers, .num_init_writers = 1};
    const catena_status status = catena_sample_nuts(model, options, &io, &result, error);
    catena_result_free(result);
    catena_writer_free(writer);
    catena_init_free(init);
    catena_options_free(options);
    return status;
}

static void expect_refused(const char *name, const catena_model *model, const char *text, const char *word)
{
    double position[MAX_DIMENSION];
    catena_error *error = NULL;
    if (start(model, text, position, &error) == CATENA_OK) {
        fprintf(stderr, "%s: %s was accepted\n", name, text);
        failures++;
    } else if (!strstr(catena_error_message(error), word)) {
        fprintf(stderr, "%s: the refusal of %s does not say '%s': %s\n", name, text, word, catena_error_message(error));
        failures++;
    }
    catena_error_free(error);
}

static void check(const char *name, catena_density density, size_t points, const double *positions,
                  const double *log_densities, const double *outputs)
{
    catena_model *model = NULL;
    catena_error *error = NULL;
    if (catena_model_new(&density, &model, &error) != CATENA_OK)
        give_up(error);

    const size_t dimension = density.dimension, width = density.output_count;
    double gradient[MAX_DIMENSION], first = 0.0, worst = 0.0;
    for (size_t p = 0; p < points; p++) {
        const double *x = positions + p * dimension;
        const double value = log_density(model, x, gradient);
        const double rounding = 1e-12 * (fabs(log_densities[p]) + fabs(log_densities[0]));
        if (p == 0)
            first = value;   /* the C models drop constants, so differences between points are compared */
        expect_close(name, "log density", p, 0, value - first, log_densities[p] - log_densities[0], rounding);

        for (size_t i = 0; i < dimension; i++) {
            const double numeric = difference(model, x, dimension, i);
            const double bound = 1e-7 * (1.0 + fabs(gradient[i])) + 50.0 * DBL_EPSILON * fabs(value) / step;
            expect_close(name, "gradient", p, i, gradient[i], numeric, bound);
            worst = fmax(worst, fabs(gradient[i] - numeric) / bound);
        }

        double got[MAX_OUTPUTS], back[MAX_DIMENSION];
        if (density.constrain(density.user, NULL, NULL, x, got) != 0) {
            fprintf(stderr, "%s: constrain failed\n", name);
            failures++;
            continue;
        }
        for (size_t i = 0; i < width; i++)
            expect_close(name, "output", p, i, got[i], outputs[p * width + i], 1e-13 * (1.0 + fabs(got[i])));

        char text[TEXT];
        write_json(&density, got, text);
        if (start(model, text, back, &error) != CATENA_OK)
            give_up(error);
        for (size_t i = 0; i < dimension; i++)
            expect_close(name, "initial value", p, i, back[i], x[i], 1e-13 * (1.0 + fabs(x[i])));
    }
    printf("%-28s %zu points, gradient within %.0e of its bound\n", name, points, worst);

    if (strcmp(name, "garch11") == 0) {
        expect_refused(name, model, "{\"alpha1\": 1.5}", "alpha1");
        expect_refused(name, model, "{\"alpha1\": 0.5, \"beta1\": 0.6}", "beta1");
        expect_refused(name, model, "{\"beta1\": 0.6}", "alpha1");
    } else if (strcmp(name, "eight_schools_noncentered") == 0) {
        expect_refused(name, model, "{\"tau\": -1}", "tau");
        expect_refused(name, model, "{\"theta_trans\": [1, 2]}", "theta_trans");
    } else {
        expect_refused(name, model, "{\"sigma\": 0}", "sigma");
        expect_refused(name, model, "{\"beta\": [1, 2]}", "beta");
    }
    catena_model_free(model);
}

#define CHECK(name) \
    check(#name, name##_density(), sizeof name##_log_densities / sizeof(double), name##_positions[0], \
          name##_log_densities, name##_outputs[0])

int main(void)
{
    CHECK(eight_schools_noncentered);
    CHECK(blr);
    CHECK(kidscore_momhsiq);
    CHECK(garch11);
    CHECK(ark);
    if (failures)
        fprintf(stderr, "%d checks failed\n", failures);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
