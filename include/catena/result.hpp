// What runs give. Include <catena.hpp>.
//
// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef CATENA_RESULT_HPP
#define CATENA_RESULT_HPP

#include <algorithm>
#include <catena/draws.hpp>
#include <catena/model.hpp>
#include <catena/options.hpp>

#include <cmath>

namespace catena {

namespace detail {
struct Session;
}

// What a run reports of one chain.
struct ChainReport {
  // Id of the chain.
  std::uint64_t id;
  // CATENA_OK when all its iterations were run; CATENA_INTERRUPTED when it was stopped before and can be resumed; else
  // why it failed.
  catena_status status;
  // Why it failed, if it did.
  std::optional<Error> error;
  // Iterations done, warm-up included.
  std::size_t iterations;
  // Rows given to the sample writer, resumed parts included.
  std::size_t rows;
  // The nominal step size at the end; NaN for a model of dimension 0.
  double stepsize;
  // The inverse metric at the end: nothing (unit_e), variances (diag_e), covariances (dense_e), or the numbers of
  // CATENA_METRIC_LOW_RANK.
  std::vector<double> inv_metric;
  // Gradient evaluations.
  std::uint64_t warmup_gradients, sampling_gradients;
  // Transitions after warm-up that diverged, and that reached the largest depth.
  std::uint64_t divergences, saturated;
  // What warm-up and sampling took on their threads.
  double warmup_seconds, sampling_seconds;
  // What ended it.
  catena_stop_reason stop_reason;
  // The target of the acceptance statistic at the end, which warm-up may have raised; NaN where the step size was not adapted.
  double delta;
};

// What a run gives: draws, and a report for each chain.
class Result {
 public:
  // Iterations after warm-up that each chain was asked for, in all parts of a run that went on.
  std::size_t num_samples() const noexcept { return catena_result_num_samples(handle_.get(), 0); }
  // Whether every chain has done all its iterations.
  bool complete() const noexcept {
    return std::all_of(chains_.begin(), chains_.end(), [](const ChainReport &c) { return c.status == CATENA_OK; });
  }
  // A report for each chain, in the order of their ids.
  const std::vector<ChainReport> &chains() const noexcept { return chains_; }

  // The draws, saved warm-up iterations first; empty when the run had sample writers. Chain c has rows(c) of them, then NaN.
  const Draws &draws() const noexcept { return draws_; }
  // The draws, moved out.
  Draws take_draws() noexcept { return std::exchange(draws_, Draws()); }
  // Draws of chain `chain`, from 0, in draws().
  std::size_t rows(std::size_t chain) const { return written_.at(chain); }
  // How many of these, the first ones, are of the warm-up (Options::save_warmup).
  std::size_t warmup_rows(std::size_t chain) const { return warmup_.at(chain); }
  // The step sizes of the warm-up iterations in draws() of chain `chain`, from 0; none where they were not saved.
  std::vector<double> warmup_step_sizes(std::size_t chain) const {
    std::vector<double> all;
    const std::vector<std::string> &names = draws_.columns();
    const std::size_t at = static_cast<std::size_t>(std::find(names.begin(), names.end(), "stepsize__") - names.begin());
    if (at == names.size() || draws_.empty()) return all;
    for (std::size_t row = 0; row < warmup_rows(chain); ++row) all.push_back(draws_(chain, row, at));
    return all;
  }
  // Options of the run, each by its name, as Options::set takes them; none of generate_quantities.
  std::vector<std::pair<std::string, std::string>> settings() const {
    std::vector<std::pair<std::string, std::string>> all;
    while (const char *name = catena_result_setting(handle_.get(), all.size(), 0))
      all.emplace_back(name, catena_result_setting(handle_.get(), all.size(), 1));
    return all;
  }

  // Chain `chain`, from 0, to go on with: where it was stopped, or, when it finished, for more draws.
  Checkpoint checkpoint(std::size_t chain) const {
    catena_checkpoint *checkpoint = nullptr;
    detail::check(catena_result_checkpoint_new, handle_.get(), chain, &checkpoint);
    return Checkpoint::own(checkpoint);
  }

