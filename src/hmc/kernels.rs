//! The passes over a chain's vectors: every number is loaded once and used for all that it is needed for.
//!
//! All loops run over blocks of [`LANES`] numbers in plain Rust, compiled for several instruction sets and chosen at run
//! time. Sums keep one partial sum per lane and add the lanes in one fixed order; nothing is contracted to fused
//! multiply-adds. So the bits are the same on every instruction set.

use super::rows::LANES;
use pulp::{Arch, Simd, WithSimd};

type Block = [f64; LANES];

/// The blocks of a padded row; an empty row gives no blocks.
#[inline(always)]
fn blocks(row: &[f64]) -> &[Block] {
    row.as_chunks::<LANES>().0
}

#[inline(always)]
fn blocks_mut(row: &mut [f64]) -> &mut [Block] {
    row.as_chunks_mut::<LANES>().0
}

/// Adds the lanes in a fixed order.
#[inline(always)]
fn total(s: Block) -> f64 {
    ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]))
}

#[inline(always)]
fn map(f: impl Fn(usize) -> f64) -> Block {
    let mut out = [0.0; LANES];
    for (l, o) in out.iter_mut().enumerate() {
        *o = f(l);
    }
    out
}

#[inline(always)]
fn add_product(sum: &mut Block, a: &Block, b: &Block) {
    for l in 0..LANES {
        sum[l] += a[l] * b[l];
    }
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
/// evaluated, and, if there is a next step, begins it: kick; energy and running sum; kick; drift.
pub(crate) struct Leap<'a> {
    /// Signed step size.
    pub step: f64,
    pub inv_metric: InvMetric<'a>,
    /// Half-kicked momentum; replaced by the next step's.
    pub half: &'a mut [f64],
    pub gradient: &'a [f64],
    /// Sum of momenta of the subtree; `p` is added to it.
    pub sum: &'a mut [f64],
    /// True for the first leaf of a subtree: the sum is set instead.
    pub first: bool,
    /// Receives the full-step momentum p.
    pub momentum: &'a mut [f64],
    /// The momentum to multiply with for [`LeapSums::cross`].
    pub previous: Option<&'a [f64]>,
    /// Position of this step and where the next step's position goes.
    pub drift: Option<(&'a [f64], &'a mut [f64])>,
}

impl Leap<'_> {
    pub fn run(self, arch: Arch) -> LeapSums {
        match self.inv_metric {
            None => self.dispatch::<true>(arch),
            Some(_) => self.dispatch::<false>(arch),
        }
    }

    #[inline(always)]
    fn dispatch<const UNIT: bool>(self, arch: Arch) -> LeapSums {
        match (self.first, self.previous.is_some(), self.drift.is_some()) {
            (true, false, true) => arch.dispatch(LeapPass::<UNIT, true, false, true>(self)),
            (false, false, true) => arch.dispatch(LeapPass::<UNIT, false, false, true>(self)),
            (false, true, true) => arch.dispatch(LeapPass::<UNIT, false, true, true>(self)),
            (false, true, false) => arch.dispatch(LeapPass::<UNIT, false, true, false>(self)),
            _ => arch.dispatch(LeapPass::<UNIT, true, false, false>(self)),
        }
    }
}

struct LeapPass<'a, const UNIT: bool, const FIRST: bool, const CROSS: bool, const NEXT: bool>(Leap<'a>);

