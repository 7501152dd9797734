//! Writers: where a chain's output goes.

use super::UserData;
use super::boundary::{Table, check_size, free, guard, hand_out, slice_mut, table, text};
use super::error::{c_text, catena_error, catena_status};
use crate::error::{Code, Error};
use crate::io::{CsvWriter, Grid, Layout, MemoryWriter, NullWriter, Sink, Writer};
use std::ffi::{c_char, c_int, c_void};

/// How the draws of several chains lie in one array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum catena_layout {
    /// Chains x draws x columns in C order: each row together.
    CATENA_LAYOUT_ROWS = 0,
    /// Each column's draws together, then the chains, then the columns: the array draws x chains x columns of R and Julia.
    CATENA_LAYOUT_COLUMNS = 1,
}

/// The layout with this number.
pub(super) fn layout(number: i32) -> Result<Layout, Error> {
    match number {
        n if n == catena_layout::CATENA_LAYOUT_ROWS as i32 => Ok(Layout::Rows),
        n if n == catena_layout::CATENA_LAYOUT_COLUMNS as i32 => Ok(Layout::Columns),
        n => Err(Error::argument("layout", "CATENA_LAYOUT_ROWS (0) or CATENA_LAYOUT_COLUMNS (1)", n)),
    }
}

/// A writer of the host's own. Set `struct_size` to sizeof(catena_writer_table). Any callback may be NULL; each returns 0,
/// or another number when it failed, which fails the chain.
///
/// Calls come in this order: `names` once, then `row` and `message` as the run goes, `finish` once at the end, also when
/// the chain failed or was interrupted. A resumed chain skips `names`.
///
/// Threads: a writer is used by one thread at a time (not always the same); distinct writers concurrently.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct catena_writer_table {
    /// sizeof(catena_writer_table) of the header the program was compiled with.
    pub struct_size: usize,
    /// Passed to every callback.
    pub user: *mut c_void,
    /// Called once with `user` when the writer is freed; may be NULL.
    pub release: Option<unsafe extern "C" fn(user: *mut c_void)>,
    /// Names of the columns.
    pub names: Option<unsafe extern "C" fn(user: *mut c_void, count: usize, names: *const *const c_char) -> c_int>,
    /// One row, as long as the names.
    pub row: Option<unsafe extern "C" fn(user: *mut c_void, count: usize, values: *const f64) -> c_int>,
    /// One line of text without a line end: adaptation results after warm-up, elapsed times at the end.
    pub message: Option<unsafe extern "C" fn(user: *mut c_void, line: *const c_char) -> c_int>,
    /// Nothing more comes.
    pub finish: Option<unsafe extern "C" fn(user: *mut c_void) -> c_int>,
}

// SAFETY: repr(C), starts with its size, zeros are valid everywhere.
unsafe impl Table for catena_writer_table {
    const NAME: &'static str = "catena_writer_table";
    const REQUIRED: usize = size_of::<catena_writer_table>();
}

struct HostWriter {
    table: catena_writer_table,
    data: UserData,
}

// SAFETY: the header says that a writer is used by one thread after the other.
unsafe impl Send for HostWriter {}

impl HostWriter {
    fn outcome(&self, what: &str, code: c_int) -> Result<(), Error> {
        if code == 0 {
            Ok(())
        } else {
            Err(Error::new(Code::Writer, format!("the writer's {what} function failed with code {code}")))
        }
    }
}

impl Writer for HostWriter {
    fn names(&mut self, names: &[String]) -> Result<(), Error> {
        let Some(f) = self.table.names else { return Ok(()) };
        let texts: Vec<_> = names.iter().map(|n| c_text(n)).collect();
        let pointers: Vec<*const c_char> = texts.iter().map(|t| t.as_ptr()).collect();
        // SAFETY: the host's function with the host's data; the names live during the call.
        self.outcome("names", unsafe { f(self.data.user, pointers.len(), pointers.as_ptr()) })
    }

    fn row(&mut self, values: &[f64]) -> Result<(), Error> {
        let Some(f) = self.table.row else { return Ok(()) };
        // SAFETY: as above.
        self.outcome("row", unsafe { f(self.data.user, values.len(), values.as_ptr()) })
    }

    fn message(&mut self, line: &str) -> Result<(), Error> {
        let Some(f) = self.table.message else { return Ok(()) };
        // SAFETY: as above.
        self.outcome("message", unsafe { f(self.data.user, c_text(line).as_ptr()) })
    }

    fn finish(&mut self) -> Result<(), Error> {
        let Some(f) = self.table.finish else { return Ok(()) };
        // SAFETY: as above.
        self.outcome("finish", unsafe { f(self.data.user) })
    }
}

/// The caller's memory. Several writers may share one array, each writing cells of its own.
struct RawSink {
    values: *mut f64,
    size: usize,
}

// SAFETY: a writer is used by one thread at a time, and writers that share an array write distinct cells.
unsafe impl Send for RawSink {}

impl Sink for RawSink {
    fn size(&self) -> usize {
        self.size
    }

    fn put(&mut self, index: usize, value: f64) {
        assert!(index < self.size, "the grid lies within the array");
        // SAFETY: within the array that the caller vouched for, which outlives the writer.
        unsafe { *self.values.add(index) = value };
    }
}

/// Receives one chain's output: its initial values, its draws or its diagnostics.
pub struct catena_writer {
    inner: Counted,
}

