/* Handles of models. */
#include "catena_r.h"
#include <stdlib.h>
#include <string.h>

void model_unref(shared_model *shared) {
  if (!shared || --shared->references > 0) return;
  catena_model_free(shared->model);
  if (shared->kept) R_ReleaseObject(shared->kept);
  free(shared);
}

static void finalize(SEXP handle) {
  model_unref(R_ExternalPtrAddr(handle));
  R_ClearExternalPtr(handle);
}

shared_model *model_of(SEXP handle) {
  shared_model *shared = TYPEOF(handle) == EXTPTRSXP ? R_ExternalPtrAddr(handle) : NULL;
  if (!shared || !shared->model)
    Rf_errorcall(R_NilValue, "the model is gone: models cannot be saved and loaded; make it anew with catena_model()");
  return shared;
}

/* A handle without a model yet; `kept` lives as long as it. */
static SEXP handle_new(SEXP kept, shared_model **out) {
  SEXP handle = PROTECT(R_MakeExternalPtr(NULL, R_NilValue, R_NilValue));
  R_RegisterCFinalizerEx(handle, finalize, TRUE);
  R_PreserveObject(kept);
  shared_model *shared = calloc(1, sizeof *shared);
  if (!shared) {
    R_ReleaseObject(kept);
    Rf_errorcall(R_NilValue, "out of memory");
  }
  shared->references = 1;
  shared->kept = kept;
  R_SetExternalPtrAddr(handle, shared);
  *out = shared;
  UNPROTECT(1);
  return handle;
}

/* Strings in memory that R frees after the call. */
static const char *const *texts(SEXP names) {
  if (Rf_isNull(names)) return NULL;
  const char **list = (const char **)R_alloc((size_t)LENGTH(names) + 1, sizeof *list);
  for (int i = 0; i < LENGTH(names); i++) list[i] = Rf_translateCharUTF8(STRING_ELT(names, i));
  return list;
}

static void set_names(catena_density *density, SEXP names, SEXP output_names) {
  density->dimension = (size_t)LENGTH(names);
  density->names = texts(names);
  density->output_count = (size_t)Rf_length(output_names);
  density->output_names = texts(output_names);
}

/* Makes the model, which owns the table's user data; the library releases it where that fails. */
static void make(shared_model *shared, const catena_density *density) {
  catena_error *error = NULL;
  if (catena_model_new(density, &shared->model, &error) == CATENA_OK) return;
  shared->closures = NULL;
  fail(error, NULL);
}

SEXP r_model_closures(SEXP calls, SEXP environment, SEXP vectorized, SEXP names, SEXP output_names, SEXP data_count) {
  catena_density density = {.struct_size = sizeof density};
  shared_model *shared;
  SEXP kept = PROTECT(Rf_allocVector(VECSXP, 3));
  SEXP token = R_MakeUnwindCont();
  SET_VECTOR_ELT(kept, 0, calls);
  SET_VECTOR_ELT(kept, 1, environment);
  SET_VECTOR_ELT(kept, 2, token);
  SEXP handle = PROTECT(handle_new(kept, &shared));
  set_names(&density, names, output_names);
  density.data_count = (size_t)Rf_asReal(data_count);
  shared->closures = closures_new(calls, environment, token, Rf_asLogical(vectorized), &density);
  if (!shared->closures) Rf_errorcall(R_NilValue, "out of memory");
  make(shared, &density);
  UNPROTECT(2);
  return handle;
}

/* The function of an external pointer; NULL for NULL. */
static DL_FUNC function_of(SEXP pointers, int i) {
  SEXP pointer = VECTOR_ELT(pointers, i);
  return Rf_isNull(pointer) ? NULL : R_ExternalPtrAddrFn(pointer);
}

SEXP r_model_pointers(SEXP functions, SEXP user, SEXP threading, SEXP names, SEXP output_names,
                      SEXP kinds) {
  catena_density density = {.struct_size = sizeof density};
  shared_model *shared;
  SEXP kept = PROTECT(Rf_allocVector(VECSXP, 2));
  SET_VECTOR_ELT(kept, 0, functions);
  SET_VECTOR_ELT(kept, 1, user);
  SEXP handle = PROTECT(handle_new(kept, &shared));
  set_names(&density, names, output_names);
  density.user = Rf_isNull(user) ? NULL : R_ExternalPtrAddr(user);
  /* R's DL_FUNC is a pointer to any function; each gets its own type back here. */
  *(DL_FUNC *)&density.log_density_gradient = function_of(functions, 0);
  *(DL_FUNC *)&density.log_density = function_of(functions, 1);
  *(DL_FUNC *)&density.log_density_gradient_batch = function_of(functions, 2);
  *(DL_FUNC *)&density.constrain = function_of(functions, 3);
  *(DL_FUNC *)&density.initialize = function_of(functions, 4);
  *(DL_FUNC *)&density.worker_new = function_of(functions, 5);
  *(DL_FUNC *)&density.worker_free = function_of(functions, 6);
  *(DL_FUNC *)&density.log_density_parts = function_of(functions, 7);
  *(DL_FUNC *)&density.log_density_parts_batch = function_of(functions, 8);
  *(DL_FUNC *)&density.sample_prior = function_of(functions, 9);
  *(DL_FUNC *)&density.log_density_data = function_of(functions, 10);
  density.threading = Rf_asInteger(threading);
  density.parameter_outputs = (size_t)REAL(kinds)[0];
  density.transformed_outputs = (size_t)REAL(kinds)[1];
  density.data_count = (size_t)REAL(kinds)[2];
  make(shared, &density);
  UNPROTECT(2);
  return handle;
}

