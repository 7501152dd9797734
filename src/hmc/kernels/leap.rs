//! Leapfrog steps: the whole of one with the start of the next, and the start alone.

use super::{InvMetric, Sum, metric_vectors, parts, vectors, vectors_mut, weigh};
use pulp::{Simd, WithSimd};

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
