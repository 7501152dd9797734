//! The Hessian of a log density: asked for as one block of gradients, and what it says of a point.

use crate::model::Block;
use nalgebra::{DMatrix, SymmetricEigen};
use serde::{Deserialize, Serialize};

/// Points along each coordinate and their weights, of the difference of fourth order (Abramowitz and Stegun 1964, table
/// 25.2).
const STENCIL: [(f64, f64); 4] = [(-2.0, 1.0 / 12.0), (-1.0, -2.0 / 3.0), (1.0, 2.0 / 3.0), (2.0, -1.0 / 12.0)];
/// Distance of two points, for a coordinate of size 1: the fifth root of rounding, where both errors are least.
const STEP: f64 = 1e-3;

/// Differences of gradients around a point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Differences {
    block: Block,
    steps: Vec<f64>,
}

impl Differences {
    /// Memory for `dim` coordinates.
    pub fn new(dim: usize, jacobian: bool) -> Self {
        Self { block: Block::new(STENCIL.len() * dim, dim, true, jacobian), steps: vec![0.0; dim] }
    }

    /// Sets out the points around `position`, each coordinate moved by itself, `scale` times as far as usual.
    pub fn ask(&mut self, position: &[f64], scale: impl Fn(usize) -> f64) {
        let dim = position.len();
        for (i, step) in self.steps.iter_mut().enumerate() {
            let moved = position[i] + STEP * position[i].abs().max(1.0) * scale(i);
            // As far as numbers of this size can tell.
            *step = moved - position[i];
        }
        for (row, point) in self.block.positions_mut().chunks_exact_mut(dim).enumerate() {
            let (i, k) = (row / STENCIL.len(), row % STENCIL.len());
            point.copy_from_slice(position);
            point[i] += STENCIL[k].0 * self.steps[i];
        }
        self.block.ask();
    }

    /// The block, to be answered.
    pub fn block(&mut self) -> &mut Block {
        &mut self.block
    }

    /// Writes the Hessian of the log density, `dim`² numbers, symmetric.
    ///
    /// # Errors
    /// The coordinate beside which the log density or its gradient is no number.
    pub fn read(&self, out: &mut [f64]) -> Result<(), usize> {
        let dim = self.steps.len();
        out.fill(0.0);
        for (i, row) in out.chunks_exact_mut(dim).enumerate() {
            for (k, (_, weight)) in STENCIL.iter().enumerate() {
                let at = i * STENCIL.len() + k;
                let gradient = self.block.gradient(at);
                let known = self.block.log_density(at).is_some_and(f64::is_finite);
                if !known || gradient.iter().any(|g| !g.is_finite()) {
                    return Err(i);
                }
                for (x, g) in row.iter_mut().zip(gradient) {
                    *x += weight * g / self.steps[i];
                }
            }
        }
        for i in 0..dim {
            for j in 0..i {
                let mean = 0.5 * (out[i * dim + j] + out[j * dim + i]);
                (out[i * dim + j], out[j * dim + i]) = (mean, mean);
            }
        }
        Ok(())
    }
}

/// What curvature says of a point where the gradient is nothing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Curvature {
    /// The log density falls in every direction: a mode.
    Mode,
    /// It rises along some direction, whose curvature is this.
    Saddle(f64),
    /// It is flat along some direction, as far as rounding can tell: the least and the largest curvature.
    Flat([f64; 2]),
}

/// The eigenvectors and eigenvalues of the negative Hessian.
#[derive(Debug, Clone, PartialEq)]
pub struct Eigen {
    /// Eigenvector of each eigenvalue: one row of `dim` numbers.
    vectors: DMatrix<f64>,
    /// The eigenvalues: curvatures of the negative log density.
    pub values: Vec<f64>,
    /// Below this an eigenvalue cannot be told from 0.
    flat: f64,
}

impl Eigen {
    /// Of the Hessian of a log density, all finite, whose elements are known up to `error`.
    pub fn new(dim: usize, hessian: &[f64], error: f64) -> Self {
        let eigen = SymmetricEigen::new(-DMatrix::from_row_slice(dim, dim, hessian));
        let values: Vec<f64> = eigen.eigenvalues.iter().copied().collect();
        let largest = values.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
        let flat = (dim as f64 * f64::EPSILON * largest).max(error);
        Self { vectors: eigen.eigenvectors, values, flat }
    }

    /// What they say of the point.
    pub fn curvature(&self) -> Curvature {
        let least = self.values.iter().copied().fold(f64::INFINITY, f64::min);
        let largest = self.values.iter().copied().fold(0.0, f64::max);
        match least {
            least if least < -self.flat => Curvature::Saddle(-least),
            least if least <= self.flat => Curvature::Flat([least.max(0.0), largest]),
            _ => Curvature::Mode,
        }
    }

    /// Writes `vector` with its part along each eigenvector multiplied by `factor` of the eigenvalue.
    pub fn multiply(&self, vector: &mut [f64], factor: impl Fn(f64) -> f64) {
        let mut parts = self.vectors.tr_mul(&nalgebra::DVector::from_column_slice(vector));
        parts.iter_mut().zip(&self.values).for_each(|(part, &value)| *part *= factor(value));
        vector.copy_from_slice((&self.vectors * parts).as_slice());
    }

    /// As [`Eigen::multiply`] by the inverse of the eigenvalues' sizes, which leads uphill from a saddle too; the flat ones
    /// count as if just not flat.
    pub fn newton(&self, vector: &mut [f64]) {
        let least = self.flat.max(f64::MIN_POSITIVE);
        self.multiply(vector, |value| value.abs().max(least).recip());
    }
}
