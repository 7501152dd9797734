//! The densest part of a set.

use super::moments::{covariance, mean};
use crate::error::Error;
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
    fn of_some(set: &ModelSet) -> Self {
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
        kernels.log_scale = (0..dim).map(|j| kernels.root[j * dim + j].ln()).sum::<f64>() + 0.5 * d * std::f64::consts::TAU.ln();
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

/// The models of highest posterior density that together have at least the weight `level`: their numbers, densest first.
///
/// Densities are estimated by 512 normal kernels that stand for the set (QInfer takes the weights for densities, which
/// say nothing after a resampling).
///
/// # Errors
/// A level outside (0, 1]; a set whose weights are all zero.
pub fn densest(set: &ModelSet, level: f64) -> Result<Vec<usize>, Error> {
    if !(level > 0.0 && level <= 1.0) {
        return Err(Error::argument("level", "a number above 0, at most 1", level));
    }
    if set.total.sum == 0.0 {
        return Err(Error::argument("set", "weights that are not all zero", "zeros").in_set(set.id()));
    }
    let kernels = Kernels::of_some(set);
    let weights = set.weights();
    let mut model = vec![0.0; set.dim()];
    let mut order: Vec<(f64, usize)> = (0..set.len())
        .filter(|i| weights[*i] > 0.0)
        .map(|i| {
            (0..set.dim()).for_each(|j| model[j] = set.coordinate(i, j));
            (kernels.log_density(&model), i)
        })
        .collect();
    order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut sum = 0.0;
    let mut chosen = Vec::new();
    for (_, i) in order {
        chosen.push(i);
        sum += weights[i];
        if sum >= level {
            break;
        }
    }
    Ok(chosen)
}

/// Models by their numbers, one row of d numbers after the other.
pub fn points(set: &ModelSet, models: &[usize]) -> Vec<f64> {
    models.iter().flat_map(|i| (0..set.dim()).map(move |j| set.coordinate(*i, j))).collect()
}
