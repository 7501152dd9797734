// Particle filters over independent sets. Include <catena.hpp>.
//
// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef CATENA_FILTER_HPP
#define CATENA_FILTER_HPP

#include <catena/callbacks.hpp>
#include <catena/options.hpp>
#include <catena/rows.hpp>
#include <catena/session.hpp>

namespace catena {

// States to be filled, and states as they are.
using States = Matrix;
using ConstStates = ConstMatrix;

// What a filter is to do. Setters return the options: catena::FilterOptions().times(100).sets(8).
class FilterOptions {
 public:
  FilterOptions() { detail::check(catena_filter_options_init, &table_, sizeof table_); }

  // Number of times, at least 1. Default 1.
  FilterOptions &times(std::size_t value) noexcept { return put(table_.num_times, value); }
  // Independent sets, at least 1. Default 1.
  FilterOptions &sets(std::size_t value) noexcept { return put(table_.num_sets, value); }
  // Particles of each set. Default 1000.
  FilterOptions &particles(std::size_t value) noexcept { return put(table_.num_particles, value); }
  // Id of the first set, at least 1; the others follow. Default 1.
  FilterOptions &init_set_id(std::uint64_t value) noexcept { return put(table_.init_set_id, value); }
  // Seed of all random streams. Default 0.
  FilterOptions &seed(std::uint64_t value) noexcept { return put(table_.seed, value); }
  // Threads of the filter's pool; 0: the cores available to the process. Default 0.
  FilterOptions &num_threads(std::size_t value) noexcept { return put(table_.num_threads, value); }
  // A pool that others may share, which must outlive the call.
  FilterOptions &pool(const Pool &value) noexcept { return put(table_.pool, value.handle()); }
  FilterOptions &kind(catena_filter_kind value) noexcept { return put(table_.kind, static_cast<std::int32_t>(value)); }
  FilterOptions &resampling(catena_resampling value) noexcept {
    return put(table_.resampling, static_cast<std::int32_t>(value));
  }
  // Resample when the effective sample size is below this times the number of particles; 0: never. Default 0.5.
  FilterOptions &ess_threshold(double value) noexcept { return put(table_.ess_threshold, value); }
  // Trajectories to draw backwards in time from each set. Default 0.
  FilterOptions &trajectories(std::size_t value) noexcept { return put(table_.num_trajectories, value); }
  // Whether means and variances are wanted. Default true.
  FilterOptions &moments(bool value) noexcept { return put(table_.moments, static_cast<std::int32_t>(value)); }
  // Whether the particles of all times are kept. Default false.
  FilterOptions &history(bool value) noexcept { return put(table_.history, static_cast<std::int32_t>(value)); }

  // A trajectory, the model's dimension numbers for each time, that the first particle of each set follows: a bootstrap filter
  // is then a sweep of conditional sequential Monte Carlo, with its history. The next one of particle Gibbs is the lineage of
  // Filter::drawn; give each sweep another seed.
  FilterOptions &retained(std::vector<double> trajectory) {
    retained_ = std::move(trajectory);
    return *this;
  }

  // The processes that share the sets, which must outlive the call; see docs/cluster.md.
  FilterOptions &communicator(const catena_communicator &value) noexcept { return put(table_.communicator, &value); }

  // What the library gets; it points into the options.
  catena_filter_options table() const noexcept {
    catena_filter_options all = table_;
    all.retained = retained_.empty() ? nullptr : retained_.data();
    return all;
  }
  std::size_t retained_size() const noexcept { return retained_.size(); }

 private:
  template <class M, class V>
  FilterOptions &put(M &member, V value) noexcept {
    member = value;
    return *this;
  }

  catena_filter_options table_{};
  std::vector<double> retained_;
};

// What a filter uses while it runs.
struct FilterIo {
  // Gets warnings and what the model logs.
  Logger logger;
  // Returns true to end the filter, which is then an Error of CATENA_INTERRUPTED. Asked on the calling thread.
  std::function<bool()> interrupt;
};

namespace detail {

CATENA_DETAIL_MEMBER(FilterInitial, initial)
CATENA_DETAIL_MEMBER(FilterTransition, transition)
CATENA_DETAIL_MEMBER(FilterLogWeight, log_weight)
CATENA_DETAIL_MEMBER(FilterPropose, propose)
CATENA_DETAIL_MEMBER(FilterProposalLogWeight, proposal_log_weight)
CATENA_DETAIL_MEMBER(FilterAuxiliary, auxiliary_log_weight)
CATENA_DETAIL_MEMBER(FilterDensity, transition_log_density)
CATENA_DETAIL_MEMBER(FilterBound, transition_log_density_bound)

// The callbacks of a state-space model T.
template <class T>
struct FilterCallbacks {
  using Worker = typename WorkerOf<T>::type;
  using Time = std::size_t;
  using Before = ConstStates;

