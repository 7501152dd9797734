// Sequential learning from data. Include <catena.hpp>.
//
// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef CATENA_UPDATER_HPP
#define CATENA_UPDATER_HPP

#include <catena/learn.hpp>

namespace catena {

// Sequential learning: a likelihood, and independent sets of weighted models, of which every estimate has an error. Sets go by
// their ids; matrices are vectors of numbers, column by column: a model, outcome or experiment is a row. One thread at a time
// uses an updater. A call that fails throws the first exception of the likelihood, else an Error that names set, outcome, model
// and experiment, and leaves the updater as it was.
class Updater {
 public:
  // Sets of models drawn from `prior`.
  Updater(Likelihood likelihood, const Prior &prior, const UpdaterOptions &options = UpdaterOptions(), UpdaterIo io = {})
      : state_(std::make_unique<State>(std::move(likelihood), std::move(io))) {
    state_->open([&](const catena_likelihood &table, catena_updater **out, catena_error **error) {
      return catena_updater_new(&table, prior.handle(), &options.table(), state_->logging.table(), &state_->interrupt, out, error);
    });
  }

  // The updater that save() gave, over the same likelihood; it goes on with the same bits. Of the options num_threads or the pool
  // count.
  static Updater load(Likelihood likelihood, const Checkpoint &saved, const UpdaterOptions &options = UpdaterOptions(),
                      UpdaterIo io = {}) {
    Updater updater(std::make_unique<State>(std::move(likelihood), std::move(io)));
    State &state = *updater.state_;
    state.open([&](const catena_likelihood &table, catena_updater **out, catena_error **error) {
      return catena_updater_load(&table, saved.handle(), &options.table(), state.logging.table(), &state.interrupt, out, error);
    });
    return updater;
  }
  // The whole state as bytes, but for a resampler of one's own.
  Checkpoint save() const {
    catena_checkpoint *saved = nullptr;
    detail::check(catena_updater_save, handle(), &saved);
    return Checkpoint::own(saved);
  }

  // Takes in one datum.
  void update(const std::vector<double> &outcome, const std::vector<double> &experiment) {
    detail::sized("outcome", outcome, width());
    detail::sized("experiment", experiment, fields());
    call(catena_updater_update, outcome.data(), experiment.data());
  }
  // Takes in many data, a row of both matrices each. Sets are looked at for resampling after every so many; on failure the Error
  // names the datum, and those before it are taken in.
  void batch_update(const std::vector<double> &outcomes, const std::vector<double> &experiments,
                    std::size_t resample_interval = 5) {
    const std::size_t n = detail::rows_of("outcomes", outcomes, width());
    detail::sized("experiments", experiments, n * fields());
    call(catena_updater_batch_update, n, outcomes.data(), experiments.data(), resample_interval);
  }
  // What a set's weights would be after each of these outcomes in each of these experiments; the set stays as it is.
  Hypothetical hypothetical_update(std::uint64_t set, const std::vector<double> &outcomes,
                                   const std::vector<double> &experiments) {
    const std::size_t n_o = detail::rows_of("outcomes", outcomes, width()),
                      n_e = detail::rows_of("experiments", experiments, fields());
    Hypothetical all{std::vector<double>(n_o * n_e * set_size(set)), std::vector<double>(n_o * n_e)};
    call(catena_updater_hypothetical_update, set, n_o, outcomes.data(), n_e, experiments.data(), all.weights.data(),
         all.weights.size(), all.log_normalizations.data());
    return all;
  }
  // Resamples every set now, to so many models each; 0: as many as it has.
  void resample(std::size_t models = 0) { call(catena_updater_resample, models); }
  // Has sets resampled by `function(set, ConstMatrix models, Position weights, std::size_t wanted)` from here on, which returns
  // WeightedModels whose weights are kept as they are; an empty function: as the options say.
  void resample_by(std::function<WeightedModels(std::uint64_t, ConstMatrix, Position, std::size_t)> function) {
    state_->resampler = std::move(function);
    call(catena_updater_resample_by, state_->resampler ? State::resample : nullptr, static_cast<void *>(&*state_));
  }
  // Begins anew from the prior, without data. The models are others than before.
  void reset() { call(catena_updater_reset); }
  // Puts models and their weights in the place of a set's. What was learnt so far is kept in the total likelihood.
  void set_models(std::uint64_t set, const WeightedModels &all) {
    detail::sized("models", all.models, all.weights.size() * parameters());
    call(catena_updater_set_models, set, all.weights.size(), all.models.data(), all.weights.data());
  }
  void set_log_weights(std::uint64_t set, const std::vector<double> &log_weights) {
    call(catena_updater_set_log_weights, set, log_weights.data(), log_weights.size());
  }

