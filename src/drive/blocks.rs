//! Pieces of work of particles, on the threads of a pool or on the thread that called.

use super::{Pool, quiet, threads::POLL_INTERVAL};
use crate::error::{Code, Error};
use crate::particles::blocks::Blocks;
use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Instant;

/// Runs `work` on a thread of the pool and returns what it returned, while `poll` is called on the calling thread every
/// few milliseconds; when it returns true, `stop` is set.
pub fn on_pool<R: Send>(
    pool: &Pool,
    stop: &AtomicBool,
    mut poll: impl FnMut() -> bool,
    work: impl FnOnce() -> Result<R, Error> + Send,
) -> Result<R, Error> {
    pool.check()?;
    let (place, over) = (Mutex::new(None), Condvar::new());
    pool.rayon().in_place_scope(|scope| {
        scope.spawn(|_| {
            let result = caught(work);
            *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
            over.notify_all();
        });
        let mut done = place.lock().unwrap_or_else(PoisonError::into_inner);
        while done.is_none() {
            let (back, wait) = over.wait_timeout(done, POLL_INTERVAL).unwrap_or_else(PoisonError::into_inner);
            done = back;
            if done.is_none() && wait.timed_out() {
                drop(done);
                if poll() {
                    stop.store(true, Ordering::Relaxed);
                }
                done = place.lock().unwrap_or_else(PoisonError::into_inner);
            }
        }
    });
    place.into_inner().unwrap_or_else(PoisonError::into_inner).unwrap_or_else(|| Err(interrupted()))
}

fn caught<R>(work: impl FnOnce() -> Result<R, Error>) -> Result<R, Error> {
    let panicked = |message| Err(Error::new(Code::Model, format!("a panic was caught: {message}")));
    quiet::catch(work).unwrap_or_else(panicked)
}

fn interrupted() -> Error {
    Error::new(Code::Interrupted, "the interrupt asked for the end")
}

/// Pieces on all threads of a pool, begun from one of them (see [`on_pool`]), until `stop` is set.
pub struct PoolBlocks<'a> {
    pool: &'a Pool,
    stop: &'a AtomicBool,
}

impl<'a> PoolBlocks<'a> {
    /// On `pool`, until `stop`.
    pub fn new(pool: &'a Pool, stop: &'a AtomicBool) -> Self {
        Self { pool, stop }
    }
}

/// Most pieces that a thread takes at once.
const MOST: usize = 16;

struct Queue<Q> {
    items: Q,
    taken: usize,
    /// The failed piece that comes first, and why.
    failed: Option<(usize, Error)>,
}

impl Blocks for PoolBlocks<'_> {
    fn for_each<I: Send, B>(
        &self,
        items: impl ExactSizeIterator<Item = I> + Send,
        bench: impl Fn() -> Result<B, Error> + Sync,
        work: impl Fn(&mut B, I) -> Result<(), Error> + Sync,
    ) -> Result<(), Error> {
        let threads = self.pool.threads().min(items.len()).max(1);
        let queue = Mutex::new(Queue { items, taken: 0, failed: None });
        let lock = || queue.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = || {
            let _busy = self.pool.occupy();
            let at = Cell::new(0);
            let all = caught(|| {
                let mut own: Option<B> = None;
                let mut batch = Vec::with_capacity(MOST);
                loop {
                    {
                        let mut queue = lock();
                        let left = queue.items.len();
                        if left == 0 || queue.failed.is_some() {
                            return Ok(());
                        }
                        at.set(queue.taken);
                        // Many at first, so that the lock is rarely asked for; one by one at the end, so that threads end together.
                        let share = (left / (4 * threads)).clamp(1, MOST);
                        batch.extend(queue.items.by_ref().take(share));
                        queue.taken += batch.len();
                    }
                    let own = match &mut own {
                        Some(own) => own,
                        none => none.insert(bench()?),
                    };
                    for item in batch.drain(..) {
                        if self.stop.load(Ordering::Relaxed) {
                            return Err(interrupted());
                        }
                        work(own, item)?;
                        at.set(at.get() + 1);
                    }
                }
            });
            if let Err(error) = all {
                let mut queue = lock();
                if queue.failed.as_ref().is_none_or(|(first, _)| at.get() < *first) {
                    queue.failed = Some((at.get(), error));
                }
            }
        };
        if threads == 1 {
            turn();
        } else {
            self.pool.rayon().in_place_scope(|scope| {
                (1..threads).for_each(|_| scope.spawn(|_| turn()));
                turn();
            });
        }
        let failed = queue.into_inner().unwrap_or_else(PoisonError::into_inner).failed;
        failed.map_or(Ok(()), |(_, error)| Err(error))
    }
}

