/* Particle filters over R functions of whole matrices: one particle per row, as the library has them, column by column. */
#include "catena_r.h"
#include <stdlib.h>
#include <string.h>

enum { INITIAL, TRANSITION, LOG_WEIGHT, PROPOSE, PROPOSAL_LOG_WEIGHT, AUXILIARY_LOG_WEIGHT, TRANSITION_LOG_DENSITY };

static const char *const names[] = {"initial",           "transition",           "log_weight", "propose", "proposal_log_weight",
                                    "auxiliary_log_weight", "transition_log_density"};

typedef struct {
  bridge bridge;
  /* `functions` of the state, in the order of `names`. */
  SEXP functions;
  size_t dimension;
} host;

typedef struct {
  host *h;
  int which;
  catena_task *task;
  size_t time, n;
  const double *previous, *states;
  double *out;
  size_t columns;
} request;

/* The rows as an R matrix, or NULL. */
static SEXP matrix(const double *rows, size_t n, size_t d) {
  if (!rows) return R_NilValue;
  SEXP values = Rf_allocMatrix(REALSXP, (int)n, (int)d);
  memcpy(REAL(values), rows, n * d * sizeof *rows);
  return values;
}

static SEXP body(void *data) {
  request *r = data;
  const size_t d = r->h->dimension, expected = r->n * r->columns;
  SEXP function = VECTOR_ELT(r->h->functions, r->which), call, value;
  SEXP previous = PROTECT(matrix(r->previous, r->n, d)), states = PROTECT(matrix(r->states, r->n, d));
  SEXP time = PROTECT(Rf_ScalarInteger((int)r->time + 1)), n = PROTECT(Rf_ScalarInteger((int)r->n));
  seed_generator(r->task);
  switch (r->which) {
  case INITIAL: call = Rf_lang2(function, n); break;
  case TRANSITION:
  case AUXILIARY_LOG_WEIGHT: call = Rf_lang3(function, previous, time); break;
  case PROPOSE: call = Rf_lang4(function, previous, time, n); break;
  default: call = Rf_lang4(function, states, time, previous);
  }
  PROTECT(call);
  value = PROTECT(Rf_eval(call, R_GlobalEnv));
  const int type = TYPEOF(value);
  if (type != REALSXP && type != INTSXP && type != LGLSXP)
    Rf_errorcall(R_NilValue, "%s: expected %lld numbers, got an object of type '%s'", names[r->which], (long long)expected,
                 Rf_type2char(type));
  if ((size_t)XLENGTH(value) != expected)
    Rf_errorcall(R_NilValue, "%s: expected %lld numbers, got %lld", names[r->which], (long long)expected,
                 (long long)XLENGTH(value));
  value = PROTECT(Rf_coerceVector(value, REALSXP));
  memcpy(r->out, REAL(value), expected * sizeof *r->out);
  UNPROTECT(7);
  return R_NilValue;
}

static int call(void *user, int which, catena_task *task, size_t time, size_t n, const double *previous, const double *states,
                double *out) {
  host *h = user;
  const int moves = which == INITIAL || which == TRANSITION || which == PROPOSE;
  request r = {h, which, task, time, n, previous, states, out, moves ? h->dimension : 1};
  return bridge_call(&h->bridge, task, body, &r);
}

static int initial(void *user, void *worker, catena_task *task, size_t n, double *states) {
  (void)worker;
  return call(user, INITIAL, task, 0, n, NULL, NULL, states);
}

static int transition(void *user, void *worker, catena_task *task, size_t time, size_t n, const double *previous,
                      double *states) {
  (void)worker;
  return call(user, TRANSITION, task, time, n, previous, NULL, states);
}

static int log_weight(void *user, void *worker, catena_task *task, size_t time, size_t n, const double *previous,
                      const double *states, double *log_weights) {
  (void)worker;
  return call(user, LOG_WEIGHT, task, time, n, previous, states, log_weights);
}

static int propose(void *user, void *worker, catena_task *task, size_t time, size_t n, const double *previous,
                   double *states) {
  (void)worker;
  return call(user, PROPOSE, task, time, n, previous, NULL, states);
}

static int proposal_log_weight(void *user, void *worker, catena_task *task, size_t time, size_t n, const double *previous,
                               const double *states, double *log_weights) {
  (void)worker;
  return call(user, PROPOSAL_LOG_WEIGHT, task, time, n, previous, states, log_weights);
}

static int auxiliary_log_weight(void *user, void *worker, catena_task *task, size_t time, size_t n, const double *previous,
                                double *log_weights) {
  (void)worker;
  return call(user, AUXILIARY_LOG_WEIGHT, task, time, n, previous, NULL, log_weights);
}

