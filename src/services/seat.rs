//! One chain's place in a run: its state, its writers, and what is reported of it.

use super::control::{Control, Progress};
use super::{ChainReport, FailurePolicy, Outcome, SampleOptions};
use crate::drive::{self, Around, Bench, Brought, Evaluations, Job, Pause, Pool, PoolReducer, Slice, Workers};
use crate::error::{Code, Error};
use crate::hmc::{self, Chain, ChainSettings, Failure, Metric, MetricKind, Reply, Start};
use crate::io::{Level, Logger, Writer};
use crate::model::{Density, InitContext, Refusal, Task};
use crate::random::{Purpose, Stream};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long a chain runs before another one may have the thread.
const SLICE: Duration = Duration::from_millis(1);
/// Most evaluations between two looks at the clock.
const LONGEST_STRIDE: u32 = 1024;

/// What all chains of a run share.
pub(super) struct Run<'a, D: Density> {
    pub density: &'a D,
    pub options: SampleOptions,
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
            Some(bytes) => Some(reopen(bytes, &settings, &run.options).map_err(|e| e.in_chain(id))?),
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
        let (warmup_gradients, sampling_gradients) = chain.map_or((0, 0), Chain::evaluations);
        ChainReport {
            chain_id: self.settings.chain_id,
            outcome,
            iterations: chain.map_or(0, Chain::iterations),
            rows: record.rows,
            stepsize: chain.map_or(self.settings.stepsize, Chain::stepsize),
            inv_metric: chain.map_or(&self.settings.metric, Chain::metric).inverse(),
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

    fn work(&mut self, bench: &mut Bench<D::Worker>, stop: &AtomicBool) -> Result<(), End> {
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
        let mut clock = Clock::new(self.stride);
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
                    self.drawn(bench)?;
                    // A model without coordinates never evaluates, so its slices end here.
                    if self.settings.dim == 0 {
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
        self.record.chain = Some(Chain::new(self.settings.clone(), Start(start)));
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

    fn drawn(&mut self, bench: &mut Bench<D::Worker>) -> Result<(), Error> {
        let run = Arc::clone(&self.run);
        let options = &run.options;
        let chain = self.record.chain.as_ref().expect("it has just drawn");
        let t = *chain.transition();
        let warmup = t.iteration < self.settings.num_warmup;
        if !warmup {
            self.record.divergences += u64::from(t.divergent);
            self.record.saturated += u64::from(t.depth >= self.settings.max_depth);
        }
        self.show(warmup);
        let nth = if warmup { t.iteration } else { t.iteration - self.settings.num_warmup };
        self.progress(t.iteration);
        if nth % options.thin != 0 || (warmup && !options.save_warmup) {
            return Ok(());
        }
        let sampler = [
            t.log_density,
            t.accept_stat,
            t.stepsize,
            f64::from(t.depth),
            t.n_leapfrog as f64,
            f64::from(u8::from(t.divergent)),
            t.energy,
        ];
        bench.row[..sampler.len()].copy_from_slice(&sampler);
        if self.sinks.sample.is_some() {
            self.outputs(bench, sampler.len())?;
            if let Some(writer) = &mut self.sinks.sample {
                writer.row(&bench.row[..self.run.columns.len()])?;
            }
        }
        if let Some(writer) = &mut self.sinks.diagnostic {
            let chain = self.record.chain.as_ref().expect("it has just drawn");
            let dim = self.settings.dim;
            let row = &mut bench.row[..self.run.diagnostic_columns.len()];
            let (position, rest) = row[sampler.len()..].split_at_mut(dim);
            let (momentum, gradient) = rest.split_at_mut(dim);
            position.copy_from_slice(chain.position());
            if !chain.momentum(momentum) {
                momentum.fill(f64::NAN);
            }
            for (out, g) in gradient.iter_mut().zip(chain.gradient()) {
                *out = -g;
            }
            writer.row(row)?;
        }
        self.record.rows += 1;
        Ok(())
    }

    /// The model's outputs into the row, from column `at` on; NaN where the model refuses, as in Stan.
    fn outputs(&mut self, bench: &mut Bench<D::Worker>, at: usize) -> Result<(), Error> {
        let id = self.id();
        let reducer = PoolReducer::new(&self.run.pool, &self.run.workers);
        let chain = self.record.chain.as_mut().expect("it has just drawn");
        let (position, stream) = chain.draw();
        bench.message.clear();
        let outputs = &mut bench.row[at..self.run.columns.len()];
        let mut task = Task::new(id, stream, &mut bench.message, &reducer).with_logger(self.run.logger);
        match self.run.density.constrain(&mut bench.worker, &mut task, position, outputs) {
            Ok(()) => Ok(()),
            Err(Refusal::Reject) => {
                outputs.fill(f64::NAN);
                self.log(Level::Warning, &format!("the outputs of a draw were refused{}", in_words(&bench.message)));
                Ok(())
            }
            Err(Refusal::Stop) => Err(Error::new(
                Code::Model,
                format!("the model stopped the run while computing outputs{}", in_words(&bench.message)),
            )),
        }
    }

    /// What [`Control::progress`] tells of the chain.
    fn show(&self, in_warmup: bool) {
        let Some(chain) = &self.record.chain else { return };
        let (warmup, sampling) = chain.evaluations();
        self.run.control.show(
            self.place,
            &Progress {
                iteration: chain.iterations(),
                in_warmup,
                divergences: self.record.divergences,
                gradients: warmup + sampling,
                stepsize: chain.stepsize(),
                over: false,
            },
        );
    }

    fn progress(&self, iteration: usize) {
        let SampleOptions { refresh, num_warmup, num_samples, .. } = self.run.options;
        let (done, total) = (iteration + 1, num_warmup + num_samples);
        if refresh == 0 || !(done == 1 || done == total || done.is_multiple_of(refresh)) {
            return;
        }
        let phase = if iteration < num_warmup { "Warmup" } else { "Sampling" };
        let width = total.to_string().len();
        let percent = 100 * done / total;
        self.log(Level::Info, &format!("Iteration: {done:width$} / {total} [{percent:3}%]  ({phase})"));
    }

    /// Stan's lines after warm-up, to the sample and diagnostic writers.
    fn adapted(&mut self) -> Result<(), Error> {
        let chain = self.record.chain.as_ref().expect("it has just ended its warm-up");
        let mut lines = Vec::new();
        if self.settings.adaptation.is_some() && self.settings.num_warmup > 0 {
            lines.push("Adaptation terminated".to_string());
        }
        lines.push(format!("Step size = {}", crate::io::shortest(chain.stepsize())));
        let inverse = chain.metric().inverse();
        let join = |row: &[f64]| row.iter().map(|v| crate::io::shortest(*v)).collect::<Vec<_>>().join(", ");
        match chain.metric().kind() {
            MetricKind::Unit => lines.push("No free parameters for unit metric".into()),
            MetricKind::Diag => {
                lines.push("Diagonal elements of inverse mass matrix:".into());
                lines.push(join(&inverse));
            }
            MetricKind::Dense => {
                lines.push("Elements of inverse mass matrix:".into());
                lines.extend(inverse.chunks(self.settings.dim.max(1)).map(join));
            }
        }
        self.messages(&lines)
    }

    /// Stan's lines at the end, to the sample and diagnostic writers.
    fn timing(&mut self) -> Result<(), Error> {
        let (warmup, sampling) = (self.record.warmup_time.as_secs_f64(), self.record.sampling_time.as_secs_f64());
        self.messages(&[
            String::new(),
            format!(" Elapsed Time: {warmup:.3} seconds (Warm-up)"),
            format!("               {sampling:.3} seconds (Sampling)"),
            format!("               {:.3} seconds (Total)", warmup + sampling),
            String::new(),
        ])
    }

    fn messages(&mut self, lines: &[String]) -> Result<(), Error> {
        for writer in [&mut self.sinks.sample, &mut self.sinks.diagnostic].into_iter().flatten() {
            for line in lines {
                writer.message(line)?;
            }
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
            Ok(mut bench) => self.work(&mut bench, stop),
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
fn in_words(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!("; the model says: {message}") }
}

/// Reads a checkpoint and makes sure it belongs to this run. The number of samples may differ.
fn reopen(bytes: &[u8], settings: &ChainSettings, options: &SampleOptions) -> Result<Record, Error> {
    let mut record: Record = hmc::open(bytes)?;
    let misfit = |name: &str, expected: String, got: String| {
        Err(Error::new(Code::Checkpoint, format!("the checkpoint's {name} is {expected}, the run's is {got}")))
    };
    let Some(chain) = &mut record.chain else {
        return Err(Error::new(Code::Checkpoint, "the checkpoint holds no chain"));
    };
    if let Some((name, was, is)) = chain.misfit(settings) {
        return misfit(name, was, is);
    }
    if (record.thin, record.save_warmup) != (options.thin, options.save_warmup) {
        let text = |thin, save| format!("thin {thin}, save_warmup {save}");
        return misfit("output", text(record.thin, record.save_warmup), text(options.thin, options.save_warmup));
    }
    chain.set_num_samples(settings.num_samples);
    Ok(record)
}

/// Tells when a slice's time is up, looking at the clock as seldom as it can afford to.
struct Clock {
    start: Instant,
    lap: Instant,
    looked: Instant,
    stride: u32,
    left: u32,
}

impl Clock {
    fn new(stride: u32) -> Self {
        let now = Instant::now();
        Self { start: now, lap: now, looked: now, stride, left: stride }
    }

    #[inline]
    fn is_up(&mut self) -> bool {
        self.left -= 1;
        if self.left > 0 {
            return false;
        }
        self.look()
    }

    fn look(&mut self) -> bool {
        let now = Instant::now();
        let took = now - self.looked;
        self.looked = now;
        // About eight looks per slice.
        if took < SLICE / 16 {
            self.stride = (self.stride * 2).min(LONGEST_STRIDE);
        } else if took > SLICE / 4 {
            self.stride = (self.stride / 2).max(1);
        }
        self.left = self.stride;
        now - self.start >= SLICE
    }

    /// Time since the last lap.
    fn lap(&mut self) -> Duration {
        let now = Instant::now();
        let took = now - self.lap;
        self.lap = now;
        took
    }
}
