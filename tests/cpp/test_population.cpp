// Populations: traces of any movable type, models of which every member but one may be missing, functions, failures.
#include "expect.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <numeric>
#include <thread>

namespace {

using catena::Bytes;
using catena::Task;

std::atomic<int> live{0};

// Movable and not copyable: the model copies it.
class Walker {
 public:
  explicit Walker(double x) : x_(std::make_unique<double>(x)) { ++live; }
  Walker(Walker &&other) noexcept : x_(std::move(other.x_)) { ++live; }
  ~Walker() { --live; }
  double &x() const { return *x_; }

 private:
  std::unique_ptr<double> x_;
};

enum : std::int64_t { MOVE = 1, OBSERVE, PUT, THROW_AT, REJECT_ABOVE, STRANGE };

double log_normal(double y, double x) { return -0.5 * (y - x) * (y - x) - 0.5 * std::log(2 * 3.141592653589793); }

// Of a walk that is observed with noise; has every member.
struct Walk {
  catena_threading from = CATENA_THREADS_ANY;

  Walker create(Task &task) const { return Walker(task.normal()); }
  Walker copy(const Walker &trace) const { return Walker(trace.x()); }
  double apply(Walker &trace, std::int64_t operation, Bytes argument, Task &task) const {
    const double a = argument.size() ? argument.as<double>() : 0;
    switch (operation) {
      case MOVE: trace.x() += a * task.normal(); break;
      case OBSERVE: return log_normal(a, trace.x());
      case PUT: trace.x() = a; break;
      case THROW_AT:
        trace.x() = 1e6;
        if (task.particle() == static_cast<std::int64_t>(a) && task.chain_id() == 2) throw std::runtime_error("planted");
        break;
      case REJECT_ABOVE:
        if (trace.x() > a) throw catena::Reject("too far");
        break;
      case STRANGE: throw 3;
    }
    return 0;
  }
  double incorporate(Walker &trace) const { return trace.x() / 8; }
  void reset_to_prior(Walker &trace, Task &task) const { trace.x() = task.normal(); }
  double weigh(Walker &trace) const { return -std::abs(trace.x()); }
  void report(const Walker &trace, std::int64_t what, catena::Values out) const {
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] = static_cast<double>(what) + static_cast<double>(i + 1) * trace.x();
  }
  void sample(const Walker &trace, std::int64_t, catena::Values out, Task &task) const {
    for (double &value : out) value = trace.x() + task.normal();
  }
  catena::Family<Walker> diversify(const Walker &trace, std::int64_t, Bytes argument) const {
    catena::Family<Walker> family;
    for (const double side : {-1.0, 1.0})
      family.emplace_back(Walker(trace.x() + side * argument.as<double>()), std::log(0.5));
    return family;
  }
  std::array<std::uint64_t, 2> fingerprint(const Walker &trace, std::int64_t) const {
    return {static_cast<std::uint64_t>(static_cast<std::int64_t>(std::floor(trace.x()))), 0};
  }
  std::vector<std::uint8_t> serialize(const Walker &trace) const {
    const auto *first = reinterpret_cast<const std::uint8_t *>(&trace.x());
    return std::vector<std::uint8_t>(first, first + sizeof(double));
  }
  Walker deserialize(Bytes bytes) const { return Walker(bytes.as<double>()); }
  catena_threading threading() const { return from; }
};

// One of each verb that is for all sets alike.
void steps(catena::Population<Walker> &p) {
  p.apply(OBSERVE, 0.5);
  p.resample(0, CATENA_RESAMPLING_SYSTEMATIC, 0.9);
  p.apply(MOVE, 0.3);
  p.resample(40, CATENA_RESAMPLING_MULTINOMIAL);
  p.incorporate();
  const double side = 0.1;
  p.diversify(0, Bytes(&side, sizeof side));
  p.resample(30, CATENA_RESAMPLING_SSP);
  p.collapse();
  p.reset_to_prior(25);
  p.likelihood_weight();
  p.resample(0, CATENA_RESAMPLING_RESIDUAL);
  p.apply(MOVE, 1.0);
  p.apply(OBSERVE, -0.3);
}

std::vector<double> seen(catena::Population<Walker> &p) {
  std::vector<double> all = p.report();
  for (const std::uint64_t set : p.set_ids()) {
    const std::vector<double> weights = p.log_weights(set);
    all.insert(all.end(), weights.begin(), weights.end());
    all.push_back(p.log_evidence(set));
  }
  return all;
}

