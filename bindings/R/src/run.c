/* Runs: started here, polled from a loop in R code, freed by its on.exit or else by R's collector. */
#include "catena_r.h"
#include <stdlib.h>
#include <string.h>

typedef struct {
  catena_run *run;
  catena_options *options;
  catena_result *result;
  catena_init **inits;
  const init_values **init_values;
  catena_writer **writers;
  catena_checkpoint **checkpoints;
  catena_checkpoint **from;
  /* A checkpoint of the result while its bytes are copied. */
  catena_checkpoint *taken;
  log_queue *log;
  shared_model *model;
  size_t chains, rows, columns, num_inits, num_checkpoints, num_from;
} run_state;

/* R objects a run uses, behind its handle. */
enum { DRAWS, INITS, INV_METRICS, KEPT };

static void release(run_state *s) {
  if (!s) return;
  /* Freeing ends the run, and no R function may be called from here on. */
  if (s->model) closures_stop(s->model->closures, 1);
  catena_run_free(s->run);
  if (s->model) closures_stop(s->model->closures, 0);
  for (size_t i = 0; s->writers && i < s->chains; i++) catena_writer_free(s->writers[i]);
  for (size_t i = 0; s->inits && i < s->num_inits; i++) catena_init_free(s->inits[i]);
  for (size_t i = 0; s->checkpoints && i < s->num_checkpoints; i++) catena_checkpoint_free(s->checkpoints[i]);
  for (size_t i = 0; s->from && i < s->num_from; i++) catena_checkpoint_free(s->from[i]);
  catena_checkpoint_free(s->taken);
  catena_result_free(s->result);
  catena_options_free(s->options);
  log_free(s->log);
  model_unref(s->model);
  free(s->writers);
  free(s->checkpoints);
  free(s->from);
  free(s->inits);
  free(s->init_values);
  free(s);
}

static void finalize(SEXP handle) {
  run_state *s = R_ExternalPtrAddr(handle);
  R_ClearExternalPtr(handle);
  release(s);
}

SEXP r_run_free(SEXP handle) {
  finalize(handle);
  return R_NilValue;
}

static run_state *state_of(SEXP handle) {
  run_state *s = TYPEOF(handle) == EXTPTRSXP ? R_ExternalPtrAddr(handle) : NULL;
  if (!s) Rf_errorcall(R_NilValue, "the run is over");
  return s;
}

static void *room(size_t count, size_t size) {
  void *memory = calloc(count ? count : 1, size);
  if (!memory) Rf_errorcall(R_NilValue, "out of memory");
  return memory;
}

/* Contexts from a list of one entry per chain: a list of named arrays, a vector (a position), or NULL. */
static void make_inits(run_state *s, SEXP inits) {
  catena_error *error = NULL;
  const size_t count = (size_t)Rf_length(inits);
  s->inits = room(count, sizeof *s->inits);
  s->init_values = room(count, sizeof *s->init_values);
  s->num_inits = count;
  for (size_t i = 0; i < count; i++) {
    SEXP given = VECTOR_ELT(inits, (R_xlen_t)i);
    if (TYPEOF(given) == VECSXP) {
      check(list_init_new(given, &s->inits[i], &s->init_values[i], &error), &error);
    } else if (TYPEOF(given) == REALSXP) {
      check(catena_init_position_new(REAL(given), (size_t)XLENGTH(given), &s->inits[i], &error), &error);
    }
  }
}

/* Checkpoints from a list of raw vectors or NULL. They hang on the run's state before any is made. */
static void make_checkpoints(SEXP list, catena_checkpoint ***made, size_t *number) {
  catena_error *error = NULL;
  const size_t count = (size_t)Rf_length(list);
  *made = room(count, sizeof **made);
  *number = count;
  for (size_t i = 0; i < count; i++) {
    SEXP bytes = VECTOR_ELT(list, (R_xlen_t)i);
    if (Rf_isNull(bytes)) continue;
    check(catena_checkpoint_new(RAW(bytes), (size_t)XLENGTH(bytes), &(*made)[i], &error), &error);
  }
}

