/* A model with BridgeStan's C ABI (version 2), written by hand: what stanc and BridgeStan would make of
 *
 *   parameters {
 *     vector[2] mu;              // mu[i] ~ normal(i, 2)
 *     real<lower=0> sigma;       // log(sigma) ~ normal(0, 0.5)
 *     matrix[2, 3] m;            // m[i, j] ~ normal(10 i + j, 1)
 *     real<lower=sigma> tau;     // tau - sigma ~ exponential(1)
 *   }
 *   transformed parameters { real mu_sum = mu[1] + mu[2]; }
 *   generated quantities { real noise = uniform_rng(0, 1); }
 *
 * The data are words anywhere in a JSON text that starts with a brace: "fail" refuses every point with one message,
 * "count" every point with another message each time, "later" makes these two begin after LATER evaluations, "limit"
 * refuses points with sigma above LIMIT, "print" prints a line in pieces with every row of outputs, "foreign" prints one
 * on a thread of its own, "loud" prints while the model is made, "plain" leaves the generated quantity out.
 *
 * Compiled with MOCK_THREADS=0 it says that it was built without threads and counts how often it is entered twice at once.
 * MOCK_MAJOR sets the version; MOCK_WITHOUT_NAMES leaves a function out; MOCK_HESSIAN=1 adds one, exact, MOCK_HESSIAN=0 one
 * that says that it is not. */
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef MOCK_THREADS
#define MOCK_THREADS 1
#endif
#ifndef MOCK_MAJOR
#define MOCK_MAJOR 2
#endif

enum { MU = 0, SIGMA = 2, M = 3, TAU = 9, DIMENSION = 10, ROWS = 2, COLUMNS = 3 };
#define LIMIT 1.5
#define LATER 500

typedef struct bs_model {
  bool fail, count, later, limit, print, foreign, plain;
} bs_model;
typedef struct bs_rng {
  uint64_t state;
} bs_rng;
typedef void (*print_callback)(const char *, size_t);

int bs_major_version = MOCK_MAJOR;
int bs_minor_version = 9;
int bs_patch_version = 0;

static print_callback printer;
static atomic_int inside, overlaps, evaluations, generators, callbacks_set, hessians;

/* For tests: how often a library without threads was entered twice at once; how many generators were made; how often
 * the print callback was set; how many Hessians were asked for. */
int mock_overlaps(void) { return atomic_load(&overlaps); }
int mock_generators(void) { return atomic_load(&generators); }
int mock_callbacks_set(void) { return atomic_load(&callbacks_set); }
int mock_hessians(void) { return atomic_load(&hessians); }

static void enter(void) {
  if (!MOCK_THREADS) {
    if (atomic_fetch_add(&inside, 1) != 0) atomic_fetch_add(&overlaps, 1);
    sched_yield();
  }
}

static void leave(void) {
  if (!MOCK_THREADS) atomic_fetch_sub(&inside, 1);
}

static int failed(char **error, const char *text) {
  if (error) {
    *error = malloc(strlen(text) + 1);
    strcpy(*error, text);
  }
  return -1;
}

static void say(const char *text) {
  if (printer)
    printer(text, strlen(text));
  else
    fputs(text, stdout);
}

static char *contents(const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file) return NULL;
  char *text = calloc(1, 10000);
  size_t length = fread(text, 1, 9999, file);
  text[length] = 0;
  fclose(file);
  return text;
}

bs_model *bs_model_construct(const char *data, unsigned seed, char **error) {
  (void)seed;
  bs_model *model = calloc(1, sizeof *model);
  atomic_store(&evaluations, 0);
  if (!data || !*data) return model;
  size_t length = strlen(data);
  char *file = NULL;
  if (length > 5 && strcmp(data + length - 5, ".json") == 0) {
    file = contents(data);
    if (!file) {
      free(model);
      failed(error, "Could not open data file");
      return NULL;
    }
    data = file;
  }
  if (*data != '{') {
    free(model);
    free(file);
    failed(error, "Error in JSON parsing at line=1 column=1: expected an object");
    return NULL;
  }
  model->fail = strstr(data, "\"fail\"") != NULL;
  model->count = strstr(data, "\"count\"") != NULL;
  model->later = strstr(data, "\"later\"") != NULL;
  model->limit = strstr(data, "\"limit\"") != NULL;
  model->print = strstr(data, "\"print\"") != NULL;
  model->foreign = strstr(data, "\"foreign\"") != NULL;
  model->plain = strstr(data, "\"plain\"") != NULL;
  if (strstr(data, "\"loud\"")) say("transformed data\n");
  free(file);
  return model;
}

