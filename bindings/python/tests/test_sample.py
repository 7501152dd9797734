"""Runs of chains and what they return."""

from __future__ import annotations

import asyncio
import gc
import io
import pickle
import sys
import types
import weakref

import numpy as np
import pytest

import catena
from conftest import normals


def close(values, expected, draws, bound=5.0):
    """Whether the mean of chains is what was expected, within so many standard errors."""
    return abs(values.mean() - expected) < bound * catena.mcse_mean(values)


def test_draws_have_the_law_of_the_model(model):
    fit = catena.sample(model, seed=1)
    assert fit.draws.shape == (4, 1000, 2) and fit.names == ["a", "b"]
    assert close(fit["a"], 0, fit) and close(fit["b"], 0, fit)
    assert close(fit["a"] ** 2, 1, fit) and close(fit["b"] ** 2, 4, fit)
    summary = fit.summary()
    assert summary.verdict == "good" and summary.divergences == 0
    assert summary["b"]["rhat"] < 1.01 and len(summary) == 3 and "ess_bulk" in repr(summary)
    assert summary["a"]["mean"] == pytest.approx(fit["a"].mean(), rel=1e-12)


def test_the_library_writes_into_the_array_that_is_seen(model):
    fit = catena.sample(model, seed=1, num_samples=100)
    assert np.shares_memory(fit.draws, fit.values) and np.shares_memory(fit["a"], fit.values)
    assert not fit.draws.flags.owndata


def test_same_seed_same_bits_on_any_number_of_threads_and_in_batches(model):
    one = catena.sample(model, seed=3, num_samples=200, num_threads=1)
    two = catena.sample(model, seed=3, num_samples=200, num_threads=2)
    vectorized = catena.VectorizedModel(
        lambda x: (-0.5 * (x[:, 0] * x[:, 0] + x[:, 1] * x[:, 1] / 4), np.column_stack([-x[:, 0], -x[:, 1] / 4])), 2
    )
    batch = catena.sample(vectorized, seed=3, num_samples=200)
    alone = catena.sample(model, 1, seed=3, num_samples=200, init_chain_id=3)
    assert np.array_equal(one.draws, two.draws) and np.array_equal(one.draws, batch.draws)
    assert np.array_equal(one.draws[2], alone.draws[0])
    assert alone.chains[0].id == 3


def test_batches_come_with_more_than_one_position():
    sizes = []

    def function(x):
        sizes.append(len(x))
        return -0.5 * (x**2).sum(axis=1), -x

    catena.sample(catena.VectorizedModel(function, 3), 8, seed=1, num_warmup=100, num_samples=100)
    assert np.mean(sizes) > 4 and max(sizes) == 8


def test_an_option_of_the_table_is_a_keyword(model):
    names = set(catena.options("nuts"))
    assert {"chains", "num_warmup", "delta", "metric", "until_ess"} <= names and "num_chains" not in names
    assert catena.options()["delta"].default == 0.7
    fit = catena.sample(model, seed=1, num_samples=50, delta=0.9, metric="dense_e", max_depth=np.int64(8), adapt=np.bool_(True))
    assert fit.chains[0].inv_metric.shape == (2, 2) and fit.chains[0].delta == 0.9
    with pytest.raises(TypeError, match="'detla' is not an option; did you mean 'delta'"):
        catena.sample(model, detla=0.9)
    with pytest.raises(TypeError, match="'num_chains' is called 'chains'"):
        catena.sample(model, num_chains=2)
    with pytest.raises(TypeError, match="'num_moves' is not an option of nuts; it is one of smc"):
        catena.sample(model, num_moves=2)
    with pytest.raises(catena.ArgumentError, match="'delta'.*between 0 and 1"):
        catena.sample(model, delta=1.5)
    with pytest.raises(ValueError, match="'chains'.*at least 1"):
        catena.sample(model, 0)
    with pytest.raises(ValueError, match="'engine': expected one of 'nuts', 'static', 'fixed_param', got 'hmc'"):
        catena.sample(model, engine="hmc")


def test_engines(model):
    static = catena.sample(model, seed=1, engine="static", int_time=2.0)
    assert "int_time__" in static.sampler and close(static["b"] ** 2, 4, static)
    coin = catena.FunctionModel(normals, 2, constrain=lambda x, rng: {"coin": rng.integers(2)})
    fixed = catena.sample(coin, seed=1, engine="fixed_param")
    assert fixed.draws.shape == (4, 1000, 1) and set(np.unique(fixed["coin"])) == {0.0, 1.0}
    assert abs(fixed["coin"].mean() - 0.5) < 5 * 0.5 / np.sqrt(4000)


