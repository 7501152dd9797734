//! Pieces of work by all threads of a pool where there are several, else by the thread that has them.

use super::Pool;
use super::blocks::{PolledBlocks, PoolBlocks, on_pool};
use crate::error::Error;
use crate::model::Threading;
use crate::particles::blocks::Blocks;
use std::sync::atomic::AtomicBool;

/// Runs one piece on the calling thread, several on the pool's threads where the host allows that. `poll` is asked every few
/// milliseconds, on the calling thread, whether to end.
pub struct Hands<'a, P> {
    pool: Option<&'a Pool>,
    poll: P,
}

impl<'a, P: Fn() -> bool> Hands<'a, P> {
    /// The threads of `pool`, or the calling one where `threading` allows no other.
    pub fn new(pool: &'a Pool, threading: Threading, poll: P) -> Self {
        let several = threading == Threading::Any && pool.threads() > 1;
        Self { pool: several.then_some(pool), poll }
    }
}

impl<P: Fn() -> bool> Blocks for Hands<'_, P> {
    fn for_each<I: Send, B>(
        &self,
        items: impl ExactSizeIterator<Item = I> + Send,
        bench: impl Fn() -> Result<B, Error> + Sync,
        work: impl Fn(&mut B, I) -> Result<(), Error> + Sync,
    ) -> Result<(), Error> {
        let stop = AtomicBool::new(false);
        match self.pool {
            Some(pool) if items.len() > 1 => {
                let (bench, work) = (&bench, &work);
                on_pool(pool, &stop, &self.poll, || PoolBlocks::new(pool, &stop).for_each(items, bench, work))
            }
            _ => PolledBlocks::new(&stop, &self.poll).for_each(items, bench, work),
        }
    }
}
