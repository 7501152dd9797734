//! What optimisers report.

use crate::error::Error;
use crate::ffi::boundary::free;
use crate::ffi::error::catena_error;
use crate::optimize::{Convergence, Ending};
use crate::services::{Mode, OptimizeReport, OptimizeStart, StartOutcome};

/// How a start has ended. The first five have converged, by the tolerance of that name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum catena_ending {
    /// tol_obj
    CATENA_ENDING_TOL_OBJ = 0,
    /// tol_rel_obj
    CATENA_ENDING_TOL_REL_OBJ = 1,
    /// tol_grad
    CATENA_ENDING_TOL_GRAD = 2,
    /// tol_rel_grad
    CATENA_ENDING_TOL_REL_GRAD = 3,
    /// tol_param
    CATENA_ENDING_TOL_PARAM = 4,
    /// After max_iterations, without convergence.
    CATENA_ENDING_ITERATION_LIMIT = 5,
    /// The line search failed.
    CATENA_ENDING_LINE_SEARCH = 6,
    /// The log density is +inf within reach.
    CATENA_ENDING_UNBOUNDED = 7,
    /// The gradient is nothing where the Hessian is that of no mode (Newton's method).
    CATENA_ENDING_NO_MODE = 8,
    /// The Hessian is not known, for the model has no log density beside the point (Newton's method).
    CATENA_ENDING_NO_HESSIAN = 9,
    /// It was stopped: by the interrupt, or because another start failed.
    CATENA_ENDING_STOPPED = 10,
    /// It failed.
    CATENA_ENDING_FAILED = 11,
}

impl From<&StartOutcome> for catena_ending {
    fn from(outcome: &StartOutcome) -> Self {
        match outcome {
            StartOutcome::Ended(Ending::Converged(Convergence::Objective)) => Self::CATENA_ENDING_TOL_OBJ,
            StartOutcome::Ended(Ending::Converged(Convergence::RelativeObjective)) => Self::CATENA_ENDING_TOL_REL_OBJ,
            StartOutcome::Ended(Ending::Converged(Convergence::Gradient)) => Self::CATENA_ENDING_TOL_GRAD,
            StartOutcome::Ended(Ending::Converged(Convergence::RelativeGradient)) => Self::CATENA_ENDING_TOL_REL_GRAD,
            StartOutcome::Ended(Ending::Converged(Convergence::Parameter)) => Self::CATENA_ENDING_TOL_PARAM,
            StartOutcome::Ended(Ending::IterationLimit) => Self::CATENA_ENDING_ITERATION_LIMIT,
            StartOutcome::Ended(Ending::LineSearch(_)) => Self::CATENA_ENDING_LINE_SEARCH,
            StartOutcome::Ended(Ending::Unbounded) => Self::CATENA_ENDING_UNBOUNDED,
            StartOutcome::Ended(Ending::NoMode(_)) => Self::CATENA_ENDING_NO_MODE,
            StartOutcome::Ended(Ending::NoHessian(_)) => Self::CATENA_ENDING_NO_HESSIAN,
            StartOutcome::Stopped => Self::CATENA_ENDING_STOPPED,
            StartOutcome::Failed(_) => Self::CATENA_ENDING_FAILED,
        }
    }
}

/// What catena_optimize reports: one entry per start, in the order of their ids, and the modes they found. Immutable.
pub struct catena_optimum {
    report: OptimizeReport,
    errors: Vec<Option<catena_error>>,
}

impl catena_optimum {
    /// Sets `*out` to NULL.
    ///
    /// # Safety
    /// `out` is null or points to a place for a pointer.
    pub(super) unsafe fn expect_place(out: *mut *mut Self) -> Result<(), Error> {
        if out.is_null() {
            return Err(Error::argument("out", "a place for the report", "NULL"));
        }
        // SAFETY: not null; passed on to the caller.
        unsafe { *out = std::ptr::null_mut() };
        Ok(())
    }

    /// Hands a report out and returns its status.
    ///
    /// # Safety
    /// `out` points to a place for a pointer.
    pub(super) unsafe fn give(report: OptimizeReport, out: *mut *mut Self) -> Result<(), Error> {
        let status = report.status();
        let errors = report.starts.iter().map(|start| start.error().map(catena_error::new)).collect();
        // SAFETY: passed on to the caller.
        unsafe { *out = Box::into_raw(Box::new(Self { report, errors })) };
        status
    }
}

/// Start `start` of a report, if both exist.
///
/// # Safety
/// `optimum` is null or a live report.
unsafe fn of_start<'a>(optimum: *const catena_optimum, start: usize) -> Option<&'a OptimizeStart> {
    // SAFETY: passed on to the caller.
    unsafe { optimum.as_ref() }.and_then(|o| o.report.starts.get(start))
}

/// Mode `mode` of a report, if both exist.
///
/// # Safety
/// `optimum` is null or a live report.
unsafe fn of_mode<'a>(optimum: *const catena_optimum, mode: usize) -> Option<&'a Mode> {
    // SAFETY: passed on to the caller.
    unsafe { optimum.as_ref() }.and_then(|o| o.report.modes.get(mode))
}

/// The first number of a list that is not empty.
fn numbers(list: Option<&Vec<f64>>) -> *const f64 {
    list.filter(|list| !list.is_empty()).map_or(std::ptr::null(), |list| list.as_ptr())
}

/// Number of starts; 0 for NULL.
///
/// # Safety
/// `optimum` is NULL or a live report.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_optimum_num_starts(optimum: *const catena_optimum) -> usize {
    // SAFETY: the caller vouches for the pointer.
    unsafe { optimum.as_ref() }.map_or(0, |o| o.report.starts.len())
}

