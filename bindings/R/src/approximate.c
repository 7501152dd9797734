/* Draws from approximations: Pathfinder, variational inference, normal distributions at modes, with their rows in R's
 * memory. */
#include "catena_r.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  shared_model *model;
  catena_options *options;
  catena_init **inits;
  size_t num_inits;
  catena_writer **writers;
  size_t num_writers;
  catena_approximation *result;
  log_queue *log;
} state;

static void finalize(SEXP handle) {
  state *s = R_ExternalPtrAddr(handle);
  R_ClearExternalPtr(handle);
  if (!s) return;
  catena_approximation_free(s->result);
  for (size_t i = 0; s->writers && i < s->num_writers; i++) catena_writer_free(s->writers[i]);
  for (size_t i = 0; s->inits && i < s->num_inits; i++) catena_init_free(s->inits[i]);
  catena_options_free(s->options);
  log_free(s->log);
  model_unref(s->model);
  free(s->writers);
  free(s->inits);
  free(s);
}

/* A service: its call, its columns. */
typedef struct {
  catena_status (*call)(const catena_model *, const catena_options *, const catena_io *, catena_approximation **, catena_error **);
  size_t (*columns)(const catena_model *);
  const char *(*column)(const catena_model *, size_t);
} service;

enum { VARIATIONAL, PATHFINDER, LAPLACE };
static const service services[] = {
    {catena_variational, catena_variational_column_count, catena_variational_column},
    {catena_pathfinder, catena_pathfinder_column_count, catena_pathfinder_column},
    {catena_laplace, catena_laplace_column_count, catena_laplace_column},
};

typedef struct {
  bridge bridge;
  const closures *closures;
} watch;

static int requested(void *user) {
  watch *w = user;
  return closures_pending(w->closures) || bridge_interrupted(&w->bridge);
}

static size_t whole(const catena_options *options, const char *name) {
  catena_error *error = NULL;
  uint64_t value = 0;
  check(catena_options_get_integer(options, name, &value, &error), &error);
  if (value > INT_MAX) Rf_errorcall(R_NilValue, "R arrays have at most %d draws, fits or variables", INT_MAX);
  return (size_t)value;
}

void *allocate(size_t count, size_t size) {
  void *memory = calloc(count ? count : 1, size);
  if (!memory) Rf_errorcall(R_NilValue, "out of memory");
  return memory;
}

void fill_inits(SEXP inits, catena_init ***list, size_t *count) {
  const size_t places = (size_t)Rf_length(inits);
  *list = allocate(places, sizeof **list);
  *count = places;
  for (size_t i = 0; i < places; i++) {
    SEXP given = VECTOR_ELT(inits, (R_xlen_t)i);
    catena_error *error = NULL;
    const init_values *values;
    if (TYPEOF(given) == VECSXP)
      check(list_init_new(given, &(*list)[i], &values, &error), &error);
    else if (TYPEOF(given) == REALSXP)
      check(catena_init_position_new(REAL(given), (size_t)XLENGTH(given), &(*list)[i], &error), &error);
  }
}

static SEXP fits_of(const catena_approximation *r) {
  static const char *const fields[] = {"id", "iterations", "converged", "elbo", "khat", "dropped", "gradients", "densities", "draws",
                                       "seconds"};
  enum { FIELDS = sizeof fields / sizeof *fields };
  const size_t fits = catena_approximation_num_fits(r);
  SEXP list = PROTECT(named_list(fields, FIELDS));
  for (int k = 0; k < FIELDS; k++) SET_VECTOR_ELT(list, k, Rf_allocVector(REALSXP, (R_xlen_t)fits));
  for (size_t i = 0; i < fits; i++) {
    const double row[FIELDS] = {(double)catena_approximation_fit_id(r, i),
                                (double)catena_approximation_fit_iterations(r, i),
                                (double)catena_approximation_fit_converged(r, i),
                                catena_approximation_fit_elbo(r, i),
                                catena_approximation_fit_khat(r, i),
                                (double)catena_approximation_fit_dropped(r, i),
                                (double)catena_approximation_fit_gradients(r, i),
                                (double)catena_approximation_fit_densities(r, i),
                                (double)catena_approximation_fit_draws(r, i),
                                catena_approximation_fit_seconds(r, i)};
    for (int k = 0; k < FIELDS; k++) REAL(VECTOR_ELT(list, k))[i] = row[k];
  }
  UNPROTECT(1);
  return list;
}

/* A matrix of `rows` numbers of each fit, NA where there are none. */
static SEXP moments(const catena_approximation *r, size_t rows,
                    const double *(*of)(const catena_approximation *, size_t)) {
  const size_t fits = catena_approximation_num_fits(r);
  SEXP matrix = PROTECT(Rf_allocMatrix(REALSXP, (int)rows, (int)fits));
  for (size_t i = 0; i < fits; i++) {
    const double *numbers = of(r, i);
    for (size_t k = 0; k < rows; k++) REAL(matrix)[i * rows + k] = numbers ? numbers[k] : NA_REAL;
  }
  UNPROTECT(1);
  return matrix;
}

