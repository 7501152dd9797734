"""Arguments that are none are named, whichever function gets them."""

from __future__ import annotations

import os
import threading

import numpy as np
import pytest

import catena
from conftest import normals

MODEL = catena.FunctionModel(normals, 2)
DRAWS = np.random.default_rng(1).normal(size=(2, 50, 1))
LIKELIHOOD = catena.Likelihood(lambda o, m, e: np.full((len(m), len(o), len(e["t"])), 0.5), parameters=["p"], fields=["t"])
UNIT = catena.Prior.uniform([0], [1])


def population():
    return catena.Population(lambda rng: rng.normal(), num_sets=2, num_particles=5, seed=1)


def updater(**more):
    return catena.Updater(LIKELIHOOD, UNIT, **({"num_models": 10, "seed": 1} | more))


def particle_filter(**more):
    def move(rng, x, t):
        return x + rng.normal(size=len(x))

    numbers = {"num_times": 2, "num_particles": 5, "seed": 1} | more
    return catena.particle_filter(lambda rng, n: rng.normal(size=n), move, lambda x, t: -(x**2), **numbers)


def refused(calls, value, kind, words):
    for argument, call in calls:
        with pytest.raises(kind, match=f"'{argument}': expected .*{words}"):
            call(value)


@pytest.mark.parametrize(
    "value, kind, words",
    [
        (-1, ValueError, "at least 0.*got -1"),
        (1.5, TypeError, "at least 0, got 1.5"),
        ("a", TypeError, "at least 0, got 'a'"),
        (2**70, ValueError, "below 2."),
        (True, TypeError, "got True"),
        (None, TypeError, "got None"),
        (np.zeros(2), TypeError, "got array"),
    ],
    ids=["negative", "real", "text", "large", "bool", "none", "array"],
)
def test_whole_numbers(value, kind, words):
    p, u = population(), updater()
    calls = [
        ("count", p.resample),
        ("count", p.grow),
        ("count", p.drop),
        ("counts", lambda value: p.block_resample([value, value])),
        ("ids", lambda value: p.drop(ids=[value])),
        ("set", lambda value: p.on_trace(lambda rng, x: 0.0, value, 0)),
        ("index", lambda value: p.on_trace(lambda rng, x: 0.0, 1, value)),
        ("index", lambda value: p.trace(1, value)),
        ("num_sets", lambda value: p.reinitialize(value, 1)),
        ("num_particles", lambda value: catena.Population(lambda rng: 0.0, num_particles=value, seed=1)),
        ("num_models", u.resample),
        ("num_models", lambda value: updater(num_models=value)),
        ("num_times", lambda value: particle_filter(num_times=value)),
        ("set", u.set_mean),
        ("steps", lambda value: u.learn(catena.Sparse("t"), value, lambda e, k: 1)),
        ("k", lambda value: u.design(catena.Sparse("t"), value)),
        ("k", catena.sparse_time),
        ("dimension", lambda value: catena.FunctionModel(normals, value)),
        ("width", lambda value: catena.Likelihood(normals, parameters=["p"], width=value)),
        ("lengths", lambda value: catena.summarize(DRAWS, ["a"], lengths=[value, value])),
        ("max_depth", lambda value: catena.summarize(DRAWS, ["a"], max_depth=value)),
        ("digits", lambda value: catena.summarize(DRAWS, ["a"], digits=value)),
    ]
    # None is a value of these: a random seed, and all sets.
    if value is not None:
        calls += [("seed", lambda value: updater(seed=value)), ("set", p.weights)]
    refused(calls, value, kind, words)
    assert [one.num_traces for one in p.sets] == [5, 5] and u.num_records == 0


@pytest.mark.parametrize("value", ["a", None, 1j, [1.0, 2.0]], ids=str)
def test_real_numbers(value):
    u = updater()
    run = catena.start(MODEL, 1, num_samples=5)
    calls = [
        ("ess_below", lambda value: population().resample(ess_below=value)),
        ("level", lambda value: u.densest(1, value)),
        ("bandwidth", lambda value: u.density("p", [0.5], bandwidth=value)),
        ("timeout", run.poll),
        ("scale", lambda value: catena.sparse_time(1, value)),
        ("scale", lambda value: u.design(catena.Guess("t", scale=value))),
        ("a", lambda value: updater(a=value)),
        ("ess_threshold", lambda value: updater(ess_threshold=value)),
        ("ess_threshold", lambda value: particle_filter(ess_threshold=value)),
        ("epsilon", lambda value: catena.diagnose(MODEL, epsilon=value)),
        ("threshold", lambda value: catena.diagnose(MODEL, threshold=value)),
        ("probability", lambda value: catena.mcse_quantile(DRAWS[:, :, 0], value)),
    ]
    refused(calls, value, TypeError, "number, got")
    run.close()


