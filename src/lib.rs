//! Catena runs many Markov chains in one process over one shared model.
//!
//! The map of the house; imports run downwards only, and `unsafe` lives in [`ffi`] and [`drive`] alone.
//!
//! | room | purpose |
//! | --- | --- |
//! | [`ffi`] | the C ABI: one file or folder per noun, no logic |
//! | [`services`] | what a user asks for: sampling over many chains, with its options, inputs and outputs |
//! | [`report`] | draws as one page for a browser |
//! | [`drive`] | who answers what machines ask: the pool, slices, batches, meetings, sums inside a model |
//! | [`hmc`] | phase points, leapfrog passes, trajectories, the chain as a state machine |
//! | [`learn`] | sequential learning over likelihoods: weighted models, their estimates, the next experiment |
//! | [`particles`] | weights, resampling, filters of numeric particles |
//! | [`adapt`] | step size, windows and metric estimators of warm-up |
//! | [`io`] | init contexts, writers, loggers, interrupts |
//! | [`diagnostics`] | R-hat, effective sample size, Monte Carlo errors, E-BFMI, the summary table |
//! | [`model`] | what a model is: [`model::Density`] and the [`model::Task`] its callbacks get; what asks it: [`model::Machine`] |
//! | [`random`] | streams of random numbers that depend on seed, chain id and purpose only |
//! | [`error`] | one error type that names chain, argument, what was expected and what came |

pub mod adapt;
pub mod diagnostics;
pub mod drive;
pub mod error;
pub mod ffi;
pub mod hmc;
pub mod io;
pub mod learn;
pub mod model;
pub mod particles;
pub mod random;
pub mod report;
pub mod room;
pub mod services;

pub use error::{Code, Error};
