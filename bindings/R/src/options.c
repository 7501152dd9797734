/* The options that the library has. */
#include "catena_r.h"
#include <stdio.h>
#include <string.h>

/* The texts of a list that ends with NULL, with commas. */
static SEXP joined(const char *const *texts) {
  size_t size = 1;
  for (size_t i = 0; texts && texts[i]; i++) size += strlen(texts[i]) + 2;
  char *all = R_alloc(size, 1), *end = all;
  *end = 0;
  for (size_t i = 0; texts && texts[i]; i++) end += snprintf(end, size - (size_t)(end - all), "%s%s", i ? ", " : "", texts[i]);
  return utf8(all);
}

/* A list of character vectors with one entry per option. */
SEXP r_options(void) {
  static const char *const fields[] = {"option", "default", "values", "services", "help"};
  enum { FIELDS = sizeof fields / sizeof *fields };
  const R_xlen_t count = (R_xlen_t)catena_options_count();
  SEXP list = PROTECT(named_list(fields, FIELDS));
  for (int k = 0; k < FIELDS; k++) SET_VECTOR_ELT(list, k, Rf_allocVector(STRSXP, count));
  for (R_xlen_t i = 0; i < count; i++) {
    const catena_option *option = catena_options_at((size_t)i);
    SET_STRING_ELT(VECTOR_ELT(list, 0), i, utf8(option->name));
    SET_STRING_ELT(VECTOR_ELT(list, 1), i, utf8(option->default_value));
    SET_STRING_ELT(VECTOR_ELT(list, 2), i, utf8(option->range));
    SET_STRING_ELT(VECTOR_ELT(list, 3), i, joined(option->services));
    SET_STRING_ELT(VECTOR_ELT(list, 4), i, utf8(option->help));
  }
  UNPROTECT(1);
  return list;
}

void set_option(catena_options *options, const char *name, const char *argument, SEXP value) {
  catena_error *error = NULL;
  const catena_status status = TYPEOF(value) == STRSXP
                                   ? catena_options_set(options, name, Rf_translateCharUTF8(STRING_ELT(value, 0)), &error)
                                   : catena_options_set_number(options, name, Rf_asReal(value), &error);
  if (status != CATENA_OK) fail(error, argument);
}

void set_options(catena_options *options, SEXP settings, SEXP names, const catena_communicator **ranks) {
  SEXP arguments = Rf_getAttrib(settings, R_NamesSymbol);
  *ranks = NULL;
  for (int i = 0; i < LENGTH(settings); i++) {
    const char *argument = CHAR(STRING_ELT(arguments, i));
    SEXP value = VECTOR_ELT(settings, i);
    if (strcmp(argument, "communicator") == 0)
      *ranks = communicator_of(Rf_translateChar(STRING_ELT(value, 0)));
    else
      set_option(options, Rf_translateCharUTF8(STRING_ELT(names, i)), argument, value);
  }
}
