// Callbacks of models that can tell prior and likelihood apart. Include <catena.hpp>; nothing here but Parts is for users.
//
// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef CATENA_PARTS_HPP
#define CATENA_PARTS_HPP

#include <catena/callbacks.hpp>

namespace catena {

// The log density in two parts.
struct Parts {
  // Log prior, with the Jacobian of the transforms. For data one by one: that plus the log likelihood of the first data.
  double log_prior;
  // Log likelihood; minus infinity where it is zero. For data one by one: that of the next datum.
  double log_likelihood;
};

namespace detail {

struct LogDensityParts {
  template <class T, class... A>
  auto operator()(T &object, A &&...a) const -> decltype(object.log_density_parts(std::forward<A>(a)...)) {
    return object.log_density_parts(std::forward<A>(a)...);
  }
};
struct LogDensityPartsBatch {
  template <class T, class... A>
  auto operator()(T &object, A &&...a) const -> decltype(object.log_density_parts_batch(std::forward<A>(a)...)) {
    return object.log_density_parts_batch(std::forward<A>(a)...);
  }
};
struct SamplePrior {
  template <class T, class... A>
  auto operator()(T &object, A &&...a) const -> decltype(object.sample_prior(std::forward<A>(a)...)) {
    return object.sample_prior(std::forward<A>(a)...);
  }
};
struct LogDensityData {
  template <class T, class... A>
  auto operator()(T &object, A &&...a) const -> decltype(object.log_density_data(std::forward<A>(a)...)) {
    return object.log_density_data(std::forward<A>(a)...);
  }
};

template <class T, class = void>
constexpr bool has_data_count = false;
template <class T>
constexpr bool has_data_count<T, std::void_t<decltype(std::declval<const T &>().data_count())>> = true;

template <class T, class = void>
constexpr bool names_parts = false;
template <class T>
constexpr bool names_parts<T, std::void_t<decltype(&T::log_density_parts)>> = true;
template <class T, class = void>
constexpr bool names_parts_batch = false;
template <class T>
constexpr bool names_parts_batch<T, std::void_t<decltype(&T::log_density_parts_batch)>> = true;
template <class T, class = void>
constexpr bool names_prior = false;
template <class T>
constexpr bool names_prior<T, std::void_t<decltype(&T::sample_prior)>> = true;
template <class T, class = void>
constexpr bool names_data = false;
template <class T>
constexpr bool names_data<T, std::void_t<decltype(&T::log_density_data)>> = true;

template <class T>
struct PartsCallbacks {
  using Worker = typename WorkerOf<T>::type;

  static constexpr bool has_parts = takes<LogDensityParts, T, Worker, Position, Values, Values>;
  static constexpr bool has_batch =
      takes<LogDensityPartsBatch, T, Worker, Position, Values, Values, Values, Values, View<int>>;
  static constexpr bool has_prior = takes<SamplePrior, T, Worker, Values>;
  static constexpr bool has_data = takes<LogDensityData, T, Worker, Position, std::size_t, Values, Values>;

  static_assert(has_parts || !names_parts<T>,
                "expected catena::Parts log_density_parts([Task &,] Position x, Values prior_gradient, "
                "Values likelihood_gradient [, Worker &]) const");
  static_assert(has_batch || !names_parts_batch<T>,
                "expected void log_density_parts_batch([Task &,] Position xs, Values log_priors, Values log_likelihoods, "
                "Values prior_gradients, Values likelihood_gradients, View<int> codes [, Worker &]) const");
  static_assert(has_prior || !names_prior<T>, "expected void sample_prior([Task &,] Values x [, Worker &]) const");
  static_assert(has_data || !names_data<T>,
                "expected catena::Parts log_density_data([Task &,] Position x, std::size_t count, Values gradient, "
                "Values next_gradient [, Worker &]) const");
  static_assert(has_data == has_data_count<T>, "data_count() and log_density_data(...) come together, both const");

  // Adds what the class has to its table.
  static void add(catena_density &table, const T &object) {
    static_cast<void>(object);
    if constexpr (has_parts) table.log_density_parts = parts;
    if constexpr (has_batch) table.log_density_parts_batch = batch;
    if constexpr (has_prior) table.sample_prior = prior;
    if constexpr (has_data) {
      table.data_count = static_cast<std::size_t>(object.data_count());
      if (table.data_count > 0) table.log_density_data = data;
    }
  }

 private:
  static const BoundModel &bound(void *user) noexcept { return *static_cast<const BoundModel *>(user); }
  static const T &object(const BoundModel &model) noexcept { return *static_cast<const T *>(model.object.get()); }
  // A gradient that is not asked for is null and has no elements.
  static Values asked(double *gradient, std::size_t size) noexcept { return Values(gradient, gradient ? size : 0); }

  static int parts(void *user, void *worker, catena_task *task, const double *x, double *prior, double *likelihood,
                   double *g, double *h) noexcept {
    const BoundModel &model = bound(user);
    const std::size_t d = model.dimension;
    return guarded(model.trouble(), task, [&] {
      const Parts value =
          call<LogDensityParts, Worker>(object(model), task, worker, Position(x, d), asked(g, d), asked(h, d));
      *prior = value.log_prior;
      *likelihood = value.log_likelihood;
    });
  }

  static int batch(void *user, void *worker, catena_task *task, std::size_t n, const double *x, double *priors,
                   double *likelihoods, double *g, double *h, int *codes) noexcept {
    const BoundModel &model = bound(user);
    const std::size_t d = n * model.dimension;
    return guarded(model.trouble(), task, [&] {
      call<LogDensityPartsBatch, Worker>(object(model), task, worker, Position(x, d), Values(priors, n),
                                         Values(likelihoods, n), asked(g, d), asked(h, d), View<int>(codes, n));
    });
  }

  static int prior(void *user, void *worker, catena_task *task, double *x) noexcept {
    const BoundModel &model = bound(user);
    return guarded(model.trouble(), task, [&] {
      call<SamplePrior, Worker>(object(model), task, worker, Values(x, model.dimension));
    });
  }

  static int data(void *user, void *worker, catena_task *task, const double *x, std::size_t count, double *value,
                  double *next, double *g, double *h) noexcept {
    const BoundModel &model = bound(user);
    const std::size_t d = model.dimension;
    return guarded(model.trouble(), task, [&] {
      const Parts both =
          call<LogDensityData, Worker>(object(model), task, worker, Position(x, d), count, asked(g, d), asked(h, d));
      *value = both.log_prior;
      *next = both.log_likelihood;
    });
  }
};

}  // namespace detail
}  // namespace catena

#endif
