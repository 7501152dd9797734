//! The C ABI: one file or folder per noun, no logic. `include/catena.h` is generated from here.
//!
//! Names are those of the header, hence the lint exceptions. Every function checks its pointers, contains panics and
//! returns a status; the rules a C programmer works by stand in the header's first comment (`cbindgen.toml`).
#![allow(non_camel_case_types)]
#![deny(unsafe_op_in_unsafe_fn)]

pub mod approximate;
mod boundary;
pub mod bridgestan;
pub mod checkpoint;
pub mod communicator;
pub mod continued;
pub mod course;
pub mod density;
pub mod diagnose;
pub mod engine;
pub mod error;
pub mod exported;
pub mod files;
pub mod filter;
pub mod generate;
pub mod gradient;
pub mod init;
pub mod io;
pub mod learn;
pub mod model;
pub mod optimize;
pub mod options;
pub mod population;
pub mod report;
pub mod resampling;
pub mod result;
pub mod run;
pub mod sample;
pub mod signals;
pub mod smc;
#[cfg(feature = "cli")]
pub mod streams;
pub mod summary;
pub mod task;
mod user_data;
pub mod watch;
pub mod writer;

use user_data::UserData;
