"""Draws from approximations: normals at modes, Pathfinder, variational inference."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import _abi
from ._arrays import Floats, matrix
from ._errors import CatenaError, CatenaWarning, read_error
from ._inits import open_inits
from ._model import Model
from ._modes import position_of
from ._names import unflatten, variables
from ._service import Service, empty

# Columns before the outputs.
_OWN = ("lp_approx__", "lp__", "path__", "log_p__", "log_g__", "log_q__")


@dataclass(frozen=True)
class ApproximationFit:
    """How one path, fit or id ended.

    Attributes
    ----------
    id : int
        Its id, as of a chain.
    error : CatenaError or None
        Why it failed.
    mean, sd : ndarray of shape (dimension,) or None
        Of the approximation, unconstrained.
    iterations : int
        Steps of the optimiser, or of the ascent of the bound.
    converged : bool
        Whether a tolerance was met.
    elbo : float
        The evidence lower bound, as last estimated.
    khat : float
        Of its draws: above 0.7 they are too far from the density for weights to correct them.
    dropped, gradients, densities : int
        Draws without a finite log density; evaluations with and without gradient.
    seconds : float
        What it took.
    """

    id: int
    error: CatenaError | None
    mean: Floats | None
    sd: Floats | None
    iterations: int
    converged: bool
    elbo: float
    khat: float
    dropped: int
    gradients: int
    densities: int
    seconds: float


@dataclass(frozen=True)
class Approximation:
    """Draws from an approximation, and how far it is from the density.

    ``approximation["theta"]`` is an array of shape (fits, draws, *shape); paths of Pathfinder have their draws together.

    Attributes
    ----------
    values : ndarray of shape (fits, draws, columns)
        What the library wrote; NaN for fits without draws.
    columns : list of str
        Log densities and the like, then the outputs.
    khat : float
        Of all draws together, before they were resampled; of a single fit, its own.
    fits : list of ApproximationFit
        Every path, fit or id.
    means : ndarray of shape (fits, outputs) or None
        The outputs at the mean of each variational fit.
    positions : ndarray of shape (draws, dimension) or None
        Unconstrained positions of Pathfinder's draws, to start chains from.
    seed : int
        Of the call.
    """

    values: Floats
    columns: list[str]
    khat: float
    fits: list[ApproximationFit]
    means: Floats | None
    positions: Floats | None
    seed: int

    @property
    def names(self) -> list[str]:
        """Names of the outputs."""
        return [name for name in self.columns if name not in _OWN]

    @property
    def draws(self) -> Floats:
        """Draws of the outputs, of shape (fits, draws, outputs)."""
        return self.values[:, :, len(self.columns) - len(self.names) :]

    def variables(self) -> dict[str, Any]:
        """All variables, of shapes (fits, draws, *shape)."""
        return unflatten(self.draws, variables(self.names))

    def __getitem__(self, name: str) -> Floats:
        if name in self.columns:
            return self.values[:, :, self.columns.index(name)]
        array: Floats = self.variables()[name]
        return array

    def __repr__(self) -> str:
        fits, draws, _ = self.values.shape
        return f"<catena.Approximation: {fits * draws} draws of {len(self.names)} outputs, k-hat {self.khat:.2f}>"


def laplace(model: Model, *, mode: Any = None, seed: int | None = None, **options: Any) -> Approximation:
    """Draws from the normal distribution at a mode, on the unconstrained scale.

    Parameters
    ----------
    model : Model
        The model.
    mode : optional
        What `optimize` returned, values of all parameters, or a position; found first unless given.
    seed : int, optional
        Random unless given.
    **options
        ``laplace_draws=1000`` and so on: ``catena.options("laplace")``.

    Returns
    -------
    Approximation
        Draws, and how well they stand for the posterior.

    Raises
    ------
    CatenaError
        A point that is no mode, or none that was found.
    Exception
        What a function of the model raised, as it was.
    """
    return _approximate(model, "laplace", "chains", "laplace_draws", position_of(mode), seed, options, ("mode",))


def pathfinder(model: Model, *, init: Any = None, seed: int | None = None, **options: Any) -> Approximation:
    """Follows optimisers and draws from the best normal distribution on each path (Zhang et al. 2022).

    Parameters
    ----------
    model : Model
        The model.
    init : optional
        Initial values as of `sample`, one entry per path.
    seed : int, optional
        Random unless given.
    **options
        ``num_paths=4``, ``num_psis_draws=1000`` and so on: ``catena.options("pathfinder")``.

    Returns
    -------
    Approximation
        Draws, and how well they stand for the posterior.

    Raises
    ------
    CatenaError
        When all paths failed; when some did, a warning says which and why.
    Exception
        What a function of the model raised, as it was.
    """
    return _approximate(model, "pathfinder", "num_paths", "", init, seed, options, ("init",))


def variational(model: Model, *, init: Any = None, seed: int | None = None, **options: Any) -> Approximation:
    """Fits a normal distribution by climbing the evidence lower bound, and draws from it.

    Parameters
    ----------
    model : Model
        The model.
    init : optional
        Initial values as of `sample`, one entry per fit.
    seed : int, optional
        Random unless given.
    **options
        ``chains=1`` fits, ``variational_family="meanfield"``, ``output_draws=1000`` and so on:
        ``catena.options("variational")``.

    Returns
    -------
    Approximation
        Draws, and how well they stand for the posterior.

    Raises
    ------
    CatenaError
        When all fits failed; when some did, a warning says which and why.
    Exception
        What a function of the model raised, as it was.
    """
    return _approximate(model, "variational", "chains", "output_draws", init, seed, {"chains": 1, **options}, ("init",))


def _approximate(
    model: Model,
    name: str,
    counted: str,
    drawn: str,
    init: Any,
    seed: int | None,
    options: dict[str, Any],
    others: tuple[str, ...],
) -> Approximation:
    if name == "laplace":
        options = {"chains": 1, **options}
    with Service(model, name, {"seed": seed, **options}, others) as service:
        count = service.option("num_chains" if counted == "chains" else counted)
        first = service.option("init_chain_id")
        if service.model.vectorized and "batch_size" not in service.asked:
            service.set("batch_size", 1000)
        service.open(1000)
        columns = service.columns(f"{name}_column")
        together = name == "pathfinder"
        # The mean of a variational fit comes first.
        rows = _most(service) if together else service.option(drawn) + int(name == "variational")
        values = empty(1 if together else count, rows, len(columns))
        values.fill(np.nan)
        writers = service.writers(values)
        inits = service.resources.root(open_inits(service.resources, init, range(first, first + count)))
        io = service.io(writers, inits=_abi.address(inits), num_inits=len(inits or ()))
        result, error = service.run(name, io, free="approximation_free")
        if result is None:
            assert error is not None
            raise error
        return _read(result, error, name, values, columns, service.model.dimension, service.option("seed"))


def _most(service: Service) -> int:
    """Rows that Pathfinder's paths can have together."""
    resampled = service.option("num_psis_draws")
    return max(resampled, service.option("num_draws") * service.option("num_paths"))


