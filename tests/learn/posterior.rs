//! Posteriors against quadrature.

use crate::models::{How, Precession, learner};
use catena::learn::{LiuWest, Prior, Resampler, UpdaterOptions, ZeroWeights, estimates};
use catena::model::{Experiments, Likelihood};
use catena::particles::resample::Scheme;
use catena::random::{Purpose, Stream};

/// Mean, standard deviation and log evidence on [0, 1] of these data under the uniform prior, by Simpson's rule.
fn quadrature(model: &Precession, data: &[(f64, f64)]) -> (f64, f64, f64) {
    const N: usize = 200_000;
    let log_density = |x: f64| data.iter().map(|(k, t)| model.probability(*k, x, *t).max(0.0).ln()).sum::<f64>();
    let logs: Vec<f64> = (0..=N).map(|i| log_density(i as f64 / N as f64)).collect();
    let top = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let (mut z, mut first, mut second) = (0.0, 0.0, 0.0);
    for (i, log) in logs.iter().enumerate() {
        let simpson = if i == 0 || i == N { 1.0 } else { 2.0 + 2.0 * (i % 2) as f64 };
        let w = simpson * (log - top).exp();
        let x = i as f64 / N as f64;
        z += w;
        first += w * x;
        second += w * x * x;
    }
    let mean = first / z;
    (mean, (second / z - mean * mean).sqrt(), top + (z / (3.0 * N as f64)).ln())
}

/// Outcomes of a frequency at the sparse times.
fn data(model: &Precession, omega: f64, count: u32, seed: u64) -> Vec<(f64, f64)> {
    let mut stream = Stream::new(seed, 1, Purpose::Model);
    let datum = |k: u32| {
        let t = 1.5 * (9.0f64 / 8.0).powi(k as i32);
        (f64::from(u8::from(stream.uniform() >= model.probability(0.0, omega, t))), t)
    };
    (0..count).map(datum).collect()
}

fn table(model: &Precession, data: &[(f64, f64)]) -> Experiments {
    Experiments::new(model.fields(), data.len(), data.iter().map(|(_, t)| *t).collect()).unwrap()
}

/// Mean, width and evidence by eight sets agree with the integrals, for every way to resample and to be called.
#[test]
fn the_precession_posterior_is_that_of_quadrature() {
    let by =
        [Resampler::default(), Resampler::LiuWest(LiuWest { scheme: Scheme::Multinomial, ..LiuWest::with_a(0.99) })];
    for t2 in [f64::INFINITY, 30.0] {
        for resampler in by {
            for log in [false, true] {
                let model = Precession { t2, how: How { log, ..How::default() }, ..Precession::default() };
                let seen = data(&model, 0.6, 22, 3);
                let (mean, deviation, evidence) = quadrature(&model, &seen);
                let options = UpdaterOptions {
                    num_sets: 8,
                    num_models: 20_000,
                    resampler,
                    seed: 11,
                    divergences: true,
                    ..UpdaterOptions::default()
                };
                let mut l = learner(model.clone(), options, Prior::uniform(0.0, 1.0));
                let outcomes: Vec<f64> = seen.iter().map(|(k, _)| *k).collect();
                l.batch_update(&outcomes, &table(&model, &seen), 1).unwrap();
                let found = l.means()[0];
                let off = (found.mean - mean) / found.standard_error;
                // Liu and West's normal kernel smooths a law of several modes; a tenth of the width is allowed for that.
                let allowed = 5.0 * found.standard_error + 0.1 * deviation;
                assert!((found.mean - mean).abs() < allowed, "{t2} {resampler:?}: {} for {mean}, {off}", found.mean);
                let width = l.covariance()[0].sqrt();
                assert!((width / deviation - 1.0).abs() < 0.1, "{width} for {deviation}");
                let e = l.updater().log_total_likelihood();
                assert!((e.log_estimate - evidence).abs() < 5.0 * e.standard_error + 0.05, "{e:?} for {evidence}");
                let notes = l.updater().sets()[0].notes();
                assert!(notes.resamples >= 2 && notes.divergences.len() as u64 == notes.resamples);
                assert!(notes.divergences.iter().all(|d| *d < 0.01), "{:?}", notes.divergences);
                let sum: f64 = notes.log_normalizations.iter().sum();
                assert!((sum - l.updater().sets()[0].log_total_likelihood()).abs() < 1e-10);
                assert!(notes.least_ess > 100.0 && notes.least_ess < 10_000.0);
            }
        }
    }
}

