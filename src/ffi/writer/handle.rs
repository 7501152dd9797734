//! Writers of the library's own: none, CSV, Arrow.

use crate::error::Error;
use crate::ffi::boundary::{Handle, Held, let_go, look, make, text};
use crate::ffi::error::{catena_error, catena_status};
use crate::io::{CsvWriter, Mark, NullWriter, Writer};
use std::ffi::{c_char, c_int};
use std::time::Instant;

/// Receives one chain's output: its initial values, its draws or its diagnostics.
pub struct catena_writer {
    inner: Held<Counted>,
}

impl Handle for catena_writer {
    type Kept = Counted;
    const NAME: &'static str = "writer";
    const WHAT: &'static str = "a catena_writer";

    fn held(&self) -> &Held<Counted> {
        &self.inner
    }
}

impl catena_writer {
    pub(super) fn new(writer: impl Writer + 'static) -> Self {
        Self { inner: Held::new(Counted { writer: Box::new(writer), rows: 0 }) }
    }
}

/// Counts the rows that were taken.
pub(in crate::ffi) struct Counted {
    writer: Box<dyn Writer>,
    rows: usize,
}

impl Writer for Counted {
    fn names(&mut self, names: &[String]) -> Result<(), Error> {
        self.writer.names(names)
    }

    fn resumed(&mut self, names: &[String], rows: usize) -> Result<(), Error> {
        self.writer.resumed(names, rows)
    }

    fn row(&mut self, values: &[f64]) -> Result<(), Error> {
        self.writer.row(values)?;
        self.rows += 1;
        Ok(())
    }

    fn message(&mut self, line: &str) -> Result<(), Error> {
        self.writer.message(line)
    }

    fn mark(&mut self) -> Result<Mark, Error> {
        self.writer.mark()
    }

    fn look(&mut self, now: Instant) -> Result<(), Error> {
        self.writer.look(now)
    }

    fn held(&self) -> Option<Vec<f64>> {
        self.writer.held()
    }

    fn finish(&mut self) -> Result<(), Error> {
        self.writer.finish()
    }
}

/// A writer that drops everything.
///
/// # Safety
/// `out` and `error` are NULL or point to places for pointers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_writer_none_new(
    out: *mut *mut catena_writer,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for `out`.
    unsafe { make(out, error, || Ok(catena_writer::new(NullWriter))) }
}

/// A writer to a Stan CSV file at `path`. `sig_figs` significant figures, 1 to 18; 0 writes the shortest text that reads
/// back to the same bits. `append` other than 0 goes on after the last line of a file that is there, for a resumed chain.
///
/// # Safety
/// `path` is NULL or NUL-terminated; `out` and `error` are NULL or point to places for pointers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_writer_csv_new(
    path: *const c_char,
    sig_figs: c_int,
    append: c_int,
    out: *mut *mut catena_writer,
    error: *mut *mut catena_error,
) -> catena_status {
    let new = || {
        // SAFETY: the caller vouches for the path.
        let path = unsafe { text(path, "path")? };
        let figures = u32::try_from(sig_figs).map_err(|_| Error::argument("sig_figs", "0 to 18", sig_figs))?;
        let file = if append == 0 { CsvWriter::create(path, figures)? } else { CsvWriter::append(path, figures)? };
        Ok(catena_writer::new(file))
    };
    // SAFETY: the caller vouches for both places.
    unsafe { make(out, error, new) }
}

/// A writer of chain `chain_id` (at least 1) to an Arrow IPC file ("Feather version 2") at `path`, record batch by record
/// batch as the run goes: columns chain and draw (64-bit integers), then the run's, counts as 64-bit integers, divergent__
/// as boolean, the others as doubles. Fails in a library that was built without the feature `arrow`.
///
/// # Safety
/// `path` is NULL or NUL-terminated; `out` and `error` are NULL or point to places for pointers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_writer_arrow_new(
    path: *const c_char,
    chain_id: u64,
    out: *mut *mut catena_writer,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the path.
    let new = || arrow(unsafe { text(path, "path")? }, chain_id, false);
    // SAFETY: the caller vouches for both places.
    unsafe { make(out, error, new) }
}

/// A writer for a resumed chain that goes on with the Arrow file that the chain's earlier part left at `path`, so that the
/// file ends as that of a run that nothing disturbed. Rows that came after the chain's checkpoint are left out. The file is
/// written aside (`path` and ".part") until it has all that the earlier one has, and then put in its place. What does not
/// fit fails the chain when it begins. (A writer of catena_writer_arrow_new begins a new file in which draws are counted on.)
///
/// # Safety
/// `path` is NULL or NUL-terminated; `out` and `error` are NULL or point to places for pointers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_writer_arrow_resume(
    path: *const c_char,
    chain_id: u64,
    out: *mut *mut catena_writer,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the path.
    let new = || arrow(unsafe { text(path, "path")? }, chain_id, true);
    // SAFETY: the caller vouches for both places.
    unsafe { make(out, error, new) }
}

#[cfg(feature = "arrow")]
fn arrow(path: &str, chain_id: u64, resumed: bool) -> Result<catena_writer, Error> {
    use crate::io::ArrowWriter;
    Ok(catena_writer::new(if resumed {
        ArrowWriter::resume(path, chain_id, &[])?
    } else {
        ArrowWriter::new(path, chain_id)?
    }))
}

#[cfg(not(feature = "arrow"))]
fn arrow(path: &str, _chain_id: u64, _resumed: bool) -> Result<catena_writer, Error> {
    let expected = "a library built with the feature 'arrow' (cargo build --features arrow)";
    Err(Error::argument("path", expected, format_args!("one without it, asked to write '{path}'")))
}

/// Number of rows the writer has taken; 0 for NULL and while a run uses it.
///
/// # Safety
/// `writer` is NULL or a live writer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_writer_rows(writer: *const catena_writer) -> usize {
    // SAFETY: the caller vouches for the pointer.
    unsafe { look(writer) }.map_or(0, |w| w.rows)
}

/// Frees a writer and releases its user data, or has it freed when the run that uses it has ended. NULL is fine.
///
/// # Safety
/// `writer` is NULL or was handed out by this library and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_writer_free(writer: *mut catena_writer) {
    // SAFETY: the caller vouches for the pointer.
    unsafe { let_go(writer) }
}
