/* Runs through the C ABI: writers, results, initial values and metrics. */
#define _POSIX_C_SOURCE 200809L
#include "run.h"

/* Rows of a CSV file; the number of them is returned. */
static size_t read_csv(const char *path, double *values, size_t columns, size_t rows) {
  char *text = file_text(path, NULL), *line = text;
  size_t row = 0;
  int named = 0;
  while (*line) {
    char *next = strchr(line, '\n');
    CHECK(next);
    if (*line != '#' && !named) {
      named = 1;
    } else if (*line != '#') {
      size_t c;
      CHECK(row < rows);
      for (c = 0; c < columns; ++c) {
        char *after;
        values[row * columns + c] = strtod(line, &after);
        CHECK(after != line && *after == (c + 1 < columns ? ',' : '\n'));
        line = after + 1;
      }
      ++row;
    }
    line = next + 1;
  }
  free(text);
  return row;
}

static void test_writers(void) {
  static double rows[SIZE], columns[SIZE], from_file[SAMPLES * COLUMNS], turned[SAMPLES * COLUMNS];
  catena_error *error = NULL;
  catena_result *result = NULL;
  catena_writer *writers[CHAINS], *inits[CHAINS], *diagnostics[CHAINS];
  catena_io io = empty_io();
  catena_options *options = short_options(CHAINS, WARMUP, SAMPLES, THREADS);
  catena_model *model;
  normal n;
  table tables[CHAINS], init_tables[CHAINS], diagnostic_tables[CHAINS];
  char path[64];
  size_t i, r, c;
  normal_init(&n);
  model = normal_model(&n);
  printf("columns of the model\n");
  CHECK_INT(catena_model_dimension(model), 2);
  CHECK_TEXT(catena_model_name(model, 1), "x.2");
  CHECK(!catena_model_name(model, 2));
  CHECK_INT(catena_model_output_count(model), NORMAL_OUTPUTS);
  CHECK_TEXT(catena_model_output_name(model, 3), "noise");
  CHECK_INT(catena_sample_column_count(model), COLUMNS);
  CHECK_TEXT(catena_sample_column(model, 0), "lp__");
  CHECK_TEXT(catena_sample_column(model, 6), "energy__");
  CHECK_TEXT(catena_sample_column(model, 7), "mu.1");
  CHECK(!catena_sample_column(model, COLUMNS));
  CHECK_INT(catena_options_rows(options), SAMPLES);

  printf("memory in both layouts, tables and files hold the same draws\n");
  CHECK_OK(sample_rows(model, options, empty_io(), rows, &result, &error));
  CHECK_INT(catena_result_num_chains(result), CHAINS);
  catena_result_free(result);
  CHECK_OK(catena_writers_memory_new(columns, SIZE, CHAINS, SAMPLES, COLUMNS, CATENA_LAYOUT_COLUMNS, writers, &error));
  for (i = 0; i < CHAINS; ++i) {
    inits[i] = table_writer(&init_tables[i]);
    diagnostics[i] = table_writer(&diagnostic_tables[i]);
  }
  io.sample_writers = writers;
  io.init_writers = inits;
  io.diagnostic_writers = diagnostics;
  io.num_sample_writers = io.num_init_writers = io.num_diagnostic_writers = CHAINS;
  CHECK_OK(catena_sample_nuts(model, options, &io, &result, &error));
  catena_result_free(result);
  for (i = 0; i < CHAINS; ++i) {
    for (r = 0; r < SAMPLES; ++r)
      for (c = 0; c < COLUMNS; ++c)
        turned[r * COLUMNS + c] = columns[r + SAMPLES * (i + CHAINS * c)];
    CHECK_BITS(turned, rows + i * SAMPLES * COLUMNS, SAMPLES * COLUMNS);
    CHECK_INT(catena_writer_rows(writers[i]), SAMPLES);
    catena_writer_free(writers[i]);
    snprintf(path, sizeof path, "test_sample_%d.csv", (int)i);
    /* One chain without a writer. */
    writers[i] = NULL;
    if (i != 2) CHECK_OK(catena_writer_csv_new(path, 0, 0, &writers[i], &error));
  }

  printf("init and diagnostic writers\n");
  for (i = 0; i < CHAINS; ++i) {
    const double *d = diagnostic_tables[i].values, *draws = rows + i * SAMPLES * COLUMNS;
    CHECK_TEXT(init_tables[i].names, "x.1,x.2");
    CHECK_INT(init_tables[i].rows, 1);
    CHECK_BETWEEN(init_tables[i].values[0], -2, 2);
    CHECK_TEXT(diagnostic_tables[i].names,
               "lp__,accept_stat__,stepsize__,treedepth__,n_leapfrog__,divergent__,energy__,x.1,x.2,p_x.1,p_x.2,g_x.1,g_x.2");
    CHECK_INT(diagnostic_tables[i].rows, SAMPLES);
    CHECK_INT(diagnostic_tables[i].names_calls, 1);
    CHECK_INT(diagnostic_tables[i].finishes, 1);
    CHECK(diagnostic_tables[i].messages >= 5);
    for (r = 0; r < SAMPLES; ++r) {
      double g[2];
      normal_value(d + r * 13 + 7, g);
      CHECK_BITS(d + r * 13, draws + r * COLUMNS, SAMPLER_COLUMNS + 2);
      CHECK(d[r * 13 + 11] == -g[0] && d[r * 13 + 12] == -g[1]);
      CHECK(draws[r * COLUMNS + 9] == draws[r * COLUMNS + 7] + draws[r * COLUMNS + 8]);
    }
    if (i > 0) CHECK(memcmp(draws, rows, sizeof(double) * COLUMNS) != 0);
    table_end(&init_tables[i], inits[i]);
    table_end(&diagnostic_tables[i], diagnostics[i]);
  }
  io.num_init_writers = io.num_diagnostic_writers = 0;
  CHECK_OK(catena_sample_nuts(model, options, &io, &result, &error));
  catena_result_free(result);
  for (i = 0; i < CHAINS; ++i) {
    catena_writer_free(writers[i]);
    if (i != 2) {
      snprintf(path, sizeof path, "test_sample_%d.csv", (int)i);
      CHECK_INT(read_csv(path, from_file, COLUMNS, SAMPLES), SAMPLES);
      CHECK_BITS(from_file, rows + i * SAMPLES * COLUMNS, SAMPLES * COLUMNS);
      CHECK_INT(remove(path), 0);
    }
    writers[i] = table_writer(&tables[i]);
  }
  CHECK_OK(catena_sample_nuts(model, options, &io, &result, &error));
  for (i = 0; i < CHAINS; ++i) {
    CHECK_INT(tables[i].rows, SAMPLES);
    CHECK_BITS(tables[i].values, rows + i * SAMPLES * COLUMNS, SAMPLES * COLUMNS);
    table_end(&tables[i], writers[i]);
  }
  catena_result_free(result);
  end(&n, model, options);
}

