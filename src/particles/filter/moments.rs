//! Weighted means and variances, block by block.

use crate::particles::weights::Sums;
use pulp::{Arch, Simd, WithSimd};

const LANES: usize = 8;

/// Mean and sum of squared deviations of one coordinate over a block.
struct Block<'a> {
    weights: &'a [f64],
    values: &'a [f64],
    sum: f64,
}

/// Weight times value; a lost particle counts for nothing, whatever its value.
#[inline(always)]
fn product(weight: f64, value: f64) -> f64 {
    if weight > 0.0 { weight * value } else { 0.0 }
}

/// The sum of `f` over pairs, in lanes.
#[inline(always)]
fn sum_of(weights: &[f64], values: &[f64], f: impl Fn(f64, f64) -> f64) -> f64 {
    let (rows, rest) = weights.as_chunks::<LANES>();
    let (value_rows, value_rest) = values.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for (w, x) in rows.iter().zip(value_rows) {
        for l in 0..LANES {
            sums[l] += f(w[l], x[l]);
        }
    }
    for l in 0..rest.len() {
        sums[l] += f(rest[l], value_rest[l]);
    }
    ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]))
}

impl WithSimd for Block<'_> {
    type Output = (f64, f64);

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> (f64, f64) {
        let mean = sum_of(self.weights, self.values, product) / self.sum;
        let squares = sum_of(self.weights, self.values, |w, x| product(w, (x - mean) * (x - mean)));
        (mean, squares)
    }
}

/// Mean of `values` under `weights` of sum `sum`, and the weighted sum of squared deviations; zeros when all are lost.
pub fn of_block(weights: &[f64], values: &[f64], sum: f64) -> (f64, f64) {
    if sum == 0.0 { (0.0, 0.0) } else { Arch::new().dispatch(Block { weights, values, sum }) }
}

/// Mean and variance of a set from its blocks: their sums, and for each block the pairs of [`of_block`] of all
/// coordinates. NaN when all are lost.
pub fn of_set(total: &Sums, scales: &[f64], sums: &[Sums], blocks: &[(f64, f64)], dim: usize, j: usize) -> (f64, f64) {
    let parts = || scales.iter().zip(sums).zip(blocks.iter().skip(j).step_by(dim));
    let mean = parts().map(|((scale, sums), (mean, _))| scale * sums.sum * mean).sum::<f64>() / total.sum;
    let spread = |((scale, sums), (of, squares)): ((&f64, &Sums), &(f64, f64))| {
        scale * (squares + sums.sum * (of - mean) * (of - mean))
    };
    (mean, parts().map(spread).sum::<f64>() / total.sum)
}
