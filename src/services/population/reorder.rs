//! Traces that change places within their set: resampled, made several, merged.

use super::crew::{Call, Crew, Ends, copied, looks_at};
use crate::error::{Code, Error};
use crate::model::{Fingerprint, Operation, Refusal, Task, Traces};
use crate::particles::{Resampling, Set, resample, weights};
use crate::random::{OF_SET, ParticlePurpose};
use std::collections::HashMap;

/// Who goes on in a set, and what each weighs.
struct Plan {
    place: usize,
    parents: Vec<u32>,
    log_weight: f64,
}

/// The parents of a set's next generation; `None` where its effective sample size is large enough.
fn plan<H: Traces>(
    crew: &Crew<'_, H>,
    place: usize,
    set: &Set<H::Trace>,
    how: Resampling,
    generation: u64,
) -> Result<Option<Plan>, Error> {
    let count = how.count.unwrap_or(set.len());
    let mut parents = parents_of(count).map_err(|e| e.in_set(set.id()))?;
    let mut normalized = vec![0.0; set.len()];
    let log_total = weights::normalize(set.log_weights(), &mut normalized);
    if log_total == f64::NEG_INFINITY {
        let words = "all weights are zero: there is nothing to resample from; the traces are as they were";
        return Err(Error::new(Code::AllLost, words).in_set(set.id()));
    }
    if set.ess() >= how.ess_below * set.len() as f64 {
        return Ok(None);
    }
    let mut stream = crew.streams.at(set.id(), OF_SET, generation, ParticlePurpose::Choice);
    resample::ancestors(how.scheme, &normalized, &mut stream, &mut parents).map_err(|e| e.in_set(set.id()))?;
    // So that the distinguished trace is a draw from the weights, as every other is.
    resample::rotate(&mut parents, &mut stream);
    Ok(Some(Plan { place, parents, log_weight: log_total - (count as f64).ln() }))
}

/// Room for `count` parents.
fn parents_of(count: usize) -> Result<Vec<u32>, Error> {
    if count == 0 || u32::try_from(count).is_err() {
        return Err(Error::argument("count", "1 to 4294967295 traces", count));
    }
    Ok(vec![0; count])
}

/// Which of several uses of a parent are copies: all but the first.
fn repeated(parents: &[u32], traces: usize) -> impl Iterator<Item = bool> {
    let mut used = vec![false; traces];
    parents
        .iter()
        .map(move |&parent| std::mem::replace(&mut used[parent as usize], true))
        .collect::<Vec<_>>()
        .into_iter()
}

/// Resamples each set in its own way.
pub(super) fn resample<H: Traces>(
    crew: &mut Crew<'_, H>,
    sets: &mut [Set<H::Trace>],
    hows: &[Resampling],
    generation: u64,
) -> Result<(), Error> {
    let made = plans(crew, sets, hows, generation).and_then(|plans| {
        let copies = copies(crew, sets, &plans, generation, false, |_, _, _| Ok(()))?;
        Ok((plans, copies.into_iter()))
    });
    let (plans, mut copies) = crew.agree(made)?;
    let mut old = Vec::new();
    for plan in plans {
        let set = &mut sets[plan.place];
        let repeated = repeated(&plan.parents, set.len());
        let mut there = set.take_traces();
        let traces = plan
            .parents
            .iter()
            .zip(repeated)
            .map(|(&parent, again)| if again { copies.next() } else { there[parent as usize].take() });
        let traces: Vec<_> = traces.collect();
        let level = vec![plan.log_weight; traces.len()];
        set.replace(traces, level, &plan.parents);
        old.extend(there.into_iter().flatten());
    }
    crew.dispose(old);
    Ok(())
}

fn plans<H: Traces>(
    crew: &Crew<'_, H>,
    sets: &[Set<H::Trace>],
    hows: &[Resampling],
    generation: u64,
) -> Result<Vec<Plan>, Error> {
    let plans = sets.iter().zip(hows).enumerate();
    plans.filter_map(|(place, (set, how))| plan(crew, place, set, *how, generation).transpose()).collect()
}

