//! Sequential Monte Carlo over the parameters of a model: independent sets of particles follow a path of densities to the
//! posterior; the evidence comes with its error.

mod blocks;
mod ledger;
mod output;
mod reference;
mod report;

use super::run::Run;
use super::spread;
use super::{OptionSet, PathKind, SampleIo, SampleOptions, Session, SmcOptions, check_length};
use crate::error::{Code, Error};
use crate::hmc::MetricKind;
use crate::io::{Writer, metric_name};
use crate::model::{Communicator, Density};
use crate::particles::normal::Normal;
use crate::particles::path::{Bridge, Path};
use crate::particles::plan::{Kernel, Plan};
use crate::particles::stages::Stages;
use crate::room;
use blocks::Particles;
use ledger::Ledger;
use std::ops::Range;
use std::sync::Arc;

pub use output::smc_columns;
pub use report::{SetOutcome, SmcReport, SmcSet};

/// Runs independent sets of particles from the prior (or from a reference normal) to the posterior and returns when all
/// have ended.
///
/// Each set draws its particles where the path begins, follows it as far as the effective sample size stays at
/// `smc.ess_threshold`, resamples, moves every particle `smc.num_moves` times, and goes on to the end. The sample writer of
/// a set gets one row per particle ([`smc_columns`]): `lp__` is the log density at the end of the path; the mean of
/// exp(`log_weight__`) is the set's evidence, so rows of several sets may be pooled as they are; `ancestor__` is the
/// particle, counted from 0, that this one stems from at the last resampling.
///
/// `reference` is where a path with [`PathKind::Reference`] begins, of the model's dimension; where it is wanted and not
/// given, a normal is fitted to a short run of NUTS. The evidence is then the integral of exp(log density).
///
/// Of `options` those count that [`OPTIONS`](super::OPTIONS) lists for `smc`. `io` may list sample writers, one per set,
/// logger, interrupt and pool. Draws depend on the seed, the set's id, the options and the model alone: not on threads, on
/// which other sets run, or on how evaluations are gathered.
///
/// # Errors
/// Before any particle is drawn: an option out of range, a path that the model does not offer, a reference of another
/// dimension or that could not be fitted. What happens to a set later is in its report: NaN, or a log likelihood of
/// +inf, at a particle fails the set, naming the particle; at a proposal it rejects the move. A particle that the model
/// refuses, or whose log likelihood is -inf, has no weight.
pub fn sample_smc<D: Density>(
    density: &D,
    options: &SampleOptions,
    smc: &SmcOptions,
    reference: Option<&Normal>,
    io: SampleIo<'_>,
) -> Result<SmcReport, Error> {
    let set = OptionSet::from(options).with_smc(smc);
    let prepared = prepared(density, &set, reference, &io);
    let (keep, bridge) = match spread::agree(io.communicator, prepared, &spread::terms(&set, "smc", density.dim())) {
        Err(error) if error.code() == Code::Interrupted => return Ok(SmcReport::interrupted()),
        prepared => prepared?,
    };
    let path = Path::new(density, bridge);
    let plan = Plan {
        seed: options.seed,
        dim: density.dim(),
        segments: path.segments(),
        movers: smc.num_particles / keep,
        keep,
        moves: smc.num_moves,
        kernel: smc.kernel,
        metric: options.metric,
        leapfrogs: smc.num_leapfrog,
        max_depth: options.max_depth,
        max_energy_error: options.max_energy_error,
        log_step: first_step(smc.kernel, density.dim()),
    };
    let blocks = plan.blocks();
    let columns = smc_columns(density);
    let machines = SampleOptions {
        num_chains: smc.num_sets * blocks,
        init_chain_id: smc.init_set_id,
        max_evaluations: 0,
        ..options.clone()
    };
    // As long as every rank has a set of its own, sets stay whole, and nothing of them moves before the end.
    let ranks = io.communicator.map_or(1, Communicator::size);
    let own = match smc.num_sets >= ranks {
        true => scaled(spread::own(io.communicator, smc.num_sets), blocks),
        false => spread::own(io.communicator, machines.num_chains),
    };
    let run = Run::new(&path, &machines, io.logger, io.pool, columns.len())?.of_sets(blocks);
    let run = run.spread_over(io.communicator, own.clone());
    let run = if smc.num_sets >= ranks { run.meeting_at_home() } else { run };
    let ledger = Arc::new(Ledger::new(smc, blocks));
    let writes = !io.sample_writers.is_empty();
    let place = |place: usize| Particles::new(&plan, &ledger, place / blocks, place % blocks, columns.len(), writes);
    let services = own.clone().map(place).collect();
    let fold = Stages {
        plan: plan.clone(),
        threshold: smc.ess_threshold,
        scheme: smc.resampling,
        max_stages: smc.max_stages,
        acceptance: options.adaptation.unwrap_or_default().delta,
    };
    let mut session = Session::seat(run, services, &[], Some(Arc::new(fold)))?;
    let interrupt = io.interrupt;
    session.run(None, || interrupt.requested());
    let council = session.council();
    let report = session.into_report();
    let mut ledger = Arc::into_inner(ledger).expect("all machines have ended");
    // Whose first block is here is written here; memory gets the rows of all.
    let is_own = |set: usize| own.contains(&(set * blocks));
    if let Some(council) = council {
        let wants = |(set, writer): (usize, &&mut dyn Writer)| {
            if is_own(set) { ranks > smc.num_sets } else { writer.held().is_some() }
        };
        // Of a lost rank the reports tell.
        let _ = ledger.gather(&council, io.sample_writers.iter().enumerate().any(wants));
    }
    let mut report = SmcReport::new(report, ledger, smc, blocks);
    output::write(&mut report, &columns, io.sample_writers, io.logger, is_own);
    Ok(report)
}

