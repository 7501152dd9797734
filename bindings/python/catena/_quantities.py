"""Outputs of draws made before, log densities at points, and gradients against differences."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import _abi
from ._arguments import real
from ._arrays import Floats, numbers
from ._errors import Failure, attempt
from ._fit import Fit, read_fit
from ._inits import open_init
from ._model import Model, as_model
from ._names import Names, flat
from ._options import given_options, open_options
from ._resources import Resources
from ._service import Service, empty


def log_density(model: Model, positions: Any, *, gradient: bool = False) -> Any:
    """Evaluates a model as a chain would.

    Parameters
    ----------
    model : Model
        The model.
    positions : array of shape (dimension,) or (n, dimension)
        One position, or several.
    gradient : bool
        Whether gradients are wanted.

    Returns
    -------
    float or ndarray of shape (n,)
        Log densities, NaN where the model refused; with `gradient` a tuple of these and of the gradients, whose shape is
        that of the positions.
    """
    model = as_model(model)
    x = numbers("positions", positions)
    x = numbers("positions", x, (model.dimension,) if x.ndim == 1 else (None, model.dimension))
    rows = np.atleast_2d(x)
    values, slopes, failure = np.empty(len(rows)), np.empty(rows.shape), Failure()
    with Resources() as resources:
        handle = model.open(resources, failure, max(len(rows), 1))
        _, error = attempt(
            model.library,
            "model_log_density",
            handle,
            len(rows),
            rows.ctypes.data,
            values.ctypes.data,
            slopes.ctypes.data if gradient else None,
            None,
        )
    failure.raise_first()
    if error is not None:
        raise error
    one = x.ndim == 1
    found = float(values[0]) if one else values
    return (found, slopes[0] if one else slopes) if gradient else found


@dataclass(frozen=True)
class GradientCheck:
    """What `diagnose` found.

    Attributes
    ----------
    log_density : float
        At the point.
    values, model, finite_differences, errors : ndarray of shape (dimension,)
        The point; the model's gradient there; the central differences, NaN where the model refused one of their points; and
        the model's derivatives minus these.
    failures : int
        Coordinates whose error is above the threshold or no number.
    text : str
        Stan's table.
    """

    log_density: float
    values: Floats
    model: Floats
    finite_differences: Floats
    errors: Floats
    failures: int
    text: str

    def __repr__(self) -> str:
        return f"<catena.GradientCheck: {self.failures} of {len(self.values)} derivatives are wrong>\n{self.text}"


def diagnose(model: Model, *, init: Any = None, epsilon: float = 1e-6, threshold: float = 1e-6, **options: Any) -> GradientCheck:
    """Compares a model's gradient with central differences, as Stan's ``diagnose`` does.

    Parameters
    ----------
    model : Model
        The model.
    init : optional
        A position or a dict of values by name; else the point where a chain of the `seed` (0) would start.
    epsilon : float
        Half the distance of the points of a difference.
    threshold : float
        The largest absolute error that is no failure.
    **options
        ``seed``, ``init_chain_id`` and ``init_radius``.

    Returns
    -------
    GradientCheck
        Both gradients, and which derivatives are wrong.

    Raises
    ------
    CatenaError
        The log density is not finite there.
    Exception
        What a function of the model raised, as it was.
    """
    model, failure = as_model(model), Failure()
    asked = given_options(("diagnose",), options, ("init", "epsilon", "threshold"))
    with Resources() as resources:
        handle, place = model.open(resources, failure), ctypes.c_void_p()
        _, error = attempt(
            model.library,
            "diagnose_gradient",
            handle,
            open_options(resources, asked),
            open_init(resources, init),
            None,
            real("epsilon", epsilon),
            real("threshold", threshold),
            ctypes.addressof(place),
        )
        failure.raise_first()
        if error is not None:
            raise error
        assert place.value is not None
        check, lib = place.value, _abi.lib
        resources.own(check, "gradient_check_free")
        size = lib.gradient_check_size(check)
        values, slopes, differences, errors = (
            np.array([getattr(lib, f"gradient_check_{name}")(check, i) for i in range(size)])
            for name in ("value", "model", "finite_difference", "error")
        )
        return GradientCheck(
            lib.gradient_check_log_density(check),
            values,
            slopes,
            differences,
            errors,
            lib.gradient_check_failures(check),
            lib.gradient_check_text(check).decode(),
        )


def generate_quantities(model: Model, draws: Any, names: Names | None = None, *, seed: int | None = None, **options: Any) -> Fit:
    """Computes a model's outputs anew for draws made before, chain by chain.

    Parameters
    ----------
    model : Model
        Its parameters are looked up among the names, and its coordinates where these are missing.
    draws : Fit or array of shape (chains, draws, columns)
        The draws.
    names : list of str, optional
        Names of the columns of an array.
    seed : int, optional
        That of the fit, or random, unless given. Random numbers depend on it and the chain's id alone.
    **options
        ``init_chain_id``, ``num_threads`` and so on: ``catena.options("generate_quantities")``.

    Returns
    -------
    Fit
        The generated quantities: the outputs after the parameters and transformed parameters, or all where the model does
        not say. A draw that the model refuses is a row of NaN, with a warning.
    """
    if isinstance(draws, Fit):
        values, columns, seed = np.ascontiguousarray(draws.rows), draws.columns, draws.seed if seed is None else seed
    elif names is None:
        raise TypeError("argument 'names': expected the names of the columns beside an array of draws")
    else:
        values, columns = numbers("draws", draws, (None, None, None)), flat("names", names)
    chains, rows, width = values.shape
    if len(columns) != width:
        raise ValueError(f"argument 'names': expected {width} names, one per column, got {len(columns)}")
    with Service(model, "generate_quantities", {"chains": chains, "seed": seed, **options}, ("names",)) as service:
        service.open()
        outputs = service.columns("quantity_column")
        out = empty(chains, rows, len(outputs))
        writers = service.writers(out)
        tables = _abi.addresses([values[chain].ctypes.data for chain in range(chains)])
        counts, texts = (ctypes.c_size_t * chains)(*[rows] * chains), _abi.texts(columns)
        given = _abi.table(
            "catena_draws",
            names=_abi.address(texts),
            columns=width,
            values=_abi.address(tables),
            rows=_abi.address(counts),
            num_chains=chains,
        )
        result, error = service.run("generate_quantities", service.io(writers), _abi.address(given), free="result_free")
        # Rows stand for iterations here.
        service.set("num_samples", rows)
        service.set("thin", 1)
        return read_fit(
            result,
            error,
            out,
            [_abi.lib.writer_rows(writer) for writer in writers],
            outputs,
            0,
            "generate_quantities",
            service.options,
            service.asked,
        )
