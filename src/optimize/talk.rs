//! What an optimiser tells.

use super::hessian::Curvature;
use crate::model::InitialValueReason;
use serde::{Deserialize, Serialize};

/// A point that an optimiser passes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Unconstrained position.
    pub position: Vec<f64>,
    /// Gradient of the log density.
    pub gradient: Vec<f64>,
    /// The log density.
    pub log_density: f64,
}

impl Point {
    pub(super) fn new(dim: usize) -> Self {
        Self { position: vec![0.0; dim], gradient: vec![0.0; dim], log_density: f64::NAN }
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Passed {
    /// The initial point was found.
    Initial,
    /// An iteration is done.
    Iteration,
    /// It is over, at the point passed last.
    Ended(Ending),
    /// It never began.
    Failed(Failure),
}

/// Which tolerance was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Convergence {
    /// [`Tolerances::objective`](super::Tolerances::objective)
    #[error("absolute change in objective function was below tolerance (tol_obj)")]
    Objective,
    /// [`Tolerances::relative_objective`](super::Tolerances::relative_objective)
    #[error("relative change in objective function was below tolerance (tol_rel_obj)")]
    RelativeObjective,
    /// [`Tolerances::gradient`](super::Tolerances::gradient)
    #[error("gradient norm is below tolerance (tol_grad)")]
    Gradient,
    /// [`Tolerances::relative_gradient`](super::Tolerances::relative_gradient)
    #[error("relative gradient magnitude is below tolerance (tol_rel_grad)")]
    RelativeGradient,
    /// [`Tolerances::parameter`](super::Tolerances::parameter)
    #[error("parameter change was below tolerance (tol_param)")]
    Parameter,
}

/// How an optimiser that began has ended.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub enum Ending {
    /// It has converged.
    #[error("converged: {0}")]
    Converged(Convergence),
    /// It has done all its iterations.
    #[error("the maximum number of iterations was reached: it has not converged")]
    IterationLimit,
    /// It could not go on.
    #[error("the line search failed: {0}")]
    LineSearch(Stuck),
    /// The log density grows without bound.
    #[error("the log density is unbounded: it is +inf within reach of the last point")]
    Unbounded,
    /// The gradient is nothing where the Hessian is that of no mode.
    #[error("the point is no mode: {0}")]
    NoMode(Curvature),
    /// The Hessian is not known.
    #[error(
        "the Hessian has elements that are no numbers: beside the point, along coordinate {0}, the model has no log density"
    )]
    NoHessian(usize),
}

impl Ending {
    /// Whether it has converged.
    pub fn is_converged(&self) -> bool {
        matches!(self, Self::Converged(_))
    }
}

/// Why a line search failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Stuck {
    /// No step raised the log density enough.
    #[error("no step raises the log density enough, no more progress can be made")]
    NoProgress,
    /// The model had no finite log density at any step.
    #[error("no step has a finite log density and gradient; of the last one the model had {0}")]
    NotFinite(Lacking),
}

/// What a step lacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Lacking {
    /// The model refused it.
    #[error("nothing: it refused it")]
    Anything,
    /// The log density is NaN.
    #[error("the log density NaN")]
    Number,
    /// The log density is -inf.
    #[error("the log density -inf")]
    Support,
    /// The gradient has an element that is not finite.
    #[error("a gradient that is not finite")]
    Gradient,
}

/// Why an optimiser never began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub enum Failure {
    /// No initial point was accepted.
    #[error("no usable initial value after {tries} {}; the last one was rejected because {reason}", if *.tries == 1 { "try" } else { "tries" })]
    InitialValue {
        /// How many were tried.
        tries: u32,
        /// What was wrong with the last one.
        reason: InitialValueReason,
    },
}
