//! A desk where chains wait for evaluations that happen elsewhere: gathered from many chains into one call, or all on the
//! thread that called into the library.

use super::threads::POLL_INTERVAL;
use super::{Job, Pool, Slice, quiet};
use rayon::ScopeFifo;
use std::collections::VecDeque;
use std::sync::atomic::{self, AtomicBool};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How waiting jobs are answered together.
pub trait Gather<J>: Sync {
    /// Most jobs in one answer, at least 1.
    fn size(&self) -> usize;
    /// Longest time a job waits for others while some of them still compute.
    fn wait(&self) -> Duration;
    /// Answers all of `jobs`, each of which returned [`Slice::Ask`]; afterwards each is ready for a slice.
    fn answer(&self, jobs: &mut [Seated<J>]);
}

/// A job with its place in the list that the desk was given.
pub struct Seated<J> {
    index: usize,
    /// The job.
    pub job: Box<J>,
}

/// Jobs on their way between slices, arithmetic and answers. Draws don't depend on any of these ways.
pub struct Desk<J> {
    board: Mutex<Board<J>>,
    /// Something came back to the desk.
    news: Condvar,
    count: usize,
}

struct Board<J> {
    /// Waiting for a slice, in the order they came.
    ready: VecDeque<Seated<J>>,
    /// Waiting to be answered together, since.
    asking: VecDeque<Seated<J>>,
    asking_since: Instant,
    /// When those in turn began their turn.
    turn_since: Instant,
    over: Vec<Seated<J>>,
    /// Threads of the pool that work for this desk.
    tickets: usize,
}

/// The next thing to do at a desk.
enum Work<J> {
    Slices(Vec<Seated<J>>),
    Answer(Vec<Seated<J>>),
    /// All that is left is in other hands, or waits for more to ask.
    Nothing,
}

impl<J> Board<J> {
    /// Slices come first, for they make chains ask: the share of one of `hands`. A batch is due when it is full, when
    /// nobody is left who could join it, or when it has waited long enough.
    fn next<G: Gather<J> + ?Sized>(&mut self, gather: Option<&G>, count: usize, hands: usize) -> Work<J> {
        let full = gather.is_some_and(|g| self.asking.len() >= g.size());
        if !full && !self.ready.is_empty() {
            let most = if gather.is_some() { MOST_SLICES } else { 1 };
            let share = self.ready.len().div_ceil(hands).min(most);
            return Work::Slices(self.ready.drain(..share).collect());
        }
        let Some(gather) = gather.filter(|_| !self.asking.is_empty()) else { return Work::Nothing };
        let nobody_else = self.asking.len() + self.over.len() == count;
        if full || nobody_else || self.asking_since.elapsed() >= gather.wait() {
            let size = gather.size().min(self.asking.len());
            self.asking_since = Instant::now();
            return Work::Answer(self.asking.drain(..size).collect());
        }
        Work::Nothing
    }

    /// Answered jobs go on before others, while their memory is in the processor's caches, until their turn is over.
    fn answered(&mut self, jobs: Vec<Seated<J>>) {
        if self.turn_since.elapsed() < TURN {
            jobs.into_iter().rev().for_each(|seated| self.ready.push_front(seated));
        } else {
            self.turn_since = Instant::now();
            self.ready.extend(jobs);
        }
    }

    fn take_all_back(&mut self, done: Vec<(Seated<J>, Slice)>) {
        done.into_iter().for_each(|(seated, slice)| self.take_back(seated, slice));
    }

    fn take_back(&mut self, seated: Seated<J>, slice: Slice) {
        match slice {
            Slice::More | Slice::Compute => self.ready.push_back(seated),
            Slice::Over => self.over.push(seated),
            Slice::Ask => {
                if self.asking.is_empty() {
                    self.asking_since = Instant::now();
                }
                self.asking.push_back(seated);
            }
        }
    }
}

impl<J: Job> Desk<J> {
    /// A desk for `jobs`, none of which has begun.
    pub fn new(jobs: Vec<J>) -> Self {
        let count = jobs.len();
        let ready = jobs.into_iter().enumerate().map(|(index, job)| Seated { index, job: Box::new(job) }).collect();
        let board = Board {
            ready,
            asking: VecDeque::new(),
            asking_since: Instant::now(),
            turn_since: Instant::now(),
            over: Vec::with_capacity(count),
            tickets: 0,
        };
        Self { board: Mutex::new(board), news: Condvar::new(), count }
    }

    /// The jobs in their order, after all are over.
    pub fn into_jobs(self) -> Vec<J> {
        let mut over = self.board.into_inner().unwrap_or_else(PoisonError::into_inner).over;
        over.sort_by_key(|seated| seated.index);
        over.into_iter().map(|seated| *seated.job).collect()
    }

