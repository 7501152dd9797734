#include "model.h"

#include <math.h>
#include <stdio.h>

enum { J = EIGHT_SCHOOLS_J, MU = J, LOG_TAU = J + 1 };   /* places in a position */
enum { TAU = J + 1, THETA = J + 2 };                     /* places in the outputs; theta_trans and mu stay where they are */

static const double mu_scale = 5.0;
static const double tau_scale = 5.0;

const struct eight_schools eight_schools_rubin = {
    .y = {28, 8, -3, 7, -1, 1, 18, 12},
    .sigma = {15, 10, 16, 11, 9, 11, 10, 18},
};

/* The sampler moves on the unconstrained scale, where tau > 0 becomes log tau. The density there is that of the parameters
   times the Jacobian d tau / d log tau = tau, so log tau is added. Constants may be left out. */
static int log_density_gradient(void *user, void *worker, catena_task *task, const double *position, double *log_density,
                                double *gradient)
{
    const struct eight_schools *data = user;
    const double *theta_trans = position;
    const double mu = position[MU], log_tau = position[LOG_TAU], tau = exp(log_tau);
    const double mu_std = mu / mu_scale, tau_std = tau / tau_scale;
    (void)worker;

    double sum = -0.5 * mu_std * mu_std - log1p(tau_std * tau_std) + log_tau;
    double d_mu = -mu_std / mu_scale;
    double d_log_tau = 1.0 - 2.0 * tau_std * tau_std / (1.0 + tau_std * tau_std);
    for (int j = 0; j < J; j++) {
        const double residual = (data->y[j] - mu - tau * theta_trans[j]) / data->sigma[j];
        const double d_theta = residual / data->sigma[j];
        sum -= 0.5 * (theta_trans[j] * theta_trans[j] + residual * residual);
        gradient[j] = tau * d_theta - theta_trans[j];
        d_mu += d_theta;
        d_log_tau += tau * theta_trans[j] * d_theta;
    }
    gradient[MU] = d_mu;
    gradient[LOG_TAU] = d_log_tau;
    *log_density = sum;
    if (!isfinite(sum)) {
        catena_task_message(task, "tau overflows");
        return 1;   /* > 0: this point is rejected and the chain goes on; < 0 would end it */
    }
    return 0;
}

/* From a position to what the user wants to see. */
static int constrain(void *user, void *worker, catena_task *task, const double *position, double *outputs)
{
    const double mu = position[MU], tau = exp(position[LOG_TAU]);
    (void)user, (void)worker, (void)task;
    for (int j = 0; j < J; j++) {
        outputs[j] = position[j];
        outputs[THETA + j] = mu + tau * position[j];
    }
    outputs[MU] = mu;
    outputs[TAU] = tau;
    return 0;
}

/* From the user's initial values, on the scale of the outputs, to a position. What is not given stays NaN and is drawn. */
static int initialize(void *user, void *worker, catena_task *task, const catena_init *init, double *position)
{
    (void)user, (void)worker;
    if (catena_init_values(init, "theta_trans", position, J) < 0 || catena_init_values(init, "mu", &position[MU], 1) < 0)
        return -1;
    double tau;
    const int given = catena_init_values(init, "tau", &tau, 1);
    if (given < 0)
        return -1;
    if (given > 0) {
        if (!(tau > 0)) {
            char text[80];
            snprintf(text, sizeof text, "init 'tau': expected a positive number, got %g", tau);
            catena_task_message(task, text);
            return -1;
        }
        position[LOG_TAU] = log(tau);
    }
    return 0;
}

#define EIGHT(name) name ".1", name ".2", name ".3", name ".4", name ".5", name ".6", name ".7", name ".8"
static const char *const names[EIGHT_SCHOOLS_DIMENSION] = {EIGHT("theta_trans"), "mu", "tau"};
static const char *const output_names[EIGHT_SCHOOLS_OUTPUTS] = {EIGHT("theta_trans"), "mu", "tau", EIGHT("theta")};

catena_density eight_schools_density(const struct eight_schools *data)
{
    return (catena_density){
        .struct_size = sizeof(catena_density),   /* entries that are not named here are NULL: "not provided" */
        .user = (void *)data,
        .dimension = EIGHT_SCHOOLS_DIMENSION,
        .log_density_gradient = log_density_gradient,
        .names = names,
        .output_count = EIGHT_SCHOOLS_OUTPUTS,
        .output_names = output_names,
        .constrain = constrain,
        .initialize = initialize,
    };
}
