//! The page about draws.

use super::boundary::{Table, guard, slice, table, text};
use super::error::{catena_error, catena_status};
use super::run::catena_pool;
use super::summary::texts;
use super::writer::layout;
use crate::adapt::LowRank;
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
    /// Seconds of warm-up and of sampling of each chain, 2 numbers per chain, NAN where they are not known; NULL: not known.
    pub seconds: *const f64,
    /// The step size of each chain after warm-up, NAN where it is not known; NULL: not known.
    pub step_sizes: *const f64,
    /// The diagonals of the chains' inverse metrics, `metric_size` numbers per chain (or the metrics themselves: see
    /// `dimension`); NULL: not known. They are told only with step sizes.
    pub inv_metrics: *const f64,
    /// Numbers of each chain in `inv_metrics`.
    pub metric_size: usize,
    /// Draws that each chain had before all were cut to one length; NULL: none was cut.
    pub lengths: *const usize,
    /// Whose threads compute; NULL: one per core where there are many numbers.
    pub pool: *const catena_pool,
    /// The largest depth of the run, to count the transitions that reached it; 0: not counted.
    pub max_depth: u32,
    /// Coordinates of the model, where each chain has its inverse metric in `inv_metrics` as catena_result_inv_metric gives it,
    /// with zeros behind one that has fewer numbers than others; 0: `inv_metrics` are diagonals.
    pub dimension: usize,
    /// The step sizes of the warm-up iterations that were saved (the column stepsize__ of their rows, finite and above 0),
    /// `warmup_size` numbers per chain, chain after chain; NULL: not known. A page shows them where each chain has some.
    pub warmup_step_sizes: *const f64,
    /// Numbers of each chain in `warmup_step_sizes`.
    pub warmup_size: usize,
    /// How many of its `warmup_size` numbers each chain has, the first ones; the others may be anything. NULL: all.
    pub warmup_lengths: *const usize,
    /// What the run was asked for: names, such as catena_result_setting gives, `num_settings` of them; NULL: not told.
    pub setting_names: *const *const c_char,
    /// The values of the settings, as texts.
    pub setting_values: *const *const c_char,
    /// Number of the settings.
    pub num_settings: usize,
}

// SAFETY: repr(C), starts with its size, zeros are valid everywhere.
unsafe impl Table for catena_report_options {
    const NAME: &'static str = "catena_report_options";
    const REQUIRED: usize = std::mem::offset_of!(catena_report_options, dimension);
}

impl catena_report_options {
    /// What is known of the chains' runs.
    ///
    /// # Safety
    /// The members point to what they say of `chains` chains.
    unsafe fn runs(&self, chains: usize) -> Result<Vec<ChainRun>, Error> {
        let size = |each: usize, name: &str| {
            let expected = "a number of numbers that memory holds";
            chains.checked_mul(each).ok_or_else(|| Error::argument(name, expected, each))
        };
        let (of_metric, of_warmup) = ("options.metric_size", "options.warmup_size");
        let count = |pointer: *const f64, each: usize| if pointer.is_null() { Ok(0) } else { size(each, of_metric) };
        // SAFETY: passed on to the caller.
        let (seconds, steps, metrics, warmup) = unsafe {
            (
                slice(self.seconds, count(self.seconds, 2)?, "options.seconds")?,
                slice(self.step_sizes, count(self.step_sizes, 1)?, "options.step_sizes")?,
                slice(self.inv_metrics, count(self.inv_metrics, self.metric_size)?, "options.inv_metrics")?,
                slice(self.warmup_step_sizes, size(self.warmup_size, of_warmup)?, "options.warmup_step_sizes")?,
            )
        };
        // SAFETY: as above.
        let lengths = unsafe { self.warmup_lengths(chains)? };
        let run = |c: usize| {
            let adapted = |&stepsize: &f64| {
                let numbers = metrics.get(c * self.metric_size..(c + 1) * self.metric_size).unwrap_or(&[]);
                adapted(stepsize, numbers, self.dimension)
            };
            let first = c * self.warmup_size;
            Ok(ChainRun {
                elapsed: seconds.get(2 * c..2 * c + 2).map(|s| [s[0], s[1]]).filter(|s| s.iter().all(|t| !t.is_nan())),
                adapted: steps.get(c).map(adapted).transpose()?.filter(is_known),
                warmup_step_sizes: path(&warmup[first..first + lengths[c]], first)?,
                stages: Vec::new(),
            })
        };
        (0..chains).map(run).collect()
    }

