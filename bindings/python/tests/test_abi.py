"""What the package knows of the library it has from the header and abi.json: both are as the library has it."""

from __future__ import annotations

import ctypes
import sys
import types

import pytest

import catena
from catena import _abi, _header, _progress


def test_every_function_of_the_header_is_in_the_library():
    for name in _abi.HEADER.functions:
        assert callable(getattr(_abi.lib, name.removeprefix("catena_")))
    assert len(_abi.HEADER.functions) > 250 and len(_abi.HEADER.tables) >= 19
    with pytest.raises(AttributeError, match="catena.h has no function catena_sampled"):
        assert _abi.lib.sampled


def test_the_tables_are_as_long_as_the_library_has_them():
    for name, init in (("catena_filter_options", "filter_options_init"), ("catena_updater_options", "updater_options_init")):
        size = ctypes.sizeof(_abi.HEADER.tables[name])
        place = ctypes.create_string_buffer(size)
        assert getattr(_abi.lib, init)(ctypes.addressof(place), size, None) == 0
        # The defaults that the header documents have come to the right places.
        table = _abi.HEADER.tables[name].from_buffer(place)
        assert table.num_sets == 1 and table.ess_threshold == 0.5


def test_the_options_are_those_of_the_library():
    class Option(ctypes.Structure):
        _fields_ = _abi.HEADER.tables["catena_option"]._fields_

    names = [ctypes.string_at(Option.from_address(_abi.lib.options_at(i)).name).decode() for i in range(_abi.lib.options_count())]
    assert names == [entry["name"] for entry in _abi.ABI["options"]]


def test_an_option_that_the_table_gains_is_a_keyword(monkeypatch):
    gained = {"name": "new_one", "services": ["nuts"], "default": 1, "range": "at least 1", "help": "something new"}
    monkeypatch.setitem(_abi.ABI, "options", [*_abi.ABI["options"], gained])
    assert catena.options("nuts")["new_one"].help == "something new"
    # It goes to the library under its name, and this one does not have it.
    with pytest.raises(catena.ArgumentError, match="new_one"):
        catena.sample(catena.FunctionModel(lambda x: (0.0, x), 1), new_one=3)


def test_the_parser_reads_what_the_generator_writes():
    header = _header.parse("""
enum catena_kind : int32_t { A = 0 };
typedef int (*catena_back)(void *user, size_t n, const double *x);
typedef struct catena_thing {
  // sizeof(catena_thing); a comment.
  size_t struct_size;
  int (*call)(void *user, enum catena_kind kind);
  catena_back back;
  const char *const *names;
  double x;
} catena_thing;
catena_kind catena_thing_kind(const struct catena_thing *thing,
                              double x);
const char *catena_thing_name(void);
""")
    fields = dict(header.tables["catena_thing"]._fields_)
    assert list(fields) == ["struct_size", "call", "back", "names", "x"] and fields["names"] is ctypes.c_void_p
    assert header.functions["catena_thing_kind"].arguments == (ctypes.c_void_p, ctypes.c_double)
    assert header.functions["catena_thing_kind"].result is ctypes.c_int32
    assert header.functions["catena_thing_name"].result is ctypes.c_char_p and not header.functions["catena_thing_name"].arguments


def test_progress_in_a_notebook(monkeypatch):
    shown = []

    class Handle:
        def update(self, data, raw):
            shown.append(data["text/plain"])

    ipython = types.ModuleType("IPython")
    ipython.get_ipython = lambda: types.SimpleNamespace(kernel=object())
    display = types.ModuleType("IPython.display")
    display.display = lambda data, raw, display_id: Handle()
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    assert _progress.Display(None).on
    catena.sample(catena.FunctionModel(lambda x: (-0.5 * float(x @ x), -x), 2), 2, seed=1, num_samples=50)
    assert shown[-1].startswith("[####") and "100% of 2 chains" in shown[-1]
