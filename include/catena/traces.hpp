// The table of C callbacks for a class of traces. Include <catena.hpp>; nothing here but Bytes is for users.
//
// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef CATENA_TRACES_HPP
#define CATENA_TRACES_HPP

#include <catena/task.hpp>

#include <array>
#include <cstring>
#include <limits>
#include <memory>

namespace catena {

// The argument of an operation, or what a trace was saved as: borrowed bytes, valid only inside the callback that got them.
class Bytes {
 public:
  Bytes() noexcept = default;
  Bytes(const void *data, std::size_t size) noexcept : data_(data), size_(size) {}

  const std::uint8_t *data() const noexcept { return static_cast<const std::uint8_t *>(data_); }
  std::size_t size() const noexcept { return size_; }
  const std::uint8_t *begin() const noexcept { return data(); }
  const std::uint8_t *end() const noexcept { return data() + size_; }

  // The value of a type that is its bytes (a number, a struct of numbers).
  template <class V>
  V as() const {
    static_assert(std::is_trivially_copyable_v<V>, "expected a type whose values can be copied as bytes");
    if (size_ != sizeof(V))
      throw Error(CATENA_INVALID_ARGUMENT,
                  "argument 'bytes': expected " + std::to_string(sizeof(V)) + ", got " + std::to_string(size_), "bytes");
    V value;
    std::memcpy(&value, data_, sizeof value);
    return value;
  }

 private:
  const void *data_ = nullptr;
  std::size_t size_ = 0;
};

// The traces that a trace becomes, with the increments of their log weights.
template <class T>
using Family = std::vector<std::pair<T, double>>;

namespace detail {

// For a member of a class of traces: itself as a function object, whether it may be called with some arguments (with or
// without a task after them), and whether there is one of the name, whatever it takes.
#define CATENA_MEMBER(member)                                                                          \
  struct member##_member {                                                                             \
    template <class M, class... A>                                                                     \
    auto operator()(M &object, A &&...a) const -> decltype(object.member(std::forward<A>(a)...)) {     \
      return object.member(std::forward<A>(a)...);                                                     \
    }                                                                                                  \
  };                                                                                                   \
  template <class M, class = void>                                                                     \
  constexpr bool names_##member = false;                                                               \
  template <class M>                                                                                   \
  constexpr bool names_##member<M, std::void_t<decltype(&M::member)>> = true;                          \
  template <class M, class... A>                                                                       \
  constexpr bool has_##member = std::is_invocable_v<member##_member, const M &, A..., Task &> ||       \
                                std::is_invocable_v<member##_member, const M &, A...>;                 \
  template <class M, class... A>                                                                       \
  decltype(auto) call_##member(const M &object, Task &task, A &&...a) {                                \
    if constexpr (std::is_invocable_v<member##_member, const M &, A..., Task &>)                       \
      return object.member(std::forward<A>(a)..., task);                                               \
    else                                                                                               \
      return object.member(std::forward<A>(a)...);                                                     \
  }

namespace traces {
CATENA_MEMBER(create)
CATENA_MEMBER(apply)
CATENA_MEMBER(copy)
CATENA_MEMBER(incorporate)
CATENA_MEMBER(reset_to_prior)
CATENA_MEMBER(weigh)
CATENA_MEMBER(report)
CATENA_MEMBER(sample)
CATENA_MEMBER(diversify)
CATENA_MEMBER(fingerprint)
CATENA_MEMBER(serialize)
CATENA_MEMBER(deserialize)
CATENA_MEMBER(threading)

// What M's create gives; void where M has none.
template <class M, class = void>
struct Made {
  using type = void;
};
template <class M>
struct Made<M, std::enable_if_t<has_create<M>>> {
  using type = std::decay_t<decltype(call_create(std::declval<const M &>(), std::declval<Task &>()))>;
};
}  // namespace traces
#undef CATENA_MEMBER

// Operations with numbers from here on are functions given to the population, the first one this.
constexpr std::int64_t first_function = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t last_function = first_function / 2;

// Runs the body of a callback: what it throws becomes the words of the failure.
template <class F>
int spoken(catena_task *handle, F &&body) noexcept {
  try {
    Task task(handle);
    body(task);
    return done;
  } catch (const Reject &rejected) {
    catena_task_message(handle, rejected.what());
    return reject;
  } catch (const Reported &) {
  } catch (const std::exception &exception) {
    catena_task_message(handle, exception.what());
  } catch (...) {
    catena_task_message(handle, "an exception that is no std::exception");
  }
  return stop;
}

// A function that was given to a population, kept so that further sets can be made alike.
template <class T>
struct TraceFunction {
  virtual ~TraceFunction() = default;
  virtual double change(T &, Task &) const { throw Error(CATENA_INTERNAL, "not a function that changes a trace"); }
  virtual Family<T> split(const T &, Task &) const { throw Error(CATENA_INTERNAL, "not a function that splits a trace"); }
};

// Calls `function(arguments..., task)`, or without the task.
template <class F, class... A>
decltype(auto) with_task(const F &function, Task &task, A &...a) {
  if constexpr (std::is_invocable_v<const F &, A &..., Task &>)
    return function(a..., task);
  else
    return function(a...);
}

// An increment from what a function returns: nothing is 0.
template <class F>
double increment(F &&call) {
  if constexpr (std::is_void_v<decltype(call())>) {
    call();
    return 0;
  } else {
    return static_cast<double>(call());
  }
}

template <class T, class F>
struct Changing final : TraceFunction<T> {
  explicit Changing(F given) : function(std::move(given)) {}
  F function;
  double change(T &trace, Task &task) const override {
    return increment([&]() -> decltype(auto) { return with_task(function, task, trace); });
  }
};

template <class T, class F>
struct Splitting final : TraceFunction<T> {
  explicit Splitting(F given) : function(std::move(given)) {}
  F function;
  Family<T> split(const T &trace, Task &task) const override { return with_task(function, task, trace); }
};

// What the table's `user` points to.
template <class T>
struct TraceHost {
  virtual ~TraceHost() = default;
  // Whether the model has the members that take operations.
  bool applies = false, diversifies = false;
  // Functions of the operations from `first_function` on.
  std::vector<std::unique_ptr<const TraceFunction<T>>> functions;

