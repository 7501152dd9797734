//! Particle filters of numeric particles: bootstrap, guided, auxiliary, for one set at a time.
//!
//! A set goes through the times of the observations. At each time every chunk of particles is worked on by itself (its
//! ancestors' states gathered, moved and weighed), and the blocks' sums are added in order; so threads change no bit.
//! Between times particles are resampled where their effective sample size is below the threshold. The estimate of the
//! likelihood is unbiased (Del Moral 1996); with auxiliary weights it is that of Pitt and Shephard (1999) as Johansen
//! and Doucet (2008) write it.

mod backward;
mod layout;
mod moments;
mod set;
mod step;

use crate::particles::resample::{Scheme, ancestors};
use crate::particles::weights::normalize;
use crate::random::{BlockLanes, OF_SET, ParticlePurpose, ParticleStreams};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

use super::blocks::Lender;
pub use backward::backward;
pub use layout::Layout;
pub use set::run;

/// Where particles go, and how they are weighed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// By the model's transition; weighed by the observation (Gordon, Salmond and Smith 1993).
    #[default]
    Bootstrap,
    /// By a proposal that knows the observation.
    Guided,
    /// As bootstrap, resampled by how well they promise to explain the next observation.
    Auxiliary,
}

/// What a filter is to do with a set.
#[derive(Debug, Clone, PartialEq)]
pub struct FilterOptions {
    /// Particles of the set, at least 1.
    pub particles: usize,
    /// Times, at least 1.
    pub times: usize,
    /// Kind of filter.
    pub kind: Kind,
    /// How ancestors are drawn.
    pub scheme: Scheme,
    /// Resample where the effective sample size is below this part of the number of particles; above 1: always.
    pub threshold: f64,
    /// Seed of all sets.
    pub seed: u64,
    /// Whether means and variances are wanted.
    pub moments: bool,
    /// Whether states, weights and ancestors of all times are kept: 8 d + 12 bytes per particle and time.
    pub history: bool,
    /// A trajectory, `dim` numbers per time, that the first particle follows: the sweep is then one of conditional
    /// sequential Monte Carlo (Andrieu, Doucet and Holenstein 2010), resampled at every time by the multinomial scheme.
    pub retained: Option<Arc<[f64]>>,
}

/// What became of a set at one time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// log of the estimated density of all observations so far.
    pub log_evidence: f64,
    /// Effective sample size, after the observation was weighed.
    pub ess: f64,
    /// Whether ancestors were drawn on the way to this time.
    pub resampled: bool,
}

/// The particles of one time.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Cloud {
    /// States, as [`Layout`] says.
    pub states: Vec<f64>,
    /// Log weights, not normalised.
    pub log_weights: Vec<f64>,
    /// The particle at the time before that each one came from; empty where each came from its own number.
    pub ancestors: Vec<u32>,
}

/// A set after its last time, or after all its particles were lost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Filtered {
    /// Id of the set.
    pub set: u64,
    /// How states lie in memory.
    pub layout: Layout,
    /// The times that were filtered.
    pub steps: Vec<Step>,
    /// Means of the states after each observation, `dim` per time; empty if not wanted.
    pub means: Vec<f64>,
    /// Their variances.
    pub variances: Vec<f64>,
    /// The particles of the last time.
    pub last: Cloud,
    /// The particles of the times before, oldest first, if they were to be kept.
    pub history: Vec<Cloud>,
    /// The time at which all particles were lost.
    pub lost_at: Option<usize>,
}

impl Filtered {
    /// log of the estimated density of all observations; -inf when all particles were lost.
    pub fn log_evidence(&self) -> f64 {
        self.steps.last().map_or(f64::NEG_INFINITY, |step| step.log_evidence)
    }

    /// A particle of the last time, drawn by its weight; `None` when all are lost. With the same seed always the same one.
    pub fn drawn(&self, seed: u64) -> Option<usize> {
        let streams = ParticleStreams::new(seed);
        let mut stream = streams.at(self.set, OF_SET, self.steps.len() as u64, ParticlePurpose::Choice);
        let mut weights = vec![0.0; self.layout.particles];
        normalize(&self.last.log_weights, &mut weights);
        let mut one = [0];
        ancestors(Scheme::Multinomial, &weights, &mut stream, &mut one).ok().map(|()| one[0] as usize)
    }

    /// The path that led to a particle of the last time, `dim` numbers per time, through its ancestors.
    ///
    /// # Panics
    /// When the particles of all times were not kept, or there is no such particle.
    pub fn lineage(&self, particle: usize) -> Vec<f64> {
        let (dim, times) = (self.layout.dim, self.steps.len());
        let mut path = vec![0.0; times * dim];
        let mut at = particle;
        for time in (0..times).rev() {
            let cloud = self.cloud(time).expect("the particles of all times");
            (0..dim).for_each(|j| path[time * dim + j] = cloud.states[self.layout.place(at, j)]);
            at = cloud.ancestors.get(at).map_or(at, |&a| a as usize);
        }
        path
    }

    /// How many particles of each time have descendants among those of the last time.
    ///
    /// # Panics
    /// When the particles of all times were not kept.
    pub fn survivors(&self) -> Vec<usize> {
        let mut alive = vec![true; self.layout.particles];
        let mut counts = vec![0; self.steps.len()];
        for time in (0..self.steps.len()).rev() {
            counts[time] = alive.iter().filter(|alive| **alive).count();
            let ancestors = &self.cloud(time).expect("the particles of all times").ancestors;
            if !ancestors.is_empty() {
                let mut before = vec![false; alive.len()];
                ancestors.iter().zip(&alive).for_each(|(&a, &alive)| before[a as usize] |= alive);
                alive = before;
            }
        }
        counts
    }

    /// The particles of a time, if they were kept.
    pub fn cloud(&self, time: usize) -> Option<&Cloud> {
        if self.steps.len().checked_sub(1) == Some(time) { Some(&self.last) } else { self.history.get(time) }
    }
}

/// What one thread needs while it works on a chunk.
pub struct Bench<W> {
    worker: W,
    previous: Vec<f64>,
    increments: Vec<f64>,
    lanes: BlockLanes,
    message: String,
}

/// The benches of a filter, lent to its threads.
pub type Benches<W> = Lender<Bench<W>>;
