/* Eight schools, non-centred: the model of the example, over Rubin's data. */
#include "../../../examples/eight_schools/model.h"
#include "models.h"

catena_density eight_schools_noncentered_density(void)
{
    return eight_schools_density(&eight_schools_rubin);
}
