//! Runs as handles, their progress, and pools that several of them share.

mod handle;
mod pool;
mod progress;

pub use handle::*;
pub use pool::*;
pub use progress::*;
