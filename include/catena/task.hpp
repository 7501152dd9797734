// Arrays that belong to others, and what a model's callback is called for. Include <catena.hpp>.
//
// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef CATENA_TASK_HPP
#define CATENA_TASK_HPP

#include <catena/error.hpp>

#include <cstddef>
#include <type_traits>
#include <vector>

namespace catena {

// A borrowed array. Converts to a pointer, to std::span in C++20, and to anything made from data() and size(), such as
// Eigen::Map. Valid only as long as the call that gave it.
template <class T>
class View {
 public:
  View(T *data, std::size_t size) noexcept : data_(data), size_(size) {}
  // A View<double> is a View<const double> too.
  template <class U, class = std::enable_if_t<std::is_same_v<const U, T>>>
  View(const View<U> &other) noexcept : data_(other.data()), size_(other.size()) {}

  T *data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  T *begin() const noexcept { return data_; }
  T *end() const noexcept { return data_ + size_; }
  // A template so that no index type makes it ambiguous with the pointer's own.
  template <class I, class = std::enable_if_t<std::is_integral_v<I>>>
  T &operator[](I index) const noexcept {
    return data_[static_cast<std::size_t>(index)];
  }
  operator T *() const noexcept { return data_; }

 private:
  T *data_;
  std::size_t size_;
};

// The position a model is evaluated at, and the array that it fills.
using Position = View<const double>;
using Values = View<double>;

// What a callback is called for: its chain or trace, its random numbers, its messages. Valid only inside the callback that
// got it and only on its thread.
class Task {
 public:
  explicit Task(catena_task *task) noexcept : task_(task) {}

  // Id of the chain, or of the set of traces.
  std::uint64_t chain_id() const noexcept { return catena_task_chain_id(task_); }
  // The number in its set, from 0, of the trace that the callback is called for; -1 where it is called for none.
  std::int64_t particle() const noexcept { return catena_task_particle(task_); }
  // 64 random bits; drawing here never changes the sampler's draws.
  std::uint64_t bits() noexcept { return catena_task_bits(task_); }
  // Uniform on [0, 1).
  double uniform() noexcept { return catena_task_uniform(task_); }
  // Standard normal.
  double normal() noexcept { return catena_task_normal(task_); }
  // Exponential with mean 1.
  double exponential() noexcept { return catena_task_exponential(task_); }
  // Why the callback is about to reject or stop.
  void message(const std::string &text) noexcept { catena_task_message(task_, text.c_str()); }
  // Logs a line with the chain's id to the logger of the run.
  void log(catena_level level, const std::string &line) noexcept { catena_task_log(task_, level, line.c_str()); }

  // A parallel sum on the pool the chains run on: `terms` terms in pieces of `grain`, added in their order, so that the
  // result doesn't depend on the number of threads. `piece(begin, end, Values partial)` *sets* partial to the sum of the
  // terms begin to end - 1; it is called from any thread of the pool, several at once, and may throw.
  template <class F>
  void reduce(std::size_t terms, std::size_t grain, const F &piece, Values sums) {
    static_assert(std::is_invocable_v<const F &, std::size_t, std::size_t, const Values &>,
                  "expected piece(std::size_t begin, std::size_t end, catena::Values partial), callable when const");
    Pieces<F> pieces{piece, sums.size(), {}, {}};
    const int code = catena_task_reduce(task_, terms, grain, sums.size(), run_piece<F>, &pieces, sums.data());
    if (code == detail::done) return;
    // The first piece in order decides between rejecting and stopping, whichever threw first.
    if (code > 0) pieces.rejection.rethrow();
    pieces.trouble.rethrow();
    throw detail::Reported();
  }

  catena_task *handle() const noexcept { return task_; }

 private:
  template <class F>
  struct Pieces {
    const F &piece;
    std::size_t width;
    detail::Trouble trouble, rejection;
  };

  template <class F>
  static int run_piece(void *data, void *, std::size_t begin, std::size_t end, double *partial) noexcept {
    auto &pieces = *static_cast<Pieces<F> *>(data);
    return detail::guarded(pieces.trouble, nullptr, [&] {
      try {
        pieces.piece(begin, end, Values(partial, pieces.width));
      } catch (const Reject &) {
        pieces.rejection.keep(std::current_exception());
        throw;
      }
    });
  }

  catena_task *task_;
};

}  // namespace catena

#endif
