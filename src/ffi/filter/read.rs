//! Reading what a filter found.

use super::run::catena_filter;
use crate::error::Error;
use crate::ffi::boundary::{guard, object, slice_mut};
use crate::ffi::error::{catena_error, catena_status};
use crate::particles::filter::{Filtered, Step};
use crate::services::FilterSet;

/// The set at place `set`, if it is there.
///
/// # Safety
/// `filter` is null or a live filter.
unsafe fn set_of<'a>(filter: *const catena_filter, set: usize) -> Option<&'a FilterSet> {
    // SAFETY: passed on to the caller.
    unsafe { filter.as_ref() }.and_then(|f| f.report.sets.get(set))
}

/// Copies what `of` finds in a set into the host's array, which must be as long.
///
/// # Safety
/// `filter` is null or a live filter; `values` has room for `size` numbers.
unsafe fn copy<T: Copy>(
    filter: *const catena_filter,
    set: usize,
    values: *mut T,
    size: usize,
    error: *mut *mut catena_error,
    of: impl FnOnce(&FilterSet) -> Result<Vec<T>, Error>,
) -> catena_status {
    guard(error, || {
        // SAFETY: passed on to the caller.
        let (filter, values) =
            unsafe { (object(filter, "filter", "a catena_filter")?, slice_mut(values, size, "values")?) };
        let found = of(filter.set(set)?)?;
        if found.len() != size {
            return Err(Error::argument("size", found.len(), size));
        }
        values.copy_from_slice(&found);
        Ok(())
    })
}

/// The log of the mean of the sets' estimates of the evidence (the likelihood of all observations), which is unbiased as each
/// of them is. NaN for NULL.
///
/// # Safety
/// `filter` is NULL or a live filter.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_filter_log_evidence(filter: *const catena_filter) -> f64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { filter.as_ref() }.map_or(f64::NAN, |f| f.report.evidence().log_estimate)
}

/// Standard error of catena_filter_log_evidence across the independent sets, by the delta method. NaN of one set.
///
/// # Safety
/// `filter` is NULL or a live filter.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_filter_standard_error(filter: *const catena_filter) -> f64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { filter.as_ref() }.map_or(f64::NAN, |f| f.report.evidence().standard_error)
}

/// Number of sets; 0 for NULL.
///
/// # Safety
/// `filter` is NULL or a live filter.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_filter_num_sets(filter: *const catena_filter) -> usize {
    // SAFETY: the caller vouches for the pointer.
    unsafe { filter.as_ref() }.map_or(0, |f| f.report.sets.len())
}

/// Id of the set at place `set`, from 0; 0 past the last.
///
/// # Safety
/// `filter` is NULL or a live filter.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_filter_set_id(filter: *const catena_filter, set: usize) -> u64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { set_of(filter, set) }.map_or(0, |s| s.filtered.set)
}

/// How a set ended: CATENA_OK, or CATENA_ALL_LOST at its last time. CATENA_INVALID_ARGUMENT past the last set.
///
/// # Safety
/// `filter` is NULL or a live filter.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_filter_set_status(filter: *const catena_filter, set: usize) -> catena_status {
    // SAFETY: the caller vouches for the pointer.
    match unsafe { set_of(filter, set) }.map(FilterSet::status) {
        None => catena_status::CATENA_INVALID_ARGUMENT,
        Some(Ok(())) => catena_status::CATENA_OK,
        Some(Err(error)) => error.code().into(),
    }
}

/// A set's own estimate of the log evidence; -INFINITY when it lost all its particles. NaN past the last set.
///
/// # Safety
/// `filter` is NULL or a live filter.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_filter_set_log_evidence(filter: *const catena_filter, set: usize) -> f64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { set_of(filter, set) }.map_or(f64::NAN, |s| s.filtered.log_evidence())
}

/// Times that a set was filtered over: all, or up to the one at which its particles were lost, and with it. 0 past the last
/// set.
///
/// # Safety
/// `filter` is NULL or a live filter.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_filter_num_times(filter: *const catena_filter, set: usize) -> usize {
    // SAFETY: the caller vouches for the pointer.
    unsafe { set_of(filter, set) }.map_or(0, |s| s.filtered.steps.len())
}

fn series(set: &FilterSet, of: impl Fn(&Step) -> f64) -> Result<Vec<f64>, Error> {
    Ok(set.filtered.steps.iter().map(of).collect())
}

/// Copies for each time a set's log of the estimated likelihood of the observations so far; `size` must be
/// catena_filter_num_times.
///
/// # Safety
/// `filter` is NULL or a live filter; `values` has room for `size` numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_filter_log_evidences(
    filter: *const catena_filter,
    set: usize,
    values: *mut f64,
    size: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    unsafe { copy(filter, set, values, size, error, |s| series(s, |step| step.log_evidence)) }
}

