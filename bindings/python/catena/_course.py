"""What became of sets of particles step by step, and the page about it."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from . import _abi
from ._arguments import mapping, real, text
from ._arrays import numbers
from ._errors import call
from ._filter import Filter
from ._population import Population
from ._resources import Resources
from ._smc import Particles
from ._updater import Updater


class Course:
    """What became of independent sets of particles step by step, for a page for a browser.

    ``note`` it after each step of an `Updater` or a `Population`, or once with what `sample_smc` or `particle_filter` found;
    ``report`` writes the page.

    >>> course = catena.Course()  # doctest: +SKIP
    >>> for outcome, experiment in data:
    ...     updater.update(outcome, experiment)
    ...     course.note(updater)
    >>> course.report("learning.html", truth={"omega": 0.68})
    """

    def __init__(self) -> None:
        self._resources = Resources()
        self._value: int | None = None
        self._parameters: list[str] = []

    def _handle(self, noun: str) -> int:
        if self._value is None:
            self._value = self._resources.make("course_new", _abi.enum("catena_noun")[noun], free="course_free")
        return self._value

    def note(
        self, what: Updater | Population | Filter | Particles, report: Callable[[Any], Mapping[str, float]] | None = None
    ) -> Course:
        """Notes where the sets stand.

        Parameters
        ----------
        what : Updater, Population, Filter or Particles
            Of an updater: effective sample sizes, evidence, mean and 95 % interval of each parameter, and the models. Of a
            population: effective sample sizes, evidence, and, with the option `genealogy`, how many founders its traces stem
            from. Of the others all their stages or times, and the particles of `sample_smc`.
        report : callable, optional
            Of a population: ``report(trace)`` gives numbers by name, which the page tells of the traces that there are at the
            last such note.

        Returns
        -------
        Course
            This one.

        Raises
        ------
        TypeError
            `what` is none of these.
        CatenaError
            An updater with other parameters than before.
        """
        if isinstance(what, Updater):
            self._parameters = list(what.likelihood_of.parameters)
            call("course_note_updater", self._handle("datum"), what._handle)
        elif isinstance(what, Population):
            handle = self._handle("step")
            call("course_note_population", handle, what._handle)
            if report is not None:
                self._traces(handle, what, report)
        elif isinstance(what, Filter):
            call("course_note_filter", self._handle("time"), what._handle)
        elif isinstance(what, Particles):
            self._smc(self._handle("stage"), what)
        else:
            expected = "an Updater, a Population, or what particle_filter or sample_smc found"
            raise TypeError(f"argument 'what': expected {expected}, got {type(what).__name__}")
        return self

    def _smc(self, handle: int, found: Particles) -> None:
        for one in found.sets:
            for stage in one.stages:
                step = _abi.table(
                    "catena_course_step",
                    size=float(found.values.shape[1]),
                    **{
                        name: getattr(stage, name)
                        for name in ("way", "ess", "ancestors", "log_evidence", "acceptance", "stepsize")
                    },
                )
                call("course_add", handle, one.id, _abi.address(step))
        values = numbers("values", found.values, (None, None, None))
        sizes = [found.values.shape[1]] * len(found.sets)
        self._particles(handle, values.reshape(-1, len(found.columns)), [one.id for one in found.sets], sizes, found.columns)

    def _traces(self, handle: int, population: Population, report: Callable[[Any], Mapping[str, float]]) -> None:
        told = population.report(report)
        names = next((list(one) for one in told if one is not None), [])
        # Weights that sum to 1 over all sets; lost traces have none.
        with np.errstate(divide="ignore"):
            logs = np.log(population.weights())
        rows = [[np.nan] * len(names) if one is None else [float(one[name]) for name in names] for one in told]
        values = np.column_stack([logs, np.array(rows, dtype=float).reshape(len(told), len(names))])
        sets = population.sets
        columns = ["log_weight__", *names]
        self._particles(handle, values, [one.id for one in sets], [one.num_traces for one in sets], columns)

    @staticmethod
    def _particles(handle: int, values: Any, ids: Sequence[int], sizes: Sequence[int], columns: Sequence[str]) -> None:
        values = np.ascontiguousarray(values)
        sets, rows = (ctypes.c_uint64 * len(ids))(*ids), (ctypes.c_size_t * len(sizes))(*sizes)
        names = _abi.texts(columns)
        call(
            "course_particles",
            handle,
            values.ctypes.data,
            values.size,
            _abi.address(sets),
            _abi.address(rows),
            len(ids),
            len(columns),
            _abi.address(names),
        )

    def report(
        self,
        path: str | os.PathLike[str] = "report.html",
        title: str = "Sets of particles",
        truth: Mapping[str, float] | None = None,
    ) -> None:
        """Writes a page for a browser: the verdict and what to do, evidence, effective sample sizes, ancestors and, of an
        updater, the posterior over the steps, with their errors across the sets; the particles.

        Parameters
        ----------
        path : str or path
            The file of the page, which needs nothing else. An older one is replaced.
        title : str
            The page's title.
        truth : dict, optional
            True values of an updater's parameters, where they are known.

        Raises
        ------
        ValueError, TypeError
            `truth` has other names, or what are no numbers; `title` is no text.
        CatenaError
            Nothing was noted, or the file cannot be written.
        """
        given = mapping("truth", "a mapping of parameters to values", truth)
        unknown = set(given) - set(self._parameters)
        if unknown:
            raise ValueError(f"argument 'truth': expected some of {self._parameters}, got {sorted(unknown, key=str)}")
        true = np.array([real("truth", given.get(name, np.nan)) for name in self._parameters])
        words = ctypes.create_string_buffer(text("title", title).encode())
        options = _abi.table(
            "catena_course_options", title=_abi.address(words), truth=true.ctypes.data if true.size else None, num_truth=true.size
        )
        call("course_report", self._handle("step"), _abi.address(options), os.fsencode(path))
