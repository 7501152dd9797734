"""Populations of Python objects."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

import catena


def create(rng):
    return rng.normal()


def walk(rng, x, sd):
    return x + sd * rng.normal(), 0.0


def observe(rng, x, y, sd):
    return -0.5 * ((y - x) / sd) ** 2 - math.log(sd * math.sqrt(2 * math.pi))


DATA = [0.3, 0.6, 0.2, -0.1, 0.4]


def filtered(num_sets=8, seed=1):
    population = catena.Population(create, num_sets=num_sets, num_particles=500, seed=seed)
    for y in DATA:
        population.apply(walk, 0.3).apply(observe, y, 0.5).resample(ess_below=0.5)
    return population


def exact():
    mean, variance, evidence = 0.0, 1.0, 0.0
    for y in DATA:
        variance += 0.09
        total = variance + 0.25
        evidence += -0.5 * ((y - mean) ** 2 / total + math.log(2 * math.pi * total))
        mean += variance / total * (y - mean)
        variance *= 0.25 / total
    return mean, evidence


def test_a_bootstrap_filter_agrees_with_kalman():
    population = filtered()
    mean, evidence = exact()
    found = population.log_evidence()
    assert abs(found.estimate - evidence) < 5 * found.standard_error < 0.3
    assert abs(population.weights() @ np.array(population.report(lambda x: x)) - mean) < 0.1
    assert population.generation == 15 and len(population.sets) == 8 and "8 sets of 500 traces" in repr(population)


def test_a_grown_set_is_what_it_would_have_been():
    grown = filtered(2)
    assert grown.grow(1) == 3
    assert grown.report(lambda x: x) == filtered(3).report(lambda x: x)
    assert np.array_equal(grown.weights(3, log=True), filtered(3).weights(3, log=True))


def test_saved_and_loaded_it_goes_on():
    population = filtered(2)
    loaded = catena.Population.load(population.save(), create)
    for one in (population, loaded):
        one.apply(walk, 1.0)
        assert one.grow() == 3
    assert population.report(lambda x: x) == loaded.report(lambda x: x)
    local = catena.Population(create, num_particles=3, seed=1).apply(lambda rng, x: 0.0)
    assert catena.Population.load(local.save(), create).report(lambda x: x) == local.report(lambda x: x)
    with pytest.raises(ValueError, match="expected what `save` gave"):
        catena.Population.load(b"nothing", create)


def test_traces_are_any_objects():
    population = catena.Population(lambda rng: {"path": [rng.integers(3)]}, num_sets=2, num_particles=50, seed=1, genealogy=True)

    def step(rng, trace):
        trace["path"].append(int(rng.integers(3)))
        return -1.0 if trace["path"][-1] == 0 else 0.0

    for _ in range(4):
        population.apply(step).resample()
    assert all(len(path) == 5 for path in population.report(lambda trace: trace["path"]))
    assert population.copies > 0 and population.distinct_ancestors(1)[-1] == 50 and population.ancestors(1, 0).shape == (50,)
    assert population.trace(1, 0)["path"] == population.report(lambda trace: trace["path"], which="distinguished")[0]
    # Copies are copies.
    assert len({id(trace) for trace in population.report(lambda trace: trace)}) == 100
    assert population.on_trace(lambda rng, trace: -2.0, 1, 3) == -2.0
    with pytest.raises(LookupError, match="set 9 has no trace 0"):
        population.trace(9, 0)


def test_traces_merge_and_become_several():
    population = catena.Population(lambda rng: 0, num_particles=4, seed=1)
    population.diversify(lambda rng, x: [(x + k, math.log(p)) for k, p in ((-1, 0.5), (-2, 0.25), (1, 0.25))])
    assert population.sets[0].num_traces == 12
    # The hashes of -1 and -2 are equal; the traces are not.
    population.collapse(lambda x: (x,))
    weights = dict(zip(population.report(lambda x: x), population.weights(1)))
    assert sorted(weights) == [-2, -1, 1] and weights[-1] == pytest.approx(0.5)


def test_an_exception_names_set_and_particle_and_changes_nothing():
    population = catena.Population(create, num_sets=2, num_particles=10, seed=1)
    before, counter = population.report(lambda x: x), itertools.count()

    def fails(rng, x):
        if next(counter) == 13:
            raise KeyError("that trace")
        return x + 1, 0.0

    with pytest.raises(catena.CatenaError, match="that trace") as caught:
        population.apply(fails)
    assert (caught.value.set, caught.value.particle) == (2, 3) and isinstance(caught.value.__cause__, KeyError)
    assert population.report(lambda x: x) == before
    losing = catena.Population(create, num_particles=10, seed=1, on_trace_failure="lose")
    counter = itertools.count(10)
    with pytest.warns(catena.CatenaWarning, match="that trace"):
        losing.apply(fails)
    assert losing.report(lambda x: x)[3] is None and losing.weights(1)[3] == 0
    with pytest.raises(catena.CatenaError, match="expected a pair of a trace and the increment"):
        population.apply(lambda rng, x: (x, 0.0, 1))
    with pytest.raises(catena.CatenaError, match="expected a number, got str"):
        population.apply(lambda rng, x: "weight")
    with pytest.raises(TypeError, match="'num_warmup' is not an option of population"):
        catena.Population(create, num_warmup=3)


def test_what_is_impossible_has_no_weight():
    population = catena.Population(create, num_particles=100, seed=1)

    def right(rng, x):
        if x < 0:
            raise catena.Reject
        return 0.0

    population.apply(right)
    values, weights = np.array(population.report(lambda x: x or -1)), population.weights(1)
    assert (weights[values < 0] == 0).all() and weights.sum() == pytest.approx(1)


def test_ctrl_c_and_progress():
    told = []

    def interrupted(rng, x):
        raise KeyboardInterrupt

    population = catena.Population(create, num_particles=100, seed=1, progress=lambda done, total: told.append((done, total)))
    with pytest.raises(KeyboardInterrupt):
        population.apply(interrupted)
    population.apply(walk, 1.0)
    assert population.sets[0].num_traces == 100

    def nosy(rng, x):
        population.apply(walk, 1.0)

    with pytest.raises(catena.CatenaError, match="the population is at work"):
        population.apply(nosy)
    population.close()
    with pytest.raises(RuntimeError, match="the population was closed"):
        population.resample()
