//! What a fit is made from, and what it tells.

use crate::optimize::Failure;
use crate::variational::Bound;
use crate::variational::Family;
use crate::variational::ascent::{Change, STEP_SIZES};
use serde::{Deserialize, Serialize};

/// What a fit is made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AdviSettings {
    /// Seed of the run.
    pub seed: u64,
    /// Id of the fit.
    pub id: u64,
    /// Which normal distributions are looked among.
    pub family: Family,
    /// Most steps.
    pub iterations: usize,
    /// Draws for each gradient of the bound, at least 1.
    pub grad_samples: usize,
    /// Draws for the bound of the average, or without averages for each estimate of the bound; at least 1.
    pub elbo_samples: usize,
    /// Where it is not adapted: the step size, or with averages a factor to the length of steps.
    pub eta: f64,
    /// Steps with each step size that is tried where there are no averages; 0: [`AdviSettings::eta`] counts.
    pub adapt_iterations: usize,
    /// Without averages, the ascent ends when the bound's relative change is smaller, in the mean or the median.
    pub tol_rel_obj: f64,
    /// Iterates are averaged until no parameter's average has a larger error, in standard deviations of the approximation;
    /// 0: the last iterate is taken once the bound hardly changes.
    pub tol_average: f64,
    /// Steps between two estimates of the bound, at least 1.
    pub eval_elbo: usize,
    /// Draws in the end.
    pub output_draws: usize,
    /// Coordinates not given are uniform on (-radius, radius).
    pub init_radius: f64,
}

/// What ended an ascent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[repr(i32)]
pub enum Ended {
    /// The mean of the bound's relative changes was below the tolerance.
    Mean = 0,
    /// Their median was.
    Median = 1,
    /// All iterations were done before.
    Iterations = 2,
}

/// What the machine tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Happening {
    /// The start was found: [`Advi::start`](super::Advi::start).
    Initialized,
    /// A step size was chosen; `early`: before the smallest was tried.
    Tuned {
        /// The step size.
        eta: f64,
        /// Whether smaller ones were not tried.
        early: bool,
    },
    /// The bound was estimated.
    Estimated {
        /// Steps so far.
        iteration: usize,
        /// The estimate.
        bound: Bound,
        /// How it changed of late.
        change: Change,
    },
    /// The average of the iterates has been taken, with this error; `enough`: it is below the tolerance.
    Averaged {
        /// The largest error, in standard deviations; NaN where it is not known.
        error: f64,
        /// Whether the tolerance was reached, or else all iterations are done.
        enough: bool,
    },
    /// The ascent is over; draws come next.
    Climbed(Ended),
    /// The draws are there: [`Advi::draws`](super::Advi::draws).
    Drawn,
    /// The draw of this place is next to be seen to.
    Row(usize),
    /// All draws have been seen to.
    Done,
    /// There is no approximation.
    Failed(VariationalFailure),
}

/// Why there is no approximation.
#[derive(Debug, Clone, PartialEq, thiserror::Error, Serialize, Deserialize)]
pub enum VariationalFailure {
    /// No start was accepted.
    #[error("{0}")]
    Start(Failure),
    /// No draw of the approximation about the start has a finite log density.
    #[error(
        "none of {draws} draws about the initial value has a finite log density, so that no bound can be estimated there"
    )]
    FirstBound {
        /// How many were drawn.
        draws: usize,
    },
    /// No step size led above the bound at the start.
    #[error(
        "none of the step sizes {}, tried for {iterations} iterations each, leads above the bound at the initial value, {first}: \
         the model may be ill-conditioned, or far from its posterior",
        STEP_SIZES.map(|eta| eta.to_string()).join(", ")
    )]
    StepSizes {
        /// Iterations with each.
        iterations: usize,
        /// The bound at the start.
        first: f64,
    },
    /// All draws for a gradient were refused, again and again.
    #[error("iteration {iteration}: none of {draws} draws of the approximation has a finite log density and gradient")]
    Gradient {
        /// Which step was to be taken, from 1.
        iteration: usize,
        /// How many were drawn for it.
        draws: usize,
    },
    /// No draw for an estimate of the bound has a finite log density.
    #[error(
        "iteration {iteration}: the bound is not finite, for none of {draws} draws of the approximation has a finite log density"
    )]
    Bound {
        /// Steps so far.
        iteration: usize,
        /// How many were drawn.
        draws: usize,
    },
}