@pytest.mark.parametrize("value", [3, None, object(), "ab"], ids=["number", "none", "object", "text"])
def test_lists_names_and_functions(value):
    u = updater()
    calls = [
        ("counts", population().block_resample),
        ("ids", lambda value: population().drop(ids=value)),
        ("names", lambda value: catena.summarize(DRAWS, value)),
        ("parameters", lambda value: catena.Likelihood(normals, parameters=value)),
        ("fields", lambda value: catena.Likelihood(normals, parameters=["p"], fields=value)),
        ("parts", catena.Prior.product),
        ("fit", lambda value: catena.resume(MODEL, value)),
        ("likelihood", lambda value: catena.Updater(value, UNIT)),
        ("likelihood", lambda value: catena.Updater.load(u.save(), value)),
        ("prior", lambda value: catena.Updater(LIKELIHOOD, value)),
        ("guessed", lambda value: u.design(catena.Guess("t", guessed=value))),
    ]
    # None stands for nothing given, or says the default.
    if value is not None:
        calls += [
            ("names", lambda value: catena.FunctionModel(normals, 2, names=value)),
            ("outputs", lambda value: catena.FunctionModel(normals, 2, constrain=normals, outputs=value)),
            ("variables", lambda value: catena.summarize(DRAWS, ["a"], variables=value)),
            ("lengths", lambda value: catena.summarize(DRAWS, ["a"], lengths=value)),
            ("checkpoints", lambda value: catena.sample(MODEL, 2, checkpoints=value)),
            ("reference", lambda value: catena.sample_smc(MODEL, reference=value)),
            ("function", u.mean),
            ("function", u.resample_by),
            ("likelihood", lambda value: catena.Likelihood(value, parameters=["p"])),
            ("score", lambda value: catena.Likelihood(normals, parameters=["p"], score=value)),
            ("create", lambda value: catena.Population(value, seed=1)),
            ("weigh", lambda value: catena.Population(lambda rng: 0.0, weigh=value, seed=1)),
        ]
    refused(calls, value, TypeError, "got")
    if not isinstance(value, str):
        with pytest.raises(TypeError, match="'files': expected names of files"):
            catena.read(value)
        with pytest.raises(TypeError, match="'names': expected a list of names"):
            catena.FunctionModel(normals, 2, names=["a", value])
    for call in (lambda: catena.CModel(1, 2, threading=value), lambda: population().resample(resampling=value)):
        with pytest.raises(ValueError, match="expected one of"):
            call()
    if value is not None:
        with pytest.raises(ValueError, match="'service': expected one of .*nuts"):
            catena.options(value)
        with pytest.raises(TypeError, match="'progress' goes with catena.sample"):
            catena.start(MODEL, progress=value)


def one_more(value):
    """The same, with an axis more where it would be right as it is."""
    return value[None] if isinstance(value, np.ndarray) else value


@pytest.mark.parametrize("value", [[1, [2, 3]], ["a"], np.zeros((2, 2, 2)), [1j]], ids=["ragged", "text", "3 axes", "complex"])
def test_arrays(value):
    u = updater()
    calls = [
        ("init", lambda value: catena.sample(MODEL, 1, init=value)),
        ("positions", lambda value: catena.log_density(MODEL, value)),
        ("draws", catena.rhat),
        ("draws", lambda value: catena.summarize(one_more(value), ["a"])),
        ("low", lambda value: catena.Prior.uniform(value, [1])),
        ("mean", lambda value: catena.Prior.normal(value, [1])),
        ("covariance", lambda value: catena.Prior.normal([0], value)),
        ("values", catena.Prior.draws),
        ("outcome", lambda value: u.update(value, 1.0)),
        ("experiment", lambda value: u.update(1, value)),
        ("experiment", lambda value: u.update(1, {"t": value})),
        ("outcomes", lambda value: u.batch_update(value, [1.0, 1.0])),
        ("models", lambda value: u.set_models(1, value)),
        ("weights", lambda value: u.set_models(1, [[0.5]], value)),
        ("log_weights", lambda value: u.set_log_weights(1, value)),
        ("edges", lambda value: u.histogram("p", value)),
        ("points", lambda value: u.density("p", value)),
        ("points", lambda value: u.hull_contains(1, value)),
        ("candidates", lambda value: u.design(catena.Best(value))),
        ("experiments", u.worth),
        ("scales", lambda value: u.worth([1.0], scales=value)),
        ("information", lambda value: catena.bayesian_bound(one_more(value))),
        ("log_weights", lambda value: population().set_log_weights(1, value)),
        ("retained", lambda value: particle_filter(retained=value)),
    ]
    refused(calls, value, (TypeError, ValueError), "got")
    assert u.num_records == 0
    with pytest.raises(ValueError, match="'experiments': expected as many numbers of each field, got .2, 3."):
        two = catena.Likelihood(normals, parameters=["p"], fields=["s", "t"])
        catena.Updater(two, UNIT, seed=1).batch_update([0, 1], {"s": [1, 2], "t": [1, 2, 3]})


