//! Options of how a run goes: threads, batches, limits, and what a failure does.

use super::error::{catena_error, catena_status};
use super::options::{catena_options, set};
use super::run::catena_pool;
use crate::error::Error;
use crate::services::FailurePolicy;
use std::time::Duration;

/// What one chain's failure does to the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum catena_on_failure {
    /// The failed chain stops alone; the others go on.
    CATENA_ON_FAILURE_STOP_CHAIN = 0,
    /// Every chain stops; what all of them drew is kept.
    CATENA_ON_FAILURE_STOP_RUN = 1,
}

fn policy(number: i32) -> Result<FailurePolicy, Error> {
    match number {
        n if n == catena_on_failure::CATENA_ON_FAILURE_STOP_CHAIN as i32 => Ok(FailurePolicy::StopChain),
        n if n == catena_on_failure::CATENA_ON_FAILURE_STOP_RUN as i32 => Ok(FailurePolicy::StopRun),
        n => Err(Error::argument("on_failure", "a CATENA_ON_FAILURE constant (0 or 1)", n)),
    }
}

/// Threads of the pool; 0: the cores available to the process, cgroup limits included. Default 0.
///
/// # Safety
/// `options` is NULL or live options; `error` is NULL or points to a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_num_threads(
    options: *mut catena_options,
    value: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    unsafe {
        set(options, error, |set| {
            set.options.num_threads = value;
            Ok(())
        })
    }
}

/// What one chain's failure does to the others, one of the CATENA_ON_FAILURE constants. Default
/// CATENA_ON_FAILURE_STOP_CHAIN.
///
/// # Safety
/// `options` is NULL or live options; `error` is NULL or points to a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_on_failure(
    options: *mut catena_options,
    value: i32,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    unsafe {
        set(options, error, |set| {
            set.options.on_failure = policy(value)?;
            Ok(())
        })
    }
}

/// Stop each chain, resumably, after so many gradient evaluations in one call; 0: no limit. Default 0.
///
/// # Safety
/// `options` is NULL or live options; `error` is NULL or points to a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_max_evaluations(
    options: *mut catena_options,
    value: u64,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    unsafe {
        set(options, error, |set| {
            set.options.max_evaluations = value;
            Ok(())
        })
    }
}

/// Run on a pool that other runs may share (borrowed for the call; options and runs keep its threads); NULL: each run has
/// a pool of its own, of as many threads as catena_options_set_num_threads says. Default NULL.
///
/// # Safety
/// `options` is NULL or live options; `pool` is NULL or a live pool; `error` is NULL or points to a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_pool(
    options: *mut catena_options,
    pool: *const catena_pool,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    unsafe {
        set(options, error, |set| {
            set.pool = pool.as_ref().map(catena_pool::share);
            Ok(())
        })
    }
}

/// Evaluate up to so many chains in one call of the model's log_density_gradient_batch, each at its own place in its own
/// tree; 0: each by itself. Default 0.
///
/// # Safety
/// `options` is NULL or live options; `error` is NULL or points to a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_batch_size(
    options: *mut catena_options,
    value: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    unsafe {
        set(options, error, |set| {
            set.options.batch_size = value;
            Ok(())
        })
    }
}

/// Longest time in seconds that an evaluation waits for others to join its batch while their chains still compute; finite,
/// at least 0. A batch that is full, or that no chain is left to join, never waits. Default 0.001.
///
/// # Safety
/// `options` is NULL or live options; `error` is NULL or points to a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_batch_wait(
    options: *mut catena_options,
    value: f64,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    unsafe {
        set(options, error, |set| {
            set.options.batch_wait = Duration::try_from_secs_f64(value)
                .map_err(|_| Error::argument("batch_wait", "a finite number of seconds, at least 0", value))?;
            Ok(())
        })
    }
}
