"""Sequential Monte Carlo: independent sets of weighted particles from the prior to the posterior."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from . import _abi
from ._arrays import Floats, numbers
from ._errors import CatenaError, CatenaWarning, read_error
from ._model import Model
from ._names import unflatten, variables
from ._service import Service, empty

# Columns before the outputs.
OWN_COLUMNS = ("lp__", "log_weight__", "set__", "ancestor__")
_OWN_COLUMNS = len(OWN_COLUMNS)


@dataclass(frozen=True)
class Stage:
    """One stage of a set's path.

    Attributes
    ----------
    way : float
        How far it has come: the temperature, or the number of data.
    ess : float
        The effective sample size at its end, before particles were resampled.
    log_evidence : float
        The log evidence of the way up to there.
    acceptance, stepsize : float
        Of its moves.
    ancestors : float
        How many different particles the resampled ones stem from; NaN where none were.
    """

    way: float
    ess: float
    log_evidence: float
    acceptance: float
    stepsize: float
    ancestors: float = float("nan")


@dataclass(frozen=True)
class ParticleSet:
    """What one set of particles reports.

    Attributes
    ----------
    id : int
        Its id.
    outcome : str
        ``"finished"``, ``"lost"``, ``"stalled"``, ``"stopped"`` or ``"failed"``.
    error : CatenaError or None
        Why it failed.
    log_evidence, standard_error : float
        The set's own evidence, and its error as this one set tells it.
    rows : int
        Particles that were written.
    refused : int
        Points that the model refused.
    seconds : float
        Time on all its threads.
    stages : list of Stage
        Its path.
    """

    id: int
    outcome: str
    error: CatenaError | None
    log_evidence: float
    standard_error: float
    rows: int
    refused: int
    seconds: float
    stages: list[Stage] = field(repr=False)


@dataclass
class Particles:
    """Weighted draws and the evidence, of `sample_smc`. A plain value: it can be pickled.

    ``particles["theta"]`` is an array of shape (sets, particles, *shape of theta).

    Attributes
    ----------
    log_evidence, standard_error : float
        The log of the mean evidence of the sets, and its error across them (of one set as estimated within it).
    values : ndarray of shape (sets, particles, columns)
        What the library wrote; NaN for sets without draws.
    columns : list of str
        ``lp__``, ``log_weight__``, ``set__``, ``ancestor__``, then the outputs.
    sets : list of ParticleSet
        How each set ended.
    seed : int
        Of the run.
    """

    log_evidence: float
    standard_error: float
    values: Floats
    columns: list[str]
    sets: list[ParticleSet]
    seed: int

    @property
    def weights(self) -> Floats:
        """Weights of shape (sets, particles); all of them sum to 1, and each set counts with its evidence."""
        log_weights = np.nan_to_num(self["log_weight__"], nan=-np.inf)
        weights = np.exp(log_weights - max(log_weights.max(initial=-np.inf), np.finfo(float).min))
        shares: Floats = weights / max(weights.sum(), np.finfo(float).tiny)
        return shares

    def variables(self) -> dict[str, Any]:
        """All variables, of shapes (sets, particles, *shape)."""
        return unflatten(self.values[:, :, _OWN_COLUMNS:], variables(self.columns[_OWN_COLUMNS:]))

    def __getitem__(self, name: str) -> Floats:
        if name in self.columns:
            return self.values[:, :, self.columns.index(name)]
        every = self.variables()
        if name not in every:
            raise KeyError(f"{name!r}; there are {', '.join(every)}")
        array: Floats = every[name]
        return array

    def means(self) -> dict[str, tuple[float, float]]:
        """The weighted mean of each output.

        Returns
        -------
        dict of str to (float, float)
            The mean, and its standard error across the sets (NaN of one set).
        """
        weights = self.weights
        draws = np.nan_to_num(self.values[:, :, _OWN_COLUMNS:])
        of_sets = weights.sum(axis=1)
        sums = np.einsum("sp,spc->sc", weights, draws)
        mean = sums.sum(axis=0)
        n = len(of_sets)
        # The delta method for a ratio of means over independent sets.
        away = sums - of_sets[:, None] * mean
        error = np.sqrt((away**2).sum(axis=0) * n / (n - 1)) if n > 1 else np.full(mean.shape, np.nan)
        return {name: (float(m), float(e)) for name, m, e in zip(self.columns[_OWN_COLUMNS:], mean, error)}

    def report(self, path: str | os.PathLike[str] = "report.html", title: str = "Sets of particles") -> None:
        """Writes a page for a browser: the verdict and what to do, the evidence, effective sample sizes and ancestors over the
        stages with their errors across the sets, the particles; as `Course.report`.

        Parameters
        ----------
        path : str or path
            The file of the page, which needs nothing else. An older one is replaced.
        title : str
            The page's title.

        Raises
        ------
        CatenaError
            The file cannot be written.
        """
        from ._course import Course

        Course().note(self).report(path, title)

    def __repr__(self) -> str:
        lines = [
            f"<catena.Particles: {self.values.shape[0]} sets of {self.values.shape[1]} particles>",
            f"log evidence: estimate {self.log_evidence:.4g}, standard error {self.standard_error:.2g}",
        ]
        lines += [f"{name}: mean {mean:.4g}, standard error {error:.2g}" for name, (mean, error) in self.means().items()]
        return "\n".join(lines)


def sample_smc(model: Model, *, reference: Mapping[str, Any] | None = None, seed: int | None = None, **options: Any) -> Particles:
    """Takes independent sets of weighted particles along a path of densities to the posterior.

    Parameters
    ----------
    model : Model
        With `sample_prior` and `log_density_parts` the path begins at the prior and tempers the likelihood; else it begins
        at a normal, and the evidence is the integral of exp(log density).
    reference : dict, optional
        The normal to begin at: ``{"mean": m, "sd": s}`` or ``{"mean": m, "cov": c}``; one is fitted to a short run of NUTS
        where it is wanted and not given.
    seed : int, optional
        What a set draws depends on it, the set's id, the options and the model; random unless given.
    **options
        ``num_sets=4``, ``num_particles=1000``, ``path="auto"``, ``kernel="hmc"`` and so on: ``catena.options("smc")``.

    Returns
    -------
    Particles
        The sets, and the evidence with its error.

    Raises
    ------
    CatenaError
        When all sets failed; when some did, a warning says which and why.
    Exception
        What a function of the model raised, as it was.
    """
    with Service(model, "smc", {"seed": seed, **options}, ("reference",)) as service:
        sets, particles = service.option("num_sets"), service.option("num_particles")
        if service.model.vectorized and "batch_size" not in service.asked:
            service.set("batch_size", particles)
        service.open(particles)
        columns = service.columns("smc_column")
        values = empty(sets, particles, len(columns))
        # Sets that fail write nothing.
        values.fill(np.nan)
        normal = _reference(reference, service.model.dimension)
        result, error = service.run(
            "sample_smc",
            service.io(service.writers(values)),
            None if normal is None else _abi.address(normal[0]),
            free="smc_result_free",
        )
        if result is None:
            assert error is not None
            raise error
        return _read(result, error, values, columns, service.option("seed"))


def _reference(reference: Mapping[str, Any] | None, dimension: int) -> tuple[Any, Floats, Floats] | None:
    if reference is None:
        return None
    if not isinstance(reference, Mapping):
        raise TypeError(f"argument 'reference': expected a dict with 'mean' and 'sd' or 'cov', got {reference!r}")
    if set(reference) not in ({"mean", "sd"}, {"mean", "cov"}):
        raise ValueError(f"argument 'reference': expected 'mean' with 'sd' or 'cov', got {', '.join(map(repr, reference))}")
    mean = numbers("reference", reference["mean"], (dimension,))
    dense = "cov" in reference
    spread = numbers("reference", reference["cov" if dense else "sd"], (dimension, dimension) if dense else (dimension,))
    return _abi.table("catena_reference", mean=mean.ctypes.data, spread=spread.ctypes.data, spread_size=spread.size), mean, spread


def _read(result: int, error: CatenaError | None, values: Floats, columns: list[str], seed: int) -> Particles:
    lib = _abi.lib
    sets = []
    for i in range(lib.smc_result_num_sets(result)):
        failed = lib.smc_result_set_error(result, i)
        stages = [
            Stage(
                *(
                    getattr(lib, f"smc_result_stage_{name}")(result, i, s)
                    for name in ("way", "ess", "log_evidence", "acceptance", "stepsize", "ancestors")
                )
            )
            for s in range(lib.smc_result_num_stages(result, i))
        ]
        sets.append(
            ParticleSet(
                lib.smc_result_set_id(result, i),
                _abi.enum_name("catena_set_outcome", lib.smc_result_set_outcome(result, i)),
                read_error(failed) if failed else None,
                lib.smc_result_set_log_evidence(result, i),
                lib.smc_result_set_standard_error(result, i),
                lib.smc_result_set_rows(result, i),
                lib.smc_result_set_refused(result, i),
                lib.smc_result_set_seconds(result, i),
                stages,
            )
        )
    failures = [one.error for one in sets if one.error is not None]
    if failures and len(failures) == len(sets):
        raise error if error is not None else failures[0]
    for one in failures:
        warnings.warn(str(one), CatenaWarning, stacklevel=3)
    if error is not None and error.status == "interrupted":
        warnings.warn(f"{error}: sets that were stopped have no draws", CatenaWarning, stacklevel=3)
    return Particles(lib.smc_result_log_evidence(result), lib.smc_result_standard_error(result), values, columns, sets, seed)
