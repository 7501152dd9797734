// Independent sets of weighted traces. Include <catena.hpp>.
//
// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef CATENA_POPULATION_HPP
#define CATENA_POPULATION_HPP

#include <catena/checkpoint.hpp>
#include <catena/options.hpp>
#include <catena/session.hpp>
#include <catena/traces.hpp>

namespace catena {

// What a population uses as long as it lives. Exceptions of these functions are rethrown from the call under way.
struct PopulationIo {
  // Gets warnings (traces that were lost) and what traces log.
  Logger logger;
  // Returns true to end the call under way; the population is then as it was before. Asked on the calling thread.
  std::function<bool()> interrupt;
  // Told on the calling thread how many of `total` traces the call under way has done.
  std::function<void(std::size_t done, std::size_t total)> progress;
  // The processes that share the sets; all make every call that isn't const. See docs/cluster.md.
  const catena_communicator *communicator = nullptr;
  // What each of them has: whole sets, or a part of every set, which takes `serialize` and `deserialize`.
  catena_spread spread = CATENA_SPREAD_SETS;
};

// Log evidence of all sets together, and its standard error across them (NaN for one set).
struct Evidence {
  double log_estimate, standard_error;
};

// Independent sets of weighted traces, which are values of any movable type T. Every verb is mapped over all traces of all
// sets by the threads of a pool; what is drawn for a trace depends on the seed, the id of its set, its number and the verbs
// before alone. A verb that fails throws an Error with set() and particle() and leaves the population as it was, unless the
// option on_trace_failure says "lose".
//
// A model of traces has the members below, all const and called from several threads at once (unless `threading` says
// otherwise); [] marks what may be left out, and a Task may be the last argument of each. Throw Reject for a trace that is
// impossible; it has weight zero from then on. What else is thrown becomes the words of the Error.
//
//   T create([Task &]) const;                                               a trace drawn from the prior
//   [double apply(T &, std::int64_t operation, Bytes argument) const;]      an operation; the log weight's increment
//   [T copy(const T &) const;]                                              without it T's copy constructor
//   [double incorporate(T &) const;]                                        makes a trace consistent with its observations
//   [void reset_to_prior(T &) const;]                                       without it the trace is created anew
//   [double weigh(T &) const;]                                              log of the likelihood weight
//   [void report(const T &, std::int64_t what, Values out) const;]          numbers about a trace
//   [void sample(const T &, std::int64_t what, Values out) const;]          the same, drawn
//   [Family<T> diversify(const T &, std::int64_t operation, Bytes argument) const;]
//                                                                           traces with increments of their log weights
//   [fingerprint(const T &, std::int64_t scope) const;]                     a number or std::array<std::uint64_t, 2>
//   [std::vector<std::uint8_t> serialize(const T &) const; T deserialize(Bytes) const;]
//   [catena_threading threading() const;]
//
// A function `T create([Task &])` is a model too; verbs that take functions do the rest.
template <class T>
class Population {
 public:
  using Trace = T;

  // One set of one trace from the prior. Of the options it takes seed, num_threads or pool, init_set_id, on_trace_failure
  // and genealogy.
  template <class M, class = std::enable_if_t<!std::is_same_v<std::decay_t<M>, Population>>>
  explicit Population(M model, const Options &options = Options(), PopulationIo io = {})
      : state_(std::make_unique<State>(host(std::move(model)), std::move(io))) {
    state_->open([&](catena_population **out, catena_error **error) {
      return catena_population_new(&state_->table, options.handle(), &state_->io, out, error);
    });
  }

  // The population that save() gave; it goes on with the same bits. Of the options num_threads or the pool count.
  template <class M>
  static Population load(M model, const Checkpoint &saved, const Options &options = Options(), PopulationIo io = {}) {
    Population population(std::make_unique<State>(host(std::move(model)), std::move(io)));
    State &state = *population.state_;
    state.open([&](catena_population **out, catena_error **error) {
      return catena_population_load(&state.table, saved.handle(), options.handle(), &state.io, out, error);
    });
    return population;
  }
  // The whole population as bytes, for a model with serialize. Refused where functions were applied, which have no bytes,
  // until clear_history() or reinitialize().
  Checkpoint save() {
    if (!functions().empty())
      throw Error(CATENA_INVALID_ARGUMENT,
                  "argument 'population': expected a history without functions, which have no bytes, got one with " +
                      std::to_string(functions().size()) + "; clear_history() forgets them",
                  "population");
    catena_checkpoint *saved = nullptr;
    call(catena_population_save, &saved);
    return Checkpoint::own(saved);
  }

