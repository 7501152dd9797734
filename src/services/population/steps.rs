//! What a step does to sets: all of it or nothing.

use super::TraceFailure;
use super::crew::{Call, Crew, Ends, calls_over, copied, log_lost};
use super::reorder;
use crate::error::{Code, Error};
use crate::model::{Operation, Refusal, Task, Traces};
use crate::particles::{Set, Step};
use crate::random::ParticlePurpose;

/// What happens to the weights with what a call returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weights {
    Add,
    Set,
}

/// Does `step`, the `generation`-th, to each of `sets`.
pub(super) fn perform<H: Traces>(
    crew: &mut Crew<'_, H>,
    sets: &mut [Set<H::Trace>],
    step: &Step,
    generation: u64,
) -> Result<(), Error> {
    match step {
        Step::Apply(operation) => {
            let what = format!("operation {}", operation.number);
            change(crew, sets, generation, &what, Weights::Add, |h, trace, task| h.apply(trace, operation, task))
        }
        Step::Incorporate => {
            change(crew, sets, generation, "incorporate", Weights::Add, |h, t, task| h.incorporate(t, task))
        }
        Step::LikelihoodWeight => {
            change(crew, sets, generation, "likelihood weight", Weights::Set, |h, t, task| h.weigh(t, task))
        }
        Step::Resample(how) => reorder::resample(crew, sets, &vec![*how; sets.len()], generation),
        Step::Reset(how) => reorder::reset(crew, sets, *how, generation),
        Step::Diversify(operation) => reorder::diversify(crew, sets, operation, generation),
        Step::Collapse { scope, best } => reorder::collapse(crew, sets, *scope, *best, generation),
        Step::Single => Err(Error::new(Code::Internal, "a step for some sets only can't be done to others")),
    }
}

/// Changes every trace by `call`, whose values go to the weights. A rejected trace has weight zero from here on.
fn change<H: Traces>(
    crew: &mut Crew<'_, H>,
    sets: &mut [Set<H::Trace>],
    generation: u64,
    what: &str,
    weights: Weights,
    call: impl Fn(&H, &mut H::Trace, &mut Task<'_>) -> Result<f64, Refusal> + Sync,
) -> Result<(), Error> {
    let calls = calls_over(sets);
    let mut values = changed(crew, calls, generation, what, call)?.into_iter().peekable();
    for set in sets {
        let id = set.id();
        let mut log_weights = set.log_weights().to_vec();
        while let Some((_, index, value)) = values.next_if(|(of, ..)| *of == id) {
            log_weights[index] = if weights == Weights::Add { log_weights[index] + value } else { value };
        }
        match weights {
            Weights::Add => set.update_log_weights(log_weights),
            Weights::Set => set.set_log_weights(&log_weights),
        }
    }
    Ok(())
}

/// Does `operation` to one trace of `set`, which may be elsewhere.
pub(super) fn on_trace<H: Traces>(
    crew: &mut Crew<'_, H>,
    set: Option<&mut Set<H::Trace>>,
    index: usize,
    operation: &Operation,
    generation: u64,
) -> Result<f64, Error> {
    let what = format!("operation {}", operation.number);
    let apply = |h: &H, trace: &mut H::Trace, task: &mut Task<'_>| h.apply(trace, operation, task);
    let value = match set {
        Some(set) => {
            let calls = vec![Call::new(set.id(), index, &mut set.traces_mut()[index])];
            let (_, _, value) = changed(crew, calls, generation, &what, apply)?[0];
            let mut log_weights = set.log_weights().to_vec();
            log_weights[index] += value;
            set.update_log_weights(log_weights);
            Some(value)
        }
        None => changed(crew, Vec::new(), generation, &what, apply)?.pop().map(|(_, _, value)| value),
    };
    let all = crew.meet(Ok(value))?;
    Ok(all.into_iter().flatten().next().expect("one rank has the set"))
}

/// A call that changes a trace, in its place or on a copy that it gives with its value.
type Changing<'a, T> = Call<&'a mut Option<T>, (Option<T>, f64)>;

/// Changes the traces that `calls` are for, and gives set, number and value of each: -inf for one that was lost, which
/// is none with [`TraceFailure::Keep`].
fn changed<H: Traces>(
    crew: &mut Crew<'_, H>,
    mut calls: Vec<Changing<'_, H::Trace>>,
    generation: u64,
    what: &str,
    call: impl Fn(&H, &mut H::Trace, &mut Task<'_>) -> Result<f64, Refusal> + Sync,
) -> Result<Vec<(u64, usize, f64)>, Error> {
    let keep = crew.on_failure == TraceFailure::Keep;
    let ends = if keep { Ends::Early } else { Ends::Never };
    if !keep {
        // What is changed in place, is changed on all ranks.
        crew.agree(crew.watch.begin())?;
    }
    let called = crew.call(&mut calls, generation, ParticlePurpose::Work, what, ends, |host, place, task| {
        let trace = place.as_mut().expect("calls are for traces that are there");
        let mut copy = if keep { Some(copied(host, trace, task)?) } else { None };
        let value = match call(host, copy.as_mut().unwrap_or(trace), task) {
            Err(Refusal::Reject) => f64::NEG_INFINITY,
            other => other?,
        };
        if value.is_nan() || value == f64::INFINITY {
            return Err(task.stop(&format!("expected a log weight below infinity, got {value}")));
        }
        Ok((copy, value))
    });
    crew.agree(called)?;
    let mut old = Vec::new();
    let mut values = Vec::with_capacity(calls.len());
    for Call { set, index, with: place, outcome, .. } in calls {
        let value = match outcome.expect("each call was made") {
            Ok((copy, value)) => {
                if copy.is_some() {
                    old.extend(std::mem::replace(place, copy));
                }
                value
            }
            Err(error) => {
                log_lost(crew.watch.logger, &error);
                old.extend(place.take());
                f64::NEG_INFINITY
            }
        };
        values.push((set, index, value));
    }
    crew.dispose(old);
    Ok(values)
}

/// Sets the weights of one set.
pub(super) fn set_log_weights<T>(set: &mut Set<T>, log_weights: &[f64]) -> Result<(), Error> {
    let bad = |expected: String, got: String| Error::argument("log_weights", expected, got).in_set(set.id());
    if log_weights.len() != set.len() {
        return Err(bad(format!("{} numbers, one per trace", set.len()), log_weights.len().to_string()));
    }
    for (i, &w) in log_weights.iter().enumerate() {
        if w.is_nan() || w == f64::INFINITY {
            return Err(bad("numbers below infinity".into(), w.to_string()).of_trace(i));
        }
        if set.trace(i).is_none() && w != f64::NEG_INFINITY {
            return Err(bad("-inf, for the trace was lost".into(), w.to_string()).of_trace(i));
        }
    }
    set.set_log_weights(log_weights);
    Ok(())
}
