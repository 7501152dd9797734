//! Same seed, same bits: over threads, cuts, callers, sets, and a pause.

use crate::models::{How, Precession, experiment, learner_on};
use catena::drive::Pool;
use catena::learn::{LiuWest, Prior, Resampler, UpdaterOptions};
use catena::model::{Experiments, Likelihood, Threading};
use catena::services::{Criterion, Design, LearnIo, Learner};
use std::sync::Arc;

pub fn options() -> UpdaterOptions {
    UpdaterOptions {
        num_sets: 3,
        num_models: 5000,
        seed: 7,
        resampler: Resampler::LiuWest(LiuWest { h: 0.3, ..LiuWest::with_a(0.98) }),
        divergences: true,
        ..UpdaterOptions::default()
    }
}

fn made(threads: usize, how: How) -> Learner<Precession> {
    let model = Precession { t2: 50.0, most: 0.9, drift: 1e-4, how };
    learner_on(threads, model, options(), Prior::uniform(0.0, 1.0))
}

pub fn learn(l: &mut Learner<Precession>, from: u32, to: u32) {
    for k in from..to {
        let one = experiment(l.model(), &[1.0 + 1.3 * f64::from(k)]);
        l.update(&[f64::from(k % 2)], &one, 0).unwrap();
    }
}

/// Every number of the state.
pub fn bits(l: &Learner<Precession>) -> Vec<u64> {
    let mut all = Vec::new();
    for set in l.updater().sets() {
        let notes = set.notes();
        all.extend([set.id(), notes.resamples, notes.stuck, set.ess().to_bits(), set.log_total_likelihood().to_bits()]);
        let numbers = [set.models(), set.log_weights(), notes.log_normalizations.clone(), notes.divergences.clone()];
        all.extend(numbers.iter().flatten().map(|x| x.to_bits()));
    }
    all
}

/// What learning, questions and designs come to.
pub fn numbers(l: &mut Learner<Precession>) -> Vec<u64> {
    let times: Vec<f64> = (1..40).map(f64::from).collect();
    let table = Experiments::by_name(l.model().fields(), &[("t", &times)]).unwrap();
    learn(l, 0, 8);
    l.resample(Some(3000)).unwrap();
    learn(l, 8, 12);
    let mut numbers = bits(l);
    let worth = l.worth(&table, &[2.0], 0).unwrap();
    numbers.extend(worth.iter().flat_map(|w| [w.information_gain.to_bits(), w.risk.to_bits()]));
    let cells = l.hypothetical_update(2, &[0.0, 1.0], &table.rows(&[3, 5])).unwrap();
    numbers.extend(cells.weights.iter().chain(&cells.log_normalizations).map(|x| x.to_bits()));
    let models = l.updater().sets()[0].models();
    let outcomes = l.simulate(&models, &table).unwrap();
    numbers.extend(outcomes.iter().map(|x| x.to_bits()));
    let mut out = vec![0.0; 2 * models.len() * table.len()];
    l.likelihood(&[0.0, 1.0], &models, &table, &mut out).unwrap();
    numbers.extend(out.iter().map(|x| x.to_bits()));
    numbers.extend(l.fisher_information(3, &table).unwrap().iter().map(|x| x.to_bits()));
    assert!(l.updater().sets()[0].notes().resamples >= 1);
    numbers
}

#[test]
fn neither_threads_nor_cuts_nor_callers_change_a_bit() {
    let all = |threads, how| numbers(&mut made(threads, how));
    let plain = all(1, How::default());
    assert_eq!(all(2, How::default()), plain);
    assert_eq!(all(4, How::default()), plain);
    assert_eq!(all(2, How { whole: true, ..How::default() }), plain);
    assert_eq!(all(2, How { threading: Threading::Caller, whole: true, ..How::default() }), plain);
    assert_eq!(all(3, How { threading: Threading::One, ..How::default() }), plain);
}

/// Sets depend on their ids, not on each other.
#[test]
fn sets_are_independent_of_each_other() {
    let mut together = made(2, How::default());
    learn(&mut together, 0, 9);
    let only = |id: u64| {
        let model = together.model().clone();
        let options = UpdaterOptions { num_sets: 1, init_set_id: id, ..options() };
        let mut l = learner_on(1, model, options, Prior::uniform(0.0, 1.0));
        learn(&mut l, 0, 9);
        bits(&l)
    };
    let each: Vec<u64> = (1..=3).flat_map(only).collect();
    assert_eq!(each, bits(&together));
}

#[test]
fn a_saved_learner_goes_on_with_the_same_bits() {
    let mut whole = made(2, How::default());
    learn(&mut whole, 0, 12);
    for at in [0, 1, 6] {
        let mut first = made(1, How::default());
        learn(&mut first, 0, at);
        let bytes = first.save();
        let how = How { whole: at == 6, ..How::default() };
        let model = Precession { how, ..first.model().clone() };
        let load =
            |bytes: &[u8]| Learner::load(model.clone(), bytes, LearnIo::default(), Arc::new(Pool::new(2).unwrap()));
        let mut second = load(&bytes).unwrap();
        assert_eq!(bits(&second), bits(&first));
        learn(&mut second, at, 12);
        assert_eq!(bits(&second), bits(&whole), "saved after {at}");
        assert_eq!(second.save(), whole.save());
        for cut in [0, 10, bytes.len() / 2, bytes.len() - 1] {
            assert_eq!(load(&bytes[..cut]).err().map(|e| e.code()), Some(catena::Code::Checkpoint));
        }
    }
    let foreign = catena::model::seal(&"something else");
    assert!(
        Learner::load(
            made(1, How::default()).model().clone(),
            &foreign,
            LearnIo::default(),
            Arc::new(Pool::new(1).unwrap())
        )
        .is_err()
    );
}

/// The loop as one call is the loop by hand.
#[test]
fn a_loop_is_its_steps() {
    let design = Design::Guess { time: 0, guesses: vec![], scale: 1.0, most: 200.0, template: vec![0.0] };
    let outcome = |one: &Experiments, k: u32| vec![f64::from(u8::from((one.get(0, 0) + f64::from(k)).sin() > 0.0))];
    let mut whole = made(2, How::default());
    let taken = whole.learn(15, &design, |one, k| Ok((k < 14).then(|| outcome(one, k)))).unwrap();
    assert_eq!(taken, 14);
    let mut by_hand = made(1, How::default());
    for k in 0..14 {
        let one = by_hand.design(&design, k).unwrap();
        assert!(one.get(0, 0) > 0.5 && one.get(0, 0) <= 200.0);
        by_hand.update(&outcome(&one, k), &one, 0).unwrap();
    }
    assert_eq!(bits(&by_hand), bits(&whole));
    let candidates = Experiments::by_name(whole.model().fields(), &[("t", &[1.0, 30.0, 200.0])]).unwrap();
    for criterion in [Criterion::Gain, Criterion::Risk] {
        let best = Design::Best { candidates: candidates.clone(), criterion, samples: 0 };
        assert_eq!(whole.learn(2, &best, |one, k| Ok(Some(outcome(one, k)))).unwrap(), 2);
    }
    let sparse = Design::Sparse { time: 0, scale: 2.0, template: vec![0.0] };
    assert_eq!(whole.design(&sparse, 3).unwrap().get(0, 0), 2.0 * 1.125 * 1.125 * 1.125);
}
