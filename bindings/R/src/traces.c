/* Traces that are R objects.
 *
 * A trace is the number of a place in a registry, a list that R's collector sees. The library calls back on R's thread
 * alone, by bridge.c. */
#include "catena_r.h"
#include <stdlib.h>
#include <string.h>

/* One call of an R function. The pointers that are not used are NULL. */
typedef struct {
  traces *t;
  catena_task *task;
  /* Name of the function in `functions`, or NULL for an operation. */
  const char *name;
  int64_t operation;
  void *trace, **out;
  double *number;
  size_t width;
  catena_family *family;
  uint64_t *words;
  catena_bytes *sink;
  const void *bytes;
  size_t size;
} request;

static SEXP of_state(const traces *t, const char *name) { return bridge_object(&t->bridge, name); }

static int guarded(request *r, SEXP (*body)(void *)) { return bridge_call(&r->t->bridge, r->task, body, r); }

static R_xlen_t place_of(const void *trace) { return (R_xlen_t)(uintptr_t)trace - 1; }

SEXP trace_object(const traces *t, const void *trace) { return VECTOR_ELT(VECTOR_ELT(t->kept, REGISTRY), place_of(trace)); }

/* A trace that is the object. May raise R errors. */
static void *put(traces *t, SEXP object) {
  PROTECT(object);
  if (!t->num_vacant) {
    const int more = t->places ? t->places : 64;
    SEXP grown = PROTECT(Rf_allocVector(VECSXP, (R_xlen_t)t->places + more)), old = VECTOR_ELT(t->kept, REGISTRY);
    int *vacant = realloc(t->vacant, ((size_t)t->places + (size_t)more) * sizeof *vacant);
    if (!vacant) Rf_errorcall(R_NilValue, "out of memory");
    t->vacant = vacant;
    for (int i = 0; i < t->places; i++) SET_VECTOR_ELT(grown, i, VECTOR_ELT(old, i));
    for (int i = 0; i < more; i++) vacant[t->num_vacant++] = t->places + more - 1 - i;
    t->places += more;
    SET_VECTOR_ELT(t->kept, REGISTRY, grown);
    UNPROTECT(1);
  }
  const int place = t->vacant[--t->num_vacant];
  SET_VECTOR_ELT(VECTOR_ELT(t->kept, REGISTRY), place, object);
  UNPROTECT(1);
  return (void *)((uintptr_t)place + 1);
}

static void free_trace(void *user, void *trace) {
  traces *t = user;
  SET_VECTOR_ELT(VECTOR_ELT(t->kept, REGISTRY), place_of(trace), R_NilValue);
  t->vacant[t->num_vacant++] = (int)place_of(trace);
}

static SEXP element(SEXP list, const char *name) {
  SEXP names = Rf_getAttrib(list, R_NamesSymbol);
  for (int i = 0; i < LENGTH(names); i++)
    if (!strcmp(CHAR(STRING_ELT(names, i)), name)) return VECTOR_ELT(list, i);
  return R_NilValue;
}

static SEXP function_of(const request *r) {
  if (!r->name) {
    SEXP operations = of_state(r->t, "operations");
    if (r->operation < 1 || r->operation > XLENGTH(operations)) Rf_errorcall(R_NilValue, "the operation is gone");
    return VECTOR_ELT(operations, (R_xlen_t)r->operation - 1);
  }
  return element(of_state(r->t, "functions"), r->name);
}

/* The function's value at the trace, or at nothing. */
static SEXP value_of(const request *r, SEXP function) {
  SEXP call = r->trace ? PROTECT(Rf_lang2(function, R_NilValue)) : PROTECT(Rf_lang1(function));
  if (r->trace) SETCADR(call, as_argument(trace_object(r->t, r->trace)));
  SEXP value = Rf_eval(call, R_GlobalEnv);
  UNPROTECT(1);
  return value;
}

static double number(SEXP value, const char *what) {
  const int type = TYPEOF(value);
  if ((type != REALSXP && type != INTSXP && type != LGLSXP) || XLENGTH(value) != 1)
    Rf_errorcall(R_NilValue, "%s: expected a number, got an object of type '%s' and length %lld", what, Rf_type2char(type),
                 (long long)Rf_xlength(value));
  return Rf_asReal(value);
}

/* Reads list(trace =, log_increment =), of which either may be missing; *trace is NULL when it is. */
static void read_change(SEXP value, SEXP *trace, double *increment) {
  static const char *const expected = "expected a list of trace and log_increment, either of which may be missing, got ";
  *trace = NULL;
  *increment = 0;
  if (Rf_isNull(value)) return;
  if (TYPEOF(value) != VECSXP) Rf_errorcall(R_NilValue, "%san object of type '%s'", expected, Rf_type2char(TYPEOF(value)));
  SEXP names = Rf_getAttrib(value, R_NamesSymbol);
  if (LENGTH(value) && Rf_isNull(names)) Rf_errorcall(R_NilValue, "%sa list without names", expected);
  for (int i = 0; i < LENGTH(value); i++) {
    const char *name = CHAR(STRING_ELT(names, i));
    if (!strcmp(name, "trace")) *trace = VECTOR_ELT(value, i);
    else if (!strcmp(name, "log_increment")) *increment = number(VECTOR_ELT(value, i), "log_increment");
    else Rf_errorcall(R_NilValue, "%san element '%s'", expected, name);
  }
}

