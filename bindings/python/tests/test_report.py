"""Pages about draws."""

from __future__ import annotations

import numpy as np
import pytest

import catena


def test_a_fit_has_a_page(model, tmp_path):
    fit = catena.sample(model, seed=1, chains=2, num_samples=300)
    path = tmp_path / "page.html"
    fit.report(path, title="Two normals & more")
    page = path.read_text(encoding="utf-8")
    for part in ("<title>Two normals &amp; more</title>", "2 chains of 300 draws each", 'id="warmup"', 'id="times"'):
        assert part in page
    assert f'"step_sizes":[{fit.chains[0].stepsize!r}' in page


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
