//! Options of the adaptation during warm-up.

use super::error::{catena_error, catena_status};
use super::options::{catena_options, set};
use std::ffi::c_int;

/// Other than 0: adapt step size and metric during warm-up. 0 keeps those given. Default 1.
///
/// # Safety
/// `options` is NULL or live options; `error` is NULL or points to a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_adapt(
    options: *mut catena_options,
    value: c_int,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    unsafe {
        set(options, error, |set| {
            set.adapt = value != 0;
            Ok(())
        })
    }
}

/// Target acceptance statistic of the step-size adaptation, strictly between 0 and 1. Default 0.8.
///
/// # Safety
/// `options` is NULL or live options; `error` is NULL or points to a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_delta(
    options: *mut catena_options,
    value: f64,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    unsafe {
        set(options, error, |set| {
            set.adaptation.delta = value;
            Ok(())
        })
    }
}

/// Regularisation scale of the step-size adaptation; finite, above 0. Default 0.05.
///
/// # Safety
/// `options` is NULL or live options; `error` is NULL or points to a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_gamma(
    options: *mut catena_options,
    value: f64,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    unsafe {
        set(options, error, |set| {
            set.adaptation.gamma = value;
            Ok(())
        })
    }
}

/// Relaxation exponent of the step-size adaptation; finite, above 0. Default 0.75.
///
/// # Safety
/// `options` is NULL or live options; `error` is NULL or points to a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_kappa(
    options: *mut catena_options,
    value: f64,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    unsafe {
        set(options, error, |set| {
            set.adaptation.kappa = value;
            Ok(())
        })
    }
}

/// Iteration offset of the step-size adaptation; finite, above 0. Default 10.
///
/// # Safety
/// `options` is NULL or live options; `error` is NULL or points to a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_t0(
    options: *mut catena_options,
    value: f64,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    unsafe {
        set(options, error, |set| {
            set.adaptation.t0 = value;
            Ok(())
        })
    }
}

/// Warm-up iterations before the first metric window. Default 75.
///
/// # Safety
/// `options` is NULL or live options; `error` is NULL or points to a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_init_buffer(
    options: *mut catena_options,
    value: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    unsafe {
        set(options, error, |set| {
            set.adaptation.init_buffer = value;
            Ok(())
        })
    }
}

/// Warm-up iterations of step-size adaptation after the last metric window. Default 50.
///
/// # Safety
/// `options` is NULL or live options; `error` is NULL or points to a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_term_buffer(
    options: *mut catena_options,
    value: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    unsafe {
        set(options, error, |set| {
            set.adaptation.term_buffer = value;
            Ok(())
        })
    }
}

/// Length of the first metric window; later ones double. 0: the metric is not adapted. Default 25.
///
/// # Safety
/// `options` is NULL or live options; `error` is NULL or points to a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_window(
    options: *mut catena_options,
    value: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    unsafe {
        set(options, error, |set| {
            set.adaptation.window = value;
            Ok(())
        })
    }
}
