//! Populations over ranks: the bits of one process on all of them, failures told to all, nobody waits for ever.

use super::in_process::{Counted, TIME_OUT, on_ranks};
use super::{Walking, all, go_on, to};
use crate::walkers::{ADD, MOVE, OBSERVE, PUT, REJECT_ABOVE, Walkers, op};
use catena::drive::{InProcess, Pool};
use catena::model::{Communicator, Threading};
use catena::particles::resample::Scheme;
use catena::services::{Population, PopulationIo, PopulationOptions, PopulationSpread, TraceFailure, Which};
use catena::{Code, Error};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

const SETS: PopulationSpread = PopulationSpread::Sets;
const TRACES: PopulationSpread = PopulationSpread::Traces;
pub const SPREADS: [PopulationSpread; 2] = [SETS, TRACES];

pub fn pool() -> Arc<Pool> {
    Arc::new(Pool::new(2).unwrap())
}

pub fn io(rank: Option<InProcess>) -> PopulationIo {
    PopulationIo { communicator: rank.map(|rank| Box::new(rank) as _), ..PopulationIo::default() }
}

/// `sets` of `traces` each, over ranks or not.
pub fn begun_as(host: Walkers, on_failure: TraceFailure, io: PopulationIo, sets: usize, traces: usize) -> Walking {
    let options = PopulationOptions { seed: 7, genealogy: true, on_failure, ..PopulationOptions::default() };
    let mut p = Population::new(host, options, io, pool()).unwrap();
    p.reinitialize(sets, traces).unwrap();
    p
}

fn begun(host: Walkers, on_failure: TraceFailure, rank: Option<InProcess>) -> Walking {
    begun_as(host, on_failure, io(rank), 5, 30)
}

/// All that can be seen of a population, bit for bit.
pub fn seen(p: &mut Walking) -> Vec<u64> {
    let mut values = vec![0.0; 2 * p.count(Which::All)];
    p.report(Which::All, 0, 2, &mut values).unwrap();
    let evidence = p.evidence();
    values.extend([evidence.log_estimate, evidence.standard_error, p.copies() as f64]);
    values.extend(p.pooled_weights());
    for id in p.set_ids() {
        values.extend([id as f64, p.ess(id).unwrap(), p.log_evidence(id).unwrap()]);
        values.extend(p.log_weights(id).unwrap());
        let genealogy = p.genealogy(id).unwrap().unwrap();
        values.extend(genealogy.distinct_ancestors().iter().map(|&count| count as f64));
        values.extend(genealogy.ancestors(0).iter().map(|&i| f64::from(i)));
    }
    values.iter().map(|x| x.to_bits()).collect()
}

/// Every verb; what can be seen and drawn in the end, and the bytes.
pub fn everything(p: &mut Walking) -> (Vec<u64>, Vec<u8>) {
    go_on(p).unwrap();
    assert_eq!(p.grow_iid(4).unwrap(), 6);
    p.drop_last(2).unwrap();
    p.drop_ids(&[2, 5]).unwrap();
    p.grow_iid(1).unwrap();
    p.block_resample(&[10, 20, 30, 5, 7, 9], all(Scheme::Residual)).unwrap();
    let mut values = vec![0.0; p.count(Which::All)];
    p.for_each(op(MOVE, 0.4), 0, 1, &mut values).unwrap();
    let mut drawn = vec![0.0; 2 * p.count(Which::EachSet)];
    p.sample(Which::EachSet, 0, 2, &mut drawn).unwrap();
    let mut one = [0.0; 5];
    p.report(Which::Distinguished, 0, 2, &mut one[..2]).unwrap();
    p.report(Which::One { set: 4, trace: 3 }, 0, 2, &mut one[2..4]).unwrap();
    one[4] = p.on_trace(6, 2, &op(ADD, -0.75)).unwrap();
    p.set_log_weights(7, &[0.25; 7]).unwrap();
    p.collapse_map(1).unwrap();
    p.apply(op(OBSERVE, 0.6)).unwrap();
    let bits = values.iter().chain(&drawn).chain(&one).map(|x| x.to_bits());
    (bits.chain(seen(p)).collect(), p.save().unwrap())
}

#[test]
fn any_number_of_ranks_has_the_bits_of_one_process() {
    for on_failure in [TraceFailure::Keep, TraceFailure::Lose] {
        let expected = everything(&mut begun(Walkers::default(), on_failure, None));
        for (spread, size) in [(SETS, 1), (SETS, 2), (SETS, 3), (SETS, 4), (TRACES, 1), (TRACES, 3)] {
            let calls = on_ranks(size, TIME_OUT, |rank| {
                let threading = if rank.rank() == 1 { Threading::Caller } else { Threading::Any };
                let io = PopulationIo { spread, ..io(Some(rank)) };
                let mut p = begun_as(Walkers { threading, ..Walkers::default() }, on_failure, io, 5, 30);
                assert!(everything(&mut p) == expected, "{size} ranks by {spread:?}, {on_failure:?}");
                p.host().calls.load(Relaxed)
            });
            // Each does its part, no more.
            let (all, most) = (calls.iter().sum::<usize>(), calls.iter().max().unwrap());
            assert!(*most <= all.div_ceil(size) + all / 4, "calls of {size} ranks: {calls:?}");
        }
    }
}