/* `settings` is a list of values by their arguments' names, `names` has the options' names. */
SEXP r_run_start(SEXP model, SEXP engine, SEXP settings, SEXP names, SEXP inits, SEXP inv_metrics,
                 SEXP checkpoints, SEXP from) {
  catena_error *error = NULL;
  shared_model *shared = model_of(model);
  SEXP objects = PROTECT(Rf_allocVector(VECSXP, KEPT));
  SEXP handle = PROTECT(R_MakeExternalPtr(NULL, R_NilValue, objects));
  R_RegisterCFinalizerEx(handle, finalize, TRUE);
  SET_VECTOR_ELT(objects, INITS, inits);
  SET_VECTOR_ELT(objects, INV_METRICS, inv_metrics);

  /* From here on everything hangs on the handle, and whatever raises an error is freed with it. */
  run_state *s = room(1, sizeof *s);
  R_SetExternalPtrAddr(handle, s);
  shared->references++;
  s->model = shared;
  if (!(s->log = log_new())) Rf_errorcall(R_NilValue, "out of memory");
  check(catena_options_new(&s->options, &error), &error);
  const catena_communicator *ranks = NULL;
  set_options(s->options, settings, names, &ranks);
  make_inits(s, inits);
  make_checkpoints(checkpoints, &s->checkpoints, &s->num_checkpoints);
  make_checkpoints(from, &s->from, &s->num_from);

  const R_xlen_t num_inv_metrics = Rf_length(inv_metrics);
  const double **metrics = (const double **)R_alloc((size_t)num_inv_metrics + 1, sizeof *metrics);
  for (R_xlen_t i = 0; i < num_inv_metrics; i++) metrics[i] = REAL(VECTOR_ELT(inv_metrics, i));

  s->rows = catena_options_rows(s->options);
  s->columns = catena_engine_column_count(shared->model, Rf_asInteger(engine));
  double chains = 0;
  check(catena_options_get_number(s->options, "num_chains", &chains, &error), &error);
  if (chains > INT_MAX || s->rows > INT_MAX || s->columns > INT_MAX)
    Rf_errorcall(R_NilValue, "R arrays have at most %d iterations, chains or variables", INT_MAX);
  s->writers = room((size_t)chains, sizeof *s->writers);
  s->chains = (size_t)chains;
  const R_xlen_t size = (R_xlen_t)s->rows * (R_xlen_t)s->chains * (R_xlen_t)s->columns;
  SEXP draws = Rf_allocVector(REALSXP, size), dim;
  SET_VECTOR_ELT(objects, DRAWS, draws);
  dim = Rf_allocVector(INTSXP, 3);
  INTEGER(dim)[0] = (int)s->rows;
  INTEGER(dim)[1] = (int)s->chains;
  INTEGER(dim)[2] = (int)s->columns;
  Rf_setAttrib(draws, R_DimSymbol, dim);
  /* The library writes straight into R's array. */
  check(catena_writers_memory_new(REAL(draws), (size_t)size, s->chains, s->rows, s->columns, CATENA_LAYOUT_COLUMNS,
                                  s->writers, &error),
        &error);

  const catena_logger logger = log_table(s->log);
  const catena_io io = {.struct_size = sizeof io,
                        .inits = (const catena_init *const *)s->inits,
                        .num_inits = s->num_inits,
                        .inv_metrics = metrics,
                        .num_inv_metrics = (size_t)num_inv_metrics,
                        .inv_metric_size = num_inv_metrics ? (size_t)XLENGTH(VECTOR_ELT(inv_metrics, 0)) : 0,
                        .sample_writers = s->writers,
                        .num_sample_writers = s->chains,
                        .checkpoints = (const catena_checkpoint *const *)s->checkpoints,
                        .num_checkpoints = s->num_checkpoints,
                        .logger = &logger,
                        .from = (const catena_checkpoint *const *)s->from,
                        .num_from = s->num_from,
                        .communicator = ranks};
  check(catena_run_start_engine(shared->model, Rf_asInteger(engine), s->options, &io, &s->run, &error), &error);
  UNPROTECT(2);
  return handle;
}

/* The options that a preset has values for, as the run has them. */
SEXP r_run_settled(SEXP handle) {
  static const char *const names[] = {"num_warmup", "metric", "delta", "raise_delta"};
  enum { NAMES = sizeof names / sizeof *names };
  run_state *s = state_of(handle);
  SEXP values = PROTECT(Rf_allocVector(REALSXP, NAMES)), labels = PROTECT(Rf_allocVector(STRSXP, NAMES));
  for (int i = 0; i < NAMES; i++) {
    catena_error *error = NULL;
    check(catena_options_get_number(s->options, names[i], &REAL(values)[i], &error), &error);
    SET_STRING_ELT(labels, i, Rf_mkChar(names[i]));
  }
  Rf_setAttrib(values, R_NamesSymbol, labels);
  UNPROTECT(2);
  return values;
}

/* Waits (or, with R functions, works) up to `timeout` seconds. The jumps that leave from here cross no frame of the
 * library: it has returned. */