static void replace(const request *r, SEXP object) {
  SET_VECTOR_ELT(VECTOR_ELT(r->t->kept, REGISTRY), place_of(r->trace), object);
}

static SEXP create_body(void *data) {
  request *r = data;
  seed_generator(r->task);
  *r->out = put(r->t, value_of(r, function_of(r)));
  return R_NilValue;
}

static SEXP copy_body(void *data) {
  request *r = data;
  SEXP object = trace_object(r->t, r->trace), function = function_of(r);
  if (!Rf_isNull(function)) object = value_of(r, function);
  else if (TYPEOF(object) == ENVSXP)
    Rf_errorcall(R_NilValue, "an environment is not copied by R: give catena_population() a function 'copy'");
  *r->out = put(r->t, object);
  return R_NilValue;
}

static SEXP change_body(void *data) {
  request *r = data;
  SEXP trace;
  seed_generator(r->task);
  SEXP value = PROTECT(value_of(r, function_of(r)));
  read_change(value, &trace, r->number);
  if (trace) replace(r, trace);
  UNPROTECT(1);
  return R_NilValue;
}

static SEXP reset_body(void *data) {
  request *r = data;
  seed_generator(r->task);
  SEXP value = value_of(r, function_of(r));
  replace(r, value);
  return R_NilValue;
}

static SEXP weigh_body(void *data) {
  request *r = data;
  seed_generator(r->task);
  *r->number = number(value_of(r, function_of(r)), "the likelihood weight");
  return R_NilValue;
}

static SEXP report_body(void *data) {
  request *r = data;
  seed_generator(r->task);
  SEXP results = of_state(r->t, "results");
  SEXP value = value_of(r, of_state(r->t, "asked"));
  SET_VECTOR_ELT(results, r->t->reported, value);
  /* A place among those of all processes, which says whose it is. */
  *r->number = (double)((size_t)r->t->reported++ * r->t->processes + r->t->rank) + 1;
  return R_NilValue;
}

static SEXP diversify_body(void *data) {
  request *r = data;
  seed_generator(r->task);
  SEXP value = PROTECT(value_of(r, function_of(r)));
  if (TYPEOF(value) != VECSXP || !Rf_isNull(Rf_getAttrib(value, R_NamesSymbol)))
    Rf_errorcall(R_NilValue, "expected a list without names, of lists of trace and log_increment");
  for (int i = 0; i < LENGTH(value); i++) {
    SEXP trace;
    double increment;
    read_change(VECTOR_ELT(value, i), &trace, &increment);
    catena_family_add(r->family, put(r->t, trace ? trace : trace_object(r->t, r->trace)), increment);
  }
  UNPROTECT(1);
  return R_NilValue;
}

static uint64_t mixed(uint64_t h, uint64_t word) {
  h = (h ^ word) * 0x9e3779b97f4a7c15u;
  h = (h ^ (h >> 32)) * 0xd6e8feb86659fd93u;
  return h ^ (h >> 29);
}

static void hash(uint64_t *words, const void *bytes, size_t size) {
  const unsigned char *from = bytes;
  for (size_t i = 0; i < size; i += 8) {
    uint64_t word = 0;
    memcpy(&word, from + i, size - i < 8 ? size - i : 8);
    for (int k = 0; k < 2; k++) words[k] = mixed(words[k], word);
  }
  for (int k = 0; k < 2; k++) words[k] = mixed(words[k], size);
}

static SEXP fingerprint_body(void *data) {
  request *r = data;
  SEXP value = PROTECT(value_of(r, function_of(r)));
  r->words[0] = 0x243f6a8885a308d3u ^ (uint64_t)(TYPEOF(value) == STRSXP);
  r->words[1] = 0x13198a2e03707344u;
  if (TYPEOF(value) == STRSXP) {
    for (R_xlen_t i = 0; i < XLENGTH(value); i++) {
      const char *text = Rf_translateCharUTF8(STRING_ELT(value, i));
      hash(r->words, text, strlen(text));
    }
  } else if (TYPEOF(value) == RAWSXP) {
    hash(r->words, RAW(value), (size_t)XLENGTH(value));
  } else if (TYPEOF(value) == REALSXP || TYPEOF(value) == INTSXP || TYPEOF(value) == LGLSXP) {
    SEXP numbers = PROTECT(Rf_coerceVector(value, REALSXP));
    for (R_xlen_t i = 0; i < XLENGTH(numbers); i++) {
      /* So that -0 is 0, and every NaN one. */
      const double x = REAL(numbers)[i], plain = ISNAN(x) ? R_NaN : x + 0.0;
      hash(r->words, &plain, sizeof plain);
    }
    UNPROTECT(1);
  } else {
    Rf_errorcall(R_NilValue, "the fingerprint: expected numbers, texts or raw bytes, got an object of type '%s'",
                 Rf_type2char(TYPEOF(value)));
  }
  UNPROTECT(1);
  return R_NilValue;
}

