//! A population whose host fails, or is given what cannot be: words that name set and trace, all as before, nothing leaked.

use crate::walkers::{ADD, MOVE, OBSERVE, PANIC, PUT, REJECT_ABOVE, SPLIT, Walkers, op};
use catena::drive::Pool;
use catena::io::{Interrupt, Level, Logger};
use catena::model::Threading;
use catena::particles::Resampling;
use catena::particles::resample::Scheme;
use catena::services::{Population, PopulationIo, PopulationOptions, TraceFailure, Which};
use catena::{Code, Error};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

type Walking = Population<Walkers>;

const ALL: Resampling = Resampling { count: None, scheme: Scheme::Systematic, ess_below: f64::INFINITY };

fn made(host: Walkers, on_failure: TraceFailure, io: PopulationIo) -> Result<Walking, Error> {
    let options = PopulationOptions { seed: 2, on_failure, ..PopulationOptions::default() };
    Population::new(host, options, io, Arc::new(Pool::new(2).unwrap()))
}

fn population(host: Walkers, on_failure: TraceFailure) -> Walking {
    let mut p = made(host, on_failure, PopulationIo::default()).unwrap();
    p.reinitialize(2, 6).unwrap();
    p.apply(op(OBSERVE, 1.0)).unwrap();
    p
}

/// Weights and positions of all traces, by set, bit for bit.
fn seen(p: &mut Walking) -> Vec<(u64, Vec<u64>, Vec<u64>)> {
    let ids = p.set_ids();
    let mut all = Vec::new();
    for id in ids {
        let weights = p.log_weights(id).unwrap().iter().map(|w| w.to_bits()).collect();
        let count = p.set_size(id).unwrap();
        let xs = (0..count).map(|trace| {
            let mut x = [0.0];
            p.report(Which::One { set: id, trace }, 0, 1, &mut x).unwrap();
            x[0].to_bits()
        });
        all.push((id, weights, xs.collect()));
    }
    all
}

