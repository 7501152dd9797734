// Runs and their results. Include <catena.hpp>.
//
// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef CATENA_RUN_HPP
#define CATENA_RUN_HPP

#include <catena/draws.hpp>
#include <catena/model.hpp>
#include <catena/options.hpp>

#include <atomic>
#include <chrono>

namespace catena {

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
  // The inverse metric at the end: nothing (unit_e), variances (diag_e) or covariances (dense_e).
  std::vector<double> inv_metric;
  // Gradient evaluations.
  std::uint64_t warmup_gradients, sampling_gradients;
  // Transitions after warm-up that diverged, and that reached the largest depth.
  std::uint64_t divergences, saturated;
  // What warm-up and sampling took on their threads.
  double warmup_seconds, sampling_seconds;
};

// What a run gives: draws, and a report for each chain.
class Result {
 public:
  // Whether every chain has done all its iterations.
  bool complete() const noexcept {
    return std::all_of(chains_.begin(), chains_.end(), [](const ChainReport &c) { return c.status == CATENA_OK; });
  }
  // A report for each chain, in the order of their ids.
  const std::vector<ChainReport> &chains() const noexcept { return chains_; }

  // The draws; empty when the run had sample writers. Chain c has rows(c) of them, then NaN.
  const Draws &draws() const noexcept { return draws_; }
  // The draws, moved out.
  Draws take_draws() noexcept { return std::exchange(draws_, Draws()); }
  // Draws of chain `chain`, from 0, in draws().
  std::size_t rows(std::size_t chain) const { return written_.at(chain); }

  // Chain `chain`, from 0, to go on with: where it was stopped, or, when it finished, for more draws.
  Checkpoint checkpoint(std::size_t chain) const {
    catena_checkpoint *checkpoint = nullptr;
    detail::check(catena_result_checkpoint_new, handle_.get(), chain, &checkpoint);
    return Checkpoint::own(checkpoint);
  }

  // Statistics of the draws. Chains that failed or wrote nothing are left out, and all others count up to the length of
  // the shortest, so that an interrupted run has a summary too.
  Summary summary() const {
    std::size_t shortest = draws_.draws();
    std::vector<std::size_t> used;
    for (std::size_t c = 0; c < written_.size(); ++c) {
      if (written_[c] == 0 || chains_[c].error) continue;
      used.push_back(c);
      shortest = std::min(shortest, written_[c]);
    }
    if (used.size() == draws_.chains() && shortest == draws_.draws()) return Summary(draws_, depth_);
    const std::size_t width = draws_.columns().size();
    std::vector<double> values;
    values.reserve(used.size() * shortest * width);
    for (const std::size_t c : used) {
      const double *first = draws_.values().data() + c * draws_.draws() * width;
      values.insert(values.end(), first, first + shortest * width);
    }
    return Summary(Draws(used.size(), shortest, draws_.columns(), std::move(values)), depth_);
  }

  const catena_result *handle() const noexcept { return handle_.get(); }

 private:
  friend class Run;
  using Own = detail::Handle<catena_result, catena_result_free>;

  Result(Own handle, Draws draws, std::vector<std::size_t> written, std::uint32_t depth)
      : handle_(std::move(handle)), draws_(std::move(draws)), written_(std::move(written)), depth_(depth) {
    const std::size_t count = catena_result_num_chains(handle_.get());
    chains_.reserve(count);
    for (std::size_t c = 0; c < count; ++c) chains_.push_back(report(handle_.get(), c));
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
                      catena_result_sampling_seconds(r, c)};
    if (const catena_error *error = catena_result_chain_error(r, c)) chain.error.emplace(error);
    if (!chain.inv_metric.empty())
      detail::check(catena_result_inv_metric, r, c, chain.inv_metric.data(), chain.inv_metric.size());
    return chain;
  }

  Own handle_;
  std::vector<ChainReport> chains_;
  Draws draws_;
  std::vector<std::size_t> written_;
  std::uint32_t depth_;
};

// Where one chain of a run has come: chain_id, iteration, total, divergences, gradients, stepsize, in_warmup, over.
using Progress = catena_progress;

