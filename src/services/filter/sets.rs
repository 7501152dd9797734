//! Which thread works on which part of which set.

use super::FilterRun;
use crate::drive::{PolledBlocks, Pool, PoolBlocks, on_pool};
use crate::error::Error;
use crate::model::{StateSpace, Threading};
use crate::particles::BLOCK;
use crate::particles::blocks::Blocks;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Sets of at least so many blocks per thread are cut over the threads, one set after the other, so that the memory of
/// one is enough; of smaller ones each thread takes whole ones.
const BLOCKS_PER_THREAD: usize = 8;

/// What becomes of one set, whatever runs its blocks.
pub trait OneSet<R>: Sync {
    fn run(&self, set: u64, blocks: &impl Blocks) -> Result<R, Error>;
}

/// Runs `own` of all sets and returns what became of each, in the order of their ids. `poll` is asked every few milliseconds, on the
/// calling thread, whether to end.
pub fn run<M: StateSpace, R: Send>(
    model: &M,
    options: &FilterRun,
    own: Range<usize>,
    poll: impl Fn() -> bool,
    pool: Option<Arc<Pool>>,
    one: &impl OneSet<R>,
) -> Result<Vec<R>, Error> {
    let count = own.len();
    let ids = own.map(|i| options.init_set_id + i as u64);
    let stop = AtomicBool::new(false);
    if model.threading() == Threading::Caller {
        let blocks = PolledBlocks::new(&stop, poll);
        return ids.map(|set| one.run(set, &blocks)).collect();
    }
    let pool = match (pool, model.threading()) {
        (Some(pool), Threading::One) if pool.threads() > 1 => {
            let got = format!("one of {} threads", pool.threads());
            let expected = "a pool of one thread, for the model may be called from one thread at a time";
            return Err(Error::argument("pool", expected, got));
        }
        (Some(pool), _) => pool,
        (None, Threading::One) => Arc::new(Pool::new(1)?),
        (None, _) => Arc::new(Pool::new(options.num_threads)?),
    };
    let blocks_of_set = if model.whole_sets() { 1 } else { options.num_particles.div_ceil(BLOCK) };
    let by_sets = count > 1 && blocks_of_set < BLOCKS_PER_THREAD * pool.threads();
    on_pool(&pool, &stop, poll, || {
        let blocks = PoolBlocks::new(&pool, &stop);
        if !by_sets {
            return ids.map(|set| one.run(set, &blocks)).collect();
        }
        let mut places: Vec<Option<R>> = ids.clone().map(|_| None).collect();
        let items: Vec<_> = ids.zip(&mut places).collect();
        let whole = |_: &mut (), (set, place): (u64, &mut Option<R>)| {
            *place = Some(one.run(set, &PolledBlocks::new(&stop, || false))?);
            Ok(())
        };
        blocks.for_each(items.into_iter(), || Ok(()), whole)?;
        Ok(places.into_iter().flatten().collect())
    })
}
