// Sets of particles: a conjugate normal whose evidence is known along each path, weighted draws, batches and workers,
// failures that name set and particle, interrupts.
#include "expect.hpp"

#include <atomic>
#include <cstdio>
#include <fstream>
#include <iterator>

namespace {

constexpr std::size_t sets = 6, particles = 400;
const double observed[dimension] = {1.2, -0.4}, noise = 0.5;

double log_normal(double x, double mean, double sd) {
  const double z = (x - mean) / sd;
  return -0.5 * z * z - std::log(sd) - 0.91893853320467274178;
}

double exact() {
  const double sd = std::sqrt(1 + noise * noise);
  return log_normal(observed[0], 0, sd) + log_normal(observed[1], 0, sd);
}

// x ~ N(0, I), y_j ~ N(x_j, 0.5^2); log density and gradient.
class Conjugate {
 public:
  std::size_t dimension() const { return ::dimension; }
  double log_density(catena::Position x, catena::Values gradient) const {
    double slope[::dimension];
    const catena::Parts both = parts(x, gradient, slope);
    for (std::size_t j = 0; j < ::dimension; ++j) gradient[j] += slope[j];
    return both.log_prior + both.log_likelihood;
  }

 protected:
  static catena::Parts parts(const double *x, double *g, double *h) {
    catena::Parts both{0, 0};
    for (std::size_t j = 0; j < ::dimension; ++j) {
      both.log_prior += log_normal(x[j], 0, 1);
      both.log_likelihood += log_normal(observed[j], x[j], noise);
      if (g) g[j] = -x[j];
      if (h) h[j] = (observed[j] - x[j]) / (noise * noise);
    }
    return both;
  }
};

// The same with a prior.
class WithPrior : public Conjugate {
 public:
  catena::Parts log_density_parts(catena::Position x, catena::Values g, catena::Values h) const {
    CHECK(!g.data() == (g.size() == 0));
    return parts(x, g, h);
  }
  void log_density_parts_batch(catena::Position xs, catena::Values priors, catena::Values likelihoods, catena::Values g,
                               catena::Values h, catena::View<int>) const {
    for (std::size_t i = 0; i < priors.size(); ++i) {
      const std::size_t at = i * ::dimension;
      const catena::Parts both = parts(xs + at, g ? g + at : nullptr, h ? h + at : nullptr);
      priors[i] = both.log_prior;
      likelihoods[i] = both.log_likelihood;
    }
  }
  void sample_prior(catena::Task &task, catena::Values x) const {
    for (double &value : x) value = task.normal();
  }
};

// Data one by one, with a worker.
class ByData : public WithPrior {
 public:
  int make_worker() const { return 7; }
  std::size_t data_count() const { return ::dimension; }
  catena::Parts log_density_data(catena::Position x, std::size_t count, catena::Values g, catena::Values h, int &w) const {
    CHECK_INT(w, 7);
    catena::Parts both{0, log_normal(observed[count], x[count], noise)};
    for (std::size_t j = 0; j < ::dimension; ++j) {
      both.log_prior += log_normal(x[j], 0, 1) + (j < count ? log_normal(observed[j], x[j], noise) : 0);
      const double slope = (observed[j] - x[j]) / (noise * noise);
      if (g) g[j] = (j < count ? slope : 0) - x[j];
      if (h) h[j] = j == count ? slope : 0;
    }
    return both;
  }
};

catena::Options few() {
  catena::Options options;
  options.num_sets(sets).num_particles(particles).seed(7).num_threads(2).init_set_id(5);
  return options;
}

void right(const catena::SmcResult &result, double way) {
  const catena::Evidence &evidence = result.evidence();
  CHECK_BETWEEN(evidence.standard_error, 1e-4, 0.2);
  CHECK_BETWEEN((evidence.log_estimate - exact()) / evidence.standard_error, -4, 4);
  CHECK(result.complete());
  CHECK_INT(result.sets().size(), sets);
  const catena::Draws &draws = result.draws();
  CHECK_INT(draws.chains(), sets);
  CHECK_INT(draws.draws(), particles);
  CHECK_TEXT(draws.columns()[0].c_str(), "lp__");
  CHECK_TEXT(draws.columns()[4].c_str(), "x.1");
  for (std::size_t s = 0; s < sets; ++s) {
    const catena::SmcSet &set = result.sets()[s];
    CHECK_INT(set.id, 5 + s);
    CHECK_INT(set.outcome, CATENA_SET_FINISHED);
    CHECK(!set.error);
    CHECK_INT(set.rows, particles);
    CHECK_BETWEEN(set.log_evidence, exact() - 1, exact() + 1);
    CHECK(!set.stages.empty());
    CHECK_BETWEEN(set.stages.back().way, way, way);
    CHECK_BETWEEN(set.stages.back().ess, particles / 2.0 - 1, particles);
    CHECK_BETWEEN(set.stages.back().acceptance, 0.05, 1);
    CHECK_BETWEEN(draws(s, 0, 2), 5 + s, 5 + s);
    CHECK_BETWEEN(draws(s, particles - 1, 3), 0, particles - 1);
  }
  double sum = 0;
  for (const double w : result.weights()) sum += w;
  CHECK_BETWEEN(sum, 1 - 1e-9, 1 + 1e-9);
  // The posterior's standard deviation is 0.45, of 2400 draws that hang together somewhat.
  CHECK_BETWEEN(result.mean("x.1"), 0.96 - 0.06, 0.96 + 0.06);
  CHECK_BETWEEN(result.mean("x.2"), -0.32 - 0.06, -0.32 + 0.06);
}

void paths() {
  std::puts("the evidence along each path");
  const catena::Model plain{Conjugate()}, prior{WithPrior()}, data{ByData()};
  for (const char *kernel : {"hmc", "nuts", "random_walk", "independent"}) {
    const catena::SmcResult found = catena::sample_smc(prior, few().kernel(kernel));
    right(found, 1);
    same(found.draws(), catena::sample_smc(prior, few().kernel(kernel).batch_size(50)).draws());
    right(catena::sample_smc(data, few().kernel(kernel)), dimension);
  }
  right(catena::sample_smc(data, few().path("prior")), 1);
  // Fitted, and given.
  right(catena::sample_smc(plain, few()), 1);
  right(catena::sample_smc(plain, few(), {}, catena::Reference{{0.5, 0}, {1, 0.8}}), 1);
  right(catena::sample_smc(prior, few(), {}, catena::Reference{{0.5, 0}, {1, 0.2, 0.2, 1}}), 1);
}

void written() {
  std::puts("writers, logger, weights without moves");
  const catena::Model model{WithPrior()};
  std::vector<catena::Table> tables(sets);
  std::atomic<int> lines{0};
  catena::Io io;
  for (catena::Table &table : tables) io.sample_writers.push_back(catena::Writer::to(std::ref(table)));
  io.logger = [&](catena_level, std::int64_t, const std::string &line) { lines += line.find("temperature") != std::string::npos; };
  const catena::SmcResult result = catena::sample_smc(model, few(), std::move(io));
  CHECK(result.draws().empty());
  CHECK(lines >= static_cast<int>(sets));
  const catena::Draws kept = catena::sample_smc(model, few()).take_draws();
  CHECK_INT(tables[1].columns.size(), 6);
  CHECK_BITS(tables[1].values.data(), kept.values().data() + particles * 6, particles * 6);

  // One set's weights, each its own, average to its evidence.
  const catena::SmcResult one = catena::sample_smc(model, few().num_sets(1).num_moves(0));
  double sum = 0;
  for (const double w : one.draws().variable("log_weight__")) sum += std::exp(w);
  CHECK_BETWEEN(std::log(sum / particles) - one.sets()[0].log_evidence, -1e-9, 1e-9);
}

// Particle 99 of set 5 is where the likelihood is none. On one thread, the draws come in their order.
class Bad : public Conjugate {
 public:
  explicit Bad(int what) : what_(what) {}
  catena::Parts log_density_parts(catena::Position x, catena::Values g, catena::Values h) const {
    if (x[0] > 100 && what_ == 1) throw std::runtime_error("as the test wants it");
    if (x[0] > 100 && what_ == 2) throw catena::Reject("too far");
    catena::Parts both = parts(x, g, h);
    if (x[0] > 100) both.log_likelihood = std::nan("");
    return both;
  }
  void sample_prior(catena::Task &task, catena::Values x) const {
    x[0] = task.chain_id() == 5 && (*drawn_)++ == 99 ? 1000 : task.normal();
    x[1] = task.normal();
  }

