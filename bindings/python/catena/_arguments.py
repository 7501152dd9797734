"""What users give, as the library takes it; errors name the argument."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import numpy as np

Kind = TypeVar("Kind")
# Bits of the library's counts, and of its other whole numbers.
_COUNT_BITS = 64
INT_BITS = 32


def whole(argument: str, value: Any, bits: int = _COUNT_BITS) -> int:
    """`value` as a whole number that the library can count to.

    Raises TypeError for what is none, and ValueError for one below 0 or beyond so many bits; both name the argument.
    """
    try:
        count = None if isinstance(value, (bool, np.bool_)) else operator.index(value)
    except TypeError:
        count = None
    if count is None:
        raise TypeError(f"argument '{argument}': expected a whole number of at least 0, got {value!r}")
    if not 0 <= count < 1 << bits:
        raise ValueError(f"argument '{argument}': expected a whole number of at least 0, below 2^{bits}, got {count}")
    return count


def wholes(argument: str, values: Any) -> list[int]:
    """Several whole numbers."""
    return [whole(argument, value) for value in items(argument, "a list of whole numbers", values)]


def real(argument: str, value: Any) -> float:
    """`value` as a real number. Raises TypeError, which names the argument, for what is none."""
    if not isinstance(value, (str, bytes)) and (hasattr(value, "__float__") or hasattr(value, "__index__")):
        try:
            return float(value)
        except (TypeError, ValueError):
            pass
    raise TypeError(f"argument '{argument}': expected a number, got {value!r}")


def items(argument: str, expected: str, values: Any) -> list[Any]:
    """What is in a list. Raises TypeError, which names the argument, for what is none; a text is none."""
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise TypeError(f"argument '{argument}': expected {expected}, got {values!r}")
    return list(values)


def listed(argument: str, names: Any, expected: str = "a list of names") -> list[str]:
    """Names in a list."""
    found = items(argument, expected, names)
    if not all(isinstance(name, str) for name in found):
        raise TypeError(f"argument '{argument}': expected {expected}, got {names!r}")
    return found


def text(argument: str, value: Any) -> str:
    """`value`, which must be a text. Raises TypeError, which names the argument, for what is none."""
    if not isinstance(value, str):
        raise TypeError(f"argument '{argument}': expected a text, got {value!r}")
    return value


def mapping(argument: str, expected: str, value: Any) -> Mapping[Any, Any]:
    """`value`, which must be a mapping; an empty one for None. Raises TypeError, which names the argument, for what is none."""
    if value is not None and not isinstance(value, Mapping):
        raise TypeError(f"argument '{argument}': expected {expected}, got {value!r}")
    return value or {}


def check_function(argument: str, value: Any) -> None:
    """Raises TypeError, which names the argument, for what cannot be called and is not None."""
    if value is not None and not callable(value):
        raise TypeError(f"argument '{argument}': expected a function, got {value!r}")


def instance(argument: str, value: Any, kind: type[Kind]) -> Kind:
    """`value`, which must be one of this package's. Raises TypeError, which names the argument, for what is none."""
    if not isinstance(value, kind):
        raise TypeError(f"argument '{argument}': expected a catena.{kind.__name__}, got {value!r}")
    return value
