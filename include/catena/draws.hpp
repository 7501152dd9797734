// Draws, their diagnostics and summaries. Include <catena.hpp>.
//
// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef CATENA_DRAWS_HPP
#define CATENA_DRAWS_HPP

#include <catena/io.hpp>

#include <algorithm>
#include <limits>
#include <utility>

namespace catena {

// One variable's draws in memory that belongs to another: draw d of chain c is
// values[c * chain_stride + d * draw_stride].
struct Series {
  const double *values;
  std::size_t chains, draws, chain_stride, draw_stride;
};

// The draws of several chains: chains x draws x columns in C order, NaN where a chain ended before.
class Draws {
 public:
  Draws() = default;
  Draws(std::size_t chains, std::size_t draws, std::vector<std::string> columns)
      : Draws(chains, draws, std::move(columns), {}) {
    values_.assign(chains_ * draws_ * columns_.size(), std::numeric_limits<double>::quiet_NaN());
  }
  // `values` has chains x draws x columns numbers.
  Draws(std::size_t chains, std::size_t draws, std::vector<std::string> columns, std::vector<double> values)
      : chains_(chains), draws_(draws), columns_(std::move(columns)), values_(std::move(values)) {}

  std::size_t chains() const noexcept { return chains_; }
  // Draws of each chain.
  std::size_t draws() const noexcept { return draws_; }
  // Names of the columns.
  const std::vector<std::string> &columns() const noexcept { return columns_; }
  // All numbers; may be changed in place.
  const std::vector<double> &values() const noexcept { return values_; }
  std::vector<double> &values() noexcept { return values_; }
  // Whether there are none: the run had writers of its own.
  bool empty() const noexcept { return values_.empty(); }

  double operator()(std::size_t chain, std::size_t draw, std::size_t column) const noexcept {
    return values_[(chain * draws_ + draw) * columns_.size() + column];
  }

  // The index of the column of this name.
  std::size_t column(const std::string &name) const {
    const auto found = std::find(columns_.begin(), columns_.end(), name);
    if (found == columns_.end())
      throw Error(CATENA_INVALID_ARGUMENT, "argument 'name': expected the name of a column, got " + name, "name");
    return static_cast<std::size_t>(found - columns_.begin());
  }

  // One variable, for the diagnostics; borrowed.
  Series series(std::size_t column) const noexcept {
    return {values_.data() + column, chains_, draws_, draws_ * columns_.size(), columns_.size()};
  }
  Series series(const std::string &name) const { return series(column(name)); }

  // One variable, copied: chains x draws.
  std::vector<double> variable(const std::string &name) const {
    std::vector<double> all;
    all.reserve(chains_ * draws_);
    for (std::size_t i = column(name); i < values_.size(); i += columns_.size()) all.push_back(values_[i]);
    return all;
  }

 private:
  std::size_t chains_ = 0, draws_ = 0;
  std::vector<std::string> columns_;
  std::vector<double> values_;
};

namespace detail {

template <class F, class... A>
double diagnosed(F function, const Series &s, A... more) {
  double value = 0;
  check(function, s.values, s.chains, s.draws, s.chain_stride, s.draw_stride, more..., &value);
  return value;
}

}  // namespace detail

// Rank-normalised split R-hat (Vehtari et al. 2021). NaN, here as below, for too few, constant or non-finite draws.
inline double rhat(const Series &series) { return detail::diagnosed(catena_diagnose_rhat, series); }
// Bulk effective sample size.
inline double ess_bulk(const Series &series) { return detail::diagnosed(catena_diagnose_ess_bulk, series); }
// Tail effective sample size.
inline double ess_tail(const Series &series) { return detail::diagnosed(catena_diagnose_ess_tail, series); }
// Effective sample size for the mean.
inline double ess_mean(const Series &series) { return detail::diagnosed(catena_diagnose_ess_mean, series); }
// Monte Carlo standard error of the mean.
inline double mcse_mean(const Series &series) { return detail::diagnosed(catena_diagnose_mcse_mean, series); }
// Monte Carlo standard error of the standard deviation.
inline double mcse_sd(const Series &series) { return detail::diagnosed(catena_diagnose_mcse_sd, series); }
// Monte Carlo standard error of the quantile at `probability`.
inline double mcse_quantile(const Series &series, double probability) {
  return detail::diagnosed(catena_diagnose_mcse_quantile, series, probability);
}
// Energy Bayesian fraction of missing information (Betancourt 2016) of the column energy__, the smallest of the chains'.
// Below 0.3 is worth a look.
inline double ebfmi(const Series &energy) { return detail::diagnosed(catena_diagnose_ebfmi, energy); }

// Statistics of every variable, as numbers and as a table.
class Summary {
 public:
  // lp__ and every column whose name does not end with __ get a row. `max_depth` is the run's, for a warning; 0: none.
  explicit Summary(const Draws &draws, std::uint32_t max_depth = 0) {
    std::vector<const char *> names;
    for (const std::string &name : draws.columns()) names.push_back(name.c_str());
    handle_ = detail::made<Own>(catena_summary_new, draws.values().data(), draws.values().size(), draws.chains(),
                                draws.draws(), names.size(), static_cast<std::int32_t>(CATENA_LAYOUT_ROWS), names.data(),
                                max_depth);
  }

