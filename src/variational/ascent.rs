//! The stochastic ascent of the bound: step sizes, and when it has gone far enough.

use serde::{Deserialize, Serialize};

/// Step sizes that are tried in turn (Stan's).
pub const STEP_SIZES: [f64; 5] = [100.0, 10.0, 1.0, 0.1, 0.01];
/// Added to the root of the mean square of past gradients.
const DAMPING: f64 = 1.0;
/// Share of the past in the mean square of gradients.
const MEMORY: f64 = 0.9;
/// The same where iterates are averaged.
const LONG_MEMORY: f64 = 0.99;
/// Steps of averaged iterates are at least as long as with this step size.
const LEAST_STEP_SIZE: f64 = 0.1;
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
    /// As many steps shorten the next one; `None`: all that were taken.
    shortened: Option<f64>,
}

impl Steps {
    pub fn new(parameters: usize) -> Self {
        Self { mean_squares: vec![0.0; parameters], taken: 0, shortened: None }
    }

    pub fn restart(&mut self) {
        self.mean_squares.fill(0.0);
        self.taken = 0;
        self.shortened = None;
    }

    /// Steps keep the length that they have now with step size `eta`, unless that is very small.
    pub fn keep_length(&mut self, eta: f64) {
        let ratio = (eta / LEAST_STEP_SIZE).min(1.0);
        self.shortened = Some(self.taken as f64 * ratio * ratio);
    }

    /// Steps get longer by the root of two.
    pub fn lengthen(&mut self) {
        self.shortened = self.shortened.map(|steps| 0.5 * steps);
    }

    /// Steps taken since the last restart.
    pub fn taken(&self) -> usize {
        self.taken
    }

    /// One step along `gradient`.
    pub fn take(&mut self, eta: f64, gradient: &[f64], parameters: &mut [f64]) {
        self.taken += 1;
        let scale = eta / self.shortened.unwrap_or(self.taken as f64).sqrt();
        let averages = self.shortened.is_some();
        let (kept, new) = match (averages, self.taken) {
            (true, _) => (LONG_MEMORY, 1.0 - LONG_MEMORY),
            (false, 1) => (1.0, 1.0),
            (false, _) => (MEMORY, 1.0 - MEMORY),
        };
        for ((x, g), square) in parameters.iter_mut().zip(gradient).zip(&mut self.mean_squares) {
            let before = *square;
            *square = kept * before + new * g * g;
            // A step that is measured by its own gradient is shorter the larger that is. The gradients of a spread are
            // skewed, and the average would be off by some percent for good.
            let square = if averages { before } else { *square };
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
