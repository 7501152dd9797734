/* What the package's C files share. Rule of this code: an R error is a longjmp, so none may be raised while a function of
 * the library is on the stack, and everything that must be freed hangs on an external pointer before R is called again. */
#ifndef CATENA_R_H
#define CATENA_R_H

#define R_NO_REMAP
#include <R.h>
#include <Rinternals.h>
#include <catena.h>

typedef struct closures closures;

/* A model with its references: R's handle and every run, because R finalizes objects in any order. */
typedef struct shared_model {
  catena_model *model;
  /* NULL for a model that is not made of R functions; else owned by the model, which frees it by `release`. */
  closures *closures;
  /* R objects that must live as long as the model. */
  SEXP kept;
  int references;
} shared_model;

/* Raises the R error of a failure after freeing it; `what` comes before the message unless it is NULL. */
void fail(catena_error *error, const char *what) __attribute__((noreturn));
/* fail unless `status` is CATENA_OK. By address, for the call that sets `*error` may be the other argument. */
void check(catena_status status, catena_error **error);
/* The text as an R string. */
SEXP utf8(const char *text);
/* Named list out of `count` names; to be filled and protected by the caller. */
SEXP named_list(const char *const *names, int count);

/* Lets compiled models that are loaded later call the library. */
void offer_functions(void);

shared_model *model_of(SEXP handle);
void model_unref(shared_model *shared);

/* Fills the table's functions for R functions: `calls` are calls of x in `environment` or NULL, in the order
 * log_density_gradient, log_density, gradient, constrain, log_density_parts, sample_prior, log_density_data. */
closures *closures_new(SEXP calls, SEXP environment, SEXP token, int vectorized, catena_density *density);
/* Lets R functions be evaluated again (0) or refuses every evaluation without calling R (1). */
void closures_stop(closures *c, int stop);
/* Goes on with the R error or interrupt that left an R function, if one did: frees `error` and does not return then. */
void closures_rethrow(closures *c, catena_error *error);
/* Whether one did. */
int closures_pending(const closures *c);

/* Sets one option; `argument` is its name in R. R code has seen to it that `value` is one logical, number or text. */
void set_option(catena_options *options, const char *name, const char *argument, SEXP value);
/* Sets all of `settings`, a named list; `names` are the library's. `*ranks` are the processes that `communicator` names, or NULL. */
void set_options(catena_options *options, SEXP settings, SEXP names, const catena_communicator **ranks);
/* The processes of the engine of this name: "mpi" or the path of a library. They serve until R ends. */
const catena_communicator *communicator_of(const char *name);

/* What a call of one piece uses and frees: NULL what it doesn't. */
typedef struct job {
  shared_model *model;
  catena_options *options;
  catena_init *init;
  catena_writer **writers;
  size_t num_writers;
  catena_result *result;
  catena_gradient_check *check;
  struct log_queue *log;
} job;
/* A handle, to be protected, that frees the job when R collects it. Seed, first chain id, number of chains and threads
 * come from `settings`, a vector of these in this order. `kept` lives as long as the handle. */
SEXP job_new(SEXP model, SEXP settings, SEXP kept, job **out);
/* Frees what the handle holds. */
void job_free(SEXP handle);

/* Memory of zeros, or an error of R's. */
void *allocate(size_t count, size_t size);

/* An init context over a named list of double arrays, which the caller keeps alive. `*values` belongs to the context. */
typedef struct init_values init_values;
catena_status list_init_new(SEXP list, catena_init **out, const init_values **values, catena_error **error);
/* Whether a chain asked for element `i` of the list. */
int list_init_asked(const init_values *values, int i);

/* Log lines between the library's threads, which never call R, and R's thread. */
typedef struct log_queue log_queue;
log_queue *log_new(void);
void log_free(log_queue *queue);
catena_logger log_table(log_queue *queue);
/* The lines since the last call: a list of level, chain and line. */
SEXP log_take(log_queue *queue);
/* What a call comes to, to be protected: what went wrong, a value, and the lines that were logged. */
SEXP bridge_outcome(SEXP failure, SEXP value, log_queue *log);

