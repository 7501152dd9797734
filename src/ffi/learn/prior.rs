//! Priors as handles.

use crate::error::Error;
use crate::ffi::boundary::{free, make, object, slice};
use crate::ffi::error::{catena_error, catena_status};
use crate::learn::Prior;

/// A law that models are drawn from at first. Immutable.
pub struct catena_prior {
    pub(super) prior: Prior,
}

impl catena_prior {
    fn checked(prior: Prior) -> Result<Self, Error> {
        prior.check(prior.dim())?;
        Ok(Self { prior })
    }
}

/// Independent uniforms between `low` and `high`, `dimension` of each.
///
/// # Safety
/// `low` and `high` point to `dimension` numbers; `out` and `error` are NULL or point to places for pointers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_prior_uniform_new(
    dimension: usize,
    low: *const f64,
    high: *const f64,
    out: *mut *mut catena_prior,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    unsafe {
        make(out, error, || {
            let (low, high) = (slice(low, dimension, "low")?.to_vec(), slice(high, dimension, "high")?.to_vec());
            catena_prior::checked(Prior::Uniform { low, high })
        })
    }
}

/// A normal law of `dimension` parameters with this mean and covariance (`dimension` squared numbers; it may be singular).
///
/// # Safety
/// `mean` and `covariance` are as documented; `out` and `error` are NULL or point to places for pointers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_prior_normal_new(
    dimension: usize,
    mean: *const f64,
    covariance: *const f64,
    out: *mut *mut catena_prior,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    unsafe {
        make(out, error, || {
            let mean = slice(mean, dimension, "mean")?.to_vec();
            let covariance = slice(covariance, dimension.saturating_mul(dimension), "covariance")?.to_vec();
            catena_prior::checked(Prior::Normal { mean, covariance })
        })
    }
}

/// One of `rows` draws at random, such as a run of this library wrote: a matrix of `dimension` columns, column by column.
///
/// # Safety
/// `values` points to `rows` times `dimension` numbers; `out` and `error` are NULL or point to places for pointers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_prior_draws_new(
    rows: usize,
    dimension: usize,
    values: *const f64,
    out: *mut *mut catena_prior,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    unsafe {
        make(out, error, || {
            let values = slice(values, rows.saturating_mul(dimension), "values")?.to_vec();
            catena_prior::checked(Prior::Draws { rows, values })
        })
    }
}

/// Independent parts, `count` of them, their parameters one after the other. The parts are copied.
///
/// # Safety
/// `parts` points to `count` live priors; `out` and `error` are NULL or point to places for pointers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_prior_product_new(
    count: usize,
    parts: *const *const catena_prior,
    out: *mut *mut catena_prior,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    unsafe {
        make(out, error, || {
            let part = |p: &*const catena_prior| object(*p, "parts", "a catena_prior").map(|p| p.prior.clone());
            let parts = slice(parts, count, "parts")?.iter().map(part).collect::<Result<_, _>>()?;
            catena_prior::checked(Prior::Product(parts))
        })
    }
}

/// Number of parameters; 0 for NULL.
///
/// # Safety
/// `prior` is NULL or a live prior.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_prior_dimension(prior: *const catena_prior) -> usize {
    // SAFETY: the caller vouches for the pointer.
    unsafe { prior.as_ref() }.map_or(0, |p| p.prior.dim())
}

/// Frees a prior; updaters have copies. NULL is fine.
///
/// # Safety
/// `prior` is NULL or came from one of the functions above and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_prior_free(prior: *mut catena_prior) {
    // SAFETY: the caller vouches for the pointer.
    unsafe { free(prior) }
}
