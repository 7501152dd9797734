//! Passes over one block of numbers: eight lanes in a fixed order, so that no instruction set changes a bit.

mod cosine;
mod ln;
mod sums;
mod weigh;

pub use cosine::cos_squared;
pub(super) use ln::ln;
pub(super) use sums::{gains, weighted_square, weighted_sum, weighted_sums};
pub(super) use weigh::{is_valid, multiply, scale_by};

/// Partial sums side by side.
const LANES: usize = 8;

/// Lanes in a fixed order.
#[inline(always)]
fn folded(x: [f64; LANES], f: impl Fn(f64, f64) -> f64) -> f64 {
    f(f(f(x[0], x[4]), f(x[2], x[6])), f(f(x[1], x[5]), f(x[3], x[7])))
}
