"""What a population holds: sets, weights, evidence, and who descends from whom."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import _abi
from ._arguments import whole
from ._arrays import Floats
from ._errors import call
from ._evidence import Evidence
from ._resources import Resources


@dataclass(frozen=True)
class TraceSet:
    """A set of a population.

    Attributes
    ----------
    id : int
        Its id.
    num_traces : int
        Traces, lost ones included.
    ess : float
        The effective sample size.
    log_evidence : float
        The set's own evidence.
    """

    id: int
    num_traces: int
    ess: float
    log_evidence: float


class Weighted:
    """The part of a `Population` that looks at what there is. `set` is the id of a set."""

    _resources: Resources
    _value: int

    @property
    def _handle(self) -> int:
        self._resources.check_process("this population")
        if self._resources.closed:
            raise RuntimeError("the population was closed")
        return self._value

    @property
    def sets(self) -> list[TraceSet]:
        """The sets."""
        lib, handle = _abi.lib, self._handle
        ids = [lib.population_set_id(handle, i) for i in range(lib.population_num_sets(handle))]
        return [
            TraceSet(
                one,
                lib.population_set_size(handle, one),
                lib.population_ess(handle, one),
                lib.population_log_evidence(handle, one),
            )
            for one in ids
        ]

    @property
    def generation(self) -> int:
        """Steps since the population was begun."""
        return int(_abi.lib.population_generation(self._handle))

    @property
    def copies(self) -> int:
        """Copies of traces that resampling has made."""
        return int(_abi.lib.population_copies(self._handle))

    def weights(self, set: int | None = None, *, log: bool = False) -> Floats:
        """Weights of traces.

        Parameters
        ----------
        set : int, optional
            Id of a set, whose weights sum to 1. Unless given: of all traces, set by set, which sum to 1 together, where each set
            counts with its evidence.
        log : bool
            Whether the logs of one set's weights are wanted, as they are.

        Returns
        -------
        ndarray of shape (traces,)
            The weights.

        Raises
        ------
        ValueError
            Logs are wanted without a set, or there is no such set.
        """
        if set is None:
            if log:
                raise ValueError("argument 'set': expected an id where logs are wanted")
            out = np.empty(sum(one.num_traces for one in self.sets))
            call("population_pooled_weights", self._handle, out.ctypes.data, out.size)
            return out
        out = np.empty(_abi.lib.population_set_size(self._handle, whole("set", set)))
        kind = _abi.enum("catena_weights")["log" if log else "normalized"]
        call("population_weights", self._handle, set, kind, out.ctypes.data, out.size)
        return out

    def log_evidence(self) -> Evidence:
        """The log of the mean evidence of all sets, with its standard error."""
        error = ctypes.c_double()
        return Evidence(_abi.lib.population_pooled_log_evidence(self._handle, _abi.address(error)), error.value)

    def distinct_ancestors(self, set: int) -> Any:
        """How many different ancestors the traces of a set have in each generation.

        Parameters
        ----------
        set : int
            Id of the set.

        Returns
        -------
        ndarray of shape (generations,)
            The numbers, the founders first.

        Raises
        ------
        ValueError
            There is no such set, or the population has not the option `genealogy`.
        """
        set, count = whole("set", set), ctypes.c_size_t()
        call("population_distinct_ancestors", self._handle, set, None, 0, _abi.address(count))
        out = np.empty(count.value, dtype=np.uintp)
        call("population_distinct_ancestors", self._handle, set, out.ctypes.data, out.size, None)
        return out

    def ancestors(self, set: int, generation: int) -> Any:
        """The number of each trace's ancestor in a generation.

        Parameters
        ----------
        set : int
            Id of the set.
        generation : int
            Which; 0: the founders.

        Returns
        -------
        ndarray of shape (traces,)
            The numbers, from 0.

        Raises
        ------
        ValueError
            There is no such set or generation, or the population has not the option `genealogy`.
        """
        out = np.empty(_abi.lib.population_set_size(self._handle, whole("set", set)), dtype=np.uint32)
        call("population_ancestors", self._handle, set, whole("generation", generation), out.ctypes.data, out.size)
        return out

    def coalescence(self, set: int) -> int | None:
        """How many generations back all traces of a set have one ancestor.

        Parameters
        ----------
        set : int
            Id of the set.

        Returns
        -------
        int or None
            None when even the founders differ.
        """
        found = _abi.lib.population_coalescence(self._handle, whole("set", set))
        return None if found < 0 else found
