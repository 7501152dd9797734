//! A setter for each of the options that were there before options had names. All are one call of the setter by name; an
//! option that comes to the table gets none.
//!
//! # Safety
//! `options` is NULL or live options that nobody else uses; `error` is NULL or points to a place for a pointer.
#![allow(clippy::missing_safety_doc)]

use super::{catena_options, set};
use crate::ffi::error::{catena_error, catena_status};
use crate::services::Given;
use std::ffi::c_int;

/// Number of chains, at least 1. Default 4.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_num_chains(
    options: *mut catena_options,
    value: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: passed on to the caller.
    unsafe { set(options, "num_chains", Given::Whole(value as u64), error) }
}

/// Id of the first chain, at least 1; chain i of the run has id init_chain_id + i. Default 1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_init_chain_id(
    options: *mut catena_options,
    value: u64,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: passed on to the caller.
    unsafe { set(options, "init_chain_id", Given::Whole(value), error) }
}

/// Seed of all random streams. Default 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_seed(
    options: *mut catena_options,
    value: u64,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: passed on to the caller.
    unsafe { set(options, "seed", Given::Whole(value), error) }
}

/// Warm-up iterations. Default 200; 1000 with Stan's metrics.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_num_warmup(
    options: *mut catena_options,
    value: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: passed on to the caller.
    unsafe { set(options, "num_warmup", Given::Whole(value as u64), error) }
}

/// Iterations after warm-up. Default 1000.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_num_samples(
    options: *mut catena_options,
    value: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: passed on to the caller.
    unsafe { set(options, "num_samples", Given::Whole(value as u64), error) }
}

/// Keep every `value`-th iteration, counted from 0 separately in warm-up and sampling; at least 1. Default 1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_thin(
    options: *mut catena_options,
    value: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: passed on to the caller.
    unsafe { set(options, "thin", Given::Whole(value as u64), error) }
}

/// Other than 0: write the warm-up iterations too. Default 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_save_warmup(
    options: *mut catena_options,
    value: c_int,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: passed on to the caller.
    unsafe { set(options, "save_warmup", Given::Whole((value != 0).into()), error) }
}

/// Log progress every so many iterations of a chain; 0 never. Default 100.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_refresh(
    options: *mut catena_options,
    value: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: passed on to the caller.
    unsafe { set(options, "refresh", Given::Whole(value as u64), error) }
}

/// Initial values not given are uniform on (-radius, radius) on the unconstrained scale; finite, at least 0. Default 2.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_init_radius(
    options: *mut catena_options,
    value: f64,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: passed on to the caller.
    unsafe { set(options, "init_radius", Given::Number(value), error) }
}

/// The shape of the metric, one of the CATENA_METRIC constants. Default CATENA_METRIC_AUTO.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_metric(
    options: *mut catena_options,
    value: i32,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: passed on to the caller.
    unsafe { set(options, "metric", Given::Number(value.into()), error) }
}

/// Step size before adaptation; finite, above 0. Default 1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_stepsize(
    options: *mut catena_options,
    value: f64,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: passed on to the caller.
    unsafe { set(options, "stepsize", Given::Number(value), error) }
}

/// Each transition's step size is uniform within this fraction of the nominal one; in [0, 1]. Default 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_stepsize_jitter(
    options: *mut catena_options,
    value: f64,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: passed on to the caller.
    unsafe { set(options, "stepsize_jitter", Given::Number(value), error) }
}

/// Most doublings of a NUTS trajectory, 1 to 20. Default 10.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_max_depth(
    options: *mut catena_options,
    value: u32,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: passed on to the caller.
    unsafe { set(options, "max_depth", Given::Whole(value.into()), error) }
}

/// Integration time of a static trajectory; finite, above 0. Default 2 pi.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_int_time(
    options: *mut catena_options,
    value: f64,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: passed on to the caller.
    unsafe { set(options, "int_time", Given::Number(value), error) }
}

/// Energy error above which a trajectory counts as divergent; finite, above 0. Default 1000.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_max_energy_error(
    options: *mut catena_options,
    value: f64,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: passed on to the caller.
    unsafe { set(options, "max_energy_error", Given::Number(value), error) }
}

/// Other than 0: adapt step size and metric during warm-up. 0 keeps those given. Default 1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_adapt(
    options: *mut catena_options,
    value: c_int,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: passed on to the caller.
    unsafe { set(options, "adapt", Given::Whole((value != 0).into()), error) }
}

/// Target acceptance statistic of the step-size adaptation, strictly between 0 and 1. Default 0.7; 0.8
/// with Stan's metrics.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_delta(
    options: *mut catena_options,
    value: f64,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: passed on to the caller.
    unsafe { set(options, "delta", Given::Number(value), error) }
}

/// Regularisation scale of the step-size adaptation; finite, above 0. Default 0.05.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_gamma(
    options: *mut catena_options,
    value: f64,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: passed on to the caller.
    unsafe { set(options, "gamma", Given::Number(value), error) }
}

/// Relaxation exponent of the step-size adaptation; finite, above 0. Default 0.75.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_kappa(
    options: *mut catena_options,
    value: f64,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: passed on to the caller.
    unsafe { set(options, "kappa", Given::Number(value), error) }
}

/// Iteration offset of the step-size adaptation; finite, above 0. Default 10.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_t0(
    options: *mut catena_options,
    value: f64,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: passed on to the caller.
    unsafe { set(options, "t0", Given::Number(value), error) }
}

/// Warm-up iterations before the first metric window. Default 75.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_init_buffer(
    options: *mut catena_options,
    value: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: passed on to the caller.
    unsafe { set(options, "init_buffer", Given::Whole(value as u64), error) }
}

/// Warm-up iterations of step-size adaptation after the last metric window. Default 50.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_term_buffer(
    options: *mut catena_options,
    value: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: passed on to the caller.
    unsafe { set(options, "term_buffer", Given::Whole(value as u64), error) }
}

/// Length of the first metric window; later ones double. 0: the metric is not adapted. Default 25.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_window(
    options: *mut catena_options,
    value: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: passed on to the caller.
    unsafe { set(options, "window", Given::Whole(value as u64), error) }
}

/// Threads of the pool; 0: the cores available to the process, cgroup limits included. Default 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_num_threads(
    options: *mut catena_options,
    value: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: passed on to the caller.
    unsafe { set(options, "num_threads", Given::Whole(value as u64), error) }
}

/// What one chain's failure does to the others, one of the CATENA_ON_FAILURE constants. Default
/// CATENA_ON_FAILURE_STOP_CHAIN.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_on_failure(
    options: *mut catena_options,
    value: i32,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: passed on to the caller.
    unsafe { set(options, "on_failure", Given::Number(value.into()), error) }
}

/// Stop each chain, resumably, after so many gradient evaluations in one call; 0: no limit. Default 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_max_evaluations(
    options: *mut catena_options,
    value: u64,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: passed on to the caller.
    unsafe { set(options, "max_evaluations", Given::Whole(value), error) }
}

/// Evaluate up to so many chains in one call of the model's log_density_gradient_batch, each at its own place in its own
/// tree; 0: each by itself. Default 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_batch_size(
    options: *mut catena_options,
    value: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: passed on to the caller.
    unsafe { set(options, "batch_size", Given::Whole(value as u64), error) }
}

/// Longest time in seconds that an evaluation waits for others to join its batch while their chains still compute; finite,
/// at least 0. A batch that is full, or that no chain is left to join, never waits. Default 0.001.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_batch_wait(
    options: *mut catena_options,
    value: f64,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: passed on to the caller.
    unsafe { set(options, "batch_wait", Given::Number(value), error) }
}
