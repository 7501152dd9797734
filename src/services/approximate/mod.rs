//! What services that draw from an approximation have in common: what they report, and how fits hand it in.

mod gathered;
mod report;

pub(super) use gathered::Gathered;
pub use report::{ApproximationFit, ApproximationReport};

use super::SampleIo;
use crate::error::Error;

/// An approximation begins anew: it has no metric to begin with, and nothing to go on from.
pub(super) fn check_unused(io: &SampleIo<'_>) -> Result<(), Error> {
    let unused = [("inv_metrics", io.inv_metrics.len()), ("checkpoints", io.checkpoints.len())];
    match unused.into_iter().find(|(_, length)| *length > 0) {
        Some((name, length)) => Err(Error::argument(name, "no entries for an approximation", length)),
        None => Ok(()),
    }
}
