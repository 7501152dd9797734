/* Sets of particles over a model: the library's sequential Monte Carlo, with its rows in R's memory. */
#include "catena_r.h"
#include <setjmp.h>

static void free_result(void *result) { catena_smc_result_free(result); }

/* What happens on R's thread while the library works: Ctrl-C, and lines of the logger. A jump is held back until the
 * library has returned. */
typedef struct {
  SEXP token, show;
  const service_call *call;
  jmp_buf place;
  int pending;
} watch;

static SEXP look(void *data) {
  const watch *w = data;
  R_CheckUserInterrupt();
  if (Rf_isNull(w->show)) return R_NilValue;
  SEXP lines = PROTECT(log_take(w->call->log));
  if (LENGTH(VECTOR_ELT(lines, 0))) {
    SEXP call = PROTECT(Rf_lang2(w->show, lines));
    Rf_eval(call, R_GlobalEnv);
    UNPROTECT(1);
  }
  UNPROTECT(1);
  return R_NilValue;
}

static void land(void *data, Rboolean jump) {
  if (jump) longjmp(((watch *)data)->place, 1);
}

static int requested(void *user) {
  watch *w = user;
  if (w->pending || closures_pending(w->call->model->closures)) return 1;
  if (setjmp(w->place)) {
    w->pending = 1;
    return 1;
  }
  R_UnwindProtect(look, w, land, w, w->token);
  return 0;
}

/* A list of columns of `rows` doubles; `to` gets where they are. */
static SEXP table_of(const char *const *fields, int count, R_xlen_t rows, double **to) {
  SEXP list = PROTECT(named_list(fields, count));
  for (int k = 0; k < count; k++) {
    SEXP column = Rf_allocVector(REALSXP, rows);
    SET_VECTOR_ELT(list, k, column);
    to[k] = REAL(column);
  }
  UNPROTECT(1);
  return list;
}

static SEXP sets_of(const catena_smc_result *r) {
  static const char *const fields[] = {"set", "outcome", "log_evidence", "standard_error", "rows", "refused", "seconds"};
  enum { FIELDS = sizeof fields / sizeof *fields };
  const size_t sets = catena_smc_result_num_sets(r);
  double *to[FIELDS];
  SEXP list = table_of(fields, FIELDS, (R_xlen_t)sets, to);
  for (size_t s = 0; s < sets; s++) {
    const double row[FIELDS] = {(double)catena_smc_result_set_id(r, s),
                                (double)catena_smc_result_set_outcome(r, s),
                                catena_smc_result_set_log_evidence(r, s),
                                catena_smc_result_set_standard_error(r, s),
                                (double)catena_smc_result_set_rows(r, s),
                                (double)catena_smc_result_set_refused(r, s),
                                catena_smc_result_set_seconds(r, s)};
    for (int k = 0; k < FIELDS; k++) to[k][s] = row[k];
  }
  return list;
}

static SEXP stages_of(const catena_smc_result *r) {
  static const char *const fields[] = {"set", "stage", "way", "ess", "log_evidence", "acceptance", "step_size",
                                       "ancestors"};
  enum { FIELDS = sizeof fields / sizeof *fields };
  const size_t sets = catena_smc_result_num_sets(r);
  size_t rows = 0, at = 0;
  double *to[FIELDS];
  for (size_t s = 0; s < sets; s++) rows += catena_smc_result_num_stages(r, s);
  SEXP list = table_of(fields, FIELDS, (R_xlen_t)rows, to);
  for (size_t s = 0; s < sets; s++)
    for (size_t i = 0; i < catena_smc_result_num_stages(r, s); i++, at++) {
      const double row[FIELDS] = {(double)catena_smc_result_set_id(r, s),
                                  (double)i + 1,
                                  catena_smc_result_stage_way(r, s, i),
                                  catena_smc_result_stage_ess(r, s, i),
                                  catena_smc_result_stage_log_evidence(r, s, i),
                                  catena_smc_result_stage_acceptance(r, s, i),
                                  catena_smc_result_stage_stepsize(r, s, i),
                                  catena_smc_result_stage_ancestors(r, s, i)};
      for (int k = 0; k < FIELDS; k++) to[k][at] = row[k];
    }
  return list;
}

