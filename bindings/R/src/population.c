/* Populations of R objects: made, moved by verbs, looked at. */
#include "catena_r.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  traces traces;
  catena_population *population;
  catena_options *options;
  /* Lines of the call under way. */
  log_queue *log;
  catena_logger logger;
  catena_interrupt interrupt;
  /* The processes that share the population, or NULL. */
  const catena_communicator *ranks;
  /* Bytes to be read, or written until they are copied. */
  catena_checkpoint *checkpoint;
  /* Whether the function that is told of progress failed, which ends the call. */
  int busy, stopped;
} state;

static void finalize(SEXP handle) {
  state *s = R_ExternalPtrAddr(handle);
  R_ClearExternalPtr(handle);
  if (!s) return;
  catena_population_free(s->population);
  catena_checkpoint_free(s->checkpoint);
  catena_options_free(s->options);
  log_free(s->log);
  free(s->traces.vacant);
  free(s);
}

static state *state_of(SEXP handle) {
  state *s = TYPEOF(handle) == EXTPTRSXP ? R_ExternalPtrAddr(handle) : NULL;
  if (!s || !s->population)
    Rf_errorcall(R_NilValue, "the population is gone: it is saved by population_save() and comes back by population_load()");
  if (s->busy) Rf_errorcall(R_NilValue, "the population is at work: a function that it calls cannot use it");
  return s;
}

static void begin(state *s) {
  s->busy = 1;
  s->stopped = 0;
  s->traces.reported = 0;
}

typedef struct {
  state *s;
  double done, total;
} news;

static SEXP tell(void *data) {
  const news *n = data;
  SEXP done = PROTECT(Rf_ScalarReal(n->done)), total = PROTECT(Rf_ScalarReal(n->total));
  SEXP call = PROTECT(Rf_lang3(bridge_object(&n->s->traces.bridge, "progress"), done, total));
  Rf_eval(call, R_GlobalEnv);
  UNPROTECT(3);
  return R_NilValue;
}

static void progress(void *user, size_t done, size_t total) {
  state *s = user;
  news n = {s, (double)done, (double)total};
  if (!s->stopped && bridge_call(&s->traces.bridge, NULL, tell, &n)) s->stopped = 1;
}

static int requested(void *user) {
  state *s = user;
  return s->stopped || bridge_interrupted(&s->traces.bridge);
}

/* Ends a call into the library, as bridge_finish. */
static SEXP finish(state *s, SEXP before, catena_status status, catena_error *error) {
  s->busy = 0;
  return bridge_finish(&s->traces.bridge, before, status, error);
}

/* `settings` and `names` are as for runs; `saved` is NULL or raw. The value is the handle. */
SEXP r_population_new(SEXP environment, SEXP settings, SEXP names, SEXP saved) {
  catena_error *error = NULL;
  catena_traces table = {0};
  SEXP kept = PROTECT(Rf_allocVector(VECSXP, KEPT_OBJECTS)), both = PROTECT(Rf_list2(kept, environment));
  SET_VECTOR_ELT(kept, REGISTRY, Rf_allocVector(VECSXP, 0));
  SET_VECTOR_ELT(kept, TOKEN, R_MakeUnwindCont());
  SEXP handle = PROTECT(R_MakeExternalPtr(NULL, R_NilValue, both));
  R_RegisterCFinalizerEx(handle, finalize, TRUE);
  state *s = calloc(1, sizeof *s);
  if (!s) Rf_errorcall(R_NilValue, "out of memory");
  R_SetExternalPtrAddr(handle, s);
  if (!(s->log = log_new())) Rf_errorcall(R_NilValue, "out of memory");
  check(catena_options_new(&s->options, &error), &error);
  set_options(s->options, settings, names, &s->ranks);
  if (!Rf_isNull(saved)) check(catena_checkpoint_new(RAW(saved), (size_t)XLENGTH(saved), &s->checkpoint, &error), &error);
  traces_init(&s->traces, environment, kept, &table);
  if (s->ranks) {
    s->traces.rank = s->ranks->rank;
    s->traces.processes = s->ranks->size;
  }

  s->logger = log_table(s->log);
  s->interrupt.struct_size = sizeof s->interrupt;
  s->interrupt.user = s;
  s->interrupt.requested = requested;
  const catena_population_io io = {.struct_size = sizeof io,
                                   .logger = &s->logger,
                                   .interrupt = &s->interrupt,
                                   .progress_user = s,
                                   .progress = Rf_isFunction(bridge_object(&s->traces.bridge, "progress")) ? progress : NULL,
                                   .communicator = s->ranks,
                                   .spread = Rf_asInteger(bridge_object(&s->traces.bridge, "spread"))};
  SEXP before = PROTECT(generator());
  begin(s);
  const catena_status status =
      Rf_isNull(saved) ? catena_population_new(&table, s->options, &io, &s->population, &error)
                       : catena_population_load(&table, s->checkpoint, s->options, &io, &s->population, &error);
  SEXP failure = PROTECT(finish(s, before, status, error));
  catena_checkpoint_free(s->checkpoint);
  s->checkpoint = NULL;
  SEXP result = bridge_outcome(failure, handle, s->log);
  UNPROTECT(5);
  return result;
}

