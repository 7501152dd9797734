//! What data do to an updater, and what a host puts into it.

use super::handle::{catena_updater, experiments_of};
use crate::error::Error;
use crate::ffi::boundary::{change, guard, look, slice, slice_mut};
use crate::ffi::error::{catena_error, catena_status};
use crate::model::Likelihood;

/// Takes in one datum: `outcome` (the outcome's width of numbers) of `experiment` (a number for each field). Every set's
/// weights are multiplied by the likelihoods, then models move on by `update_timestep`, then sets whose effective sample size
/// is below the threshold are resampled. On failure the state is what it was.
///
/// # Safety
/// `updater` is NULL or a live updater; the arrays are as documented; `error` is NULL or points to a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_updater_update(
    updater: *mut catena_updater,
    outcome: *const f64,
    experiment: *const f64,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the pointers.
        unsafe {
            let mut learner = change(updater)?;
            let one = experiments_of(&learner, 1, experiment)?;
            let outcome = slice(outcome, learner.model().outcome().width, "outcome")?;
            learner.update(outcome, &one, 0)
        }
    })
}

/// Takes in `n` data one after the other: row i of `outcomes` and row i of `experiments`, both column by column. Sets are
/// looked at for resampling after every `resample_interval` data (5 is usual). On failure the error names the datum, and those
/// before it are taken in.
///
/// # Safety
/// As for catena_updater_update.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_updater_batch_update(
    updater: *mut catena_updater,
    n: usize,
    outcomes: *const f64,
    experiments: *const f64,
    resample_interval: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the pointers.
        unsafe {
            let mut learner = change(updater)?;
            let table = experiments_of(&learner, n, experiments)?;
            let size = n.saturating_mul(learner.model().outcome().width);
            learner.batch_update(slice(outcomes, size, "outcomes")?, &table, resample_interval)
        }
    })
}

/// What a set's weights would be after each of `n_o` outcomes in each of `n_e` experiments: normalised weights at
/// weights[(e * n_o + o) * models + m], and logs of the predictive probabilities at log_normalizations[e * n_o + o]. Either may
/// be NULL. `size` is the number of weights there is room for, n_e * n_o * catena_updater_set_size (not looked at for NULL).
/// The set stays as it is.
///
/// # Safety
/// As for catena_updater_update.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_updater_hypothetical_update(
    updater: *const catena_updater,
    set: u64,
    n_o: usize,
    outcomes: *const f64,
    n_e: usize,
    experiments: *const f64,
    weights: *mut f64,
    size: usize,
    log_normalizations: *mut f64,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the pointers.
        unsafe {
            let learner = look(updater)?;
            let table = experiments_of(&learner, n_e, experiments)?;
            let outcomes = slice(outcomes, n_o.saturating_mul(learner.model().outcome().width), "outcomes")?;
            let models = catena_updater::set(updater, set)?.len();
            if !weights.is_null() && size != models * n_o * n_e {
                return Err(Error::argument("size", models * n_o * n_e, size));
            }
            let cells = learner.hypothetical_update(set, outcomes, &table)?;
            if !weights.is_null() {
                slice_mut(weights, size, "weights")?.copy_from_slice(&cells.weights);
            }
            if !log_normalizations.is_null() {
                let out = slice_mut(log_normalizations, n_o * n_e, "log_normalizations")?;
                out.copy_from_slice(&cells.log_normalizations);
            }
            Ok(())
        }
    })
}

/// Resamples every set now, to `num_models` models each (0: as many as it has).
///
/// # Safety
/// `updater` is NULL or a live updater; `error` is NULL or points to a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_updater_resample(
    updater: *mut catena_updater,
    num_models: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    guard(error, || unsafe { change(updater)?.resample((num_models > 0).then_some(num_models)) })
}

/// Begins anew from the prior, without data. The models are others than before.
///
/// # Safety
/// `updater` is NULL or a live updater; `error` is NULL or points to a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_updater_reset(
    updater: *mut catena_updater,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    guard(error, || unsafe { change(updater)?.reset() })
}

/// Puts `n` models (a matrix, column by column) and their weights (not negative) in the place of a set's. What was learnt so
/// far is kept in the total likelihood.
///
/// # Safety
/// `updater` is NULL or a live updater; the arrays are as documented; `error` is NULL or points to a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_updater_set_models(
    updater: *mut catena_updater,
    set: u64,
    n: usize,
    models: *const f64,
    weights: *const f64,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the pointers.
        unsafe {
            let mut learner = change(updater)?;
            let size = n.saturating_mul(learner.updater().names().len());
            learner.set_models(set, slice(models, size, "models")?, slice(weights, n, "weights")?)
        }
    })
}

/// *Sets* the log weights of a set, one for each model (below INFINITY, not NaN); their mean counts as 1 from here on.
///
/// # Safety
/// As for catena_updater_set_models.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_updater_set_log_weights(
    updater: *mut catena_updater,
    set: u64,
    log_weights: *const f64,
    size: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the pointers.
        unsafe { change(updater)?.set_log_weights(set, slice(log_weights, size, "log_weights")?) }
    })
}
