"""Ctrl-C while chains run: what was drawn is kept."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any


class Pressed:
    """Whether Ctrl-C came."""

    def __init__(self) -> None:
        self.once = False


@contextlib.contextmanager
def deferred(stop: Callable[[], None]) -> Iterator[Pressed]:
    """The first Ctrl-C inside calls `stop`, which ends a run gently; a second one raises KeyboardInterrupt at once.

    In other threads than the main one, and where a program has its own handler, nothing is changed.
    """
    pressed = Pressed()
    mine = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if not mine:
        yield pressed
        return

    def handle(number: int, frame: Any) -> None:
        if pressed.once:
            raise KeyboardInterrupt
        pressed.once = True
        stop()

    signal.signal(signal.SIGINT, handle)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
