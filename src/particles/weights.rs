//! Log weights: their sum, the normalised weights, the effective sample size.
//!
//! All go over the weights block by block ([`BLOCK`]), each with its own largest weight as reference, and eight lanes
//! inside a block. Lanes and blocks are added in a fixed order and the exponential is our own, so the bits depend on
//! neither the instruction set nor on how the blocks were spread over threads. No log weight may be NaN or +inf
//! ([`first_invalid`] finds one); -inf is a particle that is lost.

use super::BLOCK;
use super::exp::exp;
use pulp::{Arch, Simd, WithSimd};

/// Partial sums side by side, whatever the width of the machine's vectors.
const LANES: usize = 8;

/// The larger of two; `b` where either is NaN.
#[inline(always)]
fn larger(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}

/// Lanes in a fixed order.
#[inline(always)]
fn folded(x: [f64; LANES], f: impl Fn(f64, f64) -> f64) -> f64 {
    f(f(f(x[0], x[4]), f(x[2], x[6])), f(f(x[1], x[5]), f(x[3], x[7])))
}

/// What a set of weights amounts to: `largest` is the largest log weight, and the sums are of exp(w - largest) and its
/// square. Of no weights, or lost ones alone, `largest` is -inf and both sums are 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sums {
    /// The largest log weight.
    pub largest: f64,
    /// Sum of the weights over exp(largest).
    pub sum: f64,
    /// Sum of their squares over exp(2 largest).
    pub squares: f64,
}

impl Sums {
    /// Of no weights.
    pub const NONE: Self = Self { largest: f64::NEG_INFINITY, sum: 0.0, squares: 0.0 };

    /// The sums of several blocks, added in their order.
    pub fn of_blocks(blocks: &[Self]) -> Self {
        let largest = blocks.iter().fold(f64::NEG_INFINITY, |most, block| larger(block.largest, most));
        if largest == f64::NEG_INFINITY {
            return Self { sum: blocks.iter().map(|block| block.sum).sum(), ..Self::NONE };
        }
        let mut all = Self { largest, ..Self::NONE };
        for block in blocks {
            let scale = exp(block.largest - largest);
            all.sum += block.sum * scale;
            all.squares += block.squares * (scale * scale);
        }
        all
    }

    /// What the sums of a block are to be multiplied with where `total`, in which the block is, is the reference.
    pub fn scale(&self, total: &Self) -> f64 {
        if self.largest == f64::NEG_INFINITY { 0.0 } else { exp(self.largest - total.largest) }
    }

    /// log of the sum of the weights; -inf when all are lost.
    pub fn log_sum_exp(&self) -> f64 {
        self.largest + libm::log(self.sum)
    }

    /// Effective sample size, (sum of weights)² / sum of squares; 0 when all are lost.
    pub fn ess(&self) -> f64 {
        if self.sum == 0.0 { 0.0 } else { self.sum * self.sum / self.squares }
    }
}

/// A pass over one block of at most [`BLOCK`] log weights; `out`, if there is one, receives exp(w - largest).
struct Weigh<'a> {
    log_weights: &'a [f64],
    out: Option<&'a mut [f64]>,
}

impl WithSimd for Weigh<'_> {
    type Output = Sums;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Sums {
        let (rows, rest) = self.log_weights.as_chunks::<LANES>();
        let mut tail = [f64::NEG_INFINITY; LANES];
        tail[..rest.len()].copy_from_slice(rest);
        let mut largest = tail;
        for row in rows {
            for l in 0..LANES {
                largest[l] = larger(row[l], largest[l]);
            }
        }
        let largest = folded(largest, larger);
        // With all lost, the reference must be a number for the weights to come out as 0 (and NaN as NaN).
        let reference = if largest == f64::NEG_INFINITY { 0.0 } else { largest };
        let (mut sum, mut squares) = ([0.0; LANES], [0.0; LANES]);
        let mut add = |row: &[f64; LANES]| -> [f64; LANES] {
            let mut weights = [0.0; LANES];
            for l in 0..LANES {
                weights[l] = exp(row[l] - reference);
                sum[l] += weights[l];
                squares[l] += weights[l] * weights[l];
            }
            weights
        };
        match self.out {
            Some(out) => {
                let (out_rows, out_rest) = out.as_chunks_mut::<LANES>();
                for (row, out) in rows.iter().zip(out_rows) {
                    *out = add(row);
                }
                let last = add(&tail);
                out_rest.copy_from_slice(&last[..rest.len()]);
            }
            None => {
                for row in rows {
                    add(row);
                }
                add(&tail);
            }
        }
        let add = |a: f64, b: f64| a + b;
        Sums { largest, sum: folded(sum, add), squares: folded(squares, add) }
    }
}

