"""Runs under way: watched, cancelled, waited for."""

from __future__ import annotations

import asyncio
import ctypes
import time
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, TextIO

from . import _abi
from ._arguments import real
from ._errors import CatenaError, Failure, attempt
from ._interrupt import deferred
from ._log import Log
from ._model import Model
from ._progress import Display, Progress, line, read_progress
from ._resources import Resources

if TYPE_CHECKING:
    from ._fit import Fit

# Seconds that one call of the library lasts at most, so that Ctrl-C and progress are looked at.
_SLICE = 0.05


class Run:
    """A run under way, made by `start`.

    ``run.result()`` waits for its end and returns the `Fit`; ``await run`` does so in a coroutine. Functions of Python are
    called, and their chains move, only inside `poll`, `result` and ``await``; chains of compiled functions and Stan programs
    move on threads of their own. `progress` and `cancel` may be called from any thread, the others from one at a time.
    """

    def __init__(
        self,
        model: Model,
        resources: Resources,
        handle: int,
        failure: Failure,
        log: Log,
        chains: int,
        collect: Callable[[int | None, CatenaError | None], Fit],
    ) -> None:
        self._model, self._resources, self._handle = model, resources, handle
        self._failure, self._log, self._chains, self._collect = failure, log, chains, collect
        self._last: list[Progress] = []
        self._over, self._busy = False, False
        self._fit: Fit | None = None
        self._exception: BaseException | None = None

    def progress(self) -> list[Progress]:
        """Where each chain is."""
        if self._last or self._resources.closed:
            return list(self._last)
        self._resources.check_process("this run")
        return [read_progress(self._handle, chain) for chain in range(self._chains)]

    def cancel(self) -> None:
        """Tells all chains to stop and returns at once. `result` then has what was drawn, and `resume` goes on."""
        if not self._resources.closed:
            _abi.lib.run_cancel(self._handle)

    def poll(self, timeout: float = 0.0) -> bool:
        """Waits for the run to end. Ctrl-C ends the waiting alone.

        Parameters
        ----------
        timeout : float
            How long at most, in seconds.

        Returns
        -------
        bool
            Whether the run has ended.

        Raises
        ------
        ValueError
            `timeout` is below 0.
        RuntimeError
            The run was closed, was made in another process, or is being waited for already.
        """
        if not (seconds := real("timeout", timeout)) >= 0:
            raise ValueError(f"argument 'timeout': expected at least 0, got {timeout!r}")
        until = time.monotonic() + seconds
        # Ctrl-C ends the waiting here, not the run.
        with deferred(lambda: None) as pressed:
            while not self._step(min(max(until - time.monotonic(), 0.0), _SLICE)):
                if pressed.once:
                    raise KeyboardInterrupt
                if time.monotonic() >= until:
                    return False
        return True

    def _step(self, timeout: float) -> bool:
        """One call of the library."""
        if self._over:
            return True
        self._resources.check_process("this run")
        if self._resources.closed:
            raise RuntimeError("the run was closed")
        if self._busy:
            raise RuntimeError("the run is being waited for already: by another thread, or by whoever called this function")
        done = ctypes.c_int()
        self._busy = True
        try:
            _, error = attempt(self._model.library, "run_poll", self._handle, timeout, ctypes.addressof(done))
        finally:
            self._busy = False
        if error is not None:
            raise error
        if self._failure.exception is not None:
            self.cancel()
        self._log.show(5)
        self._over = bool(done.value)
        return self._over

    def result(self, progress: bool | TextIO | None = False) -> Fit:
        """Waits until all chains have ended.

        Parameters
        ----------
        progress : bool or file, optional
            Whether to show where the chains are; None: in a notebook, and where stderr is a terminal.

        Returns
        -------
        Fit
            Chains of a run that was cancelled have the draws they came to.

        Raises
        ------
        CatenaError
            When no chain drew anything and one failed.
        Exception
            What a function of the model raised, as it was.
        """
        display = Display(progress)
        # Also while what was drawn is read: Ctrl-C that comes after the chains' end loses nothing.
        with deferred(self.cancel):
            while not self._step(_SLICE):
                if display.on:
                    display.show(self.progress())
            if display.on:
                display.show(self.progress(), over=True)
            return self._outcome()

    def _outcome(self) -> Fit:
        if self._fit is None and self._exception is None:
            try:
                self._last = self.progress()
                self._failure.raise_first()
                place = ctypes.c_void_p()
                _, error = attempt(self._model.library, "run_wait", self._handle, ctypes.addressof(place))
                if place.value:
                    self._resources.own(place.value, "result_free")
                self._fit = self._collect(place.value, error)
            except BaseException as exception:
                self._exception = exception
            finally:
                self._resources.close()
        if self._fit is not None:
            return self._fit
        assert self._exception is not None
        raise self._exception

    def close(self) -> None:
        """Ends the run and frees what the library holds for it."""
        if not self._resources.closed:
            self.cancel()
            self._resources.close()

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __await__(self) -> Generator[Any, None, Fit]:
        return self._wait().__await__()

    async def _wait(self) -> Fit:
        # A model in Python is worked on here, in short turns; for others there is nothing to do but look.
        turn, pause = (0.005, 0.0) if self._model.on_caller else (0.0, 0.01)
        try:
            while not self._step(turn):
                await asyncio.sleep(pause)
        except asyncio.CancelledError:
            self.cancel()
            raise
        return self._outcome()

    def __repr__(self) -> str:
        chains = self.progress()
        return f"<catena.Run: {line(chains) if chains else 'closed'}>"
