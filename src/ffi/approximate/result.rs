//! What approximations report.

use crate::error::Error;
use crate::ffi::boundary::free;
use crate::ffi::error::catena_error;
use crate::services::{ApproximationFit, ApproximationReport, Outcome};
use std::ffi::c_int;

/// What catena_pathfinder and catena_variational report: one entry per path or fit, in the order of their ids. Immutable.
pub struct catena_approximation {
    report: ApproximationReport,
    errors: Vec<Option<catena_error>>,
}

impl catena_approximation {
    /// Sets `*out` to NULL.
    ///
    /// # Safety
    /// `out` is null or points to a place for a pointer.
    pub(super) unsafe fn expect_place(out: *mut *mut Self) -> Result<(), Error> {
        if out.is_null() {
            return Err(Error::argument("out", "a place for the report", "NULL"));
        }
        // SAFETY: not null; passed on to the caller.
        unsafe { *out = std::ptr::null_mut() };
        Ok(())
    }

    /// Hands a report out and returns its status.
    ///
    /// # Safety
    /// `out` points to a place for a pointer.
    pub(super) unsafe fn give(report: ApproximationReport, out: *mut *mut Self) -> Result<(), Error> {
        let status = report.status();
        let error = |fit: &ApproximationFit| match &fit.outcome {
            Outcome::Failed(error) => Some(catena_error::new(error.clone())),
            Outcome::Finished | Outcome::Stopped => None,
        };
        let errors = report.fits.iter().map(error).collect();
        // SAFETY: passed on to the caller.
        unsafe { *out = Box::into_raw(Box::new(Self { report, errors })) };
        status
    }
}

/// Fit `fit` of a report, if both exist.
///
/// # Safety
/// `result` is null or a live report.
unsafe fn of_fit<'a>(result: *const catena_approximation, fit: usize) -> Option<&'a ApproximationFit> {
    // SAFETY: passed on to the caller.
    unsafe { result.as_ref() }.and_then(|r| r.report.fits.get(fit))
}

/// The first number of a list that is not empty.
fn numbers(list: Option<&Vec<f64>>) -> *const f64 {
    list.filter(|list| !list.is_empty()).map_or(std::ptr::null(), |list| list.as_ptr())
}

/// k-hat of all draws together, as they were before they were resampled; of a single fit, its own. NaN of several that are
/// by themselves, without draws, and for NULL.
///
/// # Safety
/// `result` is NULL or a live report.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_approximation_khat(result: *const catena_approximation) -> f64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { result.as_ref() }.map_or(f64::NAN, |r| r.report.khat)
}

/// Rows of the draws of all paths together. 0 for NULL, and of catena_variational, whose fits have writers of their own.
///
/// # Safety
/// `result` is NULL or a live report.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_approximation_rows(result: *const catena_approximation) -> usize {
    // SAFETY: the caller vouches for the pointer.
    unsafe { result.as_ref() }.map_or(0, |r| r.report.rows)
}

/// How many draws with a weight these rows were taken from: fewer than rows where some stand more than once. 0 for NULL.
///
/// # Safety
/// `result` is NULL or a live report.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_approximation_pool(result: *const catena_approximation) -> usize {
    // SAFETY: the caller vouches for the pointer.
    unsafe { result.as_ref() }.map_or(0, |r| r.report.pool)
}

/// Unconstrained positions of these rows, catena_approximation_rows times the model's dimension numbers, row after row, such
/// as catena_init_position takes; borrowed from the report. NULL where there are none.
///
/// # Safety
/// `result` is NULL or a live report.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_approximation_positions(result: *const catena_approximation) -> *const f64 {
    // SAFETY: the caller vouches for the pointer.
    numbers(unsafe { result.as_ref() }.map(|r| &r.report.positions))
}

/// Number of paths or fits; 0 for NULL.
///
/// # Safety
/// `result` is NULL or a live report.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_approximation_num_fits(result: *const catena_approximation) -> usize {
    // SAFETY: the caller vouches for the pointer.
    unsafe { result.as_ref() }.map_or(0, |r| r.report.fits.len())
}

/// Why fit `fit` failed, borrowed from the report (don't free it); NULL when it did not.
///
/// # Safety
/// `result` is NULL or a live report.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_approximation_fit_error(
    result: *const catena_approximation,
    fit: usize,
) -> *const catena_error {
    // SAFETY: the caller vouches for the pointer.
    let error = unsafe { result.as_ref() }.and_then(|r| r.errors.get(fit)?.as_ref());
    error.map_or(std::ptr::null(), std::ptr::from_ref)
}

