/* Likelihoods that are R functions of whole arrays, called on R's thread alone: the whole product in one call. */
#include "catena_r.h"
#include <stdlib.h>
#include <string.h>

enum { LIKELIHOOD, PREPARE, ARE_VALID, CANONICALIZE, DOMAIN, SIMULATE, UPDATE_TIMESTEP, EXPERIMENT_COST, SCORE, RESAMPLER };

static const char *const names[] = {"likelihood", "prepare",         "are_valid",       "canonicalize", "domain",
                                    "simulate",   "update_timestep", "experiment_cost", "score",        "resampler"};

typedef struct {
  likelihood *h;
  int which;
  catena_task *task;
  /* What `prepare` made, or R_NilValue. */
  SEXP context;
  size_t n_o, n_m, n_e, wanted;
  const double *outcomes, *models, *experiments, *weights;
  double *out;
  uint8_t *valid;
  catena_models *put;
} request;

static SEXP matrix(const double *values, size_t rows, size_t columns, SEXP column_names) {
  SEXP all = PROTECT(Rf_allocMatrix(REALSXP, (int)rows, (int)columns)), both;
  if (rows > 0 && columns > 0) memcpy(REAL(all), values, rows * columns * sizeof *values);
  if (!Rf_isNull(column_names)) {
    both = PROTECT(Rf_allocVector(VECSXP, 2));
    SET_VECTOR_ELT(both, 1, column_names);
    Rf_setAttrib(all, R_DimNamesSymbol, both);
    UNPROTECT(1);
  }
  UNPROTECT(1);
  return all;
}

/* Experiments as a data frame. */
static SEXP table(const likelihood *h, const double *values, size_t rows) {
  SEXP frame = PROTECT(Rf_allocVector(VECSXP, (R_xlen_t)h->fields)), row_names = PROTECT(Rf_allocVector(INTSXP, 2)), column;
  for (size_t f = 0; f < h->fields; f++) {
    SET_VECTOR_ELT(frame, (R_xlen_t)f, column = Rf_allocVector(REALSXP, (R_xlen_t)rows));
    memcpy(REAL(column), values + f * rows, rows * sizeof *values);
  }
  INTEGER(row_names)[0] = NA_INTEGER;
  INTEGER(row_names)[1] = -(int)rows;
  Rf_setAttrib(frame, R_NamesSymbol, h->field_names);
  Rf_setAttrib(frame, R_ClassSymbol, Rf_mkString("data.frame"));
  Rf_setAttrib(frame, R_RowNamesSymbol, row_names);
  UNPROTECT(2);
  return frame;
}

/* A vector, or a matrix where outcomes have several numbers. */
static SEXP outcomes_of(const request *r) {
  if (!r->outcomes) return R_NilValue;
  if (r->h->width > 1) return matrix(r->outcomes, r->n_o, r->h->width, R_NilValue);
  SEXP all = Rf_allocVector(REALSXP, (R_xlen_t)r->n_o);
  memcpy(REAL(all), r->outcomes, r->n_o * sizeof *r->outcomes);
  return all;
}

/* The function's value as numbers, to be protected. */
static SEXP numbers(const char *name, SEXP value) {
  const int type = TYPEOF(value);
  if (type != REALSXP && type != INTSXP && type != LGLSXP)
    Rf_errorcall(R_NilValue, "%s: expected numbers, got an object of type '%s'", name, Rf_type2char(type));
  return Rf_coerceVector(value, REALSXP);
}

static SEXP element(SEXP list, const char *name) {
  SEXP labels = Rf_getAttrib(list, R_NamesSymbol);
  if (TYPEOF(list) == VECSXP)
    for (int i = 0; i < LENGTH(labels); i++)
      if (!strcmp(CHAR(STRING_ELT(labels, i)), name)) return VECTOR_ELT(list, i);
  return R_NilValue;
}

static void put_models(const request *r, SEXP value) {
  SEXP weights = PROTECT(numbers("resampler", element(value, "weights")));
  SEXP models = PROTECT(numbers("resampler", element(value, "models")));
  const R_xlen_t n = XLENGTH(weights);
  if (XLENGTH(models) != n * (R_xlen_t)r->h->dimension)
    Rf_errorcall(R_NilValue, "resampler: expected a list of models, a matrix of %d columns, and weights, got %lld numbers and %lld",
                 (int)r->h->dimension, (long long)XLENGTH(models), (long long)n);
  catena_models_put(r->put, (size_t)n, REAL(models), REAL(weights));
  UNPROTECT(2);
}

