//! NUTS over many chains: checks what the host gave, seats the chains on the pool, gathers their reports.

use super::{SampleOptions, SampleReport, Session};
use crate::drive::Pool;
use crate::error::Error;
use crate::hmc::{ChainSettings, Metric, MetricKind};
use crate::io::{Interrupt, Logger, Never, Silent, Writer};
use crate::model::{Density, InitContext};
use std::sync::Arc;

/// The columns that stand before the outputs in a sample writer, as in Stan.
pub const SAMPLER_COLUMNS: [&str; 7] =
    ["lp__", "accept_stat__", "stepsize__", "treedepth__", "n_leapfrog__", "divergent__", "energy__"];

/// Everything a run borrows from its host. Each list is empty or has one entry per chain.
pub struct SampleIo<'a> {
    /// Initial values; empty: all drawn.
    pub inits: Vec<&'a dyn InitContext>,
    /// Initial inverse metrics: `dim` (diag) or `dim`² (dense) numbers each; empty: the identity.
    pub inv_metrics: Vec<&'a [f64]>,
    /// Get the initial unconstrained values: names, one row.
    pub init_writers: Vec<&'a mut dyn Writer>,
    /// Get the draws: [`SAMPLER_COLUMNS`], then the outputs. Stan's adaptation lines come as messages after warm-up, the
    /// elapsed times at the end.
    pub sample_writers: Vec<&'a mut dyn Writer>,
    /// Get [`SAMPLER_COLUMNS`], then position, momentum `p_…` and gradient `g_…` of each kept draw. As in Stan, `g_` is
    /// the gradient of the potential, the negative log density.
    pub diagnostic_writers: Vec<&'a mut dyn Writer>,
    /// Chains to go on with, from [`ChainReport::checkpoint`](super::ChainReport::checkpoint); an empty slice starts that chain anew.
    pub checkpoints: Vec<&'a [u8]>,
    /// Gets progress and warnings.
    pub logger: &'a dyn Logger,
    /// Ends the run early.
    pub interrupt: &'a dyn Interrupt,
    /// The pool to run on, shared with other runs; `None`: one of its own, of `num_threads` threads.
    pub pool: Option<Arc<Pool>>,
}

impl Default for SampleIo<'_> {
    /// Gives nothing and takes nothing: all values drawn, no output, no log, no interrupt.
    fn default() -> Self {
        Self {
            inits: Vec::new(),
            inv_metrics: Vec::new(),
            init_writers: Vec::new(),
            sample_writers: Vec::new(),
            diagnostic_writers: Vec::new(),
            checkpoints: Vec::new(),
            logger: &Silent,
            interrupt: &Never,
            pool: None,
        }
    }
}

/// All columns of a sample writer for this model.
pub fn sample_columns<D: Density>(density: &D) -> Vec<String> {
    SAMPLER_COLUMNS.iter().map(|s| s.to_string()).chain(density.output_names()).collect()
}

/// Runs NUTS chains over one shared model and returns when all have ended.
///
/// The draws of a chain depend on the seed, its id, the options and the model alone: not on the number of threads, on
/// which other chains run, or on how evaluations are gathered. `Err` means that no chain ran, because an argument is
/// wrong; what happens to a chain later is in its report, and [`SampleReport::status`] sums it up.
pub fn sample_nuts<'a, D: Density>(
    density: &'a D,
    options: &SampleOptions,
    io: SampleIo<'a>,
) -> Result<SampleReport, Error> {
    let interrupt = io.interrupt;
    let mut session = Session::new(density, options, io)?;
    session.run(None, || interrupt.requested());
    Ok(session.into_report())
}

pub(super) fn diagnostic_columns(names: &[String]) -> Vec<String> {
    let with = |prefix: &'static str| names.iter().map(move |n| format!("{prefix}{n}"));
    SAMPLER_COLUMNS.iter().map(|s| s.to_string()).chain(with("")).chain(with("p_")).chain(with("g_")).collect()
}

/// Each list must be empty or have one entry per chain.
pub(super) fn check_lengths(num_chains: usize, io: &SampleIo<'_>) -> Result<(), Error> {
    let lengths = [
        ("inits", io.inits.len()),
        ("inv_metrics", io.inv_metrics.len()),
        ("init_writers", io.init_writers.len()),
        ("sample_writers", io.sample_writers.len()),
        ("diagnostic_writers", io.diagnostic_writers.len()),
        ("checkpoints", io.checkpoints.len()),
    ];
    lengths.into_iter().try_for_each(|(name, length)| check_length(name, length, num_chains))
}

/// A list given for all chains must be empty or have one entry per chain.
pub fn check_length(name: &str, length: usize, num_chains: usize) -> Result<(), Error> {
    if length == 0 || length == num_chains {
        return Ok(());
    }
    Err(Error::argument(name, format!("0 or {num_chains} entries, one per chain"), length))
}

/// The settings of every chain; a bad inverse metric is reported with the id of its chain before any chain runs.
pub(super) fn chain_settings(
    dim: usize,
    options: &SampleOptions,
    inv_metrics: &[&[f64]],
    keep_momentum: bool,
) -> Result<Vec<ChainSettings>, Error> {
    let metric = |given: Option<&&[f64]>| match (options.metric, given) {
        (MetricKind::Unit, None) => Ok(Metric::unit()),
        (MetricKind::Unit, Some(given)) => Err(Error::argument(
            "inv_metrics",
            "no inverse metric with the unit metric",
            format!("{} numbers", given.len()),
        )),
        (MetricKind::Diag, None) => Metric::diag(&vec![1.0; dim]),
        (MetricKind::Diag, Some(given)) if given.len() != dim => {
            Err(Error::argument("inv_metrics", format!("{dim} numbers"), given.len()))
        }
        (MetricKind::Diag, Some(given)) => Metric::diag(given),
        (MetricKind::Dense, None) => Metric::dense_identity(dim),
        (MetricKind::Dense, Some(given)) => Metric::dense(dim, given),
    };
    (0..options.num_chains)
        .map(|i| {
            let chain_id = options.init_chain_id + i as u64;
            Ok(ChainSettings {
                seed: options.seed,
                chain_id,
                dim,
                num_warmup: options.num_warmup,
                num_samples: options.num_samples,
                metric: metric(inv_metrics.get(i)).map_err(|e| e.in_chain(chain_id))?,
                stepsize: options.stepsize,
                stepsize_jitter: options.stepsize_jitter,
                max_depth: options.max_depth,
                max_energy_error: options.max_energy_error,
                adaptation: options.adaptation,
                init_radius: options.init_radius,
                keep_momentum,
            })
        })
        .collect()
}
