// Generated quantities of draws made before. Include <catena.hpp>.
//
// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef CATENA_QUANTITIES_HPP
#define CATENA_QUANTITIES_HPP

#include <catena/session.hpp>

namespace catena {
namespace detail {

// `rows` has the number of draws of each chain.
inline Result generated(const Model &model, const Draws &draws, const std::vector<std::size_t> &rows, const Options &options,
                        Io io) {
  const std::size_t longest = rows.empty() ? 0 : *std::max_element(rows.begin(), rows.end());
  Session session(model, options.chains(), longest, model.quantity_columns(), 0, std::move(io));
  std::vector<const double *> values;
  for (std::size_t c = 0; c < draws.chains(); ++c)
    values.push_back(draws.values().data() + c * draws.draws() * draws.columns().size());
  const std::vector<const char *> names = pointers(draws.columns());
  catena_draws given{};
  given.struct_size = sizeof given;
  given.names = names.data();
  given.columns = names.size();
  given.values = values.data();
  given.rows = rows.data();
  given.num_chains = values.size();
  catena_result *result = nullptr;
  catena_error *error = nullptr;
  const catena_status status =
      catena_generate_quantities(session.bound.get(), options.handle(), &given, &session.table, &result, &error);
  session.collect(status, result, error);
  return session.wait();
}

}  // namespace detail

// Computes the outputs anew for draws made before, chain by chain, in parallel, and returns when all is done. The result
// has Model::quantity_columns() of each draw, in its draws() or through the sample writers.
//
// The draws' columns are looked up by name: the model's parameters (its first parameter_outputs() outputs), from which its
// initialize() makes the position as from initial values; or, where these are missing, the model's coordinates, which are
// the position. Other columns are ignored. A draw that the model rejects becomes a row of NaN, and a warning to the logger.
//
// Random numbers depend on the seed and the chain's id alone: the draws of one chain by itself give the same numbers. Of
// the options num_chains (that of the draws), init_chain_id, seed, num_threads or pool, refresh and on_failure count; `io`
// may have sample writers, a logger and an interrupt, and nothing else. Throws as sample() does.
inline Result generate_quantities(const Model &model, const Draws &draws, const Options &options = Options(), Io io = {}) {
  return detail::generated(model, draws, std::vector<std::size_t>(draws.chains(), draws.draws()), options, std::move(io));
}

// For the draws() of a result: as many of each chain as there are.
inline Result generate_quantities(const Model &model, const Result &result, const Options &options = Options(), Io io = {}) {
  std::vector<std::size_t> rows;
  for (std::size_t c = 0; c < result.draws().chains(); ++c) rows.push_back(result.rows(c));
  return detail::generated(model, result.draws(), rows, options, std::move(io));
}

}  // namespace catena

#endif
