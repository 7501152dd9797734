//! The square of the cosine: the likelihood of a two-level system that precesses.

use pulp::{Arch, Simd, WithSimd};

/// The bits of 1.
const ONE: u64 = 1.0f64.to_bits();
const TWO_OVER_PI: f64 = std::f64::consts::FRAC_2_PI;
/// pi/2 in parts of 33 bits, whose multiples by less than 2^20 are exact.
const FIRST: f64 = f64::from_bits(0x3FF9_21FB_5440_0000);
const SECOND: f64 = f64::from_bits(0x3DD0_B461_1A60_0000);
const THIRD: f64 = f64::from_bits(0x3BA3_198A_2E03_7073);
/// Adding this rounds to a whole number that stands in the low bits.
const ROUNDER: f64 = 6_755_399_441_055_744.0;
/// Up to here the number of quarter turns has less than 20 bits.
const LARGEST: f64 = 1_647_000.0;

/// cos(x)² within 2e-16 for |x| up to [`LARGEST`].
///
/// x = j pi/2 + r with |r| <= pi/4 (Cody and Waite 1980, the remainder in two numbers), and with s = sin(r) by the
/// polynomial of FreeBSD's `k_sin.c` it is 1 - s² for even j and s² for odd ones: one polynomial, no branch.
#[inline(always)]
fn one(x: f64) -> f64 {
    let rounded = x * TWO_OVER_PI + ROUNDER;
    let j = rounded - ROUNDER;
    let first = x - j * FIRST;
    let second = j * SECOND;
    let r = first - second;
    let tail = ((first - r) - second) - j * THIRD;
    let z = r * r;
    let w = z * z;
    let p = 8.333_333_333_322_49e-3
        + z * (-1.984_126_982_985_795e-4 + z * 2.755_731_370_707_006_8e-6)
        + z * w * (-2.505_076_025_340_686_3e-8 + z * 1.589_690_995_211_55e-10);
    let v = z * r;
    let s = r - ((z * (0.5 * tail - v * p) - tail) - v * -1.666_666_666_666_663_2e-1);
    let square = s * s;
    // Without a branch, which would keep the loop from becoming vectors: 1 - square, or 0 + square.
    let odd = f64::from_bits((rounded.to_bits() & 1).wrapping_neg() & ONE);
    (1.0 - odd) + (odd + odd - 1.0) * square
}

/// Whether [`one`] does not serve; true of NaN.
#[inline(always)]
fn beyond_reach(x: f64) -> bool {
    x.is_nan() | (x.abs() > LARGEST)
}

struct Pass<'a> {
    x: &'a [f64],
    out: &'a mut [f64],
}

impl WithSimd for Pass<'_> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> bool {
        let mut beyond = 0u64;
        for (x, out) in self.x.iter().zip(self.out) {
            *out = one(*x);
            beyond |= if beyond_reach(*x) { 1 } else { 0 };
        }
        beyond != 0
    }
}

/// `out[i] = cos(x[i])²` within 2e-16, in vectors, with the same bits on every instruction set; beyond 1.6e6 by the
/// portable library. NaN for what is not finite.
///
/// # Panics
/// When the lengths differ.
pub fn cos_squared(x: &[f64], out: &mut [f64]) {
    cos_squared_on(Arch::new(), x, out);
}

fn cos_squared_on(arch: Arch, x: &[f64], out: &mut [f64]) {
    assert_eq!(x.len(), out.len(), "as much room as numbers");
    if arch.dispatch(Pass { x, out }) {
        for (x, out) in x.iter().zip(out) {
            if beyond_reach(*x) {
                let cosine = libm::cos(*x);
                *out = cosine * cosine;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_square_is_exact_to_its_last_digit() {
        let mut x: Vec<f64> = (0..200_000).map(|i| f64::from(i) * 1e-4 - 10.0).collect();
        x.extend((0..200_000).map(|i| f64::from(i) * 8.123 - 8e5));
        x.extend((0..4000).map(|i| f64::from(i) * std::f64::consts::FRAC_PI_2));
        x.extend([1e7, -3e15, 1e300, LARGEST, -LARGEST, 0.0]);
        let mut out = vec![0.0; x.len()];
        cos_squared(&x, &mut out);
        let mut worst: f64 = 0.0;
        for (x, out) in x.iter().zip(&out) {
            // Of the two ways to the square the one that loses nothing.
            let (c, s) = (libm::cos(*x), libm::sin(*x));
            let exact = if c.abs() < 0.7 { c * c } else { 1.0 - s * s };
            worst = worst.max((out - exact).abs());
        }
        assert!(worst <= 3e-16, "{worst}");
        let mut scalar = vec![0.0; x.len()];
        cos_squared_on(Arch::Scalar, &x, &mut scalar);
        assert_eq!(scalar, out);
        let mut none = [0.0; 2];
        cos_squared(&[f64::NAN, f64::INFINITY], &mut none);
        assert!(none.iter().all(|x| x.is_nan()));
    }
}
