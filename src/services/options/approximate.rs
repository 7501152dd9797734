//! Options of approximations alone.

use super::OptimizeOptions;
use crate::variational::Family;

/// Options of [`variational`](crate::services::variational) beside those of any run; the defaults are Stan's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VariationalOptions {
    /// Which normal distributions are looked among. Default: mean-field.
    pub family: Family,
    /// Most steps of the ascent, at least 1. Default 10000.
    pub iterations: usize,
    /// Draws for each gradient of the evidence lower bound, at least 1. Default 1.
    pub grad_samples: usize,
    /// Draws for the bound of the average, or, without averages, for each estimate of the bound; at least 1. Default 100.
    pub elbo_samples: usize,
    /// Where it is not adapted: the step size without averages, else a factor to the length of steps; > 0. Default 1.
    pub eta: f64,
    /// Find step sizes; without averages, by trying them from 100 down to 0.01. Default true.
    pub adapt_eta: bool,
    /// Without averages, steps with each step size that is tried, at least 1. Default 50.
    pub adapt_iterations: usize,
    /// Without averages, the ascent ends when the bound's relative change is smaller; > 0. Default 0.01.
    pub tol_elbo: f64,
    /// Iterates are averaged until no parameter's average has a larger error, in standard deviations of the approximation;
    /// 0: the last iterate is taken once the bound hardly changes, as Stan does. Default 0.02.
    pub tol_average: f64,
    /// Steps between two estimates of the bound, at least 1. Default 100.
    pub eval_elbo: usize,
    /// Draws in the end. Default 1000.
    pub output_draws: usize,
}

impl Default for VariationalOptions {
    fn default() -> Self {
        Self {
            family: Family::MeanField,
            iterations: 10_000,
            grad_samples: 1,
            elbo_samples: 100,
            eta: 1.0,
            adapt_eta: true,
            adapt_iterations: 50,
            tol_elbo: 0.01,
            tol_average: 0.02,
            eval_elbo: 100,
            output_draws: 1000,
        }
    }
}

/// Options of [`pathfinder`](crate::services::pathfinder) beside those of any run; the defaults are Stan's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PathfinderOptions {
    /// Number of paths, at least 1. Default 4.
    pub num_paths: usize,
    /// Most steps of each path's optimiser, at least 1. Default 1000.
    pub max_lbfgs_iters: usize,
    /// Draws for the estimate of the bound at the points that are the best by a few draws, at least 1. Default 25.
    pub num_elbo_draws: usize,
    /// Draws from each path, at least 1. Default 1000.
    pub num_draws: usize,
    /// Draws that are resampled from those of all paths. Default 1000.
    pub num_psis_draws: usize,
    /// Resample the draws of several paths by their smoothed weights; else all are kept. Default true.
    pub psis_resample: bool,
    /// Evaluate the log density at the draws; without it they cannot be weighed. Default true.
    pub calculate_lp: bool,
    /// How the optimiser steps and when it has converged; its starts, algorithm, iterations and Jacobian mean nothing.
    pub lbfgs: OptimizeOptions,
}

impl Default for PathfinderOptions {
    fn default() -> Self {
        Self {
            num_paths: 4,
            max_lbfgs_iters: 1000,
            num_elbo_draws: 25,
            num_draws: 1000,
            num_psis_draws: 1000,
            psis_resample: true,
            calculate_lp: true,
            lbfgs: OptimizeOptions::default(),
        }
    }
}
