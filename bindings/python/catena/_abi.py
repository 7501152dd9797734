"""The library: where it is, its functions and tables, and what abi.json lists of it."""

from __future__ import annotations

import ctypes
import json
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ._arguments import real, whole
from ._header import Header, parse

_PACKAGE = Path(__file__).resolve().parent
_NATIVE = _PACKAGE / "_native"
_REPOSITORY = _PACKAGE.parent.parent.parent
_LIBRARY = {"darwin": "libcatena.dylib", "win32": "catena.dll"}.get(sys.platform, "libcatena.so")


def _shared(packed: str, in_repository: str) -> Path:
    """A file of the package, which stands elsewhere in the repository."""
    path = _NATIVE / packed
    return path if path.exists() else _REPOSITORY / in_repository


def include_dir() -> str:
    """The folder of catena.h, for compiled models: ``cc -I$(python -c 'import catena; print(catena.include_dir())')``."""
    return str(_shared("include/catena.h", "include/catena.h").parent)


def library_path() -> str:
    """Where the shared library is: what the variable CATENA_LIB names (a file or its folder), or the package's own."""
    given = os.environ.get("CATENA_LIB")
    path = Path(given) if given else _NATIVE / _LIBRARY
    path = path / _LIBRARY if path.is_dir() else path
    if not path.is_file():
        where = "the variable CATENA_LIB" if given else "the package"
        raise ImportError(
            f"expected Catena's library at {path}, where {where} has it; build and install the package with "
            "`pip install ./bindings/python`"
        )
    return str(path)


class Library:
    """The library's functions by name.

    Those of a `Library` that does not hold the GIL release it while they run, as functions must that wait for threads which
    may call Python. With `held`, they keep it: a call that comes back into Python on the same thread then costs no
    exchange of the lock.
    """

    def __init__(self, header: Header, held: bool) -> None:
        self._header = header
        self._library = (ctypes.PyDLL if held else ctypes.CDLL)(library_path())

    def __getattr__(self, name: str) -> Any:
        signature = self._header.functions.get("catena_" + name)
        if signature is None:
            raise AttributeError(f"catena.h has no function catena_{name}")
        function = getattr(self._library, signature.name)
        function.restype, function.argtypes = signature.result, signature.arguments
        setattr(self, name, function)
        return function


HEADER = parse(_shared("include/catena.h", "include/catena.h").read_text(encoding="utf-8"))
# Calls that run without the GIL, and calls that keep it.
lib = Library(HEADER, held=False)
held = Library(HEADER, held=True)

# What the library's tables list: options, services, columns, enums.
ABI: dict[str, Any] = json.loads(_shared("abi.json", "bindings/abi.json").read_text(encoding="utf-8"))


def enum(name: str) -> dict[str, int]:
    """The constants of an enum of the header by their names in small letters, without what all of them begin with."""
    constants = ABI["enums"][name]
    common = os.path.commonprefix([constant["name"] for constant in constants])
    common = common[: common.rfind("_") + 1]
    return {constant["name"].removeprefix(common).lower(): constant["value"] for constant in constants}


def enum_name(name: str, value: int) -> str:
    """The name of a value of an enum."""
    return next((word for word, number in enum(name).items() if number == value), str(value))


def code(enumeration: str, argument: str, value: str) -> int:
    """The number of a constant that an argument names."""
    codes = enum(enumeration)
    if not isinstance(value, str) or value not in codes:
        names = ", ".join(map(repr, codes))
        raise ValueError(f"argument '{argument}': expected one of {names}, got {value!r}")
    return codes[value]


def table(name: str, **members: Any) -> Any:
    """A table of the ABI with its own size in its first member and these members; what is None stays zero.

    Python functions become function pointers, and addresses too; they live as long as the table.
    """
    kind = HEADER.tables[name]
    kinds = dict(kind._fields_)  # type: ignore[arg-type]
    made = kind(struct_size=ctypes.sizeof(kind)) if "struct_size" in kinds else kind()
    for member, value in members.items():
        if value is None:
            continue
        expected = kinds[member]
        if isinstance(expected, type) and issubclass(expected, ctypes._CFuncPtr):  # type: ignore[attr-defined]
            value = ctypes.cast(value, expected) if isinstance(value, int) else expected(value)
        setattr(made, member, value)
    return made


def fill(made: Any, members: dict[str, Any]) -> None:
    """Sets members of a table that come from the user; one that is no number of its kind is named."""
    kinds = dict(made._fields_)
    for member, value in members.items():
        kind = kinds[member]
        if value is not None or kind is not ctypes.c_void_p:
            value = real(member, value) if kind is ctypes.c_double else whole(member, value, 8 * ctypes.sizeof(kind))
        setattr(made, member, value)


def function_type(name: str) -> Any:
    """A type of function pointers that the header names."""
    return HEADER.function_types[name]


def texts(names: Iterable[str] | None) -> Any:
    """A list of texts as C wants it, or None; it owns them."""
    return None if names is None else (ctypes.c_char_p * len(n := list(names)))(*(one.encode() for one in n))


def addresses(handles: Sequence[int | None]) -> Any:
    """A list of handles as C wants it."""
    return (ctypes.c_void_p * len(handles))(*handles)


def address(thing: Any) -> int | None:
    """Where a ctypes object lies; None of None."""
    return None if thing is None else ctypes.addressof(thing)


def version() -> str:
    """The library's version."""
    text: bytes = lib.version_string()
    return text.decode()
