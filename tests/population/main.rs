//! Populations: equal bits however they are worked on, evidence, and verbs that do all or nothing.

mod failures;
#[path = "../common/in_process.rs"]
mod in_process;
mod parts;
mod ranks;
#[path = "../common/walkers.rs"]
mod walkers;

use catena::Error;
use catena::drive::Pool;
use catena::model::Threading;
use catena::particles::Resampling;
use catena::particles::resample::Scheme;
use catena::services::{Population, PopulationIo, PopulationOptions, TraceFailure, Which};
use std::sync::Arc;
use walkers::{ADD, MOVE, OBSERVE, PUT, SPLIT, Walkers, op};

type Walking = Population<Walkers>;

fn all(scheme: Scheme) -> Resampling {
    Resampling { count: None, scheme, ess_below: f64::INFINITY }
}

fn to(count: usize) -> Resampling {
    Resampling { count: Some(count), ..all(Scheme::Systematic) }
}

fn population(host: Walkers, options: PopulationOptions, threads: usize) -> Walking {
    Population::new(host, options, PopulationIo::default(), Arc::new(Pool::new(threads).unwrap())).unwrap()
}

fn seeded(seed: u64) -> Walking {
    population(Walkers::default(), PopulationOptions { seed, ..PopulationOptions::default() }, 2)
}

/// One of each verb that is for all sets alike.
fn go_on(p: &mut Walking) -> Result<(), Error> {
    p.apply(op(OBSERVE, 0.5))?;
    p.resample(Resampling { ess_below: 0.9, ..all(Scheme::Systematic) })?;
    p.apply(op(MOVE, 0.3))?;
    p.apply(op(OBSERVE, 0.7))?;
    p.resample(Resampling { count: Some(40), ..all(Scheme::Multinomial) })?;
    p.incorporate()?;
    p.diversify(op(SPLIT, 0.1))?;
    p.resample(Resampling { count: Some(30), ..all(Scheme::Ssp) })?;
    p.apply(op(OBSERVE, 0.2))?;
    p.collapse(0)?;
    p.reset_to_prior(to(25))?;
    p.likelihood_weight()?;
    p.resample(all(Scheme::Residual))?;
    p.apply(op(MOVE, 1.0))?;
    p.apply(op(OBSERVE, -0.3))?;
    p.resample(Resampling { count: Some(50), ..all(Scheme::Stratified) })?;
    p.apply(op(MOVE, 0.1))?;
    p.apply(op(OBSERVE, 0.1))
}

/// Everything that can be seen of a set, bit for bit.
fn seen(p: &mut Walking, set: u64) -> Vec<u64> {
    let count = p.set_size(set).unwrap();
    let mut seen = p.log_weights(set).unwrap().to_vec();
    for trace in 0..count {
        let mut x = [0.0];
        p.report(Which::One { set, trace }, 0, 1, &mut x).unwrap();
        seen.push(x[0]);
    }
    let place = p.set_ids().iter().position(|&id| id == set).unwrap();
    seen.push(p.log_evidences()[place]);
    seen.iter().map(|x| x.to_bits()).collect()
}

fn all_seen(p: &mut Walking) -> Vec<Vec<u64>> {
    p.set_ids().into_iter().map(|id| seen(p, id)).collect()
}

fn run(host: Walkers, threads: usize, init_set_id: u64, sets: usize) -> Walking {
    let mut p = population(host, PopulationOptions { seed: 7, init_set_id, ..PopulationOptions::default() }, threads);
    p.reinitialize(sets, 60).unwrap();
    go_on(&mut p).unwrap();
    p
}

#[test]
fn neither_threads_nor_other_sets_nor_the_driver_change_a_bit() {
    let three = all_seen(&mut run(Walkers::default(), 1, 1, 3));
    for threads in [2, 4] {
        assert_eq!(all_seen(&mut run(Walkers::default(), threads, 1, 3)), three, "{threads} threads");
    }
    let caller = Walkers { threading: Threading::Caller, ..Walkers::default() };
    assert_eq!(all_seen(&mut run(caller, 4, 1, 3)), three, "on the calling thread");
    let first = all_seen(&mut run(Walkers::default(), 2, 1, 1));
    let others = all_seen(&mut run(Walkers::default(), 2, 2, 2));
    assert_eq!([first, others].concat(), three, "1 set and 2 sets");
}

