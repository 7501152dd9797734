// What a run reads and writes. Include <catena.hpp>.
//
// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef CATENA_IO_HPP
#define CATENA_IO_HPP

#include <catena/checkpoint.hpp>
#include <catena/init.hpp>

namespace catena {
namespace detail {

// Members of writers as function objects that std::is_invocable can ask about.
struct NamesOf {
  template <class T, class... A>
  auto operator()(T &object, A &&...a) const -> decltype(object.names(std::forward<A>(a)...)) {
    return object.names(std::forward<A>(a)...);
  }
};
struct RowOf {
  template <class T, class... A>
  auto operator()(T &object, A &&...a) const -> decltype(object.row(std::forward<A>(a)...)) {
    return object.row(std::forward<A>(a)...);
  }
};
struct MessageOf {
  template <class T, class... A>
  auto operator()(T &object, A &&...a) const -> decltype(object.message(std::forward<A>(a)...)) {
    return object.message(std::forward<A>(a)...);
  }
};
struct FinishOf {
  template <class T, class... A>
  auto operator()(T &object, A &&...a) const -> decltype(object.finish(std::forward<A>(a)...)) {
    return object.finish(std::forward<A>(a)...);
  }
};

// What a writer's `user` points to; the run sets where exceptions go before it starts.
struct WriterUser {
  Trouble *trouble = nullptr;
  virtual ~WriterUser() = default;
};

template <class T>
struct WriterOf final : WriterUser {
  // An object of the class, or a reference or shared pointer to one.
  explicit WriterOf(T object) : kept(std::move(object)) {}
  T kept;

  template <class U>
  static U &reach(U &object) {
    return object;
  }
  template <class U>
  static U &reach(std::reference_wrapper<U> &reference) {
    return reference.get();
  }
  template <class U>
  static U &reach(std::shared_ptr<U> &pointer) {
    return *pointer;
  }

  using Class = std::remove_reference_t<decltype(reach(std::declval<T &>()))>;
  static constexpr bool has_names =
      std::is_invocable_v<NamesOf, Class &, const std::vector<std::string> &>;
  static constexpr bool has_row = std::is_invocable_v<RowOf, Class &, const Position &>;
  static constexpr bool has_message = std::is_invocable_v<MessageOf, Class &, const std::string &>;
  static constexpr bool has_finish = std::is_invocable_v<FinishOf, Class &>;
  static_assert(has_row, "a writer needs void row(catena::View<const double> values)");

  static catena_writer_table table() {
    catena_writer_table table{};
    table.struct_size = sizeof table;
    table.release = [](void *user) { delete static_cast<WriterOf *>(user); };
    if constexpr (has_names) table.names = names;
    table.row = row;
    if constexpr (has_message) table.message = message;
    if constexpr (has_finish) table.finish = finish;
    return table;
  }

 private:
  template <class F>
  static int with(void *user, F &&body) noexcept {
    auto &self = *static_cast<WriterOf *>(user);
    return guarded(*self.trouble, nullptr, [&] { body(reach(self.kept)); });
  }
  static int names(void *user, std::size_t count, const char *const *names) noexcept {
    return with(user, [&](auto &writer) { writer.names(std::vector<std::string>(names, names + count)); });
  }
  static int row(void *user, std::size_t count, const double *values) noexcept {
    return with(user, [&](auto &writer) { writer.row(Position(values, count)); });
  }
  static int message(void *user, const char *line) noexcept {
    return with(user, [&](auto &writer) { writer.message(std::string(line)); });
  }
  static int finish(void *user) noexcept {
    return with(user, [&](auto &writer) { writer.finish(); });
  }
};

}  // namespace detail

// Receives one chain's output: its initial values, its draws or its diagnostics. Writer() writes nothing.
class Writer {
 public:
  Writer() : handle_(detail::made<Own>(catena_writer_none_new)) {}

