//! Whether a full matrix is worth having where a diagonal would do.

use super::geometric_mean::{geometric_mean, shrinkage};
use nalgebra::{DMatrix, SymmetricEigen};
use std::ops::Range;

/// Parts of each chain's draws, every one of which is held out once.
const PARTS: usize = 5;
/// With more coordinates the newest part alone is held out, since every part costs two eigenvalue problems.
const ALL_UP_TO: usize = 64;
/// With fewer draws, too: what so few say is soon said anew by more.
const ALL_FROM: usize = 30;
/// A full matrix is worthwhile where it leaves less than this share of the divergence that a diagonal leaves,
const SHARE: f64 = 0.7;
/// and less by this at least, which is that of two standard normals of correlation 0.22.
const NOTABLE: f64 = 0.1;
/// It is as well where variances along the two directions are, in the geometric mean, beyond the diagonal's by this factor.
const FAR_OFF: f64 = 1.5;

/// Whether a full matrix describes draws that it was not made of clearly better than a diagonal does.
///
/// The measure is the Fisher divergence from a standard normal, the mean square of M^-½ x + M^½ g, along the two directions in
/// which the full matrix says that the diagonal is too narrow and too wide most: they are what a diagonal pays for. Over all
/// directions the noise of many that say nothing hides one that does. Where both are far off in the draws held out, a diagonal pays
/// for them whatever the noise of the full matrix adds: a diagonal in its place takes many times the gradients, and the full matrix in
/// place of a diagonal a few more.
///
/// One column of `positions` and `gradients` per draw, about the means of their chain, whose columns are the ranges of `groups`,
/// and in coordinates that the diagonal scales.
pub(super) fn full_is_worthwhile(
    positions: &DMatrix<f64>,
    gradients: &DMatrix<f64>,
    groups: impl Iterator<Item = Range<usize>> + Clone,
) -> bool {
    let (squares, forces) = (positions * positions.transpose(), gradients * gradients.transpose());
    let dim = positions.nrows();
    let (mut by_diagonal, mut by_full, mut seen) = (0.0, 0.0, 0);
    // Of the widest and of the narrowest direction: squares of draws, and of gradients.
    let mut held_out = [[0.0; 2]; 2];
    let first = if dim > ALL_UP_TO || positions.ncols() < ALL_FROM { PARTS - 1 } else { 0 };
    for part in first..PARTS {
        let held: Vec<usize> = groups.clone().flat_map(|group| part_of(group, part)).collect();
        let kept = positions.ncols() - held.len();
        if held.is_empty() || kept < 2 {
            continue;
        }
        let (x, g) = (positions.select_columns(&held), gradients.select_columns(&held));
        seen += held.len();
        let share = positions.ncols() as f64 / kept as f64;
        let without = |all: &DMatrix<f64>, held: &DMatrix<f64>| (all - held * held.transpose()) * share;
        let (a, b) = (without(&squares, &x), without(&forces, &g));
        let spread = |a: f64, b: f64| if a * b > 0.0 { (a * b).sqrt() } else { 1.0 };
        let spread = DMatrix::from_diagonal(&a.diagonal().zip_map(&b.diagonal(), spread));
        let Some(mean) = geometric_mean(a, b, &spread, shrinkage(kept, dim)) else { return false };
        let eigen = SymmetricEigen::new(mean);
        let ends = [eigen.eigenvalues.imax(), eigen.eigenvalues.imin()];
        for (which, [of_draws, of_gradients]) in ends.into_iter().zip(&mut held_out) {
            let direction = eigen.eigenvectors.column(which);
            let (along, pull) = (x.tr_mul(&direction), g.tr_mul(&direction));
            *of_draws += along.norm_squared();
            *of_gradients += pull.norm_squared();
            let scale = eigen.eigenvalues[which].sqrt();
            by_diagonal += (&along + &pull).norm_squared();
            by_full += (along / scale + pull * scale).norm_squared();
        }
    }
    let [widest, narrowest] = held_out.map(|[of_draws, of_gradients]| (of_draws / of_gradients).sqrt());
    let share = if (widest / narrowest).sqrt() > FAR_OFF { 1.0 } else { SHARE };
    let notable = NOTABLE * seen as f64 / positions.ncols() as f64;
    by_full < share * by_diagonal && by_diagonal - by_full > notable
}

