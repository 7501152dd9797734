"""What an updater holds and estimates."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import _abi
from ._arguments import check_function, real
from ._arrays import Floats, numbers, returned
from ._errors import call
from ._evidence import Evidence
from ._regions import Regions


@dataclass(frozen=True)
class ModelSet:
    """A set of an updater.

    Attributes
    ----------
    id : int
        Its id.
    num_models : int
        Models.
    ess, least_ess : float
        The effective sample size, and the smallest so far, before resampling.
    resamples : int
        How often it was resampled.
    lost : int
        Data that it left out, or after which it was begun anew.
    stuck : int
        Models that found no valid place.
    entropy : float
        Of its weights, in nats.
    log_likelihood : float
        Of all data.
    """

    id: int
    num_models: int
    ess: float
    least_ess: float
    resamples: int
    lost: int
    stuck: int
    entropy: float
    log_likelihood: float


@dataclass(frozen=True)
class Mean:
    """A mean over all sets.

    Attributes
    ----------
    mean : float
        The mean.
    standard_error : float
        Its error across the sets; NaN of one set.
    sd : float
        The standard deviation of the law.
    """

    mean: float
    standard_error: float
    sd: float


class Estimates(Regions):
    """The part of an `Updater` that looks at what there is. `set` is the id of a set; None: all sets in equal parts."""

    @property
    def sets(self) -> list[ModelSet]:
        """The sets."""
        lib, handle = _abi.lib, self._handle
        names = ("set_size", "ess", "least_ess", "resamples", "lost", "stuck", "entropy", "log_likelihood")
        return [ModelSet(one, *(getattr(lib, f"updater_{name}")(handle, one) for name in names)) for one in self.set_ids]

    def models(self, set: int) -> Floats:
        """The models of a set.

        Parameters
        ----------
        set : int
            Id of the set.

        Returns
        -------
        ndarray of shape (models, parameters)
            A copy.

        Raises
        ------
        ValueError
            There is no such set.
        """
        out = np.empty((len(self.likelihood_of.parameters), self._size(set)))
        self._read("models", set, out.ctypes.data, out.size)
        rows: Floats = out.T
        return rows

    def weights(self, set: int, *, log: bool = False) -> Floats:
        """Weights of a set's models.

        Parameters
        ----------
        set : int
            Id of the set.
        log : bool
            Whether logs are wanted, not normalised.

        Returns
        -------
        ndarray of shape (models,)
            Weights whose sum is 1, or logs.

        Raises
        ------
        ValueError
            There is no such set.
        """
        return self._of_set("log_weights" if log else "weights", set, self._size(set))

    @property
    def num_records(self) -> int:
        """Data taken in."""
        return int(_abi.lib.updater_num_records(self._handle))

    def records(self) -> tuple[Floats, dict[str, Floats]]:
        """The data taken in.

        Returns
        -------
        outcomes : ndarray of shape (data,) or (data, width)
            What came.
        experiments : dict of str to ndarray of shape (data,)
            The fields of the experiments.
        """
        n, fields, width = self.num_records, self.likelihood_of.fields, self.likelihood_of.width
        outcomes, experiments = np.empty((n, width)), np.empty((n, len(fields)))
        for i in range(n):
            self._read("record", i, outcomes[i:].ctypes.data, experiments[i:].ctypes.data)
        return outcomes[:, 0] if width == 1 else outcomes, {name: experiments[:, j] for j, name in enumerate(fields)}

    def log_likelihood(self) -> Evidence:
        """The log probability (density) of all data over all sets, with its standard error."""
        error = ctypes.c_double()
        return Evidence(_abi.lib.updater_pooled_log_likelihood(self._handle, _abi.address(error)), error.value)

    def log_normalizations(self, set: int) -> Floats:
        """Logs of each datum's predictive probability (density), given those before.

        Parameters
        ----------
        set : int
            Id of the set.

        Returns
        -------
        ndarray of shape (data,)
            The logs.

        Raises
        ------
        ValueError
            There is no such set.
        """
        return self._of_set("log_normalizations", set, self.num_records)

    def divergences(self, set: int) -> Floats:
        """Divergences of a set's resamplings, of an updater with ``divergences=True``.

        Parameters
        ----------
        set : int
            Id of the set.

        Returns
        -------
        ndarray of shape (resamplings,)
            In nats.

        Raises
        ------
        ValueError
            There is no such set, or divergences were not kept.
        """
        self._size(set)
        return self._of_set("divergences", set, _abi.lib.updater_resamples(self._handle, set))

    def means(self) -> dict[str, Mean]:
        """The mean of each parameter over all sets, with its errors."""
        names = self.likelihood_of.parameters
        mean, error = np.empty(len(names)), np.empty(len(names))
        self._read("means", mean.ctypes.data, error.ctypes.data, mean.size)
        spread = np.sqrt(np.diag(self.covariance()))
        return {name: Mean(*map(float, row)) for name, *row in zip(names, mean, error, spread)}

    def mean(self, function: Callable[[Floats], Any]) -> Evidence:
        """The mean of a function of the models.

        Parameters
        ----------
        function : callable
            ``function(models)`` of an array of shape (models, parameters): a number for each row.

        Returns
        -------
        Evidence
            The mean over all sets, with its `standard_error` across them (NaN of one set).

        Raises
        ------
        ValueError, TypeError
            `function` returned an array of another shape, or no numbers.
        """
        check_function("function", function)

        def of_set(one: int) -> float:
            found = returned("what 'function' returned", function(self.models(one)), (self._size(one),))
            return float(self.weights(one) @ found)

        of_sets = np.array([of_set(one) for one in self.set_ids])
        error = of_sets.std(ddof=1) / len(of_sets) ** 0.5 if len(of_sets) > 1 else np.nan
        return Evidence(float(of_sets.mean()), float(error))

    def set_mean(self, set: int) -> Floats:
        """The mean of each parameter in one set.

        Parameters
        ----------
        set : int
            Id of the set.

        Returns
        -------
        ndarray of shape (parameters,)
            The means.

        Raises
        ------
        ValueError
            There is no such set.
        """
        return self._of_set("set_mean", set, len(self.likelihood_of.parameters))

    def covariance(self, set: int | None = None) -> Floats:
        """The covariance of the parameters.

        Parameters
        ----------
        set : int, optional
            Id of a set; all sets in equal parts unless given.

        Returns
        -------
        ndarray of shape (parameters, parameters)
            The covariance.

        Raises
        ------
        ValueError
            There is no such set.
        """
        d = len(self.likelihood_of.parameters)
        if set is not None:
            return self._of_set("set_covariance", set, d * d).reshape(d, d)
        out = np.empty((d, d))
        self._read("covariance", out.ctypes.data, out.size)
        return out

    def histogram(self, parameter: str, edges: Any, *, set: int | None = None) -> Floats:
        """The density of a parameter as heights of bars.

        Parameters
        ----------
        parameter : str
            Its name.
        edges : array of shape (bars + 1,)
            Where bars begin and end, rising.
        set : int, optional
            Id of a set; all sets in equal parts unless given.

        Returns
        -------
        ndarray of shape (bars,)
            The heights.

        Raises
        ------
        ValueError
            There is no such parameter or set, or `edges` do not rise.
        """
        at, ends = self._parameter("parameter", parameter), numbers("edges", edges, (None,))
        return self._over_sets(
            set, ends.size - 1, lambda one, out: self._read("histogram", one, at, ends.ctypes.data, out.size, out.ctypes.data)
        )

    def density(self, parameter: str, points: Any, *, bandwidth: float = 0.0, set: int | None = None) -> Floats:
        """The density of a parameter at points, by normal kernels.

        Parameters
        ----------
        parameter : str
            Its name.
        points : array of shape (points,)
            Where.
        bandwidth : float
            Width of the kernels; 0: Silverman's.
        set : int, optional
            Id of a set; all sets in equal parts unless given.

        Returns
        -------
        ndarray of shape (points,)
            The density.

        Raises
        ------
        ValueError
            There is no such parameter or set, or `bandwidth` is none.
        """
        at, x = self._parameter("parameter", parameter), numbers("points", points, (None,))
        width = real("bandwidth", bandwidth)
        return self._over_sets(
            set, x.size, lambda one, out: self._read("density", one, at, width, x.ctypes.data, x.size, out.ctypes.data)
        )

    def fisher_information(self, set: int, experiments: Any = ()) -> Floats:
        """Fisher's information of one outcome of each experiment, its mean over a set's models.

        Parameters
        ----------
        set : int
            Id of the set.
        experiments : array of shape (experiments,) or (experiments, fields), or dict
            The experiments.

        Returns
        -------
        ndarray of shape (experiments, parameters, parameters)
            The information.

        Raises
        ------
        ValueError, CatenaError
            There is no such set, the likelihood has no `score`, or that failed.
        """
        d, x = len(self.likelihood_of.parameters), self._experiments("experiments", experiments)
        out = np.empty((len(x), d, d))
        self._perform("fisher_information", self._set(set), len(x), x.ctypes.data, out.ctypes.data, out.size)
        return out

    def _of_set(self, name: str, set: int, size: int) -> Floats:
        out = np.empty(size)
        self._read(name, self._set(set), out.ctypes.data, size)
        return out

    def _over_sets(self, set: int | None, size: int, read: Callable[[int, Floats], None]) -> Floats:
        rows = []
        for one in self.set_ids if set is None else [self._set(set)]:
            rows.append(np.empty(size))
            read(one, rows[-1])
        total: Floats = np.mean(rows, axis=0)
        return total


def bayesian_bound(information: Any) -> Floats:
    """The Bayesian Cramér-Rao bound: the inverse of the sum of information matrices.

    Parameters
    ----------
    information : array of shape (n + 1, d, d)
        The prior's information, and that of each of `n` experiments.

    Returns
    -------
    ndarray of shape (d, d)
        The bound.

    Raises
    ------
    ValueError
        The matrices are not square, or there is none.
    CatenaError
        Their sum has no inverse.
    """
    matrices = numbers("information", information, (None, None, None))
    n, d, other = matrices.shape
    if d != other or n < 1:
        raise ValueError(
            f"argument 'information': expected square matrices, the prior's first, got an array of shape {matrices.shape}"
        )
    bound = np.empty((d, d))
    call("bayesian_bound", d, n - 1, matrices.ctypes.data, bound.ctypes.data)
    return bound
