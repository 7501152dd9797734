//! What a service does with a machine's life: its first words, its events, its report.

use super::ChainReport;
use super::clock::{Clock, Times};
use super::control::Progress;
pub use super::report::End;
use super::run::Run;
use crate::drive::{Bench, PoolReducer};
use crate::error::{Code, Error};
use crate::io::{Level, Mark};
use crate::model::{Density, Machine, Task, WorkerError};
use crate::random::Stream;
use serde::{Serialize, de::DeserializeOwned};
use std::time::Instant;

/// What a service does with the events of one machine. A seat owns it and calls it on one thread at a time; what is
/// common to all services (answers, slices, time, failures, checkpoints) is the seat's.
pub trait Service<D: Density>: Send {
    /// What it carries through the run.
    type Machine: Machine + Serialize + DeserializeOwned;
    /// What a checkpoint keeps besides the machine.
    type Record: Serialize + DeserializeOwned;

    /// The first slice: greets the writers and makes the machine.
    fn begin(&mut self, here: &mut Here<'_, D>) -> Result<Self::Machine, Error>;

    /// Instead of [`Service::begin`], for a machine from a checkpoint.
    fn go_on(&mut self) -> Result<(), Error>;

    /// Sees to an event.
    fn event(
        &mut self,
        machine: &mut Self::Machine,
        event: <Self::Machine as Machine>::Event,
        here: &mut Here<'_, D>,
    ) -> Result<After, Error>;

    /// Called at the start of each slice, with the time it is: writers write what has waited for long.
    fn look(&mut self, _now: Instant) -> Result<(), Error> {
        Ok(())
    }

    /// Writers write what they have gathered and tell where they stand: the sample and the diagnostic writer.
    fn mark(&mut self) -> Result<[Mark; 2], Error> {
        Ok(Default::default())
    }

    /// The machine is over, whatever the reason: closes the writers, all of them; the first error counts. `warn` tells the
    /// user a last line.
    fn close(&mut self, warn: &dyn Fn(&str)) -> Result<(), Error>;

    /// What a checkpoint is to keep; `None` where the service has none.
    fn record(&self) -> Option<&Self::Record>;

    /// Takes what a checkpoint kept, if it belongs to this run.
    fn reopen(&mut self, machine: &mut Self::Machine, record: Self::Record) -> Result<(), Error>;

    /// The rows that its sample writer holds in memory.
    fn held(&self) -> Option<Vec<f64>> {
        None
    }

    /// What is said of the machine in the end; `None`: it never began.
    fn report(self, machine: Option<&Self::Machine>, end: End) -> ChainReport;
}

/// What comes after an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// The machine goes on.
    GoOn,
    /// It is done.
    Done,
}

/// Where a service stands while it sees to an event: the run, a bench, the clock.
pub struct Here<'a, D: Density> {
    pub run: &'a Run<'a, D>,
    pub place: usize,
    pub bench: &'a mut Bench<D::Worker>,
    pub(super) times: &'a mut Times,
    pub(super) clock: &'a mut Clock,
}

impl<D: Density> Here<'_, D> {
    /// Id of the machine.
    pub fn id(&self) -> u64 {
        self.run.id(self.place)
    }

    /// Calls the model with a task, and with the bench's row.
    pub fn call<R>(
        &mut self,
        stream: &mut Stream,
        f: impl FnOnce(&D, &mut D::Worker, &mut Task<'_>, &mut [f64]) -> R,
    ) -> R {
        let id = self.id();
        let reducer = PoolReducer::new(&self.run.pool, &self.run.workers);
        let Bench { worker, row, message } = &mut *self.bench;
        message.clear();
        let mut task = Task::new(id, stream, message, &reducer).with_logger(self.run.logger);
        f(self.run.density, worker, &mut task, row)
    }

    /// What the model said last, as the tail of a sentence.
    pub fn words(&self) -> String {
        in_words(&self.bench.message)
    }

    /// One or more lines about this machine.
    pub fn log(&self, level: Level, text: &str) {
        crate::io::log_lines(self.run.logger, level, Some(self.id()), text);
    }

    /// A line of progress after the first, the last and every `refresh`-th of `total` steps.
    pub fn tell(&self, noun: &str, done: usize, total: usize, phase: &str) {
        let refresh = self.run.options.refresh;
        if refresh > 0 && (done == 1 || done == total || done.is_multiple_of(refresh)) {
            let (width, percent) = (total.to_string().len(), 100 * done as u128 / total.max(1) as u128);
            self.log(Level::Info, &format!("{noun}: {done:width$} / {total} [{percent:3}%]  ({phase})"));
        }
    }

    /// What [`Control::progress`](super::Control::progress) tells from now on.
    pub fn show(&self, progress: &Progress) {
        self.run.control.show(self.place, progress);
    }

    /// Warm-up is over: the time from here on is that of sampling.
    pub fn warm(&mut self) {
        self.lap();
        self.times.warm = true;
    }

    /// Seconds of warm-up and of sampling until now.
    pub fn seconds(&mut self) -> (f64, f64) {
        self.lap();
        (self.times.warmup.as_secs_f64(), self.times.sampling.as_secs_f64())
    }

    fn lap(&mut self) {
        self.times.account(self.clock.lap());
    }
}

/// The model's message as the tail of a sentence.
pub(super) fn in_words(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!("; the model says: {message}") }
}

/// The words for a worker's memory that could not be made.
pub(super) fn no_worker(error: &WorkerError) -> Error {
    Error::new(Code::Model, format!("a worker's memory could not be made: {error}"))
}

pub(super) fn model_stopped(message: &str) -> Error {
    Error::new(Code::Model, format!("the model stopped the run{}", in_words(message)))
}
