//! The service.

use super::result::catena_optimum;
use crate::ffi::boundary::{guard, object};
use crate::ffi::error::{catena_error, catena_status};
use crate::ffi::io::{Host, catena_io};
use crate::ffi::model::{catena_model, name_at};
use crate::ffi::options::catena_options;
use crate::services::optimize;
use std::ffi::{CStr, c_char};

/// The column before the outputs.
const FIRST: &CStr = c"lp__";

/// Climbs to modes of the density from `num_starts` starts, each with the id and the streams of a chain, and tells of the best
/// and of all distinct ones.
///
/// Options with `optimize` among their services count. Where `jacobian` is false, the mode is that of the density without the
/// Jacobian of the transforms, of which the model has a function (log_density_without_jacobian) or needs none. `io` may be
/// NULL; it may list inits, init writers and sample writers, one of each per start, logger and interrupt. A sample writer
/// (columns of catena_optimize_column) gets one row, where its start ended, or one per iteration (save_iterations).
///
/// `*out` is set to a report (the caller frees it with catena_optimum_free) whenever starts ran, and to NULL otherwise. Status:
/// CATENA_INVALID_ARGUMENT before any start ran; CATENA_OK when at least one start has converged (with on_failure
/// "stop_run": and none has failed); CATENA_NOT_CONVERGED when none has; the start's own when the only start failed;
/// CATENA_CHAIN_FAILED when all of several did; CATENA_INTERRUPTED.
///
/// # Safety
/// The pointers are NULL or as documented; what `io` lists lives until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_optimize(
    model: *const catena_model,
    options: *const catena_options,
    io: *const catena_io,
    out: *mut *mut catena_optimum,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for all pointers, and that what they list lives until the call returns.
        unsafe {
            let mut host = Host::new(io)?;
            catena_optimum::expect_place(out)?;
            let model = host.model(model)?;
            let (set, pool) = object(options, "options", "catena_options")?.set();
            let mut run_io = host.lend(set.optimize().num_starts, pool)?;
            run_io.interrupt = &host.interrupt;
            catena_optimum::give(optimize(model, &set.options(), &set.optimize(), run_io)?, out)
        }
    })
}

/// Number of columns a sample writer of catena_optimize gets. 0 for NULL.
///
/// # Safety
/// `model` is NULL or a live model.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_optimize_column_count(model: *const catena_model) -> usize {
    // SAFETY: the caller vouches for the pointer.
    unsafe { model.as_ref() }.map_or(0, |m| 1 + m.outputs().len())
}

/// Name of column `index` of a sample writer of catena_optimize, from 0 (lp__, then the outputs), borrowed from the model;
/// NULL past the last.
///
/// # Safety
/// `model` is NULL or a live model.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_optimize_column(model: *const catena_model, index: usize) -> *const c_char {
    // SAFETY: the caller vouches for the pointer.
    let Some(model) = (unsafe { model.as_ref() }) else { return std::ptr::null() };
    match index.checked_sub(1) {
        None => FIRST.as_ptr(),
        Some(output) => name_at(Some(model.outputs()), output),
    }
}
