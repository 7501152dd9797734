/* Where the members stand that from_mpi4py.py fills. */
#include <catena.h>
#include <stddef.h>
#include <stdio.h>

#define OF(type, member) printf(#member "=%zu ", offsetof(type, member))

int main(void) {
  printf("density=%zu io=%zu ", sizeof(catena_density), sizeof(catena_io));
  OF(catena_density, dimension);
  OF(catena_density, log_density_gradient);
  OF(catena_io, sample_writers);
  OF(catena_io, num_sample_writers);
  OF(catena_io, communicator);
  return 0;
}
