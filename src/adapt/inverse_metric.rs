use serde::{Deserialize, Serialize};

/// The shape of the inverse metric (the estimate of the posterior covariance that scales the momenta).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[repr(i32)]
pub enum MetricKind {
    /// The identity; not adapted.
    Unit = 0,
    /// A vector of `dim` variances.
    Diag = 1,
    /// A `dim` × `dim` covariance matrix.
    Dense = 2,
}

/// An estimate of the inverse metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum InverseMetric {
    /// `dim` variances.
    Diag(Vec<f64>),
    /// `dim`² covariances, row-major.
    Dense(Vec<f64>),
}
