"""A communicator of mpi4py as the table that the library calls."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Mapping
from typing import Any

from . import _abi

# How long a call waits for another process, in seconds, and how often it looks.
TIME_OUT = 60.0
_PAUSE = 20e-6


def without_communicator(given: Mapping[str, Any]) -> tuple[dict[str, Any], Any]:
    """The options that a user gave beside `communicator`, and the table of that, or None.

    ``communicator=MPI.COMM_WORLD`` spreads chains, or sets of particles, over the processes of mpi4py: all make the same call,
    with the same options and a `seed`. Each draws its part, all have all draws, which are those of one process.
    """
    rest = dict(given)
    communicator = rest.pop("communicator", None)
    return rest, None if communicator is None else table_of(communicator)


def table_of(communicator: Any) -> Any:
    """The table of the ranks of a communicator of mpi4py: operations that do not block, asked until the time-out."""
    for name in ("Get_rank", "Get_size", "Iallgatherv", "Ialltoallv"):
        if not hasattr(communicator, name):
            raise TypeError(f"argument 'communicator': expected a communicator of mpi4py, got {communicator!r}")
    from mpi4py import MPI  # type: ignore[import-not-found, import-untyped, unused-ignore]

    rank, size = communicator.Get_rank(), communicator.Get_size()
    outcomes = _abi.enum("catena_ranks_outcome")

    def array(address: int | None, length: int) -> Any:
        return (ctypes.c_char * length).from_address(address) if address and length else bytearray(0)

    def wait(request: Any) -> int:
        end = time.monotonic() + TIME_OUT
        while not request.Test():
            if time.monotonic() > end:
                return outcomes["timed_out"]
            time.sleep(_PAUSE)
        return outcomes["done"]

    def layout(lengths: Any) -> tuple[list[int], list[int]]:
        counts = [lengths[r] for r in range(size)]
        return counts, [sum(counts[:r]) for r in range(size)]

    def allgatherv(_: Any, mine: Any, lengths: Any, everything: Any) -> int:
        counts, starts = layout(lengths)
        to = [array(everything, sum(counts)), counts, starts, MPI.BYTE]
        return wait(communicator.Iallgatherv([array(mine, counts[rank]), MPI.BYTE], to))

    def alltoallv(_: Any, send: Any, to: Any, receive: Any, back: Any) -> int:
        (go, go_at), (come, come_at) = layout(to), layout(back)
        sent, got = array(send, sum(go)), array(receive, sum(come))
        return wait(communicator.Ialltoallv([sent, go, go_at, MPI.BYTE], [got, come, come_at, MPI.BYTE]))

    return _abi.table("catena_communicator", rank=rank, size=size, time_out=TIME_OUT, allgatherv=allgatherv, alltoallv=alltoallv)
