"""What goes wrong: the library's errors as exceptions, and exceptions of Python functions that the library called."""

from __future__ import annotations

import ctypes
import os
import threading
from typing import Any

from . import _abi

_OK, _INVALID_ARGUMENT = (_abi.enum("catena_status")[name] for name in ("ok", "invalid_argument"))
# What a callback returns: done, refuse this point, stop.
DONE, REJECT, STOP = 0, 1, -1


class CatenaError(RuntimeError):
    """What the library found wrong.

    Attributes
    ----------
    status : str
        The name of the status of the C ABI, in small letters: ``"initialization"``, ``"model"`` and so on.
    chain, set, particle : int or None
        The ids of the chain or set, and the number (from 0) of the trace or particle, that it is about.
    argument : str or None
        The argument that is wrong.
    """

    def __init__(
        self,
        message: str,
        status: str = "model",
        chain: int | None = None,
        set: int | None = None,
        particle: int | None = None,
        argument: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.chain, self.set, self.particle, self.argument = status, chain, set, particle, argument

    def __reduce__(self) -> Any:
        state = (str(self), self.status, self.chain, self.set, self.particle, self.argument)
        return type(self), state


class ArgumentError(CatenaError, ValueError):
    """An argument that the library refused."""


class CatenaWarning(UserWarning):
    """What the library warns of; a run goes on."""


class Reject(Exception):
    """Raised by a function of a model: this point is refused.

    While sampling it counts as a divergence, at the start another point is tried, and generated quantities are NaN. The reason is
    in the error of a chain that fails because of it.

    Parameters
    ----------
    *reason : str, optional
        Why.
    rows : list of int or array of bool, optional
        Of a function of many positions: which rows of its argument are refused. The function is called again for the others.
        Without, it is called for halves of them, until it is found which it refuses.
    """

    def __init__(self, *reason: Any, rows: Any = None) -> None:
        super().__init__(*reason)
        self.rows = rows


def read_error(error: int | None, status: int | None = None) -> CatenaError:
    """The exception of an error of the library, which is left as it is."""
    lib = _abi.lib
    number = lib.error_code(error) if status is None else status
    message = lib.error_message(error).decode()
    name = lib.error_argument(error)
    ids = (lib.error_chain(error), lib.error_set(error), lib.error_particle(error))
    chain, set_id, particle = (None if one < 0 else one for one in ids)
    kind = ArgumentError if number == _INVALID_ARGUMENT else CatenaError
    return kind(message, _abi.enum_name("catena_status", number), chain, set_id, particle, name.decode() if name else None)


def attempt(library: _abi.Library, name: str, *arguments: Any) -> tuple[int, CatenaError | None]:
    """Calls a function that takes a place for an error last; its status, and the error."""
    place = ctypes.c_void_p()
    status = getattr(library, name)(*arguments, ctypes.addressof(place))
    if status == _OK:
        return status, None
    try:
        return status, read_error(place.value, status)
    finally:
        _abi.lib.error_free(place.value)


def call(name: str, *arguments: Any, library: _abi.Library = _abi.lib) -> None:
    """Calls a function that takes a place for an error last; its error is raised."""
    _, error = attempt(library, name, *arguments)
    if error is not None:
        raise error


class Failure:
    """The first exception that a Python function raised while the library had called it.

    Nothing is raised through the library's frames: the callback keeps the exception, tells the library to stop, and the
    caller raises it with its own traceback once the library has returned.
    """

    def __init__(self) -> None:
        self.exception: BaseException | None = None
        self._process = os.getpid()
        self._lock = threading.Lock()

    def keep(self, exception: BaseException, task: int | None = None) -> int:
        """Takes in an exception; what the callback returns."""
        if isinstance(exception, Reject):
            refused(task, exception)
            return REJECT
        with self._lock:
            if self.exception is None:
                self.exception = exception
        failed(task, exception)
        return STOP

    def raise_first(self) -> None:
        """Raises what was kept, once."""
        exception, self.exception = self.exception, None
        if exception is not None:
            try:
                raise exception
            finally:
                del exception


def refused(task: int | None, *exceptions: Reject) -> None:
    """Tells a callback's task why its point, or points, were refused, where there is a reason."""
    if words := "; ".join(filter(None, dict.fromkeys(map(_words, exceptions)))):
        _tell(task, words)


def failed(task: int | None, exception: BaseException) -> None:
    """Tells a callback's task of an exception."""
    _tell(task, f"{type(exception).__name__}: {_words(exception)}")


def _words(exception: BaseException) -> str:
    # What cannot be said must not be raised: this runs below frames of the library's.
    try:
        return str(exception)
    except Exception:
        return "no words: its __str__ failed"


def _tell(task: int | None, words: str) -> None:
    if task:
        _abi.lib.task_message(task, words.replace("\0", " ").encode(errors="replace"))
