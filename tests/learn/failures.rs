//! Words for what is wrong; after a failure the state is what it was.

use crate::models::{Precession, Told, experiment, learner, told};
use catena::drive::Pool;
use catena::error::Code;
use catena::io::{Interrupt, Silent};
use catena::learn::{LiuWest, Prior, Resampler, UpdaterOptions};
use catena::model::{Experiments, Field, Likelihood, Number};
use catena::services::{LearnIo, Learner};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

fn words<T>(result: Result<T, catena::Error>) -> String {
    result.err().map(|e| e.to_string()).unwrap_or_default()
}

#[test]
fn a_bad_likelihood_names_its_cell_and_changes_nothing() {
    let weights: Vec<f64> = (0..3000).map(|i| 1.0 + f64::from(i % 7)).collect();
    for log in [false, true] {
        let mut l = told(log, &weights);
        let good: Vec<f64> = (0..3000).map(|i| 0.1 + 0.8 * f64::from(i % 11) / 11.0).collect();
        let table = |l: &Learner<Told>, at: usize, bad: f64| {
            let mut bad_row = good.clone();
            bad_row[at] = bad;
            let values: Vec<f64> = good.iter().zip(bad_row).flat_map(|(a, b)| [*a, b]).collect();
            Experiments::new(l.model().fields(), 2, values).unwrap()
        };
        let first = table(&l, 0, 0.5);
        l.update(&[0.0], &first, 0).unwrap();
        let before = l.save();
        let expected = if log { "a log likelihood that is a number or -inf" } else { "a probability from 0 to 1" };
        let wrong = if log { vec![(-7.0, "NaN")] } else { vec![(-7.0, "NaN"), (1.5, "1.5"), (-0.25, "-0.25")] };
        for (bad, shown) in wrong {
            for at in [0, 1023, 2999] {
                let bad = table(&l, at, bad);
                let error = l.update(&[0.0], &bad, 1).unwrap_err();
                assert_eq!((error.code(), error.particle(), error.set()), (Code::Model, Some(at), Some(1)));
                let cell = format!(
                    "set 1, particle {at}: outcome 0, model {at}, experiment 1: expected {expected}, got {shown}"
                );
                assert_eq!(error.to_string(), cell);
                assert_eq!(l.save(), before);
                if !log {
                    assert!(words(l.hypothetical_update(1, &[0.0], &bad)).contains(&cell));
                    assert!(words(l.worth(&bad, &[], 0)).contains(&cell));
                }
            }
        }
        let stop = table(&l, 1500, -8.0);
        let cell =
            "likelihood of outcome 0, models 1024 to 2047, experiment 1: the model stopped; it says: told to stop";
        assert_eq!(words(l.update(&[0.0], &stop, 1)), format!("set 1: {cell}"));
        let batch = words(l.batch_update(&[0.0, 0.0], &stop, 5));
        assert_eq!(batch, format!("set 1: datum 1 of the batch: {cell}"));
        assert_eq!(l.updater().records().len(), 2);
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let options = UpdaterOptions { num_models: 10, ..UpdaterOptions::default() };
    let huge = UpdaterOptions { num_sets: 1 << 30, num_models: 1 << 30, ..options.clone() };
    let pool = Arc::new(Pool::new(1).unwrap());
    let refused = words(Learner::new(Precession::default(), huge, Prior::uniform(0.0, 1.0), LearnIo::default(), pool));
    assert!(refused.starts_with("argument 'num_models': expected a size for which there is memory"), "{refused}");
    let mut l = learner(Precession::default(), options.clone(), Prior::uniform(0.0, 1.0));
    let before = l.save();
    let one = experiment(l.model(), &[1.0]);
    let other = Experiments::new([Field::real("time")].into(), 1, vec![1.0]).unwrap();
    assert_eq!(words(l.update(&[0.0], &other, 0)), "argument 'experiments': expected the fields t, got time");
    let lacks = Experiments::by_name(l.model().fields(), &[("time", &[1.0])]);
    assert_eq!(words(lacks), "argument 'experiments.t': expected a column for this field, got none");
    assert!(words(l.update(&[2.0], &one, 0)).contains("one of the 2 outcomes that experiment 0 can have, got 2"));
    assert!(words(l.update(&[0.5], &one, 0)).contains("'outcome[0]': expected a whole number"));
    assert!(words(l.update(&[], &one, 0)).contains("'outcome'"));
    assert!(words(l.update(&[0.0], &one, 1)).contains("'experiment': expected one of 1, got 1"));
    assert!(words(l.batch_update(&[0.0, 1.0], &one, 5)).contains("'outcomes'"));
    assert!(words(l.batch_update(&[0.0], &one, 0)).contains("'resample_interval'"));
    assert!(words(l.hypothetical_update(9, &[0.0], &one)).contains("'set': expected an id from 1 to 1, got 9"));
    assert!(words(l.hypothetical_update(1, &[0.0, 3.0], &one)).contains("got 3"));
    assert!(words(l.set_models(1, &[0.0], &[0.0])).contains("'weights': expected a positive, finite sum"));
    assert!(words(l.set_log_weights(1, &[0.0; 9])).contains("'log_weights': expected 10 numbers"));
    assert!(words(l.set_log_weights(1, &[f64::NEG_INFINITY; 10])).contains("at least one above -inf"));
    assert!(words(l.worth(&one, &[1.0, 2.0], 0)).contains("'scales'"));
    assert!(words(l.likelihood(&[0.0], &[], &one, &mut [])).contains("'models'"));
    assert!(words(l.likelihood(&[0.0], &[0.5], &one, &mut [0.0; 2])).contains("'out': expected room for 1 numbers"));
    assert_eq!(l.save(), before);

    let new = |options: UpdaterOptions, prior: Prior| {
        let pool = Arc::new(Pool::new(1).unwrap());
        words(Learner::new(Precession { most: 1.0, ..Precession::default() }, options, prior, LearnIo::default(), pool))
    };
    let uniform = || Prior::uniform(0.0, 1.0);
    assert!(new(UpdaterOptions { num_models: 0, ..options.clone() }, uniform()).contains("num_models"));
    assert!(new(UpdaterOptions { num_sets: 0, ..options.clone() }, uniform()).contains("num_sets"));
    assert!(new(UpdaterOptions { init_set_id: 0, ..options.clone() }, uniform()).contains("init_set_id"));
    assert!(new(UpdaterOptions { ess_threshold: f64::NAN, ..options.clone() }, uniform()).contains("ess_threshold"));
    let liu_west = |how| UpdaterOptions { resampler: Resampler::LiuWest(how), ..options.clone() };
    assert!(new(liu_west(LiuWest { a: 1.5, ..LiuWest::default() }), uniform()).contains("liu_west_a"));
    assert!(new(liu_west(LiuWest { h: -1.0, ..LiuWest::default() }), uniform()).contains("liu_west_h"));
    assert!(new(liu_west(LiuWest { max_tries: 0, ..LiuWest::default() }), uniform()).contains("max_tries"));
    assert!(new(options.clone(), Prior::Product(vec![uniform(), uniform()])).contains("a law of 1 parameters"));
    assert!(new(options, Prior::uniform(2.0, 3.0)).contains("expected a possible model in 1000 draws from the prior"));
}

struct After(AtomicUsize);

impl Interrupt for After {
    fn requested(&self) -> bool {
        self.0.fetch_sub(1, Ordering::Relaxed) == 1
    }
}

/// An interrupt ends a verb, and the state is what it was.
#[test]
fn an_interrupt_changes_nothing() {
    let io = LearnIo { logger: Box::new(Silent), interrupt: Box::new(After(AtomicUsize::new(3))), communicator: None };
    let options = UpdaterOptions { num_models: 50, ..UpdaterOptions::default() };
    let pool = Arc::new(Pool::new(2).unwrap());
    let mut l = Learner::new(Precession::default(), options, Prior::uniform(0.0, 1.0), io, pool).unwrap();
    let one = experiment(l.model(), &[1.0]);
    l.update(&[0.0], &one, 0).unwrap();
    let before = l.save();
    assert_eq!(l.update(&[0.0], &one, 0).unwrap_err().code(), Code::Interrupted);
    assert_eq!(l.save(), before);
    l.update(&[0.0], &one, 0).unwrap();
}

/// Densities may be above 1, but neither negative nor infinite.
#[test]
fn densities_are_not_probabilities() {
    let model = Told { models: 2, log: false, kind: Number::Real };
    let options = UpdaterOptions { num_models: 2, ess_threshold: 0.0, ..UpdaterOptions::default() };
    let mut l = learner(model, options, Prior::uniform(0.0, 0.0));
    l.set_models(1, &[0.0, 1.0], &[1.0, 1.0]).unwrap();
    for _ in 0..500 {
        l.update(&[0.3], &experiment(l.model(), &[1e6, 2e6]), 0).unwrap();
    }
    let w = l.updater().sets()[0].log_weights();
    assert!((w[1] - w[0] - 500.0 * 2f64.ln()).abs() < 1e-9);
    assert!(words(l.update(&[0.3], &experiment(l.model(), &[1.0, -1.0]), 0)).contains("a density that is finite"));
}
