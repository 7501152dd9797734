/* Chains that are stopped again and again and gone on with, each time in another process, write the same files as chains
 * that were never disturbed. Called with arguments, the program is one such process. */
#define _POSIX_C_SOURCE 200809L
#include "normal.h"

#define CHAINS 3
#define WARMUP 200
#define SAMPLES 150
#define SEED 99
/* Each part does between 1 and this many evaluations. */
#define LARGEST_PART 400

static void draws_path(char *path, size_t size, const char *prefix, size_t chain) {
  snprintf(path, size, "%s_%d.csv", prefix, (int)chain);
}

static void checkpoint_path(char *path, size_t size, size_t chain) {
  snprintf(path, size, "test_checkpoint_%d.bin", (int)chain);
}

static catena_checkpoint *load(const char *path) {
  catena_error *error = NULL;
  catena_checkpoint *checkpoint = NULL;
  size_t length, again = 0;
  char *bytes = file_text(path, &length);
  CHECK_OK(catena_checkpoint_new((const uint8_t *)bytes, length, &checkpoint, &error));
  CHECK(memcmp(catena_checkpoint_bytes(checkpoint, &again), bytes, length) == 0);
  CHECK_INT(again, length);
  free(bytes);
  return checkpoint;
}

static void save(const catena_checkpoint *checkpoint, const char *path) {
  size_t length = 0;
  const uint8_t *bytes = catena_checkpoint_bytes(checkpoint, &length);
  FILE *f = fopen(path, "wb");
  CHECK(f && length > 0);
  CHECK_INT(fwrite(bytes, 1, length, f), length);
  CHECK_INT(fclose(f), 0);
}

static catena_options *options_of_test(uint64_t evaluations) {
  catena_error *error = NULL;
  catena_options *options = short_options(CHAINS, WARMUP, SAMPLES, 2);
  CHECK_OK(catena_options_set_seed(options, SEED, &error));
  CHECK_OK(catena_options_set_save_warmup(options, 1, &error));
  CHECK_OK(catena_options_set_max_evaluations(options, evaluations, &error));
  return options;
}

/* Whether the chain that writes this file has ended; going on with it would add another block of elapsed times. */
static int ended(const char *path) {
  char *text = file_text(path, NULL);
  int lines = cut_elapsed(text);
  free(text);
  return lines > 0;
}

/* Runs one part; returns how many chains are left to go on with. */
static int part(const char *prefix, uint64_t evaluations, int resume) {
  catena_error *error = NULL;
  catena_result *result = NULL;
  catena_writer *writers[CHAINS];
  catena_checkpoint *checkpoints[CHAINS];
  catena_io io = empty_io();
  catena_options *options = options_of_test(evaluations);
  catena_model *model;
  normal n;
  char path[64];
  int left = 0;
  size_t i;
  normal_init(&n);
  model = normal_model(&n);
  for (i = 0; i < CHAINS; ++i) {
    draws_path(path, sizeof path, prefix, i);
    writers[i] = NULL;
    if (!resume || !ended(path)) CHECK_OK(catena_writer_csv_new(path, 0, resume, &writers[i], &error));
    checkpoint_path(path, sizeof path, i);
    checkpoints[i] = resume ? load(path) : NULL;
  }
  io.sample_writers = writers;
  io.num_sample_writers = CHAINS;
  io.checkpoints = (const catena_checkpoint *const *)checkpoints;
  io.num_checkpoints = CHAINS;
  CHECK_OK(catena_sample_nuts(model, options, &io, &result, &error));
  for (i = 0; i < CHAINS; ++i) {
    catena_status status = catena_result_chain_status(result, i);
    CHECK(status == CATENA_OK || status == CATENA_INTERRUPTED);
    left += status == CATENA_INTERRUPTED;
    if (status == CATENA_OK) CHECK_INT(catena_result_rows(result, i), WARMUP + SAMPLES);
    catena_checkpoint_free(checkpoints[i]);
    CHECK_OK(catena_result_checkpoint_new(result, i, &checkpoints[i], &error));
    checkpoint_path(path, sizeof path, i);
    if (evaluations) save(checkpoints[i], path);
    catena_checkpoint_free(checkpoints[i]);
    catena_writer_free(writers[i]);
  }
  catena_result_free(result);
  catena_options_free(options);
  catena_model_free(model);
  return left;
}

