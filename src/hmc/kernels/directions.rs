//! Products with the directions of a low-rank metric, several directions in one pass over the vector.

use super::{Sum, parts, vectors, vectors_mut};
use crate::hmc::rows::Rows;
use pulp::{Simd, WithSimd};

/// Directions in one pass: as many as there are registers for sums. What is left is done by fewer, then one by one.
const MANY: usize = 10;
/// See [`MANY`].
const FEW: usize = 4;

/// The products of a padded vector with the first rows of `directions`, as many as `products` has room for.
pub(crate) struct Project<'a> {
    pub directions: &'a Rows,
    pub vector: &'a [f64],
    pub products: &'a mut [f64],
}

impl Project<'_> {
    /// As many whole groups of `N` as there are from row `first` on; returns the first row that is left.
    #[inline(always)]
    fn pass<S: Simd, const N: usize>(&mut self, simd: S, mut first: usize) -> usize {
        let x = vectors::<S>(self.vector);
        while first + N <= self.products.len() {
            let rows: [&[S::f64s]; N] =
                std::array::from_fn(|j| &vectors::<S>(self.directions.row(first + j))[..x.len()]);
            let mut sums = [Sum::<S>::zero(simd); N];
            // Part by part, so that the sums under way stay in registers.
            for part in 0..parts::<S>() {
                let mut under_way = [simd.splat_f64s(0.0); N];
                let mut i = part;
                while i < x.len() {
                    let x = x[i];
                    for j in 0..N {
                        under_way[j] = simd.add_f64s(under_way[j], simd.mul_f64s(rows[j][i], x));
                    }
                    i += parts::<S>();
                }
                for j in 0..N {
                    sums[j].0[part] = under_way[j];
                }
            }
            for (product, sum) in self.products[first..].iter_mut().zip(sums) {
                *product = sum.total();
            }
            first += N;
        }
        first
    }
}

impl WithSimd for Project<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let first = self.pass::<S, MANY>(simd, 0);
        let first = self.pass::<S, FEW>(simd, first);
        self.pass::<S, 1>(simd, first);
    }
}

/// A padded vector plus the first rows of `directions` times `factors`.
pub(crate) struct Expand<'a> {
    pub directions: &'a Rows,
    pub factors: &'a [f64],
    /// Begins with the vector; may be longer.
    pub from: &'a [f64],
    /// Padded.
    pub to: &'a mut [f64],
}

impl Expand<'_> {
    /// See [`Project::pass`].
    #[inline(always)]
    fn pass<S: Simd, const N: usize>(&mut self, simd: S, mut first: usize) -> usize {
        let to = vectors_mut::<S>(self.to);
        while first + N <= self.factors.len() {
            let rows: [&[S::f64s]; N] =
                std::array::from_fn(|j| &vectors::<S>(self.directions.row(first + j))[..to.len()]);
            let factors: [S::f64s; N] = std::array::from_fn(|j| simd.splat_f64s(self.factors[first + j]));
            for (i, to) in to.iter_mut().enumerate() {
                let mut sum = *to;
                for j in 0..N {
                    sum = simd.add_f64s(sum, simd.mul_f64s(factors[j], rows[j][i]));
                }
                *to = sum;
            }
            first += N;
        }
        first
    }
}

impl WithSimd for Expand<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let dim = self.directions.dim();
        self.to[..dim].copy_from_slice(&self.from[..dim]);
        let first = self.pass::<S, MANY>(simd, 0);
        let first = self.pass::<S, FEW>(simd, first);
        self.pass::<S, 1>(simd, first);
    }
}
