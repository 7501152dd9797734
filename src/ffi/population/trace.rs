//! A trace, owned by the library.

use std::ffi::c_void;

/// Frees a trace.
pub(super) type Free = unsafe extern "C" fn(*mut c_void, *mut c_void);

/// A trace of the host, freed once when it is dropped.
pub struct Trace {
    pointer: *mut c_void,
    free: Free,
    user: *mut c_void,
}

// SAFETY: the header says from which threads traces are used; where that is one only, the library keeps to it.
unsafe impl Send for Trace {}
// SAFETY: the header says that several threads may have a trace as a const pointer.
unsafe impl Sync for Trace {}

impl Trace {
    /// A trace that the host gave away. Its `user` outlives it.
    pub(super) fn new(pointer: *mut c_void, free: Free, user: *mut c_void) -> Self {
        Self { pointer, free, user }
    }

    pub(super) fn pointer(&self) -> *mut c_void {
        self.pointer
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        // SAFETY: the host's function with the host's trace, which was given away once and is freed once.
        unsafe { (self.free)(self.user, self.pointer) };
    }
}
