/* Options by name, and the list of those there are. */
#define _POSIX_C_SOURCE 200809L
#include "normal.h"

static void options_by_name(void) {
  catena_error *error = NULL;
  catena_options *options = NULL;
  char text[32];
  double number = 0;
  uint64_t whole = 0;
  size_t i;
  puts("options by name");
  CHECK_OK(catena_options_new(&options, &error));
  CHECK_OK(catena_options_set(options, "max_depth", "12", &error));
  CHECK_OK(catena_options_get_integer(options, "max_depth", &whole, &error));
  CHECK_INT(whole, 12);
  CHECK_OK(catena_options_set_number(options, "delta", 0.9, &error));
  CHECK_OK(catena_options_get_number(options, "delta", &number, &error));
  CHECK(number == 0.9);
  CHECK_OK(catena_options_set_integer(options, "seed", UINT64_MAX, &error));
  CHECK_OK(catena_options_get(options, "seed", text, sizeof text, &error));
  CHECK_TEXT(text, "18446744073709551615");
  CHECK_OK(catena_options_set(options, "metric", "dense_e", &error));
  CHECK_OK(catena_options_get_integer(options, "metric", &whole, &error));
  CHECK_INT(whole, CATENA_METRIC_DENSE_E);
  CHECK_REFUSES(catena_options_set(options, "metric", "dens_e", &error), "metric", "did you mean 'dense_e'?");
  CHECK_REFUSES(catena_options_set(options, "thin", "0", &error), "thin", "got 0");
  CHECK_REFUSES(catena_options_set_number(options, "thin", 0.5, &error), "thin", "got 0.5");
  CHECK_REFUSES(catena_options_set_number(options, "seed", 1e19, &error), "seed", "2^53");
  CHECK_REFUSES(catena_options_set_integer(options, "max_depth", 21, &error), "max_depth", "got 21");
  CHECK_REFUSES(catena_options_set_integer(options, "init_chain_id", 0, &error), "init_chain_id", "at least 1");
  CHECK_REFUSES(catena_options_set(NULL, "thin", "2", &error), "options", "NULL");
  CHECK_REFUSES(catena_options_set(options, NULL, "2", &error), "name", "NULL");
  CHECK_REFUSES(catena_options_set(options, "thin", NULL, &error), "value", "NULL");
  CHECK_REFUSES(catena_options_get(options, "num_samples", text, 4, &error), "size", "got 4");
  CHECK_REFUSES(catena_options_get_integer(options, "delta", &whole, &error), "name", "'delta'");
  CHECK_INT(catena_options_set(options, "max_dpeth", "3", &error), CATENA_INVALID_ARGUMENT);
  CHECK_TEXT(catena_error_message(error), "argument 'max_dpeth': not an option; did you mean 'max_depth'?");
  catena_error_free(error);
  error = NULL;
  for (i = 0; i < catena_options_count(); ++i) {
    const catena_option *option = catena_options_at(i);
    CHECK(option->services[0] && *option->help && option->least <= option->greatest);
    CHECK((option->kind == CATENA_OPTION_CHOICE) == (option->choices != NULL));
    CHECK_OK(catena_options_set(options, option->name, option->default_value, &error));
  }
  CHECK(!catena_options_at(catena_options_count()));
  catena_options_free(options);
}

int main(void) {
  options_by_name();
  puts("all as expected");
  return 0;
}