#[test]
fn operations_in_place_have_the_bits_of_those_on_copies() {
    let mut keep = run(Walkers::default(), 2, 1, 2);
    let options = PopulationOptions { seed: 7, on_failure: TraceFailure::Lose, ..PopulationOptions::default() };
    let mut lose = population(Walkers::default(), options, 2);
    lose.reinitialize(2, 60).unwrap();
    go_on(&mut lose).unwrap();
    assert_eq!(all_seen(&mut lose), all_seen(&mut keep));
}

#[test]
fn a_grown_set_is_what_it_would_have_been() {
    let expected = all_seen(&mut run(Walkers::default(), 2, 1, 5));
    let mut p = run(Walkers::default(), 2, 1, 2);
    let before = all_seen(&mut p);
    assert_eq!(p.grow_iid(2).unwrap(), 3);
    assert_eq!(p.grow_iid(1).unwrap(), 5);
    assert_eq!(all_seen(&mut p), expected);
    assert_eq!(all_seen(&mut p)[..2], before);
    // Dropped ones don't come back, and what remains goes on as before.
    p.drop_ids(&[2, 4]).unwrap();
    p.drop_last(1).unwrap();
    assert_eq!((p.set_ids(), p.grow_iid(1).unwrap()), (vec![1, 3], 6));
    assert_eq!(seen(&mut p, 3), expected[2]);
    assert_eq!(seen(&mut p, 6), all_seen(&mut run(Walkers::default(), 1, 6, 1))[0]);
    let error = p.set_size(4).unwrap_err().to_string();
    assert!(error.contains("'set'") && error.contains("(1, 3, 6)") && error.ends_with("got 4"), "{error}");
}

#[test]
fn begun_anew_it_is_the_same_again_unless_the_seed_is_another() {
    let mut p = run(Walkers::default(), 2, 1, 2);
    let before = all_seen(&mut p);
    p.reinitialize(2, 60).unwrap();
    go_on(&mut p).unwrap();
    assert_eq!(all_seen(&mut p), before);
    p.set_seed(8);
    p.reinitialize(2, 60).unwrap();
    go_on(&mut p).unwrap();
    assert_ne!(all_seen(&mut p), before);
}

#[test]
fn a_loaded_population_goes_on_with_the_same_bits() {
    let mut whole = run(Walkers::default(), 2, 1, 3);
    let mut p = run(Walkers::default(), 2, 1, 2);
    let bytes = p.save().unwrap();
    drop(p);
    let load = |bytes: &[u8]| {
        let pool = Arc::new(Pool::new(3).unwrap());
        Population::load(Walkers::default(), bytes, PopulationIo::default(), pool)
    };
    let mut p = load(&bytes).unwrap();
    p.grow_iid(1).unwrap();
    for p in [&mut whole, &mut p] {
        go_on(p).unwrap();
    }
    assert_eq!(all_seen(&mut p), all_seen(&mut whole));
    let mut x = [[0.0; 6]; 2];
    for (p, x) in [&mut whole, &mut p].into_iter().zip(&mut x) {
        p.sample(Which::EachSet, 0, 2, x).unwrap();
    }
    assert_eq!(x[0].map(f64::to_bits), x[1].map(f64::to_bits));
    for length in (0..bytes.len()).step_by(7) {
        assert!(load(&bytes[..length]).is_err(), "cut to {length} bytes");
    }
    for at in (0..bytes.len()).step_by(11) {
        let mut bad = bytes.clone();
        bad[at] ^= 4;
        assert!(load(&bad).is_err(), "byte {at} changed");
    }
}

