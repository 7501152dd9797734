//! The passes over a chain's vectors: every number is loaded once and used for all that it is needed for.
//!
//! All passes are written with explicit vectors, compiled for several instruction sets and chosen at run time. Sums keep
//! one partial sum for each of [`LANES`] lanes, whatever the width of a vector, and add the lanes in one fixed order;
//! nothing is contracted to fused multiply-adds. So the bits are the same on every instruction set.

use super::rows::LANES;
use pulp::{Arch, Simd, WithSimd};

/// Dimension from which on vectors of 512 bits pay. Below, they take longer to fill and empty than they save, and using
/// them slows all other work of the processor, a small model's gradient by 7 %.
#[cfg(target_arch = "x86_64")]
const WIDE_FROM: usize = 256;

/// The instruction set for the passes over vectors of `dim` numbers.
#[inline]
pub(crate) fn arch_for(dim: usize) -> Arch {
    #[cfg(target_arch = "x86_64")]
    if dim < WIDE_FROM
        && let Some(v3) = pulp::x86::V3::try_new()
    {
        return Arch::V3(v3);
    }
    Arch::new()
}

/// Vectors that make up one block of lanes.
const fn parts<S: Simd>() -> usize {
    LANES / S::F64_LANES
}

/// A padded row as vectors; rows are whole blocks, so nothing is left over.
#[inline(always)]
fn vectors<S: Simd>(row: &[f64]) -> &[S::f64s] {
    S::as_simd_f64s(row).0
}

#[inline(always)]
fn vectors_mut<S: Simd>(row: &mut [f64]) -> &mut [S::f64s] {
    S::as_mut_simd_f64s(row).0
}

/// One partial sum per lane; the first [`parts`] vectors are in use.
#[derive(Clone, Copy)]
struct Sum<S: Simd>([S::f64s; LANES]);

impl<S: Simd> Sum<S> {
    #[inline(always)]
    fn zero(simd: S) -> Self {
        Self([simd.splat_f64s(0.0); LANES])
    }

    /// Adds a·b to the lanes of part `part`.
    #[inline(always)]
    fn add_product(&mut self, simd: S, part: usize, a: S::f64s, b: S::f64s) {
        self.0[part] = simd.add_f64s(self.0[part], simd.mul_f64s(a, b));
    }

    /// Adds the lanes in a fixed order.
    #[inline(always)]
    fn total(self) -> f64 {
        let mut s = [0.0; LANES];
        for (lanes, sum) in vectors_mut::<S>(&mut s).iter_mut().zip(self.0) {
            *lanes = sum;
        }
        let [even, odd] = halved(halved::<LANES, 4>(s));
        even + odd
    }
}

/// The sums of each number of the first half and its counterpart in the second.
#[inline(always)]
fn halved<const N: usize, const HALF: usize>(x: [f64; N]) -> [f64; HALF] {
    const { assert!(N == 2 * HALF) };
    std::array::from_fn(|i| x[i] + x[i + HALF])
}

/// M⁻¹x for one vector.
#[inline(always)]
fn weigh<S: Simd, const UNIT: bool>(simd: S, inv_metric: &[S::f64s], j: usize, x: S::f64s) -> S::f64s {
    if UNIT { x } else { simd.mul_f64s(inv_metric[j], x) }
}

/// The inverse metric cut to `n` vectors, or nothing.
#[inline(always)]
fn metric_vectors<S: Simd, const UNIT: bool>(inv_metric: InvMetric<'_>, n: usize) -> &[S::f64s] {
    if UNIT { &[] } else { &vectors::<S>(inv_metric.unwrap_or(&[]))[..n] }
}

/// An inverse metric as the passes see it: `None` is the identity, else a row of variances.
pub(crate) type InvMetric<'a> = Option<&'a [f64]>;

/// What one leapfrog pass returns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct LeapSums {
    /// Twice the kinetic energy, p·M⁻¹p.
    pub square: f64,
    /// p_previous·M⁻¹p, zero when not asked for.
    pub cross: f64,
}