  // Likelihoods (logarithms where the class says so) of any models, at (e * outcomes + o) * models + m.
  std::vector<double> likelihood(const std::vector<double> &outcomes, const std::vector<double> &models,
                                 const std::vector<double> &experiments) {
    const std::size_t n_o = detail::rows_of("outcomes", outcomes, width()), n_m = detail::rows_of("models", models, parameters()),
                      n_e = detail::rows_of("experiments", experiments, fields());
    std::vector<double> out(n_o * n_m * n_e);
    call(catena_updater_likelihood, n_o, outcomes.data(), n_m, models.data(), n_e, experiments.data(), out.data(), out.size());
    return out;
  }
  // An outcome of each of these models in each experiment, its number k at (e * width + k) * models + m. Each call draws anew.
  std::vector<double> simulate(const std::vector<double> &models, const std::vector<double> &experiments) {
    const std::size_t n_m = detail::rows_of("models", models, parameters()),
                      n_e = detail::rows_of("experiments", experiments, fields());
    std::vector<double> out(n_m * n_e * width());
    call(catena_updater_simulate, n_m, models.data(), n_e, experiments.data(), out.data(), out.size());
    return out;
  }

  std::size_t num_sets() const noexcept { return catena_updater_num_sets(handle()); }
  std::vector<std::uint64_t> set_ids() const {
    std::vector<std::uint64_t> ids(num_sets());
    for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = catena_updater_set_id(handle(), i);
    return ids;
  }
  // Models of a set.
  std::size_t set_size(std::uint64_t set) const noexcept { return catena_updater_set_size(handle(), set); }
  std::vector<double> models(std::uint64_t set) const { return numbers(catena_updater_models, set, set_size(set) * parameters()); }
  // Normalised.
  std::vector<double> weights(std::uint64_t set) const { return numbers(catena_updater_weights, set, set_size(set)); }
  std::vector<double> log_weights(std::uint64_t set) const { return numbers(catena_updater_log_weights, set, set_size(set)); }
  double ess(std::uint64_t set) const noexcept { return catena_updater_ess(handle(), set); }
  // The smallest effective sample size so far, before resampling.
  double least_ess(std::uint64_t set) const noexcept { return catena_updater_least_ess(handle(), set); }
  std::uint64_t resamples(std::uint64_t set) const noexcept { return catena_updater_resamples(handle(), set); }
  // Data that a set left out, or after which it was begun anew, since no model explained them.
  std::uint64_t lost(std::uint64_t set) const noexcept { return catena_updater_lost(handle(), set); }
  // Models that found no valid place in all tries of a resampling and stayed where they came from.
  std::uint64_t stuck(std::uint64_t set) const noexcept { return catena_updater_stuck(handle(), set); }
  // Kullback-Leibler divergences of the set's resamplings, in nats, where the options ask for them.
  std::vector<double> divergences(std::uint64_t set) const {
    return numbers(catena_updater_divergences, set, static_cast<std::size_t>(resamples(set)));
  }

