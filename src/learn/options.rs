//! What is chosen when an updater is made.

use super::liu_west::LiuWest;
use crate::error::Error;
use crate::particles::resample::Scheme;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How a set is resampled.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Resampler {
    /// By Liu and West's smoothed bootstrap.
    LiuWest(LiuWest),
    /// Copies alone; whoever uses it moves models by other means, or by `update_timestep`.
    Scheme(Scheme),
}

impl Default for Resampler {
    fn default() -> Self {
        Self::LiuWest(LiuWest::default())
    }
}

/// What is done with a datum after which all weights of a set would be zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum ZeroWeights {
    /// The update fails, and the updater keeps the state before it.
    #[default]
    Error,
    /// The set leaves the datum out, with a warning.
    Warn,
    /// The set leaves the datum out.
    Skip,
    /// The set is drawn anew from the prior, with a warning.
    Reset,
}

impl ZeroWeights {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Error, Self::Warn, Self::Skip, Self::Reset];

    /// Its name: `error`, `warn`, `skip`, `reset`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Skip => "skip",
            Self::Reset => "reset",
        }
    }
}

impl fmt::Display for ZeroWeights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ZeroWeights {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|policy| policy.name() == name).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Error::argument("zero_weights", format_args!("one of {names}"), format_args!("'{name}'"))
        })
    }
}

/// An updater's options.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UpdaterOptions {
    /// Independent sets, at least 1.
    pub num_sets: usize,
    /// Id of the first set, at least 1; the others follow.
    pub init_set_id: u64,
    /// Models of each set, from 1 to 2^32 - 1.
    pub num_models: usize,
    /// Seed of all sets.
    pub seed: u64,
    /// How sets are resampled.
    pub resampler: Resampler,
    /// Resample where the effective sample size is below this part of the number of models; 0: never.
    pub ess_threshold: f64,
    /// What becomes of a datum that no model of a set explains.
    pub zero_weights: ZeroWeights,
    /// Whether each resampling's divergence is kept (Kullback-Leibler, between normal laws of the same moments).
    pub divergences: bool,
}

impl Default for UpdaterOptions {
    fn default() -> Self {
        Self {
            num_sets: 1,
            init_set_id: 1,
            num_models: 1000,
            seed: 0,
            resampler: Resampler::default(),
            ess_threshold: 0.5,
            zero_weights: ZeroWeights::default(),
            divergences: false,
        }
    }
}

impl UpdaterOptions {
    /// # Errors
    /// An option out of its range, by its name.
    pub fn check(&self) -> Result<(), Error> {
        if self.num_sets == 0 {
            return Err(Error::argument("num_sets", "at least 1", 0));
        }
        check_count("num_models", self.num_models)?;
        let last = self.init_set_id.checked_add(self.num_sets as u64 - 1).filter(|last| *last <= i64::MAX as u64);
        if self.init_set_id == 0 || last.is_none() {
            return Err(Error::argument("init_set_id", "ids from 1 to 2^63 - 1 for all sets", self.init_set_id));
        }
        if !(self.ess_threshold >= 0.0 && self.ess_threshold.is_finite()) {
            return Err(Error::argument("ess_threshold", "a finite number, at least 0", self.ess_threshold));
        }
        match self.resampler {
            Resampler::LiuWest(how) => how.check(),
            Resampler::Scheme(_) => Ok(()),
        }
    }
}

pub(super) fn check_count(name: &str, count: usize) -> Result<(), Error> {
    if count == 0 || u32::try_from(count).is_err() {
        return Err(Error::argument(name, "a number from 1 to 2^32 - 1", count));
    }
    Ok(())
}
