//! Pathfinder over many starts: a path for each, and the draws of all of them, resampled by what they are worth.

mod paths;
mod pool;
mod starts;

use super::approximate::{ApproximationFit, ApproximationReport, Gathered, check_unused};
use super::run::Run;
use super::{OptionSet, PathfinderOptions, SampleIo, SampleOptions, Session, check_length, spread};
use crate::error::Error;
use crate::io::{Level, Logger, Writer};
use crate::model::Density;
use crate::optimize::OptimizerSettings;
use crate::pathfinder::{PathSettings, STEPS_PER_HISTORY};
use crate::room;
use paths::{Paths, Sinks, Trail};
use pool::Pooled;
use std::sync::Arc;

pub(super) use starts::{Begun, starts};

/// The columns before the outputs: the log density of the approximation, normalised; the model's; the path's id.
const FIRST_COLUMNS: [&str; 3] = ["lp_approx__", "lp__", "path__"];

/// Iterations that meet a tolerance, one after the other, before a path ends: the mode's last digits are of no use to it, and each
/// point more costs an estimate of the bound.
const SETTLING: usize = 2;

/// All columns of a writer of draws of [`pathfinder`] for this model.
pub fn pathfinder_columns<D: Density>(density: &D) -> Vec<String> {
    FIRST_COLUMNS.iter().map(|name| name.to_string()).chain(density.output_names()).collect()
}

/// Follows L-BFGS from `paths.num_paths` initial values up the log density, takes from each path the normal
/// distribution with the highest evidence lower bound, and draws from it (Zhang, Carpenter, Gelman and Vehtari 2022).
///
/// The draws of several paths are weighed by Pareto-smoothed importance ratios, all together, and
/// `paths.num_psis_draws` of them are drawn with replacement; they carry equal weight from there on. Those of a single
/// path are kept as they are. Where nothing is weighed (`psis_resample` or `calculate_lp` false) the draws of all paths
/// follow each other.
///
/// `io` may list inits and init writers, one per path; one sample writer, which gets the draws of all paths
/// ([`pathfinder_columns`]) when all have ended; diagnostic writers, one per path, which get the path's own draws, all of
/// them; logger, interrupt and pool, and a communicator: each process then follows its block of the paths, uses the entries of these
/// alone, and has the draws of all. Of `options` those count that [`OPTIONS`](super::OPTIONS) lists for `pathfinder`. What
/// a path gives depends on the seed, its id, the options and the model alone.
///
/// # Errors
/// Before any path begins: an option out of range, a list of wrong length, a model without coordinates. A path that fails
/// is left out and told of; [`ApproximationReport::status`] is an error where all do.
pub fn pathfinder<D: Density>(
    density: &D,
    options: &SampleOptions,
    paths: &PathfinderOptions,
    mut io: SampleIo<'_>,
) -> Result<ApproximationReport, Error> {
    if io.sample_writers.len() > 1 {
        let expected = "at most one, for the draws of all paths (each path's own go to diagnostic_writers)";
        return Err(Error::argument("sample_writers", expected, io.sample_writers.len()));
    }
    let (logger, joined) = (io.logger, io.sample_writers.pop());
    let Followed { fits, trails, interrupted } = follow_for(density, options, paths, io, joined.is_some())?;
    let dim = density.dim();
    let pooled = match interrupted {
        true => Pooled::default(),
        false => Pooled::new(options.seed, paths, dim, &trails),
    };
    let positions = pooled.positions(dim, &trails);
    let (khat, tail, rows, pool) = (pooled.khat, pooled.tail, pooled.picks.len(), pooled.pool);
    let report = ApproximationReport { fits, joined: true, khat, tail, rows, pool, positions, interrupted };
    if report.fits.len() > 1 {
        tell(&report, &pooled, paths, logger);
    }
    if let Some(writer) = joined {
        write(writer, &pathfinder_columns(density), &pooled, &trails)?;
    }
    Ok(report)
}

/// What came of all paths.
struct Followed {
    fits: Vec<ApproximationFit>,
    trails: Vec<Trail>,
    interrupted: bool,
}

/// Follows the paths, for what they find alone.
fn follow<D: Density>(
    density: &D,
    options: &SampleOptions,
    paths: &PathfinderOptions,
    io: SampleIo<'_>,
) -> Result<Followed, Error> {
    follow_for(density, options, paths, io, false)
}

