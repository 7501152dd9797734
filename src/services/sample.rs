//! NUTS over many chains: checks what the host gave, seats the chains on the pool, gathers their reports.

use super::seat::{Run, Seat, Sinks};
use super::{ChainReport, Outcome, SampleOptions, SampleReport};
use crate::drive::{self, Pool, Workers, default_threads};
use crate::error::Error;
use crate::hmc::{ChainSettings, Metric, MetricKind};
use crate::io::{Interrupt, Level, Logger, Never, Silent, Writer};
use crate::model::{Density, InitContext, Threading};
use std::sync::atomic::AtomicBool;

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
    /// Chains to go on with, from [`ChainReport::checkpoint`]; an empty slice starts that chain anew.
    pub checkpoints: Vec<&'a [u8]>,
    /// Gets progress and warnings.
    pub logger: &'a dyn Logger,
    /// Ends the run early.
    pub interrupt: &'a dyn Interrupt,
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
        }
    }
}

/// All columns of a sample writer for this model.
pub fn sample_columns<D: Density>(density: &D) -> Vec<String> {
    SAMPLER_COLUMNS.iter().map(|s| s.to_string()).chain(density.output_names()).collect()
}

/// Runs NUTS chains over one shared model.
///
/// The draws of a chain depend on the seed, its id, the options and the model alone: not on the number of threads or on
/// which other chains run. `Err` means that no chain ran, because an argument is wrong; what happens to a chain later is
/// in its report, and [`SampleReport::status`] sums it up.
pub fn sample_nuts<D: Density>(density: &D, options: &SampleOptions, io: SampleIo<'_>) -> Result<SampleReport, Error> {
    options.validate()?;
    check_lengths(options.num_chains, &io)?;
    let keep_momentum = !io.diagnostic_writers.is_empty();
    let settings = chain_settings(density.dim(), options, &io.inv_metrics, keep_momentum)?;
    let pool = Pool::new(threads(density.threading(), options.num_threads, io.logger)?)?;
    let names = density.names();
    let columns = sample_columns(density);
    let diagnostic_columns = diagnostic_columns(&names);
    let stop = AtomicBool::new(false);
    let workers = Workers::new(density, columns.len().max(diagnostic_columns.len()));
    let run = Run {
        density,
        options,
        logger: io.logger,
        stop: &stop,
        pool: &pool,
        workers: &workers,
        names,
        columns,
        diagnostic_columns,
    };
    let mut seats = Vec::with_capacity(options.num_chains);
    let (mut inits, mut checkpoints) = (io.inits.into_iter(), io.checkpoints.into_iter());
    let (mut init, mut sample, mut diagnostic) =
        (io.init_writers.into_iter(), io.sample_writers.into_iter(), io.diagnostic_writers.into_iter());
    for settings in settings {
        let sinks = Sinks { init: init.next(), sample: sample.next(), diagnostic: diagnostic.next() };
        seats.push(Seat::new(&run, settings, inits.next(), checkpoints.next(), sinks)?);
    }
    let mut interrupted = false;
    let seats = drive::run(&pool, seats, &stop, || {
        interrupted |= io.interrupt.requested();
        interrupted
    });
    let chains: Vec<ChainReport> = seats.into_iter().map(Seat::into_report).collect();
    let interrupted = interrupted && chains.iter().any(|c| c.outcome == Outcome::Stopped);
    Ok(SampleReport { chains, interrupted })
}

/// Threads of the pool for a model that may be called as `threading` says, when the user wants `asked` (0: as many as
/// there are).
pub(super) fn threads(threading: Threading, asked: usize, logger: &dyn Logger) -> Result<usize, Error> {
    match threading {
        Threading::Any => Ok(asked),
        Threading::One => {
            let without = if asked == 0 { default_threads() } else { asked };
            if without > 1 {
                let line = format!("the model may be called from one thread only: the run uses 1 thread, not {without}");
                logger.log(Level::Warning, None, &line);
            }
            Ok(1)
        }
        Threading::Caller => Err(Error::argument(
            "model",
            "one that other threads than the calling one may enter (threading CATENA_THREADS_ANY or CATENA_THREADS_ONE)",
            "one for the calling thread alone (CATENA_THREADS_CALLER), which a run of this version does not serve",
        )),
    }
}

fn diagnostic_columns(names: &[String]) -> Vec<String> {
    let with = |prefix: &'static str| names.iter().map(move |n| format!("{prefix}{n}"));
    SAMPLER_COLUMNS.iter().map(|s| s.to_string()).chain(with("")).chain(with("p_")).chain(with("g_")).collect()
}

/// Each list must be empty or have one entry per chain.
fn check_lengths(num_chains: usize, io: &SampleIo<'_>) -> Result<(), Error> {
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
fn chain_settings(
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
