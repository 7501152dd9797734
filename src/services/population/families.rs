//! Traces that become several, and traces that merge.

use super::crew::{Crew, Ends, looks_at};
use super::parts::{Guests, Moving, Sent, by_place};
use super::reorder::outcome;
use crate::error::Error;
use crate::model::{Fingerprint, Operation, Traces};
use crate::particles::{Seats, Set, weights};
use crate::random::{OF_SET, ParticlePurpose};
use std::collections::HashMap;

/// Makes every trace several. Lost traces stay lost.
pub(super) fn diversify<H: Traces>(
    crew: &mut Crew<'_, H>,
    sets: &mut [Set<H::Trace>],
    operation: &Operation,
    generation: u64,
) -> Result<(), Error> {
    let what = format!("diversify by operation {}", operation.number);
    let mut calls = looks_at::<_, Vec<(H::Trace, f64)>>(sets);
    let called = crew.call(&mut calls, generation, ParticlePurpose::Work, &what, Ends::Early, |host, trace, task| {
        let mut several = Vec::new();
        host.diversify(trace, operation, task, &mut |trace, increment| several.push((trace, increment)))?;
        if let Some((_, bad)) = several.iter().find(|(_, i)| i.is_nan() || *i == f64::INFINITY) {
            return Err(task.stop(&format!("expected a log weight increment below infinity, got {bad}")));
        }
        if several.is_empty() {
            return Err(task.stop("expected at least one trace, got none"));
        }
        Ok(several)
    });
    let made = called.map(|()| by_place(sets, calls.into_iter().map(|call| (call.set, call.index, outcome(call)))));
    let increments = made.as_ref().map(|made| made.iter().map(increments_of).collect::<Vec<_>>());
    let mut increments = crew.assemble(sets, increments.map_err(Error::clone))?.into_iter();
    let mut made = made?.into_iter();
    let generations: Vec<_> = sets.iter().map(|set| Generation::of(set, &mut made, &mut increments)).collect();
    let guests = guests(crew, sets, &generations, generation);
    let mut guests = crew.agree_on_parts(guests)?;
    let mut old = Vec::new();
    for (number, (set, next)) in sets.iter_mut().zip(generations).enumerate() {
        let Generation { made, log_weights, parents, seats, .. } = next;
        let members = made.into_iter().enumerate();
        let traces = members.map(|(i, trace)| match &seats {
            Some(seats) if !seats.is_here(i) => {
                old.extend(trace);
                None
            }
            _ => trace.or_else(|| guests.remove(&(number, i as u32))),
        });
        let traces = traces.collect();
        old.extend(set.replace(traces, log_weights, &parents).into_iter().flatten());
        set.seat(seats);
    }
    crew.dispose(old);
    Ok(())
}

/// What a trace became, without the traces; none, where it was lost.
fn increments_of<T>(family: &Option<Vec<(T, f64)>>) -> Vec<f64> {
    family.iter().flatten().map(|(_, increment)| *increment).collect()
}

/// The traces that those of a set became.
struct Generation<T> {
    /// Those that were made here, in their places.
    made: Vec<Option<T>>,
    log_weights: Vec<f64>,
    parents: Vec<u32>,
    /// Where they have been made and where they have their places, where the set is in parts.
    makers: Option<Seats>,
    seats: Option<Seats>,
}

impl<T> Generation<T> {
    /// From what this rank has `made`, and the increments of all.
    fn of(
        set: &Set<T>,
        made: &mut impl Iterator<Item = Option<Vec<(T, f64)>>>,
        increments: &mut impl Iterator<Item = Vec<f64>>,
    ) -> Self {
        let (mut traces, mut log_weights, mut parents) = (Vec::new(), Vec::new(), Vec::new());
        let mut lost = Vec::new();
        for (index, log_weight) in set.log_weights().iter().enumerate() {
            let increments = increments.next().expect("of each trace");
            let family = if set.is_here(index) { made.next().expect("of each that is here") } else { None };
            let count = increments.len().max(1);
            if increments.is_empty() {
                lost.push(parents.len());
            }
            parents.extend(std::iter::repeat_n(index as u32, count));
            log_weights.extend(increments.iter().map(|increment| log_weight + increment));
            log_weights.resize(parents.len(), f64::NEG_INFINITY);
            traces.extend(family.into_iter().flatten().map(|(trace, _)| Some(trace)));
            traces.resize_with(parents.len(), || None);
        }
        let seats = set.seats().map(|seats| seats.after(&parents));
        let mut makers = set.seats().map(|seats| seats.at_home(&parents));
        if let (Some(makers), Some(seats)) = (&mut makers, &seats) {
            // Nothing is sent of those.
            lost.into_iter().for_each(|member| makers.put(member, seats.rank(member)));
        }
        Self { made: traces, log_weights, parents, makers, seats }
    }
}

