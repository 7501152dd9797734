/* Modes from many starts. */
#include "catena_r.h"
#include <stdlib.h>

typedef struct {
  shared_model *model;
  catena_options *options;
  catena_init **inits;
  size_t num_inits;
  catena_optimum *result;
  log_queue *log;
} state;

static void finalize(SEXP handle) {
  state *s = R_ExternalPtrAddr(handle);
  R_ClearExternalPtr(handle);
  if (!s) return;
  catena_optimum_free(s->result);
  for (size_t i = 0; s->inits && i < s->num_inits; i++) catena_init_free(s->inits[i]);
  catena_options_free(s->options);
  log_free(s->log);
  model_unref(s->model);
  free(s->inits);
  free(s);
}

typedef struct {
  bridge bridge;
  const closures *closures;
} watch;

static int requested(void *user) {
  watch *w = user;
  return closures_pending(w->closures) || bridge_interrupted(&w->bridge);
}

static SEXP starts_of(const catena_optimum *o) {
  static const char *const fields[] = {"id", "ending", "iterations", "evaluations", "log_density", "seconds"};
  enum { FIELDS = sizeof fields / sizeof *fields };
  const size_t starts = catena_optimum_num_starts(o);
  SEXP list = PROTECT(named_list(fields, FIELDS));
  for (int k = 0; k < FIELDS; k++) SET_VECTOR_ELT(list, k, Rf_allocVector(REALSXP, (R_xlen_t)starts));
  for (size_t i = 0; i < starts; i++) {
    const double row[FIELDS] = {(double)catena_optimum_start_id(o, i),
                                (double)catena_optimum_start_ending(o, i),
                                (double)catena_optimum_start_iterations(o, i),
                                (double)catena_optimum_start_evaluations(o, i),
                                catena_optimum_start_log_density(o, i),
                                catena_optimum_start_seconds(o, i)};
    for (int k = 0; k < FIELDS; k++) REAL(VECTOR_ELT(list, k))[i] = row[k];
  }
  UNPROTECT(1);
  return list;
}

static SEXP modes_of(const catena_optimum *o) {
  static const char *const fields[] = {"start", "found"};
  const size_t modes = catena_optimum_num_modes(o);
  SEXP list = PROTECT(named_list(fields, 2));
  for (int k = 0; k < 2; k++) SET_VECTOR_ELT(list, k, Rf_allocVector(REALSXP, (R_xlen_t)modes));
  for (size_t i = 0; i < modes; i++) {
    REAL(VECTOR_ELT(list, 0))[i] = (double)catena_optimum_mode_start(o, i) + 1;
    REAL(VECTOR_ELT(list, 1))[i] = (double)catena_optimum_mode_found(o, i);
  }
  UNPROTECT(1);
  return list;
}

/* A matrix of `rows` numbers of each start, NA where there are none. */
static SEXP numbers_of(const catena_optimum *o, size_t rows, const double *(*of)(const catena_optimum *, size_t)) {
  const size_t starts = catena_optimum_num_starts(o);
  SEXP matrix = PROTECT(Rf_allocMatrix(REALSXP, (int)rows, (int)starts));
  for (size_t i = 0; i < starts; i++) {
    const double *numbers = of(o, i);
    for (size_t k = 0; k < rows; k++) REAL(matrix)[i * rows + k] = numbers ? numbers[k] : NA_REAL;
  }
  UNPROTECT(1);
  return matrix;
}

/* `settings` and `names` are as for runs; `inits` NULL or a list with an entry per start. */
SEXP r_optimize(SEXP model, SEXP settings, SEXP names, SEXP inits) {
  static const char *const fields[] = {"failure", "starts", "messages", "modes", "best", "positions", "outputs", "names", "log"};
  enum { FAILURE, STARTS, MESSAGES, MODES, BEST, POSITIONS, OUTPUTS, NAMES, LOG, FIELDS };
  catena_error *error = NULL;
  shared_model *shared = model_of(model);
  SEXP token = PROTECT(R_MakeUnwindCont());
  SEXP handle = PROTECT(R_MakeExternalPtr(NULL, R_NilValue, token)), list = PROTECT(named_list(fields, FIELDS));
  R_RegisterCFinalizerEx(handle, finalize, TRUE);
  state *s = allocate(1, sizeof *s);
  R_SetExternalPtrAddr(handle, s);
  shared->references++;
  s->model = shared;
  if (!(s->log = log_new())) Rf_errorcall(R_NilValue, "out of memory");
  check(catena_options_new(&s->options, &error), &error);
  SEXP arguments = Rf_getAttrib(settings, R_NamesSymbol);
  for (int i = 0; i < LENGTH(settings); i++)
    set_option(s->options, Rf_translateCharUTF8(STRING_ELT(names, i)), CHAR(STRING_ELT(arguments, i)),
               VECTOR_ELT(settings, i));
  fill_inits(inits, &s->inits, &s->num_inits);

  watch w = {.closures = shared->closures};
  bridge_init(&w.bridge, R_NilValue, token);
  const catena_logger logger = log_table(s->log);
  const catena_interrupt interrupt = {.struct_size = sizeof interrupt, .user = &w, .requested = requested};
  const catena_io io = {.struct_size = sizeof io,
                        .inits = (const catena_init *const *)s->inits,
                        .num_inits = s->num_inits,
                        .logger = &logger,
                        .interrupt = &interrupt};
  SEXP before = PROTECT(generator());
  const catena_status status = catena_optimize(shared->model, s->options, &io, &s->result, &error);
  if (before != R_UnboundValue) Rf_defineVar(Rf_install(".Random.seed"), before, R_GlobalEnv);
  closures_rethrow(shared->closures, error);
  SET_VECTOR_ELT(list, FAILURE, bridge_finish(&w.bridge, before, status, error));

  const catena_optimum *o = s->result;
  if (o) {
    const size_t starts = catena_optimum_num_starts(o), outputs = catena_model_output_count(shared->model);
    SEXP messages, labels;
    SET_VECTOR_ELT(list, STARTS, starts_of(o));
    SET_VECTOR_ELT(list, MESSAGES, messages = Rf_allocVector(STRSXP, (R_xlen_t)starts));
    for (size_t i = 0; i < starts; i++)
      SET_STRING_ELT(messages, (R_xlen_t)i, utf8(catena_error_message(catena_optimum_start_error(o, i))));
    SET_VECTOR_ELT(list, MODES, modes_of(o));
    SET_VECTOR_ELT(list, BEST, Rf_ScalarReal((double)catena_optimum_best(o) + 1));
    SET_VECTOR_ELT(list, POSITIONS, numbers_of(o, catena_model_dimension(shared->model), catena_optimum_start_position));
    SET_VECTOR_ELT(list, OUTPUTS, numbers_of(o, outputs, catena_optimum_start_outputs));
    SET_VECTOR_ELT(list, NAMES, labels = Rf_allocVector(STRSXP, (R_xlen_t)outputs));
    for (size_t i = 0; i < outputs; i++)
      SET_STRING_ELT(labels, (R_xlen_t)i, utf8(catena_model_output_name(shared->model, i)));
  }
  SET_VECTOR_ELT(list, LOG, log_take(s->log));
  finalize(handle);
  UNPROTECT(4);
  return list;
}
