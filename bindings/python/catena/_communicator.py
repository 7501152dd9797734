"""A communicator of mpi4py as the table that the library calls."""

from __future__ import annotations

import ctypes
import pickle
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

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


def gathered(communicator: Any, mine: Any) -> list[Any]:
    """What all processes bring, in their order: any objects that can be pickled. What cannot be on one is an error on all."""
    from mpi4py import MPI  # type: ignore[import-not-found, import-untyped, unused-ignore]

    try:
        written = pickle.dumps((mine, None))
    except Exception as error:
        written = pickle.dumps((None, f"the values of rank {communicator.Get_rank()} cannot be pickled: {error}"))
    lengths = np.empty(communicator.Get_size(), dtype=np.int64)
    _finish(communicator.Iallgather([np.array([len(written)]), MPI.INT64_T], [lengths, MPI.INT64_T]))
    everything = np.empty(lengths.sum(), dtype=np.uint8)
    starts = np.cumsum(lengths) - lengths
    layout = [everything, lengths.tolist(), starts.tolist(), MPI.BYTE]
    _finish(communicator.Iallgatherv([np.frombuffer(written, dtype=np.uint8), MPI.BYTE], layout))
    all_ranks = [pickle.loads(everything[start : start + length].tobytes()) for start, length in zip(starts, lengths)]
    for _, failure in all_ranks:
        if failure is not None:
            raise TypeError(failure)
    return [theirs for theirs, _ in all_ranks]


def _finish(request: Any) -> None:
    if not _wait(request):
        raise TimeoutError(f"a rank did not answer within {TIME_OUT} s")


def _wait(request: Any) -> bool:
    """Whether an operation is over before the time-out."""
    end = time.monotonic() + TIME_OUT
    while not request.Test():
        if time.monotonic() > end:
            return False
        time.sleep(_PAUSE)
    return True


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
        return outcomes["done" if _wait(request) else "timed_out"]

    def layout(lengths: int) -> tuple[list[int], list[int]]:
        counts = list((ctypes.c_size_t * size).from_address(lengths))
        return counts, [sum(counts[:r]) for r in range(size)]

    def allgatherv(_: Any, mine: Any, lengths: Any, everything: Any) -> int:
        counts, starts = layout(lengths)
        to = [array(everything, sum(counts)), counts, starts, MPI.BYTE]
        return wait(communicator.Iallgatherv([array(mine, counts[rank]), MPI.BYTE], to))

    def alltoallv(_: Any, send: Any, to: Any, receive: Any, back: Any) -> int:
        (go, go_at), (come, come_at) = layout(to), layout(back)
        sent, got = array(send, sum(go)), array(receive, sum(come))
        if not any(go) and not any(come):
            # Open MPI 4.1 forgets to count the operation of a rank that has nothing to do in it, and hangs in the next one.
            go[rank] = come[rank] = 1
            sent, got = bytearray(1), bytearray(1)
        return wait(communicator.Ialltoallv([sent, go, go_at, MPI.BYTE], [got, come, come_at, MPI.BYTE]))

    return _abi.table("catena_communicator", rank=rank, size=size, time_out=TIME_OUT, allgatherv=allgatherv, alltoallv=alltoallv)