  // The number of sets. Drops everything and begins anew, from the prior.
  void reinitialize(std::size_t sets, std::size_t particles) {
    call(catena_population_reinitialize, sets, particles);
    functions().clear();
  }
  void set_seed(std::uint64_t seed) { call(catena_population_set_seed, seed); }
  // More sets, by doing to them what was done to the others; the id of the first.
  std::uint64_t grow_iid(std::size_t count) {
    std::uint64_t first = 0;
    call(catena_population_grow_iid, count, &first);
    return first;
  }
  void drop_iid(std::size_t count) { call(catena_population_drop_iid, count); }
  void drop_ids(const std::vector<std::uint64_t> &ids) { call(catena_population_drop_ids, ids.data(), ids.size()); }
  // Forgets what was done, so that no set can be grown until the population is begun anew.
  void clear_history() {
    call(catena_population_clear_history);
    functions().clear();
  }

  // An operation of the model on every trace; the increments are added to the log weights. The argument is bytes, or a
  // value that is its bytes.
  void apply(std::int64_t operation, Bytes argument = {}) {
    call(catena_population_apply, of_model(operation, state_->host->applies, "apply"), pointer(argument), argument.size());
  }
  template <class V, class = std::enable_if_t<std::is_trivially_copyable_v<V> && !std::is_same_v<V, Bytes>>>
  void apply(std::int64_t operation, const V &argument) {
    apply(operation, Bytes(&argument, sizeof argument));
  }
  // `function(T &, Task &)` (or without the task) on every trace, from several threads at once; it returns the increment,
  // or nothing. The population keeps it, to do the same to sets that are grown.
  template <class F, class = std::enable_if_t<!std::is_convertible_v<F, std::int64_t>>>
  void apply(F function) {
    static_assert(std::is_invocable_v<const F &, T &, Task &> || std::is_invocable_v<const F &, T &>,
                  "expected double(T &, catena::Task &) or double(T &), callable when const");
    with_function(std::make_unique<detail::Changing<T, F>>(std::move(function)), true, [&](std::int64_t operation) {
      call(catena_population_apply, operation, nullptr, std::size_t{0});
    });
  }
  void incorporate() { call(catena_population_incorporate); }
  // Sets every log weight to the trace's likelihood weight.
  void likelihood_weight() { call(catena_population_likelihood_weight); }
  // To `count` traces in each set (0: as many as it has) where its effective sample size is below `ess_below` times their
  // number; the evidence is kept.
  void resample(std::size_t count = 0, catena_resampling scheme = CATENA_RESAMPLING_SYSTEMATIC,
                double ess_below = std::numeric_limits<double>::infinity()) {
    call(catena_population_resample, count, static_cast<std::int32_t>(scheme), ess_below);
  }
  // One count per set. Samples of different sets then differ in distribution, and no set can be grown.
  void block_resample(const std::vector<std::size_t> &counts, catena_resampling scheme = CATENA_RESAMPLING_SYSTEMATIC,
                      double ess_below = std::numeric_limits<double>::infinity()) {
    call(catena_population_block_resample, counts.data(), counts.size(), static_cast<std::int32_t>(scheme), ess_below);
  }
  // Resamples, sets the weights to 1 and every trace back to the prior.
  void reset_to_prior(std::size_t count = 0, catena_resampling scheme = CATENA_RESAMPLING_SYSTEMATIC) {
    call(catena_population_reset_to_prior, count, static_cast<std::int32_t>(scheme));
  }
  // Every trace becomes several, by the model's diversify, or by `function(const T &, Task &)`, which returns a Family<T>.
  void diversify(std::int64_t operation, Bytes argument = {}) {
    operation = of_model(operation, state_->host->diversifies, "diversify");
    call(catena_population_diversify, operation, pointer(argument), argument.size());
  }
  template <class F, class = std::enable_if_t<!std::is_convertible_v<F, std::int64_t>>>
  void diversify(F function) {
    static_assert(std::is_invocable_v<const F &, const T &, Task &> || std::is_invocable_v<const F &, const T &>,
                  "expected Family<T>(const T &, catena::Task &) or Family<T>(const T &), callable when const");
    with_function(std::make_unique<detail::Splitting<T, F>>(std::move(function)), true, [&](std::int64_t operation) {
      call(catena_population_diversify, operation, nullptr, std::size_t{0});
    });
  }
  // Traces of equal fingerprints merge; one, drawn by weight, is kept, with the sum of their weights.
  void collapse(std::int64_t scope = 0) { call(catena_population_collapse, scope); }
  // As collapse, but the trace of the largest weight is kept, with its own weight.
  void collapse_map(std::int64_t scope = 0) { call(catena_population_collapse_map, scope); }
  // An operation, or a function, on one trace; its increment. No set can be grown afterwards.
  double on_trace(std::uint64_t set, std::size_t trace, std::int64_t operation, Bytes argument = {}) {
    double increment = 0;
    operation = of_model(operation, state_->host->applies, "apply");
    call(catena_population_on_trace, set, trace, operation, pointer(argument), argument.size(), &increment);
    return increment;
  }
  template <class F, class = std::enable_if_t<!std::is_convertible_v<F, std::int64_t>>>
  double on_trace(std::uint64_t set, std::size_t trace, F function) {
    double increment = 0;
    with_function(std::make_unique<detail::Changing<T, F>>(std::move(function)), false, [&](std::int64_t operation) {
      call(catena_population_on_trace, set, trace, operation, nullptr, std::size_t{0}, &increment);
    });
    return increment;
  }
  void set_log_weights(std::uint64_t set, const std::vector<double> &log_weights) {
    call(catena_population_set_log_weights, set, log_weights.data(), log_weights.size());
  }

