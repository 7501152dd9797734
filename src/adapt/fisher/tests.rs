use super::*;
use crate::random::{Purpose, Stream};

/// Draws of a normal with mean 3 and precision `precision` (row by row), as far as gradients tell: each position is
/// `scale` times standard normals, correlated or not; the gradient is that of the density.
fn sample(precision: &[f64], dim: usize, draws: usize) -> Sample {
    let mut random = Stream::new(5, 1, Purpose::Model);
    let mut sample = Sample::new(dim, draws);
    for i in 0..draws {
        let position: Vec<f64> = (0..dim).map(|k| 3.0 + (1.0 + k as f64) * random.normal()).collect();
        let pull = |r: usize| -(0..dim).map(|c| precision[r * dim + c] * (position[c] - 3.0)).sum::<f64>();
        let gradient: Vec<f64> = (0..dim).map(pull).collect();
        sample.add(i, 0.0, &position, &gradient);
    }
    sample
}

/// A covariance matrix with its inverse.
fn covariance(dim: usize) -> (DMatrix<f64>, Vec<f64>) {
    let c = DMatrix::from_fn(dim, dim, |i, j| {
        0.8f64.powi((i as i32 - j as i32).abs()) * (1.0 + i as f64) * (1.0 + j as f64)
    });
    let precision = c.clone().try_inverse().unwrap();
    (c, precision.transpose().as_slice().to_vec())
}

fn numbers(metric: &InverseMetric) -> Vec<f64> {
    match metric {
        InverseMetric::Diag(v) | InverseMetric::Dense(v) => v.clone(),
        InverseMetric::LowRank(l) => l.to_numbers(),
    }
}

/// The matrix that a metric is.
fn matrix(metric: &InverseMetric, dim: usize) -> DMatrix<f64> {
    match metric {
        InverseMetric::Diag(v) => DMatrix::from_diagonal(&v.clone().into()),
        InverseMetric::Dense(v) => DMatrix::from_row_slice(dim, dim, v),
        InverseMetric::LowRank(l) => {
            let mut inner = DMatrix::identity(dim, dim);
            for (value, u) in l.values.iter().zip(l.vectors.chunks(dim)) {
                let u = nalgebra::DVector::from_column_slice(u);
                inner += (value - 1.0) * &u * u.transpose();
            }
            DMatrix::from_fn(dim, dim, |i, j| (l.variances[i] * l.variances[j]).sqrt() * inner[(i, j)])
        }
    }
}

const KINDS: [MetricKind; 3] = [MetricKind::FisherDiag, MetricKind::FisherDense, MetricKind::LowRank];

#[test]
fn a_normal_gives_its_covariance() {
    // Whatever the draws are distributed like: their gradients tell.
    let dim = 5;
    let (expected, precision) = covariance(dim);
    let sample = sample(&precision, dim, 4000);
    for kind in [MetricKind::FisherDense, MetricKind::LowRank] {
        let found = matrix(&estimate(&sample, kind, &[1.0; 5]).unwrap(), dim);
        for (a, b) in found.iter().zip(expected.iter()) {
            // What is left is the pull, 8e-8 of the spread of gradients that are far too wide, and, for low rank, directions not worth their cost.
            let within = if kind == MetricKind::FisherDense { 1e-3 } else { 0.5 };
            assert!((a - b).abs() < within * 25.0, "{kind:?}: {found} {expected}");
        }
    }
    let InverseMetric::Diag(v) = estimate(&sample, MetricKind::FisherDiag, &[1.0; 5]).unwrap() else { panic!() };
    let moments = |rows: &[f64], i: usize| {
        let n = rows.len() as f64 / dim as f64;
        let column = || rows.iter().skip(i).step_by(dim);
        let mean = column().sum::<f64>() / n;
        column().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0)
    };
    for (i, v) in v.iter().enumerate() {
        let by_hand = (moments(sample.positions(), i) / moments(sample.gradients(), i)).sqrt();
        assert!((v / by_hand - 1.0).abs() < 1e-12);
    }
}

