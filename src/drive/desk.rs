//! A desk where machines wait for evaluations that happen elsewhere: gathered from many into one call, or all on the
//! thread that called into the library.

mod board;

use super::meet::{Next, Standing, together, told};
use super::ranks::Pulse;
use super::threads::POLL_INTERVAL;
use super::{Job, Pool, Seated, Slice, Together, quiet};
use board::{Board, Work};
use rayon::ScopeFifo;
use std::sync::atomic::{self, AtomicBool};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Jobs on their way between slices, arithmetic and answers. Draws don't depend on any of these ways.
pub struct Desk<J> {
    board: Mutex<Board<J>>,
    /// Something came back to the desk.
    news: Condvar,
    count: usize,
    /// What other processes of the run hear of this one.
    pulse: Mutex<Pulse>,
}

impl<J: Job> Desk<J> {
    /// A desk for `jobs`, none of which has begun.
    pub fn new(jobs: Vec<J>) -> Self {
        let count = jobs.len();
        Self { board: Mutex::new(Board::new(jobs)), news: Condvar::new(), count, pulse: Mutex::new(Pulse::new()) }
    }

    /// The jobs in their order, after all are over.
    pub fn into_jobs(self) -> Vec<J> {
        Seated::into_jobs(self.board.into_inner().unwrap_or_else(PoisonError::into_inner).over)
    }

    fn board(&self) -> MutexGuard<'_, Board<J>> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The board unless the run is over; those who wait for a meeting are released once the run is to stop. Meetings with other
    /// processes are held here.
    fn open<T: Together<J> + ?Sized>(&self, company: &T, stop: &AtomicBool) -> Option<MutexGuard<'_, Board<J>>> {
        loop {
            let mut board = self.board();
            if stop.load(atomic::Ordering::Relaxed) {
                board.release();
            }
            let standing = told(board.standing(), company);
            if !company.is_spread() {
                return (standing != Standing::Over).then_some(board);
            }
            let mut pulse = self.pulse.lock().unwrap_or_else(PoisonError::into_inner);
            if !pulse.is_due(standing) {
                return Some(board);
            }
            drop(board);
            let next = company.convene(standing);
            pulse.told();
            match next {
                Next::End => return None,
                Next::GoOn => return Some(self.board()),
                Next::Hold(number) => {
                    let mut jobs = self.board().come_to(number);
                    together(&mut jobs, |jobs| company.hold(number, jobs));
                    self.board().ready.extend(jobs);
                }
            }
        }
    }

    /// Works on the calling thread until all jobs are over (then true) or `until` has come: slices and answers happen
    /// here and nowhere else, only [`Job::compute`] on the pool. `poll` is asked every few milliseconds, between two
    /// slices; when it returns true all jobs are told to stop.
    pub fn turn<T: Together<J> + ?Sized>(
        &self,
        pool: &Pool,
        company: &T,
        stop: &AtomicBool,
        until: Option<Instant>,
        mut poll: impl FnMut() -> bool,
    ) -> bool {
        let mut polled = Instant::now();
        // What was handed over has come back when this returns.
        pool.rayon().in_place_scope_fifo(|scope| {
            while let Some(mut board) = self.open(company, stop) {
                match board.next(company, self.count, 1) {
                    Work::Slices(jobs) => {
                        drop(board);
                        let done = slices(jobs, stop);
                        let (away, back): (Vec<_>, Vec<_>) = done.into_iter().partition(|(_, s)| *s == Slice::Compute);
                        away.into_iter().for_each(|(seated, _)| self.hand_over(scope, seated));
                        self.board().take_all_back(back);
                    }
                    Work::Answer(mut jobs) => {
                        drop(board);
                        together(&mut jobs, |jobs| company.answer(jobs));
                        self.board().answered(jobs);
                    }
                    Work::Meeting(number, mut jobs) => {
                        drop(board);
                        together(&mut jobs, |jobs| company.hold(number, jobs));
                        self.board().ready.extend(jobs);
                    }
                    Work::Nothing => {
                        let waits_for_batch = !board.asking.is_empty();
                        self.wait(board, company, if waits_for_batch { company.wait() } else { POLL_INTERVAL });
                    }
                }
                let now = Instant::now();
                if now - polled >= POLL_INTERVAL {
                    polled = now;
                    if !stop.load(atomic::Ordering::Relaxed) && poll() {
                        stop.store(true, atomic::Ordering::Relaxed);
                    }
                }
                if until.is_some_and(|until| now >= until) {
                    return !company.is_spread() && self.board().standing() == Standing::Over;
                }
            }
            true
        })
    }

    /// Waits for news about so long; not at all where nothing will happen here before other processes have been heard.
    fn wait<T: Together<J> + ?Sized>(&self, board: MutexGuard<'_, Board<J>>, company: &T, time: Duration) {
        if !company.is_spread() || told(board.standing(), company) == Standing::Working {
            let time = time.clamp(MIN_WAIT, POLL_INTERVAL);
            drop(self.news.wait_timeout(board, time).unwrap_or_else(PoisonError::into_inner));
        }
    }

    fn hand_over<'s>(&'s self, scope: &ScopeFifo<'s>, mut seated: Seated<J>)
    where
        J: 's,
    {
        scope.spawn_fifo(move |_| {
            let slice = match quiet::catch(|| seated.job.compute()) {
                Ok(()) => Slice::More,
                Err(message) => {
                    seated.job.panicked(message);
                    Slice::Over
                }
            };
            self.board().take_back(seated, slice);
            self.news.notify_one();
        });
    }

    /// Works on the pool's threads until all jobs are over: slices as [`super::run`] does, and one answer for many jobs by
    /// whichever thread comes by when a batch is due. `poll` is asked on the calling thread every few milliseconds.
    pub fn run<T: Together<J> + ?Sized>(
        &self,
        pool: &Pool,
        company: &T,
        stop: &AtomicBool,
        mut poll: impl FnMut() -> bool,
    ) {
        let floor = Floor { desk: self, pool, company, stop };
        let mut polled = Instant::now();
        pool.rayon().in_place_scope_fifo(|scope| {
            while let Some(board) = self.open(company, stop) {
                // Calls threads for a batch whose time has come, and for the first slices.
                let board = floor.call(scope, board);
                self.wait(board, company, company.wait());
                if polled.elapsed() >= POLL_INTERVAL && !stop.load(atomic::Ordering::Relaxed) {
                    polled = Instant::now();
                    if poll() {
                        stop.store(true, atomic::Ordering::Relaxed);
                    }
                }
            }
        });
    }
}

