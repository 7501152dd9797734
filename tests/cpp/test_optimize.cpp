// Modes and normal distributions at them: the best and the distinct ones, ends that are none, exceptions of a model.
#include "expect.hpp"

namespace {

// Wells at -3 and 3, the latter a little higher, and nothing below -50.
double wells(catena::Position x, catena::Values gradient) {
  const double off = x[0] * x[0] - 9;
  gradient[0] = -off * x[0] + 0.1;
  return x[0] < -50 ? std::nan("") : -0.25 * off * off + 0.1 * x[0];
}

double endless(catena::Position x, catena::Values gradient) {
  gradient[0] = 1;
  return x[0];
}

double throws(catena::Position, catena::Values) { throw std::runtime_error("as the test wants it"); }

void modes() {
  const catena::Model model(1, wells);
  for (const char *algorithm : {"lbfgs", "bfgs", "newton"}) {
    catena::Options options;
    options.seed(3).num_threads(2).set("num_starts", 16).set("algorithm", algorithm);
    const catena::OptimizeResult found = catena::optimize(model, options);
    CHECK(found.converged());
    CHECK_INT(found.starts().size(), 16);
    CHECK_INT(found.modes().size(), 2);
    CHECK_INT(found.modes()[0].found + found.modes()[1].found, 16);
    CHECK_BETWEEN(found.best().outputs[0], 3.0, 3.01);
    CHECK_BETWEEN(found.best().position[0] - found.best().outputs[0], 0, 0);
    CHECK_INT(found.best().id, found.modes()[0].start + 1);
  }
}

void ends() {
  catena::Options options;
  options.seed(1).num_threads(2).set("num_starts", 2).set("max_iterations", 20);
  const auto error = THROWN(catena::OptimizeError, catena::optimize(catena::Model(1, endless), options));
  CHECK_INT(error.status(), CATENA_NOT_CONVERGED);
  CHECK_HAS(error.what(), "iteration 20");
  CHECK_INT(error.result().starts()[0].ending, CATENA_ENDING_ITERATION_LIMIT);
  CHECK_INT(error.result().modes().size(), 0);
  catena::Io io;
  for (const double start : {1.0, -60.0}) io.inits.push_back(catena::Init::position({start}));
  options.set("max_iterations", 200);
  const catena::OptimizeResult found = catena::optimize(catena::Model(1, wells), options, std::move(io));
  CHECK(found.starts()[0].converged());
  CHECK_INT(found.starts()[1].ending, CATENA_ENDING_FAILED);
  CHECK_HAS(found.starts()[1].error->what(), "chain 2");
  THROWN(std::runtime_error, catena::optimize(catena::Model(1, throws), options));
}

void draws() {
  const catena::Model model(1, wells);
  catena::Options options;
  options.seed(1).num_threads(2).num_chains(2).set("laplace_draws", 300);
  const double mode = catena::optimize(model, options).best().position[0];
  catena::Io io;
  for (int i = 0; i < 2; ++i) io.inits.push_back(catena::Init::position({mode}));
  const catena::Approximation found = catena::laplace(model, options, std::move(io));
  CHECK(found.complete());
  CHECK_INT(found.draws().chains(), 2);
  CHECK_INT(found.draws().draws(), 300);
  CHECK_TEXT(found.draws().columns()[1].c_str(), "log_q__");
  // The second derivative is 9 - 3 x^2.
  CHECK_BETWEEN(found.fits()[1].sd[0] * std::sqrt(3 * mode * mode - 9), 1 - 1e-6, 1 + 1e-6);
  catena::Io saddle;
  for (int i = 0; i < 2; ++i) saddle.inits.push_back(catena::Init::position({0.0}));
  const auto error = THROWN(catena::ApproximationError, catena::laplace(model, options, std::move(saddle)));
  CHECK_HAS(error.what(), "no mode");
}

}  // namespace

int main() {
  modes();
  ends();
  draws();
  return 0;
}
