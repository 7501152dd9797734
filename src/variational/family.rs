//! The normal distributions that are fitted: their parameters as one row of numbers.

use super::draws::LOG_2_PI;
use crate::random::Stream;
use serde::{Deserialize, Serialize};

/// Which normal distributions are looked among.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[repr(i32)]
pub enum Family {
    /// Independent coordinates: a mean and a log standard deviation each.
    MeanField = 0,
    /// Any covariance, by its Cholesky factor.
    FullRank = 1,
}

/// A normal distribution of a [`Family`].
///
/// Its parameters are the mean, then the log standard deviations, or the rows of the Cholesky factor up to the diagonal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Approximation {
    family: Family,
    pub(super) dim: usize,
    pub(super) parameters: Vec<f64>,
}

/// Where row `i` of a packed lower triangle begins.
pub(super) fn row(i: usize) -> usize {
    i * (i + 1) / 2
}

impl Approximation {
    /// How many parameters there are for `dim` coordinates; `None` where that is beyond counting.
    pub fn parameters(family: Family, dim: usize) -> Option<usize> {
        match family {
            Family::MeanField => dim.checked_mul(2),
            Family::FullRank => Some(dim.checked_mul(dim.checked_add(1)?)? / 2)?.checked_add(dim),
        }
    }

    /// The one with this mean and unit covariance.
    pub fn at(family: Family, mean: &[f64]) -> Self {
        let dim = mean.len();
        let mut parameters = mean.to_vec();
        match family {
            Family::MeanField => parameters.resize(2 * dim, 0.0),
            Family::FullRank => {
                parameters.resize(dim + row(dim), 0.0);
                (0..dim).for_each(|i| parameters[dim + row(i) + i] = 1.0);
            }
        }
        Self { family, dim, parameters }
    }

    /// Back to unit covariance about `mean`, in the same memory.
    pub(super) fn restart(&mut self, mean: &[f64]) {
        let (centre, spread) = self.parameters.split_at_mut(self.dim);
        centre.copy_from_slice(mean);
        spread.fill(0.0);
        if self.family == Family::FullRank {
            (0..self.dim).for_each(|i| spread[row(i) + i] = 1.0);
        }
    }

    /// The family.
    pub fn family(&self) -> Family {
        self.family
    }

    /// The mean.
    pub fn mean(&self) -> &[f64] {
        &self.parameters[..self.dim]
    }

    pub(super) fn spread(&self) -> &[f64] {
        &self.parameters[self.dim..]
    }

    /// Standard deviation of each coordinate.
    pub fn sd(&self) -> Vec<f64> {
        let of_row = |i: usize| {
            let elements = &self.spread()[row(i)..row(i) + i + 1];
            elements.iter().map(|l| l * l).sum::<f64>().sqrt()
        };
        match self.family {
            Family::MeanField => self.spread().iter().map(|omega| libm::exp(*omega)).collect(),
            Family::FullRank => (0..self.dim).map(of_row).collect(),
        }
    }

    /// What an error of each parameter is measured by: the coordinate's standard deviation, or 1 for a log.
    pub(super) fn scales(&self) -> Vec<f64> {
        let sd = self.sd();
        let spread = match self.family {
            Family::MeanField => vec![1.0; self.dim],
            Family::FullRank => (0..self.dim).flat_map(|i| std::iter::repeat_n(sd[i], i + 1)).collect(),
        };
        [sd, spread].concat()
    }

    /// Log of the product of the Cholesky factor's diagonal.
    fn log_determinant(&self) -> f64 {
        match self.family {
            Family::MeanField => self.spread().iter().sum(),
            Family::FullRank => (0..self.dim).map(|i| libm::log(self.spread()[row(i) + i].abs())).sum(),
        }
    }

    /// Entropy in nats.
    pub fn entropy(&self) -> f64 {
        0.5 * self.dim as f64 * (1.0 + LOG_2_PI) + self.log_determinant()
    }

    /// Draws `normals`, then the position that they make; its normalised log density.
    pub(super) fn draw(&self, stream: &mut Stream, normals: &mut [f64], position: &mut [f64]) -> f64 {
        normals.iter_mut().for_each(|z| *z = stream.normal());
        self.place(normals, position)
    }

    /// The position that `normals` make; its normalised log density.
    pub(super) fn place(&self, normals: &[f64], position: &mut [f64]) -> f64 {
        let spread = self.spread();
        match self.family {
            Family::MeanField => {
                for (((x, mean), omega), z) in position.iter_mut().zip(self.mean()).zip(spread).zip(normals) {
                    *x = mean + libm::exp(*omega) * z;
                }
            }
            Family::FullRank => {
                for (i, (x, mean)) in position.iter_mut().zip(self.mean()).enumerate() {
                    let product: f64 = spread[row(i)..=row(i) + i].iter().zip(normals).map(|(l, z)| l * z).sum();
                    *x = mean + product;
                }
            }
        }
        let squares: f64 = normals.iter().map(|z| z * z).sum();
        -0.5 * (squares + self.dim as f64 * LOG_2_PI) - self.log_determinant()
    }

