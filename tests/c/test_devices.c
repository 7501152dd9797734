/* Likelihoods on OpenCL devices through the ABI: the host's numbers, whoever computes; words for what is wrong. In a library that
 * was built without OpenCL the functions say so; on a machine without a device all else is skipped. */
#include "check.h"
#include <math.h>

#define MODELS 5000
#define DATA 6
#define TOLERANCE 1e-12

static const char source[] =
    "real likelihood(const real *outcome, const real *model, const real *experiment) {\n"
    "  const real c = cos(model[0] * experiment[0] / 2), visible = exp(-experiment[0] * model[1]);\n"
    "  const real zero = visible * c * c + (1 - visible) / 2;\n"
    "  return outcome[0] == 0 ? zero : 1 - zero;\n"
    "}\n";

static int likelihood(void *user, void *worker, void *context, catena_task *task, size_t n_o, const double *outcomes,
                      size_t n_m, const double *models, size_t n_e, const double *times, double *out) {
  size_t e, o, m;
  (void)user, (void)worker, (void)context, (void)task;
  CHECK(n_m <= 1024);
  for (e = 0; e < n_e; ++e)
    for (o = 0; o < n_o; ++o)
      for (m = 0; m < n_m; ++m) {
        const double c = cos(models[m] * times[e] / 2), visible = exp(-times[e] * models[n_m + m]);
        const double zero = visible * c * c + (1 - visible) / 2;
        *out++ = outcomes[o] == 0 ? zero : 1 - zero;
      }
  return 0;
}

static catena_likelihood precession(void) {
  static const char *const parameters[] = {"omega", "rate"}, *const fields[] = {"t"};
  catena_likelihood t;
  memset(&t, 0, sizeof t);
  t.struct_size = sizeof t;
  t.num_parameters = 2;
  t.parameter_names = parameters;
  t.num_fields = 1;
  t.field_names = fields;
  t.outcome_kind = CATENA_NUMBER_INTEGER;
  t.likelihood = likelihood;
  return t;
}

static catena_device on_device(const char *text) {
  catena_device device;
  memset(&device, 0, sizeof device);
  device.struct_size = sizeof device;
  device.source = text;
  return device;
}

static catena_status updater_of(const catena_likelihood *t, const catena_device *device, const catena_logger *logger,
                                catena_updater **out, catena_error **why) {
  catena_error *error = NULL;
  static const double low[] = {0, 0}, high[] = {1, 0.1};
  catena_updater_options options;
  catena_prior *prior = NULL;
  catena_status status;
  CHECK_OK(catena_updater_options_init(&options, sizeof options, &error));
  options.num_sets = 2;
  options.num_models = MODELS;
  options.seed = 5;
  options.ess_threshold = 0;
  options.device = device;
  CHECK_OK(catena_prior_uniform_new(2, low, high, &prior, &error));
  status = catena_updater_new(t, prior, &options, logger, NULL, out, why);
  catena_prior_free(prior);
  return status;
}

/* Weights of both sets after the data, and likelihoods over a product. */
#define NUMBERS (2 * MODELS + 2 * MODELS * 3)
static void learnt(catena_updater *updater, double *numbers) {
  static const double outcomes[] = {0, 1}, times[] = {1, 2, 3};
  static double models[2 * MODELS];
  catena_error *error = NULL;
  int k;
  for (k = 0; k < DATA; ++k) {
    const double outcome = k % 3 == 1, t = 1 + k;
    CHECK_OK(catena_updater_update(updater, &outcome, &t, &error));
  }
  CHECK_OK(catena_updater_weights(updater, 1, numbers, MODELS, &error));
  CHECK_OK(catena_updater_weights(updater, 2, numbers + MODELS, MODELS, &error));
  CHECK_OK(catena_updater_models(updater, 2, models, 2 * MODELS, &error));
  CHECK_OK(catena_updater_likelihood(updater, 2, outcomes, MODELS, models, 3, times, numbers + 2 * MODELS,
                                     2 * MODELS * 3, &error));
}

static void close_to(const double *a, const double *b, double tolerance) {
  size_t i;
  for (i = 0; i < NUMBERS; ++i) CHECK(fabs(a[i] - b[i]) <= tolerance * fabs(b[i]) + tolerance * 1e-3);
}

static char said[1000];
static void keep(void *user, catena_level level, int64_t chain, const char *line) {
  (void)user, (void)chain;
  if (level == CATENA_LOG_INFO && strlen(said) + strlen(line) + 2 < sizeof said) strcat(strcat(said, line), "\n");
}

