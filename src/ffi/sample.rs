//! Runs to their end, by the engine that moves the chains: NUTS, static HMC, fixed parameters.

use super::boundary::guard;
use super::error::{catena_error, catena_status};
use super::io::{Host, catena_io};
use super::model::catena_model;
use super::options::catena_options;
use super::result::catena_result;
use crate::error::Error;
use crate::io::Interrupt;
use crate::services::{Engine, SampleOptions};

/// Runs NUTS chains over one shared model, on a pool of the size the options ask for, and returns when all have ended.
///
/// The draws of a chain depend on the seed, its id, the options and the model alone, not on the number of threads or on
/// the other chains: one run of ids 1 to 4 equals four runs of one id each, bit for bit.
///
/// `io` may be NULL. `*out` is set to a result (the caller frees it with catena_result_free) whenever chains ran, also
/// when the status says that some failed or that the run was interrupted, and to NULL otherwise. Status:
/// CATENA_INVALID_ARGUMENT before any chain ran; the chain's own when the only chain failed; CATENA_CHAIN_FAILED when some
/// of several did; CATENA_INTERRUPTED.
///
/// # Safety
/// The pointers are NULL or as documented; what `io` lists lives until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_sample_nuts(
    model: *const catena_model,
    options: *const catena_options,
    io: *const catena_io,
    out: *mut *mut catena_result,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for all pointers, and that what they list lives until the call returns.
        unsafe { run(model, options, io, out, |_| Engine::Nuts) }
    })
}

/// Runs static HMC: each transition is a trajectory of int_time / stepsize leapfrog steps (truncated, at least 1; the
/// nominal step size counts, not the jittered one), accepted or rejected at its end. All else, adaptation among it, is as
/// for catena_sample_nuts. A trajectory that meets a point the model refuses is rejected; catena_result_divergences counts
/// these and those whose energy error at the end is above the largest one.
///
/// # Safety
/// The pointers are NULL or as documented; what `io` lists lives until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_sample_hmc_static(
    model: *const catena_model,
    options: *const catena_options,
    io: *const catena_io,
    out: *mut *mut catena_result,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for all pointers, and that what they list lives until the call returns.
    guard(error, || unsafe { run(model, options, io, out, |o| Engine::Static { int_time: o.int_time }) })
}

/// Runs chains that stay at their initial position, where each iteration draws the outputs anew; otherwise as
/// catena_sample_nuts. There is no warm-up: num_warmup and save_warmup are ignored (set save_warmup to 0 for
/// catena_options_rows to tell the number of rows). Inverse metrics are an error.
///
/// # Safety
/// The pointers are NULL or as documented; what `io` lists lives until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_sample_fixed_param(
    model: *const catena_model,
    options: *const catena_options,
    io: *const catena_io,
    out: *mut *mut catena_result,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: as for catena_sample_hmc_static.
    guard(error, || unsafe { run(model, options, io, out, |_| Engine::FixedParam) })
}

/// Samples to the end with the engine that the options make.
///
/// # Safety
/// As for [`catena_sample_nuts`]; `out` points to a place for a pointer.
unsafe fn run(
    model: *const catena_model,
    options: *const catena_options,
    io: *const catena_io,
    out: *mut *mut catena_result,
    engine: impl FnOnce(&SampleOptions) -> Engine,
) -> Result<(), Error> {
    // SAFETY: passed on to the caller.
    unsafe {
        let mut host = Host::new(io)?;
        catena_result::expect_place(out)?;
        let mut session = host.session(model, options, engine)?;
        session.run(None, || host.interrupt.requested());
        catena_result::give(session.into_report(), &host.settings, out)
    }
}
