//! Files of draws, read back.

use super::boundary::{free, guard, object, slice_mut, text};
use super::error::{catena_error, catena_status};
use super::run::catena_pool;
use super::summary::texts;
use crate::drive::{Hands, Pool};
use crate::error::Error;
use crate::io::{CsvChains, STAGE_COLUMNS};
use crate::model::Threading;
use crate::services::report_files;
use std::ffi::{CString, c_char};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The draws of several files, one per chain or set. Immutable.
pub struct catena_files {
    files: CsvChains,
    paths: Vec<PathBuf>,
    names: Vec<CString>,
    settings: Vec<[CString; 2]>,
}

fn c_text(text: &str) -> CString {
    CString::new(text.replace('\0', "")).unwrap_or_default()
}

impl catena_files {
    fn read(paths: Vec<PathBuf>, pool: Option<Arc<Pool>>) -> Result<Self, Error> {
        let pool = pool.map_or_else(|| Pool::new(0).map(Arc::new), Ok)?;
        let files = CsvChains::read(&paths, &Hands::new(&pool, Threading::Any, || false))?;
        let names = files.names().iter().map(|name| c_text(name)).collect();
        let settings = files.settings().iter().map(|(name, value)| [c_text(name), c_text(value)]).collect();
        Ok(Self { files, paths, names, settings })
    }
}

/// Reads files of draws, one per chain or set of particles: Stan CSV of Catena's or CmdStan's, or Arrow of Catena's. Rows of
/// warm-up are left out, and longer chains are cut to the length of the shortest. `pool`: whose threads read; NULL: one per core.
///
/// # Safety
/// `paths` points to `num_paths` NUL-terminated texts; `pool` is NULL or a live pool; `out` and `error` are NULL or point to
/// places for pointers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_files_read(
    paths: *const *const c_char,
    num_paths: usize,
    pool: *const catena_pool,
    out: *mut *mut catena_files,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        if out.is_null() {
            return Err(Error::argument("out", "a place for the files", "NULL"));
        }
        // SAFETY: the caller vouches for the pointers.
        let (paths, pool) = unsafe { (texts(paths, num_paths, "paths")?, pool.as_ref().map(catena_pool::share)) };
        let files = catena_files::read(paths.into_iter().map(PathBuf::from).collect(), pool)?;
        // SAFETY: not null, and the caller vouches for it.
        unsafe { *out = Box::into_raw(Box::new(files)) };
        Ok(())
    })
}

/// Number of chains; 0 for NULL.
///
/// # Safety
/// `files` is NULL or live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_files_num_chains(files: *const catena_files) -> usize {
    // SAFETY: the caller vouches for the pointer.
    unsafe { files.as_ref() }.map_or(0, |f| f.files.chains())
}

/// Draws of each chain; 0 for NULL.
///
/// # Safety
/// `files` is NULL or live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_files_num_draws(files: *const catena_files) -> usize {
    // SAFETY: the caller vouches for the pointer.
    unsafe { files.as_ref() }.map_or(0, |f| f.files.draws())
}

/// Draws after warm-up that the file of chain `chain` (from 0) has; 0 past the last.
///
/// # Safety
/// `files` is NULL or live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_files_length(files: *const catena_files, chain: usize) -> usize {
    // SAFETY: the caller vouches for the pointer.
    unsafe { files.as_ref() }.and_then(|f| f.files.lengths().get(chain).copied()).unwrap_or(0)
}

/// Number of columns; 0 for NULL.
///
/// # Safety
/// `files` is NULL or live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_files_num_columns(files: *const catena_files) -> usize {
    // SAFETY: the caller vouches for the pointer.
    unsafe { files.as_ref() }.map_or(0, |f| f.names.len())
}

/// Name of column `column` (from 0), which belongs to the files; NULL past the last.
///
/// # Safety
/// `files` is NULL or live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_files_column(files: *const catena_files, column: usize) -> *const c_char {
    // SAFETY: the caller vouches for the pointer.
    unsafe { files.as_ref() }.and_then(|f| f.names.get(column)).map_or(std::ptr::null(), |name| name.as_ptr())
}