static SEXP body(void *data) {
  request *r = data;
  likelihood *h = r->h;
  const char *name = names[r->which];
  SEXP function = VECTOR_ELT(bridge_object(&h->bridge, "functions"), r->which), value;
  SEXP models = PROTECT(r->models ? matrix(r->models, r->n_m, h->dimension, h->parameter_names) : R_NilValue);
  SEXP outcomes = PROTECT(outcomes_of(r));
  SEXP experiments = PROTECT(r->experiments ? table(h, r->experiments, r->n_e) : R_NilValue), call = R_NilValue;
  size_t expected = 0;
  const int shared = !Rf_isNull(VECTOR_ELT(bridge_object(&h->bridge, "functions"), PREPARE));
  SEXP context = PROTECT(as_argument(r->context));
  switch (r->which) {
  case LIKELIHOOD:
  case SCORE:
    call = shared ? Rf_lang5(function, outcomes, models, experiments, context)
                  : Rf_lang4(function, outcomes, models, experiments);
    expected = r->n_m * r->n_o * r->n_e * (r->which == SCORE ? h->dimension : 1);
    break;
  case PREPARE: call = Rf_lang2(function, experiments); break;
  case ARE_VALID:
    call = Rf_lang2(function, models);
    expected = r->n_m;
    break;
  case CANONICALIZE:
    call = Rf_lang2(function, models);
    expected = r->n_m * h->dimension;
    break;
  case DOMAIN: call = Rf_isFunction(function) ? Rf_lang2(function, experiments) : R_NilValue; break;
  case SIMULATE:
    seed_generator(r->task);
    call = shared ? Rf_lang4(function, models, experiments, context) : Rf_lang3(function, models, experiments);
    expected = r->n_m * h->width * r->n_e;
    break;
  case UPDATE_TIMESTEP:
    seed_generator(r->task);
    call = Rf_lang3(function, models, experiments);
    expected = r->n_m * h->dimension;
    break;
  case EXPERIMENT_COST:
    call = Rf_lang2(function, experiments);
    expected = r->n_e;
    break;
  default: {
    SEXP weights = PROTECT(Rf_allocVector(REALSXP, (R_xlen_t)r->n_m)), wanted = PROTECT(Rf_ScalarReal((double)r->wanted));
    memcpy(REAL(weights), r->weights, r->n_m * sizeof *r->weights);
    call = Rf_lang4(bridge_object(&h->bridge, name), models, weights, wanted);
    UNPROTECT(2);
  }
  }
  PROTECT(call);
  value = PROTECT(Rf_isNull(call) ? function : Rf_eval(call, R_GlobalEnv));
  switch (r->which) {
  case PREPARE:
    R_PreserveObject(value);
    r->context = value;
    break;
  case DOMAIN:
    /* Kept until it is copied, by the call that follows. */
    SET_VECTOR_ELT(h->kept, LISTED, Rf_isNull(value) ? Rf_allocVector(REALSXP, 0) : numbers(name, value));
    break;
  case RESAMPLER: put_models(r, value); break;
  default:
    value = PROTECT(numbers(name, value));
    if ((size_t)XLENGTH(value) != expected)
      Rf_errorcall(R_NilValue, "%s: expected %lld numbers, got %lld", name, (long long)expected, (long long)XLENGTH(value));
    if (r->valid)
      for (size_t i = 0; i < expected; i++) r->valid[i] = !ISNAN(REAL(value)[i]) && REAL(value)[i] != 0;
    else
      memcpy(r->out, REAL(value), expected * sizeof *r->out);
    UNPROTECT(1);
  }
  UNPROTECT(6);
  return R_NilValue;
}

static int ask(request *r) { return bridge_call(&r->h->bridge, r->task, body, r); }

static SEXP context_of(void *context) { return context ? (SEXP)context : R_NilValue; }

static int cells(void *user, int which, void *context, catena_task *task, size_t n_o, const double *outcomes, size_t n_m,
                 const double *models, size_t n_e, const double *experiments, double *out) {
  request r = {.h = user, .which = which, .task = task, .context = context_of(context), .n_o = n_o, .n_m = n_m, .n_e = n_e,
               .outcomes = outcomes, .models = models, .experiments = experiments, .out = out};
  return ask(&r);
}

static int likelihoods(void *user, void *worker, void *context, catena_task *task, size_t n_o, const double *outcomes,
                       size_t n_m, const double *models, size_t n_e, const double *experiments, double *out) {
  (void)worker;
  return cells(user, LIKELIHOOD, context, task, n_o, outcomes, n_m, models, n_e, experiments, out);
}

static int scores(void *user, void *worker, void *context, catena_task *task, size_t n_o, const double *outcomes, size_t n_m,
                  const double *models, size_t n_e, const double *experiments, double *out) {
  (void)worker;
  return cells(user, SCORE, context, task, n_o, outcomes, n_m, models, n_e, experiments, out);
}

static int simulate(void *user, void *worker, void *context, catena_task *task, size_t n_m, const double *models, size_t n_e,
                    const double *experiments, double *out) {
  (void)worker;
  return cells(user, SIMULATE, context, task, 0, NULL, n_m, models, n_e, experiments, out);
}

static int prepare(void *user, catena_task *task, size_t n_e, const double *experiments, void **context) {
  request r = {.h = user, .which = PREPARE, .task = task, .context = R_NilValue, .n_e = n_e, .experiments = experiments};
  const int code = ask(&r);
  if (!code) *context = r.context;
  return code;
}