/// Without resampling a set's estimates are those of importance sampling: unbiased, with the error that the sets tell.
#[test]
fn without_resampling_nothing_is_biased() {
    let model = Precession { t2: 20.0, ..Precession::default() };
    let seen = data(&model, 0.3, 14, 8);
    let (mean, deviation, evidence) = quadrature(&model, &seen);
    let options =
        UpdaterOptions { num_sets: 50, num_models: 4000, ess_threshold: 0.0, seed: 2, ..UpdaterOptions::default() };
    let mut l = learner(model.clone(), options, Prior::uniform(0.0, 1.0));
    let outcomes: Vec<f64> = seen.iter().map(|(k, _)| *k).collect();
    l.batch_update(&outcomes, &table(&model, &seen), 5).unwrap();
    let found = l.means()[0];
    assert!((found.mean - mean).abs() < 4.0 * found.standard_error && found.standard_error < 0.05 * deviation);
    let e = l.updater().log_total_likelihood();
    assert!((e.log_estimate - evidence).abs() < 4.0 * e.standard_error && e.standard_error < 0.02, "{e:?} {evidence}");
    assert_eq!(l.updater().records().len(), 14);
    assert_eq!(l.updater().records()[3].experiment, [seen[3].1]);
}

/// Hypothetical updates are what updates would do.
#[test]
fn hypothetical_updates_are_updates() {
    for how in [How::default(), How { log: true, ..How::default() }, How { whole: true, ..How::default() }] {
        let model = Precession { how, ..Precession::default() };
        let options = UpdaterOptions { num_models: 2500, ess_threshold: 0.0, ..UpdaterOptions::default() };
        let mut l = learner(model.clone(), options, Prior::uniform(0.0, 1.0));
        let times = table(&model, &[(0.0, 2.0), (0.0, 5.0), (0.0, 11.0)]);
        l.update(&[1.0], &times, 0).unwrap();
        let cells = l.hypothetical_update(1, &[0.0, 1.0], &times).unwrap();
        let saved = l.save();
        for e in 0..3 {
            for o in 0..2 {
                l.update(&[o as f64], &times, e).unwrap();
                let set = &l.updater().sets()[0];
                assert_eq!(set.weights(), cells.weights[(e * 2 + o) * 2500..][..2500]);
                assert_eq!(set.notes().log_normalizations[1], cells.log_normalizations[e * 2 + o]);
                let pool = std::sync::Arc::new(catena::drive::Pool::new(1).unwrap());
                l = catena::services::Learner::load(model.clone(), &saved, Default::default(), pool).unwrap();
            }
        }
    }
}