/// The best start, counted from 0: of the converged ones the one with the highest log density, or, where none has converged,
/// of those that ended. The number of starts where none has.
///
/// # Safety
/// `optimum` is NULL or a live report.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_optimum_best(optimum: *const catena_optimum) -> usize {
    // SAFETY: the caller vouches for the pointer.
    unsafe { optimum.as_ref() }.map_or(0, |o| o.report.best.unwrap_or(o.report.starts.len()))
}

/// Number of distinct modes that starts have converged to, which differ in log density or in any coordinate by more than 1e-3,
/// relative to its size or to 1; 0 for NULL.
///
/// # Safety
/// `optimum` is NULL or a live report.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_optimum_num_modes(optimum: *const catena_optimum) -> usize {
    // SAFETY: the caller vouches for the pointer.
    unsafe { optimum.as_ref() }.map_or(0, |o| o.report.modes.len())
}

/// The start, counted from 0, that ended highest at mode `mode` (counted from 0, the highest first). 0 past the last.
///
/// # Safety
/// `optimum` is NULL or a live report.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_optimum_mode_start(optimum: *const catena_optimum, mode: usize) -> usize {
    // SAFETY: the caller vouches for the pointer.
    unsafe { of_mode(optimum, mode) }.map_or(0, |m| m.start)
}

/// How many starts have converged to mode `mode`. 0 past the last.
///
/// # Safety
/// `optimum` is NULL or a live report.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_optimum_mode_found(optimum: *const catena_optimum, mode: usize) -> usize {
    // SAFETY: the caller vouches for the pointer.
    unsafe { of_mode(optimum, mode) }.map_or(0, |m| m.found)
}

/// Id of start `start` (counted from 0). 0 past the last.
///
/// # Safety
/// `optimum` is NULL or a live report.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_optimum_start_id(optimum: *const catena_optimum, start: usize) -> u64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { of_start(optimum, start) }.map_or(0, |s| s.id)
}

/// How start `start` has ended. CATENA_ENDING_FAILED past the last.
///
/// # Safety
/// `optimum` is NULL or a live report.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_optimum_start_ending(optimum: *const catena_optimum, start: usize) -> catena_ending {
    // SAFETY: the caller vouches for the pointer.
    unsafe { of_start(optimum, start) }.map_or(catena_ending::CATENA_ENDING_FAILED, |s| (&s.outcome).into())
}

/// Why start `start` has not converged, with its id and the iteration, borrowed from the report (don't free it); NULL where it
/// has, and past the last.
///
/// # Safety
/// `optimum` is NULL or a live report.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_optimum_start_error(
    optimum: *const catena_optimum,
    start: usize,
) -> *const catena_error {
    // SAFETY: the caller vouches for the pointer.
    let error = unsafe { optimum.as_ref() }.and_then(|o| o.errors.get(start)?.as_ref());
    error.map_or(std::ptr::null(), std::ptr::from_ref)
}

/// Iterations of start `start`. 0 past the last.
///
/// # Safety
/// `optimum` is NULL or a live report.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_optimum_start_iterations(optimum: *const catena_optimum, start: usize) -> usize {
    // SAFETY: the caller vouches for the pointer.
    unsafe { of_start(optimum, start) }.map_or(0, |s| s.iterations)
}

/// Evaluations of the log density with its gradient by start `start`, those of finding initial values and of Hessians
/// included. 0 past the last.
///
/// # Safety
/// `optimum` is NULL or a live report.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_optimum_start_evaluations(optimum: *const catena_optimum, start: usize) -> u64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { of_start(optimum, start) }.map_or(0, |s| s.evaluations)
}

/// The log density where start `start` ended. NaN where it never had initial values, and past the last.
///
/// # Safety
/// `optimum` is NULL or a live report.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_optimum_start_log_density(optimum: *const catena_optimum, start: usize) -> f64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { of_start(optimum, start) }.map_or(f64::NAN, |s| s.log_density)
}

/// The unconstrained position where start `start` ended, as many numbers as the model's dimension, such as
/// catena_init_position takes; borrowed from the report. NULL where there is none.
///
/// # Safety
/// `optimum` is NULL or a live report.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_optimum_start_position(optimum: *const catena_optimum, start: usize) -> *const f64 {
    // SAFETY: the caller vouches for the pointer.
    numbers(unsafe { of_start(optimum, start) }.map(|s| &s.position))
}

/// The model's outputs where start `start` ended (catena_model_output_count numbers), borrowed from the report. NULL of a start
/// that did not end by itself.
///
/// # Safety
/// `optimum` is NULL or a live report.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_optimum_start_outputs(optimum: *const catena_optimum, start: usize) -> *const f64 {
    // SAFETY: the caller vouches for the pointer.
    numbers(unsafe { of_start(optimum, start) }.map(|s| &s.outputs))
}

/// Seconds that start `start` took. NaN past the last.
///
/// # Safety
/// `optimum` is NULL or a live report.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_optimum_start_seconds(optimum: *const catena_optimum, start: usize) -> f64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { of_start(optimum, start) }.map_or(f64::NAN, |s| s.seconds)
}

/// Frees a report with all that was borrowed from it. NULL is fine.
///
/// # Safety
/// `optimum` is NULL or came from catena_optimize and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_optimum_free(optimum: *mut catena_optimum) {
    // SAFETY: the caller vouches for the pointer.
    unsafe { free(optimum) }
}
