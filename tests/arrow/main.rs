//! Arrow files of runs, whole and gone on with.

#![cfg(feature = "arrow")]

#[path = "../common/mod.rs"]
mod common;
mod files;
mod resume;
