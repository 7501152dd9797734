use super::InverseMetric;
use serde::{Deserialize, Serialize};

/// Weight, in draws, of the prior that pulls an estimate towards [`REGULARISED_TOWARDS`] (Stan's choice).
const REGULARISATION_WEIGHT: f64 = 5.0;
/// The variance that few draws are pulled towards (Stan's choice).
const REGULARISED_TOWARDS: f64 = 1e-3;
/// No estimate from fewer draws: a single draw has no variance.
const FEWEST_DRAWS: u64 = 2;

/// The share of the estimate and what is added to variances after `n` draws.
fn regularisation(n: u64) -> (f64, f64) {
    let n = n as f64;
    let total = n + REGULARISATION_WEIGHT;
    (n / total, REGULARISED_TOWARDS * REGULARISATION_WEIGHT / total)
}

/// Estimates the metric of a window's draws.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Estimator {
    /// The metric is not estimated.
    None,
    /// Variances for the diagonal metric.
    Diag(Variances),
    /// Covariances for the dense metric.
    Dense(Covariance),
}

impl Estimator {
    /// Takes one draw.
    pub fn add(&mut self, position: &[f64]) {
        match self {
            Self::None => {}
            Self::Diag(v) => v.add(position),
            Self::Dense(c) => c.add(position),
        }
    }

    /// The estimate from the draws so far, which are forgotten; `None` when there were too few.
    pub fn take(&mut self) -> Option<InverseMetric> {
        match self {
            Self::None => None,
            Self::Diag(v) => {
                let mut new = vec![0.0; v.mean.len()];
                v.take(&mut new).then_some(InverseMetric::Diag(new))
            }
            Self::Dense(c) => {
                let mut new = vec![0.0; c.square.len()];
                c.take(&mut new).then_some(InverseMetric::Dense(new))
            }
        }
    }

    /// Numbers held.
    pub fn numbers(&self) -> usize {
        match self {
            Self::None => 0,
            Self::Diag(v) => v.mean.len() + v.square.len(),
            Self::Dense(c) => c.mean.len() + c.square.len() + c.delta.len(),
        }
    }
}

/// Running variances (Welford 1962), regularised as in Stan: n/(n+5) of the variance plus 1e-3·5/(n+5).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Variances {
    count: u64,
    mean: Vec<f64>,
    square: Vec<f64>,
}

impl Variances {
    /// An estimator of `dim` variances.
    pub fn new(dim: usize) -> Self {
        Self { count: 0, mean: vec![0.0; dim], square: vec![0.0; dim] }
    }

    /// Takes one draw.
    pub fn add(&mut self, position: &[f64]) {
        self.count += 1;
        let n = self.count as f64;
        for ((x, mean), square) in position.iter().zip(&mut self.mean).zip(&mut self.square) {
            let delta = x - *mean;
            *mean += delta / n;
            *square += delta * (x - *mean);
        }
    }

    /// Writes the regularised variances of the draws so far and forgets them; false when there were too few.
    pub fn take(&mut self, variances: &mut [f64]) -> bool {
        let enough = self.count >= FEWEST_DRAWS;
        if enough {
            let (share, extra) = regularisation(self.count);
            for (v, square) in variances.iter_mut().zip(&self.square) {
                *v = share * (square / (self.count - 1) as f64) + extra;
            }
        }
        self.count = 0;
        self.mean.fill(0.0);
        self.square.fill(0.0);
        enough
    }
}

/// Running covariances, regularised like [`Variances`] on the diagonal.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Covariance {
    count: u64,
    mean: Vec<f64>,
    /// Lower triangle, row-major in full storage.
    square: Vec<f64>,
    delta: Vec<f64>,
}

impl Covariance {
    /// An estimator of `dim` × `dim` covariances.
    pub fn new(dim: usize) -> Self {
        Self { count: 0, mean: vec![0.0; dim], square: vec![0.0; dim * dim], delta: vec![0.0; dim] }
    }

    /// Takes one draw.
    pub fn add(&mut self, position: &[f64]) {
        let dim = self.mean.len();
        self.count += 1;
        let n = self.count as f64;
        for ((x, mean), delta) in position.iter().zip(&mut self.mean).zip(&mut self.delta) {
            *delta = x - *mean;
            *mean += *delta / n;
        }
        for (i, (x, mean)) in position.iter().zip(&self.mean).enumerate() {
            let after = x - mean;
            for (s, d) in self.square[i * dim..][..=i].iter_mut().zip(&self.delta) {
                *s += after * d;
            }
        }
    }

    /// Writes the regularised covariance matrix (row-major) of the draws so far and forgets them; false when there were
    /// too few.
    pub fn take(&mut self, covariance: &mut [f64]) -> bool {
        let dim = self.mean.len();
        let enough = self.count >= FEWEST_DRAWS;
        if enough {
            let (share, extra) = regularisation(self.count);
            for i in 0..dim {
                for j in 0..=i {
                    let value = share * (self.square[i * dim + j] / (self.count - 1) as f64);
                    covariance[i * dim + j] = value;
                    covariance[j * dim + i] = value;
                }
                covariance[i * dim + i] += extra;
            }
        }
        *self = Self::new(dim);
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAWS: [[f64; 2]; 4] = [[1.0, 2.0], [3.0, -1.0], [0.5, 0.0], [-2.0, 7.0]];

    #[test]
    fn variances_and_covariances_by_hand() {
        let n = DRAWS.len() as f64;
        let mean = |k: usize| DRAWS.iter().map(|d| d[k]).sum::<f64>() / n;
        let cov = |a: usize, b: usize| {
            DRAWS.iter().map(|d| (d[a] - mean(a)) * (d[b] - mean(b))).sum::<f64>() / (n - 1.0) * n / (n + 5.0)
                + if a == b { 1e-3 * 5.0 / (n + 5.0) } else { 0.0 }
        };
        let (mut v, mut c) = (Variances::new(2), Covariance::new(2));
        // Twice: the second window must not remember the first.
        for _ in 0..2 {
            DRAWS.iter().for_each(|d| v.add(d));
            DRAWS.iter().for_each(|d| c.add(d));
            let (mut variances, mut covariance) = ([0.0; 2], [0.0; 4]);
            assert!(v.take(&mut variances) && c.take(&mut covariance));
            for a in 0..2 {
                assert!((variances[a] - cov(a, a)).abs() < 1e-14);
                for b in 0..2 {
                    assert!((covariance[2 * a + b] - cov(a, b)).abs() < 1e-14);
                }
            }
        }
    }

    #[test]
    fn one_draw_is_too_few() {
        let mut v = Variances::new(1);
        v.add(&[3.0]);
        let mut out = [7.0];
        assert!(!v.take(&mut out));
        assert_eq!(out, [7.0]);
        let mut c = Covariance::new(1);
        c.add(&[3.0]);
        assert!(!c.take(&mut out));
        assert_eq!(out, [7.0]);
    }
}
