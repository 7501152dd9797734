//! Sequential Monte Carlo over the parameters of a model.

pub mod result;
pub mod sample;

pub use result::*;
pub use sample::*;
