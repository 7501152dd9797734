//! Estimates of laws that are known.

use crate::models::{Precession, experiment, learner, told};
use catena::learn::estimates::{
    Ellipsoid, Hull, bayesian_bound, covariance, densest, density, entropy, histogram, kernel_divergence, mean,
    mean_of, normal_divergence, points,
};
use catena::learn::{Prior, UpdaterOptions};

fn normal(models: usize, mean: f64, deviation: f64) -> catena::services::Learner<Precession> {
    let options = UpdaterOptions { num_models: models, seed: 5, ..UpdaterOptions::default() };
    learner(Precession::default(), options, Prior::normal(mean, deviation))
}

#[test]
fn moments_and_entropy_are_those_of_the_weights() {
    let l = told(false, &[0.5, 0.25, 0.125, 0.125]);
    let set = &l.updater().sets()[0];
    assert_eq!(mean(set), [0.875]);
    assert_eq!(covariance(set, &[0.875]), [0.5 * 0.875 * 0.875 + 0.25 * 0.015625 + 0.125 * (1.265625 + 4.515625)]);
    let functions = mean_of(set, 2, |x, out| (out[0], out[1]) = (x[0] * x[0], f64::from(u8::from(x[0] > 1.5))));
    assert_eq!(functions, [0.25 + 0.125 * 4.0 + 0.125 * 9.0, 0.25]);
    assert!((entropy(set) - 1.75 * 2f64.ln()).abs() < 1e-15);
}

#[test]
fn divergences_are_those_of_normal_laws() {
    let (a, b) = (normal(4000, 0.0, 1.0), normal(4000, 1.0, 2.0));
    let exact = 2f64.ln() + (1.0 + 1.0) / 8.0 - 0.5;
    let (a, b) = (&a.updater().sets()[0], &b.updater().sets()[0]);
    assert!((normal_divergence(a, b) - exact).abs() < 0.05);
    assert!((kernel_divergence(a, b) - exact).abs() < 0.06, "{}", kernel_divergence(a, b));
    assert!(normal_divergence(a, a).abs() < 1e-12 && kernel_divergence(a, a) == 0.0);
}

#[test]
fn marginals_integrate_to_one() {
    let l = normal(50_000, 2.0, 0.5);
    let set = &l.updater().sets()[0];
    let edges: Vec<f64> = (0..=80).map(|i| 0.05 * f64::from(i)).collect();
    let bins = histogram(set, 0, &edges).unwrap();
    assert!((bins.iter().sum::<f64>() * 0.05 - 1.0).abs() < 1e-3);
    let exact = |x: f64| (-2.0 * (x - 2.0) * (x - 2.0)).exp() * (2.0 / std::f64::consts::PI).sqrt();
    let smooth = density(set, 0, &edges, 0.0).unwrap();
    for (x, (bin, smooth)) in edges.iter().zip(bins.iter().zip(&smooth)) {
        assert!((bin - exact(x + 0.025)).abs() < 0.08 && (smooth - exact(*x)).abs() < 0.03, "{x}");
    }
    // Values on edges: in the bin above, but for the last edge.
    let l = told(false, &[1.0, 1.0, 1.0, 1.0]);
    assert_eq!(histogram(&l.updater().sets()[0], 0, &[0.0, 1.0, 3.0]).unwrap(), [0.25, 0.375]);
    assert!(histogram(&l.updater().sets()[0], 1, &[0.0, 1.0]).is_err());
    assert!(histogram(&l.updater().sets()[0], 0, &[1.0, 1.0]).is_err());
}

/// The densest models of a normal law are those near its mean, whatever their weights; hull and ellipsoid hold them.
#[test]
fn regions_hold_what_they_say() {
    let options = UpdaterOptions { num_models: 20_000, seed: 5, ..UpdaterOptions::default() };
    let mut l = learner(Precession::default(), options, Prior::normal(1.0, 0.1));
    for resampled in [false, true] {
        let set = &l.updater().sets()[0];
        let chosen = densest(set, 0.95).unwrap();
        let weights = set.weights();
        let sum: f64 = chosen.iter().map(|i| weights[*i]).sum();
        assert!((0.95..0.951).contains(&sum));
        let rows = points(set, &chosen);
        let hull = Hull::new(&rows, 1).unwrap();
        let ends = hull.outline();
        assert!((ends[0] - 0.804).abs() < 0.02 && (ends[1] - 1.196).abs() < 0.02, "{ends:?}, {resampled}");
        let ball = Ellipsoid::around(&rows, 1, 1e-6).unwrap();
        assert!(rows.iter().all(|x| ball.contains(&[*x]) && hull.contains(&[*x])));
        assert!(!hull.contains(&[1.3]) && !ball.contains(&[1.3]));
        l.resample(None).unwrap();
    }
    assert!(densest(&l.updater().sets()[0], 0.0).is_err());
}

/// Fisher's information of a precession without decay is t², whatever the frequency.
#[test]
fn the_bound_is_that_of_the_score() {
    let mut l = normal(3000, 0.5, 0.1);
    let one = experiment(l.model(), &[7.0]);
    let information = l.fisher_information(1, &one).unwrap();
    assert!((information[0] - 49.0).abs() < 1e-6, "{information:?}");
    let bound = bayesian_bound(&[100.0], &[information[0], information[0]], 1).unwrap();
    assert!((bound[0] - 1.0 / 198.0).abs() < 1e-10);
    assert!(bayesian_bound(&[0.0], &[], 1).is_err());
}

#[test]
fn priors_are_what_they_say() {
    let sum = |prior: Prior, n: usize| {
        use catena::random::{BlockLanes, ParticleStreams};
        let mut out = vec![0.0; n * prior.dim()];
        prior.check(prior.dim()).unwrap();
        prior.fill(&mut BlockLanes::new(ParticleStreams::new(1), 1, 0, 0, n), n, &mut out);
        out
    };
    let n = 100_000;
    let all = Prior::Product(vec![
        Prior::Uniform { low: vec![1.0, -1.0], high: vec![2.0, 3.0] },
        Prior::Normal { mean: vec![5.0, 6.0], covariance: vec![4.0, 1.0, 1.0, 0.5] },
        Prior::Draws { rows: 3, values: vec![1.0, 2.0, 3.0, 10.0, 20.0, 30.0] },
    ]);
    let out = sum(all, n);
    let column = |j: usize| &out[j * n..(j + 1) * n];
    let mean = |j: usize| column(j).iter().sum::<f64>() / n as f64;
    let expected = [1.5, 1.0, 5.0, 6.0, 2.0, 20.0];
    let widths = [0.29, 1.16, 2.0, 0.71, 0.82, 8.2];
    for j in 0..6 {
        assert!((mean(j) - expected[j]).abs() < 5.0 * widths[j] / (n as f64).sqrt(), "{j}: {}", mean(j));
    }
    let product: f64 = column(2).iter().zip(column(3)).map(|(a, b)| (a - 5.0) * (b - 6.0)).sum::<f64>() / n as f64;
    assert!((product - 1.0).abs() < 0.03, "{product}");
    assert!(column(4).iter().zip(column(5)).all(|(a, b)| *b == 10.0 * a));
    assert!(Prior::uniform(1.0, 0.0).check(1).is_err() && Prior::uniform(0.0, 1.0).check(2).is_err());
    let bad = Prior::Normal { mean: vec![0.0, 0.0], covariance: vec![1.0, 2.0, 2.0, 1.0] };
    assert!(bad.check(2).unwrap_err().to_string().contains("prior.covariance"));
    assert!(Prior::Draws { rows: 2, values: vec![1.0; 3] }.check(1).is_err());
}
