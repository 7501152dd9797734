"""What changes an updater: data, and what is done to its models by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _abi
from ._arguments import check_function, whole
from ._arrays import columns, matrix, numbers
from ._learned import Learned

if TYPE_CHECKING:
    from typing_extensions import Self


class Updates(Learned):
    """The part of an `Updater` that changes what there is."""

    def update(self, outcome: Any, experiment: Any = ()) -> Self:
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

    def batch_update(self, outcomes: Any, experiments: Any = (), *, resample_interval: int = 5) -> Self:
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

    def resample(self, num_models: int = 0) -> Self:
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

    def resample_by(self, function: Callable[..., Any] | None) -> Self:
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
        check_function("function", function)
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

    def reset(self) -> Self:
        """Begins anew from the prior, without data. The models are others than before."""
        self._perform("reset")
        return self

    def set_models(self, set: int, models: Any, weights: Any = None) -> Self:
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

    def set_log_weights(self, set: int, log_weights: Any) -> Self:
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