void equal(const std::vector<double> &a, const std::vector<double> &b) {
  CHECK(!a.empty());
  CHECK_INT(a.size(), b.size());
  CHECK_BITS(a.data(), b.data(), a.size());
}

catena::Options options(std::size_t threads) { return std::move(catena::Options().seed(7).num_threads(threads)); }

void same_bits_on_any_threads_and_after_a_load() {
  catena::Population<Walker> one(Walk{}, options(1)), three(Walk{}, options(3)),
      caller(Walk{CATENA_THREADS_CALLER}, options(2));
  std::vector<double> first;
  for (catena::Population<Walker> *p : {&one, &three, &caller}) {
    p->reinitialize(3, 60);
    steps(*p);
    if (first.empty()) first = seen(*p);
    equal(seen(*p), first);
  }
  // Grown is as begun with more.
  catena::Population<Walker> grown(Walk{}, options(2));
  grown.reinitialize(1, 60);
  steps(grown);
  CHECK_INT(grown.grow_iid(2), 2);
  equal(seen(grown), first);
  const catena::Checkpoint saved = grown.save();
  catena::Population<Walker> loaded = catena::Population<Walker>::load(Walk{}, saved, options(2));
  equal(seen(loaded), first);
  steps(loaded);
  steps(grown);
  equal(seen(loaded), seen(grown));
  equal(loaded.sample(0, 2, CATENA_WHICH_SETS), grown.sample(0, 2, CATENA_WHICH_SETS));
  const catena::Checkpoint bad({1, 2, 3});
  const catena::Error error = THROWN(catena::Error, catena::Population<Walker>::load(Walk{}, bad));
  CHECK_INT(error.status(), CATENA_CHECKPOINT);
}

void functions_are_kept_for_sets_that_are_grown() {
  const auto run = [](std::size_t sets, std::size_t more) {
    catena::Population population([](Task &task) { return task.normal(); }, options(2));
    static_assert(std::is_same_v<decltype(population)::Trace, double>);
    population.reinitialize(sets, 50);
    for (const double y : {0.3, 1.1, -0.4}) {
      population.apply([](double &x, Task &task) { x += 0.5 * task.normal(); });
      population.apply([y](double &x) { return log_normal(y, x); });
      population.resample(0, CATENA_RESAMPLING_STRATIFIED, 0.7);
    }
    population.diversify([](const double &x) { return catena::Family<double>{{x, -1.0}, {x + 1, -2.0}}; });
    if (more) population.grow_iid(more);
    return population;
  };
  const auto all = [](const catena::Population<double> &p) {
    std::vector<double> all;
    p.visit([&](std::uint64_t set, std::size_t, const double &x, double w) {
      all.insert(all.end(), {static_cast<double>(set), x, w});
    });
    return all;
  };
  catena::Population<double> whole = run(4, 0), grown = run(1, 3);
  CHECK_INT(all(whole).size(), 3u * 4 * 100);
  equal(all(whole), all(grown));
  REFUSED(whole.save(), "population", "functions");
  whole.clear_history();
  // Now it is the model that has no bytes for its traces.
  CHECK_HAS(THROWN(catena::Error, whole.save()).what(), "can't be written");
  CHECK_HAS(THROWN(catena::Error, whole.grow_iid(1)).what(), "cleared");
  // One trace alone.
  CHECK(grown.on_trace(2, 7, [](double &x, Task &) { x = 9; return 0.5; }) == 0.5);
  CHECK(*grown.trace(2, 7) == 9);
  CHECK(grown.trace(2, 100) == nullptr && grown.trace(9, 0) == nullptr);
  CHECK_HAS(THROWN(catena::Error, grown.grow_iid(1)).what(), "step");
}

