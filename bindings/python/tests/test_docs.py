"""Docstrings are in numpy's style and tell of every parameter."""

from __future__ import annotations

import inspect
import re

import pytest

import catena

SECTIONS = ["Parameters", "Attributes", "Returns", "Raises", "Notes"]


def _public():
    """Functions, classes and methods that users call, by their names."""
    for name in catena.__all__:
        thing = getattr(catena, name)
        if inspect.isfunction(thing):
            yield name, thing, thing
        elif inspect.isclass(thing):
            # What only this package makes tells of its attributes, or of the function that makes it.
            if "__init__" in vars(thing) and not re.search("^Attributes$|, made by `", inspect.getdoc(thing), re.M):
                yield name, thing.__init__, thing
            for method, function in inspect.getmembers(thing):
                if (
                    (inspect.isfunction(function) or inspect.ismethod(function))
                    and not method.startswith("_")
                    and _of_ours(function)
                ):
                    yield f"{name}.{method}", function, function


def _of_ours(function):
    module = getattr(function, "__module__", None) or ""
    return module.startswith("catena.") and "for this package" not in " ".join((inspect.getdoc(function) or "").split())


def _sections(doc):
    parts = re.split(r"^(\w+)\n-{3,}\n", doc, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


def _entries(section):
    """The names of a section's entries, each with whether something is said of it."""
    found = []
    for line in section.splitlines():
        if line and not line.startswith(" "):
            found.append([line.split(" : ")[0], False])
        elif line.strip():
            found[-1][1] = True
    return found


CASES = {name: (function, told) for name, function, told in _public()}


@pytest.mark.parametrize("name", CASES)
def test_every_parameter_is_told_of(name):
    function, told = CASES[name]
    doc = inspect.getdoc(told)
    assert doc and re.match(r"[A-Z*`]", doc), "expected a docstring that begins with a sentence"
    sections = _sections(doc)
    assert list(sections) == [one for one in SECTIONS if one in sections], (
        f"expected sections in numpy's order, got {list(sections)}"
    )
    entries = _entries(sections.get("Parameters", ""))
    assert all(says for _, says in entries), f"expected words for each of {entries}"
    stars = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    parameters = list(inspect.signature(function).parameters.values())
    wanted = [stars.get(one.kind, "") + one.name for one in parameters if one.name not in ("self", "cls")]
    names = [one for entry, _ in entries for one in entry.split(", ")]
    assert sorted(names) == sorted(wanted)
    returns = str(inspect.signature(function).return_annotation)
    if inspect.isfunction(told) and wanted and returns not in ("None", "Any"):
        assert "Returns" in sections, f"expected what is returned, {returns}"


def test_shapes_and_errors_are_told_of():
    docs = [inspect.getdoc(told) for _, told in CASES.values()]
    with_parameters = [doc for doc in docs if "Parameters\n---" in doc]
    assert len(with_parameters) > 80
    assert sum("shape" in doc for doc in docs) > 50 and sum("Raises\n---" in doc for doc in docs) > 80
