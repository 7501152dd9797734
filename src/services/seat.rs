//! One machine's place in a run: answers, slices, time, failures and checkpoints, whatever the machine and the service.

use super::Outcome;
use super::clock::{Clock, Times};
use super::keeping::Keeping;
use super::run::Run;
use super::service::{After, End, Here, Service, model_stopped, no_worker};
use super::stop::Stop;
use super::{ChainReport, control::Control};
use crate::drive::{self, Around, Bench, Brought, Job, Pause, PoolReducer, Seated, Slice};
use crate::error::{Code, Error};
use crate::io::{Level, Moment, log_lines};
use crate::model::{self, Ask, Density, Machine, Reply};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Seats that share the time from one look at the clock to the next: a look takes as long as a third of a leapfrog step.
const PER_LOOK: usize = 8;

/// See the module's words.
pub struct Seat<'r, D: Density, S: Service<D>> {
    run: Arc<Run<'r, D>>,
    place: usize,
    service: S,
    /// `None` until the first slice.
    machine: Option<S::Machine>,
    times: Times,
    /// What was done for the machine elsewhere since its last slice. Not part of a checkpoint: an answer that was not
    /// taken is asked for again.
    brought: Brought<<S::Machine as Machine>::Event>,
    /// What the model said when it answered elsewhere.
    said: String,
    /// The machine comes from a checkpoint and its service doesn't know yet.
    resumed: bool,
    /// The machine comes from a checkpoint.
    is_continued: bool,
    /// How the machine must end at its next slice.
    ending: Option<Outcome>,
    evaluations: u64,
    stride: u32,
    keeping: Keeping,
    outcome: Option<Outcome>,
}

impl<'r, D: Density, S: Service<D>> Seat<'r, D, S> {
    /// The seat at `place`; its machine goes on from `checkpoint` when that is not empty.
    pub fn new(run: &Arc<Run<'r, D>>, place: usize, service: S, checkpoint: Option<&[u8]>) -> Result<Self, Error> {
        let mut seat = Self {
            run: Arc::clone(run),
            place,
            service,
            machine: None,
            times: Times::default(),
            brought: Brought::Nothing,
            said: String::new(),
            resumed: false,
            is_continued: false,
            ending: None,
            evaluations: 0,
            stride: 1,
            keeping: Keeping::default(),
            outcome: None,
        };
        if let Some(bytes) = checkpoint.filter(|bytes| !bytes.is_empty()) {
            seat.reopen(bytes).map_err(|e| e.in_chain(seat.id()))?;
        }
        Ok(seat)
    }

    fn reopen(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let (mut machine, times, record): (S::Machine, Times, S::Record) = model::open(bytes)?;
        self.service.reopen(&mut machine, record)?;
        (self.machine, self.times, self.resumed, self.is_continued) = (Some(machine), times, true, true);
        Ok(())
    }

    /// The rows that the sample writer holds in memory.
    pub fn held(&self) -> Option<Vec<f64>> {
        self.service.held()
    }

    pub fn into_report(self) -> ChainReport {
        let chain_id = self.id();
        let outcome = self.outcome.expect("every job was run to its end");
        let machine = self.machine.as_ref();
        let record = self.service.record().filter(|_| !matches!(outcome, Outcome::Failed(_)));
        let checkpoint = machine.zip(record).map(|(machine, record)| model::seal(&(machine, self.times, record)));
        self.service.report(machine, End { chain_id, outcome, times: self.times, checkpoint })
    }

    /// The machine, which waits for something that is done elsewhere.
    pub fn machine(&mut self) -> &mut S::Machine {
        self.machine.as_mut().expect("it has asked")
    }

    /// What the machine waits for is answered; that took `time`.
    pub fn reply(&mut self, reply: Reply, time: Duration) {
        self.brought = Brought::Reply(reply);
        self.times.account(time);
    }

    /// With an answer come these words of the model's.
    pub fn told(&mut self, words: &str) {
        self.said.replace_range(.., words);
    }

    /// So many rows of the machine's block are answered; that took `time`.
    pub fn answered(&mut self, rows: usize, time: Duration) {
        // One evaluation was counted when it asked.
        self.evaluations += rows.saturating_sub(1) as u64;
        self.times.account(time);
    }

    /// The machine's meeting was held. It goes on at once, so that all of its members are past it or none.
    pub fn met(&mut self, answer: &[f64]) {
        let machine = self.machine.as_mut().expect("it has come to a meeting");
        machine.take(answer);
        self.brought = Brought::Ask(machine.resume(Reply::Continue));
    }

