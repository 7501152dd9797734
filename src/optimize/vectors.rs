//! Sums over vectors, in eight lanes whatever the machine, and what goes with them.

const LANES: usize = 8;

/// The inner product, summed over eight lanes in a fixed order.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0; LANES];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (a, b) in a.iter().zip(b) {
        for k in 0..LANES {
            lanes[k] += a[k] * b[k];
        }
    }
    for (lane, (a, b)) in lanes.iter_mut().zip(a_rest.iter().zip(b_rest)) {
        *lane += a * b;
    }
    let [a, b, c, d, e, f, g, h] = lanes;
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}

/// The Euclidean norm.
pub fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

/// Adds `factor` times `b` to `a`.
pub fn add(a: &mut [f64], factor: f64, b: &[f64]) {
    for (a, b) in a.iter_mut().zip(b) {
        *a += factor * b;
    }
}

/// Writes `a` - `b`.
pub fn subtract(a: &[f64], b: &[f64], out: &mut [f64]) {
    for (out, (a, b)) in out.iter_mut().zip(a.iter().zip(b)) {
        *out = a - b;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_counts_once() {
        for length in 0..40 {
            let a: Vec<f64> = (0..length).map(|i| i as f64).collect();
            let ones = vec![1.0; length];
            assert_eq!(dot(&a, &ones), (0..length).sum::<usize>() as f64);
        }
        assert_eq!(norm(&[3.0, 4.0]), 5.0);
    }
}
