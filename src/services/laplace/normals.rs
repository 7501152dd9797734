//! What the service does with the events of one id.

use super::FIRST_COLUMNS;
use crate::diagnostics::{Psis, WeightTail};
use crate::error::{Code, Error};
use crate::io::{Level, Writer, shortest};
use crate::model::{Density, InitContext};
use crate::optimize::{Laplace, LaplaceFailure, LaplaceSettings, Told};
use crate::services::approximate::{ApproximationFit, Gathered};
use crate::services::outputs::{Refused, outputs_of_draw};
use crate::services::service::{After, End, Here, Service};
use crate::services::start::given_start;
use crate::services::{ChainReport, Outcome, Progress};
use crate::variational::Bound;
use std::sync::Arc;
use std::time::Instant;

/// What an id leaves for the report.
#[derive(Debug, Default)]
pub(super) struct Fit {
    psis: Option<(f64, WeightTail)>,
    elbo: Option<f64>,
    dropped: u64,
    evaluations: [u64; 2],
    draws: usize,
    mean: Vec<f64>,
    sd: Vec<f64>,
}

impl Fit {
    /// What is said of an id in the end.
    pub fn reported(self, chain: &ChainReport) -> ApproximationFit {
        let (khat, tail) = self.psis.unwrap_or((f64::NAN, WeightTail::Few));
        ApproximationFit {
            id: chain.chain_id,
            outcome: chain.outcome.clone(),
            iterations: 0,
            converged: chain.outcome == Outcome::Finished,
            elbo: self.elbo.unwrap_or(f64::NAN),
            khat,
            tail,
            dropped: self.dropped,
            evaluations: self.evaluations,
            draws: self.draws,
            mean: self.mean,
            sd: self.sd,
            seconds: chain.warmup_seconds + chain.sampling_seconds,
        }
    }
}

/// The service of one id.
pub(super) struct Normals<'a> {
    settings: LaplaceSettings,
    /// Empty: it is given.
    mode: Vec<f64>,
    init: Option<&'a dyn InitContext>,
    columns: Vec<String>,
    writer: Option<&'a mut dyn Writer>,
    gathered: Arc<Gathered<Fit>>,
    fit: Fit,
    place: usize,
    /// Log ratios of the draws so far.
    ratios: Vec<f64>,
    refused: Refused,
}

impl<'a> Normals<'a> {
    pub fn new(
        settings: LaplaceSettings,
        mode: Vec<f64>,
        init: Option<&'a dyn InitContext>,
        columns: &[String],
        writer: Option<&'a mut dyn Writer>,
        gathered: &Arc<Gathered<Fit>>,
    ) -> Self {
        let (columns, gathered, refused) = (columns.to_vec(), Arc::clone(gathered), Refused::default());
        let (fit, ratios) = (Fit::default(), Vec::new());
        Self { settings, mode, init, columns, writer, gathered, fit, place: 0, ratios, refused }
    }

    /// The mode, all of it.
    fn mode<D: Density>(&mut self, here: &mut Here<'_, D>) -> Result<Vec<f64>, Error> {
        if self.init.is_none() {
            return Ok(std::mem::take(&mut self.mode));
        }
        let mode = given_start(self.init, here)?;
        match mode.iter().position(|x| x.is_nan()) {
            None => Ok(mode),
            Some(at) => {
                let name = &here.run.density.names()[at];
                let expected = format!("a mode with values of all parameters, coordinate '{name}' among them");
                Err(Error::argument("inits", expected, "one without"))
            }
        }
    }

    fn drawn<D: Density>(&mut self, laplace: &mut Laplace, here: &mut Here<'_, D>) -> Result<(), Error> {
        let told = laplace.told();
        let (log_p, log_q, position, stream) = laplace.draw();
        self.fit.draws = told;
        if self.settings.evaluates {
            self.ratios.push(log_p - log_q);
        }
        here.tell("Draw", told, self.settings.draws, "Laplace");
        here.show(&Progress { iteration: told, in_warmup: false, ..Progress::default() });
        let Some(writer) = &mut self.writer else { return Ok(()) };
        here.bench.row[..FIRST_COLUMNS.len()].copy_from_slice(&[log_p, log_q]);
        let places = FIRST_COLUMNS.len()..self.columns.len();
        outputs_of_draw(here, (position, stream), places, &mut self.refused)?;
        writer.row(&here.bench.row[..self.columns.len()])
    }