/// Impossible models are never taken in: Liu and West's moves are drawn again, and parameters that drift stay inside.
#[test]
fn moves_stay_where_models_are_possible() {
    let model = Precession { most: 0.5, drift: 0.01, ..Precession::default() };
    let options = UpdaterOptions {
        num_models: 5000,
        resampler: Resampler::LiuWest(LiuWest { h: 0.8, ..LiuWest::with_a(0.9) }),
        ..UpdaterOptions::default()
    };
    let mut l = learner(Precession { drift: 0.0, ..model.clone() }, options.clone(), Prior::normal(0.45, 0.2));
    let inside = |l: &catena::services::Learner<Precession>| {
        l.updater().sets()[0].models().iter().all(|x| (0.0..=0.5).contains(x))
    };
    assert!(inside(&l));
    for _ in 0..5 {
        l.resample(None).unwrap();
        assert!(inside(&l));
    }
    assert_eq!(l.updater().sets()[0].notes().stuck, 0);
    // Where no move is possible models stay, and the log says so.
    let mut l = learner(
        Precession { most: 1e-9, ..Precession::default() },
        UpdaterOptions {
            num_models: 20,
            resampler: Resampler::LiuWest(LiuWest { max_tries: 3, h: 1e6, ..LiuWest::with_a(0.0) }),
            ..UpdaterOptions::default()
        },
        Prior::uniform(0.0, 1e-9),
    );
    l.resample(None).unwrap();
    assert!(l.updater().sets()[0].notes().stuck > 10);
    assert!(l.updater().sets()[0].models().iter().all(|x| *x <= 1e-9));
    // A set of one point gets some width.
    let mut l = learner(Precession::default(), options.clone(), Prior::uniform(0.25, 0.25));
    l.resample(None).unwrap();
    let s = estimates::covariance(&l.updater().sets()[0], &[0.25])[0];
    assert!((s / (0.8 * 0.8 * 1e-10) - 1.0).abs() < 0.1, "{s}");
    let mut l = learner(model, options, Prior::uniform(0.1, 0.4));
    let before = l.updater().sets()[0].models();
    l.update(&[0.0], &crate::models::experiment(l.model(), &[1.0]), 0).unwrap();
    assert!(before.iter().zip(l.updater().sets()[0].models()).all(|(a, b)| *a != b && (a - b).abs() < 0.06));
}

/// Liu and West's step keeps mean and covariance, in every dimension.
#[test]
fn liu_and_west_keep_the_moments() {
    let n = 200_000;
    let options = UpdaterOptions { num_models: n, seed: 9, ..UpdaterOptions::default() };
    let mut l = learner(Precession::default(), options, Prior::normal(3.0, 0.2));
    l.update(&[0.0], &crate::models::experiment(l.model(), &[0.9]), 0).unwrap();
    let moments = |l: &catena::services::Learner<Precession>| {
        let set = &l.updater().sets()[0];
        let mean = estimates::mean(set);
        (mean[0], estimates::covariance(set, &mean)[0])
    };
    let before = moments(&l);
    l.resample(None).unwrap();
    let after = moments(&l);
    assert!((before.0 - after.0).abs() < 5.0 * (before.1 / n as f64).sqrt(), "{before:?} {after:?}");
    assert!((after.1 / before.1 - 1.0).abs() < 0.02, "{before:?} {after:?}");
    assert!(estimates::entropy(&l.updater().sets()[0]) - (n as f64).ln() < 1e-9);
}

/// What a datum does that no model explains.
#[test]
fn lost_sets_follow_their_policy() {
    for policy in ZeroWeights::ALL {
        let options =
            UpdaterOptions { num_models: 100, num_sets: 2, zero_weights: policy, ..UpdaterOptions::default() };
        let model = Precession { t2: f64::INFINITY, ..Precession::default() };
        let mut l = learner(model, options, Prior::uniform(0.0, 0.0));
        let one = crate::models::experiment(l.model(), &[1.0]);
        l.update(&[0.0], &one, 0).unwrap();
        let before = (l.updater().sets()[0].weights(), l.updater().records().len());
        let result = l.update(&[1.0], &one, 0);
        match policy {
            ZeroWeights::Error => {
                let error = result.unwrap_err();
                assert_eq!(error.code(), catena::Code::AllLost);
                let words = "set 1: outcome 1, experiment 0: no model explains it, all weights would be zero";
                assert_eq!(error.to_string(), words);
                assert_eq!((l.updater().sets()[0].weights(), l.updater().records().len()), before);
            }
            _ => {
                result.unwrap();
                let set = &l.updater().sets()[1];
                assert_eq!((set.notes().lost, set.notes().log_normalizations[1]), (1, f64::NEG_INFINITY));
                assert_eq!((set.weights(), l.updater().records().len()), (before.0, 2));
            }
        }
        l.update(&[0.0], &one, 0).unwrap();
        assert_eq!(l.updater().sets()[0].log_total_likelihood(), 0.0);
    }
}
