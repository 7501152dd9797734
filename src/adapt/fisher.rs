//! Metrics from draws and gradients: of all inverse metrics of a shape, the one for which position and gradient of the
//! transformed density differ least (the Fisher divergence to a standard normal; Seyboldt, Carlson and Carpenter 2026,
//! arXiv 2603.18845). For a normal target a few more draws than coordinates give its covariance exactly.
//!
//! Estimates are made in the coordinates that the diagonal estimate scales, so that rescaling a parameter changes nothing;
//! there few draws are pulled towards the diagonal estimate, and a coordinate that says nothing keeps its scale.

use super::geometric_mean::{geometric_mean, shrinkage};
use super::worth::full_is_worthwhile;
use super::{InverseMetric, LowRank, MetricKind, Sample};
use nalgebra::{DMatrix, DVector, SymmetricEigen};

/// Variances are kept within these, as a guard against overflow of what is made of them.
const VARIANCES: (f64, f64) = (1e-200, 1e200);
/// Directions whose variance, in the scaled coordinates, is outside of [1/c, c] are worth their cost.
const WORTHWHILE: f64 = 1.5;
/// The most that a low-rank estimate is pulled, which is made in the span of draws and gradients alone.
const FAINT: f64 = 1e-5;
/// A low-rank estimate with at least so many draws per coordinate is made of all that they span, as a full one is.
const ALL_AT_ONCE: f64 = 1.2;
/// Rounds, at most, in which directions and what is diagonal beside them are estimated in turn.
const REFINEMENTS: usize = 5;
/// The log of a factor of the diagonal below which nothing is left to refine.
const SETTLED: f64 = 0.02;
/// Directions in which draws and gradients differ by less than this share of the largest difference are lost in rounding.
const LOST: f64 = 1e-6;
/// Most directions of a low-rank metric.
pub const MOST_DIRECTIONS: usize = 32;

/// The first metric, from the gradient where a chain starts: variances 1/|g|, as if a start were one away from the mode; 1
/// where there is no gradient.
pub fn first(gradient: &[f64], kind: MetricKind) -> InverseMetric {
    let variances = gradient.iter().map(|g| usable(1.0 / g.abs()).unwrap_or(1.0)).collect();
    match kind {
        // Of more than a diagonal nothing is known yet.
        MetricKind::Auto => InverseMetric::Diag(variances),
        _ => InverseMetric::of_variances(variances, kind),
    }
}

fn usable(variance: f64) -> Option<f64> {
    (VARIANCES.0 < variance && variance < VARIANCES.1).then_some(variance)
}

/// The metric of `kind` from `sample`, under [`MetricKind::Auto`] a diagonal where more is not worthwhile; a coordinate that
/// it says nothing of keeps its variance in `present`. `None` where
/// there are fewer than two draws, or no metric can be made of them.
pub fn estimate(sample: &Sample, kind: MetricKind, present: &[f64]) -> Option<InverseMetric> {
    let dim = sample.dim();
    if sample.len() < 2 || sample.moves() < 2 {
        return None;
    }
    let centred = Centred::new(sample, present);
    let is_free = kind == MetricKind::Auto;
    match kind.shape(dim) {
        MetricKind::Dense
            if !is_free || full_is_worthwhile(&centred.positions, &centred.gradients, sample.groups()) =>
        {
            centred.dense().map(InverseMetric::Dense)
        }
        MetricKind::LowRank => centred.low_rank().map(|found| match found {
            LowRank { values, variances, .. } if is_free && values.is_empty() => InverseMetric::Diag(variances),
            found => InverseMetric::LowRank(found),
        }),
        _ => Some(InverseMetric::Diag(centred.variances)),
    }
}

/// Draws and gradients about their chain's means, in the coordinates scaled by the diagonal estimate.
struct Centred {
    /// Draws that differ from the one before.
    moves: usize,
    /// The diagonal estimate.
    variances: Vec<f64>,
    /// Variance of each scaled coordinate, which is that of its gradient too; 1 for those that say nothing.
    spread: Vec<f64>,
    /// One column of `dim` numbers per draw, divided by sqrt(draws - 1).
    positions: DMatrix<f64>,
    gradients: DMatrix<f64>,
}

