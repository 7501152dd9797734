// What reaches beyond a run: gone on with after a stop, generated quantities of given draws, gradients against finite
// differences, log densities at many positions, inverse metrics in and out.
#include "expect.hpp"

#include <algorithm>
#include <atomic>
#include <fstream>

namespace {

// Standard normals a and b, reported as a pair, with a transformed parameter and two generated quantities.
class Pair {
 public:
  std::size_t dimension() const { return ::dimension; }
  double log_density(const double *x, double *gradient) const { return normal(x, gradient); }
  std::vector<std::string> output_names() const { return {"pair.1", "pair.2", "sum", "twice", "noise"}; }
  std::size_t parameter_outputs() const { return 2; }
  std::size_t transformed_outputs() const { return 1; }
  void constrain(catena::Task &task, catena::Position x, catena::Values out) const {
    out[0] = x[0];
    out[1] = x[1];
    out[2] = x[0] + x[1];
    out[3] = 2 * x[0];
    out[4] = task.normal();
  }
  void initialize(const catena::Given &given, catena::Values x) const {
    const auto pair = given.values("pair", ::dimension);
    if (!pair) return;
    if ((*pair)[0] > 1e6) throw catena::Reject("too large");
    x[0] = (*pair)[0];
    x[1] = (*pair)[1];
  }
};

// A run that is stopped by its limit, goes on and is stopped again, until it is complete.
catena::Result in_parts(const catena::Model &model, const catena::Options &limited) {
  catena::Result result = catena::sample(model, limited);
  CHECK(!result.complete());
  int parts = 1;
  for (; !result.complete(); ++parts) result = catena::resume(model, result, limited);
  CHECK(parts > 2);
  return result;
}

void resumed() {
  std::puts("a run in parts equals the run in one, and goes on for more draws");
  const catena::Model model(dimension, normal);
  const catena::Result whole = catena::sample(model, small());
  catena::Options options = small();
  options.max_evaluations(60);
  const catena::Result parts = in_parts(model, options);
  same(parts.draws(), whole.draws());
  for (std::size_t c = 0; c < chains; ++c) {
    CHECK_INT(parts.rows(c), samples);
    CHECK_INT(parts.chains()[c].rows, samples);
    CHECK_INT(parts.chains()[c].iterations, warmup + samples);
  }
  CHECK_TEXT(parts.summary().text().c_str(), whole.summary().text().c_str());

  catena::Options longer = small();
  longer.num_samples(2 * samples);
  same(catena::resume(model, whole, longer).draws(), catena::sample(model, longer).draws());

  // The warm-up's rows go along.
  catena::Options saved = small();
  saved.save_warmup(true);
  const catena::Draws all = catena::sample(model, saved).take_draws();
  CHECK_INT(all.draws(), warmup + samples);
  saved.max_evaluations(90);
  same(in_parts(model, saved).draws(), all);

  catena::Io io;
  io.checkpoints = whole.checkpoints();
  REFUSED(catena::resume(model, whole, small(), std::move(io)), "io.checkpoints", "got 4");
  catena::Options other = small();
  other.seed(12);
  CHECK_INT(THROWN(catena::Error, catena::resume(model, whole, other)).status(), CATENA_CHECKPOINT);
}

void stored() {
  std::puts("checkpoints in files");
  const catena::Model model(dimension, normal);
  catena::Options options = small();
  const catena::Draws expected = catena::sample(model, options).take_draws();
  options.max_evaluations(200);
  const catena::Result first = catena::sample(model, options);
  CHECK(!first.complete());
  const std::vector<catena::Checkpoint> kept = first.checkpoints();
  catena::Io io;
  for (std::size_t c = 0; c < chains; ++c) {
    const std::string path = "test_reach-" + std::to_string(c) + ".checkpoint";
    CHECK(!kept[c].empty());
    kept[c].save(path);
    io.checkpoints.push_back(catena::Checkpoint::load(path));
    CHECK(io.checkpoints[c].bytes() == kept[c].bytes());
    std::remove(path.c_str());
  }
  options.max_evaluations(0);
  const catena::Result rest = catena::sample(model, options, std::move(io));
  CHECK(rest.complete());
  const std::size_t width = expected.columns().size();
  for (std::size_t c = 0; c < chains; ++c) {
    CHECK_INT(first.rows(c) + rest.rows(c), samples);
    CHECK_BITS(rest.draws().values().data() + c * samples * width,
               expected.values().data() + (c * samples + first.rows(c)) * width, rest.rows(c) * width);
  }
  CHECK_INT(THROWN(catena::Error, catena::Checkpoint::load("no/such/file")).status(), CATENA_IO);
  CHECK_INT(THROWN(catena::Error, kept[0].save("no/such/file")).status(), CATENA_IO);

  // A chain that failed has none, and the run can't go on without it.
  const catena::Model fails(dimension, [](catena::Task &task, const double *x, double *gradient) {
    if (task.chain_id() == 2) throw std::domain_error("not wanted");
    return normal(x, gradient);
  });
  catena::Run run = catena::start(fails, small());
  const catena::Result result = run.take();
  CHECK(!result.checkpoints()[0].empty() && result.checkpoints()[1].empty());
  CHECK_INT(THROWN(catena::Error, catena::resume(fails, result, small())).chain().value_or(0), 2);
}

void watched() {
  std::puts("a started run and where its chains are");
  const catena::Model model(dimension, normal);
  catena::Options endless = small();
  endless.num_samples(100000000).thin(1000000);
  catena::Run run = catena::start(model, endless);
  // Any of them may be the last on a busy machine.
  const auto warming = [&] {
    const std::vector<catena::Progress> all = run.progress();
    return std::any_of(all.begin(), all.end(), [](const catena::Progress &one) { return one.in_warmup; });
  };
  while (warming()) CHECK(!run.poll(std::chrono::milliseconds(1)));
  run.cancel();
  const catena::Result result = run.wait();
  const std::vector<catena::Progress> progress = run.progress();
  CHECK_INT(progress.size(), chains);
  for (std::size_t c = 0; c < chains; ++c) {
    CHECK_INT(progress[c].chain_id, c + 1);
    CHECK_INT(progress[c].total, warmup + 100000000);
    CHECK_INT(progress[c].iteration, result.chains()[c].iterations);
    CHECK_INT(progress[c].over, 1);
    CHECK(!progress[c].in_warmup && progress[c].gradients >= progress[c].iteration && progress[c].stepsize > 0);
  }
}

void quantities() {
  std::puts("generated quantities of given draws");
  const catena::Model model{Pair()};
  CHECK(model.quantity_columns() == std::vector<std::string>({"twice", "noise"}));
  const catena::Result sampled = catena::sample(model, small());
  const catena::Result result = catena::generate_quantities(model, sampled, small());
  CHECK(result.complete());
  const catena::Draws &made = result.draws();
  CHECK(made.columns() == model.quantity_columns());
  CHECK_INT(made.draws(), samples);
  const std::size_t from = sampled.draws().column("twice");
  std::size_t different = 0;
  for (std::size_t c = 0; c < chains; ++c) {
    CHECK_INT(result.rows(c), samples);
    for (std::size_t d = 0; d < samples; ++d) {
      const double expected = sampled.draws()(c, d, from), got = made(c, d, 0);
      CHECK_BITS(&got, &expected, 1);
      different += made(c, d, 1) != made(0, 0, 1);
    }
  }
  CHECK_INT(different, chains * samples - 1);
  CHECK(std::isfinite(result.summary().value("noise", CATENA_STATISTIC_MEAN)));
  // Other threads, the same bits; another seed, other noise.
  same(catena::generate_quantities(model, sampled, small(1)).draws(), made);
  catena::Options other = small();
  other.seed(12);
  CHECK(catena::generate_quantities(model, sampled, other).draws()(0, 0, 1) != made(0, 0, 1));

  // Chain 2 by itself; a draw that is refused; a missing column; another number of chains.
  constexpr std::size_t width = 2;
  std::vector<double> values{1, 2, 3, 4, 1e7, 6};
  catena::Options one = small();
  one.num_chains(1).init_chain_id(2);
  catena::Io io;
  std::atomic<int> warnings{0};
  io.logger = [&](catena_level level, std::int64_t chain, const std::string &line) {
    if (level != CATENA_LOG_WARNING) return;
    ++warnings;
    CHECK_INT(chain, 2);
    CHECK_HAS(line.c_str(), "too large");
  };
  const catena::Draws given(1, values.size() / width, {"pair.1", "pair.2"}, values);
  const catena::Draws alone = catena::generate_quantities(model, given, one, std::move(io)).take_draws();
  CHECK_INT(warnings, 1);
  CHECK(alone(0, 0, 0) == 2 && alone(0, 1, 0) == 6 && std::isnan(alone(0, 2, 0)) && std::isnan(alone(0, 2, 1)));
  const double noise = alone(0, 1, 1), expected = made(1, 1, 1);
  CHECK_BITS(&noise, &expected, 1);
  const catena::Draws missing(1, 3, {"pair.1", "mu"}, values);
  CHECK_HAS(THROWN(catena::Error, catena::generate_quantities(model, missing, one)).what(), "pair.2");
  REFUSED(catena::generate_quantities(model, given, small()), "draws.num_chains", "got 1");

  // What outputs throw is thrown here.
  struct Throwing : Pair {
    void constrain(catena::Position, catena::Values) const { throw std::range_error("planted"); }
  };
  THROWN(std::range_error, catena::generate_quantities(catena::Model{Throwing()}, given, one));
  // A stopped run has fewer rows, and so have its quantities.
  catena::Options limited = small();
  limited.num_samples(1000).max_evaluations(1000);
  const catena::Result stopped = catena::sample(model, limited);
  CHECK(!stopped.complete());
  const catena::Result partly = catena::generate_quantities(model, stopped, limited);
  for (std::size_t c = 0; c < chains; ++c) CHECK_INT(partly.rows(c), stopped.rows(c));
}

void gradients() {
  std::puts("gradients against finite differences");
  const catena::Options options = small();
  const catena::GradientCheck good = catena::diagnose(catena::Model(dimension, normal), options);
  CHECK_INT(good.failures, 0);
  CHECK_INT(good.coordinates.size(), dimension);
  CHECK_HAS(good.text.c_str(), "finite diff");
  for (const catena::CoordinateCheck &c : good.coordinates) {
    CHECK_BETWEEN(c.error, -1e-6, 1e-6);
    CHECK(c.model == -c.value && c.error == c.model - c.finite_difference && std::fabs(c.value) < 2);
  }
  // The derivative by the second coordinate is wrong.
  const catena::Model wrong(dimension, [](const double *x, double *gradient) {
    const double value = normal(x, gradient);
    gradient[1] += 0.5;
    return value;
  });
  // A run looks by itself where its chains begin.
  try {
    catena::sample(wrong, small());
    CHECK(!"it must be found");
  } catch (const catena::Error &found) {
    CHECK_HAS(found.what(), "chain 1");
    CHECK_HAS(found.what(), "derivative by 'x.2'");
  }
  CHECK(catena::sample(wrong, small().check_gradient(false)).complete());
  const catena::Init at = catena::Init::position({0.5, -1});
  const catena::GradientCheck bad = catena::diagnose(wrong, options, at);
  CHECK_INT(bad.failures, 1);
  CHECK_BETWEEN(bad.log_density, -0.625, -0.625);
  CHECK_BETWEEN(bad.coordinates[1].value, -1, -1);
  CHECK_BETWEEN(bad.coordinates[1].error, 0.5 - 1e-6, 0.5 + 1e-6);
  CHECK_INT(catena::diagnose(wrong, options, at, 1e-6, 1).failures, 0);
  REFUSED(catena::diagnose(wrong, options, at, 0), "epsilon", "got 0");
  // A point is rejected on one side; what the model throws comes through.
  const catena::Model half(1, [](const double *x, double *gradient) {
    if (x[0] < 1) throw catena::Reject("too small");
    gradient[0] = -1;
    return -x[0];
  });
  const catena::GradientCheck edge = catena::diagnose(half, options, catena::Init::position({1}));
  CHECK(edge.failures == 1 && std::isnan(edge.coordinates[0].finite_difference));
  const catena::Model throwing(1, [](const double *, double *) -> double { throw std::range_error("planted"); });
  THROWN(std::range_error, catena::diagnose(throwing, options));
}

void densities() {
  std::puts("log densities at many positions");
  const catena::Model model(dimension, [](const double *x, double *gradient) {
    if (x[0] > 10) throw catena::Reject("too large");
    return normal(x, gradient);
  });
  const std::vector<double> positions{1, 2, 20, 0, -3, 0.5};
  std::vector<double> gradients, gradient;
  const std::vector<double> values = model.log_densities(positions, gradients);
  CHECK_INT(values.size(), 3);
  CHECK_INT(gradients.size(), positions.size());
  CHECK(std::isnan(values[1]));
  for (const std::size_t i : {std::size_t(0), std::size_t(2)}) {
    const double one = model.log_density({positions[2 * i], positions[2 * i + 1]}, gradient);
    CHECK_BITS(&values[i], &one, 1);
    CHECK_BITS(&gradients[2 * i], gradient.data(), dimension);
  }
  const std::vector<double> alone = model.log_densities(positions);
  CHECK(alone[0] == values[0] && std::isnan(alone[1]) && alone[2] == values[2]);
  CHECK(model.log_densities({}).empty());
  REFUSED(model.log_densities({1, 2, 3}), "positions", "got 3");
}

void metrics() {
  std::puts("inverse metrics of one run for another");
  const catena::Model model(dimension, normal);
  const std::pair<catena_metric, std::size_t> kinds[] = {
      {CATENA_METRIC_UNIT_E, 0}, {CATENA_METRIC_DIAG_E, dimension}, {CATENA_METRIC_DENSE_E, dimension * dimension}};
  for (const auto &[metric, size] : kinds) {
    catena::Options options = small();
    options.metric(metric);
    const catena::Result adapted = catena::sample(model, options);
    const std::vector<std::vector<double>> found = adapted.inv_metrics();
    CHECK_INT(found.size(), chains);
    for (const std::vector<double> &one : found) CHECK_INT(one.size(), size);
    CHECK_HAS(adapted.metric_json(0).c_str(), "\"stepsize\"");
    REFUSED(adapted.metric_json(chains), "chain", "got 4");
    if (size == 0) continue;
    options.adapt(false);
    catena::Io io;
    io.inv_metrics = found;
    CHECK(catena::sample(model, options, std::move(io)).inv_metrics() == found);
    catena::Io wrong;
    wrong.inv_metrics = {{1.0}};
    CHECK_INT(THROWN(catena::Error, catena::sample(model, options, std::move(wrong))).status(), CATENA_INVALID_ARGUMENT);
  }
}

void warm() {
  std::puts("a run that begins where another ended");
  const catena::Model model(dimension, normal);
  const catena::Result first = catena::sample(model, small());
  catena::Options options = small();
  options.num_chains(chains + 1).num_warmup(0).seed(31);
  catena::Io io;
  io.from = first.checkpoints();
  const catena::Result second = catena::sample(model, options, std::move(io));
  for (std::size_t c = 0; c <= chains; ++c) {
    CHECK(second.inv_metrics()[c] == first.inv_metrics()[c % chains]);
    CHECK(second.chains()[c].stepsize == first.chains()[c % chains].stepsize);
  }
  catena::Options brief;
  brief.set("warm_start", true);
  CHECK_TEXT(brief.get("num_warmup").c_str(), "50");
  const catena::Model other(1, [](catena::Position x, catena::Values gradient) {
    gradient[0] = -x[0];
    return -0.5 * x[0] * x[0];
  });
  catena::Io wrong;
  wrong.from = first.checkpoints();
  REFUSED(catena::sample(other, options, std::move(wrong)), "from", "coordinates");
}

}  // namespace

int main() {
  resumed();
  stored();
  watched();
  quantities();
  gradients();
  densities();
  metrics();
  warm();
  return 0;
}