impl<const UNIT: bool, const FIRST: bool, const CROSS: bool, const NEXT: bool> WithSimd
    for LeapPass<'_, UNIT, FIRST, CROSS, NEXT>
{
    type Output = LeapSums;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> LeapSums {
        let Leap { step, inv_metric, half, gradient, sum, momentum, previous, drift, .. } = self.0;
        let h = 0.5 * step;
        let half = blocks_mut(half);
        let n = half.len();
        let gradient = &blocks(gradient)[..n];
        let sum = &mut blocks_mut(sum)[..n];
        let momentum = &mut blocks_mut(momentum)[..n];
        let inv_metric = if UNIT { &[] } else { &blocks(inv_metric.unwrap_or(&[]))[..n] };
        let previous = if CROSS { &blocks(previous.unwrap_or(&[]))[..n] } else { &[] };
        let (position, next): (&[f64], &mut [f64]) = drift.unwrap_or((&[], &mut []));
        let (position, next) = if NEXT {
            (&blocks(position)[..n], &mut blocks_mut(next)[..n])
        } else {
            (&[] as &[Block], &mut [] as &mut [Block])
        };
        let (mut square, mut cross) = ([0.0; LANES], [0.0; LANES]);
        for i in 0..n {
            let (g, before) = (gradient[i], half[i]);
            let m = if UNIT { [1.0; LANES] } else { inv_metric[i] };
            let kick = map(|l| h * g[l]);
            let p = map(|l| before[l] + kick[l]);
            let v = if UNIT { p } else { map(|l| m[l] * p[l]) };
            add_product(&mut square, &v, &p);
            if CROSS {
                add_product(&mut cross, &v, &previous[i]);
            }
            if FIRST {
                sum[i] = p;
            } else {
                let s = sum[i];
                sum[i] = map(|l| s[l] + p[l]);
            }
            if NEXT {
                let after = map(|l| p[l] + kick[l]);
                let q = position[i];
                let v = if UNIT { after } else { map(|l| m[l] * after[l]) };
                next[i] = map(|l| q[l] + step * v[l]);
                half[i] = after;
            }
            momentum[i] = p;
        }
        LeapSums { square: total(square), cross: total(cross) }
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

impl Begin<'_> {
    pub fn run(self, arch: Arch) {
        match self.inv_metric {
            None => arch.dispatch(BeginPass::<true>(self)),
            Some(_) => arch.dispatch(BeginPass::<false>(self)),
        }
    }
}

struct BeginPass<'a, const UNIT: bool>(Begin<'a>);

impl<const UNIT: bool> WithSimd for BeginPass<'_, UNIT> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Begin { step, inv_metric, momentum, gradient, position, half, next } = self.0;
        let h = 0.5 * step;
        let half = blocks_mut(half);
        let n = half.len();
        let (momentum, gradient) = (&blocks(momentum)[..n], &blocks(gradient)[..n]);
        let (position, next) = (&blocks(position)[..n], &mut blocks_mut(next)[..n]);
        let inv_metric = if UNIT { &[] } else { &blocks(inv_metric.unwrap_or(&[]))[..n] };
        for i in 0..n {
            let (p, g, q) = (momentum[i], gradient[i], position[i]);
            let m = if UNIT { [1.0; LANES] } else { inv_metric[i] };
            let after = map(|l| p[l] + h * g[l]);
            let v = if UNIT { after } else { map(|l| m[l] * after[l]) };
            next[i] = map(|l| q[l] + step * v[l]);
            half[i] = after;
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
    fn with_simd<S: Simd>(self, _: S) -> f64 {
        let normals = blocks(self.normals);
        let n = normals.len();
        let [left, right] = self.ends.map(|e| &mut blocks_mut(e)[..n]);
        let sum = &mut blocks_mut(self.sum)[..n];
        let scale = self.scale.map(|s| &blocks(s)[..n]);
        let mut square = [0.0; LANES];
        for i in 0..n {
            let z = normals[i];
            add_product(&mut square, &z, &z);
            let p = match scale {
                Some(scale) => {
                    let s = scale[i];
                    map(|l| z[l] * s[l])
                }
                None => z,
            };
            left[i] = p;
            right[i] = p;
            sum[i] = p;
        }
        total(square)
    }
}

