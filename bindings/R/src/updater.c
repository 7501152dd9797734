/* Sequential learning over a likelihood of R functions: made, and moved by verbs. */
#include "updater.h"
#include <stdlib.h>
#include <string.h>

static void free_priors(updater *u) {
  for (int i = 0; i < u->num_parts; i++) catena_prior_free(u->parts[i]);
  catena_prior_free(u->prior);
  free(u->parts);
  u->parts = NULL;
  u->prior = NULL;
  u->num_parts = 0;
}

static void finalize(SEXP handle) {
  updater *u = R_ExternalPtrAddr(handle);
  R_ClearExternalPtr(handle);
  if (!u) return;
  catena_updater_free(u->updater);
  catena_checkpoint_free(u->checkpoint);
  free_priors(u);
  log_free(u->log);
  free(u);
}

updater *updater_of(SEXP handle) {
  updater *u = TYPEOF(handle) == EXTPTRSXP ? R_ExternalPtrAddr(handle) : NULL;
  if (!u || !u->updater)
    Rf_errorcall(R_NilValue, "the updater is gone: it is saved by updater_save() and comes back by updater_load()");
  if (u->busy) Rf_errorcall(R_NilValue, "the updater is at work: a function that it calls cannot use it");
  return u;
}

/* `parts` is a list of lists of kind (0: uniform, 1: normal, 2: draws), number of parameters, and two vectors of numbers. */
static void make_prior(updater *u, SEXP parts) {
  catena_error *error = NULL;
  u->parts = calloc((size_t)LENGTH(parts) + 1, sizeof *u->parts);
  if (!u->parts) Rf_errorcall(R_NilValue, "out of memory");
  for (int i = 0; i < LENGTH(parts); i++) {
    SEXP part = VECTOR_ELT(parts, i);
    const int kind = Rf_asInteger(VECTOR_ELT(part, 0));
    const size_t d = (size_t)Rf_asReal(VECTOR_ELT(part, 1));
    const double *a = REAL(VECTOR_ELT(part, 2)), *b = REAL(VECTOR_ELT(part, 3));
    catena_prior **out = u->parts + u->num_parts++;
    check(kind == 0   ? catena_prior_uniform_new(d, a, b, out, &error)
          : kind == 1 ? catena_prior_normal_new(d, a, b, out, &error)
                      : catena_prior_draws_new((size_t)XLENGTH(VECTOR_ELT(part, 2)) / d, d, a, out, &error),
          &error);
  }
  const catena_prior *const *all = (const catena_prior *const *)u->parts;
  check(catena_prior_product_new((size_t)u->num_parts, all, &u->prior, &error), &error);
}

static void begin(updater *u) { u->busy = 1; }

/* Ends a call into the library, as bridge_finish. */
static SEXP finish(updater *u, SEXP before, catena_status status, catena_error *error) {
  u->busy = 0;
  return bridge_finish(&u->likelihood.bridge, before, status, error);
}

/* `numbers` are those of the options in the order of the table; `saved` is NULL or raw. The value is the handle. */
SEXP r_updater_new(SEXP environment, SEXP numbers, SEXP prior, SEXP saved) {
  const double *number = REAL(numbers);
  catena_error *error = NULL;
  catena_likelihood table;
  SEXP kept = PROTECT(Rf_allocVector(VECSXP, LIKELIHOOD_OBJECTS)), both = PROTECT(Rf_list2(kept, environment));
  SET_VECTOR_ELT(kept, UNWIND, R_MakeUnwindCont());
  SEXP handle = PROTECT(R_MakeExternalPtr(NULL, R_NilValue, both));
  R_RegisterCFinalizerEx(handle, finalize, TRUE);
  updater *u = calloc(1, sizeof *u);
  if (!u) Rf_errorcall(R_NilValue, "out of memory");
  R_SetExternalPtrAddr(handle, u);
  if (!(u->log = log_new())) Rf_errorcall(R_NilValue, "out of memory");
  if (Rf_isNull(saved))
    make_prior(u, prior);
  else
    check(catena_checkpoint_new(RAW(saved), (size_t)XLENGTH(saved), &u->checkpoint, &error), &error);
  likelihood_init(&u->likelihood, environment, kept, &table);
  catena_updater_options options;
  check(catena_updater_options_init(&options, sizeof options, &error), &error);
  options.num_sets = (size_t)number[0];
  options.init_set_id = (uint64_t)number[1];
  options.num_models = (size_t)number[2];
  options.seed = (uint64_t)number[3];
  options.num_threads = 1;
  options.resampler = (int32_t)number[4];
  options.resampling = (int32_t)number[5];
  options.liu_west_a = number[6];
  options.liu_west_h = number[7];
  options.max_tries = (size_t)number[8];
  options.ess_threshold = number[9];
  options.zero_weights = (int32_t)number[10];
  options.divergences = (int32_t)number[11];

  u->logger = log_table(u->log);
  u->interrupt.struct_size = sizeof u->interrupt;
  u->interrupt.user = &u->likelihood.bridge;
  u->interrupt.requested = bridge_interrupted;
  SEXP before = PROTECT(generator());
  begin(u);
  const catena_status status =
      Rf_isNull(saved) ? catena_updater_new(&table, u->prior, &options, &u->logger, &u->interrupt, &u->updater, &error)
                       : catena_updater_load(&table, u->checkpoint, &options, &u->logger, &u->interrupt, &u->updater, &error);
  free_priors(u);
  catena_checkpoint_free(u->checkpoint);
  u->checkpoint = NULL;
  SEXP failure = PROTECT(finish(u, before, status, error));
  SEXP result = bridge_outcome(failure, handle, u->log);
  UNPROTECT(5);
  return result;
}

