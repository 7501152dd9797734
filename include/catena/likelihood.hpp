// Likelihoods over outcomes x models x experiments, from classes and functions. Include <catena.hpp>.
//
// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef CATENA_LIKELIHOOD_HPP
#define CATENA_LIKELIHOOD_HPP

#include <catena/callbacks.hpp>
#include <catena/model.hpp>
#include <catena/rows.hpp>

namespace catena {

// A field of an experiment: its name, and whether its numbers are whole.
struct Field {
  std::string name;
  catena_number kind = CATENA_NUMBER_REAL;

  Field(const char *text) : name(text) {}
  Field(std::string text, catena_number number = CATENA_NUMBER_REAL) : name(std::move(text)), kind(number) {}
};

// Numbers over outcomes x models x experiments, to be filled; those of different models are neighbours.
class Cells {
 public:
  Cells(double *data, std::size_t outcomes, std::size_t models, std::size_t experiments) noexcept
      : data_(data), outcomes_(outcomes), models_(models), experiments_(experiments) {}

  std::size_t outcomes() const noexcept { return outcomes_; }
  std::size_t models() const noexcept { return models_; }
  std::size_t experiments() const noexcept { return experiments_; }
  // That of outcome o (of a simulation: of number o of the outcome) under model m in experiment e.
  double &operator()(std::size_t o, std::size_t m, std::size_t e) const noexcept {
    return data_[(e * outcomes_ + o) * models_ + m];
  }
  // Those of all models.
  Values row(std::size_t o, std::size_t e) const noexcept { return Values(&(*this)(o, 0, e), models_); }

 private:
  double *data_;
  std::size_t outcomes_, models_, experiments_;
};

// The same with a number for each parameter: the gradient of the log likelihood.
class Scores {
 public:
  Scores(double *data, std::size_t outcomes, std::size_t models, std::size_t experiments, std::size_t parameters) noexcept
      : cells_(data, outcomes * parameters, models, experiments), parameters_(parameters) {}

  std::size_t parameters() const noexcept { return parameters_; }
  // Its component for parameter j.
  double &operator()(std::size_t o, std::size_t m, std::size_t e, std::size_t j) const noexcept {
    return cells_(o * parameters_ + j, m, e);
  }
  Values row(std::size_t o, std::size_t e, std::size_t j) const noexcept { return cells_.row(o * parameters_ + j, e); }

 private:
  Cells cells_;
  std::size_t parameters_;
};

namespace detail {

CATENA_DETAIL_MEMBER(LearnPrepare, prepare)
CATENA_DETAIL_MEMBER(LearnLikelihood, likelihood)
CATENA_DETAIL_MEMBER(LearnLogLikelihood, log_likelihood)
CATENA_DETAIL_MEMBER(LearnValid, are_valid)
CATENA_DETAIL_MEMBER(LearnCanonical, canonicalize)
CATENA_DETAIL_MEMBER(LearnCount, num_outcomes)
CATENA_DETAIL_MEMBER(LearnDomain, domain)
CATENA_DETAIL_MEMBER(LearnSimulate, simulate)
CATENA_DETAIL_MEMBER(LearnTimestep, update_timestep)
CATENA_DETAIL_MEMBER(LearnCost, experiment_cost)
CATENA_DETAIL_MEMBER(LearnScore, score)
CATENA_DETAIL_MEMBER(LearnFields, fields)
CATENA_DETAIL_MEMBER(LearnKind, outcome_kind)
CATENA_DETAIL_MEMBER(LearnWidth, outcome_width)
CATENA_DETAIL_MEMBER(LearnWhole, whole)

// What experiments share, of a class without `prepare`.
struct NoContext {};
template <class T, class = void>
struct ContextOf {
  using type = NoContext;
};
template <class T>
struct ContextOf<T, std::enable_if_t<std::is_invocable_v<LearnPrepare, const T &, ConstMatrix>>> {
  using type = std::decay_t<std::invoke_result_t<LearnPrepare, const T &, ConstMatrix>>;
};
template <class T>
struct ContextOf<T, std::enable_if_t<std::is_invocable_v<LearnPrepare, const T &, Task &, ConstMatrix>>> {
  using type = std::decay_t<std::invoke_result_t<LearnPrepare, const T &, Task &, ConstMatrix>>;
};

// What `user` points to: a likelihood as one updater sees it.
struct BoundLikelihood {
  std::shared_ptr<const void> object;
  std::size_t parameters, fields, width;
  Trouble &trouble;
};

// The callbacks of a class T.
template <class T>
struct LikelihoodCallbacks {
  using Worker = typename WorkerOf<T>::type;
  using Context = typename ContextOf<T>::type;

