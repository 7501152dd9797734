//! What a filter's user may choose.

use crate::error::Error;
use crate::model::StateSpace;
use crate::particles::filter::{FilterOptions, Kind};
use crate::particles::resample::Scheme;
use crate::room;
use crate::services::spread::Terms;
use std::sync::Arc;

/// A run of a particle filter.
#[derive(Debug, Clone, PartialEq)]
pub struct FilterRun {
    /// Independent sets, at least 1.
    pub num_sets: usize,
    /// Id of the first set, at least 1; the others follow.
    pub init_set_id: u64,
    /// Particles of each set, from 1 to 2^32 - 1.
    pub num_particles: usize,
    /// Times, at least 1.
    pub num_times: usize,
    /// Seed of all sets.
    pub seed: u64,
    /// Threads of a pool of the run's own; 0: the cores available.
    pub num_threads: usize,
    /// Kind of filter.
    pub kind: Kind,
    /// How ancestors are drawn.
    pub scheme: Scheme,
    /// Resample below this part of the number of particles.
    pub ess_threshold: f64,
    /// Whether means and variances are wanted.
    pub moments: bool,
    /// Whether the particles of all times are kept.
    pub history: bool,
    /// Trajectories to draw backwards in time from each set; they need the history.
    pub num_trajectories: usize,
    /// A trajectory, `dim` numbers per time, that the first particle of each set follows: a sweep of conditional
    /// sequential Monte Carlo, resampled at every time by the multinomial scheme, whose history is kept.
    pub retained: Option<Arc<[f64]>>,
}

impl Default for FilterRun {
    fn default() -> Self {
        Self {
            num_sets: 1,
            init_set_id: 1,
            num_particles: 1000,
            num_times: 1,
            seed: 0,
            num_threads: 0,
            kind: Kind::default(),
            scheme: Scheme::default(),
            ess_threshold: 0.5,
            moments: true,
            history: false,
            num_trajectories: 0,
            retained: None,
        }
    }
}

/// States of a particle that are held at once: those of a time and those of the next.
const BUFFERS: usize = 2;

impl FilterRun {
    /// What each set is to do.
    pub(super) fn of_set(&self) -> FilterOptions {
        FilterOptions {
            particles: self.num_particles,
            times: self.num_times,
            kind: self.kind,
            scheme: self.scheme,
            threshold: self.ess_threshold,
            seed: self.seed,
            moments: self.moments,
            history: self.keeps_history() || self.num_trajectories > 0,
            retained: self.retained.clone(),
        }
    }

    /// Whether the particles of all times can be read in the end.
    pub(super) fn keeps_history(&self) -> bool {
        self.history || self.retained.is_some()
    }

    /// What must be the same on all ranks of a run.
    pub(super) fn terms(&self, model: &impl StateSpace) -> Terms {
        let retained = self.retained.iter().flat_map(|path| path.iter()).flat_map(|x| x.to_le_bytes());
        let retained = crc32fast::hash(&retained.collect::<Vec<_>>());
        [
            ("num_sets", self.num_sets.to_string()),
            ("init_set_id", self.init_set_id.to_string()),
            ("num_particles", self.num_particles.to_string()),
            ("num_times", self.num_times.to_string()),
            ("seed", self.seed.to_string()),
            ("kind", format!("{:?}", self.kind)),
            ("resampling", self.scheme.to_string()),
            ("ess_threshold", self.ess_threshold.to_string()),
            ("moments", self.moments.to_string()),
            ("history", self.history.to_string()),
            ("num_trajectories", self.num_trajectories.to_string()),
            ("retained", format!("a trajectory of checksum {retained:08x}")),
            ("model.dimension", model.dim().to_string()),
        ]
        .map(|(name, value)| (name.to_string(), value))
        .to_vec()
    }

    pub(super) fn check(&self, model: &impl StateSpace) -> Result<(), Error> {
        let least = |name: &str, value: usize| match value {
            0 => Err(Error::argument(name, "at least 1", value)),
            _ => Ok(()),
        };
        least("num_sets", self.num_sets)?;
        least("num_times", self.num_times)?;
        least("model.dimension", model.dim())?;
        if self.num_particles == 0 || u32::try_from(self.num_particles).is_err() {
            return Err(Error::argument("num_particles", "a number from 1 to 2^32 - 1", self.num_particles));
        }
        let (dim, number) = (model.dim(), size_of::<f64>());
        let got = format!("{} of {dim} numbers", self.num_particles);
        room::check("num_particles", &[self.num_particles, BUFFERS, dim, number], got)?;
        let got = format!("{} of {} particles", self.num_times, self.num_particles);
        let kept = if self.keeps_history() || self.num_trajectories > 0 { self.num_particles * dim } else { 1 };
        room::check("num_times", &[self.num_sets, self.num_times, kept, number], got)?;
        let last = self.init_set_id.checked_add(self.num_sets as u64 - 1).filter(|last| *last <= i64::MAX as u64);
        if self.init_set_id == 0 || last.is_none() {
            return Err(Error::argument("init_set_id", "ids from 1 to 2^63 - 1 for all sets", self.init_set_id));
        }
        if !(self.ess_threshold >= 0.0 && self.ess_threshold.is_finite()) {
            return Err(Error::argument("ess_threshold", "a finite number, at least 0", self.ess_threshold));
        }
        if let Some(path) = &self.retained {
            if path.len() != self.num_times * model.dim() {
                let expected = format!("{} numbers, the dimension for each time", self.num_times * model.dim());
                return Err(Error::argument("retained", expected, path.len()));
            }
            if self.kind != Kind::Bootstrap {
                return Err(Error::argument("kind", "a bootstrap filter with a retained trajectory", "another kind"));
            }
        }
        let lacks = |what: &str| Err(Error::argument("kind", what, "a model without"));
        match self.kind {
            Kind::Guided if !model.has_proposal() => lacks("a model with a proposal for a guided filter"),
            Kind::Auxiliary if !model.has_auxiliary() => {
                lacks("a model with auxiliary log weights for an auxiliary filter")
            }
            _ if self.num_trajectories > 0 && !model.has_transition_density() => {
                let expected = "0, for the model has no transition log density";
                Err(Error::argument("num_trajectories", expected, self.num_trajectories))
            }
            _ => Ok(()),
        }
    }
}
