"""Chains over ranks that mpi4py has started: the table filled in Python, by ctypes over the shared library.

Prints a line with the bits of all draws; every rank must have the same.
"""

import ctypes as c
import hashlib
import sys
import time

from mpi4py import MPI

TIME_OUT = 60.0
DONE, TIMED_OUT = 0, 1
CHAINS, SAMPLES, COLUMNS = 3, 100, 8

SIZES, BYTES = c.POINTER(c.c_size_t), c.c_void_p
RELEASE = c.CFUNCTYPE(None, c.c_void_p)
ALLGATHERV = c.CFUNCTYPE(c.c_int, c.c_void_p, BYTES, SIZES, BYTES)
ALLTOALLV = c.CFUNCTYPE(c.c_int, c.c_void_p, BYTES, SIZES, BYTES, SIZES)


class Communicator(c.Structure):
    """catena_communicator; what is left out of it is NULL."""

    _fields_ = [
        ("struct_size", c.c_size_t),
        ("user", c.c_void_p),
        ("release", c.c_void_p),
        ("rank", c.c_size_t),
        ("size", c.c_size_t),
        ("time_out", c.c_double),
        ("allgatherv", ALLGATHERV),
        ("alltoallv", ALLTOALLV),
        ("allgather", c.c_void_p),
        ("broadcast", c.c_void_p),
        ("allreduce", c.c_void_p),
        ("barrier", c.c_void_p),
        ("missing", c.c_void_p),
        ("abort", c.c_void_p),
    ]


def communicator_of(comm):
    """The table of the ranks of `comm`: non-blocking operations, asked until the time-out."""
    size, rank = comm.Get_size(), comm.Get_rank()

    def array(pointer, length):
        return (c.c_char * length).from_address(pointer) if length else bytearray(0)

    def wait(request):
        end = time.monotonic() + TIME_OUT
        while not request.Test():
            if time.monotonic() > end:
                return TIMED_OUT
            time.sleep(20e-6)
        return DONE

    def layout(lengths):
        counts = [lengths[r] for r in range(size)]
        return counts, [sum(counts[:r]) for r in range(size)]

    def allgatherv(_, mine, lengths, everything):
        counts, starts = layout(lengths)
        to = [array(everything, sum(counts)), counts, starts, MPI.BYTE]
        return wait(comm.Iallgatherv([array(mine, counts[rank]), MPI.BYTE], to))

    def alltoallv(_, send, to, receive, back):
        (go, go_at), (come, come_at) = layout(to), layout(back)
        sent, got = array(send, sum(go)), array(receive, sum(come))
        if not any(go) and not any(come):
            # Open MPI 4.1 forgets to count the operation of a rank that has nothing to do in it, and hangs in the next one.
            go[rank] = come[rank] = 1
            sent, got = bytearray(1), bytearray(1)
        return wait(comm.Ialltoallv([sent, go, go_at, MPI.BYTE], [got, come, come_at, MPI.BYTE]))

    table = Communicator(rank=rank, size=size, time_out=TIME_OUT)
    table.struct_size = c.sizeof(table)
    table.allgatherv, table.alltoallv = ALLGATHERV(allgatherv), ALLTOALLV(alltoallv)
    return table


EVALUATE = c.CFUNCTYPE(
    c.c_int, c.c_void_p, c.c_void_p, c.c_void_p, c.POINTER(c.c_double), c.POINTER(c.c_double), c.POINTER(c.c_double)
)


def main(library, offsets):
    """`offsets`: where members stand in catena_density and catena_io, as the C compiler has them."""
    catena = c.CDLL(library)
    at = dict(word.split("=") for word in offsets)
    at = {name: int(value) for name, value in at.items()}

    def evaluate(_user, _worker, _task, x, log_density, gradient):
        log_density[0] = -0.5 * x[0] * x[0]
        gradient[0] = -x[0]
        return 0

    function = EVALUATE(evaluate)
    density = c.create_string_buffer(at["density"])
    c.c_size_t.from_buffer(density, 0).value = at["density"]
    c.c_size_t.from_buffer(density, at["dimension"]).value = 1
    c.c_void_p.from_buffer(density, at["log_density_gradient"]).value = c.cast(function, c.c_void_p).value

    def check(status, error):
        if status:
            catena.catena_error_message.restype = c.c_char_p
            sys.exit(catena.catena_error_message(error).decode())

    error, model, options, result = c.c_void_p(), c.c_void_p(), c.c_void_p(), c.c_void_p()
    check(catena.catena_model_new(density, c.byref(model), c.byref(error)), error)
    check(catena.catena_options_new(c.byref(options), c.byref(error)), error)
    settings = {"num_chains": CHAINS, "num_warmup": 100, "num_samples": SAMPLES, "refresh": 0}
    for name, value in {**settings, "warmup": "together", "metric": "fisher_diag"}.items():
        check(catena.catena_options_set(options, name.encode(), str(value).encode(), c.byref(error)), error)
    draws = (c.c_double * (CHAINS * SAMPLES * COLUMNS))()
    writers = (c.c_void_p * CHAINS)()
    size = c.c_size_t
    made = catena.catena_writers_memory_new(
        draws, size(len(draws)), size(CHAINS), size(SAMPLES), size(COLUMNS), 0, writers, c.byref(error)
    )
    check(made, error)
    io = c.create_string_buffer(at["io"])
    c.c_size_t.from_buffer(io, 0).value = at["io"]
    c.c_void_p.from_buffer(io, at["sample_writers"]).value = c.addressof(writers)
    c.c_size_t.from_buffer(io, at["num_sample_writers"]).value = CHAINS
    table = communicator_of(MPI.COMM_WORLD)
    c.c_void_p.from_buffer(io, at["communicator"]).value = c.addressof(table)
    check(catena.catena_sample_nuts(model, options, io, c.byref(result), c.byref(error)), error)

    bits = hashlib.sha256(bytes(draws)).hexdigest()
    all_bits = MPI.COMM_WORLD.gather(bits)
    if MPI.COMM_WORLD.Get_rank() == 0:
        assert set(all_bits) == {bits}, all_bits
        assert any(draws)
        print(bits)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
