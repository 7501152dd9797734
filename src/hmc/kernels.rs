//! The passes over a chain's vectors: every number is loaded once and used for all that it is needed for.
//!
//! All passes are written with explicit vectors, compiled for several instruction sets and chosen at run time. Sums keep
//! one partial sum for each of [`LANES`] lanes, whatever the width of a vector, and add the lanes in one fixed order;
//! nothing is contracted to fused multiply-adds. So the bits are the same on every instruction set.

mod directions;
mod leap;
#[cfg(test)]
mod tests;
mod turn;

use super::rows::LANES;
use pulp::{Arch, Simd, WithSimd};

pub(crate) use directions::{Expand, Project};
pub(crate) use leap::{Begin, Leap, LeapSums};
pub(crate) use turn::{HalfSums, Turn};

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
