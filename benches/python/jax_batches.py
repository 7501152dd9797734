"""Eight schools in JAX, 64 chains: Catena's batches beside NumPyro's vmapped NUTS, and nutpie where it takes JAX.

Time per effective draw (the smallest bulk ESS of the coordinates, by Catena's diagnostics for both), once everything is compiled and
with compiling. Usage: python benches/python/jax_batches.py
"""

from __future__ import annotations

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
    fit = catena.sample(model, CHAINS, seed=seed, num_warmup=WARMUP, num_samples=DRAWS, progress=False, **options)
    return time.perf_counter() - begin, least_ess(fit.draws)


def of_numpyro(seed, mcmc):
    start = np.random.default_rng(seed).uniform(-2, 2, (CHAINS, 10))
    begin = time.perf_counter()
    mcmc.run(jax.random.PRNGKey(seed), init_params=start)
    draws = np.asarray(mcmc.get_samples(group_by_chain=True))
    return time.perf_counter() - begin, least_ess(draws.astype(float))


def main():
    jax.config.update("jax_enable_x64", True)
    from numpyro.infer import MCMC, NUTS

    model = catena.JaxModel(jax_schools, 10)
    mcmc = MCMC(NUTS(potential_fn=lambda x: -jax_schools(x)), num_warmup=WARMUP, num_samples=DRAWS, num_chains=CHAINS,
                chain_method="vectorized", progress_bar=False)
    first = of_catena(1, model), of_numpyro(1, mcmc)
    ours, theirs = [], []
    for seed in range(2, 2 + ROUNDS):
        ours.append(of_catena(seed, model))
        theirs.append(of_numpyro(seed, mcmc))
    for name, a, b in (("with compiling", first[:1], first[1:]), ("compiled", ours, theirs)):
        one, other = (np.median([seconds / ess for seconds, ess in runs]) for runs in (a, b))
        print(f"{name}: Catena {one * 1e6:.3g} µs per effective draw, NumPyro {other * 1e6:.3g}: {other / one:.1f} times as long")


if __name__ == "__main__":
    main()
