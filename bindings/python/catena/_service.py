"""What every service of the library over a model has in common: options, model, writers, interrupt, one call.

A service that the library gains needs few lines: its keywords are the options that abi.json lists for it, and

    with Service(model, "optimize", options) as service:
        result, error = service.run("optimize", service.io(), free="optimum_free")

leaves its result to be read.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from . import _abi
from ._arrays import Floats
from ._communicator import without_communicator
from ._errors import CatenaError, Failure, attempt, call
from ._interrupt import deferred
from ._log import Log
from ._model import Model, as_model
from ._options import given_options, open_options, seeded, whole_option
from ._resources import Resources


class Service:
    """One call of a service: what the library needs for it, freed in the end.

    `given` are the options that a user gave, by their keywords; a `seed` that is None is drawn. `others` are keywords beside
    them, for the words of a refusal.
    """

    def __init__(self, model: Model, name: str, given: Mapping[str, Any], others: Iterable[str] = ()) -> None:
        self.model, self.failure, self.log, self.resources = as_model(model), Failure(), Log(), Resources()
        given, self.communicator = without_communicator(given)
        self.asked = given_options((name,), given, others)
        if "seed" in self.asked:
            self.asked["seed"] = seeded(self.asked["seed"])
        self.resources.root(self.log)
        try:
            # Progress is shown by looking, or not at all; lines would come on top.
            self.options = open_options(self.resources, {"refresh": 0, **self.asked})
        except BaseException:
            self.resources.close()
            raise
        self.handle = 0

    def open(self, width: int = 1) -> int:
        """The library's model, for up to `width` positions at once."""
        self.handle = self.model.open(self.resources, self.failure, max(width, 1))
        return self.handle

    def option(self, name: str) -> int:
        """The value of an option that is a whole number, a switch or a choice."""
        return whole_option(self.options, name)

    def set(self, name: str, value: int) -> None:
        """Sets an option that is a whole number."""
        call("options_set_integer", self.options, name.encode(), value)

    def columns(self, name: str, *which: int) -> list[str]:
        """The names that functions `..._column_count` and `..._column` tell of the model."""
        count: int = getattr(_abi.lib, f"{name}_count")(self.handle, *which)
        return [getattr(_abi.lib, name)(self.handle, *which, i).decode() for i in range(count)]

    def writers(self, values: Floats, offsets: Sequence[int] | None = None) -> Any:
        """A writer for each of the tables in `values`, tables x rows x columns, after the rows that are there already."""
        tables, rows, columns = values.shape
        handles = []
        for i, offset in enumerate(offsets or [0] * tables):
            start = values.ctypes.data + i * values.strides[0] + offset * values.strides[1]
            left = rows - offset
            handles.append(
                self.resources.make("writer_memory_new", start, left * columns, left, columns, columns, 1, free="writer_free")
            )
        self.resources.root(values)
        return self.resources.root(_abi.addresses(handles))

    def io(self, writers: Any = None, **members: Any) -> Any:
        """The table of what the call reads and writes."""
        return self.resources.root(
            _abi.table(
                "catena_io",
                sample_writers=_abi.address(writers),
                num_sample_writers=len(writers or ()),
                logger=self.log.address,
                communicator=_abi.address(self.resources.root(self.communicator)),
                **members,
            )
        )

    def run(self, name: str, io: Any, *arguments: Any, free: str) -> tuple[int | None, CatenaError | None]:
        """Calls ``name(model, options, *arguments, io, &result)``; the result and the library's error. The first Ctrl-C ends
        the call gently; what a function of the model raised is raised."""
        place = ctypes.c_void_p()
        with deferred(lambda: None) as pressed:
            stop = _abi.table("catena_interrupt", requested=lambda _: int(pressed.once or self.failure.exception is not None))
            io.interrupt = _abi.address(stop)
            _, error = attempt(
                self.model.library, name, self.handle, self.options, *arguments, _abi.address(io), ctypes.addressof(place)
            )
        if place.value:
            self.resources.own(place.value, free)
        self.log.show(4)
        self.failure.raise_first()
        return place.value, error

    def __enter__(self) -> Service:
        return self

    def __exit__(self, *_: object) -> None:
        self.resources.close()


def empty(tables: int, rows: int, columns: int) -> Floats:
    """An array for writers; memory that no row comes to is never touched."""
    return np.empty((tables, rows, columns))