  struct User {
    const T &model;
    std::size_t dimension;
    Trouble &trouble;
  };

  static_assert(has_dimension<T>, "a state-space model needs `std::size_t dimension() const`");
  static_assert(takes<FilterInitial, T, Worker, States>,
                "a state-space model needs `void initial([Task &,] States x [, Worker &]) const`");
  static_assert(takes<FilterTransition, T, Worker, Time, Before, States>,
                "a state-space model needs `void transition([Task &,] std::size_t t, ConstStates previous, States x "
                "[, Worker &]) const`");
  static_assert(takes<FilterLogWeight, T, Worker, Time, Before, Before, Values>,
                "a state-space model needs `void log_weight([Task &,] std::size_t t, ConstStates previous, ConstStates x, "
                "Values log_weights [, Worker &]) const`");
  static constexpr bool has_propose = takes<FilterPropose, T, Worker, Time, Before, States>;
  static constexpr bool has_proposal = takes<FilterProposalLogWeight, T, Worker, Time, Before, Before, Values>;
  static constexpr bool has_auxiliary = takes<FilterAuxiliary, T, Worker, Time, Before, Values>;
  static constexpr bool has_density = takes<FilterDensity, T, Worker, Time, Before, Before, Values>;
  static constexpr bool has_bound = std::is_invocable_v<FilterBound, const T &>;
  static_assert(has_propose || !names_FilterPropose<T>,
                "expected void propose([Task &,] std::size_t t, ConstStates previous, States x [, Worker &]) const");
  static_assert(has_proposal || !names_FilterProposalLogWeight<T>,
                "expected void proposal_log_weight([Task &,] std::size_t t, ConstStates previous, ConstStates x, Values "
                "log_weights [, Worker &]) const");
  static_assert(has_auxiliary || !names_FilterAuxiliary<T>,
                "expected void auxiliary_log_weight([Task &,] std::size_t t, ConstStates previous, Values log_weights "
                "[, Worker &]) const");
  static_assert(has_density || !names_FilterDensity<T>,
                "expected void transition_log_density([Task &,] std::size_t t, ConstStates previous, ConstStates x, Values "
                "log_densities [, Worker &]) const");
  static_assert(has_bound || !names_FilterBound<T>, "expected double transition_log_density_bound() const");

  static catena_state_space table(User &user) {
    catena_state_space table{};
    table.struct_size = sizeof table;
    table.user = &user;
    table.dimension = user.dimension;
    if constexpr (has_threading<T>) table.threading = user.model.threading();
    table.initial = initial;
    table.transition = transition;
    table.log_weight = weigh<FilterLogWeight>;
    if constexpr (has_propose) table.propose = propose;
    if constexpr (has_proposal) table.proposal_log_weight = weigh<FilterProposalLogWeight>;
    if constexpr (has_auxiliary) table.auxiliary_log_weight = auxiliary;
    if constexpr (has_density) table.transition_log_density = weigh<FilterDensity>;
    if constexpr (has_bound) {
      table.has_transition_log_density_bound = 1;
      table.transition_log_density_bound = user.model.transition_log_density_bound();
    }
    if constexpr (!std::is_same_v<Worker, NoWorker>) {
      table.worker_new = worker_new;
      table.worker_free = [](void *, void *worker) { delete static_cast<Worker *>(worker); };
    }
    return table;
  }

 private:
  static User &of(void *user) noexcept { return *static_cast<User *>(user); }

