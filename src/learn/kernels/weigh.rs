//! Weights times likelihoods.

use super::{LANES, folded};
use pulp::{Arch, Simd, WithSimd};

/// How far rounding may put a probability beyond 0 and 1.
const ROUNDING: f64 = 1e-12;

/// What a pass found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Product {
    pub sum: f64,
    pub squares: f64,
    /// The smallest product of two positive numbers, or 1.
    pub least: f64,
    /// Whether a likelihood is none.
    pub invalid: bool,
}

struct Multiply<'a> {
    weights: &'a [f64],
    likelihoods: &'a [f64],
    most: f64,
    out: &'a mut [f64],
}

/// State of the lanes.
struct Lanes {
    sum: [f64; LANES],
    squares: [f64; LANES],
    least: [f64; LANES],
    valid: [u64; LANES],
    most: f64,
}

impl Lanes {
    #[inline(always)]
    fn take(&mut self, l: usize, weight: f64, likelihood: f64) -> f64 {
        // False of NaN as well.
        self.valid[l] &= u64::from(likelihood >= -ROUNDING) & u64::from(likelihood <= self.most);
        let positive = if likelihood > 0.0 { likelihood } else { 0.0 };
        let product = weight * positive;
        self.sum[l] += product;
        self.squares[l] += product * product;
        let counts = weight.min(positive) > 0.0;
        let candidate = if counts { product } else { 1.0 };
        self.least[l] = if candidate < self.least[l] { candidate } else { self.least[l] };
        product
    }
}

impl WithSimd for Multiply<'_> {
    type Output = Product;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Product {
        let mut lanes =
            Lanes { sum: [0.0; LANES], squares: [0.0; LANES], least: [1.0; LANES], valid: [1; LANES], most: self.most };
        let (weights, weights_rest) = self.weights.as_chunks::<LANES>();
        let (likelihoods, likelihoods_rest) = self.likelihoods.as_chunks::<LANES>();
        let (out, out_rest) = self.out.as_chunks_mut::<LANES>();
        for ((w, x), out) in weights.iter().zip(likelihoods).zip(out) {
            for l in 0..LANES {
                out[l] = lanes.take(l, w[l], x[l]);
            }
        }
        for l in 0..weights_rest.len() {
            out_rest[l] = lanes.take(l, weights_rest[l], likelihoods_rest[l]);
        }
        Product {
            sum: folded(lanes.sum, |a, b| a + b),
            squares: folded(lanes.squares, |a, b| a + b),
            least: folded(lanes.least, |a, b| if a < b { a } else { b }),
            invalid: folded(lanes.valid.map(|v| v as f64), |a, b| a * b) == 0.0,
        }
    }
}

/// `out = weights * likelihoods` over one block. A likelihood is valid from 0 on, up to 1 where `probability` says so, but
/// for rounding, which counts as 0.
pub fn multiply(weights: &[f64], likelihoods: &[f64], probability: bool, out: &mut [f64]) -> Product {
    let most = if probability { 1.0 + ROUNDING } else { f64::MAX };
    Arch::new().dispatch(Multiply { weights, likelihoods, most, out })
}

/// Whether `likelihood` is one, as [`multiply`] sees it.
pub fn is_valid(likelihood: f64, probability: bool) -> bool {
    likelihood >= -ROUNDING && likelihood <= if probability { 1.0 + ROUNDING } else { f64::MAX }
}

struct Scale<'a>(&'a [f64], f64, &'a mut [f64]);

impl WithSimd for Scale<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.0.iter().zip(self.2).for_each(|(x, out)| *out = x * self.1);
    }
}

/// `out = x * factor`.
pub fn scale_by(x: &[f64], factor: f64, out: &mut [f64]) {
    Arch::new().dispatch(Scale(x, factor, out));
}
