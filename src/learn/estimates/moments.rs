//! Means, covariances, entropy, divergences.

use crate::learn::kernels::{weighted_square, weighted_sum};
use crate::learn::linear;
use crate::learn::set::ModelSet;
use crate::learn::weights::entropy_of;

/// The mean of the parameters.
pub fn mean(set: &ModelSet) -> Vec<f64> {
    let mut sums = vec![0.0; set.dim()];
    set.each_block(|block, weights| {
        sums.iter_mut().enumerate().for_each(|(j, sum)| *sum += weighted_sum(weights, set.column(block, j)));
    });
    or_nothing(set, sums)
}

/// The covariance of the parameters about `mean`, d x d.
pub fn covariance(set: &ModelSet, mean: &[f64]) -> Vec<f64> {
    let dim = set.dim();
    let mut sums = vec![0.0; dim * dim];
    set.each_block(|block, weights| {
        for j in 0..dim {
            for k in 0..=j {
                let (a, b) = (set.column(block, j), set.column(block, k));
                sums[j * dim + k] += weighted_square(weights, (a, mean[j]), (b, mean[k]));
            }
        }
    });
    for j in 0..dim {
        (0..j).for_each(|k| sums[k * dim + j] = sums[j * dim + k]);
    }
    or_nothing(set, sums)
}

fn or_nothing(set: &ModelSet, mut values: Vec<f64>) -> Vec<f64> {
    if set.total.sum == 0.0 {
        values.fill(f64::NAN);
    }
    values
}

/// The means of `width` functions of a model: `f` gets a model's parameters and writes their values.
pub fn mean_of(set: &ModelSet, width: usize, mut f: impl FnMut(&[f64], &mut [f64])) -> Vec<f64> {
    let dim = set.dim();
    let (mut sums, mut model, mut values) = (vec![0.0; width], vec![0.0; dim], vec![0.0; width]);
    set.each_block(|block, weights| {
        let mut of_block = vec![0.0; width];
        for (i, w) in weights.iter().enumerate().filter(|(_, w)| **w > 0.0) {
            (0..dim).for_each(|j| model[j] = set.column(block, j)[i]);
            f(&model, &mut values);
            of_block.iter_mut().zip(&values).for_each(|(sum, x)| *sum += w * x);
        }
        sums.iter_mut().zip(of_block).for_each(|(sum, x)| *sum += x);
    });
    or_nothing(set, sums)
}

/// The entropy of the weights, -Σ w ln w, in nats: ln n of level weights. It says how much the weights tell the models
/// apart, not how wide the law of the parameters is.
pub fn entropy(set: &ModelSet) -> f64 {
    let mut sum = 0.0;
    set.each_block(|_, weights| sum += entropy_of(weights));
    sum
}

/// Kullback-Leibler divergence of the normal law with the moments of `of` from that with the moments of `from`, in nats;
/// infinite where `from` has no width.
pub fn normal_divergence(of: &ModelSet, from: &ModelSet) -> f64 {
    let dim = of.dim();
    let (m, n) = (mean(of), mean(from));
    let (s, t) = (covariance(of, &m), covariance(from, &n));
    let (Some(inverse), Some(root_s), Some(root_t)) =
        (linear::inverse(&t, dim), linear::root(&s, dim), linear::root(&t, dim))
    else {
        return f64::INFINITY;
    };
    let trace: f64 = (0..dim * dim).map(|i| inverse[i] * s[i]).sum();
    let d: Vec<f64> = m.iter().zip(&n).map(|(a, b)| a - b).collect();
    let distance: f64 = (0..dim).map(|i| d[i] * (0..dim).map(|j| inverse[i * dim + j] * d[j]).sum::<f64>()).sum();
    let log_det = |root: &[f64]| (0..dim).map(|j| 2.0 * root[j * dim + j].ln()).sum::<f64>();
    0.5 * (trace + distance - dim as f64 + log_det(&root_t) - log_det(&root_s))
}
