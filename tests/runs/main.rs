//! Runs whatever the threads and the driver, when they are stopped and when they fail: what the thread sanitizer sees.

mod checkpoint;
#[path = "../common/mod.rs"]
mod common;
mod drivers;
mod failures;
mod reduce;
