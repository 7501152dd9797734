//! The choice of the next experiment: what candidates are expected to teach, heuristics, the best of a continuum.

mod heuristics;
mod optimize;
mod worth;

pub use heuristics::{particle_guess, sparse_time};
pub use optimize::{Minimum, NelderMead, minimize};
pub use worth::{Worth, worth};
