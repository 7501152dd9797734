// Models from functions and classes. Include <catena.hpp>.
//
// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef CATENA_MODEL_HPP
#define CATENA_MODEL_HPP

#include <catena/parts.hpp>

namespace catena {

class Model;

namespace detail {

template <class T>
constexpr bool is_model = has_dimension<T> && !std::is_same_v<T, Model>;

// A function as a class that models can be made from.
template <class F>
class FunctionModel {
 public:
  FunctionModel(std::size_t dimension, F function, std::vector<std::string> names, catena_threading threading)
      : dimension_(dimension), function_(std::move(function)), names_(std::move(names)), threading_(threading) {}

  std::size_t dimension() const { return dimension_; }
  const std::vector<std::string> &names() const { return names_; }
  catena_threading threading() const { return threading_; }
  template <class... A>
  auto log_density(A &&...a) const -> decltype(std::declval<const F &>()(std::forward<A>(a)...)) {
    return function_(std::forward<A>(a)...);
  }

 private:
  std::size_t dimension_;
  F function_;
  std::vector<std::string> names_;
  catena_threading threading_;
};

template <class R>
std::vector<std::string> texts(const R &range) {
  return std::vector<std::string>(std::begin(range), std::end(range));
}

inline std::vector<const char *> pointers(const std::vector<std::string> &texts) {
  std::vector<const char *> all;
  all.reserve(texts.size());
  for (const std::string &text : texts) all.push_back(text.c_str());
  return all;
}

}  // namespace detail

// A log density with named outputs, made from a function or from an object of a class. Immutable: may serve several runs
// at once, and need not outlive them.
//
// A class has the members below, all const and called from several threads at once (unless `threading` says otherwise);
// [] marks what may be left out. Arrays are Views, which convert to pointers. Throw Reject to reject a point; any other
// exception stops the chain and is rethrown from the call that ran it.
//
//   std::size_t dimension() const;                                          number of unconstrained coordinates
//   double log_density([Task &,] Position x, Values gradient [, W &]) const; up to a constant, with Jacobians; fills gradient
//   [double log_density_only([Task &,] Position x [, W &]) const;]          without the gradient, for Model::log_density
//   [void log_density_batch([Task &,] Position xs, Values log_densities, Values gradients, View<int> codes [, W &]) const;]
//                         many points at once, row-major; a code above 0 rejects a point, one below 0 stops its chain
//   [names() const;]                                                        of the coordinates: any range of texts
//   [output_names() const; and void constrain([Task &,] Position x, Values outputs [, W &]) const;]
//                                                                           outputs; without them the coordinates
//   [std::size_t parameter_outputs() const; std::size_t transformed_outputs() const;]
//                         how many of the outputs, the first ones, are the parameters that initialize reads, and how many
//                         after them are functions of these alone; the others are generated quantities
//   [void initialize([Task &,] const Given &, Values x [, W &]) const;]     fills x (NaN on entry) from initial values
//   [Parts log_density_parts([Task &,] Position x, Values prior_gradient, Values likelihood_gradient [, W &]) const;]
//                         log prior and log likelihood, whose sum is the log density, for sample_smc; here and below a
//                         gradient that is not asked for is a null pointer
//   [void log_density_parts_batch([Task &,] Position xs, Values log_priors, Values log_likelihoods, Values prior_gradients,
//                                 Values likelihood_gradients, View<int> codes [, W &]) const;]
//   [void sample_prior([Task &,] Values x [, W &]) const;]                  draws x from the prior
//   [std::size_t data_count() const; and Parts log_density_data([Task &,] Position x, std::size_t count, Values gradient,
//                                                               Values next_gradient [, W &]) const;]
//                         log prior plus the log likelihood of the first `count` data, and that of the next one
//   [W make_worker() const;]                                                scratch memory for one call at a time
//   [catena_threading threading() const;]                                   from which threads it may be called
class Model {
 public:
  // From a function `double f([Task &,] Position x, Values gradient)`, such as one that takes two pointers; it must be
  // callable when const. Without names the coordinates are x.1, x.2, ...
  template <class F>
  Model(std::size_t dimension, F function, std::vector<std::string> names = {},
        catena_threading threading = CATENA_THREADS_ANY)
      : Model(std::make_shared<const detail::FunctionModel<F>>(dimension, std::move(function), std::move(names),
                                                                 threading)) {}

  // From an object, which is copied or moved in.
  template <class T, class = std::enable_if_t<detail::is_model<std::decay_t<T>>>>
  explicit Model(T &&object) : Model(std::make_shared<const std::decay_t<T>>(std::forward<T>(object))) {}

  // From a shared object.
  template <class T>
  explicit Model(std::shared_ptr<T> object) : object_(object), table_(detail::Callbacks<std::remove_const_t<T>>::table()) {
    using Class = std::remove_const_t<T>;
    if (!object) throw Error(CATENA_INVALID_ARGUMENT, "argument 'object': expected an object, got none", "object");
    const Class &model = *object;
    detail::PartsCallbacks<Class>::add(table_, model);
    table_.dimension = static_cast<std::size_t>(model.dimension());
    if constexpr (detail::has_names<Class>) names_ = detail::texts(model.names());
    if constexpr (detail::has_output_names<Class>) output_names_ = detail::texts(model.output_names());
    if constexpr (detail::has_parameter_outputs<Class>) table_.parameter_outputs = model.parameter_outputs();
    if constexpr (detail::has_transformed_outputs<Class>) table_.transformed_outputs = model.transformed_outputs();
    if constexpr (detail::has_threading<Class>) table_.threading = model.threading();
    if (!names_.empty() && names_.size() != table_.dimension)
      throw Error(CATENA_INVALID_ARGUMENT,
                  "argument 'names': expected " + std::to_string(table_.dimension) + " names, got " +
                      std::to_string(names_.size()),
                  "names");
    handle_ = bind(nullptr);
  }

