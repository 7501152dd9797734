//! What a run of sets reports.

use crate::error::{Code, Error};
use crate::ffi::boundary::free;
use crate::ffi::error::catena_error;
use crate::particles::mover::StageRecord;
use crate::services::{SetOutcome, SmcReport, SmcSet};

/// How a set of particles ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum catena_set_outcome {
    /// It has come to the end of its path.
    CATENA_SET_FINISHED = 0,
    /// All its particles have lost their weight: its log evidence is -INFINITY.
    CATENA_SET_LOST = 1,
    /// Its path could not be followed to the end, or not in as many stages as were allowed.
    CATENA_SET_STALLED = 2,
    /// Ended by the interrupt, or by another set's failure.
    CATENA_SET_STOPPED = 3,
    /// It failed: see catena_smc_result_set_error.
    CATENA_SET_FAILED = 4,
}

/// What catena_sample_smc reports: one entry per set, in the order of their ids. Immutable.
pub struct catena_smc_result {
    pub(in crate::ffi) report: SmcReport,
    errors: Vec<Option<catena_error>>,
}

impl catena_smc_result {
    /// Sets `*out` to NULL.
    ///
    /// # Safety
    /// `out` is null or points to a place for a pointer.
    pub(super) unsafe fn expect_place(out: *mut *mut Self) -> Result<(), Error> {
        if out.is_null() {
            return Err(Error::argument("out", "a place for the result", "NULL"));
        }
        // SAFETY: not null; passed on to the caller.
        unsafe { *out = std::ptr::null_mut() };
        Ok(())
    }

    /// Hands a report out and returns its status.
    ///
    /// # Safety
    /// `out` points to a place for a pointer.
    pub(super) unsafe fn give(report: SmcReport, out: *mut *mut Self) -> Result<(), Error> {
        let status = report.status();
        if report.sets.is_empty() {
            return status.and_then(|()| Err(Error::new(Code::Interrupted, "no set began")));
        }
        let errors = report.sets.iter().map(|set| set.error().map(catena_error::new)).collect();
        // SAFETY: passed on to the caller.
        unsafe { *out = Box::into_raw(Box::new(Self { report, errors })) };
        status
    }
}

/// Set `set` of a result, if both exist.
///
/// # Safety
/// `result` is null or a live result.
unsafe fn of_set<'a>(result: *const catena_smc_result, set: usize) -> Option<&'a SmcSet> {
    // SAFETY: passed on to the caller.
    unsafe { result.as_ref() }.and_then(|r| r.report.sets.get(set))
}

/// A number of stage `stage` of set `set`; NaN past the last.
///
/// # Safety
/// `result` is null or a live result.
unsafe fn of_stage(
    result: *const catena_smc_result,
    set: usize,
    stage: usize,
    of: impl Fn(&StageRecord) -> f64,
) -> f64 {
    // SAFETY: passed on to the caller.
    unsafe { of_set(result, set) }.and_then(|s| s.stages.get(stage)).map_or(f64::NAN, of)
}

/// Log evidence of all sets together: log of the mean evidence of those that finished or lost all their particles. NaN of
/// none, and for NULL.
///
/// # Safety
/// `result` is NULL or a live result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_smc_result_log_evidence(result: *const catena_smc_result) -> f64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { result.as_ref() }.map_or(f64::NAN, |r| r.report.log_evidence)
}

/// Standard error of the log evidence: across the sets, by the delta method; of one set, as estimated within it. INFINITY
/// where the evidence is zero; NaN for NULL.
///
/// # Safety
/// `result` is NULL or a live result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_smc_result_standard_error(result: *const catena_smc_result) -> f64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { result.as_ref() }.map_or(f64::NAN, |r| r.report.standard_error)
}

/// Number of sets; 0 for NULL.
///
/// # Safety
/// `result` is NULL or a live result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_smc_result_num_sets(result: *const catena_smc_result) -> usize {
    // SAFETY: the caller vouches for the pointer.
    unsafe { result.as_ref() }.map_or(0, |r| r.report.sets.len())
}

/// Id of set `set` (counted from 0). 0 past the last set.
///
/// # Safety
/// `result` is NULL or a live result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_smc_result_set_id(result: *const catena_smc_result, set: usize) -> u64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { of_set(result, set) }.map_or(0, |s| s.set_id)
}

/// How set `set` ended. CATENA_SET_STOPPED past the last set.
///
/// # Safety
/// `result` is NULL or a live result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_smc_result_set_outcome(
    result: *const catena_smc_result,
    set: usize,
) -> catena_set_outcome {
    use catena_set_outcome::*;
    // SAFETY: the caller vouches for the pointer.
    match unsafe { of_set(result, set) }.map(|s| &s.outcome) {
        Some(SetOutcome::Finished) => CATENA_SET_FINISHED,
        Some(SetOutcome::Lost) => CATENA_SET_LOST,
        Some(SetOutcome::Stalled) => CATENA_SET_STALLED,
        Some(SetOutcome::Failed(_)) => CATENA_SET_FAILED,
        Some(SetOutcome::Stopped) | None => CATENA_SET_STOPPED,
    }
}

