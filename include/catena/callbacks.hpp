// The table of C callbacks for a class. Include <catena.hpp>; nothing here is for users.
//
// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef CATENA_CALLBACKS_HPP
#define CATENA_CALLBACKS_HPP

#include <catena/init.hpp>

namespace catena {
namespace detail {

// Members of models as function objects that std::is_invocable can ask about.
struct LogDensity {
  template <class T, class... A>
  auto operator()(T &object, A &&...a) const -> decltype(object.log_density(std::forward<A>(a)...)) {
    return object.log_density(std::forward<A>(a)...);
  }
};
struct LogDensityOnly {
  template <class T, class... A>
  auto operator()(T &object, A &&...a) const -> decltype(object.log_density_only(std::forward<A>(a)...)) {
    return object.log_density_only(std::forward<A>(a)...);
  }
};
struct LogDensityBatch {
  template <class T, class... A>
  auto operator()(T &object, A &&...a) const -> decltype(object.log_density_batch(std::forward<A>(a)...)) {
    return object.log_density_batch(std::forward<A>(a)...);
  }
};
struct Constrain {
  template <class T, class... A>
  auto operator()(T &object, A &&...a) const -> decltype(object.constrain(std::forward<A>(a)...)) {
    return object.constrain(std::forward<A>(a)...);
  }
};
struct Initialize {
  template <class T, class... A>
  auto operator()(T &object, A &&...a) const -> decltype(object.initialize(std::forward<A>(a)...)) {
    return object.initialize(std::forward<A>(a)...);
  }
};

// The type that a model's make_worker returns; NoWorker without one.
struct NoWorker {};
template <class T, class = void>
struct WorkerOf {
  using type = NoWorker;
};
template <class T>
struct WorkerOf<T, std::void_t<decltype(std::declval<const T &>().make_worker())>> {
  using type = std::remove_cv_t<decltype(std::declval<const T &>().make_worker())>;
  static_assert(std::is_object_v<type>, "make_worker returns the worker by value");
};

template <class T, class = void>
constexpr bool has_names = false;
template <class T>
constexpr bool has_names<T, std::void_t<decltype(std::declval<const T &>().names())>> = true;
template <class T, class = void>
constexpr bool has_output_names = false;
template <class T>
constexpr bool has_output_names<T, std::void_t<decltype(std::declval<const T &>().output_names())>> = true;
template <class T, class = void>
constexpr bool has_parameter_outputs = false;
template <class T>
constexpr bool has_parameter_outputs<T, std::void_t<decltype(std::declval<const T &>().parameter_outputs())>> = true;
template <class T, class = void>
constexpr bool has_transformed_outputs = false;
template <class T>
constexpr bool has_transformed_outputs<T, std::void_t<decltype(std::declval<const T &>().transformed_outputs())>> = true;
template <class T, class = void>
constexpr bool has_threading = false;
template <class T>
constexpr bool has_threading<T, std::void_t<decltype(std::declval<const T &>().threading())>> = true;
template <class T, class = void>
constexpr bool has_dimension = false;
template <class T>
constexpr bool has_dimension<T, std::void_t<decltype(std::declval<const T &>().dimension())>> = true;

// Whether a class has a member of this name, whatever it takes: one that is there and doesn't fit is a mistake.
template <class T, class = void>
constexpr bool names_only = false;
template <class T>
constexpr bool names_only<T, std::void_t<decltype(&T::log_density_only)>> = true;
template <class T, class = void>
constexpr bool names_batch = false;
template <class T>
constexpr bool names_batch<T, std::void_t<decltype(&T::log_density_batch)>> = true;
template <class T, class = void>
constexpr bool names_constrain = false;
template <class T>
constexpr bool names_constrain<T, std::void_t<decltype(&T::constrain)>> = true;
template <class T, class = void>
constexpr bool names_initialize = false;
template <class T>
constexpr bool names_initialize<T, std::void_t<decltype(&T::initialize)>> = true;
template <class T, class = void>
constexpr bool names_worker = false;
template <class T>
constexpr bool names_worker<T, std::void_t<decltype(&T::make_worker)>> = true;

// A member as a function object that std::is_invocable can ask about, and whether a class has a member of this name: one that is
// there and doesn't fit is a mistake.
#define CATENA_DETAIL_MEMBER(type, member)                                                          \
  struct type {                                                                                     \
    template <class T, class... A>                                                                  \
    auto operator()(T &object, A &&...a) const -> decltype(object.member(std::forward<A>(a)...)) {  \
      return object.member(std::forward<A>(a)...);                                                  \
    }                                                                                               \
  };                                                                                                \
  template <class T, class = void>                                                                  \
  constexpr bool names_##type = false;                                                              \
  template <class T>                                                                                \
  constexpr bool names_##type<T, std::void_t<decltype(&T::member)>> = true;

// Whether member F of a T takes the arguments A, with or without a task before and a worker W after them.
template <class F, class T, class W, class... A>
constexpr bool takes = std::is_invocable_v<F, const T &, Task &, const A &..., W &> ||
                       std::is_invocable_v<F, const T &, const A &..., W &> ||
                       std::is_invocable_v<F, const T &, Task &, const A &...> ||
                       std::is_invocable_v<F, const T &, const A &...>;

template <class F, class W, class T, class... A>
auto call(const T &object, catena_task *handle, void *worker, const A &...arguments) {
  Task task(handle);
  if constexpr (std::is_invocable_v<F, const T &, Task &, const A &..., W &>)
    return F()(object, task, arguments..., *static_cast<W *>(worker));
  else if constexpr (std::is_invocable_v<F, const T &, const A &..., W &>)
    return F()(object, arguments..., *static_cast<W *>(worker));
  else if constexpr (std::is_invocable_v<F, const T &, Task &, const A &...>)
    return F()(object, task, arguments...);
  else
    return F()(object, arguments...);
}

// The trouble of the call of Model::log_density that this thread is in.
inline Trouble *&trouble_of_thread() noexcept {
  thread_local Trouble *trouble = nullptr;
  return trouble;
}

// What `user` points to: a model's object as one run sees it. Each run has its own, for its own exceptions.
struct BoundModel {
  std::shared_ptr<const void> object;
  std::size_t dimension, outputs;
  // Null outside runs.
  Trouble *of_run;

