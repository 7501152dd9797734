/* R functions that the library calls, on R's thread alone.
 *
 * An R error in a function leaves it by a jump, which R_UnwindProtect stops here: the library hears words, and R code around
 * the call (guarded() in population.R) has the condition. Other jumps, as Ctrl-C, are held back until the library has
 * returned. */
#include "catena_r.h"
#include <setjmp.h>
#include <string.h>

typedef struct {
  jmp_buf place;
} landing;

static void land(void *data, Rboolean jump) {
  if (jump) longjmp(((landing *)data)->place, 1);
}

void bridge_init(bridge *b, SEXP state, SEXP token) {
  b->state = state;
  b->token = token;
  b->pending = 0;
}

SEXP bridge_object(const bridge *b, const char *name) { return Rf_findVarInFrame(b->state, Rf_install(name)); }

/* The words of the R error that left a function; 0 when it was no error. */
static int error_said(bridge *b, catena_task *task) {
  SEXP message = bridge_object(b, "message");
  if (TYPEOF(message) != STRSXP || LENGTH(message) != 1) return 0;
  catena_task_message(task, CHAR(STRING_ELT(message, 0)));
  Rf_defineVar(Rf_install("message"), R_NilValue, b->state);
  return 1;
}

int bridge_call(bridge *b, catena_task *task, SEXP (*body)(void *), void *data) {
  landing here;
  if (b->pending) return -1;
  if (setjmp(here.place)) {
    if (!error_said(b, task)) b->pending = 1;
    return -1;
  }
  R_UnwindProtect(body, data, land, &here, b->token);
  return 0;
}

static SEXP look(void *data) {
  (void)data;
  R_CheckUserInterrupt();
  return R_NilValue;
}

int bridge_interrupted(void *user) {
  landing here;
  bridge *b = user;
  if (b->pending) return 1;
  if (setjmp(here.place)) {
    b->pending = 1;
    return 1;
  }
  R_UnwindProtect(look, NULL, land, &here, b->token);
  return 0;
}

SEXP as_argument(SEXP object) {
  const int type = TYPEOF(object);
  return type == SYMSXP || type == LANGSXP || type == PROMSXP || type == BCODESXP ? Rf_lang2(R_QuoteSymbol, object) : object;
}

SEXP generator(void) { return Rf_findVarInFrame(R_GlobalEnv, Rf_install(".Random.seed")); }

/* R's generator goes on from the trace's own stream: six words of L'Ecuyer's generator. Whoever called the library has kept
 * the state of before. */
void seed_generator(catena_task *task) {
  static const uint64_t below[2] = {4294967087u, 4294944443u};
  /* L'Ecuyer-CMRG, inversion, rejection, as RNGkind() has them. */
  const int kinds = 10407;
  SEXP state = PROTECT(Rf_allocVector(INTSXP, 7));
  INTEGER(state)[0] = kinds;
  for (int i = 0; i < 6; i++) {
    /* Neither triple may be all zeros. */
    const uint32_t word = (uint32_t)(1 + catena_task_bits(task) % (below[i / 3] - 1));
    memcpy(INTEGER(state) + i + 1, &word, sizeof word);
  }
  Rf_defineVar(Rf_install(".Random.seed"), state, R_GlobalEnv);
  UNPROTECT(1);
}

SEXP bridge_finish(bridge *b, SEXP before, catena_status status, catena_error *error) {
  static const char *const fields[] = {"message", "status", "set", "particle", "argument"};
  if (before != R_UnboundValue) Rf_defineVar(Rf_install(".Random.seed"), before, R_GlobalEnv);
  if (b->pending) {
    b->pending = 0;
    catena_error_free(error);
    R_ContinueUnwind(b->token);
  }
  if (status == CATENA_OK) return R_NilValue;
  /* Freed by R should one of the allocations fail. */
  const char *message = catena_error_message(error), *argument = catena_error_argument(error);
  char *said = strcpy(R_alloc(strlen(message) + 1, 1), message), *about = NULL;
  if (argument) about = strcpy(R_alloc(strlen(argument) + 1, 1), argument);
  const double set = (double)catena_error_set(error), particle = (double)catena_error_particle(error);
  catena_error_free(error);
  SEXP failure = PROTECT(named_list(fields, 5));
  SET_VECTOR_ELT(failure, 0, Rf_ScalarString(utf8(said)));
  SET_VECTOR_ELT(failure, 1, Rf_ScalarInteger(status));
  SET_VECTOR_ELT(failure, 2, Rf_ScalarReal(set < 0 ? NA_REAL : set));
  /* R counts from 1. */
  SET_VECTOR_ELT(failure, 3, Rf_ScalarReal(particle < 0 ? NA_REAL : particle + 1));
  SET_VECTOR_ELT(failure, 4, about ? Rf_ScalarString(utf8(about)) : R_NilValue);
  UNPROTECT(1);
  return failure;
}

SEXP bridge_outcome(SEXP failure, SEXP value, log_queue *log) {
  static const char *const fields[] = {"failure", "value", "log"};
  SEXP list = PROTECT(named_list(fields, 3));
  SET_VECTOR_ELT(list, 0, failure);
  SET_VECTOR_ELT(list, 1, value);
  SET_VECTOR_ELT(list, 2, log_take(log));
  UNPROTECT(1);
  return list;
}