/// All draws, chain after chain, row after row: chains x draws x columns numbers, which belong to the files. NULL for NULL.
///
/// # Safety
/// `files` is NULL or live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_files_values(files: *const catena_files) -> *const f64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { files.as_ref() }.map_or(std::ptr::null(), |f| f.files.values().as_ptr())
}

/// Option `at` (from 0) of the first file's run: its name or (`value` other than 0) what it was, which belong to the files; NULL
/// past the last.
///
/// # Safety
/// `files` is NULL or live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_files_setting(files: *const catena_files, at: usize, value: i32) -> *const c_char {
    // SAFETY: the caller vouches for the pointer.
    let setting = unsafe { files.as_ref() }.and_then(|f| f.settings.get(at));
    setting.map_or(std::ptr::null(), |setting| setting[usize::from(value != 0)].as_ptr())
}

/// Number of the last line of a chain's file, which had no end and was left out (of an Arrow file: of the first row of a batch
/// like that); 0 where the file is whole.
///
/// # Safety
/// `files` is NULL or live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_files_cut_off(files: *const catena_files, chain: usize) -> usize {
    // SAFETY: the caller vouches for the pointer.
    let cut = unsafe { files.as_ref() }.and_then(|f| f.files.cut_off().iter().find(|(at, _)| *at == chain));
    cut.map_or(0, |(_, cut)| cut.number())
}

/// Step size of a chain after warm-up; NAN where its file does not say.
///
/// # Safety
/// `files` is NULL or live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_files_stepsize(files: *const catena_files, chain: usize) -> f64 {
    // SAFETY: the caller vouches for the pointer.
    let run = unsafe { files.as_ref() }.and_then(|f| f.files.runs().get(chain));
    run.and_then(|run| run.adapted.as_ref()).map_or(f64::NAN, |adapted| adapted.stepsize)
}

/// Seconds of a chain's warm-up, or (`sampling` other than 0) of its sampling; NAN where its file does not say.
///
/// # Safety
/// `files` is NULL or live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_files_seconds(files: *const catena_files, chain: usize, sampling: i32) -> f64 {
    // SAFETY: the caller vouches for the pointer.
    let run = unsafe { files.as_ref() }.and_then(|f| f.files.runs().get(chain));
    run.and_then(|run| run.elapsed).map_or(f64::NAN, |seconds| seconds[usize::from(sampling != 0)])
}

/// How many warm-up iterations of a chain its file has.
///
/// # Safety
/// `files` is NULL or live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_files_warmup_size(files: *const catena_files, chain: usize) -> usize {
    // SAFETY: the caller vouches for the pointer.
    let run = unsafe { files.as_ref() }.and_then(|f| f.files.runs().get(chain));
    run.map_or(0, |run| run.warmup_step_sizes.len())
}

/// Copies the step sizes of a chain's warm-up iterations to `out`, which has room for `size` numbers: as many as
/// catena_files_warmup_size says.
///
/// # Safety
/// `files` is NULL or live; `out` has room for `size` numbers; `error` is NULL or points to a place.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_files_warmup_step_sizes(
    files: *const catena_files,
    chain: usize,
    out: *mut f64,
    size: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the pointers.
        let files = unsafe { object(files, "files", "a catena_files") }?;
        let last = files.files.chains().saturating_sub(1);
        let none = || Error::argument("chain", format!("a chain from 0 to {last}"), chain);
        let run = files.files.runs().get(chain).ok_or_else(none)?;
        // SAFETY: the caller vouches for the room.
        unsafe { copied(&run.warmup_step_sizes, out, size) }
    })
}

/// Coordinates of the inverse metric of a chain; 0 where its file does not say.
///
/// # Safety
/// `files` is NULL or live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_files_dimension(files: *const catena_files, chain: usize) -> usize {
    // SAFETY: the caller vouches for the pointer.
    let run = unsafe { files.as_ref() }.and_then(|f| f.files.runs().get(chain));
    run.and_then(|run| run.adapted.as_ref()).map_or(0, |adapted| match adapted.metric_rows {
        0 | 1 => adapted.inv_metric.len(),
        rows => rows,
    })
}

