// Particle filters of state-space models in C++.
#include "expect.hpp"

#include <numeric>

namespace {

using catena::ConstStates;
using catena::States;
using catena::Task;
using catena::Values;

constexpr double a = 0.9, q = 0.5, r = 0.7;
const std::vector<double> ys{0.3, -0.8, 1.1, 0.4, -0.2, 0.9};

double log_normal(double x, double mean, double variance) {
  return -0.5 * ((x - mean) * (x - mean) / variance + std::log(2 * 3.141592653589793 * variance));
}

// x_0 ~ N(0, 1), x_t ~ N(a x_{t-1}, q), y_t ~ N(x_t, r), in two coordinates that see the same data.
struct Linear {
  std::size_t dimension() const { return 2; }
  void initial(Task &task, States x) const { task.normals(x.all()); }
  void transition(Task &task, std::size_t, ConstStates previous, States x) const {
    task.normals(x.all());
    for (std::size_t i = 0; i < x.all().size(); ++i) x.all()[i] = a * previous.all()[i] + std::sqrt(q) * x.all()[i];
  }
  void log_weight(std::size_t t, ConstStates, ConstStates x, Values w) const {
    for (std::size_t i = 0; i < w.size(); ++i) w[i] = log_normal(ys[t], x(i, 0), r) + log_normal(ys[t], x(i, 1), r);
  }
  void transition_log_density(std::size_t, ConstStates previous, ConstStates x, Values w) const {
    for (std::size_t i = 0; i < w.size(); ++i)
      w[i] = log_normal(x(i, 0), a * previous(i, 0), q) + log_normal(x(i, 1), a * previous(i, 1), q);
  }
  double transition_log_density_bound() const { return -std::log(2 * 3.141592653589793 * q); }
};

// With the best proposal there is, and looking ahead.
struct Guided : Linear {
  static double ahead(std::size_t t, ConstStates previous, std::size_t i, std::size_t j) {
    return t > 0 ? a * previous(i, j) : 0;
  }
  void propose(Task &task, std::size_t t, ConstStates previous, States x) const {
    const double variance = t > 0 ? q : 1, gain = variance / (variance + r);
    task.normals(x.all());
    for (std::size_t j = 0; j < 2; ++j)
      for (std::size_t i = 0; i < x.rows(); ++i) {
        const double mean = ahead(t, previous, i, j);
        x(i, j) = mean + gain * (ys[t] - mean) + std::sqrt(gain * r) * x(i, j);
      }
  }
  void proposal_log_weight(std::size_t t, ConstStates previous, ConstStates, Values w) const { promise(t, previous, w); }
  void auxiliary_log_weight(std::size_t t, ConstStates previous, Values w) const { promise(t, previous, w); }

