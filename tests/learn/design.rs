//! Risk and gain against quadrature; the best experiment.

use crate::models::{Binomial, Precession, experiment, learner, told};
use catena::learn::design::NelderMead;
use catena::learn::{Prior, UpdaterOptions};
use catena::model::{Experiments, Likelihood};
use catena::services::{Criterion, Design};

/// Gain and risk of an experiment on the uniform prior over [0, 1], from the probabilities of its outcomes.
fn quadrature(probabilities: &dyn Fn(f64) -> Vec<f64>) -> (f64, f64) {
    const N: usize = 20_000;
    let n_o = probabilities(0.5).len();
    let mut sums = vec![[0.0; 4]; n_o];
    for i in 0..N {
        let x = (i as f64 + 0.5) / N as f64;
        for (sum, p) in sums.iter_mut().zip(probabilities(x)) {
            let parts = [p, if p > 0.0 { p * p.ln() } else { 0.0 }, p * x, p * x * x];
            sum.iter_mut().zip(parts).for_each(|(sum, part)| *sum += part / N as f64);
        }
    }
    let gain = sums.iter().map(|s| s[1] - s[0] * s[0].ln()).sum();
    let risk = sums.iter().map(|s| s[3] - s[2] * s[2] / s[0]).sum();
    (gain, risk)
}

#[test]
fn risk_and_gain_are_those_of_quadrature() {
    let n = 100_000;
    let options = UpdaterOptions { num_models: n, num_sets: 4, seed: 1, ..UpdaterOptions::default() };
    let model = Precession { t2: 40.0, ..Precession::default() };
    let mut l = learner(model.clone(), options.clone(), Prior::uniform(0.0, 1.0));
    let times = [0.1, 1.0, 2.5, 5.0, 10.0, 40.0];
    let table = Experiments::by_name(model.fields(), &[("t", &times)]).unwrap();
    for (worth, t) in l.worth(&table, &[], 0).unwrap().iter().zip(times) {
        let exact = quadrature(&|x| vec![model.probability(0.0, x, t), model.probability(1.0, x, t)]);
        assert!((worth.information_gain - exact.0).abs() < 0.003, "{t}: {worth:?} for {exact:?}");
        assert!((worth.risk / exact.1 - 1.0).abs() < 0.01, "{t}: {worth:?} for {exact:?}");
    }
    let scaled = l.worth(&table, &[10.0], 0).unwrap();
    assert!((scaled[2].risk / l.worth(&table, &[], 0).unwrap()[2].risk - 10.0).abs() < 1e-9);
    // Counts, listed and simulated.
    let ways = |shots: i32, k: i32| (0..k).map(|i| f64::from(shots - i) / f64::from(i + 1)).product::<f64>();
    let exact = quadrature(&|x| (0..=6).map(|k| ways(6, k) * x.powi(k) * (1.0 - x).powi(6 - k)).collect());
    for sampled in [false, true] {
        let options = UpdaterOptions { num_models: 20_000, ..options.clone() };
        let mut l = learner(Binomial { sampled, ..Binomial::default() }, options, Prior::uniform(0.0, 1.0));
        let worth = l.worth(&experiment(l.model(), &[6.0]), &[], 2000).unwrap()[0];
        let bound = if sampled { 0.03 } else { 0.005 };
        assert!((worth.information_gain - exact.0).abs() < bound, "{worth:?} for {exact:?}");
        assert!((worth.risk / exact.1 - 1.0).abs() < 2.0 * bound, "{worth:?} for {exact:?}");
    }
}

/// Logarithms far below the smallest double serve as well.
#[test]
fn gains_of_long_records_do_not_underflow() {
    let mut l = told(true, &[1.0, 1.0]);
    let error = l.worth(&experiment(l.model(), &[-900.0, -2000.0]), &[], 0).unwrap_err();
    assert!(error.to_string().contains("'samples'"), "{error}");
}

#[test]
fn the_best_experiment_is_found() {
    let options = UpdaterOptions { num_models: 4000, seed: 3, ..UpdaterOptions::default() };
    let mut l = learner(Precession::default(), options, Prior::uniform(0.4, 0.6));
    let times: Vec<f64> = (1..120).map(|i| 0.25 * f64::from(i)).collect();
    let table = Experiments::by_name(l.model().fields(), &[("t", &times)]).unwrap();
    let worth = l.worth(&table, &[], 0).unwrap();
    let best = l.best(&table, Criterion::Risk, 0).unwrap();
    assert!(worth.iter().all(|w| w.risk >= worth[best].risk));
    let best = l.best(&table, Criterion::Gain, 0).unwrap();
    assert!(worth.iter().all(|w| w.information_gain <= worth[best].information_gain));
    let start = table.rows(&[best]);
    let how = NelderMead::default();
    let (found, minimum) = l.optimize(&start, &[0], &[0.2], (&[0.0], &[60.0]), Criterion::Gain, 0, how).unwrap();
    assert!(minimum.converged && -minimum.value >= worth[best].information_gain);
    assert!((found.get(0, 0) - times[best]).abs() < 0.3, "{} near {}", found.get(0, 0), times[best]);
    let none = Experiments::new(l.model().fields(), 0, vec![]).unwrap();
    assert!(l.best(&none, Criterion::Gain, 0).unwrap_err().to_string().contains("candidates"));
    assert!(l.optimize(&start, &[1], &[0.2], (&[], &[]), Criterion::Gain, 0, how).is_err());
}

#[test]
fn times_have_scales_above_zero() {
    let mut l = learner(Precession::default(), UpdaterOptions::default(), Prior::uniform(0.0, 1.0));
    let mut refused = |design: Design, name: &str| {
        let error = l.design(&design, 0).unwrap_err();
        assert_eq!(error.argument_name(), Some(name), "{error}");
    };
    let guess = |scale, most| Design::Guess { time: 0, guesses: vec![], scale, most, template: vec![0.0] };
    for bad in [f64::NAN, -1.0, 0.0, f64::INFINITY] {
        refused(guess(bad, 1.0), "scale");
        refused(Design::Sparse { time: 0, scale: bad, template: vec![0.0] }, "scale");
    }
    for bad in [f64::NAN, -1.0, 0.0] {
        refused(guess(1.0, bad), "most");
    }
}

/// By particle guess a frequency is learnt exponentially fast, and the mean is right within its width.
#[test]
fn particle_guesses_learn_quickly() {
    let mut inside = 0;
    for seed in 0..40u64 {
        let truth = 0.1 + 0.02 * seed as f64;
        let options = UpdaterOptions { num_models: 2000, num_sets: 2, seed, ..UpdaterOptions::default() };
        let mut l = learner(Precession::default(), options, Prior::uniform(0.0, 1.0));
        let design = Design::Guess { time: 0, guesses: vec![], scale: 1.0, most: f64::INFINITY, template: vec![0.0] };
        let mut stream = catena::random::Stream::new(seed, 9, catena::random::Purpose::Model);
        let model = Precession::default();
        l.learn(80, &design, |one, _| {
            let zero = model.probability(0.0, truth, one.get(0, 0));
            Ok(Some(vec![f64::from(u8::from(stream.uniform() >= zero))]))
        })
        .unwrap();
        let (mean, deviation) = (l.means()[0].mean, l.covariance()[0].sqrt());
        inside += u32::from((mean - truth).abs() < 3.0 * deviation && deviation < 1e-3);
    }
    assert!(inside >= 30, "{inside} of 40");
}
