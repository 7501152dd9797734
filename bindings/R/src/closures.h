/* What the files about models of R functions share. */
#ifndef CLOSURES_H
#define CLOSURES_H

#include "catena_r.h"

/* The calls of a model, in the order that R code has them. */
enum { EVALUATE, DENSITY, GRADIENT, CONSTRAIN, PARTS, PRIOR, DATA, CALLS };

struct closures {
  SEXP calls[CALLS];
  SEXP environment;
  /* Where R_UnwindProtect keeps a jump to go on with. */
  SEXP token;
  int dimension, outputs, vectorized;
  int pending, stopped;
};

/* One evaluation of `n` points; the pointers not asked for are NULL. */
typedef struct {
  closures *c;
  int n;
  const double *positions;
  double *values, *gradients, *outputs;
  /* For what draws random numbers. */
  catena_task *task;
} request;

/* Calls `body(r)`, which may raise R errors. Returns 0, or -1 when one was raised or nothing may be called. */
int closures_call(request *r, SEXP (*body)(void *));
/* A call's value at the request's points: a vector of a position, or a matrix of n rows for a vectorized function. */
SEXP closures_value(const request *r, int which);
/* `value` as `length` doubles. */
SEXP closures_numbers(SEXP value, const char *what, R_xlen_t length);
/* Element `name` of a list, or its element at `place` when it has no names. */
SEXP closures_element(SEXP list, const char *name, int place);
/* Gradients of the request's points as R has them, in the library's order. */
void closures_gradients(const request *r, SEXP value, const char *what, double *gradients);
/* Adds the functions for prior, likelihood and data, as far as there are calls. */
void closures_parts(const closures *c, catena_density *density);

#endif
