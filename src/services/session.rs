//! A run under way: its chains at their driver, from the first slice to the report.

use super::control::Control;
use super::gather::Gatherer;
use super::sample::{chain_settings, check_lengths, diagnostic_columns};
use super::seat::{Run, Seat, Sinks};
use super::{ChainReport, Outcome, SampleIo, SampleOptions, SampleReport, engine_columns};
use crate::drive::{self, Desk, Evaluations, Pool, Workers, default_threads};
use crate::error::Error;
use crate::hmc::{Engine, MetricKind};
use crate::io::{Level, Logger};
use crate::model::{Density, Threading};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// From this many coordinates on the sampler's arithmetic between two evaluations takes longer than handing it to
/// another thread (about a microsecond), so that it pays when the evaluations must stay on one thread.
const HAND_OVER_DIM: usize = 1024;

/// A run under way.
///
/// Where a model may be called from any thread the chains run on the pool; where it may be called from one thread only,
/// all that touches the host (evaluations, outputs, writers, logger) happens on the thread inside [`Session::run`], and
/// the pool does the sampler's arithmetic where that takes longer than handing it over.
pub struct Session<'a, D: Density> {
    run: Arc<Run<'a, D>>,
    driver: Driver<'a, D>,
    interrupted: bool,
}

enum Driver<'a, D: Density> {
    /// Chains on the pool, evaluations inline.
    Threads(Vec<Seat<'a, D>>),
    /// Chains on the pool, evaluations gathered.
    Batch(Desk<Seat<'a, D>>, Gatherer<'a, D>),
    /// All on the calling thread but arithmetic, gathered where a gatherer is given.
    Caller(Desk<Seat<'a, D>>, Option<Gatherer<'a, D>>),
    /// All have ended.
    Over(Vec<Seat<'a, D>>),
}

impl<'a, D: Density> Session<'a, D> {
    /// Checks all arguments and seats NUTS chains; nothing runs yet.
    pub fn new(density: &'a D, options: &SampleOptions, io: SampleIo<'a>) -> Result<Self, Error> {
        Self::with_engine(density, Engine::Nuts, options, io)
    }

    /// As [`Session::new`], with the chains moved by `engine`.
    pub fn with_engine(
        density: &'a D,
        engine: Engine,
        options: &SampleOptions,
        io: SampleIo<'a>,
    ) -> Result<Self, Error> {
        options.validate()?;
        let options = &suited(engine, options);
        check_lengths(options.num_chains, &io)?;
        let keep_momentum = !io.diagnostic_writers.is_empty();
        let settings = chain_settings(density.dim(), options, &io.inv_metrics, keep_momentum)?;
        let threading = density.threading();
        let batch = options.batch_size > 0;
        if batch && !density.has_batch() {
            return Err(Error::argument(
                "batch_size",
                "0, for the model has no function for batches",
                options.batch_size,
            ));
        }
        let pool = choose_pool(io.pool, threading, options, io.logger)?;
        let hand_over = density.dim() >= HAND_OVER_DIM && options.num_chains > 1;
        let evaluations = match threading {
            _ if batch => Evaluations::Gathered,
            Threading::Caller if hand_over => Evaluations::HandedOver,
            _ => Evaluations::Inline,
        };
        let names = density.names();
        let columns = engine_columns(engine, density);
        let diagnostic_columns = diagnostic_columns(engine, &names);
        let run = Arc::new(Run {
            density,
            options: options.clone(),
            engine,
            logger: io.logger,
            control: Arc::new(Control::new(options.num_chains)),
            pool,
            workers: Workers::new(density, columns.len().max(diagnostic_columns.len())),
            evaluations,
            names,
            columns,
            diagnostic_columns,
        });
        let mut seats = Vec::with_capacity(options.num_chains);
        let (mut inits, mut checkpoints) = (io.inits.into_iter(), io.checkpoints.into_iter());
        let (mut init, mut sample, mut diagnostic) =
            (io.init_writers.into_iter(), io.sample_writers.into_iter(), io.diagnostic_writers.into_iter());
        for (place, settings) in settings.into_iter().enumerate() {
            let sinks = Sinks { init: init.next(), sample: sample.next(), diagnostic: diagnostic.next() };
            seats.push(Seat::new(&run, place, settings, inits.next(), checkpoints.next(), sinks)?);
        }
        let gatherer = batch.then(|| Gatherer::new(Arc::clone(&run)));
        let driver = match (threading, gatherer) {
            (Threading::Caller, gatherer) => Driver::Caller(Desk::new(seats), gatherer),
            (_, Some(gatherer)) => Driver::Batch(Desk::new(seats), gatherer),
            (_, None) => Driver::Threads(seats),
        };
        Ok(Self { run, driver, interrupted: false })
    }

    /// What others may watch and cancel the run by, from any thread.
    pub fn control(&self) -> Arc<Control> {
        Arc::clone(&self.run.control)
    }

    /// Id of the first chain.
    pub fn first_chain(&self) -> u64 {
        self.run.options.init_chain_id
    }

    /// Iterations that each chain is to do, warm-up included.
    pub fn total_iterations(&self) -> u64 {
        self.run.options.num_warmup as u64 + self.run.options.num_samples as u64
    }

    /// Whether the chains move only while some thread is inside [`Session::run`], because the model may be called from
    /// that thread alone.
    pub fn needs_caller(&self) -> bool {
        matches!(self.driver, Driver::Caller(..))
    }

    /// Runs the chains to their end, or until about `until` when [`Session::needs_caller`]; returns whether all have
    /// ended. `poll` is asked every few milliseconds on the calling thread; when it returns true the run is interrupted.
    pub fn run(&mut self, until: Option<Instant>, mut poll: impl FnMut() -> bool) -> bool {
        let interrupted = &mut self.interrupted;
        let poll = || {
            *interrupted |= poll();
            *interrupted
        };
        let (pool, stop) = (&self.run.pool, &self.run.control.stop);
        let driver = std::mem::replace(&mut self.driver, Driver::Over(Vec::new()));
        self.driver = match driver {
            Driver::Threads(seats) => Driver::Over(drive::run(pool, seats, stop, poll)),
            Driver::Batch(desk, gatherer) => {
                desk.run(pool, &gatherer, stop, poll);
                Driver::Over(desk.into_jobs())
            }
            Driver::Caller(desk, gatherer) => match desk.turn(pool, gatherer.as_ref(), stop, until, poll) {
                true => Driver::Over(desk.into_jobs()),
                false => Driver::Caller(desk, gatherer),
            },
            over => over,
        };
        matches!(self.driver, Driver::Over(_))
    }

    /// What the chains have to say, after all have ended.
    ///
    /// # Panics
    /// When [`Session::run`] has not returned true.
    pub fn into_report(self) -> SampleReport {
        let Driver::Over(seats) = self.driver else { panic!("the run is still under way") };
        let chains: Vec<ChainReport> = seats.into_iter().map(Seat::into_report).collect();
        let interrupted = self.interrupted || self.run.control.cancelled.load(Ordering::Relaxed);
        let interrupted = interrupted && chains.iter().any(|c| c.outcome == Outcome::Stopped);
        SampleReport { chains, interrupted }
    }
}

/// The pool given, or one of the run's own; one thread where the model wants no more.
pub(super) fn choose_pool(
    given: Option<Arc<Pool>>,
    threading: Threading,
    options: &SampleOptions,
    logger: &dyn Logger,
) -> Result<Arc<Pool>, Error> {
    match (given, threading) {
        (Some(pool), Threading::One) if pool.threads() > 1 => Err(Error::argument(
            "pool",
            "a pool of one thread, for the model may be called from one thread at a time",
            format_args!("one of {} threads", pool.threads()),
        )),
        (Some(pool), _) => Ok(pool),
        (None, Threading::One) => {
            let asked = if options.num_threads == 0 { default_threads() } else { options.num_threads };
            if asked > 1 {
                let line = format!("the model may be called from one thread only: the run uses 1 thread, not {asked}");
                logger.log(Level::Warning, None, &line);
            }
            Ok(Arc::new(Pool::new(1)?))
        }
        (None, _) => Ok(Arc::new(Pool::new(options.num_threads)?)),
    }
}

/// The options as `engine` understands them: fixed parameters need neither warm-up nor metric.
fn suited(engine: Engine, options: &SampleOptions) -> SampleOptions {
    match engine {
        Engine::Nuts | Engine::Static { .. } => options.clone(),
        Engine::FixedParam => {
            SampleOptions { num_warmup: 0, adaptation: None, metric: MetricKind::Unit, ..options.clone() }
        }
    }
}
