"""Calls of the library that come back into Python functions of populations, filters and updaters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import _abi
from ._errors import DONE, REJECT, STOP, CatenaError, Reject, attempt, failed, refused
from ._log import Log
from ._random import Stream

# More exceptions of one call are not kept.
_MOST_EXCEPTIONS = 64


class Session:
    """What the Python functions of one object of the library share.

    They are called on the thread that called the library, which keeps the GIL. Nothing is raised through the library's
    frames: an exception ends the call, which raises a `CatenaError` that names set and trace, with the exception as its
    cause and its traceback.
    """

    def __init__(self, what: str) -> None:
        self.what, self.log, self.stream = what, Log(), Stream()
        self.busy = False
        self._kept: list[tuple[int, int, BaseException]] = []
        self._stopped: BaseException | None = None

    def guarded(self, task: int | None, work: Callable[[], Any]) -> int:
        """Does a callback's work; what it raises is kept and told."""
        if self._stopped is not None:
            return STOP
        try:
            work()
            return DONE
        except Reject as exception:
            refused(task, exception)
            return REJECT
        except Exception as exception:
            failed(task, exception)
            if len(self._kept) < _MOST_EXCEPTIONS:
                held = _abi.held
                self._kept.append((held.task_chain_id(task), held.task_particle(task), exception))
            return STOP
        except BaseException as exception:
            # KeyboardInterrupt and its like are nobody's mistake.
            self._stopped = exception
            return STOP

    def stop(self, exception: BaseException) -> None:
        """Has the call under way end with this exception, where the library asks its interrupt."""
        self._stopped = self._stopped or exception

    @property
    def stopping(self) -> bool:
        """Whether the call under way is to end."""
        return self._stopped is not None

    def rng(self, task: int) -> np.random.Generator:
        """The generator of the task's own stream."""
        return self.stream.of(task)

    def perform(self, name: str, *arguments: Any) -> None:
        """Calls a function that takes a place for an error last; raises what went wrong."""
        error = self.attempt(name, *arguments)
        if error is not None:
            self.raise_with_cause(error)

    def attempt(self, name: str, *arguments: Any) -> CatenaError | None:
        """As `perform`, but the library's error is returned."""
        if self.busy:
            raise RuntimeError(f"the {self.what} is at work: a function that it calls, or another thread, cannot use it")
        self.busy = True
        self._kept, self._stopped = [], None
        try:
            _, error = attempt(_abi.held, name, *arguments)
        finally:
            self.busy = False
        self.log.show(5)
        if self._stopped is not None:
            stopped, self._stopped = self._stopped, None
            raise stopped
        return error

    def raise_with_cause(self, error: CatenaError) -> None:
        """Raises the library's error; the exception of the function that it is about is its cause."""
        kept, self._kept = self._kept, []
        for set_id, particle, exception in kept:
            if error.set in (None, set_id) and error.particle in (None, particle):
                raise error from exception
        raise error
