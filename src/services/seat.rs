//! One chain's place in a run: its state, its writers, and what is reported of it.

mod output;

pub use output::elapsed_lines;

use super::clock::Clock;
use super::control::Control;
use super::{ChainReport, FailurePolicy, Outcome, SampleOptions};
use crate::drive::{self, Around, Bench, Brought, Evaluations, Job, Pause, Pool, PoolReducer, Slice, Workers};
use crate::error::{Code, Error};
use crate::hmc::{self, Chain, ChainSettings, Engine, Failure, Metric, Reply, Start};
use crate::io::{Level, Logger, Writer};
use crate::model::{Density, InitContext, Refusal, Task};
use crate::random::{Purpose, Stream};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// What all chains of a run share.
pub(super) struct Run<'a, D: Density> {
    pub density: &'a D,
    pub options: SampleOptions,
    pub engine: Engine,
    pub logger: &'a dyn Logger,
    pub control: Arc<Control>,
    pub pool: Arc<Pool>,
    pub workers: Workers<'a, D>,
    pub evaluations: Evaluations,
    pub names: Vec<String>,
    pub columns: Vec<String>,
    pub diagnostic_columns: Vec<String>,
}

/// One chain's writers.
pub(super) struct Sinks<'a> {
    pub init: Option<&'a mut dyn Writer>,
    pub sample: Option<&'a mut dyn Writer>,
    pub diagnostic: Option<&'a mut dyn Writer>,
}

/// The part of a seat that a checkpoint keeps.
#[derive(Serialize, Deserialize)]
struct Record {
    /// `None` until the first slice.
    chain: Option<Chain>,
    thin: usize,
    save_warmup: bool,
    rows: usize,
    divergences: u64,
    saturated: u64,
    warmup_time: Duration,
    sampling_time: Duration,
    in_warmup: bool,
}

/// See the module's words.
pub(super) struct Seat<'r, D: Density> {
    run: Arc<Run<'r, D>>,
    place: usize,
    settings: ChainSettings,
    init: Option<&'r dyn InitContext>,
    sinks: Sinks<'r>,
    record: Record,
    /// What was done for the chain elsewhere since its last slice. Not part of a checkpoint: an answer that was not taken
    /// is asked for again.
    brought: Brought,
    /// The chain comes from a checkpoint and its writers don't know yet.
    resumed: bool,
    /// Why the chain must end at its next slice.
    broken: Option<Error>,
    evaluations: u64,
    stride: u32,
    outcome: Option<Outcome>,
}

/// Why a slice's work ended before its time was up.
enum End {
    /// The chain is done or must stop.
    Over(Outcome),
    /// The slice's time is up, or the chain waits for what is done elsewhere.
    Pause(Slice),
}

impl From<Error> for End {
    fn from(error: Error) -> Self {
        Self::Over(Outcome::Failed(error))
    }
}

impl<'r, D: Density> Seat<'r, D> {
    /// A seat for the chain of `settings`; goes on from `checkpoint` when that is not empty.
    pub fn new(
        run: &Arc<Run<'r, D>>,
        place: usize,
        settings: ChainSettings,
        init: Option<&'r dyn InitContext>,
        checkpoint: Option<&[u8]>,
        sinks: Sinks<'r>,
    ) -> Result<Self, Error> {
        let id = settings.chain_id;
        let record = match checkpoint.filter(|bytes| !bytes.is_empty()) {
            Some(bytes) => Some(reopen(bytes, run.engine, &settings, &run.options).map_err(|e| e.in_chain(id))?),
            None => None,
        };
        let resumed = record.is_some();
        Ok(Self {
            run: Arc::clone(run),
            place,
            settings,
            init,
            sinks,
            record: record.unwrap_or(Record {
                chain: None,
                thin: run.options.thin,
                save_warmup: run.options.save_warmup,
                rows: 0,
                divergences: 0,
                saturated: 0,
                warmup_time: Duration::ZERO,
                sampling_time: Duration::ZERO,
                in_warmup: true,
            }),
            brought: Brought::Nothing,
            resumed,
            broken: None,
            evaluations: 0,
            stride: 1,
            outcome: None,
        })
    }

