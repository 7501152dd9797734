/* Runs the calls that every_argument.py writes and judges them. */
#ifndef EVERY_ARGUMENT_JUDGE_H
#define EVERY_ARGUMENT_JUDGE_H

#include "every_argument.h"

/* Where results go. */
static double written[ROOM];
static uint8_t bytes_written[ROOM];
static size_t sizes_written[ROOM];
static uint32_t small_written[ROOM];
static int codes_written[ROOM];
static uint64_t words_written[ROOM];
static char text_written[ROOM];

static double ones[ROOM];
static size_t one_each[ROOM];
static const uint64_t ids[] = {1, 2};

/* A function, how it is called with argument number `bad` (from 1; 0: none) wrong, and what is wrong then. */
typedef struct {
  const char *name;
  void (*call)(size_t bad, catena_task *task);
  const char *const *labels;
  size_t count;
} row;

static const row *at;
static size_t calls, refused, surprises;

static void surprise(const char *name, const char *what, const char *words) {
  ++surprises;
  printf("catena_%s: %s: %s\n", name, what, words);
}

/* Whether an argument may be like this: the function succeeds. */
static int may_be(const char *name, const char *label);

static void judge(const char *name, size_t bad, catena_status status, const catena_error *error, int asked) {
  const char *label = bad ? at->labels[bad - 1] : "as it should be";
  ++calls;
  if (asked && (status == CATENA_OK) != (error == NULL)) surprise(name, label, "status and error differ");
  if (error && catena_error_code(error) != status) surprise(name, label, "the error has another status");
  if (error && !*catena_error_message(error)) surprise(name, label, "an error without words");
  if (status == CATENA_INTERNAL) surprise(name, label, catena_error_message(error));
  if (status != CATENA_OK) ++refused;
  if (!bad || !asked) {
    if (status != CATENA_OK && !may_be(name, "refused")) surprise(name, label, error ? catena_error_message(error) : "refused");
  } else if ((status == CATENA_OK) != may_be(name, label) && !may_be(name, "refused")) {
    surprise(name, label, status == CATENA_OK ? "taken" : catena_error_message(error));
  }
}

static const row *task_rows;
static size_t task_count;

static int has_task(const char *name) { return strncmp(name, "task_", 5) == 0; }

static void each(const row *one, catena_task *task) {
  size_t bad;
  at = one;
  for (bad = 0; bad <= one->count; ++bad) one->call(bad, task);
}

/* Functions of tasks are called where there is one. */
static int fx_ask(void *user, void *worker, catena_task *task, const double *x, double *value, double *gradient) {
  size_t i;
  for (i = 0; i < task_count; ++i)
    if (has_task(task_rows[i].name)) each(&task_rows[i], task);
  task_count = 0;
  return fx_evaluate(user, worker, task, x, value, gradient);
}

static int every(const row *rows, size_t count) {
  catena_error *error = NULL;
  catena_density t = fx_density();
  catena_model *model = NULL;
  catena_options *options = new_options();
  catena_result *result = NULL;
  size_t i;
  for (i = 0; i < ROOM; ++i) ones[i] = 1, one_each[i] = 1, numbers[i] = 0.25 + 0.125 * (double)(i % 5);
  for (i = 0; i < count; ++i)
    if (!has_task(rows[i].name)) each(&rows[i], NULL);
  t.log_density_gradient = fx_ask;
  task_rows = rows, task_count = count;
  CHECK_OK(catena_model_new(&t, &model, &error));
  CHECK_OK(catena_sample_nuts(model, options, NULL, &result, &error));
  CHECK_INT(task_count, 0);
  catena_result_free(result);
  catena_options_free(options);
  catena_model_free(model);
  printf("%zu functions, %zu calls with a status, %zu refused, %zu surprises\n", count, calls, refused, surprises);
  return surprises != 0;
}

#include "every_argument_allowed.h"

#endif
