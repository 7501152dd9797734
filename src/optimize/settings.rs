//! What an optimiser is told.

use serde::{Deserialize, Serialize};

/// How the next direction is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[repr(i32)]
pub enum Algorithm {
    /// Limited-memory BFGS (Nocedal 1980).
    Lbfgs = 0,
    /// BFGS with a dense inverse Hessian.
    Bfgs = 1,
    /// Newton's method with the Hessian's eigenvalues made positive.
    Newton = 2,
}

impl Algorithm {
    /// Every algorithm.
    pub const ALL: [Self; 3] = [Self::Lbfgs, Self::Bfgs, Self::Newton];
}

/// When an optimiser has converged: where one of these is met; 0 never is. The names and defaults are Stan's. All but that on the
/// gradient must be met until the position stands still as well ([`OptimizerSettings::settling`]): where the first iteration
/// did, it may still be wrong by the square root of what they ask for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Tolerances {
    /// On the change of the log density. Default 1e-12.
    pub objective: f64,
    /// On the change of the log density as a multiple of rounding, relative to its size or 1. Default 1e4.
    pub relative_objective: f64,
    /// On the norm of the gradient. Default 1e-8.
    pub gradient: f64,
    /// On g'Hg, with g the gradient and H the inverse Hessian, as a multiple of rounding, relative to the size of the log
    /// density or 1. Default 1e7.
    pub relative_gradient: f64,
    /// On the length of a step. Default 1e-8.
    pub parameter: f64,
}

impl Default for Tolerances {
    fn default() -> Self {
        Self { objective: 1e-12, relative_objective: 1e4, gradient: 1e-8, relative_gradient: 1e7, parameter: 1e-8 }
    }
}

/// Everything an optimiser is made from besides its start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OptimizerSettings {
    /// Coordinates, at least 1.
    pub dim: usize,
    /// The start's id, from 1: its streams and its name.
    pub id: u64,
    /// Seed of the streams.
    pub seed: u64,
    /// Coordinates that the start leaves open are uniform on (-radius, radius). Default 2.
    pub init_radius: f64,
    /// Standard deviation of normal noise added to what the start gives. Default 0.
    pub jitter: f64,
    /// Default L-BFGS.
    pub algorithm: Algorithm,
    /// Whether the log density includes the Jacobian of the transforms.
    pub jacobian: bool,
    /// Whether the model itself gives Hessians; else they are differences of gradients. Default false.
    pub hessian: bool,
    /// Pairs that L-BFGS holds, at least 1. Default 5.
    pub history: usize,
    /// First step, in lengths of the gradient, while nothing is known of the curvature; above 0. Default 1e-3.
    pub init_alpha: f64,
    /// Most iterations. Default 2000.
    pub max_iterations: usize,
    /// After so many iterations in a row that have met a tolerance, it has converged even where the position still moves by more
    /// than 1e-10, relative to its size or to 1; at least 1. Default 100.
    pub settling: usize,
    /// When it has converged.
    pub tolerances: Tolerances,
}

impl OptimizerSettings {
    /// Default of [`OptimizerSettings::settling`].
    pub const SETTLING: usize = 100;

    /// Stan's defaults, for `dim` coordinates.
    pub fn new(dim: usize, id: u64, seed: u64) -> Self {
        Self {
            dim,
            id,
            seed,
            init_radius: 2.0,
            jitter: 0.0,
            algorithm: Algorithm::Lbfgs,
            jacobian: false,
            hessian: false,
            history: 5,
            init_alpha: 1e-3,
            max_iterations: 2000,
            settling: Self::SETTLING,
            tolerances: Tolerances::default(),
        }
    }
}