def _read(
    result: int, error: CatenaError | None, name: str, values: Floats, columns: list[str], dimension: int, seed: int
) -> Approximation:
    lib = _abi.lib

    def numbers(address: int | None, shape: tuple[int, ...]) -> Floats | None:
        return matrix(address, shape).copy() if address and dimension else None

    fits = []
    for i in range(lib.approximation_num_fits(result)):
        failed = lib.approximation_fit_error(result, i)
        fits.append(
            ApproximationFit(
                lib.approximation_fit_id(result, i),
                read_error(failed) if failed else None,
                numbers(lib.approximation_fit_mean(result, i), (dimension,)),
                numbers(lib.approximation_fit_sd(result, i), (dimension,)),
                lib.approximation_fit_iterations(result, i),
                bool(lib.approximation_fit_converged(result, i)),
                lib.approximation_fit_elbo(result, i),
                lib.approximation_fit_khat(result, i),
                lib.approximation_fit_dropped(result, i),
                lib.approximation_fit_gradients(result, i),
                lib.approximation_fit_densities(result, i),
                lib.approximation_fit_seconds(result, i),
            )
        )
    failures = [fit.error for fit in fits if fit.error is not None]
    if failures and len(failures) == len(fits):
        raise error if error is not None else failures[0]
    for one in failures:
        warnings.warn(str(one), CatenaWarning, stacklevel=4)
    means, positions = None, None
    if name == "pathfinder":
        rows = lib.approximation_rows(result)
        values = values[:, :rows]
        positions = numbers(lib.approximation_positions(result), (rows, dimension))
    elif name == "variational":
        own = sum(column in _OWN for column in columns)
        means, values = values[:, 0, own:].copy(), values[:, 1:]
    return Approximation(values, columns, lib.approximation_khat(result), fits, means, positions, seed)
