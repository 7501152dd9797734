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
    let changed = changes(crew, calls, generation, what, call)?;
    let mut changed = changed.into_iter().peekable();
    let mut old = Vec::new();
    for set in sets {
        let mut log_weights = set.log_weights().to_vec();
        while let Some(Change { index, fresh, outcome, .. }) = changed.next_if(|c| c.set == set.id()) {
            match outcome {
                Ok(value) => {
                    log_weights[index] = if weights == Weights::Add { log_weights[index] + value } else { value };
                    old.extend(fresh.and_then(|fresh| set.traces_mut()[index].replace(fresh)));
                }
                Err(error) => {
                    log_lost(crew.watch.logger(), &error);
                    old.extend(set.lose(index));
                    log_weights[index] = f64::NEG_INFINITY;
                }
            }
        }
        match weights {
            Weights::Add => set.update_log_weights(log_weights),
            Weights::Set => set.set_log_weights(&log_weights),
        }
    }
    crew.dispose(old);
    Ok(())
}

/// Does `operation` to one trace.
pub(super) fn on_trace<H: Traces>(
    crew: &mut Crew<'_, H>,
    set: &mut Set<H::Trace>,
    index: usize,
    operation: &Operation,
    generation: u64,
) -> Result<f64, Error> {
    let what = format!("operation {}", operation.number);
    let calls = vec![Call::new(set.id(), index, &mut set.traces_mut()[index])];
    let changed = changes(crew, calls, generation, &what, |h, trace, task| h.apply(trace, operation, task))?;
    let Change { fresh, outcome, .. } = changed.into_iter().next().expect("one call, one change");
    match outcome {
        Ok(value) => {
            let mut log_weights = set.log_weights().to_vec();
            log_weights[index] += value;
            set.update_log_weights(log_weights);
            crew.dispose(fresh.and_then(|fresh| set.traces_mut()[index].replace(fresh)).into_iter().collect());
            Ok(value)
        }
        Err(error) => {
            log_lost(crew.watch.logger(), &error);
            crew.dispose(set.lose(index).into_iter().collect());
            Ok(f64::NEG_INFINITY)
        }
    }
}

/// What became of a trace.
struct Change<T> {
    set: u64,
    index: usize,
    /// The changed copy, where the trace itself was left alone.
    fresh: Option<T>,
    outcome: Result<f64, Error>,
}

/// The changes of all traces that `calls` are for; with [`TraceFailure::Keep`] all of them came about.
fn changes<H: Traces>(
    crew: &mut Crew<'_, H>,
    mut calls: Vec<Call<&mut Option<H::Trace>, (Option<H::Trace>, f64)>>,
    generation: u64,
    what: &str,
    call: impl Fn(&H, &mut H::Trace, &mut Task<'_>) -> Result<f64, Refusal> + Sync,
) -> Result<Vec<Change<H::Trace>>, Error> {
    let keep = crew.on_failure == TraceFailure::Keep;
    let ends = if keep { Ends::Early } else { Ends::Never };
    crew.call(&mut calls, generation, ParticlePurpose::Work, what, ends, |host, place, task| {
        let trace = place.as_mut().expect("calls are for traces that are there");
        let mut fresh = if keep { Some(copied(host, trace, task)?) } else { None };
        let value = match call(host, fresh.as_mut().unwrap_or(trace), task) {
            Err(Refusal::Reject) => f64::NEG_INFINITY,
            other => other?,
        };
        if value.is_nan() || value == f64::INFINITY {
            return Err(task.stop(&format!("expected a log weight below infinity, got {value}")));
        }
        Ok((fresh, value))
    })?;
    Ok(calls
        .into_iter()
        .map(|call| {
            let (fresh, outcome) = match call.outcome.expect("each call was made") {
                Ok((fresh, value)) => (fresh, Ok(value)),
                Err(error) => (None, Err(error)),
            };
            Change { set: call.set, index: call.index, fresh, outcome }
        })
        .collect())
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
