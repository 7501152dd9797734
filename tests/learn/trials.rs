//! What went wrong elsewhere, beyond the numbers of those who found it: resampling that changes the count, resamplers of
//! one's own, outcome counts that differ between experiments, models far below the others.

use crate::models::{Binomial, Precession, experiment, learner, told};
use catena::error::{Code, Error};
use catena::learn::{LiuWest, Prior, Resampled, Resampler, UpdaterOptions, estimates};
use catena::model::Experiments;
use catena::particles::resample::Scheme;

/// After a change of count there are as many weights, which sum to 1, and learning goes on.
#[test]
fn resampling_may_change_the_count() {
    let by = [
        Resampler::default(),
        Resampler::LiuWest(LiuWest { h: 0.5, scheme: Scheme::Multinomial, ..LiuWest::with_a(0.9) }),
        Resampler::Scheme(Scheme::Residual),
        Resampler::Scheme(Scheme::Ssp),
    ];
    for resampler in by {
        let options = UpdaterOptions { num_models: 100, resampler, num_sets: 2, ..UpdaterOptions::default() };
        let mut l = learner(Precession::default(), options, Prior::uniform(0.0, 1.0));
        for count in [50, 200, 1, 3000, 1024, 7] {
            let before = l.updater().sets()[0].log_total_likelihood();
            l.resample(Some(count)).unwrap();
            for set in l.updater().sets() {
                let weights = set.weights();
                assert_eq!((weights.len(), set.models().len(), set.len()), (count, count, count));
                assert!(weights.iter().all(|w| *w == 1.0 / count as f64), "{resampler:?}, {count}: {}", weights[0]);
            }
            assert_eq!(l.updater().sets()[0].log_total_likelihood(), before, "{resampler:?}, {count}");
            let one = experiment(l.model(), &[2.0]);
            l.update(&[1.0], &one, 0).unwrap();
            let sum: f64 = l.updater().sets()[0].weights().iter().sum();
            assert!((sum - 1.0).abs() < 1e-12);
        }
        let error = l.resample(Some(0)).unwrap_err();
        assert!(error.to_string().contains("argument 'num_models': expected a number from 1 to 2^32 - 1, got 0"));
        assert_eq!(l.updater().sets()[1].len(), 7);
    }
}

/// From the prior again, by other draws each time; what was learnt is forgotten.
#[test]
fn a_reset_begins_anew() {
    let options = UpdaterOptions { num_models: 100, ess_threshold: 0.0, ..UpdaterOptions::default() };
    let mut l = learner(Precession::default(), options, Prior::uniform(0.0, 1.0));
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(l.updater().sets()[0].models());
        let one = experiment(l.model(), &[2.0]);
        l.update(&[1.0], &one, 0).unwrap();
        assert_eq!((l.updater().records().len(), l.updater().sets()[0].models()), (1, seen[seen.len() - 1].clone()));
        l.reset().unwrap();
        let set = &l.updater().sets()[0];
        assert_eq!((l.updater().records().len(), set.log_total_likelihood(), set.weights()), (0, 0.0, vec![0.01; 100]));
    }
    assert!(seen[0] != seen[1] && seen[1] != seen[2]);
    let last = l.updater().sets()[0].models();
    l.reset().unwrap();
    assert_ne!(l.updater().sets()[0].models(), last);
}

/// The same models are moved otherwise each time; models that are given are no resampling.
#[test]
fn every_resampling_draws_anew() {
    let options = UpdaterOptions { num_models: 100, ..UpdaterOptions::default() };
    let mut l = learner(Precession::default(), options, Prior::uniform(0.0, 1.0));
    let first = l.updater().sets()[0].models();
    let mut moved = Vec::new();
    for times in 1..=2 {
        l.set_models(1, &first, &[1.0; 100]).unwrap();
        l.resample(None).unwrap();
        moved.push(l.updater().sets()[0].models());
        assert_eq!(l.updater().sets()[0].notes().resamples, times);
    }
    assert_ne!(moved[0], moved[1]);
}