#[test]
fn resampling_keeps_evidence_and_copies_no_more_than_it_must() {
    for scheme in Scheme::ALL {
        let mut p = population(
            Walkers::default(),
            PopulationOptions { seed: 3, genealogy: true, ..PopulationOptions::default() },
            2,
        );
        p.reinitialize(3, 100).unwrap();
        p.apply(op(OBSERVE, 1.5)).unwrap();
        let before = p.log_evidences();
        for count in [100, 37, 250] {
            let (copies, sets) = (p.copies(), p.set_ids());
            p.resample(Resampling { count: Some(count), scheme, ess_below: f64::INFINITY }).unwrap();
            let distinct: usize = sets
                .iter()
                .map(|&set| {
                    let counts = p.genealogy(set).unwrap().unwrap().distinct_ancestors();
                    counts[counts.len() - 2]
                })
                .sum();
            assert_eq!(p.copies() - copies, (3 * count - distinct) as u64, "{scheme}");
            assert_eq!(p.host().live.load(std::sync::atomic::Ordering::Relaxed), 3 * count as i64);
            for (after, before) in p.log_evidences().iter().zip(&before) {
                assert!((after - before).abs() < 1e-13, "{scheme}: {after} after {before}");
            }
        }
    }
}

#[test]
fn a_threshold_resamples_the_sets_that_need_it() {
    let mut p = seeded(4);
    p.reinitialize(2, 10).unwrap();
    p.set_log_weights(1, &[0.0; 10]).unwrap();
    let mut uneven = [-50.0; 10];
    uneven[3] = 0.0;
    p.set_log_weights(2, &uneven).unwrap();
    let before = seen(&mut p, 1);
    p.resample(Resampling { ess_below: 0.5, ..all(Scheme::Systematic) }).unwrap();
    assert_eq!(seen(&mut p, 1), before);
    assert_eq!((p.ess(2).unwrap(), p.copies()), (10.0, 9));
}

/// Evidence of y_t ~ N(x_t, 1), x_0 ~ N(0, 1), x_t ~ N(x_{t-1}, 0.8²), by a Kalman filter.
fn exact(ys: &[f64]) -> f64 {
    let (mut mean, mut variance, mut log) = (0.0, 1.0, 0.0);
    for (t, y) in ys.iter().enumerate() {
        variance += if t > 0 { 0.64 } else { 0.0 };
        let total: f64 = variance + 1.0;
        log -= 0.5 * ((2.0 * std::f64::consts::PI * total).ln() + (y - mean) * (y - mean) / total);
        let gain = variance / total;
        mean += gain * (y - mean);
        variance *= 1.0 - gain;
    }
    log
}

/// 200 replications of a filter, and of weighting alone: the mean of the estimates within 4 of its standard errors.
#[test]
fn evidence_is_that_of_the_kalman_filter() {
    const YS: [f64; 6] = [0.3, 1.1, 0.9, -0.4, 0.2, 1.7];
    for (scheme, sd) in Scheme::ALL.into_iter().map(|scheme| (Some(scheme), 0.8)).chain([(None, 0.0)]) {
        let mut p = seeded(11);
        p.reinitialize(200, 50).unwrap();
        let mut log_exact = exact(&YS);
        for (t, &y) in YS.iter().enumerate() {
            if t > 0 && scheme.is_some() {
                p.apply(op(MOVE, sd)).unwrap();
            }
            p.apply(op(OBSERVE, y)).unwrap();
            if let Some(scheme) = scheme {
                p.resample(Resampling { ess_below: 0.7, ..all(scheme) }).unwrap();
            }
        }
        if scheme.is_none() {
            // Conjugate: one x for all observations.
            let (n, sum, squares) = (6.0, YS.iter().sum::<f64>(), YS.iter().map(|y| y * y).sum::<f64>());
            log_exact =
                -0.5 * (n * (2.0 * std::f64::consts::PI).ln() + (n + 1.0f64).ln() + squares - sum * sum / (n + 1.0));
        }
        let e = p.evidence();
        let ratio = (e.log_estimate - log_exact).exp();
        assert!((ratio - 1.0).abs() < 4.0 * e.standard_error * ratio, "{scheme:?}: {e:?}, exact {log_exact}");
        assert!(e.standard_error < 0.1, "{e:?}");
    }
}

