//! Weights times likelihoods.

use super::{LANES, PIECE, add, add_squares, folded};
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

impl WithSimd for Multiply<'_> {
    type Output = Product;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Product {
        let Self { weights, likelihoods, most, out } = self;
        let (mut sum, mut squares) = ([0.0; LANES], [0.0; LANES]);
        // As whole numbers, since whose order does not matter: positive numbers compare as their bits do.
        let (mut least, mut invalid) = (1.0f64.to_bits(), 0u64);
        for ((w, x), out) in weights.chunks(PIECE).zip(likelihoods.chunks(PIECE)).zip(out.chunks_mut(PIECE)) {
            for ((w, x), out) in w.iter().zip(x).zip(&mut *out) {
                *out = w * if *x > 0.0 { *x } else { 0.0 };
                let candidate = if (*w > 0.0) & (*x > 0.0) { out.to_bits() } else { u64::MAX };
                least = if candidate < least { candidate } else { least };
                // False of NaN as well.
                let valid = (*x >= -ROUNDING) & (*x <= most);
                invalid |= if valid { 0 } else { 1 };
            }
            add(&mut sum, out);
            add_squares(&mut squares, out);
        }
        Product {
            sum: folded(sum, |a, b| a + b),
            squares: folded(squares, |a, b| a + b),
            least: f64::from_bits(least),
            invalid: invalid != 0,
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
