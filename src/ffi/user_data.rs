//! The host's data.

use std::ffi::c_void;

/// The host's user pointer with its release function, called exactly once when this is dropped.
pub(super) struct UserData {
    pub user: *mut c_void,
    pub release: Option<unsafe extern "C" fn(*mut c_void)>,
}

impl UserData {
    /// Of a host's table that has both.
    pub fn new(user: *mut c_void, release: Option<unsafe extern "C" fn(*mut c_void)>) -> Self {
        Self { user, release }
    }
}

// SAFETY: the header says from which threads each table's callbacks are called; the host's data must allow it.
unsafe impl Send for UserData {}
// SAFETY: as above.
unsafe impl Sync for UserData {}

impl Drop for UserData {
    fn drop(&mut self) {
        if let Some(release) = self.release {
            // SAFETY: the host gave both together and they are used once.
            unsafe { release(self.user) };
        }
    }
}
