// Sequential Monte Carlo over the parameters of a model. Include <catena.hpp>.
//
// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef CATENA_SMC_HPP
#define CATENA_SMC_HPP

#include <catena/population.hpp>
#include <catena/session.hpp>

#include <cmath>

namespace catena {

// A normal where a path to the posterior begins.
struct Reference {
  std::vector<double> mean;
  // Standard deviations, or the covariance row by row.
  std::vector<double> spread;
};

// A stage of a set: from one place of the path to the next.
struct SmcStage {
  // How far the path has come: the temperature, or the number of data.
  double way;
  // Effective sample size at its end, before particles were resampled.
  double ess;
  // Log evidence of the way up to its end.
  double log_evidence;
  // Mean acceptance of its moves, NaN without moves, and the step size after them in units of the particles' spread.
  double acceptance, stepsize;
  // How many different particles the resampled ones stem from, NaN where none were.
  double ancestors;
};

// What sample_smc() reports of one set.
struct SmcSet {
  std::uint64_t id;
  catena_set_outcome outcome;
  // Why it failed or stalled, if it did.
  std::optional<Error> error;
  // NaN of a set that failed or was stopped.
  double log_evidence;
  // As estimated within the set, from the scatter of families of particles.
  double standard_error;
  // Rows given to its writer: as many as particles, or none.
  std::size_t rows;
  // Points that the model refused, or where no finite value was.
  std::uint64_t refused;
  // What it took on all its threads together.
  double seconds;
  std::vector<SmcStage> stages;
};

// What sample_smc() gives: weighted draws, the evidence, and a report for each set.
class SmcResult {
 public:
  // The evidence of all sets together and its error across them; of a single set, its error as estimated within it. Sets
  // that failed are left out.
  const Evidence &evidence() const noexcept { return evidence_; }
  // A report for each set, in the order of their ids.
  const std::vector<SmcSet> &sets() const noexcept { return sets_; }
  // Whether every set has come to an end of its own: it finished, or lost all its particles.
  bool complete() const noexcept {
    return !sets_.empty() && std::all_of(sets_.begin(), sets_.end(), [](const SmcSet &s) {
      return s.outcome == CATENA_SET_FINISHED || s.outcome == CATENA_SET_LOST;
    });
  }

  // Sets x particles x columns: lp__, log_weight__, set__, ancestor__ (the particle, from 0, that this one stems from at the
  // last resampling), then the outputs. NaN for sets that have no draws. Empty when the run had sample writers.
  const Draws &draws() const noexcept { return draws_; }
  // The draws, moved out.
  Draws take_draws() noexcept { return std::exchange(draws_, Draws()); }

  // The weight of each draw, sets x particles, which sum to 1: each set counts with its evidence. 0 where there is no draw.
  std::vector<double> weights() const {
    std::vector<double> weights = draws_.variable("log_weight__");
    double most = -std::numeric_limits<double>::infinity(), sum = 0;
    for (const double w : weights)
      if (w > most) most = w;
    for (double &w : weights) sum += w = std::isfinite(most) && w <= most ? std::exp(w - most) : 0;
    for (double &w : weights) w = sum > 0 ? w / sum : 0;
    return weights;
  }

  // The weighted mean of a column.
  double mean(const std::string &name) const {
    const std::vector<double> w = weights(), x = draws_.variable(name);
    double sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i)
      if (w[i] > 0) sum += w[i] * x[i];
    return sum;
  }

 private:
  friend SmcResult sample_smc(const Model &, const Options &, Io, const std::optional<Reference> &);

  SmcResult(const catena_smc_result *r, Draws draws)
      : evidence_{catena_smc_result_log_evidence(r), catena_smc_result_standard_error(r)}, draws_(std::move(draws)) {
    for (std::size_t s = 0; s < catena_smc_result_num_sets(r); ++s) sets_.push_back(report(r, s));
  }