/* Another process does a part. */
static int part_elsewhere(const char *program, uint64_t evaluations, int resume) {
  char command[4096];
  FILE *child;
  int left = -1;
  CHECK(snprintf(command, sizeof command, "'%s' part %d %d", program, (int)evaluations, resume) < (int)sizeof command);
  child = popen(command, "r");
  CHECK(child);
  CHECK_INT(fscanf(child, "%d", &left), 1);
  CHECK_INT(pclose(child), 0);
  return left;
}

static void test_other_processes(const char *program) {
  char path[64], reference[64];
  uint64_t state = 7;
  int parts = 0, left = CHAINS;
  size_t i;
  printf("an undisturbed run\n");
  CHECK_INT(part("test_checkpoint_whole", 0, 0), 0);
  while (left > 0) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    left = part_elsewhere(program, 1 + (state >> 33) % LARGEST_PART, parts > 0);
    CHECK(++parts < 1000);
  }
  printf("the same in %d processes\n", parts);
  CHECK(parts > 5);
  for (i = 0; i < CHAINS; ++i) {
    draws_path(reference, sizeof reference, "test_checkpoint_whole", i);
    draws_path(path, sizeof path, "test_checkpoint_parts", i);
    check_same_files(reference, path);
    CHECK_INT(remove(reference), 0);
    CHECK_INT(remove(path), 0);
  }
}

/* A run that goes on with `checkpoint` as its first chain fails, saying both words. */
static void refused(const catena_options *options, const catena_checkpoint *checkpoint, const char *a, const char *b) {
  catena_error *error = NULL;
  catena_result *result = NULL;
  const catena_checkpoint *checkpoints[CHAINS] = {NULL};
  catena_io io = empty_io();
  catena_model *model;
  normal n;
  normal_init(&n);
  model = normal_model(&n);
  checkpoints[0] = checkpoint;
  io.checkpoints = checkpoints;
  io.num_checkpoints = CHAINS;
  CHECK_FAILS(catena_sample_nuts(model, options, &io, &result, &error), CATENA_CHECKPOINT, NULL, a, b);
  CHECK(!result);
  CHECK_INT(n.workers_made, n.workers_freed);
  catena_model_free(model);
}

static void test_refusals(void) {
  catena_error *error = NULL;
  catena_checkpoint *good, *bad = NULL;
  catena_options *options = options_of_test(0);
  char path[64];
  uint8_t *copy;
  size_t length, i;
  checkpoint_path(path, sizeof path, 0);
  good = load(path);
  catena_checkpoint_bytes(good, &length);
  copy = (uint8_t *)malloc(length);
  CHECK(copy);
  printf("damaged checkpoints\n");
  for (i = 0; i < length; i += 1 + length / 50) {
    memcpy(copy, catena_checkpoint_bytes(good, NULL), length);
    copy[i] ^= 0x10;
    CHECK_OK(catena_checkpoint_new(copy, length, &bad, &error));
    refused(options, bad, "chain 1: ", "");
    catena_checkpoint_free(bad);
    CHECK_OK(catena_checkpoint_new(copy, i, &bad, &error));
    if (i > 0) refused(options, bad, "chain 1: ", "");
    catena_checkpoint_free(bad);
  }
  free(copy);
  printf("checkpoints of another run\n");
  CHECK_OK(catena_options_set_seed(options, SEED + 1, &error));
  refused(options, good, "chain 1", "seed is 99");
  CHECK_OK(catena_options_set_seed(options, SEED, &error));
  CHECK_OK(catena_options_set_init_chain_id(options, 5, &error));
  refused(options, good, "chain 5", "checkpoint's");
  CHECK_OK(catena_options_set_init_chain_id(options, 1, &error));
  CHECK_OK(catena_options_set_metric(options, CATENA_METRIC_DENSE_E, &error));
  refused(options, good, "chain 1", "checkpoint's");
  catena_options_free(options);
  catena_checkpoint_free(good);
  for (i = 0; i < CHAINS; ++i) {
    checkpoint_path(path, sizeof path, i);
    CHECK_INT(remove(path), 0);
  }
}

