"""Models: what can be sampled."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping
from typing import Any

from . import _abi
from ._abi import texts
from ._arguments import check_function, whole
from ._arrays import Floats
from ._callbacks import Closures
from ._errors import Failure
from ._names import Names, Shape, flat, variables
from ._resources import Resources


class Model:
    """A log density over `dimension` unconstrained coordinates.

    The models there are: `FunctionModel`, `VectorizedModel`, `JaxModel`, `CModel`, `StanModel`, `PyMCModel`.

    Attributes
    ----------
    dimension : int
        Number of coordinates.
    """

    dimension: int
    # Whether Python is called: on the thread that called the library, which keeps the GIL meanwhile.
    on_caller = False
    # Whether evaluations of several chains go into one call.
    vectorized = False
    # Whether its gradients were written by hand, so that they are looked at where chains begin unless a call says otherwise.
    by_hand = False

    def open(self, resources: Resources, failure: Failure, width: int = 1) -> int:
        """The library's model, for one call or run that evaluates up to `width` positions at once; for this package."""
        raise NotImplementedError

    @property
    def library(self) -> _abi.Library:
        """The library as this model's calls take it."""
        return _abi.held if self.on_caller else _abi.lib

    def __reduce__(self) -> Any:
        raise TypeError(f"a {type(self).__name__} holds functions and cannot be pickled; fits can")


class FunctionModel(Model):
    """A model given by a Python function of one position.

    Parameters
    ----------
    function : callable
        ``function(x) -> (log_density, gradient)`` of an array of shape (dimension,), the gradient alike. The array is the
        function's own. A log density of -inf or NaN, or ``raise catena.Reject(reason)``, refuses the position. Any other
        exception ends the run and comes out of it.
    dimension : int
        Number of coordinates.
    names : list of str or mapping of names to shapes, optional
        Names of the coordinates, ``x.1`` and so on unless given; ``{"eta": 8, "mu": ()}`` names ``eta.1`` to ``eta.8`` and
        ``mu``.
    constrain : callable, optional
        ``constrain(x)`` or ``constrain(x, rng)``: what to report of a position, a mapping of names to arrays (or, where
        `outputs` says what they are, one array). `rng` is a numpy generator of the chain's own.
    outputs : list of str or mapping of names to shapes, optional
        What `constrain` returns; found out by calling it once, at zero, unless given.
    initialize : callable, optional
        ``initialize(values) -> x``: the position of initial values that were given by name; NaN entries are drawn.
    parameter_outputs, transformed_outputs : int
        How many of the outputs are parameters, and how many after these are functions of the parameters alone; the others
        are generated quantities. Matters to `generate_quantities`.
    log_density_parts : callable, optional
        ``log_density_parts(x) -> (log_prior, log_likelihood, prior_gradient, likelihood_gradient)``, for `sample_smc`.
    sample_prior : callable, optional
        ``sample_prior(rng) -> x``, for `sample_smc`.
    log_density_data : callable, optional
        ``log_density_data(x, k)``, for `sample_smc`, which then takes the data one by one: the log prior plus the log
        likelihood of the first `k` data, the log likelihood of datum number `k`, and the gradients of both.
    data_count : int
        Number of the data that it takes.

    Raises
    ------
    TypeError
        What was to be a function is none, or `dimension` no whole number.
    ValueError
        There are not as many `names` as coordinates.
    """

    on_caller = True
    by_hand = True

    def __init__(
        self,
        function: Callable[..., Any],
        dimension: int,
        *,
        names: Names | None = None,
        constrain: Callable[..., Any] | None = None,
        outputs: Names | None = None,
        initialize: Callable[[Mapping[str, Any]], Any] | None = None,
        parameter_outputs: int = 0,
        transformed_outputs: int = 0,
        log_density_parts: Callable[..., Any] | None = None,
        sample_prior: Callable[..., Any] | None = None,
        log_density_data: Callable[..., Any] | None = None,
        data_count: int = 0,
    ) -> None:
        for argument, value in (
            ("function", function),
            ("constrain", constrain),
            ("initialize", initialize),
            ("log_density_parts", log_density_parts),
            ("sample_prior", sample_prior),
            ("log_density_data", log_density_data),
        ):
            check_function(argument, value)
        self.function, self.dimension = function, whole("dimension", dimension)
        self.names = None if names is None else flat("names", names)
        if self.names is not None and len(self.names) != dimension:
            raise ValueError(f"argument 'names': expected {dimension} names, got {len(self.names)}")
        self.constrain, self.initialize = constrain, initialize
        self.log_density_parts, self.sample_prior = log_density_parts, sample_prior
        self.log_density_data, self.data_count = log_density_data, whole("data_count", data_count)
        self.parameter_outputs, self.transformed_outputs = parameter_outputs, transformed_outputs
        self.outputs: dict[str, Shape] | None = None
        if constrain is not None:
            self.outputs = Closures.outputs_of(constrain, self.dimension) if outputs is None else variables(outputs)
        elif outputs is not None:
            raise ValueError("argument 'outputs': expected 'constrain' with it, which computes them")

    def in_place(self, width: int) -> Callable[[Floats, Floats, Floats], None] | None:
        """A function for one run, where up to `width` positions come at once, that writes log densities and gradients where
        they are wanted; None: `function` is called, and what it returns is looked at and copied; for this package."""
        return None

    def open(self, resources: Resources, failure: Failure, width: int = 1) -> int:
        closures = Closures(self, failure, width)
        outputs = None if self.outputs is None else flat("outputs", self.outputs)
        names, output_names = texts(self.names), texts(outputs)
        density = _abi.table(
            "catena_density",
            dimension=self.dimension,
            threading=_abi.enum("catena_threading")["caller"],
            names=_abi.address(names),
            output_names=_abi.address(output_names),
            output_count=len(outputs or ()),
            data_count=self.data_count,
            parameter_outputs=self.parameter_outputs,
            transformed_outputs=self.transformed_outputs,
            **closures.members(),
        )
        resources.root((closures, density))
        return resources.make("model_new", ctypes.addressof(density), free="model_free")


