"""Sequential learning: independent sets of weighted models that take in data."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np

from . import _abi
from ._arrays import Floats, columns, matrix, numbers, whole
from ._checkpoints import open_checkpoint, read_bytes
from ._design import Designs
from ._errors import call
from ._estimates import Estimates
from ._likelihood import Cells, Likelihood
from ._options import seeded
from ._prior import Prior
from ._resources import Resources


class Updater(Estimates, Designs):
    """Independent sets of weighted models, drawn from a prior, that take in data one after the other; every estimate has an
    error, from the spread of the sets.

    Parameters
    ----------
    likelihood : Likelihood
        How probable outcomes are.
    prior : Prior
        Where models come from.
    num_sets, num_models, init_set_id : int
        Independent sets, models of each, and the id of the first set.
    seed : int, optional
        Random unless given. What a set draws depends on it, the set's id and the data.
    resampler : str
        ``"liu_west"``, by which a model goes to ``a x + (1 - a) mean + h S z`` (Liu and West 2001), or ``"copies"``.
    a, h : float
        Of that; `h` is ``sqrt(1 - a**2)`` unless given, which keeps mean and covariance.
    max_tries : int
        How often an impossible move is drawn.
    resampling, ess_threshold : str, float
        Scheme, and below which share of its models the effective sample size has a set resampled; 0: never.
    zero_weights : str
        What becomes of a datum that no model of a set explains: ``"error"``; ``"warn"`` and ``"skip"`` leave it out, ``"reset"``
        draws the set anew from the prior.
    divergences : bool
        Whether to keep the divergence of each resampling.

    Raises
    ------
    CatenaError
        Prior and likelihood have other numbers of parameters, or an option has no such value.

    Notes
    -----
    Outcomes, models and experiments are given as numbers, or as arrays with one per row; experiments also as a dict or data
    frame of the fields. An exception in a function becomes the cause of a `CatenaError`, and the updater is as it was. One
    thread at a time may use an updater.
    """

    def __init__(
        self,
        likelihood: Likelihood,
        prior: Prior,
        *,
        num_sets: int = 1,
        num_models: int = 1000,
        init_set_id: int = 1,
        seed: int | None = None,
        resampler: str = "liu_west",
        a: float = 0.98,
        h: float | None = None,
        max_tries: int = 1000,
        resampling: str = "systematic",
        ess_threshold: float = 0.5,
        zero_weights: str = "error",
        divergences: bool = False,
    ) -> None:
        settings = {
            "num_sets": num_sets,
            "num_models": num_models,
            "init_set_id": init_set_id,
            "seed": seeded(seed),
            "resampler": _abi.code("catena_resampler", "resampler", resampler),
            "resampling": _abi.code("catena_resampling", "resampling", resampling),
            "liu_west_a": a,
            "liu_west_h": -1.0 if h is None else h,
            "max_tries": max_tries,
            "ess_threshold": ess_threshold,
            "zero_weights": _abi.code("catena_zero_weights", "zero_weights", zero_weights),
            "divergences": int(divergences),
        }
        with Resources() as temporary:
            self._open("updater_new", likelihood, prior.open(temporary), settings)

    def _open(self, name: str, likelihood: Likelihood, source: int | None, settings: dict[str, Any]) -> None:
        self.likelihood_of, self._session, self._resources = likelihood, Cells(likelihood), Resources()
        table, options, place = self._session.table(), _abi.table("catena_updater_options"), ctypes.c_void_p()
        call("updater_options_init", _abi.address(options), ctypes.sizeof(options))
        _abi.fill(options, settings)
        self._resources.root((self._session, table))
        self._session.perform(
            name, _abi.address(table), source, _abi.address(options), self._session.log.address, None, _abi.address(place)
        )
        assert place.value is not None
        self._value = place.value
        self._resources.own(place.value, "updater_free", _abi.held)

    def close(self) -> None:
        """Frees the updater."""
        self._resources.close()

    def update(self, outcome: Any, experiment: Any = ()) -> Updater:
        """Takes in a datum: weights are multiplied by the likelihoods, models move on by `update_timestep`, and sets whose
        effective sample size is too small are resampled.

        Parameters
        ----------
        outcome : number, or array of shape (width,)
            What came.
        experiment : number, array of shape (fields,), or dict
            Where it came; nothing where experiments have no fields.

        Returns
        -------
        Updater
            This one.

        Raises
        ------
        ValueError, TypeError
            More than one outcome or experiment, other fields, or no numbers.
        CatenaError
            No model explains the datum (`zero_weights`), or a function failed, whose exception is the cause; the updater is as it
            was.
        """
        o, x = (
            self._one("outcome", self._outcomes("outcome", outcome)),
            self._one("experiment", self._experiments("experiment", experiment)),
        )
        self._perform("update", o.ctypes.data, x.ctypes.data)
        return self

    def batch_update(self, outcomes: Any, experiments: Any = (), *, resample_interval: int = 5) -> Updater:
        """Takes in many data, one after the other.

        Parameters
        ----------
        outcomes : array of shape (data,) or (data, width)
            What came.
        experiments : array of shape (data,) or (data, fields), or dict
            Where, one for each outcome.
        resample_interval : int
            After so many data sets are looked at for resampling.

        Returns
        -------
        Updater
            This one.

        Raises
        ------
        ValueError, TypeError
            As many experiments as outcomes were expected, or numbers.
        CatenaError
            As in `update`; it names the datum, and those before it stay.
        """
        o, x = self._outcomes("outcomes", outcomes), self._experiments("experiments", experiments)
        if self.likelihood_of.fields and len(x) != len(o):
            raise ValueError(f"argument 'experiments': expected {len(o)}, one for each outcome, got {len(x)}")
        self._perform("batch_update", len(o), o.ctypes.data, x.ctypes.data, whole("resample_interval", resample_interval))
        return self

    def hypothetical_update(self, set: int, outcomes: Any, experiments: Any = ()) -> tuple[Floats, Floats]:
        """What a set's weights would be after each outcome in each experiment. The set stays as it is.

        Parameters
        ----------
        set : int
            Id of the set.
        outcomes : array of shape (outcomes,) or (outcomes, width)
            What might come.
        experiments : array of shape (experiments,) or (experiments, fields), or dict
            Where.

        Returns
        -------
        weights : ndarray of shape (models, outcomes, experiments)
            The weights, whose sums are 1.
        log_probabilities : ndarray of shape (outcomes, experiments)
            Logs of the predictive probabilities.

        Raises
        ------
        ValueError, CatenaError
            There is no such set, or a function failed, whose exception is the cause.
        """
        o, x = self._outcomes("outcomes", outcomes), self._experiments("experiments", experiments)
        weights, logs = np.empty((len(x), len(o), self._size(set))), np.empty((len(x), len(o)))
        self._perform(
            "hypothetical_update",
            self._set(set),
            len(o),
            o.ctypes.data,
            len(x),
            x.ctypes.data,
            weights.ctypes.data,
            weights.size,
            logs.ctypes.data,
        )
        return weights.T, logs.T

    def resample(self, num_models: int = 0) -> Updater:
        """Resamples every set now.

        Parameters
        ----------
        num_models : int
            Models of a set from here on; 0: as many as it has.

        Returns
        -------
        Updater
            This one.

        Raises
        ------
        CatenaError
            A function failed, whose exception is the cause.
        """
        self._perform("resample", whole("num_models", num_models))
        return self

    def resample_by(self, function: Callable[..., Any] | None) -> Updater:
        """Has sets resampled by a function of one's own from here on. `save` leaves it out.

        Parameters
        ----------
        function : callable or None
            ``function(models, weights, n)`` of arrays of shape (models, parameters) and (models,), and the number wanted; it
            returns models of shape (any, parameters) and their weights, which are kept as they are. None: again as the updater
            was told.

        Returns
        -------
        Updater
            This one.
        """
        if function is None:
            self._perform("resample_by", _abi.function_type("catena_custom_resampler")(), None)
            return self
        session, width = self._session, len(self.likelihood_of.parameters)

        def resample(_user: int, _set: int, n: int, _dimension: int, models: int, weights: int, wanted: int, out: int) -> int:
            def work() -> None:
                found, of = function(columns(models, n, width).copy(), matrix(weights, (n,)).copy(), wanted)
                rows = self.likelihood_of.models("models", found)
                w = numbers("weights", of, (len(rows),))
                _abi.held.models_put(out, len(rows), rows.ctypes.data, w.ctypes.data)

            return session.guarded(None, work)

        pointer = _abi.function_type("catena_custom_resampler")(resample)
        self._perform("resample_by", pointer, None)
        self._resources.root(pointer)
        return self

    def reset(self) -> Updater:
        """Begins anew from the prior, without data. The models are others than before."""
        self._perform("reset")
        return self

    def set_models(self, set: int, models: Any, weights: Any = None) -> Updater:
        """Puts models and their weights in the place of a set's. What was learnt so far is kept in the total likelihood.

        Parameters
        ----------
        set : int
            Id of the set.
        models : array of shape (models, parameters)
            The models.
        weights : array of shape (models,), optional
            Their weights; level unless given.

        Returns
        -------
        Updater
            This one.

        Raises
        ------
        ValueError
            An array has another shape, there is no such set, a model is impossible, or a weight is none.
        """
        rows = self._models("models", models)
        w = np.ones(len(rows)) if weights is None else numbers("weights", weights, (len(rows),))
        self._perform("set_models", self._set(set), len(rows), rows.ctypes.data, w.ctypes.data)
        return self

    def set_log_weights(self, set: int, log_weights: Any) -> Updater:
        """Sets the log weights of a set.

        Parameters
        ----------
        set : int
            Id of the set.
        log_weights : array of shape (models,)
            The log weights.

        Returns
        -------
        Updater
            This one.

        Raises
        ------
        ValueError
            `log_weights` has another shape, there is no such set, or one of them is NaN or +inf.
        """
        values = numbers("log_weights", log_weights, (None,))
        self._perform("set_log_weights", self._set(set), values.ctypes.data, values.size)
        return self

    def likelihood(self, outcomes: Any, models: Any, experiments: Any = ()) -> Floats:
        """Likelihoods (logarithms where the likelihood gives those) of any models.

        Parameters
        ----------
        outcomes : array of shape (outcomes,) or (outcomes, width)
            Outcomes.
        models : array of shape (models,) or (models, parameters)
            Models.
        experiments : array of shape (experiments,) or (experiments, fields), or dict
            Experiments.

        Returns
        -------
        ndarray of shape (models, outcomes, experiments)
            The likelihoods.

        Raises
        ------
        ValueError, TypeError
            An array has another width, or no numbers.
        CatenaError
            The likelihood failed; its exception is the cause.
        """
        o, m, x = (
            self._outcomes("outcomes", outcomes),
            self._models("models", models),
            self._experiments("experiments", experiments),
        )
        out = np.empty((len(x), len(o), len(m)))
        self._perform(
            "likelihood", len(o), o.ctypes.data, len(m), m.ctypes.data, len(x), x.ctypes.data, out.ctypes.data, out.size
        )
        values: Floats = out.T
        return values

    def simulate(self, models: Any, experiments: Any = ()) -> Floats:
        """An outcome of each model in each experiment. Each call draws anew.

        Parameters
        ----------
        models : array of shape (models,) or (models, parameters)
            Models.
        experiments : array of shape (experiments,) or (experiments, fields), or dict
            Experiments.

        Returns
        -------
        ndarray of shape (models, experiments) or (models, experiments, width)
            The outcomes.

        Raises
        ------
        ValueError, TypeError
            An array has another width, or no numbers.
        CatenaError
            Outcomes can neither be listed nor simulated, or a function failed, whose exception is the cause.
        """
        m, x, width = self._models("models", models), self._experiments("experiments", experiments), self.likelihood_of.width
        out = np.empty((len(x), width, len(m)))
        self._perform("simulate", len(m), m.ctypes.data, len(x), x.ctypes.data, out.ctypes.data, out.size)
        values: Floats = out.transpose(2, 0, 1)
        return values[:, :, 0] if width == 1 else values

    def save(self) -> bytes:
        """The whole state, but for the likelihood and a resampler of one's own.

        Returns
        -------
        bytes
            For `load`.
        """
        place = ctypes.c_void_p()
        self._read("save", _abi.address(place))
        return read_bytes(place.value)

    @classmethod
    def load(cls, saved: bytes, likelihood: Likelihood) -> Updater:
        """The updater that `save` gave; it goes on with the same bits.

        Parameters
        ----------
        saved : bytes
            What `save` gave.
        likelihood : Likelihood
            The likelihood that it had.

        Returns
        -------
        Updater
            Another one.

        Raises
        ------
        CatenaError
            The bytes are none of an updater, were cut off or changed, or are of a likelihood with other parameters.
        """
        updater = cls.__new__(cls)
        with Resources() as temporary:
            updater._open("updater_load", likelihood, open_checkpoint(temporary, "saved", saved), {})
        return updater

    def __repr__(self) -> str:
        if self._resources.closed:
            return "<catena.Updater: closed>"
        words = ", ".join(
            f"{name} {one.mean:.6g} ± {one.sd:.2g} (standard error {one.standard_error:.2g})"
            for name, one in self.means().items()
        )
        return (
            f"<catena.Updater: {len(self.sets)} sets of {self.sets[0].num_models} models after {self.num_records} data: {words}>"
        )
