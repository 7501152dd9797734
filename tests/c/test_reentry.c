/* Calls from inside callbacks, and after a fork: they work or are refused with words, and none hangs. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"
#include <math.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct outer {
  catena_model *inner;
  catena_options *options;
  /* The run whose callbacks these are. */
  catena_run *run;
  catena_status status, polled, waited;
  int done, calls;
} outer;

static double normal(const double *x, double *gradient) {
  gradient[0] = -x[0];
  return -0.5 * x[0] * x[0];
}

static int standard(void *user, void *worker, catena_task *task, const double *x, double *value, double *gradient) {
  (void)user, (void)worker, (void)task;
  *value = normal(x, gradient);
  return 0;
}

/* A run inside the model. */
static int nested(void *user, void *worker, catena_task *task, const double *x, double *value, double *gradient) {
  outer *o = user;
  (void)worker;
  if (o->calls++ == 0) {
    catena_result *result = NULL;
    catena_error *error = NULL;
    o->status = catena_sample_nuts(o->inner, o->options, NULL, &result, &error);
    catena_task_message(task, catena_error_message(error));
    catena_error_free(error);
    catena_result_free(result);
    if (o->status) return -1;
  }
  *value = normal(x, gradient);
  return 0;
}

/* Waiting for the run from inside its own model. */
static int waiting(void *user, void *worker, catena_task *task, const double *x, double *value, double *gradient) {
  outer *o = user;
  catena_result *result = NULL;
  (void)worker, (void)task;
  if (o->run && o->calls++ == 0) {
    o->polled = catena_run_poll(o->run, 1e10, &o->done, NULL);
    o->waited = catena_run_wait(o->run, &result, NULL);
    CHECK(!result);
    catena_run_cancel(o->run);
    catena_run_free(o->run);
  }
  *value = normal(x, gradient);
  return 0;
}

static catena_options *few(catena_pool *pool) {
  catena_options *o = NULL;
  catena_error *error = NULL;
  CHECK_OK(catena_options_new(&o, &error));
  CHECK_OK(catena_options_set_num_chains(o, 1, &error));
  CHECK_OK(catena_options_set_num_warmup(o, 5, &error));
  CHECK_OK(catena_options_set_num_samples(o, 5, &error));
  CHECK_OK(catena_options_set_num_threads(o, 2, &error));
  if (pool) CHECK_OK(catena_options_set_pool(o, pool, &error));
  return o;
}

static catena_model *model(catena_density d) {
  catena_model *m = NULL;
  catena_error *error = NULL;
  d.struct_size = sizeof d, d.dimension = 1;
  CHECK_OK(catena_model_new(&d, &m, &error));
  return m;
}

static void runs_inside_runs(void) {
  catena_error *error = NULL;
  catena_pool *pool = NULL;
  CHECK_OK(catena_pool_new(2, &pool, &error));
  /* The pool at hand, and one of its own; then the pool at hand for a model of the calling thread. */
  for (int i = 0; i < 3; ++i) {
    outer o = {.inner = model((catena_density){.log_density_gradient = standard}), .options = few(i == 1 ? NULL : pool)};
    catena_model *m = model((catena_density){.user = &o, .log_density_gradient = nested,
                                             .threading = i == 2 ? CATENA_THREADS_CALLER : CATENA_THREADS_ANY});
    catena_options *options = few(pool);
    catena_result *result = NULL;
    catena_status status = catena_sample_nuts(m, options, NULL, &result, &error);
    if (i == 0) {
      CHECK_INT(o.status, CATENA_INVALID_ARGUMENT);
      CHECK_FAILS(status, CATENA_MODEL, NULL, "'pool'", "a run inside a run");
    } else {
      CHECK_OK(status);
      CHECK_INT(o.status, CATENA_OK);
    }
    catena_result_free(result);
    catena_options_free(options);
    catena_options_free(o.options);
    catena_model_free(m);
    catena_model_free(o.inner);
  }
  catena_pool_free(pool);
}

