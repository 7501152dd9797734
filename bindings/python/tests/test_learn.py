"""Updaters: learning from data and the choice of experiments."""

from __future__ import annotations

import numpy as np
import pytest

import catena


def ramsey(outcomes, models, experiments):
    """Outcome 0 has probability exp(-rate t) cos²(omega t / 2) + (1 - exp(-rate t)) / 2."""
    omega, rate = models.T
    decay = np.exp(-np.outer(rate, experiments["t"]))
    zero = decay * catena.cos_squared(np.outer(omega, experiments["t"] / 2)) + (1 - decay) / 2
    return np.where(outcomes[None, :, None] == 0, zero[:, None, :], 1 - zero[:, None, :])


TRUTH = np.array([0.68, 0.03])


def qubit(**more):
    return catena.Likelihood(
        ramsey, parameters=["omega", "rate"], fields=["t"], are_valid=lambda models: (models > 0).all(axis=1), **more
    )


def updater(likelihood=None, **more):
    options = {"num_sets": 4, "num_models": 2000, "seed": 1, "a": 0.99} | more
    return catena.Updater(likelihood or qubit(), catena.Prior.uniform([0, 0], [1, 0.1]), **options)


def test_a_qubit_is_learnt():
    u = updater()
    taken = u.learn(catena.Guess("t", longest=50), 150, lambda experiment, k: u.simulate(TRUTH, experiment)[0, 0])
    omega = u.means()["omega"]
    assert taken == u.num_records == 150 and abs(omega.mean - 0.68) < 4 * omega.sd < 0.4
    outcomes, experiments = u.records()
    assert outcomes.shape == experiments["t"].shape == (150,)
    assert u.log_likelihood().estimate == pytest.approx(np.mean([one.log_likelihood for one in u.sets]), abs=0.5)
    assert u.log_normalizations(1).sum() == pytest.approx(u.sets[0].log_likelihood)
    # To bytes and back it goes on with the same bits.
    v = catena.Updater.load(u.save(), qubit())
    for one in (u, v):
        one.update(1, 20.0).resample()
    assert np.array_equal(u.models(2), v.models(2)) and "151 data" in repr(v)


def test_an_update_is_bayes_rule():
    u = updater(ess_threshold=0)
    models, prior = u.models(1), u.weights(1)
    u.update(0, {"t": 3.0})
    likelihood = ramsey(np.array([0.0]), models, {"t": np.array([3.0])})[:, 0, 0]
    assert np.allclose(u.weights(1), prior * likelihood / (prior @ likelihood))
    weights, logs = u.hypothetical_update(1, [0, 1], [3.0, 5.0])
    assert weights.shape == (2000, 2, 2) and np.allclose(weights.sum(axis=0), 1) and np.allclose(np.exp(logs).sum(axis=0), 1)
    batch = updater(ess_threshold=0).batch_update([0, 1], [3.0, 5.0])
    assert np.allclose(batch.weights(1), u.update(1, 5.0).weights(1))
    assert np.array_equal(u.likelihood([0, 1], models, [3.0])[:, 0, 0], likelihood)
    assert u.mean(lambda rows: rows[:, 0]).estimate == pytest.approx(u.means()["omega"].mean)
    assert np.allclose(u.set_mean(1), u.weights(1) @ models)


def test_estimates_and_regions():
    u = updater().batch_update([0] * 5, [1.0, 2, 3, 4, 5])
    inside = u.densest(1, 0.9)
    assert u.weights(1)[inside].sum() >= 0.9 and u.hull_contains(1, u.models(1)[inside], 0.9).all()
    assert u.hull(1).shape[1] == 2 and u.ellipsoid(1)[1].shape == (2, 2)
    edges = np.linspace(0, 1, 11)
    assert u.histogram("omega", edges).sum() * 0.1 == pytest.approx(1)
    assert u.density("omega", edges, set=1).shape == (11,)
    assert np.allclose(u.covariance(), u.covariance().T) and u.covariance(1).shape == (2, 2)
    with pytest.raises(ValueError, match="'parameter': expected one of omega, rate, got 'tau'"):
        u.histogram("tau", edges)
    with pytest.raises(ValueError, match="'set': expected one of"):
        u.models(9)


def test_the_next_experiment():
    u = updater()
    gains, risks = u.worth([1, 3, 9, 27])
    assert (gains > 0).all() and risks.shape == (4,)
    assert u.design(catena.Best([1, 3, 9, 27])) == {"t": [1, 3, 9, 27][int(gains.argmax())]}
    assert u.design(catena.Sparse("t", scale=2), 3) == {"t": catena.sparse_time(3, 2.0)} and catena.sparse_time(1) == 9 / 8
    assert 0 < u.design(catena.Guess("t", longest=50))["t"] <= 50
    experiment, gain = u.optimize({"t": 3.0}, {"t": 0.5}, low=0.1, high=20)
    assert 0.1 <= experiment["t"] <= 20 and gain >= gains[1] - 0.01
    with pytest.raises(TypeError, match="'how': expected a Guess, Sparse or Best"):
        u.design("guess")
    with pytest.raises(ValueError, match="'time': expected one of t, got 'tau'"):
        u.design(catena.Guess("tau"))


