// Gradients against finite differences. Include <catena.hpp>.
//
// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef CATENA_GRADIENT_HPP
#define CATENA_GRADIENT_HPP

#include <catena/session.hpp>

namespace catena {

// The derivative by one coordinate.
struct CoordinateCheck {
  // Value of the coordinate.
  double value;
  // The model's derivative.
  double model;
  // The central difference; NaN where the model rejected one of its points.
  double finite_difference;
  // The model's derivative minus the central difference.
  double error;
};

// What diagnose() found.
struct GradientCheck {
  // Log density at the point.
  double log_density;
  // One entry per coordinate.
  std::vector<CoordinateCheck> coordinates;
  // Number of coordinates whose error is above the threshold or no number.
  std::size_t failures;
  // Stan's table, several lines.
  std::string text;
};

// Compares the model's gradient with central differences (f(x + epsilon) - f(x - epsilon)) / (2 epsilon), coordinate by
// coordinate, at the point where chain init_chain_id of a run with these options (seed, init_radius) would start from
// `init`. `threshold` is the largest absolute error that is no failure. The model is called from one thread at a time.
//
// Throws what the model throws, except that Reject makes a difference NaN, and an Error when no point is found.
inline GradientCheck diagnose(const Model &model, const Options &options = Options(), const Init &init = Init(),
                              double epsilon = 1e-6, double threshold = 1e-6, Logger logger = {}) {
  using Check = detail::Handle<catena_gradient_check, catena_gradient_check_free>;
  detail::Trouble trouble;
  const detail::Logging logging(std::move(logger), trouble);
  const Model::Handle bound = model.bind(&trouble);
  const std::shared_ptr<const catena_init> context = init.bind(trouble);
  catena_error *error = nullptr;
  catena_gradient_check *made = nullptr;
  const catena_status status = catena_diagnose_gradient(bound.get(), options.handle(), context.get(), logging.table(),
                                                        epsilon, threshold, &made, &error);
  const Check check(made);
  const detail::ErrorHandle owned(error);
  trouble.rethrow();
  if (status != CATENA_OK) throw Error(error);
  GradientCheck found{catena_gradient_check_log_density(made), {}, catena_gradient_check_failures(made),
                      catena_gradient_check_text(made)};
  for (std::size_t i = 0; i < catena_gradient_check_size(made); ++i)
    found.coordinates.push_back({catena_gradient_check_value(made, i), catena_gradient_check_model(made, i),
                                 catena_gradient_check_finite_difference(made, i), catena_gradient_check_error(made, i)});
  return found;
}

}  // namespace catena

#endif