#[test]
fn a_saved_population_goes_on_over_any_number_of_ranks() {
    let (_, bytes) = everything(&mut begun(Walkers::default(), TraceFailure::Keep, None));
    let go_on = |rank: Option<InProcess>, spread| {
        let io = PopulationIo { spread, ..io(rank) };
        let mut p = Population::load(Walkers::default(), &bytes, io, pool()).unwrap();
        go_on(&mut p).unwrap();
        (seen(&mut p), p.save().unwrap())
    };
    let expected = go_on(None, SETS);
    for (size, spread) in [2, 3].into_iter().flat_map(|size| SPREADS.map(|spread| (size, spread))) {
        on_ranks(size, TIME_OUT, |rank| assert!(go_on(Some(rank), spread) == expected, "{size} ranks by {spread:?}"));
    }
    // Other bytes on one of them.
    let errors = on_ranks(2, TIME_OUT, |rank| {
        let bytes = if rank.rank() == 1 { &bytes[..20] } else { &bytes };
        Population::load(Walkers::default(), bytes, io(Some(rank)), pool()).err().unwrap().to_string()
    });
    assert!(errors[0].starts_with("on rank 1: ") && errors[0] == format!("on rank 1: {}", errors[1]), "{errors:?}");
}

/// A verb and its name.
pub type Verb = (&'static str, fn(&mut Walking) -> Result<(), Error>);

pub const VERBS: [Verb; 9] = [
    ("apply", |p| p.apply(op(MOVE, 1.0))),
    ("resample", |p| p.resample(to(40))),
    ("reset_to_prior", |p| p.reset_to_prior(to(10))),
    ("diversify", |p| p.diversify(op(MOVE, 1.0))),
    ("collapse", |p| p.collapse(0)),
    ("grow_iid", |p| p.grow_iid(3).map(drop)),
    ("on_trace", |p| p.on_trace(2, 3, &op(MOVE, 1.0)).map(drop)),
    ("save", |p| p.save().map(drop)),
    ("reinitialize", |p| p.reinitialize(4, 5)),
];

#[test]
fn a_trace_that_fails_on_one_rank_fails_all_and_changes_nothing() {
    for (name, verb) in VERBS {
        let errors = on_ranks(3, TIME_OUT, |rank| {
            let here = rank.rank();
            let mut p = begun(Walkers::default(), TraceFailure::Keep, Some(rank));
            p.apply(op(OBSERVE, 1.0)).unwrap();
            let before = seen(&mut p);
            if here == 1 {
                p.host().fail_at.store(p.host().calls.load(Relaxed) + 2, Relaxed);
            }
            let error = verb(&mut p).unwrap_err();
            assert!(seen(&mut p) == before, "{name}: all as before");
            verb(&mut p).unwrap();
            (here, error)
        });
        let (_, first) = &errors[0];
        for (rank, error) in &errors {
            assert_eq!(error, first, "{name}: the words of rank {rank}");
        }
        // The second and the fifth set are those of rank 1; of grown ones the eighth, for rank 2 had fewest.
        assert!(
            first.set().is_some_and(|set| [2, 5, 8].contains(&set)) && first.particle().is_some(),
            "{name}: {first}"
        );
        assert!(first.to_string().contains("on rank 1: ") && first.to_string().contains("told to fail"), "{first}");
    }
}

#[test]
fn a_trace_that_is_lost_is_lost_alone() {
    let alone = |rank: Option<InProcess>| {
        let mut p = begun(Walkers::default(), TraceFailure::Lose, rank);
        p.on_trace(2, 1, &op(PUT, 9.0)).unwrap();
        p.apply(op(REJECT_ABOVE, 5.0)).unwrap();
        assert_eq!(p.log_weights(2).unwrap()[1], f64::NEG_INFINITY);
        seen(&mut p)
    };
    let expected = alone(None);
    on_ranks(2, TIME_OUT, |rank| assert!(alone(Some(rank)) == expected));
}

#[test]
fn arguments_that_differ_or_are_refused_are_told_to_all() {
    let words = on_ranks(3, TIME_OUT, |rank| {
        let here = rank.rank();
        let odd = here == 2;
        let mut p = begun(Walkers::default(), TraceFailure::Keep, Some(rank));
        let before = seen(&mut p);
        let calls = [
            p.apply(op(MOVE, if odd { 0.5 } else { 1.0 })),
            if odd { p.incorporate() } else { p.resample(to(5)) },
            p.drop_last(if odd { 50 } else { 2 }),
            p.block_resample(if odd { &[1, 2] } else { &[3; 5] }, all(Scheme::Systematic)),
        ];
        assert!(seen(&mut p) == before);
        // A trace is where its set is.
        let traces = [1, 2, 3].map(|set| p.trace(set, 0).map_err(|error| error.to_string()).is_ok());
        assert_eq!(traces, [0, 1, 2].map(|owner| owner == here), "traces of sets 1 to 3 on rank {here}");
        let elsewhere = p.trace((here as u64 + 1) % 3 + 1, 0).err().unwrap().to_string();
        assert!(elsewhere.contains(&format!("of rank {}", (here + 1) % 3)), "{elsewhere}");
        calls.map(|call| call.unwrap_err().to_string())
    });
    let parts = [
        "argument 'arguments': expected the same on all ranks, as checksum",
        "argument 'call': expected the same on all ranks, as resample on rank 0, got incorporate on rank 2",
        "argument 'k': on rank 2: expected fewer than the 5 sets there are, got 50",
        "argument 'counts': on rank 2: expected 5 counts, one per set, got 2",
    ];
    for (i, part) in parts.iter().enumerate() {
        assert!(words[0][i].contains(part) && words[0][i] == words[1][i] && words[0][i] == words[2][i], "{:?}", words);
    }
}

#[test]
fn a_rank_that_is_lost_is_named_and_nobody_waits() {
    let came = Barrier::new(3);
    let begun_at = Instant::now();
    let errors = on_ranks(3, Duration::from_millis(300), |rank| {
        let here = rank.rank();
        let mut p = begun(Walkers::default(), TraceFailure::Keep, Some(rank));
        came.wait();
        if here == 1 {
            return None;
        }
        let first = p.apply(op(MOVE, 1.0)).unwrap_err();
        // What is known of all sets can still be looked at; no rank is asked again.
        assert!(p.ess(2).unwrap() > 0.0);
        let again = p.resample(to(5)).unwrap_err();
        Some((first, again))
    });
    assert!(begun_at.elapsed() < TIME_OUT);
    for (first, again) in errors.into_iter().flatten() {
        assert_eq!((first.code(), again.code()), (Code::Communicator, Code::Communicator));
        assert!(first.to_string().contains("rank 1 did not answer") && first == again, "{first}; {again}");
    }
}

#[test]
fn an_interrupt_on_one_rank_ends_all() {
    struct Asks;
    impl catena::io::Interrupt for Asks {
        fn requested(&self) -> bool {
            true
        }
    }
    let codes = on_ranks(2, TIME_OUT, |rank| {
        let mut given = io(None);
        if rank.rank() == 1 {
            given.interrupt = Box::new(Asks);
        }
        given.communicator = Some(Box::new(rank));
        Population::new(Walkers::default(), PopulationOptions::default(), given, pool()).err().map(|error| error.code())
    });
    assert_eq!(codes, [Some(Code::Interrupted); 2]);
}

/// The rows of docs/cluster.md.
#[test]
fn what_moves_is_what_the_formulas_say() {
    const TRACES: usize = 500;
    for size in [2, 4, 8] {
        on_ranks(size, TIME_OUT, |rank| {
            let (counted, counts) = Counted::new(rank);
            let io = PopulationIo { communicator: Some(Box::new(counted)), ..PopulationIo::default() };
            let mut p = Population::new(Walkers::default(), PopulationOptions::default(), io, pool()).unwrap();
            p.reinitialize(2 * size, TRACES).unwrap();
            let mut moved = |f: &mut dyn FnMut(&mut Walking)| {
                counts.gathers_v();
                counts.gathers();
                f(&mut p);
                // Pulses, and how many bytes come next.
                assert!(counts.gathers().iter().all(|bytes| [8, 24].contains(bytes)));
                assert!(counts.sends().is_empty(), "whole sets stay where they are");
                counts.gathers_v()
            };
            let about =
                |bytes: usize, content: usize, sets: usize| (content..=content + 2 + 24 * sets).contains(&bytes);
            let steps: [&mut dyn FnMut(&mut Walking); 2] =
                [&mut |p| p.apply(op(MOVE, 1.0)).unwrap(), &mut |p| p.resample(all(Scheme::Systematic)).unwrap()];
            for step in steps {
                let bytes = moved(step);
                assert!(bytes.len() == 3 && bytes[0] < 350 && bytes[1] == 1, "{bytes:?}");
                assert!(about(bytes[2], 2 * 8 * TRACES, 2), "weights of two sets: {bytes:?}");
            }
            let mut values = vec![0.0; 3 * 2 * size * TRACES];
            let bytes = moved(&mut |p| p.report(Which::All, 0, 3, &mut values).unwrap());
            assert!(bytes.len() == 2 && bytes[0] < 350 && about(bytes[1], 2 * 3 * 8 * TRACES, 1), "{bytes:?}");
            let bytes = moved(&mut |p| assert!(p.ess(1).unwrap() > 0.0 && p.evidence().log_estimate.is_finite()));
            assert!(bytes.is_empty(), "whoever looks asks nobody");
        });
    }
}
