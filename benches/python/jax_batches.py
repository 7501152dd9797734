"""Eight schools in JAX, 64 chains: Catena's batches beside NumPyro's vmapped NUTS, and beside nutpie over the same function.

Time per effective draw (the smallest bulk ESS of the coordinates, by Catena's diagnostics for both), once everything is
compiled and with compiling. JAX computes on the thread that calls, as docs/python.md recommends; the argument "async" leaves
it as it is by itself. Usage: python benches/python/jax_batches.py [async]
"""

from __future__ import annotations

import sys
import time

import jax
import numpy as np

import catena
from posteriors import jax_schools

CHAINS, WARMUP, DRAWS, ROUNDS = 64, 1000, 1000, 3


def least_ess(draws):
    return min(catena.ess_bulk(draws[:, :, j]) for j in range(draws.shape[2]))


def of_catena(seed, model, **options):
    begin = time.perf_counter()
    fit = catena.sample(model, CHAINS, seed=seed, num_samples=DRAWS, progress=False, **options)
    return time.perf_counter() - begin, least_ess(fit.draws)


def of_numpyro(seed, mcmc):
    start = np.random.default_rng(seed).uniform(-2, 2, (CHAINS, 10))
    begin = time.perf_counter()
    mcmc.run(jax.random.PRNGKey(seed), init_params=start)
    draws = np.asarray(mcmc.get_samples(group_by_chain=True))
    return time.perf_counter() - begin, least_ess(draws.astype(float))


def nutpie_model():
    """The function for nutpie, which calls it once for each gradient of each chain."""
    from nutpie.compiled_pyfunc import from_pyfunc

    compiled = jax.jit(jax.value_and_grad(jax_schools))

    def log_density():
        def evaluate(x):
            value, gradient = compiled(x)
            return float(value), np.asarray(gradient)

        return evaluate

    def outputs(*_):
        return lambda x: {"x": np.asarray(x)}

    return from_pyfunc(10, log_density, outputs, [np.dtype("float64")], [(10,)], ["x"])


def of_nutpie(seed, model):
    import nutpie

    begin = time.perf_counter()
    trace = nutpie.sample(model, chains=CHAINS, draws=DRAWS, seed=seed, progress_bar=False)
    draws = np.ascontiguousarray(trace.posterior["x"])
    return time.perf_counter() - begin, least_ess(draws)


def main():
    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_cpu_enable_async_dispatch", "async" in sys.argv)
    from numpyro.infer import MCMC, NUTS

    model = catena.JaxModel(jax_schools, 10)
    mcmc = MCMC(
        NUTS(potential_fn=lambda x: -jax_schools(x)),
        num_warmup=WARMUP,
        num_samples=DRAWS,
        num_chains=CHAINS,
        chain_method="vectorized",
        progress_bar=False,
    )
    runs = {
        "Catena": lambda seed: of_catena(seed, model),
        "Catena, preset=stan": lambda seed: of_catena(seed, model, preset="stan"),
        "Catena, warmup=together": lambda seed: of_catena(seed, model, warmup="together"),
        "Catena, metric=fisher_diag": lambda seed: of_catena(seed, model, metric="fisher_diag"),
        "NumPyro": lambda seed: of_numpyro(seed, mcmc),
    }
    first = {name: [run(1)] for name, run in runs.items() if "," not in name}
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
    for seed in range(2, 2 + ROUNDS):
        for name, run in runs.items():
            found[name].append(run(seed))
    for words, all_runs in (("with compiling", first), ("compiled", found)):
        costs = {name: np.median([seconds / ess for seconds, ess in those]) for name, those in all_runs.items()}
        for name, cost in costs.items():
            ratio = costs["NumPyro"] / cost
            print(f"{words}, {name}: {cost * 1e6:.3g} µs per effective draw, {ratio:.1f} times as quick as NumPyro")
    seconds, ess = of_nutpie(2, nutpie_model())
    ratio = seconds / ess / costs["Catena"]
    print(f"compiled, nutpie, one run: {seconds / ess * 1e6:.3g} µs per effective draw; Catena is {ratio:.0f} times as quick")


if __name__ == "__main__":
    main()