/* What calls of R functions from the library share. */
typedef struct bridge {
  /* An environment that R code around the call sees, where an R error is noted: its `condition` and `message`. */
  SEXP state;
  /* Where R_UnwindProtect keeps a jump. */
  SEXP token;
  /* An R jump that is no error waits for the library to return; nothing is called meanwhile. */
  int pending;
} bridge;

/* `state` and `token` (of R_MakeUnwindCont) are kept alive by the caller. */
void bridge_init(bridge *b, SEXP state, SEXP token);
/* A variable of `state`. */
SEXP bridge_object(const bridge *b, const char *name);
/* Calls `body(data)`, which may raise R errors. 0, or -1 with the words of the error attached to the task. */
int bridge_call(bridge *b, catena_task *task, SEXP (*body)(void *), void *data);
/* For catena_interrupt: Ctrl-C, whose jump is held back. */
int bridge_interrupted(void *user);
/* Ends a call into the library: R's generator is as it was `before`, and a jump that was held back goes on. Returns what went
 * wrong, a list to be protected, or NULL. */
SEXP bridge_finish(bridge *b, SEXP before, catena_status status, catena_error *error);
/* A call of a service over many machines that is over when it returns, with what it frees. */
typedef struct service_call {
  shared_model *model;
  catena_options *options;
  catena_init **inits;
  size_t num_inits;
  catena_writer **writers;
  size_t num_writers;
  void *result;
  void (*free_result)(void *);
  log_queue *log;
  bridge bridge;
  const catena_communicator *ranks;
} service_call;
/* A handle, to be protected, that frees the call when R collects it. `settings` and `names` are as for runs; `inits` NULL or a
 * list with an entry per machine: NULL, values by name, or a position. */
SEXP service_new(SEXP model, SEXP settings, SEXP names, SEXP inits, void (*free_result)(void *), service_call **out);
/* Frees what the handle holds. */
void service_free(SEXP handle);
/* An option that counts, small enough for R. */
size_t service_whole(const service_call *s, const char *name);
/* The columns' names; to be protected, as all that follows. */
SEXP service_columns(const service_call *s, size_t (*count)(const catena_model *),
                     const char *(*name)(const catena_model *, size_t));
/* An array rows x writers x columns of NA, which the call's writers fill. It must live as long as the call. */
SEXP service_draws(service_call *s, size_t rows, size_t writers, size_t columns);
/* Asks for Ctrl-C, and for jumps out of the model's functions. */
catena_interrupt service_interrupt(service_call *s);
/* What the call reads and writes. */
catena_io service_io(const service_call *s, const catena_logger *logger, const catena_interrupt *interrupt);
/* After the call: as bridge_finish, once a jump out of a model's function has gone on. */
SEXP service_finish(service_call *s, SEXP before, catena_status status, catena_error *error);
/* A matrix whose columns are `rows` numbers each, NA where there are none. */
SEXP service_matrix(const void *result, size_t rows, size_t columns, const double *(*of)(const void *, size_t));
/* A list of `count` columns of numbers, filled row by row. */
SEXP service_table(const char *const *fields, int count, size_t rows, void (*fill)(const void *, size_t, double *),
                   const void *result);
/* The words of errors, NA where there is none. */
SEXP service_messages(const void *result, size_t count, const catena_error *(*of)(const void *, size_t));

/* An object as an argument of a call, which must not be evaluated; to be protected. */
SEXP as_argument(SEXP object);
/* R's generator as it is before a call, to be protected. */
SEXP generator(void);
/* R's generator goes on from the task's own stream. */
void seed_generator(catena_task *task);

/* Traces that are R objects, and the R functions that work on them. */
typedef struct traces {
  /* Its state is the population's environment: `functions`, `operations`, `asked` and `results` are there as well. */
  bridge bridge;
  /* A list of the objects that C code alone looks after. */
  SEXP kept;
  /* Places of the registry that are free. */
  int *vacant, num_vacant, places;
  /* How many values were reported in this call. */
  int reported;
  /* This process, of how many. */
  size_t rank, processes;
} traces;

/* Fills the table's functions. `kept` (to be kept alive by the caller) has room for KEPT objects. */
enum { REGISTRY, TOKEN, KEPT_OBJECTS };
void traces_init(traces *t, SEXP state, SEXP kept, catena_traces *table);
/* An object of the registry. */
SEXP trace_object(const traces *t, const void *trace);

