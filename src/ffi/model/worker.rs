//! A host's scratch memory.

use crate::ffi::UserData;
use std::ffi::{c_int, c_void};
use std::sync::Arc;

/// The host's scratch memory. Not part of the C header.
pub struct Worker {
    pointer: *mut c_void,
    free: Option<unsafe extern "C" fn(*mut c_void, *mut c_void)>,
    data: Arc<UserData>,
    /// What the batch function says of each point.
    pub(super) codes: Vec<c_int>,
}

// SAFETY: the header says that a worker may be used by one thread after the other.
unsafe impl Send for Worker {}

impl Worker {
    /// Owns what the host's `worker_new` made; `free` is its `worker_free`.
    pub(in crate::ffi) fn new(
        pointer: *mut c_void,
        free: Option<unsafe extern "C" fn(*mut c_void, *mut c_void)>,
        data: Arc<UserData>,
    ) -> Self {
        Self { pointer, free, data, codes: Vec::new() }
    }

    pub(in crate::ffi) fn pointer(&self) -> *mut c_void {
        self.pointer
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(free) = self.free {
            // SAFETY: made by the host's worker_new, freed once.
            unsafe { free(self.data.user, self.pointer) };
        }
    }
}
