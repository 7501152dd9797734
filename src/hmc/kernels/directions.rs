//! Products with the directions of a low-rank metric, several directions in one pass over the vector.

use super::{Sum, parts, vectors, vectors_mut};
use crate::hmc::rows::Rows;
use pulp::{Simd, WithSimd};

/// Directions in one pass: as many sums as registers hold.
const TOGETHER: usize = 4;

/// The products of a padded vector with the first rows of `directions`, as many as `products` has room for.
pub(crate) struct Project<'a> {
    pub directions: &'a Rows,
    pub vector: &'a [f64],
    pub products: &'a mut [f64],
}

impl Project<'_> {
    #[inline(always)]
    fn pass<S: Simd, const N: usize>(&self, simd: S, first: usize) -> [f64; N] {
        let x = vectors::<S>(self.vector);
        let rows: [&[S::f64s]; N] = std::array::from_fn(|j| &vectors::<S>(self.directions.row(first + j))[..x.len()]);
        let mut sums = [Sum::<S>::zero(simd); N];
        for block in 0..x.len() / parts::<S>() {
            for part in 0..parts::<S>() {
                let i = block * parts::<S>() + part;
                for (sum, row) in sums.iter_mut().zip(&rows) {
                    sum.add_product(simd, part, row[i], x[i]);
                }
            }
        }
        sums.map(Sum::total)
    }
}

impl WithSimd for Project<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let count = self.products.len();
        let whole = count / TOGETHER * TOGETHER;
        for first in (0..whole).step_by(TOGETHER) {
            let sums = self.pass::<S, TOGETHER>(simd, first);
            self.products[first..][..TOGETHER].copy_from_slice(&sums);
        }
        for j in whole..count {
            self.products[j] = self.pass::<S, 1>(simd, j)[0];
        }
    }
}

/// A padded vector plus the first rows of `directions` times `factors`.
pub(crate) struct Expand<'a> {
    pub directions: &'a Rows,
    pub factors: &'a [f64],
    /// Begins with the padded vector; may be longer.
    pub from: &'a [f64],
    pub to: &'a mut [f64],
}

impl Expand<'_> {
    #[inline(always)]
    fn pass<S: Simd, const N: usize>(simd: S, directions: &Rows, first: usize, factors: &[f64], to: &mut [f64]) {
        let to = vectors_mut::<S>(to);
        let rows: [&[S::f64s]; N] = std::array::from_fn(|j| &vectors::<S>(directions.row(first + j))[..to.len()]);
        let factors: [S::f64s; N] = std::array::from_fn(|j| simd.splat_f64s(factors[first + j]));
        for (i, to) in to.iter_mut().enumerate() {
            let mut sum = *to;
            for (factor, row) in factors.iter().zip(&rows) {
                sum = simd.add_f64s(sum, simd.mul_f64s(*factor, row[i]));
            }
            *to = sum;
        }
    }
}

impl WithSimd for Expand<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { directions, factors, from, to } = self;
        let dim = directions.dim();
        to[..dim].copy_from_slice(&from[..dim]);
        let whole = factors.len() / TOGETHER * TOGETHER;
        for first in (0..whole).step_by(TOGETHER) {
            Self::pass::<S, TOGETHER>(simd, directions, first, factors, to);
        }
        for j in whole..factors.len() {
            Self::pass::<S, 1>(simd, directions, j, factors, to);
        }
    }
}
