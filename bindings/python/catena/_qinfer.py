"""Models of QInfer (Granade, Ferrie and others 2017) as likelihoods."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._arrays import Floats
from ._likelihood import Likelihood


def from_qinfer(model: Any) -> Likelihood:
    """The likelihood of a QInfer model.

    Parameters
    ----------
    model : qinfer.Model, or an object like it
        With ``n_modelparams``, ``expparams_dtype``, ``likelihood(outcomes, modelparams, expparams)`` of shape (outcomes, models,
        experiments), ``n_outcomes(expparams)`` and ``are_models_valid(modelparams)``; ``modelparam_names``, ``domain``,
        ``canonicalize``, ``experiment_cost`` and ``update_timestep`` are used where they are. A field of several numbers becomes
        several: ``meas.1``, ``meas.2`` and so on.

    Returns
    -------
    Likelihood
        For an `Updater`.

    Raises
    ------
    TypeError
        A field of the experiments is no number.
    """
    dtype = np.dtype(model.expparams_dtype)
    # Where each of our fields stands in one of QInfer's, and of which kind it is.
    fields: dict[str, tuple[str, tuple[int, ...], np.dtype[Any]]] = {}
    for name, whole in [("t", dtype)] if dtype.names is None else [(name, dtype[name]) for name in dtype.names]:
        if whole.base.kind not in "iuf":
            raise TypeError(f"argument 'model': expected experiments of numbers, got the field '{name}' of {whole}")
        for index in np.ndindex(whole.shape):
            fields[".".join([name, *(str(i + 1) for i in index)])] = (name, index, whole.base)

    def experiments_of(experiments: dict[str, Any]) -> Any:
        size = max((len(np.atleast_1d(one)) for one in experiments.values()), default=1)
        if dtype.names is None:
            return np.atleast_1d(experiments["t"]).astype(dtype)
        table = np.empty(size, dtype=dtype)
        for field, (name, index, _) in fields.items():
            place: tuple[Any, ...] = (slice(None), *index)
            table[name][place] = experiments[field]
        return table

    def likelihood(outcomes: Floats, models: Floats, experiments: dict[str, Floats]) -> Any:
        values = model.likelihood(outcomes.astype(int), models, experiments_of(experiments))
        return np.asarray(values).transpose(1, 0, 2)

    def domain(experiment: dict[str, float]) -> Any:
        table = experiments_of(experiment)
        if hasattr(model, "domain"):
            return np.concatenate([np.ravel(one.values) for one in np.atleast_1d(model.domain(table))]).astype(float)
        return np.arange(int(np.ravel(model.n_outcomes(table))[0]))

    names = list(getattr(model, "modelparam_names", None) or [f"x{i}" for i in range(model.n_modelparams)])
    own: dict[str, Any] = {}
    if hasattr(model, "canonicalize"):
        own["canonicalize"] = model.canonicalize
    if hasattr(model, "experiment_cost"):
        own["experiment_cost"] = lambda experiments: model.experiment_cost(experiments_of(experiments))
    if _moves(model):
        own["update_timestep"] = lambda rng, models, experiment: np.asarray(
            model.update_timestep(models, experiments_of(experiment))
        )[:, :, 0]
    return Likelihood(
        likelihood,
        parameters=names,
        fields={name: "integer" if kind.kind in "iu" else "real" for name, (_, _, kind) in fields.items()},
        domain=domain,
        are_valid=model.are_models_valid,
        **own,
    )


def _moves(model: Any) -> bool:
    """Whether the model has a step in time of its own: QInfer's base classes have one that does nothing."""
    function = getattr(type(model), "update_timestep", None)
    return function is not None and not getattr(function, "__module__", "").startswith("qinfer.abstract_model")