/* `settings` and `names` are as for runs; `inits` NULL or a list with an entry per path, fit or id; `number`: of the
 * service. */
SEXP r_approximate(SEXP model, SEXP number, SEXP settings, SEXP names, SEXP inits) {
  static const char *const fields[] = {"failure", "columns", "draws", "fits", "messages", "mean", "sd", "positions", "khat",
                                       "pool", "rows", "log"};
  enum { FAILURE, COLUMNS, DRAWS, FITS, MESSAGES, MEAN, SD, POSITIONS, KHAT, POOL, ROWS, LOG, FIELDS };
  catena_error *error = NULL;
  const int which = Rf_asInteger(number);
  const service *const of = &services[which];
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

  size_t rows;
  const size_t columns = of->columns(shared->model);
  if (which == PATHFINDER) {
    const size_t count = whole(s->options, "num_paths");
    const int weighs = count > 1 && whole(s->options, "psis_resample") && whole(s->options, "calculate_lp");
    rows = weighs ? whole(s->options, "num_psis_draws") : count * whole(s->options, "num_draws");
    s->num_writers = 1;
  } else {
    rows = which == LAPLACE ? whole(s->options, "laplace_draws") : whole(s->options, "output_draws") + 1;
    s->num_writers = whole(s->options, "num_chains");
  }
  if (rows > INT_MAX) Rf_errorcall(R_NilValue, "R arrays have at most %d draws, fits or variables", INT_MAX);
  SEXP titles = Rf_allocVector(STRSXP, (R_xlen_t)columns);
  SET_VECTOR_ELT(list, COLUMNS, titles);
  for (size_t i = 0; i < columns; i++)
    SET_STRING_ELT(titles, (R_xlen_t)i, utf8(of->column(shared->model, i)));
  SEXP draws = Rf_alloc3DArray(REALSXP, (int)rows, (int)s->num_writers, (int)columns);
  SET_VECTOR_ELT(list, DRAWS, draws);
  const size_t size = (size_t)XLENGTH(draws);
  for (size_t i = 0; i < size; i++) REAL(draws)[i] = NA_REAL;
  s->writers = allocate(s->num_writers, sizeof *s->writers);
  check(catena_writers_memory_new(REAL(draws), size, s->num_writers, rows, columns, CATENA_LAYOUT_COLUMNS, s->writers, &error),
        &error);

  watch w = {.closures = shared->closures};
  bridge_init(&w.bridge, R_NilValue, token);
  const catena_logger logger = log_table(s->log);
  const catena_interrupt interrupt = {.struct_size = sizeof interrupt, .user = &w, .requested = requested};
  const catena_io io = {.struct_size = sizeof io,
                        .inits = (const catena_init *const *)s->inits,
                        .num_inits = s->num_inits,
                        .sample_writers = s->writers,
                        .num_sample_writers = s->num_writers,
                        .logger = &logger,
                        .interrupt = &interrupt};
  SEXP before = PROTECT(generator());
  const catena_status status = of->call(shared->model, s->options, &io, &s->result, &error);
  if (before != R_UnboundValue) Rf_defineVar(Rf_install(".Random.seed"), before, R_GlobalEnv);
  closures_rethrow(shared->closures, error);
  SET_VECTOR_ELT(list, FAILURE, bridge_finish(&w.bridge, before, status, error));

  const catena_approximation *r = s->result;
  if (r) {
    const size_t fits = catena_approximation_num_fits(r), dimension = catena_model_dimension(shared->model);
    SEXP messages;
    SET_VECTOR_ELT(list, FITS, fits_of(r));
    SET_VECTOR_ELT(list, MESSAGES, messages = Rf_allocVector(STRSXP, (R_xlen_t)fits));
    for (size_t i = 0; i < fits; i++)
      SET_STRING_ELT(messages, (R_xlen_t)i, utf8(catena_error_message(catena_approximation_fit_error(r, i))));
    SET_VECTOR_ELT(list, MEAN, moments(r, dimension, catena_approximation_fit_mean));
    SET_VECTOR_ELT(list, SD, moments(r, dimension, catena_approximation_fit_sd));
    const double *positions = catena_approximation_positions(r);
    if (positions) {
      SEXP matrix = Rf_allocMatrix(REALSXP, (int)dimension, (int)catena_approximation_rows(r));
      SET_VECTOR_ELT(list, POSITIONS, matrix);
      memcpy(REAL(matrix), positions, (size_t)XLENGTH(matrix) * sizeof *positions);
    }
    SET_VECTOR_ELT(list, KHAT, Rf_ScalarReal(catena_approximation_khat(r)));
    SET_VECTOR_ELT(list, POOL, Rf_ScalarReal((double)catena_approximation_pool(r)));
    SET_VECTOR_ELT(list, ROWS, Rf_ScalarReal((double)catena_approximation_rows(r)));
  }
  SET_VECTOR_ELT(list, LOG, log_take(s->log));
  finalize(handle);
  UNPROTECT(4);
  return list;
}