static void test_result(void) {
  catena_error *error = NULL;
  catena_result *result = NULL;
  catena_checkpoint *checkpoint = NULL;
  catena_options *options = short_options(CHAINS, WARMUP, SAMPLES, THREADS);
  catena_model *model;
  normal n;
  double metric[4];
  int kind;
  size_t i;
  normal_init(&n);
  model = normal_model(&n);
  printf("what a result says, for each metric\n");
  CHECK_OK(catena_options_set_init_chain_id(options, 11, &error));
  for (kind = CATENA_METRIC_UNIT_E; kind <= CATENA_METRIC_DENSE_E; ++kind) {
    const size_t size = kind == CATENA_METRIC_UNIT_E ? 0 : kind == CATENA_METRIC_DIAG_E ? 2 : 4;
    CHECK_OK(catena_options_set_metric(options, kind, &error));
    CHECK_OK(catena_sample_nuts(model, options, NULL, &result, &error));
    for (i = 0; i < CHAINS; ++i) {
      CHECK_INT(catena_result_chain_status(result, i), CATENA_OK);
      CHECK(!catena_result_chain_error(result, i));
      CHECK_INT(catena_result_chain_id(result, i), 11 + i);
      CHECK_INT(catena_result_iterations(result, i), WARMUP + SAMPLES);
      CHECK_INT(catena_result_rows(result, i), SAMPLES);
      CHECK_BETWEEN(catena_result_stepsize(result, i), 0.05, 5);
      CHECK(catena_result_delta(result, i) == 0.8);
      CHECK(catena_result_warmup_gradients(result, i) >= WARMUP);
      CHECK(catena_result_sampling_gradients(result, i) >= SAMPLES);
      CHECK_INT(catena_result_divergences(result, i), 0);
      CHECK_INT(catena_result_saturated(result, i), 0);
      CHECK(catena_result_warmup_seconds(result, i) >= 0 && catena_result_sampling_seconds(result, i) >= 0);
      CHECK_INT(catena_result_inv_metric_size(result, i), size);
      CHECK_OK(catena_result_inv_metric(result, i, metric, size, &error));
      if (size > 0) CHECK(metric[0] > 0 && metric[size - 1] > 0);
      if (size == 4) CHECK(metric[1] == metric[2] && metric[1] > 0);
      CHECK_OK(catena_result_checkpoint_new(result, i, &checkpoint, &error));
      CHECK(catena_checkpoint_bytes(checkpoint, NULL));
      catena_checkpoint_free(checkpoint);
    }
    CHECK_REFUSES(catena_result_inv_metric(result, 0, metric, size + 1, &error), "size", "got");
    CHECK_REFUSES(catena_result_inv_metric(result, CHAINS, metric, size, &error), "chain", "got 4");
    CHECK_REFUSES(catena_result_checkpoint_new(result, CHAINS, &checkpoint, &error), "chain", "0 to 3");
    CHECK_INT(catena_result_chain_status(result, CHAINS), CATENA_INVALID_ARGUMENT);
    CHECK(!catena_result_chain_error(result, CHAINS));
    CHECK_INT(catena_result_chain_id(result, CHAINS), 0);
    CHECK(catena_result_stepsize(result, CHAINS) != catena_result_stepsize(result, CHAINS));
    CHECK(catena_result_delta(result, CHAINS) != catena_result_delta(result, CHAINS));
    catena_result_free(result);
  }
  end(&n, model, options);
}

