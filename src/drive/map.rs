//! One piece of work for each of many items.

use super::Pool;
use super::blocks::{PolledBlocks, PoolBlocks, on_pool};
use crate::error::Error;
use crate::model::Threading;
use crate::particles::blocks::Blocks;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Calls `work` for each of `items`, each once, on the threads of `pool`; with a `threading` that allows one thread only, on
/// the calling thread. Ends at the first failure, and returns that of the first item, in their order, that failed.
///
/// `watch` is called on the calling thread every few milliseconds with the number of items done; when it returns true,
/// items that were not begun are left, and the error says that the interrupt asked for the end. Who works on which item
/// depends on time: results must depend on the item alone.
pub fn map<T: Send>(
    pool: &Pool,
    threading: Threading,
    items: &mut [T],
    mut watch: impl FnMut(usize) -> bool,
    work: impl Fn(&mut T) -> Result<(), Error> + Sync,
) -> Result<(), Error> {
    let done = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    let watch = || watch(done.load(Ordering::Relaxed));
    let tally = || Ok(Tally { done: &done, own: 0 });
    let work = |tally: &mut Tally<'_>, item: &mut T| {
        tally.count();
        work(item)
    };
    if threading == Threading::Any && pool.threads() > 1 && items.len() > 1 {
        on_pool(pool, &stop, watch, || PoolBlocks::new(pool, &stop).for_each(items.iter_mut(), tally, work))
    } else {
        PolledBlocks::new(&stop, watch).for_each(items.iter_mut(), tally, work)
    }
}

/// One thread's count, told to the others now and then.
struct Tally<'a> {
    done: &'a AtomicUsize,
    own: usize,
}

impl Tally<'_> {
    #[inline]
    fn count(&mut self) {
        const SELDOM: usize = 64;
        self.own += 1;
        if self.own == SELDOM {
            self.done.fetch_add(self.own, Ordering::Relaxed);
            self.own = 0;
        }
    }
}
