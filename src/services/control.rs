//! What the outside sees of a run while it goes, and how it ends it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// One chain of a run under way.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Iterations done, warm-up included.
    pub iteration: usize,
    /// Whether the last of them was one of warm-up.
    pub in_warmup: bool,
    /// Divergent transitions after warm-up.
    pub divergences: u64,
    /// Gradient evaluations.
    pub gradients: u64,
    /// The nominal step size; NaN before the first iteration.
    pub stepsize: f64,
    /// Whether the chain has ended.
    pub over: bool,
}

impl Default for Progress {
    /// Before the first iteration.
    fn default() -> Self {
        Self { iteration: 0, in_warmup: true, divergences: 0, gradients: 0, stepsize: f64::NAN, over: false }
    }
}

/// Shared between a run and those who watch it; any thread may ask and cancel.
pub struct Control {
    pub(super) stop: AtomicBool,
    /// The stop came from outside.
    pub(super) cancelled: AtomicBool,
    /// The run has taken its `max_seconds`.
    pub(super) expired: AtomicBool,
    gauges: Vec<Gauge>,
}

/// A chain's last word. The numbers may be of two successive iterations when it is read in between.
struct Gauge {
    iteration: AtomicU64,
    warmup: AtomicBool,
    divergences: AtomicU64,
    gradients: AtomicU64,
    stepsize: AtomicU64,
    over: AtomicBool,
}

impl Control {
    pub(super) fn new(chains: usize) -> Self {
        let gauge = || Gauge {
            iteration: AtomicU64::new(0),
            warmup: AtomicBool::new(true),
            divergences: AtomicU64::new(0),
            gradients: AtomicU64::new(0),
            stepsize: AtomicU64::new(f64::NAN.to_bits()),
            over: AtomicBool::new(false),
        };
        Self {
            stop: AtomicBool::new(false),
            cancelled: AtomicBool::new(false),
            expired: AtomicBool::new(false),
            gauges: (0..chains).map(|_| gauge()).collect(),
        }
    }

    /// Tells every chain to stop; what was written stays intact, and the chains can be resumed.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Number of chains.
    pub fn num_chains(&self) -> usize {
        self.gauges.len()
    }

    /// Where chain `chain`, counted from 0, has come; `None` past the last.
    pub fn progress(&self, chain: usize) -> Option<Progress> {
        let g = self.gauges.get(chain)?;
        Some(Progress {
            iteration: g.iteration.load(Ordering::Relaxed) as usize,
            in_warmup: g.warmup.load(Ordering::Relaxed),
            divergences: g.divergences.load(Ordering::Relaxed),
            gradients: g.gradients.load(Ordering::Relaxed),
            stepsize: f64::from_bits(g.stepsize.load(Ordering::Relaxed)),
            over: g.over.load(Ordering::Relaxed),
        })
    }

    pub(super) fn show(&self, chain: usize, p: &Progress) {
        let g = &self.gauges[chain];
        g.iteration.store(p.iteration as u64, Ordering::Relaxed);
        g.warmup.store(p.in_warmup, Ordering::Relaxed);
        g.divergences.store(p.divergences, Ordering::Relaxed);
        g.gradients.store(p.gradients, Ordering::Relaxed);
        g.stepsize.store(p.stepsize.to_bits(), Ordering::Relaxed);
    }

    pub(super) fn end(&self, chain: usize) {
        self.gauges[chain].over.store(true, Ordering::Relaxed);
    }
}
