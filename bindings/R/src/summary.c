/* The library's summary of an array of iterations x chains x columns. */
#include "catena_r.h"

enum { STATISTICS = CATENA_STATISTIC_RHAT + 1 };

static void finalize(SEXP handle) {
  catena_summary_free(R_ExternalPtrAddr(handle));
  R_ClearExternalPtr(handle);
}

/* The texts of a character vector, in memory of R's. */
static const char **texts(SEXP from) {
  const R_xlen_t count = XLENGTH(from);
  const char **all = (const char **)R_alloc((size_t)count + 1, sizeof *all);
  for (R_xlen_t i = 0; i < count; i++) all[i] = Rf_translateCharUTF8(STRING_ELT(from, i));
  return all;
}

/* Whole numbers that R holds as doubles. */
static size_t *counts(SEXP from) {
  size_t *all = (size_t *)R_alloc((size_t)XLENGTH(from) + 1, sizeof *all);
  for (R_xlen_t i = 0; i < XLENGTH(from); i++) all[i] = (size_t)REAL(from)[i];
  return all;
}

/* `about` is a list of what the page tells beside the draws, in the order of this enumeration. */
SEXP r_report(SEXP draws, SEXP names, SEXP title, SEXP about, SEXP path) {
  enum { SECONDS, STEP_SIZES, INV_METRICS, DIMENSION, WARMUP_STEP_SIZES, WARMUP_LENGTHS, LENGTHS, MAX_DEPTH, SETTINGS };
  const int *dim = INTEGER(Rf_getAttrib(draws, R_DimSymbol));
  const R_xlen_t chains = dim[1];
  SEXP seconds = VECTOR_ELT(about, SECONDS), step_sizes = VECTOR_ELT(about, STEP_SIZES);
  SEXP inv_metrics = VECTOR_ELT(about, INV_METRICS), warmup = VECTOR_ELT(about, WARMUP_STEP_SIZES);
  SEXP settings = VECTOR_ELT(about, SETTINGS);
  catena_report_options options = {0};
  options.struct_size = sizeof options;
  options.title = Rf_translateCharUTF8(STRING_ELT(title, 0));
  if (XLENGTH(seconds)) options.seconds = REAL(seconds);
  if (XLENGTH(step_sizes)) options.step_sizes = REAL(step_sizes);
  if (XLENGTH(inv_metrics)) {
    options.inv_metrics = REAL(inv_metrics);
    options.metric_size = (size_t)(XLENGTH(inv_metrics) / chains);
    options.dimension = (size_t)Rf_asReal(VECTOR_ELT(about, DIMENSION));
  }
  if (XLENGTH(warmup)) {
    options.warmup_step_sizes = REAL(warmup);
    options.warmup_size = (size_t)(XLENGTH(warmup) / chains);
    options.warmup_lengths = counts(VECTOR_ELT(about, WARMUP_LENGTHS));
  }
  if (XLENGTH(settings)) {
    options.setting_names = texts(Rf_getAttrib(settings, R_NamesSymbol));
    options.setting_values = texts(settings);
    options.num_settings = (size_t)XLENGTH(settings);
  }
  options.lengths = counts(VECTOR_ELT(about, LENGTHS));
  options.max_depth = (uint32_t)Rf_asInteger(VECTOR_ELT(about, MAX_DEPTH));
  catena_error *error = NULL;
  check(catena_report(REAL(draws), (size_t)XLENGTH(draws), (size_t)dim[1], (size_t)dim[0], (size_t)dim[2],
                      CATENA_LAYOUT_COLUMNS, texts(names), &options, Rf_translateCharUTF8(STRING_ELT(path, 0)), &error),
        &error);
  return R_NilValue;
}

SEXP r_summary(SEXP draws, SEXP names, SEXP max_depth, SEXP variables, SEXP quantiles, SEXP digits, SEXP order,
               SEXP lengths) {
  static const char *const fields[] = {"text", "names", "values", "divergences", "max_treedepth_hits", "quantiles",
                                       "verdict"};
  const int *dim = INTEGER(Rf_getAttrib(draws, R_DimSymbol));
  catena_summary_options options = {0};
  options.struct_size = sizeof options;
  options.variables = texts(variables);
  options.num_variables = (size_t)XLENGTH(variables);
  options.probabilities = REAL(quantiles);
  options.num_probabilities = (size_t)XLENGTH(quantiles);
  options.digits = (uint32_t)Rf_asInteger(digits);
  options.order = Rf_isNull(order) ? NULL : Rf_translateCharUTF8(STRING_ELT(order, 0));
  options.lengths = counts(lengths);
  options.num_lengths = (size_t)XLENGTH(lengths);
  SEXP handle = PROTECT(R_MakeExternalPtr(NULL, R_NilValue, R_NilValue));
  R_RegisterCFinalizerEx(handle, finalize, TRUE);
  catena_summary *summary = NULL;
  catena_error *error = NULL;
  check(catena_summary_select(REAL(draws), (size_t)XLENGTH(draws), (size_t)dim[1], (size_t)dim[0], (size_t)dim[2],
                              CATENA_LAYOUT_COLUMNS, texts(names), (uint32_t)Rf_asInteger(max_depth), &options, &summary,
                              &error),
        &error);
  R_SetExternalPtrAddr(handle, summary);

  const int rows = (int)catena_summary_size(summary), probabilities = (int)XLENGTH(quantiles);
  SEXP list = PROTECT(named_list(fields, 7)), row_names, values, found;
  SET_VECTOR_ELT(list, 0, Rf_ScalarString(utf8(catena_summary_text(summary))));
  SET_VECTOR_ELT(list, 1, row_names = Rf_allocVector(STRSXP, rows));
  SET_VECTOR_ELT(list, 2, values = Rf_allocMatrix(REALSXP, rows, STATISTICS));
  SET_VECTOR_ELT(list, 3, Rf_ScalarReal((double)catena_summary_divergences(summary)));
  SET_VECTOR_ELT(list, 4, Rf_ScalarReal((double)catena_summary_saturated(summary)));
  SET_VECTOR_ELT(list, 5, found = Rf_allocMatrix(REALSXP, rows, probabilities));
  SET_VECTOR_ELT(list, 6, Rf_ScalarInteger(catena_summary_verdict(summary)));
  for (int i = 0; i < rows; i++) {
    SET_STRING_ELT(row_names, i, utf8(catena_summary_name(summary, (size_t)i)));
    for (int k = 0; k < STATISTICS; k++)
      check(catena_summary_value(summary, (size_t)i, k, &REAL(values)[i + (R_xlen_t)k * rows], &error), &error);
    for (int k = 0; k < probabilities; k++)
      check(catena_summary_quantile(summary, (size_t)i, (size_t)k, &REAL(found)[i + (R_xlen_t)k * rows], &error), &error);
  }
  finalize(handle);
  UNPROTECT(2);
  return list;
}
