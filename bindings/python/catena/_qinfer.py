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
        ``canonicalize``, ``experiment_cost`` and ``update_timestep`` are used where they are. Experiments have scalar fields.
    """
    dtype = np.dtype(model.expparams_dtype)
    fields = {name: dtype[name] for name in dtype.names} if dtype.names else {"t": dtype}
    for name, kind in fields.items():
        if kind.shape or kind.kind not in "iuf":
            raise TypeError(f"argument 'model': expected experiments of numbers, got the field '{name}' of {kind}")

    def experiments_of(experiments: dict[str, Any]) -> Any:
        size = len(np.atleast_1d(next(iter(experiments.values()))))
        if not dtype.names:
            return np.atleast_1d(experiments["t"]).astype(dtype)
        table = np.empty(size, dtype=dtype)
        for name in fields:
            table[name] = experiments[name]
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
        fields={name: "integer" if kind.kind in "iu" else "real" for name, kind in fields.items()},
        domain=domain,
        are_valid=model.are_models_valid,
        **own,
    )


def _moves(model: Any) -> bool:
    """Whether the model has a step in time of its own: QInfer's base classes have one that does nothing."""
    function = getattr(type(model), "update_timestep", None)
    return function is not None and not getattr(function, "__module__", "").startswith("qinfer.abstract_model")