  // Whether member F takes the arguments A, or before them what `prepare` made.
  template <class F, class... A>
  static constexpr bool with_context = takes<F, T, Worker, Context, A...>;
  template <class F, class... A>
  static constexpr bool fits = takes<F, T, Worker, A...> || with_context<F, A...>;

  static constexpr bool prepares = !std::is_same_v<Context, NoContext>;
  static constexpr bool is_log = fits<LearnLogLikelihood, ConstMatrix, ConstMatrix, ConstMatrix, Cells>;
  static constexpr bool has_valid = takes<LearnValid, T, Worker, ConstMatrix, View<std::uint8_t>>;
  static constexpr bool has_canonical = takes<LearnCanonical, T, Worker, Matrix>;
  static constexpr bool has_count = takes<LearnCount, T, NoWorker, Position>;
  static constexpr bool has_domain = takes<LearnDomain, T, NoWorker, Position, Matrix>;
  static constexpr bool has_simulate = fits<LearnSimulate, ConstMatrix, ConstMatrix, Cells>;
  static constexpr bool has_timestep = takes<LearnTimestep, T, Worker, Position, Matrix>;
  static constexpr bool has_cost = takes<LearnCost, T, NoWorker, ConstMatrix, Values>;
  static constexpr bool has_score = fits<LearnScore, ConstMatrix, ConstMatrix, ConstMatrix, Scores>;

  static_assert(is_log || fits<LearnLikelihood, ConstMatrix, ConstMatrix, ConstMatrix, Cells>,
                "a likelihood needs `void likelihood([Task &,] [const C &,] ConstMatrix outcomes, ConstMatrix models, "
                "ConstMatrix experiments, Cells out [, W &]) const`, or log_likelihood");
  static_assert(prepares || !names_LearnPrepare<T>, "expected C prepare([Task &,] ConstMatrix experiments) const");
  static_assert(has_valid || !names_LearnValid<T>,
                "expected void are_valid([Task &,] ConstMatrix models, View<std::uint8_t> valid [, W &]) const");
  static_assert(has_canonical || !names_LearnCanonical<T>,
                "expected void canonicalize([Task &,] Matrix models [, W &]) const");
  static_assert(has_count || !names_LearnCount<T>,
                "expected std::size_t num_outcomes([Task &,] Position experiment) const");
  static_assert(has_domain || !names_LearnDomain<T>,
                "expected void domain([Task &,] Position experiment, Matrix outcomes) const");
  static_assert(has_simulate || !names_LearnSimulate<T>,
                "expected void simulate([Task &,] [const C &,] ConstMatrix models, ConstMatrix experiments, Cells out [, W &]) "
                "const");
  static_assert(has_timestep || !names_LearnTimestep<T>,
                "expected void update_timestep([Task &,] Position experiment, Matrix models [, W &]) const");
  static_assert(has_cost || !names_LearnCost<T>,
                "expected void experiment_cost([Task &,] ConstMatrix experiments, Values costs) const");
  static_assert(has_score || !names_LearnScore<T>,
                "expected void score([Task &,] [const C &,] ConstMatrix outcomes, ConstMatrix models, ConstMatrix experiments, "
                "Scores out [, W &]) const");
  static_assert(!std::is_same_v<Worker, NoWorker> || !names_worker<T>, "expected W make_worker() const");

