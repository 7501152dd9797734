"""What a run of chains drew."""

from __future__ import annotations

import ctypes
import json
import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from . import _abi
from ._arrays import Floats
from ._checkpoints import read_bytes
from ._errors import CatenaError, CatenaWarning, call, read_error
from ._names import Shape, unflatten, variables
from ._options import whole_option
from ._report import report
from ._summary import Summary, summarize


@dataclass(frozen=True)
class Chain:
    """How one chain ended.

    Attributes
    ----------
    id : int
        Its id.
    status, stop_reason : str
        Names of ``catena_status`` and ``catena_stop_reason``.
    error : CatenaError or None
        Why it failed.
    iterations, rows, warmup_rows : int
        Iterations done, warm-up included; rows written; how many of these, the first ones, are of the warm-up.
    stepsize : float
        Nominal step size at the end.
    inv_metric : ndarray
        Inverse metric at the end: empty, variances of shape (dimension,), a matrix, or the numbers of a low-rank one.
    warmup_gradients, sampling_gradients, divergences, saturated : int
        Gradients evaluated, divergent transitions, and transitions that reached the largest depth.
    warmup_seconds, sampling_seconds : float
        Time on its threads.
    delta : float
        The target of the acceptance statistic at the end, which warm-up may have raised; NaN where the step size was not
        adapted.
    """

    id: int
    status: str
    stop_reason: str
    error: CatenaError | None
    iterations: int
    rows: int
    warmup_rows: int
    stepsize: float
    inv_metric: Floats
    warmup_gradients: int
    sampling_gradients: int
    divergences: int
    saturated: int
    warmup_seconds: float
    sampling_seconds: float
    delta: float = np.nan