// A run under way. It keeps all it needs alive; destroying one that has not ended cancels it and waits.
//
// Exceptions of callbacks: the chain they come from is stopped (with the default of Options::on_failure the others go on),
// and the first of them is rethrown, once, from poll() or wait().
//
// Threads: progress() and cancel() may be called from any thread, also while another one waits; the others by one thread
// at a time.
class Run {
 public:
  // Starts the chains and returns at once.
  Run(const Model &model, const Options &options, Io io = {}) : state_(std::make_unique<State>(model, options, std::move(io))) {
    state_->start(options);
  }

  // Waits up to `timeout` for the run to end, and says whether it has. With a model of CATENA_THREADS_CALLER this is
  // where the chains move.
  bool poll(std::chrono::duration<double> timeout = std::chrono::duration<double>(0)) {
    int done = 0;
    detail::check(catena_run_poll, state_->run.get(), timeout.count(), &done);
    state_->trouble.rethrow();
    return done != 0;
  }

  // Number of chains.
  std::size_t num_chains() const noexcept { return state_->chains; }

  // Where chain `chain`, counted from 0, has come.
  Progress progress(std::size_t chain) const {
    Progress progress{};
    progress.struct_size = sizeof progress;
    detail::check(catena_run_progress, state_->run.get(), chain, &progress);
    return progress;
  }

  // Tells all chains to stop and returns at once; they can be resumed.
  void cancel() const noexcept { catena_run_cancel(state_->run.get()); }

  // Waits until all chains have ended and hands out the result, once. A run that was cancelled or interrupted has a
  // result that is not complete(). Throws the first exception of a callback, else an Error when a chain failed; take()
  // then has what was drawn.
  Result wait() {
    collect();
    state_->trouble.rethrow();
    if (state_->failure) throw *state_->failure;
    return take();
  }

  // Waits as wait() does and hands out the result, once, whatever happened; its reports tell which chains failed.
  Result take() {
    collect();
    if (!state_->result) {
      if (state_->failure && !state_->taken) throw *state_->failure;
      throw Error(CATENA_INVALID_ARGUMENT, "argument 'run': expected one that still has its result, got one whose result was taken",
                  "run");
    }
    state_->taken = true;
    Result result = std::move(*state_->result);
    state_->result.reset();
    return result;
  }

 private:
  struct State {
    State(const Model &model, const Options &options, Io given)
        : io(std::move(given)), chains(options.chains()), depth(options.depth()), bound(model.bind(&trouble)) {
      if (!io.sample_writers.empty()) return;
      draws = Draws(chains, options.rows(), model.columns(options.engine()));
      std::vector<catena_writer *> made(chains);
      detail::check(catena_writers_memory_new, draws.values().data(), draws.values().size(), chains, draws.draws(),
                    draws.columns().size(), static_cast<std::int32_t>(CATENA_LAYOUT_ROWS), made.data());
      for (catena_writer *writer : made) memory.push_back(Writer::own(writer));
    }

    void start(const Options &options) {
      std::vector<const catena_init *> inits;
      for (const Init &init : io.inits) inits.push_back(contexts.emplace_back(init.bind(trouble)).get());
      for_all(inits);
      std::vector<const double *> metrics;
      for (const std::vector<double> &metric : io.inv_metrics) {
        if (metric.size() != io.inv_metrics[0].size())
          throw Error(CATENA_INVALID_ARGUMENT, "argument 'io.inv_metrics': expected inverse metrics of equal sizes, got " +
                      std::to_string(io.inv_metrics[0].size()) + " and " + std::to_string(metric.size()), "io.inv_metrics");
        metrics.push_back(metric.data());
      }
      for_all(metrics);
      std::vector<const catena_checkpoint *> checkpoints;
      for (const Checkpoint &checkpoint : io.checkpoints) checkpoints.push_back(checkpoint.handle());
      const std::vector<catena_writer *> init_writers = handles(io.init_writers),
                                         sample_writers = handles(memory.empty() ? io.sample_writers : memory),
                                         diagnostic_writers = handles(io.diagnostic_writers);
      catena_io table{};
      table.struct_size = sizeof table;
      table.inits = inits.data();
      table.num_inits = inits.size();
      table.inv_metrics = metrics.data();
      table.num_inv_metrics = metrics.size();
      table.inv_metric_size = io.inv_metrics.empty() ? 0 : io.inv_metrics[0].size();
      table.init_writers = init_writers.data();
      table.num_init_writers = init_writers.size();
      table.sample_writers = sample_writers.data();
      table.num_sample_writers = sample_writers.size();
      table.diagnostic_writers = diagnostic_writers.data();
      table.num_diagnostic_writers = diagnostic_writers.size();
      table.checkpoints = checkpoints.data();
      table.num_checkpoints = checkpoints.size();
      logger.struct_size = sizeof logger;
      logger.user = this;
      logger.log = log;
      if (io.logger) table.logger = &logger;
      interrupt.struct_size = sizeof interrupt;
      interrupt.user = this;
      interrupt.requested = requested;
      table.interrupt = &interrupt;
      run = detail::made<RunHandle>(catena_run_start_engine, bound.get(), static_cast<std::int32_t>(options.engine()),
                                    options.handle(), &table);
    }