    pub fn into_report(self) -> ChainReport {
        let record = self.record;
        let outcome = self.outcome.expect("every job was run to its end");
        let checkpoint = (!matches!(outcome, Outcome::Failed(_)) && record.chain.is_some()).then(|| hmc::seal(&record));
        let chain = record.chain.as_ref();
        let metric = chain.map_or(&self.settings.metric, Chain::metric);
        let (warmup_gradients, sampling_gradients) = chain.map_or((0, 0), Chain::evaluations);
        ChainReport {
            chain_id: self.settings.chain_id,
            outcome,
            iterations: chain.map_or(0, Chain::iterations),
            rows: record.rows,
            stepsize: chain.map_or(self.settings.stepsize, Chain::stepsize),
            metric: metric.kind(),
            inv_metric: metric.inverse(),
            warmup_gradients,
            sampling_gradients,
            divergences: record.divergences,
            saturated: record.saturated,
            warmup_seconds: record.warmup_time.as_secs_f64(),
            sampling_seconds: record.sampling_time.as_secs_f64(),
            checkpoint,
        }
    }

    /// For a chain that waits to be evaluated: where, and where its gradient goes.
    pub fn evaluation(&mut self) -> (&[f64], &mut [f64]) {
        let chain = self.record.chain.as_mut().expect("it has asked");
        let (position, gradient, _) = chain.evaluation();
        (position, gradient)
    }

    /// The answer to what the chain waits for, which took `time`.
    pub fn reply(&mut self, reply: Reply, time: Duration) {
        self.brought = Brought::Reply(reply);
        self.account(time);
    }

    /// The model will not go on: the chain ends at its next slice.
    pub fn stopped_by_model(&mut self, message: &str) {
        self.fail(model_stopped(message));
    }

    /// The chain ends with `error` at its next slice.
    pub fn fail(&mut self, error: Error) {
        self.broken = Some(error);
    }

    fn id(&self) -> u64 {
        self.settings.chain_id
    }

    fn log(&self, level: Level, text: &str) {
        crate::io::log_lines(self.run.logger, level, Some(self.id()), text);
    }

    fn work(&mut self, bench: &mut Bench<D::Worker>, stop: &AtomicBool, start: Instant) -> Result<(), End> {
        // What the last user of the bench left belongs to another chain.
        bench.message.clear();
        if let Some(error) = self.broken.take() {
            return Err(error.into());
        }
        // A request that was computed elsewhere is seen to first: the draw it may announce belongs to what is kept.
        if stop.load(Ordering::Relaxed) && !matches!(self.brought, Brought::Request(_)) {
            return Err(End::Over(Outcome::Stopped));
        }
        if self.record.chain.is_none() {
            self.begin(bench)?;
        } else if std::mem::take(&mut self.resumed) {
            self.go_on()?;
        }
        let run = Arc::clone(&self.run);
        let reducer = PoolReducer::new(&run.pool, &run.workers);
        let around = Around { reducer: &reducer, logger: run.logger, evaluations: run.evaluations };
        let limit = match self.run.options.max_evaluations {
            0 => u64::MAX,
            n => n,
        };
        let mut clock = Clock::new(start, self.stride);
        loop {
            let chain = self.record.chain.as_mut().expect("made at the start of the first slice");
            let mut reason = None;
            let evaluations = &mut self.evaluations;
            let brought = std::mem::replace(&mut self.brought, Brought::Nothing);
            let pause = drive::advance(chain, run.density, bench, around, brought, || {
                if stop.load(Ordering::Relaxed) || *evaluations >= limit {
                    reason = Some(End::Over(Outcome::Stopped));
                } else if clock.is_up() {
                    reason = Some(End::Pause(Slice::More));
                } else {
                    *evaluations += 1;
                }
                reason.is_some()
            });
            self.stride = clock.stride;
            match pause {
                Pause::Asked => return Err(reason.expect("set when asking")),
                Pause::Waiting => return Err(End::Pause(Slice::Ask)),
                Pause::Evaluated(reply) => {
                    self.brought = Brought::Reply(reply);
                    return Err(End::Pause(Slice::Compute));
                }
                Pause::Initialized => self.initialized()?,
                Pause::Draw => {
                    let moves = chain.moves();
                    self.drawn(bench)?;
                    // A chain that never moves never evaluates, so its slices end here.
                    if !moves {
                        if stop.load(Ordering::Relaxed) {
                            return Err(End::Over(Outcome::Stopped));
                        } else if clock.is_up() {
                            return Err(End::Pause(Slice::More));
                        }
                    }
                }
                Pause::WarmupDone => {
                    self.account(clock.lap());
                    self.record.in_warmup = false;
                    self.adapted()?;
                }
                Pause::Done => {
                    self.account(clock.lap());
                    self.timing()?;
                    return Err(End::Over(Outcome::Finished));
                }
                Pause::Failed(failure) => return Err(self.failure(failure, &bench.message).into()),
                Pause::ModelStopped => return Err(model_stopped(&bench.message).into()),
            }
        }
    }