/// The vectors of a leapfrog pass. It finishes the step whose half-kicked momentum is in `half` with the gradient just
/// evaluated, and, if there is a next step, begins it: kick; energy; kick; drift.
pub(crate) struct Leap<'a> {
    /// Signed step size.
    pub step: f64,
    pub inv_metric: InvMetric<'a>,
    /// Half-kicked momentum; replaced by the next step's.
    pub half: &'a mut [f64],
    pub gradient: &'a [f64],
    /// A sum of momenta that `p` is added to.
    pub sum: Option<&'a mut [f64]>,
    /// Receives the full-step momentum p.
    pub momentum: &'a mut [f64],
    /// The momentum to multiply with for [`LeapSums::cross`].
    pub previous: Option<&'a [f64]>,
    /// Position of this step and where the next step's position goes.
    pub drift: Option<(&'a [f64], &'a mut [f64])>,
}

impl Leap<'_> {
    #[inline(always)]
    fn choose<S: Simd, const UNIT: bool>(self, simd: S) -> LeapSums {
        match (self.sum.is_some(), self.previous.is_some(), self.drift.is_some()) {
            (false, false, true) => LeapPass::<UNIT, false, false, true>(self).with_simd(simd),
            (false, true, true) => LeapPass::<UNIT, false, true, true>(self).with_simd(simd),
            (false, true, false) => LeapPass::<UNIT, false, true, false>(self).with_simd(simd),
            (true, true, false) => LeapPass::<UNIT, true, true, false>(self).with_simd(simd),
            _ => LeapPass::<UNIT, false, false, false>(self).with_simd(simd),
        }
    }
}

impl WithSimd for Leap<'_> {
    type Output = LeapSums;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> LeapSums {
        match self.inv_metric {
            None => self.choose::<S, true>(simd),
            Some(_) => self.choose::<S, false>(simd),
        }
    }
}

struct LeapPass<'a, const UNIT: bool, const SUM: bool, const CROSS: bool, const NEXT: bool>(Leap<'a>);

impl<const UNIT: bool, const SUM: bool, const CROSS: bool, const NEXT: bool> WithSimd
    for LeapPass<'_, UNIT, SUM, CROSS, NEXT>
{
    type Output = LeapSums;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> LeapSums {
        let Leap { step, inv_metric, half, gradient, sum, momentum, previous, drift, .. } = self.0;
        let (h, step) = (simd.splat_f64s(0.5 * step), simd.splat_f64s(step));
        let half = vectors_mut::<S>(half);
        let n = half.len();
        let gradient = &vectors::<S>(gradient)[..n];
        let sum = if SUM { &mut vectors_mut::<S>(sum.unwrap_or(&mut []))[..n] } else { &mut [] };
        let momentum = &mut vectors_mut::<S>(momentum)[..n];
        let inv_metric = metric_vectors::<S, UNIT>(inv_metric, n);
        let previous = if CROSS { &vectors::<S>(previous.unwrap_or(&[]))[..n] } else { &[] };
        let (position, next): (&[f64], &mut [f64]) = drift.unwrap_or((&[], &mut []));
        let (position, next) = if NEXT {
            (&vectors::<S>(position)[..n], &mut vectors_mut::<S>(next)[..n])
        } else {
            (&[] as &[S::f64s], &mut [] as &mut [S::f64s])
        };
        let (mut square, mut cross) = (Sum::zero(simd), Sum::zero(simd));
        for block in 0..n / parts::<S>() {
            for part in 0..parts::<S>() {
                let j = block * parts::<S>() + part;
                let kick = simd.mul_f64s(h, gradient[j]);
                let p = simd.add_f64s(half[j], kick);
                let v = weigh::<S, UNIT>(simd, inv_metric, j, p);
                square.add_product(simd, part, v, p);
                if CROSS {
                    cross.add_product(simd, part, v, previous[j]);
                }
                if SUM {
                    sum[j] = simd.add_f64s(sum[j], p);
                }
                if NEXT {
                    let after = simd.add_f64s(p, kick);
                    let v = weigh::<S, UNIT>(simd, inv_metric, j, after);
                    next[j] = simd.add_f64s(position[j], simd.mul_f64s(step, v));
                    half[j] = after;
                }
                momentum[j] = p;
            }
        }
        LeapSums { square: square.total(), cross: cross.total() }
    }
}

