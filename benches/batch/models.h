/* Vectorised models for the batch benchmark: a funnel and the eight schools, many points in one call. */
#ifndef CATENA_BENCH_MODELS_H
#define CATENA_BENCH_MODELS_H

#include <catena.h>

/* Neal's funnel in 10 dimensions: v ~ normal(0, 3), x_k ~ normal(0, exp(v / 2)), k = 1..9. */
catena_density funnel(void);
/* Rubin's eight schools, not centred: the positions are eta (8), mu, log tau. */
catena_density eight_schools(void);

/* Calls of the models' batch functions, and the points they were given together. */
long batch_calls(void);
long batch_rows(void);

#endif
