"""What all parts of an updater stand on: its handle, and how things are given."""

from __future__ import annotations

from typing import Any

from . import _abi
from ._arguments import whole
from ._arrays import Floats
from ._errors import call
from ._likelihood import Cells, Likelihood
from ._resources import Resources


class Learned:
    """The handle of an updater."""

    likelihood_of: Likelihood
    _session: Cells
    _resources: Resources
    _value: int

    @property
    def _handle(self) -> int:
        self._resources.check_process("this updater")
        if self._resources.closed:
            raise RuntimeError("the updater was closed")
        return self._value

    def _perform(self, name: str, *arguments: Any) -> None:
        """Calls a function that may call back."""
        self._session.perform(f"updater_{name}", self._handle, *arguments)

    def _read(self, name: str, *arguments: Any) -> None:
        """Calls a function that calls nobody."""
        if self._session.busy:
            raise RuntimeError("the updater is at work: a function that it calls, or another thread, cannot use it")
        call(f"updater_{name}", self._handle, *arguments)

    @property
    def set_ids(self) -> list[int]:
        """Ids of the sets."""
        return [_abi.lib.updater_set_id(self._handle, i) for i in range(_abi.lib.updater_num_sets(self._handle))]

    def _set(self, set: int) -> int:
        if whole("set", set) not in self.set_ids:
            raise ValueError(f"argument 'set': expected one of {self.set_ids}, got {set!r}")
        return set

    def _size(self, set: int) -> int:
        return int(_abi.lib.updater_set_size(self._handle, self._set(set)))

    def _outcomes(self, argument: str, values: Any) -> Floats:
        return self.likelihood_of.outcomes(argument, values)

    def _models(self, argument: str, values: Any) -> Floats:
        return self.likelihood_of.models(argument, values)

    def _experiments(self, argument: str, values: Any) -> Floats:
        return self.likelihood_of.experiments(argument, values)

    @staticmethod
    def _one(argument: str, rows: Floats) -> Floats:
        if len(rows) != 1:
            raise ValueError(f"argument '{argument}': expected one, got {len(rows)}")
        return rows

    def _parameter(self, argument: str, name: str) -> int:
        return _place(argument, name, self.likelihood_of.parameters)

    def _field(self, argument: str, name: str) -> int:
        return _place(argument, name, self.likelihood_of.fields)


def _place(argument: str, name: str, names: list[str]) -> int:
    if not isinstance(name, str) or name not in names:
        raise ValueError(f"argument '{argument}': expected one of {', '.join(names)}, got {name!r}")
    return names.index(name)
