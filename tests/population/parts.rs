//! Sets in parts over ranks: few sets on many ranks, traces that move no more than they must, failures that change nothing.

use super::in_process::{Counted, TIME_OUT, on_ranks};
use super::ranks::{SPREADS, VERBS, begun_as, everything, io, pool, seen};
use super::{Walking, all, to};
use crate::walkers::{MOVE, OBSERVE, PUT, REJECT_ABOVE, SPLIT, Walkers, op};
use catena::Code;
use catena::drive::InProcess;
use catena::model::Communicator;
use catena::particles::Seats;
use catena::particles::resample::Scheme;
use catena::services::{Population, PopulationIo, PopulationOptions, PopulationSpread, TraceFailure};
use std::sync::atomic::Ordering::Relaxed;

const PARTS: PopulationSpread = PopulationSpread::Traces;

fn in_parts(rank: Option<InProcess>) -> PopulationIo {
    PopulationIo { spread: PARTS, ..io(rank) }
}

#[test]
fn one_set_in_parts_has_the_bits_of_one_process() {
    // The numbers of traces are no multiples of those of ranks, and at times smaller.
    let run = |io| {
        let mut p = begun_as(Walkers::default(), TraceFailure::Keep, io, 1, 203);
        p.apply(op(OBSERVE, 3.0)).unwrap();
        for scheme in [Scheme::Systematic, Scheme::Multinomial, Scheme::Residual, Scheme::Stratified, Scheme::Ssp] {
            p.resample(all(scheme)).unwrap();
            p.apply(op(MOVE, 0.2)).unwrap();
            p.apply(op(OBSERVE, 2.0)).unwrap();
        }
        p.diversify(op(SPLIT, 0.3)).unwrap();
        p.resample(to(3)).unwrap();
        p.diversify(op(SPLIT, 1.5)).unwrap();
        p.apply(op(OBSERVE, 1.0)).unwrap();
        p.resample(to(101)).unwrap();
        p.collapse_map(0).unwrap();
        p.resample(to(50)).unwrap();
        (seen(&mut p), p.save().unwrap())
    };
    let expected = run(io(None));
    for size in [2, 3, 5, 8] {
        on_ranks(size, TIME_OUT, |rank| assert!(run(in_parts(Some(rank))) == expected, "{size} ranks"));
    }
    // Larger parts are on other ranks for each set, whatever its id.
    let sets = |io| {
        let mut p = begun_as(Walkers::default(), TraceFailure::Lose, io, 5, 7);
        everything(&mut p)
    };
    let expected = sets(io(None));
    on_ranks(6, TIME_OUT, |rank| assert!(sets(in_parts(Some(rank))) == expected));
}

/// Of the seats of a set's next generation: how many traces cannot stay, and how many different ones these are on each way.
fn demanded(seats: &Seats, next: &Seats, parents: &[u32]) -> (usize, usize) {
    let mut ways: Vec<(u32, usize)> = parents
        .iter()
        .enumerate()
        .map(|(i, &parent)| (parent, next.rank(i)))
        .filter(|(parent, rank)| seats.rank(*parent as usize) != *rank)
        .collect();
    let leave = ways.len();
    ways.sort_unstable();
    ways.dedup();
    (leave, ways.len())
}

/// By the offspring that each rank has: for how many there is no room where they are, with parts that are equal but for one.
fn least(seats: &Seats, size: usize, parents: &[u32]) -> usize {
    let mut there = vec![0usize; size];
    parents.iter().for_each(|&parent| there[seats.rank(parent as usize)] += 1);
    let (each, more) = (parents.len() / size, parents.len() % size);
    let crowded = there.iter().filter(|there| **there > each).count();
    there.iter().map(|there| there.saturating_sub(each)).sum::<usize>() - crowded.min(more)
}

#[test]
fn traces_move_only_where_there_is_no_room_for_them() {
    const TRACES: usize = 5000;
    const STEPS: usize = 6;
    /// Bytes of a walker, and of how long it is.
    const SENT: usize = 8 + 8;
    for size in [2, 3, 8] {
        let moved = on_ranks(size, TIME_OUT, |rank| {
            let here = rank.rank();
            let (counted, counts) = Counted::new(rank);
            let io = PopulationIo { communicator: Some(Box::new(counted)), ..in_parts(None) };
            let mut p = begun_as(Walkers::default(), TraceFailure::Keep, io, 1, TRACES);
            let (mut seats, mut moved) = (Seats::even(TRACES, here, size, 0), Vec::new());
            for step in 0..STEPS {
                counts.gathers_v();
                p.apply(op(OBSERVE, 0.3 * step as f64)).unwrap();
                let bytes = counts.gathers_v();
                assert!(bytes.len() == 2 && bytes[0] < 400, "{bytes:?}");
                let own = (0..TRACES).filter(|i| seats.is_here(*i)).count();
                assert!((8 * own..8 * own + 8).contains(&bytes[1]), "{bytes:?}");
                assert!(counts.sends().is_empty());
                p.resample(all(Scheme::Systematic)).unwrap();
                let genealogy = p.genealogy(1).unwrap().unwrap();
                let parents = genealogy.ancestors(genealogy.generations() - 1);
                let next = seats.after(&parents);
                let (leave, distinct) = demanded(&seats, &next, &parents);
                assert_eq!(leave, least(&seats, size, &parents));
                let own = (0..TRACES).filter(|i| next.is_here(*i)).count();
                assert!((TRACES / size..=TRACES / size + 1).contains(&own), "balanced");
                for i in 0..TRACES {
                    assert_eq!(p.trace(1, i).is_ok(), next.is_here(i));
                }
                let sends = counts.sends();
                assert!(sends.len() == 2 && sends[0] == vec![8; size], "the lengths, and the traces: {sends:?}");
                moved.push((sends[1].iter().sum::<usize>(), leave, distinct));
                seats = next;
            }
            moved
        });
        for step in 0..STEPS {
            let bytes: usize = moved.iter().map(|moved| moved[step].0).sum();
            let (_, leave, distinct) = moved[0][step];
            println!("{size} ranks: {} of {TRACES} traces sent, {leave} had no room", bytes / SENT);
            assert_eq!(bytes, distinct * SENT);
            assert!(distinct <= leave && leave < TRACES / 5);
        }
    }
}

