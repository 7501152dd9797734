//! The U-turn criterion of a merge.

use super::{InvMetric, Sum, metric_vectors, parts, vectors, vectors_mut, weigh};
use pulp::{Simd, WithSimd};

/// Where the sums of momenta of the two halves of a merged tree come from and where their sum goes.
pub(crate) enum HalfSums<'a> {
    /// Each half has two points, whose momenta are at hand.
    Pairs { total: &'a mut [f64] },
    /// Both are stored.
    Stored { left: &'a [f64], right: &'a [f64], total: &'a mut [f64] },
    /// The left half's sum becomes that of both; the right half has two points.
    LeftAndPair { left: &'a mut [f64] },
    /// The left half's sum becomes that of both.
    LeftAndStored { left: &'a mut [f64], right: &'a [f64] },
}

/// The generalised U-turn criterion of a merged tree with the two extra checks between its halves.
///
/// With ρ the sum of momenta and v = M⁻¹p: v·ρ > 0 at both ends of the whole tree, at both ends of the left half plus
/// the first point of the right half, and at both ends of the right half plus the last point of the left half
/// (Betancourt 2017, appendix A.4.2; the extra checks as in Stan since 2.21).
pub(crate) struct Turn<'a> {
    pub inv_metric: InvMetric<'a>,
    /// Momenta at the first and last point of the left half and of the right half.
    pub left: [&'a [f64]; 2],
    pub right: [&'a [f64]; 2],
    pub sums: HalfSums<'a>,
}

impl Turn<'_> {
    /// True when the trajectory may go on.
    #[inline(always)]
    pub fn run<S: Simd>(self, simd: S) -> bool {
        let dots = match self.inv_metric {
            None => simd.vectorize(TurnPass::<true>(self)),
            Some(_) => simd.vectorize(TurnPass::<false>(self)),
        };
        dots.iter().all(|&d| d > 0.0)
    }
}

pub(super) struct TurnPass<'a, const UNIT: bool>(pub Turn<'a>);

/// The six products of a merge under way.
struct Products<'a, S: Simd, const UNIT: bool> {
    simd: S,
    inv_metric: &'a [S::f64s],
    /// Momenta at the first and last point of the left half and of the right half.
    ends: [&'a [S::f64s]; 4],
    dots: [Sum<S>; 6],
}

impl<S: Simd, const UNIT: bool> Products<'_, S, UNIT> {
    /// Runs over all vectors; `halves` gives the sums of momenta of both halves.
    #[inline(always)]
    fn run(mut self, mut halves: impl FnMut(usize, [S::f64s; 4]) -> (S::f64s, S::f64s)) -> [f64; 6] {
        let Self { simd, inv_metric, ends: [a, b, c, d], .. } = self;
        let n = a.len();
        let (b, c, d) = (&b[..n], &c[..n], &d[..n]);
        for block in 0..n / parts::<S>() {
            for part in 0..parts::<S>() {
                let j = block * parts::<S>() + part;
                let (a, b, c, d) = (a[j], b[j], c[j], d[j]);
                let (left, right) = halves(j, [a, b, c, d]);
                let mut pair = |k: usize, p: S::f64s, q: S::f64s, rho: S::f64s| {
                    let v = weigh::<S, UNIT>(simd, inv_metric, j, rho);
                    self.dots[k].add_product(simd, part, p, v);
                    self.dots[k + 1].add_product(simd, part, q, v);
                };
                pair(0, a, d, simd.add_f64s(left, right));
                pair(2, a, c, simd.add_f64s(left, c));
                pair(4, b, d, simd.add_f64s(right, b));
            }
        }
        self.dots.map(Sum::total)
    }
}

impl<const UNIT: bool> WithSimd for TurnPass<'_, UNIT> {
    type Output = [f64; 6];

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> [f64; 6] {
        let Turn { inv_metric, left, right, sums } = self.0;
        let ends = [left[0], left[1], right[0], right[1]].map(vectors::<S>);
        let n = ends[0].len();
        let products = Products::<S, UNIT> {
            simd,
            inv_metric: metric_vectors::<S, UNIT>(inv_metric, n),
            ends,
            dots: [Sum::zero(simd); 6],
        };
        match sums {
            HalfSums::Pairs { total } => {
                let total = &mut vectors_mut::<S>(total)[..n];
                products.run(|j, [a, b, c, d]| {
                    let (left, right) = (simd.add_f64s(a, b), simd.add_f64s(c, d));
                    total[j] = simd.add_f64s(left, right);
                    (left, right)
                })
            }
            HalfSums::Stored { left, right, total } => {
                let [left, right] = [left, right].map(|row| &vectors::<S>(row)[..n]);
                let total = &mut vectors_mut::<S>(total)[..n];
                products.run(|j, _| {
                    total[j] = simd.add_f64s(left[j], right[j]);
                    (left[j], right[j])
                })
            }
            HalfSums::LeftAndPair { left } => {
                let left = &mut vectors_mut::<S>(left)[..n];
                products.run(|j, [_, _, c, d]| {
                    let halves = (left[j], simd.add_f64s(c, d));
                    left[j] = simd.add_f64s(halves.0, halves.1);
                    halves
                })
            }
            HalfSums::LeftAndStored { left, right } => {
                let (left, right) = (&mut vectors_mut::<S>(left)[..n], &vectors::<S>(right)[..n]);
                products.run(|j, _| {
                    let halves = (left[j], right[j]);
                    left[j] = simd.add_f64s(halves.0, halves.1);
                    halves
                })
            }
        }
    }
}