static SEXP serialize_body(void *data) {
  request *r = data;
  SEXP value = PROTECT(value_of(r, function_of(r)));
  if (TYPEOF(value) != RAWSXP)
    Rf_errorcall(R_NilValue, "serialize: expected a raw vector, got an object of type '%s'", Rf_type2char(TYPEOF(value)));
  catena_bytes_write(r->sink, RAW(value), (size_t)XLENGTH(value));
  UNPROTECT(1);
  return R_NilValue;
}

static SEXP deserialize_body(void *data) {
  request *r = data;
  SEXP bytes = PROTECT(Rf_allocVector(RAWSXP, (R_xlen_t)r->size));
  if (r->size) memcpy(RAW(bytes), r->bytes, r->size);
  SEXP call = PROTECT(Rf_lang2(function_of(r), bytes));
  *r->out = put(r->t, Rf_eval(call, R_GlobalEnv));
  UNPROTECT(2);
  return R_NilValue;
}

static int create(void *user, catena_task *task, void **trace) {
  request r = {.t = user, .task = task, .name = "create", .out = trace};
  return guarded(&r, create_body);
}

static int copy(void *user, const void *trace, catena_task *task, void **out) {
  request r = {.t = user, .task = task, .name = "copy", .trace = (void *)trace, .out = out};
  return guarded(&r, copy_body);
}

static int apply(void *user, void *trace, int64_t operation, const void *bytes, size_t size, catena_task *task,
                 double *increment) {
  request r = {.t = user, .task = task, .operation = operation, .trace = trace, .number = increment};
  (void)bytes, (void)size;
  return guarded(&r, change_body);
}

static int incorporate(void *user, void *trace, catena_task *task, double *increment) {
  request r = {.t = user, .task = task, .name = "incorporate", .trace = trace, .number = increment};
  return guarded(&r, change_body);
}

static int reset_to_prior(void *user, void *trace, catena_task *task) {
  request r = {.t = user, .task = task, .name = "reset_to_prior", .trace = trace};
  return guarded(&r, reset_body);
}

static int weigh(void *user, void *trace, catena_task *task, double *weight) {
  request r = {.t = user, .task = task, .name = "weigh", .trace = trace, .number = weight};
  return guarded(&r, weigh_body);
}

static int report(void *user, const void *trace, int64_t what, catena_task *task, size_t width, double *out) {
  request r = {.t = user, .task = task, .trace = (void *)trace, .number = out};
  (void)what, (void)width;
  return guarded(&r, report_body);
}

static int diversify(void *user, const void *trace, int64_t operation, const void *bytes, size_t size, catena_task *task,
                     catena_family *family) {
  request r = {.t = user, .task = task, .operation = operation, .trace = (void *)trace, .family = family};
  (void)bytes, (void)size;
  return guarded(&r, diversify_body);
}

static int fingerprint(void *user, const void *trace, int64_t scope, catena_task *task, uint64_t *words) {
  request r = {.t = user, .task = task, .operation = scope, .trace = (void *)trace, .words = words};
  return guarded(&r, fingerprint_body);
}

static int serialize(void *user, const void *trace, catena_task *task, catena_bytes *out) {
  request r = {.t = user, .task = task, .name = "serialize", .trace = (void *)trace, .sink = out};
  return guarded(&r, serialize_body);
}

static int deserialize(void *user, const void *bytes, size_t size, catena_task *task, void **trace) {
  request r = {.t = user, .task = task, .name = "deserialize", .bytes = bytes, .size = size, .out = trace};
  return guarded(&r, deserialize_body);
}

void traces_init(traces *t, SEXP state, SEXP kept, catena_traces *table) {
  SEXP functions = Rf_findVarInFrame(state, Rf_install("functions"));
  bridge_init(&t->bridge, state, VECTOR_ELT(kept, TOKEN));
  t->kept = kept;
  t->processes = 1;
  table->struct_size = sizeof *table;
  table->user = t;
  table->threading = CATENA_THREADS_CALLER;
  table->create = create;
  table->free = free_trace;
  table->copy = copy;
  table->apply = apply;
  if (!Rf_isNull(element(functions, "incorporate"))) table->incorporate = incorporate;
  if (!Rf_isNull(element(functions, "reset_to_prior"))) table->reset_to_prior = reset_to_prior;
  if (!Rf_isNull(element(functions, "weigh"))) table->weigh = weigh;
  table->report = report;
  table->diversify = diversify;
  table->fingerprint = fingerprint;
  table->serialize = serialize;
  table->deserialize = deserialize;
}