  // `width` numbers of each trace asked, one after the other; NaN for those that were lost.
  std::vector<double> report(std::int64_t what = 0, std::size_t width = 1, catena_which which = CATENA_WHICH_ALL) {
    std::vector<double> out(width * count(which));
    call(catena_population_report, static_cast<std::int32_t>(which), what, width, out.data(), out.size());
    return out;
  }
  // As report, drawn anew each time.
  std::vector<double> sample(std::int64_t what = 0, std::size_t width = 1, catena_which which = CATENA_WHICH_ALL) {
    std::vector<double> out(width * count(which));
    call(catena_population_sample, static_cast<std::int32_t>(which), what, width, out.data(), out.size());
    return out;
  }
  // An operation, or a function, on every trace, and a report of all afterwards.
  std::vector<double> for_each(std::int64_t operation, Bytes argument = {}, std::int64_t what = 0, std::size_t width = 1) {
    operation = of_model(operation, state_->host->applies, "apply");
    std::vector<double> out(width * count(CATENA_WHICH_ALL));
    call(catena_population_for_each, operation, pointer(argument), argument.size(), what, width, out.data(), out.size());
    return out;
  }
  template <class F, class = std::enable_if_t<!std::is_convertible_v<F, std::int64_t>>>
  std::vector<double> for_each(F function, std::int64_t what = 0, std::size_t width = 1) {
    apply(std::move(function));
    return report(what, width);
  }
  // A trace, valid until the population changes; null when it was lost or there is none.
  const T *trace(std::uint64_t set, std::size_t trace) const noexcept {
    return static_cast<const T *>(catena_population_trace(handle(), set, trace));
  }
  // Calls `look(set id, number, const T &, log weight)` for every trace that is there, on this thread.
  template <class F>
  void visit(F &&look) const {
    for (const std::uint64_t set : set_ids()) {
      const std::vector<double> weights = log_weights(set);
      for (std::size_t i = 0; i < weights.size(); ++i)
        if (const T *one = trace(set, i)) look(set, i, *one, weights[i]);
    }
  }