static const char *const verbs[] = {"update", "batch_update", "hypothetical", "resample",    "resample_by", "reset",
                                    "set_models", "set_weights", "likelihood", "simulate",   "information", "worth",
                                    "design", "optimize"};
/* Up to there doubles are all whole numbers; larger ones are no counts. */
#define LARGEST_WHOLE 9007199254740992.0

enum { UPDATE, BATCH_UPDATE, HYPOTHETICAL, RESAMPLE, RESAMPLE_BY, RESET, SET_MODELS, SET_WEIGHTS, PRODUCT, SIMULATE,
       INFORMATION, WORTH, DESIGN, OPTIMIZE, VERBS };

/* Numbers as sizes. */
static size_t *sizes_of(SEXP numbers) {
  size_t *sizes = (size_t *)R_alloc((size_t)XLENGTH(numbers) + 1, sizeof *sizes);
  for (R_xlen_t i = 0; i < XLENGTH(numbers); i++) sizes[i] = (size_t)REAL(numbers)[i];
  return sizes;
}

static const double *given(SEXP numbers) { return XLENGTH(numbers) ? REAL(numbers) : NULL; }

/* The first number of argument `i`. */
static double first(SEXP arguments, int i) { return REAL(VECTOR_ELT(arguments, i))[0]; }

/* `arguments`: kind and criterion, number of the time's field, scale, longest, samples; fields and parameters of guesses; values
 * of all fields; candidates and their number. What is read lies in R_alloc or in the arguments. */
static catena_design design_of(SEXP arguments) {
  const double *n = REAL(VECTOR_ELT(arguments, 0));
  const catena_design design = {.struct_size = sizeof design,
                                .kind = (int32_t)n[0],
                                .criterion = (int32_t)n[1],
                                .time_field = (size_t)n[2],
                                .scale = n[3],
                                .most = n[4],
                                .samples = (size_t)n[5],
                                .num_guesses = (size_t)XLENGTH(VECTOR_ELT(arguments, 1)),
                                .guess_fields = sizes_of(VECTOR_ELT(arguments, 1)),
                                .guess_parameters = sizes_of(VECTOR_ELT(arguments, 2)),
                                .fields = given(VECTOR_ELT(arguments, 3)),
                                .num_candidates = (size_t)n[6],
                                .candidates = given(VECTOR_ELT(arguments, 4))};
  return design;
}

/* How many numbers the verb's value has. */
static R_xlen_t room(const updater *u, int which, SEXP arguments) {
  const likelihood *h = &u->likelihood;
  const double d = (double)h->dimension;
  switch (which) {
  case HYPOTHETICAL:
    return (R_xlen_t)(first(arguments, 2) * first(arguments, 4) *
                      (double)(1 + catena_updater_set_size(u->updater, (uint64_t)first(arguments, 0))));
  case PRODUCT: return (R_xlen_t)(first(arguments, 1) * first(arguments, 3) * first(arguments, 5));
  case SIMULATE: return (R_xlen_t)(first(arguments, 1) * first(arguments, 3) * (double)h->width);
  case INFORMATION: return (R_xlen_t)(first(arguments, 2) * d * d);
  case WORTH: return (R_xlen_t)(2 * first(arguments, 1));
  case DESIGN: return (R_xlen_t)h->fields;
  case OPTIMIZE: return (R_xlen_t)h->fields + 1;
  default: return 0;
  }
}

