// One run of a Stan program, by Stan's own service or by Catena: MODE LIBRARY DATA THREADS CHAINS WARMUP DRAWS.
// The library has BridgeStan's ABI (tests/stan/build.sh) and is linked too, for Stan's service. Modes:
//
//   stan      stan::services::sample::hmc_nuts_diag_e_adapt, chains on TBB
//   catena    catena_sample_nuts
//   twice     the same with every gradient computed twice, which tells what the gradients cost in place
//   outputs   the same with every draw's outputs computed twice
//
// Prints a JSON object: seconds, processor time, minor page faults and system time of the run, gradients after warm-up, and
// for every output mean, Monte Carlo standard error and effective sample size (bulk).
#include <catena.h>

#include <stan/callbacks/interrupt.hpp>
#include <stan/callbacks/logger.hpp>
#include <stan/callbacks/writer.hpp>
#include <stan/io/empty_var_context.hpp>
#include <stan/io/json/json_data.hpp>
#include <stan/math/rev.hpp>
#include <stan/model/model_base.hpp>
#include <stan/services/sample/hmc_nuts_diag_e_adapt.hpp>
#include <tbb/global_control.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <sys/resource.h>

stan::model::model_base &new_model(stan::io::var_context &data, unsigned int seed, std::ostream *output);

namespace {

constexpr unsigned seed = 20;

struct Setting {
  std::string library, data;
  std::size_t threads, chains, warmup, draws;
};

// Chains x draws x columns.
struct Draws {
  std::vector<std::string> names;
  std::vector<double> values;
  double gradients = 0;
};

double seconds(const timeval &t) { return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec); }

// What the part of the program that samples takes.
struct Stopwatch {
  rusage before{}, after{};
  std::chrono::steady_clock::time_point start;
  double wall = 0;
  void begin() {
    getrusage(RUSAGE_SELF, &before);
    start = std::chrono::steady_clock::now();
  }
  void end() {
    wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    getrusage(RUSAGE_SELF, &after);
  }
  double system() const { return seconds(after.ru_stime) - seconds(before.ru_stime); }
  double processor() const { return system() + seconds(after.ru_utime) - seconds(before.ru_utime); }
  long faults() const { return after.ru_minflt - before.ru_minflt; }
} watch;

void must(catena_status status, catena_error *error) {
  if (status == CATENA_OK) return;
  std::fprintf(stderr, "%s\n", catena_error_message(error));
  std::exit(1);
}

struct Collect : stan::callbacks::writer {
  std::vector<std::string> names;
  std::vector<double> values;
  void operator()(const std::vector<std::string> &n) override { names = n; }
  void operator()(const std::vector<double> &state) override { values.insert(values.end(), state.begin(), state.end()); }
  using stan::callbacks::writer::operator();
};

Draws by_stan(const Setting &s) {
  const tbb::global_control pool(tbb::global_control::max_allowed_parallelism, s.threads);
  std::ifstream file(s.data);
  std::unique_ptr<stan::io::var_context> data;
  if (s.data.empty())
    data.reset(new stan::io::empty_var_context);
  else
    data.reset(new stan::json::json_data(file));
  stan::model::model_base &model = new_model(*data, seed, &std::cerr);
  std::vector<std::shared_ptr<stan::io::var_context>> inits(s.chains, std::make_shared<stan::io::empty_var_context>());
  stan::callbacks::interrupt interrupt;
  stan::callbacks::logger logger;
  std::vector<stan::callbacks::writer> init(s.chains), diagnostic(s.chains);
  std::vector<Collect> sample(s.chains);
  // Stan's defaults, as CmdStan has them.
  watch.begin();
  stan::services::sample::hmc_nuts_diag_e_adapt(model, s.chains, inits, seed, 1, 2.0, static_cast<int>(s.warmup),
                                                static_cast<int>(s.draws), 1, false, 0, 1.0, 0.0, 10, 0.8, 0.05, 0.75, 10.0,
                                                75, 50, 25, interrupt, logger, init, sample, diagnostic);
  watch.end();
  Draws draws;
  draws.names = sample[0].names;
  for (const Collect &chain : sample) draws.values.insert(draws.values.end(), chain.values.begin(), chain.values.end());
  // Each transition computes the gradient at its start anew.
  constexpr std::size_t n_leapfrog = 4;
  for (std::size_t i = n_leapfrog; i < draws.values.size(); i += draws.names.size()) draws.gradients += 1 + draws.values[i];
  return draws;
}