/// The first half of a leapfrog step from the end of a trajectory: half kick, then drift.
pub(crate) struct Begin<'a> {
    /// Signed step size.
    pub step: f64,
    pub inv_metric: InvMetric<'a>,
    pub momentum: &'a [f64],
    pub gradient: &'a [f64],
    pub position: &'a [f64],
    /// Receives the half-kicked momentum.
    pub half: &'a mut [f64],
    /// Receives the position to evaluate at.
    pub next: &'a mut [f64],
}

impl WithSimd for Begin<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match self.inv_metric {
            None => BeginPass::<true>(self).with_simd(simd),
            Some(_) => BeginPass::<false>(self).with_simd(simd),
        }
    }
}

struct BeginPass<'a, const UNIT: bool>(Begin<'a>);

impl<const UNIT: bool> WithSimd for BeginPass<'_, UNIT> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Begin { step, inv_metric, momentum, gradient, position, half, next } = self.0;
        let (h, step) = (simd.splat_f64s(0.5 * step), simd.splat_f64s(step));
        let half = vectors_mut::<S>(half);
        let n = half.len();
        let (momentum, gradient) = (&vectors::<S>(momentum)[..n], &vectors::<S>(gradient)[..n]);
        let (position, next) = (&vectors::<S>(position)[..n], &mut vectors_mut::<S>(next)[..n]);
        let inv_metric = metric_vectors::<S, UNIT>(inv_metric, n);
        for j in 0..n {
            let after = simd.add_f64s(momentum[j], simd.mul_f64s(h, gradient[j]));
            let v = weigh::<S, UNIT>(simd, inv_metric, j, after);
            next[j] = simd.add_f64s(position[j], simd.mul_f64s(step, v));
            half[j] = after;
        }
    }
}

/// Turns standard normals into a momentum at both ends of a trajectory of one point and in its sum of momenta.
/// Returns z·z, twice the kinetic energy.
pub(crate) struct Refresh<'a> {
    /// Square roots of the metric's diagonal; `None` for the identity.
    pub scale: Option<&'a [f64]>,
    /// Standard normals with zero padding.
    pub normals: &'a [f64],
    pub ends: [&'a mut [f64]; 2],
    pub sum: &'a mut [f64],
}

impl WithSimd for Refresh<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        let normals = vectors::<S>(self.normals);
        let n = normals.len();
        let [left, right] = self.ends.map(|e| &mut vectors_mut::<S>(e)[..n]);
        let sum = &mut vectors_mut::<S>(self.sum)[..n];
        let scale = self.scale.map(|s| &vectors::<S>(s)[..n]);
        let mut square = Sum::zero(simd);
        for block in 0..n / parts::<S>() {
            for part in 0..parts::<S>() {
                let j = block * parts::<S>() + part;
                let z = normals[j];
                square.add_product(simd, part, z, z);
                let p = scale.map_or(z, |scale| simd.mul_f64s(z, scale[j]));
                left[j] = p;
                right[j] = p;
                sum[j] = p;
            }
        }
        square.total()
    }
}

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

struct TurnPass<'a, const UNIT: bool>(Turn<'a>);

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

/// x·y over padded rows.
pub(crate) struct Dot<'a>(pub &'a [f64], pub &'a [f64]);

impl WithSimd for Dot<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        let x = vectors::<S>(self.0);
        let y = &vectors::<S>(self.1)[..x.len()];
        let mut sum = Sum::zero(simd);
        for block in 0..x.len() / parts::<S>() {
            for part in 0..parts::<S>() {
                sum.add_product(simd, part, x[block * parts::<S>() + part], y[block * parts::<S>() + part]);
            }
        }
        sum.total()
    }
}

/// y += a·x over padded rows.
pub(crate) struct Axpy<'a>(pub f64, pub &'a [f64], pub &'a mut [f64]);