  static int initial(void *user, void *worker, catena_task *task, std::size_t n, double *x) noexcept {
    User &u = of(user);
    return guarded(u.trouble, task, [&] { call<FilterInitial, Worker>(u.model, task, worker, States(x, n, u.dimension)); });
  }
  static int transition(void *user, void *worker, catena_task *task, std::size_t t, std::size_t n, const double *previous,
                        double *x) noexcept {
    User &u = of(user);
    return guarded(u.trouble, task, [&] {
      call<FilterTransition, Worker>(u.model, task, worker, t, Before(previous, n, u.dimension), States(x, n, u.dimension));
    });
  }
  static int propose(void *user, void *worker, catena_task *task, std::size_t t, std::size_t n, const double *previous,
                     double *x) noexcept {
    User &u = of(user);
    return guarded(u.trouble, task, [&] {
      call<FilterPropose, Worker>(u.model, task, worker, t, Before(previous, n, u.dimension), States(x, n, u.dimension));
    });
  }
  template <class F>
  static int weigh(void *user, void *worker, catena_task *task, std::size_t t, std::size_t n, const double *previous,
                   const double *x, double *out) noexcept {
    User &u = of(user);
    return guarded(u.trouble, task, [&] {
      call<F, Worker>(u.model, task, worker, t, Before(previous, n, u.dimension), Before(x, n, u.dimension), Values(out, n));
    });
  }
  static int auxiliary(void *user, void *worker, catena_task *task, std::size_t t, std::size_t n, const double *previous,
                       double *out) noexcept {
    User &u = of(user);
    return guarded(u.trouble, task, [&] {
      call<FilterAuxiliary, Worker>(u.model, task, worker, t, Before(previous, n, u.dimension), Values(out, n));
    });
  }
  static int worker_new(void *user, void **worker) noexcept {
    User &u = of(user);
    return guarded(u.trouble, nullptr, [&] { *worker = new Worker(u.model.make_worker()); });
  }
};

}  // namespace detail

// The particles of a set at one time: states column by column, log weights that are not normalised, and the particles of the
// time before that they came from.
struct Particles {
  std::vector<double> states, log_weights;
  std::vector<std::uint32_t> ancestors;
};

class Filter;
template <class T>
inline Filter filter(const T &model, const FilterOptions &options = FilterOptions(), FilterIo io = {});

// What a filter found, set by set; sets are counted from 0.
class Filter {
 public:
  // Log likelihood of all observations over all sets, and its standard error across them (NaN for one set).
  double log_evidence() const noexcept { return catena_filter_log_evidence(handle_.get()); }
  double standard_error() const noexcept { return catena_filter_standard_error(handle_.get()); }
  std::size_t num_sets() const noexcept { return catena_filter_num_sets(handle_.get()); }
  std::uint64_t set_id(std::size_t set) const noexcept { return catena_filter_set_id(handle_.get(), set); }
  // Whether a set lost all its particles; failure() has the words about the first that did.
  bool lost(std::size_t set) const noexcept { return catena_filter_set_status(handle_.get(), set) != CATENA_OK; }
  const std::optional<Error> &failure() const noexcept { return failure_; }
  double set_log_evidence(std::size_t set) const noexcept { return catena_filter_set_log_evidence(handle_.get(), set); }
  // Times that a set was filtered over: all, unless it was lost.
  std::size_t num_times(std::size_t set) const noexcept { return catena_filter_num_times(handle_.get(), set); }
  // For each time the log likelihood of the observations so far, and the effective sample size.
  std::vector<double> log_evidences(std::size_t set) const { return numbers(catena_filter_log_evidences, set, num_times(set)); }
  std::vector<double> ess(std::size_t set) const { return numbers(catena_filter_ess, set, num_times(set)); }
  // `dimension` numbers for each time, given the observations up to it.
  std::vector<double> means(std::size_t set) const { return numbers(catena_filter_means, set, dimension_ * num_times(set)); }
  std::vector<double> variances(std::size_t set) const {
    return numbers(catena_filter_variances, set, dimension_ * num_times(set));
  }
  // Coordinate j of trajectory m at time t is at (t * dimension + j) * trajectories + m. Empty for a set that was lost.
  std::vector<double> trajectories(std::size_t set) const {
    return numbers(catena_filter_trajectories, set, lost(set) ? 0 : trajectories_ * dimension_ * num_times(set));
  }
  // The path that led to a particle of the last time: `dimension` numbers for each time. Wants history.
  std::vector<double> lineage(std::size_t set, std::size_t particle) const {
    std::vector<double> out(dimension_ * num_times(set));
    detail::check(catena_filter_lineage, handle_.get(), set, particle, out.data(), out.size());
    return out;
  }
  // A particle of the last time drawn by its weight; none of a set that was lost.
  std::optional<std::size_t> drawn(std::size_t set) const noexcept {
    const std::size_t particle = catena_filter_drawn(handle_.get(), set);
    return particle < particles_ ? std::optional<std::size_t>(particle) : std::nullopt;
  }
  // For each time how many of its particles have descendants at the last. Wants history.
  std::vector<std::size_t> survivors(std::size_t set) const {
    std::vector<std::size_t> out(num_times(set));
    detail::check(catena_filter_survivors, handle_.get(), set, out.data(), out.size());
    return out;
  }
  // Times other than the last want history.
  Particles particles(std::size_t set, std::size_t time) const {
    Particles all{std::vector<double>(particles_ * dimension_), std::vector<double>(particles_),
                  std::vector<std::uint32_t>(particles_)};
    detail::check(catena_filter_particles, handle_.get(), set, time, particles_, all.states.data(), all.log_weights.data(),
                  all.ancestors.data());
    return all;
  }

