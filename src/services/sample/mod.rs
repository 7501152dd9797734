//! Sampling over many chains: checks what the host gave, seats the chains, runs them, gathers their reports.

mod ended;
mod events;
mod looks;
mod meetings;
mod output;
mod sampling;
mod settings;
mod together;
mod watched;

use super::pathfinder::{Begun, starts};
use super::run::Run;
use super::spread;
use super::{InitKind, OptionSet, SampleIo, SampleOptions, SampleReport, Session, check_length};
use crate::adapt::{Enough, WarmupMode};
use crate::diagnostics::select_columns;
use crate::error::Error;
use crate::hmc::{ChainSettings, Engine};
use crate::io::{Writer, metric_name};
use crate::model::Density;
use looks::Looks;
use meetings::Meetings;
use sampling::{Columns, Sinks};
use settings::{Given, begin_from, chain_settings, check_memory, suited};
use std::ops::Range;
use std::sync::Arc;
use together::Together;
use watched::Kept;

pub use output::elapsed_lines;
pub use sampling::{Sampling, engine_columns};

/// All columns of a NUTS run's sample writer for this model.
pub fn sample_columns<D: Density>(density: &D) -> Vec<String> {
    engine_columns(Engine::Nuts, density)
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

impl<'a, D: Density> Session<'a, D> {
    /// Checks all arguments and seats NUTS chains; nothing runs yet.
    pub fn new(density: &'a D, options: &SampleOptions, io: SampleIo<'a>) -> Result<Self, Error> {
        Self::with_engine(density, Engine::Nuts, options, io)
    }

    /// As [`Session::new`], with the chains moved by `engine`.
    pub fn with_engine(
        density: &'a D,
        engine: Engine,
        options: &SampleOptions,
        io: SampleIo<'a>,
    ) -> Result<Self, Error> {
        let (communicator, terms) =
            (io.communicator, spread::terms(&OptionSet::from(options), &format!("{engine:?}"), density.dim()));
        spread::agree(communicator, Self::here(density, engine, options, io), &terms)
    }

    /// What is this process's of the session.
    fn here(density: &'a D, engine: Engine, options: &SampleOptions, io: SampleIo<'a>) -> Result<Self, Error> {
        options.validate()?;
        let options = &suited(engine, options);
        check_lengths(options.num_chains, &io)?;
        check_warmup(options)?;
        let own = spread::own(io.communicator, options.num_chains);
        check_memory(density.dim(), own.len(), options)?;
        let keep_momentum = !io.diagnostic_writers.is_empty();
        let begun = begun(density, options, &io)?;
        let mut settings = chain_settings(density.dim(), own.clone(), options, &io.inv_metrics, keep_momentum)?;
        if io.inv_metrics.is_empty() {
            take_metrics(&mut settings, own.clone(), options, &begun)?;
        }
        if !io.from.is_empty() && options.init_from == InitKind::Pathfinder {
            return Err(Error::argument("from", "no ends of chains with init_from=pathfinder", io.from.len()));
        }
        let given = Given { position: !io.inits.is_empty(), metric: !io.inv_metrics.is_empty() };
        let ends = begin_from(&mut settings, own.clone(), options, &io.from, given)?;
        let begun = if ends.is_empty() { begun } else { ends.into_iter().map(Begun::at).collect() };
        let columns = Arc::new(Columns::new(engine, density));
        let (kept, looks) = looked_at(options, &columns.sample)?;
        let run = Run::new(density, options, io.logger, io.pool, columns.longest())?;
        let run = run.kept_by(io.keeper).spread_over(io.communicator, own.clone());
        let mut inits = io.inits.into_iter().skip(own.start);
        let own_writers = |all: Vec<&'a mut dyn Writer>| all.into_iter().skip(own.start);
        let (mut init, mut diagnostic) = (own_writers(io.init_writers), own_writers(io.diagnostic_writers));
        let writers = io.sample_writers.into_iter().enumerate();
        let (samples, others): (Vec<_>, Vec<_>) = writers.partition(|(place, _)| own.contains(place));
        let mut sample = samples.into_iter().map(|(_, writer)| writer);
        let mut begun = begun.into_iter();
        let services = settings.into_iter().map(|settings| {
            let sinks = Sinks { init: init.next(), sample: sample.next(), diagnostic: diagnostic.next() };
            Sampling::new(Arc::clone(&columns), settings, options, inits.next(), sinks, kept.clone())
                .begun_at(begun.next())
        });
        let together = Together { kind: options.metric, dim: density.dim() };
        let meetings = Meetings { together, looks };
        let session = Session::seat(run, services.collect(), &io.checkpoints, Some(Arc::new(meetings)))?;
        Ok(session.ending_after(options.max_seconds).sharing(others, columns.sample.clone()))
    }
}

/// Where Pathfinder has the chains begin; nothing where it is not asked, or chains go on from checkpoints.
fn begun<D: Density>(density: &D, options: &SampleOptions, io: &SampleIo<'_>) -> Result<Vec<Begun>, Error> {
    let goes_on = io.checkpoints.iter().any(|bytes| !bytes.is_empty());
    match options.init_from {
        InitKind::Pathfinder if density.dim() > 0 && !goes_on => starts(density, options, io),
        _ => Ok(Vec::new()),
    }
}

/// The chains begin with the metrics that their paths found, each its own.
fn take_metrics(
    settings: &mut [ChainSettings],
    own: Range<usize>,
    options: &SampleOptions,
    begun: &[Begun],
) -> Result<(), Error> {
    for (place, (chain, begun)) in own.zip(settings.iter_mut().zip(begun)) {
        if !begun.inv_metric.is_empty() {
            let given = vec![&begun.inv_metric[..]; options.num_chains];
            let found = chain_settings(chain.dim, place..place + 1, options, &given, chain.keep_momentum)?;
            *chain = found.into_iter().next().expect("one chain's");
        }
    }
    Ok(())
}

/// What is kept of each chain for looks at the run, and what comes of looks; none where the run is not to stop early.
fn looked_at(options: &SampleOptions, names: &[String]) -> Result<(Option<Kept>, Option<Looks>), Error> {
    let enough = Enough { ess: options.until_ess, rhat: options.until_rhat };
    // No R-hat is meant to be below 1.
    if enough.rhat > 0.0 && enough.rhat <= 1.0 {
        return Err(Error::argument("until_rhat", "0, or a number above 1", enough.rhat));
    }
    let columns = select_columns(names, &options.until_columns, "until_columns")?;
    if !enough.is_asked() {
        return Ok((None, None));
    }
    let looks = Looks { enough, columns: columns.len() };
    Ok((Some(Kept::new(columns)), Some(looks)))
}

/// Only metrics from draws and gradients are learned together, or until they have settled.
fn check_warmup(options: &SampleOptions) -> Result<(), Error> {
    let until = options.adaptation.filter(|a| a.warmup_until && options.num_warmup > 0);
    if let Some(adaptation) = until
        && (!options.metric.is_fisher() || adaptation.window == 0)
    {
        let expected = "false, or a metric from draws and gradients that is adapted (fisher_diag, fisher_dense, low_rank, auto; window above 0)";
        let got = format!("true with metric={} window={}", metric_name(options.metric), adaptation.window);
        return Err(Error::argument("warmup_until", expected, got));
    }
    let together = options.adaptation.is_some_and(|a| a.warmup == WarmupMode::Together);
    if !together || options.metric.is_fisher() || options.num_warmup == 0 {
        return Ok(());
    }
    let expected = "alone, or a metric from draws and gradients (fisher_diag, fisher_dense, low_rank, auto)";
    Err(Error::argument("warmup", expected, format!("together with metric={}", metric_name(options.metric))))
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
