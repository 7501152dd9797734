"""What goes wrong says what was expected and what came."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import textwrap
import threading
import traceback
import weakref
from array import array

import numpy as np
import pytest

import catena
from conftest import normals


class Oops(Exception):
    pass


def test_an_exception_comes_out_with_its_traceback():
    calls = 0

    def fails(x):
        nonlocal calls
        calls += 1
        if calls > 500:
            raise Oops("in the model")
        return normals(x)

    with pytest.raises(Oops, match="in the model") as caught:
        catena.sample(catena.FunctionModel(fails, 2), seed=1)
    assert "raise Oops" in "".join(traceback.format_tb(caught.value.__traceback__))
    alive = weakref.ref(caught.value)
    del caught
    gc.collect()
    assert alive() is None
    # A chain may have asked for one more evaluation.
    assert calls <= 520


@pytest.mark.parametrize(
    "function, kind, words",
    [
        (lambda x: -0.5 * x @ x, TypeError, "expected to return a pair of log density and gradient"),
        (lambda x: (0.0, np.zeros(3)), ValueError, r"gradient.*expected an array of shape \(2,\), got one of shape \(3,\)"),
        (lambda x: (0.0, 1.0), ValueError, r"expected an array of shape \(2,\), got one of shape \(\)"),
        (lambda x: (0.0, x[None]), ValueError, r"got one of shape \(1, 2\)"),
        (lambda x: (0.0, x * 1j), TypeError, r"expected real numbers.*complex128"),
        (lambda x: (0.0, ["a", "b"]), TypeError, "expected real numbers"),
        (lambda x: (0.0, None), TypeError, "expected real numbers.*None"),
        (lambda x: ("zero", -x), TypeError, "log density.*expected a number, got str 'zero'"),
        (lambda x: (x, -x), TypeError, r"log density.*expected a number, got an array of dtype float64 and shape \(2,\)"),
        (lambda x: (None, -x), TypeError, "log density.*expected a number, got NoneType"),
    ],
)
def test_what_a_function_returns_is_checked(function, kind, words):
    with pytest.raises(kind, match=words):
        catena.sample(catena.FunctionModel(function, 2), 1, seed=1)


def test_other_numbers_are_taken():
    def function(x):
        value, gradient = normals(x)
        return np.array([value]), [float(one) for one in gradient]

    assert np.array_equal(
        catena.sample(catena.FunctionModel(function, 2), 1, seed=1, num_samples=20).draws,
        catena.sample(catena.FunctionModel(normals, 2), 1, seed=1, num_samples=20).draws,
    )
    for kind in (lambda g: array("d", g), lambda g: g.astype(">f8"), lambda g: memoryview(g), np.ma.masked_array, tuple):
        strange = catena.FunctionModel(lambda x, kind=kind: (normals(x)[0], kind(normals(x)[1])), 2)
        assert np.array_equal(
            catena.sample(strange, 1, seed=1, num_samples=20).draws,
            catena.sample(catena.FunctionModel(normals, 2), 1, seed=1, num_samples=20).draws,
        )
    single = catena.FunctionModel(lambda x: (np.float32(-0.5 * x @ x), np.float32(-x)), 2)
    assert catena.sample(single, 1, seed=1, num_samples=20).draws.shape == (1, 20, 2)
    # Every second number, backwards, and not to be written.
    wide = np.zeros((2, 5))

    def strided(x):
        value, gradient = normals(x)
        wide[:, 3] = gradient[::-1]
        column = wide[::-1, 3]
        column.flags.writeable = False
        return value, column

    assert np.array_equal(
        catena.sample(catena.FunctionModel(strided, 2), 1, seed=1, num_samples=20).draws,
        catena.sample(catena.FunctionModel(normals, 2), 1, seed=1, num_samples=20).draws,
    )


def test_vectorized_functions_are_checked():
    def wrong(x):
        return -0.5 * (x**2).sum(axis=1), -x[:1]

    with pytest.raises(ValueError, match=r"gradients.*expected an array of shape \(\d, 2\)"):
        catena.sample(catena.VectorizedModel(wrong, 2), 3, seed=1)


def test_nan_everywhere_is_no_place_to_start():
    with pytest.raises(catena.CatenaError) as caught:
        catena.sample(catena.FunctionModel(lambda x: (np.nan, x), 2), 1, seed=1)
    assert caught.value.status == "initialization" and caught.value.chain == 1


def test_points_can_be_refused():
    def half(x):
        if x[0] < 0:
            raise catena.Reject("only the right half")
        return normals(x)

    fit = catena.sample(catena.FunctionModel(half, 2), 2, seed=1, num_samples=200, init=[1.0, 0.0])
    assert fit.draws.shape == (2, 200, 2) and (fit["x.1"] >= 0).all()
    assert np.isnan(catena.log_density(catena.FunctionModel(half, 2), [-1.0, 0.0]))


def test_a_chain_that_fails_leaves_the_others_alone():
    def far(x):
        return (-np.inf, x) if abs(x[0]) > 5 else normals(x)

    model = catena.FunctionModel(far, 2, names=["a", "b"])
    with pytest.warns(catena.CatenaWarning, match="chain 2"):
        fit = catena.sample(model, 3, seed=1, num_samples=100, init=[[0, 0], [50, 0], [0, 0]])
    assert fit.draws.shape == (2, 100, 2) and fit.chains[1].error is not None and fit.good == [0, 2]
    with pytest.raises(ValueError, match="expected chains that can go on"):
        catena.resume(model, fit)


def test_outputs_are_checked():
    odd = catena.FunctionModel(normals, 2, constrain=lambda x: {"v": np.zeros(2 if x[0] == 0 else 3)})
    with pytest.raises(ValueError, match=r"expected 'v' to have shape \(2,\), got \(3,\)"):
        catena.sample(odd, 1, seed=1)
    with pytest.raises(TypeError, match="'constrain': expected a mapping of names to arrays"):
        catena.FunctionModel(normals, 2, constrain=lambda x: x)
    with pytest.raises(ValueError, match="'outputs': expected 'constrain' with it"):
        catena.FunctionModel(normals, 2, outputs=["a"])


def test_models_are_checked():
    with pytest.raises(TypeError, match="'function': expected a function, got 3"):
        catena.FunctionModel(3, 2)
    with pytest.raises(ValueError, match="'dimension': expected a whole number"):
        catena.FunctionModel(normals, -1)
    with pytest.raises(TypeError, match="'dimension': expected a whole number"):
        catena.FunctionModel(normals, 2.0)
    with pytest.raises(ValueError, match="'names': expected 2 names, got 3"):
        catena.FunctionModel(normals, 2, names={"a": 3})
    with pytest.raises(TypeError, match="'model': expected a model, such as catena.FunctionModel"):
        catena.sample(normals)


def test_arrays_that_are_given_may_lie_anyhow(model):
    plain = catena.sample(model, 2, seed=1, num_samples=20, init=np.array([[0.1, 0.2], [0.3, 0.4]]))
    wide = np.zeros((4, 4))
    wide[::2, ::2] = [[0.1, 0.2], [0.3, 0.4]]
    view = wide[::2, ::2]
    view.flags.writeable = False
    assert np.array_equal(catena.sample(model, 2, seed=1, num_samples=20, init=view).draws, plain.draws)
    positions = np.asfortranarray(np.random.default_rng(0).normal(size=(5, 2)))
    positions.flags.writeable = False
    assert np.array_equal(catena.log_density(model, positions), [normals(x)[0] for x in positions])
    with pytest.raises(ValueError, match=r"'positions': expected an array of shape \(any, 2\), got \(5, 3\)"):
        catena.log_density(model, np.zeros((5, 3)))
    with pytest.raises(TypeError, match="'positions': expected real numbers"):
        catena.log_density(model, [["a", "b"]])


def test_draws_that_are_none():
    with pytest.raises(ValueError, match=r"'draws': expected an array of shape \(any, any, any\), got \(3,\)"):
        catena.summarize(np.zeros(3), ["a"])
    with pytest.raises(ValueError, match="'names': expected 2 names, one per column, got 1"):
        catena.summarize(np.zeros((1, 10, 2)), ["a"])
    with pytest.raises(TypeError, match="'draws': expected real numbers"):
        catena.rhat([["a"]])


def test_from_a_thread(model):
    found = {}

    def work(seed):
        found[seed] = catena.sample(model, 2, seed=seed, num_samples=100)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert np.array_equal(found[2].draws, catena.sample(model, 2, seed=2, num_samples=100).draws)


def test_a_run_is_waited_for_once_at_a_time(model):
    inner = []

    def nosy(x):
        if not inner:
            inner.append(None)
            with pytest.raises(RuntimeError, match="is being waited for already"):
                run.poll()
        return normals(x)

    run = catena.start(catena.FunctionModel(nosy, 2), 1, seed=1, num_samples=10)
    assert run.result().draws.shape == (1, 10, 2) and inner


def test_a_model_may_sample(model):
    def nested(x):
        fit = catena.sample(model, 1, seed=1, num_warmup=0, num_samples=1)
        return normals(x + 0 * fit.draws.sum())

    assert catena.sample(catena.FunctionModel(nested, 2), 1, seed=1, num_warmup=5, num_samples=5).draws.shape == (1, 5, 2)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_after_a_fork(model):
    run = catena.start(model, 1, seed=1, num_samples=100_000)
    run.poll(0.01)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            with pytest.raises(RuntimeError, match="was made in process .* this is its fork"):
                run.poll()
            # Another run is fine.
            if catena.sample(model, 2, seed=1, num_samples=10).draws.shape == (2, 10, 2):
                code = 0
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    run.close()


@pytest.mark.skipif(sys.platform == "win32", reason="no signals")
@pytest.mark.parametrize("kind", ["python", "compiled"])
def test_ctrl_c_returns_what_was_drawn(kind, compiled_library):
    program = textwrap.dedent("""
        import ctypes, os, signal, sys, threading, warnings
        import numpy as np, catena

        def function(x):
            return -0.5 * float(x @ x), -x

        # A shell that starts this in the background has it ignored.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if sys.argv[1] == "python":
            model = catena.FunctionModel(function, 2)
        else:
            model = catena.CModel(ctypes.CDLL(sys.argv[2]).evaluate, 2)
        threading.Timer(0.4, os.kill, (os.getpid(), signal.SIGINT)).start()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            fit = catena.sample(model, 2, seed=1, num_samples=2_000_000)
        assert fit.interrupted and min(chain.rows for chain in fit.chains) > 0, fit
        assert np.isfinite(fit.draws).all()
        assert any("interrupted" in str(one.message) for one in caught)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        print("kept", fit.draws.shape[1])
    """)
    done = subprocess.run([sys.executable, "-c", program, kind, compiled_library], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and done.stdout.startswith("kept"), done.stderr


def test_ctrl_c_in_a_poll_ends_the_waiting_alone(model):
    run = catena.start(model, 1, seed=1, num_samples=300_000)
    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            run.poll(60.0)
        timer.join()
    finally:
        signal.signal(signal.SIGINT, before)
    assert not run.poll() and not run.progress()[0].over
    run.close()
    with pytest.raises(RuntimeError, match="the run was closed"):
        run.poll()


def test_a_wrong_gradient_is_found_where_chains_begin():
    def wrong(x):
        value, gradient = normals(x)
        return value, gradient + [0, 0.5]

    short = {"chains": 2, "num_warmup": 20, "num_samples": 5, "seed": 1, "progress": False}
    model = catena.FunctionModel(wrong, 2, names=["a", "b"])
    with pytest.raises(catena.CatenaError, match="chain 1.*derivative by 'b'.*differences"):
        catena.sample(model, **short)
    assert not catena.sample(model, check_gradient=False, **short).interrupted
    right = catena.FunctionModel(normals, 2)
    np.testing.assert_array_equal(catena.sample(right, **short).draws, catena.sample(right, check_gradient=False, **short).draws)
