"""With other packages, each where it is installed."""

from __future__ import annotations

import numpy as np
import pytest

import catena
from conftest import normals


@pytest.fixture
def fit():
    return catena.sample(
        catena.FunctionModel(normals, 2, constrain=lambda x: {"v": x.reshape(1, 2), "a": x[0]}), 2, seed=1, num_samples=50
    )


def test_arviz(fit):
    pytest.importorskip("arviz")
    data = fit.to_arviz()
    assert data.posterior["v"].shape == (2, 50, 1, 2) and np.array_equal(data.posterior["a"], fit["a"])
    assert data.sample_stats["diverging"].dtype == bool and data.sample_stats["tree_depth"].dtype == np.int64
    assert np.array_equal(data.sample_stats["lp"], fit.sampler["lp__"])


def test_pandas(fit):
    pytest.importorskip("pandas")
    frame = fit.to_pandas()
    assert frame.shape == (100, 2 + len(fit.columns)) and np.array_equal(frame["a"], fit["a"].ravel())
    assert frame["chain"].tolist() == [1] * 50 + [2] * 50 and frame["draw"].iloc[-1] == 49
    assert fit.summary().to_pandas().loc["a", "mean"] == fit.summary()["a"]["mean"]


def test_polars(fit):
    pytest.importorskip("polars")
    frame = fit.to_polars()
    assert frame.shape == (100, 2 + len(fit.columns)) and np.array_equal(frame["a"].to_numpy(), fit["a"].ravel())


def test_numba():
    numba = pytest.importorskip("numba")

    @numba.cfunc(catena.log_density_signature())
    def evaluate(user, worker, task, position, log_density, gradient):
        x, g = numba.carray(position, 3), numba.carray(gradient, 3)
        log_density[0] = 0.0
        for i in range(3):
            log_density[0] -= 0.5 * x[i] * x[i]
            g[i] = -x[i]
        return 0

    model = catena.CModel(evaluate, 3)
    fit = catena.sample(model, 8, seed=1)
    assert abs(fit["x.2"].mean()) < 5 * catena.mcse_mean(fit["x.2"]) and fit.summary().verdict == "good"


def test_jax():
    jnp = pytest.importorskip("jax.numpy")
    from catena._jax import in_64_bits

    scales = np.array([1.0, 2.0])

    def log_density(x):
        return -0.5 * jnp.sum((x / scales) ** 2)

    model = catena.JaxModel(log_density, 2, names=["a", "b"])
    value, gradient = catena.log_density(model, [1.0, 2.0], gradient=True)
    assert value == -1.0 and gradient.tolist() == [-1.0, -0.5] and gradient.dtype == np.float64
    fit = catena.sample(model, 16, seed=1, num_samples=200)
    assert abs(fit["b"].mean()) < 5 * catena.mcse_mean(fit["b"])
    # Chains of a batch are what they are alone, whatever fills the batch up.
    plain = catena.FunctionModel(lambda x: (-0.5 * np.sum((x / scales) ** 2), -x / scales**2), 2)
    few = {"seed": 2, "num_warmup": 0, "num_samples": 20, "metric": "unit_e", "stepsize": 0.5}
    draws = catena.sample(model, 21, **few).draws
    assert np.allclose(draws, catena.sample(plain, 21, **few).draws, rtol=1e-9, atol=1e-9)
    # In 64 bits, so that a step of 1e-6 tells, whatever JAX's own setting is.
    assert catena.diagnose(model).failures == 0
    with in_64_bits()(True):
        assert np.array_equal(catena.sample(model, 21, **few).draws, draws)
    parts = catena.JaxModel(
        None,
        2,
        log_prior=log_density,
        log_likelihood=lambda x: -0.5 * jnp.sum(x**2),
        sample_prior=lambda rng: rng.normal(0, scales),
    )
    draws = catena.sample_smc(parts, num_sets=4, num_particles=200, seed=1)
    # The mean of the likelihood over draws from the prior.
    exact = -0.5 * np.log(1 + scales**2).sum()
    assert abs(draws.log_evidence - exact) < 5 * draws.standard_error < 0.5
    with pytest.raises(TypeError, match="expected both or neither"):
        catena.JaxModel(None, 2, log_prior=log_density)

    def fails(x):
        raise ZeroDivisionError("while tracing")

    with pytest.raises(ZeroDivisionError, match="while tracing"):
        catena.sample(catena.JaxModel(fails, 2), seed=1)


