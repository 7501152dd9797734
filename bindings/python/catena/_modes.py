"""Modes from many starts."""

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
from ._names import unflatten, variables
from ._service import Service


@dataclass(frozen=True)
class OptimizerStart:
    """How one start ended.

    Attributes
    ----------
    id : int
        Its id, as of a chain.
    ending : str
        A name of ``catena_ending``: the tolerance that was met, or why there is no mode.
    error : CatenaError or None
        Why it has not converged.
    iterations, evaluations : int
        Iterations, and evaluations of the log density with its gradient.
    log_density : float
        Where it ended.
    position : ndarray of shape (dimension,) or None
        Where it ended, unconstrained.
    outputs : ndarray or None
        The model's outputs there.
    seconds : float
        What it took.
    """

    id: int
    ending: str
    error: CatenaError | None
    iterations: int
    evaluations: int
    log_density: float
    position: Floats | None
    outputs: Floats | None
    seconds: float

    @property
    def converged(self) -> bool:
        """Whether it met a tolerance."""
        return self.error is None


@dataclass(frozen=True)
class Mode:
    """A mode that starts have converged to.

    Attributes
    ----------
    start : OptimizerStart
        The highest of these starts.
    found : int
        How many there are.
    """

    start: OptimizerStart
    found: int


@dataclass(frozen=True)
class Optimum:
    """Where starts of an optimiser ended.

    ``optimum["theta"]`` is the value of a variable at the best start.

    Attributes
    ----------
    best : OptimizerStart
        The best start.
    modes : list of Mode
        All distinct modes, the highest first.
    starts : list of OptimizerStart
        Every start.
    names : list of str
        Names of the outputs.
    seed : int
        The seed of the run.
    """

    best: OptimizerStart
    modes: list[Mode]
    starts: list[OptimizerStart]
    names: list[str]
    seed: int

    def variables(self) -> dict[str, Any]:
        """All variables at the best start."""
        if self.best.outputs is None:
            raise ValueError("the best start has no outputs")
        every = unflatten(self.best.outputs, variables(self.names))
        return {name: value[()] for name, value in every.items()}

    def __getitem__(self, name: str) -> Any:
        if self.best.outputs is not None and name in self.names:
            return float(self.best.outputs[self.names.index(name)])
        return self.variables()[name]

    def __repr__(self) -> str:
        converged = sum(start.converged for start in self.starts)
        counts = f"{converged} of {len(self.starts)} starts converged, {len(self.modes)} modes"
        head = f"<catena.Optimum: log density {self.best.log_density:.6g}, {counts}>"
        values = [] if self.best.outputs is None else [f"{n} = {x:.6g}" for n, x in zip(self.names, self.best.outputs)]
        return "\n".join([head, *values[:20]])


def optimize(model: Model, *, init: Any = None, seed: int | None = None, **options: Any) -> Optimum:
    """Climbs to modes of the density from many starts.

    Parameters
    ----------
    model : Model
        The model.
    init : optional
        Initial values as of `sample`, one entry per start.
    seed : int, optional
        Random unless given.
    **options
        ``num_starts=1``, ``algorithm="lbfgs"``, ``jacobian=False``, tolerances and so on: ``catena.options("optimize")``.

    Returns
    -------
    Optimum
        The best point, the modes, and where each start ended.

    Raises
    ------
    CatenaError
        When no start ended at a point that can be told of; where some starts have not converged, a warning says so.
    Exception
        What a function of the model raised, as it was.
    """
    with Service(model, "optimize", {"seed": seed, **options}, ("init",)) as service:
        count, first = service.option("num_starts"), service.option("init_chain_id")
        if service.model.vectorized and "batch_size" not in service.asked:
            service.set("batch_size", count)
        service.open(count)
        names = service.columns("optimize_column")[1:]
        inits = service.resources.root(open_inits(service.resources, init, range(first, first + count)))
        io = service.io(inits=_abi.address(inits), num_inits=len(inits or ()))
        result, error = service.run("optimize", io, free="optimum_free")
        if result is None:
            assert error is not None
            raise error
        return _read(result, error, names, service.model.dimension, service.option("seed"))


def _read(result: int, error: CatenaError | None, names: list[str], dimension: int, seed: int) -> Optimum:
    lib = _abi.lib

    def numbers(address: int | None, size: int) -> Floats | None:
        return matrix(address, (size,)).copy() if address and size else None

    starts = []
    for i in range(lib.optimum_num_starts(result)):
        failed = lib.optimum_start_error(result, i)
        starts.append(
            OptimizerStart(
                lib.optimum_start_id(result, i),
                _abi.enum_name("catena_ending", lib.optimum_start_ending(result, i)),
                read_error(failed) if failed else None,
                lib.optimum_start_iterations(result, i),
                lib.optimum_start_evaluations(result, i),
                lib.optimum_start_log_density(result, i),
                numbers(lib.optimum_start_position(result, i), dimension),
                numbers(lib.optimum_start_outputs(result, i), len(names)),
                lib.optimum_start_seconds(result, i),
            )
        )
    best = lib.optimum_best(result)
    if best >= len(starts):
        raise error if error is not None else RuntimeError("no start has ended")
    for start in starts:
        if start.error is not None:
            warnings.warn(str(start.error), CatenaWarning, stacklevel=3)
    modes = [
        Mode(starts[lib.optimum_mode_start(result, m)], lib.optimum_mode_found(result, m))
        for m in range(lib.optimum_num_modes(result))
    ]
    return Optimum(starts[best], modes, starts, names, seed)


def position_of(mode: Any) -> Any:
    """The position of an optimum, as initial values; all else as it is."""
    return np.array(mode.best.position) if isinstance(mode, Optimum) else mode
