/* Calls that are done when they return: what they use hangs on a handle, so that an R error leaves nothing behind. */
#include "catena_r.h"
#include <stdlib.h>

void job_free(SEXP handle) {
  job *j = R_ExternalPtrAddr(handle);
  R_ClearExternalPtr(handle);
  if (!j) return;
  catena_gradient_check_free(j->check);
  catena_result_free(j->result);
  for (size_t i = 0; j->writers && i < j->num_writers; i++) catena_writer_free(j->writers[i]);
  catena_init_free(j->init);
  catena_options_free(j->options);
  log_free(j->log);
  model_unref(j->model);
  free(j->writers);
  free(j);
}

SEXP job_new(SEXP model, SEXP settings, SEXP kept, job **out) {
  catena_error *error = NULL;
  shared_model *shared = model_of(model);
  SEXP handle = PROTECT(R_MakeExternalPtr(NULL, R_NilValue, kept));
  R_RegisterCFinalizerEx(handle, job_free, TRUE);
  job *j = calloc(1, sizeof *j);
  if (!j) Rf_errorcall(R_NilValue, "out of memory");
  R_SetExternalPtrAddr(handle, j);
  shared->references++;
  j->model = shared;
  if (!(j->log = log_new())) Rf_errorcall(R_NilValue, "out of memory");
  const double *number = REAL(settings);
  check(catena_options_new(&j->options, &error), &error);
  check(catena_options_set_seed(j->options, (uint64_t)number[0], &error), &error);
  check(catena_options_set_init_chain_id(j->options, (uint64_t)number[1], &error), &error);
  check(catena_options_set_num_chains(j->options, (size_t)number[2], &error), &error);
  check(catena_options_set_num_threads(j->options, (size_t)number[3], &error), &error);
  check(catena_options_set_refresh(j->options, 0, &error), &error);
  *out = j;
  UNPROTECT(1);
  return handle;
}