def test_outputs_are_arrays_by_name():
    def report(x, rng):
        return {"v": np.arange(6).reshape(2, 3) + x[0], "a": x[0], "noise": rng.normal(size=2)}

    model = catena.FunctionModel(normals, 2, constrain=report)
    fit = catena.sample(model, 2, seed=1, num_samples=50)
    assert fit.names[:7] == ["v.1.1", "v.2.1", "v.1.2", "v.2.2", "v.1.3", "v.2.3", "a"]
    assert fit["v"].shape == (2, 50, 2, 3) and fit["noise"].shape == (2, 50, 2)
    assert np.allclose(fit["v"] - fit["a"][:, :, None, None], np.arange(6).reshape(2, 3))
    assert np.array_equal(fit["v.2.3"], fit["v"][:, :, 1, 2])
    again = catena.sample(model, 2, seed=1, num_samples=50, num_threads=1)
    assert np.array_equal(fit.draws, again.draws)
    assert abs(fit["noise"].std() - 1) < 0.2
    with pytest.raises(KeyError, match="there are v, a, noise"):
        fit["w"]


def test_initial_values():
    given = []

    def initialize(values):
        given.append((values["mu"], values["v"].shape, values.get("w"), "w" in values))
        return [values["mu"], np.nan]

    model = catena.FunctionModel(normals, 2, names=["a", "b"], initialize=initialize)
    catena.sample(model, 2, seed=1, num_warmup=0, num_samples=1, init={"mu": 1.5, "v": [[1, 2, 3], [4, 5, 6]]})
    assert given == [(1.5, (2, 3), None, False)] * 2
    places = []

    def watched(x):
        places.append(tuple(x))
        return normals(x)

    plain = catena.FunctionModel(watched, 2, names=["a", "b"])
    for init in (
        [0.25, 0.5],
        np.array([0.25, 0.5]),
        {"a": 0.25, "b": 0.5},
        np.array([[0.25, 0.5]] * 2),
        lambda id: [0.25, 0.5],
        [{"a": 0.25, "b": 0.5}, (0.25, 0.5)],
    ):
        places.clear()
        catena.sample(plain, 2, seed=1, num_warmup=0, num_samples=1, init=init)
        assert places.count((0.25, 0.5)) >= 2
    with pytest.raises(ValueError, match="'init': expected 2 entries, one per chain, got 3"):
        catena.sample(plain, 2, init=[[0, 0]] * 3)
    with pytest.raises(ValueError, match=r"\(2, dimension\), a row per chain, got \(3, 2\)"):
        catena.sample(plain, 2, init=np.zeros((3, 2)))
    with pytest.raises(TypeError, match="'init': expected a position"):
        catena.sample(plain, 2, init=object())


def test_inverse_metrics_go_on(model):
    fit = catena.sample(model, 2, seed=1, num_samples=10)
    metrics = [chain.inv_metric for chain in fit.chains]
    again = catena.sample(model, 2, seed=2, num_warmup=0, num_samples=10, adapt=False, inv_metric=metrics)
    assert np.array_equal(again.chains[1].inv_metric, metrics[1])
    assert '"metric_type": "dense_e"' in fit.metric_json()
    assert '"metric_type": "diag_e"' in catena.sample(model, 2, seed=1, num_samples=10, metric="diag_e").metric_json()
    with pytest.raises(ValueError, match="'inv_metric': expected 2 entries"):
        catena.sample(model, 2, inv_metric=[[1, 1]] * 3)


def test_a_fit_is_a_plain_value(model):
    fit = catena.sample(model, 2, seed=1, num_samples=50)
    assert fit.rows.shape == (2, 50, 9)
    copied = pickle.loads(pickle.dumps(fit))
    assert np.array_equal(copied.draws, fit.draws) and copied.chains[0].stepsize == fit.chains[0].stepsize
    assert repr(copied) == repr(fit) == "<catena.Fit: 2 chains of 50 draws of 2 outputs>"
    with pytest.raises(TypeError, match="FunctionModel holds functions and cannot be pickled"):
        pickle.dumps(model)


def test_a_chain_that_was_stopped_goes_on_with_the_same_bits(model):
    whole = catena.sample(model, 2, seed=1, num_samples=500)
    part = catena.sample(model, 2, seed=1, num_samples=500, max_evaluations=1200)
    assert part.interrupted and part.chains[0].stop_reason == "interrupt"
    assert 0 < part.chains[0].rows < 500
    rest = catena.resume(model, pickle.loads(pickle.dumps(part)))
    assert not rest.interrupted and np.array_equal(rest.draws, whole.draws)
    more = catena.resume(model, whole, num_samples=600)
    assert more.draws.shape == (2, 600, 2) and np.array_equal(more.draws[:, :500], whole.draws)
    after = catena.sample(model, 2, seed=1, num_samples=600, checkpoints=whole.checkpoints)
    assert np.array_equal(after.draws, more.draws[:, 500:])
    with pytest.raises(ValueError, match="'checkpoints': expected 2 entries, one per chain, got 1"):
        catena.sample(model, 2, checkpoints=whole.checkpoints[:1])
    with pytest.raises(TypeError, match="expected the bytes of a checkpoint, got str"):
        catena.sample(model, 1, checkpoints=["checkpoint"])
    with pytest.raises(catena.CatenaError) as caught:
        catena.sample(model, 1, checkpoints=[b"no checkpoint at all"])
    assert caught.value.status == "checkpoint"
    with pytest.raises(ValueError, match="'num_samples': expected at least as many draws as the fit has"):
        catena.resume(model, whole, num_samples=100)


