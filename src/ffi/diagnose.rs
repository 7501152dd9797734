//! Diagnostics of one variable's draws.

use super::boundary::{guard, put, slice};
use super::error::{catena_error, catena_status};
use crate::diagnostics::{self, Draws};
use crate::error::Error;

/// Computes one number from one variable's draws.
///
/// # Safety
/// The pointers are as [`catena_diagnose_rhat`] documents.
unsafe fn diagnose(
    values: *const f64,
    shape: [usize; 4],
    out: *mut f64,
    error: *mut *mut catena_error,
    statistic: impl FnOnce(&Draws<'_>) -> Result<f64, Error>,
) -> catena_status {
    guard(error, || {
        let [chains, draws, chain_stride, draw_stride] = shape;
        let last = chains
            .saturating_sub(1)
            .checked_mul(chain_stride)
            .zip(draws.saturating_sub(1).checked_mul(draw_stride))
            .and_then(|(c, d)| c.checked_add(d)?.checked_add(1));
        let size = last.ok_or_else(|| Error::argument("chain_stride", "strides that fit into memory", chain_stride))?;
        // SAFETY: the caller vouches for every number from the first to the last draw.
        let values = unsafe { slice(values, size, "values")? };
        let draws = Draws::new(values, chains, draws, chain_stride, draw_stride)?;
        // SAFETY: the caller vouches for `out`.
        unsafe { put(out, statistic(&draws)?, "out", "a place for the result") }
    })
}

fn probability(p: f64) -> Result<f64, Error> {
    if (0.0..=1.0).contains(&p) { Ok(p) } else { Err(Error::argument("probability", "a number in [0, 1]", p)) }
}

/// Rank-normalised split R-hat (Vehtari et al. 2021) of one variable. Draw d of chain c is
/// values[c * chain_stride + d * draw_stride]. NaN for too few, constant or non-finite draws.
///
/// # Safety
/// `values` holds every draw; `out` and `error` are NULL or point to places for a number and a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_diagnose_rhat(
    values: *const f64,
    chains: usize,
    draws: usize,
    chain_stride: usize,
    draw_stride: usize,
    out: *mut f64,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: passed on to the caller.
    unsafe { diagnose(values, [chains, draws, chain_stride, draw_stride], out, error, |d| Ok(diagnostics::rhat(d))) }
}

/// Bulk effective sample size; arguments as for catena_diagnose_rhat.
///
/// # Safety
/// `values` holds every draw; `out` and `error` are NULL or point to places for a number and a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_diagnose_ess_bulk(
    values: *const f64,
    chains: usize,
    draws: usize,
    chain_stride: usize,
    draw_stride: usize,
    out: *mut f64,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: passed on to the caller.
    unsafe {
        diagnose(values, [chains, draws, chain_stride, draw_stride], out, error, |d| Ok(diagnostics::ess_bulk(d)))
    }
}

/// Tail effective sample size; arguments as for catena_diagnose_rhat.
///
/// # Safety
/// `values` holds every draw; `out` and `error` are NULL or point to places for a number and a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_diagnose_ess_tail(
    values: *const f64,
    chains: usize,
    draws: usize,
    chain_stride: usize,
    draw_stride: usize,
    out: *mut f64,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: passed on to the caller.
    unsafe {
        diagnose(values, [chains, draws, chain_stride, draw_stride], out, error, |d| Ok(diagnostics::ess_tail(d)))
    }
}

/// Effective sample size for the mean; arguments as for catena_diagnose_rhat.
///
/// # Safety
/// `values` holds every draw; `out` and `error` are NULL or point to places for a number and a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_diagnose_ess_mean(
    values: *const f64,
    chains: usize,
    draws: usize,
    chain_stride: usize,
    draw_stride: usize,
    out: *mut f64,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: passed on to the caller.
    unsafe {
        diagnose(values, [chains, draws, chain_stride, draw_stride], out, error, |d| Ok(diagnostics::ess_mean(d)))
    }
}

/// Monte Carlo standard error of the mean; arguments as for catena_diagnose_rhat.
///
/// # Safety
/// `values` holds every draw; `out` and `error` are NULL or point to places for a number and a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_diagnose_mcse_mean(
    values: *const f64,
    chains: usize,
    draws: usize,
    chain_stride: usize,
    draw_stride: usize,
    out: *mut f64,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: passed on to the caller.
    unsafe {
        diagnose(values, [chains, draws, chain_stride, draw_stride], out, error, |d| Ok(diagnostics::mcse_mean(d)))
    }
}

/// Monte Carlo standard error of the standard deviation; arguments as for catena_diagnose_rhat.
///
/// # Safety
/// `values` holds every draw; `out` and `error` are NULL or point to places for a number and a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_diagnose_mcse_sd(
    values: *const f64,
    chains: usize,
    draws: usize,
    chain_stride: usize,
    draw_stride: usize,
    out: *mut f64,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: passed on to the caller.
    unsafe { diagnose(values, [chains, draws, chain_stride, draw_stride], out, error, |d| Ok(diagnostics::mcse_sd(d))) }
}

/// Monte Carlo standard error of the quantile at `probability`; other arguments as for catena_diagnose_rhat.
///
/// # Safety
/// `values` holds every draw; `out` and `error` are NULL or point to places for a number and a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_diagnose_mcse_quantile(
    values: *const f64,
    chains: usize,
    draws: usize,
    chain_stride: usize,
    draw_stride: usize,
    probability: f64,
    out: *mut f64,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: passed on to the caller.
    unsafe {
        diagnose(values, [chains, draws, chain_stride, draw_stride], out, error, |d| {
            let probability = self::probability(probability)?;
            Ok(diagnostics::mcse_quantile(d, probability))
        })
    }
}

/// Energy Bayesian fraction of missing information (Betancourt 2016), the smallest of the chains'; `values` are the
/// column energy__, other arguments as for catena_diagnose_rhat. Below 0.3 is worth a look; NaN where a chain has too few, or
/// its energies never change.
///
/// # Safety
/// `values` holds every draw; `out` and `error` are NULL or point to places for a number and a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_diagnose_ebfmi(
    values: *const f64,
    chains: usize,
    draws: usize,
    chain_stride: usize,
    draw_stride: usize,
    out: *mut f64,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: passed on to the caller.
    unsafe {
        diagnose(values, [chains, draws, chain_stride, draw_stride], out, error, |d| {
            // Of a chain whose value is not known nobody knows whether it is the smallest.
            let least = |a: f64, b: f64| if a.is_nan() || b.is_nan() { f64::NAN } else { a.min(b) };
            Ok((0..d.chains()).map(|c| diagnostics::ebfmi(d.chain(c))).fold(f64::INFINITY, least))
        })
    }
}
