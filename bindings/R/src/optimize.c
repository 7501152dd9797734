/* Modes from many starts. */
#include "catena_r.h"

static void free_result(void *result) { catena_optimum_free(result); }

static void start_row(const void *result, size_t i, double *row) {
  const catena_optimum *o = result;
  row[0] = (double)catena_optimum_start_id(o, i);
  row[1] = (double)catena_optimum_start_ending(o, i);
  row[2] = (double)catena_optimum_start_iterations(o, i);
  row[3] = (double)catena_optimum_start_evaluations(o, i);
  row[4] = catena_optimum_start_log_density(o, i);
  row[5] = catena_optimum_start_seconds(o, i);
}

static void mode_row(const void *result, size_t i, double *row) {
  row[0] = (double)catena_optimum_mode_start(result, i) + 1;
  row[1] = (double)catena_optimum_mode_found(result, i);
}

static const double *position(const void *result, size_t i) { return catena_optimum_start_position(result, i); }
static const double *outputs_of(const void *result, size_t i) { return catena_optimum_start_outputs(result, i); }
static const catena_error *error_of(const void *result, size_t i) { return catena_optimum_start_error(result, i); }

/* `settings` and `names` are as for runs; `inits` NULL or a list with an entry per start. */
SEXP r_optimize(SEXP model, SEXP settings, SEXP names, SEXP inits) {
  static const char *const fields[] = {"failure", "starts", "messages", "modes", "best", "positions", "outputs", "names", "log"};
  enum { FAILURE, STARTS, MESSAGES, MODES, BEST, POSITIONS, OUTPUTS, NAMES, LOG, FIELDS };
  static const char *const of_start[] = {"id", "ending", "iterations", "evaluations", "log_density", "seconds"};
  static const char *const of_mode[] = {"start", "found"};
  catena_error *error = NULL;
  service_call *s;
  SEXP handle = PROTECT(service_new(model, settings, names, inits, free_result, &s));
  SEXP list = PROTECT(named_list(fields, FIELDS));
  const catena_model *m = s->model->model;
  const catena_logger logger = log_table(s->log);
  const catena_interrupt interrupt = service_interrupt(s);
  const catena_io io = service_io(s, &logger, &interrupt);
  SEXP before = PROTECT(generator());
  catena_optimum *o = NULL;
  const catena_status status = catena_optimize(m, s->options, &io, &o, &error);
  s->result = o;
  SET_VECTOR_ELT(list, FAILURE, service_finish(s, before, status, error));

  if (o) {
    const size_t starts = catena_optimum_num_starts(o), outputs = catena_model_output_count(m);
    SET_VECTOR_ELT(list, STARTS, service_table(of_start, 6, starts, start_row, o));
    SET_VECTOR_ELT(list, MESSAGES, service_messages(o, starts, error_of));
    SET_VECTOR_ELT(list, MODES, service_table(of_mode, 2, catena_optimum_num_modes(o), mode_row, o));
    SET_VECTOR_ELT(list, BEST, Rf_ScalarReal((double)catena_optimum_best(o) + 1));
    SET_VECTOR_ELT(list, POSITIONS, service_matrix(o, catena_model_dimension(m), starts, position));
    SET_VECTOR_ELT(list, OUTPUTS, service_matrix(o, outputs, starts, outputs_of));
    SET_VECTOR_ELT(list, NAMES, service_columns(s, catena_model_output_count, catena_model_output_name));
  }
  SET_VECTOR_ELT(list, LOG, log_take(s->log));
  service_free(handle);
  UNPROTECT(3);
  return list;
}
