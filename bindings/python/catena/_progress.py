"""Where the chains of a run are, as numbers, on a terminal and in a notebook."""

from __future__ import annotations

import ctypes
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TextIO

from . import _abi
from ._errors import call

# Seconds between two looks.
_INTERVAL = 0.1
_BAR = 24


@dataclass(frozen=True)
class Progress:
    """Where one chain has come.

    Attributes
    ----------
    chain : int
        Its id.
    iteration, total : int
        Iterations done, and to be done, warm-up included.
    divergences : int
        Divergent transitions after warm-up.
    gradients : int
        Gradients evaluated.
    stepsize : float
        The nominal step size; NaN before the first iteration.
    warmup, over : bool
        Whether it still warms up, and whether it has ended.
    """

    chain: int
    iteration: int
    total: int
    divergences: int
    gradients: int
    stepsize: float
    warmup: bool
    over: bool


def read_progress(run: int, chain: int) -> Progress:
    """Where chain number `chain` (from 0) of a run is."""
    one = _abi.table("catena_progress")
    call("run_progress", run, chain, ctypes.addressof(one))
    return Progress(
        one.chain_id, one.iteration, one.total, one.divergences, one.gradients, one.stepsize, bool(one.in_warmup), bool(one.over)
    )


def line(chains: Sequence[Progress]) -> str:
    """All chains in one line."""
    done, total = sum(one.iteration for one in chains), sum(one.total for one in chains)
    share = done / total if total else 1.0
    full = int(share * _BAR)
    warming = sum(one.warmup and not one.over for one in chains)
    state = f", {warming} warming up" if warming else ""
    plural = "" if len(chains) == 1 else "s"
    return (
        f"[{'#' * full}{' ' * (_BAR - full)}] {share:4.0%} of {len(chains)} chain{plural}{state}, "
        f"{sum(one.gradients for one in chains)} gradients, {sum(one.divergences for one in chains)} divergences"
    )


class Display:
    """Shows where a run is: one line that is written over, or one output of a notebook's cell."""

    def __init__(self, progress: bool | TextIO | None) -> None:
        self._notebook = self._stream = None
        self._shown, self._width = 0.0, 0
        if progress is None:
            self._notebook = _notebook()
            stream = sys.stderr
            self._stream = stream if self._notebook is None and stream is not None and stream.isatty() else None
        elif progress is True:
            self._notebook = _notebook()
            self._stream = None if self._notebook is not None else sys.stderr
        elif progress is not False:
            self._stream = progress

    @property
    def on(self) -> bool:
        """Whether anything is shown."""
        return self._stream is not None or self._notebook is not None

    def show(self, chains: Sequence[Progress], over: bool = False) -> None:
        """Shows where the chains are, unless that was done just now."""
        now = time.monotonic()
        if not over and now - self._shown < _INTERVAL:
            return
        self._shown = now
        text = line(chains)
        if self._notebook is not None:
            self._notebook.update(text)
        elif self._stream is not None:
            self._stream.write("\r" + text.ljust(self._width) + ("\n" if over else ""))
            self._stream.flush()
            self._width = len(text)


class _Cell:
    """One output of a notebook's cell, which changes in place."""

    def __init__(self, display: Any) -> None:
        self._handle = display({"text/plain": ""}, raw=True, display_id=True)

    def update(self, text: str) -> None:
        self._handle.update({"text/plain": text}, raw=True)


def _notebook() -> _Cell | None:
    """The output of the cell that runs, where this is a notebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None or not hasattr(shell, "kernel"):
        return None
    return _Cell(sys.modules["IPython.display"].display)
