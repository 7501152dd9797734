//! How bits become uniforms, exponentials and normals.
//!
//! The normals are a ziggurat of 1024 layers (Marsaglia and Tsang 2000, *The ziggurat method for generating random
//! variables*) with independent bits for layer, sign and magnitude (Doornik 2005, *An improved ziggurat method to generate
//! normal random samples*). [`candidate`] is the fast path without a branch, used for single normals and for lanes.

use super::tables::{EDGES, HEIGHTS, LAYERS, TAIL};
use pulp::{Scalar, Simd};

/// A source of 64 random bits at a time.
pub(super) trait Bits {
    fn bits(&mut self) -> u64;
}

/// The spacing of uniforms.
const UNIFORM_STEP: f64 = 1.0 / (1u64 << 53) as f64;

/// Where each part of a normal's word lies: the magnitude in the low bits, as a double's mantissa, then the layer, and
/// the sign in the highest bit. The parts share no bit, and none but the layer needs a shift.
const MAGNITUDE_MASK: u64 = (1 << LAYER_SHIFT) - 1;
const LAYER_SHIFT: u32 = f64::MANTISSA_DIGITS - 1;
const LAYER_MASK: u64 = LAYERS as u64 - 1;
const SIGN_MASK: u64 = 1 << 63;

/// A multiple of 2^-53 in [0, 1), from the 53 high bits.
#[inline(always)]
pub(super) fn uniform(bits: u64) -> f64 {
    (bits >> 11) as f64 * UNIFORM_STEP
}

/// An odd multiple of 2^-53 in (0, 1), from the 52 high bits.
#[inline(always)]
pub(super) fn uniform_open(bits: u64) -> f64 {
    mantissa_open(Scalar, bits >> 12)
}

/// `(2 m + 1) 2^-53` of 52 bits m.
#[inline(always)]
pub(super) fn mantissa_open<S: Simd>(simd: S, m: S::u64s) -> S::f64s {
    // As the mantissa of a double in [1, 2), which vectorises where the conversion of integers does not; the
    // subtraction is exact.
    let above_one = simd.or_u64s(simd.splat_u64s(1.0f64.to_bits()), m);
    simd.sub_f64s(simd.transmute_f64s_u64s(above_one), simd.splat_f64s(1.0 - UNIFORM_STEP))
}

/// A standard exponential by inversion of one open uniform.
#[inline]
pub(super) fn exponential(source: &mut impl Bits) -> f64 {
    -libm::log(uniform_open(source.bits()))
}

/// The layer that `bits` chooses.
#[inline(always)]
fn layer(bits: u64) -> usize {
    (bits >> LAYER_SHIFT & LAYER_MASK) as usize
}

/// The right end of the layer that `bits` chooses, and of the one above it.
#[inline(always)]
pub(super) fn edges(bits: u64) -> (f64, f64) {
    let layer = layer(bits);
    (EDGES[layer], EDGES[layer + 1])
}

/// The points that `bits` choose in their layers, with their signs, and which are not normals at once because they do
/// not lie under the layer above; the edges are those of [`edges`].
#[inline(always)]
pub(super) fn candidate<S: Simd>(simd: S, bits: S::u64s, edge: S::f64s, inner: S::f64s) -> (S::f64s, S::m64s) {
    let unit = mantissa_open(simd, simd.and_u64s(bits, simd.splat_u64s(MAGNITUDE_MASK)));
    let magnitude = simd.mul_f64s(unit, edge);
    let sign = simd.and_u64s(bits, simd.splat_u64s(SIGN_MASK));
    let signed = simd.or_u64s(simd.transmute_u64s_f64s(magnitude), sign);
    (simd.transmute_f64s_u64s(signed), simd.greater_than_or_equal_f64s(magnitude, inner))
}

/// A standard normal.
#[inline]
pub(super) fn normal(source: &mut impl Bits) -> f64 {
    let bits = source.bits();
    let (edge, inner) = edges(bits);
    let (x, outside) = candidate(Scalar, bits, edge, inner);
    if outside { finished(bits, x, source) } else { x }
}

/// The normal that follows when the candidate `x` of `bits` was not accepted at once: the wedge or the tail decides,
/// and a rejection begins all over again with new bits.
#[cold]
pub(super) fn finished(bits: u64, x: f64, source: &mut impl Bits) -> f64 {
    let layer = layer(bits);
    if layer == 0 {
        return tail(source).copysign(x);
    }
    let height = HEIGHTS[layer] + (HEIGHTS[layer + 1] - HEIGHTS[layer]) * uniform(source.bits());
    if height < libm::exp(-0.5 * x * x) { x } else { normal(source) }
}

/// A normal given that it exceeds [`TAIL`] (Marsaglia 1964, *Generating a variable from the tail of the normal
/// distribution*): an exponential of rate `TAIL` beyond it, accepted with probability exp(-excess²/2).
fn tail(source: &mut impl Bits) -> f64 {
    loop {
        let excess = exponential(source) / TAIL;
        let limit = 2.0 * exponential(source);
        if excess * excess < limit {
            return TAIL + excess;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A source that gives the listed words, and then no more.
    struct Words(Vec<u64>);

    impl Bits for Words {
        fn bits(&mut self) -> u64 {
            self.0.remove(0)
        }
    }

    fn word(layer: u64, magnitude: u64, negative: bool) -> u64 {
        u64::from(negative) << 63 | layer << LAYER_SHIFT | magnitude
    }

    #[test]
    fn uniforms_reach_their_ends_and_no_further() {
        assert_eq!(uniform(0), 0.0);
        assert_eq!(uniform(u64::MAX), 1.0 - UNIFORM_STEP);
        assert_eq!(uniform_open(0), UNIFORM_STEP);
        assert_eq!(uniform_open(u64::MAX), 1.0 - UNIFORM_STEP);
    }

    #[test]
    fn the_sign_bit_only_negates() {
        for layer in [0, 1, 500, 1023] {
            let words = |negative| Words(vec![word(layer, 12345, negative), 0]);
            assert_eq!(normal(&mut words(true)), -normal(&mut words(false)));
        }
    }

    #[test]
    fn the_tail_takes_two_exponentials_a_try() {
        let (refused, accepted) = ([1, u64::MAX], [1 << 63, 1 << 62]);
        let mut source = Words([&[word(0, MAGNITUDE_MASK, true)][..], &refused, &accepted, &[9]].concat());
        let x = normal(&mut source);
        assert_eq!(source.0, [9]);
        assert_eq!(x, -(TAIL + -libm::log(uniform_open(1 << 63)) / TAIL));
    }

    #[test]
    fn a_refused_wedge_begins_again() {
        // The top of the wedge at its outer end lies above the density, its bottom below.
        let outer = word(10, MAGNITUDE_MASK, false);
        let inside = word(300, 1 << 40, false);
        let mut source = Words(vec![outer, u64::MAX, inside, 9]);
        assert_eq!(normal(&mut source), uniform_open(1 << 52) * EDGES[300]);
        assert_eq!(source.0, [9]);
        let mut source = Words(vec![outer, 0, 9]);
        assert!((normal(&mut source) - EDGES[10]).abs() < 1e-12);
        assert_eq!(source.0, [9]);
    }
}