    /// How many warm-up iterations of each chain are told.
    ///
    /// # Safety
    /// As for [`catena_report_options::runs`].
    unsafe fn warmup_lengths(&self, chains: usize) -> Result<Vec<usize>, Error> {
        if self.warmup_lengths.is_null() {
            return Ok(vec![self.warmup_size; chains]);
        }
        // SAFETY: passed on to the caller.
        let lengths = unsafe { slice(self.warmup_lengths, chains, "options.warmup_lengths")? };
        match lengths.iter().enumerate().find(|(_, length)| **length > self.warmup_size) {
            None => Ok(lengths.to_vec()),
            Some((c, length)) => {
                let expected = format!("at most {}, which is options.warmup_size", self.warmup_size);
                Err(Error::argument(format!("options.warmup_lengths[{c}]"), expected, length))
            }
        }
    }

    /// # Safety
    /// As for [`catena_report_options::runs`].
    unsafe fn settings(&self) -> Result<Vec<(String, String)>, Error> {
        // SAFETY: passed on to the caller.
        let (names, values) = unsafe {
            (
                texts(self.setting_names, self.num_settings, "options.setting_names")?,
                texts(self.setting_values, self.num_settings, "options.setting_values")?,
            )
        };
        Ok(names.into_iter().zip(values).collect())
    }
}

/// Whether there is anything in what adaptation ended with.
fn is_known(adapted: &Adapted) -> bool {
    !(adapted.stepsize.is_nan() && adapted.inv_metric.is_empty())
}

/// The step sizes of a chain's warm-up, the first of which is number `first` of all.
fn path(step_sizes: &[f64], first: usize) -> Result<Vec<f64>, Error> {
    match step_sizes.iter().position(|s| !(s.is_finite() && *s > 0.0)) {
        None => Ok(step_sizes.to_vec()),
        Some(at) => {
            let name = format!("options.warmup_step_sizes[{}]", first + at);
            Err(Error::argument(name, "a finite number above 0", step_sizes[at]))
        }
    }
}

/// What a chain's adaptation ended with. `numbers` are a diagonal where `dimension` is 0, else as a result has them.
fn adapted(stepsize: f64, numbers: &[f64], dimension: usize) -> Result<Adapted, Error> {
    let of_rows = |inv_metric: &[f64], metric_rows| {
        Ok(Adapted { stepsize, inv_metric: inv_metric.to_vec(), metric_rows, directions: None })
    };
    // One of low rank never has the square of the dimension as its number of numbers.
    match numbers.len() {
        0 => return of_rows(numbers, 0),
        size if dimension == 0 || size == dimension => return of_rows(numbers, 1),
        size if dimension.checked_mul(dimension) == Some(size) => return of_rows(numbers, dimension),
        _ => {}
    }
    let expected = format!("an inverse metric of {dimension} coordinates as catena_result_inv_metric gives it");
    let refuse = || Error::argument("options.inv_metrics", expected, format!("{} numbers", numbers.len()));
    let found = LowRank::from_padded(dimension, numbers).ok().filter(|m| m.variances.len() == dimension);
    let LowRank { variances, values, vectors } = found.ok_or_else(refuse)?;
    Ok(Adapted { stepsize, inv_metric: variances, metric_rows: 1, directions: Some((values, vectors)) })
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
        let (options, title, runs, settings, lengths, pool) = unsafe {
            let options = table(options, "options")?;
            let title = if options.title.is_null() { TITLE } else { text(options.title, "options.title")? };
            let lengths =
                if options.lengths.is_null() { &[] } else { slice(options.lengths, chains, "options.lengths")? };
            let (runs, settings) = (options.runs(chains)?, options.settings()?);
            (options, title, runs, settings, lengths, options.pool.as_ref().map(catena_pool::share))
        };
        draws.max_depth = (options.max_depth > 0).then_some(options.max_depth);
        let input = ReportInput { runs: &runs, settings: &settings, lengths, ..ReportInput::new(title, draws) };
        write_report(&input, pool, Path::new(path))
    })
}
