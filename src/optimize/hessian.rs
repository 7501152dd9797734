//! The Hessian of a log density: asked for as one block of gradients, and what it says of a point.

use super::vectors::{add, dot};
use crate::model::Block;
use nalgebra::{DMatrix, SymmetricEigen};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Points along each coordinate and their weights, of the difference of fourth order (Abramowitz and Stegun 1964, table
/// 25.2).
const STENCIL: [(f64, f64); 4] = [(-2.0, 1.0 / 12.0), (-1.0, -2.0 / 3.0), (1.0, 2.0 / 3.0), (2.0, -1.0 / 12.0)];
/// Distance of two points, for a coordinate of size 1: the fifth root of rounding, where both errors are least.
const STEP: f64 = 1e-3;
/// Least, best and largest step in standard deviations of the coordinate with the others held.
const NEAREST: f64 = 1e-4;
const BEST: f64 = 5e-3;
const FURTHEST: f64 = 5e-2;
/// What remains of a step whose points have no log density.
const RETREAT: f64 = 1e-2;
/// Times that points are set out anew.
const MOST_ROUNDS: u32 = 4;

/// Differences of gradients around a point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Differences {
    block: Block,
    steps: Vec<f64>,
    /// How much further than usual each coordinate is moved.
    scales: Vec<f64>,
    rounds: u32,
}

impl Differences {
    /// Memory for `dim` coordinates.
    pub fn new(dim: usize, jacobian: bool) -> Self {
        let block = Block::new(STENCIL.len() * dim, dim, true, jacobian);
        Self { block, steps: vec![0.0; dim], scales: vec![1.0; dim], rounds: 0 }
    }

    /// Sets out the points around `position`, each coordinate moved by itself.
    pub fn ask(&mut self, position: &[f64]) {
        let dim = position.len();
        for ((step, scale), x) in self.steps.iter_mut().zip(&self.scales).zip(position) {
            // As far as numbers of this size can tell.
            *step = (x + STEP * x.abs().max(1.0) * scale) - x;
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

    /// Whether the points should be set out anew, nearer or further, for what `read` says: a few times at most.
    pub fn refine(&mut self, read: Result<&[f64], usize>) -> bool {
        let dim = self.steps.len();
        self.rounds += 1;
        if self.rounds > MOST_ROUNDS {
            return false;
        }
        match read {
            Err(coordinate) => {
                self.scales[coordinate] *= RETREAT;
                true
            }
            Ok(hessian) => {
                let mut again = false;
                for (i, (scale, step)) in self.scales.iter_mut().zip(&self.steps).enumerate() {
                    let sd = (-hessian[i * dim + i]).sqrt().recip();
                    if sd.is_finite() && !(NEAREST * sd..=FURTHEST * sd).contains(&step.abs()) {
                        *scale *= BEST * sd / step.abs();
                        again = true;
                    }
                }
                again
            }
        }
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
                add(row, weight / self.steps[i], gradient);
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

/// Whether a Hessian that a model gave has numbers only.
///
/// # Errors
/// The first coordinate whose row has another.
pub fn check_finite(dim: usize, hessian: &[f64]) -> Result<(), usize> {
    hessian.iter().position(|x| !x.is_finite()).map_or(Ok(()), |at| Err(at / dim))
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

impl fmt::Display for Curvature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mode => write!(f, "the Hessian is that of a mode"),
            Self::Saddle(rise) => {
                write!(f, "the Hessian is not negative definite, its largest eigenvalue is {rise}: a saddle")
            }
            Self::Flat([least, largest]) => {
                write!(f, "the Hessian is singular, the sizes of its eigenvalues reach from {least} to {largest}")
            }
        }
    }
}

/// The eigenvectors and eigenvalues of the negative Hessian.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Eigen {
    /// Eigenvector of each eigenvalue: one row of `dim` numbers.
    vectors: Vec<f64>,
    /// Curvatures of the negative log density.
    values: Vec<f64>,
    /// Up to this size an eigenvalue cannot be told from 0.
    flat: f64,
}

impl Eigen {
    /// Of the Hessian of a log density, all finite.
    pub fn new(dim: usize, hessian: &[f64]) -> Self {
        let eigen = SymmetricEigen::new(-DMatrix::from_row_slice(dim, dim, hessian));
        let values = eigen.eigenvalues.as_slice().to_vec();
        let largest = values.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
        let flat = dim as f64 * f64::EPSILON * largest;
        // Column after column, which are the vectors.
        Self { vectors: eigen.eigenvectors.as_slice().to_vec(), values, flat }
    }

    /// The eigenvalues.
    pub fn values(&self) -> &[f64] {
        &self.values
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

    /// Adds the eigenvectors, each as often as `factor` of it and its eigenvalue says, to `out`.
    pub fn combine(&self, factor: impl Fn(&[f64], f64) -> f64, out: &mut [f64]) {
        for (vector, value) in self.vectors.chunks_exact(self.values.len()).zip(&self.values) {
            add(out, factor(vector, *value), vector);
        }
    }

    /// Adds the squares of the eigenvectors' elements, each as often as `factor` of its eigenvalue says, to `out`.
    pub fn add_squares(&self, factor: impl Fn(f64) -> f64, out: &mut [f64]) {
        for (vector, value) in self.vectors.chunks_exact(self.values.len()).zip(&self.values) {
            let factor = factor(*value);
            out.iter_mut().zip(vector).for_each(|(out, x)| *out += factor * x * x);
        }
    }

    /// `vector` in its place, each part along an eigenvector divided by the eigenvalue's size, which leads uphill from a saddle
    /// too; flat ones count as if just not flat.
    pub fn newton(&self, vector: &mut [f64]) {
        let least = self.flat.max(f64::MIN_POSITIVE);
        let along = vector.to_vec();
        vector.fill(0.0);
        self.combine(|of, value| dot(of, &along) / value.abs().max(least), vector);
    }
}
