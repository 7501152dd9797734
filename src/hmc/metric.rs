//! Euclidean metrics: the inverse metric estimates the posterior covariance and scales the momenta.

use super::kernels::{Axpy, Dot, InvMetric};
use super::low_rank::LowRankShape;
use super::rows::Rows;
use crate::adapt::{InverseMetric, LowRank, MOST_DIRECTIONS, MetricKind};
use crate::error::Error;
use nalgebra::{Cholesky, DMatrix};
use pulp::Arch;
use serde::{Deserialize, Serialize};

/// Largest |a_ij - a_ji| of a dense inverse metric, relative to sqrt(a_ii a_jj), that still counts as symmetric.
const SYMMETRY_TOLERANCE: f64 = 1e-8;

/// An inverse metric M⁻¹ together with what sampling momenta needs.
///
/// The dense metric is worked in the coordinates x with q = L x and M⁻¹ = L Lᵀ, in which it is the identity: momenta,
/// energies and U-turns are the same there (p_x = Lᵀ p_q), and one evaluation costs two triangular products, the price
/// of one product with M⁻¹.
#[derive(Clone, Serialize, Deserialize)]
pub struct Metric(pub(super) Shape);

/// The coordinates that trajectories are computed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coordinates {
    /// The model's own.
    Model,
    /// As many others, in which the metric is the identity.
    Whitened,
    /// The model's and so many beside, in which the metric is diagonal.
    Extended(usize),
}

impl Coordinates {
    /// How many there are beside `dim` of the model.
    pub fn count(self, dim: usize) -> usize {
        match self {
            Self::Model | Self::Whitened => dim,
            Self::Extended(more) => dim + more,
        }
    }
}

#[derive(Clone, Serialize, Deserialize)]
pub(super) enum Shape {
    Unit,
    Diag {
        variances: Rows,
        /// 1 / sqrt(variance), the standard deviation of each momentum.
        scale: Rows,
    },
    Dense {
        /// M⁻¹, row-major, as given.
        covariance: Vec<f64>,
        /// L, one row per row, zeros above the diagonal.
        factor: Rows,
    },
    LowRank(LowRankShape),
}

impl Metric {
    /// The identity.
    pub fn unit() -> Self {
        Self(Shape::Unit)
    }

    /// A diagonal inverse metric from `variances`, each finite and above 0.
    pub fn diag(variances: &[f64]) -> Result<Self, Error> {
        if let Some((i, v)) = variances.iter().enumerate().find(|(_, v)| !(v.is_finite() && **v > 0.0)) {
            return Err(Error::argument(format!("inv_metric[{i}]"), "a finite number above 0", v));
        }
        let (mut rows, mut scale) = (Rows::new(1, variances.len()), Rows::new(1, variances.len()));
        rows.values_mut(0).copy_from_slice(variances);
        for (s, v) in scale.values_mut(0).iter_mut().zip(variances) {
            *s = 1.0 / v.sqrt();
        }
        Ok(Self(Shape::Diag { variances: rows, scale }))
    }

    /// A dense inverse metric from `dim`² numbers, symmetric and positive definite.
    pub fn dense(dim: usize, covariance: &[f64]) -> Result<Self, Error> {
        if covariance.len() != dim * dim {
            return Err(Error::argument("inv_metric", format!("{dim} x {dim} numbers"), covariance.len()));
        }
        for i in 0..dim {
            for j in 0..=i {
                let (a, b) = (covariance[i * dim + j], covariance[j * dim + i]);
                let size = (covariance[i * dim + i] * covariance[j * dim + j]).sqrt();
                if !(a.is_finite() && b.is_finite()) {
                    return Err(Error::argument(format!("inv_metric[{i}][{j}]"), "a finite number", a + b));
                }
                if (a - b).abs() > SYMMETRY_TOLERANCE * size {
                    return Err(Error::argument(format!("inv_metric[{i}][{j}]"), format!("its mirror image {b}"), a));
                }
            }
        }
        let cholesky = Cholesky::new(DMatrix::from_row_slice(dim, dim, covariance));
        let lower = cholesky.map(|c| c.unpack()).filter(|l| l.diagonal().iter().all(|d| d.is_finite() && *d > 0.0));
        let Some(lower) = lower else {
            return Err(Error::argument("inv_metric", "a positive definite matrix", "one that is not"));
        };
        let mut factor = Rows::new(dim, dim);
        for i in 0..dim {
            for j in 0..=i {
                factor.values_mut(i)[j] = lower[(i, j)];
            }
        }
        Ok(Self(Shape::Dense { covariance: covariance.to_vec(), factor }))
    }

