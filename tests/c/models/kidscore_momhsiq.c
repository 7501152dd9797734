/* Children's test scores on their mother's schooling and IQ (Gelman and Hill 2007, chapter 3):

       flat prior on beta      sigma ~ Cauchy(0, 2.5) on sigma > 0
       kid_score ~ normal(beta[1] + beta[2] mom_hs + beta[3] mom_iq, sigma)

   Position: beta[3], log sigma. */
#include "data/kidiq.h"
#include "models.h"
#include "support.h"

enum { B = 3, LOG_SIGMA = B, DIMENSION = B + 1 };

static const double sigma_scale = 2.5;

static int log_density_gradient(void *user, void *worker, catena_task *task, const double *position, double *log_density,
                                double *gradient)
{
    (void)user, (void)worker, (void)task;
    const double sigma = exp(position[LOG_SIGMA]), precision = 1.0 / (sigma * sigma);

    double squares = 0.0, slope[B] = {0};
    for (int i = 0; i < KIDIQ_ROWS; i++) {
        const double residual =
            kidiq_score[i] - position[0] - position[1] * kidiq_mom_hs[i] - position[2] * kidiq_mom_iq[i];
        squares += residual * residual;
        slope[0] += residual;
        slope[1] += residual * kidiq_mom_hs[i];
        slope[2] += residual * kidiq_mom_iq[i];
    }
    for (int k = 0; k < B; k++)
        gradient[k] = precision * slope[k];
    double d_prior;
    const double prior = half_cauchy(sigma, sigma_scale, &d_prior);
    /* -N log sigma of the likelihood and + log sigma of the Jacobian. */
    gradient[LOG_SIGMA] = precision * squares + d_prior - KIDIQ_ROWS + 1;
    *log_density = -0.5 * precision * squares + prior - (KIDIQ_ROWS - 1) * position[LOG_SIGMA];
    return accept_finite(*log_density);
}

static int constrain(void *user, void *worker, catena_task *task, const double *position, double *outputs)
{
    (void)user, (void)worker, (void)task;
    for (int k = 0; k < B; k++)
        outputs[k] = position[k];
    outputs[LOG_SIGMA] = exp(position[LOG_SIGMA]);
    return 0;
}

static int initialize(void *user, void *worker, catena_task *task, const catena_init *init, double *position)
{
    (void)user, (void)worker;
    if (catena_init_values(init, "beta", position, B) < 0 || init_log(task, init, "sigma", &position[LOG_SIGMA]) < 0)
        return -1;
    return 0;
}

static const char *const names[DIMENSION] = {"beta.1", "beta.2", "beta.3", "sigma"};

catena_density kidscore_momhsiq_density(void)
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
