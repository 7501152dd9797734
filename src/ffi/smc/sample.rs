//! Sets of particles from the prior, or from a reference, to the posterior.

use super::result::catena_smc_result;
use crate::error::Error;
use crate::ffi::boundary::{Table, guard, object, slice, table};
use crate::ffi::error::{catena_error, catena_status};
use crate::ffi::io::{Host, catena_io};
use crate::ffi::model::{catena_model, name_at};
use crate::ffi::options::catena_options;
use crate::particles::normal::Normal;
use crate::services::sample_smc;
use std::ffi::{CStr, c_char};

/// A normal where a path to the posterior begins. Borrowed for the call. Set `struct_size` to sizeof(catena_reference).
#[derive(Clone, Copy)]
#[repr(C)]
pub struct catena_reference {
    /// sizeof(catena_reference) of the header the program was compiled with.
    pub struct_size: usize,
    /// Its mean, `dimension` of the model numbers.
    pub mean: *const f64,
    /// Its standard deviations, or its covariance row by row: `spread_size` numbers.
    pub spread: *const f64,
    /// The model's dimension, or its square.
    pub spread_size: usize,
}

// SAFETY: repr(C), starts with its size, zeros are valid everywhere.
unsafe impl Table for catena_reference {
    const NAME: &'static str = "catena_reference";
    const REQUIRED: usize = size_of::<catena_reference>();
}

/// The columns before the outputs.
const COLUMNS: [&CStr; 4] = [c"lp__", c"log_weight__", c"set__", c"ancestor__"];

/// Runs independent sets of weighted particles from where the path begins to the posterior, and returns when all have
/// ended; the evidence comes with its error across the sets.
///
/// The path (option `path`) leads from the prior by tempering the likelihood (`log_density_parts` and `sample_prior` of the
/// model), or by taking one datum after the other (`log_density_data`), or from a normal to the model's density:
/// `reference`, or, where that is NULL, one fitted to a short run of NUTS; the evidence is then the integral of
/// exp(log density). Options with `smc` among their services count.
///
/// `io` may be NULL; it may list sample writers, one per set, logger and interrupt. A set's writer gets one row per
/// particle when the set is done, columns of catena_smc_column: the mean of exp(log_weight__) is the set's evidence, and
/// ancestor__ the particle, from 0, that this one stems from at the last resampling.
///
/// The draws of a set depend on the seed, its id, the options and the model alone. `*out` is set to a result (the caller
/// frees it with catena_smc_result_free) whenever sets ran, and to NULL otherwise. Status: CATENA_INVALID_ARGUMENT before
/// any set ran; the set's own when the only set failed or stalled; CATENA_CHAIN_FAILED when some of several did;
/// CATENA_INTERRUPTED. A set all of whose particles have lost their weight has a log evidence of -INFINITY, and is no failure.
///
/// # Safety
/// The pointers are NULL or as documented; what `io` lists lives until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_sample_smc(
    model: *const catena_model,
    options: *const catena_options,
    reference: *const catena_reference,
    io: *const catena_io,
    out: *mut *mut catena_smc_result,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for all pointers, and that what they list lives until the call returns.
        unsafe {
            let mut host = Host::new(io)?;
            catena_smc_result::expect_place(out)?;
            let (model, options, smc, reference, mut run_io) = host.readied(|host| {
                let model = host.model(model)?;
                let (options, smc, pool) = object(options, "options", "catena_options")?.smc();
                let reference = given(reference, model.dimension())?;
                let run_io = host.lend(smc.num_sets, pool)?;
                Ok((model, options, smc, reference, run_io))
            })?;
            run_io.interrupt = &host.interrupt;
            catena_smc_result::give(sample_smc(model, &options, &smc, reference.as_ref(), run_io)?, out)
        }
    })
}

/// The normal of a host's table; `None` of null.
///
/// # Safety
/// `reference` is null or points to a table as documented.
unsafe fn given(reference: *const catena_reference, dim: usize) -> Result<Option<Normal>, Error> {
    if reference.is_null() {
        return Ok(None);
    }
    // SAFETY: passed on to the caller.
    unsafe {
        let t = table(reference, "reference")?;
        if t.spread_size != dim && Some(t.spread_size) != dim.checked_mul(dim) {
            let expected = format!("{dim}, or {dim} times {dim}");
            return Err(Error::argument("reference.spread_size", expected, t.spread_size));
        }
        let (mean, spread) =
            (slice(t.mean, dim, "reference.mean")?, slice(t.spread, t.spread_size, "reference.spread")?);
        Normal::given(mean, spread, "reference").map(Some)
    }
}

/// Number of columns a sample writer of catena_sample_smc gets. 0 for NULL.
///
/// # Safety
/// `model` is NULL or a live model.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_smc_column_count(model: *const catena_model) -> usize {
    // SAFETY: the caller vouches for the pointer.
    unsafe { model.as_ref() }.map_or(0, |m| COLUMNS.len() + m.outputs().len())
}

/// Name of column `index` of a sample writer of catena_sample_smc, from 0 (lp__, log_weight__, set__, ancestor__, then the
/// outputs), borrowed from the model; NULL past the last.
///
/// # Safety
/// `model` is NULL or a live model.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_smc_column(model: *const catena_model, index: usize) -> *const c_char {
    // SAFETY: the caller vouches for the pointer.
    let Some(model) = (unsafe { model.as_ref() }) else { return std::ptr::null() };
    match COLUMNS.get(index) {
        Some(name) => name.as_ptr(),
        None => name_at(Some(model.outputs()), index - COLUMNS.len()),
    }
}
