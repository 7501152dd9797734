#!/usr/bin/env python3
"""Many chains over a vectorised model: Catena's gathered evaluations against NumPyro's vmapped NUTS, on the CPU.

Wants jax and numpyro (PyPI), cargo and cc. Usage: benches/batch/run.py [CHAINS...], 64, 512 and 4096 by default. Prints, per
posterior and number of chains:

* the share of evaluations that are useful. Vmapped chains go in lock-step: each transition lasts as long as that of the
  slowest chain, and the others' evaluations are thrown away; counted as leapfrog steps used over chains times the longest
  trajectory, which flatters lock-step, since each doubling of the tree waits by itself. Catena: points over places in the
  batches, for a batch function of fixed size, where places that stay empty are computed too.
* seconds, useful gradients per second and effective draws per second of the first coordinate, and Catena's ratio to
  NumPyro's. Compilation is not counted. Catena without batches ("single") calls the model point by point.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

os.environ.setdefault("XLA_FLAGS", "--xla_force_host_platform_device_count=1")
import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.diagnostics
import numpyro.infer

MAX_BATCH = 256
# Lock-step makes many chains slow: beyond MANY they have fewer iterations.
MANY, ITERATIONS, FEWER = 512, (300, 200), (100, 50)
HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
Y = jnp.array([28.0, 8, -3, 7, -1, 1, 18, 12])
SIGMA = jnp.array([15.0, 10, 16, 11, 9, 11, 10, 18])


def funnel(x):
    v = x[0]
    return v * v / 18 + 0.5 * 9 * v + 0.5 * jnp.exp(-v) * jnp.sum(x[1:] ** 2)


def eight_schools(x):
    eta, mu, tau = x[:8], x[8], jnp.exp(x[9])
    r = (Y - mu - tau * eta) / SIGMA
    return 0.5 * (eta @ eta + r @ r) + mu * mu / 50 + jnp.log1p((tau / 5) ** 2) - x[9]


POTENTIALS = {"funnel": funnel, "eight_schools": eight_schools}


def iterations(chains):
    """Warm-up and sampling."""
    return ITERATIONS if chains <= MANY else FEWER


def build():
    subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=ROOT, check=True)
    program = ROOT / "target/release/bench-batch"
    sources = [str(HERE / "main.c"), str(HERE / "models.c")]
    library = [str(ROOT / "target/release/libcatena.a"), "-lm", "-lpthread", "-ldl"]
    cc = os.environ.get("CC", "cc")
    subprocess.run([cc, "-O3", "-march=native", "-I", str(ROOT / "include"), *sources, *library, "-o", program], check=True)
    return program


def ours(program, model, chains, batch):
    arguments = [program, model, *map(str, (chains, *iterations(chains), batch))]
    figures = json.loads(subprocess.run(arguments, check=True, capture_output=True, text=True).stdout)
    useful = figures["rows"] / (figures["calls"] * batch) if batch else 1.0
    return useful, figures["seconds"], figures["gradients"], figures["ess"]


def theirs(model, chains):
    warmup, draws = iterations(chains)
    kernel = numpyro.infer.NUTS(potential_fn=POTENTIALS[model])
    mcmc = numpyro.infer.MCMC(
        kernel, num_warmup=warmup, num_samples=draws, num_chains=chains, chain_method="vectorized", progress_bar=False
    )

    def run(seed):
        key = jax.random.PRNGKey(seed)
        start = jax.random.uniform(key, (chains, 10), minval=-2.0, maxval=2.0)
        began = time.perf_counter()
        mcmc.warmup(key, init_params=start, extra_fields=("num_steps",), collect_warmup=True)
        steps = [np.asarray(mcmc.get_extra_fields(group_by_chain=True)["num_steps"])]
        mcmc.run(key, extra_fields=("num_steps",))
        draws = np.asarray(mcmc.get_samples(group_by_chain=True))
        took = time.perf_counter() - began
        steps.append(np.asarray(mcmc.get_extra_fields(group_by_chain=True)["num_steps"]))
        return np.concatenate(steps, axis=1), draws, took

    run(0)  # Compiles.
    steps, draws, took = run(1)
    useful = steps.sum() / (chains * steps.max(axis=0).sum())
    ess = float(numpyro.diagnostics.effective_sample_size(draws[..., 0]))
    return useful, took, float(steps.sum()), ess


def main():
    jax.config.update("jax_enable_x64", True)
    program = build()
    print(f"{'posterior':14} {'chains':>6} {'run':>8} {'useful':>7} {'seconds':>8} {'gradients/s':>12} {'ess/s':>9} {'ratio':>7}")
    for model in POTENTIALS:
        for chains in [int(a) for a in sys.argv[1:]] or [64, 512, 4096]:
            peer = theirs(model, chains)
            batch = min(chains // 2, MAX_BATCH)
            rows = [("numpyro", peer), ("batch", ours(program, model, chains, batch)), ("single", ours(program, model, chains, 0))]
            for name, (useful, seconds, gradients, ess) in rows:
                ratio = (gradients / seconds) / (peer[2] / peer[1])
                print(
                    f"{model:14} {chains:6} {name:>8} {useful:7.3f} {seconds:8.2f} {gradients / seconds:12.3g}"
                    f" {ess / seconds:9.3g} {ratio:7.2f}",
                    flush=True,
                )


main()
