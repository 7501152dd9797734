"""Pages about draws."""

from __future__ import annotations

import numpy as np
import pytest

import catena


def test_a_fit_has_a_page(model, tmp_path, monkeypatch):
    fit = catena.sample(model, seed=1, chains=2, num_samples=300)
    path = tmp_path / "page.html"
    fit.report(path, title="Two normals & more")
    page = path.read_text(encoding="utf-8")
    for part in ("<title>Two normals &amp; more</title>", "2 chains of 300 draws each", 'id="warmup"', 'id="times"'):
        assert part in page
    assert f'"step_sizes":[{fit.chains[0].stepsize!r}' in page
    catena.report(fit, tmp_path / "same.html", title="Two normals & more")
    assert (tmp_path / "same.html").read_text(encoding="utf-8") == page
    monkeypatch.chdir(tmp_path)
    catena.report(fit)
    assert "<title>Draws</title>" in (tmp_path / "report.html").read_text(encoding="utf-8")
    with pytest.raises(TypeError, match="'names': expected the names of the columns"):
        catena.report(fit.draws, "page.html")


def test_draws_from_anywhere_have_one(tmp_path):
    draws = np.random.default_rng(1).normal(size=(3, 100, 2))
    catena.report(draws, ["x", "y"], tmp_path / "page.html")
    assert "3 chains of 100 draws each" in (tmp_path / "page.html").read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="'step_sizes'"):
        catena.report(draws, ["x", "y"], tmp_path / "page.html", step_sizes=[1.0])
    with pytest.raises(ValueError, match="expected 2 names"):
        catena.report(draws, ["x"], tmp_path / "page.html")
    with pytest.raises(catena.CatenaError, match="cannot write"):
        catena.report(draws, ["x", "y"], tmp_path / "nowhere" / "page.html")


def _page(path):
    return path.read_text(encoding="utf-8")


def test_particles_have_a_page(tmp_path):
    def parts(x):
        return -0.5 * (x**2).sum(axis=1) / 9, -0.5 * ((x - 1) ** 2).sum(axis=1), -x / 9, 1 - x

    def density(x):
        prior, likelihood, one, other = parts(x)
        return prior + likelihood, one + other

    model = catena.VectorizedModel(
        density, 2, names=["a", "b"], log_density_parts=parts, sample_prior=lambda rng: rng.normal(0, 3, 2)
    )
    found = catena.sample_smc(model, num_sets=3, num_particles=200, seed=1)
    stages = found.sets[0].stages
    assert all(0 < stage.ancestors < 200 for stage in stages if not np.isnan(stage.ancestors))
    found.report(tmp_path / "page.html", title="Three sets")
    page = _page(tmp_path / "page.html")
    for part in (
        "<title>Three sets</title>",
        "3 sets",
        "600 particles, 2 variables",
        'id="ancestors"',
        'id="evidence"',
        'id="pairs"',
    ):
        assert part in page, part


def test_learning_has_a_page(tmp_path):
    def throw(outcomes, models, experiments):
        p = models[:, :1, None]
        return np.where(outcomes[None, :, None] == 1, p, 1 - p)

    coin = catena.Likelihood(throw, parameters=["p"])
    updater = catena.Updater(coin, catena.Prior.uniform([0], [1]), num_sets=3, num_models=500, seed=1)
    course = catena.Course().note(updater)
    for outcome in (1, 1, 0, 1, 1, 1):
        updater.update(outcome)
        course.note(updater)
    course.report(tmp_path / "page.html", truth={"p": 0.8})
    page = _page(tmp_path / "page.html")
    for part in ("3 sets, 6 data, 1500 models, 1 variable", '"truth":0.8', 'id="followed"'):
        assert part in page, part
    with pytest.raises(ValueError, match="'truth'"):
        course.report(tmp_path / "page.html", truth={"q": 1})
    with pytest.raises(TypeError, match="'what'"):
        course.note(3)
    with pytest.raises(catena.CatenaError, match="steps or particles"):
        catena.Course().report(tmp_path / "page.html")


def test_populations_and_filters_have_a_page(tmp_path):
    population = catena.Population(lambda rng: rng.normal(), num_sets=4, num_particles=50, seed=1, genealogy=True)
    course = catena.Course()
    for y in (0.3, 0.6, 0.2):
        population.apply(lambda rng, x, y: (x + rng.normal(), -0.5 * (y - x) ** 2), y)
        population.resample(ess_below=0.5)
        course.note(population, lambda x: {"x": x})
    course.report(tmp_path / "page.html")
    page = _page(tmp_path / "page.html")
    for part in ("4 sets, 3 steps, 200 particles, 1 variable", 'id="ancestors"', 'id="evidence"', '"names":["x"]'):
        assert part in page, part
    found = catena.particle_filter(
        lambda rng, n: rng.normal(size=n),
        lambda rng, previous, t: rng.normal(previous),
        lambda x, t: -0.5 * x**2,
        num_times=5,
        num_sets=2,
        num_particles=100,
        seed=1,
    )
    found.report(tmp_path / "page.html")
    assert "2 sets, 5 times" in _page(tmp_path / "page.html")
