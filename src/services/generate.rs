//! Generated quantities over draws that were made before.

use super::clock::Clock;
use super::draws::{RowContext, Source};
use super::session::choose_pool;
use super::{ChainReport, FailurePolicy, GivenDraws, MetricKind, Outcome, SampleIo, SampleOptions, SampleReport};
use crate::drive::{self, Bench, Desk, Gather, Job, Pool, PoolReducer, Seated, Slice, Workers};
use crate::error::{Code, Error};
use crate::io::{Level, Logger, Writer, log_lines};
use crate::model::{Density, Refusal, Task, Threading};
use crate::random::{Purpose, Stream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Columns that a writer of [`generate_quantities`] gets: the outputs after the parameters and transformed parameters;
/// all of them when the model does not say how many these are.
pub fn quantity_columns<D: Density>(density: &D) -> Vec<String> {
    density.output_names().split_off(density.parameter_outputs() + density.transformed_outputs())
}

/// Draws the generated quantities anew for draws that were made before, each chain's on its own.
///
/// Each row becomes a position by the model's `initialize` from the named values, or is one when the columns are the
/// model's coordinates; then the outputs are computed and [`quantity_columns`] of them are given to the chain's sample
/// writer, one row per row. A row that the model refuses is written as NaN, with a warning that names chain and row.
///
/// Of the options the chains' number and ids, seed, threads, refresh and failure policy count. `io` may list sample
/// writers, logger, interrupt and pool. Random numbers come from the stream of outputs of each chain's id.
///
/// # Errors
/// Before any row is computed: a list of wrong length, a table that is not whole rows, a parameter without a column, a
/// model without generated quantities.
pub fn generate_quantities<'a, D: Density>(
    density: &'a D,
    options: &SampleOptions,
    draws: &GivenDraws<'a>,
    io: SampleIo<'a>,
) -> Result<SampleReport, Error> {
    options.validate()?;
    check(density, options, draws, &io)?;
    let source = Source::new(density, &draws.names)?;
    let columns = quantity_columns(density);
    let outputs = density.output_names().len();
    let pool = choose_pool(io.pool, density.threading(), options, io.logger)?;
    let stop = AtomicBool::new(false);
    let shared = Shared {
        density,
        options: options.clone(),
        logger: io.logger,
        pool: &pool,
        workers: Workers::new(density, outputs),
        stop: &stop,
        source,
        coordinates: density.names(),
        quantities: outputs - columns.len()..outputs,
        columns,
        width: draws.names.len(),
    };
    let mut writers = io.sample_writers.into_iter();
    let seats = draws.chains.iter().enumerate().map(|(i, rows)| Generator::new(&shared, i, rows, writers.next()));
    let seats: Vec<_> = seats.collect();
    let (interrupt, mut interrupted) = (io.interrupt, false);
    let poll = || {
        interrupted |= interrupt.requested();
        interrupted
    };
    let seats = if density.threading() == Threading::Caller {
        let desk = Desk::new(seats);
        desk.turn(&pool, None::<&NoGather>, &stop, None, poll);
        desk.into_jobs()
    } else {
        drive::run(&pool, seats, &stop, poll)
    };
    let chains: Vec<ChainReport> = seats.into_iter().map(Generator::into_report).collect();
    let interrupted = interrupted && chains.iter().any(|c| c.outcome == Outcome::Stopped);
    Ok(SampleReport { chains, interrupted })
}

fn check<D: Density>(
    density: &D,
    options: &SampleOptions,
    draws: &GivenDraws<'_>,
    io: &SampleIo<'_>,
) -> Result<(), Error> {
    let unused = [
        ("inits", io.inits.len()),
        ("inv_metrics", io.inv_metrics.len()),
        ("init_writers", io.init_writers.len()),
        ("diagnostic_writers", io.diagnostic_writers.len()),
        ("checkpoints", io.checkpoints.len()),
    ];
    if let Some((name, length)) = unused.into_iter().find(|(_, length)| *length > 0) {
        return Err(Error::argument(name, "no entries where draws are given", length));
    }
    super::check_length("sample_writers", io.sample_writers.len(), options.num_chains)?;
    if draws.chains.len() != options.num_chains {
        let expected = format!("{} tables, one per chain", options.num_chains);
        return Err(Error::argument("draws", expected, draws.chains.len()));
    }
    let width = draws.names.len();
    for (i, rows) in draws.chains.iter().enumerate() {
        if width == 0 && !rows.is_empty() || width > 0 && !rows.len().is_multiple_of(width) {
            let expected = format!("whole rows of {width} numbers");
            let error = Error::argument(format!("draws.chains[{i}]"), expected, format!("{} numbers", rows.len()));
            return Err(error.in_chain(options.init_chain_id + i as u64));
        }
    }
    let (parameters, transformed) = (density.parameter_outputs(), density.transformed_outputs());
    let outputs = density.output_names().len();
    if parameters + transformed > 0 && parameters + transformed >= outputs {
        let got = format!("{outputs} outputs, of which {parameters} are parameters and {transformed} transformed ones");
        return Err(Error::argument("model", "one with generated quantities", got));
    }
    Ok(())
}

