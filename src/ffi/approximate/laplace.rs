//! Draws at modes.

use super::result::catena_approximation;
use crate::ffi::boundary::{guard, object};
use crate::ffi::error::{catena_error, catena_status};
use crate::ffi::io::{Host, catena_io};
use crate::ffi::model::catena_model;
use crate::ffi::options::catena_options;
use crate::services::laplace;

/// Draws from the normal distribution on the unconstrained scale whose mean is a mode of the density and whose precision is the
/// negative Hessian there, once for each of `num_chains` ids.
///
/// Options with `laplace` among their services count. `io` may be NULL; its inits, one per id, are the modes, with values of all
/// parameters (or a position, as catena_optimum_start_position has it); without them the best of `num_starts` starts, as
/// catena_optimize finds it, is the mode of all ids. It may list sample writers too, one per id, which get `laplace_draws` rows
/// (columns of catena_laplace_column), logger and interrupt.
///
/// `*out` is set to a report (the caller frees it with catena_approximation_free) whenever a mode was at hand, and to NULL
/// otherwise. A point that is no mode has no draws, and an error that says why. Status: CATENA_INVALID_ARGUMENT before anything
/// ran; CATENA_NOT_CONVERGED when no start has found a mode, or the only one given is none; CATENA_CHAIN_FAILED when some of
/// several ids failed; CATENA_INTERRUPTED.
///
/// # Safety
/// The pointers are NULL or as documented; what `io` lists lives until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_laplace(
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
            catena_approximation::give(laplace(model, &set.options(), &set.laplace(), run_io)?, out)
        }
    })
}
