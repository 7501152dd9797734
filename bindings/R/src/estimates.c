/* What an updater holds and estimates, and functions beside it. Nothing here calls back. */
#include "updater.h"
#include <string.h>

static SEXP numbers_of(size_t size) { return Rf_allocVector(REALSXP, (R_xlen_t)size); }

static SEXP flags_of(const uint8_t *bytes, size_t size) {
  SEXP flags = Rf_allocVector(LGLSXP, (R_xlen_t)size);
  for (size_t i = 0; i < size; i++) LOGICAL(flags)[i] = bytes[i] != 0;
  return flags;
}

static SEXP square(size_t d) { return Rf_allocMatrix(REALSXP, (int)d, (int)d); }

/* A data frame's columns, a row for each set. */
static SEXP sets(const catena_updater *up) {
  static const char *const fields[] = {"set", "models", "ess", "least_ess", "resamples", "lost", "stuck", "entropy",
                                       "log_likelihood"};
  enum { COLUMNS = sizeof fields / sizeof *fields };
  const size_t count = catena_updater_num_sets(up);
  SEXP value = PROTECT(named_list(fields, COLUMNS));
  for (int k = 0; k < COLUMNS; k++) SET_VECTOR_ELT(value, k, numbers_of(count));
  for (size_t i = 0; i < count; i++) {
    const uint64_t id = catena_updater_set_id(up, i);
    const double row[COLUMNS] = {(double)id,
                                 (double)catena_updater_set_size(up, id),
                                 catena_updater_ess(up, id),
                                 catena_updater_least_ess(up, id),
                                 (double)catena_updater_resamples(up, id),
                                 (double)catena_updater_lost(up, id),
                                 (double)catena_updater_stuck(up, id),
                                 catena_updater_entropy(up, id),
                                 catena_updater_log_likelihood(up, id)};
    for (int k = 0; k < COLUMNS; k++) REAL(VECTOR_ELT(value, k))[i] = row[k];
  }
  UNPROTECT(1);
  return value;
}

/* A row of outcome and experiment for each datum. */
static SEXP records(const likelihood *h, const catena_updater *up) {
  catena_error *error = NULL;
  const size_t count = catena_updater_num_records(up);
  double *outcome = (double *)R_alloc(h->width + 1, sizeof *outcome), *experiment = (double *)R_alloc(h->fields + 1, sizeof *outcome);
  SEXP value = PROTECT(Rf_allocMatrix(REALSXP, (int)count, (int)(h->width + h->fields)));
  for (size_t i = 0; i < count; i++) {
    check(catena_updater_record(up, i, outcome, experiment, &error), &error);
    for (size_t k = 0; k < h->width; k++) REAL(value)[k * count + i] = outcome[k];
    for (size_t f = 0; f < h->fields; f++) REAL(value)[(h->width + f) * count + i] = experiment[f];
  }
  UNPROTECT(1);
  return value;
}

/* The corners of a hull, one per row. */
static SEXP corners(const catena_updater *up, size_t d, uint64_t set, double level) {
  catena_error *error = NULL;
  size_t count = 0;
  check(catena_updater_hull(up, set, level, NULL, 0, &count, &error), &error);
  double *rows = (double *)R_alloc(count * d + 1, sizeof *rows);
  check(catena_updater_hull(up, set, level, rows, count, &count, &error), &error);
  SEXP value = Rf_allocMatrix(REALSXP, (int)count, (int)d);
  for (size_t i = 0; i < count * d; i++) REAL(value)[i % d * count + i / d] = rows[i];
  return value;
}

static SEXP saved(const catena_updater *up) {
  catena_error *error = NULL;
  catena_checkpoint *checkpoint = NULL;
  size_t size = 0;
  check(catena_updater_save(up, &checkpoint, &error), &error);
  const uint8_t *bytes = catena_checkpoint_bytes(checkpoint, &size);
  /* Freed by R, should the next allocation fail. */
  uint8_t *copy = memcpy(R_alloc(size + 1, 1), bytes, size);
  catena_checkpoint_free(checkpoint);
  SEXP value = Rf_allocVector(RAWSXP, (R_xlen_t)size);
  memcpy(RAW(value), copy, size);
  return value;
}

