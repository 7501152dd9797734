//! Statuses, errors and versions.

use super::boundary::free;
use crate::error::{Code, Error};
use std::ffi::{CString, c_char};

/// What a function returns. The numbers never change; new ones may be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum catena_status {
    /// Done.
    CATENA_OK = 0,
    /// An argument is NULL, of the wrong size, out of range or inconsistent with another.
    CATENA_INVALID_ARGUMENT = 1,
    /// No initial point with a finite log density and gradient was found, or no usable first step size.
    CATENA_INITIALIZATION = 2,
    /// The model asked for the run to stop.
    CATENA_MODEL = 3,
    /// A writer refused a row or failed to write it.
    CATENA_WRITER = 4,
    /// A file could not be opened, read or parsed.
    CATENA_IO = 5,
    /// Bytes are not a checkpoint of this version, or are damaged, or belong to another run.
    CATENA_CHECKPOINT = 6,
    /// The interrupt asked for the run to end; what was written is intact.
    CATENA_INTERRUPTED = 7,
    /// At least one chain failed while others went on; each chain's own error tells more.
    CATENA_CHAIN_FAILED = 8,
    /// A bug in Catena: a panic was caught at the boundary.
    CATENA_INTERNAL = 9,
    /// All weights of a set of particles are zero; the particles can still be read.
    CATENA_ALL_LOST = 10,
    /// The library was built without what is asked for (see catena_devices_new).
    CATENA_UNSUPPORTED = 11,
    /// No start of an optimiser has converged, or a point is no mode; what was found can still be read.
    CATENA_NOT_CONVERGED = 12,
    /// Another process of the run did not answer in time, or the communicator failed.
    CATENA_COMMUNICATOR = 13,
}

impl From<Code> for catena_status {
    fn from(code: Code) -> Self {
        match code {
            Code::InvalidArgument => Self::CATENA_INVALID_ARGUMENT,
            Code::Initialization => Self::CATENA_INITIALIZATION,
            Code::Model => Self::CATENA_MODEL,
            Code::Writer => Self::CATENA_WRITER,
            Code::Io => Self::CATENA_IO,
            Code::Checkpoint => Self::CATENA_CHECKPOINT,
            Code::Interrupted => Self::CATENA_INTERRUPTED,
            Code::ChainFailed => Self::CATENA_CHAIN_FAILED,
            Code::Internal => Self::CATENA_INTERNAL,
            Code::AllLost => Self::CATENA_ALL_LOST,
            Code::Unsupported => Self::CATENA_UNSUPPORTED,
            Code::NotConverged => Self::CATENA_NOT_CONVERGED,
            Code::Communicator => Self::CATENA_COMMUNICATOR,
        }
    }
}

/// A failure: its status, its message, and the chain and argument it is about. Immutable; may be read from any thread.
pub struct catena_error {
    error: Error,
    message: CString,
    argument: Option<CString>,
}

impl catena_error {
    pub(super) fn new(error: Error) -> Self {
        Self { message: c_text(&error.to_string()), argument: error.argument_name().map(c_text), error }
    }
}

/// Text for C; a NUL inside becomes a visible sign.
pub(super) fn c_text(text: &str) -> CString {
    CString::new(text.replace('\0', "\u{2400}")).expect("no NUL is left")
}

/// Status of the failure; CATENA_OK for NULL.
///
/// # Safety
/// `error` is NULL or a live error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_error_code(error: *const catena_error) -> catena_status {
    // SAFETY: the caller vouches for the pointer.
    unsafe { error.as_ref() }.map_or(catena_status::CATENA_OK, |e| e.error.code().into())
}

/// The whole message with chain and argument, e.g. "chain 3: argument 'delta': expected ..., got ...". UTF-8; borrowed
/// from the error. Empty for NULL.
///
/// # Safety
/// `error` is NULL or a live error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_error_message(error: *const catena_error) -> *const c_char {
    // SAFETY: the caller vouches for the pointer.
    unsafe { error.as_ref() }.map_or(c"".as_ptr(), |e| e.message.as_ptr())
}

/// Id of the chain the failure belongs to; -1 when it belongs to none.
///
/// # Safety
/// `error` is NULL or a live error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_error_chain(error: *const catena_error) -> i64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { error.as_ref() }.and_then(|e| e.error.chain()).and_then(|id| i64::try_from(id).ok()).unwrap_or(-1)
}

/// Id of the set of traces or particles the failure belongs to; -1 when it belongs to none.
///
/// # Safety
/// `error` is NULL or a live error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_error_set(error: *const catena_error) -> i64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { error.as_ref() }.and_then(|e| e.error.set()).and_then(|id| i64::try_from(id).ok()).unwrap_or(-1)
}

/// The trace or particle of its set that the failure is about, from 0; -1 when it is about none.
///
/// # Safety
/// `error` is NULL or a live error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_error_particle(error: *const catena_error) -> i64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { error.as_ref() }.and_then(|e| e.error.particle()).and_then(|i| i64::try_from(i).ok()).unwrap_or(-1)
}

/// Name of the offending argument, borrowed from the error; NULL when the failure is about none.
///
/// # Safety
/// `error` is NULL or a live error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_error_argument(error: *const catena_error) -> *const c_char {
    // SAFETY: the caller vouches for the pointer.
    unsafe { error.as_ref() }.and_then(|e| e.argument.as_ref()).map_or(std::ptr::null(), |a| a.as_ptr())
}

/// Frees an error. NULL is fine.
///
/// # Safety
/// `error` is NULL or was handed out by a function of this library and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_error_free(error: *mut catena_error) {
    // SAFETY: the caller vouches for the pointer.
    unsafe { free(error) }
}

/// Major version of this ABI; the shared library's SONAME carries it too. It changes when a program built against an
/// older header could break.
#[unsafe(no_mangle)]
pub extern "C" fn catena_abi_version() -> u32 {
    ABI_VERSION
}

/// See [`catena_abi_version`]; `build.rs` names it in the SONAME.
const ABI_VERSION: u32 = 0;

/// Version of the library, e.g. "0.1.0". Static; never freed.
#[unsafe(no_mangle)]
pub extern "C" fn catena_version_string() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}