  const TraceFunction<T> &function(std::int64_t operation) const {
    return *functions.at(static_cast<std::size_t>(operation - first_function));
  }
};

// The callbacks of a model M whose traces are of the type T.
template <class T, class M>
struct TraceHostOf final : TraceHost<T> {
  explicit TraceHostOf(M object) : model(std::move(object)) {
    this->applies = has_apply;
    this->diversifies = has_diversify;
  }
  const M model;

  static_assert(std::is_move_constructible_v<T>, "traces must be movable");
  static_assert(traces::has_create<M>, "a model of traces needs `T create([Task &]) const`");
  static constexpr bool has_apply = traces::has_apply<M, T &, std::int64_t, Bytes>;
  static constexpr bool has_copy = traces::has_copy<M, const T &>;
  static constexpr bool has_incorporate = traces::has_incorporate<M, T &>;
  static constexpr bool has_reset = traces::has_reset_to_prior<M, T &>;
  static constexpr bool has_weigh = traces::has_weigh<M, T &>;
  static constexpr bool has_report = traces::has_report<M, const T &, std::int64_t, Values>;
  static constexpr bool has_sample = traces::has_sample<M, const T &, std::int64_t, Values>;
  static constexpr bool has_diversify = traces::has_diversify<M, const T &, std::int64_t, Bytes>;
  static constexpr bool has_fingerprint = traces::has_fingerprint<M, const T &, std::int64_t>;
  static constexpr bool has_serialize = traces::has_serialize<M, const T &>;
  static constexpr bool has_deserialize = traces::has_deserialize<M, Bytes>;
  static_assert(has_apply || !traces::names_apply<M>,
                "expected double apply(T &, std::int64_t operation, Bytes argument [, Task &]) const");
  static_assert(has_copy || !traces::names_copy<M>, "expected T copy(const T & [, Task &]) const");
  static_assert(has_incorporate || !traces::names_incorporate<M>, "expected double incorporate(T & [, Task &]) const");
  static_assert(has_reset || !traces::names_reset_to_prior<M>, "expected void reset_to_prior(T & [, Task &]) const");
  static_assert(has_weigh || !traces::names_weigh<M>, "expected double weigh(T & [, Task &]) const");
  static_assert(has_report || !traces::names_report<M>,
                "expected void report(const T &, std::int64_t what, Values out [, Task &]) const");
  static_assert(has_sample || !traces::names_sample<M>,
                "expected void sample(const T &, std::int64_t what, Values out [, Task &]) const");
  static_assert(has_diversify || !traces::names_diversify<M>,
                "expected Family<T> diversify(const T &, std::int64_t operation, Bytes argument [, Task &]) const");
  static_assert(has_fingerprint || !traces::names_fingerprint<M>,
                "expected a number or std::array<std::uint64_t, 2> fingerprint(const T &, std::int64_t scope [, Task &]) const");
  static_assert(has_serialize || !traces::names_serialize<M>,
                "expected std::vector<std::uint8_t> serialize(const T & [, Task &]) const");
  static_assert(has_deserialize || !traces::names_deserialize<M>, "expected T deserialize(Bytes [, Task &]) const");
  static_assert(has_serialize == has_deserialize, "serialize and deserialize come together");