  // A table without user, parameters and fields.
  static catena_likelihood table(const T &object) {
    catena_likelihood table{};
    table.struct_size = sizeof table;
    table.outcome_kind = CATENA_NUMBER_INTEGER;
    table.is_log = is_log;
    if constexpr (has_threading<T>) table.threading = object.threading();
    if constexpr (std::is_invocable_v<LearnKind, const T &>) table.outcome_kind = object.outcome_kind();
    if constexpr (std::is_invocable_v<LearnWidth, const T &>) table.outcome_width = object.outcome_width();
    if constexpr (std::is_invocable_v<LearnWhole, const T &>) table.whole = object.whole();
    if constexpr (is_log)
      table.likelihood = cells<LearnLogLikelihood>;
    else
      table.likelihood = cells<LearnLikelihood>;
    if constexpr (prepares) {
      table.prepare = prepare;
      table.context_free = [](void *, void *context) { delete static_cast<Context *>(context); };
    }
    if constexpr (has_valid) table.are_valid = are_valid;
    if constexpr (has_canonical) table.canonicalize = canonicalize;
    if constexpr (has_count) table.num_outcomes = num_outcomes;
    if constexpr (has_domain) table.domain = domain;
    if constexpr (has_simulate) table.simulate = simulate;
    if constexpr (has_timestep) table.update_timestep = update_timestep;
    if constexpr (has_cost) table.experiment_cost = experiment_cost;
    if constexpr (has_score) table.score = score;
    if constexpr (!std::is_same_v<Worker, NoWorker>) {
      table.worker_new = worker_new;
      table.worker_free = [](void *, void *worker) { delete static_cast<Worker *>(worker); };
    }
    return table;
  }

 private:
  static const BoundLikelihood &of(void *user) noexcept { return *static_cast<const BoundLikelihood *>(user); }
  static const T &object(const BoundLikelihood &of) noexcept { return *static_cast<const T *>(of.object.get()); }

  template <class F, class... A>
  static void shared(const BoundLikelihood &u, catena_task *task, void *context, void *worker, const A &...arguments) {
    if constexpr (with_context<F, A...>)
      detail::call<F, Worker>(object(u), task, worker, *static_cast<const Context *>(context), arguments...);
    else
      detail::call<F, Worker>(object(u), task, worker, arguments...);
  }

