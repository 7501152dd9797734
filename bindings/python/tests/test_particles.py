"""Particle filters, sequential Monte Carlo, and outputs of draws made before."""

from __future__ import annotations

import numpy as np
import pytest

import catena
from conftest import normals

FLOW = np.array([1120, 1160, 963, 1210, 1160, 1160, 813, 1230, 1370, 1140.0])
NOISE, DRIFT = 15099.0, 1469.1


def gauss(x, mean, variance):
    return -0.5 * ((x - mean) ** 2 / variance + np.log(2 * np.pi * variance))


def kalman():
    mean, variance, evidence = 1120.0, 200.0**2, 0.0
    for y in FLOW:
        evidence += gauss(y, mean, variance + NOISE)
        mean += variance / (variance + NOISE) * (y - mean)
        variance = variance * NOISE / (variance + NOISE) + DRIFT
    return mean, evidence


def first(rng, n):
    return rng.normal(1120, 200, n)


def level(rng, previous, t):
    return previous + np.sqrt(DRIFT) * rng.normal(size=len(previous))


def observed(x, t):
    return gauss(FLOW[t], x, NOISE)


def nile(**options):
    options = {"num_times": 10, "num_sets": 8, "seed": 1} | options
    return catena.particle_filter(first, level, observed, **options)


def test_a_filter_agrees_with_kalman():
    found = nile(transition_log_density=lambda x, t, previous: gauss(x, previous, DRIFT), num_trajectories=50)
    mean, evidence = kalman()
    assert abs(found.log_evidence - evidence) < 5 * found.standard_error < 0.5
    assert abs(found.means[:, -1].mean() - mean) < 10 and found.means.shape == found.ess.shape == (8, 10)
    assert found.trajectories.shape == (8, 50, 10) and np.isfinite(found.trajectories).all()
    states, weights, ancestors = found.particles(1)
    assert states.shape == weights.shape == ancestors.shape == (1000,)
    assert found.lineage(1).shape == (10,) and found.survivors(1)[-1] == 1000
    assert nile(num_sets=2).log_evidences[1, -1] == found.log_evidences[1, -1]
    assert "log evidence" in repr(found)
    with pytest.raises(ValueError, match="'set': expected one of"):
        found.particles(9)


def test_guided_and_auxiliary_filters_and_conditional_sweeps():
    def propose(rng, previous, t, n):
        return first(rng, n) if previous is None else level(rng, previous, t)

    guided = nile(kind="guided", propose=propose, proposal_log_weight=lambda x, t, previous: observed(x, t))
    auxiliary = nile(kind="auxiliary", auxiliary_log_weight=lambda previous, t: observed(previous, t))
    _, evidence = kalman()
    for found in (guided, auxiliary):
        assert abs(found.log_evidence - evidence) < 5 * found.standard_error < 0.5
    retained = np.full(10, 1000.0)
    swept = nile(num_sets=1, retained=retained, num_particles=50)
    assert swept.particles(1, 0)[0][0] == 1000.0
    with pytest.raises(ValueError, match=r"'retained': expected an array of shape \(10,\), got \(9,\)"):
        nile(retained=retained[1:])


def test_states_of_several_numbers():
    found = catena.particle_filter(
        lambda rng, n: rng.normal(size=(n, 2)),
        lambda rng, x, t: 0.5 * x + rng.normal(size=x.shape),
        lambda x, t: -0.5 * (x**2).sum(axis=1),
        num_times=3,
        dimension=2,
        num_particles=100,
        seed=1,
        history=True,
    )
    assert found.means.shape == (1, 3, 2) and found.particles(1, 1)[0].shape == (100, 2) and found.lineage(1).shape == (3, 2)


def test_what_a_filter_function_does_wrong():
    with pytest.raises(catena.CatenaError, match=r"expected an array of shape \(1000,\), got one of shape \(999,\)") as caught:
        catena.particle_filter(lambda rng, n: np.zeros(n - 1), level, observed, num_times=10, seed=1)
    assert isinstance(caught.value.__cause__, ValueError) and caught.value.set == 1
    with pytest.raises(catena.CatenaError, match="ZeroDivisionError") as caught:
        catena.particle_filter(first, level, lambda x, t: 1 / 0, num_times=10, seed=1)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    with pytest.raises(ValueError, match="'num_particles': expected a whole number"):
        nile(num_particles=-1)
    with pytest.raises(catena.ArgumentError):
        nile(num_particles=0)
    with pytest.warns(catena.CatenaWarning, match="set 1"):
        lost = catena.particle_filter(
            first, level, lambda x, t: np.full(len(x), -np.inf if t == 4 else 0.0), num_times=10, seed=1
        )
    assert lost.log_evidence == -np.inf and lost.times == [5] and np.isnan(lost.ess[0, 5:]).all()


Y = np.array([1.8, 2.3, 1.9, 2.6])


def parts(x):
    away = Y - np.abs(x[:, :1])
    return gauss(x[:, 0], 0, 9), gauss(away, 0, 1).sum(axis=1), -x / 9, (away.sum(axis=1) * np.sign(x[:, 0]))[:, None]


def density(x):
    prior, likelihood, a, b = parts(x)
    return prior + likelihood, a + b


def two_peaks(vectorized=True):
    if vectorized:
        return catena.VectorizedModel(
            density, 1, names=["x"], log_density_parts=parts, sample_prior=lambda rng: rng.normal(0, 3, 1)
        )

    def one(f):
        return lambda x: tuple(part[0] for part in f(x[None]))

    return catena.FunctionModel(
        one(density), 1, names=["x"], log_density_parts=one(parts), sample_prior=lambda rng: rng.normal(0, 3, 1)
    )


