"""Particle filters over functions of whole matrices."""

from __future__ import annotations

import ctypes
import os
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from . import _abi
from ._arguments import whole
from ._arrays import Floats, columns, matrix, numbers, returned
from ._callbacks import takes
from ._communicator import table_of
from ._errors import CatenaWarning, call
from ._options import seeded
from ._resources import Resources
from ._session import Session


class Filter:
    """What `particle_filter` found. States have shape (dimension,), or () where `dimension` was not given.

    Attributes
    ----------
    log_evidence, standard_error : float
        Log likelihood of all observations over all sets, and its error across them (NaN of one set).
    set_ids : list of int
        Ids of the sets.
    set_log_evidences : ndarray of shape (sets,)
        Each set's own; -inf of one that lost all its particles.
    times : list of int
        Times that each set was filtered over: all, or up to the one at which its particles were lost.
    log_evidences, ess : ndarray of shape (sets, times)
        Log likelihood of the observations so far, and effective sample sizes; NaN where a set was lost.
    means, variances : ndarray of shape (sets, times, *state) or None
        Of the states, given the observations up to each time.
    trajectories : ndarray of shape (sets, trajectories, times, *state) or None
        Drawn backwards in time.
    """

    def __init__(
        self,
        resources: Resources,
        handle: int,
        num_times: int,
        num_particles: int,
        dimension: int,
        shape: tuple[int, ...],
        moments: bool,
        num_trajectories: int,
    ) -> None:
        lib = _abi.lib
        self._resources, self._handle, self._shape, self._dimension = resources, handle, shape, dimension
        self._num_particles = num_particles
        self.log_evidence: float = lib.filter_log_evidence(handle)
        self.standard_error: float = lib.filter_standard_error(handle)
        sets = range(lib.filter_num_sets(handle))
        self.set_ids: list[int] = [lib.filter_set_id(handle, i) for i in sets]
        self.set_log_evidences = np.array([lib.filter_set_log_evidence(handle, i) for i in sets])
        self.times: list[int] = [lib.filter_num_times(handle, i) for i in sets]
        self.log_evidences, self.ess = (np.full((len(sets), num_times), np.nan) for _ in range(2))
        self.means = self.variances = self.trajectories = None
        if moments:
            self.means, self.variances = (np.full((len(sets), num_times, *shape), np.nan) for _ in range(2))
        if num_trajectories:
            self.trajectories = np.full((len(sets), num_trajectories, num_times, *shape), np.nan)
        for i, times in zip(sets, self.times):
            self.log_evidences[i, :times] = self._read("filter_log_evidences", i, times)
            self.ess[i, :times] = self._read("filter_ess", i, times)
            if self.means is not None and self.variances is not None:
                for name, out in (("filter_means", self.means), ("filter_variances", self.variances)):
                    out[i, :times] = self._read(name, i, times * dimension).reshape(times, *shape)
            if self.trajectories is not None and lib.filter_set_status(handle, i) == 0:
                found = self._read("filter_trajectories", i, times * dimension * num_trajectories)
                self.trajectories[i] = (
                    found.reshape(times, dimension, num_trajectories).transpose(2, 0, 1).reshape(self.trajectories.shape[1:])
                )

    def _read(self, name: str, at: int, size: int, *more: Any) -> Floats:
        values = np.empty(size)
        call(name, self._handle, at, *more, values.ctypes.data, size)
        return values

    def _place(self, set: int) -> int:
        if set not in self.set_ids:
            raise ValueError(f"argument 'set': expected one of {self.set_ids}, got {set!r}")
        return self.set_ids.index(set)

    def particles(self, set: int, time: int = -1) -> tuple[Floats, Floats, Any]:
        """The particles of a set at a time.

        Parameters
        ----------
        set : int
            Id of the set.
        time : int
            The time, from 0, or from the end; times other than the last want the option `history`.

        Returns
        -------
        states : ndarray of shape (particles, *state)
            The states.
        log_weights : ndarray of shape (particles,)
            Their log weights.
        ancestors : ndarray of shape (particles,)
            Numbers of their ancestors at the time before.

        Raises
        ------
        ValueError
            There is no such set.
        CatenaError
            There is no such time, or it was not kept.
        """
        at = self._place(set)
        states, weights = np.empty((self._dimension, self._num_particles)), np.empty(self._num_particles)
        ancestors = np.empty(self._num_particles, dtype=np.uint32)
        call(
            "filter_particles",
            self._handle,
            at,
            time % self.times[at] if time < 0 else time,
            self._num_particles,
            states.ctypes.data,
            weights.ctypes.data,
            ancestors.ctypes.data,
        )
        return states.T.reshape(self._num_particles, *self._shape), weights, ancestors

    def lineage(self, set: int, particle: int | None = None) -> Floats:
        """The path that led to a particle of the last time. Wants the option `history`.

        Parameters
        ----------
        set : int
            Id of the set.
        particle : int, optional
            Its number, from 0; one drawn by its weight unless given.

        Returns
        -------
        ndarray of shape (times, *state)
            The path.

        Raises
        ------
        ValueError
            There is no such set.
        CatenaError
            There is no such particle, or times were not kept.
        """
        at = self._place(set)
        drawn = _abi.lib.filter_drawn(self._handle, at) if particle is None else whole("particle", particle)
        return self._read("filter_lineage", at, self.times[at] * self._dimension, drawn).reshape(self.times[at], *self._shape)

    def survivors(self, set: int) -> Any:
        """For each time how many of its particles have descendants at the last time. Wants the option `history`.

        Parameters
        ----------
        set : int
            Id of the set.

        Returns
        -------
        ndarray of shape (times,)
            The numbers.

        Raises
        ------
        ValueError
            There is no such set.
        CatenaError
            Times were not kept.
        """
        at = self._place(set)
        counts = np.empty(self.times[at], dtype=np.uintp)
        call("filter_survivors", self._handle, at, counts.ctypes.data, counts.size)
        return counts

    def report(self, path: str | os.PathLike[str] = "report.html", title: str = "Particle filter") -> None:
        """Writes a page for a browser: the verdict and what to do, evidence and effective sample sizes over the times with their
        errors across the sets; as `Course.report`.

        Parameters
        ----------
        path : str or path
            The file of the page, which needs nothing else. An older one is replaced.
        title : str
            The page's title.

        Raises
        ------
        CatenaError
            The file cannot be written.
        """
        from ._course import Course

        Course().note(self).report(path, title)

    def __repr__(self) -> str:
        sets, times = self.log_evidences.shape
        return (
            f"<catena.Filter: {sets} sets of {self._num_particles} particles over {times} times>\n"
            f"log evidence: estimate {self.log_evidence:.6g}, standard error {self.standard_error:.2g}"
        )


