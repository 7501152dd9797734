//! The logarithm of likelihoods, for loops that become vectors.

/// ln 2 in two parts, the first with zeros at its end so that its multiples are exact.
const LN2_HIGH: f64 = f64::from_bits(0x3FE6_2E42_FEE0_0000);
const LN2_LOW: f64 = f64::from_bits(0x3DEA_39EF_3579_3C76);
/// The bits of sqrt(1/2), rounded down.
const ROOT: u64 = 0x3FE6_A09E_0000_0000;
const BIAS: u64 = 1023;
/// 2^52, whose low bits are a whole number's.
const WHOLE: f64 = 4_503_599_627_370_496.0;

/// ln(x) within a unit in the last place for positive normal numbers; -inf for 0 and what is smaller than them, which
/// serves where ln(x) is multiplied by x. NaN for NaN is not promised.
///
/// x = 2^k (1 + f) with 1 + f between sqrt(1/2) and sqrt(2), and the polynomial in f / (2 + f) of FreeBSD's `e_log.c`,
/// without its branches.
#[inline(always)]
pub(in crate::learn) fn ln(x: f64) -> f64 {
    let shifted = x.to_bits().wrapping_sub(ROOT).wrapping_add(BIAS << 52);
    let biased = shifted >> 52;
    let k = f64::from_bits(biased | WHOLE.to_bits()) - WHOLE - BIAS as f64;
    let f = f64::from_bits(x.to_bits().wrapping_sub(biased.wrapping_sub(BIAS) << 52)) - 1.0;
    let s = f / (2.0 + f);
    let z = s * s;
    let w = z * z;
    let even = w * (0.399_999_999_994_094_2 + w * (0.222_221_984_321_497_84 + w * 0.153_138_376_992_093_73));
    let odd = z
        * (0.666_666_666_666_673_5
            + w * (0.285_714_287_436_623_9 + w * (0.181_835_721_616_180_5 + w * 0.147_981_986_051_165_86)));
    let half = 0.5 * f * f;
    let value = k * LN2_HIGH + (f - (half - (s * (half + (even + odd)) + k * LN2_LOW)));
    if x < f64::MIN_POSITIVE { f64::NEG_INFINITY } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_logarithm_agrees_with_the_portable_library() {
        let mut worst: f64 = 0.0;
        for i in 1..300_000u32 {
            let t = f64::from(i) / 3e5;
            for x in [t, t * t * t * 1e-9, 1.0 - 1e-8 * t, 0.5 + t, t * 1e300, 1.5 * f64::MIN_POSITIVE / t] {
                let exact = libm::log(x);
                worst = worst.max((ln(x) - exact).abs() / exact.abs().max(1e-300) / f64::EPSILON);
            }
        }
        assert!(worst <= 1.0, "{worst} epsilons");
        assert_eq!((ln(1.0), ln(0.0)), (0.0, f64::NEG_INFINITY));
    }
}
