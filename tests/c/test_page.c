/* The page about a run says the same whether it is made in memory or of the run's files: step sizes, their way through warm-up,
 * inverse metrics of every kind. */
#define _POSIX_C_SOURCE 200809L
#include "normal.h"
#include <stddef.h>

enum { CHAINS = 2, WARMUP = 60, SAMPLES = 40, ROWS = WARMUP + SAMPLES, COLUMNS = 7 + NORMAL_OUTPUTS, STEP_SIZE = 2, METRIC = 9 };
#define PAGE "test_page.html"

typedef struct run {
  catena_result *result;
  /* The draws after warm-up, and the step sizes of warm-up. */
  double draws[CHAINS * SAMPLES * COLUMNS], warmup[CHAINS * WARMUP];
  double seconds[CHAINS * 2], step_sizes[CHAINS], inv_metrics[CHAINS * METRIC];
  const char *names[COLUMNS];
} run;

static const char *const files[CHAINS] = {"test_page_1.csv", "test_page_2.csv"};

static char *text_of(const char *path) {
  FILE *file = fopen(path, "r");
  char *text;
  long size;
  CHECK(file);
  CHECK_INT(fseek(file, 0, SEEK_END), 0);
  size = ftell(file);
  rewind(file);
  text = (char *)malloc((size_t)size + 1);
  CHECK(text);
  CHECK_INT(fread(text, 1, (size_t)size, file), size);
  text[size] = 0;
  CHECK_INT(fclose(file), 0);
  CHECK_INT(remove(path), 0);
  return text;
}

/* What the page's script gets, without the times. */
static char *data_of(char *page) {
  char *begin = strstr(page, "{\"chains\":"), *end;
  CHECK(begin);
  end = strstr(begin, "\"times\":");
  CHECK(end);
  *end = 0;
  return begin;
}

static catena_options *options_with(int32_t metric) {
  catena_error *error = NULL;
  catena_options *options = short_options(CHAINS, WARMUP, SAMPLES, 2);
  CHECK_OK(catena_options_set_save_warmup(options, 1, &error));
  CHECK_OK(catena_options_set_metric(options, metric, &error));
  return options;
}

/* Samples into memory, and looks at all that a page can be told. */
static void in_memory(const catena_model *model, const catena_options *options, run *r) {
  catena_error *error = NULL;
  catena_io io = empty_io();
  catena_writer *writers[CHAINS];
  static double rows[CHAINS * ROWS * COLUMNS];
  size_t c, i;
  CHECK_OK(catena_writers_memory_new(rows, CHAINS * ROWS * COLUMNS, CHAINS, ROWS, COLUMNS, CATENA_LAYOUT_ROWS, writers, &error));
  io.sample_writers = writers, io.num_sample_writers = CHAINS;
  CHECK_OK(catena_sample_nuts(model, options, &io, &r->result, &error));
  for (i = 0; i < COLUMNS; ++i) r->names[i] = catena_engine_column(model, CATENA_ENGINE_NUTS, i);
  CHECK_TEXT(r->names[STEP_SIZE], "stepsize__");
  memset(r->inv_metrics, 0, sizeof r->inv_metrics);
  for (c = 0; c < CHAINS; ++c) {
    const double *first = rows + c * ROWS * COLUMNS;
    const size_t size = catena_result_inv_metric_size(r->result, c);
    catena_writer_free(writers[c]);
    CHECK(size <= METRIC);
    CHECK_OK(catena_result_inv_metric(r->result, c, r->inv_metrics + c * METRIC, size, &error));
    memcpy(r->draws + c * SAMPLES * COLUMNS, first + WARMUP * COLUMNS, SAMPLES * COLUMNS * sizeof *first);
    for (i = 0; i < WARMUP; ++i) r->warmup[c * WARMUP + i] = first[i * COLUMNS + STEP_SIZE];
    r->step_sizes[c] = catena_result_stepsize(r->result, c);
    CHECK_INT(catena_result_warmup_iterations(r->result, c), WARMUP);
    r->seconds[2 * c] = catena_result_warmup_seconds(r->result, c);
    r->seconds[2 * c + 1] = catena_result_sampling_seconds(r->result, c);
  }
}

/* All that is known of the run, for a page; without its metrics, which not every kind has. */
static catena_report_options told(const run *r) {
  catena_report_options o = {.struct_size = sizeof o, .title = "A normal", .seconds = r->seconds, .step_sizes = r->step_sizes,
                             .warmup_step_sizes = r->warmup, .warmup_size = WARMUP};
  return o;
}