def particle_filter(
    initial: Callable[..., Any],
    transition: Callable[..., Any],
    log_weight: Callable[..., Any],
    *,
    num_times: int,
    dimension: int | None = None,
    num_sets: int = 1,
    num_particles: int = 1000,
    init_set_id: int = 1,
    seed: int | None = None,
    kind: str = "bootstrap",
    resampling: str = "systematic",
    ess_threshold: float = 0.5,
    propose: Callable[..., Any] | None = None,
    proposal_log_weight: Callable[..., Any] | None = None,
    auxiliary_log_weight: Callable[..., Any] | None = None,
    transition_log_density: Callable[..., Any] | None = None,
    transition_log_density_bound: float | None = None,
    num_trajectories: int = 0,
    moments: bool = True,
    history: bool = False,
    retained: Any = None,
    communicator: Any = None,
) -> Filter:
    """Runs a particle filter on several independent sets.

    The functions work on all particles of a set at once, in arrays `x` of shape (n, dimension), or (n,) where `dimension` is
    not given. Times `t` count from 0, that of the first observation; `previous` is None then.

    Parameters
    ----------
    initial : callable
        ``initial(rng, n) -> x``: n states at time 0. `rng` is a numpy generator of the set's own.
    transition : callable
        ``transition(rng, previous, t) -> x``: states at `t`, each from the one before.
    log_weight : callable
        ``log_weight(x, t)`` or ``log_weight(x, t, previous)``: log density of the observation at `t`, of shape (n,); 0 where
        there is none.
    num_times : int
        Times.
    dimension : int, optional
        Numbers in a state.
    num_sets, num_particles, init_set_id : int
        Independent sets, particles of each, and the first set's id.
    seed : int, optional
        Random unless given. A set has the same bits in whatever run.
    kind : str
        ``"bootstrap"``, ``"guided"`` or ``"auxiliary"``.
    resampling, ess_threshold : str, float
        Scheme, and below which share of the particles the effective sample size has them resampled.
    propose : callable, optional
        Of a guided filter: ``propose(rng, previous, t, n)`` draws states and knows the observation.
    proposal_log_weight : callable, optional
        Of a guided filter: ``proposal_log_weight(x, t, previous)``, of shape (n,), the log density of the observation plus that
        of the transition minus that of the proposal.
    auxiliary_log_weight : callable, optional
        Of an auxiliary filter: ``auxiliary_log_weight(previous, t)``, of shape (n,), how well states promise to explain the
        observation at `t`.
    transition_log_density : callable, optional
        ``transition_log_density(x, t, previous)``, of shape (n,), row by row: for trajectories.
    transition_log_density_bound : float, optional
        What it never exceeds, which makes trajectories faster.
    num_trajectories : int
        Trajectories to draw backwards in time from each set.
    moments, history : bool
        Whether means and variances are wanted, and whether the particles of all times are kept.
    retained : array of shape (times, *state), optional
        A trajectory that the first particle of each set follows: a bootstrap filter is then a sweep of conditional sequential
        Monte Carlo. The next one of particle Gibbs is ``filter.lineage(set)``; give each sweep another seed.
    communicator : mpi4py.MPI.Comm, optional
        The processes that share the sets, with a `seed`: all make the same call, and have the results of all.

    Returns
    -------
    Filter
        Evidence, filtering means and what else was wanted.

    Raises
    ------
    CatenaError
        Names set, particle and time; what a function raised is its cause. A set that loses all its particles has evidence
        zero, with a warning.
    """
    width = 1 if dimension is None else dimension
    shape = () if dimension is None else (dimension,)
    session, resources = Session("filter"), Resources()

    def states(at: int, n: int) -> Any:
        x = columns(at, n, width)
        return x[:, 0] if dimension is None else x

    def draws(function: Callable[..., Any], what: str, with_n: bool = False) -> Callable[..., int]:
        def callback(_user: int, _worker: int, task: int, t: int, n: int, previous: int, out: int) -> int:
            def work() -> None:
                before = None if not previous else states(previous, n).copy()
                x = function(session.rng(task), before, t, *([n] if with_n else []))
                states(out, n)[...] = returned(f"the states that '{what}' returned", x, (n, *shape))

            return session.guarded(task, work)

        return callback

    def weighs(function: Callable[..., Any], what: str) -> Callable[..., int]:
        third = takes(function) >= 3

        def callback(_user: int, _worker: int, task: int, t: int, n: int, previous: int, x: int, out: int) -> int:
            def work() -> None:
                more = [None if not previous else states(previous, n).copy()] if third else []
                matrix(out, (n,))[:] = returned(f"what '{what}' returned", function(states(x, n).copy(), t, *more), (n,))

            return session.guarded(task, work)

        return callback

    def first(_user: int, _worker: int, task: int, n: int, out: int) -> int:
        def work() -> None:
            states(out, n)[...] = returned("the states that 'initial' returned", initial(session.rng(task), n), (n, *shape))

        return session.guarded(task, work)

    def promises(_user: int, _worker: int, task: int, t: int, n: int, previous: int, out: int) -> int:
        def work() -> None:
            assert auxiliary_log_weight is not None
            found = auxiliary_log_weight(states(previous, n).copy(), t)
            matrix(out, (n,))[:] = returned("what 'auxiliary_log_weight' returned", found, (n,))

        return session.guarded(task, work)

    model = _abi.table(
        "catena_state_space",
        threading=_abi.enum("catena_threading")["caller"],
        whole_sets=1,
        dimension=width,
        initial=first,
        transition=draws(transition, "transition"),
        log_weight=weighs(log_weight, "log_weight"),
        propose=propose and draws(propose, "propose", True),
        proposal_log_weight=proposal_log_weight and weighs(proposal_log_weight, "proposal_log_weight"),
        auxiliary_log_weight=auxiliary_log_weight and promises,
        transition_log_density=transition_log_density and weighs(transition_log_density, "transition_log_density"),
        has_transition_log_density_bound=int(transition_log_density_bound is not None),
        transition_log_density_bound=transition_log_density_bound,
    )
    ranks = None if communicator is None else table_of(communicator)
    path = None if retained is None else numbers("retained", retained, (num_times, *shape))
    options = _abi.table("catena_filter_options")
    call("filter_options_init", _abi.address(options), ctypes.sizeof(options))
    settings = {
        "num_sets": num_sets,
        "init_set_id": init_set_id,
        "num_particles": num_particles,
        "num_times": num_times,
        "seed": seeded(seed),
        "kind": _abi.code("catena_filter_kind", "kind", kind),
        "resampling": _abi.code("catena_resampling", "resampling", resampling),
        "ess_threshold": ess_threshold,
        "num_trajectories": num_trajectories,
        "moments": int(moments),
        "history": int(history or num_trajectories > 0 or path is not None),
        "retained": None if path is None else path.ctypes.data,
        "communicator": _abi.address(ranks),
    }
    _abi.fill(options, settings)
    place = ctypes.c_void_p()
    error = session.attempt(
        "filter_run", _abi.address(model), _abi.address(options), session.log.address, None, ctypes.addressof(place)
    )
    if place.value is None:
        assert error is not None
        session.raise_with_cause(error)
    assert place.value is not None
    resources.own(place.value, "filter_free")
    if error is not None:
        warnings.warn(str(error), CatenaWarning, stacklevel=2)
    return Filter(resources, place.value, num_times, num_particles, width, shape, moments, num_trajectories)