/// Follows the paths; with `rows`, they leave rows of output.
fn follow_for<D: Density>(
    density: &D,
    options: &SampleOptions,
    paths: &PathfinderOptions,
    io: SampleIo<'_>,
    rows: bool,
) -> Result<Followed, Error> {
    let machines = SampleOptions { num_chains: paths.num_paths, max_evaluations: 0, ..options.clone() };
    let set = OptionSet::from(&machines).with_pathfinder(paths);
    let checked = set.validate().and_then(|()| check(density, paths, &io));
    spread::agree(io.communicator, checked, &spread::terms(&set, "pathfinder", density.dim()))?;
    let own = spread::own(io.communicator, paths.num_paths);
    let rows = spread::anywhere(io.communicator, rows)?;
    let settings = |place: usize| PathSettings {
        optimizer: OptimizerSettings {
            init_radius: options.init_radius,
            jitter: paths.lbfgs.jitter,
            jacobian: true,
            history: paths.lbfgs.history_size,
            init_alpha: paths.lbfgs.init_alpha,
            max_iterations: paths.max_lbfgs_iters,
            settling: SETTLING,
            tolerances: paths.lbfgs.tolerances,
            ..OptimizerSettings::new(density.dim(), options.init_chain_id + place as u64, options.seed)
        },
        bound_draws: paths.num_elbo_draws,
        draws: paths.num_draws,
        evaluates: paths.calculate_lp,
    };
    let columns = pathfinder_columns(density);
    let run =
        Run::new(density, &machines, io.logger, io.pool, columns.len())?.spread_over(io.communicator, own.clone());
    let gathered = Arc::new(Gathered::new(paths.num_paths));
    let mut inits = io.inits.into_iter().skip(own.start);
    let mut init = io.init_writers.into_iter().skip(own.start);
    let mut draws = io.diagnostic_writers.into_iter().skip(own.start);
    let services = own.clone().map(|place| {
        let sinks = Sinks { init: init.next(), own: draws.next() };
        Paths::new(settings(place), &columns, rows, inits.next(), sinks, &gathered)
    });
    let mut session = Session::seat(run, services.collect(), &[], None)?;
    let interrupt = io.interrupt;
    session.run(None, || interrupt.requested());
    let council = session.council();
    let report = session.into_report();
    let gathered = Arc::into_inner(gathered).expect("all machines have ended");
    let trails: Vec<Trail> = gathered.into_all_of(council.as_ref(), own);
    let fits = report.chains.iter().zip(&trails).map(|(chain, trail)| trail.reported(chain)).collect();
    Ok(Followed { fits, trails, interrupted: report.interrupted })
}

/// What is to be known of the paths together.
fn tell(report: &ApproximationReport, pooled: &Pooled, options: &PathfinderOptions, logger: &dyn Logger) {
    let failed = report.fits.iter().filter(|fit| fit.draws == 0).count();
    if failed > 0 && pooled.pool > 0 {
        let of = report.fits.len();
        logger.log(Level::Warning, None, &format!("{failed} of {of} paths have no approximation and are left out"));
    }
    pooled.warnings.iter().for_each(|line| logger.log(Level::Warning, None, line));
    if pooled.weighed && options.num_psis_draws > pooled.pool {
        let (asked, pool) = (options.num_psis_draws, pooled.pool);
        let line =
            format!("{asked} draws are resampled from only {pool} that have a weight: many stand more than once");
        logger.log(Level::Warning, None, &line);
    }
}

/// Writes the draws of all paths.
fn write(writer: &mut dyn Writer, columns: &[String], pooled: &Pooled, trails: &[Trail]) -> Result<(), Error> {
    let place = |error: Error| error.within("the draws of all paths");
    let mut rows = || {
        writer.names(columns)?;
        for pick in &pooled.picks {
            writer.row(trails[pick.path].row(pick.draw, columns.len()))?;
        }
        pooled.lines().iter().try_for_each(|line| writer.message(line))
    };
    let written = rows();
    written.and(writer.finish()).map_err(place)
}

fn check<D: Density>(density: &D, options: &PathfinderOptions, io: &SampleIo<'_>) -> Result<(), Error> {
    check_unused(io)?;
    let paths = options.num_paths;
    let lengths = [
        ("inits", io.inits.len()),
        ("init_writers", io.init_writers.len()),
        ("diagnostic_writers", io.diagnostic_writers.len()),
    ];
    lengths.into_iter().try_for_each(|(name, length)| check_length(name, length, paths))?;
    let dim = density.dim();
    if dim == 0 {
        return Err(Error::argument("model", "one with coordinates", "one of dimension 0"));
    }
    const NUMBER: usize = size_of::<f64>();
    let width = dim.saturating_add(density.output_names().len());
    let counts = [("num_draws", options.num_draws), ("num_elbo_draws", options.num_elbo_draws)];
    counts.into_iter().try_for_each(|(name, draws)| {
        room::check(name, &[paths, draws, width, NUMBER], format!("{draws} for each of {paths} paths"))
    })?;
    let history = options.lbfgs.history_size;
    room::check("history_size", &[paths, STEPS_PER_HISTORY, history, dim, NUMBER], history)?;
    room::check("num_psis_draws", &[options.num_psis_draws, width, NUMBER], options.num_psis_draws)
}