#[test]
fn merged_traces_are_drawn_by_weight_and_weigh_together() {
    const SETS: usize = 4000;
    let mut p = seeded(5);
    p.reinitialize(SETS, 4).unwrap();
    p.apply(op(PUT, 0.5)).unwrap();
    for set in p.set_ids() {
        p.on_trace(set, 1, &op(PUT, 0.75)).unwrap();
        p.on_trace(set, 2, &op(PUT, 3.0)).unwrap();
        p.on_trace(set, 3, &op(PUT, 0.25)).unwrap();
        p.set_log_weights(set, &[1f64.ln(), 3f64.ln(), 5f64.ln(), f64::NEG_INFINITY]).unwrap();
    }
    let bytes = p.save().unwrap();
    p.collapse(0).unwrap();
    let mut x = vec![0.0; 2 * SETS];
    p.report(Which::All, 0, 1, &mut x).unwrap();
    let second = x.chunks(2).filter(|pair| pair[0] == 0.75).count() as f64 / SETS as f64;
    assert!(x.chunks(2).all(|pair| (pair[0] == 0.75 || pair[0] == 0.5) && pair[1] == 3.0));
    // 4 standard errors of a proportion of 3/4.
    assert!((second - 0.75).abs() < 4.0 * (0.75 * 0.25 / SETS as f64).sqrt(), "{second}");
    let weights = p.log_weights(1).unwrap();
    assert!((weights[0] - 4f64.ln()).abs() < 1e-15 && weights[1] == 5f64.ln());

    let pool = Arc::new(Pool::new(2).unwrap());
    let mut p = Population::load(Walkers::default(), &bytes, PopulationIo::default(), pool).unwrap();
    p.collapse_map(0).unwrap();
    p.report(Which::All, 0, 1, &mut x).unwrap();
    assert!(x.chunks(2).all(|pair| pair == [0.75, 3.0]));
    assert_eq!(p.log_weights(1).unwrap(), [3f64.ln(), 5f64.ln()]);
}

#[test]
fn each_place_alone_is_a_draw_from_the_weights() {
    const SETS: usize = 3000;
    for scheme in Scheme::ALL {
        let mut p = seeded(6);
        p.reinitialize(SETS, 3).unwrap();
        for set in p.set_ids() {
            for trace in 0..3 {
                p.on_trace(set, trace, &op(PUT, trace as f64)).unwrap();
            }
            p.set_log_weights(set, &[0.2f64.ln(), 0.3f64.ln(), 0.5f64.ln()]).unwrap();
        }
        p.resample(Resampling { count: Some(4), ..all(scheme) }).unwrap();
        let mut x = vec![0.0; SETS];
        p.report(Which::EachSet, 0, 1, &mut x).unwrap();
        for (value, w) in [(0.0, 0.2f64), (1.0, 0.3), (2.0, 0.5)] {
            let share = x.iter().filter(|&&x| x == value).count() as f64 / SETS as f64;
            assert!((share - w).abs() < 4.0 * (w * (1.0 - w) / SETS as f64).sqrt(), "{scheme}: {share} of {w}");
        }
    }
}

#[test]
fn weights_go_out_and_come_in() {
    let mut p = seeded(1);
    p.reinitialize(2, 2).unwrap();
    p.apply(op(ADD, -1e5)).unwrap();
    p.on_trace(2, 0, &op(ADD, 3f64.ln())).unwrap();
    assert_eq!(p.log_evidences()[0], -1e5);
    assert_eq!(p.normalized_weights(1).unwrap(), [0.5, 0.5]);
    let close = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-9);
    assert!(close(&p.normalized_weights(2).unwrap(), &[0.75, 0.25]));
    assert!(close(&p.pooled_weights(), &[1.0 / 6.0, 1.0 / 6.0, 0.5, 1.0 / 6.0]));
    let mut x = [0.0; 8];
    p.for_each(op(PUT, 2.0), 0, 2, &mut x).unwrap();
    assert_eq!(x, [2.0, 4.0, 2.0, 4.0, 2.0, 4.0, 2.0, 4.0]);
    // Set anew, the mean weight is the evidence.
    p.set_log_weights(2, &[2f64.ln(), 4f64.ln()]).unwrap();
    assert!((p.log_evidences()[1] - 3f64.ln()).abs() < 1e-15);
    // What was done to all sets alike and what was not.
    let error = p.grow_iid(1).unwrap_err().to_string();
    assert!(error.contains("no sets can be grown: step 2"), "{error}");
    p.clear_history();
    let error = p.grow_iid(1).unwrap_err().to_string();
    assert!(error.contains("first 4 steps was cleared"), "{error}");
    p.reinitialize(1, 2).unwrap();
    p.grow_iid(1).unwrap();
}
