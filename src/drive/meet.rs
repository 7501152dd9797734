//! Jobs that do something together: evaluations in one call, meetings.

use super::{Job, Seated};
use std::time::Duration;

/// Where the jobs of one process stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// At least one is under way.
    Working,
    /// All that still run wait for meetings, the first of which has this number.
    Waiting(u64),
    /// All are over.
    Over,
}

/// What the processes of a run do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Some work still.
    GoOn,
    /// Everybody waits: those who have come to the meeting of this number hold it.
    Hold(u64),
    /// All jobs of all processes are over.
    End,
}

/// How jobs are answered together.
pub trait Together<J>: Sync {
    /// Most evaluations in one answer; 0: each job evaluates by itself.
    fn size(&self) -> usize;
    /// Longest time a job waits for others to be answered with while some of them still compute.
    fn wait(&self) -> Duration;
    /// Answers `jobs`, each of which returned [`super::Slice::Ask`]; afterwards each is ready for a slice.
    fn answer(&self, jobs: &mut [Seated<J>]);
    /// Holds meeting `number` of `jobs`, which stand in the order of the run and each of which returned
    /// [`super::Slice::Meet`]; afterwards each is ready for a slice.
    fn hold(&self, number: u64, jobs: &mut [Seated<J>]);
    /// Whether other processes have jobs of this run. The thread that called the driver then asks [`Together::convene`] what is
    /// next.
    fn is_spread(&self) -> bool {
        false
    }
    /// Whether jobs of other processes meet with these. The thread that called then holds all meetings, also those to which none
    /// of its own jobs has come.
    fn meets_abroad(&self) -> bool {
        self.is_spread()
    }
    /// Where [`Together::is_spread`]: tells the other processes where the jobs of this one stand, waits until all have told, and
    /// says what is next. Called every now and then while jobs work, and at once when none of them does.
    fn convene(&self, standing: Standing) -> Next {
        match standing {
            Standing::Working => Next::GoOn,
            Standing::Waiting(number) => Next::Hold(number),
            Standing::Over => Next::End,
        }
    }
}

/// Where jobs stand as other processes are told: a meeting that needs none of these is work.
pub(super) fn told<J>(standing: Standing, company: &(impl Together<J> + ?Sized)) -> Standing {
    match standing {
        Standing::Waiting(_) if !company.meets_abroad() => Standing::Working,
        standing => standing,
    }
}

/// A panic in what is done together is every job's: none of them has what it waits for.
pub(super) fn together<J: Job>(jobs: &mut [Seated<J>], f: impl FnOnce(&mut [Seated<J>])) {
    if let Err(message) = super::quiet::catch(|| f(jobs)) {
        for seated in jobs {
            seated.job.broken(message.clone());
        }
    }
}

/// Jobs parked until all that still run have come to a meeting. Who is over has left and holds nobody up.
pub(super) struct Parking<J> {
    parked: Vec<(u64, Seated<J>)>,
    running: usize,
}

impl<J> Parking<J> {
    /// Nobody has come; `running` jobs may.
    pub fn new(running: usize) -> Self {
        Self { parked: Vec::new(), running }
    }

    /// A job has come to meeting `number`.
    pub fn park(&mut self, number: u64, seated: Seated<J>) {
        self.parked.push((number, seated));
    }

    /// A job is over.
    pub fn leave(&mut self) {
        self.running -= 1;
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.parked.len()
    }

    /// Where all of them stand.
    pub fn standing(&self) -> Standing {
        match self.parked.iter().map(|(number, _)| *number).min() {
            _ if self.parked.len() < self.running => Standing::Working,
            None => Standing::Over,
            Some(number) => Standing::Waiting(number),
        }
    }

    /// Those who meet now, in their order: nobody is left to wait for. Where jobs stand before different meetings, those
    /// before the first one.
    pub fn due(&mut self) -> Option<(u64, Vec<Seated<J>>)> {
        let Standing::Waiting(number) = self.standing() else { return None };
        Some((number, self.come_to(number)))
    }

    /// Those who wait for this meeting, in their order.
    pub fn come_to(&mut self, number: u64) -> Vec<Seated<J>> {
        let (now, later) = std::mem::take(&mut self.parked).into_iter().partition(|(n, _)| *n == number);
        self.parked = later;
        let mut now: Vec<Seated<J>> = Vec::into_iter(now).map(|(_, seated)| seated).collect();
        now.sort_by_key(|seated| seated.index);
        now
    }

    /// Everybody, because the run stops and no meeting will be held.
    pub fn release(&mut self) -> Vec<Seated<J>> {
        std::mem::take(&mut self.parked).into_iter().map(|(_, seated)| seated).collect()
    }
}
