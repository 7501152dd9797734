//! Weighted sums over one block.

use super::{LANES, PIECE, add, folded, ln};
use pulp::{Arch, Simd, WithSimd};

/// The sum of `f` over rows of two columns, in lanes.
#[inline(always)]
fn sum_of(a: &[f64], b: &[f64], f: impl Fn(f64, f64) -> f64) -> f64 {
    let (mut sums, mut room) = ([0.0; LANES], [0.0; PIECE]);
    for (a, b) in a.chunks(PIECE).zip(b.chunks(PIECE)) {
        let room = &mut room[..a.len()];
        a.iter().zip(b).zip(&mut *room).for_each(|((a, b), out)| *out = f(*a, *b));
        add(&mut sums, room);
    }
    folded(sums, |a, b| a + b)
}

/// As [`sum_of`], two sums over rows of three columns.
#[inline(always)]
fn sums_of(a: &[f64], b: &[f64], c: &[f64], f: impl Fn(f64, f64, f64) -> (f64, f64)) -> (f64, f64) {
    let (mut first, mut second) = ([0.0; LANES], [0.0; LANES]);
    let mut room = [[0.0; PIECE]; 2];
    for ((a, b), c) in a.chunks(PIECE).zip(b.chunks(PIECE)).zip(c.chunks(PIECE)) {
        let [one, two] = &mut room;
        let (one, two) = (&mut one[..a.len()], &mut two[..a.len()]);
        for ((((a, b), c), one), two) in a.iter().zip(b).zip(c).zip(&mut *one).zip(&mut *two) {
            (*one, *two) = f(*a, *b, *c);
        }
        add(&mut first, one);
        add(&mut second, two);
    }
    (folded(first, |a, b| a + b), folded(second, |a, b| a + b))
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
        sums_of(self.weights, a, b, |w, a, b| (counted(w, (a - mean_a) * (b - mean_b)), 0.0)).0
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
        sums_of(self.weights, self.likelihoods, self.values, |w, x, v| {
            let part = counted(w * x, v - self.centre);
            (part, counted(part.abs(), (v - self.centre).abs()))
        })
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
        let (mass, information) = sums_of(self.0, self.1, self.1, |w, x, _| {
            let part = w * x;
            (part, if part > 0.0 { part * ln(x) } else { 0.0 })
        });
        Gains { mass, information }
    }
}

/// Sums of `weights * likelihoods`, alone and times the logarithms of the likelihoods.
pub fn gains(weights: &[f64], likelihoods: &[f64]) -> Gains {
    Arch::new().dispatch(Information(weights, likelihoods))
}
