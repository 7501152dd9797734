/* Stochastic volatility of a series of returns as a state-space model. */
#ifndef STOCHASTIC_VOLATILITY_H
#define STOCHASTIC_VOLATILITY_H

#include <catena.h>

/* Returns in percent, with the mean taken off. */
typedef struct returns {
    size_t count;
    double *values;
} returns;

/* x_t is the log variance of the return at time t:
 *     x_0 ~ Normal(mu, sigma / sqrt(1 - phi^2)),  x_t ~ Normal(mu + phi (x_{t-1} - mu), sigma),
 *     y_t ~ Normal(0, exp(x_t / 2)). */
typedef struct stochastic_volatility {
    const returns *data;
    double mu, phi, sigma;
} stochastic_volatility;

/* Reads "date,rate" lines and makes returns of them; 0, or -1 with a line on stderr. */
int returns_read(const char *path, returns *out);
void returns_free(returns *data);

/* The table of the model, which must outlive it. */
catena_state_space stochastic_volatility_space(stochastic_volatility *model);

#endif
