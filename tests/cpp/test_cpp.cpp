// Models from functions and classes, options, draws, diagnostics and summaries.
#include "expect.hpp"

#include <fstream>
#include <iterator>
#include <type_traits>

namespace {

static_assert(std::is_same_v<std::underlying_type_t<catena_status>, std::int32_t>, "statuses are 32 bits wide");
static_assert(sizeof(catena_level) == sizeof(std::int32_t), "levels are 32 bits wide");

template <class T>
constexpr bool only_moves = std::is_nothrow_move_constructible_v<T> && std::is_move_assignable_v<T> &&
                            !std::is_copy_constructible_v<T> && !std::is_copy_assignable_v<T>;
static_assert(only_moves<catena::Options> && only_moves<catena::Pool> && only_moves<catena::Run>, "handles");
static_assert(only_moves<catena::Writer> && only_moves<catena::Checkpoint> && only_moves<catena::Summary>, "handles");
static_assert(std::is_move_constructible_v<catena::Model> && !std::is_copy_constructible_v<catena::Model>, "handles");
static_assert(std::is_move_constructible_v<catena::Result> && !std::is_copy_constructible_v<catena::Result>, "handles");
static_assert(std::is_base_of_v<std::runtime_error, catena::Error>, "errors");

// Independent normals of given means and standard deviations.
class Normals {
 public:
  Normals(std::vector<double> means, std::vector<double> deviations, int &destroyed)
      : means_(std::move(means)), deviations_(std::move(deviations)), destroyed_(destroyed) {}
  ~Normals() { ++destroyed_; }
  Normals(const Normals &) = delete;
  Normals &operator=(const Normals &) = delete;

  std::size_t dimension() const { return means_.size(); }
  double log_density(catena::Position x, catena::Values gradient) const {
    double sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double z = (x[i] - means_[i]) / deviations_[i];
      gradient[i] = -z / deviations_[i];
      sum -= 0.5 * z * z;
    }
    return sum;
  }

 private:
  std::vector<double> means_, deviations_;
  int &destroyed_;
};

