"""What an updater holds and estimates."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import _abi
from ._arrays import Floats, numbers
from ._errors import call
from ._evidence import Evidence
from ._learned import Learned


@dataclass(frozen=True)
class ModelSet:
    """A set: its id; number of models; effective sample size, and the smallest so far, before resampling; how often it was
    resampled; data that it left out or after which it was begun anew; models that found no valid place; the entropy of its
    weights in nats; and its log likelihood of all data."""

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
    """A mean over all sets, its standard error across them (NaN of one set), and the standard deviation of the law."""

    mean: float
    standard_error: float
    sd: float


class Estimates(Learned):
    """The part of an `Updater` that looks at what there is. `set` is the id of a set; None: all sets in equal parts."""

    @property
    def sets(self) -> list[ModelSet]:
        """The sets."""
        lib, handle = _abi.lib, self._handle
        names = ("set_size", "ess", "least_ess", "resamples", "lost", "stuck", "entropy", "log_likelihood")
        return [ModelSet(one, *(getattr(lib, f"updater_{name}")(handle, one) for name in names)) for one in self.set_ids]

    def models(self, set: int) -> Floats:
        """The models of a set, of shape (models, parameters)."""
        out = np.empty((len(self.likelihood_of.parameters), self._size(set)))
        self._read("models", set, out.ctypes.data, out.size)
        rows: Floats = out.T
        return rows

    def weights(self, set: int, *, log: bool = False) -> Floats:
        """Weights of a set's models, whose sum is 1; or their logs, not normalised."""
        return self._of_set("log_weights" if log else "weights", set, self._size(set))

    @property
    def num_records(self) -> int:
        """Data taken in."""
        return int(_abi.lib.updater_num_records(self._handle))

    def records(self) -> tuple[Floats, dict[str, Floats]]:
        """The data taken in: outcomes of shape (data,) or (data, width), and the experiments' fields."""
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
        """Logs of each datum's predictive probability (density), given those before."""
        return self._of_set("log_normalizations", set, self.num_records)

    def divergences(self, set: int) -> Floats:
        """Divergences of a set's resamplings in nats, of an updater with ``divergences=True``."""
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
        """The mean of ``function(models)``, a number for each row of (models, parameters), with its standard error."""
        of_sets = np.array([self.weights(one) @ np.asarray(function(self.models(one)), dtype=float) for one in self.set_ids])
        error = of_sets.std(ddof=1) / len(of_sets) ** 0.5 if len(of_sets) > 1 else np.nan
        return Evidence(float(of_sets.mean()), float(error))

    def set_mean(self, set: int) -> Floats:
        """The mean of each parameter in one set."""
        return self._of_set("set_mean", set, len(self.likelihood_of.parameters))

    def covariance(self, set: int | None = None) -> Floats:
        """The covariance of the parameters."""
        d = len(self.likelihood_of.parameters)
        if set is not None:
            return self._of_set("set_covariance", set, d * d).reshape(d, d)
        out = np.empty((d, d))
        self._read("covariance", out.ctypes.data, out.size)
        return out

    def histogram(self, parameter: str, edges: Any, *, set: int | None = None) -> Floats:
        """The density of a parameter as heights of bars between neighbours of `edges`."""
        at, ends = self._parameter("parameter", parameter), numbers("edges", edges, (None,))
        return self._over_sets(
            set, ends.size - 1, lambda one, out: self._read("histogram", one, at, ends.ctypes.data, out.size, out.ctypes.data)
        )

    def density(self, parameter: str, points: Any, *, bandwidth: float = 0.0, set: int | None = None) -> Floats:
        """The density of a parameter at points, by normal kernels of this width (0: Silverman's)."""
        at, x = self._parameter("parameter", parameter), numbers("points", points, (None,))
        return self._over_sets(
            set, x.size, lambda one, out: self._read("density", one, at, float(bandwidth), x.ctypes.data, x.size, out.ctypes.data)
        )

    def densest(self, set: int, level: float = 0.95) -> Any:
        """Which models of a set are those of highest density that together have at least the weight `level`."""
        inside = np.empty(self._size(set), dtype=np.uint8)
        self._read("densest", set, float(level), inside.ctypes.data, inside.size)
        return inside.astype(bool)

    def hull_contains(self, set: int, points: Any, level: float = 0.95) -> Any:
        """Which points lie in the convex hull of the models that `densest` finds."""
        rows = self._models("points", points)
        inside = np.empty(len(rows), dtype=np.uint8)
        self._read("hull_contains", set, float(level), len(rows), rows.ctypes.data, inside.ctypes.data)
        return inside.astype(bool)

    def hull(self, set: int, level: float = 0.95) -> Floats:
        """The corners of that hull: of two parameters counter-clockwise, of one its ends, of more none."""
        d, count = len(self.likelihood_of.parameters), ctypes.c_size_t()
        self._read("hull", set, float(level), None, 0, _abi.address(count))
        corners = np.empty((count.value, d))
        self._read("hull", set, float(level), corners.ctypes.data, count.value, _abi.address(count))
        return corners

    def ellipsoid(self, set: int, level: float = 0.95, tolerance: float = 1e-3) -> tuple[Floats, Floats]:
        """Centre and shape of the ellipsoid of least volume around the models that `densest` finds:
        ``(x - centre) @ shape @ (x - centre) <= 1``."""
        d = len(self.likelihood_of.parameters)
        centre, shape = np.empty(d), np.empty((d, d))
        self._read("ellipsoid", set, float(level), float(tolerance), centre.ctypes.data, shape.ctypes.data)
        return centre, shape

    def fisher_information(self, set: int, experiments: Any = ()) -> Floats:
        """Fisher's information of one outcome of each experiment, its mean over a set's models, of shape (experiments,
        parameters, parameters). The likelihood must have `score`."""
        d, x = len(self.likelihood_of.parameters), self._experiments("experiments", experiments)
        out = np.empty((len(x), d, d))
        self._perform("fisher_information", set, len(x), x.ctypes.data, out.ctypes.data, out.size)
        return out

    def _of_set(self, name: str, set: int, size: int) -> Floats:
        out = np.empty(size)
        self._read(name, set, out.ctypes.data, size)
        return out

    def _over_sets(self, set: int | None, size: int, read: Callable[[int, Floats], None]) -> Floats:
        rows = []
        for one in self.set_ids if set is None else [set]:
            rows.append(np.empty(size))
            read(one, rows[-1])
        total: Floats = np.mean(rows, axis=0)
        return total


def bayesian_bound(information: Any) -> Floats:
    """The Bayesian Cramér-Rao bound: the inverse of the sum of matrices of shape (n + 1, d, d), the first of them the prior's
    information, the others those of the experiments."""
    matrices = numbers("information", information, (None, None, None))
    n, d, other = matrices.shape
    if d != other or n < 1:
        raise ValueError(
            f"argument 'information': expected square matrices, the prior's first, got an array of shape {matrices.shape}"
        )
    bound = np.empty((d, d))
    call("bayesian_bound", d, n - 1, matrices.ctypes.data, bound.ctypes.data)
    return bound