    /// The metric that warm-up has estimated.
    pub(super) fn estimated(dim: usize, inverse: &InverseMetric) -> Result<Self, Error> {
        match inverse {
            InverseMetric::Diag(variances) => Self::diag(variances),
            InverseMetric::Dense(covariance) => Self::dense(dim, covariance),
            InverseMetric::LowRank(low_rank) => Self::low_rank(dim, low_rank),
        }
    }

    /// A diagonal with a few directions.
    pub fn low_rank(dim: usize, given: &LowRank) -> Result<Self, Error> {
        LowRankShape::new(dim, given).map(|shape| Self(Shape::LowRank(shape)))
    }

    /// The metric as a chain of `kind` works with it: under [`MetricKind::Auto`] a matrix with nothing off its diagonal, or
    /// without directions, is a diagonal, which costs less. Others stay as they are.
    pub fn of_kind(self, kind: MetricKind) -> Self {
        let variances = match &self.0 {
            _ if kind != MetricKind::Auto => None,
            Shape::Dense { covariance, factor } => {
                let beside = |k: &usize| !k.is_multiple_of(factor.dim() + 1);
                let is_diagonal = (0..covariance.len()).filter(beside).all(|k| covariance[k] == 0.0);
                is_diagonal.then(|| covariance.iter().step_by(factor.dim() + 1).copied().collect())
            }
            Shape::LowRank(shape) => shape.variances_alone(),
            _ => None,
        };
        variances.and_then(|variances: Vec<f64>| Self::diag(&variances).ok()).unwrap_or(self)
    }

    /// How the sampler's coordinates lie beside the model's.
    pub(super) fn coordinates(&self) -> Coordinates {
        match self.0 {
            Shape::Dense { .. } => Coordinates::Whitened,
            Shape::LowRank(_) => Coordinates::Extended(MOST_DIRECTIONS),
            _ => Coordinates::Model,
        }
    }

    /// Turns standard normals into a momentum in the sampler's coordinates, where that is more than a scaling; false
    /// otherwise.
    pub(super) fn momentum(&self, normals: &[f64], momentum: &mut [f64]) -> bool {
        match &self.0 {
            Shape::LowRank(shape) => {
                shape.momentum(normals, momentum);
                true
            }
            _ => false,
        }
    }

    /// The identity in the shape that `kind` has for `dim` coordinates.
    pub fn identity(kind: MetricKind, dim: usize) -> Result<Self, Error> {
        Self::of_variances(kind, &vec![1.0; dim])
    }

    /// Variances, without covariances, in the shape that `kind` has for so many coordinates.
    ///
    /// # Errors
    /// A variance that is not finite and above 0.
    pub fn of_variances(kind: MetricKind, variances: &[f64]) -> Result<Self, Error> {
        let dim = variances.len();
        match kind.shape(dim) {
            MetricKind::Unit => Ok(Self::unit()),
            MetricKind::Dense => {
                // Whose check names the element.
                Self::diag(variances)?;
                let mut covariance = vec![0.0; dim * dim];
                covariance.iter_mut().step_by(dim + 1).zip(variances).for_each(|(to, v)| *to = *v);
                Self::dense(dim, &covariance)
            }
            MetricKind::LowRank => {
                Self::low_rank(dim, &LowRank { variances: variances.to_vec(), ..LowRank::default() })
            }
            _ => Self::diag(variances),
        }
    }

    /// The dense identity.
    pub fn dense_identity(dim: usize) -> Result<Self, Error> {
        Self::identity(MetricKind::Dense, dim)
    }

    /// The shape.
    pub fn kind(&self) -> MetricKind {
        match self.0 {
            Shape::Unit => MetricKind::Unit,
            Shape::Diag { .. } => MetricKind::Diag,
            Shape::Dense { .. } => MetricKind::Dense,
            Shape::LowRank(_) => MetricKind::LowRank,
        }
    }