/// A verb and its name.
type Verb = (&'static str, fn(&mut Walking) -> Result<(), Error>);

const VERBS: [Verb; 12] = [
    ("apply", |p| p.apply(op(MOVE, 1.0))),
    ("incorporate", |p| p.incorporate()),
    ("likelihood_weight", |p| p.likelihood_weight()),
    ("resample", |p| p.resample(Resampling { count: Some(20), ..ALL })),
    ("block_resample", |p| p.block_resample(&[3, 12], ALL)),
    ("reset_to_prior", |p| p.reset_to_prior(ALL)),
    ("diversify", |p| p.diversify(op(SPLIT, 1.0))),
    ("collapse", |p| p.collapse(0)),
    ("grow_iid", |p| p.grow_iid(2).map(drop)),
    ("on_trace", |p| p.on_trace(2, 3, &op(MOVE, 1.0)).map(drop)),
    ("save", |p| p.save().map(drop)),
    ("reinitialize", |p| p.reinitialize(3, 5)),
];

/// Each verb with each of its calls failing once: an error, the population as before, and as many traces as before; then
/// the verb does what it would have done without.
#[test]
fn a_call_that_fails_leaves_all_as_it_was() {
    for threading in [Threading::Any, Threading::Caller] {
        for (name, verb) in VERBS {
            let mut undisturbed = population(Walkers { threading, ..Walkers::default() }, TraceFailure::Keep);
            let before_calls = undisturbed.host().calls.load(Ordering::Relaxed);
            verb(&mut undisturbed).unwrap();
            let calls = undisturbed.host().calls.load(Ordering::Relaxed) - before_calls;
            let after = seen(&mut undisturbed);
            assert!(calls > 0, "{name} calls the host");

            let mut p = population(Walkers { threading, ..Walkers::default() }, TraceFailure::Keep);
            let before = seen(&mut p);
            let live = p.host().live.load(Ordering::Relaxed);
            for k in 1..=calls {
                let fail_at = p.host().calls.load(Ordering::Relaxed) + k;
                p.host().fail_at.store(fail_at, Ordering::Relaxed);
                let error = verb(&mut p).unwrap_err();
                let text = error.to_string();
                assert_eq!(error.code(), Code::Model, "{name}: {text}");
                assert!(text.starts_with("set ") && text.contains(", trace "), "{name}: {text}");
                assert!(text.contains("it failed; it says: told to fail"), "{name}: {text}");
                assert!(error.set().is_some() && error.particle().is_some());
                p.host().fail_at.store(0, Ordering::Relaxed);
                assert_eq!(seen(&mut p), before, "{name}, call {k}");
                assert_eq!(p.host().live.load(Ordering::Relaxed), live, "{name}, call {k}");
            }
            verb(&mut p).unwrap();
            assert_eq!(seen(&mut p), after, "{name}");
            let live = Arc::clone(&p.host().live);
            drop(p);
            assert_eq!(live.load(Ordering::Relaxed), 0, "{name}");
        }
    }
}

#[test]
fn the_first_of_several_failures_is_the_one_that_is_told() {
    for threads in [1, 2, 4] {
        for _ in 0..20 {
            let pool = Arc::new(Pool::new(threads).unwrap());
            let options = PopulationOptions::default();
            let mut p = Population::new(Walkers::default(), options, PopulationIo::default(), pool).unwrap();
            p.reinitialize(3, 50).unwrap();
            let error = p.apply(op(ADD, f64::NAN)).unwrap_err();
            let words =
                "set 1, trace 0: operation 3: it failed; it says: expected a log weight below infinity, got NaN";
            assert_eq!(error.to_string(), words);
        }
    }
    let mut p = population(Walkers::default(), TraceFailure::Keep);
    let error = p.on_trace(2, 4, &op(ADD, f64::INFINITY)).unwrap_err().to_string();
    assert!(error.starts_with("set 2, trace 4: operation 3") && error.ends_with("got inf"), "{error}");
    let error = p.apply(op(PANIC, 0.0)).unwrap_err();
    assert_eq!(error.code(), Code::Internal);
    assert!(error.to_string().starts_with("set 1, trace 0: operation 7: a panic was caught: walker 0 of set 1"));
}

#[test]
fn a_rejected_trace_has_weight_zero() {
    let mut p = population(Walkers::default(), TraceFailure::Keep);
    p.apply(op(PUT, 0.0)).unwrap();
    p.on_trace(1, 2, &op(PUT, 5.0)).unwrap();
    let before = p.log_weights(1).unwrap().to_vec();
    p.apply(op(REJECT_ABOVE, 1.0)).unwrap();
    let after = p.log_weights(1).unwrap();
    for i in 0..6 {
        assert_eq!(after[i], if i == 2 { f64::NEG_INFINITY } else { before[i] });
    }
    p.resample(ALL).unwrap();
    let mut x = [9.0; 12];
    p.report(Which::All, 0, 1, &mut x).unwrap();
    assert_eq!(x, [0.0; 12]);
}

/// Collects warnings.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

impl Logger for Heard {
    fn log(&self, level: Level, _chain: Option<u64>, line: &str) {
        if level == Level::Warning {
            self.0.lock().unwrap().push(line.to_string());
        }
    }
}

#[test]
fn where_traces_may_be_lost_they_are_dropped_with_a_warning() {
    let heard = Heard::default();
    let io = PopulationIo { logger: Box::new(heard.clone()), ..PopulationIo::default() };
    let host = Walkers { threading: Threading::Caller, cannot_copy: true, ..Walkers::default() };
    let mut p = made(host, TraceFailure::Lose, io).unwrap();
    p.reinitialize(2, 4).unwrap();
    let call = p.host().calls.load(Ordering::Relaxed) + 6;
    p.host().fail_at.store(call, Ordering::Relaxed);
    p.apply(op(PUT, 2.0)).unwrap();
    let words = "set 2, trace 1: operation 4: it failed; it says: told to fail; the trace is lost, its weight zero";
    assert_eq!(*heard.0.lock().unwrap(), [words]);
    assert_eq!(p.host().live.load(Ordering::Relaxed), 7);
    assert_eq!(p.log_weights(2).unwrap(), [0.0, f64::NEG_INFINITY, 0.0, 0.0]);
    assert!((p.log_evidences()[1] - 0.75f64.ln()).abs() < 1e-15);
    let mut x = [0.0; 8];
    p.report(Which::All, 0, 1, &mut x).unwrap();
    assert!(x.iter().enumerate().all(|(i, x)| if i == 5 { x.is_nan() } else { *x == 2.0 }), "{x:?}");
    let error = p.on_trace(2, 1, &op(PUT, 1.0)).unwrap_err().to_string();
    assert!(error.contains("got 1, which was lost"), "{error}");
    let error = p.set_log_weights(2, &[0.0; 4]).unwrap_err().to_string();
    assert!(error.starts_with("set 2, trace 1: argument 'log_weights': expected -inf"), "{error}");
    // What is lost stays so, in a saved population too, and goes with the next resampling.
    p.apply(op(PUT, 3.0)).unwrap();
    let bytes = p.save().unwrap();
    let pool = Arc::new(Pool::new(1).unwrap());
    let p2 = Population::load(Walkers::default(), &bytes, PopulationIo::default(), pool).unwrap();
    assert!(p2.trace(2, 1).is_err() && p2.trace(2, 2).unwrap().x == 3.0);
    // Three parents of equal weight, of which one has to serve twice: not without copies.
    let error = p.resample(ALL).unwrap_err().to_string();
    assert!(error.starts_with("set 2: the traces cannot be copied"), "{error}");
    p.block_resample(&[4, 2], ALL).unwrap();
    assert_eq!((p.host().live.load(Ordering::Relaxed), p.set_size(2).unwrap()), (6, 2));
    // Traces that can't be copied can't be left as they were.
    let host = Walkers { cannot_copy: true, ..Walkers::default() };
    let error = made(host, TraceFailure::Keep, PopulationIo::default()).err().unwrap().to_string();
    assert!(error.contains("'on_trace_failure'") && error.contains("cannot be copied"), "{error}");
}

/// All weights zero: -inf and a status of its own, no NaN, and traces that can be read.
#[test]
fn when_all_are_lost_nothing_is_made_up() {
    for count in [8, 1] {
        let mut p = population(Walkers::default(), TraceFailure::Keep);
        p.reinitialize(2, count).unwrap();
        p.apply(op(ADD, 0.0)).unwrap();
        p.on_trace(1, 0, &op(ADD, -1.0)).unwrap();
        for trace in 0..count {
            p.on_trace(2, trace, &op(ADD, f64::NEG_INFINITY)).unwrap();
        }
        let before = seen(&mut p);
        assert_eq!(p.log_evidences()[1], f64::NEG_INFINITY);
        assert_eq!((p.ess(2).unwrap(), p.normalized_weights(2).unwrap()), (0.0, vec![0.0; count]));
        let error = p.resample(ALL).unwrap_err();
        assert_eq!((error.code(), error.set()), (Code::AllLost, Some(2)));
        assert!(error.to_string().starts_with("set 2: all weights are zero"), "{error}");
        assert_eq!(seen(&mut p), before);
        // More increments don't bring them back.
        p.apply(op(ADD, 5.0)).unwrap();
        assert!(p.log_weights(2).unwrap().iter().all(|w| *w == f64::NEG_INFINITY));
        let e = p.evidence();
        assert!(e.log_estimate.is_finite() && !e.standard_error.is_nan(), "{e:?}");
        p.drop_ids(&[1]).unwrap();
        assert_eq!(p.evidence().log_estimate, f64::NEG_INFINITY);
        p.load_again();
    }
}

trait LoadAgain {
    /// A population whose last step lost all can be saved and read.
    fn load_again(&mut self);
}

impl LoadAgain for Walking {
    fn load_again(&mut self) {
        let bytes = self.save().unwrap();
        let pool = Arc::new(Pool::new(1).unwrap());
        let mut again = Population::load(Walkers::default(), &bytes, PopulationIo::default(), pool).unwrap();
        assert_eq!(seen(&mut again), seen(self));
    }
}

#[test]
fn what_cannot_be_is_refused_with_words() {
    let mut p = population(Walkers::default(), TraceFailure::Keep);
    let before = seen(&mut p);
    let words = |result: Result<(), Error>| {
        let error = result.unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument, "{error}");
        error.to_string()
    };
    let none = Resampling { count: Some(0), ..ALL };
    let mut x = [0.0; 3];
    for (error, parts) in [
        (words(p.block_resample(&[1, 2, 3], ALL)), ["'counts'", "2 counts", "got 3"]),
        (words(p.block_resample(&[1, 0], ALL)), ["set 2", "'count'", "got 0"]),
        (words(p.resample(none)), ["'count'", "1 to 4294967295", "got 0"]),
        (words(p.set_log_weights(1, &[0.0])), ["set 1", "6 numbers", "got 1"]),
        (words(p.set_log_weights(1, &[0.0, 0.0, f64::NAN, 0.0, 0.0, 0.0])), ["set 1, trace 2", "infinity", "NaN"]),
        (words(p.set_log_weights(3, &[])), ["'set'", "(1, 2)", "got 3"]),
        (words(p.on_trace(1, 6, &op(PUT, 0.0)).map(drop)), ["'trace'", "0 to 5", "got 6"]),
        (words(p.report(Which::All, 0, 1, &mut x)), ["'out'", "12 traces", "got 3"]),
        (words(p.drop_last(2)), ["'k'", "fewer than the 2", "got 2"]),
        (words(p.drop_ids(&[1, 1])), ["'ids'", "once", "got 1"]),
        (words(p.drop_ids(&[1, 2])), ["'ids'", "fewer than", "got 2"]),
        (words(p.drop_ids(&[7])), ["'set'", "(1, 2)", "got 7"]),
        (words(p.reinitialize(0, 1)), ["'n_sets'", "at least 1", "got 0"]),
        (words(p.reinitialize(1, 0)), ["'n_particles'", "at least 1", "got 0"]),
        (words(p.reinitialize(usize::MAX, 1)), ["'init_set_id'", "room", "got 1"]),
    ] {
        assert!(parts.iter().all(|part| error.contains(part)), "{error}: {parts:?}");
    }
    assert_eq!(seen(&mut p), before);
}