  catena_traces table() {
    catena_traces table{};
    table.struct_size = sizeof table;
    table.user = this;
    if constexpr (traces::has_threading<M>) table.threading = static_cast<std::int32_t>(model.threading());
    table.create = create;
    table.free = [](void *, void *trace) { delete static_cast<T *>(trace); };
    table.apply = apply;
    table.diversify = diversify;
    if constexpr (has_copy || std::is_copy_constructible_v<T>) table.copy = copy;
    if constexpr (has_incorporate) table.incorporate = incorporate;
    if constexpr (has_reset) table.reset_to_prior = reset_to_prior;
    if constexpr (has_weigh) table.weigh = weigh;
    if constexpr (has_report) table.report = report;
    if constexpr (has_sample) table.sample = sample;
    if constexpr (has_fingerprint) table.fingerprint = fingerprint;
    if constexpr (has_serialize) {
      table.serialize = serialize;
      table.deserialize = deserialize;
    }
    return table;
  }

 private:
  static const TraceHostOf &self(void *user) noexcept { return *static_cast<const TraceHostOf *>(user); }
  static T &of(void *trace) noexcept { return *static_cast<T *>(trace); }
  static const T &of(const void *trace) noexcept { return *static_cast<const T *>(trace); }

  static int create(void *user, catena_task *handle, void **out) noexcept {
    return spoken(handle, [&](Task &task) { *out = new T(traces::call_create(self(user).model, task)); });
  }
  static int copy(void *user, const void *trace, catena_task *handle, void **out) noexcept {
    return spoken(handle, [&](Task &task) {
      if constexpr (has_copy)
        *out = new T(traces::call_copy(self(user).model, task, of(trace)));
      else
        static_cast<void>(user), static_cast<void>(task), *out = new T(of(trace));
    });
  }
  static int apply(void *user, void *trace, std::int64_t operation, const void *argument, std::size_t size,
                   catena_task *handle, double *log_increment) noexcept {
    return spoken(handle, [&](Task &task) {
      if (operation <= last_function) {
        *log_increment = self(user).function(operation).change(of(trace), task);
      } else if constexpr (has_apply) {
        const Bytes bytes(argument, size);
        *log_increment = increment(
            [&]() -> decltype(auto) { return traces::call_apply(self(user).model, task, of(trace), operation, bytes); });
      }
    });
  }
  static int incorporate(void *user, void *trace, catena_task *handle, double *log_increment) noexcept {
    return spoken(handle, [&](Task &task) {
      *log_increment =
          increment([&]() -> decltype(auto) { return traces::call_incorporate(self(user).model, task, of(trace)); });
    });
  }
  static int reset_to_prior(void *user, void *trace, catena_task *handle) noexcept {
    return spoken(handle, [&](Task &task) { traces::call_reset_to_prior(self(user).model, task, of(trace)); });
  }
  static int weigh(void *user, void *trace, catena_task *handle, double *log_weight) noexcept {
    return spoken(handle, [&](Task &task) { *log_weight = traces::call_weigh(self(user).model, task, of(trace)); });
  }
  static int report(void *user, const void *trace, std::int64_t what, catena_task *handle, std::size_t width,
                    double *out) noexcept {
    return spoken(handle, [&](Task &task) {
      traces::call_report(self(user).model, task, of(trace), what, Values(out, width));
    });
  }
  static int sample(void *user, const void *trace, std::int64_t what, catena_task *handle, std::size_t width,
                    double *out) noexcept {
    return spoken(handle, [&](Task &task) {
      traces::call_sample(self(user).model, task, of(trace), what, Values(out, width));
    });
  }
  static int diversify(void *user, const void *trace, std::int64_t operation, const void *argument, std::size_t size,
                       catena_task *handle, catena_family *family) noexcept {
    return spoken(handle, [&](Task &task) {
      Family<T> members;
      if (operation <= last_function) {
        members = self(user).function(operation).split(of(trace), task);
      } else if constexpr (has_diversify) {
        const Bytes bytes(argument, size);
        members = traces::call_diversify(self(user).model, task, of(trace), operation, bytes);
      }
      for (std::pair<T, double> &member : members) {
        auto made = std::make_unique<T>(std::move(member.first));
        if (catena_family_add(family, made.get(), member.second) == 0) static_cast<void>(made.release());
      }
    });
  }
  static int fingerprint(void *user, const void *trace, std::int64_t scope, catena_task *handle,
                         std::uint64_t *words) noexcept {
    return spoken(handle, [&](Task &task) {
      const auto found = traces::call_fingerprint(self(user).model, task, of(trace), scope);
      if constexpr (std::is_integral_v<std::decay_t<decltype(found)>>) {
        words[0] = static_cast<std::uint64_t>(found);
        words[1] = 0;
      } else {
        const std::array<std::uint64_t, 2> both = found;
        std::memcpy(words, both.data(), sizeof both);
      }
    });
  }
  static int serialize(void *user, const void *trace, catena_task *handle, catena_bytes *out) noexcept {
    return spoken(handle, [&](Task &task) {
      const std::vector<std::uint8_t> bytes = traces::call_serialize(self(user).model, task, of(trace));
      if (catena_bytes_write(out, bytes.data(), bytes.size()) != 0) throw Error(CATENA_INTERNAL, "no place for bytes");
    });
  }
  static int deserialize(void *user, const void *bytes, std::size_t size, catena_task *handle, void **out) noexcept {
    return spoken(handle, [&](Task &task) {
      *out = new T(traces::call_deserialize(self(user).model, task, Bytes(bytes, size)));
    });
  }
};

// A function that draws a trace from the prior, as a model of traces.
template <class F>
struct FromPrior {
  F function;
  decltype(auto) create(Task &task) const { return with_task(function, task); }
};

template <class M>
constexpr bool draws_traces =
    !traces::has_create<M> && (std::is_invocable_v<const M &, Task &> || std::is_invocable_v<const M &>);

}  // namespace detail
}  // namespace catena

#endif
