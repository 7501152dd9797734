/* Bayesian linear regression without intercept on simulated data:

       beta ~ normal(0, 10)      sigma ~ normal(0, 10) on sigma > 0      y ~ normal(X beta, sigma)

   Position: beta[5], log sigma. */
#include "data/sblri.h"
#include "models.h"
#include "support.h"

enum { D = SBLRI_COLUMNS, LOG_SIGMA = D, DIMENSION = D + 1 };

static const double prior_scale = 10.0;

static int log_density_gradient(void *user, void *worker, catena_task *task, const double *position, double *log_density,
                                double *gradient)
{
    (void)user, (void)worker, (void)task;
    const double sigma = exp(position[LOG_SIGMA]), precision = 1.0 / (sigma * sigma);
    const double prior_precision = 1.0 / (prior_scale * prior_scale);

    double squares = 0.0, beta_squares = 0.0, slope[D] = {0};
    for (int i = 0; i < SBLRI_ROWS; i++) {
        double residual = sblri_y[i];
        for (int k = 0; k < D; k++)
            residual -= sblri_x[i][k] * position[k];
        squares += residual * residual;
        for (int k = 0; k < D; k++)
            slope[k] += sblri_x[i][k] * residual;
    }
    for (int k = 0; k < D; k++) {
        beta_squares += position[k] * position[k];
        gradient[k] = precision * slope[k] - prior_precision * position[k];
    }
    /* -N log sigma of the likelihood and + log sigma of the Jacobian. */
    gradient[LOG_SIGMA] = precision * squares - prior_precision * sigma * sigma - SBLRI_ROWS + 1;
    *log_density = -0.5 * (precision * squares + prior_precision * (beta_squares + sigma * sigma))
                 - (SBLRI_ROWS - 1) * position[LOG_SIGMA];
    return accept_finite(*log_density);
}

static int constrain(void *user, void *worker, catena_task *task, const double *position, double *outputs)
{
    (void)user, (void)worker, (void)task;
    for (int k = 0; k < D; k++)
        outputs[k] = position[k];
    outputs[LOG_SIGMA] = exp(position[LOG_SIGMA]);
    return 0;
}

static int initialize(void *user, void *worker, catena_task *task, const catena_init *init, double *position)
{
    (void)user, (void)worker;
    if (catena_init_values(init, "beta", position, D) < 0 || init_log(task, init, "sigma", &position[LOG_SIGMA]) < 0)
        return -1;
    return 0;
}

static const char *const names[DIMENSION] = {"beta.1", "beta.2", "beta.3", "beta.4", "beta.5", "sigma"};

catena_density blr_density(void)
{
    return (catena_density){
        .struct_size = sizeof(catena_density),
        .dimension = DIMENSION,
        .log_density_gradient = log_density_gradient,
        .names = names,
        .output_count = DIMENSION,
        .output_names = names,
        .constrain = constrain,
        .initialize = initialize,
    };
}
