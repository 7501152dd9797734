//! Densities by normal kernels.

use super::moments::{covariance, mean};
use crate::learn::linear;
use crate::learn::set::ModelSet;
use crate::particles::exp;

/// Kernels that stand for a set where a density is wanted.
const KERNELS: usize = 512;

/// Normal kernels with the covariance of a set, narrowed by Silverman's factor.
pub(super) struct Kernels {
    dim: usize,
    root: Vec<f64>,
    /// Centres in whitened coordinates, and their weights.
    centres: Vec<f64>,
    weights: Vec<f64>,
    log_scale: f64,
}

impl Kernels {
    /// One for each model.
    pub fn of_all(set: &ModelSet) -> Self {
        let weights = set.weights();
        Self::new(set, (0..set.len()).filter(|i| weights[*i] > 0.0).map(|i| (i, weights[i])).collect())
    }

    /// [`KERNELS`] of them, at the models at the middle of as many equal parts of the weights.
    pub fn of_some(set: &ModelSet) -> Self {
        let weights = set.weights();
        let (mut sum, mut next, mut chosen) = (0.0, 0, Vec::with_capacity(KERNELS));
        for (i, w) in weights.iter().enumerate() {
            sum += w;
            while next < KERNELS && (next as f64 + 0.5) / (KERNELS as f64) < sum {
                chosen.push((i, 1.0 / KERNELS as f64));
                next += 1;
            }
        }
        Self::new(set, chosen)
    }

    fn new(set: &ModelSet, chosen: Vec<(usize, f64)>) -> Self {
        let dim = set.dim();
        let d = dim as f64;
        let mut shape = covariance(set, &mean(set));
        let count = set.ess().min(chosen.len() as f64).max(1.0);
        let factor = (4.0 / (d + 2.0) / count).powf(1.0 / (d + 4.0));
        shape.iter_mut().for_each(|x| *x *= factor * factor);
        let mut root = linear::root(&shape, dim).unwrap_or_else(|| vec![0.0; dim * dim]);
        // Without width in some direction: as narrow as numbers are.
        (0..dim).for_each(|j| root[j * dim + j] = root[j * dim + j].max(1e-150));
        let mut kernels = Self { dim, centres: Vec::new(), weights: Vec::new(), log_scale: 0.0, root };
        kernels.log_scale =
            (0..dim).map(|j| kernels.root[j * dim + j].ln()).sum::<f64>() + 0.5 * d * std::f64::consts::TAU.ln();
        for (i, w) in chosen {
            let model: Vec<f64> = (0..dim).map(|j| set.coordinate(i, j)).collect();
            kernels.centres.extend(kernels.whitened(&model));
            kernels.weights.push(w);
        }
        kernels
    }

    fn whitened(&self, model: &[f64]) -> Vec<f64> {
        let mut z = model.to_vec();
        for j in 0..self.dim {
            let done: f64 = (0..j).map(|k| self.root[j * self.dim + k] * z[k]).sum();
            z[j] = (z[j] - done) / self.root[j * self.dim + j];
        }
        z
    }

    pub fn log_density(&self, model: &[f64]) -> f64 {
        let z = self.whitened(model);
        let kernel = |(centre, w): (&[f64], &f64)| {
            let squares: f64 = centre.iter().zip(&z).map(|(a, b)| (a - b) * (a - b)).sum();
            w * exp(-0.5 * squares)
        };
        let sum: f64 = self.centres.chunks(self.dim).zip(&self.weights).map(kernel).sum();
        libm::log(sum) - self.log_scale
    }
}

/// Kullback-Leibler divergence of the law of `of` from that of `from` by kernel estimates of both densities with normal
/// kernels of Silverman's width, in nats. Takes a time of n (n + n').
pub fn kernel_divergence(of: &ModelSet, from: &ModelSet) -> f64 {
    let (own, other) = (Kernels::of_all(of), Kernels::of_all(from));
    let dim = of.dim();
    let mut model = vec![0.0; dim];
    let mut sum = 0.0;
    of.each_block(|block, weights| {
        for (i, w) in weights.iter().enumerate().filter(|(_, w)| **w > 0.0) {
            (0..dim).for_each(|j| model[j] = of.column(block, j)[i]);
            sum += w * (own.log_density(&model) - other.log_density(&model));
        }
    });
    sum
}
