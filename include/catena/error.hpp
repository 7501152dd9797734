// Errors of Catena as exceptions, and how exceptions of the host cross the library. Include <catena.hpp>.
//
// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef CATENA_ERROR_HPP
#define CATENA_ERROR_HPP

#include <catena.h>

#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace catena {

// A failure that the library reports. what() is the whole message with chain and argument.
class Error : public std::runtime_error {
 public:
  Error(catena_status status, const std::string &message, std::string argument = {})
      : std::runtime_error(message), status_(status), argument_(std::move(argument)) {}

  // Copies what a C error says; the handle stays the caller's.
  explicit Error(const catena_error *error)
      : std::runtime_error(catena_error_message(error)), status_(catena_error_code(error)) {
    if (catena_error_chain(error) >= 0) chain_ = static_cast<std::uint64_t>(catena_error_chain(error));
    if (catena_error_set(error) >= 0) set_ = static_cast<std::uint64_t>(catena_error_set(error));
    if (catena_error_particle(error) >= 0) particle_ = static_cast<std::size_t>(catena_error_particle(error));
    if (const char *argument = catena_error_argument(error)) argument_ = argument;
  }

  // One of the CATENA_ statuses, never CATENA_OK.
  catena_status status() const noexcept { return status_; }
  // Id of the chain the failure belongs to, if it belongs to one.
  std::optional<std::uint64_t> chain() const noexcept { return chain_; }
  // Id of the set of traces or particles the failure belongs to, if it belongs to one.
  std::optional<std::uint64_t> set() const noexcept { return set_; }
  // The trace or particle of its set that the failure is about, counted from 0, if it is about one.
  std::optional<std::size_t> particle() const noexcept { return particle_; }
  // Name of the offending argument; empty when the failure is about none.
  const std::string &argument() const noexcept { return argument_; }

 private:
  catena_status status_;
  std::optional<std::uint64_t> chain_, set_;
  std::optional<std::size_t> particle_;
  std::string argument_;
};

// Thrown by a model to reject the point it was asked about: a divergence while sampling, another try while looking for an
// initial value, a row of NaN for outputs. The chain goes on. Every other exception stops the chain. A log density of
// minus infinity or NaN rejects too, without the cost of an exception.
class Reject : public std::domain_error {
 public:
  using std::domain_error::domain_error;
};

namespace detail {

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T *handle) const noexcept {
    Free(handle);
  }
};

// What an object is made of, gone once it was moved from; using it then throws.
template <class T>
class Inner {
 public:
  Inner(std::unique_ptr<T> inner) noexcept : inner_(std::move(inner)) {}

  T &operator*() const { return *operator->(); }
  T *operator->() const {
    if (!inner_) throw Error(CATENA_INVALID_ARGUMENT, "expected an object that is whole, got one that was moved from");
    return inner_.get();
  }

 private:
  std::unique_ptr<T> inner_;
};

// A C handle with its owner.
template <class T, auto Free>
using Handle = std::unique_ptr<T, Freed<Free>>;

using ErrorHandle = Handle<catena_error, catena_error_free>;

// Calls `function(arguments..., &error)` and throws what it reports.
template <class F, class... A>
void check(F function, A... arguments) {
  catena_error *error = nullptr;
  const catena_status status = function(arguments..., &error);
  const ErrorHandle owned(error);
  if (error) throw Error(error);
  if (status != CATENA_OK) throw Error(status, "status " + std::to_string(static_cast<int>(status)));
}

// Calls `function(arguments..., &handle, &error)` and returns the handle.
template <class H, class F, class... A>
H made(F function, A... arguments) {
  typename H::pointer handle = nullptr;
  check(function, arguments..., &handle);
  return H(handle);
}

// The first exception of the callbacks of one run or call: an exception must not reach the library's frames, so that it is
// kept here until the call that ran the chains returns.
class Trouble {
 public:
  void keep(std::exception_ptr exception) noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (kept_) return;
    kept_ = true;
    first_ = std::move(exception);
  }

  bool any() const noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    return kept_;
  }

  // Before another call of the same object.
  void reset() noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    kept_ = false;
    first_ = nullptr;
  }

  // Throws the first exception, once.
  void rethrow() {
    std::exception_ptr first;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      std::swap(first, first_);
    }
    if (first) std::rethrow_exception(first);
  }

 private:
  mutable std::mutex mutex_;
  bool kept_ = false;
  std::exception_ptr first_;
};

// Leaves a callback whose failure the library reports by itself.
struct Reported {};

// What evaluation callbacks return.
enum : int { done = 0, reject = 1, stop = -1 };

// Runs the body of a callback and turns what it throws into a return code. `task` may be null.
template <class F>
int guarded(Trouble &trouble, catena_task *task, F &&body) noexcept {
  try {
    body();
    return done;
  } catch (const Reject &rejected) {
    catena_task_message(task, rejected.what());
    return reject;
  } catch (const Reported &) {
    return stop;
  } catch (const std::exception &exception) {
    catena_task_message(task, exception.what());
    trouble.keep(std::current_exception());
  } catch (...) {
    catena_task_message(task, "an exception that is no std::exception");
    trouble.keep(std::current_exception());
  }
  return stop;
}

}  // namespace detail
}  // namespace catena

#endif