/// The machines of whole sets.
fn scaled(sets: Range<usize>, blocks: usize) -> Range<usize> {
    sets.start * blocks..sets.end * blocks
}

/// What must be had before any particle is drawn: how many states a chain of moves leaves, and where the path begins.
fn prepared<D: Density>(
    density: &D,
    set: &OptionSet,
    reference: Option<&Normal>,
    io: &SampleIo<'_>,
) -> Result<(usize, Bridge), Error> {
    set.validate()?;
    let (options, smc) = (set.options(), set.smc());
    check(density, options.metric, &smc, io)?;
    let keep = states_kept(&smc)?;
    let interrupted = || Error::new(Code::Interrupted, "the run was interrupted");
    Ok((keep, bridge(density, &options, &smc, reference, io)?.ok_or_else(interrupted)?))
}

/// What the sampler cannot do without.
fn check<D: Density>(density: &D, metric: MetricKind, smc: &SmcOptions, io: &SampleIo<'_>) -> Result<(), Error> {
    let unused = [
        ("inits", io.inits.len()),
        ("inv_metrics", io.inv_metrics.len()),
        ("init_writers", io.init_writers.len()),
        ("diagnostic_writers", io.diagnostic_writers.len()),
        ("checkpoints", io.checkpoints.len()),
    ];
    if let Some((name, length)) = unused.into_iter().find(|(_, length)| *length > 0) {
        return Err(Error::argument(name, "no entries for sets of particles", length));
    }
    check_length("sample_writers", io.sample_writers.len(), smc.num_sets)?;
    if metric.is_fisher() {
        let expected = "unit_e, diag_e or dense_e: the metric of particles is their covariance";
        return Err(Error::argument("metric", expected, metric_name(metric)));
    }
    if density.dim() == 0 {
        return Err(Error::argument("model", "one with coordinates", "one of dimension 0"));
    }
    let got = format!("{} of {} coordinates in each of {} sets", smc.num_particles, density.dim(), smc.num_sets);
    room::check("num_particles", &[smc.num_sets, smc.num_particles, ROWS, density.dim(), size_of::<f64>()], got)?;
    Ok(())
}

/// Rows of a particle that are held: its position and its gradient.
const ROWS: usize = 2;

/// Particles that each chain of moves leaves.
fn states_kept(smc: &SmcOptions) -> Result<usize, Error> {
    if !smc.waste_free {
        return Ok(1);
    }
    let states = smc.num_moves.saturating_add(1);
    if smc.num_moves == 0 || !smc.num_particles.is_multiple_of(states) {
        let expected = format!("a multiple of num_moves + 1, {states}, with num_moves above 0 and waste_free");
        return Err(Error::argument("num_particles", expected, smc.num_particles));
    }
    Ok(states)
}

/// Where the path begins and what it adds; `None` where the run was interrupted while a reference was fitted.
fn bridge<D: Density>(
    density: &D,
    options: &SampleOptions,
    smc: &SmcOptions,
    reference: Option<&Normal>,
    io: &SampleIo<'_>,
) -> Result<Option<Bridge>, Error> {
    let has_prior = density.has_parts() && density.has_prior();
    let has_data = density.data_count() > 0 && density.has_prior();
    let refuse = |expected: &str| Err(Error::argument("path", expected, "a model without"));
    match smc.path {
        PathKind::Prior if !has_prior => refuse("a model with log_density_parts and sample_prior"),
        PathKind::Data if !has_data => refuse("a model with log_density_data and sample_prior"),
        PathKind::Prior => Ok(Some(Bridge::Parts)),
        PathKind::Data => Ok(Some(Bridge::Data)),
        PathKind::Auto if reference.is_none() && has_data => Ok(Some(Bridge::Data)),
        PathKind::Auto if reference.is_none() && has_prior => Ok(Some(Bridge::Parts)),
        PathKind::Auto | PathKind::Reference => match reference {
            Some(normal) if normal.dim() != density.dim() => {
                Err(Error::argument("reference.mean", format!("{} numbers", density.dim()), normal.dim()))
            }
            Some(normal) => Ok(Some(Bridge::Reference(normal.clone()))),
            None => Ok(reference::fitted(density, options, io)?.map(Bridge::Reference)),
        },
    }
}

/// Log of the step size that moves begin with, in units of the particles' spread: acceptance stays about the same when
/// steps of Hamiltonian Monte Carlo shrink as dim^(-1/4) (Beskos, Pillai, Roberts, Sanz-Serna and Stuart 2013).
fn first_step(kernel: Kernel, dim: usize) -> f64 {
    if kernel.has_gradient() { -0.25 * libm::log(dim as f64) } else { 0.0 }
}
