//! Sums over eight lanes in a fixed order, the same bits on every instruction set.

use pulp::{Arch, Simd, WithSimd};

const LANES: usize = 8;

/// Calls `term` with corresponding numbers of both and adds what it returns.
#[inline(always)]
fn lanes(x: &[f64], y: &[f64], term: impl Fn(f64, f64) -> f64) -> f64 {
    let mut sums = [0.0; LANES];
    let ((blocks, rest), (others, other_rest)) = (x.as_chunks::<LANES>(), y.as_chunks::<LANES>());
    for (a, b) in blocks.iter().zip(others) {
        for i in 0..LANES {
            sums[i] += term(a[i], b[i]);
        }
    }
    for (sum, (a, b)) in sums.iter_mut().zip(rest.iter().zip(other_rest)) {
        *sum += term(*a, *b);
    }
    let [a, b, c, d, e, f, g, h] = sums;
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}

/// A sum by [`lanes`]. A closure would not be compiled for the instruction set that it is dispatched to.
struct Lanes<'a, F> {
    x: &'a [f64],
    y: &'a [f64],
    term: F,
}

impl<F: Fn(f64, f64) -> f64> WithSimd for Lanes<'_, F> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f64 {
        lanes(self.x, self.y, self.term)
    }
}

/// Products of `x` and the equally long `y`, summed.
pub fn dot(x: &[f64], y: &[f64]) -> f64 {
    Arch::new().dispatch(Lanes { x, y, term: |a, b| a * b })
}

/// The sum.
fn sum(x: &[f64]) -> f64 {
    Arch::new().dispatch(Lanes { x, y: x, term: |a, _| a })
}

/// The mean; NaN of no numbers.
pub fn mean(values: &[f64]) -> f64 {
    sum(values) / values.len() as f64
}

/// Squared distances from `centre`, summed.
fn squares(values: &[f64], centre: f64) -> f64 {
    Arch::new().dispatch(Lanes { x: values, y: values, term: |x, _| (x - centre) * (x - centre) })
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
            assert_eq!(dot(&x, &x), n * (n + 1.0) * (2.0 * n + 1.0) / 6.0);
            assert!(n == 0.0 || mean(&x) == (n + 1.0) / 2.0);
            assert!(n < 2.0 || (variance(&x) - n * (n + 1.0) / 12.0).abs() < 1e-12 * n * n);
        }
    }
}