/// The columns of a chain that belong to part `part`: successive draws, which are alike.
fn part_of(group: Range<usize>, part: usize) -> Range<usize> {
    let start = |part: usize| group.start + group.len() * part / PARTS;
    start(part)..start(part + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Stream};

    /// Draws of chains, about their means and scaled as for estimates, of normals or of Student's t; the last two coordinates are
    /// normals of correlation `rho`, where it is not 0.
    fn worthwhile(seed: u64, dim: usize, chains: usize, draws: usize, rho: f64, tails: bool) -> bool {
        let mut random = Stream::new(seed, 1, Purpose::Model);
        let all = chains * draws;
        let (mut x, mut g) = (DMatrix::zeros(dim, all), DMatrix::zeros(dim, all));
        for i in 0..all {
            for k in 0..dim {
                let z = random.normal();
                if tails {
                    // Student's t with four degrees of freedom.
                    let squares: f64 = (0..4).map(|_| random.normal().powi(2)).sum();
                    x[(k, i)] = z / (squares / 4.0).sqrt();
                    g[(k, i)] = -5.0 * x[(k, i)] / (4.0 + x[(k, i)].powi(2));
                } else {
                    x[(k, i)] = z;
                    g[(k, i)] = -z;
                }
            }
            if rho != 0.0 {
                let (a, b) = (random.normal(), random.normal());
                let rest = 1.0 - rho * rho;
                let (p, q) = (a, rho * a + rest.sqrt() * b);
                (x[(dim - 2, i)], x[(dim - 1, i)]) = (p, q);
                (g[(dim - 2, i)], g[(dim - 1, i)]) = ((rho * q - p) / rest, (rho * p - q) / rest);
            }
        }
        let groups = (0..chains).map(|c| c * draws..(c + 1) * draws);
        for m in [&mut x, &mut g] {
            for group in groups.clone() {
                let mut own = m.columns_range_mut(group);
                let mean = own.column_mean();
                own.column_iter_mut().for_each(|mut column| column -= &mean);
            }
        }
        for k in 0..dim {
            let scale = (x.row(k).norm() / g.row(k).norm()).sqrt();
            x.row_mut(k).scale_mut(1.0 / scale);
            g.row_mut(k).scale_mut(scale);
        }
        let freedom = ((all - chains) as f64).sqrt();
        full_is_worthwhile(&(x / freedom), &(g / freedom), groups)
    }

    /// How many of 40 samples call for a full matrix.
    fn of_40(dim: usize, chains: usize, draws: usize, rho: f64, tails: bool) -> usize {
        (1..=40).filter(|&seed| worthwhile(seed, dim, chains, draws, rho, tails)).count()
    }

    #[test]
    fn what_depends_on_nothing_calls_for_no_matrix() {
        for (chains, draws) in [(1, 10), (1, 80), (4, 60)] {
            assert_eq!(of_40(10, chains, draws, 0.0, false), 0, "normals, {chains} of {draws}");
        }
        // Tails look like correlations in few draws.
        assert!(of_40(10, 1, 80, 0.0, true) <= 1);
        assert_eq!(of_40(10, 4, 60, 0.0, true), 0);
    }

    #[test]
    fn one_correlation_does_among_any_coordinates() {
        for (dim, chains, draws) in [(2, 1, 10), (10, 1, 20), (10, 4, 60), (60, 1, 80)] {
            assert_eq!(of_40(dim, chains, draws, 0.7, false), 40, "{dim}, {chains} of {draws}");
        }
        assert_eq!(of_40(10, 4, 60, 0.9, true), 40);
        // One of 0.2 is not notable.
        assert_eq!(of_40(10, 4, 60, 0.2, false), 0);
    }
}
