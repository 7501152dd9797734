//! What the service does with the events of one fit.

use super::{DIAGNOSTIC_COLUMNS, FIRST_COLUMNS};
use crate::diagnostics::{Psis, WeightTail};
use crate::error::{Code, Error};
use crate::io::{Level, Writer, shortest};
use crate::model::{Density, InitContext};
use crate::optimize::Failure;
use crate::services::approximate::{ApproximationFit, Gathered};
use crate::services::outputs::{Refused, outputs_of_draw};
use crate::services::service::{After, End, Here, Service};
use crate::services::start::{failed_start, given_start};
use crate::services::{ChainReport, Outcome, Progress};
use crate::variational::{Advi, AdviSettings, Bound, Change, Ended, Happening, VariationalFailure};
use std::sync::Arc;
use std::time::Instant;

/// One fit's writers.
pub(super) struct Sinks<'a> {
    pub init: Option<&'a mut dyn Writer>,
    pub sample: Option<&'a mut dyn Writer>,
    pub diagnostic: Option<&'a mut dyn Writer>,
}

/// What a fit leaves for the report.
#[derive(Debug, Default)]
pub(super) struct Fit {
    iterations: usize,
    converged: bool,
    elbo: Option<f64>,
    psis: Option<(f64, WeightTail)>,
    dropped: u64,
    evaluations: [u64; 2],
    draws: usize,
    mean: Vec<f64>,
    sd: Vec<f64>,
}

/// What is said of a fit in the end.
pub(super) fn reported(chain: &ChainReport, fit: Fit) -> ApproximationFit {
    let (khat, tail) = fit.psis.unwrap_or((f64::NAN, WeightTail::Few));
    let finished = chain.outcome == Outcome::Finished;
    ApproximationFit {
        id: chain.chain_id,
        outcome: chain.outcome.clone(),
        iterations: fit.iterations,
        converged: fit.converged,
        elbo: fit.elbo.unwrap_or(f64::NAN),
        khat,
        tail,
        dropped: fit.dropped,
        evaluations: fit.evaluations,
        draws: fit.draws,
        mean: if finished { fit.mean } else { Vec::new() },
        sd: if finished { fit.sd } else { Vec::new() },
        seconds: chain.warmup_seconds + chain.sampling_seconds,
    }
}

/// The service of one fit.
pub(super) struct Fits<'a> {
    settings: AdviSettings,
    columns: Vec<String>,
    init: Option<&'a dyn InitContext>,
    sinks: Sinks<'a>,
    gathered: Arc<Gathered<Fit>>,
    fit: Fit,
    place: usize,
    /// The last lines of the output, after its rows.
    lines: Vec<String>,
    refused: Refused,
    wild: bool,
}

impl<'a> Fits<'a> {
    pub fn new(
        settings: AdviSettings,
        columns: &[String],
        init: Option<&'a dyn InitContext>,
        sinks: Sinks<'a>,
        gathered: &Arc<Gathered<Fit>>,
    ) -> Self {
        Self {
            settings,
            columns: columns.to_vec(),
            init,
            sinks,
            gathered: Arc::clone(gathered),
            fit: Fit::default(),
            place: 0,
            lines: Vec::new(),
            refused: Refused::default(),
            wild: false,
        }
    }

    fn message(&mut self, line: &str) -> Result<(), Error> {
        self.sinks.sample.as_mut().map_or(Ok(()), |writer| writer.message(line))
    }

    fn tuned<D: Density>(&mut self, eta: f64, early: bool, here: &Here<'_, D>) -> Result<(), Error> {
        let end = if early { " (smaller ones lead less high)" } else { "" };
        here.log(Level::Info, &format!("step size eta = {eta}{end}"));
        // Readers of CmdStan's files look for these two lines.
        self.message("Stepsize adaptation complete.")?;
        self.message(&format!("eta = {}", shortest(eta)))
    }

