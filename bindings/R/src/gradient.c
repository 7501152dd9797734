/* A model's gradient against finite differences. */
#include "catena_r.h"

/* `init` is a list of named arrays, a vector (a position) or NULL. */
SEXP r_diagnose_gradient(SEXP model, SEXP settings, SEXP init, SEXP radius, SEXP epsilon, SEXP threshold) {
  static const char *const fields[] = {"log_density", "failures", "value", "model", "finite_diff", "error", "text", "log",
                                       "unused"};
  enum { VALUE = 2, COLUMNS = 4 };
  job *j;
  SEXP handle = PROTECT(job_new(model, settings, init, &j)), list = PROTECT(named_list(fields, 9)), unused;
  catena_error *error = NULL;
  const init_values *values = NULL;
  check(catena_options_set_init_radius(j->options, Rf_asReal(radius), &error), &error);
  if (TYPEOF(init) == VECSXP) {
    check(list_init_new(init, &j->init, &values, &error), &error);
  } else if (TYPEOF(init) == REALSXP) {
    check(catena_init_position_new(REAL(init), (size_t)XLENGTH(init), &j->init, &error), &error);
  }
  const catena_logger logger = log_table(j->log);
  const catena_status status = catena_diagnose_gradient(j->model->model, j->options, j->init, &logger, Rf_asReal(epsilon),
                                                        Rf_asReal(threshold), &j->check, &error);
  closures_rethrow(j->model->closures, error);
  check(status, &error);

  const size_t size = catena_gradient_check_size(j->check);
  SET_VECTOR_ELT(list, 0, Rf_ScalarReal(catena_gradient_check_log_density(j->check)));
  SET_VECTOR_ELT(list, 1, Rf_ScalarReal((double)catena_gradient_check_failures(j->check)));
  for (int i = 0; i < COLUMNS; i++) SET_VECTOR_ELT(list, VALUE + i, Rf_allocVector(REALSXP, (R_xlen_t)size));
  for (size_t i = 0; i < size; i++) {
    const double row[COLUMNS] = {catena_gradient_check_value(j->check, i), catena_gradient_check_model(j->check, i),
                                 catena_gradient_check_finite_difference(j->check, i),
                                 catena_gradient_check_error(j->check, i)};
    for (int k = 0; k < COLUMNS; k++) REAL(VECTOR_ELT(list, VALUE + k))[i] = row[k];
  }
  SET_VECTOR_ELT(list, 6, Rf_ScalarString(utf8(catena_gradient_check_text(j->check))));
  SET_VECTOR_ELT(list, 7, log_take(j->log));
  SET_VECTOR_ELT(list, 8, unused = Rf_allocVector(LGLSXP, values ? LENGTH(init) : 0));
  for (int i = 0; i < LENGTH(unused); i++) LOGICAL(unused)[i] = !list_init_asked(values, i);
  job_free(handle);
  UNPROTECT(2);
  return list;
}
