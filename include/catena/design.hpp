// How experiments are chosen. Include <catena.hpp>.
//
// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef CATENA_DESIGN_HPP
#define CATENA_DESIGN_HPP

#include <catena/likelihood.hpp>

#include <algorithm>

namespace catena {
namespace detail {

// The place of a name in a list.
template <class N, class F>
std::size_t place(const char *argument, const std::string &name, const std::vector<N> &all, F &&name_of) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const N &one) { return name_of(one) == name; });
  if (found != all.end()) return static_cast<std::size_t>(found - all.begin());
  std::string names;
  for (const N &one : all) names += (names.empty() ? "" : ", ") + name_of(one);
  throw Error(CATENA_INVALID_ARGUMENT,
              std::string("argument '") + argument + "': expected one of " + names + ", got " + name, argument);
}
inline std::size_t field(const char *argument, const std::string &name, const Likelihood &of) {
  return place(argument, name, of.fields(), [](const Field &one) { return one.name; });
}
inline std::size_t parameter(const char *argument, const std::string &name, const Likelihood &of) {
  return place(argument, name, of.parameters(), [](const std::string &one) { return one; });
}

// Rows of a matrix of `columns` columns with so many numbers; without columns there is one row.
inline std::size_t rows_of(const char *argument, const std::vector<double> &values, std::size_t columns) {
  if (columns == 0 ? values.empty() : !values.empty() && values.size() % columns == 0)
    return columns == 0 ? 1 : values.size() / columns;
  throw Error(CATENA_INVALID_ARGUMENT, std::string("argument '") + argument + "': expected a matrix of " +
              std::to_string(columns) + " columns, got " + std::to_string(values.size()) + " numbers", argument);
}
inline void sized(const char *argument, const std::vector<double> &values, std::size_t expected) {
  if (values.size() != expected)
    throw Error(CATENA_INVALID_ARGUMENT, std::string("argument '") + argument + "': expected " + std::to_string(expected) +
                " numbers, got " + std::to_string(values.size()), argument);
}

}  // namespace detail

// The time of experiment `k`, from 0, by the sparse-time heuristic (Ferrie, Granade and Cory 2013): scale (9/8)^k.
inline double sparse_time(std::uint32_t k, double scale = 1) noexcept { return catena_sparse_time(k, scale); }

// out[i] = cos(x[i])^2, within 2e-16, about 1 ns each: the likelihood of a two-level system that precesses.
inline void cos_squared(Position x, Values out) noexcept {
  catena_cos_squared(std::min(x.size(), out.size()), x.data(), out.data());
}

// How the next experiment is chosen. Fields and parameters go by their names. Setters return the design.
class Design {
 public:
  // Particle guess (Wiebe, Granade, Ferrie and Cory 2014): the field `time` is the scale over the distance of two models that are
  // drawn by their weights.
  static Design guess(std::string time) { return Design(CATENA_DESIGN_GUESS, std::move(time)); }
  // The field `time` is the scale times (9/8)^k in experiment k.
  static Design sparse(std::string time) { return Design(CATENA_DESIGN_SPARSE, std::move(time)); }
  // The best of candidates, a matrix of a row each, column by column.
  static Design best(std::vector<double> candidates, catena_criterion criterion = CATENA_CRITERION_GAIN) {
    Design design(CATENA_DESIGN_BEST, {});
    design.candidates_ = std::move(candidates);
    design.table_.criterion = static_cast<std::int32_t>(criterion);
    return design;
  }

  // Factor of the time. Default 1.
  Design &scale(double value) noexcept { return table_.scale = value, *this; }
  // The longest time of a guess. By default there is no limit.
  Design &longest(double value) noexcept { return table_.most = value, *this; }
  // A field that gets a parameter of the model that was guessed, such as the one to invert.
  Design &guessed(std::string field, std::string parameter) {
    guesses_.emplace_back(std::move(field), std::move(parameter));
    return *this;
  }
  // Values of all fields; the time and what is guessed are put in their places. By default zeros.
  Design &fields(std::vector<double> values) { return fields_ = std::move(values), *this; }
  // Outcomes to simulate for each candidate where they cannot be listed. Default 100.
  Design &samples(std::size_t count) noexcept { return table_.samples = count, *this; }

  // For Updater: `function(table)`, which points to arrays that live as long as the call.
  template <class F>
  auto with_table(const Likelihood &of, F &&function) const {
    catena_design table = table_;
    table.struct_size = sizeof table;
    if (!time_.empty()) table.time_field = detail::field("time", time_, of);
    std::vector<std::size_t> guess_fields, guess_parameters;
    for (const auto &[field, parameter] : guesses_) {
      guess_fields.push_back(detail::field("guessed", field, of));
      guess_parameters.push_back(detail::parameter("guessed", parameter, of));
    }
    table.num_guesses = guess_fields.size();
    table.guess_fields = guess_fields.data();
    table.guess_parameters = guess_parameters.data();
    if (!fields_.empty()) detail::sized("fields", fields_, of.fields().size());
    table.fields = fields_.empty() ? nullptr : fields_.data();
    if (table.kind == CATENA_DESIGN_BEST) table.num_candidates = detail::rows_of("candidates", candidates_, of.fields().size());
    table.candidates = candidates_.data();
    return function(table);
  }

 private:
  Design(catena_design_kind kind, std::string time) : time_(std::move(time)) {
    table_.kind = static_cast<std::int32_t>(kind);
  }

  catena_design table_{};
  std::string time_;
  std::vector<std::pair<std::string, std::string>> guesses_;
  std::vector<double> fields_, candidates_;
};

// What candidates are expected to teach: the information gain in nats, and the Bayes risk.
struct Worth {
  std::vector<double> gains, risks;
};

// Where an experiment may be moved to find the best one near it.
struct Search {
  // Names of the fields that are moved, and how far at first.
  std::vector<std::string> fields;
  std::vector<double> scales;
  // Their bounds, or none.
  std::vector<double> low = {}, high = {};
  catena_criterion criterion = CATENA_CRITERION_GAIN;
  // Outcomes to simulate where they cannot be listed; 0: 100. The most evaluations; 0: 500.
  std::size_t samples = 0, max_evaluations = 0;
};

// The best experiment that was found, and its gain per cost, or its risk.
struct Optimum {
  std::vector<double> experiment;
  double value;
};

}  // namespace catena

#endif
