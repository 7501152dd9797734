"""Who owns what of the library: handles, freed in the reverse of the order in which they were made."""

from __future__ import annotations

import ctypes
import os
import weakref
from collections.abc import Callable
from typing import Any

from . import _abi
from ._errors import call


class Resources:
    """Handles of the library and the Python objects that it has pointers to, as long as somebody has this object."""

    def __init__(self) -> None:
        self._frees: list[Callable[[], None]] = []
        # What the library has pointers to.
        self.roots: list[Any] = []
        self._process = os.getpid()
        self._finalizer = weakref.finalize(self, _free_all, self._frees, self.roots, self._process)

    def make(self, name: str, *arguments: Any, free: str, library: _abi.Library = _abi.lib) -> int:
        """The handle that function `name` makes, whose last argument but the error is a place for it."""
        place = ctypes.c_void_p()
        call(name, *arguments, ctypes.addressof(place), library=library)
        assert place.value is not None
        self.own(place.value, free)
        return place.value

    def own(self, handle: int, free: str, library: _abi.Library = _abi.lib) -> None:
        """Frees `handle` in the end by function `free`."""
        function = getattr(library, free)
        self._frees.append(lambda: function(handle))

    def root(self, thing: Any) -> Any:
        """Keeps an object that the library has a pointer to."""
        self.roots.append(thing)
        return thing

    def check_process(self, what: str) -> None:
        """Refuses to go on in a process that was forked: the threads stayed behind."""
        if os.getpid() != self._process:
            raise RuntimeError(
                f"{what} was made in process {self._process} and lives there; this is its fork {os.getpid()}. "
                "Make another one here"
            )

    @property
    def closed(self) -> bool:
        """Whether all is freed."""
        return not self._finalizer.alive

    def close(self) -> None:
        """Frees all; more than once is fine."""
        self._finalizer()

    def __enter__(self) -> Resources:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _free_all(frees: list[Callable[[], None]], roots: list[Any], process: int) -> None:
    # In a fork the threads that a handle may wait for are not there.
    if os.getpid() == process:
        while frees:
            frees.pop()()
    roots.clear()