  std::size_t num_sets() const noexcept { return catena_population_num_sets(handle()); }
  std::vector<std::uint64_t> set_ids() const {
    std::vector<std::uint64_t> ids(num_sets());
    for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = catena_population_set_id(handle(), i);
    return ids;
  }
  // Traces of a set, lost ones included; 0 when it is gone.
  std::size_t set_size(std::uint64_t set) const noexcept { return catena_population_set_size(handle(), set); }
  // Verbs since the population was begun.
  std::uint64_t generation() const noexcept { return catena_population_generation(handle()); }
  // Copies that resampling has made since.
  std::uint64_t copies() const noexcept { return catena_population_copies(handle()); }

  std::vector<double> log_weights(std::uint64_t set) const { return weights(set, CATENA_WEIGHTS_LOG); }
  // So that those of the set sum to 1.
  std::vector<double> normalized_weights(std::uint64_t set) const { return weights(set, CATENA_WEIGHTS_NORMALIZED); }
  // Of all traces, set by set, so that they sum to 1 together.
  std::vector<double> pooled_weights() const {
    std::vector<double> out(count(CATENA_WHICH_ALL));
    detail::check(catena_population_pooled_weights, handle(), out.data(), out.size());
    return out;
  }
  double ess(std::uint64_t set) const noexcept { return catena_population_ess(handle(), set); }
  double log_evidence(std::uint64_t set) const noexcept { return catena_population_log_evidence(handle(), set); }
  Evidence evidence() const noexcept {
    Evidence both{};
    both.log_estimate = catena_population_pooled_log_evidence(handle(), &both.standard_error);
    return both;
  }
  // With the option genealogy: how many different ancestors the traces of a set have in each generation, founders first.
  std::vector<std::size_t> distinct_ancestors(std::uint64_t set) const {
    std::size_t size = 0;
    detail::check(catena_population_distinct_ancestors, handle(), set, static_cast<std::size_t *>(nullptr), size, &size);
    std::vector<std::size_t> out(size);
    detail::check(catena_population_distinct_ancestors, handle(), set, out.data(), size, &size);
    return out;
  }
  // The number of each trace's ancestor in a generation (0: the founders).
  std::vector<std::uint32_t> ancestors(std::uint64_t set, std::size_t generation) const {
    std::vector<std::uint32_t> out(set_size(set));
    detail::check(catena_population_ancestors, handle(), set, generation, out.data(), out.size());
    return out;
  }
  // How many generations back all traces of a set have one ancestor; -1 when they have none.
  std::int64_t coalescence(std::uint64_t set) const noexcept { return catena_population_coalescence(handle(), set); }

  const catena_population *handle() const { return state_->population.get(); }

 private:
  using Host = detail::TraceHost<T>;
  using Own = detail::Handle<catena_population, catena_population_free>;

  // The library points into it: it stays where it is.
  struct State {
    State(std::pair<std::unique_ptr<Host>, catena_traces> made, PopulationIo lent)
        : host(std::move(made.first)), table(made.second), given(std::move(lent)), logging(given.logger, trouble) {
      io.struct_size = sizeof io;
      io.logger = logging.table();
      interrupt.struct_size = sizeof interrupt;
      interrupt.user = this;
      interrupt.requested = requested;
      io.interrupt = &interrupt;
      io.progress_user = this;
      if (given.progress) io.progress = progress;
      io.communicator = given.communicator;
      io.spread = given.spread;
    }
    State(const State &) = delete;
    State &operator=(const State &) = delete;

    // Calls `function(&error)`; throws the first exception of the io's functions, else what the library reports.
    template <class F>
    void call(F &&function) {
      trouble.reset();
      catena_error *error = nullptr;
      const catena_status status = function(&error);
      const detail::ErrorHandle owned(error);
      trouble.rethrow();
      if (error) throw Error(error);
      if (status != CATENA_OK) throw Error(status, "status " + std::to_string(static_cast<int>(status)));
    }
    template <class F>
    void open(F &&make) {
      catena_population *made = nullptr;
      // Owned before an exception of the logger may leave.
      call([&](catena_error **error) {
        const catena_status status = make(&made, error);
        population.reset(made);
        return status;
      });
    }