def test_warmup_that_ends_by_itself_is_kept_apart(model):
    asked = {"seed": 4, "num_samples": 60, "warmup_until": True, "thin": 2, "num_warmup": 700}
    fit = catena.sample(model, 6, save_warmup=True, **asked)
    lengths = [chain.iterations - 60 for chain in fit.chains]
    assert len(set(lengths)) > 1 and max(lengths) < 700
    assert [chain.warmup_rows for chain in fit.chains] == [-(-length // 2) for length in lengths]
    assert [len(steps) for steps in fit.warmup_step_sizes] == [chain.warmup_rows for chain in fit.chains]
    assert np.array_equal(fit.draws, catena.sample(model, 6, **asked).draws) and fit.draws.shape[:2] == (6, 30)


def test_warmup_is_kept_apart(model):
    plain = catena.sample(model, 2, seed=1, num_warmup=100, num_samples=50)
    fit = catena.sample(model, 2, seed=1, num_warmup=100, num_samples=50, save_warmup=True)
    assert fit.warmup.shape == (2, 100, 2) and plain.warmup.shape == (2, 0, 2)
    assert np.array_equal(fit.draws, plain.draws)


def test_runs_in_the_background(model, compiled):
    run = catena.start(model, 2, seed=1, num_samples=100_000)
    while min(chain.iteration for chain in run.progress()) < 1500:
        assert not run.poll(0.001)
    run.cancel()
    with pytest.warns(catena.CatenaWarning, match="interrupted"):
        fit = run.result()
    assert fit.interrupted and all(chain.rows >= 400 for chain in fit.chains) and run.result() is fit
    assert run.poll() and run.progress()[0].over and "2 chains" in repr(run)

    # Compiled functions run by themselves.
    run = catena.start(catena.CModel(compiled, 2), 2, seed=1, num_samples=2000)
    while not all(chain.over for chain in run.progress()):
        pass
    assert run.result().draws.shape == (2, 2000, 2)


def test_a_run_can_be_awaited(model):
    async def main():
        both = await asyncio.gather(
            catena.start(model, 1, seed=1, num_samples=50), catena.start(model, 1, seed=2, num_samples=50)
        )
        return both, await catena.start(model, 1, seed=1, num_samples=50)

    (one, two), again = asyncio.run(main())
    assert np.array_equal(one.draws, again.draws) and not np.array_equal(one.draws, two.draws)

    async def cancelled():
        run = catena.start(model, 1, seed=1, num_samples=10_000_000)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(run, 0.05)
        while not run.poll(0.01):
            pass

    asyncio.run(cancelled())


def test_progress_is_shown(model):
    stream = io.StringIO()
    catena.sample(model, 2, seed=1, num_samples=100, progress=stream)
    text = stream.getvalue()
    assert "100% of 2 chains" in text and text.rstrip().endswith("divergences") and text.endswith("\n")


def test_compiled_functions(model, compiled):
    fit = catena.sample(catena.CModel(compiled, 2, names=["narrow", "wide"]), 8, seed=1)
    assert close(fit["wide"] ** 2, 100, fit)
    assert catena.log_density(catena.CModel(compiled, 2), [1.0, 10.0]) == -1.0
    with pytest.raises(TypeError, match="'log_density_gradient': expected the address of a compiled function"):
        catena.CModel(lambda x: x, 2)
    with pytest.raises(TypeError, match="'constrane' is no member of catena_density"):
        catena.CModel(compiled, 2, constrane=1)
    with pytest.raises(ValueError, match="'names': expected 2 names, got 1"):
        catena.CModel(compiled, 2, names=["a"])


def test_stan_programs(stan_library):
    model = catena.StanModel(stan_library, {"N": 3, "y": np.array([1.0, 2, 3])})
    fit = catena.sample(model, seed=1)
    assert fit["mu"].shape == (4, 1000, 2) and fit["m"].shape == (4, 1000, 2, 3)
    assert np.array_equal(catena.sample(model, seed=1, num_threads=1).draws, fit.draws)
    with pytest.raises(FileNotFoundError, match="expected a library of BridgeStan or a .stan file"):
        catena.StanModel("nowhere.so")
    with pytest.raises(catena.CatenaError) as caught:
        catena.StanModel(__file__)
    assert caught.value.status == "io"


def test_nothing_is_left_behind():
    class Function:
        def __call__(self, x):
            return normals(x)

    function = Function()
    alive = weakref.ref(function)
    fit = catena.sample(catena.FunctionModel(function, 2), 2, seed=1, num_samples=10)
    del function
    gc.collect()
    assert alive() is None and fit.draws.shape == (2, 10, 2)


def test_stan_files_are_compiled_by_bridgestan_or_the_command(stan_library, tmp_path, monkeypatch):
    program = tmp_path / "shapes.stan"
    program.write_text("parameters { real mu; } model { mu ~ normal(0, 1); }")
    monkeypatch.setitem(sys.modules, "bridgestan", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ImportError, match="needs the package bridgestan .* or the command catena"):
        catena.StanModel(program)
    # The command, where that is there instead: once, as long as the program stays what it is.
    command = tmp_path / "catena"
    command.write_text(f'#!/bin/sh\necho "$@" >> "{tmp_path}/asked"\n/bin/cp "{stan_library}" "${{3#output=}}"\n')
    command.chmod(0o755)
    data = {"N": 3, "y": [1, 2, 3]}
    assert catena.StanModel(program, data).dimension > 0 and catena.StanModel(program, data).dimension > 0
    assert (tmp_path / "asked").read_text() == f"compile {program} output={program.with_suffix('.so')}\n"
    program.with_suffix(".so").unlink()
    command.write_text("#!/bin/sh\necho 'stanc failed' >&2\nexit 70\n")
    with pytest.raises(RuntimeError, match="stanc failed"):
        catena.StanModel(program, data)
    asked = []

    def compile_model(path, make_args):
        asked.append((path, make_args))
        return str(stan_library)

    monkeypatch.setitem(sys.modules, "bridgestan", types.SimpleNamespace(compile_model=compile_model))
    (tmp_path / "data.json").write_text('{"N": 3, "y": [1, 2, 3]}')
    model = catena.StanModel(program, tmp_path / "data.json")
    assert asked == [(program, ["STAN_THREADS=True"])] and model.dimension > 0
    with pytest.raises(TypeError, match="'data': expected 'y' to be a number or an array of numbers, got 'text'"):
        catena.StanModel(stan_library, {"N": 3, "y": "text"})


def test_a_preset_says_what_is_not_given(model):
    def run(**options):
        return catena.sample(model, 1, seed=3, num_samples=50, **options).draws

    stan = run(preset="stan")
    assert np.array_equal(stan, run(metric="diag_e", num_warmup=1000, delta=0.8))
    assert np.array_equal(stan, run(metric="diag_e"))
    assert np.array_equal(run(num_warmup=70, preset="stan"), run(preset="stan", num_warmup=70))
    assert not np.array_equal(run(num_warmup=70, preset="stan"), stan)
    assert np.array_equal(run(), run(metric="auto", num_warmup=200, delta=0.7))
    with pytest.raises(catena.ArgumentError, match="did you mean 'stan'"):
        run(preset="stann")


def test_a_run_begins_where_a_fit_ended(model):
    first = catena.sample(model, 3, seed=1, num_samples=50)
    second = catena.sample(model, 4, seed=2, num_warmup=0, num_samples=20, from_=first)
    for i, chain in enumerate(second.chains):
        before = first.chains[i % 3]
        assert chain.stepsize == before.stepsize and np.array_equal(chain.inv_metric, before.inv_metric)
    same = catena.sample(model, 4, seed=2, num_warmup=0, num_samples=20, from_=first.checkpoints)
    assert np.array_equal(same.draws, second.draws)
    # The first draw lies near the last one of the fit: the step is short.
    near = catena.sample(model, 3, seed=2, num_warmup=0, num_samples=1, stepsize=1e-6, max_depth=1, from_=first)
    assert np.allclose(near.draws[:, 0, :2], first.draws[:, -1, :2], atol=1e-4)
    short = catena.sample(model, 3, seed=3, num_samples=50, save_warmup=True, from_=first)
    assert short.chains[0].warmup_rows == 50
    assert np.array_equal(short.chains[1].inv_metric, first.chains[1].inv_metric)
    part = catena.sample(model, 3, seed=3, num_samples=50, save_warmup=True, from_=first, max_evaluations=100)
    assert np.array_equal(catena.resume(model, part, max_evaluations=0).draws, short.draws)
    with pytest.raises(TypeError, match="'from_': expected a fit"):
        catena.sample(model, 2, from_=3)
    with pytest.raises(ValueError, match="a chain that has not failed"):
        catena.sample(model, 2, from_=[None])
    with pytest.raises(catena.CatenaError, match="from"):
        catena.sample(catena.FunctionModel(lambda x: (-x @ x / 2, -x), 1), 2, from_=first)
