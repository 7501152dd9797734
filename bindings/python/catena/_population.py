"""Populations: independent sets of weighted traces, which are any Python objects."""

from __future__ import annotations

import ctypes
import math
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np

from . import _abi
from ._arguments import check_function, whole
from ._checkpoints import open_checkpoint, read_bytes
from ._communicator import gathered, table_of
from ._options import given_options, open_options, seeded
from ._resources import Resources
from ._traces import Traces
from ._verbs import Verbs

_OTHERS = ("num_sets", "num_particles", "progress", "communicator", "spread")
_FUNCTIONS = ("create", "copy", "incorporate", "reset_to_prior", "weigh", "serialize", "deserialize")


class Population(Verbs):
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

    Raises
    ------
    CatenaError
        What went wrong in `create`: its exception is the cause.

    Notes
    -----
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
        for name, function in functions.items():
            check_function(name, function)
        asked = given_options(("population",), {"seed": seeded(seed), **options}, _OTHERS)
        self._open(functions, asked, progress, communicator, spread, None)
        if (whole("num_sets", num_sets), whole("num_particles", num_particles)) != (1, 1):
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

    def close(self) -> None:
        """Frees the population and its traces."""
        self._resources.close()

    def for_each(
        self, function: Callable[..., Any], *arguments: Any, report: Callable[[Any], Any] = lambda trace: trace
    ) -> list[Any]:
        """As `apply`, and ``report(trace)`` of every trace afterwards.

        Parameters
        ----------
        function, *arguments
            As in `apply`.
        report : callable
            What is asked of a trace; the trace itself unless given.

        Returns
        -------
        list
            An answer for each trace, set by set; None for those that were lost.

        Raises
        ------
        CatenaError
            As in `apply`.
        """
        self.apply(function, *arguments)
        return self.report(report)

    def report(self, function: Callable[..., Any], *arguments: Any, which: str = "all") -> list[Any]:
        """Asks traces: ``function(trace, *arguments)``, which must not change them.

        Parameters
        ----------
        function : callable
            What is asked.
        *arguments
            What it gets besides.
        which : str
            ``"all"`` traces, set by set; ``"sets"``: the first one of each set; ``"distinguished"``: the first of the first set.

        Returns
        -------
        list
            The answers; None for traces that were lost.

        Raises
        ------
        CatenaError
            Names set and trace of an exception in the function, which is its cause.
        """
        return self._answers("report", lambda _, trace: function(trace, *arguments), which)

    def sample(self, function: Callable[..., Any], *arguments: Any, which: str = "all") -> list[Any]:
        """As `report`, for ``function(rng, trace, *arguments)``, which draws random numbers, others in each call.

        Parameters
        ----------
        function, *arguments, which
            As in `report`.

        Returns
        -------
        list
            The answers; None for traces that were lost.

        Raises
        ------
        CatenaError
            As in `report`.
        """
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
        """One trace, which must not be changed.

        Parameters
        ----------
        set : int
            Id of the set.
        index : int
            Number of the trace in it, from 0.

        Returns
        -------
        object
            The trace.

        Raises
        ------
        LookupError
            There is none, or it was lost.
        """
        number = _abi.lib.population_trace(self._handle, whole("set", set), whole("index", index))
        if not number:
            raise LookupError(f"set {set} has no trace {index}, or it was lost")
        return self._session[number]

    def save(self) -> bytes:
        """All of it as bytes.

        Functions of the history must be picklable (functions of modules are) for sets to be grown afterwards; else the history's
        functions are left out, and growing refuses.

        Returns
        -------
        bytes
            For `load`.

        Raises
        ------
        CatenaError
            A trace has no bytes: the exception of `serialize`, or pickle's, is the cause.
        """
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
        """The population that `save` gave; it goes on with the same bits.

        The bytes are unpickled: load only what you saved.

        Parameters
        ----------
        saved : bytes
            What `save` gave.
        create : callable
            As the one that was saved had it.
        **functions
            Its other functions, `progress`, `communicator`, `spread` and options, as in `Population`.

        Returns
        -------
        Population
            Another one.

        Raises
        ------
        TypeError, ValueError
            `saved` is none of that.
        CatenaError
            The bytes were cut off or changed, or `deserialize` failed.
        """
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
