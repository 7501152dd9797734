/* What several test programs share: a correlated normal in two dimensions that can be told to misbehave, a writer that
 * keeps a table, and files as text. Include after defining _POSIX_C_SOURCE. */
#ifndef CATENA_TEST_NORMAL_H
#define CATENA_TEST_NORMAL_H

#include "check.h"
#include <math.h>
#include <pthread.h>

#define NORMAL_DIMENSION 2
#define NORMAL_OUTPUTS 4
#define NORMAL_CORRELATION 0.6

/* Set before the run; only the counters change during it, under the lock. */
typedef struct normal {
  pthread_mutex_t lock;
  int workers_made, workers_freed, released;
  /* Where a worker is used by two calls at once. */
  int entered_twice;
  /* The evaluation that returns `code`, counted in each worker from 1 while its chain is `bad_chain`; 0: none. */
  uint64_t bad_chain;
  int code;
  long bad_evaluation;
  int fail_workers;
} normal;

typedef struct normal_worker {
  int busy;
  long evaluations;
} normal_worker;

static inline void normal_init(normal *n) {
  memset(n, 0, sizeof *n);
  CHECK_INT(pthread_mutex_init(&n->lock, NULL), 0);
}

static inline void normal_count(normal *n, int *counter) {
  pthread_mutex_lock(&n->lock);
  ++*counter;
  pthread_mutex_unlock(&n->lock);
}

static inline double normal_value(const double *x, double *gradient) {
  const double a = x[0] - 1, b = x[1] + 2, scale = 1 / (1 - NORMAL_CORRELATION * NORMAL_CORRELATION);
  if (gradient) {
    gradient[0] = -scale * (a - NORMAL_CORRELATION * b);
    gradient[1] = -scale * (b - NORMAL_CORRELATION * a);
  }
  return -0.5 * scale * (a * a - 2 * NORMAL_CORRELATION * a * b + b * b);
}

static inline int normal_evaluate(void *user, void *worker, catena_task *task, const double *x, double *lp, double *g) {
  normal *n = (normal *)user;
  normal_worker *w = (normal_worker *)worker;
  if (w->busy) normal_count(n, &n->entered_twice);
  w->busy = 1;
  *lp = normal_value(x, g);
  w->busy = 0;
  if (n->bad_evaluation && catena_task_chain_id(task) == n->bad_chain && ++w->evaluations >= n->bad_evaluation) {
    catena_task_message(task, "as the test wants it");
    return n->code;
  }
  return 0;
}

static inline int normal_constrain(void *user, void *worker, catena_task *task, const double *x, double *outputs) {
  (void)user, (void)worker;
  outputs[0] = x[0];
  outputs[1] = x[1];
  outputs[2] = x[0] + x[1];
  outputs[3] = catena_task_normal(task);
  return 0;
}

static inline int normal_worker_new(void *user, void **worker) {
  normal *n = (normal *)user;
  if (n->fail_workers) return 7;
  *worker = calloc(1, sizeof(normal_worker));
  CHECK(*worker);
  normal_count(n, &n->workers_made);
  return 0;
}

static inline void normal_worker_free(void *user, void *worker) {
  normal *n = (normal *)user;
  normal_count(n, &n->workers_freed);
  free(worker);
}

static inline void normal_release(void *user) {
  normal *n = (normal *)user;
  normal_count(n, &n->released);
}

static inline catena_density normal_table(normal *n) {
  static const char *const outputs[NORMAL_OUTPUTS] = {"mu.1", "mu.2", "sum", "noise"};
  catena_density t;
  memset(&t, 0, sizeof t);
  t.struct_size = sizeof t;
  t.user = n;
  t.release = normal_release;
  t.dimension = NORMAL_DIMENSION;
  t.log_density_gradient = normal_evaluate;
  t.output_count = NORMAL_OUTPUTS;
  t.output_names = outputs;
  t.constrain = normal_constrain;
  t.worker_new = normal_worker_new;
  t.worker_free = normal_worker_free;
  return t;
}

static inline catena_model *normal_model(normal *n) {
  catena_error *error = NULL;
  catena_model *model = NULL;
  catena_density t = normal_table(n);
  CHECK_OK(catena_model_new(&t, &model, &error));
  return model;
}

/* Short runs with Stan's warm-up, so many threads as asked for. */
static inline catena_options *short_options(size_t chains, size_t warmup, size_t samples, size_t threads) {
  catena_error *error = NULL;
  catena_options *options = NULL;
  CHECK_OK(catena_options_new(&options, &error));
  CHECK_OK(catena_options_set(options, "preset", "stan", &error));
  CHECK_OK(catena_options_set_num_chains(options, chains, &error));
  CHECK_OK(catena_options_set_num_warmup(options, warmup, &error));
  CHECK_OK(catena_options_set_num_samples(options, samples, &error));
  CHECK_OK(catena_options_set_num_threads(options, threads, &error));
  CHECK_OK(catena_options_set_seed(options, 20240607, &error));
  return options;
}