    static int requested(void *user) noexcept {
      State &state = *static_cast<State *>(user);
      bool wanted = state.trouble.any();
      const int code = detail::guarded(state.trouble, nullptr, [&] {
        wanted = wanted || (state.given.interrupt && state.given.interrupt());
      });
      return code != detail::done || wanted;
    }
    static void progress(void *user, std::size_t done, std::size_t total) noexcept {
      State &state = *static_cast<State *>(user);
      static_cast<void>(detail::guarded(state.trouble, nullptr, [&] { state.given.progress(done, total); }));
    }

    std::unique_ptr<Host> host;
    catena_traces table;
    PopulationIo given;
    detail::Trouble trouble;
    detail::Logging logging;
    catena_interrupt interrupt{};
    catena_population_io io{};
    // Goes before what it uses.
    Own population;
  };

  explicit Population(std::unique_ptr<State> state) : state_(std::move(state)) {}

  template <class M>
  static std::pair<std::unique_ptr<Host>, catena_traces> host(M model) {
    if constexpr (detail::draws_traces<M>) {
      return host(detail::FromPrior<M>{std::move(model)});
    } else {
      auto made = std::make_unique<detail::TraceHostOf<T, M>>(std::move(model));
      const catena_traces table = made->table();
      return {std::move(made), table};
    }
  }

  template <class F, class... A>
  void call(F function, A... arguments) {
    state_->call([&](catena_error **error) { return function(state_->population.get(), arguments..., error); });
  }
  std::vector<std::unique_ptr<const detail::TraceFunction<T>>> &functions() { return state_->host->functions; }
  // Calls `call` with the number of an operation that is `function`, which stays if it is `kept` and the call went well.
  template <class C>
  void with_function(std::unique_ptr<const detail::TraceFunction<T>> function, bool kept, C &&call) {
    struct Scope {
      std::vector<std::unique_ptr<const detail::TraceFunction<T>>> &all;
      bool stays;
      ~Scope() {
        if (!stays) all.pop_back();
      }
    } scope{functions(), false};
    const auto place = static_cast<std::int64_t>(functions().size());
    functions().push_back(std::move(function));
    call(detail::first_function + place);
    scope.stays = kept;
  }
  // The number of an operation of the model's, which must have the member for it.
  static std::int64_t of_model(std::int64_t operation, bool has_member, const char *member) {
    if (has_member && operation > detail::last_function) return operation;
    const std::string expected = has_member ? "a number above -2^62" : "a function, for the model has no member ";
    throw Error(CATENA_INVALID_ARGUMENT, "argument 'operation': expected " + expected + (has_member ? "" : member) +
                ", got " + std::to_string(operation), "operation");
  }
  static const void *pointer(const Bytes &bytes) noexcept { return bytes.data(); }
  std::size_t count(catena_which which) const {
    if (which == CATENA_WHICH_DISTINGUISHED) return 1;
    if (which == CATENA_WHICH_SETS) return num_sets();
    std::size_t all = 0;
    for (const std::uint64_t set : set_ids()) all += set_size(set);
    return all;
  }
  std::vector<double> weights(std::uint64_t set, catena_weights kind) const {
    std::vector<double> out(set_size(set));
    detail::check(catena_population_weights, handle(), set, static_cast<std::int32_t>(kind), out.data(), out.size());
    return out;
  }

  detail::Inner<State> state_;
};

namespace detail {

template <class M, class = void>
struct TraceOf {
  using type = typename traces::Made<M>::type;
};
template <class M>
struct TraceOf<M, std::enable_if_t<draws_traces<M>>> {
  using type = std::decay_t<decltype(with_task(std::declval<const M &>(), std::declval<Task &>()))>;
};

}  // namespace detail

// Population(model): its traces are of the type that the model creates.
template <class M, class... A>
Population(M, A &&...) -> Population<typename detail::TraceOf<M>::type>;

}  // namespace catena

#endif
