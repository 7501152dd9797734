// Laws that models are drawn from at first. Include <catena.hpp>.
//
// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef CATENA_PRIOR_HPP
#define CATENA_PRIOR_HPP

#include <catena/draws.hpp>

namespace catena {

// A law that models are drawn from at first. Immutable; copies share it.
class Prior {
 public:
  // Independent uniforms between `low` and `high`, one for each parameter.
  static Prior uniform(const std::vector<double> &low, const std::vector<double> &high) {
    sized("high", high, low.size());
    return Prior(detail::made<Own>(catena_prior_uniform_new, low.size(), low.data(), high.data()));
  }
  // A normal law with this mean and covariance (as many numbers squared; it may be singular).
  static Prior normal(const std::vector<double> &mean, const std::vector<double> &covariance) {
    sized("covariance", covariance, mean.size() * mean.size());
    return Prior(detail::made<Own>(catena_prior_normal_new, mean.size(), mean.data(), covariance.data()));
  }
  // One of so many draws at random: a matrix of a row each, column by column.
  static Prior draws(std::size_t rows, std::size_t dimension, const std::vector<double> &values) {
    sized("values", values, rows * dimension);
    return Prior(detail::made<Own>(catena_prior_draws_new, rows, dimension, values.data()));
  }
  // These columns of the draws of a run, of all its chains.
  static Prior draws(const Draws &draws, const std::vector<std::string> &columns) {
    std::vector<double> values;
    for (const std::string &name : columns) {
      const std::vector<double> column = draws.variable(name);
      values.insert(values.end(), column.begin(), column.end());
    }
    return Prior::draws(draws.chains() * draws.draws(), columns.size(), values);
  }
  // Independent parts, their parameters one after the other.
  static Prior product(const std::vector<Prior> &parts) {
    std::vector<const catena_prior *> handles;
    for (const Prior &part : parts) handles.push_back(part.handle());
    return Prior(detail::made<Own>(catena_prior_product_new, handles.size(), handles.data()));
  }

  // Number of parameters.
  std::size_t dimension() const noexcept { return catena_prior_dimension(handle()); }
  const catena_prior *handle() const noexcept { return handle_.get(); }

 private:
  using Own = detail::Handle<catena_prior, catena_prior_free>;
  explicit Prior(Own handle) : handle_(std::move(handle)) {}

  static void sized(const char *name, const std::vector<double> &values, std::size_t expected) {
    if (values.size() != expected)
      throw Error(CATENA_INVALID_ARGUMENT, std::string("argument '") + name + "': expected " + std::to_string(expected) +
                  " numbers, got " + std::to_string(values.size()), name);
  }

  std::shared_ptr<const catena_prior> handle_;
};

}  // namespace catena

#endif