impl catena_writer {
    fn new(writer: impl Writer + 'static) -> Self {
        Self { inner: Counted { writer: Box::new(writer), rows: 0 } }
    }

    pub(super) fn writer(&mut self) -> &mut dyn Writer {
        &mut self.inner
    }
}

/// Counts the rows that were taken.
struct Counted {
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

    fn finish(&mut self) -> Result<(), Error> {
        self.writer.finish()
    }
}

/// A writer from the host's table, which is copied. It owns `user` from here on; when this function fails, `user` stays
/// the caller's.
///
/// # Safety
/// `table` is NULL or points to a table as documented; `out` and `error` are NULL or point to places for pointers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_writer_new(
    table: *const catena_writer_table,
    out: *mut *mut catena_writer,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        let new = || {
            // SAFETY: the caller vouches for the table.
            let t = unsafe { self::table(table, "table")? };
            let data = UserData { user: t.user, release: t.release };
            Ok(catena_writer::new(HostWriter { table: t, data }))
        };
        // SAFETY: the caller vouches for `out`.
        unsafe { hand_out(out, new) }
    })
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
    guard(error, || unsafe { hand_out(out, || Ok(catena_writer::new(NullWriter))) })
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
    guard(error, || {
        let new = || {
            // SAFETY: the caller vouches for the path.
            let path = unsafe { text(path, "path")? };
            let figures = u32::try_from(sig_figs).map_err(|_| Error::argument("sig_figs", "0 to 18", sig_figs))?;
            let file = if append == 0 { CsvWriter::create(path, figures)? } else { CsvWriter::append(path, figures)? };
            Ok(catena_writer::new(file))
        };
        // SAFETY: the caller vouches for `out`.
        unsafe { hand_out(out, new) }
    })
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
    guard(error, || {
        // SAFETY: the caller vouches for the path.
        let new = || arrow(unsafe { text(path, "path")? }, chain_id);
        // SAFETY: the caller vouches for `out`.
        unsafe { hand_out(out, new) }
    })
}

#[cfg(feature = "arrow")]
fn arrow(path: &str, chain_id: u64) -> Result<catena_writer, Error> {
    Ok(catena_writer::new(crate::io::ArrowWriter::new(path, chain_id)?))
}

#[cfg(not(feature = "arrow"))]
fn arrow(path: &str, _chain_id: u64) -> Result<catena_writer, Error> {
    let expected = "a library built with the feature 'arrow' (cargo build --features arrow)";
    Err(Error::argument("path", expected, format_args!("one without it, asked to write '{path}'")))
}

/// A writer into the caller's memory: value of row r, column c goes to values[r * row_stride + c * column_stride].
/// `values` has `size` elements and must outlive the writer. Room for `rows` rows of `columns` columns; a further row
/// fails the chain.
///
/// # Safety
/// `values` points to `size` numbers that nothing else uses while the writer lives, but for cells of other writers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_writer_memory_new(
    values: *mut f64,
    size: usize,
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
    out: *mut *mut catena_writer,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        let new = || memory(values, size, Grid::new(rows, columns, row_stride, column_stride)?);
        // SAFETY: the caller vouches for `out`.
        unsafe { hand_out(out, new) }
    })
}

fn memory(values: *mut f64, size: usize, grid: Grid) -> Result<catena_writer, Error> {
    if values.is_null() && size > 0 {
        return Err(Error::argument("values", format_args!("a pointer to {size} elements"), "NULL"));
    }
    check_size::<f64>(size, "size")?;
    Ok(catena_writer::new(MemoryWriter::new(RawSink { values, size }, grid)?))
}

/// One writer per chain into one array of chains x rows x columns numbers, in the given layout (one of the
/// CATENA_LAYOUT constants). `size` is the array's length and must be at least chains * rows * columns; `values` must
/// outlive the writers. `out` has room for `chains` handles; on failure none is made.
///
/// # Safety
/// `values` points to `size` numbers that nothing else uses while the writers live; `out` has room for `chains` pointers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_writers_memory_new(
    values: *mut f64,
    size: usize,
    chains: usize,
    rows: usize,
    columns: usize,
    layout: i32,
    out: *mut *mut catena_writer,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        let layout = self::layout(layout)?;
        // SAFETY: the caller vouches for room for `chains` handles.
        let out = unsafe { slice_mut(out, chains, "out")? };
        let writers = (0..chains)
            .map(|chain| memory(values, size, Grid::of_chain(layout, chains, rows, columns, chain)?))
            .collect::<Result<Vec<_>, Error>>()?;
        for (place, writer) in out.iter_mut().zip(writers) {
            *place = Box::into_raw(Box::new(writer));
        }
        Ok(())
    })
}

/// Number of rows the writer has taken; 0 for NULL.
///
/// # Safety
/// `writer` is NULL or a live writer that no run uses.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_writer_rows(writer: *const catena_writer) -> usize {
    // SAFETY: the caller vouches for the pointer.
    unsafe { writer.as_ref() }.map_or(0, |w| w.inner.rows)
}

/// Frees a writer and releases its user data. NULL is fine. No run may still use it.
///
/// # Safety
/// `writer` is NULL or was handed out by this library and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_writer_free(writer: *mut catena_writer) {
    // SAFETY: the caller vouches for the pointer.
    unsafe { free(writer) }
}
