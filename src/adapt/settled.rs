//! Whether a warm-up may end: what the halves of its draws, and its chains, say agrees.

use super::fisher;
use super::{InverseMetric, MetricKind, Sample};
use nalgebra::{Cholesky, DMatrix};

/// Two metrics agree where, over the coordinates in which both are diagonal, the mean of (v + 1/v) / 2 - 1 is at most this, v
/// the ratio of the variances: by a factor of 1.55, if it is the same in all.
const AGREES: f64 = 0.1;
/// The log of the step size settled where it moved by no more between two estimates.
const STEP_AGREES: f64 = 0.25;
/// Parts mix where no coordinate's R-hat is above this (Gelman and Rubin 1992, of the parts' means and variances).
const MIXES: f64 = 1.1;
/// Fewest draws of a part: fewer say nothing of either.
const FEWEST: usize = 8;

/// Whether the log step size of the window before and the present one's are near.
pub(super) fn step_is_settled(before: Option<f64>, now: f64) -> bool {
    before.is_some_and(|before| (now - before).abs() <= STEP_AGREES)
}

/// Whether the halves of each chain's draws agree, within chains and over them: on where the chain is, and on the metric of
/// `kind`. Of each chain one row of positions and gradients per draw; `present` are the variances of its metric now.
pub(super) fn agree(kind: MetricKind, present: &[f64], chains: &[(&[f64], &[f64])]) -> bool {
    let dim = present.len();
    let halves: Vec<[(&[f64], &[f64]); 2]> = chains.iter().map(|&(x, g)| halves(x, g, dim)).collect();
    let parts: Vec<&[f64]> = halves.iter().flat_map(|both| both.map(|(positions, _)| positions)).collect();
    if parts.iter().any(|part| part.len() < FEWEST * dim) || !(0..dim).all(|i| mixes(&parts, i, dim)) {
        return false;
    }
    let pooled = |which: usize, kind: MetricKind| {
        let rows = halves.iter().map(|both| both[which].0.len() / dim).sum();
        let mut sample = Sample::new(dim, rows);
        let stride = rows.div_ceil(sample.room().max(1)).max(1);
        halves.iter().for_each(|both| sample.append(both[which].0, both[which].1, stride));
        fisher::estimate(&sample, kind, present)
    };
    let (Some(first), Some(second)) = (pooled(0, kind), pooled(1, kind)) else { return false };
    if distance(dim, &first, &second) > AGREES {
        return false;
    }
    // What single chains have is enough for a diagonal alone, which of coordinates that depend on each other is another
    // than that of a matrix.
    let Some(all) = pooled(1, MetricKind::FisherDiag).map(|metric| metric.variances(dim)) else { return false };
    chains.len() < 2
        || chains.iter().all(|(positions, gradients)| {
            let mut sample = Sample::new(dim, positions.len() / dim);
            sample.append(positions, gradients, 1);
            let own = fisher::estimate(&sample, MetricKind::FisherDiag, present);
            own.is_some_and(|own| of_variances(&own.variances(dim), &all) <= AGREES)
        })
}

/// The older half and the newer one; where their number is odd, the oldest draw is left out.
fn halves<'a>(positions: &'a [f64], gradients: &'a [f64], dim: usize) -> [(&'a [f64], &'a [f64]); 2] {
    let rows = positions.len() / dim.max(1);
    let (skip, half) = (rows % 2 * dim, rows / 2 * dim);
    let part = |from: usize| (&positions[from..from + half], &gradients[from..from + half]);
    [part(skip), part(skip + half)]
}

/// Whether the parts' means of coordinate `i` differ no more than its spread within them lets expect.
fn mixes(parts: &[&[f64]], i: usize, dim: usize) -> bool {
    let moments: Vec<(f64, f64)> = parts.iter().map(|part| mean_and_variance(part, i, dim)).collect();
    let (count, n) = (parts.len() as f64, (parts[0].len() / dim) as f64);
    let mean = moments.iter().map(|m| m.0).sum::<f64>() / count;
    let between = moments.iter().map(|m| (m.0 - mean).powi(2)).sum::<f64>() / (count - 1.0);
    let within = moments.iter().map(|m| m.1).sum::<f64>() / count;
    // A coordinate that stands still in all parts, wherever, has not mixed.
    within > 0.0 && (n - 1.0) / n + between / within <= MIXES * MIXES
}

fn mean_and_variance(rows: &[f64], i: usize, dim: usize) -> (f64, f64) {
    let n = (rows.len() / dim) as f64;
    let column = || rows.iter().skip(i).step_by(dim);
    let mean = column().sum::<f64>() / n;
    (mean, column().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0))
}