    /// The inverse metric: empty (unit), `dim` variances, or `dim`² elements row by row.
    pub fn inverse(&self) -> Vec<f64> {
        match &self.0 {
            Shape::Unit => Vec::new(),
            Shape::Diag { variances, .. } => variances.values(0).to_vec(),
            Shape::Dense { covariance, .. } => covariance.clone(),
            Shape::LowRank(shape) => shape.inverse(),
        }
    }

    /// A checksum of shape and elements.
    pub(super) fn fingerprint(&self) -> u32 {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&(self.kind() as i32).to_le_bytes());
        for element in self.inverse() {
            hasher.update(&element.to_le_bytes());
        }
        hasher.finalize()
    }

    /// What the passes multiply momenta with, in sampling coordinates.
    #[inline]
    pub(super) fn inverse_row(&self) -> InvMetric<'_> {
        match &self.0 {
            Shape::Diag { variances, .. } => Some(variances.row(0)),
            Shape::LowRank(shape) => Some(shape.inverse_row()),
            _ => None,
        }
    }

    /// Standard deviations of the momenta in sampling coordinates.
    pub(super) fn momentum_scale(&self) -> Option<&[f64]> {
        match &self.0 {
            Shape::Diag { scale, .. } => Some(scale.row(0)),
            _ => None,
        }
    }

    /// q = L x; rows with padding. Dense only, nothing otherwise.
    pub(super) fn to_model(&self, arch: Arch, x: &[f64], q: &mut [f64]) {
        if let Shape::Dense { factor, .. } = &self.0 {
            for (i, q) in q[..factor.dim()].iter_mut().enumerate() {
                let lanes = lanes_up_to(i);
                *q = arch.dispatch(Dot(&factor.row(i)[..lanes], &x[..lanes]));
            }
        }
        if let Shape::LowRank(shape) = &self.0 {
            shape.to_model(arch, x, q);
        }
    }

    /// g_x = Lᵀ g; rows with padding. Dense only, nothing otherwise.
    pub(super) fn pull_gradient(&self, arch: Arch, g: &[f64], g_x: &mut [f64]) {
        if let Shape::Dense { factor, .. } = &self.0 {
            g_x.fill(0.0);
            for (i, &g) in g[..factor.dim()].iter().enumerate() {
                let lanes = lanes_up_to(i);
                arch.dispatch(Axpy(g, &factor.row(i)[..lanes], &mut g_x[..lanes]));
            }
        }
        if let Shape::LowRank(shape) = &self.0 {
            shape.pull_gradient(arch, g, g_x);
        }
    }

    /// x = L⁻¹ q by forward substitution; rows with padding. Dense only, nothing otherwise.
    pub(super) fn to_sampler(&self, q: &[f64], x: &mut [f64]) {
        if let Shape::Dense { factor, .. } = &self.0 {
            for i in 0..factor.dim() {
                let row = factor.values(i);
                let known: f64 = row[..i].iter().zip(&x[..i]).map(|(l, x)| l * x).sum();
                x[i] = (q[i] - known) / row[i];
            }
        }
        if let Shape::LowRank(shape) = &self.0 {
            shape.to_sampler(q, x);
        }
    }

    /// The momentum in the model's coordinates, p_q = L⁻ᵀ p_x by back substitution, in place. Dense only.
    pub(super) fn momentum_to_model(&self, p: &mut [f64]) {
        if let Shape::Dense { factor, .. } = &self.0 {
            for i in (0..factor.dim()).rev() {
                let row = factor.values(i);
                p[i] /= row[i];
                let pi = p[i];
                for (p, l) in p[..i].iter_mut().zip(&row[..i]) {
                    *p -= l * pi;
                }
            }
        }
    }

    /// Bytes held.
    pub(super) fn bytes(&self) -> usize {
        match &self.0 {
            Shape::Unit => 0,
            Shape::Diag { variances, scale } => variances.bytes() + scale.bytes(),
            Shape::Dense { covariance, factor } => size_of_val(&covariance[..]) + factor.bytes(),
            Shape::LowRank(shape) => shape.bytes(),
        }
    }
}

/// Numbers in the whole lanes that hold elements 0 to `i`.
fn lanes_up_to(i: usize) -> usize {
    (i / super::rows::LANES + 1) * super::rows::LANES
}

#[cfg(test)]
mod tests;
