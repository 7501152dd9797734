/* What the models share: reading a positive parameter's initial value, and the half-Cauchy prior of a scale. */
#ifndef CATENA_TEST_SUPPORT_H
#define CATENA_TEST_SUPPORT_H

#include <catena.h>
#include <math.h>
#include <stdio.h>

/** Reads scalar `name`, which must lie strictly between `low` and `high`. Returns 1: read; 0: not given; -1: failed, with a message. */
static inline int init_between(catena_task *task, const catena_init *init, const char *name, double low, double high,
                               double *value)
{
    double v;
    const int given = catena_init_values(init, name, &v, 1);
    if (given <= 0)
        return given;
    if (!(v > low && v < high)) {
        char text[160];
        snprintf(text, sizeof text, "init '%s': expected a number between %g and %g, got %g", name, low, high, v);
        catena_task_message(task, text);
        return -1;
    }
    *value = v;
    return 1;
}

/** Sets `*log_value` to the logarithm of scalar `name`, which must be positive. Returns as init_between does. */
static inline int init_log(catena_task *task, const catena_init *init, const char *name, double *log_value)
{
    double v;
    const int given = init_between(task, init, name, 0.0, INFINITY, &v);
    if (given > 0)
        *log_value = log(v);
    return given;
}

/** Cauchy(0, scale) log density at sigma > 0 without constants; `*d_log` gets its derivative with respect to log sigma. */
static inline double half_cauchy(double sigma, double scale, double *d_log)
{
    const double square = (sigma / scale) * (sigma / scale);
    *d_log = -2.0 * square / (1.0 + square);
    return -log1p(square);
}

/** What an evaluation returns: 0, or 1 (reject this point) when the log density is not finite. */
static inline int accept_finite(double log_density)
{
    return isfinite(log_density) ? 0 : 1;
}

#endif
