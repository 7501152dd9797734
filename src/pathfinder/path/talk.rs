//! What a path is made from, and what it tells.

use crate::optimize::{Ending, Failure, OptimizerSettings};
use crate::pathfinder::PathNormal;
use serde::{Deserialize, Serialize};

/// What a path is made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PathSettings {
    /// Of its optimiser, which is L-BFGS on the density with the Jacobian.
    pub optimizer: OptimizerSettings,
    /// Draws for the estimate of the bound where it may be the best, at least 1.
    pub bound_draws: usize,
    /// Draws in the end, at least 1.
    pub draws: usize,
    /// Whether the log density is evaluated at the draws.
    pub evaluates: bool,
}

/// An approximation with its bound.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// After which iteration of the optimiser.
    pub iteration: usize,
    /// The estimate of its evidence lower bound.
    pub elbo: f64,
    /// The normal distribution.
    pub normal: PathNormal,
}

/// What a path tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Waypoint {
    /// The start was found: the optimiser's point.
    Initialized,
    /// The gradient at the start is nothing: the path begins anew a little beside it.
    Nudged,
    /// The bound at a point was estimated, by the first draws there.
    Estimated {
        /// Iterations of the optimiser so far.
        iteration: usize,
        /// The estimate; -inf where no draw has a finite log density.
        elbo: f64,
        /// By so many draws.
        draws: usize,
        /// Draws without one.
        dropped: usize,
    },
    /// The steps up to a point give no positive definite covariance.
    Unfit {
        /// Iterations of the optimiser so far.
        iteration: usize,
    },
    /// The draws are there: [`Path::draws`](super::Path::draws).
    Drawn,
    /// The draw of this place is next to be seen to.
    Row(usize),
    /// All draws have been seen to.
    Done,
    /// There is no approximation.
    Failed(PathFailure),
}

/// Why a path has no approximation.
#[derive(Debug, Clone, PartialEq, thiserror::Error, Serialize, Deserialize)]
pub enum PathFailure {
    /// No start was accepted.
    #[error("{0}")]
    Start(Failure),
    /// No point has an approximation with a finite bound.
    #[error(
        "no point of the path has an approximation: {} ({ending})",
        lacking(*.iterations, *.unfit, *.dropped)
    )]
    NoBound {
        /// Iterations of the optimiser.
        iterations: usize,
        /// Points whose steps give no positive definite covariance.
        unfit: usize,
        /// Draws at the others without a finite log density.
        dropped: u64,
        /// How the optimiser ended.
        ending: Ending,
    },
}

fn lacking(iterations: usize, unfit: usize, dropped: u64) -> String {
    let points = iterations.max(1);
    match dropped {
        0 => format!("the steps up to iteration {iterations} give no positive definite covariance"),
        _ => format!(
            "after {iterations} iterations, {unfit} of {points} points have no positive definite covariance, and none of \
             {dropped} draws at the others has a finite log density"
        ),
    }
}
