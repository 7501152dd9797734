/* The library's summary of an array of iterations x chains x columns. */
#include "catena_r.h"

enum { STATISTICS = CATENA_STATISTIC_RHAT + 1 };

static void finalize(SEXP handle) {
  catena_summary_free(R_ExternalPtrAddr(handle));
  R_ClearExternalPtr(handle);
}

SEXP r_summary(SEXP draws, SEXP names, SEXP max_depth) {
  static const char *const fields[] = {"text", "names", "values", "divergences", "max_treedepth_hits"};
  const int *dim = INTEGER(Rf_getAttrib(draws, R_DimSymbol));
  const char **labels = (const char **)R_alloc((size_t)dim[2] + 1, sizeof *labels);
  for (int i = 0; i < dim[2]; i++) labels[i] = Rf_translateCharUTF8(STRING_ELT(names, i));
  SEXP handle = PROTECT(R_MakeExternalPtr(NULL, R_NilValue, R_NilValue));
  R_RegisterCFinalizerEx(handle, finalize, TRUE);
  catena_summary *summary = NULL;
  catena_error *error = NULL;
  check(catena_summary_new(REAL(draws), (size_t)XLENGTH(draws), (size_t)dim[1], (size_t)dim[0], (size_t)dim[2],
                           CATENA_LAYOUT_COLUMNS, labels, (uint32_t)Rf_asInteger(max_depth), &summary, &error),
        &error);
  R_SetExternalPtrAddr(handle, summary);

  const int rows = (int)catena_summary_size(summary);
  SEXP list = PROTECT(named_list(fields, 5)), row_names, values;
  SET_VECTOR_ELT(list, 0, Rf_ScalarString(utf8(catena_summary_text(summary))));
  SET_VECTOR_ELT(list, 1, row_names = Rf_allocVector(STRSXP, rows));
  SET_VECTOR_ELT(list, 2, values = Rf_allocMatrix(REALSXP, rows, STATISTICS));
  SET_VECTOR_ELT(list, 3, Rf_ScalarReal((double)catena_summary_divergences(summary)));
  SET_VECTOR_ELT(list, 4, Rf_ScalarReal((double)catena_summary_saturated(summary)));
  for (int i = 0; i < rows; i++) {
    SET_STRING_ELT(row_names, i, utf8(catena_summary_name(summary, (size_t)i)));
    for (int k = 0; k < STATISTICS; k++)
      check(catena_summary_value(summary, (size_t)i, k, &REAL(values)[i + (R_xlen_t)k * rows], &error), &error);
  }
  finalize(handle);
  UNPROTECT(2);
  return list;
}
