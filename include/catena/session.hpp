// What a call that runs chains needs from its start to its end. Include <catena.hpp>; nothing here is for users.
//
// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef CATENA_SESSION_HPP
#define CATENA_SESSION_HPP

#include <catena/result.hpp>

#include <atomic>

namespace catena {
namespace detail {

// A host's logger as the library calls it, which points to it: it stays where it is. Exceptions go to `trouble`.
class Logging {
 public:
  Logging(Logger function, Trouble &trouble) : function_(std::move(function)), trouble_(trouble) {
    table_.struct_size = sizeof table_;
    table_.user = this;
    table_.log = log;
  }
  Logging(const Logging &) = delete;
  Logging &operator=(const Logging &) = delete;

  // Null when there is no function.
  const catena_logger *table() const noexcept { return function_ ? &table_ : nullptr; }
  // Whether the function threw, which can't stop a chain by itself.
  bool failed() const noexcept { return failed_; }

 private:
  static void log(void *user, catena_level level, std::int64_t chain, const char *line) noexcept {
    Logging &self = *static_cast<Logging *>(user);
    const int code = guarded(self.trouble_, nullptr, [&] {
      const std::lock_guard<std::mutex> lock(self.one_);
      self.function_(level, chain, line);
    });
    if (code != done) self.failed_ = true;
  }

  Logger function_;
  Trouble &trouble_;
  std::mutex one_;
  std::atomic<bool> failed_{false};
  catena_logger table_{};
};

// The library points into it: it stays where it is.
struct Session {
  // `rows` and `columns` are those of the draws, which are kept when there is no writer for them; `summary_depth` is for
  // their summary.
  Session(const Model &model, std::size_t count, std::size_t rows, std::vector<std::string> columns,
          std::uint32_t summary_depth, Io given)
      : io(std::move(given)), chains(count), depth(summary_depth), bound(model.bind(&trouble)), logging(io.logger, trouble) {
    if (io.sample_writers.empty()) keep_draws(rows, std::move(columns));
    list();
  }
  Session(const Session &) = delete;
  Session &operator=(const Session &) = delete;

  // Takes in what the call gave.
  void collect(catena_status status, catena_result *given_result, catena_error *given_error) {
    Result::Own owned(given_result);
    const ErrorHandle error(given_error);
    if (status != CATENA_OK && (status != CATENA_INTERRUPTED || !owned)) failure.emplace(error.get());
    if (!owned) return;
    std::vector<std::size_t> written;
    for (const Writer &writer : memory.empty() ? io.sample_writers : memory) written.push_back(writer.rows());
    result.emplace(Result(std::move(owned), std::move(draws), std::move(written), depth, catena_model_dimension(bound.get())));
  }

  // What the call gave; throws the first exception of a callback, else the failure.
  Result wait() {
    trouble.rethrow();
    if (failure) throw *failure;
    return take();
  }

  // What the call gave, once, whatever happened; throws the failure when there is nothing else.
  Result take() {
    if (!result) {
      if (failure && !taken) throw *failure;
      throw Error(CATENA_INVALID_ARGUMENT,
                  "argument 'run': expected one that still has its result, got one whose result was taken", "run");
    }
    taken = true;
    Result given_out = std::move(*result);
    result.reset();
    return given_out;
  }

  Trouble trouble;
  Io io;
  std::size_t chains;
  std::uint32_t depth;
  Model::Handle bound;
  // What the library gets.
  catena_io table{};

 private:
  void keep_draws(std::size_t rows, std::vector<std::string> columns) {
    draws = Draws(chains, rows, std::move(columns));
    std::vector<catena_writer *> made(chains);
    check(catena_writers_memory_new, draws.values().data(), draws.values().size(), chains, draws.draws(),
          draws.columns().size(), static_cast<std::int32_t>(CATENA_LAYOUT_ROWS), made.data());
    for (catena_writer *writer : made) memory.push_back(Writer::own(writer));
  }

  void list() {
    table.struct_size = sizeof table;
    table.communicator = io.communicator;
    for (const Init &init : io.inits) inits.push_back(contexts.emplace_back(init.bind(trouble)).get());
    for_all(inits);
    set(table.inits, table.num_inits, inits);
    for (const std::vector<double> &metric : io.inv_metrics) {
      if (metric.size() != io.inv_metrics[0].size())
        throw Error(CATENA_INVALID_ARGUMENT, "argument 'io.inv_metrics': expected inverse metrics of equal sizes, got " +
                    std::to_string(io.inv_metrics[0].size()) + " and " + std::to_string(metric.size()), "io.inv_metrics");
      metrics.push_back(metric.data());
    }
    for_all(metrics);
    set(table.inv_metrics, table.num_inv_metrics, metrics);
    table.inv_metric_size = io.inv_metrics.empty() ? 0 : io.inv_metrics[0].size();
    for (const Checkpoint &checkpoint : io.checkpoints) checkpoints.push_back(checkpoint.handle());
    set(table.checkpoints, table.num_checkpoints, checkpoints);
    for (const Checkpoint &end : io.from) from.push_back(end.handle());
    set(table.from, table.num_from, from);
    init_writers = handles(io.init_writers);
    sample_writers = handles(memory.empty() ? io.sample_writers : memory);
    diagnostic_writers = handles(io.diagnostic_writers);
    set(table.init_writers, table.num_init_writers, init_writers);
    set(table.sample_writers, table.num_sample_writers, sample_writers);
    set(table.diagnostic_writers, table.num_diagnostic_writers, diagnostic_writers);
    table.logger = logging.table();
    interrupt.struct_size = sizeof interrupt;
    interrupt.user = this;
    interrupt.requested = requested;
    table.interrupt = &interrupt;
  }

  template <class M, class V>
  static void set(M &member, std::size_t &count, const V &entries) {
    member = entries.data();
    count = entries.size();
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

  static int requested(void *user) noexcept {
    Session &self = *static_cast<Session *>(user);
    bool wanted = self.logging.failed();
    const int code = guarded(self.trouble, nullptr, [&] { wanted = wanted || (self.io.interrupt && self.io.interrupt()); });
    return code != done || wanted;
  }

  Logging logging;
  catena_interrupt interrupt{};
  std::vector<std::shared_ptr<const catena_init>> contexts;
  std::vector<const catena_init *> inits;
  std::vector<const double *> metrics;
  std::vector<const catena_checkpoint *> checkpoints;
  std::vector<const catena_checkpoint *> from;
  std::vector<catena_writer *> init_writers, sample_writers, diagnostic_writers;
  Draws draws;
  std::vector<Writer> memory;
  std::optional<Error> failure;
  std::optional<Result> result;
  bool taken = false;
};

}  // namespace detail
}  // namespace catena

#endif
