//! When rows that were gathered are written though they are few.

use std::time::{Duration, Instant};

/// A row that has waited so long is written with the next look at the clock.
const PATIENCE: Duration = Duration::from_millis(500);
/// When looks come no more often than this, each writes what waits.
const SELDOM: Duration = Duration::from_millis(250);

/// How long rows have waited.
#[derive(Debug, Default)]
pub(super) struct Patience {
    /// When the first of them came.
    since: Option<Instant>,
    looked: Option<Instant>,
}

impl Patience {
    /// A row waits.
    pub fn begin(&mut self) {
        self.since.get_or_insert_with(Instant::now);
    }

    /// None waits any longer.
    pub fn end(&mut self) {
        self.since = None;
    }

    /// Takes a look at the clock, which says `now`: whether what waits is to be written.
    pub fn is_over(&mut self, now: Instant) -> bool {
        let seldom = self.looked.replace(now).is_some_and(|before| now.saturating_duration_since(before) >= SELDOM);
        self.since.is_some_and(|since| seldom || now.saturating_duration_since(since) >= PATIENCE)
    }
}