/* By name; `arguments` is a list of numeric vectors (doubles), the first of them the id of a set where there is one. */
SEXP r_updater_read(SEXP handle, SEXP what, SEXP arguments) {
  updater *u = updater_of(handle);
  const catena_updater *up = u->updater;
  const likelihood *h = &u->likelihood;
  const size_t d = h->dimension;
  const char *name = CHAR(STRING_ELT(what, 0));
  catena_error *error = NULL;
  const double *a[4] = {NULL};
  R_xlen_t length[4] = {0};
  for (int i = 0; i < LENGTH(arguments) && i < 4; i++) {
    a[i] = REAL(VECTOR_ELT(arguments, i));
    length[i] = XLENGTH(VECTOR_ELT(arguments, i));
  }
  const uint64_t set = length[0] ? (uint64_t)a[0][0] : 0;
  const size_t models = catena_updater_set_size(up, set);
  SEXP value = R_NilValue;
  if (!strcmp(name, "sets")) {
    value = PROTECT(sets(up));
  } else if (!strcmp(name, "records")) {
    value = PROTECT(records(h, up));
  } else if (!strcmp(name, "models")) {
    value = PROTECT(Rf_allocMatrix(REALSXP, (int)models, (int)d));
    check(catena_updater_models(up, set, REAL(value), models * d, &error), &error);
  } else if (!strcmp(name, "weights") || !strcmp(name, "log_weights")) {
    value = PROTECT(numbers_of(models));
    check((*name == 'w' ? catena_updater_weights : catena_updater_log_weights)(up, set, REAL(value), models, &error), &error);
  } else if (!strcmp(name, "divergences")) {
    value = PROTECT(numbers_of(catena_updater_resamples(up, set)));
    check(catena_updater_divergences(up, set, REAL(value), (size_t)XLENGTH(value), &error), &error);
  } else if (!strcmp(name, "log_normalizations")) {
    value = PROTECT(numbers_of(catena_updater_num_records(up)));
    check(catena_updater_log_normalizations(up, set, REAL(value), (size_t)XLENGTH(value), &error), &error);
  } else if (!strcmp(name, "log_likelihood")) {
    value = PROTECT(numbers_of(2));
    REAL(value)[0] = catena_updater_pooled_log_likelihood(up, REAL(value) + 1);
  } else if (!strcmp(name, "means")) {
    value = PROTECT(Rf_allocMatrix(REALSXP, (int)d, 2));
    check(catena_updater_means(up, REAL(value), REAL(value) + d, d, &error), &error);
  } else if (!strcmp(name, "covariance")) {
    value = PROTECT(square(d));
    check(catena_updater_covariance(up, REAL(value), d * d, &error), &error);
  } else if (!strcmp(name, "set_mean")) {
    value = PROTECT(numbers_of(d));
    check(catena_updater_set_mean(up, set, REAL(value), d, &error), &error);
  } else if (!strcmp(name, "set_covariance")) {
    value = PROTECT(square(d));
    check(catena_updater_set_covariance(up, set, REAL(value), d * d, &error), &error);
  } else if (!strcmp(name, "histogram")) {
    const size_t bins = length[2] ? (size_t)length[2] - 1 : 0;
    value = PROTECT(numbers_of(bins));
    check(catena_updater_histogram(up, set, (size_t)a[1][0], a[2], bins, REAL(value), &error), &error);
  } else if (!strcmp(name, "density")) {
    value = PROTECT(numbers_of((size_t)length[2]));
    check(catena_updater_density(up, set, (size_t)a[1][0], a[3][0], a[2], (size_t)length[2], REAL(value), &error), &error);
  } else if (!strcmp(name, "densest")) {
    uint8_t *inside = (uint8_t *)R_alloc(models + 1, 1);
    check(catena_updater_densest(up, set, a[1][0], inside, models, &error), &error);
    value = PROTECT(flags_of(inside, models));
  } else if (!strcmp(name, "hull")) {
    value = PROTECT(corners(up, d, set, a[1][0]));
  } else if (!strcmp(name, "hull_contains")) {
    const size_t n = (size_t)length[2] / d;
    uint8_t *inside = (uint8_t *)R_alloc(n + 1, 1);
    check(catena_updater_hull_contains(up, set, a[1][0], n, a[2], inside, &error), &error);
    value = PROTECT(flags_of(inside, n));
  } else if (!strcmp(name, "ellipsoid")) {
    static const char *const fields[] = {"centre", "shape"};
    value = PROTECT(named_list(fields, 2));
    SET_VECTOR_ELT(value, 0, numbers_of(d));
    SET_VECTOR_ELT(value, 1, square(d));
    check(catena_updater_ellipsoid(up, set, a[1][0], a[2][0], REAL(VECTOR_ELT(value, 0)), REAL(VECTOR_ELT(value, 1)), &error),
          &error);
  } else if (!strcmp(name, "save")) {
    value = PROTECT(saved(up));
  } else {
    PROTECT(value);
  }
  UNPROTECT(1);
  return value;
}

/* `information` has `dimension` squared numbers for the prior and for each experiment. */
SEXP r_bayesian_bound(SEXP dimension, SEXP information) {
  const size_t d = (size_t)Rf_asReal(dimension);
  catena_error *error = NULL;
  SEXP value = PROTECT(square(d));
  check(catena_bayesian_bound(d, (size_t)XLENGTH(information) / (d * d) - 1, REAL(information), REAL(value), &error), &error);
  UNPROTECT(1);
  return value;
}

SEXP r_cos_squared(SEXP x) {
  SEXP value = PROTECT(numbers_of((size_t)XLENGTH(x)));
  catena_cos_squared((size_t)XLENGTH(x), REAL(x), REAL(value));
  UNPROTECT(1);
  return value;
}