def test_numbers_that_are_none():
    u, nan = updater(), np.nan
    u.set_models(1, np.linspace(0, 1, 10)[:, None])
    for argument, call in (
        ("mean", lambda: catena.Updater(LIKELIHOOD, catena.Prior.normal([nan], [1.0]))),
        ("values", lambda: catena.Updater(LIKELIHOOD, catena.Prior.draws([[nan]]))),
        ("models", lambda: u.set_models(1, [[nan]])),
        ("weights", lambda: u.set_models(1, [[0.5], [0.6]], [nan, 1.0])),
        ("log_weights", lambda: u.set_log_weights(1, np.full(10, nan))),
        ("log_weights", lambda: population().set_log_weights(1, np.full(5, nan))),
        ("outcome", lambda: u.update(nan, 1.0)),
        ("scale", lambda: u.design(catena.Guess("t", scale=nan))),
        ("scale", lambda: u.design(catena.Sparse("t", scale=-1.0))),
        ("inv_metric", lambda: catena.sample(MODEL, 1, inv_metric=[nan, 1.0])),
        ("epsilon", lambda: catena.diagnose(MODEL, epsilon=nan)),
        ("delta", lambda: catena.sample(MODEL, 1, delta=nan)),
        ("ess_threshold", lambda: updater(ess_threshold=nan)),
    ):
        with pytest.raises((ValueError, catena.CatenaError), match=argument):
            call()
    assert np.isnan(catena.log_density(catena.FunctionModel(lambda x: (float(x[0]), x), 2), [nan, 0.0]))
    assert np.isnan(catena.rhat(np.full((2, 50), nan)))


def apart(values):
    """The same numbers, every second of a larger array's, backwards, and not to be written."""
    values = np.asarray(values, dtype=float)
    wide = np.full([2 * extent for extent in values.shape], np.nan)
    every = tuple(slice(None, None, -2) for _ in values.shape)
    wide[every] = values
    view = wide[every]
    view.flags.writeable = False
    assert not view.flags.c_contiguous
    return view


def test_arrays_lie_anyhow():
    rng = np.random.default_rng(3)
    draws, models, weights = rng.normal(size=(2, 60, 3)), rng.random((10, 1)), rng.random(10)
    outcomes, times = (rng.random(6) < 0.5).astype(float), rng.random(6)
    precession = catena.Likelihood(
        lambda o, m, e: (
            np.where(o[None, :, None] == 0, 0.0, 1.0)
            + np.where(o[None, :, None] == 0, 1.0, -1.0) * np.cos(m[:, :1, None] * e["t"][None, None, :]) ** 2
        ),
        parameters=["p"],
        fields=["t"],
    )

    def learnt(lie):
        u = catena.Updater(precession, catena.Prior.draws(lie(models)), num_models=10, seed=1)
        u.set_models(1, lie(models), lie(weights)).batch_update(lie(outcomes), lie(times))
        return (
            u.weights(1),
            u.histogram("p", lie([0.0, 0.5, 1.0])),
            u.worth(lie(times)),
            u.likelihood(lie(outcomes), lie(models), lie(times)),
        )

    def all_of(lie):
        p = population()
        p.set_log_weights(1, lie(weights[:5]))
        return [
            catena.rhat(lie(draws[:, :, 0])),
            catena.summarize(lie(draws), ["a", "b", "c"]).statistics["mean"],
            catena.cos_squared(lie(draws)),
            catena.bayesian_bound(lie(np.eye(2) + np.zeros((3, 2, 2)))),
            p.weights(),
            particle_filter(retained=lie([0.1, 0.2])).log_evidence,
            *learnt(lie),
        ]

    for plain, strange in zip(all_of(np.ascontiguousarray), all_of(apart)):
        np.testing.assert_array_equal(plain, strange)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_was_made_before_a_fork_is_the_parents():
    p, u, f = population(), updater(), particle_filter(history=True)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            for call in (p.resample, lambda: p.weights(1), u.resample, lambda: u.update(1, 1.0)):
                with pytest.raises(RuntimeError, match="was made in process .* this is its fork"):
                    call()
            # Others are fine, and so is what has been computed.
            assert updater().update(1, 1.0).num_records == 1
            assert np.array_equal(f.particles(1)[0], particle_filter().particles(1)[0])
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    assert p.resample() is p and u.update(1, 1.0).num_records == 1


def test_a_thread_is_as_good_as_another_and_two_at_once_are_refused():
    found = {}

    def work(seed):
        p = catena.Population(lambda rng: rng.normal(), num_particles=20, seed=seed)
        p.apply(lambda rng, x: (x + rng.normal(), -(x**2))).resample()
        found[seed] = p.report(lambda x: x), particle_filter(seed=seed).log_evidence, updater(seed=seed).models(1)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in (1, 2, 3, 4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    together = found[3]
    work(3)
    for one, other in zip(found[3], together):
        np.testing.assert_array_equal(one, other)

    p, inside, over, words = population(), threading.Event(), threading.Event(), []

    def slow(rng, x):
        inside.set()
        assert over.wait(30)

    at_work = threading.Thread(target=p.apply, args=(slow,))
    at_work.start()
    assert inside.wait(30)
    try:
        p.resample()
    except (RuntimeError, catena.CatenaError) as error:
        words.append(str(error))
    over.set()
    at_work.join()
    assert len(words) == 1 and "at work" in words[0], words
    assert p.resample() is p
