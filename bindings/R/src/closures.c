/* Models made of R functions.
 *
 * The library calls these only on R's thread (CATENA_THREADS_CALLER). An R error or interrupt leaves R code by longjmp,
 * which must not cross the library's frames: R_UnwindProtect stops it here, the evaluation tells the library to stop, and
 * closures_rethrow goes on with the very same jump once the library has returned, so that R's handlers see the original
 * condition. */
#include "closures.h"
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  jmp_buf place;
} landing;

static void land(void *data, Rboolean jump) {
  if (jump) longjmp(((landing *)data)->place, 1);
}

int closures_call(request *r, SEXP (*body)(void *)) {
  landing here;
  if (r->c->stopped) return -1;
  if (setjmp(here.place)) {
    r->c->pending = r->c->stopped = 1;
    return -1;
  }
  R_UnwindProtect(body, r, land, &here, r->c->token);
  return 0;
}

void closures_stop(closures *c, int stop) {
  if (c) c->stopped = stop;
}

int closures_pending(const closures *c) { return c && c->pending; }

void closures_rethrow(closures *c, catena_error *error) {
  if (!c || !c->pending) return;
  c->pending = c->stopped = 0;
  catena_error_free(error);
  R_ContinueUnwind(c->token);
}

/* Between the library's n x d matrix, row by row, and R's, column by column. */
static void to_columns(const double *rows, double *columns, size_t n, size_t d) {
  if (n == 1 || d == 1) {
    memcpy(columns, rows, n * d * sizeof *rows);
    return;
  }
  for (size_t j = 0; j < d; j++)
    for (size_t i = 0; i < n; i++) columns[i + j * n] = rows[i * d + j];
}

SEXP closures_value(const request *r, int which) {
  static SEXP x_symbol = NULL;
  const int n = r->n, d = r->c->dimension;
  SEXP x = PROTECT(Rf_allocVector(REALSXP, (R_xlen_t)n * d));
  if (!x_symbol) x_symbol = Rf_install("x");
  to_columns(r->positions, REAL(x), (size_t)n, (size_t)d);
  if (r->c->vectorized && which != CONSTRAIN && which != DATA) {
    SEXP dim = Rf_allocVector(INTSXP, 2);
    INTEGER(dim)[0] = n;
    INTEGER(dim)[1] = d;
    Rf_setAttrib(x, R_DimSymbol, dim);
  }
  Rf_defineVar(x_symbol, x, r->c->environment);
  SEXP value = Rf_eval(r->c->calls[which], r->c->environment);
  UNPROTECT(1);
  return value;
}

SEXP closures_numbers(SEXP value, const char *what, R_xlen_t length) {
  if (TYPEOF(value) != REALSXP && TYPEOF(value) != INTSXP && TYPEOF(value) != LGLSXP)
    Rf_errorcall(R_NilValue, "%s: expected %lld numbers, got an object of type '%s'", what, (long long)length,
                 Rf_type2char(TYPEOF(value)));
  if (XLENGTH(value) != length)
    Rf_errorcall(R_NilValue, "%s: expected %lld number%s, got %lld", what, (long long)length, length == 1 ? "" : "s",
                 (long long)XLENGTH(value));
  return Rf_coerceVector(value, REALSXP);
}

SEXP closures_element(SEXP list, const char *name, int place) {
  SEXP names = Rf_getAttrib(list, R_NamesSymbol);
  if (Rf_isNull(names)) return place < LENGTH(list) ? VECTOR_ELT(list, place) : R_NilValue;
  for (int i = 0; i < LENGTH(list); i++)
    if (!strcmp(CHAR(STRING_ELT(names, i)), name)) return VECTOR_ELT(list, i);
  return R_NilValue;
}

static void take_values(const request *r, SEXP value) {
  memcpy(r->values, REAL(PROTECT(closures_numbers(value, "the log density", r->n))), (size_t)r->n * sizeof(double));
  UNPROTECT(1);
}

static int all_refused(const request *r) {
  for (int i = 0; i < r->n; i++)
    if (R_FINITE(r->values[i])) return 0;
  return 1;
}

void closures_gradients(const request *r, SEXP value, const char *what, double *gradients) {
  const int n = r->n, d = r->c->dimension;
  SEXP given = PROTECT(closures_numbers(value, what, (R_xlen_t)n * d));
  /* The way back is the same with the sizes exchanged. */
  to_columns(REAL(given), gradients, (size_t)d, (size_t)n);
  UNPROTECT(1);
}

