//! How bits become uniforms, exponentials and normals.
//!
//! The normals are a ziggurat of 256 layers (Marsaglia and Tsang 2000, *The ziggurat method for generating random
//! variables*) with independent bits for layer, sign and magnitude (Doornik 2005, *An improved ziggurat method to generate
//! normal random samples*). [`candidate`] is the fast path without a branch, used for single normals and for lanes.

use super::tables::{EDGES, HEIGHTS, LAYERS, TAIL};

/// A source of 64 random bits at a time.
pub(super) trait Bits {
    fn bits(&mut self) -> u64;
}

/// The spacing of uniforms.
const UNIFORM_STEP: f64 = 1.0 / (1u64 << 53) as f64;

/// Low bits of a normal's word that choose the layer.
const LAYER_MASK: u64 = LAYERS as u64 - 1;
/// The bit above them is the sign; this shift moves it to the sign bit of a double.
const SIGN_SHIFT: u32 = 63 - LAYERS.trailing_zeros();
const SIGN_BIT: u64 = 1 << 63;

/// A multiple of 2^-53 in [0, 1), from the 53 high bits.
#[inline(always)]
pub(super) fn uniform(bits: u64) -> f64 {
    (bits >> 11) as f64 * UNIFORM_STEP
}

/// An odd multiple of 2^-53 in (0, 1), from the 52 high bits.
#[inline(always)]
pub(super) fn uniform_open(bits: u64) -> f64 {
    // The 52 bits become the mantissa of a double in [1, 2), which vectorises where the conversion from integers does
    // not; the subtraction is exact.
    f64::from_bits(1.0f64.to_bits() | bits >> 12) - (1.0 - UNIFORM_STEP)
}

/// A standard exponential by inversion of one open uniform.
#[inline]
pub(super) fn exponential(source: &mut impl Bits) -> f64 {
    -libm::log(uniform_open(source.bits()))
}

/// The point that `bits` chooses in its layer, with its sign, and whether it is a normal already because it lies under
/// the layer above.
#[inline(always)]
pub(super) fn candidate(bits: u64) -> (f64, bool) {
    let layer = (bits & LAYER_MASK) as usize;
    let magnitude = uniform_open(bits) * EDGES[layer];
    (signed(magnitude, bits), magnitude < EDGES[layer + 1])
}

/// A standard normal.
#[inline]
pub(super) fn normal(source: &mut impl Bits) -> f64 {
    let bits = source.bits();
    let (x, accepted) = candidate(bits);
    if accepted { x } else { finished(bits, source) }
}

/// The normal that follows when [`candidate`] did not accept `bits`: the wedge or the tail, and on rejection all over
/// again with new bits.
#[cold]
pub(super) fn finished(mut bits: u64, source: &mut impl Bits) -> f64 {
    loop {
        let layer = (bits & LAYER_MASK) as usize;
        let (x, accepted) = candidate(bits);
        if accepted {
            return x;
        }
        if layer == 0 {
            return signed(tail(source), bits);
        }
        let height = HEIGHTS[layer] + (HEIGHTS[layer + 1] - HEIGHTS[layer]) * uniform(source.bits());
        if height < libm::exp(-0.5 * x * x) {
            return x;
        }
        bits = source.bits();
    }
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

#[inline(always)]
fn signed(magnitude: f64, bits: u64) -> f64 {
    f64::from_bits(magnitude.to_bits() | bits << SIGN_SHIFT & SIGN_BIT)
}
