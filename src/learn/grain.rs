//! How much work is worth a thread of its own: measured, never set.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A piece of less than so many ns is not worth handing to another thread.
const WORTH: f64 = 20_000.0;
/// Most pieces that anything is cut into.
const MOST: usize = 64;
/// What a cell is taken to cost before anything was measured, ns.
const UNKNOWN: f64 = 20.0;

/// The measured cost of a cell of the product, by which work is cut. Results never depend on it.
#[derive(Debug)]
pub struct Grain(AtomicU64);

impl Default for Grain {
    fn default() -> Self {
        Self(AtomicU64::new(UNKNOWN.to_bits()))
    }
}

impl Grain {
    /// ns per cell, as measured so far.
    pub fn cost(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::Relaxed))
    }

    /// How many pieces work of so many ns is cut into, where `threads` share it.
    pub fn pieces(ns: f64, threads: usize) -> usize {
        ((ns / WORTH) as usize).clamp(1, threads.max(1))
    }

    /// How many of `units` go into one piece, when all of them are `cells` cells; all of them where cutting does not pay.
    pub fn units(&self, units: usize, cells: usize) -> usize {
        let pieces = (self.cost() * cells as f64 / WORTH) as usize;
        match pieces {
            0 | 1 => units.max(1),
            pieces => units.div_ceil(pieces.min(MOST)).max(1),
        }
    }

    /// Runs `work` of `cells` cells and remembers what it took.
    pub fn timed<R>(&self, cells: usize, work: impl FnOnce() -> R) -> R {
        let begun = Instant::now();
        let result = work();
        self.note(cells, begun.elapsed());
        result
    }

    fn note(&self, cells: usize, taken: Duration) {
        if cells == 0 {
            return;
        }
        let now = taken.as_nanos() as f64 / cells as f64;
        let before = self.cost();
        // What was interrupted looks dear once; what is cheap is so at once.
        let next = if now < before { now } else { 0.875 * before + 0.125 * now.min(8.0 * before) };
        self.0.store(next.max(1e-3).to_bits(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_work_is_never_cut_and_dear_work_is() {
        let grain = Grain::default();
        grain.note(1000, Duration::from_nanos(2000));
        assert_eq!(grain.cost(), 2.0);
        assert_eq!(grain.units(5, 5000), 5);
        assert_eq!(grain.units(100, 100_000), 10);
        assert_eq!(grain.units(1000, 10_000_000), 16);
        (0..100).for_each(|_| grain.note(10, Duration::from_micros(100)));
        assert!(grain.cost() > 5000.0 && grain.units(4, 40) == 1);
        assert_eq!((grain.units(0, 0), grain.units(1, 1)), (1, 1));
    }
}
