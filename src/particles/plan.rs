//! What every block of a set has to know.

use crate::adapt::MetricKind;
use serde::{Deserialize, Serialize};

/// Chains of moves that one block holds, whatever the number of threads and of particles.
pub const ROWS: usize = 64;

/// How particles move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[repr(i32)]
pub enum Kernel {
    /// Random walk Metropolis, with the covariance of the particles times 2.38²/dim (Roberts and Rosenthal 2001) and a
    /// factor that is tuned.
    RandomWalk = 0,
    /// Independent proposals from the normal with the particles' mean and covariance.
    Independent = 1,
    /// Hamiltonian Monte Carlo: a number of leapfrog steps.
    Hmc = 2,
    /// The no-U-turn sampler.
    Nuts = 3,
}

impl Kernel {
    /// Whether it needs gradients.
    pub fn has_gradient(self) -> bool {
        matches!(self, Self::Hmc | Self::Nuts)
    }
}

/// See the module's words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Seed of all streams.
    pub seed: u64,
    /// Coordinates of the model.
    pub dim: usize,
    /// Segments of the path.
    pub segments: usize,
    /// Chains of moves in a set: what resampling chooses.
    pub movers: usize,
    /// Particles that each chain leaves: 1, its end; or all its states (Dau and Chopin 2022).
    pub keep: usize,
    /// Moves of each chain between two stages.
    pub moves: usize,
    /// How they move.
    pub kernel: Kernel,
    /// Shape of the spread by which momenta are scaled.
    pub metric: MetricKind,
    /// Leapfrog steps of a move by HMC.
    pub leapfrogs: u32,
    /// Most doublings of a trajectory of NUTS.
    pub max_depth: u32,
    /// Energy error above which one diverges.
    pub max_energy_error: f64,
    /// Log of the first step size; in units of the particles' spread.
    pub log_step: f64,
}

impl Plan {
    /// Particles of a set.
    pub fn particles(&self) -> usize {
        self.movers * self.keep
    }

    /// Blocks of a set.
    pub fn blocks(&self) -> usize {
        self.movers.div_ceil(ROWS)
    }

    /// Chains of block `index`.
    pub fn rows(&self, index: usize) -> std::ops::Range<usize> {
        index * ROWS..self.movers.min((index + 1) * ROWS)
    }

    /// Whether the scale is a triangle.
    pub fn is_dense(&self) -> bool {
        !self.kernel.has_gradient() || self.metric == MetricKind::Dense
    }

    /// Whether points must be evaluated anew where the path has gone on: for their gradients, or for what the next
    /// segment adds.
    pub fn refreshes(&self) -> bool {
        self.kernel.has_gradient() || self.segments > 1
    }
}