def test_pymc():
    pymc = pytest.importorskip("pymc")
    y = np.array([28.0, 8, -3, 7])
    with pymc.Model() as schools:
        mu, tau = pymc.Normal("mu", 0, 5), pymc.HalfNormal("tau", 5)
        eta = pymc.Normal("eta", 0, 1, shape=(2, 2))
        pymc.Deterministic("theta", mu + tau * eta)
        pymc.Normal("y", mu + tau * eta, 10.0, observed=y.reshape(2, 2))
    model = catena.PyMCModel(schools)
    assert model.dimension == 6 and model.names is not None and "eta.2.1" in model.names
    fit = catena.sample(model, seed=1, init=model.initial_point, delta=0.95)
    assert fit["theta"].shape == (4, 1000, 2, 2) and (fit["tau"] > 0).all()
    assert np.allclose(fit["theta"], fit["mu"][:, :, None, None] + fit["tau"][:, :, None, None] * fit["eta"])
    assert fit.summary().verdict != "unknown" and catena.diagnose(model).failures == 0
    # In the mean over tau's prior the marginal of mu is known by a sum over a grid.
    grid = np.arange(0.005, 40, 0.01)
    variance = grid**2 + 100
    precision = 1 / 25 + 4 / variance
    mean = y.sum() / variance / precision
    log_weight = (
        -0.5 * (grid / 5) ** 2
        - 2 * np.log(variance)
        - 0.5 * ((y**2).sum() / variance - mean**2 * precision)
        - 0.5 * np.log(precision)
    )
    weight = np.exp(log_weight - log_weight.max())
    assert abs(fit["mu"].mean() - weight @ mean / weight.sum()) < 5 * catena.mcse_mean(fit["mu"])
    with pymc.Model() as discrete:
        pymc.Poisson("count", 3.0)
    with pytest.raises(TypeError, match="expected continuous variables alone, got the discrete count"):
        catena.PyMCModel(discrete)


def test_arrow_files_are_read(tmp_path):
    arrow = pytest.importorskip("pyarrow")
    feather = pytest.importorskip("pyarrow.feather")
    draws = np.random.default_rng(1).normal(size=(2, 20))
    paths = [tmp_path / f"draws_{i}.arrow" for i in (1, 2)]
    for i, path in enumerate(paths):
        columns = {
            "chain": [i + 1] * 20,
            "draw": list(range(1, 21)),
            "lp__": [-1.0] * 20,
            "divergent__": [False] * 20,
            "x": draws[i],
        }
        feather.write_feather(arrow.table(columns), path, compression="uncompressed")
    fit = catena.read(paths)
    assert fit.columns == ["lp__", "divergent__", "x"] and np.array_equal(fit["x"], draws)
    feather.write_feather(arrow.table({"x": ["a", "b"]}), paths[0], compression="uncompressed")
    with pytest.raises(catena.CatenaError, match="column 'x': expected 64-bit numbers or booleans, got Utf8"):
        catena.read(paths[0])


def test_a_notebook():
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    cells = [
        "import catena\nmodel = catena.FunctionModel(lambda x: (-0.5 * float(x @ x), -x), 2)\ncatena.sample(model, seed=1)",
        "run = catena.start(model, seed=1)\n(await run).draws.shape",
        "import os, signal, threading\n"
        "threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
        "fit = catena.sample(model, seed=1, num_samples=5_000_000)\n"
        "fit.interrupted, fit.draws.shape[1] > 0",
        "catena.sample(model, seed=1, num_samples=10, progress=False)",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()

    def texts(cell, kind):
        return [one["data"]["text/plain"] for one in notebook.cells[cell].outputs if one["output_type"] == kind]

    # One line, which is written over.
    assert len(texts(0, "display_data")) == 1 and "100% of 4 chains" in texts(0, "display_data")[0]
    assert "4 chains of 1000 draws" in texts(0, "execute_result")[0]
    assert texts(1, "execute_result") == ["(4, 1000, 2)"]
    assert texts(2, "execute_result") == ["(True, True)"] and len(texts(2, "display_data")) == 1
    assert texts(3, "display_data") == []
