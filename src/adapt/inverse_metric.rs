use crate::error::Error;
use serde::{Deserialize, Serialize};

/// The inverse metric (the estimate of the posterior covariance that scales the momenta): its shape and what it is
/// estimated from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[repr(i32)]
pub enum MetricKind {
    /// The identity; not adapted.
    Unit = 0,
    /// A vector of `dim` variances of the draws.
    Diag = 1,
    /// The draws' `dim` × `dim` covariance matrix.
    Dense = 2,
    /// A diagonal from draws and gradients.
    FisherDiag = 3,
    /// A full matrix from draws and gradients.
    FisherDense = 4,
    /// A diagonal and a few directions from draws and gradients.
    LowRank = 5,
    /// [`MetricKind::FisherDense`] or [`MetricKind::LowRank`], by the dimension, or [`MetricKind::FisherDiag`] where that does
    /// as well.
    Auto = 6,
}

/// Largest dimension for which [`MetricKind::Auto`] is a full matrix, where it is more than a diagonal: up to here a step's products with it cost less than
/// most models' gradients, and a warm-up of a few hundred draws estimates it.
pub const DENSE_UP_TO: usize = 128;

impl MetricKind {
    /// Whether gradients are used beside draws.
    pub fn is_fisher(self) -> bool {
        !matches!(self, Self::Unit | Self::Diag | Self::Dense)
    }

    /// The kind for `dim` coordinates: the most that [`MetricKind::Auto`] comes to, the same for others.
    pub fn chosen(self, dim: usize) -> Self {
        match self {
            Self::Auto if dim <= DENSE_UP_TO => Self::FisherDense,
            Self::Auto => Self::LowRank,
            other => other,
        }
    }

    /// The kind that says the shape alone: unit, diag, dense or low rank; that in which metrics of this kind are told and given.
    pub fn shape(self, dim: usize) -> Self {
        match self.chosen(dim) {
            Self::FisherDiag => Self::Diag,
            Self::FisherDense => Self::Dense,
            other => other,
        }
    }
}

/// An estimate of the inverse metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum InverseMetric {
    /// `dim` variances.
    Diag(Vec<f64>),
    /// `dim`² covariances, row-major.
    Dense(Vec<f64>),
    /// A diagonal and a few directions.
    LowRank(LowRank),
}

impl InverseMetric {
    /// `variances`, without covariances, in the shape of `kind`.
    pub fn of_variances(variances: Vec<f64>, kind: MetricKind) -> Self {
        let dim = variances.len();
        match kind.shape(dim) {
            MetricKind::Dense => {
                let mut full = vec![0.0; dim * dim];
                full.iter_mut().step_by(dim + 1).zip(variances).for_each(|(to, v)| *to = v);
                Self::Dense(full)
            }
            MetricKind::LowRank => Self::LowRank(LowRank { variances, ..LowRank::default() }),
            _ => Self::Diag(variances),
        }
    }

    /// The kind that is estimated in this shape.
    pub(super) fn kind(&self) -> MetricKind {
        match self {
            Self::Diag(_) => MetricKind::FisherDiag,
            Self::Dense(_) => MetricKind::FisherDense,
            Self::LowRank(_) => MetricKind::LowRank,
        }
    }

    /// As [`crate::hmc::Metric::inverse`] has them.
    pub fn into_numbers(self) -> Vec<f64> {
        match self {
            Self::Diag(numbers) | Self::Dense(numbers) => numbers,
            Self::LowRank(low_rank) => low_rank.to_numbers(),
        }
    }

    /// The variances of `dim` coordinates: the diagonal, or S² of a [`LowRank`].
    pub(super) fn variances(&self, dim: usize) -> Vec<f64> {
        match self {
            Self::Diag(variances) => variances.clone(),
            Self::Dense(covariance) => (0..dim).map(|i| covariance[i * dim + i]).collect(),
            Self::LowRank(low_rank) => low_rank.variances.clone(),
        }
    }
}

/// The inverse metric S (I + U (Λ - I) Uᵀ) S with S² a diagonal of variances, U orthonormal directions in the coordinates
/// scaled by S, and Λ their variances there.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LowRank {
    /// S², `dim` numbers.
    pub variances: Vec<f64>,
    /// The diagonal of Λ, one per direction.
    pub values: Vec<f64>,
    /// One row of `dim` numbers per direction.
    pub vectors: Vec<f64>,
}

impl LowRank {
    /// The number of directions k, then variances, values and vectors: (k + 1)(dim + 1) numbers.
    pub fn to_numbers(&self) -> Vec<f64> {
        [&[self.values.len() as f64], &self.variances[..], &self.values, &self.vectors].concat()
    }

    /// Element (i, j) of the matrix that it is.
    fn element(&self, i: usize, j: usize) -> f64 {
        let dim = self.variances.len();
        let rows = self.vectors.chunks(dim.max(1)).zip(&self.values);
        let sum: f64 = rows.map(|(row, value)| (value - 1.0) * row[i] * row[j]).sum();
        (f64::from(u8::from(i == j)) + sum) * (self.variances[i] * self.variances[j]).sqrt()
    }

    /// The variances of the coordinates: the diagonal of the matrix that it is.
    pub fn diagonal(&self) -> Vec<f64> {
        (0..self.variances.len()).map(|i| self.element(i, i)).collect()
    }

    /// The matrix that it is, row by row.
    pub fn matrix(&self) -> Vec<f64> {
        let dim = self.variances.len();
        (0..dim * dim).map(|k| self.element(k / dim, k % dim)).collect()
    }

    /// As [`LowRank::from_numbers`] of `dim` coordinates, with zeros behind the numbers or without: a host may give every chain
    /// equally many.
    ///
    /// # Errors
    /// As [`LowRank::from_numbers`].
    pub fn from_padded(dim: usize, numbers: &[f64]) -> Result<Self, Error> {
        let count = numbers.first().map_or(0.0, |k| *k) as usize;
        let needed = dim.saturating_add(1).saturating_mul(count.saturating_add(1));
        Self::from_numbers(match numbers.split_at_checked(needed) {
            Some((whole, rest)) if rest.iter().all(|x| *x == 0.0) => whole,
            _ => numbers,
        })
    }

    /// Reads [`LowRank::to_numbers`].
    ///
    /// # Errors
    /// The first number is not how many directions the others hold.
    pub fn from_numbers(numbers: &[f64]) -> Result<Self, Error> {
        let count = numbers.first().map_or(0.0, |k| *k) as usize;
        let rest = numbers.get(1..).filter(|_| numbers[0] == count as f64).unwrap_or(&[]);
        let dim = (numbers.len() / count.saturating_add(1)).saturating_sub(1);
        if rest.is_empty() || dim == 0 || (dim + 1) * (count + 1) != numbers.len() {
            let expected = "a number k of directions, dim variances, k values and k times dim numbers";
            return Err(Error::argument("inv_metrics", expected, format!("{} numbers", numbers.len())));
        }
        let (variances, rest) = rest.split_at(dim);
        let (values, vectors) = rest.split_at(count);
        Ok(Self { variances: variances.to_vec(), values: values.to_vec(), vectors: vectors.to_vec() })
    }
}