/* `arguments` is a list of numeric vectors (doubles), which R code has looked at. */
SEXP r_updater_do(SEXP handle, SEXP verb, SEXP arguments) {
  updater *u = updater_of(handle);
  catena_updater *up = u->updater;
  catena_error *error = NULL;
  catena_status status = CATENA_OK;
  const char *name = CHAR(STRING_ELT(verb, 0));
  int which = 0;
  while (which < VERBS && strcmp(verbs[which], name)) which++;
  /* All that is allocated, before the library is called. */
  const double *a[7] = {NULL};
  size_t n[7] = {0};
  for (int i = 0; i < LENGTH(arguments) && i < 7; i++) {
    if (TYPEOF(VECTOR_ELT(arguments, i)) != REALSXP) continue;
    a[i] = given(VECTOR_ELT(arguments, i));
    if (a[i] && a[i][0] >= 0 && a[i][0] <= LARGEST_WHOLE) n[i] = (size_t)a[i][0];
  }
  const size_t size = (size_t)room(u, which, arguments);
  SEXP value = PROTECT(Rf_allocVector(REALSXP, (R_xlen_t)size)), before = PROTECT(generator());
  double *out = REAL(value);
  catena_design design = {0};
  const size_t *moved = NULL;
  if (which == DESIGN) design = design_of(VECTOR_ELT(arguments, 1));
  if (which == OPTIMIZE) {
    moved = sizes_of(VECTOR_ELT(arguments, 1));
    if (size > 1) memcpy(out, a[6], (size - 1) * sizeof *out);
  }
  begin(u);
  switch (which) {
  case UPDATE: status = catena_updater_update(up, a[0], a[1], &error); break;
  case BATCH_UPDATE: status = catena_updater_batch_update(up, n[0], a[1], a[2], n[3], &error); break;
  case HYPOTHETICAL: {
    const size_t cells = n[2] * n[4];
    status = catena_updater_hypothetical_update(up, n[0], n[2], a[1], n[4], a[3], out + cells, size - cells, out, &error);
    break;
  }
  case RESAMPLE: status = catena_updater_resample(up, n[0], &error); break;
  case RESAMPLE_BY:
    status = catena_updater_resample_by(up, n[0] ? likelihood_resample : NULL, &u->likelihood, &error);
    break;
  case RESET: status = catena_updater_reset(up, &error); break;
  case SET_MODELS:
    status = catena_updater_set_models(up, n[0], (size_t)XLENGTH(VECTOR_ELT(arguments, 2)), a[1], a[2], &error);
    break;
  case SET_WEIGHTS:
    status = catena_updater_set_log_weights(up, n[0], a[1], (size_t)XLENGTH(VECTOR_ELT(arguments, 1)), &error);
    break;
  case PRODUCT: status = catena_updater_likelihood(up, n[1], a[0], n[3], a[2], n[5], a[4], out, size, &error); break;
  case SIMULATE: status = catena_updater_simulate(up, n[1], a[0], n[3], a[2], out, size, &error); break;
  case INFORMATION: status = catena_updater_fisher_information(up, n[0], n[2], a[1], out, size, &error); break;
  case WORTH: status = catena_updater_worth(up, n[1], a[0], a[2], n[3], out, out + n[1], &error); break;
  case DESIGN: status = catena_updater_design(up, &design, (uint32_t)n[0], out, &error); break;
  case OPTIMIZE:
    /* Criterion, fields, scales, low, high, samples and evaluations, experiment. */
    status = catena_updater_optimize(up, (int32_t)n[0], (size_t)XLENGTH(VECTOR_ELT(arguments, 1)), moved, a[2], a[3], a[4],
                                     n[5], (size_t)a[5][1], out, out + size - 1, &error);
    break;
  default: status = CATENA_INTERNAL;
  }
  SEXP failure = PROTECT(finish(u, before, status, error));
  SEXP result = bridge_outcome(failure, value, u->log);
  UNPROTECT(3);
  return result;
}
