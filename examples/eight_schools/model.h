/* The eight-schools model, non-centred (Rubin 1981; Gelman et al., Bayesian Data Analysis, 3rd ed., section 5.5):

       theta_trans[j] ~ normal(0, 1)          mu ~ normal(0, 5)          tau ~ half-Cauchy(0, 5)
       theta[j] = mu + tau * theta_trans[j]                              y[j] ~ normal(theta[j], sigma[j])      */
#ifndef EIGHT_SCHOOLS_MODEL_H
#define EIGHT_SCHOOLS_MODEL_H

#include <catena.h>

enum {
    EIGHT_SCHOOLS_J = 8,
    EIGHT_SCHOOLS_DIMENSION = EIGHT_SCHOOLS_J + 2,    /* theta_trans[8], mu, log tau */
    EIGHT_SCHOOLS_OUTPUTS = 2 * EIGHT_SCHOOLS_J + 2   /* theta_trans[8], mu, tau, theta[8] */
};

/** The estimated effect of coaching in each school, and its standard error. */
struct eight_schools {
    double y[EIGHT_SCHOOLS_J];
    double sigma[EIGHT_SCHOOLS_J];
};

/** The data of D. B. Rubin, Estimation in parallel randomized experiments, Journal of Educational Statistics 6 (1981). */
extern const struct eight_schools eight_schools_rubin;

/** The model over `data`, which is borrowed and must outlive every handle made from the table. */
catena_density eight_schools_density(const struct eight_schools *data);

#endif
