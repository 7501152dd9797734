/* Initial values from a named list of R arrays, which are column-major as the library wants them. Asked from any thread,
 * so R's objects are looked up beforehand. */
#include "catena_r.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  const char *name;
  const double *values;
  size_t rank, count;
  /* Points into R's dim attribute. */
  const int *shape;
  atomic_int asked;
} variable;

struct init_values {
  int count;
  variable variables[];
};

static variable *find(init_values *all, const char *name) {
  for (int i = 0; i < all->count; i++)
    if (!strcmp(all->variables[i].name, name)) return &all->variables[i];
  return NULL;
}

static int shape(void *user, const char *name, size_t max_rank, size_t *to, size_t *rank) {
  variable *v = find(user, name);
  if (!v) return 0;
  atomic_store(&v->asked, 1);
  *rank = v->rank;
  if (v->rank > max_rank) return -1;
  for (size_t i = 0; i < v->rank; i++) to[i] = v->shape ? (size_t)v->shape[i] : v->count;
  return 1;
}

static int values(void *user, const char *name, double *to, size_t count) {
  const variable *v = find(user, name);
  if (!v || v->count != count) return -1;
  memcpy(to, v->values, count * sizeof *to);
  return 0;
}

catena_status list_init_new(SEXP list, catena_init **out, const init_values **all, catena_error **error) {
  const int count = LENGTH(list);
  SEXP names = Rf_getAttrib(list, R_NamesSymbol);
  /* What may raise an R error comes before memory is taken. */
  const char **texts = (const char **)R_alloc((size_t)count + 1, sizeof *texts);
  for (int i = 0; i < count; i++) texts[i] = Rf_translateCharUTF8(STRING_ELT(names, i));
  init_values *own = calloc(1, sizeof *own + (size_t)count * sizeof *own->variables);
  if (!own) Rf_errorcall(R_NilValue, "out of memory");
  own->count = count;
  for (int i = 0; i < count; i++) {
    variable *v = &own->variables[i];
    SEXP value = VECTOR_ELT(list, i), dim = Rf_getAttrib(value, R_DimSymbol);
    v->name = texts[i];
    v->values = REAL(value);
    v->count = (size_t)XLENGTH(value);
    /* One number without dimensions is a scalar. */
    v->rank = !Rf_isNull(dim) ? (size_t)LENGTH(dim) : v->count == 1 ? 0 : 1;
    v->shape = Rf_isNull(dim) ? NULL : INTEGER(dim);
  }
  const catena_init_table table = {
      .struct_size = sizeof table, .user = own, .release = free, .shape = shape, .values = values};
  const catena_status status = catena_init_new(&table, out, error);
  /* Freed with the context, or by the library where there is none. */
  *all = status == CATENA_OK ? own : NULL;
  return status;
}

int list_init_asked(const init_values *all, int i) { return atomic_load(&all->variables[i].asked); }
