"""Posteriors of the benchmarks, as compiled functions of numba and for JAX."""

from __future__ import annotations

import math

import numba
import numpy as np

import catena

Y = np.array([28.0, 8, -3, 7, -1, 1, 18, 12])
SIGMA = np.array([15.0, 10, 16, 11, 9, 11, 10, 18])


@numba.njit(inline="always")
def _schools(x, g):
    """Eight schools, not centred, over log tau."""
    mu, tau = x[8], math.exp(x[9])
    u = tau / 5
    value = -mu * mu / 50 - math.log1p(u * u) + x[9]
    g[8] = -mu / 25
    g[9] = 1 - 2 * u * u / (1 + u * u)
    for j in range(8):
        r = (Y[j] - mu - tau * x[j]) / SIGMA[j]
        d = r / SIGMA[j]
        value -= 0.5 * (x[j] * x[j] + r * r)
        g[j] = tau * d - x[j]
        g[8] += d
        g[9] += tau * x[j] * d
    return value


@numba.njit(inline="always")
def _normals(x, g):
    """A hundred normals whose standard deviations go from 0.1 to 10."""
    value = 0.0
    for i in range(100):
        precision = 10.0 ** (2 - 4 * i / 99)
        g[i] = -precision * x[i]
        value -= 0.5 * precision * x[i] * x[i]
    return value


POSTERIORS = {"eight schools": (_schools, 10), "100 normals": (_normals, 100)}


def for_catena(density, n):
    """The model for Catena."""

    @numba.cfunc(catena.log_density_signature())
    def evaluate(user, worker, task, position, log_density, gradient):
        log_density[0] = density(numba.carray(position, n), numba.carray(gradient, n))
        return 0 if math.isfinite(log_density[0]) else 1

    return catena.CModel(evaluate, n)


def for_nutpie(density, n):
    """The same compiled function for nutpie, as its own models of PyMC hand it over: by its address."""
    import dataclasses

    from nutpie import _lib
    from nutpie.sample import CompiledModel

    types = numba.types
    numbers = types.CPointer(types.float64)

    @numba.cfunc(types.int64(types.uint64, numbers, numbers, numbers, types.voidptr))
    def evaluate(dimension, x, g, value, user):
        found = density(numba.carray(x, n), numba.carray(g, n))
        numba.carray(value, 1)[0] = found
        return 0 if math.isfinite(found) else 4

    @numba.cfunc(types.int64(types.uint64, types.uint64, numbers, numbers, types.voidptr))
    def expand(dimension, expanded, x, out, user):
        a, b = numba.carray(x, n), numba.carray(out, n)
        for i in range(n):
            b[i] = a[i]
        return 0

    @dataclasses.dataclass(frozen=True)
    class Compiled(CompiledModel):
        @property
        def n_dim(self):
            return n

        @property
        def shapes(self):
            return {"x": (n,)}

        @property
        def coords(self):
            return {}

        def _make_sampler(self, settings, init_mean, cores, progress_type, store):
            variables = _lib.PyVariable.new_variables(["x"], ["float64"], [(n,)], {"x_dim_0": n}, {"x": ["x_dim_0"]})
            # Where Catena's chains start, too.
            start = lambda seed: np.random.default_rng(seed).uniform(-2, 2, n)  # noqa: E731
            model = _lib.PyMcModel(
                _lib.LogpFunc(evaluate.address, 0, evaluate),
                _lib.ExpandFunc(n, n, expand.address, 0, expand),
                variables,
                n,
                {"x_dim_0": n},
                {},
                start,
                None,
            )
            return _lib.PySampler.from_pymc(settings, cores, model, progress_type, store)

    return Compiled(dims={})


def jax_schools(x):
    """Eight schools in JAX."""
    import jax.numpy as jnp

    eta, mu, log_tau = x[:8], x[8], x[9]
    tau = jnp.exp(log_tau)
    z = (Y - mu - tau * eta) / SIGMA
    return -0.5 * (eta @ eta + z @ z) - mu**2 / 50 - jnp.log1p((tau / 5) ** 2) + log_tau
