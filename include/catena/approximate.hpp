// Draws from approximations: Pathfinder and variational inference. Include <catena.hpp>.
//
// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef CATENA_APPROXIMATE_HPP
#define CATENA_APPROXIMATE_HPP

#include <catena/session.hpp>

namespace catena {

// What is said of one path of pathfinder(), or of one fit of variational().
struct ApproximationFit {
  std::uint64_t id;
  // Why it failed, if it did.
  std::optional<Error> error;
  // Steps: of the optimiser, or of the ascent of the bound; and whether they ended by a tolerance.
  std::size_t iterations;
  bool converged;
  // The evidence lower bound, as last estimated; of a path, at its best point.
  double elbo;
  // Above 0.7 the draws are too far from the density for weights to correct them. 0 where all weights are equal, infinite
  // where there are too few draws to tell, NaN without draws.
  double khat;
  // Draws without a finite log density.
  std::uint64_t dropped;
  // Evaluations of the log density with its gradient, and without.
  std::uint64_t gradients, densities;
  std::size_t draws;
  double seconds;
  // On the unconstrained scale; empty where it failed.
  std::vector<double> mean, sd;
};

// What pathfinder() and variational() give: draws, and a report for each path or fit.
class Approximation {
 public:
  // Of pathfinder(): one "chain" of the draws of all paths, columns lp_approx__, lp__, path__, then the outputs. Of
  // variational(): one for each fit, lp__, log_p__, log_g__, then the outputs; its first row is the mean, in a row that
  // begins with zeros. Of laplace(): one for each id, log_p__, log_q__, then the outputs. NaN where a fit has no draws. Empty when the run had sample writers.
  const Draws &draws() const noexcept { return draws_; }
  // The draws, moved out.
  Draws take_draws() noexcept { return std::exchange(draws_, Draws()); }
  // k-hat of all draws together, as they were before they were resampled; of a single fit, its own; NaN of several.
  double khat() const noexcept { return khat_; }
  // Rows of the draws of all paths, and how many draws with a weight they were taken from; 0 of variational().
  std::size_t rows() const noexcept { return rows_; }
  std::size_t pool() const noexcept { return pool_; }
  // Unconstrained positions of these rows, one after the other.
  const std::vector<double> &positions() const noexcept { return positions_; }
  const std::vector<ApproximationFit> &fits() const noexcept { return fits_; }
  // Whether every path or fit has come to its end.
  bool complete() const noexcept {
    return std::all_of(fits_.begin(), fits_.end(), [](const ApproximationFit &fit) { return !fit.mean.empty(); });
  }

 private:
  Approximation(const catena_approximation *r, std::size_t dimension, Draws draws)
      : draws_(std::move(draws)),
        khat_(catena_approximation_khat(r)),
        rows_(catena_approximation_rows(r)),
        pool_(catena_approximation_pool(r)),
        positions_(numbers(catena_approximation_positions(r), rows_ * dimension)) {
    for (std::size_t i = 0; i < catena_approximation_num_fits(r); ++i) fits_.push_back(report(r, dimension, i));
  }

  static std::vector<double> numbers(const double *first, std::size_t count) {
    return first ? std::vector<double>(first, first + count) : std::vector<double>();
  }

  static ApproximationFit report(const catena_approximation *r, std::size_t dimension, std::size_t i) {
    ApproximationFit fit{catena_approximation_fit_id(r, i),
                         std::nullopt,
                         catena_approximation_fit_iterations(r, i),
                         catena_approximation_fit_converged(r, i) != 0,
                         catena_approximation_fit_elbo(r, i),
                         catena_approximation_fit_khat(r, i),
                         catena_approximation_fit_dropped(r, i),
                         catena_approximation_fit_gradients(r, i),
                         catena_approximation_fit_densities(r, i),
                         catena_approximation_fit_draws(r, i),
                         catena_approximation_fit_seconds(r, i),
                         numbers(catena_approximation_fit_mean(r, i), dimension),
                         numbers(catena_approximation_fit_sd(r, i), dimension)};
    if (const catena_error *error = catena_approximation_fit_error(r, i)) fit.error.emplace(error);
    return fit;
  }

  friend Approximation pathfinder(const Model &, const Options &, Io);
  friend Approximation variational(const Model &, const Options &, Io);
  friend Approximation laplace(const Model &, const Options &, Io);
  template <class F>
  static Approximation run(F call, const Model &model, const Options &options, std::size_t machines, Io io, Draws draws,
                           std::size_t chains);

  Draws draws_;
  double khat_;
  std::size_t rows_, pool_;
  std::vector<double> positions_;
  std::vector<ApproximationFit> fits_;
};

// Thrown when fits failed; the others' results are with it.
class ApproximationError : public Error {
 public:
  ApproximationError(const catena_error *error, Approximation result)
      : Error(error), result_(std::make_shared<const Approximation>(std::move(result))) {}
  const Approximation &result() const noexcept { return *result_; }