SEXP r_run_poll(SEXP handle, SEXP timeout) {
  run_state *s = state_of(handle);
  catena_error *error = NULL;
  int done = 0;
  const catena_status status = catena_run_poll(s->run, Rf_asReal(timeout), &done, &error);
  /* An error of an R function ends the run; what the other chains drew stays. */
  if (closures_pending(s->model->closures)) catena_run_cancel(s->run);
  closures_rethrow(s->model->closures, error);
  check(status, &error);
  R_CheckUserInterrupt();
  return Rf_ScalarLogical(done);
}

SEXP r_run_cancel(SEXP handle) {
  catena_run_cancel(state_of(handle)->run);
  return R_NilValue;
}

SEXP r_run_log(SEXP handle) { return log_take(state_of(handle)->log); }

/* A list of vectors with one entry per chain. */
SEXP r_run_progress(SEXP handle) {
  static const char *const fields[] = {"chain_id",  "iteration", "total",  "divergences",
                                       "gradients", "step_size", "warmup", "over"};
  enum { FIELDS = sizeof fields / sizeof *fields };
  run_state *s = state_of(handle);
  SEXP list = PROTECT(named_list(fields, FIELDS));
  double *to[FIELDS];
  for (int i = 0; i < FIELDS; i++) {
    SEXP column = Rf_allocVector(REALSXP, (R_xlen_t)s->chains);
    SET_VECTOR_ELT(list, i, column);
    to[i] = REAL(column);
  }
  for (size_t c = 0; c < s->chains; c++) {
    catena_progress p = {.struct_size = sizeof p};
    catena_error *error = NULL;
    check(catena_run_progress(s->run, c, &p, &error), &error);
    const double values[FIELDS] = {(double)p.chain_id,  (double)p.iteration, (double)p.total,     (double)p.divergences,
                                   (double)p.gradients, p.stepsize,          (double)p.in_warmup, (double)p.over};
    for (int i = 0; i < FIELDS; i++) to[i][c] = values[i];
  }
  UNPROTECT(1);
  return list;
}

/* Rows that a chain never wrote. */
static void fill_missing(const run_state *s, double *draws) {
  for (size_t c = 0; c < s->chains; c++)
    for (size_t r = catena_writer_rows(s->writers[c]); r < s->rows; r++)
      for (size_t k = 0; k < s->columns; k++) draws[r + s->rows * (c + s->chains * k)] = NA_REAL;
}

/* Whether chain `i` began in this run, and so asked for its initial values. */
static int began(const run_state *s, size_t i) {
  if (i < s->num_checkpoints && s->checkpoints[i]) return 0;
  return catena_result_chain_status(s->result, i) != CATENA_INTERRUPTED || catena_result_warmup_gradients(s->result, i) > 0 ||
         catena_result_sampling_gradients(s->result, i) > 0;
}

static SEXP unused_inits(const run_state *s, SEXP inits) {
  R_xlen_t count = 0;
  for (int pass = 0;; pass++) {
    SEXP names = PROTECT(Rf_allocVector(STRSXP, count));
    count = 0;
    for (size_t i = 0; i < s->num_inits; i++) {
      if (!s->init_values[i] || !began(s, i)) continue;
      SEXP own = Rf_getAttrib(VECTOR_ELT(inits, (R_xlen_t)i), R_NamesSymbol);
      for (int v = 0; v < LENGTH(own); v++) {
        if (list_init_asked(s->init_values[i], v)) continue;
        if (pass) SET_STRING_ELT(names, count, STRING_ELT(own, v));
        count++;
      }
    }
    UNPROTECT(1);
    if (pass) return names;
  }
}

/* One raw vector per chain, NULL for a chain that has no checkpoint. */
static SEXP checkpoints_of(run_state *s) {
  const R_xlen_t chains = (R_xlen_t)catena_result_num_chains(s->result);
  SEXP list = PROTECT(Rf_allocVector(VECSXP, chains));
  for (R_xlen_t c = 0; c < chains; c++) {
    if (catena_result_checkpoint_new(s->result, (size_t)c, &s->taken, NULL) != CATENA_OK) continue;
    size_t length = 0;
    const uint8_t *bytes = catena_checkpoint_bytes(s->taken, &length);
    SEXP copy = Rf_allocVector(RAWSXP, (R_xlen_t)length);
    SET_VECTOR_ELT(list, c, copy);
    if (length) memcpy(RAW(copy), bytes, length);
    catena_checkpoint_free(s->taken);
    s->taken = NULL;
  }
  UNPROTECT(1);
  return list;
}

