//! What approximations have to say.

use crate::diagnostics::WeightTail;
use crate::error::{Code, Error};
use crate::services::Outcome;

/// One fit: a path of Pathfinder, or a variational approximation.
#[derive(Debug, Clone, PartialEq)]
pub struct ApproximationFit {
    /// Its id.
    pub id: u64,
    /// How it ended.
    pub outcome: Outcome,
    /// Steps: of the optimiser, or of the ascent of the bound.
    pub iterations: usize,
    /// Whether it ended by a tolerance, and not at the largest number of steps.
    pub converged: bool,
    /// The evidence lower bound, as last estimated (of a path: at the best point; of a normal at a mode: by its draws); NaN where
    /// it never was.
    pub elbo: f64,
    /// Shape of the tail of its draws' importance ratios ([`Psis`](crate::diagnostics::Psis)); NaN without draws.
    pub khat: f64,
    /// What `khat` comes from.
    pub tail: WeightTail,
    /// Draws, for estimates and in the end, without a finite log density (or gradient, where that was wanted).
    pub dropped: u64,
    /// Evaluations of the log density with its gradient, and without.
    pub evaluations: [u64; 2],
    /// Draws in the end.
    pub draws: usize,
    /// Mean of the approximation on the unconstrained scale; empty where there is none.
    pub mean: Vec<f64>,
    /// Its standard deviations.
    pub sd: Vec<f64>,
    /// Seconds it took.
    pub seconds: f64,
}

/// A run: one entry per fit, in the order of their ids.
#[derive(Debug, Clone, PartialEq)]
pub struct ApproximationReport {
    /// The fits.
    pub fits: Vec<ApproximationFit>,
    /// Whether the fits are parts of one approximation, which stands as long as one of them does.
    pub(in crate::services) joined: bool,
    /// k-hat of all draws together, for parts of one approximation; of a single fit, its own. NaN of several that are by
    /// themselves, and without draws.
    pub khat: f64,
    /// What `khat` comes from.
    pub tail: WeightTail,
    /// Rows written of all draws together; 0 where each fit has a writer of its own.
    pub rows: usize,
    /// How many draws with a weight they were taken from: fewer than rows where some stand more than once.
    pub pool: usize,
    /// Positions of those rows on the unconstrained scale, one after the other.
    pub positions: Vec<f64>,
    /// True when the interrupt ended the run.
    pub interrupted: bool,
}

impl ApproximationReport {
    /// The errors of fits that failed.
    fn failures(&self) -> Vec<&Error> {
        self.fits
            .iter()
            .filter_map(|fit| match &fit.outcome {
                Outcome::Failed(error) => Some(error),
                Outcome::Finished | Outcome::Stopped => None,
            })
            .collect()
    }

    /// `Ok` when every fit finished, or, where fits are parts of one approximation, at least one did; else one error that
    /// names those that failed.
    pub fn status(&self) -> Result<(), Error> {
        let failed = self.failures();
        let (count, all) = (failed.len(), self.fits.len());
        match failed[..] {
            _ if self.interrupted => Err(Error::new(Code::Interrupted, "the run was interrupted")),
            [] => Ok(()),
            [only] if all == 1 => Err(only.clone()),
            _ if self.joined && self.fits.iter().any(|fit| fit.outcome == Outcome::Finished) => Ok(()),
            [first, ..] => {
                let what = if self.joined { "paths" } else { "fits" };
                let ids: Vec<String> = failed.iter().filter_map(|e| e.chain()).map(|id| id.to_string()).collect();
                let ids = ids.join(", ");
                let message = format!("{count} of {all} {what} failed (ids {ids}); the first: {first}");
                Err(Error::new(Code::ChainFailed, message))
            }
        }
    }
}