static void whoever_computes(void) {
  static double host[NUMBERS], device[NUMBERS];
  catena_likelihood table = precession(), without = precession();
  catena_device asked = on_device(source);
  catena_logger logger;
  catena_updater *updater = NULL;
  catena_error *error = NULL;
  CHECK_OK(updater_of(&table, NULL, NULL, &updater, &error));
  CHECK_INT(catena_updater_computes(updater, MODELS), CATENA_COMPUTES_HOST);
  learnt(updater, host);
  catena_updater_free(updater);

  /* The device alone: the host need have no function. */
  without.likelihood = NULL;
  CHECK_OK(updater_of(&without, &asked, NULL, &updater, &error));
  CHECK_INT(catena_updater_computes(updater, MODELS), CATENA_COMPUTES_DEVICE);
  learnt(updater, device);
  close_to(device, host, TOLERANCE);
  catena_updater_free(updater);
  asked.precision = CATENA_PRECISION_SINGLE;
  CHECK_OK(updater_of(&without, &asked, NULL, &updater, &error));
  learnt(updater, device);
  close_to(device, host, 1e-3);
  CHECK(memcmp(device, host, sizeof host) != 0);
  catena_updater_free(updater);

  /* Whoever is quicker, and the log says who that is. */
  memset(&logger, 0, sizeof logger);
  logger.struct_size = sizeof logger;
  logger.log = keep;
  asked.precision = CATENA_PRECISION_DOUBLE;
  asked.when = CATENA_DEVICE_AUTO;
  CHECK_OK(updater_of(&table, &asked, &logger, &updater, &error));
  CHECK_INT(catena_updater_computes(updater, MODELS), CATENA_COMPUTES_OPEN);
  learnt(updater, device);
  close_to(device, host, TOLERANCE);
  CHECK(catena_updater_computes(updater, MODELS) != CATENA_COMPUTES_OPEN);
  CHECK_HAS(said, "likelihoods of about 5000 cells are computed by the ");
  catena_updater_free(updater);
}

static void failures(const char *name) {
  catena_likelihood table = precession(), without = precession();
  catena_device asked = on_device("real likelihood(const real *o, const real *m, const real *e) { return nothing; }");
  catena_updater *updater = NULL;
  catena_error *error = NULL;
  const double one = 1, t = 1;
  double before[MODELS], after[MODELS];
  /* The compiler's log is in the message. */
  CHECK_REFUSES(updater_of(&table, &asked, NULL, &updater, &error), "source", "nothing");
  asked = on_device(source);
  asked.name = "no such device";
  CHECK_REFUSES(updater_of(&table, &asked, NULL, &updater, &error), "device", name);
  asked.name = NULL;
  asked.kind = 9;
  CHECK_REFUSES(updater_of(&table, &asked, NULL, &updater, &error), "device.kind", "9");
  asked.kind = 0;
  asked.precision = 2;
  CHECK_REFUSES(updater_of(&table, &asked, NULL, &updater, &error), "device.precision", "2");
  asked.precision = 0;
  asked.when = 2;
  CHECK_REFUSES(updater_of(&table, &asked, NULL, &updater, &error), "device.when", "2");
  asked.when = 0;
  asked.source = NULL;
  CHECK_REFUSES(updater_of(&table, &asked, NULL, &updater, &error), "device.source", "NULL");
  asked = on_device(source);
  asked.struct_size = 8;
  CHECK_REFUSES(updater_of(&table, &asked, NULL, &updater, &error), "device.struct_size", "8");
  without.likelihood = NULL;
  asked = on_device(source);
  asked.when = CATENA_DEVICE_AUTO;
  CHECK_REFUSES(updater_of(&without, &asked, NULL, &updater, &error), "likelihood.likelihood", "NULL");
  CHECK_REFUSES(updater_of(&without, NULL, NULL, &updater, &error), "likelihood.likelihood", "NULL");

  /* What is no probability is named by its cell, and the updater keeps its state. */
  asked = on_device("real likelihood(const real *o, const real *m, const real *e) { return o[0] + 1; }");
  CHECK_OK(updater_of(&table, &asked, NULL, &updater, &error));
  CHECK_OK(catena_updater_weights(updater, 1, before, MODELS, &error));
  CHECK_FAILS(catena_updater_update(updater, &one, &t, &error), CATENA_MODEL, NULL, "set 1",
              "outcome 1, model 0, experiment 0: expected a probability from 0 to 1, got 2");
  CHECK_OK(catena_updater_weights(updater, 1, after, MODELS, &error));
  CHECK_BITS(before, after, MODELS);
  catena_updater_free(updater);
}

int main(void) {
  catena_likelihood table = precession();
  catena_device asked = on_device(source);
  catena_devices *devices = NULL;
  catena_updater *updater = NULL;
  catena_error *error = NULL;
  catena_status status;
  status = catena_devices_new(&devices, &error);
  CHECK_INT(catena_devices_count(NULL), 0);
  CHECK_INT(catena_updater_computes(NULL, 1), CATENA_COMPUTES_OPEN);
  catena_devices_free(NULL);
  if (status != CATENA_OK) {
    CHECK(!devices);
    CHECK_HAS(catena_error_message(error), status == CATENA_UNSUPPORTED ? "built without OpenCL" : "OpenCL platform");
    CHECK(status == CATENA_UNSUPPORTED || status == CATENA_IO);
    printf("%s: skipped\n", catena_error_message(error));
    catena_error_free(error);
    error = NULL;
    CHECK_FAILS(updater_of(&table, &asked, NULL, &updater, &error), status, NULL, "OpenCL", "");
    return 0;
  }
  CHECK(catena_devices_count(devices) > 0);
  CHECK(catena_devices_name(devices, 0) && !catena_devices_name(devices, 99));
  CHECK(catena_devices_kind(devices, 0) >= 0 && catena_devices_kind(devices, 0) <= CATENA_DEVICE_ACCELERATOR);
  CHECK_INT(catena_devices_kind(devices, 99), CATENA_DEVICE_ANY);
  asked.name = catena_devices_name(devices, 0);
  asked.kind = catena_devices_kind(devices, 0);
  CHECK_OK(updater_of(&table, &asked, NULL, &updater, &error));
  catena_updater_free(updater);
  whoever_computes();
  failures(catena_devices_name(devices, 0));
  catena_devices_free(devices);
  printf("%sdevices: ok\n", said);
  return 0;
}
