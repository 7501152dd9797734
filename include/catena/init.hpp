// Initial values. Include <catena.hpp>.
//
// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef CATENA_INIT_HPP
#define CATENA_INIT_HPP

#include <catena/task.hpp>

#include <algorithm>
#include <functional>
#include <initializer_list>
#include <map>
#include <mutex>
#include <set>

namespace catena {

// A scalar, a vector or an array of numbers, first index fastest (column-major).
struct Array {
  Array() = default;
  Array(double scalar) : values{scalar} {}
  Array(std::initializer_list<double> vector) : Array(std::vector<double>(vector)) {}
  Array(std::vector<double> vector) : shape{vector.size()}, values(std::move(vector)) {}
  Array(std::vector<std::size_t> dimensions, std::vector<double> elements)
      : shape(std::move(dimensions)), values(std::move(elements)) {}

  // Dimensions; empty for a scalar.
  std::vector<std::size_t> shape;
  std::vector<double> values;
};

// What a model's `initialize` reads: the variables that the user gave values for. Valid only inside that call.
class Given {
 public:
  explicit Given(const catena_init *init) noexcept : init_(init) {}

  // The dimensions of a variable, empty for a scalar; nothing when it isn't given.
  std::optional<std::vector<std::size_t>> shape(const std::string &name) const {
    std::vector<std::size_t> dimensions(most_dimensions);
    std::size_t rank = 0;
    if (!known(catena_init_shape(init_, name.c_str(), dimensions.size(), dimensions.data(), &rank))) return std::nullopt;
    dimensions.resize(rank);
    return dimensions;
  }

  // The elements of a variable, first index fastest; nothing when it isn't given. Another number of elements than
  // `count` stops the chain with a message.
  std::optional<std::vector<double>> values(const std::string &name, std::size_t count) const {
    std::vector<double> elements(count);
    if (!known(catena_init_values(init_, name.c_str(), elements.data(), count))) return std::nullopt;
    return elements;
  }

  // A scalar; nothing when it isn't given.
  std::optional<double> scalar(const std::string &name) const {
    double value = 0;
    if (!known(catena_init_values(init_, name.c_str(), &value, 1))) return std::nullopt;
    return value;
  }

 private:
  static constexpr std::size_t most_dimensions = 16;

  static bool known(int code) {
    if (code < 0) throw detail::Reported();
    return code > 0;
  }

  const catena_init *init_;
};

// Where a chain's initial values come from. Immutable: a copy is the same context, and several chains and runs may share
// one. Init() gives none.
class Init {
 public:
  Init() = default;

  // From a JSON text in Stan's conventions, on the constrained scale.
  static Init json(const std::string &text) {
    return Init(detail::made<Own>(catena_init_json_new, text.data(), text.size()));
  }
  // From a file with such a text.
  static Init json_file(const std::string &path) {
    return Init(detail::made<Own>(catena_init_json_file_new, path.c_str()));
  }
  // From an unconstrained position; NaN entries are drawn.
  static Init position(const std::vector<double> &position) {
    return Init(detail::made<Own>(catena_init_position_new, position.data(), position.size()));
  }
  // From named values on the constrained scale, e.g. {{"mu", 1.5}, {"theta", {1, 2, 3}}}. A name that the model does not ask
  // for fails its chain: it may be misspelt.
  static Init variables(std::map<std::string, Array> variables) {
    std::vector<std::string> names;
    for (const auto &variable : variables) names.push_back(variable.first);
    Init init = lookup([all = std::move(variables)](const std::string &name) -> std::optional<Array> {
      const auto found = all.find(name);
      if (found == all.end()) return std::nullopt;
      return found->second;
    });
    init.names_ = std::make_shared<const std::vector<std::string>>(std::move(names));
    return init;
  }
  // From a function that returns a variable's value by its name, or nothing. Called from pool threads, several at once.
  static Init lookup(std::function<std::optional<Array>(const std::string &name)> function) {
    Init init;
    init.function_ = std::make_shared<const Function>(std::move(function));
    return init;
  }

  // For Run: the handle for one run, null when nothing is given. What a function throws goes to `trouble`, which must
  // outlive the handle.
  std::shared_ptr<const catena_init> bind(detail::Trouble &trouble) const {
    if (!function_) return shared_;
    auto bound = std::make_unique<Bound>(function_, names_, trouble);
    catena_init_table table{};
    table.struct_size = sizeof table;
    table.release = [](void *user) { delete static_cast<Bound *>(user); };
    table.shape = find_shape;
    table.values = copy_values;
    table.finish = all_asked;
    // The library owns it from here on, whatever comes of the call.
    table.user = bound.release();
    return std::shared_ptr<const catena_init>(detail::made<Own>(catena_init_new, &table));
  }

 private:
  using Own = detail::Handle<catena_init, catena_init_free>;
  using Function = std::function<std::optional<Array>(const std::string &)>;
  using Names = std::shared_ptr<const std::vector<std::string>>;
  struct Bound {
    Bound(std::shared_ptr<const Function> f, Names n, detail::Trouble &t) : function(std::move(f)), names(std::move(n)), trouble(&t) {}

    std::shared_ptr<const Function> function;
    // The names that there are, where they are known, and those that were asked for.
    Names names;
    detail::Trouble *trouble;
    std::mutex one;
    std::set<std::string> asked;
  };

  explicit Init(Own own) : shared_(std::move(own)) {}

  static int find_shape(void *user, const char *name, std::size_t most, std::size_t *shape, std::size_t *rank) noexcept {
    auto &bound = *static_cast<Bound *>(user);
    int given = 0;
    const int code = detail::guarded(*bound.trouble, nullptr, [&] {
      {
        const std::lock_guard<std::mutex> lock(bound.one);
        bound.asked.insert(name);
      }
      const std::optional<Array> array = (*bound.function)(name);
      if (!array) return;
      given = 1;
      *rank = array->shape.size();
      std::copy_n(array->shape.begin(), std::min(most, *rank), shape);
    });
    return code == detail::done ? given : detail::stop;
  }

  static int copy_values(void *user, const char *name, double *values, std::size_t count) noexcept {
    const auto &bound = *static_cast<const Bound *>(user);
    return detail::guarded(*bound.trouble, nullptr, [&] {
      const std::optional<Array> array = (*bound.function)(name);
      if (!array || array->values.size() != count)
        throw Error(CATENA_INVALID_ARGUMENT,
                    "argument '" + std::string(name) + "': expected " + std::to_string(count) + " values, got " +
                        std::to_string(array ? array->values.size() : 0),
                    name);
      std::copy(array->values.begin(), array->values.end(), values);
    });
  }

  // Each chain asks for the same names: what one asked for is known to all.
  static int all_asked(void *user) noexcept {
    auto &bound = *static_cast<Bound *>(user);
    if (!bound.names) return detail::done;
    return detail::guarded(*bound.trouble, nullptr, [&] {
      const std::lock_guard<std::mutex> lock(bound.one);
      for (const std::string &name : *bound.names)
        if (bound.asked.count(name) == 0) {
          std::string all;
          for (const std::string &one : bound.asked) all += (all.empty() ? "'" : ", '") + one + "'";
          throw Error(CATENA_INVALID_ARGUMENT,
                      "argument 'init': expected values that the model asks for (" + all + "), got '" + name + "'", "init");
        }
    });
  }

  std::shared_ptr<const catena_init> shared_;
  std::shared_ptr<const Function> function_;
  Names names_;
};

}  // namespace catena

#endif
