"""Pages about draws."""

from __future__ import annotations

import json
import pickle
import re

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


def _told(page, name):
    """A list of lists that the page's script gets."""
    return json.loads(re.search(rf'"{name}":(\[\]|\[.*?\]\])', page)[1])


@pytest.mark.parametrize("metric", ["auto", "diag_e", "dense_e", "low_rank", "unit_e"])
def test_a_fit_shows_the_way_of_its_step_sizes(model, tmp_path, metric):
    path = tmp_path / "page.html"
    fit = catena.sample(model, 2, seed=1, num_warmup=120, num_samples=50, thin=2, save_warmup=True, metric=metric)
    at = fit.columns.index("stepsize__")
    fit.report(path)
    page = _page(path)
    assert "2 chains of 25 draws each" in page
    assert _told(page, "paths") == fit.values[:, :60, at].tolist() == [steps.tolist() for steps in fit.warmup_step_sizes]
    # The diagonal of the matrix, whatever its shape is.
    diagonals = [np.diagonal(chain.inv_metric) if chain.inv_metric.ndim == 2 else chain.inv_metric for chain in fit.chains]
    if metric == "low_rank":
        assert [len(one) for one in _told(page, "metrics")] == [2, 2]
    else:
        assert _told(page, "metrics") == ([] if metric == "unit_e" else [one.tolist() for one in diagonals])
    # What the run was asked for, and what it took where nothing was given.
    assert fit.settings["metric"] == metric and fit.settings["num_samples"] == "50" and fit.settings["max_depth"] == "10"
    for name, value in fit.settings.items():
        assert f"<dt>{name}</dt><dd>{value or '–'}</dd>" in page
    # Copies have it too.
    pickle.loads(pickle.dumps(fit)).report(path)
    assert _page(path) == page
    # Without saved warm-up nobody knows it.
    catena.sample(model, 2, seed=1, num_warmup=120, num_samples=50, metric=metric).report(path)
    assert _told(_page(path), "paths") == []


def test_files_show_it_too(model, tmp_path):
    fit = catena.sample(model, 2, seed=1, num_warmup=30, num_samples=20, save_warmup=True)
    files = []
    for i, rows in enumerate(fit.values):
        lines = [",".join(map(repr, row)) for row in rows.tolist()]
        head = ["# model = two", "# seed = 1", ",".join(fit.columns)]
        lines[30:30] = [
            "# Adaptation terminated",
            f"# Step size = {fit.chains[i].stepsize!r}",
            "# Elements of inverse mass matrix:",
        ]
        lines[33:33] = ["# " + ", ".join(map(repr, row)) for row in fit.chains[i].inv_metric.tolist()]
        files.append(tmp_path / f"draws_{i + 1}.csv")
        files[-1].write_text("\n".join(head + lines) + "\n")
    read = catena.read(files)
    fit.report(tmp_path / "fit.html")
    read.report(tmp_path / "files.html")
    pages = [_page(tmp_path / name) for name in ("fit.html", "files.html")]
    for name in ("paths", "metrics"):
        assert _told(pages[0], name) == _told(pages[1], name) != []
    assert "<dt>seed</dt><dd>1</dd>" in pages[1] and read.dimension == 2


def test_a_resumed_fit_has_all_of_its_way(model):
    asked = {"seed": 1, "num_warmup": 60, "num_samples": 20, "save_warmup": True}
    # Stopped in warm-up.
    part = catena.sample(model, 2, max_evaluations=100, **asked)
    assert all(0 < len(steps) < 60 for steps in part.warmup_step_sizes) or part.good == []
    whole = catena.sample(model, 2, **asked)
    while part.interrupted:
        part = catena.resume(model, part, max_evaluations=100)
    assert [steps.tolist() for steps in part.warmup_step_sizes] == [steps.tolist() for steps in whole.warmup_step_sizes]


def test_warm_up_of_draws_from_anywhere_is_looked_at(tmp_path):
    draws, path = np.random.default_rng(1).normal(size=(2, 100, 1)), tmp_path / "page.html"
    names = ["x"]
    catena.report(draws, names, path, warmup_step_sizes=[[0.5, 0.25], [0.125]], settings={"delta": 0.8, "a<b": ""})
    page = _page(path)
    assert _told(page, "paths") == [[0.5, 0.25], [0.125]]
    assert "<dt>delta</dt><dd>0.8</dd>" in page and "<dt>a&lt;b</dt><dd>–</dd>" in page
    catena.report(draws, names, path, step_sizes=[1, 1], inv_metrics=[[[4, 1], [1, 9]], [[1, 0], [0, 2]]], dimension=2)
    assert _told(_page(path), "metrics") == [[4, 9], [1, 2]]
    # Low-rank ones, of no direction and of one.
    catena.report(draws, names, path, step_sizes=[1, 1], inv_metrics=[[0, 2, 3], [1, 2, 3, 2, 0.6, 0.8]], dimension=2)
    assert np.allclose(_told(_page(path), "metrics"), [[2, 3], [2.72, 4.92]], rtol=1e-12)
    with pytest.raises(ValueError, match=r"'warmup_step_sizes': expected 2 arrays, one per chain, got 1"):
        catena.report(draws, names, path, warmup_step_sizes=[[0.5]])
    with pytest.raises(TypeError, match=r"'warmup_step_sizes\[1\]'"):
        catena.report(draws, names, path, warmup_step_sizes=[[0.5], ["a"]])
    for odd, words in ((np.nan, "NaN"), (-1.0, "-1"), (0.0, "0"), (np.inf, "inf")):
        with pytest.raises(catena.ArgumentError, match=rf"warmup_step_sizes\[3\].*finite number above 0, got {words}"):
            catena.report(draws, names, path, warmup_step_sizes=[[0.5, 0.5], [0.5, odd]])
    with pytest.raises(catena.ArgumentError, match="inv_metrics.*2 coordinates.*got 3 numbers"):
        catena.report(draws, names, path, step_sizes=[1, 1], inv_metrics=[[1, 2, 3], [1, 2, 3]], dimension=2)


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


@pytest.mark.parametrize(
    ("argument", "value", "error"),
    [
        ("title", 3, TypeError),
        ("lengths", 30, TypeError),
        ("lengths", [30, -1], ValueError),
        ("lengths", [30], ValueError),
        ("dimension", 1.5, TypeError),
        ("settings", ["seed"], TypeError),
        ("warmup_step_sizes", 0.5, TypeError),
        ("warmup_step_sizes", [[0.5]], ValueError),
        ("inv_metrics", [["a"], ["b"]], TypeError),
    ],
)
def test_bad_arguments_of_a_page_are_named(tmp_path, argument, value, error):
    draws = np.random.default_rng(1).normal(size=(2, 30, 1))
    others = {"step_sizes": [0.5, 0.5], "dimension": 1} if argument == "inv_metrics" else {}
    with pytest.raises(error, match=f"argument '{argument}"):
        catena.report(draws, ["mu"], tmp_path / "page.html", **others, **{argument: value})
    assert not (tmp_path / "page.html").exists()


def test_bad_arguments_of_a_page_of_sets_are_named(tmp_path):
    for argument, value, error in [("title", 3, TypeError), ("truth", 3.0, TypeError), ("truth", {7: 1.0}, ValueError)]:
        with pytest.raises(error, match=f"argument '{argument}'"):
            catena.Course().report(tmp_path / "page.html", **{argument: value})