impl Centred {
    fn new(sample: &Sample, present: &[f64]) -> Self {
        let (dim, draws) = (sample.dim(), sample.len());
        let groups = sample.groups();
        let freedom = (draws - groups.clone().count()).max(1) as f64;
        let matrix = |rows: &[f64]| {
            let mut m = DMatrix::from_column_slice(dim, draws, rows);
            for range in groups.clone() {
                let draws = range.len() as f64;
                for mut row in m.columns_range_mut(range).row_iter_mut() {
                    // About the first value: equal ones must leave exactly nothing.
                    let first = row[0];
                    let mean = first + row.iter().map(|x| x - first).sum::<f64>() / draws;
                    row.iter_mut().for_each(|x| *x -= mean);
                }
            }
            m / freedom.sqrt()
        };
        let (mut positions, mut gradients) = (matrix(sample.positions()), matrix(sample.gradients()));
        let (mut variances, mut spread) = (present.to_vec(), vec![1.0; dim]);
        for i in 0..dim {
            let (x, g) = (positions.row(i).norm(), gradients.row(i).norm());
            let estimate = usable(x / g).filter(|_| usable(x).is_some() && usable(g).is_some());
            let (scale, says) = match estimate {
                Some(variance) => {
                    variances[i] = variance;
                    spread[i] = x * g;
                    (variance.sqrt(), 1.0)
                }
                None => (1.0, 0.0),
            };
            positions.row_mut(i).iter_mut().for_each(|v| *v *= says / scale);
            gradients.row_mut(i).iter_mut().for_each(|v| *v *= says * scale);
        }
        Self { moves: sample.moves(), variances, spread, positions, gradients }
    }

    /// How much of an estimate is the diagonal one.
    fn shrinkage(&self) -> f64 {
        shrinkage(self.moves, self.variances.len())
    }

    fn dense(&self) -> Option<Vec<f64>> {
        let dim = self.variances.len();
        let spread = DMatrix::from_diagonal(&self.spread.clone().into());
        let mean = geometric_mean(square(&self.positions), square(&self.gradients), &spread, self.shrinkage())?;
        let scale: Vec<f64> = self.variances.iter().map(|v| v.sqrt()).collect();
        Some((0..dim * dim).map(|k| scale[k / dim] * mean[(k / dim, k % dim)] * scale[k % dim]).collect())
    }

    fn low_rank(mut self) -> Option<LowRank> {
        let dim = self.variances.len();
        if dim as f64 * ALL_AT_ONCE <= self.moves as f64 {
            let basis = basis(&self.positions, &self.gradients);
            let directions = if basis.ncols() == 0 { LowRank::default() } else { self.directions(&basis)? };
            return Some(LowRank { variances: self.variances, ..directions });
        }
        let mut directions = LowRank::default();
        for round in 0..REFINEMENTS {
            // From the diagonal alone the rounds take many to come near; what all span is near enough to begin with.
            let basis = match round {
                0 => basis(&self.positions, &self.gradients),
                _ => leading(&self.positions, &self.gradients, self.moves / 2),
            };
            if basis.ncols() == 0 {
                break;
            }
            directions = self.directions(&basis)?;
            if !self.rescale_beside(&directions) {
                break;
            }
        }
        Some(LowRank { variances: self.variances, ..directions })
    }

    /// The worthwhile directions in the span of `basis`, without variances.
    fn directions(&self, basis: &DMatrix<f64>) -> Option<LowRank> {
        let project = |m: &DMatrix<f64>| square(&basis.tr_mul(m));
        let mut weighted = basis.clone();
        weighted.row_iter_mut().zip(&self.spread).for_each(|(mut row, s)| row *= *s);
        let spread = basis.tr_mul(&weighted);
        let pull = self.shrinkage().min(FAINT);
        let mean = geometric_mean(project(&self.positions), project(&self.gradients), &spread, pull)?;
        let eigen = SymmetricEigen::new(mean);
        let worth = |value: f64| value.ln().abs();
        let mut order: Vec<usize> =
            (0..eigen.eigenvalues.len()).filter(|&i| worth(eigen.eigenvalues[i]) > WORTHWHILE.ln()).collect();
        order.sort_by(|&a, &b| worth(eigen.eigenvalues[b]).total_cmp(&worth(eigen.eigenvalues[a])));
        order.truncate(MOST_DIRECTIONS.min(basis.nrows()));
        let mut out = LowRank::default();
        for i in order {
            out.values.push(eigen.eigenvalues[i]);
            let direction = basis * eigen.eigenvectors.column(i);
            out.vectors.extend(direction.iter());
        }
        Some(out)
    }

