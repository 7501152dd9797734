// Pathfinder and variational inference: draws, what they are worth, failures, exceptions of a model.
#include "expect.hpp"

namespace {

constexpr double centre[dimension] = {1, -2}, spread[dimension] = {0.5, 3};

class Gaussian {
 public:
  std::size_t dimension() const { return ::dimension; }
  double log_density(catena::Position x, catena::Values gradient) const {
    double sum = 0;
    for (std::size_t j = 0; j < ::dimension; ++j) {
      const double z = (x[j] - centre[j]) / spread[j];
      gradient[j] = -z / spread[j];
      sum -= 0.5 * z * z;
    }
    return sum;
  }
};

// A standard normal without values below -5.
class Cut {
 public:
  std::size_t dimension() const { return 1; }
  double log_density(catena::Position x, catena::Values gradient) const {
    gradient[0] = -x[0];
    return x[0] < -5 ? std::nan("") : -0.5 * x[0] * x[0];
  }
};

class Throws {
 public:
  std::size_t dimension() const { return 1; }
  double log_density(catena::Position, catena::Values) const { throw std::runtime_error("as the test wants it"); }
};

double mean(const catena::Draws &draws, std::size_t chain, std::size_t column, std::size_t rows) {
  double sum = 0;
  for (std::size_t i = 0; i < rows; ++i) sum += draws(chain, i, column);
  return sum / static_cast<double>(rows);
}

void paths() {
  const catena::Model model{Gaussian()};
  catena::Options options;
  options.seed(3).num_threads(2);
  const catena::Approximation found = catena::pathfinder(model, options);
  CHECK(found.complete());
  CHECK_INT(found.fits().size(), 4);
  CHECK_INT(found.rows(), 1000);
  CHECK_TEXT(found.draws().columns()[0].c_str(), "lp_approx__");
  CHECK_BETWEEN(found.khat(), -2, 0.7);
  CHECK_BETWEEN(mean(found.draws(), 0, 3, 1000), centre[0] - 0.1, centre[0] + 0.1);
  CHECK_BETWEEN(mean(found.draws(), 0, 4, 1000), centre[1] - 0.6, centre[1] + 0.6);
  CHECK_INT(found.positions().size(), 2000);
  CHECK_BETWEEN(found.positions()[1] - found.draws()(0, 0, 4), 0, 0);
  options.set("num_paths", 2).set("num_draws", 5).set("psis_resample", false);
  CHECK_INT(catena::pathfinder(model, options).draws().draws(), 10);
}

void fits() {
  const catena::Model model{Gaussian()};
  catena::Options options;
  options.seed(3).num_threads(2).num_chains(2).set("output_draws", 400);
  const catena::Approximation found = catena::variational(model, options);
  CHECK(found.complete());
  CHECK_INT(found.draws().chains(), 2);
  CHECK_INT(found.draws().draws(), 401);
  for (std::size_t i = 0; i < 2; ++i) {
    const catena::ApproximationFit &fit = found.fits()[i];
    CHECK_INT(fit.id, i + 1);
    CHECK_BETWEEN(found.draws()(i, 0, 3) - fit.mean[0], 0, 0);
    for (std::size_t j = 0; j < dimension; ++j) {
      CHECK_BETWEEN((fit.mean[j] - centre[j]) / spread[j], -0.1, 0.1);
      CHECK_BETWEEN(fit.sd[j] / spread[j], 0.9, 1.1);
    }
  }
}

void failures() {
  const catena::Model model{Cut()};
  catena::Options options;
  options.seed(1).num_threads(2);
  catena::Io io;
  for (const double start : {0.5, 1.0, 1.5, -10.0}) io.inits.push_back(catena::Init::position({start}));
  const catena::Approximation found = catena::pathfinder(model, options, std::move(io));
  CHECK(!found.complete());
  CHECK(!found.fits()[0].error);
  CHECK_HAS(found.fits()[3].error->what(), "chain 4");
  CHECK_INT(found.draws().draws(), 1000);
  catena::Io far;
  far.inits.push_back(catena::Init::position({-10}));
  const auto error = THROWN(catena::ApproximationError, catena::pathfinder(model, options, std::move(far)));
  CHECK_HAS(error.what(), "4 of 4 paths failed");
  CHECK_INT(error.result().rows(), 0);
  THROWN(std::runtime_error, catena::pathfinder(catena::Model{Throws()}, options));
  THROWN(std::runtime_error, catena::variational(catena::Model{Throws()}, options));
}

}  // namespace

int main() {
  paths();
  fits();
  failures();
  return 0;
}