#[test]
fn a_trace_that_can_not_be_moved_leaves_all_as_it_was() {
    for (name, verb) in VERBS {
        // Each call of the host on rank 1, while it lasts: copying, writing, reading, ...
        for nth in [1, 5, 11, 17] {
            let errors = on_ranks(3, TIME_OUT, |rank| {
                let here = rank.rank();
                let mut p = begun_as(Walkers::default(), TraceFailure::Keep, in_parts(Some(rank)), 2, 30);
                p.apply(op(OBSERVE, 1.5)).unwrap();
                let before = seen(&mut p);
                let host = p.host();
                let calls = host.calls.load(Relaxed);
                if here == 1 {
                    host.fail_at.store(calls + nth, Relaxed);
                }
                let failed = verb(&mut p).err();
                p.host().fail_at.store(0, Relaxed);
                if failed.is_some() {
                    assert!(seen(&mut p) == before, "{name}: all as before");
                    verb(&mut p).unwrap();
                }
                (failed, seen(&mut p))
            });
            let (first, after) = &errors[0];
            assert!(errors.iter().all(|(error, seen)| error == first && seen == after), "{name}, {nth}: {errors:?}");
            match first {
                Some(error) => {
                    assert!(error.set().is_some() && error.particle().is_some(), "{name}: {error}");
                    assert!(error.to_string().contains("on rank 1: ") && error.to_string().contains("told to fail"));
                }
                None => assert!(
                    nth > 1 && !["apply", "diversify", "save"].contains(&name) || name == "on_trace",
                    "{name}, {nth}"
                ),
            }
        }
    }
}

#[test]
fn lost_traces_stay_lost_wherever_they_are() {
    let run = |io| {
        let mut p = begun_as(Walkers::default(), TraceFailure::Lose, io, 1, 20);
        for i in [1, 8, 9, 19] {
            p.on_trace(1, i, &op(PUT, 9.0)).unwrap();
        }
        p.apply(op(REJECT_ABOVE, 5.0)).unwrap();
        // On whichever rank it is, it is that one which fails.
        lose(&mut p, 13);
        p.diversify(op(SPLIT, 0.2)).unwrap();
        let refused = p.set_log_weights(1, &vec![0.0; p.set_size(1).unwrap()]).unwrap_err();
        assert_eq!((refused.set(), refused.particle()), (Some(1), Some(26)), "{refused}");
        p.apply(op(OBSERVE, 0.5)).unwrap();
        assert!(p.on_trace(1, 26, &op(MOVE, 1.0)).unwrap_err().to_string().contains("which was lost"));
        let lost = seen(&mut p);
        p.collapse(0).unwrap();
        p.reset_to_prior(to(9)).unwrap();
        (lost, seen(&mut p))
    };
    let expected = run(io(None));
    for size in [2, 3, 7] {
        on_ranks(size, TIME_OUT, |rank| assert!(run(in_parts(Some(rank))) == expected, "{size} ranks"));
    }
}

/// Has trace `index` of the first set fail in an operation of its own.
fn lose(p: &mut Walking, index: usize) {
    let here = p.trace(1, index).is_ok();
    let host = p.host();
    if here {
        host.fail_at.store(host.calls.load(Relaxed) + 1, Relaxed);
    }
    p.on_trace(1, index, &op(MOVE, 1.0)).unwrap();
    assert_eq!(p.log_weights(1).unwrap()[index], f64::NEG_INFINITY);
}

#[test]
fn parts_need_words_for_traces_and_all_ranks_the_same_spread() {
    let errors = on_ranks(2, TIME_OUT, |rank| {
        let host = Walkers { cannot_serialize: true, ..Walkers::default() };
        Population::new(host, PopulationOptions::default(), in_parts(Some(rank)), pool()).err().unwrap()
    });
    for error in errors {
        assert_eq!((error.code(), error.argument_name()), (Code::InvalidArgument, Some("io.spread")));
        assert!(error.to_string().contains("serialize, deserialize"), "{error}");
    }
    // Whole sets are never written.
    on_ranks(2, TIME_OUT, |rank| {
        let host = Walkers { cannot_serialize: true, ..Walkers::default() };
        Population::new(host, PopulationOptions::default(), io(Some(rank)), pool()).map(drop).unwrap();
    });
    let errors = on_ranks(2, TIME_OUT, |rank| {
        let io = PopulationIo { spread: SPREADS[rank.rank()], ..io(Some(rank)) };
        Population::new(Walkers::default(), PopulationOptions::default(), io, pool()).err().unwrap().to_string()
    });
    assert!(errors[0] == errors[1] && errors[0].contains("spread"), "{errors:?}");
}

#[test]
fn a_trace_of_another_rank_is_not_there() {
    let words = on_ranks(2, TIME_OUT, |rank| {
        let here = rank.rank();
        let p = begun_as(Walkers::default(), TraceFailure::Keep, in_parts(Some(rank)), 1, 4);
        assert!(p.trace(1, 2 * here).is_ok());
        p.trace(1, 3 - 2 * here).err().unwrap().to_string()
    });
    assert!(words[0].contains("a trace of rank 0, this process's") && words[0].contains("3, of rank 1"), "{words:?}");
}
