"""What the library logs: warnings become Python's, everything else goes to the logger "catena"."""

from __future__ import annotations

import ctypes
import logging
import warnings
from collections import deque
from typing import Any

from . import _abi
from ._errors import CatenaWarning

_logger = logging.getLogger("catena")


class Log:
    """Lines that the library logged, from any thread, until the thread that waits shows them."""

    def __init__(self) -> None:
        self._lines: deque[tuple[int, int, str]] = deque()
        levels = _abi.enum("catena_level")
        self._levels = {levels["debug"]: logging.DEBUG, levels["info"]: logging.INFO, levels["warning"]: logging.WARNING}
        self.table = _abi.table("catena_logger", log=self._keep)

    @property
    def address(self) -> int:
        """The table for the library."""
        return ctypes.addressof(self.table)

    def _keep(self, _user: Any, level: int, chain: int, line: int) -> None:
        self._lines.append((level, chain, ctypes.string_at(line).decode(errors="replace")))

    def show(self, stacklevel: int = 3) -> None:
        """Hands on what was logged. Failures are left out: they become exceptions or warnings of their own."""
        while self._lines:
            level, chain, line = self._lines.popleft()
            words = line if chain < 0 or line.startswith("chain ") else f"chain {chain}: {line}"
            if self._levels.get(level) == logging.WARNING:
                warnings.warn(words, CatenaWarning, stacklevel=stacklevel)
            elif level in self._levels:
                _logger.log(self._levels[level], words)
