//! What is done to all traces, or to some.

use super::handle::catena_population;
use crate::error::Error;
use crate::ffi::boundary::{change, guard, put, slice};
use crate::ffi::error::{catena_error, catena_status};
use crate::ffi::resampling::scheme;
use crate::model::Operation;
use crate::particles::Resampling;
use crate::services::Population;
use std::ffi::c_void;

/// The host's operation with its argument, copied.
///
/// # Safety
/// `argument` points to `size` bytes.
pub(super) unsafe fn operation(number: i64, argument: *const c_void, size: usize) -> Result<Operation, Error> {
    // SAFETY: passed on to the caller.
    Ok(Operation::with(number, unsafe { slice(argument.cast::<u8>(), size, "argument")? }))
}

/// How to resample; a count of 0 keeps the number of traces.
fn resampling(count: usize, number: i32, ess_below: f64) -> Result<Resampling, Error> {
    if ess_below.is_nan() || ess_below < 0.0 {
        return Err(Error::argument("ess_below", "a share of the traces, at least 0, or infinity", ess_below));
    }
    Ok(Resampling { count: Some(count).filter(|&n| n > 0), scheme: scheme(number)?, ess_below })
}

/// Does the host's `operation` with `argument` (`size` bytes, copied) to every trace of every set, and adds the increments
/// to the log weights. A trace that the callback rejects (a code above 0) has weight zero from here on.
///
/// When it fails in a trace the error names set, trace and operation, and by the option on_trace_failure the population
/// stays as it was before the call or the trace is lost: dropped, its weight zero, with a warning in the log. The same
/// holds for all functions here.
///
/// # Safety
/// `population` is NULL or a live population; `argument` points to `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_population_apply(
    population: *mut catena_population,
    operation: i64,
    argument: *const c_void,
    size: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    guard(error, || unsafe {
        catena_population::with(population, self::operation(operation, argument, size), Population::apply)
    })
}

/// Makes every trace consistent with its observations, by `incorporate` of the table, and adds the increments.
///
/// # Safety
/// `population` is NULL or a live population.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_population_incorporate(
    population: *mut catena_population,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointer.
    guard(error, || unsafe { change(population)?.incorporate() })
}

/// *Sets* every log weight to the trace's likelihood weight, by `weigh` of the table. The evidence of a set is from here on
/// their mean weight.
///
/// # Safety
/// `population` is NULL or a live population.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_population_likelihood_weight(
    population: *mut catena_population,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointer.
    guard(error, || unsafe { change(population)?.likelihood_weight() })
}

/// Resamples each set by itself to `count` traces (0: as many as it has), by `scheme`, a catena_resampling. Only sets with an
/// effective sample size below `ess_below` times their number of traces are resampled; INFINITY: all. The first use of a
/// parent keeps the trace itself, further ones copy it. Afterwards the weights are level and their sum is what it was, so that
/// the evidence is kept. Each trace alone is a draw from the weights, the first too. CATENA_ALL_LOST when all weights of a set
/// are zero.
///
/// # Safety
/// `population` is NULL or a live population.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_population_resample(
    population: *mut catena_population,
    count: usize,
    scheme: i32,
    ess_below: f64,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the pointer.
        unsafe { catena_population::with(population, resampling(count, scheme, ess_below), Population::resample) }
    })
}

/// As catena_population_resample, the set at place i to `counts[i]` traces. Samples of different sets then differ in
/// distribution, and no set can be grown any more.
///
/// # Safety
/// `population` is NULL or a live population; `counts` points to `num_counts` numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_population_block_resample(
    population: *mut catena_population,
    counts: *const usize,
    num_counts: usize,
    scheme: i32,
    ess_below: f64,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the pointers.
        unsafe {
            let read = resampling(0, scheme, ess_below).and_then(|how| Ok((slice(counts, num_counts, "counts")?, how)));
            catena_population::with(population, read, |p, (counts, how)| p.block_resample(counts, how))
        }
    })
}

/// Begins inference anew: resamples every set to `count` traces (0: as many as it has), sets their weights to 1 and every
/// trace back to the prior, by `reset_to_prior` of the table. The sets stay.
///
/// # Safety
/// `population` is NULL or a live population.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_population_reset_to_prior(
    population: *mut catena_population,
    count: usize,
    scheme: i32,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        let how = resampling(count, scheme, f64::INFINITY);
        // SAFETY: the caller vouches for the pointer.
        unsafe { catena_population::with(population, how, Population::reset_to_prior) }
    })
}

/// Every trace becomes several, by `diversify` of the table; the increments are added to its log weight.
///
/// # Safety
/// `population` is NULL or a live population; `argument` points to `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_population_diversify(
    population: *mut catena_population,
    operation: i64,
    argument: *const c_void,
    size: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    guard(error, || unsafe {
        catena_population::with(population, self::operation(operation, argument, size), Population::diversify)
    })
}

/// In each set, traces with equal fingerprints in `scope` merge: one of them, drawn by weight, is kept, and their weights are
/// summed.
///
/// # Safety
/// `population` is NULL or a live population.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_population_collapse(
    population: *mut catena_population,
    scope: i64,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointer.
    guard(error, || unsafe { change(population)?.collapse(scope) })
}

/// As catena_population_collapse, but the trace of the largest weight is kept, with its own weight.
///
/// # Safety
/// `population` is NULL or a live population.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_population_collapse_map(
    population: *mut catena_population,
    scope: i64,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointer.
    guard(error, || unsafe { change(population)?.collapse_map(scope) })
}

/// Does the host's operation to one trace of the set with id `set`; its increment is added and goes to `*log_increment`,
/// unless that is NULL. No set can be grown afterwards.
///
/// # Safety
/// `population` is NULL or a live population; `argument` points to `size` bytes; `log_increment` is NULL or points to a place
/// for a number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_population_on_trace(
    population: *mut catena_population,
    set: u64,
    trace: usize,
    operation: i64,
    argument: *const c_void,
    size: usize,
    log_increment: *mut f64,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    guard(error, || unsafe {
        let operation = self::operation(operation, argument, size);
        let increment =
            catena_population::with(population, operation, |p, operation| p.on_trace(set, trace, &operation))?;
        if log_increment.is_null() { Ok(()) } else { put(log_increment, increment, "log_increment", "a number") }
    })
}

/// Sets the log weights of the set with id `set`, below infinity; the evidence is from here on their mean weight. No set can
/// be grown afterwards.
///
/// # Safety
/// `population` is NULL or a live population; `log_weights` points to `count` numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_population_set_log_weights(
    population: *mut catena_population,
    set: u64,
    log_weights: *const f64,
    count: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    guard(error, || unsafe {
        let log_weights = slice(log_weights, count, "log_weights");
        catena_population::with(population, log_weights, |p, log_weights| p.set_log_weights(set, log_weights))
    })
}
