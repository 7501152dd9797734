/* Bad arguments to every function that can fail: each is a status with a message that names the argument, what was
 * expected and what came; nothing is made, and what the host gave stays the host's. */
#define _POSIX_C_SOURCE 200809L
#include "normal.h"

/* One step above the largest finite double, and no number. */
static double infinity_(void) { return HUGE_VAL; }
static double nan_(void) { return nan(""); }

static void options_of_numbers(void) {
  typedef catena_status setter(catena_options *, double, catena_error **);
  static const struct {
    setter *set;
    const char *name;
    double bad[4];
    size_t count;
    double good;
  } cases[] = {
      {catena_options_set_init_radius, "init_radius", {-1}, 1, 0},
      {catena_options_set_stepsize, "stepsize", {0, -0.5}, 2, 0.25},
      {catena_options_set_stepsize_jitter, "stepsize_jitter", {-0.1, 1.5}, 2, 1},
      {catena_options_set_max_energy_error, "max_energy_error", {0, -1}, 2, 50},
      {catena_options_set_delta, "delta", {0, 1, 2, -0.3}, 4, 0.95},
      {catena_options_set_gamma, "gamma", {0, -1}, 2, 0.1},
      {catena_options_set_kappa, "kappa", {0, -1}, 2, 0.6},
      {catena_options_set_t0, "t0", {0, -10}, 2, 5},
  };
  catena_error *error = NULL;
  catena_options *options = NULL;
  size_t i, k;
  puts("options that are numbers");
  CHECK_OK(catena_options_new(&options, &error));
  for (i = 0; i < sizeof cases / sizeof *cases; ++i) {
    char got[32];
    for (k = 0; k < cases[i].count; ++k) {
      snprintf(got, sizeof got, "got %g", cases[i].bad[k]);
      CHECK_REFUSES(cases[i].set(options, cases[i].bad[k], &error), cases[i].name, got);
    }
    CHECK_REFUSES(cases[i].set(options, nan_(), &error), cases[i].name, "NaN");
    CHECK_REFUSES(cases[i].set(options, infinity_(), &error), cases[i].name, "got inf");
    CHECK_REFUSES(cases[i].set(options, -infinity_(), &error), cases[i].name, "got -inf");
    CHECK_REFUSES(cases[i].set(NULL, cases[i].good, &error), "options", "NULL");
    /* Without a place for the error the status tells all there is. */
    CHECK_INT(cases[i].set(options, nan_(), NULL), CATENA_INVALID_ARGUMENT);
    CHECK_OK(cases[i].set(options, cases[i].good, &error));
  }
  catena_options_free(options);
}

static void options_of_counts(void) {
  typedef catena_status setter(catena_options *, size_t, catena_error **);
  static const struct {
    setter *set;
    const char *name;
    int zero_is_bad;
  } cases[] = {
      {catena_options_set_num_chains, "num_chains", 1},   {catena_options_set_num_warmup, "num_warmup", 0},
      {catena_options_set_num_samples, "num_samples", 0}, {catena_options_set_thin, "thin", 1},
      {catena_options_set_refresh, "refresh", 0},         {catena_options_set_init_buffer, "init_buffer", 0},
      {catena_options_set_term_buffer, "term_buffer", 0}, {catena_options_set_window, "window", 0},
      {catena_options_set_num_threads, "num_threads", 0},
  };
  catena_error *error = NULL;
  catena_options *options = NULL;
  size_t i;
  puts("options that are counts or choices");
  CHECK_OK(catena_options_new(&options, &error));
  for (i = 0; i < sizeof cases / sizeof *cases; ++i) {
    if (cases[i].zero_is_bad) {
      CHECK_REFUSES(cases[i].set(options, 0, &error), cases[i].name, "got 0");
    } else {
      CHECK_OK(cases[i].set(options, 0, &error));
    }
    CHECK_REFUSES(cases[i].set(NULL, 1, &error), "options", "NULL");
    CHECK_OK(cases[i].set(options, 1, &error));
  }
  CHECK_REFUSES(catena_options_set_max_depth(options, 0, &error), "max_depth", "got 0");
  CHECK_REFUSES(catena_options_set_max_depth(options, 21, &error), "max_depth", "got 21");
  CHECK_REFUSES(catena_options_set_max_depth(NULL, 10, &error), "options", "NULL");
  CHECK_OK(catena_options_set_max_depth(options, 20, &error));
  CHECK_REFUSES(catena_options_set_metric(options, 7, &error), "metric", "got 7");
  CHECK_REFUSES(catena_options_set_metric(options, -1, &error), "metric", "got -1");
  CHECK_REFUSES(catena_options_set_metric(NULL, CATENA_METRIC_UNIT_E, &error), "options", "NULL");
  CHECK_REFUSES(catena_options_set_on_failure(options, 2, &error), "on_failure", "got 2");
  CHECK_REFUSES(catena_options_set_on_failure(NULL, 0, &error), "options", "NULL");
  CHECK_REFUSES(catena_options_set_seed(NULL, 1, &error), "options", "NULL");
  CHECK_REFUSES(catena_options_set_init_chain_id(NULL, 1, &error), "options", "NULL");
  CHECK_REFUSES(catena_options_set_save_warmup(NULL, 1, &error), "options", "NULL");
  CHECK_REFUSES(catena_options_set_adapt(NULL, 1, &error), "options", "NULL");
  CHECK_REFUSES(catena_options_set_max_evaluations(NULL, 1, &error), "options", "NULL");
  CHECK_REFUSES(catena_options_new(NULL, &error), "out", "NULL");
  catena_options_free(options);
}