/// Weighs one block of at most [`BLOCK`] log weights: `out[i] = exp(log_weights[i] - largest)`, of the same length.
pub fn weigh_block(log_weights: &[f64], out: &mut [f64]) -> Sums {
    weigh_block_on(Arch::new(), log_weights, out)
}

fn weigh_block_on(arch: Arch, log_weights: &[f64], out: &mut [f64]) -> Sums {
    assert!(log_weights.len() <= BLOCK && log_weights.len() == out.len(), "one block, and as much room");
    arch.dispatch(Weigh { log_weights, out: Some(out) })
}

/// The sums of all weights; of the blocks' sums, which [`Sums::of_blocks`] adds.
pub fn sums(log_weights: &[f64]) -> Sums {
    sums_on(Arch::new(), log_weights)
}

fn sums_on(arch: Arch, log_weights: &[f64]) -> Sums {
    let block = |block| arch.dispatch(Weigh { log_weights: block, out: None });
    let blocks: Vec<Sums> = log_weights.chunks(BLOCK).map(block).collect();
    Sums::of_blocks(&blocks)
}

/// log of the sum of exp(log weight); -inf of none, or when all are lost.
pub fn log_sum_exp(log_weights: &[f64]) -> f64 {
    sums(log_weights).log_sum_exp()
}

/// Effective sample size, (sum of weights)² / sum of squared weights; 0 when all are lost.
pub fn ess(log_weights: &[f64]) -> f64 {
    sums(log_weights).ess()
}

/// A pass that sets `out` to exp(w - reference) * scale.
struct Scale<'a> {
    log_weights: &'a [f64],
    out: &'a mut [f64],
    reference: f64,
    scale: f64,
}

impl WithSimd for Scale<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (out, x) in self.out.iter_mut().zip(self.log_weights) {
            *out = exp(*x - self.reference) * self.scale;
        }
    }
}

/// `out[i] = exp(log_weights[i] - reference)`, of the same length.
pub fn rescale(log_weights: &[f64], reference: f64, out: &mut [f64]) {
    Arch::new().dispatch(Scale { log_weights, out, reference, scale: 1.0 });
}

/// Writes the normalised weights to `out` (as long as `log_weights`) and returns their [`log_sum_exp`]; all zero when
/// all are lost.
///
/// # Panics
/// When the lengths differ.
pub fn normalize(log_weights: &[f64], out: &mut [f64]) -> f64 {
    normalize_on(Arch::new(), log_weights, out)
}

fn normalize_on(arch: Arch, log_weights: &[f64], out: &mut [f64]) -> f64 {
    assert_eq!(log_weights.len(), out.len(), "as much room as weights");
    let sums = sums_on(arch, log_weights);
    if sums.largest == f64::NEG_INFINITY {
        out.fill(sums.sum);
    } else {
        arch.dispatch(Scale { log_weights, out, reference: sums.largest, scale: 1.0 / sums.sum });
    }
    sums.log_sum_exp()
}

/// A pass that counts what is NaN or +inf.
struct Invalid<'a>(&'a [f64]);

impl WithSimd for Invalid<'_> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> bool {
        let mut found = false;
        for x in self.0 {
            // Also true of NaN.
            #[allow(clippy::neg_cmp_op_on_partial_ord, reason = "NaN is to be found as well")]
            let invalid = !(*x < f64::INFINITY);
            found |= invalid;
        }
        found
    }
}

