//! One call of the host for each of many traces.

use super::{StepProgress, TraceFailure};
use crate::drive::{Pool, Shared, map, quiet};
use crate::error::{Code, Error};
use crate::io::Interrupt;
use crate::model::{Level, Logger, Refusal, SerialReducer, Task, Threading, Traces};
use crate::particles::Set;
use crate::random::{ParticlePurpose, ParticleStreams};

/// Who works on traces, and with what.
pub(super) struct Crew<'a, H: Traces> {
    pub host: &'a H,
    pub pool: &'a Pool,
    pub streams: ParticleStreams,
    pub on_failure: TraceFailure,
    pub genealogy: bool,
    pub watch: Watch<'a>,
    /// Copies that resampling made.
    pub copies: u64,
    /// The processes that share the sets, where there are others.
    pub ranks: Option<&'a Shared<'a>>,
    /// Whether these have a part of each set, not whole ones.
    pub parts: bool,
}

/// Interrupt, progress and logger of the calling thread.
pub(super) struct Watch<'a> {
    pub logger: &'a dyn Logger,
    pub interrupt: &'a dyn Interrupt,
    pub progress: Option<&'a mut StepProgress>,
}

/// One call: for which trace of which set, with what, and what came of it (`None`: not called).
pub(super) struct Call<A, R> {
    pub set: u64,
    pub index: usize,
    pub with: A,
    /// Boxed, for there are as many of these as traces.
    pub outcome: Option<Result<R, Box<Error>>>,
}

impl<A, R> Call<A, R> {
    pub fn new(set: u64, index: usize, with: A) -> Self {
        Self { set, index, with, outcome: None }
    }
}

/// When calls end before all were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ends {
    /// With the first that fails, and when the interrupt asks for it.
    Early,
    /// Never: what was changed in place has to be changed everywhere.
    Never,
}

impl<H: Traces> Crew<'_, H> {
    /// Makes all `calls`, in parallel where the host allows it, each with a task whose stream is that of `generation`
    /// and `purpose`. A refusal is an error that names set, trace and `what` was done.
    ///
    /// With [`Ends::Early`] the error returned is that of the first call in order that failed; with [`Ends::Never`] each
    /// call has an outcome of its own.
    pub fn call<A: Send, R: Send>(
        &mut self,
        calls: &mut [Call<A, R>],
        generation: u64,
        purpose: ParticlePurpose,
        what: &str,
        ends: Ends,
        work: impl Fn(&H, &mut A, &mut Task<'_>) -> Result<R, Refusal> + Sync,
    ) -> Result<(), Error> {
        let total = calls.len();
        let early = ends == Ends::Early;
        if early {
            self.watch.begin()?;
        }
        let Watch { logger, interrupt, progress } = &mut self.watch;
        let (host, streams, logger, ranks) = (self.host, self.streams, *logger, self.ranks);
        let watch = |done| {
            if let Some(progress) = progress {
                progress(done, total);
            }
            let asks = || early && interrupt.requested();
            ranks.map_or_else(asks, |ranks| ranks.pulse(asks) && early)
        };
        map(self.pool, host.threading(), calls, watch, |call| {
            let mut stream = streams.at(call.set, call.index as u64, generation, purpose);
            let mut message = String::new();
            let reducer = SerialReducer(|| ());
            let with = &mut call.with;
            let outcome = quiet::catch(|| {
                let task = Task::new(call.set, &mut stream, &mut message, &reducer).with_particle(call.index);
                work(host, with, &mut task.with_logger(logger))
            });
            let outcome = match outcome {
                Ok(Ok(value)) => Ok(value),
                Ok(Err(refusal)) => Err(refused(what, refusal, &message)),
                Err(panic) => Err(Error::new(Code::Internal, format!("{what}: a panic was caught: {panic}"))),
            };
            match outcome.map_err(|e| e.in_set(call.set).of_trace(call.index)) {
                Err(error) if early => Err(error),
                outcome => {
                    call.outcome = Some(outcome.map_err(Box::new));
                    Ok(())
                }
            }
        })
        .map_err(|e| if e.code() == Code::Interrupted { interrupted() } else { e })
    }

    /// See [`dispose`].
    pub fn dispose(&self, traces: Vec<H::Trace>) {
        dispose(self.host, self.pool, traces);
    }
}

/// Drops traces that are no longer needed, in parallel as all else that the host does with them.
pub(super) fn dispose<H: Traces>(host: &H, pool: &Pool, traces: Vec<H::Trace>) {
    /// Fewer are not worth the threads.
    const MANY: usize = 1024;
    if host.threading() == Threading::Any && traces.len() >= MANY {
        let mut traces: Vec<_> = traces.into_iter().map(Some).collect();
        // Dropping cannot fail but by a panic, after which there is nothing to be done either.
        let free = |trace: &mut Option<H::Trace>| {
            *trace = None;
            Ok(())
        };
        let _ = map(pool, Threading::Any, &mut traces, |_| false, free);
    } else {
        let _ = quiet::catch(|| drop(traces));
    }
}

impl Watch<'_> {
    /// Before anything is changed.
    pub fn begin(&self) -> Result<(), Error> {
        if self.interrupt.requested() { Err(interrupted()) } else { Ok(()) }
    }
}

fn interrupted() -> Error {
    Error::new(Code::Interrupted, "the interrupt asked for the end; the population is as it was before the call")
}

fn refused(what: &str, refusal: Refusal, message: &str) -> Error {
    let how = match refusal {
        Refusal::Reject => "the trace was rejected",
        Refusal::Stop => "it failed",
    };
    let words = if message.is_empty() { String::new() } else { format!("; it says: {message}") };
    Error::new(Code::Model, format!("{what}: {how}{words}"))
}

/// One call for each trace that is still there, `with` a reference to its place.
pub(super) fn calls_over<T, R>(sets: &mut [Set<T>]) -> Vec<Call<&mut Option<T>, R>> {
    sets.iter_mut()
        .flat_map(|set| {
            let id = set.id();
            set.traces_mut().iter_mut().enumerate().map(move |(i, place)| Call::new(id, i, place))
        })
        .filter(|call| call.with.is_some())
        .collect()
}

/// As [`calls_over`], to look at the traces only.
pub(super) fn looks_at<T, R>(sets: &[Set<T>]) -> Vec<Call<&T, R>> {
    sets.iter()
        .flat_map(|set| {
            let there = set.traces().iter().enumerate();
            there.filter_map(|(i, trace)| Some(Call::new(set.id(), i, trace.as_ref()?)))
        })
        .collect()
}

/// Says in the log what was lost.
pub(super) fn log_lost(logger: &dyn Logger, error: &Error) {
    crate::io::log_lines(logger, Level::Warning, None, &format!("{error}; the trace is lost, its weight zero"));
}

/// A copy of `trace`; a copy that is rejected has failed.
pub(super) fn copied<H: Traces>(host: &H, trace: &H::Trace, task: &mut Task<'_>) -> Result<H::Trace, Refusal> {
    host.copy(trace, task).map_err(|_| {
        task.add_message("the trace could not be copied");
        Refusal::Stop
    })
}