static void options_keep_their_value(void) {
  catena_error *error = NULL;
  catena_options *options = short_options(1, 10, 30, 1);
  puts("a refused value leaves the option as it was");
  CHECK_INT(catena_options_rows(options), 30);
  CHECK_REFUSES(catena_options_set_thin(options, 0, &error), "thin", "got 0");
  CHECK_INT(catena_options_rows(options), 30);
  CHECK_OK(catena_options_set_thin(options, 4, &error));
  CHECK_INT(catena_options_rows(options), 8);
  CHECK_OK(catena_options_set_save_warmup(options, 1, &error));
  CHECK_INT(catena_options_rows(options), 8 + 3);
  catena_options_free(options);
}

static void tables_of_models(void) {
  catena_error *error = NULL;
  catena_model *model = NULL;
  normal n;
  catena_density t;
  const char *missing[NORMAL_OUTPUTS] = {"a", NULL, "c", "d"};
  const char *twice[NORMAL_OUTPUTS] = {"a", "b", "a", "d"};
  /* A table of a later version: known members, then ones that this library does not know. */
  struct {
    catena_density density;
    void *later;
  } longer;
  puts("tables of models");
  normal_init(&n);
  t = normal_table(&n);
  CHECK_REFUSES(catena_model_new(NULL, &model, &error), "density", "NULL");
  CHECK_REFUSES(catena_model_new(&t, NULL, &error), "out", "NULL");
  t.struct_size = 0;
  CHECK_REFUSES(catena_model_new(&t, &model, &error), "density.struct_size", "got 0");
  t.struct_size = sizeof(size_t);
  CHECK_REFUSES(catena_model_new(&t, &model, &error), "density.struct_size", "got 8");
  t = normal_table(&n);
  t.log_density_gradient = NULL;
  CHECK_REFUSES(catena_model_new(&t, &model, &error), "density.log_density_gradient", "NULL");
  t = normal_table(&n);
  t.constrain = NULL;
  CHECK_REFUSES(catena_model_new(&t, &model, &error), "density.constrain", "NULL");
  t = normal_table(&n);
  t.output_names = missing;
  CHECK_REFUSES(catena_model_new(&t, &model, &error), "density.output_names[1]", "NULL");
  t.output_names = twice;
  CHECK_REFUSES(catena_model_new(&t, &model, &error), "density.output_names[2]", "\"a\"");
  CHECK(!model);
  /* Each refused table with a size that can be right was released. */
  CHECK_INT(n.released, 5);

  memset(&longer, 0, sizeof longer);
  longer.density = normal_table(&n);
  longer.density.struct_size = sizeof longer;
  CHECK_OK(catena_model_new(&longer.density, &model, &error));
  catena_model_free(model);
  CHECK_INT(n.released, 6);
  longer.later = &n;
  CHECK_REFUSES(catena_model_new(&longer.density, &model, &error), "density", "newer");
  CHECK_INT(n.released, 7);
}