@dataclass
class Fit:
    """The draws of a run, and how its chains ended. A plain value: it can be pickled.

    ``fit["theta"]`` is an array of shape (chains, draws, *shape of theta).

    Attributes
    ----------
    values : ndarray of shape (chains, rows, columns)
        Every row of every chain as the library wrote it, warm-up first; NaN where a chain has fewer than others.
    columns : list of str
        Names of the columns: the sampler's own, then the outputs.
    chains : list of Chain
        All chains, the failed ones too.
    checkpoints : list of bytes or None
        Chains to go on with.
    engine : str
        What moved the chains.
    seed : int
        The seed of the run.
    options : dict
        Options that were given.
    began_at : list of bytes or None
        The ends of another run's chains that these began at.
    dimension : int
        Coordinates of the model; 0 where files don't tell.
    settings : dict
        What the run was asked for, by the names of the library's options, as texts.
    """

    values: Floats
    columns: list[str]
    sampler_columns: int
    chains: list[Chain]
    checkpoints: list[bytes | None]
    engine: str
    seed: int
    options: dict[str, Any]
    max_depth: int = field(repr=False)
    began_at: list[bytes] | None = field(default=None, repr=False)
    dimension: int = field(default=0, repr=False)
    settings: dict[str, str] = field(default_factory=dict, repr=False)
    # The step sizes of the warm-up iterations that files have, of each chain: its rows are left out.
    _steps_of_files: list[Floats] | None = field(default=None, repr=False)

    @cached_property
    def good(self) -> list[int]:
        """Numbers (from 0) of the chains that have draws and did not fail; of all with draws where every chain failed."""
        drew = [i for i, chain in enumerate(self.chains) if chain.rows > chain.warmup_rows]
        return [i for i in drew if self.chains[i].error is None] or drew

    def _rows(self, warmup: bool) -> Floats:
        """Rows of the good chains, cut to the shortest of them."""
        good = list(range(len(self.chains))) if warmup else self.good
        begins = [0 if warmup else self.chains[i].warmup_rows for i in good]
        ends = [self.chains[i].warmup_rows if warmup else self.chains[i].rows for i in good]
        length = min((end - begin for begin, end in zip(begins, ends)), default=0)
        if len(good) == len(self.chains) and len(set(begins)) == 1:
            return self.values[:, begins[0] : begins[0] + length]
        empty = np.empty((0, length, len(self.columns)))
        return np.stack([self.values[i, begin : begin + length] for i, begin in zip(good, begins)]) if good else empty

    @cached_property
    def rows(self) -> Floats:
        """Draws with all columns, of shape (chains, draws, columns), of the chains that did not fail."""
        return self._rows(False)

    @property
    def draws(self) -> Floats:
        """Draws of the outputs, of shape (chains, draws, outputs); a view where no chain failed or was cut short."""
        return self.rows[:, :, self.sampler_columns :]

    @property
    def warmup(self) -> Floats:
        """What `draws` is, of the warm-up (option `save_warmup`), of all chains."""
        return self._rows(True)[:, :, self.sampler_columns :]

    @property
    def warmup_step_sizes(self) -> list[Floats]:
        """The step sizes of each chain's warm-up iterations that were saved (option `save_warmup`), of the chains that did not
        fail; empty arrays without."""
        if self._steps_of_files is not None:
            return [self._steps_of_files[i] for i in self.good]
        if "stepsize__" not in self.columns:
            return [np.empty(0) for _ in self.good]
        at = self.columns.index("stepsize__")
        return [self.values[i, : self.chains[i].warmup_rows, at] for i in self.good]

    @property
    def names(self) -> list[str]:
        """Names of the outputs: theta.1, theta.2 and so on."""
        return self.columns[self.sampler_columns :]

    @cached_property
    def shapes(self) -> dict[str, Shape]:
        """The variables that are the outputs, with their shapes."""
        return variables(self.names)

    @property
    def sampler(self) -> dict[str, Floats]:
        """The sampler's own columns, such as ``lp__`` and ``divergent__``, of shape (chains, draws)."""
        return {name: self.rows[:, :, i] for i, name in enumerate(self.columns[: self.sampler_columns])}

    def variables(self) -> dict[str, Any]:
        """All variables, of shapes (chains, draws, *shape); views of `rows`."""
        return unflatten(self.draws, self.shapes)

    def __getitem__(self, name: str) -> Floats:
        if name in self.columns:
            return self.rows[:, :, self.columns.index(name)]
        if name in self.shapes:
            array: Floats = self.variables()[name]
            return array
        raise KeyError(f"{name!r}; there are {', '.join(self.shapes)} and {', '.join(self.columns[: self.sampler_columns])}")

    @property
    def interrupted(self) -> bool:
        """Whether a chain was stopped before its end and can go on (`resume`)."""
        return any(chain.status == "interrupted" for chain in self.chains)

    def summary(self, variables: Sequence[str] | None = None, **options: Any) -> Summary:
        """Means, quantiles, effective sample sizes and R-hat of every variable, with warnings.

        Parameters
        ----------
        variables : list of str, optional
            Names of columns, or of variables with all of their elements; all unless given.
        **options
            As of `summarize`.

        Returns
        -------
        Summary
            A row per variable, with warnings.
        """
        lengths = [self.chains[i].rows - self.chains[i].warmup_rows for i in self.good]
        return summarize(self.rows, self.columns, variables=variables, max_depth=self.max_depth, lengths=lengths, **options)

    def report(self, path: str | os.PathLike[str] = "report.html", title: str = "Draws") -> None:
        """Writes a page for a browser about the draws: the verdict and what to do, a table, pictures.

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
        good = [self.chains[i] for i in self.good]
        way = self.warmup_step_sizes
        # What never moves has none.
        moves = all(np.isfinite(steps).all() and (steps > 0).all() for steps in way)
        report(
            self.rows,
            self.columns,
            path,
            title=title,
            seconds=[(chain.warmup_seconds, chain.sampling_seconds) for chain in good],
            step_sizes=[chain.stepsize for chain in good],
            inv_metrics=[chain.inv_metric for chain in good] if self.dimension else None,
            lengths=[chain.rows - chain.warmup_rows for chain in good],
            max_depth=self.max_depth,
            dimension=self.dimension,
            warmup_step_sizes=way if moves else None,
            settings=self.settings,
        )

    def to_arviz(self) -> Any:
        """The draws as ArviZ has them: InferenceData, or DataTree, as the installed one is."""
        from ._convert import to_arviz

        return to_arviz(self)

    def to_pandas(self) -> Any:
        """A data frame of pandas with a row per draw: chain, draw (from 0), then all columns."""
        from ._convert import to_pandas

        return to_pandas(self)

    def to_polars(self) -> Any:
        """A data frame of polars, as `to_pandas`."""
        from ._convert import to_polars

        return to_polars(self)

    def metric_json(self, chain: int = 0) -> str:
        """Step size and inverse metric of a chain, in the format of CmdStan's metric files.

        Parameters
        ----------
        chain : int
            Number of the chain, from 0.

        Returns
        -------
        str
            JSON.

        Raises
        ------
        IndexError
            There is no such chain.
        """
        report = self.chains[chain]
        kind = {0: "unit_e", 1: "diag_e"}.get(report.inv_metric.ndim if report.inv_metric.size else 0, "dense_e")
        return json.dumps({"stepsize": report.stepsize, "metric_type": kind, "inv_metric": report.inv_metric.tolist()})

    def __repr__(self) -> str:
        chains, draws, outputs = self.draws.shape
        state = ", interrupted" if self.interrupted else ""
        failed = sum(chain.error is not None for chain in self.chains)
        return (
            f"<catena.Fit: {chains} chains of {draws} draws of {outputs} outputs{state}"
            + (f", {failed} failed" if failed else "")
            + ">"
        )

    def __getstate__(self) -> dict[str, Any]:
        # What is computed from the rest is computed again.
        return {name: value for name, value in self.__dict__.items() if name not in ("good", "rows", "shapes")}


def read_fit(
    result: int | None,
    error: CatenaError | None,
    values: Floats,
    have: Sequence[int],
    names: list[str],
    sampler_columns: int,
    engine: str,
    options: int,
    asked: dict[str, Any],
    dimension: int,
) -> Fit:
    """What the library holds at the end of a run; raises `error` where nothing was drawn because of it.

    `have`: rows of each chain in `values`; `options`: the library's handle; `asked`: what the call was given.
    """
    if result is None:
        assert error is not None
        raise error
    # What no row was written to has any numbers.
    most = max(have)
    for i, rows in enumerate(have):
        values[i, rows:most] = np.nan
    thin, num_samples = whole_option(options, "thin"), whole_option(options, "num_samples")
    saved = bool(whole_option(options, "save_warmup"))
    dense = whole_option(options, "metric") in (_abi.enum("catena_metric")[name] for name in ("dense_e", "fisher_dense", "auto"))
    chains = []
    for i, rows in enumerate(have):
        # Rows of the warm-up come first, if they were asked for; a chain from a checkpoint begins where it had come to.
        of_warmup = -(-_abi.lib.result_warmup_iterations(result, i) // thin) if saved else 0
        warmup_rows = min(max(of_warmup - _abi.lib.result_rows(result, i) + rows, 0), rows)
        chains.append(_read_chain(result, i, rows, warmup_rows, dimension if dense else None))
    fit = Fit(
        values[:, :most],
        names,
        sampler_columns,
        chains,
        [_checkpoint(result, i) for i in range(len(have))],
        engine,
        whole_option(options, "seed"),
        asked,
        whole_option(options, "max_depth"),
        dimension=dimension,
        settings=read_settings(_abi.lib.result_setting, result),
    )
    failed = [chain for chain in chains if chain.error is not None]
    if failed and len(failed) == len(chains):
        raise error if error is not None else failed[0].error or CatenaError("all chains failed")
    for chain in failed:
        warnings.warn(str(chain.error), CatenaWarning, stacklevel=4)
    if fit.interrupted and not any(name in asked for name in ("max_evaluations", "max_seconds", "max_gradients")):
        shortest = min(chain.rows - chain.warmup_rows for chain in chains)
        goes_on = "; catena.resume goes on" if engine in _abi.enum("catena_engine") else ""
        warnings.warn(
            f"the run was interrupted: each chain has at least {shortest} draws of {-(-num_samples // thin)}{goes_on}",
            CatenaWarning,
            stacklevel=4,
        )
    return fit


def read_settings(setting: Callable[..., bytes | None], handle: int) -> dict[str, str]:
    """What a run was asked for, as a function of the library's tells it of a handle; the first of a name that several have."""
    found: dict[str, str] = {}
    at = 0
    while (name := setting(handle, at, 0)) is not None:
        found.setdefault(name.decode(), (setting(handle, at, 1) or b"").decode())
        at += 1
    return found


