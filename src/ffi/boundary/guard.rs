//! Results that become statuses and error objects.

use super::pointers::hand_out;
use crate::drive::quiet;
use crate::error::{Code, Error};
use crate::ffi::error::{catena_error, catena_status};

/// Runs `f`; a failure or a panic becomes a status and, where the caller wants one, an error object.
///
/// `error` must be null or point to a place for a pointer, as every exported function documents.
pub(in crate::ffi) fn guard(error: *mut *mut catena_error, f: impl FnOnce() -> Result<(), Error>) -> catena_status {
    let outcome = quiet::catch(f)
        .unwrap_or_else(|message| Err(Error::new(Code::Internal, format!("a panic was caught: {message}"))));
    match outcome {
        Ok(()) => catena_status::CATENA_OK,
        Err(e) => {
            let status = catena_status::from(e.code());
            if !error.is_null() {
                // SAFETY: not null, and the caller vouches that it points to a place for a pointer.
                unsafe { *error = Box::into_raw(Box::new(catena_error::new(e))) };
            }
            status
        }
    }
}

/// All that a function does which makes a handle: `value` is handed out, or why there is none.
///
/// # Safety
/// `out` and `error` are null or point to places for pointers.
pub(in crate::ffi) unsafe fn make<T>(
    out: *mut *mut T,
    error: *mut *mut catena_error,
    value: impl FnOnce() -> Result<T, Error>,
) -> catena_status {
    // SAFETY: passed on to the caller.
    guard(error, || unsafe { hand_out(out, value) })
}