static void questions_about_models(void) {
  catena_error *error = NULL;
  normal n;
  catena_model *model;
  double x[2] = {0, 0}, lp, g[2];
  puts("questions about models");
  normal_init(&n);
  model = normal_model(&n);
  CHECK_INT(catena_model_dimension(NULL), 0);
  CHECK_INT(catena_model_output_count(NULL), 0);
  CHECK_INT(catena_sample_column_count(NULL), 0);
  CHECK(!catena_model_name(model, NORMAL_DIMENSION) && !catena_model_name(NULL, 0));
  CHECK(!catena_model_output_name(model, NORMAL_OUTPUTS) && !catena_model_output_name(NULL, 0));
  CHECK(!catena_sample_column(model, catena_sample_column_count(model)) && !catena_sample_column(NULL, 0));
  CHECK_REFUSES(catena_model_log_density(NULL, 1, x, &lp, g, NULL, &error), "model", "NULL");
  CHECK_REFUSES(catena_model_log_density(model, 1, NULL, &lp, g, NULL, &error), "positions", "NULL");
  CHECK_REFUSES(catena_model_log_density(model, 1, x, NULL, g, NULL, &error), "log_densities", "NULL");
  catena_model_free(model);
  catena_model_free(NULL);
}

static void contexts_and_writers(void) {
  catena_error *error = NULL;
  catena_init *init = NULL;
  catena_writer *writer = NULL, *writers[2] = {NULL, NULL};
  catena_init_table inits;
  catena_writer_table w;
  double values[8];
  const double nothing[1] = {0};
  const char *json = "{\"a\": 1}";
  puts("init contexts");
  memset(&inits, 0, sizeof inits);
  CHECK_REFUSES(catena_init_new(NULL, &init, &error), "table", "NULL");
  CHECK_REFUSES(catena_init_new(&inits, &init, &error), "table.struct_size", "got 0");
  inits.struct_size = sizeof inits;
  CHECK_REFUSES(catena_init_new(&inits, NULL, &error), "out", "NULL");
  CHECK_REFUSES(catena_init_new(&inits, &init, &error), "table.shape", "NULL");
  CHECK_REFUSES(catena_init_json_new(NULL, 4, &init, &error), "text", "NULL");
  CHECK_REFUSES(catena_init_json_new(json, strlen(json), NULL, &error), "out", "NULL");
  CHECK_REFUSES(catena_init_json_file_new(NULL, &init, &error), "path", "NULL");
  CHECK_REFUSES(catena_init_json_file_new("a.json", NULL, &error), "out", "NULL");
  CHECK_REFUSES(catena_init_position_new(NULL, 2, &init, &error), "position", "NULL");
  CHECK_REFUSES(catena_init_position_new(nothing, 1, NULL, &error), "out", "NULL");
  CHECK(!init);
  catena_init_free(NULL);

  puts("writers");
  memset(&w, 0, sizeof w);
  CHECK_REFUSES(catena_writer_new(NULL, &writer, &error), "table", "NULL");
  CHECK_REFUSES(catena_writer_new(&w, &writer, &error), "table.struct_size", "got 0");
  w.struct_size = sizeof w;
  CHECK_REFUSES(catena_writer_new(&w, NULL, &error), "out", "NULL");
  CHECK_REFUSES(catena_writer_none_new(NULL, &error), "out", "NULL");
  CHECK_REFUSES(catena_writer_csv_new(NULL, 6, 0, &writer, &error), "path", "NULL");
  CHECK_REFUSES(catena_writer_csv_new("a.csv", 19, 0, &writer, &error), "sig_figs", "got 19");
  CHECK_REFUSES(catena_writer_csv_new("a.csv", -1, 0, &writer, &error), "sig_figs", "got -1");
  CHECK_REFUSES(catena_writer_csv_new("a.csv", 6, 0, NULL, &error), "out", "NULL");
  CHECK_FAILS(catena_writer_csv_new("no/such/folder/a.csv", 6, 0, &writer, &error), CATENA_IO, NULL,
              "no/such/folder/a.csv", "");
  CHECK_REFUSES(catena_writer_memory_new(NULL, 8, 2, 4, 4, 1, &writer, &error), "values", "NULL");
  CHECK_REFUSES(catena_writer_memory_new(values, 7, 2, 4, 4, 1, &writer, &error), "size", "got 7");
  CHECK_REFUSES(catena_writer_memory_new(values, 8, 2, 4, 4, 1, NULL, &error), "out", "NULL");
  CHECK_REFUSES(catena_writer_memory_new(values, 8, SIZE_MAX, 4, 4, 1, &writer, &error), "rows, columns", "18446744073709551615");
  CHECK_REFUSES(catena_writers_memory_new(NULL, 8, 2, 2, 2, CATENA_LAYOUT_ROWS, writers, &error), "values", "NULL");
  CHECK_REFUSES(catena_writers_memory_new(values, 7, 2, 2, 2, CATENA_LAYOUT_ROWS, writers, &error), "size", "got 7");
  CHECK_REFUSES(catena_writers_memory_new(values, 8, 2, 2, 2, 5, writers, &error), "layout", "got 5");
  CHECK_REFUSES(catena_writers_memory_new(values, 8, 2, 2, 2, CATENA_LAYOUT_ROWS, NULL, &error), "out", "NULL");
  CHECK_REFUSES(catena_writers_memory_new(values, 8, SIZE_MAX, 2, 2, CATENA_LAYOUT_ROWS, writers, &error), NULL, "got");
  CHECK_REFUSES(catena_writer_arrow_new(NULL, 1, &writer, &error), "path", "NULL");
  CHECK_REFUSES(catena_writer_arrow_new("a.arrow", 1, NULL, &error), "out", "NULL");
  CHECK(!writer && !writers[0] && !writers[1]);
  CHECK_INT(catena_writer_rows(NULL), 0);
  catena_writer_free(NULL);
}

