//! Reading an updater's sets and records.

use super::handle::catena_updater;
use crate::error::Error;
use crate::ffi::boundary::{guard, look, put, slice_mut};
use crate::ffi::error::{catena_error, catena_status};
use crate::learn::ModelSet;

/// Copies what `of` finds in a set into the host's array, which must be as long.
///
/// # Safety
/// `updater` is null or a live updater; `values` has room for `size` numbers.
pub(super) unsafe fn copy(
    updater: *const catena_updater,
    set: u64,
    values: *mut f64,
    size: usize,
    error: *mut *mut catena_error,
    of: impl FnOnce(&ModelSet) -> Result<Vec<f64>, Error>,
) -> catena_status {
    guard(error, || {
        // SAFETY: passed on to the caller.
        let (set, values) = unsafe { (catena_updater::set(updater, set)?, slice_mut(values, size, "values")?) };
        let found = of(&set)?;
        if found.len() != size {
            return Err(Error::argument("size", found.len(), size));
        }
        values.copy_from_slice(&found);
        Ok(())
    })
}

/// What `of` finds in a set, or `otherwise` where there is none.
///
/// # Safety
/// `updater` is null or a live updater.
unsafe fn ask<R>(updater: *const catena_updater, set: u64, otherwise: R, of: impl FnOnce(&ModelSet) -> R) -> R {
    // SAFETY: passed on to the caller.
    unsafe { catena_updater::set(updater, set) }.map_or(otherwise, |set| of(&set))
}

/// Number of sets; 0 for NULL.
///
/// # Safety
/// `updater` is NULL or a live updater.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_updater_num_sets(updater: *const catena_updater) -> usize {
    // SAFETY: the caller vouches for the pointer.
    unsafe { look(updater) }.map_or(0, |u| u.updater().sets().len())
}

/// Id of the set at `place`, from 0; 0 past the last.
///
/// # Safety
/// `updater` is NULL or a live updater.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_updater_set_id(updater: *const catena_updater, place: usize) -> u64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { look(updater) }.map_or(0, |u| u.updater().sets().get(place).map_or(0, ModelSet::id))
}

/// Number of models of the set with id `set`; 0 when there is none.
///
/// # Safety
/// `updater` is NULL or a live updater.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_updater_set_size(updater: *const catena_updater, set: u64) -> usize {
    // SAFETY: the caller vouches for the pointer.
    unsafe { ask(updater, set, 0, ModelSet::len) }
}

/// The models of a set: a matrix of set_size rows, column by column; `size` numbers in all.
///
/// # Safety
/// `updater` is NULL or a live updater; `values` has room for `size` numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_updater_models(
    updater: *const catena_updater,
    set: u64,
    values: *mut f64,
    size: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    unsafe { copy(updater, set, values, size, error, |set| Ok(set.models())) }
}

/// The normalised weights of a set's models.
///
/// # Safety
/// As for catena_updater_models.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_updater_weights(
    updater: *const catena_updater,
    set: u64,
    values: *mut f64,
    size: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    unsafe { copy(updater, set, values, size, error, |set| Ok(set.weights())) }
}

/// The log weights of a set's models, not normalised.
///
/// # Safety
/// As for catena_updater_models.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_updater_log_weights(
    updater: *const catena_updater,
    set: u64,
    values: *mut f64,
    size: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    unsafe { copy(updater, set, values, size, error, |set| Ok(set.log_weights())) }
}

/// Effective sample size of a set; NaN when there is no such set.
///
/// # Safety
/// `updater` is NULL or a live updater.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_updater_ess(updater: *const catena_updater, set: u64) -> f64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { ask(updater, set, f64::NAN, ModelSet::ess) }
}

/// The smallest effective sample size of a set so far, as it was before resampling; NaN when there is no such set.
///
/// # Safety
/// `updater` is NULL or a live updater.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_updater_least_ess(updater: *const catena_updater, set: u64) -> f64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { ask(updater, set, f64::NAN, |set| set.notes().least_ess) }
}

/// How often a set was resampled.
///
/// # Safety
/// `updater` is NULL or a live updater.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_updater_resamples(updater: *const catena_updater, set: u64) -> u64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { ask(updater, set, 0, |set| set.notes().resamples) }
}

/// Data that a set left out, or after which it was begun anew, since no model explained them.
///
/// # Safety
/// `updater` is NULL or a live updater.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_updater_lost(updater: *const catena_updater, set: u64) -> u64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { ask(updater, set, 0, |set| set.notes().lost) }
}

/// Models of a set that found no valid place in all tries of a resampling and stayed where they came from.
///
/// # Safety
/// `updater` is NULL or a live updater.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_updater_stuck(updater: *const catena_updater, set: u64) -> u64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { ask(updater, set, 0, |set| set.notes().stuck) }
}

/// The divergences of a set's resamplings, in nats, catena_updater_resamples of them, where the options ask for them.
///
/// # Safety
/// As for catena_updater_models.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_updater_divergences(
    updater: *const catena_updater,
    set: u64,
    values: *mut f64,
    size: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    unsafe { copy(updater, set, values, size, error, |set| Ok(set.notes().divergences.clone())) }
}

/// Number of data taken in.
///
/// # Safety
/// `updater` is NULL or a live updater.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_updater_num_records(updater: *const catena_updater) -> usize {
    // SAFETY: the caller vouches for the pointer.
    unsafe { look(updater) }.map_or(0, |u| u.updater().records().len())
}

/// Datum `index`: the outcome's numbers and the experiment's fields, each as many as the table says.
///
/// # Safety
/// `updater` is NULL or a live updater; `outcome` and `experiment` have room for them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_updater_record(
    updater: *const catena_updater,
    index: usize,
    outcome: *mut f64,
    experiment: *mut f64,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the pointers.
        unsafe {
            let learner = look(updater)?;
            let records = learner.updater().records();
            let record = records.get(index);
            let record = record.ok_or_else(|| Error::argument("index", format!("below {}", records.len()), index))?;
            slice_mut(outcome, record.outcome.len(), "outcome")?.copy_from_slice(&record.outcome);
            slice_mut(experiment, record.experiment.len(), "experiment")?.copy_from_slice(&record.experiment);
            Ok(())
        }
    })
}

/// Logs of a set's normalisations: the predictive probability (density) of each datum, given those before.
///
/// # Safety
/// As for catena_updater_models.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_updater_log_normalizations(
    updater: *const catena_updater,
    set: u64,
    values: *mut f64,
    size: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    unsafe { copy(updater, set, values, size, error, |set| Ok(set.notes().log_normalizations.clone())) }
}

/// A set's estimate of the log probability (density) of all data; NaN when there is no such set.
///
/// # Safety
/// `updater` is NULL or a live updater.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_updater_log_likelihood(updater: *const catena_updater, set: u64) -> f64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { ask(updater, set, f64::NAN, ModelSet::log_total_likelihood) }
}

/// The log of the mean of the sets' estimates of the probability (density) of all data, with its standard error across them
/// (NaN of one set) unless `standard_error` is NULL. NaN for NULL.
///
/// # Safety
/// `updater` is NULL or a live updater; `standard_error` is NULL or points to a place for a number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_updater_pooled_log_likelihood(
    updater: *const catena_updater,
    standard_error: *mut f64,
) -> f64 {
    // SAFETY: the caller vouches for the pointers.
    unsafe {
        let Ok(updater) = look(updater) else { return f64::NAN };
        let evidence = updater.updater().log_total_likelihood();
        let _ = put(standard_error, evidence.standard_error, "standard_error", "a place for a number");
        evidence.log_estimate
    }
}
