// Options of a run, and pools of threads. Include <catena.hpp>.
//
// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef CATENA_OPTIONS_HPP
#define CATENA_OPTIONS_HPP

#include <catena/error.hpp>

#include <string>
#include <type_traits>

namespace catena {

// Threads that several runs share. Options and runs keep them alive.
class Pool {
 public:
  // 0: the cores available to the process, cgroup limits included.
  explicit Pool(std::size_t threads = 0) : handle_(detail::made<Own>(catena_pool_new, threads)) {}
  // Number of threads.
  std::size_t threads() const noexcept { return catena_pool_threads(handle_.get()); }
  const catena_pool *handle() const noexcept { return handle_.get(); }

 private:
  using Own = detail::Handle<catena_pool, catena_pool_free>;
  Own handle_;
};

// Options of a run; set("preset", "stan") has the defaults of Stan. Each setter checks its value at once, throws an Error that names it when
// it is bad, and returns the options: catena::Options().num_chains(8).seed(1). A run copies what it needs.
class Options {
 public:
  Options() : handle_(detail::made<Own>(catena_options_new)) { check_gradient(true); }

  // Sets any option of the library by its name (catena_options_at lists them): a number, a bool, one of the constants, or a
  // text such as "12", "true" or "dense_e". The error for a name that there is no option of suggests the near one.
  template <class V>
  Options &set(const std::string &name, const V &value) {
    if constexpr (std::is_enum_v<V>) {
      return set(name, static_cast<std::underlying_type_t<V>>(value));
    } else if constexpr (std::is_integral_v<V>) {
      if constexpr (std::is_signed_v<V>) {
        // The library has the words for numbers below 0.
        if (value < 0) return call(catena_options_set_number, name.c_str(), static_cast<double>(value));
      }
      return call(catena_options_set_integer, name.c_str(), static_cast<std::uint64_t>(value));
    } else if constexpr (std::is_floating_point_v<V>) {
      return call(catena_options_set_number, name.c_str(), static_cast<double>(value));
    } else {
      return call(catena_options_set, name.c_str(), std::string(value).c_str());
    }
  }
  // The value of an option as set() takes it as a text.
  std::string get(const std::string &name) const {
    char text[text_size];
    detail::check(catena_options_get, handle_.get(), name.c_str(), static_cast<char *>(text), sizeof text);
    return text;
  }