static void runs(void) {
  catena_error *error = NULL;
  catena_result *result = NULL;
  normal n;
  table tables[2];
  catena_model *model;
  catena_options *options = short_options(2, 10, 10, 2);
  catena_io io = empty_io();
  catena_logger logger;
  catena_interrupt interrupt;
  catena_writer *writers[2], *second;
  const catena_init *inits[2] = {NULL, NULL};
  size_t i;
  puts("runs");
  normal_init(&n);
  model = normal_model(&n);
  for (i = 0; i < 2; ++i) writers[i] = table_writer(tables + i);
  second = writers[1];
  CHECK_REFUSES(catena_sample_nuts(NULL, options, &io, &result, &error), "model", "NULL");
  CHECK_REFUSES(catena_sample_nuts(model, NULL, &io, &result, &error), "options", "NULL");
  CHECK_REFUSES(catena_sample_nuts(model, options, &io, NULL, &error), "out", "NULL");
  io.struct_size = 3;
  CHECK_REFUSES(catena_sample_nuts(model, options, &io, &result, &error), "io.struct_size", "got 3");
  io = empty_io();
  io.inits = inits;
  io.num_inits = 1;
  CHECK_REFUSES(catena_sample_nuts(model, options, &io, &result, &error), "inits", "got 1");
  io.num_inits = 2;
  io.inits = NULL;
  CHECK_REFUSES(catena_sample_nuts(model, options, &io, &result, &error), "io.inits", "NULL");
  io = empty_io();
  io.sample_writers = writers;
  io.num_sample_writers = 3;
  CHECK_REFUSES(catena_sample_nuts(model, options, &io, &result, &error), "sample_writers", "got 3");
  io.num_sample_writers = 2;
  writers[1] = writers[0];
  CHECK_REFUSES(catena_sample_nuts(model, options, &io, &result, &error), "io.sample_writers[1]", "nowhere else");
  io.sample_writers = NULL;
  io.num_sample_writers = 0;
  io.init_writers = writers;
  io.num_init_writers = 1;
  CHECK_REFUSES(catena_sample_nuts(model, options, &io, &result, &error), "init_writers", "got 1");
  io = empty_io();
  io.diagnostic_writers = writers;
  io.num_diagnostic_writers = 7;
  CHECK_REFUSES(catena_sample_nuts(model, options, &io, &result, &error), "diagnostic_writers", "got 7");
  io = empty_io();
  io.num_checkpoints = 2;
  CHECK_REFUSES(catena_sample_nuts(model, options, &io, &result, &error), "io.checkpoints", "NULL");
  io = empty_io();
  memset(&logger, 0, sizeof logger);
  io.logger = &logger;
  CHECK_REFUSES(catena_sample_nuts(model, options, &io, &result, &error), "io.logger.struct_size", "got 0");
  logger.struct_size = sizeof logger;
  CHECK_REFUSES(catena_sample_nuts(model, options, &io, &result, &error), "io.logger.log", "NULL");
  io = empty_io();
  memset(&interrupt, 0, sizeof interrupt);
  io.interrupt = &interrupt;
  CHECK_REFUSES(catena_sample_nuts(model, options, &io, &result, &error), "io.interrupt.struct_size", "got 0");
  interrupt.struct_size = sizeof interrupt;
  CHECK_REFUSES(catena_sample_nuts(model, options, &io, &result, &error), "io.interrupt.requested", "NULL");
  CHECK_REFUSES(catena_options_set_init_chain_id(options, UINT64_MAX, &error), "init_chain_id", "18446744073709551615");
  CHECK(!result);
  /* None of these calls made a worker or wrote a row. */
  CHECK_INT(n.workers_made, 0);
  CHECK_INT(tables[0].names_calls + tables[0].finishes + tables[1].names_calls + tables[1].finishes, 0);
  table_end(&tables[0], writers[0]);
  table_end(&tables[1], second);
  catena_options_free(options);
  catena_model_free(model);
  catena_result_free(NULL);
}