/// Why set `set` failed or stalled, borrowed from the result (don't free it); NULL when it did not.
///
/// # Safety
/// `result` is NULL or a live result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_smc_result_set_error(
    result: *const catena_smc_result,
    set: usize,
) -> *const catena_error {
    // SAFETY: the caller vouches for the pointer.
    let error = unsafe { result.as_ref() }.and_then(|r| r.errors.get(set)?.as_ref());
    error.map_or(std::ptr::null(), std::ptr::from_ref)
}

/// Log evidence of set `set`. NaN of one that failed or was stopped, and past the last set.
///
/// # Safety
/// `result` is NULL or a live result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_smc_result_set_log_evidence(result: *const catena_smc_result, set: usize) -> f64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { of_set(result, set) }.map_or(f64::NAN, |s| s.log_evidence)
}

/// Standard error of a set's log evidence as estimated within it, from the scatter of families of particles. NaN past the
/// last set.
///
/// # Safety
/// `result` is NULL or a live result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_smc_result_set_standard_error(result: *const catena_smc_result, set: usize) -> f64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { of_set(result, set) }.map_or(f64::NAN, |s| s.log_evidence_error)
}

/// Rows given to the writer of set `set`. 0 past the last set.
///
/// # Safety
/// `result` is NULL or a live result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_smc_result_set_rows(result: *const catena_smc_result, set: usize) -> usize {
    // SAFETY: the caller vouches for the pointer.
    unsafe { of_set(result, set) }.map_or(0, |s| s.rows)
}

/// Points of set `set` that the model refused, or where no finite value was: particles at the start, which have no weight,
/// and proposals of moves, which were rejected. 0 past the last set.
///
/// # Safety
/// `result` is NULL or a live result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_smc_result_set_refused(result: *const catena_smc_result, set: usize) -> u64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { of_set(result, set) }.map_or(0, |s| s.refused)
}

/// Seconds that set `set` took on all its threads together. NaN past the last set.
///
/// # Safety
/// `result` is NULL or a live result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_smc_result_set_seconds(result: *const catena_smc_result, set: usize) -> f64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { of_set(result, set) }.map_or(f64::NAN, |s| s.seconds)
}

/// Number of stages of set `set`. 0 past the last set.
///
/// # Safety
/// `result` is NULL or a live result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_smc_result_num_stages(result: *const catena_smc_result, set: usize) -> usize {
    // SAFETY: the caller vouches for the pointer.
    unsafe { of_set(result, set) }.map_or(0, |s| s.stages.len())
}

/// How far stage `stage` (from 0) of set `set` has come: the temperature, or the number of data. NaN past the last stage.
///
/// # Safety
/// `result` is NULL or a live result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_smc_result_stage_way(
    result: *const catena_smc_result,
    set: usize,
    stage: usize,
) -> f64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { of_stage(result, set, stage, |s| s.way) }
}

/// Effective sample size at the end of a stage, before particles were resampled. NaN past the last stage.
///
/// # Safety
/// `result` is NULL or a live result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_smc_result_stage_ess(
    result: *const catena_smc_result,
    set: usize,
    stage: usize,
) -> f64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { of_stage(result, set, stage, |s| s.ess) }
}

/// Log evidence of the way up to the end of a stage. NaN past the last stage.
///
/// # Safety
/// `result` is NULL or a live result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_smc_result_stage_log_evidence(
    result: *const catena_smc_result,
    set: usize,
    stage: usize,
) -> f64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { of_stage(result, set, stage, |s| s.log_evidence) }
}

/// Mean acceptance of the moves of a stage; NaN of none, and past the last stage.
///
/// # Safety
/// `result` is NULL or a live result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_smc_result_stage_acceptance(
    result: *const catena_smc_result,
    set: usize,
    stage: usize,
) -> f64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { of_stage(result, set, stage, |s| s.acceptance) }
}

/// Step size after the moves of a stage, in units of the particles' spread. NaN past the last stage.
///
/// # Safety
/// `result` is NULL or a live result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_smc_result_stage_stepsize(
    result: *const catena_smc_result,
    set: usize,
    stage: usize,
) -> f64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { of_stage(result, set, stage, |s| s.stepsize) }
}

/// How many different particles those of a stage stem from after they were resampled. NaN past the last stage, and of a stage
/// without resampling.
///
/// # Safety
/// `result` is NULL or a live result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_smc_result_stage_ancestors(
    result: *const catena_smc_result,
    set: usize,
    stage: usize,
) -> f64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { of_stage(result, set, stage, |s| s.ancestors) }
}

/// Frees a result with all that was borrowed from it. NULL is fine.
///
/// # Safety
/// `result` is NULL or came from catena_sample_smc and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_smc_result_free(result: *mut catena_smc_result) {
    // SAFETY: the caller vouches for the pointer.
    unsafe { free(result) }
}