  template <class F>
  static int cells(void *user, void *worker, void *context, catena_task *task, std::size_t n_o, const double *outcomes,
                   std::size_t n_m, const double *models, std::size_t n_e, const double *experiments, double *out) noexcept {
    const BoundLikelihood &u = of(user);
    return guarded(u.trouble, task, [&] {
      shared<F>(u, task, context, worker, ConstMatrix(outcomes, n_o, u.width), ConstMatrix(models, n_m, u.parameters),
                ConstMatrix(experiments, n_e, u.fields), Cells(out, n_o, n_m, n_e));
    });
  }
  static int score(void *user, void *worker, void *context, catena_task *task, std::size_t n_o, const double *outcomes,
                   std::size_t n_m, const double *models, std::size_t n_e, const double *experiments, double *out) noexcept {
    const BoundLikelihood &u = of(user);
    return guarded(u.trouble, task, [&] {
      shared<LearnScore>(u, task, context, worker, ConstMatrix(outcomes, n_o, u.width),
                         ConstMatrix(models, n_m, u.parameters), ConstMatrix(experiments, n_e, u.fields),
                         Scores(out, n_o, n_m, n_e, u.parameters));
    });
  }
  static int simulate(void *user, void *worker, void *context, catena_task *task, std::size_t n_m, const double *models,
                      std::size_t n_e, const double *experiments, double *out) noexcept {
    const BoundLikelihood &u = of(user);
    return guarded(u.trouble, task, [&] {
      shared<LearnSimulate>(u, task, context, worker, ConstMatrix(models, n_m, u.parameters),
                            ConstMatrix(experiments, n_e, u.fields), Cells(out, u.width, n_m, n_e));
    });
  }
  static int prepare(void *user, catena_task *task, std::size_t n_e, const double *experiments, void **context) noexcept {
    const BoundLikelihood &u = of(user);
    return guarded(u.trouble, task, [&] {
      *context = new Context(
          detail::call<LearnPrepare, NoWorker>(object(u), task, nullptr, ConstMatrix(experiments, n_e, u.fields)));
    });
  }
  static int are_valid(void *user, void *worker, catena_task *task, std::size_t n_m, const double *models,
                       std::uint8_t *valid) noexcept {
    const BoundLikelihood &u = of(user);
    return guarded(u.trouble, task, [&] {
      detail::call<LearnValid, Worker>(object(u), task, worker, ConstMatrix(models, n_m, u.parameters),
                                       View<std::uint8_t>(valid, n_m));
    });
  }
  static int canonicalize(void *user, void *worker, catena_task *task, std::size_t n_m, double *models) noexcept {
    const BoundLikelihood &u = of(user);
    return guarded(u.trouble, task, [&] {
      detail::call<LearnCanonical, Worker>(object(u), task, worker, Matrix(models, n_m, u.parameters));
    });
  }
  static int num_outcomes(void *user, catena_task *task, const double *experiment, std::size_t *count) noexcept {
    const BoundLikelihood &u = of(user);
    return guarded(u.trouble, task, [&] {
      *count = static_cast<std::size_t>(
          detail::call<LearnCount, NoWorker>(object(u), task, nullptr, Position(experiment, u.fields)));
    });
  }
  static int domain(void *user, catena_task *task, const double *experiment, std::size_t count, double *outcomes) noexcept {
    const BoundLikelihood &u = of(user);
    return guarded(u.trouble, task, [&] {
      detail::call<LearnDomain, NoWorker>(object(u), task, nullptr, Position(experiment, u.fields),
                                          Matrix(outcomes, count, u.width));
    });
  }
  static int update_timestep(void *user, void *worker, catena_task *task, const double *experiment, std::size_t n_m,
                             double *models) noexcept {
    const BoundLikelihood &u = of(user);
    return guarded(u.trouble, task, [&] {
      detail::call<LearnTimestep, Worker>(object(u), task, worker, Position(experiment, u.fields),
                                          Matrix(models, n_m, u.parameters));
    });
  }
  static int experiment_cost(void *user, catena_task *task, std::size_t n_e, const double *experiments,
                             double *out) noexcept {
    const BoundLikelihood &u = of(user);
    return guarded(u.trouble, task, [&] {
      detail::call<LearnCost, NoWorker>(object(u), task, nullptr, ConstMatrix(experiments, n_e, u.fields), Values(out, n_e));
    });
  }
  static int worker_new(void *user, void **worker) noexcept {
    const BoundLikelihood &u = of(user);
    return guarded(u.trouble, nullptr, [&] { *worker = new Worker(object(u).make_worker()); });
  }
};

// A function as a class that likelihoods can be made from.
template <class F>
class FunctionLikelihood {
 public:
  FunctionLikelihood(std::vector<std::string> parameters, std::vector<Field> fields, F function)
      : parameters_(std::move(parameters)), fields_(std::move(fields)), function_(std::move(function)) {}

  const std::vector<std::string> &parameters() const { return parameters_; }
  const std::vector<Field> &fields() const { return fields_; }
  template <class... A>
  auto likelihood(A &&...a) const -> decltype(std::declval<const F &>()(std::forward<A>(a)...)) {
    return function_(std::forward<A>(a)...);
  }

