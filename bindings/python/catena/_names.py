"""Names of columns and the variables that they are elements of, in Stan's way: theta.1, theta.2, sigma.1.1."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from ._arguments import listed, wholes
from ._arrays import Floats, returned

Shape = tuple[int, ...]
# Names of all elements, or variables with their shapes.
Names: TypeAlias = "Sequence[str] | Mapping[str, Any]"


def variables(names: Names, argument: str = "outputs") -> dict[str, Shape]:
    """Variables with their shapes, of a mapping or of the names of the elements."""
    if isinstance(names, Mapping):
        extents = {name: shape if isinstance(shape, Iterable) else [shape] for name, shape in names.items()}
        return {str(name): tuple(wholes(argument, shape)) for name, shape in extents.items()}
    found: dict[str, list[tuple[int, ...]]] = {}
    for name in (names := listed(argument, names)):
        stem, index = _split(name)
        found.setdefault(stem, []).append(index)
    shapes = {}
    for stem, indices in found.items():
        shape = tuple(map(max, zip(*indices))) if len({len(one) for one in indices}) == 1 else ()
        if list(elements(stem, shape)) == [_join(stem, one) for one in indices]:
            shapes[stem] = shape
        else:
            # No array: each name for itself.
            shapes.update({_join(stem, one): () for one in indices})
    # Elements that do not stand together are no array either.
    together = [element for stem, shape in shapes.items() for element in elements(stem, shape)] == list(names)
    return shapes if together else dict.fromkeys(names, ())


def flat(argument: str, names: Names) -> list[str]:
    """The names of all elements."""
    if not isinstance(names, Mapping):
        return listed(argument, names, "a list of names or a mapping of names to shapes")
    return [element for name, shape in variables(names, argument).items() for element in elements(name, shape)]


def elements(name: str, shape: Shape) -> Iterable[str]:
    """The names of a variable's elements, the first index fastest."""
    for index in np.ndindex(shape[::-1]):
        yield _join(name, tuple(i + 1 for i in index[::-1]))


def unflatten(row: Floats, shapes: Mapping[str, Shape]) -> dict[str, Any]:
    """The variables whose elements lie along the last axis of `row`; views, without copies."""
    values, at = {}, 0
    for name, shape in shapes.items():
        size = math.prod(shape)
        part = row[..., at : at + size]
        lead = row.ndim - 1
        whole = part.reshape(row.shape[:-1] + shape[::-1])
        values[name] = whole.transpose(*range(lead), *range(whole.ndim - 1, lead - 1, -1))
        at += size
    return values


def flatten(what: str, values: Mapping[str, Any], shapes: Mapping[str, Shape]) -> Floats:
    """The elements of all variables in one row, as `unflatten` takes them apart."""
    if list(values) != list(shapes):
        raise ValueError(f"{what}: expected the variables {', '.join(shapes)}, got {', '.join(map(str, values))}")
    parts = []
    for name, shape in shapes.items():
        if np.shape(values[name]) != shape:
            raise ValueError(f"{what}: expected '{name}' to have shape {shape}, got {np.shape(values[name])}")
        parts.append(returned(f"{what}, '{name}'", values[name], shape).ravel(order="F"))
    return np.concatenate(parts) if parts else np.empty(0)


def _split(name: str) -> tuple[str, tuple[int, ...]]:
    words = name.split(".")
    count = 0
    while count < len(words) - 1 and words[-1 - count].isdigit() and words[-1 - count][0] != "0":
        count += 1
    return ".".join(words[: len(words) - count]), tuple(int(word) for word in words[len(words) - count :])


def _join(name: str, index: tuple[int, ...]) -> str:
    return ".".join([name, *map(str, index)])
