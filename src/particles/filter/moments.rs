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
    of_block_on(Arch::new(), weights, values, sum)
}

fn of_block_on(arch: Arch, weights: &[f64], values: &[f64], sum: f64) -> (f64, f64) {
    if sum == 0.0 { (0.0, 0.0) } else { arch.dispatch(Block { weights, values, sum }) }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_bits_on_every_instruction_set_and_lost_values_count_for_nothing() {
        for n in [1, 9, 1000, 1024] {
            let weights: Vec<f64> = (0..n).map(|i| if i % 7 == 3 { 0.0 } else { 1.0 / (i + 1) as f64 }).collect();
            let value = |i: usize| if i % 7 == 3 { f64::NAN } else { (i * 31 % 17) as f64 + 1e8 };
            let values: Vec<f64> = (0..n).map(value).collect();
            let sum: f64 = weights.iter().sum();
            let scalar = of_block_on(Arch::Scalar, &weights, &values, sum);
            assert_eq!(of_block_on(Arch::new(), &weights, &values, sum), scalar);
            #[cfg(target_arch = "x86_64")]
            if let Some(v3) = pulp::x86::V3::try_new() {
                assert_eq!(of_block_on(Arch::V3(v3), &weights, &values, sum), scalar);
            }
            let there = || weights.iter().zip(&values).filter(|(w, _)| **w > 0.0);
            let mean = there().map(|(w, x)| w * (x - 1e8)).sum::<f64>() / sum;
            let spread: f64 = there().map(|(w, x)| w * (x - 1e8 - mean).powi(2)).sum();
            assert!((scalar.0 - 1e8 - mean).abs() < 1e-6 && (scalar.1 - spread).abs() < 1e-6 * (1.0 + spread));
        }
    }
}