#[test]
fn another_scale_changes_nothing() {
    let dim = 4;
    let (_, precision) = covariance(dim);
    for draws in [3, 6, 200] {
        let plain = sample(&precision, dim, draws);
        // Powers of two leave every bit, others what rounding leaves.
        for (scales, within) in [([1.0, 2f64.powi(40), 2f64.powi(-30), 8.0], 0.0), ([1e12, 1e-9, 3.0, 1.0], 1e-9)] {
            let mut scaled = Sample::new(dim, draws);
            let rows = plain.positions().chunks(dim).zip(plain.gradients().chunks(dim));
            for (i, (x, g)) in rows.enumerate() {
                let x: Vec<f64> = x.iter().zip(&scales).map(|(x, s)| x * s).collect();
                let g: Vec<f64> = g.iter().zip(&scales).map(|(g, s)| g / s).collect();
                scaled.add(i, 0.0, &x, &g);
            }
            for kind in KINDS {
                let a = matrix(&estimate(&plain, kind, &[1.0; 4]).unwrap(), dim);
                let b = matrix(&estimate(&scaled, kind, &[1.0; 4]).unwrap(), dim);
                for (k, (a, b)) in a.iter().zip(b.iter()).enumerate() {
                    let (i, j) = (k % dim, k / dim);
                    let back = b / scales[i] / scales[j];
                    let size = a.abs().max(1.0);
                    assert!((a - back).abs() <= within * size, "{kind:?}, {draws} draws: {a} and {back}");
                }
            }
        }
    }
}

#[test]
fn coordinates_that_say_nothing_keep_their_variance() {
    // nutpie#12: one gradient is the same at all draws; and one coordinate is stuck.
    let mut random = Stream::new(5, 1, Purpose::Model);
    let mut sample = Sample::new(3, 50);
    for i in 0..50 {
        let x = random.normal();
        sample.add(i, 0.0, &[x, random.normal(), 7.0], &[-x / 4.0, 1.0, random.normal()]);
    }
    for kind in KINDS {
        let found = matrix(&estimate(&sample, kind, &[1.0, 0.3, 5.0]).unwrap(), 3);
        assert!((found[(0, 0)] - 4.0).abs() < 1e-9, "{kind:?}: {found}");
        assert!((found[(1, 1)] - 0.3).abs() < 1e-12 && (found[(2, 2)] - 5.0).abs() < 1e-12, "{kind:?}: {found}");
    }
}

#[test]
fn equal_draws_are_no_estimate() {
    let mut sample = Sample::new(2, 50);
    for i in 0..50 {
        sample.add(i, 0.0, &[0.3, 0.1], &[-0.3, 1e300]);
        KINDS.iter().for_each(|kind| assert_eq!(estimate(&sample, *kind, &[1.0; 2]), None));
    }
    KINDS.iter().for_each(|kind| assert_eq!(estimate(&Sample::new(2, 50), *kind, &[1.0; 2]), None));
}

#[test]
fn fewer_draws_than_coordinates_give_a_metric() {
    for (dim, draws) in [(2, 2), (30, 2), (30, 5), (200, 10), (200, 40)] {
        let (_, precision) = covariance(dim);
        let sample = sample(&precision, dim, draws);
        for kind in KINDS {
            let metric = estimate(&sample, kind, &vec![1.0; dim]).unwrap();
            assert!(numbers(&metric).iter().all(|x| x.is_finite()));
            let eigen = matrix(&metric, dim).symmetric_eigenvalues();
            assert!(eigen.iter().all(|v| *v > 0.0), "{kind:?}, {dim}, {draws}: {eigen}");
        }
    }
}

