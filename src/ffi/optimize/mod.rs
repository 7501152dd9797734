//! Modes from many starts.

pub mod result;
pub mod run;

pub use result::*;
pub use run::*;
