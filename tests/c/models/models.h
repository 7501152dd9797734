/* Five posteriors with reference summaries, as C models; see the file of each. Every table is static but for its return. */
#ifndef CATENA_TEST_MODELS_H
#define CATENA_TEST_MODELS_H

#include <catena.h>

catena_density eight_schools_noncentered_density(void);
catena_density blr_density(void);
catena_density kidscore_momhsiq_density(void);
catena_density garch11_density(void);
catena_density ark_density(void);

#endif