/// Says yes once its flag is set.
struct Flag(Arc<AtomicBool>);

impl Interrupt for Flag {
    fn requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

#[test]
fn an_interrupt_ends_a_step_that_leaves_no_trace() {
    for threading in [Threading::Any, Threading::Caller] {
        let flag = Arc::new(AtomicBool::new(false));
        let reported = Arc::new(AtomicI64::new(0));
        let (set, seen_by_progress) = (Arc::clone(&flag), Arc::clone(&reported));
        let io = PopulationIo {
            interrupt: Box::new(Flag(Arc::clone(&flag))),
            progress: Some(Box::new(move |done, total| {
                assert!(done <= total);
                seen_by_progress.fetch_add(1, Ordering::Relaxed);
                if total == 400_000 {
                    set.store(true, Ordering::Relaxed);
                }
            })),
            ..PopulationIo::default()
        };
        let mut p = made(Walkers { threading, ..Walkers::default() }, TraceFailure::Keep, io).unwrap();
        p.reinitialize(2, 200_000).unwrap_err();
        assert_eq!((p.set_ids(), p.set_size(1).unwrap()), (vec![1], 1), "begun anew: interrupted");
        assert!(reported.load(Ordering::Relaxed) > 0);
        assert_eq!(p.host().live.load(Ordering::Relaxed), 1);
        let error = p.apply(op(MOVE, 1.0)).unwrap_err();
        assert_eq!(error.code(), Code::Interrupted);
        assert!(error.to_string().contains("as it was before"), "{error}");
        flag.store(false, Ordering::Relaxed);
        p.apply(op(MOVE, 1.0)).unwrap();
        assert_eq!(p.generation(), 1);
    }
}

#[test]
fn more_traces_than_memory_holds_are_refused() {
    let mut p = population(Walkers::default(), TraceFailure::Keep);
    let before = seen(&mut p);
    let error = p.reinitialize(1 << 30, 1 << 30).unwrap_err();
    assert_eq!(error.argument_name(), Some("n_particles"));
    assert!(error.to_string().contains("1073741824 in each of 1073741824 sets, which takes"), "{error}");
    assert_eq!(seen(&mut p), before);
}
