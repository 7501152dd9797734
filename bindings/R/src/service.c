/* Calls of services over many machines that are over when they return: sets of particles, starts of an optimiser, paths, fits.
 * What they use hangs on a handle, so that an R error leaves nothing behind. */
#include "catena_r.h"
#include <limits.h>
#include <stdlib.h>

void service_free(SEXP handle) {
  service_call *s = R_ExternalPtrAddr(handle);
  R_ClearExternalPtr(handle);
  if (!s) return;
  if (s->result) s->free_result(s->result);
  for (size_t i = 0; s->writers && i < s->num_writers; i++) catena_writer_free(s->writers[i]);
  for (size_t i = 0; s->inits && i < s->num_inits; i++) catena_init_free(s->inits[i]);
  catena_options_free(s->options);
  log_free(s->log);
  model_unref(s->model);
  free(s->writers);
  free(s->inits);
  free(s);
}

void *allocate(size_t count, size_t size) {
  void *memory = calloc(count ? count : 1, size);
  if (!memory) Rf_errorcall(R_NilValue, "out of memory");
  return memory;
}

/* Makes an init of each entry of a list (NULL, values by name, a position). */
static void fill_inits(service_call *s, SEXP inits) {
  const size_t places = (size_t)Rf_length(inits);
  s->inits = allocate(places, sizeof *s->inits);
  s->num_inits = places;
  for (size_t i = 0; i < places; i++) {
    SEXP given = VECTOR_ELT(inits, (R_xlen_t)i);
    catena_error *error = NULL;
    const init_values *values;
    if (TYPEOF(given) == VECSXP)
      check(list_init_new(given, &s->inits[i], &values, &error), &error);
    else if (TYPEOF(given) == REALSXP)
      check(catena_init_position_new(REAL(given), (size_t)XLENGTH(given), &s->inits[i], &error), &error);
  }
}

SEXP service_new(SEXP model, SEXP settings, SEXP names, SEXP inits, void (*free_result)(void *), service_call **out) {
  catena_error *error = NULL;
  shared_model *shared = model_of(model);
  SEXP token = PROTECT(R_MakeUnwindCont());
  SEXP handle = PROTECT(R_MakeExternalPtr(NULL, R_NilValue, token));
  R_RegisterCFinalizerEx(handle, service_free, TRUE);
  service_call *s = allocate(1, sizeof *s);
  R_SetExternalPtrAddr(handle, s);
  s->free_result = free_result;
  shared->references++;
  s->model = shared;
  bridge_init(&s->bridge, R_NilValue, token);
  if (!(s->log = log_new())) Rf_errorcall(R_NilValue, "out of memory");
  check(catena_options_new(&s->options, &error), &error);
  set_options(s->options, settings, names, &s->ranks);
  fill_inits(s, inits);
  *out = s;
  UNPROTECT(2);
  return handle;
}

size_t service_whole(const service_call *s, const char *name) {
  catena_error *error = NULL;
  uint64_t value = 0;
  check(catena_options_get_integer(s->options, name, &value, &error), &error);
  if (value > INT_MAX) Rf_errorcall(R_NilValue, "R arrays have at most %d draws, sets, fits or variables", INT_MAX);
  return (size_t)value;
}

SEXP service_columns(const service_call *s, size_t (*count)(const catena_model *),
                     const char *(*name)(const catena_model *, size_t)) {
  const size_t columns = count(s->model->model);
  SEXP names = PROTECT(Rf_allocVector(STRSXP, (R_xlen_t)columns));
  for (size_t i = 0; i < columns; i++) SET_STRING_ELT(names, (R_xlen_t)i, utf8(name(s->model->model, i)));
  UNPROTECT(1);
  return names;
}

SEXP service_draws(service_call *s, size_t rows, size_t writers, size_t columns) {
  catena_error *error = NULL;
  if (rows > INT_MAX) Rf_errorcall(R_NilValue, "R arrays have at most %d draws, sets, fits or variables", INT_MAX);
  SEXP draws = PROTECT(Rf_alloc3DArray(REALSXP, (int)rows, (int)writers, (int)columns));
  const size_t size = (size_t)XLENGTH(draws);
  for (size_t i = 0; i < size; i++) REAL(draws)[i] = NA_REAL;
  s->writers = allocate(writers, sizeof *s->writers);
  s->num_writers = writers;
  check(catena_writers_memory_new(REAL(draws), size, writers, rows, columns, CATENA_LAYOUT_COLUMNS, s->writers, &error),
        &error);
  UNPROTECT(1);
  return draws;
}

static int requested(void *user) {
  service_call *s = user;
  return closures_pending(s->model->closures) || bridge_interrupted(&s->bridge);
}

catena_interrupt service_interrupt(service_call *s) {
  return (catena_interrupt){.struct_size = sizeof(catena_interrupt), .user = s, .requested = requested};
}

catena_io service_io(const service_call *s, const catena_logger *logger, const catena_interrupt *interrupt) {
  return (catena_io){.struct_size = sizeof(catena_io),
                     .inits = (const catena_init *const *)s->inits,
                     .num_inits = s->num_inits,
                     .sample_writers = s->writers,
                     .num_sample_writers = s->num_writers,
                     .logger = logger,
                     .interrupt = interrupt,
                     .communicator = s->ranks};
}

SEXP service_finish(service_call *s, SEXP before, catena_status status, catena_error *error) {
  if (before != R_UnboundValue) Rf_defineVar(Rf_install(".Random.seed"), before, R_GlobalEnv);
  closures_rethrow(s->model->closures, error);
  return bridge_finish(&s->bridge, before, status, error);
}

SEXP service_matrix(const void *result, size_t rows, size_t columns, const double *(*of)(const void *, size_t)) {
  SEXP matrix = PROTECT(Rf_allocMatrix(REALSXP, (int)rows, (int)columns));
  for (size_t i = 0; i < columns; i++) {
    const double *numbers = of(result, i);
    for (size_t k = 0; k < rows; k++) REAL(matrix)[i * rows + k] = numbers ? numbers[k] : NA_REAL;
  }
  UNPROTECT(1);
  return matrix;
}

SEXP service_table(const char *const *fields, int count, size_t rows, void (*fill)(const void *, size_t, double *),
                   const void *result) {
  SEXP list = PROTECT(named_list(fields, count));
  double *row = (double *)R_alloc((size_t)count, sizeof *row);
  for (int k = 0; k < count; k++) SET_VECTOR_ELT(list, k, Rf_allocVector(REALSXP, (R_xlen_t)rows));
  for (size_t i = 0; i < rows; i++) {
    fill(result, i, row);
    for (int k = 0; k < count; k++) REAL(VECTOR_ELT(list, k))[i] = row[k];
  }
  UNPROTECT(1);
  return list;
}

SEXP service_messages(const void *result, size_t count, const catena_error *(*of)(const void *, size_t)) {
  SEXP messages = PROTECT(Rf_allocVector(STRSXP, (R_xlen_t)count));
  for (size_t i = 0; i < count; i++) SET_STRING_ELT(messages, (R_xlen_t)i, utf8(catena_error_message(of(result, i))));
  UNPROTECT(1);
  return messages;
}
