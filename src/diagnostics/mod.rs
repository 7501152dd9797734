//! Convergence diagnostics and Monte Carlo errors of draws from several chains.
//!
//! The formulas are those of Vehtari, Gelman, Simpson, Carpenter and Bürkner 2021 ("Rank-normalization, folding, and
//! localization: an improved R-hat for assessing convergence of MCMC"), as the R package `posterior` computes them.
//! Everything reads draws where they lie ([`Draws`]), so a writer's memory is summarised without a copy.

mod autocovariance;
mod csv;
mod draws;
mod energy;
mod ess;
mod geyer;
mod lanes;
mod psis;
mod ranks;
mod rising;
mod special;
mod summary;
mod sums;
mod workbench;
mod worst;

pub use crate::io::Layout;
pub use draws::{Draws, quantile};
pub use energy::ebfmi;
pub use ess::{ess_bulk, ess_mean, ess_quantile, ess_sd, ess_tail, mcse_mean, mcse_quantile, mcse_sd, rhat};
pub use psis::{KHAT_LIMIT, Psis, WeightTail, khat_limit};
pub use summary::{Row, Statistic, Summary, SummaryInput, SummaryOptions, Verdict, select_columns};
pub use workbench::Workbench;
pub use worst::Worst;