  // Data taken in, and what they were.
  std::size_t num_records() const noexcept { return catena_updater_num_records(handle()); }
  Datum record(std::size_t index) const {
    Datum datum{std::vector<double>(width()), std::vector<double>(fields())};
    ask(catena_updater_record, index, datum.outcome.data(), datum.experiment.data());
    return datum;
  }
  // Logs of each datum's predictive probability (density), given those before.
  std::vector<double> log_normalizations(std::uint64_t set) const {
    return numbers(catena_updater_log_normalizations, set, num_records());
  }
  // A set's estimate of the log probability (density) of all data; of all sets together, with its standard error.
  double log_likelihood(std::uint64_t set) const noexcept { return catena_updater_log_likelihood(handle(), set); }
  Evidence log_likelihood() const noexcept {
    Evidence both{};
    both.log_estimate = catena_updater_pooled_log_likelihood(handle(), &both.standard_error);
    return both;
  }

  // The mean of each parameter over all sets; the covariance, d x d.
  std::vector<Estimate> means() const {
    std::vector<double> means(parameters()), errors(parameters());
    ask(catena_updater_means, means.data(), errors.data(), means.size());
    std::vector<Estimate> all;
    for (std::size_t j = 0; j < means.size(); ++j) all.push_back({means[j], errors[j]});
    return all;
  }
  std::vector<double> covariance() const {
    std::vector<double> out(parameters() * parameters());
    ask(catena_updater_covariance, out.data(), out.size());
    return out;
  }
  // Those of one set.
  std::vector<double> set_mean(std::uint64_t set) const { return numbers(catena_updater_set_mean, set, parameters()); }
  std::vector<double> set_covariance(std::uint64_t set) const {
    return numbers(catena_updater_set_covariance, set, parameters() * parameters());
  }
  // The mean of `function(Position model)`, a number, over all sets.
  template <class F>
  Estimate mean_of(F &&function) const {
    std::vector<double> of_sets, model(parameters());
    for (const std::uint64_t set : set_ids()) {
      const std::vector<double> all = models(set), weight = weights(set);
      double sum = 0;
      for (std::size_t i = 0; i < weight.size(); ++i) {
        for (std::size_t j = 0; j < model.size(); ++j) model[j] = all[j * weight.size() + i];
        sum += weight[i] * static_cast<double>(function(Position(model.data(), model.size())));
      }
      of_sets.push_back(sum);
    }
    return detail::pooled(of_sets);
  }
  // The entropy of a set's weights in nats.
  double entropy(std::uint64_t set) const noexcept { return catena_updater_entropy(handle(), set); }
  // The density of a parameter in a set: heights between neighbours of `edges`; at `points`, by normal kernels of this width (0:
  // Silverman's).
  std::vector<double> histogram(std::uint64_t set, const std::string &parameter, const std::vector<double> &edges) const {
    std::vector<double> heights(edges.empty() ? 0 : edges.size() - 1);
    ask(catena_updater_histogram, set, place(parameter), edges.data(), heights.size(), heights.data());
    return heights;
  }
  std::vector<double> density(std::uint64_t set, const std::string &parameter, const std::vector<double> &points,
                              double bandwidth = 0) const {
    std::vector<double> out(points.size());
    ask(catena_updater_density, set, place(parameter), bandwidth, points.data(), points.size(), out.data());
    return out;
  }
  // Which of a set's models are those of highest density that together have the weight `level`: 1, or 0.
  std::vector<std::uint8_t> densest(std::uint64_t set, double level) const {
    std::vector<std::uint8_t> inside(set_size(set));
    ask(catena_updater_densest, set, level, inside.data(), inside.size());
    return inside;
  }
  // The corners of their convex hull, a row each: of two parameters counter-clockwise, of one its ends; of more there are none.
  std::vector<double> hull(std::uint64_t set, double level) const {
    std::size_t corners = 0;
    ask(catena_updater_hull, set, level, static_cast<double *>(nullptr), std::size_t{0}, &corners);
    std::vector<double> by_row(corners * parameters()), out(by_row.size());
    ask(catena_updater_hull, set, level, by_row.data(), corners, &corners);
    for (std::size_t i = 0; i < by_row.size(); ++i) out[i % parameters() * corners + i / parameters()] = by_row[i];
    return out;
  }
  // Which points lie in that hull: 1, or 0.
  std::vector<std::uint8_t> hull_contains(std::uint64_t set, double level, const std::vector<double> &points) const {
    const std::size_t n = detail::rows_of("points", points, parameters());
    std::vector<std::uint8_t> inside(n);
    ask(catena_updater_hull_contains, set, level, n, points.data(), inside.data());
    return inside;
  }
  // The ellipsoid of least volume around them, within a factor of 1 + tolerance of its radius squared.
  Ellipsoid ellipsoid(std::uint64_t set, double level, double tolerance = 1e-4) const {
    Ellipsoid found{std::vector<double>(parameters()), std::vector<double>(parameters() * parameters())};
    ask(catena_updater_ellipsoid, set, level, tolerance, found.centre.data(), found.shape.data());
    return found;
  }
  // Fisher's information of an outcome of each experiment, d x d numbers each, its mean over a set's models. Wants `score`.
  std::vector<double> fisher_information(std::uint64_t set, const std::vector<double> &experiments) {
    const std::size_t n = detail::rows_of("experiments", experiments, fields());
    std::vector<double> out(n * parameters() * parameters());
    call(catena_updater_fisher_information, set, n, experiments.data(), out.data(), out.size());
    return out;
  }