/// The copies that `plans` need, in their order, each after `then` was done to it; of every trace where `every` says so.
fn copies<H: Traces>(
    crew: &mut Crew<'_, H>,
    sets: &[Set<H::Trace>],
    plans: &[Plan],
    generation: u64,
    every: bool,
    then: impl Fn(&H, &mut H::Trace, &mut Task<'_>) -> Result<(), Refusal> + Sync,
) -> Result<Vec<H::Trace>, Error> {
    let mut calls = Vec::new();
    for plan in plans {
        let set = &sets[plan.place];
        let repeated = repeated(&plan.parents, set.len());
        for (slot, (&parent, again)) in plan.parents.iter().zip(repeated).enumerate() {
            if again || every {
                let parent = set.trace(parent as usize).expect("a trace that was lost has no weight");
                calls.push(Call::new(set.id(), slot, parent));
            }
        }
    }
    if !calls.is_empty() && !crew.host.can_copy() {
        let words = "the traces cannot be copied, and a parent was drawn more than once; the population is as it was";
        return Err(Error::new(Code::Model, words).in_set(calls[0].set));
    }
    crew.call(&mut calls, generation, ParticlePurpose::Copy, "copy", Ends::Early, |host, parent, task| {
        let mut copy = copied(host, parent, task)?;
        then(host, &mut copy, task).map(|()| copy)
    })?;
    crew.copies += calls.len() as u64;
    Ok(calls.into_iter().map(outcome).collect())
}

/// What a call gave that did not fail.
fn outcome<A, R>(call: Call<A, R>) -> R {
    match call.outcome {
        Some(Ok(value)) => value,
        _ => unreachable!("each call was made, and none failed"),
    }
}

/// Resamples, and draws every trace anew from the prior. The traces that are reset are copies, so that a failure leaves
/// all as it was; where traces can't be copied, new ones are made.
pub(super) fn reset<H: Traces>(
    crew: &mut Crew<'_, H>,
    sets: &mut [Set<H::Trace>],
    how: Resampling,
    generation: u64,
) -> Result<(), Error> {
    let hows = vec![Resampling { ess_below: f64::INFINITY, ..how }; sets.len()];
    let made = plans(crew, sets, &hows, generation)
        .and_then(|plans| Ok((fresh(crew, sets, &plans, generation)?.into_iter(), plans)));
    let (mut fresh, plans) = crew.agree(made)?;
    let mut old = Vec::new();
    for plan in plans {
        let set = &mut sets[plan.place];
        let traces: Vec<_> = fresh.by_ref().take(plan.parents.len()).map(Some).collect();
        let none = vec![0.0; traces.len()];
        old.extend(set.replace(traces, none.clone(), &plan.parents).into_iter().flatten());
        set.set_log_weights(&none);
    }
    crew.dispose(old);
    Ok(())
}

/// New traces from the prior for all that `plans` have go on.
fn fresh<H: Traces>(
    crew: &mut Crew<'_, H>,
    sets: &[Set<H::Trace>],
    plans: &[Plan],
    generation: u64,
) -> Result<Vec<H::Trace>, Error> {
    if crew.host.can_copy() {
        let then = |h: &H, trace: &mut H::Trace, task: &mut Task<'_>| h.reset_to_prior(trace, task);
        return copies(crew, sets, plans, generation, true, then);
    }
    let mut calls: Vec<Call<(), H::Trace>> = Vec::new();
    for plan in plans {
        calls.extend((0..plan.parents.len()).map(|slot| Call::new(sets[plan.place].id(), slot, ())));
    }
    crew.call(&mut calls, generation, ParticlePurpose::Work, "create", Ends::Early, |h, (), task| h.create(task))?;
    Ok(calls.into_iter().map(outcome).collect())
}

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
    crew.agree(called)?;
    let families: Vec<_> = calls.into_iter().map(|call| (call.set, call.index, outcome(call))).collect();
    let mut families = families.into_iter().peekable();
    let mut old = Vec::new();
    for set in sets {
        let (mut traces, mut log_weights, mut parents) = (Vec::new(), Vec::new(), Vec::new());
        for index in 0..set.len() {
            let log_weight = set.log_weights()[index];
            match families.next_if(|(id, i, _)| (*id, *i) == (set.id(), index)) {
                Some((_, _, several)) => {
                    for (trace, increment) in several {
                        traces.push(Some(trace));
                        log_weights.push(log_weight + increment);
                        parents.push(index as u32);
                    }
                }
                None => {
                    traces.push(None);
                    log_weights.push(f64::NEG_INFINITY);
                    parents.push(index as u32);
                }
            }
        }
        old.extend(set.replace(traces, log_weights, &parents).into_iter().flatten());
    }
    crew.dispose(old);
    Ok(())
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
    crew.agree(called)?;
    let prints: Vec<_> = calls.into_iter().map(|call| (call.set, call.index, outcome(call))).collect();
    let mut prints = prints.into_iter().peekable();
    let mut old = Vec::new();
    for set in sets {
        let mut groups: Vec<Vec<usize>> = Vec::new();
        let mut places = HashMap::new();
        while let Some((_, index, print)) = prints.next_if(|(id, ..)| *id == set.id()) {
            let place = *places.entry(print).or_insert_with(|| {
                groups.push(Vec::new());
                groups.len() - 1
            });
            groups[place].push(index);
        }
        if groups.is_empty() {
            continue;
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
        let mut there = set.take_traces();
        let traces = kept.iter().map(|&i| there[i as usize].take()).collect();
        set.replace(traces, log_weights, &kept);
        old.extend(there.into_iter().flatten());
    }
    crew.dispose(old);
    Ok(())
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