  // Number of unconstrained coordinates.
  std::size_t dimension() const noexcept { return catena_model_dimension(handle_.get()); }
  // Names of the coordinates.
  std::vector<std::string> names() const { return listed(dimension(), catena_model_name); }
  // Names of the outputs.
  std::vector<std::string> output_names() const {
    return listed(catena_model_output_count(handle_.get()), catena_model_output_name);
  }
  // Names of the columns of draws: lp__ and the engine's others, then the outputs.
  std::vector<std::string> columns(catena_engine engine = CATENA_ENGINE_NUTS) const {
    const auto number = static_cast<std::int32_t>(engine);
    return listed(catena_engine_column_count(handle_.get(), number),
                  [number](const catena_model *m, std::size_t i) { return catena_engine_column(m, number, i); });
  }

  // Names of the columns of generate_quantities(): the outputs after the parameters and transformed parameters.
  std::vector<std::string> quantity_columns() const {
    return listed(catena_quantity_column_count(handle_.get()), catena_quantity_column);
  }

  // The log density at a position of `dimension` numbers, on the calling thread; NaN when the model rejects it.
  double log_density(const std::vector<double> &position) const {
    one(position);
    return evaluate(1, position, nullptr)[0];
  }
  // The same with the gradient, which is resized.
  double log_density(const std::vector<double> &position, std::vector<double> &gradient) const {
    one(position);
    gradient.resize(dimension());
    return evaluate(1, position, gradient.data())[0];
  }
  // The log densities at several positions, given one after the other; NaN where the model rejects one. Log densities and
  // gradients have the same bits as those of one position at a time when those of the model's log_density_batch have.
  std::vector<double> log_densities(const std::vector<double> &positions) const {
    return evaluate(count(positions), positions, nullptr);
  }
  // The same with the gradients, which are resized to positions x dimension.
  std::vector<double> log_densities(const std::vector<double> &positions, std::vector<double> &gradients) const {
    gradients.resize(positions.size());
    return evaluate(count(positions), positions, gradients.data());
  }

  const catena_model *handle() const noexcept { return handle_.get(); }

  using Handle = detail::Handle<catena_model, catena_model_free>;

  // For Run: a handle of its own, whose exceptions go to `trouble`, which must outlive it.
  Handle bind(detail::Trouble *trouble) const {
    if (!object_)
      throw Error(CATENA_INVALID_ARGUMENT, "argument 'model': expected a model that is whole, got one that was moved from",
                  "model");
    auto bound = std::make_unique<detail::BoundModel>(
        detail::BoundModel{object_, table_.dimension, output_names_.size(), trouble});
    const std::vector<const char *> names = detail::pointers(names_), outputs = detail::pointers(output_names_);
    catena_density table = table_;
    table.release = [](void *user) { delete static_cast<detail::BoundModel *>(user); };
    table.names = names.empty() ? nullptr : names.data();
    table.output_count = outputs.size();
    table.output_names = outputs.empty() ? nullptr : outputs.data();
    // The library owns it from here on, whatever comes of the call.
    table.user = bound.release();
    return detail::made<Handle>(catena_model_new, &table);
  }

 private:
  template <class F>
  std::vector<std::string> listed(std::size_t count, F name) const {
    std::vector<std::string> all;
    all.reserve(count);
    for (std::size_t i = 0; i < count; ++i) all.emplace_back(name(handle_.get(), i));
    return all;
  }

  void one(const std::vector<double> &position) const {
    if (position.size() != dimension()) refuse("position", std::to_string(dimension()) + " numbers", position.size());
  }

  std::size_t count(const std::vector<double> &positions) const {
    const std::size_t each = dimension();
    if (each == 0 || positions.size() % each != 0)
      refuse("positions", each == 0 ? "a model with coordinates" : "a multiple of " + std::to_string(each) + " numbers",
             positions.size());
    return positions.size() / each;
  }

  [[noreturn]] static void refuse(const char *argument, const std::string &expected, std::size_t got) {
    throw Error(CATENA_INVALID_ARGUMENT, "argument '" + std::string(argument) + "': expected " + expected + ", got " +
                std::to_string(got), argument);
  }

  std::vector<double> evaluate(std::size_t count, const std::vector<double> &positions, double *gradients) const {
    // A model may evaluate another one: the trouble of the outer call comes back afterwards.
    struct Scope {
      detail::Trouble trouble, *outer;
      Scope() : outer(std::exchange(detail::trouble_of_thread(), &trouble)) {}
      ~Scope() { detail::trouble_of_thread() = outer; }
      Scope(const Scope &) = delete;
      Scope &operator=(const Scope &) = delete;
    } scope;
    std::vector<double> values(count);
    catena_error *error = nullptr;
    const catena_status status = catena_model_log_density(handle_.get(), count, positions.data(), values.data(), gradients,
                                                          nullptr, &error);
    const detail::ErrorHandle owned(error);
    scope.trouble.rethrow();
    if (status != CATENA_OK) throw Error(error);
    return values;
  }

  std::shared_ptr<const void> object_;
  catena_density table_;
  std::vector<std::string> names_, output_names_;
  Handle handle_;
};

}  // namespace catena

#endif