    /// The machine ends like this at its next slice.
    pub fn end_with(&mut self, outcome: Outcome) {
        self.ending = Some(outcome);
    }

    pub fn id(&self) -> u64 {
        self.run.id(self.place)
    }

    fn work(
        &mut self,
        run: &Run<'r, D>,
        bench: &mut Bench<D::Worker>,
        stop: &AtomicBool,
        clock: &mut Clock,
        start: Instant,
    ) -> Result<std::convert::Infallible, Stop> {
        // What the last user of the bench left belongs to another machine.
        bench.message.replace_range(.., &self.said);
        self.said.clear();
        if let Some(outcome) = self.ending.take() {
            return Err(Stop::Over(outcome));
        }
        // An ask that was computed elsewhere is seen to first: the draw it may announce belongs to what is kept.
        if stop.load(Ordering::Relaxed) && !matches!(self.brought, Brought::Ask(_)) {
            return Err(Stop::Over(Outcome::Stopped));
        }
        self.service.look(start)?;
        // An ask that was computed elsewhere may announce what is not written yet.
        if !matches!(self.brought, Brought::Ask(_)) && self.keeping.is_due(self.run.keeper, || start) {
            self.keep()?;
        }
        if std::mem::take(&mut self.resumed) {
            self.service.go_on()?;
        } else if self.machine.is_none() {
            let here = &mut Here { run, place: self.place, bench, times: &mut self.times, clock };
            self.machine = Some(self.service.begin(here)?);
        }
        let reducer = PoolReducer::new(&run.pool, &run.workers);
        let around = Around { reducer: &reducer, logger: run.logger, evaluations: run.evaluations };
        let limit = if run.options.max_evaluations == 0 { u64::MAX } else { run.options.max_evaluations };
        loop {
            let machine = self.machine.as_mut().expect("made in the first slice");
            let mut reason = None;
            let before = self.evaluations;
            let evaluations = &mut self.evaluations;
            let brought = std::mem::replace(&mut self.brought, Brought::Nothing);
            let alone = matches!(brought, Brought::Nothing);
            let pause = drive::advance(machine, run.density, bench, around, brought, || {
                if stop.load(Ordering::Relaxed) {
                    reason = Some(Stop::Over(Outcome::Stopped));
                } else if *evaluations >= limit {
                    run.adjourned.store(true, Ordering::Relaxed);
                    reason = Some(Stop::Over(Outcome::Stopped));
                } else if clock.is_up() {
                    reason = Some(Stop::Pause(Slice::More));
                } else {
                    *evaluations += 1;
                }
                reason.is_some()
            });
            self.stride = clock.stride;
            let event = match pause {
                Pause::Event(event) => event,
                Pause::Meeting(number) => return Err(Stop::Pause(Slice::Meet(number))),
                Pause::Asked => return Err(reason.expect("set when asking")),
                Pause::Waiting => return Err(Stop::Pause(Slice::Ask)),
                Pause::Evaluated(reply) => {
                    self.brought = Brought::Reply(reply);
                    self.told(&bench.message);
                    return Err(Stop::Pause(Slice::Compute));
                }
                Pause::ModelStopped => return Err(model_stopped(&bench.message).into()),
            };
            let here = &mut Here { run, place: self.place, bench, times: &mut self.times, clock };
            if self.service.event(machine, event, here)? == After::Done {
                return Err(Stop::Over(Outcome::Finished));
            }
            if self.keeping.is_due(run.keeper, Instant::now) {
                self.keep()?;
            }
            // A machine that evaluates nothing between two events is asked to pause here.
            if alone && self.evaluations == before {
                if stop.load(Ordering::Relaxed) {
                    return Err(Stop::Over(Outcome::Stopped));
                } else if clock.is_up() {
                    self.stride = clock.stride;
                    return Err(Stop::Pause(Slice::More));
                }
            }
        }
    }

    /// A slice from `start` on: how it ended, and up to when its time is accounted for.
    fn slice_at(
        &mut self,
        run: &Run<'r, D>,
        bench: &mut Bench<D::Worker>,
        stop: &AtomicBool,
        start: Instant,
    ) -> (Slice, Instant) {
        let mut clock = Clock::new(start, self.stride);
        let Err(end) = self.work(run, bench, stop, &mut clock, start);
        match end {
            Stop::Pause(slice) => (slice, clock.lap),
            Stop::Over(outcome) => {
                self.times.account(clock.lap());
                self.close(outcome);
                (Slice::Over, Instant::now())
            }
        }
    }