def _read_chain(result: int, i: int, rows: int, warmup_rows: int, side: int | None) -> Chain:
    """`side`: how many rows the inverse metric has where it is a matrix."""
    lib = _abi.lib
    size = lib.result_inv_metric_size(result, i)
    metric = np.empty(size)
    call("result_inv_metric", result, i, metric.ctypes.data, size)
    # One of low rank never has the square of the dimension as its number of numbers.
    if side is not None and side * side == size:
        metric = metric.reshape(side, side)
    failure = lib.result_chain_error(result, i)
    return Chain(
        lib.result_chain_id(result, i),
        _abi.enum_name("catena_status", lib.result_chain_status(result, i)),
        _abi.enum_name("catena_stop_reason", lib.result_stop_reason(result, i)),
        read_error(failure) if failure else None,
        lib.result_iterations(result, i),
        rows,
        warmup_rows,
        lib.result_stepsize(result, i),
        metric,
        lib.result_warmup_gradients(result, i),
        lib.result_sampling_gradients(result, i),
        lib.result_divergences(result, i),
        lib.result_saturated(result, i),
        lib.result_warmup_seconds(result, i),
        lib.result_sampling_seconds(result, i),
        lib.result_delta(result, i),
    )


def _checkpoint(result: int, chain: int) -> bytes | None:
    """A chain as bytes; None of one that failed, or was stopped before it began."""
    place = ctypes.c_void_p()
    try:
        call("result_checkpoint_new", result, chain, ctypes.addressof(place))
    except CatenaError:
        return None
    return read_bytes(place.value)
