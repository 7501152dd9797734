//! A model's gradient against finite differences.

use super::boundary::{free, make, object};
use super::error::{c_text, catena_error, catena_status};
use super::init::catena_init;
use super::model::{catena_model, model};
use super::options::catena_options;
use super::watch::{HostLogger, catena_logger};
use crate::services::{CoordinateCheck, GradientCheck, GradientOptions, diagnose_gradient};
use std::ffi::{CString, c_char};

/// What catena_diagnose_gradient found. Immutable.
pub struct catena_gradient_check {
    check: GradientCheck,
    text: CString,
}

/// Compares the model's gradient with central differences (f(x + epsilon) - f(x - epsilon)) / (2 epsilon), coordinate by
/// coordinate, at the point where the chain init_chain_id of a run with these options (seed, init_radius) would start from
/// `init` (NULL: all drawn). `threshold` is the largest absolute difference that is no failure; Stan has 1e-6 for both
/// numbers. `logger` may be NULL. The model is called from one thread at a time: a pool's while the point is found, then
/// the calling one.
///
/// # Safety
/// The pointers are NULL or as documented; `out` and `error` are NULL or point to places for pointers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_diagnose_gradient(
    model: *const catena_model,
    options: *const catena_options,
    init: *const catena_init,
    logger: *const catena_logger,
    epsilon: f64,
    threshold: f64,
    out: *mut *mut catena_gradient_check,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the table. It is released by this call whatever else is wrong.
    let logger = unsafe { HostLogger::new(logger) };
    let new = || {
        let logger = logger?;
        // SAFETY: the caller vouches for the pointers.
        let ((model, _held), options, init) = unsafe {
            let options = object(options, "options", "catena_options")?.run().0;
            (self::model(model)?, options, init.as_ref())
        };
        let options = GradientOptions {
            epsilon,
            threshold,
            seed: options.seed,
            chain_id: options.init_chain_id,
            init_radius: options.init_radius,
            init: init.map(|i| i.context()),
            logger: &logger,
        };
        let check = diagnose_gradient(model, &options)?;
        Ok(catena_gradient_check { text: c_text(&check.to_string()), check })
    };
    // SAFETY: the caller vouches for both places.
    unsafe { make(out, error, new) }
}

/// A number of coordinate `index`; NaN past the last.
///
/// # Safety
/// `check` is null or a live check.
unsafe fn number(check: *const catena_gradient_check, index: usize, of: impl Fn(&CoordinateCheck) -> f64) -> f64 {
    // SAFETY: passed on to the caller.
    unsafe { check.as_ref() }.and_then(|c| c.check.coordinates.get(index)).map_or(f64::NAN, of)
}

/// Number of coordinates; 0 for NULL.
///
/// # Safety
/// `check` is NULL or a live check.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_gradient_check_size(check: *const catena_gradient_check) -> usize {
    // SAFETY: the caller vouches for the pointer.
    unsafe { check.as_ref() }.map_or(0, |c| c.check.coordinates.len())
}

/// Number of coordinates whose error is above the threshold or no number; 0 for NULL.
///
/// # Safety
/// `check` is NULL or a live check.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_gradient_check_failures(check: *const catena_gradient_check) -> usize {
    // SAFETY: the caller vouches for the pointer.
    unsafe { check.as_ref() }.map_or(0, |c| c.check.failures)
}

/// Log density at the point; NaN for NULL.
///
/// # Safety
/// `check` is NULL or a live check.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_gradient_check_log_density(check: *const catena_gradient_check) -> f64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { check.as_ref() }.map_or(f64::NAN, |c| c.check.log_density)
}

/// Value of coordinate `index`, from 0; NaN past the last.
///
/// # Safety
/// `check` is NULL or a live check.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_gradient_check_value(check: *const catena_gradient_check, index: usize) -> f64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { number(check, index, |c| c.value) }
}

/// The model's derivative by coordinate `index`, from 0; NaN past the last.
///
/// # Safety
/// `check` is NULL or a live check.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_gradient_check_model(check: *const catena_gradient_check, index: usize) -> f64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { number(check, index, |c| c.model) }
}

/// The central difference by coordinate `index`, from 0; NaN where the model refused one of its points, and past the last.
///
/// # Safety
/// `check` is NULL or a live check.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_gradient_check_finite_difference(
    check: *const catena_gradient_check,
    index: usize,
) -> f64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { number(check, index, |c| c.finite_difference) }
}

/// The model's derivative minus the central difference for coordinate `index`, from 0; NaN past the last.
///
/// # Safety
/// `check` is NULL or a live check.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_gradient_check_error(check: *const catena_gradient_check, index: usize) -> f64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { number(check, index, |c| c.error) }
}

/// Stan's table, several lines: param idx, value, model, finite diff, error. Borrowed from the check; empty for NULL.
///
/// # Safety
/// `check` is NULL or a live check.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_gradient_check_text(check: *const catena_gradient_check) -> *const c_char {
    // SAFETY: the caller vouches for the pointer.
    unsafe { check.as_ref() }.map_or(c"".as_ptr(), |c| c.text.as_ptr())
}

/// Frees a check with all that was borrowed from it. NULL is fine.
///
/// # Safety
/// `check` is NULL or came from catena_diagnose_gradient and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_gradient_check_free(check: *mut catena_gradient_check) {
    // SAFETY: the caller vouches for the pointer.
    unsafe { free(check) }
}
