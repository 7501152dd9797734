"""A page for a browser about draws."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from . import _abi
from ._arrays import Floats, numbers
from ._errors import call


def report(
    draws: Any,
    names: Sequence[str] | str | os.PathLike[str] | None = None,
    path: str | os.PathLike[str] = "report.html",
    *,
    title: str | None = None,
    seconds: Any = None,
    step_sizes: Any = None,
    inv_metrics: Any = None,
    lengths: Sequence[int] | None = None,
    max_depth: int = 0,
) -> None:
    """Writes a page about draws from anywhere: the verdict in words and what to do, a table, pictures.

    Parameters
    ----------
    draws : Fit, or array of shape (chains, draws, columns)
        A fit (or a `Filter`, `Particles` or `Course`), as its own `report`: the path may then be the second argument; or draws.
    names : list of str
        Names of the columns of draws, as of `summarize`.
    path : str or path
        The file of the page, which needs nothing else. An older one is replaced.
    title : str, optional
        The page's title.
    seconds : array of shape (chains, 2), optional
        What warm-up and sampling of each chain took.
    step_sizes : array of shape (chains,), optional
        The chains' step sizes after warm-up.
    inv_metrics : array of shape (chains, dimension), optional
        The diagonals of the chains' inverse metrics; told only with step sizes.
    lengths : list of int, optional
        Draws that each chain had before all were cut to one length.
    max_depth : int
        The largest depth of a tree; 0: unknown.

    Raises
    ------
    ValueError, TypeError
        Arrays of another shape, or of no numbers; draws without names.
    CatenaError
        The file cannot be written.
    """
    if callable(own := getattr(draws, "report", None)):
        told = {} if title is None else {"title": title}
        own(names if isinstance(names, (str, os.PathLike)) else path, **told)
        return
    if names is None or isinstance(names, (str, os.PathLike)):
        raise TypeError(f"argument 'names': expected the names of the columns, got {names!r}")
    values = numbers("draws", draws, (None, None, None))
    chains, rows, columns = values.shape
    if len(names) != columns:
        raise ValueError(f"argument 'names': expected {columns} names, one per column, got {len(names)}")

    def given(name: str, array: Any, shape: tuple[int | None, ...]) -> Floats | None:
        return None if array is None else numbers(name, array, shape)

    took = given("seconds", seconds, (chains, 2))
    steps = given("step_sizes", step_sizes, (chains,))
    metrics = given("inv_metrics", inv_metrics, (chains, None))
    if lengths is not None and len(lengths) != chains:
        raise ValueError(f"argument 'lengths': expected {chains} numbers, one per chain, got {len(lengths)}")
    cut = None if lengths is None else (ctypes.c_size_t * chains)(*lengths)
    title_text, columns_list = ctypes.create_string_buffer((title or "Draws").encode()), _abi.texts(names)

    def where(array: Floats | None) -> int | None:
        return None if array is None else array.ctypes.data

    options = _abi.table(
        "catena_report_options",
        title=_abi.address(title_text),
        seconds=where(took),
        step_sizes=where(steps),
        inv_metrics=where(metrics),
        metric_size=0 if metrics is None else metrics.shape[1],
        lengths=_abi.address(cut),
        max_depth=max_depth,
    )
    layout = _abi.enum("catena_layout")["rows"]
    at = values.ctypes.data
    listed = ctypes.addressof(columns_list)
    call("report", at, values.size, chains, rows, columns, layout, listed, ctypes.addressof(options), os.fsencode(path))


def diagonals(metrics: Sequence[Floats], dimension: int) -> Floats | None:
    """The diagonals of inverse metrics that are vectors of variances or matrices; None where one is neither."""
    found = [np.diagonal(metric) if metric.ndim == 2 else metric for metric in metrics]
    return np.stack(found) if found and all(one.shape == (dimension,) for one in found) else None
