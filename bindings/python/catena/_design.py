"""The choice of the next experiment."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from . import _abi
from ._arguments import INT_BITS, real, whole
from ._arrays import Floats, numbers, row
from ._updates import Updates


@dataclass(frozen=True)
class Guess:
    """Particle guess (Wiebe, Granade, Ferrie and Cory 2014): a time is the inverse distance of two models drawn by their weights.

    Parameters
    ----------
    time : str
        The field that is the time.
    scale : float
        What is divided by the distance.
    longest : float
        The longest time; 0: no limit.
    guessed : dict of str to str, optional
        Fields, and the parameters of the guessed model that they get.
    fields : array of shape (fields,), or dict, optional
        Values of all fields; zeros unless given.
    """

    time: str
    scale: float = 1.0
    longest: float = 0.0
    guessed: Mapping[str, str] = field(default_factory=dict)
    fields: Any = None


@dataclass(frozen=True)
class Sparse:
    """Times that grow (Ferrie, Granade and Cory 2013): that of experiment k, from 0, is ``scale * (9 / 8)**k``.

    Parameters
    ----------
    time : str
        The field that is the time.
    scale : float
        The first time.
    fields : array of shape (fields,), or dict, optional
        Values of all fields; zeros unless given.
    """

    time: str
    scale: float = 1.0
    fields: Any = None


@dataclass(frozen=True)
class Best:
    """The best of candidates.

    Parameters
    ----------
    candidates : array of shape (candidates,) or (candidates, fields), or dict
        The experiments to choose from.
    criterion : str
        ``"gain"``: the largest expected information gain per cost; or ``"risk"``: the least Bayes risk.
    samples : int
        Outcomes that are simulated where they cannot be listed; 0: 100.
    """

    candidates: Any
    criterion: str = "gain"
    samples: int = 0


Design: TypeAlias = Guess | Sparse | Best


def sparse_time(k: int, scale: float = 1.0) -> float:
    """The time of an experiment by the sparse-time heuristic.

    Parameters
    ----------
    k : int
        Number of the experiment, from 0.
    scale : float
        Time of the first.

    Returns
    -------
    float
        ``scale * (9 / 8)**k``.
    """
    time: float = _abi.lib.sparse_time(whole("k", k, INT_BITS), real("scale", scale))
    return time


class Designs(Updates):
    """The part of an `Updater` that looks ahead."""

    def design(self, how: Design, k: int = 0) -> dict[str, float]:
        """The next experiment.

        Parameters
        ----------
        how : Guess, Sparse or Best
            By which rule.
        k : int
            Number of the experiment, from 0.

        Returns
        -------
        dict of str to float
            Its fields.

        Raises
        ------
        TypeError, ValueError
            `how` is none of these, or names a field or parameter that there is not.
        CatenaError
            A function failed, whose exception is the cause.
        """
        kinds, kept = _abi.enum("catena_design_kind"), []

        def kept_address(values: Any) -> Any:
            kept.append(values)
            return values.ctypes.data if isinstance(values, np.ndarray) else _abi.address(values)

        members: dict[str, Any] = {}
        if isinstance(how, Best):
            candidates = self._experiments("candidates", how.candidates)
            members = {
                "kind": kinds["best"],
                "criterion": _abi.code("catena_criterion", "criterion", how.criterion),
                "num_candidates": len(candidates),
                "candidates": kept_address(candidates),
                "samples": whole("samples", how.samples),
            }
        elif isinstance(how, (Guess, Sparse)):
            members = {"kind": kinds["sparse"], "time_field": self._field("time", how.time), "scale": real("scale", how.scale)}
            if how.fields is not None:
                members["fields"] = kept_address(self._one("fields", self._experiments("fields", how.fields)))
            if isinstance(how, Guess):
                if not isinstance(how.guessed, Mapping):
                    raise TypeError(f"argument 'guessed': expected a dict of fields and parameters, got {how.guessed!r}")
                into = [self._field("guessed", name) for name in how.guessed]
                of = [self._parameter("guessed", name) for name in how.guessed.values()]
                sizes = ctypes.c_size_t * len(into)
                members.update(
                    kind=kinds["guess"],
                    most=real("longest", how.longest),
                    num_guesses=len(into),
                    guess_fields=kept_address(sizes(*into)),
                    guess_parameters=kept_address(sizes(*of)),
                )
        else:
            raise TypeError(f"argument 'how': expected a Guess, Sparse or Best, got {how!r}")
        table, out = _abi.table("catena_design", **members), np.empty(len(self.likelihood_of.fields))
        self._perform("design", _abi.address(table), whole("k", k, INT_BITS), out.ctypes.data)
        return dict(zip(self.likelihood_of.fields, out.tolist()))

    def worth(self, experiments: Any, *, scales: Any = None, samples: int = 0) -> tuple[Floats, Floats]:
        """What each experiment is expected to teach, the mean over the sets.

        Parameters
        ----------
        experiments : array of shape (experiments,) or (experiments, fields), or dict
            The experiments.
        scales : array of shape (parameters,), optional
            What each parameter's variance counts in the risk; 1 unless given.
        samples : int
            Outcomes that are simulated where they cannot be listed; 0: 100.

        Returns
        -------
        gains : ndarray of shape (experiments,)
            Expected information gains in nats.
        risks : ndarray of shape (experiments,)
            Bayes risks: the sum of `scales` times the parameters' variances afterwards.

        Raises
        ------
        ValueError, TypeError
            An array has another width, or no numbers.
        CatenaError
            A function failed, whose exception is the cause.
        """
        x, d = self._experiments("experiments", experiments), len(self.likelihood_of.parameters)
        factors = None if scales is None else row("scales", scales, d)
        gains, risks = np.empty(len(x)), np.empty(len(x))
        self._perform(
            "worth",
            len(x),
            x.ctypes.data,
            None if factors is None else factors.ctypes.data,
            whole("samples", samples),
            gains.ctypes.data,
            risks.ctypes.data,
        )
        return gains, risks

    def optimize(
        self,
        experiment: Any,
        moves: Mapping[str, float],
        *,
        low: Any = None,
        high: Any = None,
        criterion: str = "gain",
        samples: int = 0,
        max_evaluations: int = 500,
    ) -> tuple[dict[str, float], float]:
        """The best experiment near one, by the simplex method of Nelder and Mead.

        Parameters
        ----------
        experiment : number, array of shape (fields,), or dict
            Where to begin.
        moves : dict of str to float
            The fields that are moved, and how far at first.
        low, high : array of shape (moves,), optional
            Their bounds.
        criterion : str
            ``"gain"``: information gain per cost; or ``"risk"``.
        samples : int
            Outcomes that are simulated where they cannot be listed; 0: 100.
        max_evaluations : int
            How often the criterion may be computed.

        Returns
        -------
        experiment : dict of str to float
            The best one found.
        value : float
            Its gain per cost, or its risk.

        Raises
        ------
        ValueError, TypeError
            There is no such field, or bounds have another length.
        CatenaError
            A function failed, whose exception is the cause.
        """
        x = self._one("experiment", self._experiments("experiment", experiment)).copy()
        n = len(moves)
        fields = (ctypes.c_size_t * n)(*[self._field("moves", name) for name in moves])
        steps, value = numbers("moves", list(moves.values()), (n,)), ctypes.c_double()
        lows, highs = (None if bound is None else row(name, bound, n) for name, bound in (("low", low), ("high", high)))
        self._perform(
            "optimize",
            _abi.code("catena_criterion", "criterion", criterion),
            n,
            _abi.address(fields),
            steps.ctypes.data,
            None if lows is None else lows.ctypes.data,
            None if highs is None else highs.ctypes.data,
            whole("samples", samples),
            whole("max_evaluations", max_evaluations),
            x.ctypes.data,
            _abi.address(value),
        )
        return dict(zip(self.likelihood_of.fields, x[0].tolist())), value.value

    def learn(self, how: Design, steps: int, measure: Callable[[dict[str, float], int], Any]) -> int:
        """Chooses an experiment, has it measured and takes its outcome in, again and again.

        Parameters
        ----------
        how : Guess, Sparse or Best
            By which rule experiments are chosen.
        steps : int
            How often.
        measure : callable
            ``measure(experiment, k)``, with `k` from 0, carries out the experiment (a dict of its fields) and returns the
            outcome; None ends the loop. It may look at the updater.

        Returns
        -------
        int
            How many data were taken in.

        Raises
        ------
        CatenaError
            As in `update` and `design`; the data before stay.
        Exception
            What `measure` raised, as it was; the data before stay.
        """
        for k in range(whole("steps", steps)):
            experiment = self.design(how, k)
            outcome = measure(experiment, k)
            if outcome is None:
                return k
            self.update(outcome, experiment)
        return steps
