//! The likelihood itself over a product, and a function for hosts' likelihoods.

use super::handle::{catena_updater, experiments_of};
use crate::drive::device::Computes;
use crate::error::Error;
use crate::ffi::boundary::{ask, change, guard, look, slice, slice_mut};
use crate::ffi::error::{catena_error, catena_status};
use crate::learn::cos_squared;
use crate::model::Likelihood;

/// Who computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum catena_computes {
    /// Not known yet.
    CATENA_COMPUTES_OPEN = 0,
    /// The host's function.
    CATENA_COMPUTES_HOST = 1,
    /// The device.
    CATENA_COMPUTES_DEVICE = 2,
}

/// Likelihoods (logarithms where the table says so) over outcomes, models and experiments, none of them the sets', cut into
/// blocks over whatever computes: out[(e * n_o + o) * n_m + m], of `size` n_o * n_m * n_e. Outcomes are not looked up in domains.
///
/// # Safety
/// `updater` is NULL or a live updater; the arrays are as documented; `error` is NULL or points to a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_updater_likelihood(
    updater: *const catena_updater,
    n_o: usize,
    outcomes: *const f64,
    n_m: usize,
    models: *const f64,
    n_e: usize,
    experiments: *const f64,
    out: *mut f64,
    size: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the pointers.
        unsafe {
            let learner = look(updater)?;
            let table = experiments_of(&learner, n_e, experiments)?;
            let outcomes = slice(outcomes, n_o.saturating_mul(learner.model().outcome().width), "outcomes")?;
            let models = slice(models, n_m.saturating_mul(learner.updater().names().len()), "models")?;
            learner.likelihood(outcomes, models, &table, slice_mut(out, size, "out")?)
        }
    })
}

/// Draws an outcome for each of `n_m` models in each of `n_e` experiments: number k of it at out[(e * width + k) * n_m + m], of
/// `size` n_m * n_e * width. Each call draws anew.
///
/// # Safety
/// As for catena_updater_likelihood.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_updater_simulate(
    updater: *mut catena_updater,
    n_m: usize,
    models: *const f64,
    n_e: usize,
    experiments: *const f64,
    out: *mut f64,
    size: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the pointers.
        unsafe {
            let mut learner = change(updater)?;
            let table = experiments_of(&learner, n_e, experiments)?;
            let models = slice(models, n_m.saturating_mul(learner.updater().names().len()), "models")?;
            let width = learner.model().outcome().width;
            if n_m.checked_mul(n_e).and_then(|cells| cells.checked_mul(width)) != Some(size) {
                return Err(Error::argument("size", format!("{n_m} x {n_e} x {width}"), size));
            }
            let drawn = learner.simulate(models, &table)?;
            slice_mut(out, size, "out")?.copy_from_slice(&drawn);
            Ok(())
        }
    })
}

/// Who computes the likelihoods of an updater over products of `cells` outcomes times models times experiments, a
/// catena_computes: an update has as many cells as a set has models. Without a device the host's function does; of NULL nothing
/// is known.
///
/// # Safety
/// `updater` is NULL or a live updater.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_updater_computes(updater: *const catena_updater, cells: usize) -> i32 {
    // SAFETY: the caller vouches for the pointer.
    let learner = unsafe { look(updater) };
    let who = match learner.map(|learner| learner.model().computes(cells)) {
        Ok(Computes::Host) => catena_computes::CATENA_COMPUTES_HOST,
        Ok(Computes::Device) => catena_computes::CATENA_COMPUTES_DEVICE,
        Ok(Computes::Open) | Err(_) => catena_computes::CATENA_COMPUTES_OPEN,
    };
    who as i32
}

/// `out[i] = cos(x[i])²` for n numbers, within 2e-16, about 1 ns each; `out` may not overlap `x`. The likelihood of a two-level
/// system that precesses. Does nothing where a pointer is NULL.
///
/// # Safety
/// `x` points to `n` numbers, `out` has room for as many.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_cos_squared(n: usize, x: *const f64, out: *mut f64) {
    ask((), || {
        // SAFETY: the caller vouches for the pointers.
        if let (Ok(x), Ok(out)) = unsafe { (slice(x, n, "x"), slice_mut(out, n, "out")) } {
            cos_squared(x, out);
        }
    });
}