 private:
  std::vector<std::string> parameters_;
  std::vector<Field> fields_;
  F function_;
};

template <class T, class = void>
constexpr bool is_likelihood = false;
template <class T>
constexpr bool is_likelihood<T, std::void_t<decltype(std::declval<const T &>().parameters())>> = true;

}  // namespace detail

// The probability (density) of outcomes under models in experiments. Immutable: may serve several updaters at once, and need not
// outlive them.
//
// A class has the members below, all const and called from several threads at once (unless `threading` says otherwise), for
// blocks of the product; [] marks what may be left out. Models, outcomes and experiments are matrices of a row each. A task's
// normals(x.all()) and uniforms(x.all()) draw numbers of each model's own. What is thrown ends the call under way, which leaves
// the updater as it was.
//
//   parameters() const;                                               names of a model's parameters: any range of texts
//   [fields() const;]                                                 fields of an experiment: any range of Fields or texts
//   void likelihood([Task &,] [const C &,] ConstMatrix outcomes, ConstMatrix models, ConstMatrix experiments, Cells out
//                   [, W &]) const;       fills out(o, m, e); or log_likelihood, which fills it with logarithms
//   [C prepare([Task &,] ConstMatrix experiments) const;]             what a block's experiments share, for all its calls
//   [catena_number outcome_kind() const; std::size_t outcome_width() const;]     by default an outcome is one whole number
//   [std::size_t num_outcomes([Task &,] Position experiment) const;]  how many it can have; 0: they are simulated. By default 2,
//                                                                     and 0 of real numbers
//   [void domain([Task &,] Position experiment, Matrix outcomes) const;]         lists them; by default 0, 1, ...
//   [void are_valid([Task &,] ConstMatrix models, View<std::uint8_t> valid [, W &]) const;]    which are possible: 1 or 0
//   [void canonicalize([Task &,] Matrix models [, W &]) const;]       replaces models by those that stand for them
//   [void simulate([Task &,] [const C &,] ConstMatrix models, ConstMatrix experiments, Cells out [, W &]) const;]
//                                                                     draws number k of an outcome: out(k, m, e)
//   [void update_timestep([Task &,] Position experiment, Matrix models [, W &]) const;]        models that drift
//   [void experiment_cost([Task &,] ConstMatrix experiments, Values costs) const;]             above 0
//   [void score([Task &,] [const C &,] outcomes, models, experiments, Scores out [, W &]) const;]
//                                                                     gradient of the log likelihood: out(o, m, e, j)
//   [W make_worker() const;]                                          scratch memory for one call at a time
//   [catena_threading threading() const; bool whole() const;]         whole: each call covers all that is asked for in a set
class Likelihood {
 public:
  // From a function `void f([Task &,] ConstMatrix outcomes, ConstMatrix models, ConstMatrix experiments, Cells out)` of outcomes
  // 0 and 1; it must be callable when const.
  template <class F>
  Likelihood(std::vector<std::string> parameters, std::vector<Field> fields, F function)
      : Likelihood(std::make_shared<const detail::FunctionLikelihood<F>>(std::move(parameters), std::move(fields),
                                                                         std::move(function))) {}

  // From an object, which is copied or moved in.
  template <class T, class = std::enable_if_t<detail::is_likelihood<std::decay_t<T>> &&
                                              !std::is_same_v<std::decay_t<T>, Likelihood>>>
  Likelihood(T &&object) : Likelihood(std::make_shared<const std::decay_t<T>>(std::forward<T>(object))) {}

  // From a shared object.
  template <class T>
  explicit Likelihood(std::shared_ptr<T> object) : object_(object) {
    using Class = std::remove_const_t<T>;
    if (!object) throw Error(CATENA_INVALID_ARGUMENT, "argument 'object': expected an object, got none", "object");
    const Class &made = *object;
    table_ = detail::LikelihoodCallbacks<Class>::table(made);
    if (table_.outcome_width == 0) table_.outcome_width = 1;
    parameters_ = detail::texts(made.parameters());
    if constexpr (std::is_invocable_v<detail::LearnFields, const Class &>) {
      for (const auto &field : made.fields()) fields_.emplace_back(field);
    }
  }

  const std::vector<std::string> &parameters() const noexcept { return parameters_; }
  const std::vector<Field> &fields() const noexcept { return fields_; }
  // Numbers in an outcome.
  std::size_t outcome_width() const noexcept { return table_.outcome_width; }

  // For Updater: what `user` is to point to.
  detail::BoundLikelihood bind(detail::Trouble &trouble) const {
    return {object_, parameters_.size(), fields_.size(), table_.outcome_width, trouble};
  }
  // For Updater: `function(table)`, whose names live as long as the call.
  template <class F>
  auto with_table(detail::BoundLikelihood &bound, F &&function) const {
    catena_likelihood table = table_;
    table.user = &bound;
    const std::vector<const char *> parameters = detail::pointers(parameters_);
    std::vector<const char *> names;
    std::vector<std::int32_t> kinds;
    for (const Field &field : fields_) {
      names.push_back(field.name.c_str());
      kinds.push_back(static_cast<std::int32_t>(field.kind));
    }
    table.num_parameters = parameters.size();
    table.parameter_names = parameters.data();
    table.num_fields = names.size();
    table.field_names = names.data();
    table.field_kinds = kinds.data();
    return function(table);
  }

 private:
  std::shared_ptr<const void> object_;
  catena_likelihood table_{};
  std::vector<std::string> parameters_;
  std::vector<Field> fields_;
};

}  // namespace catena

#endif