/// Pieces one after the other on this thread, until `stop` is set or, asked every few milliseconds, `poll` returns true.
pub struct PolledBlocks<'a, P> {
    stop: &'a AtomicBool,
    poll: RefCell<P>,
    asked: Cell<Instant>,
    looked: Cell<Instant>,
    /// Pieces from one look at the clock to the next, and those left of them.
    stride: Cell<u32>,
    left: Cell<u32>,
}

impl<'a, P: FnMut() -> bool> PolledBlocks<'a, P> {
    /// On the calling thread.
    pub fn new(stop: &'a AtomicBool, poll: P) -> Self {
        let now = Instant::now();
        Self {
            stop,
            poll: RefCell::new(poll),
            asked: Cell::new(now),
            looked: Cell::new(now),
            stride: Cell::new(1),
            left: Cell::new(0),
        }
    }

    /// Before each piece. Looking at the clock takes as long as a small piece, so that it is done more and more rarely
    /// while pieces are small.
    #[inline]
    fn turn(&self) {
        const SELDOM: u32 = 64;
        if self.left.get() > 0 {
            return self.left.set(self.left.get() - 1);
        }
        let now = Instant::now();
        let quick = now - self.looked.replace(now) < POLL_INTERVAL / 8;
        self.stride.set(if quick { SELDOM.min(2 * self.stride.get()) } else { 1 });
        self.left.set(self.stride.get() - 1);
        if now - self.asked.get() >= POLL_INTERVAL {
            self.asked.set(now);
            if (self.poll.borrow_mut())() {
                self.stop.store(true, Ordering::Relaxed);
            }
        }
    }
}

impl<P: FnMut() -> bool> Blocks for PolledBlocks<'_, P> {
    fn for_each<I: Send, B>(
        &self,
        items: impl ExactSizeIterator<Item = I> + Send,
        bench: impl Fn() -> Result<B, Error> + Sync,
        work: impl Fn(&mut B, I) -> Result<(), Error> + Sync,
    ) -> Result<(), Error> {
        caught(|| {
            let mut bench = bench()?;
            for item in items {
                self.turn();
                if self.stop.load(Ordering::Relaxed) {
                    return Err(interrupted());
                }
                work(&mut bench, item)?;
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    fn on_threads<R: Send>(
        threads: usize,
        f: impl FnOnce(&PoolBlocks<'_>) -> Result<R, Error> + Send,
    ) -> Result<R, Error> {
        let (pool, stop) = (Pool::new(threads).unwrap(), AtomicBool::new(false));
        on_pool(&pool, &stop, || false, || f(&PoolBlocks::new(&pool, &stop)))
    }

    #[test]
    fn every_piece_is_done_once() {
        for threads in [1, 2, 4] {
            for n in [0, 1, 3, 1000] {
                let mut done = vec![0; n];
                let benches = AtomicUsize::new(0);
                let bench = || Ok(benches.fetch_add(1, Ordering::Relaxed));
                on_threads(threads, |blocks| {
                    blocks.for_each(done.iter_mut(), bench, |_, x| {
                        *x += 1;
                        Ok(())
                    })
                })
                .unwrap();
                assert!(done.iter().all(|&x| x == 1) && benches.into_inner() <= threads);
            }
        }
    }

    #[test]
    fn the_first_failure_is_told_and_a_panic_is_one() {
        for _ in 0..50 {
            let fails = |i: usize| match i {
                17 | 18 | 40 => Err(Error::new(Code::Model, format!("piece {i}"))),
                _ => Ok(()),
            };
            let error = on_threads(4, |blocks| blocks.for_each(0..100, || Ok(()), |_, i| fails(i))).unwrap_err();
            assert_eq!(error.message(), "piece 17");
        }
        let error = on_threads(2, |b| b.for_each(0..9, || Ok(()), |_, i| if i == 4 { panic!("oh") } else { Ok(()) }));
        assert!(error.unwrap_err().message().contains("oh"));
    }

    #[test]
    fn an_interrupt_ends_the_work() {
        let (pool, stop) = (Pool::new(2).unwrap(), AtomicBool::new(false));
        let slow = |_: &mut (), _| {
            std::thread::sleep(std::time::Duration::from_millis(1));
            Ok(())
        };
        let work = || PoolBlocks::new(&pool, &stop).for_each(0..100_000, || Ok(()), slow);
        assert_eq!(on_pool(&pool, &stop, || true, work).unwrap_err().code(), Code::Interrupted);
        let stop = AtomicBool::new(false);
        let blocks = PolledBlocks::new(&stop, || true);
        assert_eq!(blocks.for_each(0..100_000, || Ok(()), slow).unwrap_err().code(), Code::Interrupted);
    }
}
