//! The C ABI: one file per noun, no logic. `include/catena.h` is generated from here.
//!
//! Names are those of the header, hence the lint exceptions. Every function checks its pointers, contains panics and
//! returns a status; the rules a C programmer works by stand in the header's first comment (`cbindgen.toml`).
#![allow(non_camel_case_types)]
#![deny(unsafe_op_in_unsafe_fn)]

mod boundary;
pub mod bridgestan;
pub mod calls;
pub mod checkpoint;
pub mod density;
pub mod diagnose;
pub mod engine;
pub mod error;
pub mod exported;
pub mod generate;
pub mod gradient;
pub mod init;
pub mod model;
pub mod options;
pub mod result;
pub mod run;
pub mod sample;
pub mod task;
pub mod watch;
pub mod writer;

use std::ffi::c_void;

/// The host's user pointer with its release function, called exactly once when this is dropped.
struct UserData {
    user: *mut c_void,
    release: Option<unsafe extern "C" fn(*mut c_void)>,
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