    /// It is over, with this error.
    fn end(&mut self, error: Error) -> Slice {
        self.close(Outcome::Failed(error));
        Slice::Over
    }

    /// The words for a panic. A checkpoint with a checksum that is right may still say what no chain of ours would.
    fn caught(&self, message: &str) -> Error {
        match self.is_continued {
            true => {
                let what = "either no library of this version wrote it, or the model panicked";
                Error::new(Code::Checkpoint, format!("the chain cannot go on from its checkpoint: {what}: {message}"))
            }
            false => Error::new(Code::Internal, format!("a panic was caught: {message}")),
        }
    }

    /// Gives the keeper this moment of the machine.
    fn keep(&mut self) -> Result<(), Error> {
        let [sample, diagnostic] = self.service.mark()?;
        if let (Some(keeper), Some(machine), Some(record)) = (self.run.keeper, &self.machine, self.service.record()) {
            let checkpoint = model::seal(&(machine, self.times, record));
            let kept = keeper.keep(self.place, &Moment { checkpoint, sample, diagnostic });
            if let Some(why) = self.keeping.first_failure(kept) {
                let line = format!("the chain cannot be kept, and goes on: {why}");
                log_lines(self.run.logger, Level::Warning, Some(self.id()), &line);
            }
        }
        self.keeping.kept();
        Ok(())
    }

    /// Closes the service and keeps the outcome. A writer that fails to close fails the machine.
    fn close(&mut self, outcome: Outcome) {
        let (run, id) = (Arc::clone(&self.run), self.id());
        let warn = |line: &str| log_lines(run.logger, Level::Warning, Some(id), line);
        let outcome = match (self.service.close(&warn), outcome) {
            (Err(error), Outcome::Finished | Outcome::Stopped) | (_, Outcome::Failed(error)) => {
                let error = self.run.placed(error, self.place);
                self.run.failed(&error);
                Outcome::Failed(error)
            }
            (Ok(()), outcome) => outcome,
        };
        self.outcome = Some(outcome);
        Control::end(&self.run.control, self.place);
    }
}

impl<D: Density, S: Service<D>> Job for Seat<'_, D, S> {
    fn progress(&self) -> f64 {
        self.machine.as_ref().map_or(0.0, Machine::progress)
    }

    fn slice(&mut self, stop: &AtomicBool) -> Slice {
        let (run, start) = (Arc::clone(&self.run), Instant::now());
        match run.workers.check_out() {
            Ok(mut bench) => {
                let (slice, since) = self.slice_at(&run, &mut bench, stop, start);
                self.times.account(since.elapsed());
                slice
            }
            Err(error) => self.end(no_worker(&error)),
        }
    }

    fn slices(seats: &mut [Seated<Self>], stop: &AtomicBool, ends: &mut Vec<Slice>) {
        let Some(first) = seats.first() else { return };
        let (run, mut start) = (Arc::clone(&first.job.run), Instant::now());
        let mut bench = run.workers.check_out();
        for some in seats.chunks_mut(PER_LOOK) {
            for seated in &mut *some {
                let (slice, since) = match &mut bench {
                    Ok(bench) => seated.job.slice_at(&run, bench, stop, start),
                    Err(error) => (seated.job.end(no_worker(error)), start),
                };
                // Pushed one by one: where one panics, the others' ends stand.
                ends.push(slice);
                start = since;
            }
            let (now, count) = (Instant::now(), some.len() as u32);
            some.iter_mut().for_each(|seated| seated.job.times.account((now - start) / count));
            start = now;
        }
    }

    fn compute(&mut self) {
        let start = Instant::now();
        if let Brought::Reply(reply) = self.brought
            && let Some(machine) = &mut self.machine
        {
            self.brought = Brought::Ask(machine.resume(reply));
        }
        self.times.account(start.elapsed());
    }

    fn rows(&mut self) -> usize {
        let machine = self.machine();
        match machine.asked() {
            Some(Ask::EvaluateBlock) => machine.block().0.left(),
            _ => 1,
        }
    }

    fn broken(&mut self, message: String) {
        self.end_with(Outcome::Failed(self.caught(&message)));
    }

    fn panicked(&mut self, message: String) {
        self.close(Outcome::Failed(self.caught(&message)));
    }
}