/* What the run was asked for: texts by the names of the library's options. */
static SEXP options_of(const catena_result *r) {
  R_xlen_t count = 0;
  while (catena_result_setting(r, (size_t)count, 0)) count++;
  SEXP values = PROTECT(Rf_allocVector(VECSXP, count)), names = PROTECT(Rf_allocVector(STRSXP, count));
  for (R_xlen_t i = 0; i < count; i++) {
    SET_STRING_ELT(names, i, utf8(catena_result_setting(r, (size_t)i, 0)));
    SET_VECTOR_ELT(values, i, Rf_ScalarString(utf8(catena_result_setting(r, (size_t)i, 1))));
  }
  Rf_setAttrib(values, R_NamesSymbol, names);
  UNPROTECT(2);
  return values;
}

/* Of a run that has ended. The draws leave the handle, so that R may change them without a copy. */
SEXP r_run_result(SEXP handle) {
  static const char *const fields[] = {"status", "message", "draws", "unused", "chains", "messages", "inv_metric",
                                       "checkpoints", "options"};
  enum { FIELDS = sizeof fields / sizeof *fields };
  static const char *const columns[] = {"chain_id",         "status",           "iterations",  "rows",
                                        "step_size",        "warmup_gradients", "gradients",   "divergences",
                                        "max_treedepth_hits", "warmup_seconds",   "sampling_seconds", "stop_reason",
                                        "delta",            "warmup_iterations"};
  enum { COLUMNS = sizeof columns / sizeof *columns };
  run_state *s = state_of(handle);
  SEXP objects = R_ExternalPtrProtected(handle), draws = VECTOR_ELT(objects, DRAWS);
  catena_error *error = NULL;
  const catena_status status = catena_run_wait(s->run, &s->result, &error);
  closures_rethrow(s->model->closures, error);
  if (!s->result) check(status, &error);
  SEXP message = PROTECT(Rf_ScalarString(utf8(catena_error_message(error))));
  catena_error_free(error);
  fill_missing(s, REAL(draws));

  const catena_result *r = s->result;
  const R_xlen_t chains = (R_xlen_t)catena_result_num_chains(r);
  SEXP list = PROTECT(named_list(fields, FIELDS)), table, messages, metrics;
  SET_VECTOR_ELT(list, 0, Rf_ScalarInteger(status));
  SET_VECTOR_ELT(list, 1, message);
  SET_VECTOR_ELT(list, 2, draws);
  SET_VECTOR_ELT(objects, DRAWS, R_NilValue);
  SET_VECTOR_ELT(list, 3, unused_inits(s, VECTOR_ELT(objects, INITS)));
  SET_VECTOR_ELT(list, 4, table = named_list(columns, COLUMNS));
  SET_VECTOR_ELT(list, 5, messages = Rf_allocVector(STRSXP, chains));
  SET_VECTOR_ELT(list, 6, metrics = Rf_allocVector(VECSXP, chains));
  SET_VECTOR_ELT(list, 7, checkpoints_of(s));
  SET_VECTOR_ELT(list, 8, options_of(r));
  for (int i = 0; i < COLUMNS; i++) SET_VECTOR_ELT(table, i, Rf_allocVector(REALSXP, chains));
  for (R_xlen_t c = 0; c < chains; c++) {
    const size_t chain = (size_t)c;
    const double values[COLUMNS] = {(double)catena_result_chain_id(r, chain),
                                    (double)catena_result_chain_status(r, chain),
                                    (double)catena_result_iterations(r, chain),
                                    (double)catena_result_rows(r, chain),
                                    catena_result_stepsize(r, chain),
                                    (double)catena_result_warmup_gradients(r, chain),
                                    (double)catena_result_sampling_gradients(r, chain),
                                    (double)catena_result_divergences(r, chain),
                                    (double)catena_result_saturated(r, chain),
                                    catena_result_warmup_seconds(r, chain),
                                    catena_result_sampling_seconds(r, chain),
                                    (double)catena_result_stop_reason(r, chain),
                                    catena_result_delta(r, chain),
                                    (double)catena_result_warmup_iterations(r, chain)};
    for (int i = 0; i < COLUMNS; i++) REAL(VECTOR_ELT(table, i))[c] = values[i];
    SET_STRING_ELT(messages, c, utf8(catena_error_message(catena_result_chain_error(r, chain))));
    const size_t size = catena_result_inv_metric_size(r, chain);
    SEXP metric = Rf_allocVector(REALSXP, (R_xlen_t)size);
    SET_VECTOR_ELT(metrics, c, metric);
    check(catena_result_inv_metric(r, chain, REAL(metric), size, &error), &error);
  }
  UNPROTECT(2);
  return list;
}