static void a_run_waited_for_inside_its_callback(void) {
  catena_error *error = NULL;
  outer o = {.status = CATENA_OK};
  catena_model *m = model((catena_density){.user = &o, .log_density_gradient = waiting, .threading = CATENA_THREADS_CALLER});
  catena_options *options = few(NULL);
  catena_result *result = NULL;
  int done = 0;
  CHECK_OK(catena_run_start(m, options, NULL, &o.run, &error));
  while (!done) CHECK_OK(catena_run_poll(o.run, 0, &done, &error));
  CHECK_INT(o.polled, CATENA_INVALID_ARGUMENT);
  CHECK_INT(o.waited, CATENA_INVALID_ARGUMENT);
  CHECK_FAILS(catena_run_wait(o.run, &result, &error), CATENA_INTERRUPTED, NULL, "interrupted", "run");
  catena_result_free(result);
  catena_run_free(o.run);
  catena_options_free(options);
  catena_model_free(m);
}

/* What threads do does not come along in a fork. */
static void after_a_fork(void) {
  catena_error *error = NULL;
  catena_pool *pool = NULL;
  catena_model *m = model((catena_density){.log_density_gradient = standard});
  catena_options *options, *own = few(NULL);
  catena_result *result = NULL;
  pid_t child;
  int status;
  CHECK_OK(catena_pool_new(2, &pool, &error));
  options = few(pool);
  CHECK_OK(catena_sample_nuts(m, options, NULL, &result, &error));
  catena_result_free(result);
  fflush(stdout);
  child = fork();
  if (child == 0) {
    alarm(60);
    CHECK_REFUSES(catena_sample_nuts(m, options, NULL, &result, &error), "pool", "before the fork");
    CHECK_OK(catena_sample_nuts(m, own, NULL, &result, &error));
    _exit(0);
  }
  CHECK_INT(waitpid(child, &status, 0), child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  catena_options_free(options);
  catena_options_free(own);
  catena_pool_free(pool);
  catena_model_free(m);
}

/* A run whose model's callback frees what the run works with. */
typedef struct freed {
  catena_model *model;
  catena_init *init;
  catena_writer *writer;
  int done, released[3];
} freed;

static void model_gone(void *user) { ++((freed *)user)->released[0]; }
static void init_gone(void *user) { ++((freed *)user)->released[1]; }
static void writer_gone(void *user) { ++((freed *)user)->released[2]; }

static int no_shape(void *user, const char *name, size_t most, size_t *shape, size_t *rank) {
  (void)user, (void)name, (void)most, (void)shape, (void)rank;
  return 0;
}

static int no_values(void *user, const char *name, double *values, size_t count) {
  (void)user, (void)name, (void)values, (void)count;
  return 0;
}

static int any_row(void *user, size_t count, const double *values) {
  (void)values, (void)count;
  return ((freed *)user)->released[2];
}

static int freeing(void *user, void *worker, catena_task *task, const double *x, double *value, double *gradient) {
  freed *f = user;
  (void)worker, (void)task;
  if (f->done++ == 0) {
    catena_error *error = NULL;
    catena_options *options = few(NULL);
    catena_result *result = NULL;
    catena_io io = {.struct_size = sizeof io, .sample_writers = &f->writer, .num_sample_writers = 1};
    catena_model *other = model((catena_density){.log_density_gradient = standard});
    CHECK_REFUSES(catena_sample_nuts(other, options, &io, &result, &error), "io.sample_writers[0]", "in use");
    CHECK_INT(catena_writer_rows(f->writer), 0);
    catena_options_free(options);
    catena_model_free(other);
    catena_model_free(f->model);
    catena_init_free(f->init);
    catena_writer_free(f->writer);
  }
  CHECK_INT(f->released[0] + f->released[1] + f->released[2], 0);
  *value = normal(x, gradient);
  return 0;
}

static void what_a_run_works_with_lives_as_long(int32_t threading, int as_handle) {
  catena_error *error = NULL;
  freed f = {.done = 0};
  catena_init_table contexts = {.struct_size = sizeof contexts, .user = &f, .release = init_gone, .shape = no_shape,
                                .values = no_values};
  catena_writer_table rows = {.struct_size = sizeof rows, .user = &f, .release = writer_gone, .row = any_row};
  catena_options *options = few(NULL);
  catena_result *result = NULL;
  catena_io io = {.struct_size = sizeof io};
  int i;
  f.model = model((catena_density){.user = &f, .release = model_gone, .log_density_gradient = freeing, .threading = threading});
  CHECK_OK(catena_init_new(&contexts, &f.init, &error));
  CHECK_OK(catena_writer_new(&rows, &f.writer, &error));
  io.inits = (const catena_init *const *)&f.init, io.num_inits = 1;
  io.sample_writers = &f.writer, io.num_sample_writers = 1;
  if (as_handle) {
    catena_run *run = NULL;
    CHECK_OK(catena_run_start(f.model, options, &io, &run, &error));
    CHECK_OK(catena_run_wait(run, &result, &error));
    for (i = 0; i < 3; ++i) CHECK_INT(f.released[i], 1);
    catena_run_free(run);
  } else {
    CHECK_OK(catena_sample_nuts(f.model, options, &io, &result, &error));
  }
  CHECK_INT(catena_result_rows(result, 0), 5);
  for (i = 0; i < 3; ++i) CHECK_INT(f.released[i], 1);
  catena_result_free(result);
  catena_options_free(options);
}

/* A population or an updater whose callback asks for it again, once. */
typedef struct again {
  catena_population *population;
  catena_updater *updater;
  void (*inside)(struct again *);
  pthread_mutex_t lock;
  int calls, released;
} again;

static void once(again *a) {
  int first;
  pthread_mutex_lock(&a->lock);
  first = a->inside && a->calls++ == 0;
  pthread_mutex_unlock(&a->lock);
  if (first) a->inside(a);
}

static void let_go(void *user) { ++((again *)user)->released; }

static int trace_create(void *user, catena_task *task, void **trace) {
  (void)user, (void)task;
  *trace = malloc(1);
  return 0;
}

static int trace_copy(void *user, const void *trace, catena_task *task, void **copy) {
  (void)trace;
  return trace_create(user, task, copy);
}

static void trace_free(void *user, void *trace) {
  (void)user;
  free(trace);
}

static int trace_apply(void *user, void *trace, int64_t operation, const void *argument, size_t size, catena_task *task,
                       double *increment) {
  (void)trace, (void)operation, (void)argument, (void)size, (void)task, (void)increment;
  once(user);
  return 0;
}

static int trace_report(void *user, const void *trace, int64_t what, catena_task *task, size_t width, double *out) {
  (void)trace, (void)what, (void)task;
  once(user);
  while (width-- > 0) out[width] = 1;
  return 0;
}

static int fair(void *user, void *worker, void *context, catena_task *task, size_t n_o, const double *outcomes, size_t n_m,
                const double *models, size_t n_e, const double *experiments, double *out) {
  size_t i;
  (void)worker, (void)context, (void)task, (void)outcomes, (void)models, (void)experiments;
  once(user);
  for (i = 0; i < n_o * n_m * n_e; ++i) out[i] = 0.5;
  return 0;
}

#define IN_USE(call, name) CHECK_REFUSES(call, name, "in use")

static void use_the_population(again *a) {
  catena_population *p = a->population;
  catena_error *error = NULL;
  catena_checkpoint *saved = NULL;
  double out[16];
  IN_USE(catena_population_reinitialize(p, 1, 1, &error), "population");
  IN_USE(catena_population_apply(p, 1, NULL, 0, &error), "population");
  IN_USE(catena_population_resample(p, 0, CATENA_RESAMPLING_SYSTEMATIC, 1, &error), "population");
  IN_USE(catena_population_report(p, CATENA_WHICH_ALL, 1, 1, out, 16, &error), "population");
  IN_USE(catena_population_weights(p, 1, CATENA_WEIGHTS_LOG, out, 8, &error), "population");
  IN_USE(catena_population_save(p, &saved, &error), "population");
  CHECK(isnan(catena_population_ess(p, 1)) && catena_population_num_sets(p) == 0);
}

static void free_the_population(again *a) {
  catena_population_free(a->population);
  catena_population_free(a->population);
  CHECK_INT(a->released, 0);
}

static void use_the_updater(again *a) {
  catena_error *error = NULL;
  double one = 1;
  IN_USE(catena_updater_update(a->updater, &one, NULL, &error), "updater");
  IN_USE(catena_updater_reset(a->updater, &error), "updater");
  IN_USE(catena_updater_means(a->updater, &one, NULL, 1, &error), "updater");
  CHECK(isnan(catena_updater_entropy(a->updater, 1)) && catena_updater_num_sets(a->updater) == 0);
}

static void free_the_updater(again *a) {
  catena_updater_free(a->updater);
  catena_updater_free(a->updater);
  CHECK_INT(a->released, 0);
}

static void populations_inside_their_callbacks(int32_t threading) {
  void (*const ways[2])(again *) = {use_the_population, free_the_population};
  catena_error *error = NULL;
  int i;
  for (i = 0; i < 4; ++i) {
    again a = {.lock = PTHREAD_MUTEX_INITIALIZER};
    catena_traces t = {.struct_size = sizeof t, .user = &a, .release = let_go, .threading = threading,
                       .create = trace_create, .free = trace_free, .copy = trace_copy, .apply = trace_apply,
                       .report = trace_report};
    double out[16];
    CHECK_OK(catena_population_new(&t, NULL, NULL, &a.population, &error));
    CHECK_OK(catena_population_reinitialize(a.population, 2, 8, &error));
    a.inside = ways[i % 2];
    if (i < 2) CHECK_OK(catena_population_apply(a.population, 1, NULL, 0, &error));
    else CHECK_OK(catena_population_report(a.population, CATENA_WHICH_ALL, 1, 1, out, 16, &error));
    CHECK(a.calls > 0);
    if (i % 2 == 0) {
      CHECK_INT(catena_population_num_sets(a.population), 2);
      CHECK_INT(a.released, 0);
      catena_population_free(a.population);
    }
    CHECK_INT(a.released, 1);
  }
}

static void updaters_inside_their_callbacks(int32_t threading) {
  void (*const ways[2])(again *) = {use_the_updater, free_the_updater};
  catena_error *error = NULL;
  int i;
  for (i = 0; i < 2; ++i) {
    again a = {.lock = PTHREAD_MUTEX_INITIALIZER};
    catena_likelihood t = {.struct_size = sizeof t, .user = &a, .release = let_go, .threading = threading,
                           .num_parameters = 1, .likelihood = fair};
    catena_updater_options options;
    catena_prior *prior = NULL;
    double least = 0, greatest = 1, heads = 1;
    CHECK_OK(catena_updater_options_init(&options, sizeof options, &error));
    options.num_models = 100; options.num_sets = 2;
    CHECK_OK(catena_prior_uniform_new(1, &least, &greatest, &prior, &error));
    CHECK_OK(catena_updater_new(&t, prior, &options, NULL, NULL, &a.updater, &error));
    a.inside = ways[i];
    CHECK_OK(catena_updater_update(a.updater, &heads, NULL, &error));
    CHECK(a.calls > 0);
    if (i == 0) {
      CHECK_INT(a.released, 0);
      catena_updater_free(a.updater);
    }
    CHECK_INT(a.released, 1);
    catena_prior_free(prior);
  }
}

int main(void) {
  alarm(120);
  runs_inside_runs();
  a_run_waited_for_inside_its_callback();
  what_a_run_works_with_lives_as_long(CATENA_THREADS_ANY, 0);
  what_a_run_works_with_lives_as_long(CATENA_THREADS_ANY, 1);
  what_a_run_works_with_lives_as_long(CATENA_THREADS_CALLER, 0);
  what_a_run_works_with_lives_as_long(CATENA_THREADS_CALLER, 1);
  populations_inside_their_callbacks(CATENA_THREADS_ANY);
  populations_inside_their_callbacks(CATENA_THREADS_CALLER);
  updaters_inside_their_callbacks(CATENA_THREADS_ANY);
  updaters_inside_their_callbacks(CATENA_THREADS_CALLER);
  after_a_fork();
  printf("no call from inside a callback or after a fork hangs\n");
  return 0;
}
