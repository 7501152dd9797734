//! Sums over eight lanes in a fixed order, the same bits on every instruction set.

use pulp::{Arch, Simd, WithSimd};

const LANES: usize = 8;

/// The sum of what `term` makes of each number. A structure, since a closure would not be compiled for the instruction set that
/// it is dispatched to.
struct Terms<'a, F>(&'a [f64], F);

impl<F: Fn(f64) -> f64> WithSimd for Terms<'_, F> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f64 {
        let Self(values, term) = self;
        let mut sums = [0.0; LANES];
        let (blocks, rest) = values.as_chunks::<LANES>();
        for block in blocks {
            for i in 0..LANES {
                sums[i] += term(block[i]);
            }
        }
        for (sum, x) in sums.iter_mut().zip(rest) {
            *sum += term(*x);
        }
        let [a, b, c, d, e, f, g, h] = sums;
        ((a + e) + (c + g)) + ((b + f) + (d + h))
    }
}

/// The sum.
fn sum(values: &[f64]) -> f64 {
    Arch::new().dispatch(Terms(values, |x| x))
}

/// The mean; NaN of no numbers.
pub fn mean(values: &[f64]) -> f64 {
    sum(values) / values.len() as f64
}

/// Squared distances from `centre`, summed.
fn squares(values: &[f64], centre: f64) -> f64 {
    Arch::new().dispatch(Terms(values, |x| (x - centre) * (x - centre)))
}

/// Unbiased variance.
pub fn variance(values: &[f64]) -> f64 {
    squares(values, mean(values)) / (values.len() as f64 - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_add_up_at_every_length() {
        for n in 0..40 {
            let x: Vec<f64> = (1..=n).map(f64::from).collect();
            let n = f64::from(n);
            assert_eq!(squares(&x, 0.0), n * (n + 1.0) * (2.0 * n + 1.0) / 6.0);
            assert!(n == 0.0 || mean(&x) == (n + 1.0) / 2.0);
            assert!(n < 2.0 || (variance(&x) - n * (n + 1.0) / 12.0).abs() < 1e-12 * n * n);
        }
    }
}
