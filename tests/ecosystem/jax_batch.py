"""Drives the batch callback with a JAX function through ctypes, on whatever device JAX has.

Usage: jax_batch.py LIBRARY. 64 chains of a correlated normal; each call of the library brings up to BATCH points, which go to
one compiled, vmapped function of fixed size. Says that it skips where JAX isn't installed.
"""

import ctypes
import sys
from ctypes import CFUNCTYPE, POINTER, byref, c_char_p, c_double, c_int, c_int32, c_size_t, c_uint64, c_void_p

try:
    import jax
    import jax.numpy as jnp
    import numpy as np
except ImportError as error:
    print(f"JAX is not installed ({error}): skipped")
    sys.exit(0)

DIM, CHAINS, BATCH, WARMUP, DRAWS, SEED = 5, 64, 32, 200, 100, 7
# Most Monte Carlo standard errors that a mean may be off.
STANDARD_ERRORS = 4.5

jax.config.update("jax_enable_x64", True)
MEAN = np.arange(DIM) - 2.0
COVARIANCE = 0.6 + 0.4 * np.eye(DIM)
PRECISION = jnp.array(np.linalg.inv(COVARIANCE))


def log_density(x):
    d = x - jnp.array(MEAN)
    return -0.5 * d @ PRECISION @ d


many = jax.jit(jax.vmap(jax.value_and_grad(log_density)))

Batch = CFUNCTYPE(
    c_int, c_void_p, c_void_p, c_void_p, c_size_t, POINTER(c_double), POINTER(c_double), POINTER(c_double), POINTER(c_int)
)
One = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p, POINTER(c_double), POINTER(c_double), POINTER(c_double))


class Density(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("user", c_void_p),
        ("release", c_void_p),
        ("dimension", c_size_t),
        ("log_density_gradient", One),
        ("log_density", c_void_p),
        ("log_density_gradient_batch", Batch),
        ("names", c_void_p),
        ("output_count", c_size_t),
        ("output_names", c_void_p),
        ("constrain", c_void_p),
        ("initialize", c_void_p),
        ("worker_new", c_void_p),
        ("worker_free", c_void_p),
        ("threading", c_int32),
        ("parameter_outputs", c_size_t),
        ("transformed_outputs", c_size_t),
    ]


class Io(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("inits", c_void_p),
        ("num_inits", c_size_t),
        ("inv_metrics", c_void_p),
        ("num_inv_metrics", c_size_t),
        ("inv_metric_size", c_size_t),
        ("init_writers", c_void_p),
        ("num_init_writers", c_size_t),
        ("sample_writers", c_void_p),
        ("num_sample_writers", c_size_t),
        ("diagnostic_writers", c_void_p),
        ("num_diagnostic_writers", c_size_t),
        ("checkpoints", c_void_p),
        ("num_checkpoints", c_size_t),
        ("logger", c_void_p),
        ("interrupt", c_void_p),
    ]


library = ctypes.CDLL(sys.argv[1])
library.catena_error_message.restype = c_char_p
library.catena_error_message.argtypes = [c_void_p]
library.catena_sample_column_count.restype = c_size_t
library.catena_sample_column_count.argtypes = [c_void_p]


def call(name, *arguments):
    error = c_void_p()
    if getattr(library, name)(*arguments, byref(error)):
        raise RuntimeError(f"{name}: {library.catena_error_message(error).decode()}")


sizes = []


def batch(_user, _worker, _task, n, positions, log_densities, gradients, codes):
    sizes.append(n)
    # A function compiled for one size: places that stay empty are computed and dropped.
    points = np.zeros((BATCH, DIM))
    points[:n] = np.ctypeslib.as_array(positions, (n, DIM))
    values, slopes = many(points)
    np.ctypeslib.as_array(log_densities, (n,))[:] = np.asarray(values)[:n]
    np.ctypeslib.as_array(gradients, (n, DIM))[:] = np.asarray(slopes)[:n]
    np.ctypeslib.as_array(codes, (n,))[:] = ~np.isfinite(np.asarray(values)[:n])
    return 0


def one(_user, _worker, _task, _position, _log_density, _gradient):
    return -1  # A run with batches calls nothing else.


def sample(threads):
    table = Density(
        struct_size=ctypes.sizeof(Density), dimension=DIM, log_density_gradient=One(one), log_density_gradient_batch=Batch(batch)
    )
    model, options, result = c_void_p(), c_void_p(), c_void_p()
    call("catena_model_new", byref(table), byref(model))
    call("catena_options_new", byref(options))
    for option, value in [
        ("num_chains", CHAINS),
        ("num_warmup", WARMUP),
        ("num_samples", DRAWS),
        ("num_threads", threads),
        ("batch_size", BATCH),
        ("refresh", 0),
    ]:
        call(f"catena_options_set_{option}", options, c_size_t(value))
    call("catena_options_set_seed", options, c_uint64(SEED))
    columns = library.catena_sample_column_count(model)
    values = np.empty((CHAINS, DRAWS, columns))
    writers = (c_void_p * CHAINS)()
    data = values.ctypes.data_as(c_void_p)
    call(
        "catena_writers_memory_new",
        data,
        *map(c_size_t, (values.size, CHAINS, DRAWS, columns)),
        c_int32(0),
        writers,
    )
    io = Io(struct_size=ctypes.sizeof(Io), sample_writers=ctypes.cast(writers, c_void_p), num_sample_writers=CHAINS)
    call("catena_sample_nuts", model, options, byref(io), byref(result))
    return values[:, :, columns - DIM :]


def effective(x):
    """Effective sample size of chains x draws, by the library."""
    ess, x = c_double(), np.ascontiguousarray(x)
    shape = [c_size_t(n) for n in (*x.shape, x.shape[1], 1)]
    call("catena_diagnose_ess_bulk", x.ctypes.data_as(c_void_p), *shape, byref(ess))
    return ess.value


draws = sample(2)
calls = len(sizes)
full = sizes.count(BATCH) / calls
assert max(sizes) == BATCH and full > 0.5, (max(sizes), full)
for k in range(DIM):
    x = draws[..., k]
    error = x.std() / effective(x) ** 0.5
    assert abs(x.mean() - MEAN[k]) < STANDARD_ERRORS * error, (k, x.mean(), error)
    z = (x - MEAN[k]) * (draws[..., 0] - MEAN[0])
    error = z.std() / effective(z) ** 0.5
    assert abs(z.mean() - COVARIANCE[0, k]) < STANDARD_ERRORS * error, (k, z.mean(), error)
assert np.array_equal(draws, sample(1)), "the number of threads changed the draws"
print(f"JAX on {jax.devices()[0]}: {CHAINS} chains, {calls} calls of up to {BATCH} points, {full:.0%} of them full")