SEXP r_model_table(SEXP pointer, SEXP kept) {
  shared_model *shared;
  const catena_density *density = R_ExternalPtrAddr(pointer);
  if (!density) Rf_errorcall(R_NilValue, "expected an external pointer to a catena_density, got a null pointer");
  SEXP all = PROTECT(Rf_list2(pointer, kept));
  SEXP handle = PROTECT(handle_new(all, &shared));
  catena_error *error = NULL;
  check(catena_model_new(density, &shared->model, &error), &error);
  UNPROTECT(2);
  return handle;
}

SEXP r_model_bridgestan(SEXP library, SEXP data, SEXP seed) {
  catena_density density = {.struct_size = sizeof density};
  catena_error *error = NULL;
  shared_model *shared;
  const char *text = Rf_isNull(data) ? NULL : Rf_translateCharUTF8(STRING_ELT(data, 0));
  SEXP handle = PROTECT(handle_new(R_NilValue, &shared));
  check(catena_density_from_bridgestan(Rf_translateChar(STRING_ELT(library, 0)), text, (uint32_t)Rf_asReal(seed), &density,
                                       &error),
        &error);
  make(shared, &density);
  UNPROTECT(1);
  return handle;
}

SEXP r_model_describe(SEXP handle) {
  static const char *const fields[] = {"names", "outputs"};
  const catena_model *model = model_of(handle)->model;
  const R_xlen_t dimension = (R_xlen_t)catena_model_dimension(model), outputs = (R_xlen_t)catena_model_output_count(model);
  SEXP list = PROTECT(named_list(fields, 2)), part;
  SET_VECTOR_ELT(list, 0, part = Rf_allocVector(STRSXP, dimension));
  for (R_xlen_t i = 0; i < dimension; i++) SET_STRING_ELT(part, i, utf8(catena_model_name(model, (size_t)i)));
  SET_VECTOR_ELT(list, 1, part = Rf_allocVector(STRSXP, outputs));
  for (R_xlen_t i = 0; i < outputs; i++) SET_STRING_ELT(part, i, utf8(catena_model_output_name(model, (size_t)i)));
  UNPROTECT(1);
  return list;
}

SEXP r_model_columns(SEXP handle, SEXP engine) {
  const catena_model *model = model_of(handle)->model;
  const int32_t which = Rf_asInteger(engine);
  const R_xlen_t count = (R_xlen_t)catena_engine_column_count(model, which);
  SEXP names = PROTECT(Rf_allocVector(STRSXP, count));
  for (R_xlen_t i = 0; i < count; i++) SET_STRING_ELT(names, i, utf8(catena_engine_column(model, which, (size_t)i)));
  UNPROTECT(1);
  return names;
}

/* `positions` is a dimension x n matrix (one point per column, which is the library's order). */
SEXP r_model_log_density(SEXP handle, SEXP positions, SEXP gradients) {
  static const char *const fields[] = {"log_density", "gradient"};
  shared_model *shared = model_of(handle);
  const int n = Rf_ncols(positions), wanted = Rf_asLogical(gradients);
  SEXP list = PROTECT(named_list(fields, 2));
  SET_VECTOR_ELT(list, 0, Rf_allocVector(REALSXP, n));
  if (wanted) SET_VECTOR_ELT(list, 1, Rf_allocMatrix(REALSXP, Rf_nrows(positions), n));
  double *values = REAL(VECTOR_ELT(list, 0)), *slopes = wanted ? REAL(VECTOR_ELT(list, 1)) : NULL;
  catena_error *error = NULL;
  const catena_status status =
      catena_model_log_density(shared->model, (size_t)n, REAL(positions), values, slopes, NULL, &error);
  closures_rethrow(shared->closures, error);
  check(status, &error);
  UNPROTECT(1);
  return list;
}