static const char *const verbs[] = {"reinitialize", "seed",     "grow",    "drop",           "drop_ids",
                                    "forget",       "apply",    "incorporate", "likelihood_weight", "resample",
                                    "block_resample", "reset",  "diversify", "collapse",     "collapse_map",
                                    "on_trace",     "set_weights", "report", "sample",       "report_trace",
                                    "save"};
enum { REINITIALIZE, SEED, GROW, DROP, DROP_IDS, FORGET, APPLY, INCORPORATE, LIKELIHOOD_WEIGHT, RESAMPLE, BLOCK_RESAMPLE,
       RESET, DIVERSIFY, COLLAPSE, COLLAPSE_MAP, ON_TRACE, SET_WEIGHTS, REPORT, SAMPLE, REPORT_TRACE, SAVE, VERBS };

static size_t *counts_of(SEXP numbers) {
  size_t *counts = (size_t *)R_alloc((size_t)XLENGTH(numbers) + 1, sizeof *counts);
  for (R_xlen_t i = 0; i < XLENGTH(numbers); i++) counts[i] = (size_t)REAL(numbers)[i];
  return counts;
}

static uint64_t *ids_of(SEXP numbers) {
  uint64_t *ids = (uint64_t *)R_alloc((size_t)XLENGTH(numbers) + 1, sizeof *ids);
  for (R_xlen_t i = 0; i < XLENGTH(numbers); i++) ids[i] = (uint64_t)REAL(numbers)[i];
  return ids;
}

