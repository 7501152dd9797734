//! Sampling over many chains: checks what the host gave, seats the chains on the pool, gathers their reports.

use super::{SampleOptions, SampleReport, Session};
use crate::drive::Pool;
use crate::error::Error;
use crate::hmc::{ChainSettings, Engine, Metric, MetricKind};
use crate::io::{Interrupt, Logger, Never, Silent, Writer};
use crate::model::{Density, InitContext};
use std::sync::Arc;

/// Everything a run borrows from its host. Each list is empty or has one entry per chain.
pub struct SampleIo<'a> {
    /// Initial values; empty: all drawn.
    pub inits: Vec<&'a dyn InitContext>,
    /// Initial inverse metrics: `dim` (diag) or `dim`² (dense) numbers each; empty: the identity.
    pub inv_metrics: Vec<&'a [f64]>,
    /// Get the initial unconstrained values: names, one row.
    pub init_writers: Vec<&'a mut dyn Writer>,
    /// Get the draws: the engine's columns ([`Engine::columns`]), then the outputs. Stan's adaptation lines come as messages after warm-up, the
    /// elapsed times at the end.
    pub sample_writers: Vec<&'a mut dyn Writer>,
    /// Get the engine's columns, then position, momentum `p_…` and gradient `g_…` of each kept draw. As in Stan, `g_` is
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

/// All columns of a NUTS run's sample writer for this model.
pub fn sample_columns<D: Density>(density: &D) -> Vec<String> {
    engine_columns(Engine::Nuts, density)
}

/// All columns of a sample writer for this model in a run of `engine`.
pub fn engine_columns<D: Density>(engine: Engine, density: &D) -> Vec<String> {
    engine.columns().iter().map(|s| s.to_string()).chain(density.output_names()).collect()
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
    sample(density, Engine::Nuts, options, io)
}

/// As [`sample_nuts`], by static HMC: trajectories of the integration time `options.int_time`, that is of
/// `int_time / stepsize` leapfrog steps (truncated, at least 1) for the nominal step size of the moment, accepted or
/// rejected at their end. Adaptation is that of NUTS. The columns are those of [`Engine::Static`].
///
/// A trajectory that meets a point the model refuses is rejected and counts as a divergence in the report, as one with
/// an energy error above `options.max_energy_error` at its end does.
pub fn sample_hmc_static<'a, D: Density>(
    density: &'a D,
    options: &SampleOptions,
    io: SampleIo<'a>,
) -> Result<SampleReport, Error> {
    sample(density, Engine::Static { int_time: options.int_time }, options, io)
}

/// As [`sample_nuts`], with every chain staying at its initial position: each iteration only draws the outputs anew.
/// Columns are `lp__` and `accept_stat__`, both 0 as in Stan, then the outputs. There is no warm-up, so
/// `options.num_warmup` is ignored; inverse metrics are an error.
pub fn sample_fixed_param<'a, D: Density>(
    density: &'a D,
    options: &SampleOptions,
    io: SampleIo<'a>,
) -> Result<SampleReport, Error> {
    sample(density, Engine::FixedParam, options, io)
}

fn sample<'a, D: Density>(
    density: &'a D,
    engine: Engine,
    options: &SampleOptions,
    io: SampleIo<'a>,
) -> Result<SampleReport, Error> {
    let interrupt = io.interrupt;
    let mut session = Session::with_engine(density, engine, options, io)?;
    session.run(None, || interrupt.requested());
    Ok(session.into_report())
}

pub(super) fn diagnostic_columns(engine: Engine, names: &[String]) -> Vec<String> {
    let with = |prefix: &'static str| names.iter().map(move |n| format!("{prefix}{n}"));
    engine.columns().iter().map(|s| s.to_string()).chain(with("")).chain(with("p_")).chain(with("g_")).collect()
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
