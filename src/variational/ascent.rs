//! The stochastic ascent of the bound: step sizes, and when it has gone far enough.

use serde::{Deserialize, Serialize};

/// Step sizes that are tried in turn (Stan's).
pub const STEP_SIZES: [f64; 5] = [100.0, 10.0, 1.0, 0.1, 0.01];
/// Added to the root of the mean square of past gradients.
const DAMPING: f64 = 1.0;
/// Share of the past in the mean square of gradients.
const MEMORY: f64 = 0.9;
/// Share of the iterations over which changes of the bound are averaged, and the fewest changes.
const LOOK_BACK: f64 = 0.1;
const FEWEST_CHANGES: usize = 2;
/// Above this relative change, after so many estimates of the bound, the ascent may be diverging.
const WILD_CHANGE: f64 = 0.5;
const SETTLED: usize = 10;

/// The sequence of steps of Kucukelbir, Tran, Ranganath, Gelman and Blei 2017 (section 2.6), as Stan takes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Steps {
    mean_squares: Vec<f64>,
    taken: usize,
}

impl Steps {
    pub fn new(parameters: usize) -> Self {
        Self { mean_squares: vec![0.0; parameters], taken: 0 }
    }

    pub fn restart(&mut self) {
        self.mean_squares.fill(0.0);
        self.taken = 0;
    }

    /// Steps taken since the last restart.
    pub fn taken(&self) -> usize {
        self.taken
    }

    /// One more step, taken by others.
    pub fn count(&mut self) {
        self.taken += 1;
    }

    /// One step along `gradient`.
    pub fn take(&mut self, eta: f64, gradient: &[f64], parameters: &mut [f64]) {
        self.taken += 1;
        let scale = eta / (self.taken as f64).sqrt();
        let (kept, new) = if self.taken == 1 { (1.0, 1.0) } else { (MEMORY, 1.0 - MEMORY) };
        for ((x, g), square) in parameters.iter_mut().zip(gradient).zip(&mut self.mean_squares) {
            *square = kept * *square + new * g * g;
            *x += scale * g / (DAMPING + square.sqrt());
        }
    }
}

/// Relative changes of the bound over the last estimates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Changes {
    last: f64,
    window: usize,
    changes: Vec<f64>,
    estimates: usize,
}

/// What the last changes come to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Their mean.
    pub mean: f64,
    /// Their median.
    pub median: f64,
    /// Whether they are large long after the beginning.
    pub wild: bool,
}

impl Changes {
    /// For an ascent of at most `estimates` estimates.
    pub fn new(estimates: usize) -> Self {
        let window = ((LOOK_BACK * estimates as f64) as usize).max(FEWEST_CHANGES);
        Self { last: 0.0, window, changes: Vec::with_capacity(window.min(estimates)), estimates: 0 }
    }

    /// The bound is now this.
    pub fn add(&mut self, elbo: f64) -> Change {
        if self.changes.len() == self.window {
            self.changes.remove(0);
        }
        self.changes.push(((elbo - self.last) / self.last).abs());
        self.last = elbo;
        self.estimates += 1;
        let mean = self.changes.iter().sum::<f64>() / self.changes.len() as f64;
        let mut sorted = self.changes.clone();
        sorted.sort_by(f64::total_cmp);
        let median = sorted[sorted.len() / 2];
        let wild = self.estimates > SETTLED && (mean > WILD_CHANGE || median > WILD_CHANGE);
        Change { mean, median, wild }
    }
}