static catena_status page_of(const run *r, const catena_report_options *o, catena_error **error) {
  return catena_report(r->draws, CHAINS * SAMPLES * COLUMNS, CHAINS, SAMPLES, COLUMNS, CATENA_LAYOUT_ROWS, r->names, o, PAGE, error);
}

/* The page about files that the same run writes. */
static char *page_of_files(const catena_model *model, const catena_options *options, double *step_sizes) {
  catena_error *error = NULL;
  catena_io io = empty_io();
  catena_writer *writers[CHAINS];
  catena_files *read = NULL;
  catena_result *result = NULL;
  size_t c;
  for (c = 0; c < CHAINS; ++c) CHECK_OK(catena_writer_csv_new(files[c], 0, 0, &writers[c], &error));
  io.sample_writers = writers, io.num_sample_writers = CHAINS;
  CHECK_OK(catena_sample_nuts(model, options, &io, &result, &error));
  for (c = 0; c < CHAINS; ++c) catena_writer_free(writers[c]);
  catena_result_free(result);
  CHECK_OK(catena_files_read(files, CHAINS, NULL, &read, &error));
  CHECK_OK(catena_files_report(read, "A normal", PAGE, &error));
  for (c = 0; c < CHAINS; ++c) {
    CHECK_INT(catena_files_warmup_size(read, c), WARMUP);
    CHECK_OK(catena_files_warmup_step_sizes(read, c, step_sizes + c * WARMUP, WARMUP, &error));
    CHECK_INT(remove(files[c]), 0);
  }
  CHECK_REFUSES(catena_files_warmup_step_sizes(read, 0, step_sizes, WARMUP + 1, &error), "size", "61");
  CHECK_REFUSES(catena_files_warmup_step_sizes(read, CHAINS, step_sizes, 0, &error), "chain", "2");
  CHECK_INT(catena_files_warmup_size(read, CHAINS), 0);
  catena_files_free(read);
  return text_of(PAGE);
}

static void same_page(const catena_model *model, int32_t metric, int has_metric) {
  catena_error *error = NULL;
  catena_options *options = options_with(metric);
  catena_report_options o;
  char *page, *of_files;
  double warmup[CHAINS * WARMUP];
  run r;
  in_memory(model, options, &r);
  o = told(&r);
  if (has_metric) o.inv_metrics = r.inv_metrics, o.metric_size = METRIC, o.dimension = NORMAL_DIMENSION;
  /* Those of variances or a matrix are as long as they are: zeros stand behind low-rank ones alone. */
  if (has_metric && metric != CATENA_METRIC_LOW_RANK) {
    const size_t size = catena_result_inv_metric_size(r.result, 0);
    memmove(r.inv_metrics + size, r.inv_metrics + METRIC, size * sizeof *r.inv_metrics);
    o.metric_size = size;
  }
  CHECK_OK(page_of(&r, &o, &error));
  page = text_of(PAGE);
  of_files = page_of_files(model, options, warmup);
  CHECK_BITS(warmup, r.warmup, CHAINS * WARMUP);
  CHECK_HAS(page, "\"paths\":[[");
  CHECK_HAS(page, has_metric ? "\"metrics\":[[" : "\"metrics\":[]");
  CHECK_TEXT(data_of(page), data_of(of_files));
  free(page), free(of_files);
  catena_result_free(r.result);
  catena_options_free(options);
}