    /// Scales the coordinates by the diagonal estimate from what draws and gradients have beside `directions`, which would
    /// else be part of it; false where that changes little.
    fn rescale_beside(&mut self, directions: &LowRank) -> bool {
        let dim = self.variances.len();
        let along = DMatrix::from_column_slice(dim, directions.values.len(), &directions.vectors);
        let beside = |m: &DMatrix<f64>| m - &along * along.tr_mul(m);
        let (positions, gradients) = (beside(&self.positions), beside(&self.gradients));
        let mut largest = 0.0f64;
        for i in 0..dim {
            let (x, g) = (positions.row(i).norm(), gradients.row(i).norm());
            // What lies along the directions alone leaves nothing but rounding.
            let is_left = x > LOST * self.positions.row(i).norm() && g > LOST * self.gradients.row(i).norm();
            let factor = x / g;
            let Some(variance) = usable(factor * self.variances[i]).filter(|_| is_left) else { continue };
            largest = largest.max(factor.ln().abs());
            self.variances[i] = variance;
            let scale = factor.sqrt();
            self.positions.row_mut(i).iter_mut().for_each(|v| *v /= scale);
            self.gradients.row_mut(i).iter_mut().for_each(|v| *v *= scale);
        }
        largest > SETTLED
    }
}

fn square(m: &DMatrix<f64>) -> DMatrix<f64> {
    m * m.transpose()
}

/// Orthonormal columns, at most `most`, along which draws and gradients of a standard normal, whose sum is nothing, would differ
/// most from these: the leading left singular vectors of `x` + `g`. They are what the Fisher divergence is made of, and of a
/// normal that is standard but for a few directions they are those, however few the draws.
fn leading(x: &DMatrix<f64>, g: &DMatrix<f64>, most: usize) -> DMatrix<f64> {
    let differences = x + g;
    let eigen = SymmetricEigen::new(differences.tr_mul(&differences));
    let mut order: Vec<usize> = (0..eigen.eigenvalues.len()).collect();
    order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
    let largest = order.first().map_or(0.0, |&i| eigen.eigenvalues[i]);
    order.retain(|&i| eigen.eigenvalues[i] > largest * LOST * LOST);
    order.truncate(most.clamp(1, x.nrows()));
    let columns: Vec<_> = order.iter().map(|&i| &differences * eigen.eigenvectors.column(i)).collect();
    if columns.is_empty() { DMatrix::zeros(x.nrows(), 0) } else { orthonormal(columns.iter()) }
}

/// Orthonormal columns that span those of both.
fn basis(x: &DMatrix<f64>, g: &DMatrix<f64>) -> DMatrix<f64> {
    let columns: Vec<DVector<f64>> =
        x.column_iter().zip(g.column_iter()).flat_map(|(x, g)| [x.into_owned(), g.into_owned()]).collect();
    orthonormal(columns.iter())
}

/// Orthonormal columns that span `columns`, by Gram and Schmidt.
fn orthonormal<'a>(columns: impl Iterator<Item = &'a DVector<f64>>) -> DMatrix<f64> {
    /// What is left of a unit column, less than which it adds no direction.
    const NEW: f64 = 1e-8;
    let mut rows = 0;
    let mut out: Vec<DVector<f64>> = Vec::new();
    for column in columns {
        rows = column.len();
        let norm = column.norm();
        if norm == 0.0 {
            continue;
        }
        let mut v = column / norm;
        // Twice is enough (Kahan and Parlett).
        for _ in 0..2 {
            for q in &out {
                let along = q.dot(&v);
                v.axpy(-along, q, 1.0);
            }
        }
        let left = v.norm();
        if left > NEW && out.len() < rows {
            out.push(v / left);
        }
    }
    if out.is_empty() { DMatrix::zeros(rows, 0) } else { DMatrix::from_columns(&out) }
}

#[cfg(test)]
mod tests;
