//! A run under way: its machines at their driver, from the first slice to the report.

use super::company::Company;
use super::control::Control;
use super::run::Run;
use super::sample::Sampling;
use super::seat::Seat;
use super::service::Service;
use super::{ChainReport, Outcome, SampleReport};
use crate::drive::{self, Desk, Evaluations, Pool};
use crate::error::Error;
use crate::model::{Density, Fold, Threading};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

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
    interrupted: bool,
}

enum Driver<'a, D: Density, S: Service<D>> {
    /// Machines on the pool, evaluations inline.
    Threads(Vec<Seat<'a, D, S>>),
    /// Machines on the pool, evaluations gathered.
    Batch(Desk<Seat<'a, D, S>>),
    /// All on the calling thread but arithmetic, gathered where there are batches.
    Caller(Desk<Seat<'a, D, S>>),
    /// All have ended.
    Over(Vec<Seat<'a, D, S>>),
}

impl<'a, D: Density, S: Service<D>> Session<'a, D, S> {
    /// Seats one machine per service, in order; those with a checkpoint that is not empty go on from it. Machines that
    /// meet have their `fold`. Nothing runs yet.
    pub(super) fn seat(
        run: Run<'a, D>,
        services: Vec<S>,
        checkpoints: &[&[u8]],
        fold: Option<Arc<dyn Fold + Send>>,
    ) -> Result<Self, Error> {
        let run = Arc::new(run);
        let seats = services.into_iter().enumerate();
        let seats: Vec<_> =
            seats.map(|(i, s)| Seat::new(&run, i, s, checkpoints.get(i).copied())).collect::<Result<_, Error>>()?;
        let driver = match (run.density.threading(), run.evaluations) {
            (Threading::Caller, _) => Driver::Caller(Desk::new(seats)),
            (_, Evaluations::Gathered) => Driver::Batch(Desk::new(seats)),
            _ => Driver::Threads(seats),
        };
        Ok(Self { company: Company::new(Arc::clone(&run), fold), run, driver, interrupted: false })
    }

    /// What others may watch and cancel the run by, from any thread.
    pub fn control(&self) -> Arc<Control> {
        Arc::clone(&self.run.control)
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
        let interrupted = &mut self.interrupted;
        let poll = || {
            *interrupted |= poll();
            *interrupted
        };
        let (pool, company, stop) = (&self.run.pool, &self.company, &self.run.control.stop);
        let driver = std::mem::replace(&mut self.driver, Driver::Over(Vec::new()));
        self.driver = match driver {
            Driver::Threads(seats) => Driver::Over(drive::run(pool, seats, company, stop, poll)),
            Driver::Batch(desk) => {
                desk.run(pool, company, stop, poll);
                Driver::Over(desk.into_jobs())
            }
            Driver::Caller(desk) => match desk.turn(pool, company, stop, until, poll) {
                true => Driver::Over(desk.into_jobs()),
                false => Driver::Caller(desk),
            },
            over => over,
        };
        matches!(self.driver, Driver::Over(_))
    }

    /// What the machines have to say, after all have ended.
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
