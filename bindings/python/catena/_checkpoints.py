"""States of the library as bytes."""

from __future__ import annotations

import ctypes

from . import _abi
from ._resources import Resources


def open_checkpoint(resources: Resources, argument: str, saved: bytes | None) -> int | None:
    """The library's checkpoint of these bytes."""
    if saved is None:
        return None
    if not isinstance(saved, (bytes, bytearray, memoryview)):
        raise TypeError(f"argument '{argument}': expected the bytes of a checkpoint, got {type(saved).__name__}")
    saved = bytes(saved)
    return resources.make("checkpoint_new", saved, len(saved), free="checkpoint_free")


def read_bytes(checkpoint: int | None) -> bytes:
    """The bytes of a checkpoint, which is freed."""
    length = ctypes.c_size_t()
    try:
        return ctypes.string_at(_abi.lib.checkpoint_bytes(checkpoint, ctypes.addressof(length)), length.value)
    finally:
        _abi.lib.checkpoint_free(checkpoint)