void a_class() {
  std::puts("a class as a model");
  const std::vector<double> means{3, -1}, deviations{0.5, 4};
  int destroyed = 0;
  auto normals = std::make_shared<Normals>(means, deviations, destroyed);
  std::optional<catena::Model> model(std::move(normals));
  constexpr std::size_t draws = 2000;
  catena::Options options;
  options.num_chains(2).num_samples(draws).seed(17).num_threads(2).metric(CATENA_METRIC_DIAG_E);
  const catena::Result result = catena::sample(*model, options);
  CHECK(result.complete());
  CHECK_INT(result.chains().size(), 2);
  const catena::Summary summary = result.summary();
  CHECK_HAS(summary.text().c_str(), "ess_bulk");
  CHECK_INT(summary.size(), 3);
  CHECK_TEXT(summary.name(2).c_str(), "x.2");
  result.report("cpp_report.html", "Two normals");
  std::ifstream file("cpp_report.html");
  const std::string page((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  CHECK_HAS(page.c_str(), "<title>Two normals</title>");
  CHECK_HAS(page.c_str(), "id=\"warmup\"");
  CHECK_HAS(page.c_str(), "id=\"times\"");
  for (std::size_t k = 0; k < means.size(); ++k) {
    const std::string name = "x." + std::to_string(k + 1);
    const catena::Series series = result.draws().series(name);
    const double bound = 5 * catena::mcse_mean(series), mean = summary.value(name, CATENA_STATISTIC_MEAN);
    // No bound that anything fits into.
    CHECK_BETWEEN(bound, 0, deviations[k] / 3);
    CHECK_BETWEEN(mean, means[k] - bound, means[k] + bound);
    const double spread = 5 * catena::mcse_sd(series);
    CHECK_BETWEEN(spread, 0, deviations[k] / 3);
    CHECK_BETWEEN(summary.value(name, CATENA_STATISTIC_SD), deviations[k] - spread, deviations[k] + spread);
    CHECK_INT(series.draws, draws);
    const double diagnosed[] = {catena::rhat(series), catena::ess_bulk(series), catena::ess_tail(series),
                                catena::mcse_mean(series), catena::mcse_sd(series)};
    const catena_statistic statistics[] = {CATENA_STATISTIC_RHAT, CATENA_STATISTIC_ESS_BULK, CATENA_STATISTIC_ESS_TAIL,
                                           CATENA_STATISTIC_MCSE_MEAN, CATENA_STATISTIC_MCSE_SD};
    for (std::size_t i = 0; i < 5; ++i) {
      const double value = summary.value(k + 1, statistics[i]);
      CHECK_BITS(&value, diagnosed + i, 1);
    }
    CHECK_BETWEEN(catena::ess_mean(series), 500, 20000);
    CHECK_BETWEEN(catena::mcse_quantile(series, 0.5), deviations[k] / 200, deviations[k] / 10);
    const std::vector<double> values = result.draws().variable(name);
    CHECK_INT(values.size(), 2 * draws);
    const double at = result.draws()(1, 7, result.draws().column(name));
    CHECK_BITS(&at, &values[draws + 7], 1);
  }
  CHECK_BETWEEN(catena::ebfmi(result.draws().series("energy__")), 0.5, 2);
  CHECK_INT(summary.divergences().value(), 0);
  CHECK_INT(summary.saturated().value(), 0);
  CHECK(!catena::Summary(result.draws()).saturated());
  CHECK_INT(destroyed, 0);
  model.reset();
  CHECK_INT(destroyed, 1);
}

// Everything a model can have.
class Full {
 public:
  using Worker = std::vector<double>;

  std::size_t dimension() const { return 2; }
  std::vector<std::string> names() const { return {"a", "b"}; }
  std::vector<const char *> output_names() const { return {"sum", "noise", "draw"}; }
  Worker make_worker() const { return Worker(dimension()); }

  double log_density(catena::Task &task, const double *x, double *gradient, Worker &scratch) const {
    CHECK(task.handle());
    const double value = normal(x, scratch.data());
    for (std::size_t i = 0; i < scratch.size(); ++i) gradient[i] = scratch[i];
    return value;
  }
  double log_density_only(catena::Position x) const { return -0.5 * (x[0] * x[0] + x[1] * x[1]); }
  void log_density_batch(catena::Position x, catena::Values values, catena::Values gradients, catena::View<int> codes,
                         Worker &) const {
    CHECK_INT(x.size(), codes.size() * dimension());
    CHECK_INT(gradients.size(), x.size());
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = normal(x + i * dimension(), gradients + i * dimension());
  }
  void constrain(catena::Task &task, catena::Position x, catena::Values out) const {
    CHECK_INT(out.size(), 3);
    out[0] = x[0] + x[1];
    out[1] = task.uniform();
    out[2] = task.normal() + task.exponential() + static_cast<double>(task.bits() % 2);
  }
  void initialize(const catena::Given &given, catena::Values x) const {
    CHECK(!given.shape("absent") && !given.values("absent", 3) && !given.scalar("absent"));
    const auto shape = given.shape("pair");
    CHECK(shape && shape->size() == 1 && shape->at(0) == 2);
    CHECK(given.shape("one")->empty());
    const std::vector<double> pair = given.values("pair", 2).value();
    x[0] = pair[0];
    x[1] = pair[1] + given.scalar("one").value();
  }
};

void everything() {
  std::puts("a class with everything, one by one and in batches");
  const catena::Model model{Full()};
  CHECK_INT(model.dimension(), 2);
  CHECK(model.names() == std::vector<std::string>({"a", "b"}));
  CHECK(model.output_names() == std::vector<std::string>({"sum", "noise", "draw"}));
  CHECK_INT(model.columns().size(), 10);
  std::vector<double> gradient;
  CHECK_BETWEEN(model.log_density({1, 2}), -2.5, -2.5);
  CHECK_BETWEEN(model.log_density({1, 2}, gradient), -2.5, -2.5);
  CHECK(gradient == std::vector<double>({-1, -2}));

  const auto once = [&](const catena::Options &options, const catena::Init &init) {
    std::vector<catena::Table> tables(chains);
    catena::Io io;
    io.inits = {init};
    for (catena::Table &table : tables) io.init_writers.push_back(catena::Writer::to(std::ref(table)));
    catena::Result result = catena::sample(model, options, std::move(io));
    for (const catena::Table &table : tables) {
      CHECK(table.columns == model.names());
      CHECK(table.values == std::vector<double>({0.5, 0.25 + 1}));
    }
    return result;
  };
  const catena::Init json = catena::Init::json(R"({"pair": [0.5, 0.25], "one": 1})");
  const catena::Init named = catena::Init::variables({{"pair", {0.5, 0.25}}, {"one", 1.0}});
  const catena::Result single = once(small(), json);
  same(single.draws(), once(small(), named).draws());
  catena::Options batched = small();
  same(single.draws(), once(batched.batch_size(3).batch_wait(0.002), json).draws());
  same(single.draws(), once(small(1), json).draws());
  CHECK_TEXT(single.summary().name(1).c_str(), "sum");
  // A misspelt name.
  const catena::Error unwanted =
      THROWN(catena::Error, once(small(), catena::Init::variables({{"pair", {0.5, 0.25}}, {"one", 1.0}, {"won", 1.0}})));
  CHECK_HAS(unwanted.what(), "('absent', 'one', 'pair'), got 'won'");
}

double plain(const double *x, double *gradient) { return normal(x, gradient); }

void functions() {
  std::puts("functions as models");
  const catena::Draws expected = catena::sample({dimension, plain}, small()).take_draws();
  CHECK(expected.columns().back() == "x.2");
  same(expected, catena::sample({dimension, [](catena::Position x, catena::Values g) { return normal(x, g); }}, small()).draws());
  same(expected, catena::sample({dimension, [](auto x, auto g) {
                                   CHECK_INT(x.size(), dimension);
                                   double sum = 0;
                                   long i = 0;
                                   for (const double v : x) {
                                     g[i++] = -v;
                                     sum -= 0.5 * v * v;
                                   }
                                   return sum;
                                 }}, small()).draws());
  same(expected, catena::sample({dimension, [](catena::Task &task, const double *x, double *g) {
                                   CHECK_BETWEEN(static_cast<double>(task.chain_id()), 1, chains);
                                   return normal(x, g);
                                 }}, small()).draws());
  const catena::Model named(dimension, plain, {"u", "v"}, CATENA_THREADS_CALLER);
  CHECK(named.output_names() == std::vector<std::string>({"u", "v"}));
  const catena::Draws here = catena::sample(named, small()).take_draws();
  CHECK(here.columns().back() == "v");
  same(expected, here);
}

void engines() {
  std::puts("static HMC and fixed parameters");
  const catena::Model model(dimension, plain);
  const catena::Result moved = catena::sample(model, small().engine(CATENA_ENGINE_STATIC).int_time(1.5));
  CHECK(moved.draws().columns() == model.columns(CATENA_ENGINE_STATIC));
  CHECK_TEXT(moved.draws().columns()[3].c_str(), "int_time__");
  const double time = moved.draws()(0, 0, 3), expected = 1.5;
  CHECK_BITS(&time, &expected, 1);
  const catena::Result fixed = catena::sample(model, small().engine(CATENA_ENGINE_FIXED_PARAM));
  CHECK_INT(fixed.draws().columns().size(), 2 + dimension);
  const std::vector<double> x = fixed.draws().variable("x.1");
  CHECK_BITS(&x[1], &x[0], 1);
  REFUSED(catena::sample(model, small().engine(static_cast<catena_engine>(7))), "engine", "got 7");
  REFUSED(small().int_time(0), "int_time", "got 0");
}

void sums() {
  std::puts("a parallel sum inside the model");
  constexpr std::size_t terms = 100, grain = 9;
  const catena::Model model(1, [](catena::Task &task, const double *x, double *g) {
    double sums[2];
    task.reduce(terms, grain, [&](std::size_t begin, std::size_t end, catena::Values partial) {
      partial[0] = partial[1] = 0;
      for (std::size_t i = begin; i < end; ++i) {
        const double residual = (i % 2 ? 1.0 : -1.0) - x[0];
        partial[0] -= 0.5 * residual * residual;
        partial[1] += residual;
      }
    }, catena::Values(sums, 2));
    g[0] = sums[1];
    return sums[0];
  });
  CHECK_BETWEEN(model.log_density({0}), -50, -50);
  same(catena::sample(model, small(1)).draws(), catena::sample(model, small(2)).draws());
}

void bad_arguments() {
  std::puts("bad arguments");
  catena::Options options = small();
  REFUSED(options.delta(2), "delta", "got 2");
  REFUSED(options.num_chains(0), "num_chains", "got 0");
  CHECK_INT(options.chains(), chains);
  REFUSED(options.max_depth(21), "max_depth", "got 21");
  const catena::Model model(dimension, plain);
  REFUSED(catena::sample({dimension, plain, {"a"}}), "names", "got 1");
  REFUSED(catena::Model(std::shared_ptr<Full>()), "object", "got none");
  REFUSED(model.log_density({1}), "position", "got 1");
  options.batch_size(2);
  REFUSED(catena::sample(model, options), "batch_size", "got 2");
  catena::Io metrics;
  metrics.inv_metrics = {{1, 1}, {1}};
  REFUSED(catena::sample(model, small(), std::move(metrics)), "io.inv_metrics", "got 2 and 1");
  catena::Io inits;
  inits.inits.resize(2);
  const catena::Error error = THROWN(catena::Error, catena::sample(model, small(), std::move(inits)));
  CHECK_INT(error.status(), CATENA_INVALID_ARGUMENT);
  CHECK(!error.chain());
  const catena::Error json = THROWN(catena::Error, catena::Init::json("{"));
  CHECK_HAS(json.what(), "line");
  const catena::Draws draws = catena::sample(model, small()).take_draws();
  REFUSED(draws.column("y"), "name", "got y");
  const catena::Summary summary(draws);
  REFUSED(summary.name(3), "row", "got 3");
  REFUSED(summary.value("y", CATENA_STATISTIC_MEAN), "variable", "got y");
}

void defaults() {
  std::puts("the defaults that the header repeats");
  std::vector<std::string> lines;
  catena::Io io;
  io.logger = [&](catena_level, std::int64_t, const std::string &line) { lines.push_back(line); };
  const catena::Options options;
  const catena::Result result = catena::sample({dimension, plain}, options, std::move(io));
  CHECK_INT(result.chains().size(), options.chains());
  CHECK_INT(result.draws().chains(), options.chains());
  CHECK_INT(result.draws().draws(), options.rows());
  CHECK(!lines.empty());
  // A flat density doubles until the depth runs out.
  catena::Options steps;
  steps.num_chains(1).num_warmup(0).num_samples(3).stepsize(1e-9).adapt(false).seed(3);
  const catena::Result flat = catena::sample({dimension, plain}, steps);
  for (const double depth : flat.draws().variable("treedepth__")) CHECK_BETWEEN(depth, steps.depth(), steps.depth());
  CHECK_INT(flat.chains()[0].saturated, 3);
}

// The page's numbers of this name: lists of numbers, one per chain.
std::string told(const std::string &page, const std::string &name) {
  const std::size_t begin = page.find("\"" + name + "\":[");
  CHECK(begin != std::string::npos);
  return page.substr(begin, page.find("]]", begin) - begin);
}

std::string page_at(const char *path) {
  std::ifstream file(path);
  std::string page((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  std::remove(path);
  return page;
}

void pages_of_warm_up() {
  std::puts("a page shows the way of the step sizes");
  int destroyed = 0;
  const catena::Model model(std::make_shared<Normals>(std::vector<double>{3, -1}, std::vector<double>{0.5, 4}, destroyed));
  const char *path = "cpp_warmup.html";
  for (const catena_metric metric : {CATENA_METRIC_DIAG_E, CATENA_METRIC_DENSE_E, CATENA_METRIC_LOW_RANK, CATENA_METRIC_AUTO}) {
    catena::Options options;
    options.num_chains(2).num_warmup(150).num_samples(50).thin(2).seed(3).num_threads(2).metric(metric).save_warmup(true);
    const catena::Result result = catena::sample(model, options);
    CHECK_INT(result.rows(1), 100);
    CHECK_INT(result.warmup_rows(1), 75);
    const std::vector<double> steps = result.warmup_step_sizes(1);
    CHECK_INT(steps.size(), 75);
    CHECK(steps[3] == result.draws()(1, 3, 2));
    result.report(path);
    const std::string page = page_at(path);
    // Rows of the warm-up are no draws.
    CHECK_HAS(page.c_str(), "2 chains of 25 draws each");
    CHECK_HAS(page.c_str(), "<dt>num_warmup</dt><dd>150</dd>");
    catena::Io io;
    const std::vector<std::string> files{"cpp_warmup_1.csv", "cpp_warmup_2.csv"};
    for (const std::string &file : files) io.sample_writers.push_back(catena::Writer::csv(file));
    CHECK(catena::sample(model, options, std::move(io)).warmup_step_sizes(1).empty());
    const catena::Files read(files);
    CHECK(read.warmup_step_sizes(1) == steps);
    CHECK_INT(read.dimension(0), 2);
    CHECK(read.inv_metric(1) == result.chains()[1].inv_metric);
    read.report(path);
    const std::string of_files = page_at(path);
    for (const char *name : {"paths", "metrics", "step_sizes"}) CHECK_TEXT(told(page, name).c_str(), told(of_files, name).c_str());
    for (const std::string &file : files) std::remove(file.c_str());
  }
  // Warm-up that ends by itself, after different numbers of iterations.
  catena::Options until;
  until.num_chains(6).num_warmup(700).num_samples(60).thin(2).seed(4).num_threads(2).set("warmup_until", "true");
  const std::string without = catena::sample(model, until).summary().text();
  const catena::Result ended = catena::sample(model, until.save_warmup(true));
  CHECK_TEXT(ended.summary().text().c_str(), without.c_str());
  for (std::size_t c = 0; c < 6; ++c) {
    CHECK_INT(ended.warmup_rows(c), (ended.chains()[c].iterations - 60 + 1) / 2);
    CHECK(ended.warmup_rows(c) < 350);
  }
  catena::ReportFacts facts;
  const catena::Draws draws(2, 5, {"x"}, std::vector<double>{1, 2, 3, 4, 5, 2, 1, 4, 5, 3});
  facts.warmup_step_sizes = {{0.5, 0.25}};
  REFUSED(catena::report(draws, path, facts), "warmup_step_sizes", "expected 2 entries, one per chain, got 1");
  facts.warmup_step_sizes = {{0.5, 0.25}, {0.125}};
  catena::report(draws, path, facts);
  CHECK_HAS(page_at(path).c_str(), "\"paths\":[[0.5,0.25],[0.125]]");
  facts.warmup_step_sizes[1] = {-1.0};
  REFUSED(catena::report(draws, path, facts), "options.warmup_step_sizes[2]", "got -1");
}

void options_by_name() {
  std::puts("options by name");
  catena::Options options;
  options.set("num_chains", 3).set("max_depth", "5").set("delta", 0.9).set("adapt", false).set("metric", "dense_e");
  options.set("seed", UINT64_MAX).set("on_failure", CATENA_ON_FAILURE_STOP_RUN).set("stepsize", std::string("0.25"));
  CHECK_INT(options.chains(), 3);
  CHECK_INT(options.depth(), 5);
  CHECK_TEXT(options.get("delta").c_str(), "0.9");
  CHECK_TEXT(options.get("adapt").c_str(), "false");
  CHECK_TEXT(options.get("metric").c_str(), "dense_e");
  CHECK_TEXT(options.get("seed").c_str(), "18446744073709551615");
  CHECK_TEXT(options.get("on_failure").c_str(), "stop_run");
  CHECK_TEXT(options.get("stepsize").c_str(), "0.25");
  // The setters are the same options.
  CHECK_TEXT(options.t0(3).get("t0").c_str(), "3");
  CHECK_INT(options.max_depth(7).depth(), 7);
  REFUSED(options.set("num_chains", -1), "num_chains", "got -1");
  REFUSED(options.set("num_chains", 0), "num_chains", "got 0");
  REFUSED(options.set("delta", 1.5), "delta", "got 1.5");
  REFUSED(options.set("metric", "dens_e"), "metric", "did you mean 'dense_e'?");
  REFUSED(options.set("init_chain_id", 0), "init_chain_id", "at least 1");
  const catena::Error unknown = THROWN(catena::Error, options.set("max_dpeth", 3));
  CHECK_INT(unknown.status(), CATENA_INVALID_ARGUMENT);
  CHECK_HAS(unknown.what(), "'max_dpeth': not an option; did you mean 'max_depth'?");
  CHECK_HAS(THROWN(catena::Error, options.get("thim")).what(), "'thin'");
  CHECK_INT(options.chains(), 3);
  // Every option that the library has is set to its default by its name.
  const catena::Options untouched;
  for (std::size_t i = 0; i < catena_options_count(); ++i) {
    const catena_option *option = catena_options_at(i);
    options.set(option->name, option->default_value);
    CHECK_TEXT(options.get(option->name).c_str(), option->default_value);
    // Functions of C++ have gradients that were written by hand.
    const bool otherwise = std::string(option->name) == "check_gradient";
    CHECK_TEXT(untouched.get(option->name).c_str(), otherwise ? "true" : option->default_value);
  }
  CHECK(!catena_options_at(catena_options_count()));
}

}  // namespace

int main() {
  a_class();
  everything();
  functions();
  engines();
  sums();
  bad_arguments();
  defaults();
  options_by_name();
  pages_of_warm_up();
  return 0;
}
