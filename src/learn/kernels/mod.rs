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
/// Numbers that a pass works out before they are summed. Compilers make vectors of a loop that fills an array whatever is
/// decided in it, and of one that adds up lanes, but of both in one only where nothing is decided.
const PIECE: usize = 256;

/// Adds numbers to their lanes.
#[inline(always)]
fn add(sums: &mut [f64; LANES], x: &[f64]) {
    let (rows, rest) = x.as_chunks::<LANES>();
    for x in rows {
        for l in 0..LANES {
            sums[l] += x[l];
        }
    }
    rest.iter().zip(sums).for_each(|(x, sum)| *sum += x);
}

/// Adds squares of numbers to their lanes.
#[inline(always)]
fn add_squares(sums: &mut [f64; LANES], x: &[f64]) {
    let (rows, rest) = x.as_chunks::<LANES>();
    for x in rows {
        for l in 0..LANES {
            sums[l] += x[l] * x[l];
        }
    }
    rest.iter().zip(sums).for_each(|(x, sum)| *sum += x * x);
}

/// Lanes in a fixed order.
#[inline(always)]
fn folded(x: [f64; LANES], f: impl Fn(f64, f64) -> f64) -> f64 {
    f(f(f(x[0], x[4]), f(x[2], x[6])), f(f(x[1], x[5]), f(x[3], x[7])))
}
