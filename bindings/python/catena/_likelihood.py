"""Likelihoods over outcomes x models x experiments, from functions of whole arrays."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from . import _abi
from ._arguments import check_function, listed, whole
from ._arrays import Floats, as_array, columns, matrix, numbers, returned, row
from ._session import Session


class Likelihood:
    """How probable outcomes are under models in experiments, for `Updater`.

    The functions work on whole arrays: `models` has shape (models, parameters), `outcomes` (outcomes,), or (outcomes, width)
    where an outcome has several numbers, and `experiments` is a dict of arrays of shape (experiments,) by field.

    Parameters
    ----------
    likelihood : callable
        ``likelihood(outcomes, models, experiments)`` of shape (models, outcomes, experiments): probabilities of whole outcomes,
        densities of real ones.
    parameters : list of str
        Names of a model's parameters.
    fields : list of str or dict, optional
        Names of the fields of an experiment; ``{"throws": "integer", "t": "real"}`` says which are whole numbers.
    outcome : str
        ``"integer"`` or ``"real"``.
    width : int
        Numbers in an outcome.
    domain : array or callable, optional
        The outcomes there can be, or ``domain(experiment)`` that gives them; None from it: they cannot be listed and are
        simulated. Unless given, whole outcomes are 0 and 1, and real ones cannot be listed.
    log : bool
        Whether `likelihood` gives logarithms, for long records.
    are_valid : callable, optional
        ``are_valid(models)`` of shape (models,): which are possible.
    canonicalize : callable, optional
        ``canonicalize(models)``: those that stand for models that resampling has moved.
    simulate : callable, optional
        ``simulate(rng, models, experiments)``: outcomes of shape (models, experiments), or (models, experiments, width).
    update_timestep : callable, optional
        ``update_timestep(rng, models, experiment)``: models after an experiment, as parameters that drift.
    experiment_cost : callable, optional
        ``experiment_cost(experiments)``: what each costs; 1 unless given.
    score : callable, optional
        ``score(outcomes, models, experiments)`` of shape (models, parameters, outcomes, experiments): the gradient of the log
        likelihood, for `Updater.fisher_information`.
    """

    def __init__(
        self,
        likelihood: Callable[..., Any],
        *,
        parameters: Sequence[str],
        fields: Sequence[str] | Mapping[str, str] = (),
        outcome: str = "integer",
        width: int = 1,
        domain: Any = None,
        log: bool = False,
        are_valid: Callable[..., Any] | None = None,
        canonicalize: Callable[..., Any] | None = None,
        simulate: Callable[..., Any] | None = None,
        update_timestep: Callable[..., Any] | None = None,
        experiment_cost: Callable[..., Any] | None = None,
        score: Callable[..., Any] | None = None,
    ) -> None:
        self.likelihood, self.parameters, self.fields = (
            likelihood,
            listed("parameters", parameters),
            listed("fields", fields),
        )
        if not self.parameters:
            raise ValueError(f"argument 'parameters': expected a list of at least one name, got {parameters!r}")
        kinds = list(fields.values()) if isinstance(fields, Mapping) else ["real"] * len(self.fields)
        self.kinds = [_abi.code("catena_number", "fields", kind) for kind in kinds]
        self.outcome, self.width, self.log = _abi.code("catena_number", "outcome", outcome), whole("width", width), log
        self.domain, self.are_valid, self.canonicalize, self.simulate = domain, are_valid, canonicalize, simulate
        self.update_timestep, self.experiment_cost, self.score = update_timestep, experiment_cost, score
        for argument, function in (
            ("likelihood", likelihood),
            ("are_valid", are_valid),
            ("canonicalize", canonicalize),
            ("simulate", simulate),
            ("update_timestep", update_timestep),
            ("experiment_cost", experiment_cost),
            ("score", score),
        ):
            check_function(argument, function)
        if width < 1:
            raise ValueError(f"argument 'width': expected at least 1, got {width!r}")

    def __repr__(self) -> str:
        kind = _abi.enum_name("catena_number", self.outcome)
        within = f" in experiments of {', '.join(self.fields)}" if self.fields else ""
        return f"<catena.Likelihood of {kind} outcomes over {', '.join(self.parameters)}{within}>"

    def outcomes(self, argument: str, values: Any) -> Floats:
        """Outcomes as rows, column by column; for this package."""
        return rows_of(argument, values, self.width)

    def models(self, argument: str, values: Any) -> Floats:
        """Models as rows, column by column; for this package."""
        return rows_of(argument, values, len(self.parameters))

    def experiments(self, argument: str, values: Any) -> Floats:
        """Experiments as rows, column by column: of a mapping of fields, a data frame, an array, or numbers of the one field; for
        this package."""
        if not self.fields:
            return np.zeros((1, 0), order="F")
        if isinstance(values, Mapping) or hasattr(values, "columns"):
            missing = [name for name in self.fields if name not in values]
            if missing:
                raise ValueError(
                    f"argument '{argument}': expected the fields {', '.join(self.fields)}, got {', '.join(map(str, values))}"
                )
            parts = [row(argument, values[name]) for name in self.fields]
            if len(lengths := {part.size for part in parts} - {1}) > 1:
                raise ValueError(f"argument '{argument}': expected as many numbers of each field, got {sorted(lengths)}")
            return numbers(argument, np.stack(np.broadcast_arrays(*parts), axis=1), (None, len(self.fields)), "F")
        return rows_of(argument, values, len(self.fields))


def rows_of(argument: str, values: Any, width: int) -> Floats:
    """Rows of numbers: of a number or a list where a row is one, of one row, or of a matrix."""
    array = as_array(argument, values)
    if array.ndim == 0 or (array.ndim == 1 and width == 1):
        array = array.reshape(-1, 1)
    elif array.ndim == 1:
        array = array.reshape(1, -1)
    return numbers(argument, array, (None, width), "F")


class Cells(Session):
    """The C functions of a likelihood for one updater. Each call covers all that is asked for in a set."""

    def __init__(self, of: Likelihood) -> None:
        super().__init__("updater")
        self.of, self.resampler = of, None
        self._names, self._fields = _abi.texts(of.parameters), _abi.texts(of.fields)
        self._kinds = (ctypes.c_int32 * len(of.kinds))(*of.kinds)
        self._resampler: Callable[..., Any] | None = None

    def table(self) -> Any:
        """The library's table."""
        of = self.of
        return _abi.table(
            "catena_likelihood",
            threading=_abi.enum("catena_threading")["caller"],
            whole=1,
            num_parameters=len(of.parameters),
            parameter_names=_abi.address(self._names),
            num_fields=len(of.fields),
            field_names=_abi.address(self._fields) if of.fields else None,
            field_kinds=_abi.address(self._kinds) if of.fields else None,
            outcome_kind=of.outcome,
            outcome_width=of.width,
            is_log=int(of.log),
            likelihood=self._cells(of.likelihood, "likelihood", ()),
            score=of.score and self._cells(of.score, "score", (len(of.parameters),)),
            are_valid=of.are_valid and self._valid,
            canonicalize=of.canonicalize and self._canonicalize,
            num_outcomes=None if of.domain is None else self._count,
            domain=None if of.domain is None else self._domain,
            simulate=of.simulate and self._simulate,
            update_timestep=of.update_timestep and self._timestep,
            experiment_cost=of.experiment_cost and self._cost,
        )

    def _models(self, at: int, n: int) -> Floats:
        rows: Floats = columns(at, n, len(self.of.parameters)).copy(order="F")
        return rows

    def _outcomes(self, at: int, n: int) -> Floats:
        rows: Floats = columns(at, n, self.of.width).copy(order="F")
        return rows[:, 0] if self.of.width == 1 else rows

    def _experiments(self, at: int, n: int) -> dict[str, Floats]:
        return {} if not self.of.fields else dict(zip(self.of.fields, matrix(at, (len(self.of.fields), n)).copy()))

    def _experiment(self, at: int) -> dict[str, float]:
        return {} if not self.of.fields else dict(zip(self.of.fields, matrix(at, (len(self.of.fields),)).tolist()))

    def _cells(self, function: Callable[..., Any], what: str, inner: tuple[int, ...]) -> Callable[..., int]:
        def callback(
            _user: int,
            _worker: int,
            _context: int,
            task: int,
            n_o: int,
            outcomes: int,
            n_m: int,
            models: int,
            n_e: int,
            experiments: int,
            out: int,
        ) -> int:
            def work() -> None:
                values = function(self._outcomes(outcomes, n_o), self._models(models, n_m), self._experiments(experiments, n_e))
                values = returned(f"what '{what}' returned", values, (n_m, *inner, n_o, n_e))
                matrix(out, (n_e, n_o, *inner, n_m)).T[...] = values

            return self.guarded(task, work)

        return callback

    def _valid(self, _user: int, _worker: int, task: int, n: int, models: int, out: int) -> int:
        def work() -> None:
            assert self.of.are_valid is not None
            values = returned("what 'are_valid' returned", self.of.are_valid(self._models(models, n)), (n,))
            matrix(out, (n,), ctypes.c_uint8)[:] = values != 0

        return self.guarded(task, work)

    def _canonicalize(self, _user: int, _worker: int, task: int, n: int, models: int) -> int:
        def work() -> None:
            assert self.of.canonicalize is not None
            width = len(self.of.parameters)
            columns(models, n, width)[...] = returned(
                "what 'canonicalize' returned", self.of.canonicalize(self._models(models, n)), (n, width)
            )

        return self.guarded(task, work)

    def _listed(self, experiment: int) -> Floats:
        found = self.of.domain(self._experiment(experiment)) if callable(self.of.domain) else self.of.domain
        return np.empty((0, self.of.width)) if found is None else self.of.outcomes("domain", found)

    def _count(self, _user: int, task: int, experiment: int, out: int) -> int:
        def work() -> None:
            ctypes.c_size_t.from_address(out).value = len(self._listed(experiment))

        return self.guarded(task, work)

    def _domain(self, _user: int, task: int, experiment: int, count: int, out: int) -> int:
        def work() -> None:
            columns(out, count, self.of.width)[...] = self._listed(experiment)

        return self.guarded(task, work)

    def _simulate(
        self, _user: int, _worker: int, _context: int, task: int, n_m: int, models: int, n_e: int, experiments: int, out: int
    ) -> int:
        def work() -> None:
            assert self.of.simulate is not None
            values = self.of.simulate(self.rng(task), self._models(models, n_m), self._experiments(experiments, n_e))
            width = self.of.width
            shape = (n_m, n_e) if width == 1 else (n_m, n_e, width)
            values = returned("what 'simulate' returned", values, shape).reshape(n_m, n_e, width)
            matrix(out, (n_e, width, n_m))[...] = values.transpose(1, 2, 0)

        return self.guarded(task, work)

    def _timestep(self, _user: int, _worker: int, task: int, experiment: int, n: int, models: int) -> int:
        def work() -> None:
            assert self.of.update_timestep is not None
            width = len(self.of.parameters)
            moved = self.of.update_timestep(self.rng(task), self._models(models, n), self._experiment(experiment))
            columns(models, n, width)[...] = returned("what 'update_timestep' returned", moved, (n, width))

        return self.guarded(task, work)

    def _cost(self, _user: int, task: int, n: int, experiments: int, out: int) -> int:
        def work() -> None:
            assert self.of.experiment_cost is not None
            costs = self.of.experiment_cost(self._experiments(experiments, n))
            matrix(out, (n,))[:] = returned("what 'experiment_cost' returned", costs, (n,))

        return self.guarded(task, work)


def cos_squared(x: Any) -> Floats:
    """``cos(x)**2`` of each number, within 2e-16, about 1 ns each: the likelihood of a two-level system that precesses.

    Parameters
    ----------
    x : array
        Numbers, in any shape.

    Returns
    -------
    ndarray
        Of the same shape.

    Raises
    ------
    TypeError
        `x` has no real numbers.
    """
    values = numbers("x", x)
    out = np.empty(values.shape)
    _abi.lib.cos_squared(values.size, values.ctypes.data, out.ctypes.data)
    return out