static void refusals(const catena_model *model) {
  catena_error *error = NULL;
  catena_options *options = options_with(CATENA_METRIC_DIAG_E);
  const char *const names[] = {"num_warmup", NULL};
  catena_report_options o;
  size_t lengths[CHAINS] = {WARMUP, 3};
  char *page;
  run r;
  in_memory(model, options, &r);
  o = told(&r), o.warmup_step_sizes = NULL;
  CHECK_REFUSES(page_of(&r, &o, &error), "options.warmup_step_sizes", "NULL");
  o = told(&r), o.warmup_size = SIZE_MAX;
  CHECK_REFUSES(page_of(&r, &o, &error), "options.warmup_size", "18446744073709551615");
  o = told(&r), r.warmup[WARMUP + 5] = NAN;
  CHECK_REFUSES(page_of(&r, &o, &error), "options.warmup_step_sizes[65]", "NaN");
  r.warmup[WARMUP + 5] = -0.5;
  CHECK_REFUSES(page_of(&r, &o, &error), "options.warmup_step_sizes[65]", "-0.5");
  /* What lies beyond a chain's own numbers is not looked at. */
  o.warmup_lengths = lengths;
  CHECK_OK(page_of(&r, &o, &error));
  lengths[1] = WARMUP + 1;
  CHECK_REFUSES(page_of(&r, &o, &error), "options.warmup_lengths[1]", "61");
  /* A chain without any: no picture of half the run. */
  lengths[1] = 0;
  CHECK_OK(page_of(&r, &o, &error));
  page = text_of(PAGE);
  CHECK_HAS(page, "\"paths\":[]");
  free(page);
  o = told(&r), o.warmup_size = 0, o.inv_metrics = r.inv_metrics, o.metric_size = 3, o.dimension = NORMAL_DIMENSION;
  CHECK_REFUSES(page_of(&r, &o, &error), "options.inv_metrics", "3 numbers");
  /* More directions than memory has numbers for. */
  r.inv_metrics[0] = r.inv_metrics[3] = 18446744073709551616.0;
  CHECK_REFUSES(page_of(&r, &o, &error), "options.inv_metrics", "3 numbers");
  o = told(&r), o.warmup_size = 0, o.num_settings = 1;
  CHECK_REFUSES(page_of(&r, &o, &error), "options.setting_names", "NULL");
  o.setting_names = names, o.setting_values = names, o.num_settings = 2;
  CHECK_REFUSES(page_of(&r, &o, &error), "options.setting_names[1]", "NULL");
  o.num_settings = 1;
  CHECK_OK(page_of(&r, &o, &error));
  page = text_of(PAGE);
  CHECK_HAS(page, "<dt>num_warmup</dt><dd>num_warmup</dd>");
  free(page);
  /* A program of an earlier version knows less. */
  o = told(&r), o.struct_size = offsetof(catena_report_options, dimension), o.warmup_step_sizes = NULL, o.dimension = SIZE_MAX;
  CHECK_OK(page_of(&r, &o, &error));
  page = text_of(PAGE);
  CHECK_HAS(page, "\"paths\":[]");
  free(page);
  o.struct_size -= sizeof(size_t);
  CHECK_REFUSES(page_of(&r, &o, &error), "options.struct_size", "64");
  /* What is not known. */
  o = told(&r), o.warmup_size = 0, r.seconds[0] = NAN, r.step_sizes[1] = NAN;
  CHECK_OK(page_of(&r, &o, &error));
  page = text_of(PAGE);
  CHECK_HAS(page, "\"step_sizes\":[]");
  CHECK_HAS(page, "\"times\":[]");
  free(page);
  catena_result_free(r.result);
  catena_options_free(options);
}

/* What a run was asked for stands in its result, as catena_options_get has it. */
static void settings(const catena_model *model) {
  catena_error *error = NULL;
  catena_options *options = options_with(CATENA_METRIC_DENSE_E);
  char value[64];
  size_t at, found = 0;
  run r;
  in_memory(model, options, &r);
  for (at = 0; catena_result_setting(r.result, at, 0); ++at) {
    const char *name = catena_result_setting(r.result, at, 0);
    CHECK_OK(catena_options_get(options, name, value, sizeof value, &error));
    CHECK_TEXT(catena_result_setting(r.result, at, 1), value);
    found += strcmp(name, "metric") == 0 || strcmp(name, "preset") == 0 || strcmp(name, "seed") == 0;
    /* Options of other services are none of this run's. */
    CHECK(strcmp(name, "int_time") && strcmp(name, "num_particles"));
  }
  CHECK_INT(found, 3);
  CHECK_INT(catena_result_warmup_iterations(r.result, CHAINS), 0);
  CHECK(!catena_result_setting(r.result, at, 1) && !catena_result_setting(NULL, 0, 0));
  catena_result_free(r.result);
  catena_options_free(options);
}

int main(void) {
  normal n;
  catena_model *model;
  normal_init(&n);
  model = normal_model(&n);
  same_page(model, CATENA_METRIC_DIAG_E, 1);
  same_page(model, CATENA_METRIC_DENSE_E, 1);
  same_page(model, CATENA_METRIC_LOW_RANK, 1);
  same_page(model, CATENA_METRIC_AUTO, 1);
  same_page(model, CATENA_METRIC_UNIT_E, 0);
  refusals(model);
  settings(model);
  catena_model_free(model);
  return 0;
}
