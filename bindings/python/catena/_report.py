"""A page for a browser about draws."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from . import _abi
from ._arguments import items, listed, mapping, text, whole, wholes
from ._arrays import Floats, as_array, numbers
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
    dimension: int = 0,
    warmup_step_sizes: Sequence[Any] | None = None,
    settings: Mapping[str, Any] | None = None,
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
    dimension : int
        Coordinates of the model, where `inv_metrics` are inverse metrics as a `Chain` has them; 0: they are diagonals.
    warmup_step_sizes : list of arrays, optional
        The step sizes of each chain's warm-up iterations, finite and above 0; shown where each chain has some.
    settings : mapping of names to values, optional
        What the run was asked for.

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
    names = listed("names", names)
    values = numbers("draws", draws, (None, None, None))
    chains, rows, columns = values.shape
    if len(names) != columns:
        raise ValueError(f"argument 'names': expected {columns} names, one per column, got {len(names)}")

    def given(name: str, array: Any, shape: tuple[int | None, ...]) -> Floats | None:
        return None if array is None else numbers(name, array, shape)

    took = given("seconds", seconds, (chains, 2))
    steps = given("step_sizes", step_sizes, (chains,))
    dimension = whole("dimension", dimension)
    if dimension and inv_metrics is not None:
        inv_metrics = _padded("inv_metrics", inv_metrics, chains)[0]
    metrics = given("inv_metrics", inv_metrics, (chains, None))
    way, of_each = (None, None) if warmup_step_sizes is None else _padded("warmup_step_sizes", warmup_step_sizes, chains)
    counts = None if of_each is None else (ctypes.c_size_t * chains)(*of_each)
    before = None if lengths is None else wholes("lengths", lengths)
    if before is not None and len(before) != chains:
        raise ValueError(f"argument 'lengths': expected {chains} numbers, one per chain, got {len(before)}")
    cut = None if before is None else (ctypes.c_size_t * chains)(*before)
    told_of = mapping("settings", "a mapping of names to values", settings)
    setting_names = _abi.texts(map(str, told_of))
    setting_values = _abi.texts(map(str, told_of.values()))
    title_text = ctypes.create_string_buffer((text("title", title) if title else "Draws").encode())
    columns_list = _abi.texts(names)

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
        dimension=dimension,
        warmup_step_sizes=where(way),
        warmup_size=0 if way is None else way.shape[1],
        warmup_lengths=_abi.address(counts),
        setting_names=_abi.address(setting_names),
        setting_values=_abi.address(setting_values),
        num_settings=len(told_of),
    )
    layout = _abi.enum("catena_layout")["rows"]
    at = values.ctypes.data
    columns_at = ctypes.addressof(columns_list)
    call("report", at, values.size, chains, rows, columns, layout, columns_at, ctypes.addressof(options), os.fsencode(path))


def _padded(name: str, lists: Any, chains: int) -> tuple[Floats, list[int]]:
    """One array of a list of numbers (or a matrix) per chain, zeros behind the shorter ones; how many each chain has."""
    of_each = items(name, "a list of arrays, one per chain", lists)
    if len(of_each) != chains:
        raise ValueError(f"argument '{name}': expected {chains} arrays, one per chain, got {len(of_each)}")
    rows = [numbers(f"{name}[{i}]", np.ravel(as_array(f"{name}[{i}]", one)), (None,)) for i, one in enumerate(of_each)]
    padded = np.zeros((chains, max(map(len, rows), default=0)))
    for place, row in zip(padded, rows):
        place[: len(row)] = row
    return padded, [len(row) for row in rows]
