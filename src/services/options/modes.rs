//! Options of finding modes, and of normal distributions at them.

use crate::optimize::{Algorithm, Tolerances};

/// Options of [`optimize`](crate::services::optimize) beside those of any run; the defaults are Stan's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OptimizeOptions {
    /// Number of starts, at least 1. Default 1.
    pub num_starts: usize,
    /// How directions are found. Default L-BFGS.
    pub algorithm: Algorithm,
    /// Look for the mode of the density with the Jacobian of the transforms, on the unconstrained scale; else of that on the
    /// constrained one. Default false.
    pub jacobian: bool,
    /// Most iterations of a start. Default 2000.
    pub max_iterations: usize,
    /// Steps that L-BFGS holds, at least 1. Default 5.
    pub history_size: usize,
    /// First step, in lengths of the gradient; > 0. Default 1e-3.
    pub init_alpha: f64,
    /// When a start has converged.
    pub tolerances: Tolerances,
    /// Standard deviation of normal noise added to initial values that are given, on the unconstrained scale. Default 0.
    pub jitter: f64,
    /// Write every iteration, not the last one alone. Default false.
    pub save_iterations: bool,
}

impl Default for OptimizeOptions {
    fn default() -> Self {
        Self {
            num_starts: 1,
            algorithm: Algorithm::Lbfgs,
            jacobian: false,
            max_iterations: 2000,
            history_size: 5,
            init_alpha: 1e-3,
            tolerances: Tolerances::default(),
            jitter: 0.0,
            save_iterations: false,
        }
    }
}

/// Options of [`laplace`](crate::services::laplace) beside those of any run; the defaults are Stan's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LaplaceOptions {
    /// Draws from each normal distribution. Default 1000.
    pub draws: usize,
    /// Approximate the density with the Jacobian of the transforms, the posterior itself; the mode is that of the same
    /// density. Default true.
    pub jacobian: bool,
    /// Evaluate the log density at the draws; without it they have no k-hat. Default true.
    pub calculate_lp: bool,
    /// How a mode that is not given is found; its `jacobian` means nothing.
    pub mode: OptimizeOptions,
}

impl Default for LaplaceOptions {
    fn default() -> Self {
        Self { draws: 1000, jacobian: true, calculate_lp: true, mode: OptimizeOptions::default() }
    }
}
