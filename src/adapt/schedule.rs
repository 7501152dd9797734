use serde::{Deserialize, Serialize};

/// Shorter warm-ups adapt the step size only.
const SHORTEST_WITH_METRIC: usize = 20;

/// Which warm-up iterations feed the metric and after which it is updated.
///
/// A first buffer finds the typical set, then windows of doubling length each estimate the metric from their own draws,
/// then a last buffer settles the step size (Stan reference manual, "HMC algorithm parameters"). A window stretches to
/// the end of the slow phase when the one after it would overrun that end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    start: usize,
    ends: Vec<usize>,
}

impl Schedule {
    /// The schedule of `num_warmup` iterations; the buffers become 15 % and 10 % when they and one window don't fit.
    pub fn new(num_warmup: usize, init_buffer: usize, term_buffer: usize, window: usize) -> Self {
        let none = Self { start: num_warmup, ends: Vec::new() };
        if num_warmup < SHORTEST_WITH_METRIC || window == 0 {
            return none;
        }
        let needed = init_buffer.checked_add(term_buffer).and_then(|n| n.checked_add(window));
        let (start, term_buffer, mut size) = if needed.is_some_and(|n| n <= num_warmup) {
            (init_buffer, term_buffer, window)
        } else {
            // Without overflow; the same number for all that fit.
            let start = num_warmup / 100 * 15 + num_warmup % 100 * 15 / 100;
            let term_buffer = num_warmup / 10;
            (start, term_buffer, num_warmup - start - term_buffer)
        };
        let limit = num_warmup - term_buffer;
        let mut ends = Vec::new();
        let mut at = start;
        while at < limit {
            // A window that overruns the end of all numbers overruns the limit.
            let next = size.saturating_mul(2);
            let end = at.saturating_add(size);
            at = if end.saturating_add(next) > limit { limit } else { end };
            ends.push(at);
            size = next;
        }
        Self { start, ends }
    }

    /// True when the draw of warm-up iteration `iteration` (from 0) feeds the metric.
    pub fn collects(&self, iteration: usize) -> bool {
        iteration >= self.start && self.ends.last().is_some_and(|&end| iteration < end)
    }

    /// True when the metric is updated after warm-up iteration `iteration` (from 0).
    pub fn updates_after(&self, iteration: usize) -> bool {
        self.ends.contains(&(iteration + 1))
    }

    /// Numbers of iterations after which the metric is updated.
    pub fn ends(&self) -> &[usize] {
        &self.ends
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(n: usize, init: usize, term: usize, window: usize) -> Vec<usize> {
        Schedule::new(n, init, term, window).ends().to_vec()
    }

    #[test]
    fn stan_defaults() {
        assert_eq!(ends(1000, 75, 50, 25), [100, 150, 250, 450, 950]);
        let s = Schedule::new(1000, 75, 50, 25);
        assert!(!s.collects(74) && s.collects(75) && s.collects(949) && !s.collects(950));
        assert!(s.updates_after(99) && !s.updates_after(100) && s.updates_after(949));
    }

    #[test]
    fn short_warmups_still_update_the_metric() {
        for n in 20..150 {
            let s = Schedule::new(n, 75, 50, 25);
            assert_eq!(s.ends().len(), 1, "{n} iterations");
            assert!(s.ends()[0] <= n - n / 10);
            assert_eq!((0..n).filter(|&i| s.collects(i)).count(), n - n * 15 / 100 - n / 10);
        }
        assert!(ends(19, 75, 50, 25).is_empty());
        assert_eq!(ends(150, 75, 50, 25), [100]);
        // The window after the next one, of 50, just fits: 75 + 25, then 50 to the limit.
        assert_eq!(ends(200, 75, 50, 25), [100, 150]);
        assert_eq!(ends(199, 75, 50, 25), [149]);
        // No last window of ten draws.
        assert_eq!(ends(160, 75, 50, 25), [110]);
    }

    #[test]
    fn extremes() {
        assert!(ends(1000, 75, 50, 0).is_empty());
        assert_eq!(ends(1000, 75, 0, 25).last(), Some(&1000));
        assert_eq!(ends(1000, usize::MAX, 50, 25), [900]);
        assert_eq!(ends(100, 0, 0, 100), [100]);
        let last = ends(usize::MAX, 75, 50, 25);
        assert_eq!((last.last(), last.len()), (Some(&(usize::MAX - 50)), 59));
        assert_eq!(ends(usize::MAX, usize::MAX, 50, 25), [usize::MAX - usize::MAX / 10]);
    }
}
