"""What a call of each kind of model costs beyond the function's own time.

From the time of a run the function's own time, measured beside it, and what the sampler itself takes are taken off; the latter is
measured on the same posterior as a compiled function, on one thread. Usage: python benches/python/calls.py
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import tempfile
import time

import numba
import numpy as np

import catena

N = 10
ROUNDS = 5
SOURCE = """
#include <catena.h>
int evaluate(void *user, void *worker, catena_task *task, const double *x, double *log_density, double *gradient) {
  double value = 0;
  (void)user, (void)worker, (void)task;
  for (int i = 0; i < 10; i++) value -= 0.5 * x[i] * x[i], gradient[i] = -x[i];
  *log_density = value;
  return 0;
}
"""


def function(x):
    return -0.5 * float(x @ x), -x


def vectorized(x):
    return -0.5 * (x * x).sum(axis=1), -x


@numba.cfunc(catena.log_density_signature())
def of_numba(user, worker, task, position, log_density, gradient):
    x, g = numba.carray(position, N), numba.carray(gradient, N)
    value = 0.0
    for i in range(N):
        value -= 0.5 * x[i] * x[i]
        g[i] = -x[i]
    log_density[0] = value
    return 0


def of_c():
    folder = tempfile.mkdtemp()
    with open(f"{folder}/model.c", "w") as file:
        file.write(SOURCE)
    subprocess.run(
        ["cc", "-O3", "-shared", "-fPIC", f"-I{catena.include_dir()}", "-o", f"{folder}/model.so", f"{folder}/model.c"],
        check=True,
    )
    return ctypes.CDLL(f"{folder}/model.so").evaluate


def per_gradient(model, chains=4, draws=2000, **options):
    """Seconds of a run per gradient, and gradients."""
    begin = time.perf_counter()
    fit = catena.sample(model, chains, seed=1, num_samples=draws, preset="stan", progress=False, **options)
    seconds = time.perf_counter() - begin
    gradients = sum(chain.warmup_gradients + chain.sampling_gradients for chain in fit.chains)
    return seconds / gradients, gradients


def own(f, x, calls=20_000):
    begin = time.perf_counter()
    for _ in range(calls):
        f(x)
    return (time.perf_counter() - begin) / calls


def counted(f):
    """The function with a count of its calls and the time that it took itself."""
    state = {"calls": 0, "own": 0.0}

    def call(x):
        begin = time.perf_counter()
        result = f(x)
        state["own"] += time.perf_counter() - begin
        state["calls"] += 1
        return result

    return call, state


def main():
    compiled = of_c()
    rows = {name: [] for name in ("function", "vectorized", "jax", "numba / C")}
    try:
        import jax.numpy as jnp
    except ImportError:
        jnp = None
    for _ in range(ROUNDS):
        sampler, _ = per_gradient(catena.CModel(compiled, N), num_threads=1)
        beside = own(function, np.ones(N))
        total, _ = per_gradient(catena.FunctionModel(function, N))
        beside = (beside + own(function, np.ones(N))) / 2
        rows["function"].append((total - beside - sampler) * 1e6)

        call, state = counted(vectorized)
        begin = time.perf_counter()
        fit = catena.sample(catena.VectorizedModel(call, N), 16, seed=1, num_samples=500, preset="stan", progress=False)
        seconds = time.perf_counter() - begin
        gradients = sum(chain.warmup_gradients + chain.sampling_gradients for chain in fit.chains)
        rows["vectorized"].append((seconds - state["own"] - gradients * sampler) / state["calls"] * 1e6)

        if jnp is not None:
            model = catena.JaxModel(lambda x: -0.5 * jnp.sum(x * x), N)
            catena.log_density(model, np.zeros((4, N)), gradient=True)
            total, gradients = per_gradient(model, 4, 500)
            total, gradients = per_gradient(model, 4, 500)
            rows["jax"].append((total - sampler) * 4 * 1e6)

        of_that = [per_gradient(catena.CModel(one, N), 16, 20_000)[0] for one in (of_numba, compiled, compiled, of_numba)]
        rows["numba / C"].append((of_that[0] + of_that[3]) / (of_that[1] + of_that[2]))
    for name, unit in (
        ("function", "µs a call"),
        ("vectorized", "µs a call"),
        ("jax", "µs a call of 4 chains, JAX's own time in it"),
        ("numba / C", "time of a run"),
    ):
        if rows[name]:
            print(
                f"{name}: {np.median(rows[name]):.3g} {unit} (median of {ROUNDS}, {min(rows[name]):.3g} to {max(rows[name]):.3g})"
            )
    print(f"on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
