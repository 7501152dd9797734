//! Populations as bytes.

use super::handle::{Given, catena_population, pool};
use super::table::{catena_population_io, catena_traces};
use crate::ffi::boundary::{change, make, object};
use crate::ffi::checkpoint::catena_checkpoint;
use crate::ffi::error::{catena_error, catena_status};
use crate::ffi::options::catena_options;
use crate::services::Population;

/// The whole population as bytes: sets, traces (by `serialize` of the table), weights, history, options and where its random
/// streams are. The caller frees the checkpoint. Of several processes that share the sets each has the bytes of all, which are those
/// of one process; they are read by any number of processes.
///
/// # Safety
/// `population` is NULL or a live population; `out` and `error` are NULL or point to places for pointers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_population_save(
    population: *mut catena_population,
    out: *mut *mut catena_checkpoint,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    unsafe { make(out, error, || Ok(catena_checkpoint { bytes: change(population)?.save()? })) }
}

/// The population of bytes that catena_population_save gave: it goes on with the same bits. Of `options`, which may be NULL,
/// it takes num_threads or the pool alone. Otherwise as catena_population_new.
///
/// # Safety
/// As for catena_population_new; `checkpoint` is NULL or a live checkpoint.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_population_load(
    traces: *const catena_traces,
    checkpoint: *const catena_checkpoint,
    options: *const catena_options,
    io: *const catena_population_io,
    out: *mut *mut catena_population,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    unsafe {
        let given = Given::new(traces, io);
        make(out, error, || {
            let bytes = &object(checkpoint, "checkpoint", "a catena_checkpoint")?.bytes;
            catena_population::made(given, pool(options), |host, io, pool| Population::load(host, bytes, io, pool))
        })
    }
}
