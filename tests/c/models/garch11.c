/* Generalised autoregressive conditional heteroscedasticity, GARCH(1, 1) (Bollerslev 1986), with flat priors:

       alpha0 > 0      0 < alpha1 < 1      0 < beta1 < 1 - alpha1
       s[1] = sigma1      s[t]^2 = alpha0 + alpha1 (y[t-1] - mu)^2 + beta1 s[t-1]^2      y[t] ~ normal(mu, s[t])

   Position: mu, u0 = log alpha0, u1 = logit alpha1, u2 = logit (beta1 / (1 - alpha1)). */
#include "data/garch.h"
#include "models.h"
#include "support.h"

enum { MU, ALPHA0, ALPHA1, BETA1, DIMENSION };

/* log of 1 / (1 + exp(-u)), without overflow or loss far out on either side. */
static double log_inv_logit(double u)
{
    return u < 0.0 ? u - log1p(exp(u)) : -log1p(exp(-u));
}

static int log_density_gradient(void *user, void *worker, catena_task *task, const double *position, double *log_density,
                                double *gradient)
{
    (void)user, (void)worker, (void)task;
    const double mu = position[MU], alpha0 = exp(position[ALPHA0]);
    const double log_alpha1 = log_inv_logit(position[ALPHA1]), log_rest = log_inv_logit(-position[ALPHA1]);
    const double log_share = log_inv_logit(position[BETA1]), log_unshare = log_inv_logit(-position[BETA1]);
    const double alpha1 = exp(log_alpha1), rest = exp(log_rest);     /* rest = 1 - alpha1 */
    const double share = exp(log_share), unshare = exp(log_unshare); /* share = beta1 / rest */
    const double beta1 = rest * share;

    /* Derivatives of the variance s[t]^2 with respect to mu, alpha0, alpha1, beta1 run along with it. */
    double variance = garch_sigma1 * garch_sigma1, d_variance[DIMENSION] = {0};
    double sum = 0.0, d_sum[DIMENSION] = {0};
    for (int t = 0; t < GARCH_LENGTH; t++) {
        const double residual = garch_y[t] - mu, square = residual * residual;
        sum -= 0.5 * (log(variance) + square / variance);
        const double slope = 0.5 * (square / variance - 1.0) / variance; /* d sum / d variance */
        for (int i = 0; i < DIMENSION; i++)
            d_sum[i] += slope * d_variance[i];
        d_sum[MU] += residual / variance;

        for (int i = 0; i < DIMENSION; i++)
            d_variance[i] *= beta1;
        d_variance[MU] -= 2.0 * alpha1 * residual;
        d_variance[ALPHA0] += 1.0;
        d_variance[ALPHA1] += square;
        d_variance[BETA1] += variance;
        variance = alpha0 + alpha1 * square + beta1 * variance;
    }

    /* Jacobian: d alpha0 / d u0 = alpha0, d alpha1 / d u1 = alpha1 rest, d beta1 / d u2 = rest share unshare. */
    *log_density = sum + position[ALPHA0] + log_alpha1 + 2.0 * log_rest + log_share + log_unshare;
    gradient[MU] = d_sum[MU];
    gradient[ALPHA0] = d_sum[ALPHA0] * alpha0 + 1.0;
    gradient[ALPHA1] = (d_sum[ALPHA1] - d_sum[BETA1] * share) * alpha1 * rest + rest - 2.0 * alpha1;
    gradient[BETA1] = d_sum[BETA1] * rest * share * unshare + unshare - share;
    return accept_finite(*log_density);
}

static int constrain(void *user, void *worker, catena_task *task, const double *position, double *outputs)
{
    (void)user, (void)worker, (void)task;
    outputs[MU] = position[MU];
    outputs[ALPHA0] = exp(position[ALPHA0]);
    outputs[ALPHA1] = exp(log_inv_logit(position[ALPHA1]));
    outputs[BETA1] = exp(log_inv_logit(-position[ALPHA1]) + log_inv_logit(position[BETA1]));
    return 0;
}

static int initialize(void *user, void *worker, catena_task *task, const catena_init *init, double *position)
{
    (void)user, (void)worker;
    double alpha1, beta1;
    if (catena_init_values(init, "mu", &position[MU], 1) < 0 || init_log(task, init, "alpha0", &position[ALPHA0]) < 0)
        return -1;
    const int alpha1_given = init_between(task, init, "alpha1", 0.0, 1.0, &alpha1);
    if (alpha1_given < 0)
        return -1;
    if (alpha1_given > 0)
        position[ALPHA1] = log(alpha1 / (1.0 - alpha1));

    const int beta1_given = init_between(task, init, "beta1", 0.0, alpha1_given ? 1.0 - alpha1 : 1.0, &beta1);
    if (beta1_given < 0)
        return -1;
    if (beta1_given > 0 && !alpha1_given) {
        catena_task_message(task, "init 'beta1' is given without 'alpha1', which bounds it");
        return -1;
    }
    if (beta1_given > 0)
        position[BETA1] = log(beta1 / (1.0 - alpha1 - beta1));
    return 0;
}

static const char *const names[DIMENSION] = {"mu", "alpha0", "alpha1", "beta1"};

catena_density garch11_density(void)
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