/// Members of the next generations that were made elsewhere and have their places here.
fn guests<H: Traces>(
    crew: &mut Crew<'_, H>,
    sets: &[Set<H::Trace>],
    generations: &[Generation<H::Trace>],
    generation: u64,
) -> Result<Guests<H::Trace>, Error> {
    if !crew.parts {
        return Ok(Guests::new());
    }
    let members: Vec<Vec<u32>> = generations.iter().map(|next| (0..next.parents.len() as u32).collect()).collect();
    let moving = sets.iter().zip(generations).zip(&members).filter_map(|((set, next), members)| {
        let (from, to) = (next.makers.as_ref()?, next.seats.as_ref()?);
        Some(Moving { set: set.id(), from, to, parents: members })
    });
    let moving: Vec<_> = moving.collect();
    let look =
        |(number, member): Sent| generations[number].made[member as usize].as_ref().expect("made here, and not lost");
    crew.fetch(&moving, look, generation)
}

/// Who goes on when traces merge, and what each weighs.
struct Merged {
    place: usize,
    kept: Vec<u32>,
    log_weights: Vec<f64>,
    seats: Option<Seats>,
}

/// Merges traces of equal fingerprints. They stand in the order of the first of each; lost traces are gone, unless all
/// are.
pub(super) fn collapse<H: Traces>(
    crew: &mut Crew<'_, H>,
    sets: &mut [Set<H::Trace>],
    scope: i64,
    best: bool,
    generation: u64,
) -> Result<(), Error> {
    let mut calls = looks_at::<_, Fingerprint>(sets);
    let what = "fingerprint";
    let called = crew.call(&mut calls, generation, ParticlePurpose::Report, what, Ends::Early, |host, trace, task| {
        host.fingerprint(trace, scope, task)
    });
    let prints = called.map(|()| by_place(sets, calls.into_iter().map(|call| (call.set, call.index, outcome(call)))));
    let mut prints = crew.assemble(sets, prints)?.into_iter();
    let of = |(place, set): (usize, &Set<_>)| {
        let prints: Vec<_> = prints.by_ref().take(set.len()).collect();
        merged(crew, place, set, &prints, best, generation)
    };
    let merged: Vec<Merged> = sets.iter().enumerate().filter_map(of).collect();
    let moving = merged.iter().filter_map(|merged| {
        let set = &sets[merged.place];
        Some(Moving { set: set.id(), from: set.seats()?, to: merged.seats.as_ref()?, parents: &merged.kept })
    });
    let moving: Vec<_> = moving.collect();
    let look = |(number, trace): Sent| {
        sets[merged[number].place].trace(trace as usize).expect("a trace that was lost has no fingerprint")
    };
    let guests = crew.fetch(&moving, look, generation);
    let mut guests = crew.agree_on_parts(guests)?;
    let mut old = Vec::new();
    for (number, Merged { place, kept, log_weights, seats }) in merged.into_iter().enumerate() {
        let set = &mut sets[place];
        let mut there = set.take_traces();
        let here = |slot| seats.as_ref().is_none_or(|seats| seats.is_here(slot));
        let traces = kept.iter().enumerate().map(|(slot, &kept)| match here(slot) {
            true => there[kept as usize].take().or_else(|| guests.remove(&(number, kept))),
            false => None,
        });
        let traces = traces.collect();
        set.replace(traces, log_weights, &kept);
        set.seat(seats);
        old.extend(there.into_iter().flatten());
    }
    crew.dispose(old);
    Ok(())
}

/// What a set becomes whose traces have these fingerprints (those that were lost have none); `None` where all were lost.
fn merged<H: Traces>(
    crew: &Crew<'_, H>,
    place: usize,
    set: &Set<H::Trace>,
    prints: &[Option<Fingerprint>],
    best: bool,
    generation: u64,
) -> Option<Merged> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut places = HashMap::new();
    for (index, print) in prints.iter().enumerate() {
        let Some(print) = print else { continue };
        let place = *places.entry(print).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[place].push(index);
    }
    if groups.is_empty() {
        return None;
    }
    let mut stream = crew.streams.at(set.id(), OF_SET, generation, ParticlePurpose::Choice);
    let (mut kept, mut log_weights) = (Vec::new(), Vec::new());
    for group in &groups {
        let of: Vec<f64> = group.iter().map(|&i| set.log_weights()[i]).collect();
        let (which, log_weight) =
            if best { largest(&of) } else { (drawn(&of, stream.uniform()), weights::log_sum_exp(&of)) };
        kept.push(group[which] as u32);
        log_weights.push(log_weight);
    }
    let seats = set.seats().map(|seats| seats.after(&kept));
    Some(Merged { place, kept, log_weights, seats })
}

/// The first of the largest, with its weight.
fn largest(log_weights: &[f64]) -> (usize, f64) {
    let mut best = (0, log_weights[0]);
    for (i, &w) in log_weights.iter().enumerate() {
        if w > best.1 {
            best = (i, w);
        }
    }
    best
}

/// The one that `uniform` draws by weight; the first when all are zero.
fn drawn(log_weights: &[f64], uniform: f64) -> usize {
    let mut normalized = vec![0.0; log_weights.len()];
    weights::normalize(log_weights, &mut normalized);
    let mut left = uniform;
    let mut last = 0;
    for (i, &w) in normalized.iter().enumerate().filter(|(_, w)| **w > 0.0) {
        last = i;
        if left < w {
            break;
        }
        left -= w;
    }
    last
}
