//! Machines on a pool: each is run a slice at a time, the one that has come least far first, so that more of them than
//! threads end together and every one makes progress.

use super::meet::{Next, Parking, Standing, together, told};
use super::ranks::Pulse;
use super::{Job, Pool, Seated, Slice, Together, quiet};
use rayon::ScopeFifo;
use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::atomic::{self, AtomicBool};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often the calling thread asks whether to stop: within the 10 ms promised, also when it is woken late.
pub(super) const POLL_INTERVAL: Duration = Duration::from_millis(4);

/// Runs all jobs to their end and returns them in their order. `poll` is called on the calling thread every few
/// milliseconds; when it returns true, or a job sets the flag it is given, all jobs are told to stop.
pub fn run<J: Job>(
    pool: &Pool,
    jobs: Vec<J>,
    meetings: &(impl Together<J> + ?Sized),
    stop: &AtomicBool,
    mut poll: impl FnMut() -> bool,
) -> Vec<J> {
    let count = jobs.len();
    let board = Board {
        waiting: Seated::all(jobs).map(Waiting::new).collect(),
        parking: Parking::new(count),
        over: Vec::with_capacity(count),
        tickets: 0,
    };
    let queue = Queue { board: Mutex::new(board), news: Condvar::new(), pool, meetings, stop };
    let mut pulse = Pulse::new();
    pool.rayon().in_place_scope_fifo(|scope| {
        queue.call(scope, &mut queue.board());
        loop {
            let mut board = queue.board();
            if queue.is_calm(&board) {
                board = queue.news.wait_timeout(board, POLL_INTERVAL).unwrap_or_else(PoisonError::into_inner).0;
            }
            if stop.load(atomic::Ordering::Relaxed) {
                let released = board.parking.release();
                board.waiting.extend(released.into_iter().map(Waiting::new));
                queue.call(scope, &mut board);
            }
            let standing = told(board.parking.standing(), meetings);
            drop(board);
            if !meetings.is_spread() && standing == Standing::Over {
                break;
            }
            if !stop.load(atomic::Ordering::Relaxed) && poll() {
                stop.store(true, atomic::Ordering::Relaxed);
            }
            if meetings.is_spread() && pulse.is_due(standing) {
                match meetings.convene(standing) {
                    Next::GoOn => {}
                    Next::Hold(number) => queue.hold(scope, number),
                    Next::End => break,
                }
                pulse.told();
            }
        }
    });
    Seated::into_jobs(queue.board.into_inner().unwrap_or_else(PoisonError::into_inner).over)
}

/// A job in the queue; the greatest is the one to run next.
struct Waiting<J> {
    progress: f64,
    seated: Seated<J>,
}

impl<J: Job> Waiting<J> {
    fn new(seated: Seated<J>) -> Self {
        Self { progress: seated.job.progress(), seated }
    }
}

impl<J> Ord for Waiting<J> {
    fn cmp(&self, other: &Self) -> Ordering {
        other.progress.total_cmp(&self.progress).then(other.seated.index.cmp(&self.seated.index))
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

struct Board<J> {
    waiting: BinaryHeap<Waiting<J>>,
    parking: Parking<J>,
    over: Vec<Seated<J>>,
    /// Threads of the pool that work for this queue.
    tickets: usize,
}

struct Queue<'a, J, T: ?Sized> {
    board: Mutex<Board<J>>,
    /// All jobs are over, or wait for those of other processes.
    news: Condvar,
    pool: &'a Pool,
    meetings: &'a T,
    stop: &'a AtomicBool,
}

impl<J: Job, T: Together<J> + ?Sized> Queue<'_, J, T> {
    fn board(&self) -> MutexGuard<'_, Board<J>> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the thread that called has nothing to do but to wait.
    fn is_calm(&self, board: &Board<J>) -> bool {
        told(board.parking.standing(), self.meetings) == Standing::Working
    }

    /// Holds a meeting with other processes.
    fn hold<'s>(&'s self, scope: &ScopeFifo<'s>, number: u64) {
        let mut members = self.board().parking.come_to(number);
        together(&mut members, |members| self.meetings.hold(number, members));
        let mut board = self.board();
        board.waiting.extend(members.into_iter().map(Waiting::new));
        self.call(scope, &mut board);
    }

    /// Gives out tickets, as many as there is work and as the pool has threads.
    fn call<'s>(&'s self, scope: &ScopeFifo<'s>, board: &mut Board<J>) {
        let wanted = board.waiting.len().min(self.pool.threads());
        while board.tickets < wanted {
            board.tickets += 1;
            self.spawn_ticket(scope, self.pool.occupy());
        }
    }

    /// A ticket is the right to run one slice of whatever job is next. It is renewed after each slice by way of the
    /// pool's own queue, so that other work on the same pool gets its turn.
    #[allow(clippy::only_used_in_recursion, reason = "the guard keeps this thread counted as busy from slice to slice")]
    fn spawn_ticket<'s>(&'s self, scope: &ScopeFifo<'s>, occupied: super::pool::Occupied) {
        scope.spawn_fifo(move |scope| {
            let next = {
                let mut board = self.board();
                let next = board.waiting.pop();
                // With nothing left to start this thread becomes idle and can help in sums.
                if next.is_none() {
                    board.tickets -= 1;
                }
                next
            };
            let Some(Waiting { mut seated, .. }) = next else { return };
            let slice = quiet::catch(|| seated.job.slice(self.stop)).unwrap_or_else(|message| {
                seated.job.panicked(message);
                Slice::Over
            });
            self.take_back(scope, seated, slice);
            self.spawn_ticket(scope, occupied);
        });
    }

    fn take_back<'s>(&'s self, scope: &ScopeFifo<'s>, seated: Seated<J>, slice: Slice) {
        let mut board = self.board();
        match slice {
            Slice::More | Slice::Compute | Slice::Ask => return board.waiting.push(Waiting::new(seated)),
            Slice::Meet(number) => board.parking.park(number, seated),
            Slice::Over => {
                board.parking.leave();
                board.over.push(seated);
            }
        }
        if !self.is_calm(&board) {
            return self.news.notify_all();
        }
        if let Some((number, mut members)) = board.parking.due() {
            drop(board);
            together(&mut members, |members| self.meetings.hold(number, members));
            let mut board = self.board();
            board.waiting.extend(members.into_iter().map(Waiting::new));
            self.call(scope, &mut board);
        }
    }
}