/* Columns of a NUTS run: the sampler's, then the model's. */
#define COLUMNS (7 + NORMAL_OUTPUTS)
/* Draws of each chain in the undisturbed run, in the part before, and in the first of two more. */
#define WHOLE 60
#define BEFORE 25
#define NEXT 15

/* Goes on with `before`, or begins where that is NULL; the rows of the chains to `rows`, `draws` of each. */
static catena_result *go_on(const catena_options *options, const catena_result *before, size_t more, double *rows, size_t draws) {
  catena_error *error = NULL;
  catena_result *result = NULL;
  catena_writer *writers[CHAINS];
  catena_io io = empty_io();
  catena_model *model;
  normal n;
  size_t i;
  normal_init(&n);
  model = normal_model(&n);
  CHECK_OK(catena_writers_memory_new(rows, CHAINS * draws * COLUMNS, CHAINS, draws, COLUMNS, CATENA_LAYOUT_ROWS, writers, &error));
  io.sample_writers = writers;
  io.num_sample_writers = CHAINS;
  if (before) CHECK_OK(catena_continue(model, options, before, more, &io, &result, &error));
  else CHECK_OK(catena_sample_nuts(model, options, &io, &result, &error));
  for (i = 0; i < CHAINS; ++i) catena_writer_free(writers[i]);
  catena_model_free(model);
  return result;
}

static void test_continue(void) {
  static double whole[CHAINS * WHOLE * COLUMNS], first[CHAINS * BEFORE * COLUMNS], second[CHAINS * NEXT * COLUMNS],
      third[CHAINS * (WHOLE - BEFORE - NEXT) * COLUMNS];
  const size_t rest = WHOLE - BEFORE - NEXT;
  catena_options *options = short_options(CHAINS, WARMUP, WHOLE, 2);
  catena_error *error = NULL;
  catena_result *a, *b, *c, *none = NULL;
  catena_model *model;
  catena_io io = empty_io();
  const catena_checkpoint *checkpoints[CHAINS] = {NULL};
  normal n;
  size_t i;
  printf("a run that is continued\n");
  catena_result_free(go_on(options, NULL, 0, whole, WHOLE));
  CHECK_OK(catena_options_set_num_samples(options, BEFORE, &error));
  a = go_on(options, NULL, 0, first, BEFORE);
  CHECK_INT(catena_result_num_samples(a, 0), BEFORE);
  /* The number in the options is that of the run before, and stays. */
  b = go_on(options, a, NEXT, second, NEXT);
  CHECK_INT(catena_result_num_samples(b, CHAINS - 1), BEFORE + NEXT);
  CHECK_INT(catena_result_num_samples(b, CHAINS), 0);
  c = go_on(options, b, rest, third, rest);
  for (i = 0; i < CHAINS; ++i) {
    const double *expected = whole + i * WHOLE * COLUMNS;
    CHECK_BITS(first + i * BEFORE * COLUMNS, expected, BEFORE * COLUMNS);
    CHECK_BITS(second + i * NEXT * COLUMNS, expected + BEFORE * COLUMNS, NEXT * COLUMNS);
    CHECK_BITS(third + i * rest * COLUMNS, expected + (BEFORE + NEXT) * COLUMNS, rest * COLUMNS);
    CHECK_INT(catena_result_rows(c, i), WHOLE);
  }
  printf("what cannot be continued\n");
  normal_init(&n);
  model = normal_model(&n);
  CHECK_FAILS(catena_continue(model, options, NULL, 1, NULL, &none, &error), CATENA_INVALID_ARGUMENT, "before", "NULL", "");
  CHECK_FAILS(catena_continue(model, options, a, SIZE_MAX, NULL, &none, &error), CATENA_INVALID_ARGUMENT, "more", "at most", "");
  io.checkpoints = checkpoints;
  io.num_checkpoints = CHAINS;
  CHECK_FAILS(catena_continue(model, options, a, 1, &io, &none, &error), CATENA_INVALID_ARGUMENT, "io.checkpoints", "none", "");
  CHECK_OK(catena_options_set_seed(options, SEED, &error));
  CHECK_FAILS(catena_continue(model, options, a, 1, NULL, &none, &error), CATENA_CHECKPOINT, NULL, "chain 1", "seed");
  CHECK_OK(catena_options_set_num_chains(options, CHAINS - 1, &error));
  CHECK_FAILS(catena_continue(model, options, a, 1, NULL, &none, &error), CATENA_INVALID_ARGUMENT, "before", "2 chains", "3");
  CHECK(!none);
  catena_model_free(model);
  catena_result_free(a);
  catena_result_free(b);
  catena_result_free(c);
  catena_options_free(options);
}

