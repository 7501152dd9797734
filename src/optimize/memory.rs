//! What an algorithm knows of the curvature.

use super::dense::Dense;
use super::hessian::{Curvature, Differences, Eigen, check_finite};
use super::pairs::Pairs;
use super::settings::{Algorithm, OptimizerSettings};
use serde::{Deserialize, Serialize};

/// One of the three.
#[derive(Clone, Serialize, Deserialize)]
pub enum Memory {
    Lbfgs(Pairs),
    Bfgs(Dense),
    Newton(Newton),
}

/// Newton's method: the Hessian where it was last asked for.
#[derive(Clone, Serialize, Deserialize)]
pub struct Newton {
    pub differences: Differences,
    pub hessian: Vec<f64>,
    /// What it says of the point where it was asked for; `None` before.
    pub curvature: Option<Curvature>,
}

impl Memory {
    pub fn new(settings: &OptimizerSettings) -> Self {
        let dim = settings.dim;
        match settings.algorithm {
            Algorithm::Lbfgs => Self::Lbfgs(Pairs::new(dim, settings.history)),
            Algorithm::Bfgs => Self::Bfgs(Dense::new(dim)),
            Algorithm::Newton => Self::Newton(Newton {
                // The model's own needs no points.
                differences: Differences::new(if settings.hessian { 0 } else { dim }, settings.jacobian),
                hessian: vec![0.0; dim * dim],
                curvature: None,
            }),
        }
    }

    /// Whether nothing is known: the gradient is the direction then, of unknown length.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Lbfgs(pairs) => pairs.is_empty(),
            Self::Bfgs(dense) => dense.is_empty(),
            Self::Newton(newton) => newton.curvature.is_none(),
        }
    }

    /// Forgets all, but a Hessian that was asked for.
    pub fn clear(&mut self) {
        match self {
            Self::Lbfgs(pairs) => pairs.clear(),
            Self::Bfgs(dense) => dense.clear(),
            Self::Newton(newton) => newton.curvature = None,
        }
    }

    /// Learns from a step and the change of the objective's gradient along it.
    pub fn push(&mut self, step: &[f64], change: &[f64]) {
        match self {
            Self::Lbfgs(pairs) => _ = pairs.push(step, change),
            Self::Bfgs(dense) => _ = dense.push(step, change),
            Self::Newton(_) => {}
        }
    }

    /// The inverse Hessian of the objective times `vector`, in its place.
    pub fn multiply(&mut self, vector: &mut [f64]) {
        match self {
            Self::Lbfgs(pairs) => pairs.multiply(vector),
            Self::Bfgs(dense) => dense.multiply(vector),
            Self::Newton(newton) if newton.curvature.is_some() => newton.eigen(vector.len()).newton(vector),
            Self::Newton(_) => {}
        }
    }
}

impl Newton {
    /// Takes what the block says, or, where the model `gives` it, the Hessian as it stands.
    ///
    /// # Errors
    /// The coordinate along which the model has no log density.
    pub fn learn(&mut self, dim: usize, gives: bool) -> Result<Curvature, usize> {
        match gives {
            true => check_finite(dim, &self.hessian)?,
            false => self.differences.read(&mut self.hessian)?,
        }
        let curvature = self.eigen(dim).curvature();
        self.curvature = Some(curvature);
        Ok(curvature)
    }

    fn eigen(&self, dim: usize) -> Eigen {
        Eigen::new(dim, &self.hessian)
    }
}
