//! What a chain found, and what it cost.

use super::catena_result;
use crate::error::Error;
use crate::ffi::boundary::{guard, object, slice_mut};
use crate::ffi::error::{catena_error, catena_status};

/// The chain's nominal step size at the end; NaN for a chain that never moves. NaN past the last chain.
///
/// # Safety
/// `result` is NULL or a live result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_result_stepsize(result: *const catena_result, chain: usize) -> f64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { super::chain(result, chain) }.map_or(f64::NAN, |c| c.report.stepsize)
}

/// The target of the acceptance statistic at the chain's end, which warm-up may have raised (`raise_delta`). NaN where the step
/// size was not adapted, and past the last chain.
///
/// # Safety
/// `result` is NULL or a live result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_result_delta(result: *const catena_result, chain: usize) -> f64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { super::chain(result, chain) }.and_then(|c| c.report.delta).unwrap_or(f64::NAN)
}

/// Numbers in the chain's inverse metric: 0 (unit_e), dimension (diag_e) or dimension * dimension (dense_e). 0 past the last chain.
///
/// # Safety
/// `result` is NULL or a live result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_result_inv_metric_size(result: *const catena_result, chain: usize) -> usize {
    // SAFETY: the caller vouches for the pointer.
    unsafe { super::chain(result, chain) }.map_or(0, |c| c.report.inv_metric.len())
}

/// Gradient evaluations in warm-up, those of finding the initial point and step size included. 0 past the last chain.
///
/// # Safety
/// `result` is NULL or a live result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_result_warmup_gradients(result: *const catena_result, chain: usize) -> u64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { super::chain(result, chain) }.map_or(0, |c| c.report.warmup_gradients)
}

/// Gradient evaluations after warm-up. 0 past the last chain.
///
/// # Safety
/// `result` is NULL or a live result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_result_sampling_gradients(result: *const catena_result, chain: usize) -> u64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { super::chain(result, chain) }.map_or(0, |c| c.report.sampling_gradients)
}

/// Divergent transitions after warm-up. 0 past the last chain.
///
/// # Safety
/// `result` is NULL or a live result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_result_divergences(result: *const catena_result, chain: usize) -> u64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { super::chain(result, chain) }.map_or(0, |c| c.report.divergences)
}

/// Transitions after warm-up that reached the largest depth. 0 past the last chain.
///
/// # Safety
/// `result` is NULL or a live result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_result_saturated(result: *const catena_result, chain: usize) -> u64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { super::chain(result, chain) }.map_or(0, |c| c.report.saturated)
}

/// Seconds the chain's warm-up took on its threads. NaN past the last chain.
///
/// # Safety
/// `result` is NULL or a live result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_result_warmup_seconds(result: *const catena_result, chain: usize) -> f64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { super::chain(result, chain) }.map_or(f64::NAN, |c| c.report.warmup_seconds)
}

/// Seconds the chain's sampling took on its threads. NaN past the last chain.
///
/// # Safety
/// `result` is NULL or a live result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_result_sampling_seconds(result: *const catena_result, chain: usize) -> f64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { super::chain(result, chain) }.map_or(f64::NAN, |c| c.report.sampling_seconds)
}

/// Copies the chain's inverse metric at the end; `size` must be catena_result_inv_metric_size.
///
/// # Safety
/// `result` is NULL or a live result; `values` has room for `size` numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_result_inv_metric(
    result: *const catena_result,
    chain: usize,
    values: *mut f64,
    size: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the pointers.
        let (result, values) =
            unsafe { (object(result, "result", "a catena_result")?, slice_mut(values, size, "values")?) };
        let inverse = &result.chain(chain)?.report.inv_metric;
        if inverse.len() != size {
            return Err(Error::argument("size", inverse.len(), size));
        }
        values.copy_from_slice(inverse);
        Ok(())
    })
}
