// Runs: started, watched, stopped, waited for and gone on with. Include <catena.hpp>.
//
// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef CATENA_RUN_HPP
#define CATENA_RUN_HPP

#include <catena/session.hpp>

#include <chrono>
#include <limits>

namespace catena {

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
  Run(const Model &model, const Options &options, Io io = {})
      : state_(std::make_unique<State>(model, options.chains(), options.rows(), model.columns(options.engine()),
                                       options.depth(), std::move(io))) {
    state_->run = detail::made<Handle>(catena_run_start_engine, state_->bound.get(),
                                       static_cast<std::int32_t>(options.engine()), options.handle(), &state_->table);
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
  std::size_t num_chains() const { return state_->chains; }

  // Where chain `chain`, counted from 0, has come.
  Progress progress(std::size_t chain) const {
    Progress progress{};
    progress.struct_size = sizeof progress;
    detail::check(catena_run_progress, state_->run.get(), chain, &progress);
    return progress;
  }
  // Where all chains have come.
  std::vector<Progress> progress() const {
    std::vector<Progress> all;
    for (std::size_t c = 0; c < num_chains(); ++c) all.push_back(progress(c));
    return all;
  }

  // Tells all chains to stop and returns at once; they can be resumed.
  void cancel() const { catena_run_cancel(state_->run.get()); }

  // Waits until all chains have ended and hands out the result, once. A run that was cancelled or interrupted has a
  // result that is not complete(). Throws the first exception of a callback, else an Error when a chain failed; take()
  // then has what was drawn.
  Result wait() {
    collect();
    return state_->wait();
  }

  // Waits as wait() does and hands out the result, once, whatever happened; its reports tell which chains failed.
  Result take() {
    collect();
    return state_->take();
  }

 private:
  using Handle = detail::Handle<catena_run, catena_run_free>;

  struct State : detail::Session {
    using detail::Session::Session;
    bool collected = false;
    // Goes before the session, which its chains use.
    Handle run;
  };

  void collect() {
    if (state_->collected) return;
    catena_error *error = nullptr;
    catena_result *result = nullptr;
    const catena_status status = catena_run_wait(state_->run.get(), &result, &error);
    state_->collected = true;
    state_->collect(status, result, error);
  }

  detail::Inner<State> state_;
};

// Starts chains of the options' engine, NUTS by default, and returns at once.
inline Run start(const Model &model, const Options &options = Options(), Io io = {}) {
  return Run(model, options, std::move(io));
}

// Runs chains of the options' engine, NUTS by default, and returns when all have ended: start(model, options, io).wait().
// The draws of a chain depend on the seed, its id, the options and the model alone. To keep what was drawn when a chain
// fails, use a Run and its take().
inline Result sample(const Model &model, const Options &options = Options(), Io io = {}) {
  return Run(model, options, std::move(io)).wait();
}

// Goes on with the chains of `before`: each does what is left of its iterations, and draws what it would have drawn had it
// not been stopped. Model and options are those of the run before, except that num_samples may have grown, for more draws.
// The result's draws() are those of both parts, unless one of them had sample writers.
//
// Throws an Error when a chain has no checkpoint, because it failed or was stopped before it began. For checkpoints that
// were kept elsewhere list them in Io::checkpoints of a sample() or start().
inline Result resume(const Model &model, const Result &before, const Options &options = Options(), Io io = {}) {
  if (!io.checkpoints.empty())
    throw Error(CATENA_INVALID_ARGUMENT, "argument 'io.checkpoints': expected no entries where a result is given, got " +
                std::to_string(io.checkpoints.size()), "io.checkpoints");
  for (std::size_t c = 0; c < before.chains().size(); ++c) io.checkpoints.push_back(before.checkpoint(c));
  Result result = sample(model, options, std::move(io));
  if (!before.draws().empty() && !result.draws().empty()) result.prepend(before, options.rows());
  return result;
}

// Goes on with the chains of `before` as above, for `more` draws of each beyond those that it was asked for: the options'
// num_samples becomes the number of all.
inline Result resume(const Model &model, const Result &before, std::size_t more, Options &options, Io io = {}) {
  const std::size_t asked = before.num_samples(), most = std::numeric_limits<std::size_t>::max() - asked;
  if (more > most)
    throw Error(CATENA_INVALID_ARGUMENT, "argument 'more': expected at most " + std::to_string(most) + ", got " +
                std::to_string(more), "more");
  options.num_samples(asked + more);
  return resume(model, before, options, std::move(io));
}

}  // namespace catena

#endif