void bs_model_destruct(bs_model *model) { free(model); }
void bs_free_error_msg(char *text) { free(text); }

#if defined(MOCK_HESSIAN) && MOCK_HESSIAN
#define HESSIANS "\tBRIDGESTAN_AD_HESSIAN=true\n"
#else
#define HESSIANS "\tBRIDGESTAN_AD_HESSIAN=false\n"
#endif

const char *bs_model_info(const bs_model *model) {
  (void)model;
  return MOCK_THREADS ? "Stan version: 2.35.0\nStan C++ Defines:\n\tSTAN_THREADS=true\n" HESSIANS
                      : "Stan version: 2.35.0\nStan C++ Defines:\n\tSTAN_THREADS=false\n" HESSIANS;
}

#define PARAMETERS "mu.1,mu.2,sigma,m.1.1,m.2.1,m.1.2,m.2.2,m.1.3,m.2.3,tau"

#ifndef MOCK_WITHOUT_NAMES
const char *bs_param_names(const bs_model *model, bool tp, bool gq) {
  gq = gq && !model->plain;
  return tp ? (gq ? PARAMETERS ",mu_sum,noise" : PARAMETERS ",mu_sum") : (gq ? PARAMETERS ",noise" : PARAMETERS);
}
#endif

const char *bs_param_unc_names(const bs_model *model) {
  (void)model;
  return PARAMETERS;
}

int bs_param_num(const bs_model *model, bool tp, bool gq) { return DIMENSION + tp + (gq && !model->plain); }

int bs_param_unc_num(const bs_model *model) {
  (void)model;
  return DIMENSION;
}

bs_rng *bs_rng_construct(unsigned seed, char **error) {
  (void)error;
  atomic_fetch_add(&generators, 1);
  bs_rng *rng = malloc(sizeof *rng);
  rng->state = seed;
  return rng;
}

void bs_rng_destruct(bs_rng *rng) { free(rng); }

/* SplitMix64. */
static double uniform(bs_rng *rng) {
  uint64_t z = rng->state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  z ^= z >> 31;
  return (double)(z >> 11) * 0x1p-53;
}

static void *say_from_another_thread(void *nothing) {
  say("from another");
  say(" thread\n");
  return nothing;
}

int bs_param_constrain(const bs_model *model, bool tp, bool gq, const double *u, double *values, bs_rng *rng,
                       char **error) {
  gq = gq && !model->plain;
  if (gq && !rng) return failed(error, "a generator is wanted");
  enter();
  memcpy(values, u, DIMENSION * sizeof *u);
  values[SIGMA] = exp(u[SIGMA]);
  values[TAU] = values[SIGMA] + exp(u[TAU]);
  if (tp) values[DIMENSION] = u[MU] + u[MU + 1];
  if (gq) values[DIMENSION + tp] = uniform(rng);
  if (tp && model->print) {
    char number[64];
    snprintf(number, sizeof number, "%.17g\nand ", u[MU]);
    say("half a");
    say(" line ");
    say(number);
    say("no end");
  }
  if (tp && model->foreign) {
    pthread_t thread;
    pthread_create(&thread, NULL, say_from_another_thread, NULL);
    pthread_join(thread, NULL);
  }
  leave();
  return 0;
}

/* Numbers of a JSON value, however nested, in the order they stand; the count of them or -1. */
static int numbers(const char *json, const char *name, double *out, int most) {
  char key[32];
  snprintf(key, sizeof key, "\"%s\"", name);
  const char *at = strstr(json, key);
  if (!at) return -1;
  at += strlen(key);
  int count = 0, depth = 0;
  for (; *at; ++at) {
    if (*at == '[') ++depth;
    if (*at == ']') --depth;
    if ((*at == ',' || *at == '}') && depth == 0) break;
    if (strncmp(at, "\"NaN\"", 5) == 0) {
      if (count < most) out[count] = NAN;
      ++count;
      at += 4;
    } else if (strchr("-.0123456789", *at)) {
      char *end;
      double value = strtod(at, &end);
      if (count < most) out[count] = value;
      ++count;
      at = end - 1;
    }
  }
  return count;
}