 private:
  std::shared_ptr<const Approximation> result_;
};

template <class F>
Approximation Approximation::run(F call, const Model &model, const Options &options, std::size_t machines, Io io,
                                 Draws draws, std::size_t chains) {
  if (!draws.columns().empty()) {
    std::vector<catena_writer *> made(chains);
    detail::check(catena_writers_memory_new, draws.values().data(), draws.values().size(), chains, draws.draws(),
                  draws.columns().size(), static_cast<std::int32_t>(CATENA_LAYOUT_ROWS), made.data());
    for (catena_writer *writer : made) io.sample_writers.push_back(Writer::own(writer));
  }
  detail::Session session(model, machines, 0, {}, 0, std::move(io));
  catena_approximation *given = nullptr;
  catena_error *error = nullptr;
  const catena_status status = call(session.bound.get(), options.handle(), &session.table, &given, &error);
  const detail::Handle<catena_approximation, catena_approximation_free> result(given);
  const detail::ErrorHandle owned(error);
  session.trouble.rethrow();
  if (!result) throw Error(error);
  Approximation found(given, model.dimension(), std::move(draws));
  if (status != CATENA_OK && status != CATENA_INTERRUPTED) throw ApproximationError(error, std::move(found));
  return found;
}

namespace detail {

inline std::size_t whole_option(const Options &options, const char *name) {
  std::uint64_t value = 0;
  check(catena_options_get_integer, options.handle(), name, &value);
  return static_cast<std::size_t>(value);
}

template <class Count, class Name>
std::vector<std::string> columns_of(const Model &model, Count count, Name name) {
  std::vector<std::string> columns;
  for (std::size_t i = 0; i < count(model.handle()); ++i) columns.emplace_back(name(model.handle(), i));
  return columns;
}

}  // namespace detail

// Follows an optimiser from several initial values, takes from each path the normal distribution with the highest evidence
// lower bound, and draws from it; the draws of several paths are resampled by their smoothed importance weights.
//
// Of the options those with `pathfinder` among their services count: num_paths, num_draws, num_psis_draws and others. `io`
// may have inits and init writers, one per path; one sample writer; diagnostic writers, one per path, which get the path's
// own draws; a logger and an interrupt. A path that fails is left out: its fit has the error.
//
// Throws the first exception of a callback; an ApproximationError when all paths failed; an Error before any path runs. A
// run that is interrupted has a result that is not complete().
inline Approximation pathfinder(const Model &model, const Options &options = Options(), Io io = {}) {
  const std::size_t paths = detail::whole_option(options, "num_paths");
  Draws draws;
  if (io.sample_writers.empty()) {
    const bool weighs = options.get("psis_resample") == "true" && options.get("calculate_lp") == "true" && paths > 1;
    const std::size_t rows = weighs ? detail::whole_option(options, "num_psis_draws")
                                    : paths * detail::whole_option(options, "num_draws");
    draws = Draws(1, rows, detail::columns_of(model, catena_pathfinder_column_count, catena_pathfinder_column));
  }
  return Approximation::run(catena_pathfinder, model, options, paths, std::move(io), std::move(draws), 1);
}

// Fits a normal distribution on the unconstrained scale, one for each of num_chains ids, by climbing the evidence lower
// bound (automatic differentiation variational inference), and draws from it.
//
// Of the options those with `variational` among their services count: variational_family, output_draws and others. `io` may
// have inits and all writers, one per fit, a logger and an interrupt.
//
// Throws the first exception of a callback; an ApproximationError, whose result() has the others, when a fit failed; an
// Error before any fit runs.
inline Approximation variational(const Model &model, const Options &options = Options(), Io io = {}) {
  const std::size_t fits = detail::whole_option(options, "num_chains");
  Draws draws;
  if (io.sample_writers.empty())
    // The mean has a row of its own.
    draws = Draws(fits, 1 + detail::whole_option(options, "output_draws"),
                  detail::columns_of(model, catena_variational_column_count, catena_variational_column));
  return Approximation::run(catena_variational, model, options, fits, std::move(io), std::move(draws), fits);
}

// Draws from the normal distribution on the unconstrained scale whose mean is a mode of the density and whose precision is the
// negative Hessian there, once for each of num_chains ids.
//
// Of the options those with `laplace` among their services count: laplace_draws, laplace_jacobian and others. `io` may have
// inits, which are the modes, one per id, with values of all parameters; without them the best of num_starts starts is the mode
// of all. It may have sample writers, one per id, a logger and an interrupt.
//
// Throws the first exception of a callback; an ApproximationError, whose result() has the others, when a mode was none; an Error
// where no mode was found, and before anything runs.
inline Approximation laplace(const Model &model, const Options &options = Options(), Io io = {}) {
  const std::size_t ids = detail::whole_option(options, "num_chains");
  Draws draws;
  if (io.sample_writers.empty())
    draws = Draws(ids, detail::whole_option(options, "laplace_draws"),
                  detail::columns_of(model, catena_laplace_column_count, catena_laplace_column));
  return Approximation::run(catena_laplace, model, options, ids, std::move(io), std::move(draws), ids);
}

}  // namespace catena

#endif
