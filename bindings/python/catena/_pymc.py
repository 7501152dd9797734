"""Models of PyMC."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._arrays import Floats
from ._model import FunctionModel


class PyMCModel(FunctionModel):
    """A model of PyMC (version 5): its log density with gradient as PyTensor compiles it, called as a Python function.

    Coordinates are PyMC's value variables, such as ``tau_log__``; what is reported are the free variables on their own scale
    and the deterministics. All variables must be continuous.

    Parameters
    ----------
    model : pymc.Model
        The model.
    """

    by_hand = False

    def __init__(self, model: Any) -> None:
        from pymc.blocking import DictToArrayBijection

        if model.discrete_value_vars:
            found = ", ".join(one.name for one in model.discrete_value_vars)
            raise TypeError(f"argument 'model': expected continuous variables alone, got the discrete {found}")
        start = DictToArrayBijection.map(model.initial_point())
        compiled = model.logp_dlogp_function(ravel_inputs=True)
        compiled.set_extra_values({})
        pieces = [(name, shape, size) for name, shape, size, _ in start.point_map_info]
        # PyMC's numbers lie with the last index fastest.
        names = [".".join([name, *(str(i + 1) for i in index)]) for name, shape, _ in pieces for index in np.ndindex(shape)]
        wanted = {one.name for one in model.unobserved_RVs}
        reported = [one for one in model.unobserved_value_vars if one.name in wanted]
        of_position = model.compile_fn(reported, inputs=model.value_vars, point_fn=False, on_unused_input="ignore")
        order = [one.name for one in model.value_vars]

        def constrain(x: Floats) -> dict[str, Any]:
            parts, at = {}, 0
            for name, shape, size in pieces:
                parts[name] = x[at : at + size].reshape(shape)
                at += size
            return dict(zip((one.name for one in reported), of_position(*(parts[name] for name in order))))

        def function(x: Floats) -> tuple[Any, Any]:
            value, gradient = compiled(x)
            return float(value), gradient

        super().__init__(function, start.data.size, names=names, constrain=constrain)
        # Where PyMC would start its chains, as an `init`.
        self.initial_point: Floats = start.data.astype(np.float64)
