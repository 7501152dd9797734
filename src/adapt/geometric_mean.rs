//! The metric that makes draws and gradients of a normal alike: what full and low-rank estimates are made of.

use nalgebra::{Cholesky, DMatrix, SymmetricEigen};

/// The pull towards the diagonal estimate is this times the square of the coordinates per draw: it matters where there are
/// about as many draws as coordinates, and is gone when there are several times as many.
const PULL: f64 = 0.05;
/// Coordinates per draw from which on the pull grows no more: with fewer draws than coordinates the estimate is the identity
/// in what they don't span.
const PULL_UP_TO: f64 = 0.3;

/// The share of the diagonal estimate among `draws` draws of `dim` coordinates.
pub(super) fn shrinkage(draws: usize, dim: usize) -> f64 {
    PULL * (dim as f64 / draws as f64).min(PULL_UP_TO).powi(2)
}

/// The geometric mean of A and B⁻¹, both pulled towards `spread` by the share `pull`. With B = L Lᵀ it is L⁻ᵀ (Lᵀ A L)^½ L⁻¹.
pub(super) fn geometric_mean(
    a: DMatrix<f64>,
    b: DMatrix<f64>,
    spread: &DMatrix<f64>,
    pull: f64,
) -> Option<DMatrix<f64>> {
    let pulled = |m: DMatrix<f64>| m * (1.0 - pull) + spread * pull;
    let lower = Cholesky::new(pulled(b))?.unpack();
    let inner = lower.tr_mul(&(pulled(a) * &lower));
    let eigen = SymmetricEigen::new((&inner + inner.transpose()) * 0.5);
    if eigen.eigenvalues.iter().any(|v| v.is_nan() || *v <= 0.0) {
        return None;
    }
    // L⁻ᵀ V D^¼, whose square is the mean.
    let mut half = eigen.eigenvectors;
    half.column_iter_mut().zip(eigen.eigenvalues.iter()).for_each(|(mut c, v)| c *= v.sqrt().sqrt());
    if !lower.tr_solve_lower_triangular_mut(&mut half) {
        return None;
    }
    let mean = &half * half.transpose();
    mean.iter().all(|v| v.is_finite()).then_some(mean)
}
