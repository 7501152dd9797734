"""Reads the files that `cargo test --all-features --test cli` leaves in target/tmp/csv_files with cmdstanpy and ArviZ.

python csv_files.py FOLDER
"""

import csv
import sys
import warnings
from collections import defaultdict
from pathlib import Path

warnings.simplefilter("ignore", FutureWarning)

import arviz
import cmdstanpy
import numpy as np

TOLERANCE = 1e-12  # both sides add up the same numbers, in another order
RUNS = {"nuts": 4, "warmup": 2, "stan": 2, "low_rank": 2, "dense": 2, "unit": 2, "static": 2, "fixed": 2}
DIMENSION = 10

folder = Path(sys.argv[1])


def files(name):
    paths = [str(folder / f"{name}_{i}.csv") for i in range(1, RUNS[name] + 1)]
    assert all(Path(p).exists() for p in paths), f"expected {paths}"
    return paths


# Means by run, column and chain, from Catena's own reader.
means = defaultdict(dict)
draws = {}
with open(folder / "means.csv") as table:
    for run, chain, count, column, mean in csv.reader(table):
        means[run, column][int(chain)] = float(mean)
        draws[run] = int(count)


def close(found, expected, what):
    expected = np.asarray(expected)
    assert found.shape == expected.shape, f"{what}: shape {found.shape} instead of {expected.shape}"
    assert np.allclose(found, expected, rtol=TOLERANCE, atol=TOLERANCE), f"{what}: {found} instead of {expected}"


def by_chain(run, column):
    return [means[run, column][chain] for chain in range(1, RUNS[run] + 1)]


for run, chains in RUNS.items():
    fit = cmdstanpy.from_csv(files(run))
    assert (fit.chains, fit.num_draws_sampling) == (chains, draws[run]), run
    array = fit.draws()  # draw, chain, column
    assert array.shape[:2] == (draws[run], chains), run
    for i, name in enumerate(fit.column_names):
        # cmdstanpy writes m[1,2] for m.1.2.
        column = name.replace("[", ".").replace(",", ".").replace("]", "")
        close(array[:, :, i].mean(axis=0), by_chain(run, column), f"cmdstanpy, {run}, {column}")
    matrix = fit.stan_variable("m")
    assert matrix.shape == (draws[run] * chains, 2, 3), run
    close(matrix[:, 1, 2].reshape(chains, -1).mean(axis=1), by_chain(run, "m.2.3"), f"cmdstanpy, {run}, m")

    for how, data in [
        ("from_cmdstan", arviz.from_cmdstan(files(run))),
        # Without save_warmup ArviZ 0.23 puts the warm-up among the sampler's statistics.
        ("from_cmdstanpy", arviz.from_cmdstanpy(fit, save_warmup=run == "warmup")),
    ]:
        what = f"ArviZ {how}, {run}"
        posterior = data.posterior
        assert posterior.sizes["chain"] == chains and posterior.sizes["draw"] == draws[run], what
        close(posterior["mu"].values[:, :, 1].mean(axis=1), by_chain(run, "mu.2"), what)
        close(posterior["m"].values[:, :, 1, 2].mean(axis=1), by_chain(run, "m.2.3"), what)
        close(posterior["noise"].values.mean(axis=1), by_chain(run, "noise"), what)
        if run not in ("static", "fixed"):
            stats = data.sample_stats
            close(stats["n_steps"].values.mean(axis=1), by_chain(run, "n_leapfrog__"), what)
            close(stats["energy"].values.mean(axis=1), by_chain(run, "energy__"), what)
            close(stats["diverging"].values.mean(axis=1), by_chain(run, "divergent__"), what)

nuts = cmdstanpy.from_csv(files("nuts"))
assert nuts.metric_type == "auto" and nuts.inv_metric.shape == (4, DIMENSION, DIMENSION)
stan = cmdstanpy.from_csv(files("stan"))
assert stan.metric_type == "diag_e" and stan.inv_metric.shape == (2, DIMENSION)
low_rank = cmdstanpy.from_csv(files("low_rank"))
assert low_rank.metric_type == "low_rank" and low_rank.inv_metric.shape == (2, DIMENSION)
assert np.all(stan.inv_metric > 0)
# The step size stands in the comments with all digits, in its column with six.
assert np.allclose(nuts.step_size, by_chain("nuts", "stepsize__"), rtol=1e-5)
dense = cmdstanpy.from_csv(files("dense"))
assert dense.metric_type == "dense_e" and dense.inv_metric.shape == (2, DIMENSION, DIMENSION)
assert np.array_equal(dense.inv_metric, dense.inv_metric.transpose(0, 2, 1))
warmup = cmdstanpy.from_csv(files("warmup"))
assert warmup.draws(inc_warmup=True).shape[:2] == (100, 2) and warmup.num_draws_warmup == 50

generated = [str(folder / f"gq_{i}.csv") for i in range(1, 5)]
noise = arviz.from_cmdstan(files("nuts"), posterior_predictive=generated)
assert noise.posterior_predictive["noise"].shape == (4, 100)
print(f"cmdstanpy {cmdstanpy.__version__} and ArviZ {arviz.__version__} read the files of {len(RUNS)} runs")
