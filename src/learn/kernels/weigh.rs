//! Weights times likelihoods.

use super::{LANES, PIECE, folded};
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
    /// 1, or 0 where a likelihood is none.
    valid: [f64; LANES],
}

impl Lanes {
    /// Takes in products, and which of them count for the least.
    #[inline(always)]
    fn take(&mut self, l: usize, likelihood: f64, most: f64, product: f64, candidate: f64) {
        // False of NaN as well.
        let valid = (likelihood >= -ROUNDING) & (likelihood <= most);
        self.valid[l] = if valid { self.valid[l] } else { 0.0 };
        self.sum[l] += product;
        self.squares[l] += product * product;
        self.least[l] = if candidate < self.least[l] { candidate } else { self.least[l] };
    }
}

impl WithSimd for Multiply<'_> {
    type Output = Product;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Product {
        let Self { weights, likelihoods, most, out } = self;
        let mut lanes = Lanes { sum: [0.0; LANES], squares: [0.0; LANES], least: [1.0; LANES], valid: [1.0; LANES] };
        let mut room = [0.0; PIECE];
        for ((w, x), out) in weights.chunks(PIECE).zip(likelihoods.chunks(PIECE)).zip(out.chunks_mut(PIECE)) {
            let room = &mut room[..w.len()];
            for (((w, x), out), candidate) in w.iter().zip(x).zip(&mut *out).zip(&mut *room) {
                *out = w * if *x > 0.0 { *x } else { 0.0 };
                *candidate = if (*w > 0.0) & (*x > 0.0) { *out } else { 1.0 };
            }
            let (rows, rest) = x.as_chunks::<LANES>();
            let (out_rows, out_rest) = out.as_chunks::<LANES>();
            let (room_rows, room_rest) = room.as_chunks::<LANES>();
            for ((x, out), room) in rows.iter().zip(out_rows).zip(room_rows) {
                for l in 0..LANES {
                    lanes.take(l, x[l], most, out[l], room[l]);
                }
            }
            for l in 0..rest.len() {
                lanes.take(l, rest[l], most, out_rest[l], room_rest[l]);
            }
        }
        Product {
            sum: folded(lanes.sum, |a, b| a + b),
            squares: folded(lanes.squares, |a, b| a + b),
            least: folded(lanes.least, |a, b| if a < b { a } else { b }),
            invalid: folded(lanes.valid, |a, b| a * b) == 0.0,
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