  Trouble &trouble() const noexcept { return of_run ? *of_run : *trouble_of_thread(); }
};

template <class T>
struct Callbacks {
  using Worker = typename WorkerOf<T>::type;

  static_assert(takes<LogDensity, T, Worker, Position, Values>,
                "a model needs `double log_density([Task &,] Position x, Values gradient [, Worker &])`, callable when const");
  static constexpr bool has_only = takes<LogDensityOnly, T, Worker, Position>;
  static constexpr bool has_batch = takes<LogDensityBatch, T, Worker, Position, Values, Values, View<int>>;
  static constexpr bool has_constrain = takes<Constrain, T, Worker, Position, Values>;
  static constexpr bool has_initialize = takes<Initialize, T, Worker, Given, Values>;
  static_assert(has_constrain == has_output_names<T>,
                "output_names() and constrain([Task &,] Position x, Values outputs [, Worker &]) come together, both const");

  static_assert(has_only || !names_only<T>, "expected double log_density_only([Task &,] Position x [, Worker &]) const");
  static_assert(has_batch || !names_batch<T>,
                "expected void log_density_batch([Task &,] Position xs, Values log_densities, Values gradients, "
                "View<int> codes [, Worker &]) const");
  static_assert(has_constrain || !names_constrain<T>,
                "expected void constrain([Task &,] Position x, Values outputs [, Worker &]) const");
  static_assert(has_initialize || !names_initialize<T>,
                "expected void initialize([Task &,] const Given &, Values x [, Worker &]) const");
  static_assert(!std::is_same_v<Worker, NoWorker> || !names_worker<T>, "expected W make_worker() const");

  // A table without dimension, names and user.
  static catena_density table() {
    catena_density table{};
    table.struct_size = sizeof table;
    table.log_density_gradient = evaluate;
    if constexpr (has_only) table.log_density = evaluate_only;
    if constexpr (has_batch) table.log_density_gradient_batch = evaluate_batch;
    if constexpr (has_constrain) table.constrain = constrain;
    if constexpr (has_initialize) table.initialize = initialize;
    if constexpr (!std::is_same_v<Worker, NoWorker>) {
      table.worker_new = worker_new;
      table.worker_free = worker_free;
    }
    return table;
  }

 private:
  static const BoundModel &bound(void *user) noexcept { return *static_cast<const BoundModel *>(user); }
  static const T &object(const BoundModel &model) noexcept { return *static_cast<const T *>(model.object.get()); }

  static int evaluate(void *user, void *worker, catena_task *task, const double *x, double *value, double *g) noexcept {
    const BoundModel &model = bound(user);
    return guarded(model.trouble(), task, [&] {
      *value = call<LogDensity, Worker>(object(model), task, worker, Position(x, model.dimension),
                            Values(g, model.dimension));
    });
  }

  static int evaluate_only(void *user, void *worker, catena_task *task, const double *x, double *value) noexcept {
    const BoundModel &model = bound(user);
    return guarded(model.trouble(), task, [&] {
      *value = call<LogDensityOnly, Worker>(object(model), task, worker, Position(x, model.dimension));
    });
  }

  static int evaluate_batch(void *user, void *worker, catena_task *task, std::size_t n, const double *x, double *values,
                            double *g, int *codes) noexcept {
    const BoundModel &model = bound(user);
    return guarded(model.trouble(), task, [&] {
      call<LogDensityBatch, Worker>(object(model), task, worker, Position(x, n * model.dimension), Values(values, n),
                   Values(g, n * model.dimension), View<int>(codes, n));
    });
  }

  static int constrain(void *user, void *worker, catena_task *task, const double *x, double *outputs) noexcept {
    const BoundModel &model = bound(user);
    return guarded(model.trouble(), task, [&] {
      call<Constrain, Worker>(object(model), task, worker, Position(x, model.dimension), Values(outputs, model.outputs));
    });
  }

  static int initialize(void *user, void *worker, catena_task *task, const catena_init *init, double *x) noexcept {
    const BoundModel &model = bound(user);
    return guarded(model.trouble(), task, [&] {
      call<Initialize, Worker>(object(model), task, worker, Given(init), Values(x, model.dimension));
    });
  }

  static int worker_new(void *user, void **worker) noexcept {
    const BoundModel &model = bound(user);
    return guarded(model.trouble(), nullptr, [&] { *worker = new Worker(object(model).make_worker()); });
  }

  static void worker_free(void *, void *worker) noexcept { delete static_cast<Worker *>(worker); }
};

}  // namespace detail
}  // namespace catena

#endif