    fn board(&self) -> MutexGuard<'_, Board<J>> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn all_over(&self) -> bool {
        self.board().over.len() == self.count
    }

    /// Works on the calling thread until all jobs are over (then true) or `until` has come: slices and answers happen
    /// here and nowhere else, only [`Job::compute`] on the pool. `poll` is asked every few milliseconds, between two
    /// slices; when it returns true all jobs are told to stop.
    pub fn turn<G: Gather<J> + ?Sized>(
        &self,
        pool: &Pool,
        gather: Option<&G>,
        stop: &AtomicBool,
        until: Option<Instant>,
        mut poll: impl FnMut() -> bool,
    ) -> bool {
        let mut polled = Instant::now();
        pool.rayon().in_place_scope_fifo(|scope| {
            loop {
                let mut board = self.board();
                if board.over.len() == self.count {
                    return;
                }
                match board.next(gather, self.count, 1) {
                    Work::Slices(jobs) => {
                        drop(board);
                        let done = slices(jobs, stop);
                        let (away, back): (Vec<_>, Vec<_>) = done.into_iter().partition(|(_, s)| *s == Slice::Compute);
                        away.into_iter().for_each(|(seated, _)| self.hand_over(scope, seated));
                        self.board().take_all_back(back);
                    }
                    Work::Answer(mut jobs) => {
                        drop(board);
                        answer(gather.expect("only a gatherer makes answers"), &mut jobs);
                        self.board().answered(jobs);
                    }
                    Work::Nothing => {
                        let wait = gather.map_or(POLL_INTERVAL, |g| g.wait().clamp(MIN_WAIT, POLL_INTERVAL));
                        drop(self.news.wait_timeout(board, wait).unwrap_or_else(PoisonError::into_inner));
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
                    return;
                }
            }
        });
        // What was handed over has come back.
        self.all_over()
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
    pub fn run<G: Gather<J> + ?Sized>(
        &self,
        pool: &Pool,
        gather: &G,
        stop: &AtomicBool,
        mut poll: impl FnMut() -> bool,
    ) {
        let floor = Floor { desk: self, pool, gather, stop };
        let mut polled = Instant::now();
        pool.rayon().in_place_scope_fifo(|scope| {
            loop {
                let board = self.board();
                if board.over.len() == self.count {
                    return;
                }
                // Calls threads for a batch whose time has come, and for the first slices.
                let board = floor.call(scope, board);
                let wait = gather.wait().clamp(MIN_WAIT, POLL_INTERVAL);
                drop(self.news.wait_timeout(board, wait).unwrap_or_else(PoisonError::into_inner));
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

/// How long the same jobs are answered again and again while others wait.
const TURN: Duration = Duration::from_millis(10);
/// Most slices between two visits of the desk: where answers are gathered a slice is one leapfrog step, which is shorter
/// than taking turns at the lock.
const MOST_SLICES: usize = 64;

fn slices<J: Job>(jobs: Vec<Seated<J>>, stop: &AtomicBool) -> Vec<(Seated<J>, Slice)> {
    let slice = |mut seated: Seated<J>| {
        let slice = quiet::catch(|| seated.job.slice(stop)).unwrap_or_else(|message| {
            seated.job.panicked(message);
            Slice::Over
        });
        (seated, slice)
    };
    jobs.into_iter().map(slice).collect()
}

/// A panic in the answer is every job's: none of them has a reply.
fn answer<J: Job, G: Gather<J> + ?Sized>(gather: &G, jobs: &mut [Seated<J>]) {
    if let Err(message) = quiet::catch(|| gather.answer(jobs)) {
        for seated in jobs {
            seated.job.broken(message.clone());
        }
    }
}

/// The pool's side of a desk.
struct Floor<'a, J, G: ?Sized> {
    desk: &'a Desk<J>,
    pool: &'a Pool,
    gather: &'a G,
    stop: &'a AtomicBool,
}

impl<J, G: ?Sized> Clone for Floor<'_, J, G> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<J, G: ?Sized> Copy for Floor<'_, J, G> {}

impl<'a, J: Job, G: Gather<J> + ?Sized> Floor<'a, J, G> {
    /// Gives out tickets, as many as there is work and as the pool has threads. A ticket is the right to work a while.
    fn call<'s, 'b>(self, scope: &ScopeFifo<'s>, mut board: MutexGuard<'b, Board<J>>) -> MutexGuard<'b, Board<J>>
    where
        'a: 's,
    {
        let due = board.asking.len().div_ceil(self.gather.size().max(1));
        let wanted = (board.ready.len() + due).min(self.pool.threads());
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
            let work = self.desk.board().next(Some(self.gather), self.desk.count, self.pool.threads());
            match work {
                Work::Slices(jobs) => {
                    let done = slices(jobs, self.stop);
                    self.desk.board().take_all_back(done);
                }
                Work::Answer(mut jobs) => {
                    answer(self.gather, &mut jobs);
                    self.desk.board().answered(jobs);
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
        if board.over.len() == self.desk.count {
            self.desk.news.notify_one();
        } else if start.elapsed() >= TICKET || !board.ready.is_empty() {
            drop(self.call(scope, board));
        }
    }
}