/* `arguments` is a list of numeric vectors (doubles), which R code has looked at. */
SEXP r_population_do(SEXP handle, SEXP verb, SEXP arguments) {
  state *s = state_of(handle);
  catena_population *p = s->population;
  catena_error *error = NULL;
  catena_status status = CATENA_OK;
  const char *name = CHAR(STRING_ELT(verb, 0));
  int which = 0;
  while (which < VERBS && strcmp(verbs[which], name)) which++;
  /* The first number of each argument. */
  double n[4] = {0};
  for (int i = 0; i < LENGTH(arguments) && i < 4; i++)
    if (XLENGTH(VECTOR_ELT(arguments, i))) n[i] = REAL(VECTOR_ELT(arguments, i))[0];
  SEXP first = LENGTH(arguments) ? VECTOR_ELT(arguments, 0) : R_NilValue;
  const R_xlen_t length = Rf_xlength(first);
  /* All that is allocated, before the library is called. */
  const size_t *counts = which == BLOCK_RESAMPLE ? counts_of(first) : NULL;
  const uint64_t *ids = which == DROP_IDS ? ids_of(first) : NULL;
  const int reads = which == REPORT || which == SAMPLE;
  SEXP value = PROTECT(Rf_allocVector(REALSXP, reads ? (R_xlen_t)n[1] : 1)), before = PROTECT(generator());
  double *out = REAL(value);
  out[0] = NA_REAL;
  uint64_t first_id = 0;
  begin(s);
  switch (which) {
  case REINITIALIZE: status = catena_population_reinitialize(p, (size_t)n[0], (size_t)n[1], &error); break;
  case SEED: status = catena_population_set_seed(p, (uint64_t)n[0], &error); break;
  case GROW:
    status = catena_population_grow_iid(p, (size_t)n[0], &first_id, &error);
    out[0] = (double)first_id;
    break;
  case DROP: status = catena_population_drop_iid(p, (size_t)n[0], &error); break;
  case DROP_IDS: status = catena_population_drop_ids(p, ids, (size_t)length, &error); break;
  case FORGET: status = catena_population_clear_history(p, &error); break;
  case APPLY: status = catena_population_apply(p, (int64_t)n[0], NULL, 0, &error); break;
  case INCORPORATE: status = catena_population_incorporate(p, &error); break;
  case LIKELIHOOD_WEIGHT: status = catena_population_likelihood_weight(p, &error); break;
  case RESAMPLE: status = catena_population_resample(p, (size_t)n[0], (int32_t)n[1], n[2], &error); break;
  case BLOCK_RESAMPLE:
    status = catena_population_block_resample(p, counts, (size_t)length, (int32_t)n[1], n[2], &error);
    break;
  case RESET: status = catena_population_reset_to_prior(p, (size_t)n[0], (int32_t)n[1], &error); break;
  case DIVERSIFY: status = catena_population_diversify(p, (int64_t)n[0], NULL, 0, &error); break;
  case COLLAPSE: status = catena_population_collapse(p, (int64_t)n[0], &error); break;
  case COLLAPSE_MAP: status = catena_population_collapse_map(p, (int64_t)n[0], &error); break;
  case ON_TRACE:
    status = catena_population_on_trace(p, (uint64_t)n[0], (size_t)n[1] - 1, (int64_t)n[2], NULL, 0, out, &error);
    break;
  case SET_WEIGHTS:
    status = catena_population_set_log_weights(p, (uint64_t)n[1], REAL(first), (size_t)length, &error);
    break;
  case REPORT: status = catena_population_report(p, (int32_t)n[0], 0, 1, out, (size_t)n[1], &error); break;
  case SAMPLE: status = catena_population_sample(p, (int32_t)n[0], 0, 1, out, (size_t)n[1], &error); break;
  case REPORT_TRACE:
    status = catena_population_report_trace(p, (uint64_t)n[0], (size_t)n[1] - 1, 0, 1, out, &error);
    break;
  case SAVE: status = catena_population_save(p, &s->checkpoint, &error); break;
  default: status = CATENA_INTERNAL;
  }
  SEXP failure = PROTECT(finish(s, before, status, error));
  if (which == SAVE && s->checkpoint) {
    size_t size = 0;
    const uint8_t *bytes = catena_checkpoint_bytes(s->checkpoint, &size);
    value = Rf_allocVector(RAWSXP, (R_xlen_t)size);
    if (size) memcpy(RAW(value), bytes, size);
    catena_checkpoint_free(s->checkpoint);
    s->checkpoint = NULL;
  }
  PROTECT(value);
  SEXP result = bridge_outcome(failure, value, s->log);
  UNPROTECT(4);
  return result;
}

/* What all processes bring, in their order, as raw vectors; `mine` is one. Where there are no others, that alone. */
SEXP r_population_gather(SEXP handle, SEXP mine) {
  state *s = state_of(handle);
  const catena_communicator *ranks = s->ranks;
  const size_t size = s->traces.processes, length = (size_t)XLENGTH(mine);
  SEXP list = PROTECT(Rf_allocVector(VECSXP, (R_xlen_t)size));
  if (!ranks) {
    SET_VECTOR_ELT(list, 0, mine);
    UNPROTECT(1);
    return list;
  }
  size_t *each = (size_t *)R_alloc(size, sizeof *each), *lengths = (size_t *)R_alloc(size, sizeof *lengths), total = 0;
  for (size_t r = 0; r < size; r++) each[r] = sizeof length;
  int code = ranks->allgatherv(ranks->user, &length, each, lengths);
  if (code == CATENA_RANKS_DONE) {
    for (size_t r = 0; r < size; r++) total += lengths[r];
    unsigned char *all = (unsigned char *)R_alloc(total + 1, 1);
    code = ranks->allgatherv(ranks->user, RAW(mine), lengths, all);
    for (size_t r = 0; code == CATENA_RANKS_DONE && r < size; all += lengths[r++]) {
      SET_VECTOR_ELT(list, (R_xlen_t)r, Rf_allocVector(RAWSXP, (R_xlen_t)lengths[r]));
      if (lengths[r]) memcpy(RAW(VECTOR_ELT(list, (R_xlen_t)r)), all, lengths[r]);
    }
  }
  if (code == CATENA_RANKS_TIMED_OUT) Rf_errorcall(R_NilValue, "a rank did not answer within %g s", ranks->time_out);
  if (code != CATENA_RANKS_DONE) Rf_errorcall(R_NilValue, "the communicator failed with code %d", code);
  UNPROTECT(1);
  return list;
}

