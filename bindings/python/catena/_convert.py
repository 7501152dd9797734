"""Draws for other packages, where these are installed."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ._fit import Fit

# ArviZ's names of the sampler's columns.
_STATS = {
    "lp__": "lp",
    "accept_stat__": "acceptance_rate",
    "stepsize__": "step_size",
    "treedepth__": "tree_depth",
    "n_leapfrog__": "n_steps",
    "divergent__": "diverging",
    "energy__": "energy",
    "int_time__": "int_time",
}
_COUNTS = ("treedepth__", "n_leapfrog__")


def to_arviz(fit: Fit) -> Any:
    """InferenceData or DataTree of a fit, as the installed ArviZ has it."""
    import arviz

    stats: dict[str, Any] = {}
    for name, values in fit.sampler.items():
        kind = bool if name == "divergent__" else np.int64 if name in _COUNTS else np.float64
        stats[_STATS.get(name, name)] = values.astype(kind)
    groups = {"posterior": fit.variables(), "sample_stats": stats}
    # From version 1 on, ArviZ takes the groups as one mapping.
    if "posterior" in inspect.signature(arviz.from_dict).parameters:
        return arviz.from_dict(**groups)
    return arviz.from_dict(groups)


def columns(fit: Fit) -> dict[str, Any]:
    """A table of columns: chain (its id), draw (from 0), then all columns of the run."""
    chains, draws, _ = fit.rows.shape
    ids = np.array([fit.chains[i].id for i in fit.good], dtype=np.int64)
    table: dict[str, Any] = {"chain": np.repeat(ids, draws), "draw": np.tile(np.arange(draws), chains)}
    table.update({name: fit.rows[:, :, i].ravel() for i, name in enumerate(fit.columns)})
    return table


def to_pandas(fit: Fit) -> Any:
    """A data frame of pandas."""
    import pandas

    return pandas.DataFrame(columns(fit), copy=False)


def to_polars(fit: Fit) -> Any:
    """A data frame of polars."""
    import polars

    return polars.DataFrame(columns(fit))