/// How far two metrics of one shape are apart: see [`AGREES`]. Of low-rank ones the diagonals count.
fn distance(dim: usize, a: &InverseMetric, b: &InverseMetric) -> f64 {
    match (a, b) {
        (InverseMetric::Dense(a), InverseMetric::Dense(b)) => {
            let matrix = |numbers: &[f64]| DMatrix::from_row_slice(dim, dim, numbers);
            let traces = |of: &[f64], by: &[f64]| {
                Cholesky::new(matrix(by)).map_or(f64::INFINITY, |factor| factor.solve(&matrix(of)).trace())
            };
            (traces(a, b) + traces(b, a)) / (2.0 * dim as f64) - 1.0
        }
        (InverseMetric::LowRank(a), InverseMetric::LowRank(b)) => of_variances(&a.diagonal(), &b.diagonal()),
        _ => of_variances(&a.variances(dim), &b.variances(dim)),
    }
}

fn of_variances(a: &[f64], b: &[f64]) -> f64 {
    let sum: f64 = a.iter().zip(b).map(|(a, b)| 0.5 * (a / b + b / a) - 1.0).sum();
    sum / a.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Stream};

    /// Draws of a normal of these standard deviations about `centre`, with its gradients.
    fn normal(id: u64, centre: f64, sds: &[f64], rows: usize) -> (Vec<f64>, Vec<f64>) {
        let mut random = Stream::new(4, id, Purpose::Model);
        let z: Vec<f64> = (0..rows * sds.len()).map(|_| random.normal()).collect();
        let scaled = |f: fn(f64, f64) -> f64| z.iter().enumerate().map(move |(k, z)| f(*z, sds[k % sds.len()]));
        (scaled(|z, sd| z * sd).map(|x| x + centre).collect(), scaled(|z, sd| -z / sd).collect())
    }

    fn agreed(kind: MetricKind, chains: &[(Vec<f64>, Vec<f64>)], dim: usize) -> bool {
        let lent: Vec<(&[f64], &[f64])> = chains.iter().map(|(x, g)| (&x[..], &g[..])).collect();
        agree(kind, &vec![1.0; dim], &lent)
    }

    #[test]
    fn halves_and_chains_of_one_normal_agree() {
        let sds = [0.01, 1.0, 300.0];
        for kind in [MetricKind::FisherDiag, MetricKind::FisherDense, MetricKind::LowRank] {
            assert!(agreed(kind, &[normal(1, 2.0, &sds, 81)], 3), "{kind:?}");
            let four: Vec<_> = (1..=4).map(|id| normal(id, 2.0, &sds, 40)).collect();
            assert!(agreed(kind, &four, 3), "{kind:?}");
            // Too few say nothing.
            assert!(!agreed(kind, &[normal(1, 2.0, &sds, 15)], 3), "{kind:?}");
        }
    }

    #[test]
    fn what_differs_is_seen() {
        let sds = [1.0, 2.0];
        let joined = |a: (Vec<f64>, Vec<f64>), b: (Vec<f64>, Vec<f64>)| ([a.0, b.0].concat(), [a.1, b.1].concat());
        let still = (vec![1.0; 80], vec![0.5; 80]);
        let moved = joined(normal(1, 0.0, &sds, 40), normal(2, 3.0, &sds, 40));
        let narrowed = joined(normal(1, 0.0, &sds, 40), normal(2, 0.0, &[1.0, 0.3], 40));
        // Where the second coordinate alone moves on.
        let mut second = joined(normal(1, 0.0, &sds, 40), normal(2, 0.0, &sds, 40));
        second.0[80..].iter_mut().skip(1).step_by(2).for_each(|x| *x += 6.0);
        for kind in [MetricKind::FisherDiag, MetricKind::FisherDense] {
            for one in [&still, &moved, &narrowed, &second] {
                assert!(!agreed(kind, std::slice::from_ref(one), 2), "{kind:?}");
            }
            // Chains in two modes, and one that is narrower than the others.
            let apart: Vec<_> = (1..=4).map(|id| normal(id, (id / 3) as f64 * 9.0, &sds, 40)).collect();
            assert!(!agreed(kind, &apart, 2), "{kind:?}");
            let narrower: Vec<_> =
                (1..=4).map(|id| normal(id, 0.0, if id == 4 { &[0.1, 0.2] } else { &sds }, 40)).collect();
            assert!(!agreed(kind, &narrower, 2), "{kind:?}");
        }
        assert!(step_is_settled(Some(0.1), 0.3) && !step_is_settled(Some(0.1), 0.4) && !step_is_settled(None, 0.0));
    }

    #[test]
    fn distances_of_matrices_know_no_coordinates() {
        let dense = |numbers: [f64; 4]| InverseMetric::Dense(numbers.to_vec());
        assert!(distance(2, &dense([2.0, 1.0, 1.0, 2.0]), &dense([2.0, 1.0, 1.0, 2.0])).abs() < 1e-15);
        // Variances 4 and 1 along one direction: (4 + 1/4) / 2 - 1, over two coordinates.
        let far = distance(2, &dense([4.0, 0.0, 0.0, 1.0]), &dense([1.0, 0.0, 0.0, 1.0]));
        let turned = distance(2, &dense([2.5, 1.5, 1.5, 2.5]), &dense([1.0, 0.0, 0.0, 1.0]));
        assert!((far - 0.5625).abs() < 1e-12 && (turned - far).abs() < 1e-12, "{far} {turned}");
    }
}