/* `settings` and `names` are as for runs; `reference` is NULL or a list of mean and spread, as doubles; `show` a function of
 * logged lines, or NULL. */
SEXP r_sample_smc(SEXP model, SEXP settings, SEXP names, SEXP reference, SEXP show) {
  static const char *const fields[] = {"failure", "columns", "draws", "sets", "stages", "messages", "particles", "evidence",
                                       "log"};
  enum { FAILURE, COLUMNS, DRAWS, SETS, STAGES, MESSAGES, PARTICLES, EVIDENCE, LOG, FIELDS };
  catena_error *error = NULL;
  service_call *s;
  SEXP handle = PROTECT(service_new(model, settings, names, R_NilValue, free_result, &s));
  SEXP list = PROTECT(named_list(fields, FIELDS));
  const catena_model *m = s->model->model;
  SET_VECTOR_ELT(list, COLUMNS, service_columns(s, catena_smc_column_count, catena_smc_column));
  SET_VECTOR_ELT(list, DRAWS, service_draws(s, service_whole(s, "num_particles"), service_whole(s, "num_sets"),
                                            catena_smc_column_count(m)));

  watch w = {.token = s->bridge.token, .show = show, .call = s};
  const catena_logger logger = log_table(s->log);
  const catena_interrupt interrupt = {.struct_size = sizeof interrupt, .user = &w, .requested = requested};
  const catena_io io = service_io(s, &logger, &interrupt);
  const int given = !Rf_isNull(reference);
  const catena_reference normal = {.struct_size = sizeof normal,
                                   .mean = given ? REAL(VECTOR_ELT(reference, 0)) : NULL,
                                   .spread = given ? REAL(VECTOR_ELT(reference, 1)) : NULL,
                                   .spread_size = given ? (size_t)XLENGTH(VECTOR_ELT(reference, 1)) : 0};
  SEXP before = PROTECT(generator());
  catena_smc_result *r = NULL;
  const catena_status status = catena_sample_smc(m, s->options, given ? &normal : NULL, &io, &r, &error);
  s->result = r;
  s->bridge.pending = w.pending;
  SET_VECTOR_ELT(list, FAILURE, service_finish(s, before, status, error));

  if (r) {
    const size_t sets = catena_smc_result_num_sets(r);
    SEXP messages, failed, evidence;
    SET_VECTOR_ELT(list, SETS, sets_of(r));
    SET_VECTOR_ELT(list, STAGES, stages_of(r));
    SET_VECTOR_ELT(list, MESSAGES, messages = Rf_allocVector(STRSXP, (R_xlen_t)sets));
    SET_VECTOR_ELT(list, PARTICLES, failed = Rf_allocVector(REALSXP, (R_xlen_t)sets));
    for (size_t i = 0; i < sets; i++) {
      const catena_error *of_set = catena_smc_result_set_error(r, i);
      const double particle = (double)catena_error_particle(of_set);
      SET_STRING_ELT(messages, (R_xlen_t)i, utf8(catena_error_message(of_set)));
      REAL(failed)[i] = particle < 0 ? NA_REAL : particle + 1;
    }
    SET_VECTOR_ELT(list, EVIDENCE, evidence = Rf_allocVector(REALSXP, 2));
    REAL(evidence)[0] = catena_smc_result_log_evidence(r);
    REAL(evidence)[1] = catena_smc_result_standard_error(r);
  } else {
    SET_VECTOR_ELT(list, DRAWS, R_NilValue);
  }
  SET_VECTOR_ELT(list, LOG, log_take(s->log));
  service_free(handle);
  UNPROTECT(3);
  return list;
}
