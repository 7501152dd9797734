//! The exponential of log weights, for loops that become vectors.

/// log2(e).
const LOG2_E: f64 = std::f64::consts::LOG2_E;
/// ln 2 in two parts, the first with zeros at its end so that its multiples are exact.
const LN2_HIGH: f64 = f64::from_bits(0x3FE6_2E42_FEE0_0000);
const LN2_LOW: f64 = f64::from_bits(0x3DEA_39EF_3579_3C76);
/// Adding this rounds to a whole number that stands in the low bits.
const ROUNDER: f64 = 6_755_399_441_055_744.0;
/// Below this the result would be subnormal; it is taken as zero.
const SMALLEST: f64 = -708.0;
/// Above this the result is infinite.
const LARGEST: f64 = 709.0;

/// exp(x) within two units in the last place on [-708, 709]; 0 below, infinite above, NaN for NaN.
///
/// exp(x) = 2^k exp(r) with |r| <= ln(2)/2 and Taylor's polynomial of degree 13: no table and no branch, so that loops
/// over it become vectors.
#[inline(always)]
pub(crate) fn exp(x: f64) -> f64 {
    let rounded = x * LOG2_E + ROUNDER;
    let k = rounded - ROUNDER;
    let r = (x - k * LN2_HIGH) - k * LN2_LOW;
    let (r2, r4) = (r * r, (r * r) * (r * r));
    let low = (1.0 / 2.0 + r * (1.0 / 6.0)) + r2 * (1.0 / 24.0 + r * (1.0 / 120.0));
    let middle = (1.0 / 720.0 + r * (1.0 / 5040.0)) + r2 * (1.0 / 40_320.0 + r * (1.0 / 362_880.0));
    let high =
        (1.0 / 3_628_800.0 + r * (1.0 / 39_916_800.0)) + r2 * (1.0 / 479_001_600.0 + r * (1.0 / 6_227_020_800.0));
    let value = 1.0 + (r + r2 * (low + r4 * (middle + r4 * high)));
    let scaled = f64::from_bits(value.to_bits().wrapping_add(rounded.to_bits() << (f64::MANTISSA_DIGITS - 1)));
    let above_zero = if x < SMALLEST { 0.0 } else { scaled };
    if x > LARGEST { f64::INFINITY } else { above_zero }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_agrees_with_the_portable_library() {
        let mut worst = 0;
        for i in 0..500_000u32 {
            let t = f64::from(i) / 5e5;
            for x in [-708.0 + 1417.0 * t, -4.0 + 5.0 * t, 1e-9 * (t - 0.5)] {
                worst = worst.max((exp(x).to_bits() as i64 - libm::exp(x).to_bits() as i64).unsigned_abs());
            }
        }
        assert!(worst <= 2, "{worst} units in the last place");
        assert_eq!((exp(0.0), exp(-708.5), exp(f64::NEG_INFINITY)), (1.0, 0.0, 0.0));
        assert_eq!((exp(709.5), exp(f64::INFINITY)), (f64::INFINITY, f64::INFINITY));
        assert!(exp(f64::NAN).is_nan());
    }
}
