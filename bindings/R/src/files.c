/* Files of draws, read back. */
#include "catena_r.h"

static void finalize(SEXP handle) {
  catena_files_free(R_ExternalPtrAddr(handle));
  R_ClearExternalPtr(handle);
}

/* Iterations x chains x columns; the library has them chain after chain, row after row. */
static SEXP draws_of(const catena_files *f) {
  const size_t chains = catena_files_num_chains(f), rows = catena_files_num_draws(f), width = catena_files_num_columns(f);
  const double *from = catena_files_values(f);
  SEXP draws = PROTECT(Rf_alloc3DArray(REALSXP, (int)rows, (int)chains, (int)width));
  double *to = REAL(draws);
  for (size_t c = 0; c < chains; c++)
    for (size_t r = 0; r < rows; r++, from += width)
      for (size_t k = 0; k < width; k++) to[r + rows * (c + chains * k)] = from[k];
  UNPROTECT(1);
  return draws;
}

static SEXP columns_of(const catena_files *f) {
  const R_xlen_t count = (R_xlen_t)catena_files_num_columns(f);
  SEXP names = PROTECT(Rf_allocVector(STRSXP, count));
  for (R_xlen_t i = 0; i < count; i++) SET_STRING_ELT(names, i, utf8(catena_files_column(f, (size_t)i)));
  UNPROTECT(1);
  return names;
}

/* Names (0) or values (1) of what the first file says of its run. */
static SEXP settings_of(const catena_files *f, int value) {
  R_xlen_t count = 0;
  while (catena_files_setting(f, (size_t)count, 0)) count++;
  SEXP texts = PROTECT(Rf_allocVector(STRSXP, count));
  for (R_xlen_t i = 0; i < count; i++) SET_STRING_ELT(texts, i, utf8(catena_files_setting(f, (size_t)i, value)));
  UNPROTECT(1);
  return texts;
}

/* A list of vectors with one entry per chain. */
static SEXP chains_of(const catena_files *f) {
  static const char *const fields[] = {"rows", "step_size", "warmup_seconds", "sampling_seconds", "cut_off", "dimension"};
  enum { FIELDS = sizeof fields / sizeof *fields };
  const size_t chains = catena_files_num_chains(f);
  SEXP list = PROTECT(named_list(fields, FIELDS));
  for (int i = 0; i < FIELDS; i++) SET_VECTOR_ELT(list, i, Rf_allocVector(REALSXP, (R_xlen_t)chains));
  for (size_t c = 0; c < chains; c++) {
    const double row[FIELDS] = {(double)catena_files_length(f, c), catena_files_stepsize(f, c), catena_files_seconds(f, c, 0),
                                catena_files_seconds(f, c, 1), (double)catena_files_cut_off(f, c),
                                (double)catena_files_dimension(f, c)};
    for (int i = 0; i < FIELDS; i++) REAL(VECTOR_ELT(list, i))[c] = row[i];
  }
  UNPROTECT(1);
  return list;
}

/* The step sizes of each chain's warm-up iterations; empty where a file has none. */
static SEXP warmup_step_sizes_of(const catena_files *f) {
  const size_t chains = catena_files_num_chains(f);
  SEXP list = PROTECT(Rf_allocVector(VECSXP, (R_xlen_t)chains));
  for (size_t c = 0; c < chains; c++) {
    const size_t size = catena_files_warmup_size(f, c);
    catena_error *error = NULL;
    SEXP steps = Rf_allocVector(REALSXP, (R_xlen_t)size);
    SET_VECTOR_ELT(list, (R_xlen_t)c, steps);
    check(catena_files_warmup_step_sizes(f, c, REAL(steps), size, &error), &error);
  }
  UNPROTECT(1);
  return list;
}

/* One vector of variances, symmetric matrix, or vector of the numbers of a low-rank one, per chain; empty where a file does not
 * say. */
static SEXP metrics_of(const catena_files *f) {
  const size_t chains = catena_files_num_chains(f);
  SEXP list = PROTECT(Rf_allocVector(VECSXP, (R_xlen_t)chains));
  for (size_t c = 0; c < chains; c++) {
    const size_t size = catena_files_inv_metric_size(f, c);
    size_t rows = 0;
    catena_error *error = NULL;
    SEXP metric = Rf_allocVector(REALSXP, (R_xlen_t)size);
    SET_VECTOR_ELT(list, (R_xlen_t)c, metric);
    if (!size) continue;
    check(catena_files_inv_metric(f, c, REAL(metric), size, &rows, &error), &error);
    if (rows > 1 && size == rows * rows) {
      SEXP dim = PROTECT(Rf_allocVector(INTSXP, 2));
      INTEGER(dim)[0] = INTEGER(dim)[1] = (int)rows;
      Rf_setAttrib(metric, R_DimSymbol, dim);
      UNPROTECT(1);
    }
  }
  UNPROTECT(1);
  return list;
}

/* A list of one matrix per set, a row per stage. */
static SEXP stages_of(const catena_files *f) {
  /* Numbers of catena_files_stage. */
  enum { STAGE_COLUMNS = 6 };
  const size_t sets = catena_files_num_chains(f);
  SEXP list = PROTECT(Rf_allocVector(VECSXP, (R_xlen_t)sets));
  for (size_t s = 0; s < sets; s++) {
    const size_t stages = catena_files_num_stages(f, s);
    SEXP matrix = Rf_allocMatrix(REALSXP, (int)stages, STAGE_COLUMNS);
    SET_VECTOR_ELT(list, (R_xlen_t)s, matrix);
    for (size_t i = 0; i < stages; i++)
      for (int k = 0; k < STAGE_COLUMNS; k++) REAL(matrix)[i + stages * (size_t)k] = catena_files_stage(f, s, i, k);
  }
  UNPROTECT(1);
  return list;
}

/* What the files have, as R objects. */
SEXP r_files_read(SEXP paths) {
  static const char *const fields[] = {"draws", "columns", "chains", "inv_metric", "stages", "names", "values",
                                       "warmup_step_sizes"};
  enum { DRAWS, COLUMNS, CHAINS, INV_METRIC, STAGES, NAMES, VALUES, WARMUP_STEP_SIZES, FIELDS };
  const R_xlen_t count = XLENGTH(paths);
  const char **names = (const char **)R_alloc((size_t)count + 1, sizeof *names);
  for (R_xlen_t i = 0; i < count; i++) names[i] = Rf_translateChar(STRING_ELT(paths, i));
  SEXP handle = PROTECT(R_MakeExternalPtr(NULL, R_NilValue, R_NilValue));
  R_RegisterCFinalizerEx(handle, finalize, TRUE);
  catena_files *f = NULL;
  catena_error *error = NULL;
  check(catena_files_read(names, (size_t)count, NULL, &f, &error), &error);
  R_SetExternalPtrAddr(handle, f);
  SEXP list = PROTECT(named_list(fields, FIELDS));
  SET_VECTOR_ELT(list, DRAWS, draws_of(f));
  SET_VECTOR_ELT(list, COLUMNS, columns_of(f));
  SET_VECTOR_ELT(list, CHAINS, chains_of(f));
  SET_VECTOR_ELT(list, INV_METRIC, metrics_of(f));
  SET_VECTOR_ELT(list, STAGES, stages_of(f));
  SET_VECTOR_ELT(list, NAMES, settings_of(f, 0));
  SET_VECTOR_ELT(list, VALUES, settings_of(f, 1));
  SET_VECTOR_ELT(list, WARMUP_STEP_SIZES, warmup_step_sizes_of(f));
  finalize(handle);
  UNPROTECT(2);
  return list;
}
