/* Calls from inside callbacks, and after a fork: they work or are refused with words, and none hangs. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"
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

int main(void) {
  alarm(120);
  runs_inside_runs();
  a_run_waited_for_inside_its_callback();
  after_a_fork();
  printf("no call from inside a callback or after a fork hangs\n");
  return 0;
}
