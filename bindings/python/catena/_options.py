"""Options of the library by name: what it knows, and what a call is given."""

from __future__ import annotations

import difflib
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import _abi
from ._errors import ArgumentError, CatenaError, call
from ._resources import Resources

# Options that have another name here, where the library's would be long-winded.
RENAMED = {"num_chains": "chains"}
# Whole numbers beyond this go as numbers, so that the library has the words.
_MOST_INTEGER = 2**64
# Seeds that are drawn fit into a double, for languages that read them back.
_SEED_BITS = 53


@dataclass(frozen=True)
class Option:
    """An option of the library.

    Attributes
    ----------
    name : str
        Its keyword.
    default : bool, int, float or str
        Its value where it is not given.
    range : str
        Which values there can be.
    services : tuple of str
        The services that have it.
    help : str
        What it does.
    """

    name: str
    default: Any
    range: str
    services: tuple[str, ...]
    help: str


def options(service: str | None = None) -> dict[str, Option]:
    """The options of the library by their keywords.

    Parameters
    ----------
    service : str, optional
        Those of one service alone: ``"nuts"``, ``"static"``, ``"fixed_param"``, ``"smc"`` and so on.

    Returns
    -------
    dict of str to Option
        Each with its default, its range, the services that have it and what it does.

    Raises
    ------
    ValueError
        There is no such service.
    """
    services = sorted({name for entry in _abi.ABI["options"] for name in entry["services"]})
    if service is not None and not (isinstance(service, str) and service in services):
        raise ValueError(f"argument 'service': expected one of {', '.join(services)}, got {service!r}")
    found = {}
    for entry in _abi.ABI["options"]:
        if service is None or service in entry["services"]:
            keyword = RENAMED.get(entry["name"], entry["name"])
            found[keyword] = Option(keyword, entry["default"], entry["range"], tuple(entry["services"]), entry["help"])
    return found


def given_options(services: Iterable[str], given: Mapping[str, Any], others: Iterable[str] = ()) -> dict[str, Any]:
    """The options that a call was given, by their keywords; one that none of the services takes is refused with words."""
    services = tuple(services)
    known = {name: option for service in services for name, option in options(service).items()}
    for name in given:
        if name in known:
            continue
        if name in RENAMED and RENAMED[name] in known:
            raise TypeError(f"'{name}' is called '{RENAMED[name]}' here")
        everywhere = options()
        if name in everywhere:
            raise TypeError(
                f"'{name}' is not an option of {' or '.join(services)}; it is one of {', '.join(everywhere[name].services)}"
            )
        near = difflib.get_close_matches(name, [*known, *others], 1)
        hint = f"did you mean '{near[0]}'?" if near else "there are " + ", ".join(sorted([*known, *others]))
        raise TypeError(f"'{name}' is not an option; {hint}")
    return dict(given)


def open_options(resources: Resources, given: Mapping[str, Any]) -> int:
    """The library's options with these set."""
    handle = resources.make("options_new", free="options_free")
    names = {keyword: name for name, keyword in RENAMED.items()}
    for keyword, value in given.items():
        _set(handle, names.get(keyword, keyword), keyword, value)
    return handle


def _set(handle: int, name: str, keyword: str, value: Any) -> None:
    try:
        if isinstance(value, np.generic):
            value = value.item()
        if isinstance(value, (bool, float)):
            call("options_set_number", handle, name.encode(), float(value))
        elif hasattr(value, "__index__") and not isinstance(value, np.ndarray):
            whole = int(value.__index__())
            if 0 <= whole < _MOST_INTEGER:
                call("options_set_integer", handle, name.encode(), whole)
            else:
                call("options_set_number", handle, name.encode(), float(whole))
        elif isinstance(value, str):
            call("options_set", handle, name.encode(), value.encode())
        elif isinstance(value, Iterable):
            call("options_set", handle, name.encode(), ",".join(map(str, value)).encode())
        else:
            raise TypeError(f"argument '{keyword}': expected a number, True or False, or a name, got {value!r}")
    except CatenaError as error:
        # The keyword is what the user wrote.
        words = str(error).replace(f"'{name}'", f"'{keyword}'")
        raise ArgumentError(words, error.status, argument=keyword) from None


def whole_option(handle: int, name: str) -> int:
    """The value of an option that is a whole number, a switch or a choice."""
    from ctypes import addressof, c_uint64

    value = c_uint64()
    call("options_get_integer", handle, name.encode(), addressof(value))
    return value.value


def seeded(seed: Any) -> Any:
    """The seed of a call: the one given, or a random one."""
    return secrets.randbits(_SEED_BITS) if seed is None else seed
