"""Modes and approximations."""

from __future__ import annotations

import numpy as np
import pytest

import catena


def test_the_mode_of_a_normal(model):
    found = catena.optimize(model, num_starts=5, seed=1)
    assert len(found.modes) == 1 and found.modes[0].found == 5 and len(found.starts) == 5
    assert found.best.converged and abs(found["a"]) < 1e-4 and abs(found["b"]) < 1e-4
    assert found.best.position.shape == (2,) and "log density" in repr(found)


def test_distinct_modes_are_counted():
    def two(x):
        # Modes at -2 and 2, the second one higher.
        one, other = -0.5 * (x[0] + 2) ** 2, -0.5 * (x[0] - 2) ** 2 + 1.0
        top = max(one, other)
        share = np.exp([one - top, other - top])
        total = share.sum()
        return top + np.log(total), np.array([(-(x[0] + 2) * share[0] - (x[0] - 2) * share[1]) / total])

    found = catena.optimize(catena.FunctionModel(two, 1), num_starts=20, seed=3)
    assert len(found.modes) == 2 and sum(mode.found for mode in found.modes) == 20
    assert found.modes[0].start.position[0] > 1.5 and found.modes[1].start.position[0] < -1.5


def test_laplace_is_exact_on_a_normal(model):
    found = catena.laplace(model, seed=2, laplace_draws=4000)
    assert found.values.shape[:2] == (1, 4000) and found.names == ["a", "b"]
    ratio = found["log_p__"] - found["log_q__"]
    assert np.ptp(ratio) < 1e-6 and found.fits[0].error is None
    assert abs(found["b"].std() - 2) < 0.1
    again = catena.laplace(model, mode=catena.optimize(model, seed=1), seed=2, laplace_draws=10)
    assert again.values.shape[1] == 10


def test_pathfinder_and_its_starts(model):
    found = catena.pathfinder(model, seed=4)
    assert found.values.shape[:2] == (1, 1000) and found.positions.shape == (1000, 2) and len(found.fits) == 4
    assert abs(found["a"].std() - 1) < 0.15 and abs(found["b"].std() - 2) < 0.3 and found.khat < 0.7
    fit = catena.sample(model, chains=2, init=list(found.positions[:2]), seed=1, num_samples=200)
    assert fit.draws.shape == (2, 200, 2)


def test_variational(model):
    found = catena.variational(model, seed=5, output_draws=2000)
    assert found.values.shape[:2] == (1, 2000) and found.means.shape == (1, 2)
    assert abs(found["a"].std() - 1) < 0.3 and abs(found["b"].std() - 2) < 0.6


def test_failures_are_raised(model):
    with pytest.raises(TypeError, match="is not an option of optimize"):
        catena.optimize(model, delta=0.9)

    def broken(x):
        raise RuntimeError("no density today")

    for service in (catena.optimize, catena.laplace, catena.pathfinder, catena.variational):
        with pytest.raises(RuntimeError, match="no density today"):
            service(catena.FunctionModel(broken, 2), seed=1)
