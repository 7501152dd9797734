/* R functions that tell prior and likelihood apart. As in closures.c they are called on R's thread alone. */
#include "closures.h"
#include <string.h>

/* Beside the log priors (`values`, with `gradients`) the log likelihoods. */
typedef struct {
  request base;
  catena_task *task;
  double *likelihoods, *likelihood_gradients;
  size_t count;
} parts_request;

/* Element `name` of the value, at `place` where it has no names. */
static SEXP part(SEXP value, const char *name, int place) {
  if (TYPEOF(value) != VECSXP) Rf_errorcall(R_NilValue, "expected a list with %s, got an object of type '%s'", name,
                                            Rf_type2char(TYPEOF(value)));
  return closures_element(value, name, place);
}

static void take_numbers(const request *r, SEXP value, const char *name, int place, double *to) {
  SEXP given = part(value, name, place);
  if (Rf_isNull(given)) Rf_errorcall(R_NilValue, "found no %s in the list", name);
  memcpy(to, REAL(PROTECT(closures_numbers(given, name, r->n))), (size_t)r->n * sizeof *to);
  UNPROTECT(1);
}

/* A point without likelihood needs no gradient. */
static void take_gradients(const parts_request *p, SEXP value, const char *name, int place, double *to) {
  const request *r = &p->base;
  int wanted = 0;
  if (!to) return;
  SEXP given = part(value, name, place);
  for (int i = 0; i < r->n; i++) wanted |= R_FINITE(r->values[i]) && R_FINITE(p->likelihoods[i]);
  if (!Rf_isNull(given)) {
    closures_gradients(r, given, name, to);
    return;
  }
  if (wanted) Rf_errorcall(R_NilValue, "found no %s in the list", name);
  memset(to, 0, (size_t)r->n * (size_t)r->c->dimension * sizeof *to);
}

static SEXP parts_body(void *data) {
  parts_request *p = data;
  request *r = &p->base;
  SEXP value = PROTECT(closures_value(r, PARTS));
  take_numbers(r, value, "log_prior", 0, r->values);
  take_numbers(r, value, "log_likelihood", 1, p->likelihoods);
  take_gradients(p, value, "prior_gradient", 2, r->gradients);
  take_gradients(p, value, "likelihood_gradient", 3, p->likelihood_gradients);
  UNPROTECT(1);
  return R_NilValue;
}

static SEXP data_body(void *data) {
  parts_request *p = data;
  request *r = &p->base;
  SEXP count = PROTECT(Rf_ScalarReal((double)p->count));
  Rf_defineVar(Rf_install("count"), count, r->c->environment);
  SEXP value = PROTECT(closures_value(r, DATA));
  take_numbers(r, value, "log_density", 0, r->values);
  take_numbers(r, value, "log_likelihood", 1, p->likelihoods);
  take_gradients(p, value, "gradient", 2, r->gradients);
  take_gradients(p, value, "likelihood_gradient", 3, p->likelihood_gradients);
  UNPROTECT(2);
  return R_NilValue;
}

/* The position goes to `values`. R's generator is put back by whoever called the library. */
static SEXP prior_body(void *data) {
  parts_request *p = data;
  const closures *c = p->base.c;
  seed_generator(p->task);
  SEXP value = PROTECT(Rf_eval(c->calls[PRIOR], c->environment));
  SEXP given = PROTECT(closures_numbers(value, "the value of sample_prior", c->dimension));
  memcpy(p->base.values, REAL(given), (size_t)c->dimension * sizeof(double));
  UNPROTECT(2);
  return R_NilValue;
}

static int parts(void *user, void *worker, catena_task *task, const double *position, double *log_prior,
                 double *log_likelihood, double *prior_gradient, double *likelihood_gradient) {
  parts_request p = {{user, 1, position, log_prior, prior_gradient, NULL}, task, log_likelihood, likelihood_gradient, 0};
  (void)worker;
  return closures_call(&p.base, parts_body);
}

static int parts_batch(void *user, void *worker, catena_task *task, size_t n, const double *positions, double *log_priors,
                       double *log_likelihoods, double *prior_gradients, double *likelihood_gradients, int *codes) {
  parts_request p = {{user, (int)n, positions, log_priors, prior_gradients, NULL}, task, log_likelihoods,
                     likelihood_gradients, 0};
  (void)worker;
  memset(codes, 0, n * sizeof *codes);
  return closures_call(&p.base, parts_body);
}

static int prior(void *user, void *worker, catena_task *task, double *position) {
  parts_request p = {{user, 1, NULL, position, NULL, NULL}, task, NULL, NULL, 0};
  (void)worker;
  return closures_call(&p.base, prior_body);
}

static int data(void *user, void *worker, catena_task *task, const double *position, size_t count, double *log_density,
                double *log_likelihood, double *gradient, double *likelihood_gradient) {
  parts_request p = {{user, 1, position, log_density, gradient, NULL}, task, log_likelihood, likelihood_gradient, count};
  (void)worker;
  return closures_call(&p.base, data_body);
}

void closures_parts(const closures *c, catena_density *density) {
  if (!Rf_isNull(c->calls[PARTS])) {
    density->log_density_parts = parts;
    if (c->vectorized) density->log_density_parts_batch = parts_batch;
  }
  if (!Rf_isNull(c->calls[PRIOR])) density->sample_prior = prior;
  if (!Rf_isNull(c->calls[DATA])) density->log_density_data = data;
}