class VectorizedModel(FunctionModel):
    """A model given by a function of many positions: one call evaluates all chains that wait, each at its own place.

    Parameters
    ----------
    function : callable
        ``function(x) -> (log_densities, gradients)`` of an array of shape (n, dimension), for any n; the results have shapes
        (n,) and (n, dimension). Rows of -inf or NaN refuse their positions.
    dimension : int
        Number of coordinates.
    log_density_parts : callable, optional
        As in `FunctionModel`, of all positions at once.
    names, constrain, outputs, initialize, parameter_outputs, transformed_outputs, sample_prior, log_density_data, data_count
        As in `FunctionModel`; the functions get one position.
    """

    vectorized = True


class CModel(Model):
    """A model given by compiled functions, which run on the pool's threads without the GIL.

    Parameters
    ----------
    log_density_gradient : int, ctypes function, or object with an attribute ``address``
        A function with the signature of that member of ``catena_density`` in catena.h (`catena.include_dir`): numba's
        ``@cfunc(catena.log_density_signature())``, a symbol of a library that ctypes loaded, or its address.
    dimension : int
        Number of coordinates.
    names : list of str or mapping of names to shapes, optional
        Names of the coordinates.
    outputs : list of str or mapping of names to shapes, optional
        Names of what `constrain` writes.
    user : int, optional
        An address that every function gets first.
    threading : str
        ``"any"``: functions may be called by several threads at once; ``"one"``: by one at a time.
    **members
        Other functions (and numbers) of ``catena_density`` by name, such as ``constrain`` or ``log_density_parts``.

    Raises
    ------
    TypeError
        A function has no address, or ``catena_density`` has no such member.
    ValueError
        There are not as many `names` as coordinates.
    """

    def __init__(
        self,
        log_density_gradient: Any,
        dimension: int,
        *,
        names: Names | None = None,
        outputs: Names | None = None,
        user: int | None = None,
        threading: str = "any",
        **members: Any,
    ) -> None:
        self.dimension = whole("dimension", dimension)
        self._names, self._outputs = (
            texts(flat("names", names) if names else None),
            texts(flat("outputs", outputs) if outputs else None),
        )
        if self._names is not None and len(self._names) != dimension:
            raise ValueError(f"argument 'names': expected {dimension} names, got {len(self._names)}")
        known = dict(_abi.HEADER.tables["catena_density"]._fields_)  # type: ignore[arg-type]
        for name in members:
            if name not in known:
                raise TypeError(f"'{name}' is no member of catena_density; there are {', '.join(known)}")
        # What the addresses belong to must live as long as the model.
        self._kept = (log_density_gradient, members)
        self._members = {
            "log_density_gradient": function_address("log_density_gradient", log_density_gradient),
            "user": user,
            "threading": _abi.code("catena_threading", "threading", threading),
            **{
                name: value if known[name] is ctypes.c_size_t else function_address(name, value)
                for name, value in members.items()
            },
        }

    def open(self, resources: Resources, failure: Failure, width: int = 1) -> int:
        resources.root(self)
        density = _abi.table(
            "catena_density",
            dimension=self.dimension,
            names=_abi.address(self._names),
            output_names=_abi.address(self._outputs),
            output_count=len(self._outputs or ()),
            **self._members,
        )
        return resources.make("model_new", ctypes.addressof(density), free="model_free")


def function_address(argument: str, function: Any) -> int:
    """The address of a compiled function."""
    if isinstance(function, int) and not isinstance(function, bool) and function > 0:
        return function
    if isinstance(getattr(function, "address", None), int):
        return int(function.address)
    if isinstance(function, ctypes._CFuncPtr):  # type: ignore[attr-defined]
        found = ctypes.cast(function, ctypes.c_void_p).value
        if found:
            return found
    raise TypeError(
        f"argument '{argument}': expected the address of a compiled function: an int, a function of ctypes or "
        f"a cfunc of numba, got {function!r}"
    )


def log_density_signature() -> Any:
    """The signature of a model's evaluation for ``numba.cfunc``.

    Its arguments are user, worker and task (pointers that a function need not look at), the position, and where log density
    and gradient go. ``numba.carray(x, n)`` makes arrays of the last three. Return 0, or 1 to refuse the position.
    """
    from numba import types

    return types.intc(
        types.voidptr,
        types.voidptr,
        types.voidptr,
        types.CPointer(types.float64),
        types.CPointer(types.float64),
        types.CPointer(types.float64),
    )


def as_model(model: Any) -> Model:
    """`model`, if it is one."""
    if isinstance(model, Model):
        return model
    raise TypeError(f"argument 'model': expected a model, such as catena.FunctionModel(function, dimension), got {model!r}")
