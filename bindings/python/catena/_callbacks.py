"""Functions of the user's as the C functions of a model."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ._arrays import Blocks, Cells, Places, Rows, matrix, number, returned
from ._errors import DONE, Failure
from ._inits import Given
from ._names import Shape, flatten
from ._random import Stream

if TYPE_CHECKING:
    from ._model import FunctionModel

Callback = Callable[..., int]


class Closures:
    """The C functions of one model in one run, and what their calls share.

    All are called on the thread that called the library, one at a time.
    """

    def __init__(self, model: FunctionModel, failure: Failure, width: int) -> None:
        self.model, self.failure, self.function = model, failure, model.function
        self.in_place = model.in_place(width)
        self.shape = (model.dimension,)
        self.rows, self.cells, self.stream = Rows(model.dimension), Cells(), Stream()
        self.blocks, self.vectors = Blocks(model.dimension), Blocks(None)

    def members(self) -> dict[str, Any]:
        """The functions that the model has, by the names of their members in the table."""
        model = self.model
        made: dict[str, Any] = {"log_density_gradient": self.one_of_many() if model.vectorized else self.one()}
        if model.vectorized:
            made["log_density_gradient_batch"] = self.many()
        if model.constrain is not None:
            made["constrain"] = self.constrain(model.constrain)
        if model.initialize is not None:
            made["initialize"] = self.initialize(model.initialize)
        if model.log_density_parts is not None:
            made["log_density_parts"] = self.parts(model.log_density_parts)
            if model.vectorized:
                made["log_density_parts_batch"] = self.parts_batch(model.log_density_parts)
        if model.log_density_data is not None:
            made["log_density_data"] = self.data(model.log_density_data)
        if model.sample_prior is not None:
            made["sample_prior"] = self.sample_prior(model.sample_prior)
        return made

    def one(self) -> Callback:
        """The evaluation of one position; nothing here but what each call needs."""
        function, failure, shape, rows, cells = self.function, self.failure, self.shape, self.rows, self.cells
        places, whole, strange = Places(rows), slice(None), Places.STRANGE

        def evaluate(_user: int, _worker: int, task: int, position: int, value_at: int, gradient_at: int) -> int:
            try:
                value, gradient = function(rows[position].copy())
                try:
                    places[gradient_at][whole] = gradient
                    is_taken = True
                except strange:
                    is_taken = False
                if not is_taken:
                    rows[gradient_at][...] = returned("the gradient that the model's function returned", gradient, shape)
                if type(value) is not float:
                    value = number("the log density that the model's function returned", value)
                cells[value_at].value = value
                return DONE
            except BaseException as exception:
                return failure.keep(_explained(exception, function), task)

        return evaluate

    def evaluate_rows(self, positions: int, n: int, values_at: int, gradients_at: int) -> None:
        """Calls the function of many positions, and looks at what it returns."""
        shape = (n, self.model.dimension)
        values, gradients = self.function(self.blocks[positions, n].copy())
        values = returned("the log densities that the model's function returned", values, (n,))
        gradients = returned("the gradients that the model's function returned", gradients, shape)
        self.vectors[values_at, n][...] = values
        self.blocks[gradients_at, n][...] = gradients

    def many(self) -> Callback:
        into, blocks, vectors = self.in_place, self.blocks, self.vectors

        def evaluate(
            _user: int, _worker: int, task: int, n: int, positions: int, values: int, gradients: int, _codes: int
        ) -> int:
            try:
                if into is not None:
                    into(blocks[positions, n], vectors[values, n], blocks[gradients, n])
                else:
                    self.evaluate_rows(positions, n, values, gradients)
                return DONE
            except BaseException as exception:
                return self.failure.keep(_explained(exception, self.model.function), task)

        return evaluate

    def one_of_many(self) -> Callback:
        many = self.many()

        def evaluate(user: int, worker: int, task: int, position: int, value_at: int, gradient_at: int) -> int:
            return many(user, worker, task, 1, position, value_at, gradient_at, 0)

        return evaluate

    def constrain(self, function: Callable[..., Any]) -> Callback:
        outputs = self.model.outputs
        assert outputs is not None
        draws = takes_generator(function)
        size = sum(int(np.prod(shape)) for shape in outputs.values())

        def constrain(_user: int, _worker: int, task: int, position: int, out: int) -> int:
            try:
                x = self.rows[position].copy()
                values = function(x, self.stream.of(task)) if draws else function(x)
                matrix(out, (size,))[:] = _outputs(values, outputs, size)
                return DONE
            except BaseException as exception:
                return self.failure.keep(exception, task)

        return constrain

    def initialize(self, function: Callable[..., Any]) -> Callback:
        def initialize(_user: int, _worker: int, task: int, init: int, position: int) -> int:
            try:
                with Given(init) as given:
                    x = function(given)
                if given.failed:
                    return -1
                self.rows[position][:] = returned("the position that 'initialize' returned", x, self.shape)
                return DONE
            except BaseException as exception:
                return self.failure.keep(exception, task)

        return initialize

    def sample_prior(self, function: Callable[..., Any]) -> Callback:
        def sample_prior(_user: int, _worker: int, task: int, position: int) -> int:
            try:
                x = function(self.stream.of(task))
                self.rows[position][:] = returned("the position that 'sample_prior' returned", x, self.shape)
                return DONE
            except BaseException as exception:
                return self.failure.keep(exception, task)

        return sample_prior

    def data(self, function: Callable[..., Any]) -> Callback:
        words = ("the log density", "the log likelihood", "the gradient", "the gradient of the log likelihood")

        def data(_user: int, _worker: int, task: int, position: int, count: int, *places: int) -> int:
            try:
                values = function(self.rows[position].copy(), count)
                for i, (word, value, place) in enumerate(zip(words, values, places, strict=True)):
                    if place:
                        shape = self.shape if i >= 2 else ()
                        matrix(place, shape)[...] = returned(f"{word} that 'log_density_data' returned", value, shape)
                return DONE
            except BaseException as exception:
                return self.failure.keep(exception, task)

        return data

    def parts_batch(self, function: Callable[..., Any]) -> Callback:
        dimension, vectorized = self.model.dimension, self.model.vectorized
        words = ["the log prior", "the log likelihood", "the gradient of the log prior", "the gradient of the log likelihood"]

        def parts(
            _user: int,
            _worker: int,
            task: int,
            n: int,
            positions: int,
            prior_at: int,
            likelihood_at: int,
            prior_gradient_at: int,
            likelihood_gradient_at: int,
            _codes: int,
        ) -> int:
            try:
                x = matrix(positions, (n, dimension)).copy()
                places = (prior_at, likelihood_at, prior_gradient_at, likelihood_gradient_at)
                values = function(x if vectorized else x[0])
                for i, (word, value, place) in enumerate(zip(words, values, places, strict=True)):
                    if place:
                        shape: tuple[int, ...] = (n, dimension) if i >= 2 else (n,)
                        expected = shape if vectorized else shape[1:]
                        matrix(place, shape)[:] = returned(f"{word} that 'log_density_parts' returned", value, expected)
                return DONE
            except BaseException as exception:
                return self.failure.keep(exception, task)

        return parts

    def parts(self, function: Callable[..., Any]) -> Callback:
        many = self.parts_batch(function)

        def parts(
            user: int,
            worker: int,
            task: int,
            position: int,
            prior: int,
            likelihood: int,
            prior_gradient: int,
            likelihood_gradient: int,
        ) -> int:
            return many(user, worker, task, 1, position, prior, likelihood, prior_gradient, likelihood_gradient, 0)

        return parts

    @staticmethod
    def outputs_of(constrain: Callable[..., Any], dimension: int) -> dict[str, Shape]:
        """The variables that `constrain` returns at zero."""
        zero = np.zeros(dimension)
        with np.errstate(all="ignore"):
            values = constrain(zero, np.random.default_rng(0)) if takes_generator(constrain) else constrain(zero)
        if not isinstance(values, Mapping):
            raise TypeError(
                "argument 'constrain': expected a mapping of names to arrays (or the argument 'outputs' beside an "
                f"array), got {type(values).__name__}"
            )
        return {str(name): np.shape(value) for name, value in values.items()}


def takes(function: Callable[..., Any]) -> int:
    """How many positional arguments a function takes that have no default."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return 0
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(one.kind in positional and one.default is one.empty for one in parameters)


def takes_generator(function: Callable[..., Any]) -> bool:
    """Whether a function of a position takes random numbers as well."""
    return takes(function) >= 2


def _outputs(values: Any, outputs: dict[str, Shape], size: int) -> Any:
    if isinstance(values, Mapping):
        return flatten("the outputs that 'constrain' returned", values, outputs)
    return returned("the outputs that 'constrain' returned", values, (size,))


def _explained(exception: BaseException, function: Callable[..., Any]) -> BaseException:
    """An exception of taking a result apart that is no pair says so."""
    of_unpacking = exception.__traceback__ is not None and exception.__traceback__.tb_next is None
    if of_unpacking and isinstance(exception, (TypeError, ValueError)) and "unpack" in str(exception):
        name = getattr(function, "__qualname__", type(function).__qualname__)
        return TypeError(
            f"the model's function {name}: expected to return a pair of log density and gradient ({exception})"
        ).with_traceback(exception.__traceback__)
    return exception