void failures_name_set_and_trace_and_change_nothing() {
  catena::Population<Walker> p(Walk{}, options(2));
  p.reinitialize(3, 10);
  p.apply(OBSERVE, 0.2);
  const std::vector<double> before = seen(p);
  const catena::Error error = THROWN(catena::Error, p.apply(THROW_AT, 4.0));
  CHECK_INT(error.status(), CATENA_MODEL);
  CHECK_INT(error.set().value(), 2);
  CHECK_INT(error.particle().value(), 4);
  CHECK_HAS(error.what(), "set 2, trace 4: operation 4");
  CHECK_HAS(error.what(), "planted");
  equal(seen(p), before);
  CHECK_HAS(THROWN(catena::Error, p.apply(STRANGE)).what(), "no std::exception");
  const catena::Error in_function = THROWN(catena::Error, p.apply([](Walker &, Task &task) {
    if (task.chain_id() == 3) throw std::out_of_range("far away");
  }));
  CHECK_INT(in_function.set().value(), 3);
  CHECK_INT(in_function.particle().value(), 0);
  CHECK_HAS(in_function.what(), "far away");
  CHECK_HAS(THROWN(catena::Error, p.apply(MOVE, 1)).what(), "expected 8, got 4");
  CHECK_HAS(THROWN(catena::Error, p.apply([](Walker &) { return std::nan(""); })).what(), "NaN");
  equal(seen(p), before);
  CHECK_INT(p.generation(), 1);
  // A function that failed is not among those that keep it from being saved.
  CHECK(!p.save().empty());
  REFUSED(p.block_resample({10, 10}), "counts", "3");
  REFUSED(p.set_log_weights(8, {1}), "set", "8");
  CHECK_HAS(THROWN(catena::Error, p.ancestors(1, 0)).what(), "genealogy");
  CHECK_HAS(THROWN(catena::Error, catena::Options().set("genealogie", true)).what(), "did you mean 'genealogy'?");
  REFUSED(p.apply(std::numeric_limits<std::int64_t>::min()), "operation", "2^62");

  // Rejected: weight zero.
  p.apply(REJECT_ABOVE, -1e9);
  CHECK(std::isinf(p.log_weights(1)[0]));
  CHECK_INT(THROWN(catena::Error, p.resample()).status(), CATENA_ALL_LOST);
}

void lost_traces_are_told_in_the_log() {
  std::vector<std::string> lines;
  catena::PopulationIo io;
  io.logger = [&](catena_level level, std::int64_t, const std::string &line) {
    if (level == CATENA_LOG_WARNING) lines.push_back(line);
  };
  catena::Population<Walker> p(Walk{}, options(2).on_trace_failure("lose").genealogy(true).init_set_id(2), std::move(io));
  p.reinitialize(2, 5);
  p.apply(THROW_AT, 3.0);
  CHECK_INT(lines.size(), 1);
  CHECK_HAS(lines[0].c_str(), "set 2, trace 3");
  CHECK_HAS(lines[0].c_str(), "planted");
  CHECK(p.trace(2, 3) == nullptr && p.trace(3, 3) != nullptr);
  CHECK(std::isnan(p.report()[3]));
  p.resample();
  CHECK_INT(p.distinct_ancestors(2).size(), 2);
  CHECK_INT(p.ancestors(2, 0).size(), 5);
  CHECK(p.coalescence(2) == -1);
  CHECK(p.copies() >= 1);
}

void numbers_go_out_and_come_in() {
  catena::Population<Walker> p(Walk{}, options(2));
  p.reinitialize(2, 2);
  p.apply(PUT, 0.5);
  p.set_log_weights(1, {std::log(1.0), std::log(3.0)});
  p.set_log_weights(2, {std::log(2.0), std::log(2.0)});
  CHECK_BETWEEN(p.normalized_weights(1)[1], 0.75, 0.75 + 1e-12);
  const std::vector<double> pooled = p.pooled_weights();
  CHECK_INT(pooled.size(), 4);
  CHECK_BETWEEN(std::accumulate(pooled.begin(), pooled.end(), 0.0), 1 - 1e-12, 1 + 1e-12);
  CHECK_BETWEEN(p.evidence().log_estimate, std::log(2.0) - 1e-12, std::log(2.0) + 1e-12);
  CHECK_BETWEEN(p.evidence().standard_error, 0, 1e-12);
  CHECK_BETWEEN(p.ess(1), 1.6 - 1e-12, 1.6 + 1e-12);
  equal(p.report(2, 2, CATENA_WHICH_DISTINGUISHED), {2.5, 3.0});
  const double place = 0.25;
  equal(p.for_each(PUT, Bytes(&place, sizeof place), 1), {1.25, 1.25, 1.25, 1.25});
  equal(p.for_each([](Walker &walker) { walker.x() += 1; }), {1.25, 1.25, 1.25, 1.25});
  p.collapse_map();
  CHECK_INT(p.set_size(1), 1);
  CHECK(p.log_weights(1)[0] == std::log(3.0));
  p.drop_ids({1});
  CHECK_INT(p.num_sets(), 1);
  p.set_seed(8);
  p.reinitialize(3, 2);
  p.drop_iid(2);
  CHECK_INT(p.set_ids().size(), 1);
  p.block_resample({7});
  CHECK_INT(p.set_size(1), 7);
}