/// What all chains share.
struct Shared<'a, D: Density> {
    density: &'a D,
    options: SampleOptions,
    logger: &'a dyn Logger,
    pool: &'a Pool,
    workers: Workers<'a, D>,
    stop: &'a AtomicBool,
    source: Source,
    coordinates: Vec<String>,
    columns: Vec<String>,
    /// Where the quantities are among the outputs.
    quantities: std::ops::Range<usize>,
    /// Columns of the draws.
    width: usize,
}

/// One chain's draws on their way.
struct Generator<'s, 'a, D: Density> {
    shared: &'s Shared<'s, D>,
    id: u64,
    rows: &'a [f64],
    total: usize,
    done: usize,
    written: usize,
    begun: bool,
    position: Vec<f64>,
    writer: Option<&'a mut dyn Writer>,
    start_stream: Stream,
    outputs_stream: Stream,
    stride: u32,
    time: Duration,
    outcome: Option<Outcome>,
}

impl<'s, 'a, D: Density> Generator<'s, 'a, D> {
    fn new(shared: &'s Shared<'s, D>, place: usize, rows: &'a [f64], writer: Option<&'a mut dyn Writer>) -> Self {
        let id = shared.options.init_chain_id + place as u64;
        let stream = |purpose| Stream::new(shared.options.seed, id, purpose);
        Self {
            shared,
            id,
            rows,
            total: rows.len().checked_div(shared.width).unwrap_or(0),
            done: 0,
            written: 0,
            begun: false,
            position: vec![f64::NAN; shared.density.dim()],
            writer,
            start_stream: stream(Purpose::Start),
            outputs_stream: stream(Purpose::Outputs),
            stride: 1,
            time: Duration::ZERO,
            outcome: None,
        }
    }

    fn into_report(self) -> ChainReport {
        ChainReport {
            chain_id: self.id,
            outcome: self.outcome.expect("every job was run to its end"),
            iterations: self.done,
            rows: self.written,
            stepsize: f64::NAN,
            metric: MetricKind::Unit,
            inv_metric: Vec::new(),
            warmup_gradients: 0,
            sampling_gradients: 0,
            divergences: 0,
            saturated: 0,
            warmup_seconds: 0.0,
            sampling_seconds: self.time.as_secs_f64(),
            checkpoint: None,
        }
    }

    /// Rows until the slice's time is up; `Some` when the chain is over.
    fn work(&mut self, stop: &AtomicBool) -> Result<Option<Outcome>, Error> {
        let shared = self.shared;
        let mut bench = shared
            .workers
            .check_out()
            .map_err(|error| Error::new(Code::Model, format!("a worker's memory could not be made: {error}")))?;
        if !self.begun {
            self.begun = true;
            if let Some(writer) = &mut self.writer {
                writer.names(&shared.columns)?;
            }
        }
        let mut clock = Clock::new(Instant::now(), self.stride);
        while self.done < self.total {
            if stop.load(Ordering::Relaxed) {
                return Ok(Some(Outcome::Stopped));
            }
            self.row(&mut bench)?;
            self.done += 1;
            self.progress();
            if clock.is_up() {
                self.stride = clock.stride;
                return Ok(None);
            }
        }
        Ok(Some(Outcome::Finished))
    }

