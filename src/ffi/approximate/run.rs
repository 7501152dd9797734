//! The two services.

use super::result::catena_approximation;
use crate::ffi::boundary::{guard, object};
use crate::ffi::error::{catena_error, catena_status};
use crate::ffi::io::{Host, catena_io};
use crate::ffi::model::catena_model;
use crate::ffi::options::catena_options;
use crate::services::{pathfinder, variational};

/// Follows an optimiser from `num_paths` initial values, takes from each path the normal distribution with the highest
/// evidence lower bound, and draws from it; the draws of several paths are resampled by their smoothed importance weights.
///
/// Options with `pathfinder` among their services count. `io` may be NULL; it may list inits and init writers, one per
/// path; one sample writer, which gets the draws of all paths (columns of catena_pathfinder_column) when all have ended;
/// diagnostic writers, one per path, which get the path's own draws; logger and interrupt.
///
/// `*out` is set to a report (the caller frees it with catena_approximation_free) whenever paths ran, and to NULL otherwise.
/// A path that fails is left out: catena_approximation_fit_error says why. Status: CATENA_INVALID_ARGUMENT before any path
/// ran; the path's own when the only path failed; CATENA_CHAIN_FAILED when all of several did; CATENA_INTERRUPTED.
///
/// # Safety
/// The pointers are NULL or as documented; what `io` lists lives until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_pathfinder(
    model: *const catena_model,
    options: *const catena_options,
    io: *const catena_io,
    out: *mut *mut catena_approximation,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for all pointers, and that what they list lives until the call returns.
        unsafe {
            let mut host = Host::new(io)?;
            catena_approximation::expect_place(out)?;
            let model = host.model(model)?;
            let (set, pool) = object(options, "options", "catena_options")?.set();
            let pathfinder_options = set.pathfinder();
            let mut run_io = host.lend_joined(pathfinder_options.num_paths, 1, pool)?;
            run_io.interrupt = &host.interrupt;
            catena_approximation::give(pathfinder(model, &set.options(), &pathfinder_options, run_io)?, out)
        }
    })
}

/// Fits a normal distribution on the unconstrained scale, one for each of `num_chains` ids, by climbing the evidence lower
/// bound (automatic differentiation variational inference), and draws from it.
///
/// Options with `variational` among their services count. `io` may be NULL; it may list inits and all writers, one per
/// fit, logger and interrupt. A sample writer (columns of catena_variational_column) gets the outputs at the mean, in a row
/// whose first three numbers are 0, then the draws; a diagnostic writer the estimates of the bound: iter,
/// time_in_seconds, ELBO.
///
/// `*out` is set to a report (the caller frees it with catena_approximation_free) whenever fits ran, and to NULL otherwise.
/// Status: CATENA_INVALID_ARGUMENT before any fit ran; the fit's own when the only fit failed; CATENA_CHAIN_FAILED when
/// some of several did; CATENA_INTERRUPTED.
///
/// # Safety
/// The pointers are NULL or as documented; what `io` lists lives until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_variational(
    model: *const catena_model,
    options: *const catena_options,
    io: *const catena_io,
    out: *mut *mut catena_approximation,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for all pointers, and that what they list lives until the call returns.
        unsafe {
            let mut host = Host::new(io)?;
            catena_approximation::expect_place(out)?;
            let model = host.model(model)?;
            let (set, pool) = object(options, "options", "catena_options")?.set();
            let mut run_io = host.lend(set.options().num_chains, pool)?;
            run_io.interrupt = &host.interrupt;
            catena_approximation::give(variational(model, &set.options(), &set.variational(), run_io)?, out)
        }
    })
}