static int transition_log_density(void *user, void *worker, catena_task *task, size_t time, size_t n, const double *previous,
                                  const double *states, double *log_densities) {
  (void)worker;
  return call(user, TRANSITION_LOG_DENSITY, task, time, n, previous, states, log_densities);
}

typedef struct {
  catena_filter *filter;
  log_queue *log;
  size_t dimension, particles, trajectories;
} result;

static void finalize(SEXP handle) {
  result *r = R_ExternalPtrAddr(handle);
  R_ClearExternalPtr(handle);
  if (!r) return;
  catena_filter_free(r->filter);
  log_free(r->log);
  free(r);
}

/* `numbers` are those of the options in the order of the table, times and dimension among them. The value is the handle; a
 * failure that comes with one is that sets lost all their particles. `retained` is a trajectory, each time together, or NULL. */
SEXP r_filter_run(SEXP state, SEXP numbers, SEXP bound, SEXP retained) {
  const double *number = REAL(numbers);
  catena_error *error = NULL;
  SEXP token = PROTECT(R_MakeUnwindCont());
  SEXP handle = PROTECT(R_MakeExternalPtr(NULL, R_NilValue, R_NilValue));
  R_RegisterCFinalizerEx(handle, finalize, TRUE);
  result *r = calloc(1, sizeof *r);
  if (!r) Rf_errorcall(R_NilValue, "out of memory");
  R_SetExternalPtrAddr(handle, r);
  if (!(r->log = log_new())) Rf_errorcall(R_NilValue, "out of memory");
  host h = {.functions = Rf_findVarInFrame(state, Rf_install("functions")), .dimension = (size_t)number[0]};
  bridge_init(&h.bridge, state, token);
  const int has[] = {1, 1, 1, !Rf_isNull(VECTOR_ELT(h.functions, PROPOSE)),
                     !Rf_isNull(VECTOR_ELT(h.functions, PROPOSAL_LOG_WEIGHT)),
                     !Rf_isNull(VECTOR_ELT(h.functions, AUXILIARY_LOG_WEIGHT)),
                     !Rf_isNull(VECTOR_ELT(h.functions, TRANSITION_LOG_DENSITY))};
  const catena_state_space model = {.struct_size = sizeof model,
                                    .user = &h,
                                    .threading = CATENA_THREADS_CALLER,
                                    .whole_sets = 1,
                                    .dimension = h.dimension,
                                    .initial = initial,
                                    .transition = transition,
                                    .log_weight = log_weight,
                                    .propose = has[PROPOSE] ? propose : NULL,
                                    .proposal_log_weight = has[PROPOSAL_LOG_WEIGHT] ? proposal_log_weight : NULL,
                                    .auxiliary_log_weight = has[AUXILIARY_LOG_WEIGHT] ? auxiliary_log_weight : NULL,
                                    .transition_log_density = has[TRANSITION_LOG_DENSITY] ? transition_log_density : NULL,
                                    .has_transition_log_density_bound = !Rf_isNull(bound),
                                    .transition_log_density_bound = Rf_isNull(bound) ? 0 : Rf_asReal(bound)};
  catena_filter_options options;
  check(catena_filter_options_init(&options, sizeof options, &error), &error);
  options.num_times = (size_t)number[1];
  options.num_sets = (size_t)number[2];
  options.num_particles = (size_t)number[3];
  options.seed = (uint64_t)number[4];
  options.init_set_id = (uint64_t)number[5];
  options.kind = (int32_t)number[6];
  options.resampling = (int32_t)number[7];
  options.ess_threshold = number[8];
  options.num_trajectories = (size_t)number[9];
  options.moments = (int32_t)number[10];
  options.history = (int32_t)number[11];
  options.retained = Rf_isNull(retained) ? NULL : REAL(retained);
  r->dimension = h.dimension;
  r->particles = options.num_particles;
  r->trajectories = options.num_trajectories;
  const catena_logger logger = log_table(r->log);
  const catena_interrupt interrupt = {.struct_size = sizeof interrupt, .user = &h.bridge, .requested = bridge_interrupted};
  SEXP before = PROTECT(generator());
  const catena_status status = catena_filter_run(&model, &options, &logger, &interrupt, &r->filter, &error);
  SEXP failure = PROTECT(bridge_finish(&h.bridge, before, status, error));
  SEXP all = bridge_outcome(failure, r->filter ? handle : R_NilValue, r->log);
  UNPROTECT(4);
  return all;
}

