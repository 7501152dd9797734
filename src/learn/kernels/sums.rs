//! Weighted sums over one block.

use super::{LANES, folded, ln};
use pulp::{Arch, Simd, WithSimd};

/// The sum of `f` over rows of two columns, in lanes.
#[inline(always)]
fn sum_of(a: &[f64], b: &[f64], f: impl Fn(f64, f64) -> f64) -> f64 {
    let (a_rows, a_rest) = a.as_chunks::<LANES>();
    let (b_rows, b_rest) = b.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for (a, b) in a_rows.iter().zip(b_rows) {
        for l in 0..LANES {
            sums[l] += f(a[l], b[l]);
        }
    }
    for l in 0..a_rest.len() {
        sums[l] += f(a_rest[l], b_rest[l]);
    }
    folded(sums, |a, b| a + b)
}

/// A weight times a value; a lost model counts for nothing, whatever its value.
#[inline(always)]
fn counted(weight: f64, value: f64) -> f64 {
    if weight > 0.0 { weight * value } else { 0.0 }
}

struct First<'a>(&'a [f64], &'a [f64]);

impl WithSimd for First<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f64 {
        sum_of(self.0, self.1, counted)
    }
}

/// The sum of `weights * values`.
pub fn weighted_sum(weights: &[f64], values: &[f64]) -> f64 {
    Arch::new().dispatch(First(weights, values))
}

struct Second<'a> {
    weights: &'a [f64],
    a: (&'a [f64], f64),
    b: (&'a [f64], f64),
}

impl WithSimd for Second<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f64 {
        let ((a, mean_a), (b, mean_b)) = (self.a, self.b);
        let (w_rows, w_rest) = self.weights.as_chunks::<LANES>();
        let (a_rows, a_rest) = a.as_chunks::<LANES>();
        let (b_rows, b_rest) = b.as_chunks::<LANES>();
        let mut sums = [0.0; LANES];
        for ((w, a), b) in w_rows.iter().zip(a_rows).zip(b_rows) {
            for l in 0..LANES {
                sums[l] += counted(w[l], (a[l] - mean_a) * (b[l] - mean_b));
            }
        }
        for l in 0..w_rest.len() {
            sums[l] += counted(w_rest[l], (a_rest[l] - mean_a) * (b_rest[l] - mean_b));
        }
        folded(sums, |a, b| a + b)
    }
}

/// The sum of `weights * (a - mean of a) * (b - mean of b)`, the means given.
pub fn weighted_square(weights: &[f64], a: (&[f64], f64), b: (&[f64], f64)) -> f64 {
    Arch::new().dispatch(Second { weights, a, b })
}

struct Moments<'a> {
    weights: &'a [f64],
    likelihoods: &'a [f64],
    values: &'a [f64],
    centre: f64,
}

impl WithSimd for Moments<'_> {
    type Output = (f64, f64);

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> (f64, f64) {
        let (w_rows, w_rest) = self.weights.as_chunks::<LANES>();
        let (x_rows, x_rest) = self.likelihoods.as_chunks::<LANES>();
        let (v_rows, v_rest) = self.values.as_chunks::<LANES>();
        let (mut first, mut second) = ([0.0; LANES], [0.0; LANES]);
        let mut take = |l: usize, w: f64, x: f64, v: f64| {
            let part = counted(w * x, v - self.centre);
            first[l] += part;
            second[l] += counted(part.abs(), (v - self.centre).abs());
        };
        for ((w, x), v) in w_rows.iter().zip(x_rows).zip(v_rows) {
            for l in 0..LANES {
                take(l, w[l], x[l], v[l]);
            }
        }
        for l in 0..w_rest.len() {
            take(l, w_rest[l], x_rest[l], v_rest[l]);
        }
        (folded(first, |a, b| a + b), folded(second, |a, b| a + b))
    }
}

/// The sums of `weights * likelihoods` times the values' distances from `centre`, and times their squares.
pub fn weighted_sums(weights: &[f64], likelihoods: &[f64], values: &[f64], centre: f64) -> (f64, f64) {
    Arch::new().dispatch(Moments { weights, likelihoods, values, centre })
}

/// What a hypothetical outcome's likelihoods amount to over one block.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Gains {
    /// Sum of w L.
    pub mass: f64,
    /// Sum of w L ln L.
    pub information: f64,
}

struct Information<'a>(&'a [f64], &'a [f64]);

impl WithSimd for Information<'_> {
    type Output = Gains;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Gains {
        let (w_rows, w_rest) = self.0.as_chunks::<LANES>();
        let (x_rows, x_rest) = self.1.as_chunks::<LANES>();
        let (mut mass, mut information) = ([0.0; LANES], [0.0; LANES]);
        let mut take = |l: usize, w: f64, x: f64| {
            let part = w * x;
            mass[l] += part;
            information[l] += if part > 0.0 { part * ln(x) } else { 0.0 };
        };
        for (w, x) in w_rows.iter().zip(x_rows) {
            for l in 0..LANES {
                take(l, w[l], x[l]);
            }
        }
        for l in 0..w_rest.len() {
            take(l, w_rest[l], x_rest[l]);
        }
        Gains { mass: folded(mass, |a, b| a + b), information: folded(information, |a, b| a + b) }
    }
}

/// Sums of `weights * likelihoods`, alone and times the logarithms of the likelihoods.
pub fn gains(weights: &[f64], likelihoods: &[f64]) -> Gains {
    Arch::new().dispatch(Information(weights, likelihoods))
}