  static SmcSet report(const catena_smc_result *r, std::size_t s) {
    SmcSet set{catena_smc_result_set_id(r, s),
               catena_smc_result_set_outcome(r, s),
               std::nullopt,
               catena_smc_result_set_log_evidence(r, s),
               catena_smc_result_set_standard_error(r, s),
               catena_smc_result_set_rows(r, s),
               catena_smc_result_set_refused(r, s),
               catena_smc_result_set_seconds(r, s),
               {}};
    if (const catena_error *error = catena_smc_result_set_error(r, s)) set.error.emplace(error);
    for (std::size_t i = 0; i < catena_smc_result_num_stages(r, s); ++i)
      set.stages.push_back({catena_smc_result_stage_way(r, s, i), catena_smc_result_stage_ess(r, s, i),
                            catena_smc_result_stage_log_evidence(r, s, i), catena_smc_result_stage_acceptance(r, s, i),
                            catena_smc_result_stage_stepsize(r, s, i), catena_smc_result_stage_ancestors(r, s, i)});
    return set;
  }

  Evidence evidence_;
  std::vector<SmcSet> sets_;
  Draws draws_;
};

// Thrown when sets failed or stalled; the others' results are with it.
class SmcError : public Error {
 public:
  SmcError(const catena_error *error, SmcResult result)
      : Error(error), result_(std::make_shared<const SmcResult>(std::move(result))) {}
  const SmcResult &result() const noexcept { return *result_; }

 private:
  std::shared_ptr<const SmcResult> result_;
};

// Takes independent sets of weighted particles to the posterior and returns when all have ended. The way begins at the
// prior where the model has sample_prior with log_density_data (one datum after the other) or log_density_parts (the
// likelihood tempered); else at a normal: `reference`, or one that is fitted to a short run of NUTS. The evidence is then
// the integral of exp(log density).
//
// Of the options those with `smc` among their services count: num_sets, num_particles, path, kernel, num_moves and others.
// `io` may have sample writers, one per set, a logger, which gets a line per stage, and an interrupt. The draws of a set
// depend on the seed, its id, the options and the model alone.
//
// Throws the first exception of a callback; an SmcError, whose set() says which set of one that failed, when a set failed or
// stalled; an Error before any set runs. A run that is interrupted has a result that is not complete().
inline SmcResult sample_smc(const Model &model, const Options &options = Options(), Io io = {},
                            const std::optional<Reference> &reference = std::nullopt) {
  Draws draws;
  if (io.sample_writers.empty()) {
    std::vector<std::string> columns;
    for (std::size_t i = 0; i < catena_smc_column_count(model.handle()); ++i)
      columns.emplace_back(catena_smc_column(model.handle(), i));
    draws = Draws(options.sets(), options.particles(), std::move(columns));
    std::vector<catena_writer *> made(options.sets());
    detail::check(catena_writers_memory_new, draws.values().data(), draws.values().size(), draws.chains(), draws.draws(),
                  draws.columns().size(), static_cast<std::int32_t>(CATENA_LAYOUT_ROWS), made.data());
    for (catena_writer *writer : made) io.sample_writers.push_back(Writer::own(writer));
  }
  catena_reference normal{};
  if (reference) {
    if (reference->mean.size() != model.dimension())
      throw Error(CATENA_INVALID_ARGUMENT, "argument 'reference.mean': expected " + std::to_string(model.dimension()) +
                  " numbers, got " + std::to_string(reference->mean.size()), "reference.mean");
    normal.struct_size = sizeof normal;
    normal.mean = reference->mean.data();
    normal.spread = reference->spread.data();
    normal.spread_size = reference->spread.size();
  }
  detail::Session session(model, options.sets(), 0, {}, 0, std::move(io));
  catena_smc_result *given = nullptr;
  catena_error *error = nullptr;
  const catena_status status = catena_sample_smc(session.bound.get(), options.handle(), reference ? &normal : nullptr,
                                                 &session.table, &given, &error);
  const detail::Handle<catena_smc_result, catena_smc_result_free> result(given);
  const detail::ErrorHandle owned(error);
  session.trouble.rethrow();
  if (!result) throw Error(error);
  SmcResult found(given, std::move(draws));
  if (status != CATENA_OK && status != CATENA_INTERRUPTED) throw SmcError(error, std::move(found));
  return found;
}

}  // namespace catena

#endif