    /// Adds to `sum` what one draw made of `normals` tells of the gradient of E log p by the parameters, from the gradient
    /// of log p there (the reparametrisation gradient: Kucukelbir, Tran, Ranganath, Gelman and Blei 2017, section 2.5).
    pub(super) fn add_gradient(&self, normals: &[f64], gradient: &[f64], sum: &mut [f64]) {
        let (by_mean, by_spread) = sum.split_at_mut(self.dim);
        by_mean.iter_mut().zip(gradient).for_each(|(s, g)| *s += g);
        match self.family {
            Family::MeanField => {
                for (((s, g), z), omega) in by_spread.iter_mut().zip(gradient).zip(normals).zip(self.spread()) {
                    *s += g * z * libm::exp(*omega);
                }
            }
            Family::FullRank => {
                for (i, g) in gradient.iter().enumerate() {
                    by_spread[row(i)..=row(i) + i].iter_mut().zip(normals).for_each(|(s, z)| *s += g * z);
                }
            }
        }
    }

    /// Adds the gradient of the entropy.
    pub(super) fn add_entropy_gradient(&self, sum: &mut [f64]) {
        let by_spread = &mut sum[self.dim..];
        match self.family {
            Family::MeanField => by_spread.iter_mut().for_each(|s| *s += 1.0),
            Family::FullRank => (0..self.dim).for_each(|i| by_spread[row(i) + i] += 1.0 / self.spread()[row(i) + i]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Purpose;

    /// E log p + entropy for log p = -½ xᵀ A x, known in closed form: -½ (mᵀ A m + tr(A Σ)) + entropy.
    fn elbo(q: &Approximation, a: [[f64; 2]; 2]) -> f64 {
        let (m, p) = (q.mean(), q.spread());
        let l = match q.family {
            Family::MeanField => [[p[0].exp(), 0.0], [0.0, p[1].exp()]],
            Family::FullRank => [[p[0], 0.0], [p[1], p[2]]],
        };
        let mut sum = 0.0;
        for i in 0..2 {
            for j in 0..2 {
                let covariance = l[i][0] * l[j][0] + l[i][1] * l[j][1];
                sum += a[i][j] * (m[i] * m[j] + covariance);
            }
        }
        q.entropy() - 0.5 * sum
    }

    #[test]
    fn gradients_are_those_of_the_bound() {
        let a = [[2.0, 0.6], [0.6, 1.0]];
        for family in [Family::MeanField, Family::FullRank] {
            let mut q = Approximation::at(family, &[0.4, -0.3]);
            q.parameters[2..].iter_mut().enumerate().for_each(|(i, x)| *x += 0.1 * (i as f64 + 1.0));
            let mut stream = Stream::new(3, 1, Purpose::Sampler);
            let (mut z, mut x) = ([0.0; 2], [0.0; 2]);
            let mut sum = vec![0.0; q.parameters.len()];
            let draws = 400_000;
            for _ in 0..draws {
                q.draw(&mut stream, &mut z, &mut x);
                let g = [-(a[0][0] * x[0] + a[0][1] * x[1]), -(a[1][0] * x[0] + a[1][1] * x[1])];
                q.add_gradient(&z, &g, &mut sum);
            }
            sum.iter_mut().for_each(|s| *s /= draws as f64);
            q.add_entropy_gradient(&mut sum);
            for (i, sum) in sum.iter().enumerate() {
                let at = |h: f64| {
                    let mut moved = q.clone();
                    moved.parameters[i] += h;
                    elbo(&moved, a)
                };
                let difference = (at(1e-5) - at(-1e-5)) / 2e-5;
                // Five standard errors, for terms of standard deviation below 4.
                assert!((difference - sum).abs() < 0.032, "{family:?} {i}: {difference} against {sum}");
            }
        }
    }

    #[test]
    fn log_densities_are_normalised() {
        for family in [Family::MeanField, Family::FullRank] {
            let mut q = Approximation::at(family, &[1.0, 2.0]);
            q.parameters[2..].iter_mut().enumerate().for_each(|(i, x)| *x += 0.3 * (i as f64 + 1.0));
            let mut stream = Stream::new(1, 1, Purpose::Sampler);
            let (mut z, mut x) = ([0.0; 2], [0.0; 2]);
            let log_density = q.draw(&mut stream, &mut z, &mut x);
            // By the density of the whitened draw.
            let sd = q.sd();
            let expected = match family {
                Family::MeanField => {
                    let of = |i: usize| -0.5 * ((x[i] - q.mean()[i]) / sd[i]).powi(2) - sd[i].ln() - 0.5 * LOG_2_PI;
                    of(0) + of(1)
                }
                Family::FullRank => {
                    let p = q.spread();
                    let u = (x[0] - 1.0) / p[0];
                    let v = (x[1] - 2.0 - p[1] * u) / p[2];
                    -0.5 * (u * u + v * v) - LOG_2_PI - (p[0] * p[2]).ln()
                }
            };
            assert!((log_density - expected).abs() < 1e-12);
        }
    }
}
