"""nutpie on the five posteriors of this benchmark, as functions that numba compiles.

Prints for every seed and posterior a line: way, posterior, gradients with and without warm-up, nanoseconds; then the draws
follow as raw doubles in the file named by the second argument, so that one estimator of effective sample size judges all.
Usage: python peer.py DIRECTORY_OF_DATA FILE SEEDS
"""

import json
import math
import sys
import time
import warnings
from pathlib import Path

warnings.filterwarnings("ignore")
import numba
import numpy as np
import nutpie
from nutpie.compiled_pyfunc import from_pyfunc

data = lambda name: json.loads((Path(sys.argv[1]) / f"{name}.json").read_text())


def linear(rows, y, kind):
    """Coefficients and log sigma; kind 0: half-Cauchy, 1: with normal(0, 10) on the coefficients, 2: all normal(0, 10)."""
    rows, y = np.ascontiguousarray(rows, float), np.asarray(y, float)
    terms = rows.shape[1]

    @numba.njit
    def density(x):
        g = np.zeros(terms + 1)
        sigma = math.exp(x[terms])
        precision = 1 / (sigma * sigma)
        squares = 0.0
        for i in range(len(y)):
            r = y[i]
            for k in range(terms):
                r -= rows[i, k] * x[k]
            squares += r * r
            for k in range(terms):
                g[k] += precision * r * rows[i, k]
        n = len(y) - 1.0
        g[terms] = precision * squares - n
        value = -0.5 * precision * squares - n * x[terms]
        if kind > 0:
            for k in range(terms):
                g[k] -= x[k] / 100
                value -= 0.5 * x[k] * x[k] / 100
        if kind == 2:
            g[terms] -= sigma * sigma / 100
            value -= 0.5 * sigma * sigma / 100
        else:
            u = (sigma / 2.5) ** 2
            g[terms] -= 2 * u / (1 + u)
            value -= math.log1p(u)
        return value, g

    return density, terms + 1


def ar_k():
    y = np.array(data("ar_k")["y"])
    return linear([[1.0, *(y[t - k] for k in range(1, 6))] for t in range(5, len(y))], y[5:], 1)


def schools():
    d = data("eight_schools")
    y, sd = np.array(d["y"], float), np.array(d["sigma"], float)
    n = len(y)

    @numba.njit
    def density(x):
        g = np.zeros(n + 2)
        mu, tau = x[n], math.exp(x[n + 1])
        u = (tau / 5) ** 2
        value = -0.5 * mu * mu / 25 - math.log1p(u) + x[n + 1]
        g[n], g[n + 1] = -mu / 25, 1 - 2 * u / (1 + u)
        for j in range(n):
            r = (y[j] - mu - tau * x[j]) / sd[j]
            value -= 0.5 * (x[j] * x[j] + r * r)
            g[j] = r * tau / sd[j] - x[j]
            g[n] += r / sd[j]
            g[n + 1] += r * tau * x[j] / sd[j]
        return value, g

    return density, n + 2


def garch():
    d = data("garch11")
    y, first = np.array(d["y"], float), float(d["sigma1"])

    @numba.njit
    def log_inv_logit(u):
        return min(u, 0.0) - math.log1p(math.exp(-abs(u)))

    @numba.njit
    def density(x):
        mu, a0 = x[0], math.exp(x[1])
        a1, rest = math.exp(log_inv_logit(x[2])), math.exp(log_inv_logit(-x[2]))
        share, unshare = math.exp(log_inv_logit(x[3])), math.exp(log_inv_logit(-x[3]))
        b1 = rest * share
        v, value = first * first, 0.0
        s, d = np.zeros(4), np.zeros(4)
        for t in range(len(y)):
            r = y[t] - mu
            q = r * r
            value -= 0.5 * (math.log(v) + q / v)
            slope = 0.5 * (q / v - 1) / v
            for k in range(4):
                d[k] += slope * s[k]
                s[k] *= b1
            d[0] += r / v
            s[0] -= 2 * a1 * r
            s[1] += 1
            s[2] += q
            s[3] += v
            v = a0 + a1 * q + b1 * v
        g = np.empty(4)
        g[0], g[1] = d[0], d[1] * a0 + 1
        g[2] = (d[2] - d[3] * share) * a1 * rest + rest - 2 * a1
        g[3] = d[3] * rest * share * unshare + unshare - share
        value += x[1] + log_inv_logit(x[2]) + 2 * log_inv_logit(-x[2]) + log_inv_logit(x[3]) + log_inv_logit(-x[3])
        return value, g

    return density, 4


def kidscore():
    d = data("kidscore")
    return linear(np.column_stack([np.ones(len(d["mom_iq"])), d["mom_hs"], d["mom_iq"]]), d["kid_score"], 0)


def regression():
    d = data("linear_regression")
    return linear(d["X"], d["y"], 2)


WAYS = {"nutpie, diagonal": {}, "nutpie, low rank": {"low_rank_modified_mass_matrix": True}}
MODELS = {"arK": ar_k, "eight_schools": schools, "garch": garch, "kidscore": kidscore, "sblri": regression}

with open(sys.argv[2], "wb") as file:
    for name, make in MODELS.items():
        density, n = make()
        density(np.zeros(n))
        model = from_pyfunc(
            n,
            lambda: density,
            lambda *_: lambda x: {"x": x},
            [np.dtype("float64")],
            [(n,)],
            ["x"],
            make_initial_point_fn=lambda seed: np.random.default_rng(seed).uniform(-2, 2, n),
        )
        for way, options in WAYS.items():
            for seed in range(1, int(sys.argv[3]) + 1):
                begin = time.perf_counter_ns()
                trace = nutpie.sample(model, draws=1000, chains=4, cores=1, seed=seed, progress_bar=False, **options)
                spent = time.perf_counter_ns() - begin
                steps = [int(g["n_steps"].values.sum()) for g in (trace.warmup_sample_stats, trace.sample_stats)]
                np.ascontiguousarray(trace.posterior["x"].values, float).tofile(file)
                print(way, name, n, sum(steps), steps[1], spent, sep=";")
