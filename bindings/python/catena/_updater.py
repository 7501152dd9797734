"""Sequential learning: independent sets of weighted models that take in data."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from . import _abi
from ._arguments import instance, real
from ._arrays import Floats
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
            "liu_west_a": real("a", a),
            "liu_west_h": -1.0 if h is None else real("h", h),
            "max_tries": max_tries,
            "ess_threshold": ess_threshold,
            "zero_weights": _abi.code("catena_zero_weights", "zero_weights", zero_weights),
            "divergences": int(bool(divergences)),
        }
        with Resources() as temporary:
            self._open("updater_new", likelihood, instance("prior", prior, Prior).open(temporary), settings)

    def _open(self, name: str, likelihood: Likelihood, source: int | None, settings: dict[str, Any]) -> None:
        self.likelihood_of = instance("likelihood", likelihood, Likelihood)
        self._session, self._resources = Cells(likelihood), Resources()
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