    fn estimated<D: Density>(
        &mut self,
        iteration: usize,
        bound: Bound,
        change: Change,
        here: &mut Here<'_, D>,
    ) -> Result<(), Error> {
        self.fit.elbo = Some(bound.elbo);
        let (warmup, sampling) = here.seconds();
        if let Some(writer) = &mut self.sinks.diagnostic {
            writer.row(&[iteration as f64, warmup + sampling, bound.elbo])?;
        }
        here.show(&Progress { iteration, in_warmup: false, ..Progress::default() });
        if here.run.options.refresh > 0 {
            let Bound { elbo, dropped } = bound;
            let mut line = format!(
                "Iteration {iteration}: ELBO {elbo:.3}, relative change {:.5} (mean), {:.5} (median)",
                change.mean, change.median
            );
            if dropped > 0 {
                line += &format!("; {dropped} of {} draws have no finite log density", self.settings.elbo_samples);
            }
            here.log(Level::Info, &line);
        }
        if change.wild && !std::mem::replace(&mut self.wild, true) {
            here.log(
                Level::Warning,
                &format!("iteration {iteration}: the ELBO may be diverging, its changes are large"),
            );
        }
        Ok(())
    }

    fn climbed<D: Density>(&mut self, ended: Ended, here: &Here<'_, D>) {
        self.fit.converged = ended != Ended::Iterations;
        let tolerance = self.settings.tol_rel_obj;
        let line = match ended {
            Ended::Mean => format!("the mean relative change of the ELBO is below {tolerance}"),
            Ended::Median => format!("the median relative change of the ELBO is below {tolerance}"),
            Ended::Iterations => {
                let (iterations, tolerance) = (self.settings.iterations, self.settings.tol_rel_obj);
                let line = format!(
                    "all {iterations} iterations are done before the ELBO's relative change is below {tolerance}: the \
                     approximation may not have converged"
                );
                return here.log(Level::Warning, &line);
            }
        };
        here.log(Level::Info, &line);
    }

    fn averaged<D: Density>(&mut self, error: f64, enough: bool, bound: Bound, here: &Here<'_, D>) {
        self.fit.elbo = Some(bound.elbo);
        self.fit.converged = enough;
        let (iterations, tolerance) = (self.settings.iterations, self.settings.tol_average);
        if enough {
            let elbo = bound.elbo;
            here.log(
                Level::Info,
                &format!("the average of the iterates has an error of {error:.4} sd; ELBO {elbo:.3}"),
            );
        } else {
            let line = format!(
                "all {iterations} iterations are done before the average of the iterates has an error below {tolerance} sd: \
                 the approximation may not have converged"
            );
            here.log(Level::Warning, &line);
        }
    }

    /// The draws are there: what they are worth, and the row of the mean.
    fn drawn<D: Density>(&mut self, advi: &mut Advi, here: &mut Here<'_, D>) -> Result<(), Error> {
        let (draws, _) = advi.draws();
        let rows = draws.rows();
        let ratios: Vec<f64> = (0..rows).map(|row| draws.log_ratio(row)).collect();
        let lost = ratios.iter().filter(|ratio| !ratio.is_finite()).count();
        self.fit.draws = rows;
        self.fit.dropped = advi.dropped() + lost as u64;
        if lost > 0 {
            here.log(Level::Warning, &format!("{lost} of {rows} draws have no finite log density"));
        }
        match Psis::new(&ratios) {
            Some(psis) => {
                self.fit.psis = Some((psis.khat, psis.tail));
                self.lines.push(format!("k-hat = {}", shortest(psis.khat)));
                if let Some(warning) = psis.warning("draws") {
                    here.log(Level::Warning, &warning);
                    self.lines.push(warning);
                }
            }
            None if rows == 0 => {}
            None => {
                let message = format!("none of {rows} draws of the approximation has a finite log density");
                return Err(Error::new(Code::Model, message));
            }
        }
        self.write([0.0; 3], advi.mean(), here)
    }

