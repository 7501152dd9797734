//! Writers into the caller's memory.

use super::handle::catena_writer;
use crate::error::Error;
use crate::ffi::boundary::{check_size, guard, make, slice_mut};
use crate::ffi::error::{catena_error, catena_status};
use crate::io::{Grid, Layout, MemoryWriter, Sink};

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
pub(in crate::ffi) fn layout(number: i32) -> Result<Layout, Error> {
    match number {
        n if n == catena_layout::CATENA_LAYOUT_ROWS as i32 => Ok(Layout::Rows),
        n if n == catena_layout::CATENA_LAYOUT_COLUMNS as i32 => Ok(Layout::Columns),
        n => Err(Error::argument("layout", "CATENA_LAYOUT_ROWS (0) or CATENA_LAYOUT_COLUMNS (1)", n)),
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

    fn get(&self, index: usize) -> f64 {
        assert!(index < self.size, "the grid lies within the array");
        // SAFETY: within the array that the caller vouched for, which outlives the writer.
        unsafe { *self.values.add(index) }
    }

    fn put(&mut self, index: usize, value: f64) {
        assert!(index < self.size, "the grid lies within the array");
        // SAFETY: within the array that the caller vouched for, which outlives the writer.
        unsafe { *self.values.add(index) = value };
    }
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
    let new = || memory(values, size, Grid::new(rows, columns, row_stride, column_stride)?);
    // SAFETY: the caller vouches for both places.
    unsafe { make(out, error, new) }
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
