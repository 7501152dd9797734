//! Where callbacks put what comes in a number they decide.

use super::trace::{Free, Trace};
use crate::ffi::boundary::{ask, slice};
use std::ffi::{c_int, c_void};

/// Where a trace's bytes go. Valid only inside the callback that got it.
pub struct catena_bytes {
    pub(super) bytes: Vec<u8>,
}

/// Appends `size` bytes (copied). Returns 0, or -1 for NULL.
///
/// # Safety
/// `out` is NULL or what the callback that is running got; `bytes` points to `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_bytes_write(out: *mut catena_bytes, bytes: *const c_void, size: usize) -> c_int {
    ask(-1, || {
        // SAFETY: the caller vouches for the pointers.
        let (Some(out), Ok(bytes)) = (unsafe { out.as_mut() }, unsafe { slice(bytes.cast::<u8>(), size, "bytes") })
        else {
            return -1;
        };
        out.bytes.extend_from_slice(bytes);
        0
    })
}

/// Where the traces go that a trace becomes. Valid only inside the callback that got it.
pub struct catena_family {
    pub(super) members: Vec<(Trace, f64)>,
    pub(super) free: Free,
    pub(super) user: *mut c_void,
}

/// Adds a trace, which the population owns from here on, with the increment of its log weight, below infinity. Returns
/// 0, or -1 for NULL (the trace stays the caller's).
///
/// # Safety
/// `family` is NULL or what the callback that is running got; `trace` is NULL or a trace that nobody else owns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_family_add(
    family: *mut catena_family,
    trace: *mut c_void,
    log_increment: f64,
) -> c_int {
    ask(-1, || {
        // SAFETY: the caller vouches for the pointer.
        let Some(family) = (unsafe { family.as_mut() }).filter(|_| !trace.is_null()) else { return -1 };
        let trace = Trace::new(trace, family.free, family.user);
        family.members.push((trace, log_increment));
        0
    })
}
