//! What a step does to sets: all of it or nothing.

use super::TraceFailure;
use super::crew::{Call, Crew, Ends, calls_over, copied, log_lost};
use super::parts::by_place;
use super::{families, reorder};
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
        Step::Diversify(operation) => families::diversify(crew, sets, operation, generation),
        Step::Collapse { scope, best } => families::collapse(crew, sets, *scope, *best, generation),
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
    let tried = attempt(crew, calls, generation, what, call);
    let values = tried.as_ref().map(|tried| by_place(sets, tried.iter().map(|t| (t.set, t.index, t.value()))));
    // Who was lost before weighs nothing, and stays so.
    let values = values.map(|values| values.into_iter().map(|value| value.unwrap_or(f64::NEG_INFINITY)).collect());
    let mut values = crew.assemble(sets, values.map_err(Error::clone))?.into_iter();
    commit(crew, sets, tried?);
    for set in sets {
        let values = values.by_ref().take(set.len());
        match weights {
            Weights::Add => {
                let log_weights = set.log_weights().iter().zip(values).map(|(w, value)| w + value).collect();
                set.update_log_weights(log_weights);
            }
            Weights::Set => set.set_log_weights(&values.collect::<Vec<_>>()),
        }
    }
    Ok(())
}

/// Does `operation` to one trace of `set`, either of which may be elsewhere.
pub(super) fn on_trace<H: Traces>(
    crew: &mut Crew<'_, H>,
    mut set: Option<&mut Set<H::Trace>>,
    index: usize,
    operation: &Operation,
    generation: u64,
) -> Result<f64, Error> {
    let what = format!("operation {}", operation.number);
    let here = set.as_mut().filter(|set| set.is_here(index));
    let calls = here.map(|set| Call::new(set.id(), index, &mut set.traces_mut()[index])).into_iter().collect();
    let apply = |h: &H, trace: &mut H::Trace, task: &mut Task<'_>| h.apply(trace, operation, task);
    let tried = attempt(crew, calls, generation, &what, apply);
    let value = tried.as_ref().map(|tried| tried.first().map(Tried::value)).map_err(Error::clone);
    let all = crew.meet(value)?;
    let value = all.into_iter().flatten().next().expect("one rank has the trace");
    if let Some(set) = set {
        commit(crew, std::slice::from_mut(set), tried?);
        let mut log_weights = set.log_weights().to_vec();
        log_weights[index] += value;
        set.update_log_weights(log_weights);
    }
    Ok(value)
}

/// A call that changes a trace, in its place or on a copy that it gives with its value.
type Changing<'a, T> = Call<&'a mut Option<T>, (Option<T>, f64)>;

/// What came of the change of a trace: a copy that takes its place, unless it was changed where it is, and the value.
struct Tried<T> {
    set: u64,
    index: usize,
    outcome: Result<(Option<T>, f64), Box<Error>>,
}

impl<T> Tried<T> {
    /// -inf for a trace that is lost, which is none with [`TraceFailure::Keep`].
    fn value(&self) -> f64 {
        self.outcome.as_ref().map_or(f64::NEG_INFINITY, |(_, value)| *value)
    }
}

/// Changes the traces that `calls` are for, on copies where failures are to change nothing. On all ranks alike, which have yet to hear
/// from each other whether it succeeded.
fn attempt<H: Traces>(
    crew: &mut Crew<'_, H>,
    mut calls: Vec<Changing<'_, H::Trace>>,
    generation: u64,
    what: &str,
    call: impl Fn(&H, &mut H::Trace, &mut Task<'_>) -> Result<f64, Refusal> + Sync,
) -> Result<Vec<Tried<H::Trace>>, Error> {
    let keep = crew.on_failure == TraceFailure::Keep;
    let ends = if keep { Ends::Early } else { Ends::Never };
    if !keep {
        // What is changed in place, is changed on all ranks.
        crew.agree(crew.watch.begin())?;
    }
    crew.call(&mut calls, generation, ParticlePurpose::Work, what, ends, |host, place, task| {
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
    })?;
    let tried = |Call { set, index, outcome, .. }| Tried { set, index, outcome: outcome.expect("each call was made") };
    Ok(calls.into_iter().map(tried).collect())
}

/// Puts the copies in their places, and drops what was lost.
fn commit<H: Traces>(crew: &mut Crew<'_, H>, sets: &mut [Set<H::Trace>], tried: Vec<Tried<H::Trace>>) {
    let mut old = Vec::new();
    let mut tried = tried.into_iter().peekable();
    for set in sets {
        let id = set.id();
        let traces = set.traces_mut();
        while let Some(Tried { index, outcome, .. }) = tried.next_if(|tried| tried.set == id) {
            match outcome {
                Ok((None, _)) => {}
                Ok((copy, _)) => old.extend(std::mem::replace(&mut traces[index], copy)),
                Err(error) => {
                    log_lost(crew.watch.logger, &error);
                    old.extend(traces[index].take());
                }
            }
        }
    }
    crew.dispose(old);
}

/// Whether the traces of a set that are here can have these weights.
pub(super) fn check_log_weights<T>(set: &Set<T>, log_weights: &[f64]) -> Result<(), Error> {
    let bad = |expected: String, got: String| Error::argument("log_weights", expected, got).in_set(set.id());
    if log_weights.len() != set.len() {
        return Err(bad(format!("{} numbers, one per trace", set.len()), log_weights.len().to_string()));
    }
    for (i, &w) in log_weights.iter().enumerate() {
        if w.is_nan() || w == f64::INFINITY {
            return Err(bad("numbers below infinity".into(), w.to_string()).of_trace(i));
        }
        if set.is_here(i) && set.trace(i).is_none() && w != f64::NEG_INFINITY {
            return Err(bad("-inf, for the trace was lost".into(), w.to_string()).of_trace(i));
        }
    }
    Ok(())
}
