//! Variational approximations: one normal distribution per id, each fitted by itself.

mod fits;

use super::approximate::{ApproximationReport, Gathered, check_unused};
use super::run::Run;
use super::{OptionSet, SampleIo, SampleOptions, Session, VariationalOptions, check_length, spread};
use crate::diagnostics::WeightTail;
use crate::error::Error;
use crate::model::Density;
use crate::room;
use crate::variational::{AdviSettings, Approximation};
use fits::{Fits, Sinks};
use std::sync::Arc;

/// The columns before the outputs: 0 as in CmdStan; the log density at the draw; the approximation's, normalised.
const FIRST_COLUMNS: [&str; 3] = ["lp__", "log_p__", "log_g__"];
/// The columns of the diagnostic writers.
const DIAGNOSTIC_COLUMNS: [&str; 3] = ["iter", "time_in_seconds", "ELBO"];

/// All columns of a sample writer of [`variational`] for this model.
pub fn variational_columns<D: Density>(density: &D) -> Vec<String> {
    FIRST_COLUMNS.iter().map(|name| name.to_string()).chain(density.output_names()).collect()
}

/// Fits a normal distribution on the unconstrained scale to the posterior by automatic differentiation variational
/// inference (Kucukelbir, Tran, Ranganath, Gelman and Blei 2017), once for each id, and draws from it.
///
/// A fit begins at its initial values with unit covariance and climbs the evidence lower bound along natural gradients until the
/// average of its iterates is known; with `variational.tol_average` 0, as Stan, it tries step sizes and climbs until the bound
/// hardly changes. Its sample writer gets the outputs at the mean, in a row whose first three numbers are 0, and then
/// `variational.output_draws` draws ([`variational_columns`]); its diagnostic writer the bound's estimates; its init
/// writer the initial values. How far the draws are from the posterior is in the report's k-hat: above 0.7 it is said in
/// words.
///
/// Of `options` those count that [`OPTIONS`](super::OPTIONS) lists for `variational`. `io` may list inits, all writers,
/// logger, interrupt and pool. What a fit gives depends on the seed, its id, the options and the model alone.
///
/// # Errors
/// Before any fit begins: an option out of range, a list of wrong length, a model without coordinates. What happens to a
/// fit later is in its report; the others go on.
pub fn variational<D: Density>(
    density: &D,
    options: &SampleOptions,
    variational: &VariationalOptions,
    io: SampleIo<'_>,
) -> Result<ApproximationReport, Error> {
    OptionSet::from(options).with_variational(variational).validate()?;
    spread::refuse(io.communicator, "variational")?;
    check(density, options, variational, &io)?;
    let settings = |place: usize| AdviSettings {
        seed: options.seed,
        id: options.init_chain_id + place as u64,
        family: variational.family,
        iterations: variational.iterations,
        grad_samples: variational.grad_samples,
        elbo_samples: variational.elbo_samples,
        eta: variational.eta,
        adapt_iterations: if variational.adapt_eta { variational.adapt_iterations } else { 0 },
        tol_rel_obj: variational.tol_elbo,
        tol_average: variational.tol_average,
        eval_elbo: variational.eval_elbo,
        output_draws: variational.output_draws,
        init_radius: options.init_radius,
    };
    let columns = variational_columns(density);
    let options = SampleOptions { max_evaluations: 0, ..options.clone() };
    let run = Run::new(density, &options, io.logger, io.pool, columns.len())?;
    let gathered = Arc::new(Gathered::new(options.num_chains));
    let mut inits = io.inits.into_iter();
    let (mut init, mut sample, mut diagnostic) =
        (io.init_writers.into_iter(), io.sample_writers.into_iter(), io.diagnostic_writers.into_iter());
    let services = (0..options.num_chains).map(|place| {
        let sinks = Sinks { init: init.next(), sample: sample.next(), diagnostic: diagnostic.next() };
        Fits::new(settings(place), &columns, inits.next(), sinks, &gathered)
    });
    let mut session = Session::seat(run, services.collect(), &[], None)?;
    let interrupt = io.interrupt;
    session.run(None, || interrupt.requested());
    let report = session.into_report();
    let gathered = Arc::into_inner(gathered).expect("all machines have ended").into_all();
    let fits: Vec<_> = report.chains.iter().zip(gathered).map(|(chain, fit)| fits::reported(chain, fit)).collect();
    let (khat, tail) = match &fits[..] {
        [only] => (only.khat, only.tail),
        _ => (f64::NAN, WeightTail::Few),
    };
    let interrupted = report.interrupted;
    Ok(ApproximationReport { fits, joined: false, khat, tail, rows: 0, pool: 0, positions: Vec::new(), interrupted })
}

fn check<D: Density>(
    density: &D,
    options: &SampleOptions,
    variational: &VariationalOptions,
    io: &SampleIo<'_>,
) -> Result<(), Error> {
    check_unused(io)?;
    let lengths = [
        ("inits", io.inits.len()),
        ("init_writers", io.init_writers.len()),
        ("sample_writers", io.sample_writers.len()),
        ("diagnostic_writers", io.diagnostic_writers.len()),
    ];
    lengths.into_iter().try_for_each(|(name, length)| check_length(name, length, options.num_chains))?;
    let dim = density.dim();
    if dim == 0 {
        return Err(Error::argument("model", "one with coordinates", "one of dimension 0"));
    }
    /// Vectors of parameters that a fit holds.
    const VECTORS: usize = 24;
    /// Rows of a draw: its position, and gradient and normals of some.
    const ROWS: usize = 3;
    const NUMBER: usize = size_of::<f64>();
    let parameters = Approximation::parameters(variational.family, dim).unwrap_or(usize::MAX);
    let got = format!("an approximation with {parameters} parameters, for {dim} coordinates");
    room::check("variational_family", &[options.num_chains, VECTORS, parameters, NUMBER], got)?;
    let draws = [
        ("grad_samples", variational.grad_samples),
        ("elbo_samples", variational.elbo_samples),
        ("output_draws", variational.output_draws),
    ];
    draws.into_iter().try_for_each(|(name, rows)| {
        room::check(name, &[options.num_chains, rows, ROWS, dim, NUMBER], format!("{rows} of {dim} coordinates"))
    })?;
    let estimates = variational.iterations / variational.eval_elbo;
    room::check("variational_iterations", &[options.num_chains, estimates, NUMBER], variational.iterations)
}