  // Number of chains, at least 1. Default 4.
  Options &num_chains(std::size_t value) { return call(catena_options_set_num_chains, value); }
  // Id of the first chain, at least 1; chain i of the run has id init_chain_id + i. Default 1.
  Options &init_chain_id(std::uint64_t value) { return call(catena_options_set_init_chain_id, value); }
  // Seed of all random streams. Default 0.
  Options &seed(std::uint64_t value) { return call(catena_options_set_seed, value); }
  // Warm-up iterations. Default 200; 1000 with Stan's metrics.
  Options &num_warmup(std::size_t value) { return call(catena_options_set_num_warmup, value); }
  // Iterations after warm-up. Default 1000.
  Options &num_samples(std::size_t value) { return call(catena_options_set_num_samples, value); }
  // Keep every `value`-th iteration; at least 1. Default 1.
  Options &thin(std::size_t value) { return call(catena_options_set_thin, value); }
  // Write the warm-up iterations too. Default false.
  Options &save_warmup(bool value) { return call(catena_options_set_save_warmup, static_cast<int>(value)); }
  // Log progress every so many iterations of a chain; 0 never. Default 100.
  Options &refresh(std::size_t value) { return call(catena_options_set_refresh, value); }
  // Initial values not given are uniform on (-radius, radius) on the unconstrained scale. Default 2.
  Options &init_radius(double value) { return call(catena_options_set_init_radius, value); }
  // Compare the gradient with finite differences where each chain begins, and fail the chain where it is wrong: twice as many
  // evaluations of the log density as there are coordinates, at most 128. True unless it is set,
  // for here gradients are functions of the program.
  Options &check_gradient(bool value) { return set("check_gradient", value); }
  // The shape of the inverse metric. Default CATENA_METRIC_AUTO.
  Options &metric(catena_metric value) { return call(catena_options_set_metric, static_cast<std::int32_t>(value)); }
  // Step size before adaptation; finite, above 0. Default 1.
  Options &stepsize(double value) { return call(catena_options_set_stepsize, value); }
  // Each transition's step size is uniform within this fraction of the nominal one; in [0, 1]. Default 0.
  Options &stepsize_jitter(double value) { return call(catena_options_set_stepsize_jitter, value); }
  // Most doublings of a trajectory, 1 to 20. Default 10.
  Options &max_depth(std::uint32_t value) { return call(catena_options_set_max_depth, value); }
  // Energy error above which a trajectory counts as divergent; finite, above 0. Default 1000.
  Options &max_energy_error(double value) { return call(catena_options_set_max_energy_error, value); }
  // Adapt step size and metric during warm-up; false keeps those given. Default true.
  Options &adapt(bool value) { return call(catena_options_set_adapt, static_cast<int>(value)); }
  // Target acceptance statistic of the step-size adaptation, strictly between 0 and 1. Default 0.7; 0.8 with
  // Stan's metrics.
  Options &delta(double value) { return call(catena_options_set_delta, value); }
  // Regularisation scale of the step-size adaptation; finite, above 0. Default 0.05.
  Options &gamma(double value) { return call(catena_options_set_gamma, value); }
  // Relaxation exponent of the step-size adaptation; finite, above 0. Default 0.75.
  Options &kappa(double value) { return call(catena_options_set_kappa, value); }
  // Iteration offset of the step-size adaptation; finite, above 0. Default 10.
  Options &t0(double value) { return call(catena_options_set_t0, value); }
  // Warm-up iterations before the first metric window. Default 75.
  Options &init_buffer(std::size_t value) { return call(catena_options_set_init_buffer, value); }
  // Warm-up iterations of step-size adaptation after the last metric window. Default 50.
  Options &term_buffer(std::size_t value) { return call(catena_options_set_term_buffer, value); }
  // Length of the first metric window; later ones double. 0: the metric is not adapted. Default 25.
  Options &window(std::size_t value) { return call(catena_options_set_window, value); }
  // Threads of the run's pool; 0: the cores available to the process. Default 0.
  Options &num_threads(std::size_t value) { return call(catena_options_set_num_threads, value); }
  // What one chain's failure does to the others. Default CATENA_ON_FAILURE_STOP_CHAIN: the others go on.
  Options &on_failure(catena_on_failure value) {
    return call(catena_options_set_on_failure, static_cast<std::int32_t>(value));
  }
  // Stop each chain, resumably, after so many gradient evaluations in one call; 0: no limit. Default 0.
  Options &max_evaluations(std::uint64_t value) { return call(catena_options_set_max_evaluations, value); }
  // Run on a pool that other runs may share. Default: a pool of its own for each run.
  Options &pool(const Pool &pool) { return call(catena_options_set_pool, pool.handle()); }
  // Evaluate up to so many chains in one call of the model's log_density_batch; 0: each by itself. Default 0.
  Options &batch_size(std::size_t value) { return call(catena_options_set_batch_size, value); }
  // What moves the chains. Default CATENA_ENGINE_NUTS.
  Options &engine(catena_engine value) noexcept {
    engine_ = value;
    return *this;
  }
  // Length of a trajectory of static HMC in time; finite, above 0. Default 2 pi.
  Options &int_time(double value) { return call(catena_options_set_int_time, value); }
  // Longest time in seconds that an evaluation waits for others to join its batch. Default 0.001.
  Options &batch_wait(double value) { return call(catena_options_set_batch_wait, value); }
  // Id of the first set of a population, at least 1; the others follow. Default 1.
  Options &init_set_id(std::uint64_t value) { return set("init_set_id", value); }
  // What becomes of a trace in which an operation fails: "keep" leaves the population as it was, "lose" drops the trace.
  // Default keep.
  Options &on_trace_failure(const std::string &value) { return set("on_trace_failure", value); }
  // A population keeps who descends from whom. Default false.
  Options &genealogy(bool value) { return set("genealogy", value); }
  // Sets of particles of sample_smc, at least 1. Default 4.
  Options &num_sets(std::size_t value) { return set("num_sets", value); }
  // Particles of each set. Default 1000.
  Options &num_particles(std::size_t value) { return set("num_particles", value); }
  // Which way sample_smc takes to the posterior: "auto", "prior", "data" or "reference". Default auto.
  Options &path(const std::string &value) { return set("path", value); }
  // How its particles move: "hmc", "nuts", "random_walk" or "independent". Default hmc.
  Options &kernel(const std::string &value) { return set("kernel", value); }
  // How often each particle moves after it was resampled. Default 5.
  Options &num_moves(std::size_t value) { return set("num_moves", value); }

  // Number of chains.
  std::size_t chains() const noexcept { return static_cast<std::size_t>(whole("num_chains")); }
  // Most doublings of a trajectory.
  std::uint32_t depth() const noexcept { return static_cast<std::uint32_t>(whole("max_depth")); }
  // What moves the chains.
  catena_engine engine() const noexcept { return engine_; }
  // Number of sets of particles, and of particles of each.
  std::size_t sets() const noexcept { return static_cast<std::size_t>(whole("num_sets")); }
  std::size_t particles() const noexcept { return static_cast<std::size_t>(whole("num_particles")); }
  // Number of draws each chain writes when a run ends undisturbed.
  std::size_t rows() const noexcept { return catena_options_rows(handle_.get()); }
  const catena_options *handle() const noexcept { return handle_.get(); }

 private:
  using Own = detail::Handle<catena_options, catena_options_free>;
  // Longer than the value of any option.
  static constexpr std::size_t text_size = 256;

  template <class F, class... A>
  Options &call(F setter, A... arguments) {
    detail::check(setter, handle_.get(), arguments...);
    return *this;
  }
  std::uint64_t whole(const char *name) const noexcept {
    std::uint64_t value = 0;
    static_cast<void>(catena_options_get_integer(handle_.get(), name, &value, nullptr));
    return value;
  }

  Own handle_;
  catena_engine engine_ = CATENA_ENGINE_NUTS;
};

}  // namespace catena

#endif
