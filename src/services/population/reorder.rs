//! Traces that change places within their set: resampled.

use super::crew::{Call, Crew, Ends, copied};
use super::parts::{Guests, Moving, Sent};
use crate::error::{Code, Error};
use crate::model::{Refusal, Task, Traces};
use crate::particles::{Resampling, Seats, Set, resample, weights};
use crate::random::{OF_SET, ParticlePurpose};

/// Who goes on in a set, and what each weighs.
struct Plan {
    place: usize,
    parents: Vec<u32>,
    log_weight: f64,
    /// Where those have their places, where the set is in parts.
    seats: Option<Seats>,
}

impl Plan {
    /// The places of this rank, each with its parent and whether that goes on at an earlier one of them.
    fn own(&self, traces: usize) -> Vec<Option<bool>> {
        let mut used = vec![false; traces];
        let here = |slot| self.seats.as_ref().is_none_or(|seats| seats.is_here(slot));
        let own = self.parents.iter().enumerate();
        own.map(|(slot, &parent)| here(slot).then(|| std::mem::replace(&mut used[parent as usize], true))).collect()
    }

    /// How many of those that go on have the parent of an earlier one, on whatever ranks.
    fn repeated(&self, traces: usize) -> usize {
        let mut used = vec![false; traces];
        let again = |parent: &&u32| std::mem::replace(&mut used[**parent as usize], true);
        self.parents.iter().filter(again).count()
    }
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
    let seats = set.seats().map(|seats| seats.after(&parents));
    Ok(Some(Plan { place, parents, log_weight: log_total - (count as f64).ln(), seats }))
}

/// Room for `count` parents.
fn parents_of(count: usize) -> Result<Vec<u32>, Error> {
    if count == 0 || u32::try_from(count).is_err() {
        return Err(Error::argument("count", "1 to 4294967295 traces", count));
    }
    Ok(vec![0; count])
}

/// Resamples each set in its own way.
pub(super) fn resample<H: Traces>(
    crew: &mut Crew<'_, H>,
    sets: &mut [Set<H::Trace>],
    hows: &[Resampling],
    generation: u64,
) -> Result<(), Error> {
    let made = plans(crew, sets, hows, generation).and_then(|plans| {
        count_copies(crew, sets, &plans)?;
        let guests = guests(crew, sets, &plans, generation)?;
        let copies = copies(crew, sets, &plans, &guests, generation, false, |_, _, _| Ok(()))?;
        Ok((plans, guests, copies.into_iter()))
    });
    let (plans, mut guests, mut copies) = crew.agree(made)?;
    let mut old = Vec::new();
    for (number, plan) in plans.into_iter().enumerate() {
        let set = &mut sets[plan.place];
        let own = plan.own(set.len());
        let mut there = set.take_traces();
        let traces = plan.parents.iter().zip(own).map(|(&parent, again)| match again? {
            true => copies.next(),
            false => there[parent as usize].take().or_else(|| guests.remove(&(number, parent))),
        });
        let traces: Vec<_> = traces.collect();
        let level = vec![plan.log_weight; traces.len()];
        set.replace(traces, level, &plan.parents);
        set.seat(plan.seats);
        old.extend(there.into_iter().flatten());
    }
    crew.dispose(old);
    Ok(())
}

/// The traces of other ranks that go on on this one, by the number of the plan and theirs.
fn guests<H: Traces>(
    crew: &mut Crew<'_, H>,
    sets: &[Set<H::Trace>],
    plans: &[Plan],
    generation: u64,
) -> Result<Guests<H::Trace>, Error> {
    let moving = plans.iter().filter_map(|plan| {
        let (set, to) = (&sets[plan.place], plan.seats.as_ref()?);
        Some(Moving { set: set.id(), from: set.seats()?, to, parents: &plan.parents })
    });
    let moving: Vec<_> = moving.collect();
    let look = |(number, parent): Sent| goes_on(sets, &plans[number], parent);
    crew.fetch(&moving, look, generation)
}

/// A trace that is here.
fn goes_on<'a, T>(sets: &'a [Set<T>], plan: &Plan, parent: u32) -> &'a T {
    sets[plan.place].trace(parent as usize).expect("a trace that was lost has no weight")
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

/// The copies that `plans` need at places of this rank, in their order, each after `then` was done to it; of every trace where `every`
/// says so.
fn copies<H: Traces>(
    crew: &mut Crew<'_, H>,
    sets: &[Set<H::Trace>],
    plans: &[Plan],
    guests: &Guests<H::Trace>,
    generation: u64,
    every: bool,
    then: impl Fn(&H, &mut H::Trace, &mut Task<'_>) -> Result<(), Refusal> + Sync,
) -> Result<Vec<H::Trace>, Error> {
    let mut calls = Vec::new();
    for (number, plan) in plans.iter().enumerate() {
        let set = &sets[plan.place];
        for (slot, (&parent, again)) in plan.parents.iter().zip(plan.own(set.len())).enumerate() {
            if again.is_some_and(|again| again || every) {
                let parent = guests.get(&(number, parent)).unwrap_or_else(|| goes_on(sets, plan, parent));
                calls.push(Call::new(set.id(), slot, parent));
            }
        }
    }
    crew.call(&mut calls, generation, ParticlePurpose::Copy, "copy", Ends::Early, |host, parent, task| {
        let mut copy = copied(host, parent, task)?;
        then(host, &mut copy, task).map(|()| copy)
    })?;
    Ok(calls.into_iter().map(outcome).collect())
}

/// Counts the copies that `plans` take on whatever ranks, the same on all, and refuses them where traces can't be copied.
fn count_copies<H: Traces>(crew: &mut Crew<'_, H>, sets: &[Set<H::Trace>], plans: &[Plan]) -> Result<(), Error> {
    for plan in plans {
        let set = &sets[plan.place];
        let repeated = plan.repeated(set.len());
        if repeated > 0 && !crew.host.can_copy() {
            let words =
                "the traces cannot be copied, and a parent was drawn more than once; the population is as it was";
            return Err(Error::new(Code::Model, words).in_set(set.id()));
        }
        crew.copies += repeated as u64;
    }
    Ok(())
}

/// What a call gave that did not fail.
pub(super) fn outcome<A, R>(call: Call<A, R>) -> R {
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
        let own = plan.own(set.len());
        let traces: Vec<_> = own.into_iter().map(|own| own.and_then(|_| fresh.next())).collect();
        let none = vec![0.0; traces.len()];
        old.extend(set.replace(traces, none.clone(), &plan.parents).into_iter().flatten());
        set.set_log_weights(&none);
        set.seat(plan.seats);
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
        crew.copies += plans.iter().map(|plan| plan.parents.len() as u64).sum::<u64>();
        let guests = guests(crew, sets, plans, generation)?;
        return copies(crew, sets, plans, &guests, generation, true, then);
    }
    let mut calls: Vec<Call<(), H::Trace>> = Vec::new();
    for plan in plans {
        let set = &sets[plan.place];
        let own = plan.own(set.len()).into_iter().enumerate().filter(|(_, own)| own.is_some());
        calls.extend(own.map(|(slot, _)| Call::new(set.id(), slot, ())));
    }
    crew.call(&mut calls, generation, ParticlePurpose::Work, "create", Ends::Early, |h, (), task| h.create(task))?;
    Ok(calls.into_iter().map(outcome).collect())
}
