"""Functions and arguments that are as bad as they can be."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
import warnings
import weakref
from pathlib import Path

import numpy as np
import pytest

import catena
from conftest import normals

SHORT = {"seed": 1, "num_warmup": 20, "num_samples": 10, "progress": False}


class Unsayable(Exception):
    def __str__(self):
        raise RuntimeError("no words")


class NoText(Exception):
    def __str__(self):
        return 3


class Base(BaseException):
    pass


EXCEPTIONS = [
    Unsayable(),
    NoText(),
    Base("base"),
    StopIteration(1),
    GeneratorExit(),
    SystemExit(3),
    KeyboardInterrupt(),
    MemoryError(),
    ValueError("a\0b"),
    ValueError("a\ud800b"),
    ValueError("x" * 1_000_000),
    catena.CatenaError("mine"),
    asyncio.CancelledError(),
]


@pytest.mark.parametrize("exception", EXCEPTIONS, ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("after", [0, 60])
def test_whatever_is_raised_comes_out(exception, after):
    calls = []

    def fails(x):
        calls.append(None)
        if len(calls) > after:
            raise exception
        return normals(x)

    with pytest.raises(type(exception)) as caught:
        catena.sample(catena.FunctionModel(fails, 2), 2, **SHORT)
    assert caught.value is exception


@pytest.mark.parametrize("exception", [Unsayable(), NoText()], ids=["unsayable", "no text"])
def test_populations_filters_and_updaters_name_what_cannot_be_said(exception):
    def fails(*_):
        raise exception

    population = catena.Population(lambda rng: rng.normal(), num_particles=3, seed=1)
    coin = catena.Likelihood(fails, parameters=["p"])
    updater = catena.Updater(coin, catena.Prior.uniform([0], [1]), num_models=10, seed=1)
    for call in (
        lambda: population.apply(fails),
        lambda: updater.update(1),
        lambda: catena.particle_filter(fails, fails, fails, num_times=2, num_particles=5, seed=1),
    ):
        with pytest.raises(catena.CatenaError, match=type(exception).__name__) as caught:
            call()
        assert caught.value.__cause__ is exception


def test_a_refusal_without_words_is_one():
    calls = []

    def refuses(x):
        calls.append(None)
        if len(calls) > 60 and len(calls) % 7 == 0:
            raise catena.Reject(Unsayable())
        return normals(x)

    assert catena.sample(catena.FunctionModel(refuses, 2), 2, check_gradient=False, **SHORT).draws.shape == (2, 10, 2)


@pytest.mark.parametrize(
    "returns, kind, words",
    [
        (lambda x: (0.0, [[1, 2], 3]), (TypeError, ValueError), r"gradient.*expected .*of shape \(2,\), got list"),
        (lambda x: (10**400, -x), ValueError, "log density.*beyond all doubles"),
        (lambda x: (0.0, [10**400, 1]), TypeError, "gradient.*expected real numbers"),
        (lambda x: (0.0, np.zeros(2, "M8[s]")), TypeError, "gradient.*datetime64"),
        (lambda x: (0.0, np.zeros(2, [("a", float)])), TypeError, "gradient.*expected real numbers"),
        (lambda x: (0.0, {1, 2}), TypeError, "gradient.*got set"),
        (lambda x: (0.0, np.zeros((2, 0))), ValueError, r"got one of shape \(2, 0\)"),
        (lambda x: (0.0, (-x).astype(object)), TypeError, "dtype object"),
        (lambda x: (1j, -x), TypeError, "log density.*got complex"),
        (lambda x: ([], -x), TypeError, "log density.*got list"),
        (lambda x: (0.0, -x, 1), TypeError, "pair of log density and gradient"),
        (lambda x: "ab", TypeError, "gradient.*got str 'b'"),
        (lambda: 0, TypeError, "takes 0 positional arguments"),
    ],
)
def test_what_comes_back_is_named(returns, kind, words):
    with pytest.raises(kind, match=words):
        catena.sample(catena.FunctionModel(returns, 2), 1, **SHORT)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_and_gradients_that_are_no_numbers(bad):
    for function in (lambda x: (bad, -x), lambda x: (0.0, x * 0 + bad)):
        with pytest.raises(catena.CatenaError, match="no usable initial value"):
            catena.sample(catena.FunctionModel(function, 2), 1, **SHORT)

    calls = []

    def later(x):
        calls.append(None)
        value, gradient = normals(x)
        return value, gradient if len(calls) < 80 or len(calls) % 5 else gradient * bad

    fit = catena.sample(catena.FunctionModel(later, 2), 2, check_gradient=False, **SHORT)
    assert np.isfinite(fit.draws).all()


def test_outputs_are_named():
    late = catena.FunctionModel(normals, 2, constrain=lambda x: {"a": 1.0 if x[0] == 0 else "text"})
    with pytest.raises(TypeError, match="'constrain' returned, 'a': expected real numbers"):
        catena.sample(late, 1, **SHORT)


def test_a_function_may_keep_change_and_reuse_its_arrays():
    kept, buffer = [], np.zeros(2)

    def rude(x):
        kept.append(x)
        value, buffer[:] = normals(x)
        x[:] = 1e9
        return value, buffer

    fit = catena.sample(catena.FunctionModel(rude, 2), 2, **SHORT)
    assert np.array_equal(fit.draws, catena.sample(catena.FunctionModel(normals, 2), 2, **SHORT).draws)
    assert len({one.ctypes.data for one in kept}) == len(kept)


def test_names_that_no_coordinate_has_are_told():
    named = catena.FunctionModel(normals, 2, names={"slope": 2})
    fit = catena.sample(named, 1, init={"slope": [1.0, 2.0]}, seed=1, num_warmup=0, num_samples=1, stepsize=1e-9, max_depth=1)
    assert np.allclose(fit["slope"], [1, 2])
    with pytest.warns(catena.CatenaWarning, match="did not ask for: slpoe .did you mean 'slope'"):
        catena.sample(named, 1, init={"slpoe": [1.0, 2.0]}, **SHORT)
    with pytest.warns(catena.CatenaWarning, match="chain 2: initial values that the model did not ask for: w"):
        catena.sample(catena.FunctionModel(normals, 2), 2, init=[None, {"w": 1.0}], **SHORT)


def test_a_chain_with_all_draws_asked_for_draws_no_more():
    model = catena.FunctionModel(normals, 2)
    part = catena.sample(model, 2, seed=1, num_samples=1000, num_warmup=50, max_evaluations=800)
    most = max(chain.rows for chain in part.chains)
    assert len({chain.rows for chain in part.chains}) == 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        level = catena.resume(model, part, num_samples=most, max_evaluations=0)
    whole = catena.sample(model, 2, seed=1, num_samples=1000, num_warmup=50)
    assert np.array_equal(level.draws, whole.draws[:, :most])
    assert np.array_equal(catena.resume(model, level, num_samples=1000).draws, whole.draws)


def test_a_model_in_several_threads_at_once():
    model, found = catena.FunctionModel(normals, 2), {}

    def work(place):
        found[place] = catena.sample(model, 2, seed=7, num_samples=50)

    threads = [threading.Thread(target=work, args=(place,)) for place in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert all(np.array_equal(found[place].draws, found[0].draws) for place in range(4))


def _summed(fit):
    return fit.draws.sum(), fit.summary()["x.1"]["mean"], type(fit).__name__


def test_fits_go_to_other_processes(tmp_path):
    fit = catena.sample(catena.FunctionModel(normals, 2), 2, seed=1, num_samples=50)
    for way in ("spawn", "fork") if sys.platform.startswith("linux") else ("spawn",):
        with warnings.catch_warnings():
            # Forks of processes with threads are warned of.
            warnings.simplefilter("ignore", DeprecationWarning)
            with multiprocessing.get_context(way).Pool(2) as pool:
                assert pool.map(_summed, [fit, fit]) == [_summed(fit)] * 2
    # And on from a file, by another process that knows the model.
    part = catena.sample(catena.FunctionModel(normals, 2), 2, seed=1, num_samples=50, max_evaluations=300)
    (tmp_path / "part").write_bytes(pickle.dumps(part))
    program = "import pickle, sys, numpy as np, catena; from conftest import normals; part = pickle.load(open(sys.argv[1], 'rb'))"
    program += "; fit = catena.resume(catena.FunctionModel(normals, 2), part, max_evaluations=0); print(fit.draws.sum().hex())"
    command = [sys.executable, "-c", program, str(tmp_path / "part")]
    done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == fit.draws.sum().hex(), done.stderr


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="no /proc")
def test_runs_that_fail_leave_no_memory():
    def resident():
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    # Bytes that each run would leave if it left its exception.
    size, kept = 2 * 200_000 * 9 * 8, []

    def fails(x):
        kept.append(None)
        if len(kept) % 50 == 0:
            raise ValueError(np.ones(size // 8))
        return normals(x)

    def run():
        try:
            catena.sample(catena.FunctionModel(fails, 2), 2, seed=1, num_samples=200_000, check_gradient=False)
        except ValueError:
            gc.collect()

    # The allocator keeps a few such pieces for later runs.
    for _ in range(3):
        run()
    before = resident()
    for _ in range(20):
        run()
    assert resident() - before < 4 * size


def test_a_run_that_nobody_holds_ends(compiled):
    model = catena.CModel(compiled, 2)
    run = catena.start(model, 2, seed=1, num_samples=10_000_000)
    alive = weakref.ref(run)
    del run
    gc.collect()
    assert alive() is None


PROGRAM = textwrap.dedent("""
    import ctypes, os, signal, sys, threading, warnings
    import numpy as np, catena

    signal.signal(signal.SIGINT, signal.default_int_handler)
    warnings.simplefilter("ignore")
    kind, library, warmup, samples = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    model = {
        "python": lambda: catena.FunctionModel(lambda x: (-0.5 * float(x @ x), -x), 2),
        "vectorized": lambda: catena.VectorizedModel(lambda x: (-0.5 * (x**2).sum(axis=1), -x), 2),
        "compiled": lambda: catena.CModel(ctypes.CDLL(library).evaluate, 2),
    }[kind]()
    catena.sample(model, 2, seed=1, num_warmup=10, num_samples=2)
    print("ready", flush=True)
    fit = None
    try:
        fit = catena.sample(model, 2, seed=1, num_warmup=warmup, num_samples=samples)
        # A Ctrl-C that comes when the call has returned is this program's own; it is waited for longer than it can take.
        fit.interrupted or threading.Event().wait(1)
    except KeyboardInterrupt:
        assert fit is not None, "the call raised what it was to return for"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert all(np.isfinite(fit.values[i, : chain.rows]).all() for i, chain in enumerate(fit.chains))
    print("fit", fit.interrupted, min(chain.rows for chain in fit.chains), flush=True)
    sys.stdin.readline()
""")
# Seconds after the call; the last run below takes about as long, so that Ctrl-C also comes at its very end.
DELAYS = (0.0, 0.0003, 0.003, 0.03, 0.2)


@pytest.mark.skipif(sys.platform == "win32", reason="no signals")
@pytest.mark.parametrize("kind", ["python", "vectorized", "compiled"])
@pytest.mark.parametrize("warmup, samples", [(100, 5_000_000), (5_000_000, 10), (100, 2000)], ids=["sampling", "warmup", "end"])
def test_ctrl_c_at_any_moment_returns_what_was_drawn(kind, warmup, samples, compiled_library):
    for delay in DELAYS:
        command = [sys.executable, "-c", PROGRAM, kind, compiled_library, str(warmup), str(samples)]
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert child.stdout.readline() == "ready\n"
        # The call has not begun when its program says that it will.
        threading.Event().wait(0.005 + delay)
        child.send_signal(signal.SIGINT)
        line = child.stdout.readline()
        out, words = child.communicate("\n", timeout=60)
        told = line + out
        # After the call there is nothing to return.
        assert told.startswith("fit"), (delay, told, words)
        if samples == 5_000_000:
            assert told.startswith("fit True"), told
