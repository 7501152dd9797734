//! Loggers and interrupts: plain tables that a run borrows.

use super::UserData;
use super::boundary::{Table, table_with};
use super::error::c_text;
use crate::error::Error;
use crate::io::{Interrupt, Level, Logger};
use std::ffi::{c_char, c_int, c_void};

/// How much a log line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum catena_level {
    /// For the developers of a model.
    CATENA_LOG_DEBUG = 0,
    /// Progress.
    CATENA_LOG_INFO = 1,
    /// Something a user should look at; the run goes on.
    CATENA_LOG_WARNING = 2,
    /// A chain or the run failed.
    CATENA_LOG_ERROR = 3,
}

/// Receives progress, warnings and failures, one whole line at a time. Set `struct_size` to sizeof(catena_logger).
///
/// Threads: called from any pool thread, several at once; must synchronise itself.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct catena_logger {
    /// sizeof(catena_logger) of the header the program was compiled with.
    pub struct_size: usize,
    /// Passed to every callback.
    pub user: *mut c_void,
    /// Called once with `user` when the run that borrowed the table ends, or by the call that was given it where that call is
    /// refused; may be NULL.
    pub release: Option<unsafe extern "C" fn(user: *mut c_void)>,
    /// One line without a line end; `chain` is the id of the chain it is about, -1 when it is about none.
    pub log: Option<unsafe extern "C" fn(user: *mut c_void, level: catena_level, chain: i64, line: *const c_char)>,
}

/// Ends a run early. Set `struct_size` to sizeof(catena_interrupt).
///
/// Threads: called only on the thread that called into the library, at least every 10 ms while chains run.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct catena_interrupt {
    /// sizeof(catena_interrupt) of the header the program was compiled with.
    pub struct_size: usize,
    /// Passed to every callback.
    pub user: *mut c_void,
    /// Called once with `user` when the run that borrowed the table ends, or by the call that was given it where that call is
    /// refused; may be NULL.
    pub release: Option<unsafe extern "C" fn(user: *mut c_void)>,
    /// Returns other than 0 to end the run; what was written stays intact, and the chains can be resumed.
    pub requested: Option<unsafe extern "C" fn(user: *mut c_void) -> c_int>,
}

// SAFETY: repr(C), starts with its size, zeros are valid everywhere.
unsafe impl Table for catena_logger {
    const NAME: &'static str = "catena_logger";
    const REQUIRED: usize = size_of::<catena_logger>();
}

// SAFETY: as above.
unsafe impl Table for catena_interrupt {
    const NAME: &'static str = "catena_interrupt";
    const REQUIRED: usize = size_of::<catena_interrupt>();
}

fn given(name: &str, given: bool) -> Result<(), Error> {
    if given { Ok(()) } else { Err(Error::argument(name, "a function", "NULL")) }
}

/// A table and the owner of its data, or neither.
///
/// # Safety
/// `pointer` is null or points to a table as documented.
unsafe fn lent<T: Table>(
    pointer: *const T,
    name: &str,
    owner: impl FnOnce(&T) -> UserData,
) -> Result<(Option<T>, UserData), Error> {
    if pointer.is_null() {
        return Ok((None, UserData::new(std::ptr::null_mut(), None)));
    }
    // SAFETY: passed on to the caller.
    let (table, data) = unsafe { table_with(pointer, name, owner)? };
    Ok((Some(table), data))
}

/// The host's logger, or silence.
pub(super) struct HostLogger {
    table: Option<catena_logger>,
    data: UserData,
}

// SAFETY: the header says that the callback may be called from any thread, concurrently.
unsafe impl Sync for HostLogger {}

impl HostLogger {
    /// # Safety
    /// `logger` is null or points to a table as documented.
    pub unsafe fn new(logger: *const catena_logger) -> Result<Self, Error> {
        // SAFETY: passed on to the caller.
        let (table, data) = unsafe { lent(logger, "io.logger", |t| UserData::new(t.user, t.release))? };
        given("io.logger.log", table.is_none_or(|t| t.log.is_some()))?;
        Ok(Self { table, data })
    }
}

impl Logger for HostLogger {
    fn log(&self, level: Level, chain: Option<u64>, line: &str) {
        let Some(log) = self.table.and_then(|t| t.log) else { return };
        let level = match level {
            Level::Debug => catena_level::CATENA_LOG_DEBUG,
            Level::Info => catena_level::CATENA_LOG_INFO,
            Level::Warning => catena_level::CATENA_LOG_WARNING,
            Level::Error => catena_level::CATENA_LOG_ERROR,
        };
        let chain = chain.and_then(|id| i64::try_from(id).ok()).unwrap_or(-1);
        // SAFETY: the host's function with the host's data.
        unsafe { log(self.data.user, level, chain, c_text(line).as_ptr()) };
    }
}

/// The host's interrupt, or none.
pub(super) struct HostInterrupt {
    table: Option<catena_interrupt>,
    data: UserData,
}

impl HostInterrupt {
    /// # Safety
    /// `interrupt` is null or points to a table as documented.
    pub unsafe fn new(interrupt: *const catena_interrupt) -> Result<Self, Error> {
        // SAFETY: passed on to the caller.
        let (table, data) = unsafe { lent(interrupt, "io.interrupt", |t| UserData::new(t.user, t.release))? };
        given("io.interrupt.requested", table.is_none_or(|t| t.requested.is_some()))?;
        Ok(Self { table, data })
    }
}

impl Interrupt for HostInterrupt {
    fn requested(&self) -> bool {
        // SAFETY: the host's function with the host's data.
        self.table.and_then(|t| t.requested).is_some_and(|requested| unsafe { requested(self.data.user) } != 0)
    }
}
