"""What can be done to a population."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from . import _abi
from ._arguments import real, whole, wholes
from ._arrays import numbers
from ._traces import Traces
from ._weighted import Weighted

if TYPE_CHECKING:
    from typing_extensions import Self


class Verbs(Weighted):
    """The part of a `Population` that changes what there is."""

    _session: Traces

    def _perform(self, name: str, *arguments: Any) -> None:
        self._session.perform(f"population_{name}", self._handle, *arguments)

    @contextmanager
    def _operation(self, function: Callable[..., Any], arguments: tuple[Any, ...], keep: bool = True) -> Iterator[int]:
        """The number of an operation, which is remembered if it goes well."""
        operations = self._session.operations
        before = len(operations)
        operations.append((function, arguments))
        done = False
        try:
            yield before
            done = keep
        finally:
            if not done:
                del operations[before:]

    def apply(self, function: Callable[..., Any], *arguments: Any) -> Self:
        """Calls ``function(rng, trace, *arguments)`` for every trace of every set.

        Function and arguments are kept, to do the same to sets that are grown.

        Parameters
        ----------
        function : callable
            Returns None: the trace, which it may have changed, keeps its weight; a number, by which the log weight grows (-inf,
            or ``raise catena.Reject()``: the trace is impossible); or a pair ``(trace, increment)``: the trace is another object
            from here on. `rng` is a numpy generator of the trace's own.
        *arguments
            What it gets besides.

        Returns
        -------
        Population
            This one.

        Raises
        ------
        CatenaError
            Names set and trace of an exception in the function, which is its cause; the population is as it was.
        """
        with self._operation(function, arguments) as number:
            self._perform("apply", number, None, 0)
        return self

    def on_trace(self, function: Callable[..., Any], set: int, index: int, *arguments: Any) -> float:
        """As `apply`, for one trace. No set can be grown afterwards.

        Parameters
        ----------
        function, *arguments
            As in `apply`.
        set : int
            Id of the set.
        index : int
            Number of the trace in it, from 0.

        Returns
        -------
        float
            The increment of the log weight.

        Raises
        ------
        CatenaError
            As in `apply`, or there is no such trace.
        """
        out = ctypes.c_double()
        with self._operation(function, arguments, keep=False) as number:
            self._perform("on_trace", whole("set", set), whole("index", index), number, None, 0, _abi.address(out))
        return out.value

    def incorporate(self) -> Self:
        """Makes every trace consistent with its observations, by the function `incorporate`."""
        self._perform("incorporate")
        return self

    def likelihood_weight(self) -> Self:
        """*Sets* every log weight to what the function `weigh` returns. The evidence is from here on their mean."""
        self._perform("likelihood_weight")
        return self

    def resample(self, count: int = 0, *, resampling: str = "systematic", ess_below: float = math.inf) -> Self:
        """Draws the traces of each set anew by their weights, which are level afterwards; the evidence is kept.

        Parameters
        ----------
        count : int
            Traces of a set from here on; 0: as many as there are.
        resampling : str
            The scheme: ``"systematic"``, ``"stratified"``, ``"residual"``, ``"multinomial"`` and so on.
        ess_below : float
            Sets are resampled whose effective sample size is below this share of their traces; all unless given.

        Returns
        -------
        Population
            This one.

        Raises
        ------
        CatenaError
            A set has lost all its weight, or copying a trace failed; the population is as it was.
        """
        scheme = _abi.code("catena_resampling", "resampling", resampling)
        self._perform("resample", whole("count", count), scheme, real("ess_below", ess_below))
        return self

    def block_resample(self, counts: Sequence[int], *, resampling: str = "systematic", ess_below: float = math.inf) -> Self:
        """As `resample`, with a number of traces for each set. No set can be grown any more.

        Parameters
        ----------
        counts : list of int
            Traces from here on, one number for each set.
        resampling, ess_below
            As in `resample`.

        Returns
        -------
        Population
            This one.

        Raises
        ------
        CatenaError
            As in `resample`, or `counts` has another length than there are sets.
        """
        counts = wholes("counts", counts)
        sizes = (ctypes.c_size_t * len(counts))(*counts)
        self._perform(
            "block_resample",
            _abi.address(sizes),
            len(counts),
            _abi.code("catena_resampling", "resampling", resampling),
            real("ess_below", ess_below),
        )
        return self

    def reset_to_prior(self, count: int = 0, *, resampling: str = "systematic") -> Self:
        """Resamples, sets all weights to 1 and draws every trace from the prior.

        Parameters
        ----------
        count : int
            Traces of a set from here on; 0: as many as there are.
        resampling : str
            As in `resample`.

        Returns
        -------
        Population
            This one.

        Raises
        ------
        CatenaError
            What went wrong in the function `reset_to_prior`, with its exception as the cause.
        """
        self._perform("reset_to_prior", whole("count", count), _abi.code("catena_resampling", "resampling", resampling))
        return self

    def diversify(self, function: Callable[..., Any], *arguments: Any) -> Self:
        """Every trace becomes several.

        Parameters
        ----------
        function : callable
            ``function(rng, trace, *arguments)``: a list of pairs of a trace and the increment of its log weight.
        *arguments
            What it gets besides.

        Returns
        -------
        Population
            This one.

        Raises
        ------
        CatenaError
            As in `apply`.
        """
        with self._operation(function, arguments) as number:
            self._perform("diversify", number, None, 0)
        return self

    def collapse(self, function: Callable[..., Any] = lambda trace: trace, *arguments: Any, best: bool = False) -> Self:
        """In each set traces merge for which a function is equal.

        Parameters
        ----------
        function : callable
            ``function(trace, *arguments)``, whose values are hashable; the trace itself unless given.
        *arguments
            What it gets besides.
        best : bool
            False: one of those that merge, drawn by weight, gets the sum of their weights. True: the one of the largest weight is
            kept, with that.

        Returns
        -------
        Population
            This one.

        Raises
        ------
        CatenaError
            As in `apply`.
        """
        self._session.seen.clear()
        with self._operation(function, arguments) as number:
            self._perform("collapse_map" if best else "collapse", number)
        self._session.seen.clear()
        return self

    def reinitialize(self, num_sets: int, num_particles: int, *, seed: int | None = None) -> Self:
        """Drops everything and begins anew from the prior.

        Parameters
        ----------
        num_sets, num_particles : int
            Sets, and traces in each.
        seed : int, optional
            Another seed.

        Returns
        -------
        Population
            This one.

        Raises
        ------
        CatenaError
            What went wrong in the function `create`, with its exception as the cause.
        """
        if seed is not None:
            self._perform("set_seed", whole("seed", seed))
        self._perform("reinitialize", whole("num_sets", num_sets), whole("num_particles", num_particles))
        self._session.operations.clear()
        return self

    def grow(self, count: int = 1) -> int:
        """More sets, by doing to them what was done to the others: each is bit for bit what it would have been.

        Parameters
        ----------
        count : int
            How many.

        Returns
        -------
        int
            The id of the first.

        Raises
        ------
        CatenaError
            What went wrong in a function; or something was done that cannot be done again (`on_trace`, `forget` and others say
            so).
        """
        first = ctypes.c_uint64()
        self._perform("grow_iid", whole("count", count), _abi.address(first))
        return first.value

    def drop(self, count: int = 0, *, ids: Sequence[int] = ()) -> Self:
        """Drops sets; at least one stays.

        Parameters
        ----------
        count : int
            How many, the last ones.
        ids : list of int
            The ids of those to drop, instead.

        Returns
        -------
        Population
            This one.

        Raises
        ------
        CatenaError
            There are no such sets, or none would stay.
        """
        ids = wholes("ids", ids)
        if ids:
            numbers_of = (ctypes.c_uint64 * len(ids))(*ids)
            self._perform("drop_ids", _abi.address(numbers_of), len(ids))
        else:
            self._perform("drop_iid", whole("count", count))
        return self

    def forget(self) -> Self:
        """Drops the history, and the functions and arguments in it. No set can be grown until the population is begun anew."""
        self._perform("clear_history")
        self._session.operations.clear()
        return self

    def set_log_weights(self, set: int, log_weights: Any) -> Self:
        """Sets the log weights of one set; its evidence is from here on their mean weight. No set can be grown afterwards.

        Parameters
        ----------
        set : int
            Id of the set.
        log_weights : array of shape (traces,)
            The log weights.

        Returns
        -------
        Population
            This one.

        Raises
        ------
        ValueError
            `log_weights` has another shape, there is no such set, or one of them is NaN or +inf.
        """
        values = numbers("log_weights", log_weights, (None,))
        self._perform("set_log_weights", whole("set", set), values.ctypes.data, values.size)
        return self