/// Where the sums of momenta of the two halves of a merged tree come from.
pub(crate) enum HalfSums<'a> {
    /// Each half has two points, whose momenta are at hand.
    Pairs,
    /// Running sums of the subtree: before the left half (`None`: it starts the subtree), before the right half, now.
    Running { before_left: Option<&'a [f64]>, before_right: &'a [f64], now: &'a [f64] },
    /// The whole trajectory and the subtree that extends it; the first receives the sum of both.
    Tree { tree: &'a mut [f64], subtree: &'a [f64] },
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
    pub fn run(self, arch: Arch) -> bool {
        let dots = match self.inv_metric {
            None => arch.dispatch(TurnPass::<true>(self)),
            Some(_) => arch.dispatch(TurnPass::<false>(self)),
        };
        dots.iter().all(|&d| d > 0.0)
    }
}

struct TurnPass<'a, const UNIT: bool>(Turn<'a>);

/// Adds one block's share of the six products.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
fn turn_block<const UNIT: bool>(
    dots: &mut [Block; 6],
    m: &Block,
    a: &Block,
    b: &Block,
    c: &Block,
    d: &Block,
    left: &Block,
    right: &Block,
) {
    let weigh = |r: Block| if UNIT { r } else { map(|l| m[l] * r[l]) };
    let whole = weigh(map(|l| left[l] + right[l]));
    add_product(&mut dots[0], a, &whole);
    add_product(&mut dots[1], d, &whole);
    let left_more = weigh(map(|l| left[l] + c[l]));
    add_product(&mut dots[2], a, &left_more);
    add_product(&mut dots[3], c, &left_more);
    let right_more = weigh(map(|l| right[l] + b[l]));
    add_product(&mut dots[4], b, &right_more);
    add_product(&mut dots[5], d, &right_more);
}

impl<const UNIT: bool> WithSimd for TurnPass<'_, UNIT> {
    type Output = [f64; 6];

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> [f64; 6] {
        let Turn { inv_metric, left: [a, b], right: [c, d], sums } = self.0;
        let a = blocks(a);
        let n = a.len();
        let (b, c, d) = (&blocks(b)[..n], &blocks(c)[..n], &blocks(d)[..n]);
        let inv_metric = if UNIT { &[] } else { &blocks(inv_metric.unwrap_or(&[]))[..n] };
        let metric = |i: usize| if UNIT { [1.0; LANES] } else { inv_metric[i] };
        let mut dots = [[0.0; LANES]; 6];
        match sums {
            HalfSums::Pairs => {
                for i in 0..n {
                    let (left, right) = (map(|l| a[i][l] + b[i][l]), map(|l| c[i][l] + d[i][l]));
                    turn_block::<UNIT>(&mut dots, &metric(i), &a[i], &b[i], &c[i], &d[i], &left, &right);
                }
            }
            HalfSums::Running { before_left: None, before_right, now } => {
                let (middle, now) = (&blocks(before_right)[..n], &blocks(now)[..n]);
                for i in 0..n {
                    let right = map(|l| now[i][l] - middle[i][l]);
                    turn_block::<UNIT>(&mut dots, &metric(i), &a[i], &b[i], &c[i], &d[i], &middle[i], &right);
                }
            }
            HalfSums::Running { before_left: Some(start), before_right, now } => {
                let (start, middle, now) = (&blocks(start)[..n], &blocks(before_right)[..n], &blocks(now)[..n]);
                for i in 0..n {
                    let (left, right) = (map(|l| middle[i][l] - start[i][l]), map(|l| now[i][l] - middle[i][l]));
                    turn_block::<UNIT>(&mut dots, &metric(i), &a[i], &b[i], &c[i], &d[i], &left, &right);
                }
            }
            HalfSums::Tree { tree, subtree } => {
                let (tree, subtree) = (&mut blocks_mut(tree)[..n], &blocks(subtree)[..n]);
                for i in 0..n {
                    let (left, right) = (tree[i], subtree[i]);
                    turn_block::<UNIT>(&mut dots, &metric(i), &a[i], &b[i], &c[i], &d[i], &left, &right);
                    tree[i] = map(|l| left[l] + right[l]);
                }
            }
        }
        dots.map(total)
    }
}

/// x·y over padded rows.
pub(crate) struct Dot<'a>(pub &'a [f64], pub &'a [f64]);

