"""Reads catena.h: the tables and functions of the C ABI as ctypes sees them.

The header is generated and regular, so that a few patterns read all of it, and what the ABI gains is there without a line
here. Pointers are addresses (``c_void_p``), but for texts that functions take or return.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_NUMBERS: dict[str, Any] = {
    "int": ctypes.c_int,
    "size_t": ctypes.c_size_t,
    "double": ctypes.c_double,
    "void": None,
    "int32_t": ctypes.c_int32,
    "uint32_t": ctypes.c_uint32,
    "int64_t": ctypes.c_int64,
    "uint64_t": ctypes.c_uint64,
    "uint8_t": ctypes.c_uint8,
}
_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_ENUM = re.compile(r"^enum (\w+)\b", re.MULTILINE)
_FUNCTION_TYPE = re.compile(r"^typedef (\w+) \(\*(\w+)\)\(([^)]*)\);", re.MULTILINE)
_TABLE = re.compile(r"^typedef struct (\w+) \{(.*?)^\} \w+;", re.MULTILINE | re.DOTALL)
_FUNCTION = re.compile(r"^(?!typedef)((?:const )?(?:struct )?\w+) (\*?)(catena_\w+)\(([^)]*)\);", re.MULTILINE)
_POINTER_MEMBER = re.compile(r"^(\w+) \(\*(\w+)\)\((.*)\)$", re.DOTALL)


@dataclass(frozen=True)
class Signature:
    """What a function of the library takes and returns."""

    name: str
    result: Any
    arguments: tuple[Any, ...]


@dataclass(frozen=True)
class Header:
    """Structures, types of function pointers, and functions by name."""

    tables: dict[str, type[ctypes.Structure]]
    function_types: dict[str, Any]
    functions: dict[str, Signature]


def parse(text: str, function_type: Callable[..., Any] = ctypes.CFUNCTYPE) -> Header:
    """The tables and functions that the text of catena.h declares; `function_type` makes types of function pointers."""
    text = _COMMENT.sub("", text)
    kinds = dict(_NUMBERS) | {name: ctypes.c_int32 for name in _ENUM.findall(text)}

    def kind(words: str, text_type: Any = ctypes.c_void_p) -> Any:
        """The type of a declaration without its name."""
        if "*" in words:
            return text_type if words.replace(" ", "") == "constchar*" else ctypes.c_void_p
        return kinds[words.replace("const ", "").replace("struct ", "").replace("enum ", "").strip()]

    def arguments(words: str, text_type: Any = ctypes.c_void_p) -> tuple[Any, ...]:
        parts = [" ".join(part.split()) for part in words.split(",")]
        return tuple(kind(_nameless(part), text_type) for part in parts if part != "void")

    function_types = {}
    for result, name, words in _FUNCTION_TYPE.findall(text):
        kinds[name] = function_types[name] = function_type(kind(result), *arguments(words))

    tables: dict[str, type[ctypes.Structure]] = {}
    for name, body in _TABLE.findall(text):
        fields = []
        for member in filter(None, (part.strip() for part in body.split(";"))):
            pointer = _POINTER_MEMBER.match(member)
            if pointer:
                fields.append((pointer[2], function_type(kind(pointer[1]), *arguments(pointer[3]))))
            else:
                words = " ".join(member.split())
                fields.append((words.split("*")[-1].split()[-1], kind(_nameless(words))))
        tables[name] = type(name, (ctypes.Structure,), {"_fields_": fields})

    functions = {
        name: Signature(name, kind(result + star, ctypes.c_char_p), arguments(words, ctypes.c_char_p))
        for result, star, name, words in _FUNCTION.findall(text)
    }
    return Header(tables, function_types, functions)


def _nameless(declaration: str) -> str:
    """A declaration without the name that it ends in."""
    return re.sub(r"\w+$", "", declaration).strip()
