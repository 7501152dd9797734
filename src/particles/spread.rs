//! Mean and spread of weighted particles, by which moves are scaled.

use super::plan::Plan;
use super::scale::Scale;
use crate::adapt::MetricKind;

/// Variances are not taken for smaller than this share of 1 + mean²: all particles may share a coordinate.
const LEAST: f64 = 1e-20;

/// The weighted mean, and the scale of `plan`'s shape. Correlations are shrunk as by `dim` particles more that have
/// none, so that a covariance is one however few particles carry weight; `ess` is how many they amount to.
pub fn fitted<'a>(
    plan: &Plan,
    particles: impl Iterator<Item = &'a [f64]> + Clone,
    weights: &[f64],
    ess: f64,
) -> (Vec<f64>, Scale) {
    let dim = plan.dim;
    // A particle without weight may be nowhere.
    let weighted = particles.zip(weights).filter(|(_, w)| **w > 0.0);
    let mut mean = vec![0.0; dim];
    for (x, w) in weighted.clone() {
        mean.iter_mut().zip(x).for_each(|(mean, x)| *mean += w * x);
    }
    if plan.kernel.has_gradient() && plan.metric == MetricKind::Unit {
        return (mean, Scale::identity(dim));
    }
    let mut variances = vec![0.0; dim];
    let mut covariance = vec![0.0; if plan.is_dense() { dim * dim } else { 0 }];
    let mut apart = vec![0.0; dim];
    for (x, w) in weighted {
        for ((apart, x), mean) in apart.iter_mut().zip(x).zip(&mean) {
            *apart = x - mean;
        }
        variances.iter_mut().zip(&apart).for_each(|(v, a)| *v += w * (a * a));
        for (i, row) in covariance.chunks_exact_mut(dim).enumerate() {
            let scaled = w * apart[i];
            row[..i].iter_mut().zip(&apart).for_each(|(c, a)| *c += scaled * a);
        }
    }
    for (v, mean) in variances.iter_mut().zip(&mean) {
        let least = LEAST * (1.0 + mean * mean);
        *v = if v.is_finite() && *v > least { *v } else { least };
    }
    let sds: Vec<f64> = variances.iter().map(|v| v.sqrt()).collect();
    if !plan.is_dense() {
        return (mean, Scale::Diag(sds));
    }
    let kept = ess / (ess + dim as f64);
    for i in 0..dim {
        covariance[i * dim..][..i].iter_mut().for_each(|c| *c *= kept);
        covariance[i * dim + i] = variances[i];
    }
    let scale = Scale::of_covariance(dim, &covariance).unwrap_or_else(|| Scale::dense_of(&sds));
    (mean, scale)
}
