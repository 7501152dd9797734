"""Summaries of draws, and single diagnostics."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np

from . import _abi
from ._abi import address, texts
from ._arguments import INT_BITS, listed, real, whole, wholes
from ._arrays import Floats, numbers
from ._errors import call
from ._resources import Resources


class Summary:
    """Statistics of every variable, and what they say.

    ``summary["mu"]`` is a dict of the statistics of a row, ``summary.statistics["rhat"]`` an array over the rows.

    Attributes
    ----------
    names : list of str
        Names of the rows.
    statistics : dict of str to ndarray
        ``mean``, ``mcse_mean``, ``sd``, ``mcse_sd``, ``ess_bulk``, ``ess_tail``, ``rhat`` and the quantiles.
    verdict : str
        ``"good"``, ``"doubtful"`` or ``"unknown"``.
    divergences, saturated : int or None
        Divergent transitions, and those that reached the largest depth, where that is known.
    text : str
        The table with its warnings.
    """

    def __init__(
        self,
        names: list[str],
        statistics: dict[str, Floats],
        verdict: str,
        divergences: int | None,
        saturated: int | None,
        text: str,
    ) -> None:
        self.names, self.statistics, self.verdict = names, statistics, verdict
        self.divergences, self.saturated, self.text = divergences, saturated, text

    def __getitem__(self, name: str) -> dict[str, float]:
        if name not in self.names:
            raise KeyError(f"{name!r}; there are {', '.join(self.names)}")
        row = self.names.index(name)
        return {statistic: float(values[row]) for statistic, values in self.statistics.items()}

    def __len__(self) -> int:
        return len(self.names)

    def to_pandas(self) -> Any:
        """A data frame with a row per variable."""
        import pandas

        return pandas.DataFrame(self.statistics, index=self.names)

    def __repr__(self) -> str:
        return self.text.rstrip("\n")


def summarize(
    draws: Any,
    names: Sequence[str],
    *,
    variables: Sequence[str] | None = None,
    probabilities: Sequence[float] | None = None,
    order: str | None = None,
    digits: int = 0,
    max_depth: int = 0,
    lengths: Sequence[int] | None = None,
) -> Summary:
    """Summarises draws from anywhere.

    Parameters
    ----------
    draws : array of shape (chains, draws, columns)
        The draws.
    names : list of str
        Names of the columns. Those that end in ``__`` get no row, but for ``lp__``; ``divergent__``, ``treedepth__`` and
        ``energy__`` are used for warnings.
    variables : list of str, optional
        Names of columns, or of variables with all of their elements, in the order wanted.
    probabilities : list of float, optional
        Quantiles, 0.05, 0.5 and 0.95 unless given.
    order : str, optional
        Name of a statistic to order the rows by, the largest first after a ``-``.
    digits : int
        Significant digits of the table; 0: four.
    max_depth : int
        The largest depth of a tree; 0: unknown.
    lengths : list of int, optional
        Draws that each chain had before all were cut to one length.

    Returns
    -------
    Summary
        A row per variable, with warnings.

    Raises
    ------
    ValueError, TypeError
        An array has another shape or no real numbers, or there are not as many `names` as columns.
    CatenaError
        There is no such variable or statistic.
    """
    values = numbers("draws", draws, (None, None, None))
    chains, rows, columns = values.shape
    names = listed("names", names)
    if len(names) != columns:
        raise ValueError(f"argument 'names': expected {columns} names, one per column, got {len(names)}")
    chances = None if probabilities is None else numbers("probabilities", probabilities, (None,))
    wanted, cut = None if variables is None else texts(listed("variables", variables)), None
    if lengths is not None:
        cut = (ctypes.c_size_t * len(counts := wholes("lengths", lengths)))(*counts)
    order_buffer = None if order is None else ctypes.create_string_buffer(str(order).encode())
    columns_list = texts(names)
    options = _abi.table(
        "catena_summary_options",
        variables=address(wanted),
        num_variables=len(wanted or ()),
        probabilities=None if chances is None else chances.ctypes.data,
        num_probabilities=0 if chances is None else chances.size,
        order=address(order_buffer),
        lengths=address(cut),
        num_lengths=len(cut or ()),
        digits=whole("digits", digits, INT_BITS),
    )
    with Resources() as resources:
        handle = resources.make(
            "summary_select",
            values.ctypes.data,
            values.size,
            chains,
            rows,
            columns,
            _abi.enum("catena_layout")["rows"],
            ctypes.addressof(columns_list),
            whole("max_depth", max_depth, INT_BITS),
            ctypes.addressof(options),
            free="summary_free",
        )
        return _read(handle, None if chances is None else chances)


def _read(handle: int, chances: Floats | None) -> Summary:
    lib = _abi.lib
    size = lib.summary_size(handle)
    place = ctypes.c_double()

    def column(name: str, *which: int) -> Floats:
        values = np.empty(size)
        for row in range(size):
            call(name, handle, row, *which, ctypes.addressof(place))
            values[row] = place.value
        return values

    quantiles = ("q5", "median", "q95")
    statistics: dict[str, Floats] = {}
    for name, number in _abi.enum("catena_statistic").items():
        if chances is None or name not in quantiles:
            statistics[name] = column("summary_value", number)
        elif name == quantiles[0]:
            for i, chance in enumerate(chances):
                statistics[f"q{100 * chance:.10g}"] = column("summary_quantile", i)
    counts = [None if count < 0 else count for count in (lib.summary_divergences(handle), lib.summary_saturated(handle))]
    return Summary(
        [lib.summary_name(handle, row).decode() for row in range(size)],
        statistics,
        _abi.enum_name("catena_verdict", lib.summary_verdict(handle)),
        counts[0],
        counts[1],
        lib.summary_text(handle).decode(),
    )


def _diagnostic(name: str, draws: Any, *more: float) -> float:
    values = numbers("draws", draws, (None, None))
    place = ctypes.c_double()
    call(f"diagnose_{name}", values.ctypes.data, *values.shape, values.shape[1], 1, *more, ctypes.addressof(place))
    return place.value


def rhat(draws: Any) -> float:
    """Rank-normalised split R-hat (Vehtari et al. 2021).

    Parameters
    ----------
    draws : array of shape (chains, draws)
        Draws of one variable.

    Returns
    -------
    float
        NaN for too few draws or constant ones.

    Raises
    ------
    ValueError, TypeError
        `draws` is no matrix of real numbers.
    """
    return _diagnostic("rhat", draws)


def ess_bulk(draws: Any) -> float:
    """Bulk effective sample size.

    Parameters
    ----------
    draws : array of shape (chains, draws)
        Draws of one variable.

    Returns
    -------
    float
        NaN for too few draws or constant ones.

    Raises
    ------
    ValueError, TypeError
        `draws` is no matrix of real numbers.
    """
    return _diagnostic("ess_bulk", draws)


def ess_tail(draws: Any) -> float:
    """Tail effective sample size.

    Parameters
    ----------
    draws : array of shape (chains, draws)
        Draws of one variable.

    Returns
    -------
    float
        NaN for too few draws or constant ones.

    Raises
    ------
    ValueError, TypeError
        `draws` is no matrix of real numbers.
    """
    return _diagnostic("ess_tail", draws)


def ess_mean(draws: Any) -> float:
    """Effective sample size for the mean.

    Parameters
    ----------
    draws : array of shape (chains, draws)
        Draws of one variable.

    Returns
    -------
    float
        NaN for too few draws or constant ones.

    Raises
    ------
    ValueError, TypeError
        `draws` is no matrix of real numbers.
    """
    return _diagnostic("ess_mean", draws)


def mcse_mean(draws: Any) -> float:
    """Monte Carlo standard error of the mean.

    Parameters
    ----------
    draws : array of shape (chains, draws)
        Draws of one variable.

    Returns
    -------
    float
        NaN for too few draws or constant ones.

    Raises
    ------
    ValueError, TypeError
        `draws` is no matrix of real numbers.
    """
    return _diagnostic("mcse_mean", draws)


def mcse_sd(draws: Any) -> float:
    """Monte Carlo standard error of the standard deviation.

    Parameters
    ----------
    draws : array of shape (chains, draws)
        Draws of one variable.

    Returns
    -------
    float
        NaN for too few draws or constant ones.

    Raises
    ------
    ValueError, TypeError
        `draws` is no matrix of real numbers.
    """
    return _diagnostic("mcse_sd", draws)


def mcse_quantile(draws: Any, probability: float) -> float:
    """Monte Carlo standard error of a quantile.

    Parameters
    ----------
    draws : array of shape (chains, draws)
        Draws of one variable.
    probability : float
        Which quantile, between 0 and 1.

    Returns
    -------
    float
        NaN for too few draws or constant ones.

    Raises
    ------
    ValueError, TypeError
        `draws` is no matrix of real numbers.
    """
    return _diagnostic("mcse_quantile", draws, real("probability", probability))


def ebfmi(energies: Any) -> float:
    """Energy Bayesian fraction of missing information (Betancourt 2016): the smallest of the chains'.

    Below 0.3 is worth a look.

    Parameters
    ----------
    energies : array of shape (chains, draws)
        ``fit.sampler["energy__"]``.

    Returns
    -------
    float
        NaN for too few draws.

    Raises
    ------
    ValueError, TypeError
        `energies` is no matrix of real numbers.
    """
    return _diagnostic("ebfmi", energies)
