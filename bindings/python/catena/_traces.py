"""Traces of populations: any Python objects, and the C functions that move them."""

from __future__ import annotations

import copy
import ctypes
import hashlib
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np

from . import _abi
from ._arrays import matrix, number
from ._session import Session

_pointer = ctypes.c_void_p
_double = ctypes.c_double


class Traces(Session):
    """The traces of one population, by the numbers that the library knows them by, and what can be done with them."""

    def __init__(self, functions: dict[str, Callable[..., Any] | None]) -> None:
        super().__init__("population")
        self.functions = functions
        self._traces: dict[int, Any] = {}
        self._last = 0
        # Functions and arguments of the verbs so far, so that sets can be grown.
        self.operations: list[tuple[Callable[..., Any], tuple[Any, ...]]] = []
        # What is asked of traces, their answers, and values that traces had in common.
        self.asked: Callable[..., Any] | None = None
        self.answers: list[Any] = []
        self.seen: dict[Any, int] = {}
        # This process, of how many.
        self.rank, self.processes = 0, 1
        # Whether traces of one set are on several processes.
        self.in_parts = False

    def keep(self, trace: Any) -> int:
        """The number of a new trace."""
        self._last += 1
        self._traces[self._last] = trace
        return self._last

    def __getitem__(self, number: int) -> Any:
        return self._traces[number]

    def function(self, name: str) -> Callable[..., Any]:
        """A function that the population was given; an error says that it was not."""
        found = self.functions[name]
        if found is None:
            raise TypeError(f"the population has no function '{name}'")
        return found

    def table(self) -> Any:
        """The library's table."""
        given = self.functions
        report = self._report
        return _abi.table(
            "catena_traces",
            threading=_abi.enum("catena_threading")["caller"],
            create=self._create,
            free=self._free,
            copy=self._copy,
            apply=self._apply,
            incorporate=given["incorporate"] and self._incorporate,
            reset_to_prior=given["reset_to_prior"] and self._reset,
            weigh=given["weigh"] and self._weigh,
            report=report,
            sample=report,
            diversify=self._diversify,
            fingerprint=self._fingerprint,
            serialize=self._serialize,
            deserialize=self._deserialize,
        )

    def _change(self, trace: int, value: Any, out: int) -> None:
        """Takes in what a function of a trace returned."""
        if value is None:
            return
        if isinstance(value, tuple):
            if len(value) != 2:
                raise TypeError(f"expected a pair of a trace and the increment of its log weight, got a tuple of {len(value)}")
            self._traces[trace], value = value
        _double.from_address(out).value = number("the increment of the log weight", value)

    def _create(self, _user: int, task: int, out: int) -> int:
        def work() -> None:
            _pointer.from_address(out).value = self.keep(self.function("create")(self.rng(task)))

        return self.guarded(task, work)

    def _free(self, _user: int, trace: int) -> None:
        self._traces.pop(trace, None)

    def _copy(self, _user: int, trace: int, task: int, out: int) -> int:
        def work() -> None:
            duplicate = self.functions["copy"] or copy.deepcopy
            _pointer.from_address(out).value = self.keep(duplicate(self[trace]))

        return self.guarded(task, work)

    def _apply(self, _user: int, trace: int, operation: int, _argument: int, _size: int, task: int, out: int) -> int:
        def work() -> None:
            function, arguments = self.operations[operation]
            self._change(trace, function(self.rng(task), self[trace], *arguments), out)

        return self.guarded(task, work)

    def _incorporate(self, _user: int, trace: int, task: int, out: int) -> int:
        return self.guarded(task, lambda: self._change(trace, self.function("incorporate")(self.rng(task), self[trace]), out))

    def _reset(self, _user: int, trace: int, task: int) -> int:
        def work() -> None:
            self._traces[trace] = self.function("reset_to_prior")(self.rng(task), self[trace])

        return self.guarded(task, work)

    def _weigh(self, _user: int, trace: int, task: int, out: int) -> int:
        def work() -> None:
            _double.from_address(out).value = number("what 'weigh' returned", self.function("weigh")(self.rng(task), self[trace]))

        return self.guarded(task, work)

    def _report(self, _user: int, trace: int, _what: int, task: int, _width: int, out: int) -> int:
        def work() -> None:
            assert self.asked is not None
            self.answers.append(self.asked(task, self[trace]))
            # A place among those of all processes, which says whose it is.
            _double.from_address(out).value = (len(self.answers) - 1) * self.processes + self.rank

        return self.guarded(task, work)

    def _diversify(self, _user: int, trace: int, operation: int, _argument: int, _size: int, task: int, family: int) -> int:
        def work() -> None:
            function, arguments = self.operations[operation]
            for member, increment in function(self.rng(task), self[trace], *arguments):
                _abi.held.family_add(family, self.keep(member), number("the increment of the log weight", increment))

        return self.guarded(task, work)

    def _fingerprint(self, _user: int, trace: int, operation: int, task: int, words: int) -> int:
        def work() -> None:
            function, arguments = self.operations[operation]
            value = function(self[trace], *arguments)
            two = matrix(words, (2,), ctypes.c_uint64)
            if self.in_parts:
                # Numbers mean nothing to other processes. -0.0 is 0.0 here as well.
                value = value + 0.0 if isinstance(value, float) else value
                two[:] = np.frombuffer(hashlib.blake2b(pickle.dumps(value), digest_size=16).digest(), np.uint64)
            else:
                # Equal values get one number, so that no two others ever merge.
                two[:] = self.seen.setdefault(value, len(self.seen)), 0

        return self.guarded(task, work)

    def _serialize(self, _user: int, trace: int, task: int, out: int) -> int:
        def work() -> None:
            written = (self.functions["serialize"] or pickle.dumps)(self[trace])
            if not isinstance(written, bytes):
                raise TypeError(f"expected 'serialize' to return bytes, got {type(written).__name__}")
            _abi.held.bytes_write(out, written, len(written))

        return self.guarded(task, work)

    def _deserialize(self, _user: int, written: int, size: int, task: int, out: int) -> int:
        def work() -> None:
            trace = (self.functions["deserialize"] or pickle.loads)(ctypes.string_at(written, size))
            _pointer.from_address(out).value = self.keep(trace)

        return self.guarded(task, work)