static result *result_of(SEXP handle) {
  result *r = TYPEOF(handle) == EXTPTRSXP ? R_ExternalPtrAddr(handle) : NULL;
  if (!r || !r->filter) Rf_errorcall(R_NilValue, "the filter is gone: what it holds beyond its list cannot be saved and loaded");
  return r;
}

static SEXP cube(size_t a, size_t b, size_t c) { return Rf_alloc3DArray(REALSXP, (int)a, (int)b, (int)c); }

/* What the filter found, for set `set` (from 0), by name; `at` is a time or a particle, from 0. */
SEXP r_filter_read(SEXP handle, SEXP what, SEXP place, SEXP at) {
  const result *r = result_of(handle);
  const catena_filter *f = r->filter;
  const char *name = CHAR(STRING_ELT(what, 0));
  const size_t set = (size_t)Rf_asReal(place), where = (size_t)Rf_asReal(at), d = r->dimension;
  const size_t times = catena_filter_num_times(f, set);
  catena_error *error = NULL;
  SEXP value = R_NilValue;
  if (!strcmp(name, "evidence")) {
    value = PROTECT(Rf_allocVector(REALSXP, 2));
    REAL(value)[0] = catena_filter_log_evidence(f);
    REAL(value)[1] = catena_filter_standard_error(f);
  } else if (!strcmp(name, "set")) {
    value = PROTECT(Rf_allocVector(REALSXP, 4));
    REAL(value)[0] = (double)catena_filter_set_id(f, set);
    REAL(value)[1] = (double)catena_filter_set_status(f, set);
    REAL(value)[2] = (double)times;
    REAL(value)[3] = catena_filter_set_log_evidence(f, set);
  } else if (!strcmp(name, "log_evidences")) {
    value = PROTECT(Rf_allocVector(REALSXP, (R_xlen_t)times));
    check(catena_filter_log_evidences(f, set, REAL(value), times, &error), &error);
  } else if (!strcmp(name, "ess")) {
    value = PROTECT(Rf_allocVector(REALSXP, (R_xlen_t)times));
    check(catena_filter_ess(f, set, REAL(value), times, &error), &error);
  } else if (!strcmp(name, "means") || !strcmp(name, "variances")) {
    /* Coordinates x times. */
    value = PROTECT(Rf_allocMatrix(REALSXP, (int)d, (int)times));
    check((*name == 'm' ? catena_filter_means : catena_filter_variances)(f, set, REAL(value), d * times, &error), &error);
  } else if (!strcmp(name, "trajectories")) {
    value = PROTECT(cube(r->trajectories, d, times));
    check(catena_filter_trajectories(f, set, REAL(value), r->trajectories * d * times, &error), &error);
  } else if (!strcmp(name, "lineage")) {
    value = PROTECT(Rf_allocMatrix(REALSXP, (int)d, (int)times));
    check(catena_filter_lineage(f, set, where, REAL(value), d * times, &error), &error);
  } else if (!strcmp(name, "drawn")) {
    const size_t particle = catena_filter_drawn(f, set);
    value = PROTECT(Rf_ScalarReal(particle < r->particles ? (double)particle + 1 : NA_REAL));
  } else if (!strcmp(name, "survivors")) {
    size_t *counts = (size_t *)R_alloc(times + 1, sizeof *counts);
    check(catena_filter_survivors(f, set, counts, times, &error), &error);
    value = PROTECT(Rf_allocVector(REALSXP, (R_xlen_t)times));
    for (size_t t = 0; t < times; t++) REAL(value)[t] = (double)counts[t];
  } else if (!strcmp(name, "particles")) {
    static const char *const fields[] = {"states", "log_weights", "ancestors"};
    uint32_t *from = (uint32_t *)R_alloc(r->particles + 1, sizeof *from);
    value = PROTECT(named_list(fields, 3));
    SET_VECTOR_ELT(value, 0, Rf_allocMatrix(REALSXP, (int)r->particles, (int)d));
    SET_VECTOR_ELT(value, 1, Rf_allocVector(REALSXP, (R_xlen_t)r->particles));
    SET_VECTOR_ELT(value, 2, Rf_allocVector(REALSXP, (R_xlen_t)r->particles));
    check(catena_filter_particles(f, set, where, r->particles, REAL(VECTOR_ELT(value, 0)), REAL(VECTOR_ELT(value, 1)), from,
                                  &error),
          &error);
    for (size_t i = 0; i < r->particles; i++) REAL(VECTOR_ELT(value, 2))[i] = (double)from[i] + 1;
  } else {
    PROTECT(value);
  }
  UNPROTECT(1);
  return value;
}