static inline catena_io empty_io(void) {
  catena_io io;
  memset(&io, 0, sizeof io);
  io.struct_size = sizeof io;
  return io;
}

/* A writer that keeps what it gets. */
typedef struct table {
  size_t columns, rows, room;
  double *values;
  char names[512];
  int names_calls, messages, finishes, released;
  /* The row, from 1, that fails; 0: none. */
  size_t fail_at;
} table;

static inline int table_names(void *user, size_t count, const char *const *names) {
  table *t = (table *)user;
  size_t i;
  ++t->names_calls;
  t->columns = count;
  t->names[0] = 0;
  for (i = 0; i < count; ++i) {
    CHECK(strlen(t->names) + strlen(names[i]) + 2 < sizeof t->names);
    if (i) strcat(t->names, ",");
    strcat(t->names, names[i]);
  }
  return 0;
}

static inline int table_row(void *user, size_t count, const double *values) {
  table *t = (table *)user;
  CHECK_INT(count, t->columns);
  if (t->fail_at && t->rows + 1 >= t->fail_at) return 28;
  if (t->rows == t->room) {
    t->room = t->room ? 2 * t->room : 64;
    t->values = (double *)realloc(t->values, t->room * count * sizeof *values);
    CHECK(t->values);
  }
  memcpy(t->values + t->rows * count, values, count * sizeof *values);
  ++t->rows;
  return 0;
}

static inline int table_message(void *user, const char *line) {
  CHECK(!strchr(line, '\n'));
  ++((table *)user)->messages;
  return 0;
}

static inline int table_finish(void *user) {
  ++((table *)user)->finishes;
  return 0;
}

static inline void table_release(void *user) { ++((table *)user)->released; }

static inline catena_writer *table_writer(table *t) {
  catena_error *error = NULL;
  catena_writer *writer = NULL;
  catena_writer_table w;
  memset(t, 0, sizeof *t);
  memset(&w, 0, sizeof w);
  w.struct_size = sizeof w;
  w.user = t;
  w.release = table_release;
  w.names = table_names;
  w.row = table_row;
  w.message = table_message;
  w.finish = table_finish;
  CHECK_OK(catena_writer_new(&w, &writer, &error));
  return writer;
}

/* Frees the writer and what the table keeps; the table was released exactly once. */
static inline void table_end(table *t, catena_writer *writer) {
  CHECK_INT(t->released, 0);
  catena_writer_free(writer);
  CHECK_INT(t->released, 1);
  free(t->values);
  t->values = NULL;
}

/* A whole file, NUL-terminated; the caller frees it. */
static inline char *file_text(const char *path, size_t *length) {
  FILE *f = fopen(path, "rb");
  size_t n = 0, room = 1 << 16;
  char *text = (char *)malloc(room);
  if (!f) check_failed(__FILE__, __LINE__, path);
  CHECK(text);
  for (;;) {
    n += fread(text + n, 1, room - n - 1, f);
    if (n + 1 < room) break;
    text = (char *)realloc(text, room *= 2);
    CHECK(text);
  }
  CHECK_INT(ferror(f), 0);
  fclose(f);
  text[n] = 0;
  if (length) *length = n;
  return text;
}

/* Cuts the lines of elapsed times, the only ones that may differ between equal runs. Returns how many there were. */
static inline int cut_elapsed(char *text) {
  char *from = text, *to = text;
  int cut = 0;
  while (*from) {
    char *end = strchr(from, '\n');
    size_t n = end ? (size_t)(end - from) + 1 : strlen(from);
    char last = from[n - 1];
    from[n - 1] = 0;
    if (from[0] == '#' && strstr(from, " seconds (")) {
      ++cut;
    } else {
      from[n - 1] = last;
      memmove(to, from, n);
      to += n;
    }
    from += n;
  }
  *to = 0;
  return cut;
}

#define ELAPSED_LINES 3

/* Two CSV files are the same bytes but for the elapsed times. */
static inline void check_same_files(const char *a, const char *b) {
  char *first = file_text(a, NULL), *second = file_text(b, NULL);
  CHECK_INT(cut_elapsed(first), ELAPSED_LINES);
  CHECK_INT(cut_elapsed(second), ELAPSED_LINES);
  CHECK(strlen(first) > 1000);
  if (strcmp(first, second) != 0) {
    fprintf(stderr, "files %s and %s differ\n", a, b);
    check_failed(__FILE__, __LINE__, "the files are the same");
  }
  free(first);
  free(second);
}

#endif