    fn account(&mut self, time: Duration) {
        *(if self.record.in_warmup { &mut self.record.warmup_time } else { &mut self.record.sampling_time }) += time;
    }

    fn failure(&self, failure: Failure, message: &str) -> Error {
        Error::new(Code::Initialization, format!("{failure}{}", in_words(message)))
    }

    /// Column names, then the start values the model makes of the init context.
    fn begin(&mut self, bench: &mut Bench<D::Worker>) -> Result<(), Error> {
        if let Some(writer) = &mut self.sinks.init {
            writer.names(&self.run.names)?;
        }
        if let Some(writer) = &mut self.sinks.sample {
            writer.names(&self.run.columns)?;
        }
        if let Some(writer) = &mut self.sinks.diagnostic {
            writer.names(&self.run.diagnostic_columns)?;
        }
        bench.message.clear();
        let mut start = vec![f64::NAN; self.settings.dim];
        if let Some(init) = self.init {
            match init.position() {
                Some(position) if position.len() == start.len() => start.copy_from_slice(position),
                Some(position) => {
                    return Err(Error::argument(
                        "inits",
                        format!("a position of {} numbers", start.len()),
                        position.len(),
                    ));
                }
                None => self.initialize(init, bench, &mut start)?,
            }
            let unused = init.unused();
            if !unused.is_empty() {
                self.log(
                    Level::Warning,
                    &format!("initial values that the model did not ask for: {}", unused.join(", ")),
                );
            }
        }
        self.record.chain = Some(Chain::with_engine(self.settings.clone(), self.run.engine, Start(start)));
        // From here on the metric is the chain's alone.
        self.settings.metric = Metric::unit();
        Ok(())
    }

    /// As [`Seat::begin`], for a chain from a checkpoint.
    fn go_on(&mut self) -> Result<(), Error> {
        let rows = self.record.rows;
        if let Some(writer) = &mut self.sinks.sample {
            writer.resumed(&self.run.columns, rows)?;
        }
        if let Some(writer) = &mut self.sinks.diagnostic {
            writer.resumed(&self.run.diagnostic_columns, rows)?;
        }
        Ok(())
    }

    fn initialize(&self, init: &dyn InitContext, bench: &mut Bench<D::Worker>, start: &mut [f64]) -> Result<(), Error> {
        let mut stream = Stream::new(self.settings.seed, self.id(), Purpose::Start);
        let reducer = PoolReducer::new(&self.run.pool, &self.run.workers);
        let mut task = Task::new(self.id(), &mut stream, &mut bench.message, &reducer).with_logger(self.run.logger);
        match self.run.density.initialize(&mut bench.worker, &mut task, init, start) {
            Ok(()) => Ok(()),
            Err(refusal) => {
                let words = in_words(&bench.message);
                let verb = if refusal == Refusal::Reject { "refused" } else { "could not use" };
                Err(Error::new(Code::Initialization, format!("the model {verb} the initial values given{words}")))
            }
        }
    }