 private:
  int what_;
  std::shared_ptr<std::atomic<int>> drawn_ = std::make_shared<std::atomic<int>>(0);
};

void failures() {
  std::puts("failures name set and particle");
  const catena::Model plain{Conjugate()}, prior{WithPrior()};
  const auto run = [](int what, std::size_t count = sets) {
    return catena::sample_smc(catena::Model{Bad(what)}, few().num_sets(count).num_threads(1));
  };
  const catena::SmcError error = THROWN(catena::SmcError, run(0));
  CHECK_INT(error.status(), CATENA_CHAIN_FAILED);
  const catena::SmcSet &set = error.result().sets()[0];
  CHECK_INT(set.outcome, CATENA_SET_FAILED);
  CHECK_INT(*set.error->set(), 5);
  CHECK_INT(*set.error->particle(), 99);
  CHECK_HAS(set.error->what(), "set 5, particle 99: expected a finite log likelihood");
  CHECK_HAS(error.what(), "set 5");
  CHECK(!error.result().complete());
  CHECK_INT(error.result().sets()[1].rows, particles);
  CHECK_BETWEEN(error.result().weights()[0], 0, 0);
  CHECK_BETWEEN(error.result().mean("x.1"), 0.86, 1.06);
  const catena::SmcError alone = THROWN(catena::SmcError, run(0, 1));
  CHECK_INT(*alone.set(), 5);
  CHECK(std::isnan(alone.result().evidence().log_estimate));
  CHECK_TEXT(THROWN(std::runtime_error, run(1)).what(), "as the test wants it");
  CHECK_INT(run(2).sets()[0].refused, 1);

  REFUSED(catena::sample_smc(plain, few().path("prior")), "path", "log_density_parts");
  REFUSED(catena::sample_smc(prior, few(), {}, catena::Reference{{0}, {1}}), "reference.mean", "got 1");
  REFUSED(catena::sample_smc(prior, few(), {}, catena::Reference{{0, 0}, {1, 1, 1}}), "reference.spread_size", "3");
  CHECK_HAS(THROWN(catena::Error, few().set("num_particle", 3)).what(), "num_particles");
  CHECK_HAS(THROWN(catena::Error, few().kernel("hcm")).what(), "hmc");
  catena::Io io;
  io.inits.resize(1);
  CHECK_HAS(THROWN(catena::Error, catena::sample_smc(prior, few(), std::move(io))).what(), "inits");
}

void interrupted() {
  std::puts("interrupted");
  catena::Io io;
  io.interrupt = [] { return true; };
  const catena::SmcResult result =
      catena::sample_smc(catena::Model{WithPrior()}, few().num_moves(1000000), std::move(io));
  CHECK(!result.complete());
  CHECK_INT(result.sets()[0].outcome, CATENA_SET_STOPPED);
  io = {};
  io.interrupt = []() -> bool { throw std::runtime_error("no more"); };
  CHECK_TEXT(THROWN(std::runtime_error, catena::sample_smc(catena::Model{WithPrior()}, few().num_moves(1000000), std::move(io)))
                 .what(), "no more");
}

}  // namespace

void pages() {
  std::puts("pages");
  const catena::SmcResult found = catena::sample_smc(catena::Model{WithPrior()}, few().set("num_sets", 3));
  for (const catena::SmcStage &stage : found.sets()[0].stages) CHECK(std::isnan(stage.ancestors) || stage.ancestors > 0);
  const std::string path = "pages.html";
  catena::Course course;
  course.note(found).report(path, "Three sets");
  std::ifstream file(path);
  const std::string page((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  CHECK_HAS(page.c_str(), "<title>Three sets</title>");
  CHECK_HAS(page.c_str(), "3 sets, ");
  CHECK_HAS(page.c_str(), "id=\"ancestors\"");
  CHECK_HAS(THROWN(catena::Error, catena::Course().report(path)).what(), "steps or particles");
  std::remove(path.c_str());
}

int main() {
  pages();
  paths();
  written();
  failures();
  interrupted();
  return 0;
}
