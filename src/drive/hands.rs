//! Pieces of work by all threads of a pool where there are several, else by the thread that has them; and by other ranks.

use super::Pool;
use super::blocks::{PolledBlocks, PoolBlocks, on_pool};
use super::ranks::Shared;
use crate::error::Error;
use crate::model::Threading;
use crate::particles::blocks::Blocks;
use std::ops::Range;
use std::sync::atomic::AtomicBool;

/// Runs one piece on the calling thread, several on the pool's threads where the host allows that. `poll` is asked every few
/// milliseconds, on the calling thread, whether to end.
pub struct Hands<'a, P> {
    pool: Option<&'a Pool>,
    poll: P,
    ranks: Option<&'a Shared<'a>>,
}

impl<'a, P: Fn() -> bool> Hands<'a, P> {
    /// The threads of `pool`, or the calling one where `threading` allows no other.
    pub fn new(pool: &'a Pool, threading: Threading, poll: P) -> Self {
        let several = threading == Threading::Any && pool.threads() > 1;
        Self { pool: several.then_some(pool), poll, ranks: None }
    }

    /// The same, and other ranks with theirs.
    pub fn with_ranks(self, ranks: Option<&'a Shared<'a>>) -> Self {
        Self { ranks, ..self }
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
        let poll = || self.ranks.map_or_else(&self.poll, |ranks| ranks.pulse(&self.poll));
        match self.pool {
            Some(pool) if items.len() > 1 => {
                let (bench, work) = (&bench, &work);
                on_pool(pool, &stop, poll, || PoolBlocks::new(pool, &stop).for_each(items, bench, work))
            }
            _ => PolledBlocks::new(&stop, poll).for_each(items, bench, work),
        }
    }

    fn processes(&self) -> usize {
        self.ranks.map_or(1, Shared::size)
    }

    fn own(&self, count: usize) -> Range<usize> {
        self.ranks.map_or(0..count, |ranks| ranks.own(count))
    }

    fn exchange(
        &self,
        count: usize,
        made: Result<Vec<f64>, Error>,
        mut take: impl FnMut(Range<usize>, &[f64]),
    ) -> Result<(), Error> {
        match self.ranks {
            None => made.map(|numbers| take(0..count, &numbers)),
            Some(ranks) => ranks.exchange(count, made, take),
        }
    }

    fn agree<T>(&self, made: Result<T, Error>, token: impl FnOnce(&T) -> u64) -> Result<T, Error> {
        match self.ranks {
            None => made,
            Some(ranks) => ranks.agree(made, token),
        }
    }
}