/// Mean of fit `fit` on the unconstrained scale, as many numbers as the model's dimension, borrowed from the report. NULL
/// where there is none.
///
/// # Safety
/// `result` is NULL or a live report.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_approximation_fit_mean(result: *const catena_approximation, fit: usize) -> *const f64 {
    // SAFETY: the caller vouches for the pointer.
    numbers(unsafe { of_fit(result, fit) }.map(|f| &f.mean))
}

/// As catena_approximation_fit_mean: the standard deviations.
///
/// # Safety
/// `result` is NULL or a live report.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_approximation_fit_sd(result: *const catena_approximation, fit: usize) -> *const f64 {
    // SAFETY: the caller vouches for the pointer.
    numbers(unsafe { of_fit(result, fit) }.map(|f| &f.sd))
}

/// Id of fit `fit` (counted from 0): of the path, or of the approximation. 0 past the last.
///
/// # Safety
/// `result` is NULL or a live report.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_approximation_fit_id(result: *const catena_approximation, fit: usize) -> u64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { of_fit(result, fit) }.map_or(0, |f| f.id)
}

/// Steps of fit `fit`: of the optimiser, or of the ascent of the bound. 0 past the last.
///
/// # Safety
/// `result` is NULL or a live report.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_approximation_fit_iterations(result: *const catena_approximation, fit: usize) -> usize {
    // SAFETY: the caller vouches for the pointer.
    unsafe { of_fit(result, fit) }.map_or(0, |f| f.iterations)
}

/// 1 where fit `fit` ended by a tolerance, and not at its largest number of steps; else, and past the last, 0.
///
/// # Safety
/// `result` is NULL or a live report.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_approximation_fit_converged(result: *const catena_approximation, fit: usize) -> c_int {
    // SAFETY: the caller vouches for the pointer.
    unsafe { of_fit(result, fit) }.map_or(0, |f| c_int::from(f.converged))
}

/// The evidence lower bound of fit `fit`, as last estimated; of a path, at its best point. NaN where it never was, and past
/// the last.
///
/// # Safety
/// `result` is NULL or a live report.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_approximation_fit_elbo(result: *const catena_approximation, fit: usize) -> f64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { of_fit(result, fit) }.map_or(f64::NAN, |f| f.elbo)
}

/// k-hat of the draws of fit `fit`: above 0.7 they are too far from the density for weights to correct them. 0 where all weights
/// are equal, INFINITY where there are too few draws to tell; NaN without draws, and past the last.
///
/// # Safety
/// `result` is NULL or a live report.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_approximation_fit_khat(result: *const catena_approximation, fit: usize) -> f64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { of_fit(result, fit) }.map_or(f64::NAN, |f| f.khat)
}

/// Draws of fit `fit`, for estimates and in the end, that have no finite log density. 0 past the last.
///
/// # Safety
/// `result` is NULL or a live report.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_approximation_fit_dropped(result: *const catena_approximation, fit: usize) -> u64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { of_fit(result, fit) }.map_or(0, |f| f.dropped)
}

/// Evaluations of the log density with its gradient by fit `fit`. 0 past the last.
///
/// # Safety
/// `result` is NULL or a live report.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_approximation_fit_gradients(result: *const catena_approximation, fit: usize) -> u64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { of_fit(result, fit) }.map_or(0, |f| f.evaluations[0])
}

/// Evaluations of the log density alone by fit `fit`. 0 past the last.
///
/// # Safety
/// `result` is NULL or a live report.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_approximation_fit_densities(result: *const catena_approximation, fit: usize) -> u64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { of_fit(result, fit) }.map_or(0, |f| f.evaluations[1])
}

/// Draws of fit `fit` in the end. 0 past the last.
///
/// # Safety
/// `result` is NULL or a live report.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_approximation_fit_draws(result: *const catena_approximation, fit: usize) -> usize {
    // SAFETY: the caller vouches for the pointer.
    unsafe { of_fit(result, fit) }.map_or(0, |f| f.draws)
}

/// Seconds that fit `fit` took. NaN past the last.
///
/// # Safety
/// `result` is NULL or a live report.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_approximation_fit_seconds(result: *const catena_approximation, fit: usize) -> f64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { of_fit(result, fit) }.map_or(f64::NAN, |f| f.seconds)
}

/// Frees a report with all that was borrowed from it. NULL is fine.
///
/// # Safety
/// `result` is NULL or came from catena_pathfinder or catena_variational and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_approximation_free(result: *mut catena_approximation) {
    // SAFETY: the caller vouches for the pointer.
    unsafe { free(result) }
}