  // The table with its warnings, several lines.
  std::string text() const { return catena_summary_text(handle_.get()); }
  // Number of rows, one per variable.
  std::size_t size() const noexcept { return catena_summary_size(handle_.get()); }
  // Name of row `row`, from 0.
  std::string name(std::size_t row) const {
    const char *name = catena_summary_name(handle_.get(), row);
    if (!name)
      throw Error(CATENA_INVALID_ARGUMENT,
                  "argument 'row': expected a number below " + std::to_string(size()) + ", got " + std::to_string(row),
                  "row");
    return name;
  }
  // One statistic of row `row`.
  double value(std::size_t row, catena_statistic statistic) const {
    double value = 0;
    detail::check(catena_summary_value, handle_.get(), row, static_cast<std::int32_t>(statistic), &value);
    return value;
  }
  // One statistic of the variable of this name.
  double value(const std::string &variable, catena_statistic statistic) const {
    for (std::size_t row = 0; row < size(); ++row)
      if (name(row) == variable) return value(row, statistic);
    throw Error(CATENA_INVALID_ARGUMENT, "argument 'variable': expected a variable of the summary, got " + variable,
                "variable");
  }
  // What the diagnostics say of the draws.
  catena_verdict verdict() const noexcept { return catena_summary_verdict(handle_.get()); }
  // Divergent transitions; nothing when there is no column divergent__.
  std::optional<std::uint64_t> divergences() const { return counted(catena_summary_divergences(handle_.get())); }
  // Transitions that reached the largest depth; nothing when that was not given or there is no column treedepth__.
  std::optional<std::uint64_t> saturated() const { return counted(catena_summary_saturated(handle_.get())); }
  const catena_summary *handle() const noexcept { return handle_.get(); }

 private:
  using Own = detail::Handle<catena_summary, catena_summary_free>;

  static std::optional<std::uint64_t> counted(std::int64_t count) {
    if (count < 0) return std::nullopt;
    return static_cast<std::uint64_t>(count);
  }

  Own handle_;
};

// What a page about draws tells beside them.
struct ReportFacts {
  std::string title = "Draws";
  // Seconds of warm-up and of sampling, and the step size, of each chain; none: not known.
  std::vector<double> seconds, step_sizes;
  // The diagonals of the chains' inverse metrics, one after the other; none: not known. With `dimension`, the coordinates of the
  // model, the inverse metrics themselves as a ChainReport has them, zeros behind those with fewer numbers than others.
  std::vector<double> inv_metrics;
  std::size_t dimension = 0;
  // The step sizes of each chain's saved warm-up iterations, finite and above 0; none: not known.
  std::vector<std::vector<double>> warmup_step_sizes;
  // What the run was asked for: names and values.
  std::vector<std::pair<std::string, std::string>> settings;
  // The run's, to count the transitions that reached it; 0: not counted.
  std::uint32_t max_depth = 0;
};

// Writes a page for a browser about the draws: the verdict in words, the table, pictures. The file needs nothing else.
inline void report(const Draws &draws, const std::string &path, const ReportFacts &facts = {}) {
  const auto check_size = [&](const std::vector<double> &of, std::size_t each, const char *name) {
    if (!of.empty() && of.size() != each * draws.chains())
      throw Error(CATENA_INVALID_ARGUMENT, "argument '" + std::string(name) + "': expected " +
                  std::to_string(each * draws.chains()) + " numbers, got " + std::to_string(of.size()), name);
  };
  check_size(facts.seconds, 2, "seconds");
  check_size(facts.step_sizes, 1, "step_sizes");
  const std::size_t metric_size = draws.chains() == 0 ? 0 : facts.inv_metrics.size() / draws.chains();
  check_size(facts.inv_metrics, metric_size, "inv_metrics");
  const std::size_t paths = facts.warmup_step_sizes.size();
  if (paths != 0 && paths != draws.chains())
    throw Error(CATENA_INVALID_ARGUMENT, "argument 'warmup_step_sizes': expected " + std::to_string(draws.chains()) +
                " entries, one per chain, got " + std::to_string(paths), "warmup_step_sizes");
  std::vector<std::size_t> lengths;
  for (const std::vector<double> &path : facts.warmup_step_sizes) lengths.push_back(path.size());
  const std::size_t longest = lengths.empty() ? 0 : *std::max_element(lengths.begin(), lengths.end());
  std::vector<double> warmup;
  for (std::vector<double> path : facts.warmup_step_sizes) {
    path.resize(longest);
    warmup.insert(warmup.end(), path.begin(), path.end());
  }
  std::vector<const char *> setting_names, setting_values;
  for (const auto &setting : facts.settings) {
    setting_names.push_back(setting.first.c_str());
    setting_values.push_back(setting.second.c_str());
  }
  const auto given = [](const std::vector<double> &of) { return of.empty() ? nullptr : of.data(); };
  std::vector<const char *> names;
  for (const std::string &name : draws.columns()) names.push_back(name.c_str());
  catena_report_options options{};
  options.struct_size = sizeof options;
  options.title = facts.title.c_str();
  options.seconds = given(facts.seconds);
  options.step_sizes = given(facts.step_sizes);
  options.inv_metrics = given(facts.inv_metrics);
  options.metric_size = metric_size;
  options.max_depth = facts.max_depth;
  options.dimension = facts.dimension;
  options.warmup_step_sizes = given(warmup);
  options.warmup_size = longest;
  options.warmup_lengths = lengths.empty() ? nullptr : lengths.data();
  options.setting_names = setting_names.data();
  options.setting_values = setting_values.data();
  options.num_settings = facts.settings.size();
  detail::check(catena_report, draws.values().data(), draws.values().size(), draws.chains(), draws.draws(), names.size(),
                static_cast<std::int32_t>(CATENA_LAYOUT_ROWS), names.data(), &options, path.c_str());
}

}  // namespace catena

#endif
