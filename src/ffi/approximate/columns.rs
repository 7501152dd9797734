//! The columns of their writers.

use crate::ffi::model::{catena_model, name_at};
use std::ffi::{CStr, c_char};

/// The columns before the outputs.
const PATHFINDER: [&CStr; 3] = [c"lp_approx__", c"lp__", c"path__"];
const VARIATIONAL: [&CStr; 3] = [c"lp__", c"log_p__", c"log_g__"];
const LAPLACE: [&CStr; 2] = [c"log_p__", c"log_q__"];

/// How many columns there are after `first`; 0 for null.
///
/// # Safety
/// `model` is null or a live model.
unsafe fn count(model: *const catena_model, first: &[&CStr]) -> usize {
    // SAFETY: passed on to the caller.
    unsafe { model.as_ref() }.map_or(0, |m| first.len() + m.outputs().len())
}

/// Name of column `index`, of `first` and then the outputs; null past the last.
///
/// # Safety
/// `model` is null or a live model.
unsafe fn column(model: *const catena_model, first: &[&CStr], index: usize) -> *const c_char {
    // SAFETY: passed on to the caller.
    let Some(model) = (unsafe { model.as_ref() }) else { return std::ptr::null() };
    match first.get(index) {
        Some(name) => name.as_ptr(),
        None => name_at(Some(model.outputs()), index - first.len()),
    }
}

/// Number of columns a writer of draws of catena_pathfinder gets. 0 for NULL.
///
/// # Safety
/// `model` is NULL or a live model.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_pathfinder_column_count(model: *const catena_model) -> usize {
    // SAFETY: the caller vouches for the pointer.
    unsafe { count(model, &PATHFINDER) }
}

/// Name of column `index` of a writer of draws of catena_pathfinder, from 0 (lp_approx__, lp__, path__, then the outputs),
/// borrowed from the model; NULL past the last.
///
/// # Safety
/// `model` is NULL or a live model.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_pathfinder_column(model: *const catena_model, index: usize) -> *const c_char {
    // SAFETY: the caller vouches for the pointer.
    unsafe { column(model, &PATHFINDER, index) }
}

/// Number of columns a sample writer of catena_variational gets. 0 for NULL.
///
/// # Safety
/// `model` is NULL or a live model.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_variational_column_count(model: *const catena_model) -> usize {
    // SAFETY: the caller vouches for the pointer.
    unsafe { count(model, &VARIATIONAL) }
}

/// Name of column `index` of a sample writer of catena_variational, from 0 (lp__, log_p__, log_g__, then the outputs),
/// borrowed from the model; NULL past the last.
///
/// # Safety
/// `model` is NULL or a live model.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_variational_column(model: *const catena_model, index: usize) -> *const c_char {
    // SAFETY: the caller vouches for the pointer.
    unsafe { column(model, &VARIATIONAL, index) }
}

/// Number of columns a sample writer of catena_laplace gets. 0 for NULL.
///
/// # Safety
/// `model` is NULL or a live model.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_laplace_column_count(model: *const catena_model) -> usize {
    // SAFETY: the caller vouches for the pointer.
    unsafe { count(model, &LAPLACE) }
}

/// Name of column `index` of a sample writer of catena_laplace, from 0 (log_p__, log_q__, then the outputs), borrowed from the
/// model; NULL past the last.
///
/// # Safety
/// `model` is NULL or a live model.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_laplace_column(model: *const catena_model, index: usize) -> *const c_char {
    // SAFETY: the caller vouches for the pointer.
    unsafe { column(model, &LAPLACE, index) }
}
