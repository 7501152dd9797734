// Files of draws, read back. Include <catena.hpp>.
//
// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef CATENA_FILES_HPP
#define CATENA_FILES_HPP

#include <catena/draws.hpp>

#include <string>
#include <utility>
#include <vector>

namespace catena {

// The draws of several files, one per chain or set of particles: Stan CSV of Catena's or CmdStan's, or Arrow of Catena's. Rows of
// warm-up are left out, and longer chains are cut to the length of the shortest.
class Files {
 public:
  // Throws where a file is none of draws, or not one of the same run's: the words name file and line.
  explicit Files(const std::vector<std::string> &paths) {
    std::vector<const char *> names;
    for (const std::string &path : paths) names.push_back(path.c_str());
    handle_ = detail::made<Own>(catena_files_read, names.data(), names.size(), nullptr);
  }

  // Number of files.
  std::size_t size() const noexcept { return catena_files_num_chains(handle_.get()); }

  // All draws, copied: chains x draws x columns, the sampler's own columns among them.
  Draws draws() const {
    const std::size_t chains = size(), draws = catena_files_num_draws(handle_.get());
    std::vector<std::string> columns;
    for (std::size_t i = 0; i < catena_files_num_columns(handle_.get()); ++i)
      columns.emplace_back(catena_files_column(handle_.get(), i));
    const double *values = catena_files_values(handle_.get());
    std::vector<double> copied(values, values + chains * draws * columns.size());
    return Draws(chains, draws, std::move(columns), std::move(copied));
  }

  // Draws after warm-up that the file of chain `chain`, from 0, has.
  std::size_t length(std::size_t chain) const noexcept { return catena_files_length(handle_.get(), chain); }
  // Number of the file's last line, which had no end and was left out; 0 where the file is whole.
  std::size_t cut_off(std::size_t chain) const noexcept { return catena_files_cut_off(handle_.get(), chain); }
  // Step size after warm-up, seconds of warm-up and of sampling; NaN where the file does not say.
  double stepsize(std::size_t chain) const noexcept { return catena_files_stepsize(handle_.get(), chain); }
  double warmup_seconds(std::size_t chain) const noexcept { return catena_files_seconds(handle_.get(), chain, 0); }
  double sampling_seconds(std::size_t chain) const noexcept { return catena_files_seconds(handle_.get(), chain, 1); }

  // The step sizes of the warm-up iterations that the file has.
  std::vector<double> warmup_step_sizes(std::size_t chain) const {
    std::vector<double> steps(catena_files_warmup_size(handle_.get(), chain));
    detail::check(catena_files_warmup_step_sizes, handle_.get(), chain, steps.data(), steps.size());
    return steps;
  }

  // Coordinates of the inverse metric; 0 where the file does not say.
  std::size_t dimension(std::size_t chain) const noexcept { return catena_files_dimension(handle_.get(), chain); }
  // Inverse metric: variances, a matrix row by row, or the numbers of CATENA_METRIC_LOW_RANK; empty where the file does not say.
  std::vector<double> inv_metric(std::size_t chain) const {
    std::vector<double> metric(catena_files_inv_metric_size(handle_.get(), chain));
    if (!metric.empty())
      detail::check(catena_files_inv_metric, handle_.get(), chain, metric.data(), metric.size(), nullptr);
    return metric;
  }

  // Options of the first file's run, each by its name, as the file has them.
  std::vector<std::pair<std::string, std::string>> settings() const {
    std::vector<std::pair<std::string, std::string>> all;
    while (const char *name = catena_files_setting(handle_.get(), all.size(), 0))
      all.emplace_back(name, catena_files_setting(handle_.get(), all.size(), 1));
    return all;
  }

  // Writes a page for a browser about the files. An empty title: the model's name, or the first file's.
  void report(const std::string &path, const std::string &title = {}) const {
    detail::check(catena_files_report, handle_.get(), title.empty() ? nullptr : title.c_str(), path.c_str());
  }

  const catena_files *handle() const noexcept { return handle_.get(); }

 private:
  using Own = detail::Handle<catena_files, catena_files_free>;

  Own handle_;
};

}  // namespace catena

#endif
