"""Random numbers of the library's streams as a numpy generator."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import _abi

# An odd constant: streams of one run are places on one sequence of 2^128 numbers.
_INCREMENT = 0x5851F42D4C957F2D14057B7EF767814F


class Stream:
    """One generator that takes up the stream of whatever task it is asked for.

    Numbers depend on the seed, the id of the chain or set, the trace and the purpose alone, as the library promises. The
    generator is the same object each time: what it gives belongs to the call.
    """

    def __init__(self) -> None:
        self._bits = np.random.PCG64(0)
        self._generator = np.random.Generator(self._bits)
        self._state: Any = self._bits.state

    def of(self, task: int) -> np.random.Generator:
        """The generator, at the place that the task's random bits name."""
        draw = _abi.held.task_bits
        self._state["state"] = {"state": draw(task) << 64 | draw(task), "inc": _INCREMENT}
        self._bits.state = self._state
        return self._generator