impl WithSimd for Dot<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f64 {
        let (x, y) = (blocks(self.0), blocks(self.1));
        let mut sum = [0.0; LANES];
        for (x, y) in x.iter().zip(y) {
            add_product(&mut sum, x, y);
        }
        total(sum)
    }
}

/// y += a·x over padded rows.
pub(crate) struct Axpy<'a>(pub f64, pub &'a [f64], pub &'a mut [f64]);

impl WithSimd for Axpy<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (x, y) in blocks(self.1).iter().zip(blocks_mut(self.2)) {
            let (a, b) = (*x, *y);
            *y = map(|l| b[l] + self.0 * a[l]);
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

    fn leap(arch: Arch, dim: usize, unit: bool) -> (LeapSums, Vec<u64>) {
        let (mut half, gradient, mut sum) = (row(dim, 1), row(dim, 2), row(dim, 3));
        let (mut momentum, position, mut next) = (row(dim, 4), row(dim, 5), row(dim, 6));
        let (previous, metric) = (row(dim, 7), row(dim, 8));
        let sums = Leap {
            step: 0.37,
            inv_metric: (!unit).then(|| metric.row(0)),
            half: half.row_mut(0),
            gradient: gradient.row(0),
            sum: sum.row_mut(0),
            first: false,
            momentum: momentum.row_mut(0),
            previous: Some(previous.row(0)),
            drift: Some((position.row(0), next.row_mut(0))),
        }
        .run(arch);
        let all = [&half, &sum, &momentum, &next];
        (sums, all.iter().flat_map(|r| r.row(0).iter().map(|v| v.to_bits())).collect())
    }

    /// The instruction set chosen at run time must not change a bit.
    #[test]
    fn same_bits_on_every_instruction_set() {
        for dim in [1, 8, 10, 100, 1003] {
            for unit in [false, true] {
                assert_eq!(leap(Arch::new(), dim, unit), leap(Arch::Scalar, dim, unit), "dim {dim} unit {unit}");
            }
            let r: Vec<Rows> = (10..20).map(|s| row(dim, s)).collect();
            let dots = |arch: Arch, unit: bool| {
                let turn = |sums| Turn {
                    inv_metric: (!unit).then(|| r[0].row(0)),
                    left: [r[1].row(0), r[2].row(0)],
                    right: [r[3].row(0), r[4].row(0)],
                    sums,
                };
                let mut tree = r[5].clone();
                let middle = r[6].row(0);
                let all = [
                    HalfSums::Pairs,
                    HalfSums::Running { before_left: None, before_right: middle, now: r[7].row(0) },
                    HalfSums::Running { before_left: Some(r[8].row(0)), before_right: middle, now: r[7].row(0) },
                    HalfSums::Tree { tree: tree.row_mut(0), subtree: r[9].row(0) },
                ];
                all.map(|s| {
                    if unit {
                        arch.dispatch(TurnPass::<true>(turn(s)))
                    } else {
                        arch.dispatch(TurnPass::<false>(turn(s)))
                    }
                })
            };
            assert_eq!(dots(Arch::new(), true), dots(Arch::Scalar, true));
            assert_eq!(dots(Arch::new(), false), dots(Arch::Scalar, false));
        }
    }

    #[test]
    fn leap_is_a_leapfrog_step() {
        let dim = 5;
        let (sums, _) = leap(Arch::Scalar, dim, false);
        let v = |seed: u64| row(dim, seed).values(0).to_vec();
        let (half, gradient, previous, metric) = (v(1), v(2), v(7), v(8));
        let p: Vec<f64> = half.iter().zip(&gradient).map(|(h, g)| h + 0.5 * 0.37 * g).collect();
        let square: f64 = p.iter().zip(&metric).map(|(p, m)| m * p * p).sum();
        let cross: f64 = p.iter().zip(&metric).zip(&previous).map(|((p, m), b)| m * p * b).sum();
        assert!((sums.square - square).abs() < 1e-14 && (sums.cross - cross).abs() < 1e-14);
    }
}
