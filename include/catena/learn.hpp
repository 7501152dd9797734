// What an updater is given, and what it finds. Include <catena.hpp>.
//
// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef CATENA_LEARN_HPP
#define CATENA_LEARN_HPP

#include <catena/checkpoint.hpp>
#include <catena/design.hpp>
#include <catena/population.hpp>
#include <catena/prior.hpp>

#include <cmath>

namespace catena {

// What an updater is to do. Setters return the options: catena::UpdaterOptions().sets(8).models(2000).
class UpdaterOptions {
 public:
  UpdaterOptions() { detail::check(catena_updater_options_init, &table_, sizeof table_); }

  // Independent sets, at least 1. Default 1.
  UpdaterOptions &sets(std::size_t value) noexcept { return put(table_.num_sets, value); }
  // Id of the first set, at least 1; the others follow. Default 1.
  UpdaterOptions &init_set_id(std::uint64_t value) noexcept { return put(table_.init_set_id, value); }
  // Models of each set. Default 1000.
  UpdaterOptions &models(std::size_t value) noexcept { return put(table_.num_models, value); }
  // Seed of all random streams. Default 0.
  UpdaterOptions &seed(std::uint64_t value) noexcept { return put(table_.seed, value); }
  // Threads of the updater's pool; 0: the cores available to the process. Default 0.
  UpdaterOptions &num_threads(std::size_t value) noexcept { return put(table_.num_threads, value); }
  // A pool that others may share, which must outlive the updater.
  UpdaterOptions &pool(const Pool &value) noexcept { return put(table_.pool, value.handle()); }
  // By Liu and West (2001): a from 0 to 1 (default 0.98); h below 0 (default): sqrt(1 - a^2), which keeps the covariance.
  UpdaterOptions &liu_west(double a, double h = -1) noexcept {
    table_.liu_west_a = a;
    table_.liu_west_h = h;
    return put(table_.resampler, static_cast<std::int32_t>(CATENA_RESAMPLER_LIU_WEST));
  }
  // How often an impossible move is drawn, at most. Default 1000.
  UpdaterOptions &max_tries(std::size_t value) noexcept { return put(table_.max_tries, value); }
  // Copies alone; models are moved by other means, or by update_timestep.
  UpdaterOptions &copies() noexcept { return put(table_.resampler, static_cast<std::int32_t>(CATENA_RESAMPLER_COPIES)); }
  // How ancestors are drawn. Default CATENA_RESAMPLING_SYSTEMATIC.
  UpdaterOptions &resampling(catena_resampling value) noexcept {
    return put(table_.resampling, static_cast<std::int32_t>(value));
  }
  // Resample when the effective sample size is below this times the number of models; 0: never. Default 0.5.
  UpdaterOptions &ess_threshold(double value) noexcept { return put(table_.ess_threshold, value); }
  // What becomes of a datum that no model of a set explains. Default CATENA_ZERO_WEIGHTS_ERROR.
  UpdaterOptions &zero_weights(catena_zero_weights value) noexcept {
    return put(table_.zero_weights, static_cast<std::int32_t>(value));
  }
  // Whether each resampling's divergence from the set before is kept. Default false.
  UpdaterOptions &divergences(bool value) noexcept { return put(table_.divergences, static_cast<std::int32_t>(value)); }

  const catena_updater_options &table() const noexcept { return table_; }

 private:
  template <class M, class V>
  UpdaterOptions &put(M &member, V value) noexcept {
    member = value;
    return *this;
  }

  catena_updater_options table_{};
};

// What an updater uses as long as it lives. Exceptions of these functions are rethrown from the call under way.
struct UpdaterIo {
  // Gets warnings and what the likelihood logs.
  Logger logger;
  // Returns true to end the call under way; the updater is then as it was before. Asked on the calling thread.
  std::function<bool()> interrupt;
  // The processes that share the work (catena_mpi.h fills it), borrowed by the constructor; none: this one alone.
  const catena_communicator *communicator = nullptr;
};

// A mean over all sets, and its standard error across them (NaN of one set).
struct Estimate {
  double mean, standard_error;
};

// (x - centre)' shape (x - centre) <= 1, the matrix row by row.
struct Ellipsoid {
  std::vector<double> centre, shape;
  // Whether a point lies in it.
  bool contains(const std::vector<double> &x) const {
    detail::sized("x", x, centre.size());
    double sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i)
      for (std::size_t j = 0; j < x.size(); ++j) sum += (x[i] - centre[i]) * shape[i * x.size() + j] * (x[j] - centre[j]);
    return sum <= 1;
  }
};

// A datum as it was taken in.
struct Datum {
  std::vector<double> outcome, experiment;
};

// Weights after outcomes that might come: of outcome o in experiment e those of model m at (e * outcomes + o) * models + m, and
// the log of the outcome's predictive probability at e * outcomes + o.
struct Hypothetical {
  std::vector<double> weights, log_normalizations;
};

// Models, a matrix column by column, and their weights.
struct WeightedModels {
  std::vector<double> models, weights;
};

// The Bayesian Cramer-Rao bound, d x d: the inverse of the sum of matrices of d x d numbers, of which the first is the prior's
// information (the inverse of its covariance, if it is normal), the others those of experiments.
inline std::vector<double> bayesian_bound(std::size_t dimension, const std::vector<double> &information) {
  const std::size_t count = detail::rows_of("information", information, dimension * dimension);
  std::vector<double> bound(dimension * dimension);
  detail::check(catena_bayesian_bound, dimension, count - 1, information.data(), bound.data());
  return bound;
}

namespace detail {

// The mean over sets, and its standard error across them.
inline Estimate pooled(const std::vector<double> &of_sets) {
  const double n = static_cast<double>(of_sets.size());
  double mean = 0, squares = 0;
  for (const double value : of_sets) mean += value;
  mean /= n;
  for (const double value : of_sets) squares += (value - mean) * (value - mean);
  return {mean, std::sqrt(squares / (n - 1) / n)};
}

// What a measurement came to; none ends the loop.
inline std::optional<std::vector<double>> measured(double outcome) { return std::vector<double>{outcome}; }
inline std::optional<std::vector<double>> measured(std::vector<double> outcome) { return outcome; }
template <class T>
std::optional<std::vector<double>> measured(std::optional<T> outcome) {
  return outcome ? measured(std::move(*outcome)) : std::nullopt;
}

}  // namespace detail

}  // namespace catena

#endif
