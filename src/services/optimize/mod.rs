//! Modes from many starts: each start climbs by itself, the best and the distinct ones are told.

mod report;
mod starts;

use super::approximate::Gathered;
use super::run::Run;
use super::{OptimizeOptions, OptionSet, SampleIo, SampleOptions, Session, check_length, spread};
use crate::error::Error;
use crate::model::Density;
use crate::optimize::{Algorithm, OptimizerSettings};
use crate::room;
use starts::{Ends, Sinks, Starts};
use std::sync::Arc;

pub use report::{Mode, OptimizeReport, OptimizeStart, StartOutcome};

/// The column before the outputs.
const FIRST_COLUMN: &str = "lp__";

/// All columns of a sample writer of [`optimize`] for this model: `lp__`, then the outputs.
pub fn optimize_columns<D: Density>(density: &D) -> Vec<String> {
    std::iter::once(FIRST_COLUMN.to_string()).chain(density.output_names()).collect()
}

/// Climbs to modes from `optimize.num_starts` starts, each with the id and the streams of a chain, and tells of the best and
/// of all distinct ones.
///
/// A start begins at its initial values, as a chain does, and ends when one of the tolerances is met, after
/// `optimize.max_iterations` iterations, or when its line search fails ([`Ending`](crate::optimize::Ending)). Its sample
/// writer gets one row of [`optimize_columns`], at the end, or one for each iteration; its init writer the initial values.
/// By Newton's method the last point's Hessian is looked at as well: a point that is no mode has not converged.
///
/// Of `options` those count that [`OPTIONS`](super::OPTIONS) lists for `optimize`. `io` may list inits, init and sample
/// writers, one of each per start, logger, interrupt and pool, and a communicator: each process then climbs from its block of the
/// starts, uses the entries of these alone, and has all that all found. What a start finds depends on the seed, its id, the options
/// and the model alone.
///
/// # Errors
/// Before any start: an option out of range, a list of wrong length, a model without coordinates, or one without a
/// log density that lacks the Jacobian where that is asked for. What happens to a start later is in its report; the others
/// go on.
pub fn optimize<D: Density>(
    density: &D,
    options: &SampleOptions,
    optimize: &OptimizeOptions,
    io: SampleIo<'_>,
) -> Result<OptimizeReport, Error> {
    let set = OptionSet::from(options).with_optimize(optimize);
    let checked = set.validate().and_then(|()| check(density, optimize, &io));
    spread::agree(io.communicator, checked, &spread::terms(&set, "optimize", density.dim()))?;
    let columns = optimize_columns(density);
    let machines = SampleOptions { num_chains: optimize.num_starts, max_evaluations: 0, ..options.clone() };
    let own = spread::own(io.communicator, optimize.num_starts);
    let run =
        Run::new(density, &machines, io.logger, io.pool, columns.len())?.spread_over(io.communicator, own.clone());
    let gathered = Arc::new(Gathered::<Ends>::new(optimize.num_starts));
    let mut inits = io.inits.into_iter().skip(own.start);
    let mut init = io.init_writers.into_iter().skip(own.start);
    let mut sample = io.sample_writers.into_iter().skip(own.start);
    let services = own.clone().map(|place| {
        let sinks = Sinks { init: init.next(), sample: sample.next() };
        let settings = settings(density, options.init_chain_id + place as u64, options, optimize);
        Starts::new(settings, optimize.save_iterations, &columns, inits.next(), sinks, &gathered)
    });
    let mut session = Session::seat(run, services.collect(), &[], None)?;
    let interrupt = io.interrupt;
    session.run(None, || interrupt.requested());
    let council = session.council();
    let report = session.into_report();
    let gathered = Arc::into_inner(gathered).expect("all machines have ended").into_all_of(council.as_ref(), own);
    let report = OptimizeReport::new(report, gathered, options.on_failure);
    report.tell(io.logger);
    Ok(report)
}

fn settings<D: Density>(
    density: &D,
    id: u64,
    options: &SampleOptions,
    optimize: &OptimizeOptions,
) -> OptimizerSettings {
    OptimizerSettings {
        dim: density.dim(),
        id,
        seed: options.seed,
        init_radius: options.init_radius,
        jitter: optimize.jitter,
        algorithm: optimize.algorithm,
        jacobian: with_jacobian(density, optimize.jacobian),
        hessian: density.has_hessian(),
        history: optimize.history_size,
        init_alpha: optimize.init_alpha,
        max_iterations: optimize.max_iterations,
        tolerances: optimize.tolerances,
    }
}

fn check<D: Density>(density: &D, optimize: &OptimizeOptions, io: &SampleIo<'_>) -> Result<(), Error> {
    let unused = [
        ("inv_metrics", io.inv_metrics.len()),
        ("diagnostic_writers", io.diagnostic_writers.len()),
        ("checkpoints", io.checkpoints.len()),
    ];
    if let Some((name, length)) = unused.into_iter().find(|(_, length)| *length > 0) {
        return Err(Error::argument(name, "no entries for starts of an optimiser", length));
    }
    let lengths = [
        ("inits", io.inits.len()),
        ("init_writers", io.init_writers.len()),
        ("sample_writers", io.sample_writers.len()),
    ];
    lengths.into_iter().try_for_each(|(name, length)| check_length(name, length, optimize.num_starts))?;
    let dim = density.dim();
    if dim == 0 {
        return Err(Error::argument("model", "one with coordinates", "one of dimension 0"));
    }
    check_jacobian(density, "jacobian", optimize.jacobian)?;
    /// Vectors that a start holds besides what it knows of the curvature.
    const VECTORS: usize = 10;
    let rows = VECTORS
        + match optimize.algorithm {
            Algorithm::Lbfgs => optimize.history_size.saturating_mul(2),
            Algorithm::Bfgs => dim,
            Algorithm::Newton => 10 * dim,
        };
    let got = format!("{} of {dim} coordinates", optimize.num_starts);
    room::check("num_starts", &[optimize.num_starts, rows, dim, size_of::<f64>()], got)
}

/// Whether evaluations are to include the Jacobian: where there is none they may as well, and can share a batch.
pub(super) fn with_jacobian<D: Density>(density: &D, jacobian: bool) -> bool {
    jacobian || density.is_untransformed()
}

/// Whether the model has the density that is asked for; `name` is the option that asks.
pub(super) fn check_jacobian<D: Density>(density: &D, name: &str, jacobian: bool) -> Result<(), Error> {
    if jacobian || density.is_untransformed() || density.has_log_density_without_jacobian() {
        return Ok(());
    }
    let expected = "true, for the model has no log density without the Jacobian of its transforms";
    Err(Error::argument(name, expected, "false"))
}
