/* catena_mpi.h - the ranks of an MPI program as a catena_communicator.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 *
 *   MPI_Init(&argc, &argv);
 *   catena_communicator ranks;
 *   if (catena_mpi_new(MPI_COMM_WORLD, 60, &ranks)) return 1;
 *   catena_io io = {.struct_size = sizeof io, .communicator = &ranks, ...};
 *   ...
 *   catena_mpi_free(&ranks);
 *   MPI_Finalize();
 *
 * Compile with the mpicc of the MPI that the program runs under; its handles differ from MPI to MPI, so that none of them
 * goes through Catena's own ABI. Operations don't block inside and are given up after the time-out, so that nobody waits for a rank that has died.
 *
 * Threads: MPI is called from wherever the communicator is (see catena_communicator): by the thread that calls into Catena, for which
 * MPI_THREAD_FUNNELED does; a run that catena_run_start made calls it from a thread of its own, which needs
 * MPI_THREAD_SERIALIZED, or MPI_THREAD_MULTIPLE where the program uses MPI meanwhile.
 */
#ifndef CATENA_MPI_H
#define CATENA_MPI_H

#include <catena.h>
#include <mpi.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The ranks of `comm`, of which a duplicate is made: all of its ranks call this. `time_out`: seconds that an operation waits
 * for other ranks, above 0; more than any evaluation of a model that may be called on one thread only. Returns 0 or an MPI
 * error code; `*out` serves any number of calls and is freed by catena_mpi_free. */
int catena_mpi_new(MPI_Comm comm, double time_out, catena_communicator *out);

/* Frees what catena_mpi_new made; all ranks call it, unless one was lost: then nothing is waited for, and a program does best to
 * end by MPI_Abort, since MPI_Finalize waits for the lost rank. */
void catena_mpi_free(catena_communicator *communicator);

/* What the command `catena` calls (communicator=mpi): the ranks of MPI_COMM_WORLD, MPI being initialised where it was not.
 * `release` of the table ends both. Returns 0, or another number with words in `message`. */
int catena_communicator_open(double time_out, catena_communicator *out, char *message, size_t message_size);

#ifdef __cplusplus
}
#endif
#endif