/// A resampler of one's own: its weights and count are kept, bit for bit.
#[test]
fn a_custom_resampler_is_taken_at_its_word() {
    for weights in [vec![0.7, 0.2, 0.1], vec![0.1; 10], (1..=2500).map(|i| 1.0 / f64::from(i)).collect()] {
        let mut l = told(false, &weights);
        let same = |ask: Resampled<'_>| Ok((ask.models.to_vec(), ask.weights.to_vec()));
        l.resample_by(Some(Box::new(same)));
        let mean = |l: &catena::services::Learner<_>| estimates::mean(&l.updater().sets()[0])[0];
        let before = (mean(&l), l.updater().sets()[0].weights());
        for _ in 0..3 {
            l.resample(None).unwrap();
            assert_eq!((mean(&l), l.updater().sets()[0].weights()), before);
        }
        assert_eq!(l.updater().sets()[0].notes().resamples, 3);
    }
    let mut l = told(false, &[0.7, 0.2, 0.1]);
    l.resample_by(Some(Box::new(|ask: Resampled<'_>| Ok((ask.models.to_vec(), ask.weights.to_vec())))));
    l.resample(None).unwrap();
    assert!((l.updater().sets()[0].ess() - 1.851_851_851_851_852).abs() < 1e-14);
    // Another count than was asked for; bad answers change nothing.
    l.resample_by(Some(Box::new(|_: Resampled<'_>| Ok((vec![2.0, 1.0], vec![3.0, 1.0])))));
    l.resample(Some(5)).unwrap();
    assert_eq!(l.updater().sets()[0].weights(), [0.75, 0.25]);
    type Answer = Result<(Vec<f64>, Vec<f64>), Error>;
    type Bad = (fn() -> Answer, &'static str);
    let bad: [Bad; 5] = [
        (|| Ok((vec![1.0], vec![1.0, 2.0])), "expected 2 numbers, 1 for each of 2 weights, got 1"),
        (|| Ok((vec![], vec![])), "expected a number from 1 to 2^32 - 1, got 0"),
        (|| Ok((vec![1.0], vec![-1.0])), "'weights[0]'"),
        (|| Ok((vec![f64::NAN], vec![1.0])), "expected a finite number for parameter 0 of model 0, got NaN"),
        (|| Err(Error::new(Code::Model, "not today")), "not today"),
    ];
    for (answer, words) in bad {
        l.resample_by(Some(Box::new(move |_: Resampled<'_>| answer())));
        let error = l.resample(None).unwrap_err().to_string();
        assert!(error.starts_with("set 1: ") && error.contains(words), "{error}");
        assert_eq!(l.updater().sets()[0].weights(), [0.75, 0.25]);
    }
}

/// Outcome counts that differ between experiments: nothing is padded.
#[test]
fn experiments_may_have_different_numbers_of_outcomes() {
    for sampled in [false, true] {
        let options = UpdaterOptions { num_models: 3000, seed: 4, ..UpdaterOptions::default() };
        let mut l = learner(Binomial { sampled, ..Binomial::default() }, options, Prior::uniform(0.0, 1.0));
        let shots = [1.0, 3.0, 3.0, 1.0, 7.0, 2.0, 2.0, 2.0];
        let table = Experiments::by_name(catena::model::Likelihood::fields(l.model()), &[("shots", &shots)]).unwrap();
        for p in [0.2, 0.7] {
            let drawn = l.simulate(&vec![p; 10_000], &table).unwrap();
            for (out, n) in drawn.chunks(10_000).zip(shots) {
                assert!(out.iter().all(|k| *k <= n));
                let mean = out.iter().sum::<f64>() / 1e4;
                assert!((mean - n * p).abs() < 5.0 * (n * p * (1.0 - p) / 1e4).sqrt(), "{mean} of {n} at {p}");
            }
        }
        if !sampled {
            for (e, n) in shots.iter().enumerate() {
                let outcomes: Vec<f64> = (0..=*n as usize).map(|k| k as f64).collect();
                let mut out = vec![0.0; outcomes.len() * 2];
                l.likelihood(&outcomes, &[0.2, 0.7], &table.rows(&[e]), &mut out).unwrap();
                for m in 0..2 {
                    assert!((out.iter().skip(m).step_by(2).sum::<f64>() - 1.0).abs() < 1e-14);
                }
            }
            let together = l.worth(&table, &[], 0).unwrap();
            for (e, worth) in together.iter().enumerate() {
                assert_eq!(*worth, l.worth(&table.rows(&[e]), &[], 0).unwrap()[0], "experiment {e}");
                assert!(worth.information_gain > 0.0 && worth.risk > 0.0 && worth.risk < 1.0 / 12.0 * 1.1);
            }
            assert_eq!(together[1], together[2]);
        }
        let error = l.update(&[2.0], &table, 0);
        if !sampled {
            let words = "argument 'outcome': expected one of the 2 outcomes that experiment 0 can have, got 2";
            assert_eq!(error.unwrap_err().to_string(), words);
            l.update(&[2.0], &table, 1).unwrap();
        }
    }
}

/// No model is lost to underflow: log weights are carried, exactly.
#[test]
fn a_model_far_below_comes_back() {
    let mut l = told(true, &[1.0, 1.0]);
    let log_odds = |l: &catena::services::Learner<_>| {
        let w = l.updater().sets()[0].log_weights();
        w[1] - w[0]
    };
    let batches = [[0.0, -800.0], [-900.0, 0.0]];
    l.update(&[0.0], &experiment(l.model(), &batches[0]), 0).unwrap();
    assert_eq!(log_odds(&l), -800.0);
    assert_eq!(l.updater().sets()[0].weights(), [1.0, 0.0]);
    l.update(&[0.0], &experiment(l.model(), &batches[1]), 0).unwrap();
    assert_eq!(log_odds(&l), 100.0);
    assert_eq!(l.updater().sets()[0].weights()[1], 1.0);
    assert_eq!(l.updater().log_total_likelihood().log_estimate, -800.693_147_180_559_9);
    // In one block with many others, and by products of plain likelihoods: 30 data leave model 1 at 1e-300 of each
    // datum, 31 bring it back.
    let mut weights = vec![1.0; 1500];
    weights[1400] = 2.0;
    let mut l = told(false, &weights);
    let mut favour = |of: usize, times: usize| {
        let values: Vec<f64> = (0..1500).map(|j| if j == of { 1.0 } else { 1e-300 }).collect();
        for _ in 0..times {
            l.update(&[0.0], &experiment(l.model(), &values), 0).unwrap();
        }
        l.updater().sets()[0].log_weights()
    };
    let after = favour(3, 30);
    assert!((after[1400] - after[3] - (30.0 * 1e-300f64.ln() + 2f64.ln())).abs() < 1e-9);
    let after = favour(1400, 31);
    assert!((after[1400] - after[3] - (-(1e-300f64.ln()) + 2f64.ln())).abs() < 1e-9);
    assert_eq!(l.updater().sets()[0].weights()[1400], 1.0);
}