    fn row(&mut self, bench: &mut Bench<D::Worker>) -> Result<(), Error> {
        let shared = self.shared;
        let row = &self.rows[self.done * shared.width..][..shared.width];
        let quantities = shared.quantities.clone();
        bench.message.clear();
        let refusal = match self.locate(row, bench)? {
            Err(refusal) => Err(refusal),
            Ok(()) => {
                let reducer = PoolReducer::new(shared.pool, &shared.workers);
                let mut task = Task::new(self.id, &mut self.outputs_stream, &mut bench.message, &reducer)
                    .with_logger(shared.logger);
                let outputs = &mut bench.row[..quantities.end];
                shared.density.constrain(&mut bench.worker, &mut task, &self.position, outputs)
            }
        };
        match refusal {
            Ok(()) => {}
            Err(Refusal::Reject) => {
                bench.row[quantities.clone()].fill(f64::NAN);
                let words = super::seat::in_words(&bench.message);
                self.log(Level::Warning, &format!("row {} of the draws was refused{words}", self.done + 1));
            }
            Err(Refusal::Stop) => {
                let words = super::seat::in_words(&bench.message);
                return Err(Error::new(
                    Code::Model,
                    format!("the model stopped the run at row {} of the draws{words}", self.done + 1),
                ));
            }
        }
        if let Some(writer) = &mut self.writer {
            writer.row(&bench.row[quantities])?;
        }
        self.written += 1;
        Ok(())
    }

    /// Makes the position of a row.
    fn locate(&mut self, row: &[f64], bench: &mut Bench<D::Worker>) -> Result<Result<(), Refusal>, Error> {
        let shared = self.shared;
        let used = match &shared.source {
            Source::Position(columns) => {
                self.position.iter_mut().zip(columns).for_each(|(x, &c)| *x = row[c]);
                columns
            }
            Source::Values(values) => {
                self.position.fill(f64::NAN);
                let reducer = PoolReducer::new(shared.pool, &shared.workers);
                let mut task =
                    Task::new(self.id, &mut self.start_stream, &mut bench.message, &reducer).with_logger(shared.logger);
                let context = RowContext { values, row };
                let made = shared.density.initialize(&mut bench.worker, &mut task, &context, &mut self.position);
                if made.is_err() {
                    return Ok(made);
                }
                &values.columns
            }
        };
        let Some(at) = self.position.iter().position(|x| x.is_nan()) else { return Ok(Ok(())) };
        if used.iter().any(|&c| row[c].is_nan()) {
            bench.message.push_str("the draw holds NaN");
            return Ok(Err(Refusal::Reject));
        }
        Err(Error::argument(
            "draws.names",
            format!("columns that determine coordinate '{}'", shared.coordinates[at]),
            "columns from which the model makes no value of it",
        ))
    }

    fn log(&self, level: Level, text: &str) {
        log_lines(self.shared.logger, level, Some(self.id), text);
    }

    fn progress(&self) {
        let (refresh, done, total) = (self.shared.options.refresh, self.done, self.total);
        if refresh > 0 && (done == 1 || done == total || done.is_multiple_of(refresh)) {
            let (width, percent) = (total.to_string().len(), 100 * done / total);
            self.log(Level::Info, &format!("Row: {done:width$} / {total} [{percent:3}%]  (Generated quantities)"));
        }
    }

    /// Closes the writer and keeps the outcome.
    fn close(&mut self, mut outcome: Outcome) {
        if let Some(Err(error)) = self.writer.as_mut().map(|w| w.finish())
            && !matches!(outcome, Outcome::Failed(_))
        {
            outcome = Outcome::Failed(error);
        }
        if let Outcome::Failed(error) = outcome {
            let error = error.in_chain(self.id);
            self.log(Level::Error, &error.to_string());
            if self.shared.options.on_failure == FailurePolicy::StopRun {
                self.shared.stop.store(true, Ordering::Relaxed);
            }
            outcome = Outcome::Failed(error);
        }
        self.outcome = Some(outcome);
    }
}

impl<D: Density> Job for Generator<'_, '_, D> {
    fn progress(&self) -> f64 {
        self.done as f64 / self.total.max(1) as f64
    }

    fn slice(&mut self, stop: &AtomicBool) -> Slice {
        let start = Instant::now();
        let end = self.work(stop);
        self.time += start.elapsed();
        let outcome = match end {
            Ok(None) => return Slice::More,
            Ok(Some(outcome)) => outcome,
            Err(error) => Outcome::Failed(error),
        };
        self.close(outcome);
        Slice::Over
    }

    /// Never announced.
    fn compute(&mut self) {}

    fn broken(&mut self, message: String) {
        self.panicked(message);
    }

    fn panicked(&mut self, message: String) {
        self.close(Outcome::Failed(Error::new(Code::Internal, format!("a panic was caught: {message}"))));
    }
}

/// Rows are computed where they are: nothing is gathered.
enum NoGather {}

impl<J> Gather<J> for NoGather {
    fn size(&self) -> usize {
        match *self {}
    }

    fn wait(&self) -> Duration {
        match *self {}
    }

    fn answer(&self, _jobs: &mut [Seated<J>]) {
        match *self {}
    }
}