    /// All draws are told: what they are worth.
    fn weighed<D: Density>(&mut self, here: &Here<'_, D>) -> Result<(), Error> {
        let lost = self.ratios.iter().filter(|ratio| !ratio.is_finite()).count();
        let rows = self.ratios.len();
        self.fit.dropped = lost as u64;
        if lost > 0 {
            here.log(Level::Warning, &format!("{lost} of {rows} draws have no finite log density"));
        }
        let Some(psis) = Psis::new(&self.ratios) else {
            if rows == 0 {
                return Ok(());
            }
            let message = format!("none of {rows} draws of the approximation has a finite log density");
            return Err(Error::new(Code::Model, message));
        };
        self.fit.psis = Some((psis.khat, psis.tail));
        self.fit.elbo = Some(Bound::of(self.ratios.iter().copied()).elbo);
        let mut lines = vec![format!("k-hat = {}", shortest(psis.khat))];
        if let Some(warning) = psis.warning("draws") {
            here.log(Level::Warning, &warning);
            lines.push(warning);
        }
        let writer = &mut self.writer;
        lines.iter().try_for_each(|line| writer.as_mut().map_or(Ok(()), |writer| writer.message(line)))
    }
}

/// Why an id has no draws, in words, with the name of the coordinate that is to blame.
fn failed<D: Density>(failure: &LaplaceFailure, here: &Here<'_, D>) -> Error {
    let of = match failure {
        LaplaceFailure::NoHessian { coordinate } => {
            here.run.density.names().get(*coordinate).map(|name| format!(" (coordinate '{name}')"))
        }
        _ => None,
    };
    Error::new(Code::NotConverged, format!("{failure}{}{}", of.unwrap_or_default(), here.words()))
}

impl<D: Density> Service<D> for Normals<'_> {
    type Machine = Laplace;
    type Record = ();

    fn begin(&mut self, here: &mut Here<'_, D>) -> Result<Laplace, Error> {
        here.warm();
        self.place = here.place;
        if let Some(writer) = &mut self.writer {
            writer.names(&self.columns)?;
        }
        let mode = self.mode(here)?;
        Ok(Laplace::new(self.settings.clone(), mode))
    }

    fn go_on(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn event(&mut self, laplace: &mut Laplace, event: Told, here: &mut Here<'_, D>) -> Result<After, Error> {
        match event {
            Told::Fitted => (self.fit.mean, self.fit.sd) = (laplace.mode().to_vec(), laplace.sd()),
            Told::Draw => self.drawn(laplace, here)?,
            Told::Done => {
                self.weighed(here)?;
                return Ok(After::Done);
            }
            Told::Failed(failure) => return Err(failed(&failure, here)),
        }
        Ok(After::GoOn)
    }

    fn look(&mut self, now: Instant) -> Result<(), Error> {
        self.writer.as_mut().map_or(Ok(()), |writer| writer.look(now))
    }

    fn close(&mut self, warn: &dyn Fn(&str)) -> Result<(), Error> {
        if let Some(line) = self.refused.sum("rows of outputs") {
            warn(&line);
        }
        self.writer.as_mut().map_or(Ok(()), |writer| writer.finish())
    }

    fn record(&self) -> Option<&()> {
        None
    }

    fn reopen(&mut self, _: &mut Laplace, (): ()) -> Result<(), Error> {
        Err(Error::new(Code::Checkpoint, "draws at a mode have no checkpoints"))
    }

    fn report(mut self, laplace: Option<&Laplace>, end: End) -> ChainReport {
        self.fit.evaluations = laplace.map_or([0; 2], Laplace::evaluations);
        let rows = if self.writer.is_some() { self.fit.draws } else { 0 };
        self.gathered.put(self.place, self.fit);
        ChainReport { rows, ..ChainReport::of(end) }
    }
}