static void test_metrics(void) {
  static const double good[] = {1, 0.5, 0.5, 2}, bad[] = {1, 2, 2, 1}, negative[] = {1, -1};
  const double *metrics[CHAINS] = {good, good, good, good};
  catena_error *error = NULL;
  catena_result *result = NULL;
  catena_io io = empty_io();
  catena_options *options = short_options(CHAINS, WARMUP, SAMPLES, THREADS);
  catena_model *model;
  normal n;
  double back[4];
  normal_init(&n);
  model = normal_model(&n);
  printf("initial inverse metrics\n");
  io.inv_metrics = metrics;
  io.num_inv_metrics = CHAINS;
  io.inv_metric_size = 4;
  CHECK_OK(catena_options_set_metric(options, CATENA_METRIC_DENSE_E, &error));
  CHECK_OK(catena_options_set_adapt(options, 0, &error));
  CHECK_OK(catena_options_set_stepsize(options, 0.5, &error));
  CHECK_OK(catena_sample_nuts(model, options, &io, &result, &error));
  CHECK_OK(catena_result_inv_metric(result, 3, back, 4, &error));
  CHECK_BITS(back, good, 4);
  CHECK(catena_result_stepsize(result, 3) == 0.5);
  catena_result_free(result);
  metrics[2] = bad;
  CHECK_REFUSES(catena_sample_nuts(model, options, &io, &result, &error), NULL, "chain 3: ");
  CHECK(!result);
  metrics[2] = good;
  io.inv_metric_size = 3;
  CHECK_REFUSES(catena_sample_nuts(model, options, &io, &result, &error), NULL, "inv_metric");
  io.inv_metric_size = 4;
  io.num_inv_metrics = 3;
  CHECK_REFUSES(catena_sample_nuts(model, options, &io, &result, &error), "inv_metrics", "4 entries");
  io.num_inv_metrics = CHAINS;
  metrics[1] = NULL;
  CHECK_REFUSES(catena_sample_nuts(model, options, &io, &result, &error), "io.inv_metrics[1]", "NULL");
  metrics[1] = negative;
  metrics[0] = metrics[2] = metrics[3] = good;
  io.inv_metric_size = 2;
  CHECK_OK(catena_options_set_metric(options, CATENA_METRIC_DIAG_E, &error));
  CHECK_REFUSES(catena_sample_nuts(model, options, &io, &result, &error), NULL, "chain 2: ");
  metrics[1] = good;
  CHECK_OK(catena_options_set_metric(options, CATENA_METRIC_UNIT_E, &error));
  CHECK_REFUSES(catena_sample_nuts(model, options, &io, &result, &error), "inv_metrics", "unit");
  CHECK_INT(n.workers_made, n.workers_freed);
  end(&n, model, options);
}

typedef struct host_init {
  int fail, released;
} host_init;

static int host_shape(void *user, const char *name, size_t max_rank, size_t *shape, size_t *rank) {
  const host_init *h = (const host_init *)user;
  if (h->fail == 1) return -4;
  if (strcmp(name, "x") != 0) return 0;
  CHECK(max_rank >= 1);
  *rank = 1;
  shape[0] = 2;
  return 1;
}

static int host_values(void *user, const char *name, double *values, size_t count) {
  const host_init *h = (const host_init *)user;
  CHECK_TEXT(name, "x");
  CHECK_INT(count, 2);
  values[0] = 0.125;
  values[1] = -1.5;
  return h->fail == 2 ? 9 : 0;
}

static void host_release(void *user) { ++((host_init *)user)->released; }