int bs_param_unconstrain_json(const bs_model *model, const char *json, double *u, char **error) {
  (void)model;
  double m[ROWS * COLUMNS], sigma, tau;
  if (numbers(json, "mu", u + MU, 2) != 2) return failed(error, "variable mu missing or of the wrong size");
  if (numbers(json, "sigma", &sigma, 1) != 1) return failed(error, "variable sigma missing or of the wrong size");
  if (numbers(json, "m", m, ROWS * COLUMNS) != ROWS * COLUMNS)
    return failed(error, "variable m missing or of the wrong size");
  if (numbers(json, "tau", &tau, 1) != 1) return failed(error, "variable tau missing or of the wrong size");
  if (!(sigma > 0)) return failed(error, "lb_free: Lower bounded variable sigma must be greater than 0");
  if (!(tau > sigma)) return failed(error, "lb_free: Lower bounded variable tau must be greater than sigma");
  for (int i = 0; i < ROWS; ++i)
    for (int j = 0; j < COLUMNS; ++j) u[M + i + ROWS * j] = m[COLUMNS * i + j];
  u[SIGMA] = log(sigma);
  u[TAU] = log(tau - sigma);
  return 0;
}

int bs_log_density_gradient(const bs_model *model, bool propto, bool jacobian, const double *u, double *value,
                            double *gradient, char **error) {
  if (!propto) return failed(error, "called with constants that nobody wants");
  int code = 0, evaluation = model->later ? atomic_fetch_add(&evaluations, 1) : LATER;
  enter();
  if (model->fail && evaluation >= LATER) {
    code = failed(error, "nothing can be evaluated");
  } else if (model->count && evaluation >= LATER) {
    char text[64];
    snprintf(text, sizeof text, "refusal %d", evaluation);
    code = failed(error, text);
  } else if (model->limit && exp(u[SIGMA]) > LIMIT) {
    code = failed(error, "sigma is too large");
  } else {
    double sum = 0;
    for (int i = 0; i < 2; ++i) {
      double z = (u[MU + i] - (i + 1)) / 2;
      sum -= 0.5 * z * z;
      gradient[MU + i] = -z / 2;
    }
    sum -= 0.5 * u[SIGMA] * u[SIGMA] / 0.25;
    gradient[SIGMA] = -u[SIGMA] / 0.25;
    for (int i = 0; i < ROWS; ++i)
      for (int j = 0; j < COLUMNS; ++j) {
        double z = u[M + i + ROWS * j] - (10 * (i + 1) + (j + 1));
        sum -= 0.5 * z * z;
        gradient[M + i + ROWS * j] = -z;
      }
    sum += u[TAU] - exp(u[TAU]);
    gradient[TAU] = 1 - exp(u[TAU]);
    if (!jacobian) {
      sum -= u[SIGMA] + u[TAU];
      gradient[SIGMA] -= 1;
      gradient[TAU] -= 1;
    }
    *value = sum;
  }
  leave();
  return code;
}

int bs_log_density(const bs_model *model, bool propto, bool jacobian, const double *u, double *value, char **error) {
  double gradient[DIMENSION];
  return bs_log_density_gradient(model, propto, jacobian, u, value, gradient, error);
}

#ifdef MOCK_HESSIAN
int bs_log_density_hessian(const bs_model *model, bool propto, bool jacobian, const double *u, double *value,
                           double *gradient, double *hessian, char **error) {
  atomic_fetch_add(&hessians, 1);
  int code = bs_log_density_gradient(model, propto, jacobian, u, value, gradient, error);
  if (code != 0) return code;
  memset(hessian, 0, DIMENSION * DIMENSION * sizeof *hessian);
  for (int i = 0; i < DIMENSION; ++i) hessian[i * (DIMENSION + 1)] = i < SIGMA ? -0.25 : -1;
  hessian[SIGMA * (DIMENSION + 1)] = -1 / 0.25;
  hessian[TAU * (DIMENSION + 1)] = -exp(u[TAU]);
  return 0;
}
#endif

int bs_set_print_callback(print_callback callback, char **error) {
  (void)error;
  atomic_fetch_add(&callbacks_set, 1);
  printer = callback;
  return 0;
}