def test_sequential_monte_carlo_finds_both_peaks():
    draws = catena.sample_smc(two_peaks(), num_sets=8, num_particles=500, seed=1)
    grid = np.arange(-20, 20, 0.001)[:, None]
    exact = np.log(0.001 * np.exp(density(grid)[0]).sum())
    assert abs(draws.log_evidence - exact) < 5 * draws.standard_error < 0.3
    assert draws["x"].shape == draws.weights.shape == (8, 500) and draws.weights.sum() == pytest.approx(1)
    assert abs((draws.weights * (draws["x"] > 0)).sum() - 0.5) < 0.15
    mean, error = draws.means()["x"]
    assert abs(mean) < 5 * error < 0.5 and draws.sets[0].outcome == "finished" and draws.sets[0].stages[-1].way == 1.0
    same = catena.sample_smc(two_peaks(False), num_sets=1, num_particles=50, seed=1)
    assert same.values.shape == (1, 50, 5)


def test_sequential_monte_carlo_takes_data_one_by_one():
    def one(x, k):
        away = Y - abs(x[0])
        slope = away * np.sign(x[0])
        prior, terms = gauss(x[0], 0, 9), gauss(away, 0, 1)
        return prior + terms[:k].sum(), terms[k], [-x[0] / 9 + slope[:k].sum()], [slope[k]]

    model = catena.FunctionModel(
        lambda x: tuple(part[0] for part in density(x[None])),
        1,
        log_density_data=one,
        data_count=len(Y),
        sample_prior=lambda rng: rng.normal(0, 3, 1),
    )
    draws = catena.sample_smc(model, num_sets=4, num_particles=200, seed=1, path="data")
    grid = np.arange(-20, 20, 0.001)[:, None]
    exact = np.log(0.001 * np.exp(density(grid)[0]).sum())
    assert abs(draws.log_evidence - exact) < 5 * draws.standard_error < 0.5
    # A datum may take several stages.
    ways = [stage.way for stage in draws.sets[0].stages]
    assert {1, 2, 3, 4} <= set(ways) and ways[-1] == 4


def test_sequential_monte_carlo_from_a_normal():
    model = catena.FunctionModel(normals, 2)
    draws = catena.sample_smc(model, num_sets=4, num_particles=200, seed=1, reference={"mean": [0, 0], "sd": [2, 2]})
    assert abs(draws.log_evidence - np.log(4 * np.pi)) < 5 * draws.standard_error < 0.5
    with pytest.raises(ValueError, match="'reference': expected 'mean' with 'sd' or 'cov', got 'mean'"):
        catena.sample_smc(model, reference={"mean": [0, 0]})
    with pytest.raises(ZeroDivisionError):
        catena.sample_smc(catena.FunctionModel(lambda x: 1 / 0, 2), seed=1)
    with pytest.raises(TypeError, match="'delta_' is not an option"):
        catena.sample_smc(model, delta_=0.9)


def test_outputs_of_draws_made_before(model):
    fit = catena.sample(model, 2, seed=1, num_samples=100)
    polar = catena.FunctionModel(
        normals, 2, names=["a", "b"], constrain=lambda x, rng: {"radius": np.hypot(*x), "noise": rng.normal()}
    )
    found = catena.generate_quantities(polar, fit)
    assert np.allclose(found["radius"], np.hypot(fit["a"], fit["b"])) and found["noise"].std() > 0.5
    again = catena.generate_quantities(polar, fit.draws, fit.names, seed=fit.seed)
    assert np.array_equal(found.draws, again.draws)
    with pytest.raises(ValueError, match="'names': expected 2 names, one per column, got 1"):
        catena.generate_quantities(polar, fit.draws, ["a"])
    with pytest.raises(catena.CatenaError, match="determine coordinate .b."):
        catena.generate_quantities(polar, fit.draws, ["a", "c"])
    fails = catena.FunctionModel(normals, 2, names=["a", "b"], outputs=["c"], constrain=lambda x: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        catena.generate_quantities(fails, fit)


def test_log_densities_and_gradients(model):
    positions = np.random.default_rng(0).normal(size=(5, 2))
    values, gradients = catena.log_density(model, positions, gradient=True)
    assert np.array_equal(values, [normals(x)[0] for x in positions])
    assert np.array_equal(gradients, [normals(x)[1] for x in positions])
    value, gradient = catena.log_density(model, positions[0], gradient=True)
    assert value == values[0] and np.array_equal(gradient, gradients[0])
    good = catena.diagnose(model, seed=1)
    wrong = catena.diagnose(catena.FunctionModel(lambda x: (normals(x)[0], 2 * normals(x)[1]), 2), init=[1.0, 1.0])
    assert good.failures == 0 and wrong.failures == 2 and "finite diff" in repr(wrong)
    assert np.allclose(wrong.finite_differences, [-1, -0.25]) and np.array_equal(wrong.values, [1, 1])


def test_diagnostics_are_those_of_the_summary(model):
    fit = catena.sample(model, seed=1, num_samples=200)
    row = fit.summary()["a"]
    for name in ("rhat", "ess_bulk", "ess_tail", "mcse_mean", "mcse_sd"):
        assert getattr(catena, name)(fit["a"]) == pytest.approx(row[name], rel=1e-12)
    chosen = fit.summary(["b"], probabilities=[0.1, 0.9], order="-mean", digits=3)
    assert chosen.names == ["b"] and chosen["b"]["q10"] < chosen["b"]["mean"] < chosen["b"]["q90"]
    assert catena.ebfmi(fit.sampler["energy__"]) > 0.3 and catena.mcse_quantile(fit["a"], 0.5) > 0
