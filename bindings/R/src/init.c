/* Registration of the routines, and small helpers. */
#include "catena_r.h"
#include <R_ext/Rdynload.h>
#include <string.h>

void fail(catena_error *error, const char *what) {
  const char *message = catena_error_message(error);
  /* R frees this memory when the error has been raised. */
  char *copy = R_alloc(strlen(message) + 1, 1);
  strcpy(copy, message);
  catena_error_free(error);
  if (what) Rf_errorcall(R_NilValue, "'%s': %s", what, copy);
  Rf_errorcall(R_NilValue, "%s", copy);
}

void check(catena_status status, catena_error **error) {
  if (status != CATENA_OK) fail(*error, NULL);
}

SEXP utf8(const char *text) { return Rf_mkCharCE(text ? text : "", CE_UTF8); }

SEXP named_list(const char *const *names, int count) {
  SEXP list = PROTECT(Rf_allocVector(VECSXP, count)), labels = PROTECT(Rf_allocVector(STRSXP, count));
  for (int i = 0; i < count; i++) SET_STRING_ELT(labels, i, utf8(names[i]));
  Rf_setAttrib(list, R_NamesSymbol, labels);
  UNPROTECT(2);
  return list;
}

SEXP r_version(void) { return Rf_ScalarString(utf8(catena_version_string())); }

#define ROUTINE(name, arguments) {#name, (DL_FUNC)&r_##name, arguments}

static const R_CallMethodDef routines[] = {
    ROUTINE(model_closures, 6),     ROUTINE(model_pointers, 6), ROUTINE(model_table, 2), ROUTINE(model_bridgestan, 3),
    ROUTINE(model_describe, 1),     ROUTINE(model_columns, 2),  ROUTINE(run_start, 8),   ROUTINE(run_poll, 2),
    ROUTINE(run_settled, 1),
    ROUTINE(model_log_density, 3),  ROUTINE(run_log, 1),        ROUTINE(run_result, 1),  ROUTINE(run_progress, 1),
    ROUTINE(run_cancel, 1),         ROUTINE(run_free, 1),       ROUTINE(summary, 8), ROUTINE(report, 5),     ROUTINE(version, 0),
    ROUTINE(sample_smc, 5),         ROUTINE(approximate, 5),    ROUTINE(optimize, 4),
    ROUTINE(generate_quantities, 5), ROUTINE(diagnose_gradient, 6), ROUTINE(options, 0),
    ROUTINE(population_new, 4),     ROUTINE(population_do, 3),  ROUTINE(population_read, 3),
    ROUTINE(population_gather, 2),
    ROUTINE(filter_run, 4),         ROUTINE(filter_read, 4),
    ROUTINE(updater_new, 4),        ROUTINE(updater_do, 3),     ROUTINE(updater_read, 3), ROUTINE(bayesian_bound, 2),
    ROUTINE(course_new, 1),         ROUTINE(course_add, 2),     ROUTINE(course_particles, 5), ROUTINE(course_report, 4),
    ROUTINE(course_note_updater, 2), ROUTINE(files_read, 1),
    ROUTINE(cos_squared, 1),        {NULL, NULL, 0}};

void R_init_catena(DllInfo *dll) {
  R_registerRoutines(dll, NULL, routines, NULL, NULL);
  R_useDynamicSymbols(dll, FALSE);
  R_forceSymbols(dll, TRUE);
  offer_functions();
}