  // What each experiment is expected to teach, the mean over the sets, in one parallel pass. Risks sum `scales[j]` times the
  // variance of parameter j; without scales all are 1. `samples` outcomes are simulated where they cannot be listed; 0: 100.
  Worth worth(const std::vector<double> &experiments, const std::vector<double> &scales = {}, std::size_t samples = 0) {
    const std::size_t n = detail::rows_of("experiments", experiments, fields());
    if (!scales.empty()) detail::sized("scales", scales, parameters());
    Worth found{std::vector<double>(n), std::vector<double>(n)};
    call(catena_updater_worth, n, experiments.data(), scales.empty() ? nullptr : scales.data(), samples, found.gains.data(),
         found.risks.data());
    return found;
  }
  // The next experiment of a design; `k` counts experiments from 0.
  std::vector<double> design(const Design &how, std::uint32_t k = 0) {
    std::vector<double> experiment(fields());
    how.with_table(of(), [&](const catena_design &table) { call(catena_updater_design, &table, k, experiment.data()); });
    return experiment;
  }
  // The best experiment near this one, by the simplex method of Nelder and Mead.
  Optimum optimize(std::vector<double> experiment, const Search &search) {
    detail::sized("experiment", experiment, fields());
    std::vector<std::size_t> places;
    for (const std::string &name : search.fields) places.push_back(detail::field("fields", name, of()));
    detail::sized("scales", search.scales, places.size());
    for (const auto *bound : {&search.low, &search.high})
      if (!bound->empty()) detail::sized(bound == &search.low ? "low" : "high", *bound, places.size());
    const auto given = [](const std::vector<double> &bound) { return bound.empty() ? nullptr : bound.data(); };
    Optimum found{std::move(experiment), 0};
    call(catena_updater_optimize, static_cast<std::int32_t>(search.criterion), places.size(), places.data(), search.scales.data(),
         given(search.low), given(search.high), search.samples, search.max_evaluations, found.experiment.data(), &found.value);
    return found;
  }
  // Chooses an experiment, has it measured and takes its outcome in, `steps` times. `measure(std::uint32_t k, Position experiment)`
  // returns the outcome, a number or a vector of numbers, or std::optional of either, where none ends the loop; it may look at
  // the updater, and simulate. How many data were taken in; when something throws, those before it stay.
  template <class M>
  std::uint32_t learn(const Design &how, std::uint32_t steps, M &&measure) {
    for (std::uint32_t k = 0; k < steps; ++k) {
      const std::vector<double> experiment = design(how, k);
      const std::optional<std::vector<double>> outcome =
          detail::measured(measure(k, Position(experiment.data(), experiment.size())));
      if (!outcome) return k;
      update(*outcome, experiment);
    }
    return steps;
  }