static catena_init *host_init_new(host_init *h, int fail) {
  catena_error *error = NULL;
  catena_init *init = NULL;
  catena_init_table t;
  memset(&t, 0, sizeof t);
  t.struct_size = sizeof t;
  t.user = h;
  t.release = host_release;
  t.shape = host_shape;
  t.values = host_values;
  h->fail = fail;
  h->released = 0;
  CHECK_OK(catena_init_new(&t, &init, &error));
  return init;
}

static void test_inits(void) {
  static const char json[] = "{\"x\": [0.125, -1.5]}", broken[] = "{\"x\": [0.125, \n -1.5}";
  static const char path[] = "test_sample_init.json";
  static const double position[] = {0.125, -1.5}, infinite[] = {0, HUGE_VAL}, three[] = {1, 2, 3};
  catena_error *error = NULL;
  catena_result *result = NULL;
  catena_init *given[CHAINS], *bad = NULL;
  catena_checkpoint *checkpoint = NULL;
  const catena_init *inits[CHAINS];
  catena_writer *writers[CHAINS];
  catena_io io = empty_io();
  catena_options *options = short_options(CHAINS, 10, 10, THREADS);
  catena_model *model;
  table tables[CHAINS];
  host_init host, failing;
  FILE *f = fopen(path, "wb");
  normal n;
  int i;
  CHECK(f && fputs(json, f) >= 0 && fclose(f) == 0);
  normal_init(&n);
  model = normal_model(&n);
  printf("initial values from a text, a file, an array and a table\n");
  CHECK_OK(catena_init_json_new(json, strlen(json), &given[0], &error));
  CHECK_OK(catena_init_json_file_new(path, &given[1], &error));
  CHECK_OK(catena_init_position_new(position, 2, &given[2], &error));
  given[3] = host_init_new(&host, 0);
  for (i = 0; i < CHAINS; ++i) {
    writers[i] = table_writer(&tables[i]);
    inits[i] = given[i];
  }
  io.inits = inits;
  io.init_writers = writers;
  io.num_inits = io.num_init_writers = CHAINS;
  CHECK_OK(catena_sample_nuts(model, options, &io, &result, &error));
  catena_result_free(result);
  for (i = 0; i < CHAINS; ++i) {
    CHECK_INT(tables[i].rows, 1);
    CHECK_BITS(tables[i].values, position, 2);
    table_end(&tables[i], writers[i]);
  }
  io.num_init_writers = 0;

  printf("initial values that fail\n");
  for (i = 1; i <= 2; ++i) {
    bad = host_init_new(&failing, i);
    inits[1] = bad;
    CHECK_FAILS(catena_sample_nuts(model, options, &io, &result, &error), CATENA_CHAIN_FAILED, NULL, "ids 2",
                i == 1 ? "code -4" : "code 9");
    CHECK_INT(catena_result_chain_status(result, 1), CATENA_INITIALIZATION);
    CHECK_INT(catena_error_chain(catena_result_chain_error(result, 1)), 2);
    CHECK_INT(catena_result_chain_status(result, 0), CATENA_OK);
    CHECK_FAILS(catena_result_checkpoint_new(result, 1, &checkpoint, &error), CATENA_CHECKPOINT, NULL, "", "");
    CHECK(!checkpoint);
    catena_result_free(result);
    CHECK_INT(failing.released, 0);
    catena_init_free(bad);
    CHECK_INT(failing.released, 1);
  }
  CHECK_OK(catena_init_position_new(three, 3, &bad, &error));
  inits[1] = bad;
  CHECK_FAILS(catena_sample_nuts(model, options, &io, &result, &error), CATENA_CHAIN_FAILED, NULL, "chain 2: ",
              "a position of 2 numbers, got 3");
  catena_result_free(result);
  catena_init_free(bad);
  inits[1] = NULL;
  CHECK_OK(catena_sample_nuts(model, options, &io, &result, &error));
  catena_result_free(result);
  bad = NULL;
  CHECK_REFUSES(catena_init_position_new(infinite, 2, &bad, &error), "position", "inf");
  CHECK_FAILS(catena_init_json_new(broken, strlen(broken), &bad, &error), CATENA_IO, NULL, "line 2", "column");
  CHECK_FAILS(catena_init_json_file_new("no_such_file.json", &bad, &error), CATENA_IO, NULL, "no_such_file.json", "");
  CHECK(!bad);
  for (i = 0; i < CHAINS; ++i) catena_init_free(given[i]);
  CHECK_INT(host.released, 1);
  CHECK_INT(remove(path), 0);
  end(&n, model, options);
}

int main(void) {
  test_writers();
  test_result();
  test_metrics();
  test_inits();
  return 0;
}