  // The checkpoints of all chains, for Io::checkpoints; empty ones for chains that have none, because they failed or were
  // stopped before they began.
  std::vector<Checkpoint> checkpoints() const {
    std::vector<Checkpoint> all;
    for (std::size_t c = 0; c < chains_.size(); ++c) {
      catena_checkpoint *checkpoint = nullptr;
      // The error is not asked for: having none is no failure here.
      catena_result_checkpoint_new(handle_.get(), c, &checkpoint, nullptr);
      all.push_back(Checkpoint::own(checkpoint));
    }
    return all;
  }

  // The inverse metrics of all chains at the end, for Io::inv_metrics; low-rank ones with zeros up to the longest.
  std::vector<std::vector<double>> inv_metrics() const {
    std::vector<std::vector<double>> all;
    std::size_t longest = 0;
    for (const ChainReport &chain : chains_) {
      all.push_back(chain.inv_metric);
      longest = std::max(longest, chain.inv_metric.size());
    }
    for (std::vector<double> &metric : all)
      if (!metric.empty()) metric.resize(longest);
    return all;
  }

  // Step size and inverse metric of chain `chain`, from 0, as a JSON object in the format of CmdStan's metric files.
  std::string metric_json(std::size_t chain) const {
    const char *text = catena_result_json(handle_.get(), chain);
    if (!text)
      throw Error(CATENA_INVALID_ARGUMENT, "argument 'chain': expected a number below " + std::to_string(chains_.size()) +
                  ", got " + std::to_string(chain), "chain");
    return text;
  }

  // Statistics of the draws after warm-up. Chains that failed or wrote nothing are left out, and all others count up to the
  // length of the shortest, so that an interrupted run has a summary too.
  Summary summary() const {
    const std::vector<std::size_t> used = used_chains();
    return is_whole(used) ? Summary(draws_, depth_) : Summary(complete(used), depth_);
  }

  // Writes a page for a browser about the same draws, with step sizes, inverse metrics, times, the way of the step sizes through
  // warm-up where that was saved, and the settings.
  void report(const std::string &path, const std::string &title = "Draws") const {
    ReportFacts facts;
    facts.title = title;
    facts.max_depth = depth_;
    facts.dimension = dimension_;
    facts.settings = settings();
    const std::vector<std::size_t> used = used_chains();
    const std::vector<std::vector<double>> metrics = inv_metrics();
    for (const std::size_t c : used) {
      const ChainReport &chain = chains_[c];
      facts.seconds.insert(facts.seconds.end(), {chain.warmup_seconds, chain.sampling_seconds});
      facts.step_sizes.push_back(chain.stepsize);
      facts.inv_metrics.insert(facts.inv_metrics.end(), metrics[c].begin(), metrics[c].end());
      facts.warmup_step_sizes.push_back(warmup_step_sizes(c));
    }
    // What never moves has none.
    const auto moves = [](const std::vector<double> &steps) {
      return std::all_of(steps.begin(), steps.end(), [](double step) { return std::isfinite(step) && step > 0; });
    };
    if (!std::all_of(facts.warmup_step_sizes.begin(), facts.warmup_step_sizes.end(), moves)) facts.warmup_step_sizes.clear();
    is_whole(used) ? catena::report(draws_, path, facts) : catena::report(complete(used), path, facts);
  }

  const catena_result *handle() const noexcept { return handle_.get(); }

 private:
  friend struct detail::Session;
  friend Result resume(const Model &, const Result &, const Options &, Io);
  using Own = detail::Handle<catena_result, catena_result_free>;

  // Chains that did not fail and have draws after warm-up.
  std::vector<std::size_t> used_chains() const {
    std::vector<std::size_t> used;
    for (std::size_t c = 0; c < written_.size(); ++c)
      if (written_[c] > warmup_[c] && !chains_[c].error) used.push_back(c);
    return used;
  }

  // Draws after warm-up of the chain of these that has the fewest.
  std::size_t shortest(const std::vector<std::size_t> &used) const {
    std::size_t shortest = draws_.draws();
    for (const std::size_t c : used) shortest = std::min(shortest, written_[c] - warmup_[c]);
    return shortest;
  }

  bool is_whole(const std::vector<std::size_t> &used) const {
    return used.size() == draws_.chains() && shortest(used) == draws_.draws();
  }