  const catena_updater *handle() const { return state_->updater.get(); }

 private:
  using Own = detail::Handle<catena_updater, catena_updater_free>;

  // The library points into it: it stays where it is.
  struct State {
    State(Likelihood given, UpdaterIo lent)
        : likelihood(std::move(given)), io(std::move(lent)), bound(likelihood.bind(trouble)), logging(io.logger, trouble) {
      interrupt.struct_size = sizeof interrupt;
      interrupt.user = this;
      interrupt.requested = requested;
    }
    State(const State &) = delete;
    State &operator=(const State &) = delete;

    // Calls `function(&error)`; throws the first exception of the host's functions, else what the library reports.
    template <class F>
    void call(F &&function) {
      trouble.reset();
      catena_error *error = nullptr;
      const catena_status status = function(&error);
      const detail::ErrorHandle owned(error);
      trouble.rethrow();
      if (error) throw Error(error);
      if (status != CATENA_OK) throw Error(status, "status " + std::to_string(static_cast<int>(status)));
    }
    template <class F>
    void open(F &&make) {
      likelihood.with_table(bound, [&](const catena_likelihood &given) {
        catena_likelihood table = given;
        table.communicator = io.communicator;
        call([&](catena_error **error) {
          catena_updater *made = nullptr;
          const catena_status status = make(table, &made, error);
          updater.reset(made);
          return status;
        });
      });
    }

    static int requested(void *user) noexcept {
      State &state = *static_cast<State *>(user);
      bool wanted = state.trouble.any();
      const int code = detail::guarded(state.trouble, nullptr, [&] {
        wanted = wanted || (state.io.interrupt && state.io.interrupt());
      });
      return code != detail::done || wanted;
    }
    static int resample(void *user, std::uint64_t set, std::size_t n, std::size_t dimension, const double *models,
                        const double *weights, std::size_t wanted, catena_models *out) noexcept {
      State &state = *static_cast<State *>(user);
      return detail::guarded(state.trouble, nullptr, [&] {
        const WeightedModels all = state.resampler(set, ConstMatrix(models, n, dimension), Position(weights, n), wanted);
        detail::sized("models", all.models, all.weights.size() * dimension);
        if (catena_models_put(out, all.weights.size(), all.models.data(), all.weights.data()) != 0) throw detail::Reported();
      });
    }

    Likelihood likelihood;
    UpdaterIo io;
    detail::Trouble trouble;
    detail::BoundLikelihood bound;
    detail::Logging logging;
    catena_interrupt interrupt{};
    std::function<WeightedModels(std::uint64_t, ConstMatrix, Position, std::size_t)> resampler;
    // Goes before what it uses.
    Own updater;
  };

  explicit Updater(std::unique_ptr<State> state) : state_(std::move(state)) {}

  template <class F, class... A>
  void call(F function, A... arguments) {
    state_->call([&](catena_error **error) { return function(state_->updater.get(), arguments..., error); });
  }
  // What calls nobody and changes nothing.
  template <class F, class... A>
  void ask(F function, A... arguments) const {
    detail::check(function, handle(), arguments...);
  }
  template <class F>
  std::vector<double> numbers(F function, std::uint64_t set, std::size_t size) const {
    std::vector<double> out(size);
    ask(function, set, out.data(), out.size());
    return out;
  }
  const Likelihood &of() const { return state_->likelihood; }
  std::size_t width() const noexcept { return of().outcome_width(); }
  std::size_t fields() const noexcept { return of().fields().size(); }
  std::size_t parameters() const noexcept { return of().parameters().size(); }
  std::size_t place(const std::string &name) const { return detail::parameter("parameter", name, of()); }

  detail::Inner<State> state_;
};

}  // namespace catena

#endif