static SEXP evaluate_body(void *data) {
  request *r = data;
  const int apart = Rf_isNull(r->c->calls[EVALUATE]);
  SEXP value = PROTECT(closures_value(r, apart ? DENSITY : EVALUATE)), density = value, gradient = R_NilValue;
  if (!apart && TYPEOF(value) == VECSXP) {
    density = closures_element(value, "log_density", 0);
    gradient = closures_element(value, "gradient", 1);
  } else if (!apart) {
    /* As nlm() and deriv() have it. */
    gradient = Rf_getAttrib(value, Rf_install("gradient"));
  }
  PROTECT(gradient);
  if (Rf_isNull(density)) Rf_errorcall(R_NilValue, "expected a list of log_density and gradient, found no log_density in it");
  take_values(r, density);
  /* A point outside the support needs no gradient. */
  if (r->gradients && !all_refused(r)) {
    if (apart) gradient = closures_value(r, GRADIENT);
    PROTECT(gradient);
    if (Rf_isNull(gradient)) Rf_errorcall(R_NilValue, "expected a list of log_density and gradient, found no gradient in it");
    closures_gradients(r, gradient, "the gradient", r->gradients);
    UNPROTECT(1);
  }
  UNPROTECT(2);
  return R_NilValue;
}

static SEXP constrain_body(void *data) {
  request *r = data;
  seed_generator(r->task);
  SEXP value = PROTECT(closures_value(r, CONSTRAIN));
  SEXP given = PROTECT(closures_numbers(value, "the value of constrain", r->c->outputs));
  memcpy(r->outputs, REAL(given), (size_t)r->c->outputs * sizeof(double));
  UNPROTECT(2);
  return R_NilValue;
}

/* 0 or a refusal with its reason. */
static int judged(catena_task *task, double value) {
  if (R_FINITE(value)) return 0;
  catena_task_message(task, ISNAN(value) ? "the log density is not a number" : "the log density is infinite");
  return 1;
}

static int evaluate(void *user, void *worker, catena_task *task, const double *position, double *value, double *gradient) {
  request r = {user, 1, position, value, gradient, NULL};
  (void)worker;
  return closures_call(&r, evaluate_body) ? -1 : judged(task, *value);
}

static int evaluate_density(void *user, void *worker, catena_task *task, const double *position, double *value) {
  return evaluate(user, worker, task, position, value, NULL);
}

static int evaluate_batch(void *user, void *worker, catena_task *task, size_t n, const double *positions, double *values,
                          double *gradients, int *codes) {
  request r = {user, (int)n, positions, values, gradients, NULL};
  (void)worker;
  if (closures_call(&r, evaluate_body)) return -1;
  for (size_t i = 0; i < n; i++) codes[i] = judged(task, values[i]);
  return 0;
}

static int constrain(void *user, void *worker, catena_task *task, const double *position, double *outputs) {
  request r = {user, 1, position, NULL, NULL, outputs, task};
  (void)worker;
  /* What it draws follows the run's seed; R's own generator is as it was. */
  SEXP before = PROTECT(generator());
  const int code = closures_call(&r, constrain_body);
  if (before != R_UnboundValue) Rf_defineVar(Rf_install(".Random.seed"), before, R_GlobalEnv);
  UNPROTECT(1);
  return code;
}

closures *closures_new(SEXP calls, SEXP environment, SEXP token, int vectorized, catena_density *density) {
  closures *c = calloc(1, sizeof *c);
  if (!c) return NULL;
  for (int i = 0; i < CALLS; i++) c->calls[i] = VECTOR_ELT(calls, i);
  c->environment = environment;
  c->token = token;
  c->vectorized = vectorized;
  c->dimension = (int)density->dimension;
  c->outputs = (int)density->output_count;
  density->user = c;
  density->release = free;
  /* Without coordinates there is nothing to ask them. */
  if (c->dimension) {
    density->log_density_gradient = evaluate;
    if (!Rf_isNull(c->calls[DENSITY])) density->log_density = evaluate_density;
    if (vectorized) density->log_density_gradient_batch = evaluate_batch;
  }
  if (!Rf_isNull(c->calls[CONSTRAIN])) density->constrain = constrain;
  closures_parts(c, density);
  density->threading = CATENA_THREADS_CALLER;
  return c;
}
