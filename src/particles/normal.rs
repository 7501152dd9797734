//! A multivariate normal: where a path of densities begins, and what independent proposals come from.

use super::scale::Scale;
use crate::error::Error;
use crate::random::Stream;
use serde::{Deserialize, Serialize};

/// A normal with its density.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Normal {
    mean: Vec<f64>,
    scale: Scale,
    log_constant: f64,
}

impl Normal {
    /// A normal of this mean whose deviations are scale times standard normals.
    pub fn new(mean: Vec<f64>, scale: Scale) -> Self {
        let mut normal = Self { mean, scale, log_constant: 0.0 };
        normal.settle();
        normal
    }

    fn settle(&mut self) {
        const HALF_LOG_TAU: f64 = 0.918_938_533_204_672_8;
        self.log_constant = -(self.mean.len() as f64) * HALF_LOG_TAU - self.scale.log_det();
    }

    /// From a mean and either as many standard deviations or the covariance, row by row.
    ///
    /// # Errors
    /// Numbers of another count, not finite, or of no covariance; named as parts of `argument`.
    pub fn given(mean: &[f64], spread: &[f64], argument: &str) -> Result<Self, Error> {
        let dim = mean.len();
        if let Some(i) = mean.iter().position(|m| !m.is_finite()) {
            return Err(Error::argument(format!("{argument}.mean[{i}]"), "a finite number", mean[i]));
        }
        let name = format!("{argument}.spread");
        let scale = if spread.len() == dim {
            Scale::diag(spread, &name)?
        } else if spread.len() == dim * dim {
            Scale::of_covariance(dim, spread)
                .ok_or_else(|| Error::argument(name, "a positive definite covariance", "one that is not"))?
        } else {
            let expected = format!("{dim} standard deviations or {dim} x {dim} numbers of a covariance");
            return Err(Error::argument(name, expected, format!("{} numbers", spread.len())));
        };
        Ok(Self::new(mean.to_vec(), scale))
    }

    /// Number of coordinates.
    pub fn dim(&self) -> usize {
        self.mean.len()
    }

    /// The mean.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// The scale.
    pub fn scale(&self) -> &Scale {
        &self.scale
    }

    /// Takes mean and scale from numbers, of the same shapes.
    pub fn copy_from(&mut self, mean: &[f64], scale: &[f64]) {
        self.mean.copy_from_slice(mean);
        self.scale.copy_from(scale);
        self.settle();
    }

    /// A draw.
    pub fn draw(&self, stream: &mut Stream, x: &mut [f64]) {
        let z: Vec<f64> = x.iter().map(|_| stream.normal()).collect();
        x.copy_from_slice(&self.mean);
        self.scale.add_product(1.0, &z, x);
    }

    /// Log density at `x`; `space`, as long as `x`, receives the gradient.
    pub fn log_density(&self, x: &[f64], space: &mut [f64]) -> f64 {
        for ((z, x), mean) in space.iter_mut().zip(x).zip(&self.mean) {
            *z = x - mean;
        }
        self.scale.solve(space);
        let square: f64 = space.iter().map(|z| z * z).sum();
        self.scale.solve_transposed(space);
        space.iter_mut().for_each(|g| *g = -*g);
        self.log_constant - 0.5 * square
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn density_and_gradient_of_two_dimensions() {
        let normal = Normal::given(&[1.0, -1.0], &[2.0, 0.6, 0.6, 1.0], "reference").unwrap();
        let (x, mut gradient) = ([1.5, 0.5], [0.0; 2]);
        let value = normal.log_density(&x, &mut gradient);
        let (det, u, v) = (2.0 - 0.36, 0.5, 1.5);
        let square = (u * u - 1.2 * u * v + 2.0 * v * v) / det;
        assert!((value - (-(2.0 * std::f64::consts::PI).ln() - 0.5 * f64::ln(det) - 0.5 * square)).abs() < 1e-14);
        assert!((gradient[0] + (u - 0.6 * v) / det).abs() < 1e-14);
        assert!((gradient[1] + (2.0 * v - 0.6 * u) / det).abs() < 1e-14);
        let words = |mean: &[f64], spread: &[f64]| Normal::given(mean, spread, "reference").unwrap_err().to_string();
        assert!(words(&[f64::NAN], &[1.0]).contains("reference.mean[0]"));
        assert!(words(&[0.0; 2], &[1.0; 3]).contains("2 standard deviations or 2 x 2"));
        assert!(words(&[0.0; 2], &[1.0; 4]).contains("positive definite"));
    }
}
