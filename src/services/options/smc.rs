//! Options of sequential Monte Carlo alone.

use crate::particles::plan::Kernel;
use crate::particles::resample::Scheme;

/// Which path leads to the posterior.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum PathKind {
    /// Data one after the other where the model takes them so, else from the prior where it has one, else from a
    /// reference.
    Auto = 0,
    /// The likelihood tempered, from the prior.
    Prior = 1,
    /// One datum after the other, from the prior.
    Data = 2,
    /// From a reference normal to the model's density.
    Reference = 3,
}

/// Options of [`sample_smc`](crate::services::sample_smc) beside those of any run.
#[derive(Debug, Clone, PartialEq)]
pub struct SmcOptions {
    /// Number of independent sets, at least 1. Default 4.
    pub num_sets: usize,
    /// Particles of each set, at least 1. Default 1000.
    pub num_particles: usize,
    /// Id of the first set, at least 1; set i of the run has id `init_set_id + i`. Default 1.
    pub init_set_id: u64,
    /// The effective sample size to keep, as a share of the number of particles; above 0, at most 1. Default 0.5.
    pub ess_threshold: f64,
    /// How particles are resampled. Default: systematic.
    pub resampling: Scheme,
    /// Which path leads to the posterior. Default: by what the model offers.
    pub path: PathKind,
    /// How particles move. Default: HMC.
    pub kernel: Kernel,
    /// Moves of each particle after it was resampled. Default 5.
    pub num_moves: usize,
    /// Leapfrog steps of a move by HMC, at least 1. Default 10.
    pub num_leapfrog: u32,
    /// Resample but num_particles / (num_moves + 1) of the particles and keep all states of their chains. Default false.
    pub waste_free: bool,
    /// Most stages of a set, at least 1. Default 1000.
    pub max_stages: usize,
}

impl Default for SmcOptions {
    fn default() -> Self {
        Self {
            num_sets: 4,
            num_particles: 1000,
            init_set_id: 1,
            ess_threshold: 0.5,
            resampling: Scheme::Systematic,
            path: PathKind::Auto,
            kernel: Kernel::Hmc,
            num_moves: 5,
            num_leapfrog: 10,
            waste_free: false,
            max_stages: 1000,
        }
    }
}