    // One entry serves all chains.
    template <class P>
    void for_all(std::vector<P> &entries) const {
      if (entries.size() == 1) entries.assign(chains, entries[0]);
    }

    std::vector<catena_writer *> handles(std::vector<Writer> &writers) {
      std::vector<catena_writer *> all;
      for (Writer &writer : writers) {
        writer.bind(trouble);
        all.push_back(writer.handle());
      }
      return all;
    }

    static void log(void *user, catena_level level, std::int64_t chain, const char *line) noexcept {
      State &state = *static_cast<State *>(user);
      const int code = detail::guarded(state.trouble, nullptr, [&] {
        const std::lock_guard<std::mutex> lock(state.logging);
        state.io.logger(level, chain, line);
      });
      if (code != detail::done) state.ending = true;
    }

    static int requested(void *user) noexcept {
      State &state = *static_cast<State *>(user);
      bool wanted = state.ending;
      const int code = detail::guarded(state.trouble, nullptr, [&] { wanted = wanted || (state.io.interrupt && state.io.interrupt()); });
      return code != detail::done || wanted;
    }

    using RunHandle = detail::Handle<catena_run, catena_run_free>;

    detail::Trouble trouble;
    Io io;
    std::size_t chains;
    std::uint32_t depth;
    std::mutex logging;
    // Set when the logger threw, which can't stop a chain by itself.
    std::atomic<bool> ending{false};
    catena_logger logger{};
    catena_interrupt interrupt{};
    Model::Handle bound;
    std::vector<std::shared_ptr<const catena_init>> contexts;
    Draws draws;
    std::vector<Writer> memory;
    std::optional<Error> failure;
    std::optional<Result> result;
    bool collected = false, taken = false;
    // Last, so that it ends before what its chains use goes.
    RunHandle run;
  };

  void collect() {
    State &state = *state_;
    if (state.collected) return;
    catena_error *error = nullptr;
    catena_result *result = nullptr;
    const catena_status status = catena_run_wait(state.run.get(), &result, &error);
    Result::Own owned(result);
    const detail::ErrorHandle owned_error(error);
    state.collected = true;
    if (status != CATENA_OK && (status != CATENA_INTERRUPTED || !owned)) state.failure.emplace(error);
    if (!owned) return;
    std::vector<std::size_t> written;
    for (const Writer &writer : state.memory.empty() ? state.io.sample_writers : state.memory) written.push_back(writer.rows());
    state.result.emplace(Result(std::move(owned), std::move(state.draws), std::move(written), state.depth));
  }

  std::unique_ptr<State> state_;
};

// Runs chains of the options' engine, NUTS by default, and returns when all have ended: Run(model, options, io).wait(). The draws of a chain depend on
// the seed, its id, the options and the model alone. To keep what was drawn when a chain fails, use a Run and its take().
inline Result sample(const Model &model, const Options &options = Options(), Io io = {}) {
  return Run(model, options, std::move(io)).wait();
}

}  // namespace catena

#endif
