//! Stopped chains as bytes.

use super::boundary::{free, make, slice};
use super::error::{catena_error, catena_status};

/// A chain as bytes, to be kept in a file or sent elsewhere and gone on with. Immutable.
pub struct catena_checkpoint {
    pub(super) bytes: Vec<u8>,
}

/// A checkpoint from bytes that catena_checkpoint_bytes gave (copied). The bytes are checked when a run goes on with them.
///
/// # Safety
/// `bytes` points to `length` bytes; `out` and `error` are NULL or point to places for pointers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_checkpoint_new(
    bytes: *const u8,
    length: usize,
    out: *mut *mut catena_checkpoint,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the bytes.
    let new = || Ok(catena_checkpoint { bytes: unsafe { slice(bytes, length, "bytes")? }.to_vec() });
    // SAFETY: the caller vouches for both places.
    unsafe { make(out, error, new) }
}

/// The bytes of a checkpoint, borrowed from it; their number goes to `length` unless that is NULL. NULL for NULL.
///
/// # Safety
/// `checkpoint` is NULL or a live checkpoint; `length` is NULL or points to a place for a number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_checkpoint_bytes(
    checkpoint: *const catena_checkpoint,
    length: *mut usize,
) -> *const u8 {
    // SAFETY: the caller vouches for the pointers.
    unsafe {
        let bytes = checkpoint.as_ref().map(|c| &c.bytes);
        if let Some(length) = length.as_mut() {
            *length = bytes.map_or(0, Vec::len);
        }
        bytes.map_or(std::ptr::null(), |b| b.as_ptr())
    }
}

/// Frees a checkpoint. NULL is fine.
///
/// # Safety
/// `checkpoint` is NULL or was handed out by this library and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_checkpoint_free(checkpoint: *mut catena_checkpoint) {
    // SAFETY: the caller vouches for the pointer.
    unsafe { free(checkpoint) }
}