    fn initialized(&mut self) -> Result<(), Error> {
        let chain = self.record.chain.as_ref().expect("it has just answered");
        if let Some(writer) = &mut self.sinks.init {
            writer.row(chain.position())?;
        }
        Ok(())
    }

    /// Closes the writers and keeps the outcome. A writer that fails to close fails the chain.
    fn close(&mut self, outcome: Outcome) {
        let mut outcome = outcome;
        for writer in [&mut self.sinks.init, &mut self.sinks.sample, &mut self.sinks.diagnostic].into_iter().flatten() {
            if let Err(error) = writer.finish()
                && !matches!(outcome, Outcome::Failed(_))
            {
                outcome = Outcome::Failed(error);
            }
        }
        if let Outcome::Failed(error) = outcome {
            let error = error.in_chain(self.id());
            self.log(Level::Error, &error.to_string());
            if self.run.options.on_failure == FailurePolicy::StopRun {
                self.run.control.stop.store(true, Ordering::Relaxed);
            }
            outcome = Outcome::Failed(error);
        }
        self.outcome = Some(outcome);
        self.run.control.end(self.place);
    }
}

impl<D: Density> Job for Seat<'_, D> {
    fn progress(&self) -> f64 {
        let total = self.settings.num_warmup.saturating_add(self.settings.num_samples).max(1);
        self.record.chain.as_ref().map_or(0.0, |c| c.iterations() as f64 / total as f64)
    }

    fn slice(&mut self, stop: &AtomicBool) -> Slice {
        let run = Arc::clone(&self.run);
        let start = Instant::now();
        let before = self.record.warmup_time + self.record.sampling_time;
        let end = match run.workers.check_out() {
            Ok(mut bench) => self.work(&mut bench, stop, start),
            Err(error) => Err(Error::new(Code::Model, format!("a worker's memory could not be made: {error}")).into()),
        };
        let accounted = self.record.warmup_time + self.record.sampling_time - before;
        self.account(start.elapsed().saturating_sub(accounted));
        match end {
            Ok(()) => Slice::More,
            Err(End::Pause(slice)) => slice,
            Err(End::Over(outcome)) => {
                self.close(outcome);
                Slice::Over
            }
        }
    }

    fn compute(&mut self) {
        let start = Instant::now();
        if let Brought::Reply(reply) = self.brought
            && let Some(chain) = &mut self.record.chain
        {
            self.brought = Brought::Request(chain.resume(reply));
        }
        self.account(start.elapsed());
    }

    fn broken(&mut self, message: String) {
        self.fail(caught(&message));
    }

    fn panicked(&mut self, message: String) {
        self.close(Outcome::Failed(caught(&message)));
    }
}

fn model_stopped(message: &str) -> Error {
    Error::new(Code::Model, format!("the model stopped the run{}", in_words(message)))
}

fn caught(message: &str) -> Error {
    Error::new(Code::Internal, format!("a panic was caught: {message}"))
}

/// The model's message as the tail of a sentence.
pub(super) fn in_words(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!("; the model says: {message}") }
}

/// Reads a checkpoint and makes sure it belongs to this run. The number of samples may differ.
fn reopen(bytes: &[u8], engine: Engine, settings: &ChainSettings, options: &SampleOptions) -> Result<Record, Error> {
    let mut record: Record = hmc::open(bytes)?;
    let misfit = |name: &str, expected: String, got: String| {
        Err(Error::new(Code::Checkpoint, format!("the checkpoint's {name} is {expected}, the run's is {got}")))
    };
    let Some(chain) = &mut record.chain else {
        return Err(Error::new(Code::Checkpoint, "the checkpoint holds no chain"));
    };
    if let Some((name, was, is)) = chain.misfit(engine, settings) {
        return misfit(name, was, is);
    }
    if (record.thin, record.save_warmup) != (options.thin, options.save_warmup) {
        let text = |thin, save| format!("thin {thin}, save_warmup {save}");
        return misfit("output", text(record.thin, record.save_warmup), text(options.thin, options.save_warmup));
    }
    chain.set_num_samples(settings.num_samples);
    Ok(record)
}
