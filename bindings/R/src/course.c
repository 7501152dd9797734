/* What became of sets of particles, step by step, and the page about it. */
#include "updater.h"

static void finalize(SEXP handle) {
  catena_course_free(R_ExternalPtrAddr(handle));
  R_ClearExternalPtr(handle);
}

static catena_course *course_of(SEXP handle) {
  catena_course *course = TYPEOF(handle) == EXTPTRSXP ? R_ExternalPtrAddr(handle) : NULL;
  if (!course) Rf_errorcall(R_NilValue, "the course is gone: it cannot be saved and loaded");
  return course;
}

/* `noun` is a number of catena_noun. */
SEXP r_course_new(SEXP noun) {
  catena_error *error = NULL;
  catena_course *course = NULL;
  SEXP handle = PROTECT(R_MakeExternalPtr(NULL, R_NilValue, R_NilValue));
  R_RegisterCFinalizerEx(handle, finalize, TRUE);
  check(catena_course_new(Rf_asInteger(noun), &course, &error), &error);
  R_SetExternalPtrAddr(handle, course);
  UNPROTECT(1);
  return handle;
}

SEXP r_course_note_updater(SEXP handle, SEXP pointer) {
  catena_error *error = NULL;
  check(catena_course_note_updater(course_of(handle), updater_of(pointer)->updater, &error), &error);
  return R_NilValue;
}

/* `steps` is a matrix with a row per step: set, way, size, ess, ancestors, log evidence, acceptance, step size. */
SEXP r_course_add(SEXP handle, SEXP steps) {
  const R_xlen_t n = Rf_nrows(steps);
  const double *at = REAL(steps);
  for (R_xlen_t i = 0; i < n; i++, at++) {
    catena_error *error = NULL;
    catena_course_step step = {.struct_size = sizeof step,
                               .way = at[n],
                               .size = at[2 * n],
                               .ess = at[3 * n],
                               .ancestors = at[4 * n],
                               .log_evidence = at[5 * n],
                               .acceptance = at[6 * n],
                               .stepsize = at[7 * n]};
    check(catena_course_add(course_of(handle), (uint64_t)at[0], &step, &error), &error);
  }
  return R_NilValue;
}

/* `values` is a matrix with a column per row of particles, set after set; `rows` counts those of each of the `sets`. */
SEXP r_course_particles(SEXP handle, SEXP values, SEXP sets, SEXP rows, SEXP names) {
  const size_t count = (size_t)XLENGTH(sets), columns = (size_t)XLENGTH(names);
  uint64_t *ids = (uint64_t *)R_alloc(count + 1, sizeof *ids);
  size_t *sizes = (size_t *)R_alloc(count + 1, sizeof *sizes);
  const char **texts = (const char **)R_alloc(columns + 1, sizeof *texts);
  for (size_t i = 0; i < count; i++) ids[i] = (uint64_t)REAL(sets)[i], sizes[i] = (size_t)REAL(rows)[i];
  for (size_t i = 0; i < columns; i++) texts[i] = Rf_translateCharUTF8(STRING_ELT(names, (R_xlen_t)i));
  catena_error *error = NULL;
  check(catena_course_particles(course_of(handle), REAL(values), (size_t)XLENGTH(values), ids, sizes, count, columns, texts,
                                &error),
        &error);
  return R_NilValue;
}

SEXP r_course_report(SEXP handle, SEXP title, SEXP truth, SEXP path) {
  catena_error *error = NULL;
  catena_course_options options = {.struct_size = sizeof options,
                                   .title = Rf_translateCharUTF8(STRING_ELT(title, 0)),
                                   .truth = XLENGTH(truth) ? REAL(truth) : NULL,
                                   .num_truth = (size_t)XLENGTH(truth)};
  check(catena_course_report(course_of(handle), &options, Rf_translateCharUTF8(STRING_ELT(path, 0)), &error), &error);
  return R_NilValue;
}
