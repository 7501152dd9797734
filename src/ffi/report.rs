//! The page about draws.

use super::boundary::{Table, guard, slice, table, text};
use super::error::{catena_error, catena_status};
use super::run::catena_pool;
use super::summary::texts;
use super::writer::layout;
use crate::diagnostics::SummaryInput;
use crate::error::Error;
use crate::io::{Adapted, ChainRun};
use crate::report::ReportInput;
use crate::services::write_report;
use std::ffi::c_char;
use std::path::Path;

/// What a report tells beside the draws. Zero every member that you don't care for.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct catena_report_options {
    /// sizeof(catena_report_options) of the header the program was compiled with.
    pub struct_size: usize,
    /// Title of the page; NULL: "Draws".
    pub title: *const c_char,
    /// Seconds of warm-up and of sampling of each chain, 2 numbers per chain; NULL: not known.
    pub seconds: *const f64,
    /// The step size of each chain after warm-up; NULL: not known.
    pub step_sizes: *const f64,
    /// The diagonals of the chains' inverse metrics, `metric_size` numbers per chain; NULL: not known. They are told only with
    /// step sizes.
    pub inv_metrics: *const f64,
    /// Numbers of each diagonal.
    pub metric_size: usize,
    /// Draws that each chain had before all were cut to one length; NULL: none was cut.
    pub lengths: *const usize,
    /// Whose threads compute; NULL: one per core where there are many numbers.
    pub pool: *const catena_pool,
    /// The largest depth of the run, to count the transitions that reached it; 0: not counted.
    pub max_depth: u32,
}

// SAFETY: repr(C), starts with its size, zeros are valid everywhere.
unsafe impl Table for catena_report_options {
    const NAME: &'static str = "catena_report_options";
    const REQUIRED: usize = size_of::<catena_report_options>();
}

impl catena_report_options {
    /// What is known of the chains' runs.
    ///
    /// # Safety
    /// The members point to what they say of `chains` chains.
    unsafe fn runs(&self, chains: usize) -> Result<Vec<ChainRun>, Error> {
        let size = |each: usize| {
            let expected = "a number of numbers that memory holds";
            chains.checked_mul(each).ok_or_else(|| Error::argument("options.metric_size", expected, each))
        };
        let count = |pointer: *const f64, each: usize| if pointer.is_null() { Ok(0) } else { size(each) };
        // SAFETY: passed on to the caller.
        let (seconds, steps, metrics) = unsafe {
            (
                slice(self.seconds, count(self.seconds, 2)?, "options.seconds")?,
                slice(self.step_sizes, count(self.step_sizes, 1)?, "options.step_sizes")?,
                slice(self.inv_metrics, count(self.inv_metrics, self.metric_size)?, "options.inv_metrics")?,
            )
        };
        let run = |c: usize| ChainRun {
            elapsed: seconds.get(2 * c..2 * c + 2).map(|s| [s[0], s[1]]),
            adapted: steps.get(c).map(|&stepsize| {
                let inv_metric = metrics.get(c * self.metric_size..(c + 1) * self.metric_size).unwrap_or(&[]).to_vec();
                Adapted { stepsize, metric_rows: usize::from(!inv_metric.is_empty()), inv_metric, directions: None }
            }),
            warmup_step_sizes: Vec::new(),
            stages: Vec::new(),
        };
        Ok((0..chains).map(run).collect())
    }
}

/// The title of a page that has none.
const TITLE: &str = "Draws";

/// Writes a page for a browser about the draws of several chains, which lie as catena_summary_new takes them: the verdict in
/// words, the table, pictures. The file at `path` needs nothing else; an older one is replaced.
///
/// # Safety
/// `values` points to `size` numbers, `names` to `columns` NUL-terminated texts; `options` is NULL or points to options whose
/// members point to what they say; `path` is a NUL-terminated text; `error` is NULL or points to a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_report(
    values: *const f64,
    size: usize,
    chains: usize,
    draws: usize,
    columns: usize,
    layout: i32,
    names: *const *const c_char,
    options: *const catena_report_options,
    path: *const c_char,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the pointers.
        let (values, names, path) =
            unsafe { (slice(values, size, "values")?, texts(names, columns, "names")?, text(path, "path")?) };
        let layout = self::layout(layout)?;
        let mut draws = SummaryInput { values, chains, draws, columns, layout, names: &names, max_depth: None };
        draws.check()?;
        if options.is_null() {
            return write_report(&ReportInput::new(TITLE, draws), None, Path::new(path));
        }
        // SAFETY: the caller vouches for the options and what they point to.
        let (options, title, runs, lengths, pool) = unsafe {
            let options = table(options, "options")?;
            let title = if options.title.is_null() { TITLE } else { text(options.title, "options.title")? };
            let lengths =
                if options.lengths.is_null() { &[] } else { slice(options.lengths, chains, "options.lengths")? };
            (options, title, options.runs(chains)?, lengths, options.pool.as_ref().map(catena_pool::share))
        };
        draws.max_depth = (options.max_depth > 0).then_some(options.max_depth);
        let input = ReportInput { runs: &runs, lengths, ..ReportInput::new(title, draws) };
        write_report(&input, pool, Path::new(path))
    })
}