static SEXP numbers_of(R_xlen_t size) { return Rf_allocVector(REALSXP, size); }

/* What changes nothing and calls nobody: the name of it, and the id of a set. */
SEXP r_population_read(SEXP handle, SEXP what, SEXP arguments) {
  state *s = state_of(handle);
  const catena_population *p = s->population;
  const char *name = CHAR(STRING_ELT(what, 0));
  catena_error *error = NULL;
  const double *n = REAL(arguments);
  const uint64_t set = (uint64_t)n[0];
  SEXP value = R_NilValue;
  if (!strcmp(name, "sets")) {
    static const char *const fields[] = {"set", "traces", "ess", "log_evidence"};
    const R_xlen_t count = (R_xlen_t)catena_population_num_sets(p);
    value = PROTECT(named_list(fields, 4));
    for (int k = 0; k < 4; k++) SET_VECTOR_ELT(value, k, numbers_of(count));
    for (R_xlen_t i = 0; i < count; i++) {
      const uint64_t id = catena_population_set_id(p, (size_t)i);
      const double row[] = {(double)id, (double)catena_population_set_size(p, id), catena_population_ess(p, id),
                            catena_population_log_evidence(p, id)};
      for (int k = 0; k < 4; k++) REAL(VECTOR_ELT(value, k))[i] = row[k];
    }
  } else if (!strcmp(name, "weights")) {
    const R_xlen_t size = (R_xlen_t)catena_population_set_size(p, set);
    value = PROTECT(numbers_of(size));
    check(catena_population_weights(p, set, (int32_t)n[1], REAL(value), (size_t)size, &error), &error);
  } else if (!strcmp(name, "pooled_weights")) {
    value = PROTECT(numbers_of((R_xlen_t)n[0]));
    check(catena_population_pooled_weights(p, REAL(value), (size_t)n[0], &error), &error);
  } else if (!strcmp(name, "evidence")) {
    value = PROTECT(numbers_of(2));
    REAL(value)[0] = catena_population_pooled_log_evidence(p, REAL(value) + 1);
  } else if (!strcmp(name, "counts")) {
    value = PROTECT(numbers_of(2));
    REAL(value)[0] = (double)catena_population_generation(p);
    REAL(value)[1] = (double)catena_population_copies(p);
  } else if (!strcmp(name, "distinct_ancestors")) {
    size_t size = 0;
    check(catena_population_distinct_ancestors(p, set, NULL, 0, &size, &error), &error);
    size_t *found = (size_t *)R_alloc(size + 1, sizeof *found);
    check(catena_population_distinct_ancestors(p, set, found, size, &size, &error), &error);
    value = PROTECT(numbers_of((R_xlen_t)size));
    for (size_t i = 0; i < size; i++) REAL(value)[i] = (double)found[i];
  } else if (!strcmp(name, "ancestors")) {
    const size_t size = catena_population_set_size(p, set);
    uint32_t *found = (uint32_t *)R_alloc(size + 1, sizeof *found);
    check(catena_population_ancestors(p, set, (size_t)n[1], found, size, &error), &error);
    value = PROTECT(numbers_of((R_xlen_t)size));
    for (size_t i = 0; i < size; i++) REAL(value)[i] = (double)found[i] + 1;
  } else if (!strcmp(name, "coalescence")) {
    value = PROTECT(Rf_ScalarReal((double)catena_population_coalescence(p, set)));
  } else if (!strcmp(name, "trace")) {
    /* In a list, for a trace may be NULL. */
    const void *trace = catena_population_trace(p, set, (size_t)n[1] - 1);
    value = PROTECT(Rf_allocVector(VECSXP, trace ? 1 : 0));
    if (trace) SET_VECTOR_ELT(value, 0, trace_object(&s->traces, trace));
  } else {
    PROTECT(value);
  }
  UNPROTECT(1);
  return value;
}
