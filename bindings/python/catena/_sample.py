"""Markov chains: start, sample, resume."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any, TextIO

from . import _abi
from ._arguments import instance, items
from ._arrays import Floats
from ._checkpoints import open_checkpoint
from ._errors import CatenaError
from ._fit import Fit, read_fit
from ._inits import inv_metrics_of, open_inits
from ._interrupt import deferred
from ._model import Model
from ._resources import Resources
from ._run import Run
from ._service import Service, empty

# Keywords that are none of the library's options.
_OTHERS = ("engine", "init", "inv_metric", "checkpoints", "from_", "progress")


def sample(
    model: Model,
    chains: int = 4,
    *,
    engine: str = "nuts",
    init: Any = None,
    inv_metric: Any = None,
    checkpoints: Sequence[bytes | None] | None = None,
    from_: Fit | Sequence[bytes | None] | None = None,
    seed: int | None = None,
    progress: bool | TextIO | None = None,
    **options: Any,
) -> Fit:
    """Runs Markov chains over a model.

    Parameters
    ----------
    model : Model
        Such as ``catena.FunctionModel(function, dimension)``.
    chains : int
        Number of chains.
    engine : str
        What moves a chain: ``"nuts"``, ``"static"`` (Hamiltonian Monte Carlo of a fixed integration time) or
        ``"fixed_param"`` (the position stays, the outputs are drawn anew).
    init : optional
        Where chains start: None (drawn within `init_radius`); a position of shape (dimension,), whose NaN entries are
        drawn; a dict of values by name, on the scale that the model's `initialize` reads; an array of shape
        (chains, dimension); a list of these with an entry per chain; or a function from a chain's id to one of them.
    inv_metric : array or list of arrays, optional
        The inverse metric to start with: variances of shape (dimension,), or a matrix where the option `metric` is dense;
        or a list of them, one per chain, such as ``[chain.inv_metric for chain in fit.chains]``.
    checkpoints : list of bytes or None, optional
        ``fit.checkpoints``, to go on from: see `resume`.
    from_ : Fit or list of bytes, optional
        A fit, or its `checkpoints`, whose chains' ends these begin at: with their positions, metrics and step sizes, so far as
        `init`, `inv_metric` and `stepsize` are not given. Chains take those that have not failed in turn. Warm-up is then 50
        iterations where `num_warmup` is not given; one of fewer than 100 leaves the metric as it is.
    seed : int, optional
        Chain `id` of a seed is the same chain, bit for bit, on however many threads; random unless given (``fit.seed``).
    progress : bool or file, optional
        Whether to show where the chains are; None: in a notebook, and where stderr is a terminal.
    **options
        Every option of the library by its name, with its default: ``num_warmup=200``, ``num_samples=1000``,
        ``delta=0.7``, ``metric="auto"`` and so on; `options` lists them. ``preset="stan"`` has Stan's defaults.
        `check_gradient` compares the gradient with finite differences where each chain begins, and is True unless given for
        Python functions of gradients.

    Returns
    -------
    Fit
        Also after Ctrl-C, with what was drawn until then (``fit.interrupted``).

    Raises
    ------
    CatenaError
        When every chain failed. When some did, a warning says which and why, and the others are returned.
    Exception
        What a function of the model raised, as it was.
    """
    ends = _ends(from_)
    return _through(lambda: _start(model, chains, engine, init, inv_metric, checkpoints, ends, seed, options, None), progress)


def start(
    model: Model,
    chains: int = 4,
    *,
    engine: str = "nuts",
    init: Any = None,
    inv_metric: Any = None,
    checkpoints: Sequence[bytes | None] | None = None,
    from_: Fit | Sequence[bytes | None] | None = None,
    seed: int | None = None,
    **options: Any,
) -> Run:
    """Starts chains and returns at once.

    Parameters
    ----------
    model, chains, engine, init, inv_metric, checkpoints, from_, seed, **options
        As in `sample`.

    Returns
    -------
    Run
        With `poll`, `progress`, `cancel` and `result`; it can be awaited.

    Raises
    ------
    TypeError, ValueError
        An argument is not what was expected. What goes wrong later comes out of `result`.
    """
    if "progress" in options:
        raise TypeError("'progress' goes with catena.sample, or with the run's `result`")
    return _start(model, chains, engine, init, inv_metric, checkpoints, _ends(from_), seed, options, None)


def resume(model: Model, fit: Fit, *, progress: bool | TextIO | None = None, **options: Any) -> Fit:
    """Goes on with the chains of a fit that was stopped, or asks finished ones for more (a larger `num_samples`).

    The draws have the bits of a run that was never stopped. Model and options are those of the run before and need not be
    given again; `max_evaluations`, `max_seconds` and `max_gradients` count anew.

    Parameters
    ----------
    model : Model
        The model of the run before.
    fit : Fit
        What it returned; it is left as it is.
    progress : bool or file, optional
        As in `sample`.
    **options
        Those that are to be other than before.

    Returns
    -------
    Fit
        The draws of both parts.
    """
    if instance("fit", fit, Fit).engine == "files":
        raise ValueError("argument 'fit': expected one of catena.sample, got one that was read from files of draws")
    failed = [chain for chain in fit.chains if chain.error is not None]
    if failed:
        raise ValueError(f"argument 'fit': expected chains that can go on, got one that failed: {failed[0].error}")
    limits = ("max_evaluations", "max_seconds", "max_gradients")
    same = {name: value for name, value in fit.options.items() if name not in limits and name != "chains"}
    asked = same | options
    seed = asked.pop("seed", fit.seed)
    saved, ends = fit.checkpoints, fit.began_at
    return _through(lambda: _start(model, len(fit.chains), fit.engine, None, None, saved, ends, seed, asked, fit), progress)


def _through(begin: Callable[[], Run], progress: bool | TextIO | None) -> Fit:
    """Starts a run and waits for its end. Ctrl-C ends it gently from here on, also before the run is there."""
    run: Run | None = None

    def stop() -> None:
        if run is not None:
            run.cancel()

    with deferred(stop) as pressed:
        run = begin()
        try:
            if pressed.once:
                run.cancel()
            return run.result(progress)
        finally:
            run.close()


def _start(
    model: Model,
    chains: int,
    engine: str,
    init: Any,
    inv_metric: Any,
    checkpoints: Sequence[bytes | None] | None,
    ends: list[bytes] | None,
    seed: int | None,
    given: dict[str, Any],
    before: Fit | None,
) -> Run:
    engine_code = _abi.code("catena_engine", "engine", engine)
    if ends is not None:
        given = {"warm_start": True, **given}
    service = Service(model, engine, {"chains": chains, "seed": seed, **given}, _OTHERS)
    resources, model, asked = service.resources, service.model, service.asked
    try:
        if model.vectorized and "batch_size" not in asked:
            service.set("batch_size", service.option("num_chains"))
        if model.by_hand and "check_gradient" not in asked:
            service.set("check_gradient", 1)
        if engine == "fixed_param":
            # There is no warm-up whose rows could be kept.
            service.set("save_warmup", 0)
        count, first = service.option("num_chains"), service.option("init_chain_id")
        rows = _abi.lib.options_rows(service.options)
        handle = service.open(service.option("batch_size"))
        names = service.columns("engine_column", engine_code)
        values = empty(count, rows, len(names))
        offsets = _copy(before, values) if before is not None else [0] * count
        writers = service.writers(values, offsets)
        inits = resources.root(open_inits(resources, init, range(first, first + count)))
        metrics = resources.root(inv_metrics_of(inv_metric, count))
        metric_list = None if metrics is None else resources.root(_abi.addresses([one.ctypes.data for one in metrics]))
        saved = resources.root(_open_checkpoints(resources, checkpoints, count))
        begun = None if ends is None else _abi.addresses([open_checkpoint(resources, "from_", one) for one in ends])
        resources.root(begun)
        io = service.io(
            writers,
            inits=_abi.address(inits),
            num_inits=len(inits or ()),
            inv_metrics=_abi.address(metric_list),
            num_inv_metrics=len(metrics or ()),
            inv_metric_size=0 if metrics is None else metrics[0].size,
            checkpoints=_abi.address(saved),
            num_checkpoints=len(saved or ()),
            num_from=len(begun or ()),
            **{"from": _abi.address(begun)},
        )
        run = resources.make(
            "run_start_engine", handle, engine_code, service.options, ctypes.addressof(io), free="run_free", library=model.library
        )
    except BaseException:
        resources.close()
        raise
    outputs = _abi.lib.model_output_count(handle)

    def collect(result: int | None, error: CatenaError | None) -> Fit:
        written = [_abi.lib.writer_rows(writer) for writer in writers]
        fit = read_fit(
            result,
            error,
            values,
            [a + b for a, b in zip(offsets, written)],
            names,
            len(names) - outputs,
            engine,
            service.options,
            asked,
        )
        fit.began_at = ends
        return fit

    return Run(model, resources, run, service.failure, service.log, count, collect)


def _ends(from_: Fit | Sequence[bytes | None] | None) -> list[bytes] | None:
    """The ends of chains that have one."""
    if from_ is None:
        return None
    saved = from_.checkpoints if isinstance(from_, Fit) else from_
    if isinstance(saved, (bytes, str)) or not isinstance(saved, Sequence):
        raise TypeError(f"argument 'from_': expected a fit, or the checkpoints of one, got {type(from_).__name__}")
    ends = [one for one in saved if one is not None]
    if not ends:
        raise ValueError("argument 'from_': expected a fit with a chain that has not failed, got none")
    return ends


def _open_checkpoints(resources: Resources, checkpoints: Sequence[bytes | None] | None, chains: int) -> Any:
    if checkpoints is None:
        return None
    every = items("checkpoints", "a list of bytes", checkpoints)
    if len(every) != chains:
        raise ValueError(f"argument 'checkpoints': expected {chains} entries, one per chain, got {len(every)}")
    return _abi.addresses([open_checkpoint(resources, "checkpoints", one) for one in every])


def _copy(before: Fit, values: Floats) -> list[int]:
    """Copies the draws of the run before; how many rows each chain has."""
    offsets = []
    for chain, report in enumerate(before.chains):
        if report.rows > values.shape[1]:
            raise ValueError(
                f"argument 'num_samples': expected at least as many draws as the fit has, {report.rows} rows, got "
                f"{values.shape[1]}"
            )
        values[chain, : report.rows] = before.values[chain, : report.rows]
        offsets.append(report.rows)
    return offsets
