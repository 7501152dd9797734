/* An autoregressive model of order K = 5:

       alpha, beta ~ normal(0, 10)      sigma ~ Cauchy(0, 2.5) on sigma > 0
       y[t] ~ normal(alpha + sum_k beta[k] y[t - k], sigma) for t > K

   Position: alpha, beta[5], log sigma. */
#include "data/ar.h"
#include "models.h"
#include "support.h"

enum { K = AR_ORDER, TERMS = AR_LENGTH - K, ALPHA = 0, BETA = 1, LOG_SIGMA = BETA + K, DIMENSION = LOG_SIGMA + 1 };

static const double coefficient_scale = 10.0;
static const double sigma_scale = 2.5;

static int log_density_gradient(void *user, void *worker, catena_task *task, const double *position, double *log_density,
                                double *gradient)
{
    (void)user, (void)worker, (void)task;
    const double sigma = exp(position[LOG_SIGMA]), precision = 1.0 / (sigma * sigma);
    const double prior_precision = 1.0 / (coefficient_scale * coefficient_scale);

    double squares = 0.0, coefficient_squares = 0.0, slope[1 + K] = {0};
    for (int t = K; t < AR_LENGTH; t++) {
        double residual = ar_y[t] - position[ALPHA];
        for (int k = 0; k < K; k++)
            residual -= position[BETA + k] * ar_y[t - 1 - k];
        squares += residual * residual;
        slope[ALPHA] += residual;
        for (int k = 0; k < K; k++)
            slope[BETA + k] += residual * ar_y[t - 1 - k];
    }
    for (int i = 0; i < LOG_SIGMA; i++) {
        coefficient_squares += position[i] * position[i];
        gradient[i] = precision * slope[i] - prior_precision * position[i];
    }
    double d_prior;
    const double prior = half_cauchy(sigma, sigma_scale, &d_prior);
    /* -TERMS log sigma of the likelihood and + log sigma of the Jacobian. */
    gradient[LOG_SIGMA] = precision * squares + d_prior - TERMS + 1;
    *log_density = -0.5 * (precision * squares + prior_precision * coefficient_squares) + prior
                 - (TERMS - 1) * position[LOG_SIGMA];
    return accept_finite(*log_density);
}

static int constrain(void *user, void *worker, catena_task *task, const double *position, double *outputs)
{
    (void)user, (void)worker, (void)task;
    for (int i = 0; i < LOG_SIGMA; i++)
        outputs[i] = position[i];
    outputs[LOG_SIGMA] = exp(position[LOG_SIGMA]);
    return 0;
}

static int initialize(void *user, void *worker, catena_task *task, const catena_init *init, double *position)
{
    (void)user, (void)worker;
    if (catena_init_values(init, "alpha", &position[ALPHA], 1) < 0
        || catena_init_values(init, "beta", &position[BETA], K) < 0
        || init_log(task, init, "sigma", &position[LOG_SIGMA]) < 0)
        return -1;
    return 0;
}

static const char *const names[DIMENSION] = {"alpha", "beta.1", "beta.2", "beta.3", "beta.4", "beta.5", "sigma"};

catena_density ark_density(void)
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