def test_likelihoods_with_all_that_they_may_have():
    def score(outcomes, models, experiments):
        return np.ones((len(models), 2, len(outcomes), len(experiments["t"])))

    likelihood = qubit(
        domain=lambda experiment: [0, 1],
        simulate=lambda rng, models, experiments: rng.integers(2, size=(len(models), len(experiments["t"]))),
        update_timestep=lambda rng, models, experiment: models + 1e-3 * rng.normal(size=models.shape),
        experiment_cost=lambda experiments: experiments["t"],
        canonicalize=np.abs,
        score=score,
    )
    u = updater(likelihood)
    before = u.models(1)
    u.update(0, 1.0).resample()
    assert not np.array_equal(before, u.models(1)) and (u.models(1) >= 0).all()
    assert set(np.unique(u.simulate(before[:50], [1.0, 2.0]))) == {0.0, 1.0}
    assert np.allclose(u.fisher_information(1, [1.0, 2.0]), np.ones((2, 2, 2)), atol=1e-6)
    bound = catena.bayesian_bound(np.stack([np.eye(2), 3 * np.eye(2)]))
    assert np.allclose(bound, np.eye(2) / 4)
    u.resample_by(lambda models, weights, n: (models[:n], np.full(n, 1 / n))).resample()
    u.resample_by(None).resample(100)
    assert u.sets[0].num_models == 100
    u.set_models(1, before[:10], np.arange(10)).set_log_weights(1, np.zeros(10))
    assert np.allclose(u.weights(1), 0.1)
    wide = catena.Likelihood(
        lambda outcomes, models, experiments: (
            np.exp(-((outcomes.sum(axis=1)[None, :, None] - models[:, :1, None]) ** 2)) * np.ones((1, 1, 1))
        ),
        parameters=["x"],
        outcome="real",
        width=2,
    )
    w = catena.Updater(wide, catena.Prior.normal(0, 1), num_models=100, seed=1).update([0.1, 0.2])
    assert w.records()[0].shape == (1, 2)


def test_priors():
    mixed = catena.Prior.product(
        [catena.Prior.uniform(0, 1), catena.Prior.normal([0, 0], np.eye(2)), catena.Prior.draws([[1.0], [2.0]])]
    )
    assert mixed.dimension == 4
    with pytest.raises(catena.CatenaError):
        catena.Prior.normal([0, 0], [[1, 2], [2, 1]])
    with pytest.raises(ValueError, match=r"'high': expected an array of shape \(2,\), got \(1,\)"):
        catena.Prior.uniform([0, 0], 1)


def test_what_a_likelihood_does_wrong():
    u = updater(catena.Likelihood(lambda outcomes, models, experiments: np.ones(3), parameters=["x", "y"]))
    with pytest.raises(catena.CatenaError, match=r"expected an array of shape \(2000, 1, 1\), got one of shape \(3,\)") as caught:
        u.update(0)
    assert isinstance(caught.value.__cause__, ValueError) and u.num_records == 0
    many = updater(
        catena.Likelihood(
            lambda outcomes, models, experiments: np.full((len(models), len(outcomes), 1), 2.0), parameters=["x", "y"]
        )
    )
    with pytest.raises(catena.CatenaError, match="probability"):
        many.update(0)
    with pytest.raises(ValueError, match="'outcome': expected one, got 2"):
        updater().update([0, 1], 1.0)
    with pytest.raises(ValueError, match="'experiments': expected 2, one for each outcome, got 3"):
        updater().batch_update([0, 1], [1.0, 2, 3])
    with pytest.raises(ValueError, match="expected the fields t, got tau"):
        updater().update(0, {"tau": 1.0})
    with pytest.raises(catena.CatenaError) as caught:
        catena.Updater.load(b"no updater", qubit())
    assert caught.value.status == "checkpoint"


class Coin:
    """What QInfer asks of a model, and nothing of QInfer."""

    n_modelparams = 1
    modelparam_names = ["bias"]
    expparams_dtype = [("throws", "int")]

    def likelihood(self, outcomes, modelparams, expparams):
        p = modelparams[None, :, 0:1] ** expparams["throws"]
        return np.where(outcomes[:, None, None] == 0, 1 - p, p)

    def n_outcomes(self, expparams):
        return 2

    def are_models_valid(self, modelparams):
        return ((modelparams >= 0) & (modelparams <= 1)).all(axis=1)


