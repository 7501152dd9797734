//! Chains on a pool: each is run a slice at a time, the one that has come least far first, so that more chains than
//! threads end together and every chain makes progress.

use super::{Pool, quiet};
use rayon::ScopeFifo;
use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::atomic::{self, AtomicBool};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// How often the calling thread asks whether to stop: within the 10 ms promised, also when it is woken late.
pub(super) const POLL_INTERVAL: Duration = Duration::from_millis(4);

/// What a slice of work ended with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slice {
    /// There is more to do.
    More,
    /// The job is over.
    Over,
    /// The job has arithmetic to do, in [`Job::compute`]. Only asked for by the drivers of a desk.
    Compute,
    /// The job waits for an evaluation together with others. Only asked for by the drivers of a desk.
    Ask,
}

/// A piece of work that is done in slices.
pub trait Job: Send {
    /// The share done, from 0 to 1.
    fn progress(&self) -> f64;
    /// Works for about a millisecond, or until `stop` is set; then it must return [`Slice::Over`] soon.
    fn slice(&mut self, stop: &AtomicBool) -> Slice;
    /// The arithmetic that [`Slice::Compute`] announced; calls nothing of the host's.
    fn compute(&mut self);
    /// What should have answered this job panicked with this message; the next slice ends it.
    fn broken(&mut self, message: String);
    /// [`Job::slice`] panicked with this message; the job is over.
    fn panicked(&mut self, message: String);
}

/// Runs all jobs to their end and returns them in their order. `poll` is called on the calling thread every few
/// milliseconds; when it returns true, or a job sets the flag it is given, all jobs are told to stop.
pub fn run<J: Job>(pool: &Pool, jobs: Vec<J>, stop: &AtomicBool, mut poll: impl FnMut() -> bool) -> Vec<J> {
    let count = jobs.len();
    let queue = Queue {
        waiting: Mutex::new(jobs.into_iter().enumerate().map(|(index, job)| Waiting::new(index, job)).collect()),
        over: Mutex::new(Vec::with_capacity(count)),
        all_over: Condvar::new(),
        count,
        stop,
    };
    pool.rayon().in_place_scope_fifo(|scope| {
        for _ in 0..count.min(pool.threads()) {
            queue.spawn_ticket(scope, pool.occupy());
        }
        let mut over = queue.over.lock().unwrap_or_else(PoisonError::into_inner);
        while over.len() < count {
            over = queue.all_over.wait_timeout(over, POLL_INTERVAL).unwrap_or_else(PoisonError::into_inner).0;
            if !stop.load(atomic::Ordering::Relaxed) && over.len() < count {
                drop(over);
                if poll() {
                    stop.store(true, atomic::Ordering::Relaxed);
                }
                over = queue.over.lock().unwrap_or_else(PoisonError::into_inner);
            }
        }
    });
    let mut over = queue.over.into_inner().unwrap_or_else(PoisonError::into_inner);
    over.sort_by_key(|(index, _)| *index);
    over.into_iter().map(|(_, job)| job).collect()
}

/// A job in the queue; the greatest is the one to run next.
struct Waiting<J> {
    progress: f64,
    index: usize,
    job: J,
}

impl<J: Job> Waiting<J> {
    fn new(index: usize, job: J) -> Self {
        Self { progress: job.progress(), index, job }
    }
}

impl<J> Ord for Waiting<J> {
    fn cmp(&self, other: &Self) -> Ordering {
        other.progress.total_cmp(&self.progress).then(other.index.cmp(&self.index))
    }
}

impl<J> PartialOrd for Waiting<J> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<J> PartialEq for Waiting<J> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<J> Eq for Waiting<J> {}

struct Queue<'a, J> {
    waiting: Mutex<BinaryHeap<Waiting<J>>>,
    over: Mutex<Vec<(usize, J)>>,
    all_over: Condvar,
    count: usize,
    stop: &'a AtomicBool,
}

impl<J: Job> Queue<'_, J> {
    /// A ticket is the right to run one slice of whatever job is next. It is renewed after each slice by way of the
    /// pool's own queue, so that other work on the same pool gets its turn.
    #[allow(clippy::only_used_in_recursion, reason = "the guard keeps this thread counted as busy from slice to slice")]
    fn spawn_ticket<'s>(&'s self, scope: &ScopeFifo<'s>, occupied: super::pool::Occupied) {
        scope.spawn_fifo(move |scope| {
            let next = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).pop();
            // With nothing left to start this thread becomes idle and can help in sums.
            let Some(Waiting { index, mut job, .. }) = next else { return };
            let slice = quiet::catch(|| job.slice(self.stop)).unwrap_or_else(|message| {
                job.panicked(message);
                Slice::Over
            });
            match slice {
                Slice::More | Slice::Compute | Slice::Ask => {
                    self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(Waiting::new(index, job))
                }
                Slice::Over => {
                    let mut over = self.over.lock().unwrap_or_else(PoisonError::into_inner);
                    over.push((index, job));
                    if over.len() == self.count {
                        self.all_over.notify_all();
                    }
                }
            }
            self.spawn_ticket(scope, occupied);
        });
    }
}