/// Copies a set's effective sample size at each time, its observation taken in; `size` must be catena_filter_num_times.
///
/// # Safety
/// `filter` is NULL or a live filter; `values` has room for `size` numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_filter_ess(
    filter: *const catena_filter,
    set: usize,
    values: *mut f64,
    size: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    unsafe { copy(filter, set, values, size, error, |s| series(s, |step| step.ess)) }
}

/// Copies the means of a set's states, `dimension` numbers for each time, given the observations up to it; `size` must be
/// dimension times catena_filter_num_times, or 0 if no moments were wanted.
///
/// # Safety
/// `filter` is NULL or a live filter; `values` has room for `size` numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_filter_means(
    filter: *const catena_filter,
    set: usize,
    values: *mut f64,
    size: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    unsafe { copy(filter, set, values, size, error, |s| Ok(s.filtered.means.clone())) }
}

/// Copies the variances that go with catena_filter_means.
///
/// # Safety
/// `filter` is NULL or a live filter; `values` has room for `size` numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_filter_variances(
    filter: *const catena_filter,
    set: usize,
    values: *mut f64,
    size: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    unsafe { copy(filter, set, values, size, error, |s| Ok(s.filtered.variances.clone())) }
}

/// Copies the trajectories drawn backwards in time: coordinate j of trajectory m at time t is at
/// values[(t * dimension + j) * num_trajectories + m]. `size` is their product, or 0 for a set that was lost.
///
/// # Safety
/// `filter` is NULL or a live filter; `values` has room for `size` numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_filter_trajectories(
    filter: *const catena_filter,
    set: usize,
    values: *mut f64,
    size: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    unsafe { copy(filter, set, values, size, error, |s| Ok(s.trajectories.clone())) }
}

/// The set, when the particles of all its times were kept.
fn whole(set: &FilterSet) -> Result<&Filtered, Error> {
    let of = &set.filtered;
    if (0..of.steps.len()).all(|time| of.cloud(time).is_some()) {
        return Ok(of);
    }
    Err(Error::argument("options.history", "1, so that the particles of all times are kept", 0).in_set(of.set))
}

/// Copies the path that led to particle `particle` of the last time, through its ancestors: `dimension` numbers for each time.
/// Wants the option `history`.
///
/// # Safety
/// `filter` is NULL or a live filter; `values` has room for `size` numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_filter_lineage(
    filter: *const catena_filter,
    set: usize,
    particle: usize,
    values: *mut f64,
    size: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    let lineage = |s: &FilterSet| {
        let of = whole(s)?;
        if particle >= of.layout.particles {
            return Err(Error::argument("particle", format!("less than {}", of.layout.particles), particle));
        }
        Ok(of.lineage(particle))
    };
    // SAFETY: the caller vouches for the pointers.
    unsafe { copy(filter, set, values, size, error, lineage) }
}

/// Copies for each time how many of its particles have descendants at the last time; `size` must be catena_filter_num_times.
/// Wants the option `history`.
///
/// # Safety
/// `filter` is NULL or a live filter; `values` has room for `size` numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_filter_survivors(
    filter: *const catena_filter,
    set: usize,
    values: *mut usize,
    size: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    unsafe { copy(filter, set, values, size, error, |s| Ok(whole(s)?.survivors())) }
}

/// Copies the particles of a set at `time`: `states`, num_particles rows and dimension columns, column by column;
/// `log_weights`, not normalised; `ancestors`, for each particle the one of the time before that it came from. Any of them
/// may be NULL. Times other than the last want the option `history`.
///
/// # Safety
/// `filter` is NULL or a live filter; the arrays are NULL or as long as `num_particles` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_filter_particles(
    filter: *const catena_filter,
    set: usize,
    time: usize,
    num_particles: usize,
    states: *mut f64,
    log_weights: *mut f64,
    ancestors: *mut u32,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the pointer.
        let of = &unsafe { object(filter, "filter", "a catena_filter")? }.set(set)?.filtered;
        let n = of.layout.particles;
        if num_particles != n {
            return Err(Error::argument("num_particles", n, num_particles));
        }
        let kept = || {
            let last = of.steps.len() - 1;
            let expected = format!("the last time, {last}, or an earlier one with the option history");
            Error::argument("time", expected, time).in_set(of.set)
        };
        let cloud = of.cloud(time).ok_or_else(kept)?;
        if !states.is_null() {
            // SAFETY: not null, and the caller vouches for its length.
            let states = unsafe { slice_mut(states, n * of.layout.dim, "states")? };
            states.chunks_mut(n).enumerate().for_each(|(j, column)| of.layout.column(&cloud.states, j, column));
        }
        if !log_weights.is_null() {
            // SAFETY: as above.
            unsafe { slice_mut(log_weights, n, "log_weights")? }.copy_from_slice(&cloud.log_weights);
        }
        if !ancestors.is_null() {
            // SAFETY: as above.
            let out = unsafe { slice_mut(ancestors, n, "ancestors")? };
            if cloud.ancestors.is_empty() {
                out.iter_mut().zip(0..).for_each(|(out, own)| *out = own);
            } else {
                out.copy_from_slice(&cloud.ancestors);
            }
        }
        Ok(())
    })
}