def test_a_model_of_qinfer():
    likelihood = catena.from_qinfer(Coin())
    assert likelihood.parameters == ["bias"] and likelihood.fields == ["throws"]
    u = catena.Updater(likelihood, catena.Prior.uniform(0, 1), num_sets=4, num_models=2000, seed=1, ess_threshold=0)
    u.update(1, {"throws": 2})
    # The mean of a Beta(3, 1).
    bias = u.means()["bias"]
    assert abs(bias.mean - 0.75) < 5 * bias.standard_error < 0.1
    assert u.simulate([[1.0]], {"throws": [1, 5]}).tolist() == [[1.0, 1.0]]


class Basis:
    """A model whose experiments are vectors, as QInfer's tomography has them."""

    n_modelparams = 2
    expparams_dtype = [("meas", float, 2), ("shots", "uint")]

    def likelihood(self, outcomes, modelparams, expparams):
        p = np.clip(modelparams @ expparams["meas"].T, 0, 1) ** expparams["shots"]
        return np.where(outcomes[:, None, None] == 0, 1 - p, p)

    def n_outcomes(self, expparams):
        return 2

    def are_models_valid(self, modelparams):
        return ((modelparams >= 0) & (modelparams <= 1)).all(axis=1)


def test_experiments_of_qinfer_that_are_vectors_or_nothing():
    likelihood = catena.from_qinfer(Basis())
    assert likelihood.fields == ["meas.1", "meas.2", "shots"]
    updater = catena.Updater(likelihood, catena.Prior.uniform([0, 0], [1, 1]), num_models=50, seed=1)
    models, experiments = np.array([[0.2, 0.5], [0.7, 0.1]]), {"meas.1": [1, 0.5], "meas.2": [0, 0.5], "shots": [1, 2]}
    table = np.array([([1, 0], 1), ([0.5, 0.5], 2)], dtype=[("meas", float, 2), ("shots", "uint")])
    expected = Basis().likelihood(np.array([0, 1]), models, table).transpose(1, 0, 2)
    assert np.allclose(updater.likelihood([0, 1], models, experiments), expected)

    class Nothing(Coin):
        expparams_dtype = []

        def likelihood(self, outcomes, modelparams, expparams):
            p = np.repeat(modelparams[None, :, 0:1], len(expparams), axis=2)
            return np.where(outcomes[:, None, None] == 0, 1 - p, p)

    updater = catena.Updater(catena.from_qinfer(Nothing()), catena.Prior.uniform([0], [1]), num_models=50, seed=1)
    assert updater.update(1).num_records == 1

    class Words(Coin):
        expparams_dtype = [("which", "U3")]

    with pytest.raises(TypeError, match="expected experiments of numbers, got the field 'which'"):
        catena.from_qinfer(Words())


@pytest.mark.filterwarnings("ignore")
def test_models_of_the_real_qinfer():
    try:
        import qinfer
    except ImportError as error:
        # It has not followed numpy and SciPy.
        pytest.skip(f"no QInfer that can be loaded: {error}")
    basis = qinfer.tomography.pauli_basis(1)
    rng = np.random.default_rng(1)
    for model, experiments, prior in (
        (qinfer.SimplePrecessionModel(), {"t": [1.0, 5.0, 9.0]}, ([0], [1])),
        (qinfer.SimpleInversionModel(), {"t": [1.0, 5.0], "w_": [0.1, 0.2]}, ([0], [1])),
        (qinfer.BinomialModel(qinfer.SimplePrecessionModel()), {"x": [1.0, 5.0], "n_meas": [5, 5]}, ([0], [1])),
        (qinfer.RandomizedBenchmarkingModel(), {"m": [1, 10]}, ([0.8, 0.2, 0.2], [1, 0.5, 0.5])),
        (qinfer.CoinModel(), {}, ([0], [1])),
        (
            qinfer.tomography.TomographyModel(basis),
            {f"meas.{i + 1}": column for i, column in enumerate(np.array([[0.5, 0.5, 0, 0], [0.5, 0, 0, 0.5]]).T)},
            ([0.7, -0.1, -0.1, -0.1], [0.71, 0.1, 0.1, 0.1]),
        ),
    ):
        likelihood = catena.from_qinfer(model)
        updater = catena.Updater(likelihood, catena.Prior.uniform(*prior), num_models=50, seed=1)
        models = rng.uniform(*prior, size=(7, len(prior[0])))
        dtype = np.dtype(model.expparams_dtype)
        size = max((len(one) for one in experiments.values()), default=1)
        table = np.array(experiments["t"]) if dtype.names is None else np.zeros(size, dtype)
        for name in dtype.names or ():
            columns = [experiments[one] for one in likelihood.fields if one.split(".")[0] == name]
            table[name] = np.transpose(columns).reshape(table[name].shape)
        expected = np.asarray(model.likelihood(np.array([0, 1]), models, table)).transpose(1, 0, 2)
        assert np.allclose(updater.likelihood([0, 1], models, experiments), expected), type(model)