static void context_free(void *user, void *context) {
  (void)user;
  if (context) R_ReleaseObject((SEXP)context);
}

static int are_valid(void *user, void *worker, catena_task *task, size_t n_m, const double *models, uint8_t *valid) {
  (void)worker;
  request r = {.h = user, .which = ARE_VALID, .task = task, .context = R_NilValue, .n_m = n_m, .models = models, .valid = valid};
  return ask(&r);
}

static int canonicalize(void *user, void *worker, catena_task *task, size_t n_m, double *models) {
  (void)worker;
  return cells(user, CANONICALIZE, NULL, task, 0, NULL, n_m, models, 0, NULL, models);
}

static int num_outcomes(void *user, catena_task *task, const double *experiment, size_t *count) {
  likelihood *h = user;
  request r = {.h = h, .which = DOMAIN, .task = task, .context = R_NilValue, .n_e = 1, .experiments = experiment};
  const int code = ask(&r);
  if (code) return code;
  const size_t size = (size_t)XLENGTH(VECTOR_ELT(h->kept, LISTED));
  *count = size / h->width;
  if (*count * h->width == size) return 0;
  catena_task_message(task, "domain: expected a matrix of a row per outcome");
  return -1;
}

static int domain(void *user, catena_task *task, const double *experiment, size_t count, double *outcomes) {
  const likelihood *h = user;
  (void)task, (void)experiment;
  memcpy(outcomes, REAL(VECTOR_ELT(h->kept, LISTED)), count * h->width * sizeof *outcomes);
  return 0;
}

static int update_timestep(void *user, void *worker, catena_task *task, const double *experiment, size_t n_m, double *models) {
  (void)worker;
  return cells(user, UPDATE_TIMESTEP, NULL, task, 0, NULL, n_m, models, 1, experiment, models);
}

static int experiment_cost(void *user, catena_task *task, size_t n_e, const double *experiments, double *out) {
  return cells(user, EXPERIMENT_COST, NULL, task, 0, NULL, 0, NULL, n_e, experiments, out);
}

int likelihood_resample(void *user, uint64_t set, size_t n, size_t dimension, const double *models, const double *weights,
                        size_t wanted, catena_models *out) {
  request r = {.h = user, .which = RESAMPLER, .context = R_NilValue, .n_m = n, .wanted = wanted,
               .models = models, .weights = weights, .put = out};
  (void)set, (void)dimension;
  return ask(&r);
}

static const char **texts(SEXP all) {
  const char **pointers = (const char **)R_alloc((size_t)XLENGTH(all) + 1, sizeof *pointers);
  for (R_xlen_t i = 0; i < XLENGTH(all); i++) pointers[i] = Rf_translateCharUTF8(STRING_ELT(all, i));
  return pointers;
}

void likelihood_init(likelihood *h, SEXP state, SEXP kept, catena_likelihood *table) {
  SEXP shape = Rf_findVarInFrame(state, Rf_install("shape")), functions = Rf_findVarInFrame(state, Rf_install("functions"));
  const double *numbers = REAL(VECTOR_ELT(shape, 2));
  bridge_init(&h->bridge, state, VECTOR_ELT(kept, UNWIND));
  h->kept = kept;
  h->parameter_names = VECTOR_ELT(shape, 0);
  h->field_names = VECTOR_ELT(shape, 1);
  h->dimension = (size_t)XLENGTH(h->parameter_names);
  h->fields = (size_t)XLENGTH(h->field_names);
  h->width = (size_t)numbers[1];
  memset(table, 0, sizeof *table);
  table->struct_size = sizeof *table;
  table->user = h;
  table->threading = CATENA_THREADS_CALLER;
  table->whole = 1;
  table->num_parameters = h->dimension;
  table->parameter_names = texts(h->parameter_names);
  table->num_fields = h->fields;
  table->field_names = texts(h->field_names);
  table->field_kinds = INTEGER(VECTOR_ELT(shape, 3));
  table->outcome_kind = (int32_t)numbers[0];
  table->outcome_width = h->width;
  table->is_log = (int32_t)numbers[2];
  table->likelihood = likelihoods;
#define GIVEN(which, function) (Rf_isNull(VECTOR_ELT(functions, which)) ? NULL : (function))
  table->prepare = GIVEN(PREPARE, prepare);
  table->context_free = GIVEN(PREPARE, context_free);
  table->are_valid = GIVEN(ARE_VALID, are_valid);
  table->canonicalize = GIVEN(CANONICALIZE, canonicalize);
  table->num_outcomes = GIVEN(DOMAIN, num_outcomes);
  table->domain = GIVEN(DOMAIN, domain);
  table->simulate = GIVEN(SIMULATE, simulate);
  table->update_timestep = GIVEN(UPDATE_TIMESTEP, update_timestep);
  table->experiment_cost = GIVEN(EXPERIMENT_COST, experiment_cost);
  table->score = GIVEN(SCORE, scores);
#undef GIVEN
}