/// How long a thread works for a desk before it looks for other work.
const TICKET: Duration = Duration::from_millis(1);
/// Waiting shorter than this costs more than it brings.
const MIN_WAIT: Duration = Duration::from_micros(50);

fn slices<J: Job>(mut jobs: Vec<Seated<J>>, stop: &AtomicBool) -> Vec<(Seated<J>, Slice)> {
    let mut ends = Vec::with_capacity(jobs.len());
    while ends.len() < jobs.len() {
        let begun = ends.len();
        if let Err(message) = quiet::catch(|| J::slices(&mut jobs[begun..], stop, &mut ends)) {
            jobs[ends.len()].job.panicked(message);
            ends.push(Slice::Over);
        }
    }
    jobs.into_iter().zip(ends).collect()
}

/// The pool's side of a desk.
struct Floor<'a, J, T: ?Sized> {
    desk: &'a Desk<J>,
    pool: &'a Pool,
    company: &'a T,
    stop: &'a AtomicBool,
}

impl<J, T: ?Sized> Clone for Floor<'_, J, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<J, T: ?Sized> Copy for Floor<'_, J, T> {}

impl<'a, J: Job, T: Together<J> + ?Sized> Floor<'a, J, T> {
    /// Gives out tickets, as many as there is work and as the pool has threads. A ticket is the right to work a while.
    fn call<'s, 'b>(self, scope: &ScopeFifo<'s>, mut board: MutexGuard<'b, Board<J>>) -> MutexGuard<'b, Board<J>>
    where
        'a: 's,
    {
        let batches = board.rows.div_ceil(self.company.size().max(1));
        let wanted = (board.ready.len() + batches + usize::from(board.is_due(self.company))).min(self.pool.threads());
        while board.tickets < wanted {
            board.tickets += 1;
            let occupied = self.pool.occupy();
            scope.spawn_fifo(move |scope| {
                let _occupied = occupied;
                self.work(scope);
            });
        }
        board
    }

    /// Works for about a slice's time, then comes back by way of the pool's own queue, so that other work on the same
    /// pool gets its turn.
    fn work<'s>(self, scope: &ScopeFifo<'s>)
    where
        'a: 's,
    {
        let start = Instant::now();
        loop {
            let work = self.desk.board().next(self.company, self.desk.count, self.pool.threads());
            match work {
                Work::Slices(jobs) => {
                    let done = slices(jobs, self.stop);
                    self.desk.board().take_all_back(done);
                }
                Work::Answer(mut jobs) => {
                    together(&mut jobs, |jobs| self.company.answer(jobs));
                    self.desk.board().answered(jobs);
                    drop(self.call(scope, self.desk.board()));
                }
                Work::Meeting(number, mut jobs) => {
                    together(&mut jobs, |jobs| self.company.hold(number, jobs));
                    self.desk.board().ready.extend(jobs);
                    drop(self.call(scope, self.desk.board()));
                }
                Work::Nothing => break,
            }
            if start.elapsed() >= TICKET {
                break;
            }
        }
        let mut board = self.desk.board();
        board.tickets -= 1;
        if board.standing() != Standing::Working && !board.is_due(self.company) {
            self.desk.news.notify_one();
        } else if start.elapsed() >= TICKET || !board.ready.is_empty() {
            drop(self.call(scope, board));
        }
    }
}