  // Those chains after warm-up, up to the length of the shortest.
  Draws complete(const std::vector<std::size_t> &used) const {
    const std::size_t width = draws_.columns().size(), count = shortest(used);
    std::vector<double> values;
    values.reserve(used.size() * count * width);
    for (const std::size_t c : used) {
      const double *first = draws_.values().data() + (c * draws_.draws() + warmup_[c]) * width;
      values.insert(values.end(), first, first + count * width);
    }
    return Draws(used.size(), count, draws_.columns(), std::move(values));
  }

  Result(Own handle, Draws draws, std::vector<std::size_t> written, std::uint32_t depth, std::size_t dimension)
      : handle_(std::move(handle)), draws_(std::move(draws)), written_(std::move(written)), depth_(depth), dimension_(dimension) {
    const std::size_t count = catena_result_num_chains(handle_.get());
    chains_.reserve(count);
    for (std::size_t c = 0; c < count; ++c) chains_.push_back(report(handle_.get(), c));
    // Rows of the warm-up come first; a chain from a checkpoint begins where it had come to.
    for (std::size_t c = 0; c < written_.size(); ++c) {
      const std::size_t before = chains_[c].rows - std::min(chains_[c].rows, written_[c]), warmup = saved_warmup(c);
      warmup_.push_back(std::min(warmup - std::min(warmup, before), written_[c]));
    }
  }

  // Rows of the warm-up that chain `chain` has written from its beginning on.
  std::size_t saved_warmup(std::size_t chain) const {
    std::size_t thin = 1;
    bool saved = false;
    for (const auto &setting : settings()) {
      if (setting.first == "thin") thin = std::stoull(setting.second);
      if (setting.first == "save_warmup") saved = setting.second == "true";
    }
    const std::size_t count = catena_result_warmup_iterations(handle_.get(), chain);
    return saved ? count / thin + (count % thin != 0) : 0;
  }

  static ChainReport report(const catena_result *r, std::size_t c) {
    ChainReport chain{catena_result_chain_id(r, c),
                      catena_result_chain_status(r, c),
                      std::nullopt,
                      catena_result_iterations(r, c),
                      catena_result_rows(r, c),
                      catena_result_stepsize(r, c),
                      std::vector<double>(catena_result_inv_metric_size(r, c)),
                      catena_result_warmup_gradients(r, c),
                      catena_result_sampling_gradients(r, c),
                      catena_result_divergences(r, c),
                      catena_result_saturated(r, c),
                      catena_result_warmup_seconds(r, c),
                      catena_result_sampling_seconds(r, c),
                      catena_result_stop_reason(r, c),
                      catena_result_delta(r, c)};
    if (const catena_error *error = catena_result_chain_error(r, c)) chain.error.emplace(error);
    if (!chain.inv_metric.empty())
      detail::check(catena_result_inv_metric, r, c, chain.inv_metric.data(), chain.inv_metric.size());
    return chain;
  }

  // Puts the draws of the part before in front of these. Room for `least` draws of each chain, or more.
  void prepend(const Result &before, std::size_t least) {
    if (before.draws_.columns() != draws_.columns())
      throw Error(CATENA_INVALID_ARGUMENT, "argument 'before': expected draws of the columns that the run has, got others",
                  "before");
    const std::size_t width = draws_.columns().size(), count = written_.size();
    std::vector<std::size_t> written(count);
    for (std::size_t c = 0; c < count; ++c) {
      written[c] = before.written_[c] + written_[c];
      warmup_[c] += before.warmup_[c];
      least = std::max(least, written[c]);
    }
    Draws all(count, least, draws_.columns());
    const auto copy = [&](const Result &from, std::size_t c, std::size_t row) {
      const double *first = from.draws_.values().data() + c * from.draws_.draws() * width;
      std::copy_n(first, from.written_[c] * width, all.values().data() + (c * least + row) * width);
    };
    for (std::size_t c = 0; c < count; ++c) {
      copy(before, c, 0);
      copy(*this, c, before.written_[c]);
    }
    draws_ = std::move(all);
    written_ = std::move(written);
  }

  Own handle_;
  std::vector<ChainReport> chains_;
  Draws draws_;
  std::vector<std::size_t> written_, warmup_;
  std::uint32_t depth_;
  std::size_t dimension_;
};

}  // namespace catena

#endif