/* A likelihood of R functions. Its state is the updater's environment: `functions`, `shape` and `resampler` are there as well. */
typedef struct likelihood {
  bridge bridge;
  /* A list of the objects that C code alone looks after. */
  SEXP kept, parameter_names, field_names;
  size_t dimension, fields, width;
} likelihood;

/* Fills the table. `kept` (to be kept alive by the caller) has room for LIKELIHOOD_OBJECTS. */
enum { LISTED, UNWIND, LIKELIHOOD_OBJECTS };
void likelihood_init(likelihood *h, SEXP state, SEXP kept, catena_likelihood *table);
/* The function `resampler` of the state, as the library calls it. */
int likelihood_resample(void *user, uint64_t set, size_t n, size_t dimension, const double *models, const double *weights,
                        size_t wanted, catena_models *out);

SEXP r_model_closures(SEXP calls, SEXP environment, SEXP vectorized, SEXP names, SEXP output_names, SEXP data_count);
SEXP r_model_pointers(SEXP functions, SEXP user, SEXP threading, SEXP names, SEXP output_names, SEXP kinds);
SEXP r_model_table(SEXP pointer, SEXP kept);
SEXP r_model_bridgestan(SEXP library, SEXP data, SEXP seed);
SEXP r_model_describe(SEXP model);
SEXP r_model_columns(SEXP model, SEXP engine);
SEXP r_model_log_density(SEXP model, SEXP positions, SEXP gradients);
SEXP r_run_start(SEXP model, SEXP engine, SEXP settings, SEXP names, SEXP inits, SEXP inv_metrics, SEXP checkpoints,
                 SEXP from);
SEXP r_run_poll(SEXP run, SEXP timeout);
SEXP r_run_settled(SEXP run);
SEXP r_run_log(SEXP run);
SEXP r_run_progress(SEXP run);
SEXP r_run_result(SEXP run);
SEXP r_run_cancel(SEXP run);
SEXP r_run_free(SEXP run);
SEXP r_generate_quantities(SEXP model, SEXP settings, SEXP names, SEXP draws, SEXP rows);
SEXP r_diagnose_gradient(SEXP model, SEXP settings, SEXP init, SEXP radius, SEXP epsilon, SEXP threshold);
SEXP r_population_new(SEXP state, SEXP settings, SEXP names, SEXP saved);
SEXP r_population_do(SEXP handle, SEXP verb, SEXP arguments);
SEXP r_population_read(SEXP handle, SEXP what, SEXP arguments);
SEXP r_population_gather(SEXP handle, SEXP mine);
SEXP r_filter_run(SEXP state, SEXP numbers, SEXP bound, SEXP retained);
SEXP r_filter_read(SEXP handle, SEXP what, SEXP place, SEXP at);
SEXP r_updater_new(SEXP environment, SEXP numbers, SEXP prior, SEXP saved);
SEXP r_updater_do(SEXP handle, SEXP verb, SEXP arguments);
SEXP r_updater_read(SEXP handle, SEXP what, SEXP arguments);
SEXP r_bayesian_bound(SEXP dimension, SEXP information);
SEXP r_cos_squared(SEXP x);
SEXP r_optimize(SEXP model, SEXP settings, SEXP names, SEXP inits);
SEXP r_approximate(SEXP model, SEXP number, SEXP settings, SEXP names, SEXP inits);
SEXP r_sample_smc(SEXP model, SEXP settings, SEXP names, SEXP reference, SEXP show);
SEXP r_report(SEXP draws, SEXP names, SEXP title, SEXP about, SEXP path);
SEXP r_files_read(SEXP paths);
SEXP r_course_new(SEXP noun);
SEXP r_course_note_updater(SEXP handle, SEXP pointer);
SEXP r_course_add(SEXP handle, SEXP steps);
SEXP r_course_particles(SEXP handle, SEXP values, SEXP sets, SEXP rows, SEXP names);
SEXP r_course_report(SEXP handle, SEXP title, SEXP truth, SEXP path);
SEXP r_summary(SEXP draws, SEXP names, SEXP max_depth, SEXP variables, SEXP quantiles, SEXP digits, SEXP order,
               SEXP lengths);
SEXP r_version(void);
SEXP r_options(void);

#endif