  // To a Stan CSV file at `path`: `sig_figs` significant figures, 1 to 18, or 0 for the shortest text that reads back to
  // the same bits. `append` goes on after the last line of a file that is there, for a resumed chain.
  static Writer csv(const std::string &path, int sig_figs = 0, bool append = false) {
    return Writer(detail::made<Own>(catena_writer_csv_new, path.c_str(), sig_figs, static_cast<int>(append)));
  }

  // To any class with `row(View<const double>)` and, as far as it wants them, `names(const std::vector<std::string> &)`
  // (once, at the start), `message(const std::string &)` and `finish()` (once, at the end). Takes an object, which the
  // writer owns, a std::shared_ptr to one, or a std::ref, which must outlive the run. Called by one thread at a time, not
  // always the same; may throw.
  template <class T>
  static Writer to(T object) {
    auto user = std::make_unique<detail::WriterOf<T>>(std::move(object));
    catena_writer_table table = detail::WriterOf<T>::table();
    // The library owns it from here on, whatever comes of the call.
    detail::WriterOf<T> *bound = user.release();
    table.user = bound;
    Writer writer(detail::made<Own>(catena_writer_new, &table));
    writer.user_ = bound;
    return writer;
  }

  // Number of rows the writer has taken.
  std::size_t rows() const noexcept { return catena_writer_rows(handle_.get()); }
  catena_writer *handle() const noexcept { return handle_.get(); }

  // For Run: where exceptions of the writer's class go.
  void bind(detail::Trouble &trouble) noexcept {
    if (user_) user_->trouble = &trouble;
  }

  // For Run: a writer made by C functions, which is owned from here on.
  static Writer own(catena_writer *handle) noexcept { return Writer(Own(handle)); }

 private:
  using Own = detail::Handle<catena_writer, catena_writer_free>;
  explicit Writer(Own handle) : handle_(std::move(handle)) {}

  Own handle_;
  // Owned by the handle.
  detail::WriterUser *user_ = nullptr;
};

// Keeps what a writer gets, of whatever kind: Writer::to(std::ref(table)).
struct Table {
  // Names of the columns.
  std::vector<std::string> columns;
  // Rows x columns, row-major.
  std::vector<double> values;
  std::vector<std::string> messages;

  void names(const std::vector<std::string> &names) { columns = names; }
  void row(Position row) { values.insert(values.end(), row.begin(), row.end()); }
  void message(const std::string &line) { messages.push_back(line); }
};

// Gets what the library logs, a line at a time; `chain` is -1 for a line about none. Calls come from any thread of the pool,
// one after the other.
using Logger = std::function<void(catena_level level, std::int64_t chain, const std::string &line)>;

// What a run reads and writes, given to it by std::move. Each list but `from` has no entry or one per chain; one entry of `inits` or
// `inv_metrics` serves all chains.
struct Io {
  std::vector<Init> inits;
  // Initial inverse metrics: `dimension` variances (diag_e), or `dimension` x `dimension` covariances (dense_e),
  // or the numbers of CATENA_METRIC_LOW_RANK, if need be with zeros behind them.
  std::vector<std::vector<double>> inv_metrics;
  // Get the initial unconstrained values.
  std::vector<Writer> init_writers;
  // Get the draws. Without any, they go to the result's draws().
  std::vector<Writer> sample_writers;
  // Get the sampler's columns, then position, momentum and gradient of each kept draw.
  std::vector<Writer> diagnostic_writers;
  // Chains to go on with.
  std::vector<Checkpoint> checkpoints;
  // The ends of another run's chains (Result::checkpoints), where these begin: with their positions, metrics and step sizes, so
  // far as none are given. Chains take them in turn, however many there are; an empty one begins its chains without. Set the
  // option warm_start for a short warm-up, and give another seed.
  std::vector<Checkpoint> from;
  // Gets progress, warnings and failures. When it throws, the run ends.
  Logger logger;
  // Returns true to end the run early, resumably. Called on the thread that waits, at least every 10 ms.
  std::function<bool()> interrupt;
  // The processes that the run is spread over (catena_mpi.h fills it), borrowed; none: this one alone.
  const catena_communicator *communicator = nullptr;
};

}  // namespace catena

#endif