#[test]
fn a_few_wide_directions_are_found_among_many_coordinates() {
    // Five directions of variance 10⁴, each over 80 of 400 coordinates; the rest is standard.
    const WIDE: f64 = 1e4;
    let (dim, block, draws) = (400, 80, 60);
    let sign = |i: usize| if i.is_multiple_of(2) { 1.0 } else { -1.0 };
    let norm = 1.0 / (block as f64).sqrt();
    let mut random = Stream::new(6, 1, Purpose::Model);
    let mut sample = Sample::new(dim, draws);
    for i in 0..draws {
        let (mut position, mut gradient) = (vec![0.0; dim], vec![0.0; dim]);
        for (x, g) in position.chunks_mut(block).zip(gradient.chunks_mut(block)) {
            x.iter_mut().for_each(|x| *x = random.normal());
            let along: f64 = x.iter().enumerate().map(|(i, x)| sign(i) * x * norm).sum();
            for (i, (x, g)) in x.iter_mut().zip(g).enumerate() {
                let unit = sign(i) * norm;
                *g = -(*x - along * unit) - along / WIDE.sqrt() * unit;
                *x += along * (WIDE.sqrt() - 1.0) * unit;
            }
        }
        sample.add(i, 0.0, &position, &gradient);
    }
    let InverseMetric::LowRank(found) = estimate(&sample, MetricKind::LowRank, &vec![1.0; dim]).unwrap() else {
        panic!()
    };
    assert_eq!(found.values.len(), 5);
    // The variance that is left of each direction in the coordinates that the metric makes: 1 if it is right, more than 100
    // times that where directions are as far off as draws alone tell.
    for j in 0..5 {
        let scaled: Vec<f64> =
            (0..dim).map(|i| if i / block == j { sign(i) * norm / found.variances[i].sqrt() } else { 0.0 }).collect();
        let mut left = scaled.iter().map(|x| x * x).sum::<f64>();
        for (value, u) in found.values.iter().zip(found.vectors.chunks(dim)) {
            let along: f64 = u.iter().zip(&scaled).map(|(u, x)| u * x).sum();
            left += (1.0 / value - 1.0) * along * along;
        }
        assert!((0.5..2.0).contains(&(left * WIDE)), "{}", left * WIDE);
    }
    assert!(found.variances.iter().all(|v| (0.7..1.4).contains(v)), "{:?}", found.variances);
}

#[test]
fn the_first_metric_comes_from_the_gradient() {
    let gradient = [4.0, 0.0, -1e-320, f64::NAN];
    assert_eq!(first(&gradient, MetricKind::FisherDiag), InverseMetric::Diag(vec![0.25, 1.0, 1.0, 1.0]));
    assert_eq!(first(&gradient[..2], MetricKind::Auto), InverseMetric::Diag(vec![0.25, 1.0]));
    let InverseMetric::Dense(full) = first(&gradient[..2], MetricKind::FisherDense) else { panic!() };
    assert_eq!(full, [0.25, 0.0, 0.0, 1.0]);
    let InverseMetric::LowRank(low_rank) = first(&gradient[..2], MetricKind::LowRank) else { panic!() };
    assert_eq!(low_rank.to_numbers(), [0.0, 0.25, 1.0]);
}

#[test]
fn auto_is_a_full_matrix_where_that_is_more_than_a_diagonal() {
    let of = |sample: &Sample, kind| estimate(sample, kind, &vec![1.0; sample.dim()]).unwrap();
    // Draws of the normal itself, correlated or not, with few draws more than coordinates and with many.
    let drawn = |dim: usize, draws: usize, is_correlated: bool| {
        let (mut covariance, _) = covariance(dim);
        if !is_correlated {
            covariance = DMatrix::from_diagonal(&covariance.diagonal());
        }
        let precision = covariance.clone().try_inverse().unwrap();
        let factor = nalgebra::Cholesky::new(covariance).unwrap().unpack();
        let mut random = Stream::new(5, 2, Purpose::Model);
        let mut sample = Sample::new(dim, draws);
        for i in 0..draws {
            let x = &factor * nalgebra::DVector::from_fn(dim, |_, _| random.normal());
            sample.add(i, 0.0, x.as_slice(), (-(&precision * &x)).as_slice());
        }
        sample
    };
    for (dim, draws) in [(2, 8), (5, 9), (5, 200), (100, 120)] {
        let correlated = drawn(dim, draws, true);
        assert!(of(&correlated, MetricKind::Auto) == of(&correlated, MetricKind::FisherDense), "{dim}, {draws}");
        let independent = drawn(dim, draws, false);
        assert!(of(&independent, MetricKind::Auto) == of(&independent, MetricKind::FisherDiag), "{dim}, {draws}");
    }
    let correlated = drawn(200, 40, true);
    assert!(of(&correlated, MetricKind::Auto) == of(&correlated, MetricKind::LowRank));
    let InverseMetric::Diag(_) = of(&drawn(200, 40, false), MetricKind::Auto) else { panic!("directions") };
}
