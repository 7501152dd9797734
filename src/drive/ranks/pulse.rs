//! When a process tells the others where it stands.

use crate::drive::meet::Standing;
use std::time::{Duration, Instant};

/// Longest time in which a process that still works is not heard of. Whoever waits for it knows by that that it lives, however long
/// its evaluations take, and learns within it that something is to end.
const PULSE: Duration = Duration::from_millis(50);

/// See the module's words.
pub(in crate::drive) struct Pulse(Instant);

impl Pulse {
    /// The first is due one period from now.
    pub fn new() -> Self {
        Self(Instant::now())
    }

    /// Whether it is time to tell: at once of jobs that wait for others or are over, else once a period.
    pub fn is_due(&self, standing: Standing) -> bool {
        standing != Standing::Working || self.0.elapsed() >= PULSE
    }

    /// The others were told.
    pub fn told(&mut self) {
        self.0 = Instant::now();
    }
}
