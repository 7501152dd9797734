//! The summary table.

use super::boundary::{free, guard, make, object, put, slice, text};
use super::error::{c_text, catena_error, catena_status};
use super::writer::layout;
use crate::diagnostics::{Statistic, Summary, SummaryInput};
use crate::error::Error;
use std::ffi::{CString, c_char};

/// A column of the summary table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum catena_statistic {
    /// Mean.
    CATENA_STATISTIC_MEAN = 0,
    /// Monte Carlo standard error of the mean.
    CATENA_STATISTIC_MCSE_MEAN = 1,
    /// Standard deviation.
    CATENA_STATISTIC_SD = 2,
    /// Monte Carlo standard error of the standard deviation.
    CATENA_STATISTIC_MCSE_SD = 3,
    /// 5 % quantile.
    CATENA_STATISTIC_Q5 = 4,
    /// Median.
    CATENA_STATISTIC_MEDIAN = 5,
    /// 95 % quantile.
    CATENA_STATISTIC_Q95 = 6,
    /// Bulk effective sample size.
    CATENA_STATISTIC_ESS_BULK = 7,
    /// Tail effective sample size.
    CATENA_STATISTIC_ESS_TAIL = 8,
    /// Rank-normalised split R-hat.
    CATENA_STATISTIC_RHAT = 9,
}

/// Statistics of every variable of a run, as numbers and as a table. Immutable.
pub struct catena_summary {
    summary: Summary,
    text: CString,
    names: Vec<CString>,
}

/// Summarises the draws of several chains in one array, as the memory writers fill it: chains x draws x columns numbers
/// in the given layout (one of the CATENA_LAYOUT constants), `size` of them at least, with one name per column. lp__ and
/// every column whose name does not end with __ get a row; divergent__, treedepth__ and energy__ are used for warnings,
/// the depth when `max_depth` is above 0.
///
/// # Safety
/// `values` points to `size` numbers, `names` to `columns` NUL-terminated texts; `out` and `error` are NULL or point to
/// places for pointers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_summary_new(
    values: *const f64,
    size: usize,
    chains: usize,
    draws: usize,
    columns: usize,
    layout: i32,
    names: *const *const c_char,
    max_depth: u32,
    out: *mut *mut catena_summary,
    error: *mut *mut catena_error,
) -> catena_status {
    let new = || {
        // SAFETY: the caller vouches for the pointers.
        let (values, pointers) = unsafe { (slice(values, size, "values")?, slice(names, columns, "names")?) };
        let mut names = Vec::with_capacity(columns);
        for (i, &pointer) in pointers.iter().enumerate() {
            // SAFETY: the caller vouches for the names.
            names.push(unsafe { text(pointer, &format!("names[{i}]"))? }.to_string());
        }
        let layout = self::layout(layout)?;
        let max_depth = (max_depth > 0).then_some(max_depth);
        let summary = Summary::new(&SummaryInput { values, chains, draws, columns, layout, names: &names, max_depth })?;
        let names = summary.rows().iter().map(|r| c_text(&r.name)).collect();
        Ok(catena_summary { text: c_text(&summary.to_string()), names, summary })
    };
    // SAFETY: the caller vouches for both places.
    unsafe { make(out, error, new) }
}

/// The table with its warnings, several lines, borrowed from the summary. Empty for NULL.
///
/// # Safety
/// `summary` is NULL or a live summary.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_summary_text(summary: *const catena_summary) -> *const c_char {
    // SAFETY: the caller vouches for the pointer.
    unsafe { summary.as_ref() }.map_or(c"".as_ptr(), |s| s.text.as_ptr())
}

/// Number of rows, one per variable; 0 for NULL.
///
/// # Safety
/// `summary` is NULL or a live summary.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_summary_size(summary: *const catena_summary) -> usize {
    // SAFETY: the caller vouches for the pointer.
    unsafe { summary.as_ref() }.map_or(0, |s| s.names.len())
}

/// Name of row `row`, from 0, borrowed from the summary; NULL past the last.
///
/// # Safety
/// `summary` is NULL or a live summary.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_summary_name(summary: *const catena_summary, row: usize) -> *const c_char {
    // SAFETY: the caller vouches for the pointer.
    unsafe { summary.as_ref() }.and_then(|s| s.names.get(row)).map_or(std::ptr::null(), |n| n.as_ptr())
}

/// One statistic (one of the CATENA_STATISTIC constants) of row `row`.
///
/// # Safety
/// `summary` is NULL or a live summary; `out` and `error` are NULL or point to places for a number and a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_summary_value(
    summary: *const catena_summary,
    row: usize,
    statistic: i32,
    out: *mut f64,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the pointer.
        let rows = unsafe { object(summary, "summary", "a catena_summary")? }.summary.rows();
        let expected = format_args!("a row from 0 to {}", rows.len().saturating_sub(1)).to_string();
        let row = rows.get(row).ok_or_else(|| Error::argument("row", expected, row))?;
        let statistic = Statistic::from_number(statistic)
            .ok_or_else(|| Error::argument("statistic", "a CATENA_STATISTIC constant (0 to 9)", statistic))?;
        // SAFETY: the caller vouches for `out`.
        unsafe { put(out, row.value(statistic), "out", "a place for the result") }
    })
}

/// Divergent transitions; -1 when there is no column divergent__.
///
/// # Safety
/// `summary` is NULL or a live summary.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_summary_divergences(summary: *const catena_summary) -> i64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { summary.as_ref() }.and_then(|s| s.summary.divergences()).map_or(-1, |n| n as i64)
}

/// Transitions that reached the largest depth; -1 when that was not given or there is no column treedepth__.
///
/// # Safety
/// `summary` is NULL or a live summary.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_summary_saturated(summary: *const catena_summary) -> i64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { summary.as_ref() }.and_then(|s| s.summary.saturated()).map_or(-1, |n| n as i64)
}

/// Frees a summary with all that was borrowed from it. NULL is fine.
///
/// # Safety
/// `summary` is NULL or came from catena_summary_new and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_summary_free(summary: *mut catena_summary) {
    // SAFETY: the caller vouches for the pointer.
    unsafe { free(summary) }
}