 private:
  static void promise(std::size_t t, ConstStates previous, Values w) {
    const double variance = (t > 0 ? q : 1) + r;
    for (std::size_t i = 0; i < w.size(); ++i)
      w[i] = log_normal(ys[t], ahead(t, previous, i, 0), variance) + log_normal(ys[t], ahead(t, previous, i, 1), variance);
  }
};

catena::FilterOptions options() {
  return std::move(catena::FilterOptions().times(ys.size()).sets(20).particles(300).seed(3).num_threads(2));
}

struct Exact {
  double log = 0, mean = 0, variance = 1;
  Exact() {
    for (std::size_t t = 0; t < ys.size(); ++t) {
      if (t > 0) mean *= a, variance = a * a * variance + q;
      log += 2 * log_normal(ys[t], mean, variance + r);
      mean += variance / (variance + r) * (ys[t] - mean);
      variance *= r / (variance + r);
    }
  }
};

void near(const catena::Filter &found) {
  CHECK(found.standard_error() > 0 && found.standard_error() < 0.1);
  CHECK_BETWEEN(std::exp(found.log_evidence() - Exact().log), 1 - 4 * found.standard_error(), 1 + 4 * found.standard_error());
}

void is_the_kalman_filter() {
  const catena::Filter found = catena::filter(Linear(), options());
  near(found);
  CHECK_INT(found.num_sets(), 20);
  double mean = 0, variance = 0;
  for (std::size_t set = 0; set < 20; ++set) {
    CHECK_INT(found.num_times(set), ys.size());
    mean += found.means(set)[10] / 20;
    variance += found.variances(set)[10] / 20;
    CHECK(found.log_evidences(set).back() == found.set_log_evidence(set));
  }
  CHECK_BETWEEN(mean, Exact().mean - 0.05, Exact().mean + 0.05);
  CHECK_BETWEEN(variance, Exact().variance - 0.03, Exact().variance + 0.03);
  // The same bits of any threads and other sets.
  const catena::Filter some = catena::filter(Linear(), options().sets(2).init_set_id(4).num_threads(1));
  CHECK_INT(some.set_id(0), 4);
  CHECK_BITS(some.means(1).data(), found.means(4).data(), 12);
  CHECK(catena::filter(Linear(), options().seed(4)).log_evidence() != found.log_evidence());
}

void looks_back() {
  const catena::Filter found = catena::filter(Linear(), options().trajectories(50).history(true));
  const std::vector<double> drawn = found.trajectories(3);
  CHECK_INT(drawn.size(), 50 * 2 * ys.size());
  const catena::Particles last = found.particles(3, 5), before = found.particles(3, 4);
  const std::vector<double> path = found.lineage(3, 7);
  CHECK(path[10] == last.states[7] && path[11] == last.states[307]);
  CHECK(path[8] == before.states[last.ancestors[7]]);
  CHECK_INT(found.survivors(3).back(), 300);
  CHECK_HAS(THROWN(catena::Error, catena::filter(Linear(), options()).lineage(0, 0)).what(), "history");
}

// Particle Gibbs: the trajectories of conditional sweeps have the smoothing law; here, that the retained one is followed.
void conditional_sweeps() {
  std::vector<double> path(2 * ys.size(), 0.25);
  const catena::Filter sweep = catena::filter(Linear(), options().sets(2).retained(path));
  CHECK(sweep.particles(0, 3).states[0] == 0.25);
  CHECK(sweep.lineage(1, 0) == path);
  const std::vector<double> next = sweep.lineage(0, sweep.drawn(0).value());
  CHECK_INT(next.size(), path.size());
  CHECK(!sweep.drawn(2));
  REFUSED(catena::filter(Linear(), options().retained({1.0})), "retained", "12");
}

void other_kinds() {
  const catena::Filter guided = catena::filter(Guided(), options().kind(CATENA_FILTER_GUIDED));
  near(guided);
  CHECK(guided.standard_error() < catena::filter(Linear(), options()).standard_error());
  near(catena::filter(Guided(), options().kind(CATENA_FILTER_AUXILIARY)));
  REFUSED(catena::filter(Linear(), options().kind(CATENA_FILTER_GUIDED)), "kind", "proposal");
}

struct Planted : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Failing : Linear {
  double value;
  std::size_t make_worker() const { return 7; }
  void log_weight(std::size_t t, ConstStates previous, ConstStates x, Values w, std::size_t &worker) const {
    CHECK_INT(worker, 7);
    if (t == 2 && std::isnan(value)) throw Planted("planted");
    Linear::log_weight(t, previous, x, w);
    if (t == 2)
      for (double &one : w) one = value;
  }
};

void failures() {
  CHECK_HAS(THROWN(Planted, catena::filter(Failing{{}, std::nan("")}, options())).what(), "planted");
  const double infinity = std::numeric_limits<double>::infinity();
  const catena::Error error = THROWN(catena::Error, catena::filter(Failing{{}, infinity}, options()));
  CHECK_INT(error.set().value(), 1);
  CHECK_INT(error.particle().value(), 0);
  const catena::Filter lost = catena::filter(Failing{{}, -infinity}, options());
  CHECK(lost.lost(0) && lost.failure()->status() == CATENA_ALL_LOST);
  CHECK_INT(lost.num_times(0), 3);
  CHECK(lost.trajectories(0).empty());
  catena::FilterIo io;
  io.interrupt = [] { return true; };
  // Long enough for it to be asked.
  const catena::FilterOptions large = std::move(options().sets(200).particles(20000));
  CHECK_INT(THROWN(catena::Error, catena::filter(Linear(), large, std::move(io))).status(), CATENA_INTERRUPTED);
  REFUSED(catena::filter(Linear(), options().sets(0)), "num_sets", "1");
}

}  // namespace

int main() {
  is_the_kalman_filter();
  looks_back();
  conditional_sweeps();
  other_kinds();
  failures();
  return 0;
}