  const catena_filter *handle() const noexcept { return handle_.get(); }

 private:
  template <class T>
  friend Filter filter(const T &model, const FilterOptions &options, FilterIo io);
  using Own = detail::Handle<catena_filter, catena_filter_free>;
  Filter(Own handle, std::optional<Error> failure, std::size_t dimension, const catena_filter_options &options)
      : handle_(std::move(handle)), failure_(std::move(failure)), dimension_(dimension), particles_(options.num_particles),
        trajectories_(options.num_trajectories) {}

  template <class F>
  std::vector<double> numbers(F function, std::size_t set, std::size_t size) const {
    std::vector<double> out(size);
    detail::check(function, handle_.get(), set, out.data(), out.size());
    return out;
  }

  Own handle_;
  std::optional<Error> failure_;
  std::size_t dimension_, particles_, trajectories_;
};

// Runs a particle filter and returns when it is over. What is drawn depends on the seed, the set's id, the model and the options
// alone. Throws the first exception of the model, else an Error; sets that lose all their particles are none.
//
// A state-space model has the members below, all const and called from several threads at once, for blocks of particles; []
// marks what may be left out. Times count from 0; `previous` are the states of the time before, none() at time 0. A task's
// normals(x.all()) and uniforms(x.all()) draw numbers of each particle's own.
//
//   std::size_t dimension() const;                                                                numbers in a state
//   void initial([Task &,] States x [, W &]) const;                                               draws states at time 0
//   void transition([Task &,] std::size_t t, ConstStates previous, States x [, W &]) const;      draws states at t, from 1
//   void log_weight([Task &,] std::size_t t, ConstStates previous, ConstStates x, Values log_weights [, W &]) const;
//                                                                                log density of the observation at t, or 0
//   [void propose(...) as transition, and void proposal_log_weight(...) as log_weight;]           for guided filters
//   [void auxiliary_log_weight([Task &,] std::size_t t, ConstStates previous, Values log_weights [, W &]) const;]
//   [void transition_log_density(...) as log_weight, double transition_log_density_bound() const;]  for trajectories
//   [W make_worker() const; catena_threading threading() const;]
template <class T>
Filter filter(const T &model, const FilterOptions &options, FilterIo io) {
  struct Watch {
    FilterIo io;
    detail::Trouble trouble;
    static int requested(void *user) noexcept {
      Watch &self = *static_cast<Watch *>(user);
      bool wanted = self.trouble.any();
      const int code =
          detail::guarded(self.trouble, nullptr, [&] { wanted = wanted || (self.io.interrupt && self.io.interrupt()); });
      return code != detail::done || wanted;
    }
  } watch{std::move(io), {}};
  detail::Logging logging(watch.io.logger, watch.trouble);
  catena_interrupt interrupt{};
  interrupt.struct_size = sizeof interrupt;
  interrupt.user = &watch;
  interrupt.requested = Watch::requested;
  typename detail::FilterCallbacks<T>::User user{model, static_cast<std::size_t>(model.dimension()), watch.trouble};
  const catena_state_space table = detail::FilterCallbacks<T>::table(user);
  const catena_filter_options wanted = options.table();
  const std::size_t expected = wanted.num_times * user.dimension;
  if (wanted.retained && options.retained_size() != expected)
    throw Error(CATENA_INVALID_ARGUMENT, "argument 'retained': expected " + std::to_string(expected) + " numbers, got " +
                std::to_string(options.retained_size()), "retained");
  catena_filter *found = nullptr;
  catena_error *error = nullptr;
  const catena_status status = catena_filter_run(&table, &wanted, logging.table(), &interrupt, &found, &error);
  const detail::ErrorHandle owned(error);
  Filter::Own handle(found);
  watch.trouble.rethrow();
  std::optional<Error> failure;
  if (status != CATENA_OK) failure.emplace(error);
  if (!handle) throw *failure;
  return Filter(std::move(handle), std::move(failure), user.dimension, wanted);
}

}  // namespace catena

#endif