/// How many numbers the inverse metric of a chain has: 0 where its file does not say.
///
/// # Safety
/// `files` is NULL or live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_files_inv_metric_size(files: *const catena_files, chain: usize) -> usize {
    // SAFETY: the caller vouches for the pointer.
    let run = unsafe { files.as_ref() }.and_then(|f| f.files.runs().get(chain));
    run.and_then(|run| run.adapted.as_ref()).map_or(0, |adapted| adapted.metric().1.len())
}

/// Copies the inverse metric of a chain to `out`, which has room for `size` numbers, and, where `rows` is not NULL, sets `*rows`
/// to its number of rows: 1 of variances, the dimension of a matrix, 0 of the numbers of CATENA_METRIC_LOW_RANK.
///
/// # Safety
/// `files` is NULL or live; `out` has room for `size` numbers; `rows` and `error` are NULL or point to places.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_files_inv_metric(
    files: *const catena_files,
    chain: usize,
    out: *mut f64,
    size: usize,
    rows: *mut usize,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the pointers.
        let files = unsafe { object(files, "files", "a catena_files") }?;
        let run = files.files.runs().get(chain).and_then(|run| run.adapted.as_ref());
        let adapted = run.ok_or_else(|| Error::argument("chain", "a chain whose file has a metric", chain))?;
        // SAFETY: the caller vouches for the room.
        unsafe { copied(&adapted.metric().1, out, size) }?;
        if !rows.is_null() {
            // SAFETY: not null, and the caller vouches for it.
            unsafe { *rows = if adapted.directions.is_some() { 0 } else { adapted.metric_rows } };
        }
        Ok(())
    })
}

/// Copies all numbers to a host's room, which must be as large.
///
/// # Safety
/// `out` is null or has room for `size` numbers.
unsafe fn copied(numbers: &[f64], out: *mut f64, size: usize) -> Result<(), Error> {
    if numbers.len() != size {
        return Err(Error::argument("size", numbers.len(), size));
    }
    // SAFETY: passed on to the caller.
    unsafe { slice_mut(out, size, "out") }?.copy_from_slice(numbers);
    Ok(())
}

/// Number of the stages that the file of a set of particles tells of; 0 for chains.
///
/// # Safety
/// `files` is NULL or live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_files_num_stages(files: *const catena_files, set: usize) -> usize {
    // SAFETY: the caller vouches for the pointer.
    unsafe { files.as_ref() }.and_then(|f| f.files.runs().get(set)).map_or(0, |run| run.stages.len())
}

/// A number of stage `stage` (from 0) of a set: the way behind it, its effective sample size, ancestors, log evidence,
/// acceptance or step size, as `what` is 0 to 5. NAN past the last.
///
/// # Safety
/// `files` is NULL or live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_files_stage(files: *const catena_files, set: usize, stage: usize, what: i32) -> f64 {
    // SAFETY: the caller vouches for the pointer.
    let stage = unsafe { files.as_ref() }.and_then(|f| f.files.runs().get(set)).and_then(|run| run.stages.get(stage));
    let what = usize::try_from(what).ok().filter(|what| *what < STAGE_COLUMNS.len());
    stage.zip(what).map_or(f64::NAN, |(stage, what)| stage[what])
}

/// Writes the page for a browser about the files, of chains as catena_report or of sets of particles as catena_course_report.
/// `title` may be NULL: the model's name, or the first file's.
///
/// # Safety
/// `files` is NULL or live; `title` is NULL or, as `path`, a NUL-terminated text; `error` is NULL or points to a place for a
/// pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_files_report(
    files: *const catena_files,
    title: *const c_char,
    path: *const c_char,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the pointers.
        let (files, title, path) = unsafe {
            let title = if title.is_null() { None } else { Some(text(title, "title")?) };
            (object(files, "files", "a catena_files")?, title, text(path, "path")?)
        };
        report_files(&files.files, &files.paths, title, None, Path::new(path))
    })
}

/// Frees files. NULL is fine.
///
/// # Safety
/// `files` is NULL or came from catena_files_read and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_files_free(files: *mut catena_files) {
    // SAFETY: the caller vouches for the pointer.
    unsafe { free(files) }
}