    fn write<D: Density>(
        &mut self,
        first: [f64; 3],
        draw: (&[f64], &mut crate::random::Stream),
        here: &mut Here<'_, D>,
    ) -> Result<(), Error> {
        let Some(writer) = &mut self.sinks.sample else { return Ok(()) };
        here.bench.row[..first.len()].copy_from_slice(&first);
        outputs_of_draw(here, draw, FIRST_COLUMNS.len()..self.columns.len(), &mut self.refused)?;
        writer.row(&here.bench.row[..self.columns.len()])
    }
}

impl<D: Density> Service<D> for Fits<'_> {
    type Machine = Advi;
    type Record = ();

    fn begin(&mut self, here: &mut Here<'_, D>) -> Result<Advi, Error> {
        here.warm();
        self.place = here.place;
        let diagnostic: Vec<String> = DIAGNOSTIC_COLUMNS.iter().map(|name| name.to_string()).collect();
        let names = [
            (&mut self.sinks.init, &here.run.density.names()),
            (&mut self.sinks.sample, &self.columns),
            (&mut self.sinks.diagnostic, &diagnostic),
        ];
        for (writer, names) in names {
            writer.as_mut().map_or(Ok(()), |writer| writer.names(names))?;
        }
        Ok(Advi::new(self.settings.clone(), given_start(self.init, here)?))
    }

    fn go_on(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn event(&mut self, advi: &mut Advi, event: Happening, here: &mut Here<'_, D>) -> Result<After, Error> {
        self.fit.iterations = advi.iterations();
        self.fit.evaluations = advi.evaluations();
        match event {
            Happening::Initialized => {
                self.sinks.init.as_mut().map_or(Ok(()), |writer| writer.row(advi.start()))?;
            }
            Happening::Tuned { eta, early } => self.tuned(eta, early, here)?,
            Happening::Estimated { iteration, bound, change } => self.estimated(iteration, bound, change, here)?,
            Happening::Climbed(ended) => self.climbed(ended, here),
            Happening::Averaged { error, enough } => self.averaged(error, enough, advi.bound(), here),
            Happening::Drawn => self.drawn(advi, here)?,
            Happening::Row(row) => {
                let (draws, stream) = advi.draws();
                self.write([0.0, draws.log_p(row), draws.log_q(row)], (draws.position(row), stream), here)?;
            }
            Happening::Done => {
                (self.fit.mean, self.fit.sd) = (advi.approximation().mean().to_vec(), advi.approximation().sd());
                std::mem::take(&mut self.lines).iter().try_for_each(|line| self.message(line))?;
                return Ok(After::Done);
            }
            Happening::Failed(VariationalFailure::Start(failure)) => {
                let Failure::InitialValue { reason, .. } = &failure;
                return Err(failed_start(&failure, Some(reason), here));
            }
            Happening::Failed(failure) => {
                self.fit.dropped = advi.dropped();
                return Err(Error::new(Code::Model, format!("{failure}{}", here.words())));
            }
        }
        Ok(After::GoOn)
    }

    fn look(&mut self, now: Instant) -> Result<(), Error> {
        let mut writers = [&mut self.sinks.sample, &mut self.sinks.diagnostic].into_iter().flatten();
        writers.try_for_each(|writer| writer.look(now))
    }

    fn close(&mut self, warn: &dyn Fn(&str)) -> Result<(), Error> {
        if let Some(line) = self.refused.sum("rows of outputs") {
            warn(&line);
        }
        self.gathered.put(self.place, std::mem::take(&mut self.fit));
        let sinks = [&mut self.sinks.init, &mut self.sinks.sample, &mut self.sinks.diagnostic];
        // All are finished, also after one that fails.
        let finished: Vec<_> = sinks.into_iter().flatten().map(|writer| writer.finish()).collect();
        finished.into_iter().collect()
    }

    fn record(&self) -> Option<&()> {
        None
    }

    fn reopen(&mut self, _: &mut Advi, (): ()) -> Result<(), Error> {
        Err(Error::new(Code::Checkpoint, "a variational fit has no checkpoints"))
    }

    fn report(self, _: Option<&Advi>, end: End) -> ChainReport {
        ChainReport::of(end)
    }
}
