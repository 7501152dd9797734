// Modes from many starts. Include <catena.hpp>.
//
// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef CATENA_OPTIMIZE_HPP
#define CATENA_OPTIMIZE_HPP

#include <catena/approximate.hpp>

namespace catena {

// What is said of one start of optimize().
struct OptimizeStart {
  std::uint64_t id;
  catena_ending ending;
  // Why it has not converged, with its id and the iteration.
  std::optional<Error> error;
  std::size_t iterations;
  // Of the log density with its gradient.
  std::uint64_t evaluations;
  // Where it ended; NaN where it never had initial values.
  double log_density;
  double seconds;
  // The unconstrained position there, and the model's outputs; empty where there are none.
  std::vector<double> position, outputs;
  bool converged() const noexcept { return !error; }
};

// A mode that `found` starts have converged to; the one of place `start` ended highest.
struct Mode {
  std::size_t start, found;
};

// What optimize() gives: a report for each start, the best of them, and the distinct modes, highest first.
class OptimizeResult {
 public:
  const std::vector<OptimizeStart> &starts() const noexcept { return starts_; }
  const std::vector<Mode> &modes() const noexcept { return modes_; }
  // The converged start with the highest log density, or, where none has converged, of those that ended; throws
  // std::out_of_range where none has.
  const OptimizeStart &best() const { return starts_.at(best_); }
  // Whether any start has converged.
  bool converged() const noexcept { return !modes_.empty(); }

 private:
  OptimizeResult(const catena_optimum *o, std::size_t dimension, std::size_t outputs) : best_(catena_optimum_best(o)) {
    for (std::size_t i = 0; i < catena_optimum_num_starts(o); ++i) starts_.push_back(report(o, dimension, outputs, i));
    for (std::size_t i = 0; i < catena_optimum_num_modes(o); ++i)
      modes_.push_back({catena_optimum_mode_start(o, i), catena_optimum_mode_found(o, i)});
  }

  static std::vector<double> numbers(const double *first, std::size_t count) {
    return first ? std::vector<double>(first, first + count) : std::vector<double>();
  }

  static OptimizeStart report(const catena_optimum *o, std::size_t dimension, std::size_t outputs, std::size_t i) {
    OptimizeStart start{catena_optimum_start_id(o, i),
                        catena_optimum_start_ending(o, i),
                        std::nullopt,
                        catena_optimum_start_iterations(o, i),
                        catena_optimum_start_evaluations(o, i),
                        catena_optimum_start_log_density(o, i),
                        catena_optimum_start_seconds(o, i),
                        numbers(catena_optimum_start_position(o, i), dimension),
                        numbers(catena_optimum_start_outputs(o, i), outputs)};
    if (const catena_error *error = catena_optimum_start_error(o, i)) start.error.emplace(error);
    return start;
  }

  friend OptimizeResult optimize(const Model &, const Options &, Io);

  std::size_t best_;
  std::vector<OptimizeStart> starts_;
  std::vector<Mode> modes_;
};

// Thrown when no start has converged; what they came to is with it.
class OptimizeError : public Error {
 public:
  OptimizeError(const catena_error *error, OptimizeResult result)
      : Error(error), result_(std::make_shared<const OptimizeResult>(std::move(result))) {}
  const OptimizeResult &result() const noexcept { return *result_; }

 private:
  std::shared_ptr<const OptimizeResult> result_;
};

// Climbs to modes of the density from `num_starts` starts.
//
// Of the options those with `optimize` among their services count: num_starts, algorithm, jacobian, max_iterations and others.
// `io` may have inits, init writers and sample writers, one per start, a logger and an interrupt.
//
// Throws the first exception of a callback; an OptimizeError when no start has converged; an Error before any start runs. A run
// that is interrupted has a result that is perhaps not converged().
inline OptimizeResult optimize(const Model &model, const Options &options = Options(), Io io = {}) {
  const bool writes = !io.sample_writers.empty();
  detail::Session session(model, detail::whole_option(options, "num_starts"), 0, {}, 0, std::move(io));
  // Without writers there are no draws to be kept: the report has where starts ended.
  if (!writes) {
    session.table.sample_writers = nullptr;
    session.table.num_sample_writers = 0;
  }
  catena_optimum *given = nullptr;
  catena_error *error = nullptr;
  const catena_status status =
      catena_optimize(session.bound.get(), options.handle(), &session.table, &given, &error);
  const detail::Handle<catena_optimum, catena_optimum_free> result(given);
  const detail::ErrorHandle owned(error);
  session.trouble.rethrow();
  if (!result) throw Error(error);
  OptimizeResult found(given, model.dimension(), catena_model_output_count(model.handle()));
  if (status != CATENA_OK && status != CATENA_INTERRUPTED) throw OptimizeError(error, std::move(found));
  return found;
}

}  // namespace catena

#endif