catena_density inner;

int evaluate_twice(void *user, void *worker, catena_task *task, const double *x, double *lp, double *g) {
  inner.log_density_gradient(user, worker, task, x, lp, g);
  return inner.log_density_gradient(user, worker, task, x, lp, g);
}

int constrain_twice(void *user, void *worker, catena_task *task, const double *x, double *out) {
  inner.constrain(user, worker, task, x, out);
  return inner.constrain(user, worker, task, x, out);
}

Draws by_catena(const Setting &s, bool twice, bool outputs) {
  catena_error *error = nullptr;
  catena_model *model = nullptr;
  catena_options *options = nullptr;
  catena_result *result = nullptr;
  catena_density density{};
  density.struct_size = sizeof density;
  must(catena_density_from_bridgestan(s.library.c_str(), s.data.c_str(), seed, &density, &error), error);
  inner = density;
  if (twice) density.log_density_gradient = evaluate_twice;
  if (outputs) density.constrain = constrain_twice;
  must(catena_model_new(&density, &model, &error), error);
  must(catena_options_new(&options, &error), error);
  must(catena_options_set(options, "preset", "stan", &error), error);
  must(catena_options_set_seed(options, seed, &error), error);
  must(catena_options_set_num_chains(options, s.chains, &error), error);
  must(catena_options_set_num_threads(options, s.threads, &error), error);
  must(catena_options_set_num_warmup(options, s.warmup, &error), error);
  must(catena_options_set_num_samples(options, s.draws, &error), error);
  must(catena_options_set_refresh(options, 0, &error), error);
  Draws draws;
  const std::size_t columns = catena_sample_column_count(model);
  for (std::size_t i = 0; i < columns; ++i) draws.names.push_back(catena_sample_column(model, i));
  draws.values.resize(s.chains * s.draws * columns);
  std::vector<catena_writer *> writers(s.chains);
  must(catena_writers_memory_new(draws.values.data(), draws.values.size(), s.chains, s.draws, columns, CATENA_LAYOUT_ROWS,
                                 writers.data(), &error), error);
  catena_io io{};
  io.struct_size = sizeof io;
  io.sample_writers = writers.data();
  io.num_sample_writers = s.chains;
  watch.begin();
  must(catena_sample_nuts(model, options, &io, &result, &error), error);
  watch.end();
  for (std::size_t c = 0; c < s.chains; ++c) draws.gradients += static_cast<double>(catena_result_sampling_gradients(result, c));
  return draws;
}

}  // namespace

int main(int argc, char **argv) {
  if (argc != 8) return 2;
  const std::string mode = argv[1];
  const Setting s{argv[2], argv[3], std::stoul(argv[4]), std::stoul(argv[5]), std::stoul(argv[6]), std::stoul(argv[7])};
  const Draws draws = mode == "stan" ? by_stan(s) : by_catena(s, mode == "twice", mode == "outputs");
  std::printf("{\"seconds\": %.4f, \"processor\": %.4f, \"faults\": %ld, \"system\": %.3f, \"gradients\": %.0f, ", watch.wall,
              watch.processor(), watch.faults(), watch.system(), draws.gradients);
  std::printf("\"outputs\": {");
  const std::size_t columns = draws.names.size();
  constexpr std::size_t sampler_columns = 7;
  for (std::size_t k = sampler_columns; k < columns; ++k) {
    catena_error *error = nullptr;
    double ess = 0, mcse = 0, sum = 0;
    const double *first = draws.values.data() + k;
    must(catena_diagnose_ess_bulk(first, s.chains, s.draws, s.draws * columns, columns, &ess, &error), error);
    must(catena_diagnose_mcse_mean(first, s.chains, s.draws, s.draws * columns, columns, &mcse, &error), error);
    for (std::size_t i = k; i < draws.values.size(); i += columns) sum += draws.values[i];
    std::printf("%s\"%s\": [%.17g, %.17g, %.17g]", k == sampler_columns ? "" : ", ", draws.names[k].c_str(),
                sum / static_cast<double>(s.chains * s.draws), mcse, ess);
  }
  std::printf("}}\n");
  // Without the destructors of Stan's and TBB's statics, whose order is not known.
  std::fflush(stdout);
  std::_Exit(0);
}
