//! One piece of work for each of many items, by all threads of a pool.

use super::threads::POLL_INTERVAL;
use super::{Pool, quiet};
use crate::model::Threading;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Instant;

/// Each claim takes this share of what is left per thread, so that claims are few at first and all threads end together.
const CLAIMS_PER_THREAD: usize = 4;

/// Longest claim, so that a stop is heeded soon and progress is seen.
const LONGEST_CLAIM: usize = 4096;

/// Why not all of a map was done. Which items were done and which were not is then for the caller to find out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unfinished {
    /// `watch` asked for the end.
    Stopped,
    /// `work` panicked, with this message.
    Panicked(String),
}

/// Calls `work` for each of `items`, each once, on the threads of `pool`; with a `threading` that allows one thread only,
/// on the calling thread. `watch` is called on the calling thread every few milliseconds with the number of items done;
/// when it returns true the map ends, each item either done or untouched.
///
/// Who works on which item depends on time: results must depend on the item alone.
pub fn map<T: Send>(
    pool: &Pool,
    threading: Threading,
    items: &mut [T],
    mut watch: impl FnMut(usize) -> bool,
    work: impl Fn(&mut T) + Sync,
) -> Result<(), Unfinished> {
    if threading == Threading::Any && pool.threads() > 1 && items.len() > 1 {
        on_pool(pool, items, watch, &work)
    } else {
        here(items, &mut watch, &work)
    }
}

fn here<T>(items: &mut [T], watch: &mut impl FnMut(usize) -> bool, work: &impl Fn(&mut T)) -> Result<(), Unfinished> {
    /// Looking at the clock takes as long as small work does, so that it is done more and more rarely, up to this.
    const BETWEEN_LOOKS: usize = 64;
    let mut watched = Instant::now();
    let (mut done, mut look_at) = (0, 1);
    for item in items {
        quiet::catch(|| work(item)).map_err(Unfinished::Panicked)?;
        done += 1;
        if done < look_at {
            continue;
        }
        let now = Instant::now();
        let late = now - watched >= POLL_INTERVAL;
        look_at = done + if late { 1 } else { (done + 1).min(BETWEEN_LOOKS) };
        if late {
            watched = now;
            if watch(done) {
                return Err(Unfinished::Stopped);
            }
        }
    }
    Ok(())
}

fn on_pool<T: Send>(
    pool: &Pool,
    items: &mut [T],
    mut watch: impl FnMut(usize) -> bool,
    work: &(impl Fn(&mut T) + Sync),
) -> Result<(), Unfinished> {
    let total = items.len();
    let threads = pool.threads().min(total);
    let left = Mutex::new(items);
    let done = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    let running = Mutex::new(threads);
    let all_over = Condvar::new();
    let failure = Mutex::new(None);
    pool.rayon().in_place_scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|_| {
                let occupied = pool.occupy();
                while let Some(chunk) = claim(&left, threads).filter(|_| !stop.load(Ordering::Relaxed)) {
                    let mut finished = 0;
                    let caught = quiet::catch(|| {
                        for item in chunk {
                            if stop.load(Ordering::Relaxed) {
                                return;
                            }
                            work(item);
                            finished += 1;
                        }
                    });
                    done.fetch_add(finished, Ordering::Relaxed);
                    if let Err(message) = caught {
                        failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(message);
                        stop.store(true, Ordering::Relaxed);
                    }
                }
                drop(occupied);
                let mut running = running.lock().unwrap_or_else(PoisonError::into_inner);
                *running -= 1;
                if *running == 0 {
                    all_over.notify_all();
                }
            });
        }
        let mut still = running.lock().unwrap_or_else(PoisonError::into_inner);
        while *still > 0 {
            still = all_over.wait_timeout(still, POLL_INTERVAL).unwrap_or_else(PoisonError::into_inner).0;
            if *still > 0 && !stop.load(Ordering::Relaxed) {
                drop(still);
                if watch(done.load(Ordering::Relaxed)) {
                    stop.store(true, Ordering::Relaxed);
                }
                still = running.lock().unwrap_or_else(PoisonError::into_inner);
            }
        }
    });
    match failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(message) => Err(Unfinished::Panicked(message)),
        // A stop that came when nothing was left is none.
        None if done.into_inner() < total => Err(Unfinished::Stopped),
        None => Ok(()),
    }
}

/// The next items for one thread.
fn claim<'t, T>(left: &Mutex<&'t mut [T]>, threads: usize) -> Option<&'t mut [T]> {
    let mut left = left.lock().unwrap_or_else(PoisonError::into_inner);
    let size = (left.len() / (CLAIMS_PER_THREAD * threads)).clamp(1, LONGEST_CLAIM);
    let items = std::mem::take(&mut *left);
    let (chunk, rest) = items.split_at_mut(size.min(items.len()));
    *left = rest;
    Some(chunk).filter(|chunk| !chunk.is_empty())
}
