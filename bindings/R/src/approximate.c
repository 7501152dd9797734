/* Draws from approximations: Pathfinder, variational inference, normal distributions at modes, with their rows in R's
 * memory. */
#include "catena_r.h"
#include <string.h>

/* A service: its call, its columns. */
typedef struct {
  catena_status (*call)(const catena_model *, const catena_options *, const catena_io *, catena_approximation **, catena_error **);
  size_t (*columns)(const catena_model *);
  const char *(*column)(const catena_model *, size_t);
} service;

enum { VARIATIONAL, PATHFINDER, LAPLACE };
static const service services[] = {
    {catena_variational, catena_variational_column_count, catena_variational_column},
    {catena_pathfinder, catena_pathfinder_column_count, catena_pathfinder_column},
    {catena_laplace, catena_laplace_column_count, catena_laplace_column},
};

static void free_result(void *result) { catena_approximation_free(result); }

static const char *const of_fit[] = {"id",      "iterations", "converged", "elbo",  "khat",
                                     "dropped", "gradients",  "densities", "draws", "seconds"};
enum { OF_FIT = sizeof of_fit / sizeof *of_fit };

static void fit_row(const void *result, size_t i, double *row) {
  const catena_approximation *r = result;
  const double numbers[OF_FIT] = {(double)catena_approximation_fit_id(r, i),
                                  (double)catena_approximation_fit_iterations(r, i),
                                  (double)catena_approximation_fit_converged(r, i),
                                  catena_approximation_fit_elbo(r, i),
                                  catena_approximation_fit_khat(r, i),
                                  (double)catena_approximation_fit_dropped(r, i),
                                  (double)catena_approximation_fit_gradients(r, i),
                                  (double)catena_approximation_fit_densities(r, i),
                                  (double)catena_approximation_fit_draws(r, i),
                                  catena_approximation_fit_seconds(r, i)};
  memcpy(row, numbers, sizeof numbers);
}

static const double *mean(const void *result, size_t i) { return catena_approximation_fit_mean(result, i); }
static const double *sd(const void *result, size_t i) { return catena_approximation_fit_sd(result, i); }
static const catena_error *error_of(const void *result, size_t i) { return catena_approximation_fit_error(result, i); }

/* `settings` and `names` are as for runs; `inits` NULL or a list with an entry per path, fit or id; `number`: of the
 * service. */
SEXP r_approximate(SEXP model, SEXP number, SEXP settings, SEXP names, SEXP inits) {
  static const char *const fields[] = {"failure", "columns", "draws", "fits", "messages", "mean", "sd", "positions", "khat",
                                       "pool", "rows", "log"};
  enum { FAILURE, COLUMNS, DRAWS, FITS, MESSAGES, MEAN, SD, POSITIONS, KHAT, POOL, ROWS, LOG, FIELDS };
  catena_error *error = NULL;
  const int which = Rf_asInteger(number);
  const service *const of = &services[which];
  service_call *s;
  SEXP handle = PROTECT(service_new(model, settings, names, inits, free_result, &s));
  SEXP list = PROTECT(named_list(fields, FIELDS));
  const catena_model *m = s->model->model;

  size_t rows, writers;
  if (which == PATHFINDER) {
    const size_t count = service_whole(s, "num_paths");
    const int weighs = count > 1 && service_whole(s, "psis_resample") && service_whole(s, "calculate_lp");
    rows = weighs ? service_whole(s, "num_psis_draws") : count * service_whole(s, "num_draws");
    writers = 1;
  } else {
    rows = which == LAPLACE ? service_whole(s, "laplace_draws") : service_whole(s, "output_draws") + 1;
    writers = service_whole(s, "num_chains");
  }
  SET_VECTOR_ELT(list, COLUMNS, service_columns(s, of->columns, of->column));
  SET_VECTOR_ELT(list, DRAWS, service_draws(s, rows, writers, of->columns(m)));

  const catena_logger logger = log_table(s->log);
  const catena_interrupt interrupt = service_interrupt(s);
  const catena_io io = service_io(s, &logger, &interrupt);
  SEXP before = PROTECT(generator());
  catena_approximation *r = NULL;
  const catena_status status = of->call(m, s->options, &io, &r, &error);
  s->result = r;
  SET_VECTOR_ELT(list, FAILURE, service_finish(s, before, status, error));

  if (r) {
    const size_t fits = catena_approximation_num_fits(r), dimension = catena_model_dimension(m);
    SET_VECTOR_ELT(list, FITS, service_table(of_fit, OF_FIT, fits, fit_row, r));
    SET_VECTOR_ELT(list, MESSAGES, service_messages(r, fits, error_of));
    SET_VECTOR_ELT(list, MEAN, service_matrix(r, dimension, fits, mean));
    SET_VECTOR_ELT(list, SD, service_matrix(r, dimension, fits, sd));
    const double *positions = catena_approximation_positions(r);
    if (positions) {
      SEXP matrix = Rf_allocMatrix(REALSXP, (int)dimension, (int)catena_approximation_rows(r));
      SET_VECTOR_ELT(list, POSITIONS, matrix);
      memcpy(REAL(matrix), positions, (size_t)XLENGTH(matrix) * sizeof *positions);
    }
    SET_VECTOR_ELT(list, KHAT, Rf_ScalarReal(catena_approximation_khat(r)));
    SET_VECTOR_ELT(list, POOL, Rf_ScalarReal((double)catena_approximation_pool(r)));
    SET_VECTOR_ELT(list, ROWS, Rf_ScalarReal((double)catena_approximation_rows(r)));
  }
  SET_VECTOR_ELT(list, LOG, log_take(s->log));
  service_free(handle);
  UNPROTECT(3);
  return list;
}
