"""Initial values and inverse metrics: what a run starts from, one entry per chain."""

from __future__ import annotations

import ctypes
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from . import _abi
from ._arrays import Floats, as_array, numbers
from ._resources import Resources

# Most dimensions of a variable.
_MOST_DIMENSIONS = 16


class Given(Mapping[str, Any]):
    """The values that `initialize` of a model gets by name: numbers and arrays. They are there inside the call alone."""

    def __init__(self, init: int) -> None:
        self._init = init
        # The library has noted why a value could not be read.
        self.failed = False

    def __enter__(self) -> Given:
        return self

    def __exit__(self, *_: object) -> None:
        self._init = 0

    def __getitem__(self, name: str) -> Any:
        if not self._init:
            raise RuntimeError("initial values can be read inside 'initialize' alone")
        extents, rank = (ctypes.c_size_t * _MOST_DIMENSIONS)(), ctypes.c_size_t()
        found = _abi.held.init_shape(
            self._init, name.encode(), _MOST_DIMENSIONS, ctypes.addressof(extents), ctypes.addressof(rank)
        )
        if found == 0:
            raise KeyError(name)
        values = np.empty(tuple(extents[: rank.value]), order="F")
        if found > 0:
            found = _abi.held.init_values(self._init, name.encode(), values.ctypes.data, values.size)
        self.failed |= found < 0
        return values if values.ndim else float(values)

    def __iter__(self) -> Iterator[str]:
        raise TypeError("initial values have names that the model knows; they cannot be listed")

    def __len__(self) -> int:
        raise TypeError("initial values have names that the model knows; they cannot be counted")

    def __contains__(self, name: object) -> bool:
        try:
            self[str(name)]
        except KeyError:
            return False
        return True

    def get(self, name: str, default: Any = None) -> Any:
        """The value of a variable, or `default` where it is not given."""
        try:
            return self[name]
        except KeyError:
            return default


def inits_of(init: Any, ids: Sequence[int]) -> list[Any] | None:
    """What each chain starts from; see `sample`."""
    if init is None or isinstance(init, Mapping):
        return None if init is None else [init] * len(ids)
    if callable(init):
        return [init(one) for one in ids]
    if isinstance(init, np.ndarray):
        if init.ndim == 1:
            return [init] * len(ids)
        if init.ndim != 2 or len(init) != len(ids):
            raise ValueError(
                f"argument 'init': expected an array of shape (dimension,) or ({len(ids)}, dimension), a row per "
                f"chain, got {init.shape}"
            )
        return list(init)
    if isinstance(init, Sequence) and not isinstance(init, (str, bytes)):
        if all(isinstance(one, (int, float, np.number)) for one in init):
            return [init] * len(ids)
        if len(init) != len(ids):
            raise ValueError(f"argument 'init': expected {len(ids)} entries, one per chain, got {len(init)}")
        return list(init)
    raise TypeError(
        "argument 'init': expected a position, a dict of values, a list of these with an entry per chain, or a "
        f"function of the chain's id, got {init!r}"
    )


def open_inits(resources: Resources, init: Any, ids: Sequence[int]) -> Any:
    """The library's init contexts as a list for it; None where nothing is given."""
    given = inits_of(init, ids)
    return None if given is None else _abi.addresses([open_init(resources, one) for one in given])


def open_init(resources: Resources, one: Any) -> int | None:
    """An init context; it has a copy."""
    if one is None:
        return None
    if isinstance(one, Mapping):
        text = json.dumps({str(name): _plain(name, value) for name, value in one.items()}).encode()
        return resources.make("init_json_new", text, len(text), free="init_free")
    position = numbers("init", one, (None,))
    return resources.make("init_position_new", position.ctypes.data, position.size, free="init_free")


def _plain(name: Any, value: Any) -> Any:
    """A value as JSON has it; infinities and NaN as Stan's words."""
    array = as_array("init", value)
    if array.dtype.kind not in "buif":
        raise TypeError(f"argument 'init': expected '{name}' to be a number or an array of numbers, got {value!r}")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        return _words(array.tolist())
    return array.astype(int).tolist() if array.dtype.kind == "b" else array.tolist()


def _words(value: Any) -> Any:
    if isinstance(value, list):
        return [_words(one) for one in value]
    return value if np.isfinite(value) else "NaN" if np.isnan(value) else "Inf" if value > 0 else "-Inf"


def inv_metrics_of(metric: Any, chains: int) -> list[Floats] | None:
    """Inverse metrics as vectors, one per chain: of one for all (variances, or a matrix), or a list of these."""
    if metric is None:
        return None
    several = isinstance(metric, (list, tuple)) and metric and np.ndim(metric[0]) > 0 and not isinstance(metric, np.ndarray)
    entries = list(metric) if several else [metric] * chains
    if len(entries) != chains:
        raise ValueError(f"argument 'inv_metric': expected {chains} entries, one per chain, got {len(entries)}")
    vectors = [numbers("inv_metric", one).ravel() for one in entries]
    if len({one.size for one in vectors}) != 1:
        raise ValueError(
            "argument 'inv_metric': expected vectors or matrices of one size, got "
            + ", ".join(str(np.shape(one)) for one in entries)
        )
    return vectors
