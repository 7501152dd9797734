//! The summary table.

use super::boundary::{Table, free, guard, make, object, put, slice, table, text};
use super::error::{c_text, catena_error, catena_status};
use super::run::catena_pool;
use super::writer::layout;
use crate::diagnostics::{Row, Statistic, Summary, SummaryInput, SummaryOptions, Verdict};
use crate::error::Error;
use crate::services::summarise;
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

/// What the diagnostics say of the draws.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum catena_verdict {
    /// Nothing to warn of.
    CATENA_VERDICT_GOOD = 0,
    /// There are warnings.
    CATENA_VERDICT_DOUBTFUL = 1,
    /// Some diagnostics can't be had, so that nobody knows: draws that are NaN, chains that never move, that are too short
    /// or of different length.
    CATENA_VERDICT_UNKNOWN = 2,
}

/// What a summary shows, and of what. Zero every member that you don't care for.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct catena_summary_options {
    /// sizeof(catena_summary_options) of the header the program was compiled with.
    pub struct_size: usize,
    /// Names of columns, or of variables with all of their elements, in the order wanted; `theta[1,2]` is theta.1.2. None: lp__
    /// and every column whose name does not end with __.
    pub variables: *const *const c_char,
    /// How many there are.
    pub num_variables: usize,
    /// Probabilities of the quantiles of the table, from 0 to 1. None: 0.05, 0.5 and 0.95.
    pub probabilities: *const f64,
    /// How many there are.
    pub num_probabilities: usize,
    /// Name of the statistic that rows are ordered by ("mean", "ess_bulk", "r_hat" …), the largest first after a '-'; NULL:
    /// as the columns stand.
    pub order: *const c_char,
    /// Draws that each chain had before all were cut to one length; NULL: none was cut.
    pub lengths: *const usize,
    /// How many there are, none or one per chain.
    pub num_lengths: usize,
    /// Whose threads compute; NULL: one per core where there are many numbers.
    pub pool: *const catena_pool,
    /// Significant digits of the table, 1 to 18; 0: 4.
    pub digits: u32,
}

// SAFETY: repr(C), starts with its size, zeros are valid everywhere.
unsafe impl Table for catena_summary_options {
    const NAME: &'static str = "catena_summary_options";
    const REQUIRED: usize = size_of::<catena_summary_options>();
}

/// The names of an array.
///
/// # Safety
/// `pointer` is null or an array of `count` texts.
pub(super) unsafe fn texts(pointer: *const *const c_char, count: usize, name: &str) -> Result<Vec<String>, Error> {
    // SAFETY: passed on to the caller.
    let pointers = unsafe { slice(pointer, count, name)? };
    let mut texts = Vec::with_capacity(count);
    for (i, &pointer) in pointers.iter().enumerate() {
        // SAFETY: passed on to the caller.
        texts.push(unsafe { text(pointer, &format!("{name}[{i}]"))? }.to_string());
    }
    Ok(texts)
}

impl catena_summary_options {
    /// # Safety
    /// What the members point to is readable.
    unsafe fn read(&self) -> Result<SummaryOptions, Error> {
        // SAFETY: passed on to the caller, here as below.
        let variables = unsafe { texts(self.variables, self.num_variables, "options.variables")? };
        let mut options = SummaryOptions { variables, ..SummaryOptions::default() };
        // SAFETY: as above.
        let probabilities = unsafe { slice(self.probabilities, self.num_probabilities, "options.probabilities")? };
        if !probabilities.is_empty() {
            options.quantiles = probabilities.to_vec();
        }
        // SAFETY: as above.
        options.lengths = unsafe { slice(self.lengths, self.num_lengths, "options.lengths")? }.to_vec();
        if self.digits > 0 {
            options.digits = self.digits;
        }
        if self.order.is_null() {
            return Ok(options);
        }
        // SAFETY: as above.
        options.ordered_by(unsafe { text(self.order, "options.order")? })
    }
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
    // SAFETY: passed on to the caller.
    unsafe {
        catena_summary_select(
            values,
            size,
            chains,
            draws,
            columns,
            layout,
            names,
            max_depth,
            std::ptr::null(),
            out,
            error,
        )
    }
}

/// As catena_summary_new, of what `options` say; NULL: of all.
///
/// # Safety
/// As for catena_summary_new; `options` is NULL or points to options whose members point to what they say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_summary_select(
    values: *const f64,
    size: usize,
    chains: usize,
    draws: usize,
    columns: usize,
    layout: i32,
    names: *const *const c_char,
    max_depth: u32,
    options: *const catena_summary_options,
    out: *mut *mut catena_summary,
    error: *mut *mut catena_error,
) -> catena_status {
    let new = || {
        // SAFETY: the caller vouches for the pointers.
        let (values, names) = unsafe { (slice(values, size, "values")?, texts(names, columns, "names")?) };
        let layout = self::layout(layout)?;
        let max_depth = (max_depth > 0).then_some(max_depth);
        let (options, pool) = if options.is_null() {
            (SummaryOptions::default(), None)
        } else {
            // SAFETY: the caller vouches for the options and what they point to.
            unsafe {
                let table = table(options, "options")?;
                (table.read()?, table.pool.as_ref().map(catena_pool::share))
            }
        };
        let input = SummaryInput { values, chains, draws, columns, layout, names: &names, max_depth };
        let summary = summarise(&input, &options, pool)?;
        let names = summary.rows().iter().map(|r| c_text(&r.name)).collect();
        Ok(catena_summary { text: c_text(&summary.to_string()), names, summary })
    };
    // SAFETY: the caller vouches for both places.
    unsafe { make(out, error, new) }
}

/// What the diagnostics say of the draws. CATENA_VERDICT_UNKNOWN for NULL.
///
/// # Safety
/// `summary` is NULL or a live summary.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_summary_verdict(summary: *const catena_summary) -> catena_verdict {
    // SAFETY: the caller vouches for the pointer.
    match unsafe { summary.as_ref() }.map(|s| s.summary.verdict()) {
        Some(Verdict::Good) => catena_verdict::CATENA_VERDICT_GOOD,
        Some(Verdict::Doubtful) => catena_verdict::CATENA_VERDICT_DOUBTFUL,
        Some(Verdict::Unknown) | None => catena_verdict::CATENA_VERDICT_UNKNOWN,
    }
}

/// Quantile `index`, from 0, of those that were asked for, of row `row`.
///
/// # Safety
/// As for catena_summary_value.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_summary_quantile(
    summary: *const catena_summary,
    row: usize,
    index: usize,
    out: *mut f64,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the pointer.
        let row = self::row(unsafe { object(summary, "summary", "a catena_summary")? }, row)?;
        let expected = format!("one of {} quantiles, from 0", row.quantiles().len());
        let value = row.quantiles().get(index).ok_or_else(|| Error::argument("index", expected, index))?;
        // SAFETY: the caller vouches for `out`.
        unsafe { put(out, *value, "out", "a place for the result") }
    })
}

fn row(summary: &catena_summary, row: usize) -> Result<&Row, Error> {
    let rows = summary.summary.rows();
    let expected = format!("a row from 0 to {}", rows.len().saturating_sub(1));
    rows.get(row).ok_or_else(|| Error::argument("row", expected, row))
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
        let row = self::row(unsafe { object(summary, "summary", "a catena_summary")? }, row)?;
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
