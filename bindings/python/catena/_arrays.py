"""Numbers between numpy and the library: addresses as arrays, and arrays as the library takes them."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

# More addresses than this are not remembered.
_MOST_ADDRESSES = 65536
# Bytes of a line.
_LINE = 64
_float64 = np.dtype(np.float64)


class Rows(dict[int, Any]):
    """Vectors of `size` numbers by their addresses.

    A chain's positions and gradients lie at a few places that are used again and again, so that looking an array up is
    quicker than making one. The arrays belong to the library and stay in here: users get copies.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self._kind = ctypes.c_double * size

    def __missing__(self, address: int) -> Floats:
        if len(self) >= _MOST_ADDRESSES:
            self.clear()
        made: Floats = np.frombuffer(self._kind.from_address(address))  # type: ignore[call-overload]
        self[address] = made
        return made


class Places(dict[int, memoryview]):
    """Where vectors go, by the addresses of `rows`: ``places[address][:] = vector`` takes doubles in that shape and nothing else.

    What another array would have to be looked at for is part of the assignment, which raises one of `STRANGE`.
    """

    STRANGE = (TypeError, ValueError, BufferError)

    def __init__(self, rows: Rows) -> None:
        super().__init__()
        self._rows = rows

    def __missing__(self, address: int) -> memoryview:
        if len(self) >= _MOST_ADDRESSES:
            self.clear()
        self[address] = made = memoryview(self._rows[address])
        return made


class Blocks(dict[tuple[int, int], Any]):
    """Matrices of `width` columns by their addresses and numbers of rows, as `Rows`; vectors where `width` is None."""

    def __init__(self, width: int | None) -> None:
        super().__init__()
        self._width = width

    def __missing__(self, key: tuple[int, int]) -> Floats:
        if len(self) >= _MOST_ADDRESSES:
            self.clear()
        address, rows = key
        self[key] = made = matrix(address, (rows,) if self._width is None else (rows, self._width))
        return made


class Cells(dict[int, Any]):
    """Single numbers by their addresses: ``cells[address].value = 1.0``."""

    def __missing__(self, address: int) -> ctypes.c_double:
        if len(self) >= _MOST_ADDRESSES:
            self.clear()
        self[address] = made = ctypes.c_double.from_address(address)
        return made


def matrix(address: int, shape: tuple[int, ...], kind: Any = ctypes.c_double) -> npt.NDArray[Any]:
    """The numbers at an address as an array in C's order, without a copy."""
    count = 1
    for extent in shape:
        count *= extent
    return np.frombuffer((kind * count).from_address(address), dtype=kind).reshape(shape)


def aligned(shape: tuple[int, ...]) -> Floats:
    """An array whose first number stands where a line of the processor's cache begins; its numbers are any."""
    count = int(np.prod(shape))
    room: Floats = np.empty(count + _LINE // 8)
    first = -room.ctypes.data % _LINE // 8
    return room[first : first + count].reshape(shape)


def columns(address: int, rows: int, width: int) -> Floats:
    """A matrix that lies column by column at an address, without a copy."""
    values: Floats = matrix(address, (width, rows)).T
    return values


def as_array(argument: str, value: Any) -> npt.NDArray[Any]:
    """`value` as an array of any kind. Raises ValueError, which names the argument, for lists of other lengths in a list."""
    try:
        return np.asarray(value)
    except ValueError as error:
        raise ValueError(f"argument '{argument}': expected an array, got {_described(value)}") from error


def numbers(argument: str, value: Any, shape: tuple[int | None, ...] | None = None, order: Any = "C") -> Floats:
    """`value` as doubles that lie together; None in `shape` stands for any extent.

    Raises TypeError for what are no real numbers and ValueError for another shape; both name the argument.
    """
    array = as_array(argument, value)
    if array.dtype != _float64:
        if array.dtype.kind not in "buif":
            raise TypeError(f"argument '{argument}': expected real numbers, got {_described(value)}")
        array = array.astype(np.float64)
    if shape is not None and (
        array.ndim != len(shape) or any(want not in (None, have) for want, have in zip(shape, array.shape))
    ):
        words = "(" + ", ".join("any" if n is None else str(n) for n in shape) + ("," if len(shape) == 1 else "") + ")"
        raise ValueError(f"argument '{argument}': expected an array of shape {words}, got {array.shape}")
    return np.require(array, requirements=["F" if order == "F" else "C", "A"])


def row(argument: str, value: Any, size: int | None = None) -> Floats:
    """`size` numbers in a row, or one number, as `numbers`."""
    return numbers(argument, np.atleast_1d(as_array(argument, value)), (size,))


def returned(what: str, value: Any, shape: tuple[int, ...]) -> Floats:
    """What a function of the user's returned as doubles of this shape; errors say what was expected and what came."""
    try:
        array = np.asarray(value)
    except ValueError as error:
        # Lists in a list, of other lengths.
        raise ValueError(f"{what}: expected an array of shape {shape}, got {_described(value)}") from error
    if array.dtype.kind not in "buif":
        raise TypeError(f"{what}: expected real numbers of shape {shape}, got {_described(value)}")
    if array.shape != shape:
        raise ValueError(f"{what}: expected an array of shape {shape}, got one of shape {array.shape}")
    return array if array.dtype == _float64 else array.astype(np.float64)


def number(what: str, value: Any) -> float:
    """What a function of the user's returned as one number."""
    try:
        if isinstance(value, (str, bytes)) or (shape := np.shape(value)) and int(np.prod(shape)) != 1:
            raise TypeError
        return float(np.asarray(value).reshape(()) if np.shape(value) else value)
    except (TypeError, ValueError):
        raise TypeError(f"{what}: expected a number, got {_described(value)}") from None
    except OverflowError:
        raise ValueError(f"{what}: expected a number, got one beyond all doubles") from None


def _described(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of dtype {value.dtype} and shape {value.shape}"
    words = repr(value)
    return f"{type(value).__name__} {words if len(words) <= 60 else words[:57] + '...'}"