static void results_and_checkpoints(void) {
  catena_error *error = NULL;
  catena_checkpoint *checkpoint = NULL;
  const uint8_t bytes[3] = {1, 2, 3};
  size_t length = 7;
  double value;
  puts("results and checkpoints");
  CHECK_INT(catena_result_num_chains(NULL), 0);
  CHECK_INT(catena_result_chain_status(NULL, 0), CATENA_INVALID_ARGUMENT);
  CHECK(!catena_result_chain_error(NULL, 0));
  CHECK_INT(catena_result_chain_id(NULL, 0) + catena_result_iterations(NULL, 0) + catena_result_rows(NULL, 0), 0);
  CHECK(isnan(catena_result_stepsize(NULL, 0)) && isnan(catena_result_warmup_seconds(NULL, 0)));
  CHECK_REFUSES(catena_result_inv_metric(NULL, 0, &value, 1, &error), "result", "NULL");
  CHECK_REFUSES(catena_result_checkpoint_new(NULL, 0, &checkpoint, &error), "result", "NULL");
  CHECK_REFUSES(catena_checkpoint_new(NULL, 3, &checkpoint, &error), "bytes", "NULL");
  CHECK_REFUSES(catena_checkpoint_new(bytes, 3, NULL, &error), "out", "NULL");
  CHECK(!catena_checkpoint_bytes(NULL, &length));
  CHECK_INT(length, 0);
  CHECK(!checkpoint);
  catena_checkpoint_free(NULL);
}

