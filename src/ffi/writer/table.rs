//! Writers of the host's own.

use super::handle::catena_writer;
use crate::error::{Code, Error};
use crate::ffi::UserData;
use crate::ffi::boundary::{Table, make, table_with};
use crate::ffi::error::{c_text, catena_error, catena_status};
use crate::io::Writer;
use std::ffi::{c_char, c_int, c_void};

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

/// A writer from the host's table, which is copied. It owns `user`, which is released when the writer is freed, or, where this
/// function fails, at once.
///
/// # Safety
/// `table` is NULL or points to a table as documented; `out` and `error` are NULL or point to places for pointers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_writer_new(
    table: *const catena_writer_table,
    out: *mut *mut catena_writer,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the table.
    let given = unsafe { table_with(table, "table", |t| UserData::new(t.user, t.release)) };
    let new = || given.map(|(table, data)| catena_writer::new(HostWriter { table, data }));
    // SAFETY: the caller vouches for both places.
    unsafe { make(out, error, new) }
}
