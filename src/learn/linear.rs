//! Small symmetric matrices, with the same bits everywhere.

/// A lower triangular root of a symmetric matrix of `dim` rows: zero columns where it is singular, `None` where it is
/// negative beyond rounding.
pub fn root(matrix: &[f64], dim: usize) -> Option<Vec<f64>> {
    let scale = (0..dim).map(|j| matrix[j * dim + j].abs()).fold(0.0, f64::max);
    let small = scale * dim as f64 * 1e-14;
    let mut lower = vec![0.0; dim * dim];
    for j in 0..dim {
        let rest = |i: usize, lower: &[f64]| -> f64 {
            let done: f64 = (0..j).map(|k| lower[i * dim + k] * lower[j * dim + k]).sum();
            matrix[i * dim + j] - done
        };
        let pivot = rest(j, &lower);
        if pivot.is_nan() || pivot < -small {
            return None;
        }
        if pivot <= small {
            // What is left of this column must vanish as well.
            if (j + 1..dim).any(|i| rest(i, &lower).abs() > scale * dim as f64 * 1e-7) {
                return None;
            }
            continue;
        }
        let diagonal = pivot.sqrt();
        lower[j * dim + j] = diagonal;
        for i in j + 1..dim {
            lower[i * dim + j] = rest(i, &lower) / diagonal;
        }
    }
    Some(lower)
}

/// Replaces each row z of an n x dim matrix (column by column) by L z, for a lower triangular L.
pub fn mix(lower: &[f64], dim: usize, n: usize, rows: &mut [f64]) {
    // From the last column on, so that what is needed is still there.
    for j in (0..dim).rev() {
        let (before, own) = rows.split_at_mut(j * n);
        let own = &mut own[..n];
        let diagonal = lower[j * dim + j];
        own.iter_mut().for_each(|x| *x *= diagonal);
        for (k, z) in before.chunks(n).enumerate() {
            let factor = lower[j * dim + k];
            own.iter_mut().zip(z).for_each(|(x, z)| *x += factor * z);
        }
    }
}

/// The solution of M x = b for a symmetric, positive M whose root is `lower`.
pub fn solve(lower: &[f64], dim: usize, b: &[f64]) -> Vec<f64> {
    let mut x = b.to_vec();
    for j in 0..dim {
        let done: f64 = (0..j).map(|k| lower[j * dim + k] * x[k]).sum();
        x[j] = (x[j] - done) / lower[j * dim + j];
    }
    for j in (0..dim).rev() {
        let done: f64 = (j + 1..dim).map(|k| lower[k * dim + j] * x[k]).sum();
        x[j] = (x[j] - done) / lower[j * dim + j];
    }
    x
}

/// The inverse of a symmetric, positive matrix; `None` where it is singular or negative.
pub fn inverse(matrix: &[f64], dim: usize) -> Option<Vec<f64>> {
    let lower = root(matrix, dim)?;
    if (0..dim).any(|j| lower[j * dim + j] == 0.0) {
        return None;
    }
    let mut out = Vec::with_capacity(dim * dim);
    for j in 0..dim {
        let unit: Vec<f64> = (0..dim).map(|i| if i == j { 1.0 } else { 0.0 }).collect();
        out.extend(solve(&lower, dim, &unit));
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_and_inverses_are_right() {
        let m = [4.0, 2.0, 0.6, 2.0, 5.0, 1.0, 0.6, 1.0, 3.0];
        let l = root(&m, 3).unwrap();
        for i in 0..3 {
            for j in 0..3 {
                let product: f64 = (0..3).map(|k| l[i * 3 + k] * l[j * 3 + k]).sum();
                assert!((product - m[i * 3 + j]).abs() < 1e-14);
                let unit: f64 = (0..3).map(|k| m[i * 3 + k] * inverse(&m, 3).unwrap()[k * 3 + j]).sum();
                assert!((unit - if i == j { 1.0 } else { 0.0 }).abs() < 1e-14);
            }
        }
        let mut z = [1.0, 0.0, 0.0, 1.0, 2.0, 0.0];
        mix(&l, 3, 2, &mut z);
        let expected = |r: [f64; 3], j: usize| (0..3).map(|k| l[j * 3 + k] * r[k]).sum::<f64>();
        for j in 0..3 {
            assert!((z[2 * j] - expected([1.0, 0.0, 2.0], j)).abs() < 1e-15);
            assert!((z[2 * j + 1] - expected([0.0, 1.0, 0.0], j)).abs() < 1e-15);
        }
        assert_eq!(root(&[0.0, 0.0, 0.0, 1.0], 2), Some(vec![0.0, 0.0, 0.0, 1.0]));
        assert!(root(&[1.0, 2.0, 2.0, 1.0], 2).is_none() && inverse(&[1.0, 1.0, 1.0, 1.0], 2).is_none());
    }
}
