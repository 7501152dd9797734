//! When a machine is to be kept while it runs.

use crate::error::Error;
use crate::io::Keeper;
use std::time::Instant;

/// The times at which one machine is kept.
#[derive(Debug, Default)]
pub(super) struct Keeping {
    last: Option<Instant>,
    failed: bool,
}

impl Keeping {
    /// Whether a period is over at the time `now`, from the first call or the last keeping on.
    #[inline]
    pub fn is_due(&mut self, keeper: Option<&dyn Keeper>, now: impl FnOnce() -> Instant) -> bool {
        let Some(keeper) = keeper else { return false };
        let now = now();
        let last = *self.last.get_or_insert(now);
        now.saturating_duration_since(last) >= keeper.period()
    }

    /// The machine was kept: the next period begins, so that between two keepings, however long these take, it moves.
    pub fn kept(&mut self) {
        self.last = Some(Instant::now());
    }

    /// The reason of the first time that keeping failed.
    pub fn first_failure(&mut self, kept: Result<(), Error>) -> Option<Error> {
        let why = kept.err()?;
        (!std::mem::replace(&mut self.failed, true)).then_some(why)
    }
}