// Interrupt, progress and exceptions of what is lent.
void what_is_lent_may_end_a_call_and_throw() {
  bool wanted = false, throws = false;
  std::size_t total = 0;
  catena::PopulationIo io;
  io.interrupt = [&] {
    if (throws) throw std::domain_error("no more");
    return wanted;
  };
  io.progress = [&](std::size_t, std::size_t all) { total = all; };
  catena::Population<double> p([] { return 0.0; }, options(2), std::move(io));
  p.reinitialize(2, 50);
  p.apply([](double &) { std::this_thread::sleep_for(std::chrono::milliseconds(1)); });
  CHECK_INT(total, 100);
  catena::Population<double> moved = std::move(p);
  wanted = true;
  CHECK_INT(THROWN(catena::Error, moved.resample()).status(), CATENA_INTERRUPTED);
  throws = true;
  CHECK_HAS(THROWN(std::domain_error, moved.apply([](double &x) { x = 1; })).what(), "no more");
  throws = wanted = false;
  moved.apply([](double &x) { x += 1; });
  CHECK(*moved.trace(1, 0) == 1);
}

// Cannot be copied by anyone.
struct Single {
  std::unique_ptr<double> create() const { return std::make_unique<double>(2); }
};

void traces_that_cannot_be_copied() {
  const catena::Error error = THROWN(catena::Error, catena::Population(Single{}));
  CHECK_TEXT(error.argument().c_str(), "on_trace_failure");
  catena::Population p(Single{}, options(2).on_trace_failure("lose"));
  p.reinitialize(1, 3);
  p.apply([](std::unique_ptr<double> &x, Task &task) { return -*x * static_cast<double>(task.particle()); });
  CHECK(p.log_weights(1)[2] == -4);
  REFUSED(p.apply(1), "operation", "no member apply");
  REFUSED(p.diversify(1), "operation", "no member diversify");
}

// y_t ~ N(x_t, 1), x_0 ~ N(0, 1), x_t ~ N(x_{t-1}, 0.8^2).
void evidence_is_that_of_the_kalman_filter() {
  const std::vector<double> ys{0.3, 1.1, 0.9, -0.4, 0.2, 1.7};
  double mean = 0, variance = 1, exact = 0;
  catena::Population<double> p([](Task &task) { return task.normal(); }, catena::Options().seed(11).num_threads(2));
  p.reinitialize(200, 50);
  for (std::size_t t = 0; t < ys.size(); ++t) {
    const double y = ys[t];
    if (t > 0) {
      variance += 0.64;
      p.apply([](double &x, Task &task) { x += 0.8 * task.normal(); });
    }
    const double total = variance + 1;
    exact -= 0.5 * (std::log(2 * 3.141592653589793 * total) + (y - mean) * (y - mean) / total);
    mean += variance / total * (y - mean);
    variance /= total;
    p.apply([y](double &x) { return log_normal(y, x); });
    p.resample(0, CATENA_RESAMPLING_SYSTEMATIC, 0.7);
  }
  const catena::Evidence found = p.evidence();
  CHECK(found.standard_error > 0 && found.standard_error < 0.1);
  CHECK_BETWEEN(std::exp(found.log_estimate - exact), 1 - 4 * found.standard_error, 1 + 4 * found.standard_error);
}

}  // namespace

int main() {
  same_bits_on_any_threads_and_after_a_load();
  functions_are_kept_for_sets_that_are_grown();
  failures_name_set_and_trace_and_change_nothing();
  lost_traces_are_told_in_the_log();
  numbers_go_out_and_come_in();
  what_is_lent_may_end_a_call_and_throw();
  traces_that_cannot_be_copied();
  evidence_is_that_of_the_kalman_filter();
  CHECK_INT(live.load(), 0);
  return 0;
}
