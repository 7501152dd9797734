//! Convergence diagnostics and Monte Carlo errors of draws from several chains.
//!
//! The formulas are those of Vehtari, Gelman, Simpson, Carpenter and Bürkner 2021 ("Rank-normalization, folding, and
//! localization: an improved R-hat for assessing convergence of MCMC"), as the R package `posterior` computes them.
//! Everything reads draws where they lie ([`Draws`]), so a writer's memory is summarised without a copy.

mod csv;
mod draws;
mod energy;
mod ess;
mod rhat;
mod special;
mod summary;

pub use crate::io::Layout;
pub use draws::{Draws, quantile};
pub use energy::ebfmi;
pub use ess::{ess_bulk, ess_mean, ess_quantile, ess_sd, ess_tail, mcse_mean, mcse_quantile, mcse_sd};
pub use rhat::rhat;
pub use summary::{Row, Statistic, Summary, SummaryInput};