/* A run begins where another ended: with its metrics and step sizes, which no warm-up changes. */
static void test_from(void) {
  catena_options *options = short_options(CHAINS, WARMUP, 20, 2);
  catena_error *error = NULL;
  catena_result *first = NULL, *second = NULL;
  catena_checkpoint *ends[CHAINS] = {NULL}, *begun = NULL;
  const catena_checkpoint *from[CHAINS + 1];
  catena_io io = empty_io();
  catena_model *model;
  double a[4], b[4];
  uint64_t whole = 0;
  size_t i, size;
  normal n;
  printf("a run that begins where another ended\n");
  normal_init(&n);
  model = normal_model(&n);
  CHECK_OK(catena_sample_nuts(model, options, NULL, &first, &error));
  for (i = 0; i < CHAINS; ++i) {
    CHECK_OK(catena_result_checkpoint_new(first, i, &ends[i], &error));
    from[i] = ends[i];
  }
  io.from = from;
  io.num_from = CHAINS;
  CHECK_OK(catena_options_set_seed(options, SEED, &error));
  CHECK_OK(catena_options_set_num_warmup(options, 0, &error));
  CHECK_OK(catena_options_set_num_chains(options, CHAINS + 1, &error));
  CHECK_OK(catena_sample_nuts(model, options, &io, &second, &error));
  /* Chains take the ends in turn. */
  for (i = 0; i <= CHAINS; ++i) {
    size = catena_result_inv_metric_size(first, i % CHAINS);
    CHECK(size <= 4);
    CHECK_INT(catena_result_inv_metric_size(second, i), size);
    CHECK_OK(catena_result_inv_metric(first, i % CHAINS, a, size, &error));
    CHECK_OK(catena_result_inv_metric(second, i, b, size, &error));
    CHECK(memcmp(a, b, size * sizeof *a) == 0);
    CHECK(catena_result_stepsize(first, i % CHAINS) == catena_result_stepsize(second, i));
  }
  catena_result_free(second);
  second = NULL;
  catena_options_free(options);
  options = short_options(1, WARMUP, 20, 1);
  CHECK_OK(catena_options_set_max_evaluations(options, 1, &error));
  CHECK_OK(catena_sample_nuts(model, options, NULL, &second, &error));
  CHECK_INT(catena_result_chain_status(second, 0), CATENA_INTERRUPTED);
  CHECK_OK(catena_result_checkpoint_new(second, 0, &begun, &error));
  from[0] = begun;
  io.num_from = 1;
  catena_result_free(second);
  second = NULL;
  CHECK_REFUSES(catena_sample_nuts(model, options, &io, &second, &error), "io.from[0]", "with draws");
  catena_options_free(options);
  CHECK_OK(catena_options_new(&options, &error));
  CHECK_OK(catena_options_set(options, "warm_start", "true", &error));
  CHECK_OK(catena_options_get_integer(options, "num_warmup", &whole, &error));
  CHECK_INT(whole, 50);
  catena_options_free(options);
  catena_checkpoint_free(begun);
  for (i = 0; i < CHAINS; ++i) catena_checkpoint_free(ends[i]);
  catena_result_free(first);
  catena_model_free(model);
}

int main(int argc, char **argv) {
  if (argc == 4) {
    printf("%d\n", part("test_checkpoint_parts", (uint64_t)atol(argv[2]), atoi(argv[3])));
    return 0;
  }
  test_other_processes(argv[0]);
  test_refusals();
  test_continue();
  test_from();
  return 0;
}
