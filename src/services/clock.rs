//! When a slice of work is to end.

use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// How long a chain runs before another one may have the thread.
const SLICE: Duration = Duration::from_millis(1);
/// Most evaluations between two looks at the clock.
const LONGEST_STRIDE: u32 = 1024;

/// Tells when a slice's time is up, looking at the clock as seldom as it can afford to.
pub(super) struct Clock {
    start: Instant,
    /// When the last lap ended, or the slice began.
    pub lap: Instant,
    looked: Instant,
    pub stride: u32,
    left: u32,
}

impl Clock {
    /// The clock of a slice that began at `start`.
    pub fn new(start: Instant, stride: u32) -> Self {
        Self { start, lap: start, looked: start, stride, left: stride }
    }

    #[inline]
    pub fn is_up(&mut self) -> bool {
        self.left -= 1;
        if self.left > 0 {
            return false;
        }
        self.look()
    }

    fn look(&mut self) -> bool {
        let now = Instant::now();
        let took = now - self.looked;
        self.looked = now;
        // About eight looks per slice.
        if took < SLICE / 16 {
            self.stride = (self.stride * 2).min(LONGEST_STRIDE);
        } else if took > SLICE / 4 {
            self.stride = (self.stride / 2).max(1);
        }
        self.left = self.stride;
        now - self.start >= SLICE
    }

    /// Time since the last lap.
    pub fn lap(&mut self) -> Duration {
        let now = Instant::now();
        let took = now - self.lap;
        self.lap = now;
        took
    }
}

/// The time that a machine has taken on its threads.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct Times {
    pub warmup: Duration,
    pub sampling: Duration,
    /// Warm-up is over, or there is none.
    pub warm: bool,
}

impl Times {
    pub fn account(&mut self, time: Duration) {
        *(if self.warm { &mut self.sampling } else { &mut self.warmup }) += time;
    }
}
