/* Generated quantities over draws that R has. */
#include "catena_r.h"
#include <setjmp.h>
#include <stdlib.h>

/* Ctrl-C while the library works: R's jump is held back until the library has returned, as in closures.c. */
typedef struct {
  SEXP token;
  jmp_buf place;
  int pending;
} watch;

static SEXP look(void *data) {
  (void)data;
  R_CheckUserInterrupt();
  return R_NilValue;
}

static void land(void *data, Rboolean jump) {
  if (jump) longjmp(((watch *)data)->place, 1);
}

/* Called on R's thread. */
static int requested(void *user) {
  watch *w = user;
  if (w->pending) return 1;
  if (setjmp(w->place)) {
    w->pending = 1;
    return 1;
  }
  R_UnwindProtect(look, NULL, land, w, w->token);
  return 0;
}

static SEXP quantity_names(const catena_model *model) {
  const R_xlen_t count = (R_xlen_t)catena_quantity_column_count(model);
  SEXP names = PROTECT(Rf_allocVector(STRSXP, count));
  for (R_xlen_t i = 0; i < count; i++) SET_STRING_ELT(names, i, utf8(catena_quantity_column(model, (size_t)i)));
  UNPROTECT(1);
  return names;
}

/* `draws` is an array of names x rows x chains, of which chain c has the first rows[c] rows. The library's array of rows x
 * chains x quantities comes back, NA past each chain's rows. */
SEXP r_generate_quantities(SEXP model, SEXP settings, SEXP names, SEXP draws, SEXP rows) {
  static const char *const fields[] = {"status", "message", "draws", "names", "messages", "log"};
  job *j;
  watch w = {.token = R_MakeUnwindCont()};
  PROTECT(w.token);
  SEXP handle = PROTECT(job_new(model, settings, w.token, &j)), list = PROTECT(named_list(fields, 6)), quantities, values,
       messages;
  const int *dim = INTEGER(Rf_getAttrib(draws, R_DimSymbol));
  const size_t columns = (size_t)dim[0], most = (size_t)dim[1], chains = (size_t)dim[2];
  SET_VECTOR_ELT(list, 3, quantities = quantity_names(j->model->model));
  const size_t width = (size_t)LENGTH(quantities), size = most * chains * width;
  SET_VECTOR_ELT(list, 2, values = Rf_alloc3DArray(REALSXP, (int)most, (int)chains, (int)width));
  SET_VECTOR_ELT(list, 4, messages = Rf_allocVector(STRSXP, (R_xlen_t)chains));
  for (size_t i = 0; i < size; i++) REAL(values)[i] = NA_REAL;

  const char **labels = (const char **)R_alloc(columns + 1, sizeof *labels);
  for (size_t i = 0; i < columns; i++) labels[i] = Rf_translateCharUTF8(STRING_ELT(names, (R_xlen_t)i));
  const double **tables = (const double **)R_alloc(chains, sizeof *tables);
  size_t *lengths = (size_t *)R_alloc(chains, sizeof *lengths);
  for (size_t c = 0; c < chains; c++) {
    tables[c] = REAL(draws) + c * most * columns;
    lengths[c] = (size_t)REAL(rows)[c];
  }
  catena_error *error = NULL;
  if (!(j->writers = calloc(chains, sizeof *j->writers))) Rf_errorcall(R_NilValue, "out of memory");
  j->num_writers = chains;
  check(catena_writers_memory_new(REAL(values), size, chains, most, width, CATENA_LAYOUT_COLUMNS, j->writers, &error),
        &error);

  const catena_draws given = {.struct_size = sizeof given,
                              .names = labels,
                              .columns = columns,
                              .values = tables,
                              .rows = lengths,
                              .num_chains = chains};
  const catena_logger logger = log_table(j->log);
  const catena_interrupt interrupt = {.struct_size = sizeof interrupt, .user = &w, .requested = requested};
  const catena_io io = {.struct_size = sizeof io,
                        .sample_writers = j->writers,
                        .num_sample_writers = chains,
                        .logger = &logger,
                        .interrupt = &interrupt};
  const catena_status status =
      catena_generate_quantities(j->model->model, j->options, &given, &io, &j->result, &error);
  closures_rethrow(j->model->closures, error);
  if (w.pending) {
    catena_error_free(error);
    R_ContinueUnwind(w.token);
  }
  if (!j->result) check(status, &error);
  SEXP message = PROTECT(Rf_ScalarString(utf8(catena_error_message(error))));
  catena_error_free(error);
  SET_VECTOR_ELT(list, 0, Rf_ScalarInteger(status));
  SET_VECTOR_ELT(list, 1, message);
  for (size_t c = 0; c < chains; c++)
    SET_STRING_ELT(messages, (R_xlen_t)c, utf8(catena_error_message(catena_result_chain_error(j->result, c))));
  SET_VECTOR_ELT(list, 5, log_take(j->log));
  job_free(handle);
  UNPROTECT(4);
  return list;
}
