//! Normal distributions at modes, and draws from them.

mod normals;

use super::approximate::{ApproximationReport, Gathered, check_unused};
use super::optimize::{check_jacobian, optimize, with_jacobian};
use super::run::Run;
use super::{LaplaceOptions, OptimizeOptions, OptionSet, SampleIo, SampleOptions, Session, check_length, spread};
use crate::diagnostics::WeightTail;
use crate::error::{Code, Error};
use crate::model::Density;
use crate::optimize::LaplaceSettings;
use crate::room;
use normals::{Fit, Normals};
use std::sync::Arc;

/// The columns before the outputs: the log density at the draw; the approximation's, normalised.
const FIRST_COLUMNS: [&str; 2] = ["log_p__", "log_q__"];

/// All columns of a sample writer of [`laplace`] for this model.
pub fn laplace_columns<D: Density>(density: &D) -> Vec<String> {
    FIRST_COLUMNS.iter().map(|name| name.to_string()).chain(density.output_names()).collect()
}

/// Draws from the normal distribution on the unconstrained scale whose mean is a mode of the density and whose precision is
/// the negative Hessian there, once for each id. A mode that is given with few digits is moved to that of the second-order
/// expansion there.
///
/// The modes are `io.inits`, one for each id, with values of all parameters; without them the best of
/// `laplace.mode.num_starts` starts ([`optimize`]) is the mode of all. Hessians come from differences of gradients, asked for
/// as one block. A sample writer gets `laplace.draws` rows of [`laplace_columns`]. How far the draws are from the density is
/// in the report's k-hat: above 0.7 it is said in words.
///
/// A point that is no mode fails, with words and without draws: one from which the log density rises, or whose Hessian is not
/// negative definite, singular, or not known.
///
/// Of `options` those count that [`OPTIONS`](super::OPTIONS) lists for `laplace`. `io` may list inits, sample writers, logger,
/// interrupt and pool. What is drawn depends on the seed, the id, the options and the model alone.
///
/// # Errors
/// Before any draw: an option out of range, a list of wrong length, a model without coordinates or without the density asked
/// for, and a mode that no start has found. What happens to one id later is in its report; the others go on.
pub fn laplace<D: Density>(
    density: &D,
    options: &SampleOptions,
    laplace: &LaplaceOptions,
    io: SampleIo<'_>,
) -> Result<ApproximationReport, Error> {
    OptionSet::from(options).with_laplace(laplace).validate()?;
    spread::refuse(io.communicator, "laplace")?;
    check(density, options, laplace, &io)?;
    let Some(mode) = found(density, options, laplace, &io)? else { return Ok(report(Vec::new(), true)) };
    let columns = laplace_columns(density);
    let options = SampleOptions { max_evaluations: 0, ..options.clone() };
    let run = Run::new(density, &options, io.logger, io.pool, columns.len())?;
    let gathered = Arc::new(Gathered::<Fit>::new(options.num_chains));
    let (mut inits, mut sample) = (io.inits.into_iter(), io.sample_writers.into_iter());
    let services = (0..options.num_chains).map(|place| {
        let settings = LaplaceSettings {
            id: options.init_chain_id + place as u64,
            seed: options.seed,
            jacobian: with_jacobian(density, laplace.jacobian),
            hessian: density.has_hessian(),
            draws: laplace.draws,
            evaluates: laplace.calculate_lp,
        };
        Normals::new(settings, mode.clone(), inits.next(), &columns, sample.next(), &gathered)
    });
    let mut session = Session::seat(run, services.collect(), &[], None)?;
    let interrupt = io.interrupt;
    session.run(None, || interrupt.requested());
    let run = session.into_report();
    let gathered = Arc::into_inner(gathered).expect("all machines have ended").into_all();
    let fits = run.chains.iter().zip(gathered).map(|(chain, fit)| fit.reported(chain)).collect();
    Ok(report(fits, run.interrupted))
}

fn report(fits: Vec<super::ApproximationFit>, interrupted: bool) -> ApproximationReport {
    let (khat, tail) = match &fits[..] {
        [only] => (only.khat, only.tail),
        _ => (f64::NAN, WeightTail::Few),
    };
    ApproximationReport { fits, joined: false, khat, tail, rows: 0, pool: 0, positions: Vec::new(), interrupted }
}

/// The mode of all ids, empty where each is given its own; `None` where the run was interrupted while one was looked for.
fn found<D: Density>(
    density: &D,
    options: &SampleOptions,
    laplace: &LaplaceOptions,
    io: &SampleIo<'_>,
) -> Result<Option<Vec<f64>>, Error> {
    if !io.inits.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let way = OptimizeOptions { jacobian: laplace.jacobian, save_iterations: false, ..laplace.mode };
    let own = SampleIo { logger: io.logger, interrupt: io.interrupt, pool: io.pool.clone(), ..SampleIo::default() };
    let report = optimize(density, options, &way, own)?;
    match report.status() {
        Err(error) if error.code() == Code::Interrupted => Ok(None),
        Err(error) => Err(error.within("no mode was found")),
        Ok(()) => Ok(report.best_start().map(|start| start.position.clone())),
    }
}

fn check<D: Density>(
    density: &D,
    options: &SampleOptions,
    laplace: &LaplaceOptions,
    io: &SampleIo<'_>,
) -> Result<(), Error> {
    check_unused(io)?;
    let unused = [("init_writers", io.init_writers.len()), ("diagnostic_writers", io.diagnostic_writers.len())];
    if let Some((name, length)) = unused.into_iter().find(|(_, length)| *length > 0) {
        return Err(Error::argument(name, "no entries for draws at a mode", length));
    }
    let lengths = [("inits", io.inits.len()), ("sample_writers", io.sample_writers.len())];
    lengths.into_iter().try_for_each(|(name, length)| check_length(name, length, options.num_chains))?;
    let dim = density.dim();
    if dim == 0 {
        return Err(Error::argument("model", "one with coordinates", "one of dimension 0"));
    }
    check_jacobian(density, "laplace_jacobian", laplace.jacobian)?;
    /// Matrices of an id: the points of differences with their gradients, the Hessian and its eigenvectors.
    const MATRICES: usize = 12;
    let got = format!("{} with {dim} coordinates", options.num_chains);
    room::check("num_chains", &[options.num_chains, MATRICES, dim, dim, size_of::<f64>()], got)
}