/// Index of the first log weight that is NaN or +inf.
pub fn first_invalid(log_weights: &[f64]) -> Option<usize> {
    let arch = Arch::new();
    let invalid = |x: &f64| x.is_nan() || *x == f64::INFINITY;
    let block = log_weights.chunks(BLOCK).position(|block| arch.dispatch(Invalid(block)))? * BLOCK;
    log_weights[block..].iter().position(invalid).map(|at| block + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log_weights(n: usize) -> Vec<f64> {
        let value = |i: usize| if i % 7 == 3 { f64::NEG_INFINITY } else { -((i * 7919 % 1009) as f64) * 0.9 - 3e4 };
        (0..n).map(value).collect()
    }

    /// The instruction set chosen at run time must not change a bit, nor must a cut into blocks.
    #[test]
    fn same_bits_on_every_instruction_set_and_block_by_block() {
        for n in [0, 1, 7, 8, 1000, 1024, 1025, 5000] {
            let of = log_weights(n);
            let all = |arch: Arch| {
                let mut out = vec![1.0; n];
                let sum = normalize_on(arch, &of, &mut out);
                let bits: Vec<u64> = out.iter().map(|w| w.to_bits()).collect();
                (sum.to_bits(), sums_on(arch, &of), bits)
            };
            let scalar = all(Arch::Scalar);
            assert_eq!(all(Arch::new()), scalar, "{n} weights");
            #[cfg(target_arch = "x86_64")]
            if let Some(v3) = pulp::x86::V3::try_new() {
                assert_eq!(all(Arch::V3(v3)), scalar, "{n} weights");
            }
            let mut blocks = Vec::new();
            for block in of.chunks(BLOCK) {
                let mut out = vec![0.0; block.len()];
                blocks.push(weigh_block(block, &mut out));
                assert_eq!(blocks.last(), Some(&weigh_block_on(Arch::Scalar, block, &mut out)));
            }
            assert_eq!(Sums::of_blocks(&blocks), scalar.1);
        }
    }

    #[test]
    fn sums_are_right() {
        let of = log_weights(5000);
        let shifted = |x: &f64| libm::exp(x + 3e4);
        let sum: f64 = of.iter().map(shifted).sum();
        let squares: f64 = of.iter().map(|x| shifted(x).powi(2)).sum();
        assert!((log_sum_exp(&of) - (sum.ln() - 3e4)).abs() < 1e-11);
        assert!((ess(&of) - sum * sum / squares).abs() < 1e-8 * ess(&of));
        let mut out = vec![0.0; of.len()];
        normalize(&of, &mut out);
        assert!((out.iter().sum::<f64>() - 1.0).abs() < 1e-13);
        assert!(out.iter().zip(&of).all(|(w, x)| (w - shifted(x) / sum).abs() <= 1e-12 * w + 1e-300));
        assert_eq!(log_sum_exp(&[0.0; 4]), 4f64.ln());
        assert_eq!(ess(&[-1e5; 2000]), 2000.0);
    }

    #[test]
    fn lost_weights_sum_to_nothing() {
        for n in [0, 1, 8, 3000] {
            let lost = vec![f64::NEG_INFINITY; n];
            let mut out = vec![1.0; n];
            assert_eq!((log_sum_exp(&lost), ess(&lost)), (f64::NEG_INFINITY, 0.0));
            assert_eq!(normalize(&lost, &mut out), f64::NEG_INFINITY);
            assert!(out.iter().all(|&w| w == 0.0));
        }
    }

    #[test]
    fn what_is_no_weight_is_found() {
        let mut of = log_weights(4000);
        assert_eq!(first_invalid(&of), None);
        for (at, x) in [(3999, f64::NAN), (2500, f64::INFINITY), (0, -f64::NAN)] {
            of[at] = x;
            assert_eq!(first_invalid(&of), Some(at));
        }
        assert!(log_sum_exp(&[f64::NAN, 0.0]).is_nan() && log_sum_exp(&[f64::NEG_INFINITY, f64::NAN]).is_nan());
    }
}
