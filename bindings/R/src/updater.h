/* What updater.c and estimates.c share. */
#ifndef CATENA_R_UPDATER_H
#define CATENA_R_UPDATER_H

#include "catena_r.h"

typedef struct {
  likelihood likelihood;
  catena_updater *updater;
  /* While one is made. */
  catena_prior **parts, *prior;
  int num_parts;
  catena_checkpoint *checkpoint;
  /* Lines of the call under way. */
  log_queue *log;
  catena_logger logger;
  catena_interrupt interrupt;
  int busy;
} updater;

/* The updater of a handle that is there and not at work. */
updater *updater_of(SEXP handle);

#endif
