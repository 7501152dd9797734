"""Populations: independent sets of weighted traces, which are any Python objects."""

from __future__ import annotations

import ctypes
import math
import pickle
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from . import _abi
from ._arrays import numbers
from ._checkpoints import open_checkpoint, read_bytes
from ._communicator import gathered, table_of
from ._options import given_options, open_options, seeded
from ._resources import Resources
from ._traces import Traces
from ._weighted import Weighted

_OTHERS = ("num_sets", "num_particles", "progress", "communicator", "spread")
_FUNCTIONS = ("create", "copy", "incorporate", "reset_to_prior", "weigh", "serialize", "deserialize")


class Population(Weighted):
    """Independent sets of weighted traces, which are any Python objects.

    Parameters
    ----------
    create : callable
        ``create(rng) -> trace``, from the prior; `rng` is a numpy generator of the trace's own, here and below.
    num_sets, num_particles : int
        Sets, and traces in each.
    seed : int, optional
        Random unless given. What is drawn for a trace depends on it, the id of the set, the trace's number and the verbs
        before.
    copy : callable, optional
        ``copy(trace) -> trace``; `copy.deepcopy` unless given.
    incorporate, reset_to_prior, weigh : callable, optional
        ``incorporate(rng, trace)``, returning as in `apply`; ``reset_to_prior(rng, trace) -> trace``;
        ``weigh(rng, trace) -> log weight``.
    serialize, deserialize : callable, optional
        A trace to bytes and back; pickle unless given.
    progress : callable, optional
        ``progress(done, total)`` is told every few milliseconds how many traces the verb under way has done; what it raises
        ends the verb.
    communicator : mpi4py.MPI.Comm, optional
        The processes that share the population, with a `seed`: all make every call, with the same arguments; each has some of
        the traces, and all get what is asked of any, which must be picklable. `trace` is for a process's own.
    spread : {"sets", "traces"}
        What each of them has: whole sets, whose traces never move, or an equal part of every set. In parts traces move where
        there is no room for them, by `serialize` and `deserialize`, and values that merge are equal where their pickles are.
    **options
        ``catena.options("population")``: ``on_trace_failure``, ``genealogy``, ``init_set_id``.

    An exception in a function becomes the cause of a `CatenaError` that names set and particle, and leaves the population as
    it was; with ``on_trace_failure="lose"`` the trace is dropped with a warning. One thread at a time may use a population.
    """

    def __init__(
        self,
        create: Callable[..., Any],
        *,
        num_sets: int = 1,
        num_particles: int = 1,
        seed: int | None = None,
        copy: Callable[..., Any] | None = None,
        incorporate: Callable[..., Any] | None = None,
        reset_to_prior: Callable[..., Any] | None = None,
        weigh: Callable[..., Any] | None = None,
        serialize: Callable[..., Any] | None = None,
        deserialize: Callable[..., Any] | None = None,
        progress: Callable[[int, int], Any] | None = None,
        communicator: Any = None,
        spread: str = "sets",
        **options: Any,
    ) -> None:
        functions = dict(zip(_FUNCTIONS, (create, copy, incorporate, reset_to_prior, weigh, serialize, deserialize)))
        asked = given_options(("population",), {"seed": seeded(seed), **options}, _OTHERS)
        self._open(functions, asked, progress, communicator, spread, None)
        if (num_sets, num_particles) != (1, 1):
            self.reinitialize(num_sets, num_particles)

    def _open(
        self,
        functions: dict[str, Any],
        asked: dict[str, Any],
        progress: Callable[[int, int], Any] | None,
        communicator: Any,
        spread: str,
        saved: bytes | None,
    ) -> None:
        traces = self._session = Traces(functions)
        number = _abi.code("catena_spread", "spread", spread)
        traces.in_parts = communicator is not None and spread == "traces"
        self._communicator, ranks = communicator, None
        if communicator is not None:
            ranks = table_of(communicator)
            traces.rank, traces.processes = communicator.Get_rank(), communicator.Get_size()
        self._resources = Resources()
        settings = open_options(self._resources, asked)
        table = traces.table()

        def told(_user: int, done: int, total: int) -> None:
            if progress is not None and not traces.stopping:
                try:
                    progress(done, total)
                except BaseException as exception:
                    traces.stop(exception)

        interrupt = _abi.table("catena_interrupt", requested=lambda _: int(traces.stopping))
        io = _abi.table(
            "catena_population_io",
            logger=traces.log.address,
            interrupt=_abi.address(interrupt),
            progress=told,
            communicator=_abi.address(ranks),
            spread=number,
        )
        self._resources.root((traces, table, io, interrupt, ranks))
        place = ctypes.c_void_p()
        if saved is None:
            traces.perform("population_new", _abi.address(table), settings, _abi.address(io), _abi.address(place))
        else:
            checkpoint = open_checkpoint(self._resources, "saved", saved)
            traces.perform("population_load", _abi.address(table), checkpoint, settings, _abi.address(io), _abi.address(place))
        assert place.value is not None
        self._value = place.value
        self._resources.own(place.value, "population_free", _abi.held)

    def _perform(self, name: str, *arguments: Any) -> None:
        self._session.perform(f"population_{name}", self._handle, *arguments)

    def close(self) -> None:
        """Frees the population and its traces."""
        self._resources.close()

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

    def apply(self, function: Callable[..., Any], *arguments: Any) -> Population:
        """Calls ``function(rng, trace, *arguments)`` for every trace of every set.

        It returns None: the trace, which it may have changed, keeps its weight; a number, by which the log weight grows (-inf,
        or ``raise catena.Reject()``: the trace is impossible); or a pair ``(trace, increment)``: the trace is another object
        from here on. Function and arguments are kept, to do the same to sets that are grown.
        """
        with self._operation(function, arguments) as number:
            self._perform("apply", number, None, 0)
        return self

    def for_each(
        self, function: Callable[..., Any], *arguments: Any, report: Callable[[Any], Any] = lambda trace: trace
    ) -> list[Any]:
        """As `apply`, and ``report(trace)`` of every trace afterwards."""
        self.apply(function, *arguments)
        return self.report(report)

    def on_trace(self, function: Callable[..., Any], set: int, index: int, *arguments: Any) -> float:
        """As `apply`, for one trace (from 0) of the set with this id; the increment. No set can be grown afterwards."""
        out = ctypes.c_double()
        with self._operation(function, arguments, keep=False) as number:
            self._perform("on_trace", set, index, number, None, 0, _abi.address(out))
        return out.value

    def incorporate(self) -> Population:
        """Makes every trace consistent with its observations, by the function `incorporate`."""
        self._perform("incorporate")
        return self

    def likelihood_weight(self) -> Population:
        """*Sets* every log weight to what the function `weigh` returns. The evidence is from here on their mean."""
        self._perform("likelihood_weight")
        return self

    def resample(self, count: int = 0, *, resampling: str = "systematic", ess_below: float = math.inf) -> Population:
        """Draws the traces of each set anew by their weights: `count` of them, or as many as there are (0), where the effective
        sample size is below `ess_below` times their number. Weights are level afterwards, and the evidence is kept."""
        self._perform("resample", count, _abi.code("catena_resampling", "resampling", resampling), float(ess_below))
        return self

    def block_resample(self, counts: Sequence[int], *, resampling: str = "systematic", ess_below: float = math.inf) -> Population:
        """As `resample`, with a number of traces for each set. No set can be grown any more."""
        sizes = (ctypes.c_size_t * len(counts))(*counts)
        self._perform(
            "block_resample",
            _abi.address(sizes),
            len(counts),
            _abi.code("catena_resampling", "resampling", resampling),
            float(ess_below),
        )
        return self

    def reset_to_prior(self, count: int = 0, *, resampling: str = "systematic") -> Population:
        """Resamples, sets all weights to 1 and draws every trace from the prior."""
        self._perform("reset_to_prior", count, _abi.code("catena_resampling", "resampling", resampling))
        return self

    def diversify(self, function: Callable[..., Any], *arguments: Any) -> Population:
        """Every trace becomes several: ``function(rng, trace, *arguments)`` gives pairs of a trace and the increment of its log
        weight."""
        with self._operation(function, arguments) as number:
            self._perform("diversify", number, None, 0)
        return self

    def collapse(self, function: Callable[..., Any] = lambda trace: trace, *arguments: Any, best: bool = False) -> Population:
        """In each set traces merge for which ``function(trace, *arguments)`` is equal: one, drawn by weight, gets the sum of
        their weights; or, with `best`, the one of the largest weight is kept, with that."""
        self._session.seen.clear()
        with self._operation(function, arguments) as number:
            self._perform("collapse_map" if best else "collapse", number)
        self._session.seen.clear()
        return self

    def reinitialize(self, num_sets: int, num_particles: int, *, seed: int | None = None) -> Population:
        """Drops everything and begins anew from the prior, with another seed if one is given."""
        if seed is not None:
            self._perform("set_seed", seed)
        self._perform("reinitialize", num_sets, num_particles)
        self._session.operations.clear()
        return self

    def grow(self, count: int = 1) -> int:
        """More sets, by doing to them what was done to the others: each is bit for bit what it would have been. The id of the
        first."""
        first = ctypes.c_uint64()
        self._perform("grow_iid", count, _abi.address(first))
        return first.value

    def drop(self, count: int = 0, *, ids: Sequence[int] = ()) -> Population:
        """Drops the last `count` sets, or those with the `ids`; at least one stays."""
        if ids:
            numbers_of = (ctypes.c_uint64 * len(ids))(*ids)
            self._perform("drop_ids", _abi.address(numbers_of), len(ids))
        else:
            self._perform("drop_iid", count)
        return self

    def forget(self) -> Population:
        """Drops the history, and the functions and arguments in it. No set can be grown until the population is begun anew."""
        self._perform("clear_history")
        self._session.operations.clear()
        return self

    def report(self, function: Callable[..., Any], *arguments: Any, which: str = "all") -> list[Any]:
        """``function(trace, *arguments)`` of all traces, set by set, of the first of each set (``which="sets"``) or of the
        ``"distinguished"`` one, the first of the first set; None for traces that were lost."""
        return self._answers("report", lambda _, trace: function(trace, *arguments), which)

    def sample(self, function: Callable[..., Any], *arguments: Any, which: str = "all") -> list[Any]:
        """As `report`, for ``function(rng, trace, *arguments)``, which draws random numbers, others in each call."""
        session = self._session
        return self._answers("sample", lambda task, trace: function(session.rng(task), trace, *arguments), which)

    def _answers(self, name: str, asked: Callable[..., Any], which: str) -> list[Any]:
        number = _abi.code("catena_which", "which", which)
        sizes = [one.num_traces for one in self.sets]
        places = np.full({"distinguished": 1, "sets": len(sizes)}.get(which, sum(sizes)), np.nan)
        self._session.asked, self._session.answers = asked, []
        try:
            self._perform(name, number, 0, 1, places.ctypes.data, places.size)
            answers = [self._session.answers]
            if self._communicator is not None:
                answers = gathered(self._communicator, answers[0])
            of = [None if math.isnan(place) else divmod(int(place), len(answers)) for place in places]
            return [None if place is None else answers[place[1]][place[0]] for place in of]
        finally:
            self._session.asked, self._session.answers = None, []

    def trace(self, set: int, index: int) -> Any:
        """Trace number `index` (from 0) of the set with this id, which must not be changed."""
        number = _abi.lib.population_trace(self._handle, set, index) if set >= 0 and index >= 0 else None
        if not number:
            raise LookupError(f"set {set} has no trace {index}, or it was lost")
        return self._session[number]

    def set_log_weights(self, set: int, log_weights: Any) -> Population:
        """Sets the log weights of one set; its evidence is from here on their mean weight. No set can be grown afterwards."""
        values = numbers("log_weights", log_weights, (None,))
        self._perform("set_log_weights", set, values.ctypes.data, values.size)
        return self

    def save(self) -> bytes:
        """All of it as bytes. Functions of the history must be picklable (functions of modules are) for sets to be grown
        afterwards; else the history's functions are left out, and growing refuses."""
        place = ctypes.c_void_p()
        self._perform("save", _abi.address(place))
        state: dict[str, Any] = {"checkpoint": read_bytes(place.value)}
        try:
            state["operations"] = pickle.dumps(self._session.operations)
        except (pickle.PicklingError, AttributeError, TypeError):
            state["operations"] = None
        return pickle.dumps(state)

    @classmethod
    def load(cls, saved: bytes, create: Callable[..., Any], **functions: Any) -> Population:
        """The population that `save` gave, with the functions of the one that was saved; it goes on with the same bits. The
        bytes are unpickled: load only what you saved."""
        if not isinstance(saved, bytes):
            raise TypeError(f"argument 'saved': expected what `save` gave, got {type(saved).__name__}")
        try:
            state = pickle.loads(saved)
            checkpoint, operations = state["checkpoint"], state["operations"]
        except Exception as error:
            raise ValueError("argument 'saved': expected what `save` gave, got other bytes") from error
        progress, communicator = functions.pop("progress", None), functions.pop("communicator", None)
        spread = functions.pop("spread", "sets")
        given: dict[str, Any] = {name: functions.pop(name, None) for name in _FUNCTIONS}
        given["create"] = create
        population = cls.__new__(cls)
        population._open(given, given_options(("population",), functions, _FUNCTIONS), progress, communicator, spread, checkpoint)
        if operations is None:
            population._perform("clear_history")
        else:
            population._session.operations = pickle.loads(operations)
        return population

    def __repr__(self) -> str:
        if self._resources.closed:
            return "<catena.Population: closed>"
        sets = self.sets
        return f"<catena.Population: {len(sets)} sets of {sets[0].num_traces} traces; log evidence: {self.log_evidence()}>"
