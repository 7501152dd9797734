//! A run under way: its machines at their driver, from the first slice to the report.

use super::company::Company;
use super::control::Control;
use super::run::Run;
use super::sample::Sampling;
use super::seat::Seat;
use super::service::Service;
use super::spread::Others;
use super::{ChainReport, FailurePolicy, Outcome, SampleReport, StopReason};
use crate::drive::{self, Council, Desk, Evaluations, Pool};
use crate::error::{Code, Error};
use crate::io::{Level, Writer};
use crate::model::{Density, Fold, Threading};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

#[cfg(test)]
mod tests;

/// A run under way; of chains, where nothing else is said.
///
/// Where a model may be called from any thread the machines run on the pool; where it may be called from one thread only,
/// all that touches the host (evaluations, outputs, writers, logger) happens on the thread inside [`Session::run`], and
/// the pool does the arithmetic between evaluations where that takes longer than handing it over.
pub struct Session<'a, D: Density, S: Service<D> = Sampling<'a>> {
    run: Arc<Run<'a, D>>,
    company: Company<'a, D>,
    driver: Driver<'a, D, S>,
    /// How long it may take, and when it began.
    others: Others<'a>,
    most: Option<Duration>,
    began: Option<Instant>,
}

enum Driver<'a, D: Density, S: Service<D>> {
    /// Machines on the pool, evaluations inline.
    Threads(Vec<Seat<'a, D, S>>),
    /// Machines on the pool, evaluations gathered.
    Batch(Desk<Seat<'a, D, S>>),
    /// All on the calling thread but arithmetic, gathered where there are batches.
    Caller(Desk<Seat<'a, D, S>>),
    /// All have ended.
    Over(Vec<ChainReport>),
}

impl<'a, D: Density, S: Service<D>> Session<'a, D, S> {
    /// Seats one machine per service, in order, at the places of the run that are this process's; those with a checkpoint that is not empty go on from it. Machines that
    /// meet have their `fold`. Nothing runs yet.
    pub(super) fn seat(
        run: Run<'a, D>,
        services: Vec<S>,
        checkpoints: &[&[u8]],
        fold: Option<Arc<dyn Fold + Send>>,
    ) -> Result<Self, Error> {
        let run = Arc::new(run);
        let seats = run.own.clone().zip(services);
        let seats: Vec<_> =
            seats.map(|(i, s)| Seat::new(&run, i, s, checkpoints.get(i).copied())).collect::<Result<_, Error>>()?;
        let driver = match (run.density.threading(), run.evaluations) {
            (Threading::Caller, _) => Driver::Caller(Desk::new(seats)),
            (_, Evaluations::Gathered) => Driver::Batch(Desk::new(seats)),
            _ => Driver::Threads(seats),
        };
        Ok(Self {
            company: Company::new(Arc::clone(&run), fold),
            run,
            driver,
            others: Others::default(),
            most: None,
            began: None,
        })
    }

    /// The same run, to end, resumably, once it has taken so long; zero: whenever it ends.
    pub(super) fn ending_after(self, most: Duration) -> Self {
        Self { most: (!most.is_zero()).then_some(most), ..self }
    }

    /// The same run, with the sample writers of other processes' chains, each with its place, and their columns' names.
    pub(super) fn sharing(self, writers: Vec<(usize, &'a mut dyn Writer)>, names: Vec<String>) -> Self {
        Self { others: Others { writers, names }, ..self }
    }

    /// What others may watch and cancel the run by, from any thread.
    pub fn control(&self) -> Arc<Control> {
        Arc::clone(&self.run.control)
    }

    /// The ranks that it is spread over.
    pub(super) fn council(&self) -> Option<Council<'a>> {
        self.run.council.as_ref().map(Council::again)
    }

    /// The threads that it runs on.
    pub fn pool(&self) -> Arc<Pool> {
        Arc::clone(&self.run.pool)
    }

    /// Id of the first chain.
    pub fn first_chain(&self) -> u64 {
        self.run.options.init_chain_id
    }

    /// Iterations that each chain is to do, warm-up included.
    pub fn total_iterations(&self) -> u64 {
        self.run.options.num_warmup as u64 + self.run.options.num_samples as u64
    }

    /// Whether the machines move only while some thread is inside [`Session::run`], because the model may be called from
    /// that thread alone.
    pub fn needs_caller(&self) -> bool {
        matches!(self.driver, Driver::Caller(..))
    }

    /// Runs the machines to their end, or until about `until` when [`Session::needs_caller`]; returns whether all have
    /// ended. `poll` is asked every few milliseconds on the calling thread; when it returns true the run is interrupted.
    pub fn run(&mut self, until: Option<Instant>, mut poll: impl FnMut() -> bool) -> bool {
        let began = *self.began.get_or_insert_with(Instant::now);
        let (logger, most, control) = (self.run.logger, self.most, &self.run.control);
        let poll = || {
            let interrupted = poll();
            control.cancelled.fetch_or(interrupted, Ordering::Relaxed);
            let expires = |most: &Duration| !interrupted && began.elapsed() >= *most;
            if let Some(most) = most.filter(|most| expires(most) && !control.expired.swap(true, Ordering::Relaxed)) {
                let line = format!("the run has taken its max_seconds = {} and ends", most.as_secs_f64());
                logger.log(Level::Info, None, &line);
            }
            interrupted || control.expired.load(Ordering::Relaxed)
        };
        let (pool, company, stop) = (&self.run.pool, &self.company, &self.run.control.stop);
        let driver = std::mem::replace(&mut self.driver, Driver::Over(Vec::new()));
        self.driver = match driver {
            Driver::Threads(seats) => self.over(drive::run(pool, seats, company, stop, poll)),
            Driver::Batch(desk) => {
                desk.run(pool, company, stop, poll);
                self.over(desk.into_jobs())
            }
            Driver::Caller(desk) => match desk.turn(pool, company, stop, until, poll) {
                true => self.over(desk.into_jobs()),
                false => Driver::Caller(desk),
            },
            over => over,
        };
        matches!(self.driver, Driver::Over(_))
    }

    /// What all machines of the run have to say, those of other processes too.
    fn over(&mut self, seats: Vec<Seat<'a, D, S>>) -> Driver<'a, D, S> {
        let run = Arc::clone(&self.run);
        let Some(council) = &run.council else {
            return Driver::Over(seats.into_iter().map(Seat::into_report).collect());
        };
        let held: Vec<_> = seats.iter().map(Seat::held).collect();
        let mut all = run.gather(council, seats.into_iter().map(Seat::into_report).collect());
        self.others.take(council, held, &mut all);
        Driver::Over(all)
    }

    /// What the machines have to say, after all have ended.
    ///
    /// # Panics
    /// When [`Session::run`] has not returned true.
    pub fn into_report(self) -> SampleReport {
        let Driver::Over(mut chains) = self.driver else { panic!("the run is still under way") };
        let stops_all =
            |e: &Error| self.run.options.on_failure == FailurePolicy::StopRun || e.code() == Code::Communicator;
        let has_failed = chains.iter().any(|c| matches!(&c.outcome, Outcome::Failed(e) if stops_all(e)));
        let expired = self.run.control.expired.load(Ordering::Relaxed);
        for chain in chains.iter_mut().filter(|c| c.outcome == Outcome::Stopped) {
            chain.reason = match (expired, has_failed) {
                (true, _) => StopReason::MaxSeconds,
                (_, true) => StopReason::Failure,
                _ => StopReason::Interrupt,
            };
        }
        let cancelled = self.run.control.cancelled.load(Ordering::Relaxed);
        let interrupted = cancelled && chains.iter().any(|c| c.outcome == Outcome::Stopped);
        SampleReport { chains, interrupted }
    }
}
