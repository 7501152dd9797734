//! What a run reports of its chains.

mod chain;

pub use chain::*;

use super::boundary::{ask, free, make, object};
use super::checkpoint::catena_checkpoint;
use super::error::{c_text, catena_error, catena_status};
use crate::error::{Code, Error};
use crate::io::metric_json;
use crate::services::{ChainReport, Outcome, SampleReport, StopReason};
use std::ffi::{CString, c_char};
use std::sync::OnceLock;

/// What ended a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum catena_stop_reason {
    /// All its iterations were run.
    CATENA_STOP_ALL_ITERATIONS = 0,
    /// The run had what until_ess and until_rhat ask for.
    CATENA_STOP_ENOUGH = 1,
    /// The chain had used max_gradients gradients.
    CATENA_STOP_MAX_GRADIENTS = 2,
    /// The run had taken max_seconds seconds; the chain can be resumed.
    CATENA_STOP_MAX_SECONDS = 3,
    /// The interrupt, or the limit of evaluations of one call; the chain can be resumed.
    CATENA_STOP_INTERRUPT = 4,
    /// It failed, or the failure of another chain ended the run.
    CATENA_STOP_FAILURE = 5,
}

impl From<StopReason> for catena_stop_reason {
    fn from(reason: StopReason) -> Self {
        match reason {
            StopReason::AllIterations => Self::CATENA_STOP_ALL_ITERATIONS,
            StopReason::Enough => Self::CATENA_STOP_ENOUGH,
            StopReason::MaxGradients => Self::CATENA_STOP_MAX_GRADIENTS,
            StopReason::MaxSeconds => Self::CATENA_STOP_MAX_SECONDS,
            StopReason::Interrupt => Self::CATENA_STOP_INTERRUPT,
            StopReason::Failure => Self::CATENA_STOP_FAILURE,
        }
    }
}

/// What a run reports: one entry per chain, in the order of their ids. Immutable.
pub struct catena_result {
    chains: Vec<Chain>,
    settings: Vec<[CString; 2]>,
}

struct Chain {
    report: ChainReport,
    error: Option<catena_error>,
    /// Made when it is first asked for.
    json: OnceLock<CString>,
}

impl catena_result {
    fn new(report: SampleReport, settings: &[(String, String)]) -> Self {
        let chain = |report: ChainReport| {
            let error = match &report.outcome {
                Outcome::Failed(error) => Some(catena_error::new(error.clone())),
                Outcome::Finished | Outcome::Stopped => None,
            };
            Chain { report, error, json: OnceLock::new() }
        };
        let settings = settings.iter().map(|(name, value)| [c_text(name), c_text(value)]).collect();
        Self { chains: report.chains.into_iter().map(chain).collect(), settings }
    }

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

    /// Hands out the report of a run that was asked for what `settings` say, and returns its status.
    ///
    /// # Safety
    /// `out` points to a place for a pointer.
    pub(super) unsafe fn give(
        report: SampleReport,
        settings: &[(String, String)],
        out: *mut *mut Self,
    ) -> Result<(), Error> {
        let status = report.status();
        // SAFETY: passed on to the caller.
        unsafe { *out = Box::into_raw(Box::new(Self::new(report, settings))) };
        status
    }

    /// What is said of each chain.
    pub(super) fn reports(&self) -> impl ExactSizeIterator<Item = &ChainReport> {
        self.chains.iter().map(|chain| &chain.report)
    }

    fn chain(&self, index: usize) -> Result<&Chain, Error> {
        let expected = format!("a chain from 0 to {}", self.chains.len().saturating_sub(1));
        self.chains.get(index).ok_or_else(|| Error::argument("chain", expected, index))
    }
}

/// The chain `index` of a result, if both exist.
///
/// # Safety
/// `result` is null or a live result.
unsafe fn chain<'a>(result: *const catena_result, index: usize) -> Option<&'a Chain> {
    // SAFETY: passed on to the caller.
    unsafe { result.as_ref() }.and_then(|r| r.chains.get(index))
}

/// Number of chains; 0 for NULL.
///
/// # Safety
/// `result` is NULL or a live result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_result_num_chains(result: *const catena_result) -> usize {
    // SAFETY: the caller vouches for the pointer.
    unsafe { result.as_ref() }.map_or(0, |r| r.chains.len())
}

/// Option `at` (from 0) of those that the run took: its name or (`value` other than 0) what it was, as catena_options_get has
/// it, which belong to the result; NULL past the last. Of catena_generate_quantities there are none.
///
/// # Safety
/// `result` is NULL or a live result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_result_setting(result: *const catena_result, at: usize, value: i32) -> *const c_char {
    // SAFETY: the caller vouches for the pointer.
    let setting = unsafe { result.as_ref() }.and_then(|r| r.settings.get(at));
    setting.map_or(std::ptr::null(), |setting| setting[usize::from(value != 0)].as_ptr())
}

