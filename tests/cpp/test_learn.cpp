// Sequential learning and design in C++.
#include "expect.hpp"

#include <algorithm>
#include <atomic>
#include <functional>
#include <numeric>

namespace {

using catena::Cells;
using catena::ConstMatrix;
using catena::Matrix;
using catena::Position;
using catena::Task;
using catena::Updater;
using catena::Values;

struct Planted : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A coin thrown several times; its bias is the parameter.
struct Coin {
  std::vector<const char *> parameters() const { return {"bias"}; }
  std::vector<catena::Field> fields() const { return {{"throws", CATENA_NUMBER_INTEGER}}; }
  std::size_t num_outcomes(Position throws) const { return static_cast<std::size_t>(throws[0]) + 1; }
  // The number of ways, for each experiment.
  std::vector<std::vector<double>> prepare(ConstMatrix experiments) const {
    std::vector<std::vector<double>> ways;
    for (const double n : experiments.column(0)) {
      ways.emplace_back(1, 1.0);
      for (int k = 1; k <= n; ++k) ways.back().push_back(ways.back().back() * (n - k + 1) / k);
    }
    return ways;
  }
  std::size_t make_worker() const { return 7; }
  void likelihood(const std::vector<std::vector<double>> &ways, ConstMatrix outcomes, ConstMatrix models,
                  ConstMatrix experiments, Cells out, std::size_t &worker) const {
    CHECK_INT(worker, 7);
    CHECK_INT(out.experiments(), experiments.rows());
    for (std::size_t e = 0; e < experiments.rows(); ++e)
      for (std::size_t o = 0; o < outcomes.rows(); ++o)
        for (std::size_t m = 0; m < models.rows(); ++m) {
          const double k = outcomes(o, 0), p = models(m, 0);
          out(o, m, e) = ways[e][static_cast<std::size_t>(k)] * std::pow(p, k) * std::pow(1 - p, experiments(e, 0) - k);
        }
  }
  void are_valid(ConstMatrix models, catena::View<std::uint8_t> valid) const {
    for (std::size_t m = 0; m < valid.size(); ++m) valid[m] = models(m, 0) > 0 && models(m, 0) < 1;
  }
  void score(ConstMatrix outcomes, ConstMatrix models, ConstMatrix experiments, catena::Scores out) const {
    for (std::size_t e = 0; e < experiments.rows(); ++e)
      for (std::size_t o = 0; o < outcomes.rows(); ++o)
        for (std::size_t m = 0; m < models.rows(); ++m)
          out(o, m, e, 0) =
              outcomes(o, 0) / models(m, 0) - (experiments(e, 0) - outcomes(o, 0)) / (1 - models(m, 0));
  }
};

const std::vector<double> heads{3, 2, 4, 1, 3, 2, 3, 5}, throws{5, 5, 6, 3, 4, 3, 5, 7};

catena::UpdaterOptions options() {
  return std::move(catena::UpdaterOptions().sets(4).models(5000).num_threads(2).seed(3));
}
catena::Prior unit() { return catena::Prior::uniform({0}, {1}); }

// 23 heads of 38 throws, uniform prior: Beta(24, 16).
void learns_the_posterior() {
  Updater updater(Coin(), unit(), options());
  updater.batch_update({3, 2, 4, 1}, {5, 5, 6, 3}, 2);
  updater = Updater::load(Coin(), updater.save());
  for (std::size_t i = 4; i < 8; ++i) updater.update({heads[i]}, {throws[i]});
  CHECK_INT(updater.num_records(), 8);
  CHECK(updater.record(5).outcome[0] == 2 && updater.record(5).experiment[0] == 3);
  const catena::Estimate mean = updater.means()[0];
  CHECK_BETWEEN(mean.mean, 0.6 - 5 * mean.standard_error, 0.6 + 5 * mean.standard_error);
  CHECK_BETWEEN(mean.standard_error, 0, 0.003);
  CHECK_BETWEEN(updater.covariance()[0], 0.9 * 0.24 / 41, 1.1 * 0.24 / 41);
  const catena::Estimate same = updater.mean_of([](Position x) { return x[0]; });
  CHECK_BETWEEN(same.mean - mean.mean, -1e-12, 1e-12);
  CHECK_BETWEEN(same.standard_error - mean.standard_error, -1e-12, 1e-12);
  CHECK_BETWEEN(updater.set_mean(2)[0], 0.59, 0.61);
  CHECK_BETWEEN(updater.set_covariance(2)[0], 0.005, 0.0067);
  double exact = std::lgamma(24) + std::lgamma(16) - std::lgamma(40);
  for (std::size_t i = 0; i < 8; ++i)
    exact += std::lgamma(throws[i] + 1) - std::lgamma(heads[i] + 1) - std::lgamma(throws[i] - heads[i] + 1);
  const catena::Evidence evidence = updater.log_likelihood();
  CHECK_BETWEEN(evidence.log_estimate, exact - 5 * evidence.standard_error, exact + 5 * evidence.standard_error);
  const std::vector<double> steps = updater.log_normalizations(1);
  CHECK_BETWEEN(std::accumulate(steps.begin(), steps.end(), 0.0) - updater.log_likelihood(1), -1e-9, 1e-9);
  CHECK(updater.resamples(1) > 0 && updater.least_ess(1) < 2500 && updater.ess(1) > 1000 && updater.lost(1) == 0);

  // The same bits of one thread, in one call per block, without a pause.
  Updater again(Coin(), unit(), options().num_threads(1));
  again.batch_update({3, 2, 4, 1}, {5, 5, 6, 3}, 2);
  for (std::size_t i = 4; i < 8; ++i) again.update({heads[i]}, {throws[i]});
  const std::vector<double> a = updater.models(3), b = again.models(3);
  CHECK_INT(a.size(), 5000);
  CHECK_BITS(a.data(), b.data(), a.size());
}

void estimates() {
  Updater updater(Coin(), unit(), options().divergences(true));
  updater.batch_update(heads, throws);
  CHECK_INT(updater.divergences(2).size(), updater.resamples(2));
  CHECK(updater.entropy(1) > 7 && updater.entropy(1) <= std::log(5000) + 1e-9);
  const std::vector<double> bars = updater.histogram(1, "bias", {0, 0.5, 1});
  CHECK_BETWEEN(0.5 * (bars[0] + bars[1]), 1 - 1e-12, 1 + 1e-12);
  const std::vector<double> curve = updater.density(1, "bias", {0.2, 0.6, 0.99});
  CHECK(curve[1] > 3 && curve[0] < 0.1 && curve[2] < 0.1);
  const std::vector<std::uint8_t> inside = updater.densest(1, 0.9);
  CHECK_BETWEEN(static_cast<double>(std::count(inside.begin(), inside.end(), 1)), 2500, 4950);
  const std::vector<double> ends = updater.hull(1, 0.9);
  CHECK_INT(ends.size(), 2);
  CHECK((updater.hull_contains(1, 0.9, {0.2, 0.6, 0.99}) == std::vector<std::uint8_t>{0, 1, 0}));
  const catena::Ellipsoid round = updater.ellipsoid(1, 0.9, 1e-6);
  CHECK_BETWEEN(round.centre[0] - (ends[0] + ends[1]) / 2, -1e-3, 1e-3);
  CHECK(round.contains({0.6}) && !round.contains({0.2}));
  // n / (p (1 - p)) is what n throws inform of p; its mean under Beta(24, 16) is n 39 38 / (23 15).
  const std::vector<double> information = updater.fisher_information(1, {5, 10});
  CHECK_BETWEEN(information[0], 0.97 * 5 * 39 * 38 / (23.0 * 15), 1.03 * 5 * 39 * 38 / (23.0 * 15));
  CHECK_BETWEEN(information[1] / information[0], 2 - 1e-9, 2 + 1e-9);
  CHECK_BETWEEN(catena::bayesian_bound(1, {12, information[0], information[1]})[0] * (12 + 3 * information[0]), 1 - 1e-9, 1 + 1e-9);
  REFUSED(updater.density(1, "weight", {0.5}), "parameter", "bias");
  REFUSED(updater.models(9), "set", "9");

  const catena::Hypothetical after = updater.hypothetical_update(2, {0, 1}, {1, 2});
  CHECK_INT(after.weights.size(), 4 * updater.set_size(2));
  CHECK_BETWEEN(std::exp(after.log_normalizations[0]) + std::exp(after.log_normalizations[1]), 1 - 1e-9, 1 + 1e-9);
  const double *third = after.weights.data() + 2 * updater.set_size(2);
  CHECK_BETWEEN(std::accumulate(third, third + updater.set_size(2), 0.0), 1 - 1e-9, 1 + 1e-9);
  const std::vector<double> cells = updater.likelihood({0, 1}, {0.25, 0.5, 0.75}, {1, 2});
  CHECK_BETWEEN(cells[(1 * 2 + 0) * 3 + 2], 0.0625 - 1e-15, 0.0625 + 1e-15);
  for (const double k : updater.simulate({0.25, 0.5}, {3})) CHECK(k >= 0 && k <= 3 && k == std::floor(k));
}

void models_and_weights_of_the_host() {
  Updater updater(Coin(), unit(), options());
  updater.update({3}, {5});
  int calls = 0;
  updater.resample_by([&](std::uint64_t, ConstMatrix models, Position weights, std::size_t wanted) {
    ++calls;
    CHECK_INT(wanted, 5000);
    const auto half = static_cast<std::ptrdiff_t>(models.rows() / 2);
    return catena::WeightedModels{{models.data(), models.data() + half}, {weights.begin(), weights.begin() + half}};
  });
  updater.resample();
  CHECK_INT(calls, 4);
  CHECK_INT(updater.set_size(1), 2500);
  updater.resample_by([](std::uint64_t, ConstMatrix, Position, std::size_t) -> catena::WeightedModels { throw Planted("r"); });
  CHECK_HAS(THROWN(Planted, updater.resample()).what(), "r");
  updater.resample_by({});
  updater.resample(10);
  CHECK_INT(updater.set_size(4), 10);
  updater.set_models(1, {{0.2, 0.4, 0.6}, {1, 2, 1}});
  CHECK_BETWEEN(updater.set_mean(1)[0], 0.4 - 1e-15, 0.4 + 1e-15);
  updater.set_log_weights(1, {0, 0, std::log(2)});
  CHECK_BETWEEN(updater.weights(1)[2], 0.5 - 1e-15, 0.5 + 1e-15);
  CHECK_INT(updater.log_weights(1).size(), 3);
  updater.reset();
  CHECK_INT(updater.num_records(), 0);
  CHECK_INT(updater.set_size(1), 5000);
}

// Of two numbers: what is measured of a normal with unknown mean and sign, and a clock that drifts.
struct Drift {
  std::atomic<int> *moved;
  std::vector<std::string> parameters() const { return {"mean", "sd"}; }
  catena_number outcome_kind() const { return CATENA_NUMBER_REAL; }
  std::size_t outcome_width() const { return 2; }
  catena_threading threading() const { return CATENA_THREADS_CALLER; }
  bool whole() const { return true; }
  void log_likelihood(ConstMatrix outcomes, ConstMatrix models, ConstMatrix experiments, Cells out) const {
    CHECK_INT(experiments.columns(), 0);
    for (std::size_t e = 0; e < out.experiments(); ++e)
      for (std::size_t o = 0; o < out.outcomes(); ++o)
        for (std::size_t m = 0; m < out.models(); ++m) {
          const double a = outcomes(o, 0) - models(m, 0), b = outcomes(o, 1) - models(m, 0), sd = std::abs(models(m, 1));
          out(o, m, e) = -0.5 * (a * a + b * b) / (sd * sd) - 2 * std::log(sd) - std::log(2 * 3.141592653589793);
        }
  }
  void canonicalize(Matrix models) const {
    for (double &sd : models.column(1)) sd = std::abs(sd);
  }
  void simulate(Task &task, ConstMatrix models, ConstMatrix, Cells out) const {
    for (std::size_t k = 0; k < 2; ++k) {
      task.normals(out.row(k, 0));
      for (std::size_t m = 0; m < models.rows(); ++m) out(k, m, 0) = models(m, 0) + models(m, 1) * out(k, m, 0);
    }
  }
  void update_timestep(Position, Matrix models) const {
    ++*moved;
    for (double &mean : models.column(0)) mean += 0.25;
  }
  void experiment_cost(ConstMatrix, Values out) const {
    for (double &cost : out) cost = 2;
  }
};

void outcomes_of_several_numbers() {
  std::atomic<int> moved{0};
  CHECK_INT(catena::Prior::product({catena::Prior::normal({0}, {4}), unit()}).dimension(), 2);
  const catena::Prior prior = catena::Prior::draws(3, 2, {0, 1, 2, -1, -1, -1});
  Updater updater(Drift{&moved}, prior, options().models(300));
  updater.update({1.0, 1.0}, {});
  CHECK_INT(moved, 4);
  const std::vector<double> x = updater.models(2), w = updater.weights(2);
  double count = 0, weight = 0;
  for (std::size_t i = 0; i < 300; ++i)
    if (x[i] == 1.25) count += 1, weight += w[i];
  CHECK(count > 50 && weight > count / 300);
  updater.resample();
  CHECK(updater.models(1)[299] < 2.5 && updater.models(1)[300] > 0.99);
  CHECK_INT(updater.simulate({0, 5, 1, 1}, {}).size(), 4);
  REFUSED(updater.update({1}, {}), "outcome", "2 numbers");
  // Draws of a run.
  const catena::Draws draws(1, 4, {"lp__", "a", "b"}, {0, 1, 10, 0, 2, 20, 0, 3, 30, 0, 4, 40});
  const Updater from_draws(Drift{&moved}, catena::Prior::draws(draws, {"a", "b"}), options());
  const std::vector<double> drawn = from_draws.models(1);
  for (std::size_t i = 0; i < 5000; ++i) CHECK(drawn[5000 + i] == 10 * drawn[i]);
}

catena::Likelihood precession() {
  return catena::Likelihood({"omega"}, {"t", "inverted"}, [](ConstMatrix outcomes, ConstMatrix models, ConstMatrix experiments, Cells out) {
    for (std::size_t e = 0; e < experiments.rows(); ++e)
      for (std::size_t o = 0; o < outcomes.rows(); ++o) {
        const Values row = out.row(o, e);
        std::vector<double> phase(row.size());
        for (std::size_t m = 0; m < row.size(); ++m)
          phase[m] = 0.5 * (models(m, 0) - experiments(e, 1)) * experiments(e, 0);
        catena::cos_squared(Position(phase.data(), phase.size()), row);
        if (outcomes(o, 0) == 1)
          for (double &p : row) p = 1 - p;
      }
  });
}

void designs() {
  Updater updater(precession(), unit(), options().models(2000).liu_west(0.99));
  const catena::Worth worth = updater.worth({0, 1, 3, 0, 0, 0});
  CHECK(worth.gains[0] < 1e-12 && worth.gains[1] < worth.gains[2]);
  CHECK(worth.risks[0] > worth.risks[1] && worth.risks[1] > worth.risks[2]);
  CHECK(updater.worth({3, 0}, {4}).risks[0] > 3 * worth.risks[2]);
  CHECK((updater.design(catena::Design::best({0, 1, 3, 0, 0, 0})) == std::vector<double>{3, 0}));
  CHECK((updater.design(catena::Design::sparse("t").scale(3).fields({9, 0.5}), 2) == std::vector<double>{3 * 81.0 / 64, 0.5}));
  CHECK_BETWEEN(catena::sparse_time(2, 3), 3 * 81.0 / 64, 3 * 81.0 / 64);
  const std::vector<double> guess = updater.design(catena::Design::guess("t").longest(50).guessed("inverted", "omega"));
  CHECK(guess[0] > 1 && guess[0] <= 50 && guess[1] > 0 && guess[1] < 1);
  const catena::Optimum best = updater.optimize({1, 0}, {{"t"}, {0.5}, {0}, {4}});
  CHECK(best.experiment[0] > 2 && best.experiment[0] <= 4 && best.value > worth.gains[1]);
  REFUSED(updater.design(catena::Design::guess("time")), "time", "t, inverted");
  REFUSED(updater.optimize({1, 0}, {{"t"}, {0.5, 1}}), "scales", "1 numbers");

  // The loop: counts of a simulated frequency.
  const double truth = 0.37;
  std::uint32_t last = 0;
  const auto measure = [&](std::uint32_t k, Position experiment) {
    last = k;
    return std::optional<double>(updater.simulate({truth}, {experiment[0], experiment[1]})[0]);
  };
  const std::uint32_t taken = updater.learn(catena::Design::guess("t").longest(200).guessed("inverted", "omega"), 60, measure);
  CHECK_INT(taken, 60);
  CHECK_INT(last, 59);
  const catena::Estimate omega = updater.means()[0];
  const double sd = std::sqrt(updater.covariance()[0]);
  CHECK(sd < 0.02);
  CHECK_BETWEEN(omega.mean - truth, -5 * sd, 5 * sd);
  // The loop of the C ABI has the same bits.
  const auto outcome = [](double t) { return std::cos(t) > 0 ? 0.0 : 1.0; };
  Updater ours(precession(), unit(), options().models(500)), theirs(precession(), unit(), options().models(500));
  const catena::Design guesses = catena::Design::guess("t").longest(200);
  ours.learn(guesses, 20, [&](std::uint32_t, Position x) { return outcome(x[0]); });
  const catena::Likelihood of = precession();
  guesses.with_table(of, [&](const catena_design &table) {
    const auto run = [](void *user, std::uint32_t, const double *x, double *out) noexcept {
      *out = (*static_cast<decltype(&outcome)>(user))(x[0]);
      return 0;
    };
    std::uint32_t count = 0;
    auto *handle = const_cast<catena_updater *>(theirs.handle());
    catena::detail::check(catena_updater_learn, handle, &table, 20u, +run,
                          const_cast<void *>(static_cast<const void *>(&outcome)), &count);
    CHECK_INT(count, 20);
  });
  const std::vector<double> a = ours.models(4), b = theirs.models(4);
  CHECK_BITS(a.data(), b.data(), a.size());
  // An end, and an exception, in the middle.
  const auto ends = [](std::uint32_t k, Position) { return k < 3 ? std::optional(std::vector<double>{1}) : std::nullopt; };
  CHECK_INT(updater.learn(catena::Design::sparse("t"), 10, ends), 3);
  CHECK_INT(updater.num_records(), 63);
  const auto throwing = [](std::uint32_t k, Position) -> double { return k < 2 ? 0 : throw Planted("measured"); };
  CHECK_HAS(THROWN(Planted, updater.learn(catena::Design::sparse("t"), 10, throwing)).what(), "measured");
  CHECK_INT(updater.num_records(), 65);
}

void failures() {
  Updater updater(Coin(), unit(), options());
  updater.update({3}, {5});
  const std::vector<double> before = updater.log_weights(1);
  REFUSED(updater.update({9}, {5}), "outcome", "one of the 6 outcomes");
  REFUSED(updater.update({1}, {1.5}), "experiments.throws", "1.5");
  REFUSED(updater.update({1}, {}), "experiment", "1 numbers");
  REFUSED(catena::Prior::normal({0, 1}, {1}), "covariance", "4");
  REFUSED(Updater(Coin(), unit(), options().sets(0)), "num_sets", "1");
  CHECK_INT(THROWN(catena::Error, Updater::load(precession(), updater.save())).status(), CATENA_CHECKPOINT);
  CHECK_BITS(before.data(), updater.log_weights(1).data(), before.size());

  struct OneCell {
    double value;
    std::vector<std::string> parameters() const { return {"x"}; }
    void likelihood(ConstMatrix, ConstMatrix, ConstMatrix, Cells out) const {
      if (std::isnan(value)) throw Planted("planted");
      for (double &p : out.row(0, 0)) p = value;
    }
  };
  Updater throwing(OneCell{std::nan("")}, unit(), options());
  CHECK_HAS(THROWN(Planted, throwing.update({1}, {})).what(), "planted");
  CHECK_INT(throwing.num_records(), 0);
  Updater wrong(OneCell{1.5}, unit(), options());
  const catena::Error error = THROWN(catena::Error, wrong.update({1}, {}));
  CHECK_INT(error.status(), CATENA_MODEL);
  CHECK_INT(error.set().value(), 1);
  CHECK_INT(error.particle().value(), 0);
  CHECK_HAS(error.what(), "outcome 1, model 0, experiment 0: expected a probability from 0 to 1, got 1.5");
  std::vector<std::string> lines;
  catena::UpdaterIo io;
  io.logger = [&](catena_level, std::int64_t, const std::string &line) { lines.push_back(line); };
  Updater warned(OneCell{0}, unit(), options().zero_weights(CATENA_ZERO_WEIGHTS_WARN), std::move(io));
  warned.update({1}, {});
  CHECK_INT(lines.size(), 4);
  CHECK_INT(warned.lost(2), 1);
  CHECK_INT(THROWN(catena::Error, Updater(OneCell{0}, unit(), options()).update({1}, {})).status(), CATENA_ALL_LOST);
}

}  // namespace

int main() {
  learns_the_posterior();
  estimates();
  models_and_weights_of_the_host();
  outcomes_of_several_numbers();
  designs();
  failures();
  return 0;
}