impl WithSimd for Axpy<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let factor = simd.splat_f64s(self.0);
        for (&x, y) in vectors::<S>(self.1).iter().zip(vectors_mut::<S>(self.2)) {
            *y = simd.add_f64s(*y, simd.mul_f64s(factor, x));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hmc::rows::Rows;

    /// A row of numbers with many different bits.
    fn row(dim: usize, seed: u64) -> Rows {
        let mut rows = Rows::new(1, dim);
        let mut s = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        for v in rows.values_mut(0) {
            s ^= s << 13;
            s ^= s >> 7;
            s ^= s << 17;
            *v = (s >> 11) as f64 / (1u64 << 52) as f64 - 1.0;
        }
        rows
    }

    fn leap(arch: Arch, dim: usize, unit: bool, variant: usize) -> (LeapSums, Vec<u64>) {
        let (mut half, gradient, mut sum) = (row(dim, 1), row(dim, 2), row(dim, 3));
        let (mut momentum, position, mut next) = (row(dim, 4), row(dim, 5), row(dim, 6));
        let (previous, metric) = (row(dim, 7), row(dim, 8));
        let sums = Leap {
            step: 0.37,
            inv_metric: (!unit).then(|| metric.row(0)),
            half: half.row_mut(0),
            gradient: gradient.row(0),
            sum: (variant == 0).then(|| sum.row_mut(0)),
            momentum: momentum.row_mut(0),
            previous: (variant != 2).then(|| previous.row(0)),
            drift: (variant > 0).then(|| (position.row(0), next.row_mut(0))),
        };
        let sums = arch.dispatch(sums);
        let all = [&half, &sum, &momentum, &next];
        (sums, all.iter().flat_map(|r| r.row(0).iter().map(|v| v.to_bits())).collect())
    }

    /// The instruction set chosen at run time must not change a bit.
    #[test]
    fn same_bits_on_every_instruction_set() {
        for dim in [1, 8, 10, 100, 1003] {
            for unit in [false, true] {
                for variant in 0..3 {
                    let run = |arch| leap(arch, dim, unit, variant);
                    let bits = run(Arch::Scalar);
                    for arch in [Arch::new(), arch_for(1)] {
                        assert_eq!(run(arch), bits, "{arch:?} dim {dim} unit {unit} variant {variant}");
                    }
                }
            }
            let r: Vec<Rows> = (10..20).map(|s| row(dim, s)).collect();
            let dots = |arch: Arch, unit: bool| {
                let turn = |sums| Turn {
                    inv_metric: (!unit).then(|| r[0].row(0)),
                    left: [r[1].row(0), r[2].row(0)],
                    right: [r[3].row(0), r[4].row(0)],
                    sums,
                };
                let (mut left, mut other, mut total) = (r[5].clone(), r[5].clone(), [row(dim, 1), row(dim, 1)]);
                let [first, second] = &mut total;
                let all = [
                    HalfSums::Pairs { total: first.row_mut(0) },
                    HalfSums::Stored { left: r[8].row(0), right: r[7].row(0), total: second.row_mut(0) },
                    HalfSums::LeftAndPair { left: left.row_mut(0) },
                    HalfSums::LeftAndStored { left: other.row_mut(0), right: r[9].row(0) },
                ];
                all.map(|s| {
                    if unit {
                        arch.dispatch(TurnPass::<true>(turn(s)))
                    } else {
                        arch.dispatch(TurnPass::<false>(turn(s)))
                    }
                })
            };
            for (arch, unit) in [(Arch::new(), true), (Arch::new(), false), (arch_for(1), true), (arch_for(1), false)] {
                assert_eq!(dots(arch, unit), dots(Arch::Scalar, unit), "{arch:?} dim {dim} unit {unit}");
            }
        }
    }

    #[test]
    fn leap_is_a_leapfrog_step() {
        let dim = 5;
        let (sums, _) = leap(Arch::Scalar, dim, false, 1);
        let v = |seed: u64| row(dim, seed).values(0).to_vec();
        let (half, gradient, previous, metric) = (v(1), v(2), v(7), v(8));
        let p: Vec<f64> = half.iter().zip(&gradient).map(|(h, g)| h + 0.5 * 0.37 * g).collect();
        let square: f64 = p.iter().zip(&metric).map(|(p, m)| m * p * p).sum();
        let cross: f64 = p.iter().zip(&metric).zip(&previous).map(|((p, m), b)| m * p * b).sum();
        assert!((sums.square - square).abs() < 1e-14 && (sums.cross - cross).abs() < 1e-14);
    }
}