/// How chain `chain` (counted from 0) ended: CATENA_OK when all its iterations were run; CATENA_INTERRUPTED when it was
/// stopped before (by the interrupt, the evaluation limit or another chain's failure) and can be resumed; else why it
/// failed. CATENA_INVALID_ARGUMENT past the last chain.
///
/// # Safety
/// `result` is NULL or a live result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_result_chain_status(result: *const catena_result, chain: usize) -> catena_status {
    // SAFETY: the caller vouches for the pointer.
    match unsafe { self::chain(result, chain) }.map(|c| &c.report.outcome) {
        None => catena_status::CATENA_INVALID_ARGUMENT,
        Some(Outcome::Finished) => catena_status::CATENA_OK,
        Some(Outcome::Stopped) => catena_status::CATENA_INTERRUPTED,
        Some(Outcome::Failed(error)) => error.code().into(),
    }
}

/// What ended chain `chain` (counted from 0). CATENA_STOP_FAILURE past the last chain.
///
/// # Safety
/// `result` is NULL or a live result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_result_stop_reason(result: *const catena_result, chain: usize) -> catena_stop_reason {
    // SAFETY: the caller vouches for the pointer.
    let report = unsafe { self::chain(result, chain) }.map(|c| &c.report);
    report.map_or(catena_stop_reason::CATENA_STOP_FAILURE, |report| report.reason.into())
}

/// Why chain `chain` failed, borrowed from the result (don't free it); NULL when it did not.
///
/// # Safety
/// `result` is NULL or a live result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_result_chain_error(result: *const catena_result, chain: usize) -> *const catena_error {
    // SAFETY: the caller vouches for the pointer.
    unsafe { self::chain(result, chain) }.and_then(|c| c.error.as_ref()).map_or(std::ptr::null(), std::ptr::from_ref)
}

/// Id of chain `chain` (counted from 0). 0 past the last chain.
///
/// # Safety
/// `result` is NULL or a live result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_result_chain_id(result: *const catena_result, chain: usize) -> u64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { self::chain(result, chain) }.map_or(0, |c| c.report.chain_id)
}

/// Iterations the chain has done, warm-up included. 0 past the last chain.
///
/// # Safety
/// `result` is NULL or a live result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_result_iterations(result: *const catena_result, chain: usize) -> usize {
    // SAFETY: the caller vouches for the pointer.
    unsafe { self::chain(result, chain) }.map_or(0, |c| c.report.iterations)
}

/// Warm-up iterations the chain has done, which are fewer than num_warmup where it was stopped, or where warmup_until ended them.
/// With save_warmup the first rows are theirs: one for each `thin` of them, rounded up. 0 past the last chain.
///
/// # Safety
/// `result` is NULL or a live result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_result_warmup_iterations(result: *const catena_result, chain: usize) -> usize {
    // SAFETY: the caller vouches for the pointer.
    unsafe { self::chain(result, chain) }.map_or(0, |c| c.report.warmup_iterations)
}

/// Iterations after warm-up that the chain was asked for, in all parts of a run that went on. 0 past the last chain.
///
/// # Safety
/// `result` is NULL or a live result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_result_num_samples(result: *const catena_result, chain: usize) -> usize {
    // SAFETY: the caller vouches for the pointer.
    unsafe { self::chain(result, chain) }.map_or(0, |c| c.report.num_samples)
}

/// Rows given to the chain's sample writer, resumed parts included. 0 past the last chain.
///
/// # Safety
/// `result` is NULL or a live result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_result_rows(result: *const catena_result, chain: usize) -> usize {
    // SAFETY: the caller vouches for the pointer.
    unsafe { self::chain(result, chain) }.map_or(0, |c| c.report.rows)
}

/// The chain's step size and inverse metric at the end as a JSON object, {"stepsize": ..., "metric_type": "diag_e",
/// "inv_metric": [...]}, in the format of CmdStan's metric files and with numbers that read back to the same bits. Borrowed
/// from the result; NULL past the last chain.
///
/// # Safety
/// `result` is NULL or a live result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_result_json(result: *const catena_result, chain: usize) -> *const c_char {
    // SAFETY: the caller vouches for the pointer.
    let Some(chain) = (unsafe { self::chain(result, chain) }) else { return std::ptr::null() };
    let ChainReport { stepsize, metric, inv_metric, .. } = &chain.report;
    ask(std::ptr::null(), || chain.json.get_or_init(|| c_text(&metric_json(*stepsize, *metric, inv_metric))).as_ptr())
}

/// The chain as a checkpoint to go on with (the caller frees it): where it was stopped, or, when it finished, for more
/// draws. A chain that failed, or was stopped before it began, has none.
///
/// # Safety
/// `result` is NULL or a live result; `out` and `error` are NULL or point to places for pointers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_result_checkpoint_new(
    result: *const catena_result,
    chain: usize,
    out: *mut *mut catena_checkpoint,
    error: *mut *mut catena_error,
) -> catena_status {
    let new = || {
        // SAFETY: the caller vouches for the pointer.
        let report = &unsafe { object(result, "result", "a catena_result")? }.chain(chain)?.report;
        let none = || Error::new(Code::Checkpoint, "the chain has no checkpoint").in_chain(report.chain_id);
        Ok(catena_checkpoint { bytes: report.checkpoint.clone().ok_or_else(none)? })
    };
    // SAFETY: the caller vouches for both places.
    unsafe { make(out, error, new) }
}

/// Frees a result with all that was borrowed from it. NULL is fine.
///
/// # Safety
/// `result` is NULL or came from a run and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_result_free(result: *mut catena_result) {
    // SAFETY: the caller vouches for the pointer.
    unsafe { free(result) }
}
