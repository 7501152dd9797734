//! What a chain asks for, and what it reports.

use crate::model::InitialValueReason;
use serde::{Deserialize, Serialize};

/// What a chain asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Request {
    /// Evaluate at [`Chain::evaluation`](super::Chain::evaluation), then [`Reply::LogDensity`](crate::model::Reply::LogDensity)
    /// or [`Reply::Rejected`](crate::model::Reply::Rejected).
    Evaluate,
    /// The initial point was found; it is [`Chain::position`](super::Chain::position).
    Initialized,
    /// A transition is complete: [`Chain::transition`](super::Chain::transition), [`Chain::position`](super::Chain::position).
    Draw,
    /// Meet the other chains at the meeting of this number: [`Chain::bring`](super::Chain::bring),
    /// [`Chain::take`](super::Chain::take).
    Meet(u64),
    /// Warm-up is over: [`Chain::stepsize`](super::Chain::stepsize) and [`Chain::metric`](super::Chain::metric) are final. Comes once, also without warm-up.
    WarmupDone,
    /// All iterations are done.
    Done,
    /// The chain cannot go on.
    Failed(Failure),
}

/// Why a chain cannot go on.
#[derive(Debug, Clone, PartialEq, thiserror::Error, Serialize, Deserialize)]
pub enum Failure {
    /// No initial point was accepted.
    #[error("no usable initial value after {tries} {}; the last one was rejected because {reason}", if *.tries == 1 { "try" } else { "tries" })]
    InitialValue {
        /// How many were tried.
        tries: u32,
        /// What was wrong with the last one.
        reason: InitialValueReason,
    },
    /// The step-size search never found a rejected step.
    #[error("the posterior seems improper: steps of size {stepsize} are still accepted; check the model")]
    StepSizeTooLarge {
        /// The last step size tried.
        stepsize: f64,
    },
    /// The step-size search never found an accepted step.
    #[error(
        "no step size is small enough to be accepted; the log density or its gradient may be wrong or discontinuous {}", place(*.iterations)
    )]
    StepSizeTooSmall {
        /// Iterations done: 0 for the search at the initial value; later ones follow a new metric.
        iterations: usize,
    },
}

/// Where a search for a step size began.
fn place(iterations: usize) -> String {
    match iterations {
        0 => "at the initial value".into(),
        n => format!("at the draw of iteration {n} of warm-up, after which the metric was estimated anew"),
    }
}

/// One transition's report.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Transition {
    /// Number of the iteration, from 0, warm-up included.
    pub iteration: usize,
    /// Log density of the draw.
    pub log_density: f64,
    /// Mean acceptance probability over the trajectory's points.
    pub accept_stat: f64,
    /// Step size used (jittered); NaN for a model of dimension 0.
    pub stepsize: f64,
    /// Completed doublings.
    pub depth: u32,
    /// Leapfrog steps, one gradient each.
    pub n_leapfrog: u64,
    /// True when the trajectory diverged.
    pub divergent: bool,
    /// Total energy of the draw.
    pub energy: f64,
}