static void diagnostics(void) {
  typedef catena_status statistic(const double *, size_t, size_t, size_t, size_t, double *, catena_error **);
  static statistic *const all[] = {catena_diagnose_rhat,      catena_diagnose_ess_bulk, catena_diagnose_ess_tail,
                                   catena_diagnose_ess_mean,  catena_diagnose_mcse_mean, catena_diagnose_mcse_sd,
                                   catena_diagnose_ebfmi};
  catena_error *error = NULL;
  catena_summary *summary = NULL;
  double values[16] = {0}, out = 0;
  const char *names[2] = {"lp__", "x"}, *broken[2] = {"lp__", NULL};
  size_t i;
  puts("diagnostics");
  for (i = 0; i < sizeof all / sizeof *all; ++i) {
    CHECK_REFUSES(all[i](NULL, 2, 4, 4, 1, &out, &error), "values", "NULL");
    CHECK_REFUSES(all[i](values, 2, 4, 4, 1, NULL, &error), "out", "NULL");
    CHECK_REFUSES(all[i](values, 0, 4, 4, 1, &out, &error), "chains", "got 0");
  }
  /* What never changes has none; nor have several chains where one of them never changes. */
  CHECK_OK(catena_diagnose_ebfmi(values, 2, 4, 4, 1, &out, &error));
  CHECK(out != out);
  for (i = 4; i < 8; ++i) values[i] = (double)(i % 3);
  out = 0;
  CHECK_OK(catena_diagnose_ebfmi(values, 2, 4, 4, 1, &out, &error));
  CHECK(out != out);
  CHECK_OK(catena_diagnose_ebfmi(values + 4, 1, 4, 4, 1, &out, &error));
  CHECK(out > 0.3);
  for (i = 4; i < 8; ++i) values[i] = 0;
  CHECK_REFUSES(catena_diagnose_mcse_quantile(values, 2, 4, 4, 1, 1.5, &out, &error), "probability", "got 1.5");
  CHECK_REFUSES(catena_diagnose_mcse_quantile(values, 2, 4, 4, 1, nan_(), &out, &error), "probability", "NaN");
  CHECK_REFUSES(catena_summary_new(NULL, 16, 2, 4, 2, CATENA_LAYOUT_ROWS, names, 0, &summary, &error), "values", "NULL");
  CHECK_REFUSES(catena_summary_new(values, 15, 2, 4, 2, CATENA_LAYOUT_ROWS, names, 0, &summary, &error), "values",
                "got 15");
  CHECK_REFUSES(catena_summary_new(values, 16, 0, 4, 2, CATENA_LAYOUT_ROWS, names, 0, &summary, &error), "chains",
                "got 0");
  CHECK_REFUSES(catena_summary_new(values, 16, 2, 4, 2, 9, names, 0, &summary, &error), "layout", "got 9");
  CHECK_REFUSES(catena_summary_new(values, 16, 2, 4, 2, CATENA_LAYOUT_ROWS, NULL, 0, &summary, &error), "names", "NULL");
  CHECK_REFUSES(catena_summary_new(values, 16, 2, 4, 2, CATENA_LAYOUT_ROWS, broken, 0, &summary, &error), "names[1]",
                "NULL");
  CHECK_REFUSES(catena_summary_new(values, 16, 2, 4, 2, CATENA_LAYOUT_ROWS, names, 0, NULL, &error), "out", "NULL");
  CHECK(!summary);
  CHECK_OK(catena_summary_new(values, 16, 2, 4, 2, CATENA_LAYOUT_ROWS, names, 0, &summary, &error));
  CHECK_REFUSES(catena_summary_value(summary, 2, CATENA_STATISTIC_MEAN, &out, &error), "row", "got 2");
  CHECK_REFUSES(catena_summary_value(summary, 0, 10, &out, &error), "statistic", "got 10");
  CHECK_REFUSES(catena_summary_value(summary, 0, CATENA_STATISTIC_MEAN, NULL, &error), "out", "NULL");
  CHECK_REFUSES(catena_summary_value(NULL, 0, CATENA_STATISTIC_MEAN, &out, &error), "summary", "NULL");
  CHECK(!catena_summary_name(summary, 2));
  CHECK_INT(catena_summary_divergences(summary), -1);
  catena_summary_free(summary);
  catena_summary_free(NULL);
  CHECK_TEXT(catena_summary_text(NULL), "");
  CHECK_INT(catena_summary_size(NULL), 0);
}

static void nothing_at_all(void) {
  puts("NULL in callbacks' functions and errors");
  CHECK_INT(catena_error_code(NULL), CATENA_OK);
  CHECK_TEXT(catena_error_message(NULL), "");
  CHECK(!catena_error_argument(NULL));
  CHECK_INT(catena_error_chain(NULL), -1);
  catena_error_free(NULL);
  CHECK_INT(catena_task_chain_id(NULL) + catena_task_bits(NULL), 0);
  CHECK(isnan(catena_task_uniform(NULL)) && isnan(catena_task_normal(NULL)) && isnan(catena_task_exponential(NULL)));
  catena_task_message(NULL, "nobody hears this");
  CHECK_INT(catena_task_reduce(NULL, 1, 1, 1, NULL, NULL, NULL), -1);
  CHECK(catena_init_shape(NULL, "a", 0, NULL, NULL) < 0);
  CHECK(catena_init_values(NULL, "a", NULL, 0) < 0);
  catena_options_free(NULL);
}

int main(void) {
  options_of_numbers();
  options_of_counts();
  options_keep_their_value();
  tables_of_models();
  questions_about_models();
  contexts_and_writers();
  runs();
  results_and_checkpoints();
  diagnostics();
  nothing_at_all();
  puts("all as expected");
  return 0;
}
