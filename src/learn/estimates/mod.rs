//! What sets of weighted models say.
//!
//! Sums go block by block, in their order, so that no cut of a set changes a bit. Of a set whose weights are all zero
//! every mean is NaN.

mod bound;
mod ellipsoid;
mod hull;
mod kernel;
mod marginal;
mod moments;
mod region;

pub use bound::{bayesian_bound, fisher_information};
pub use ellipsoid::Ellipsoid;
pub use hull::Hull;
pub use kernel::kernel_divergence;
pub use marginal::{density, histogram};
pub use moments::{covariance, entropy, mean, mean_of, normal_divergence};
pub use region::{densest, points};

/// A number of each set and what they say together: their mean, and its standard error over the independent sets (NaN of
/// one).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pooled {
    /// Mean over the sets.
    pub mean: f64,
    /// Its standard error.
    pub standard_error: f64,
}

/// Of one number of each set.
pub fn pooled(of_sets: &[f64]) -> Pooled {
    let count = of_sets.len() as f64;
    let mean = of_sets.iter().sum::<f64>() / count;
    let squares: f64 = of_sets.iter().map(|x| (x - mean) * (x - mean)).sum();
    let standard_error = if of_sets.len() < 2 { f64::NAN } else { (squares / (count - 1.0) / count).sqrt() };
    Pooled { mean, standard_error }
}
