//! What the service does with the events of one path.

use super::FIRST_COLUMNS;
use crate::diagnostics::{Psis, WeightTail};
use crate::error::{Code, Error};
use crate::io::{Level, Writer, shortest};
use crate::model::{Density, InitContext};
use crate::optimize::Failure;
use crate::pathfinder::{Found, Path, PathFailure, PathSettings, Waypoint};
use crate::services::approximate::{ApproximationFit, Gathered};
use crate::services::outputs::{Refused, outputs_of_draw};
use crate::services::service::{After, End, Here, Service};
use crate::services::start::{failed_start, given_start};
use crate::services::{ChainReport, Outcome, Progress};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Instant;

/// One path's writers.
pub(super) struct Sinks<'a> {
    pub init: Option<&'a mut dyn Writer>,
    /// Gets the path's own draws.
    pub own: Option<&'a mut dyn Writer>,
}

/// What a path leaves.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Trail {
    /// Rows of output, one per draw, where all paths' draws are written.
    rows: Vec<f64>,
    /// Positions of the draws; none of a path that failed.
    pub positions: Vec<f64>,
    /// Log importance ratios of the draws, where the log density was evaluated.
    pub ratios: Vec<f64>,
    /// What was found.
    pub found: Option<Found>,
    iterations: usize,
    converged: bool,
    psis: Option<(f64, WeightTail)>,
    dropped: u64,
    evaluations: [u64; 2],
}

impl Trail {
    /// The row of draw `draw`, of `width` numbers.
    pub fn row(&self, draw: usize, width: usize) -> &[f64] {
        &self.rows[draw * width..(draw + 1) * width]
    }

    /// Evaluations with gradient, and without.
    pub fn evaluations(&self) -> [u64; 2] {
        self.evaluations
    }

    /// What is said of the path in the end. One that did not finish leaves no draws.
    pub fn reported(&self, chain: &ChainReport) -> ApproximationFit {
        let (khat, tail) = self.psis.unwrap_or((f64::NAN, WeightTail::Few));
        let found = self.found.as_ref();
        let normal = found.filter(|_| chain.outcome == Outcome::Finished).map(|found| &found.normal);
        ApproximationFit {
            id: chain.chain_id,
            outcome: chain.outcome.clone(),
            iterations: self.iterations,
            converged: self.converged,
            elbo: found.map_or(f64::NAN, |found| found.elbo),
            khat,
            tail,
            dropped: self.dropped,
            evaluations: self.evaluations,
            draws: normal.map_or(0, |normal| self.positions.len() / normal.mean().len()),
            mean: normal.map_or(Vec::new(), |normal| normal.mean().to_vec()),
            sd: normal.map_or(Vec::new(), |normal| normal.variances().iter().map(|v| v.sqrt()).collect()),
            seconds: chain.warmup_seconds + chain.sampling_seconds,
        }
    }
}

/// The service of one path.
pub(super) struct Paths<'a> {
    settings: PathSettings,
    columns: Vec<String>,
    /// Whether rows are wanted of all paths.
    joins: bool,
    init: Option<&'a dyn InitContext>,
    sinks: Sinks<'a>,
    gathered: Arc<Gathered<Trail>>,
    trail: Trail,
    place: usize,
    done: bool,
    refused: Refused,
}

impl<'a> Paths<'a> {
    pub fn new(
        settings: PathSettings,
        columns: &[String],
        joins: bool,
        init: Option<&'a dyn InitContext>,
        sinks: Sinks<'a>,
        gathered: &Arc<Gathered<Trail>>,
    ) -> Self {
        Self {
            settings,
            columns: columns.to_vec(),
            joins,
            init,
            sinks,
            gathered: Arc::clone(gathered),
            trail: Trail::default(),
            place: 0,
            done: false,
            refused: Refused::default(),
        }
    }

    fn estimated<D: Density>(
        &self,
        iteration: usize,
        elbo: f64,
        [draws, dropped]: [usize; 2],
        path: &Path,
        here: &Here<'_, D>,
    ) {
        let [gradients, _] = path.evaluations();
        here.show(&Progress { iteration, in_warmup: false, gradients, ..Progress::default() });
        let refresh = here.run.options.refresh;
        if refresh > 0 && iteration.is_multiple_of(refresh) {
            let log_density = path.optimizer().point().log_density;
            let mut line = format!("Iteration {iteration}: log density {log_density:.4}, ELBO {elbo:.4}");
            if dropped > 0 {
                line += &format!("; {dropped} of {draws} draws have no finite log density");
            }
            here.log(Level::Info, &line);
        }
    }

    /// The draws are there: what they are worth.
    fn drawn<D: Density>(&mut self, path: &mut Path, here: &Here<'_, D>) -> Result<(), Error> {
        let ending = path.ending().expect("the optimiser has ended");
        self.trail.converged = ending.is_converged();
        self.trail.found = path.best().cloned();
        if !ending.is_converged() {
            here.log(Level::Warning, &format!("the path ended after {} iterations: {ending}", self.trail.iterations));
        }
        let (draws, _) = path.draws();
        let rows = draws.rows();
        if self.settings.evaluates {
            self.trail.ratios = (0..rows).map(|row| draws.log_ratio(row)).collect();
            let lost = self.trail.ratios.iter().filter(|ratio| !ratio.is_finite()).count();
            self.trail.dropped += lost as u64;
            if lost > 0 {
                here.log(Level::Warning, &format!("{lost} of {rows} draws have no finite log density"));
            }
            let Some(psis) = Psis::new(&self.trail.ratios) else {
                let message = format!("none of {rows} draws of the path's approximation has a finite log density");
                return Err(Error::new(Code::Model, message));
            };
            self.trail.psis = Some((psis.khat, psis.tail));
            if let Some(warning) = psis.warning("draws") {
                here.log(Level::Warning, &warning);
            }
        }
        if here.run.options.refresh > 0 {
            let (iterations, found) = (self.trail.iterations, self.trail.found.as_ref());
            let (best, elbo) = found.map_or((0, f64::NAN), |found| (found.iteration, found.elbo));
            here.log(Level::Info, &format!("{iterations} iterations, the best is {best} with ELBO {elbo:.4}"));
        }
        Ok(())
    }

    fn row<D: Density>(&mut self, row: usize, path: &mut Path, here: &mut Here<'_, D>) -> Result<(), Error> {
        let id = here.id() as f64;
        let (draws, stream) = path.draws();
        self.trail.positions.extend_from_slice(draws.position(row));
        if !self.joins && self.sinks.own.is_none() {
            return Ok(());
        }
        let log_p = if self.settings.evaluates { draws.log_p(row) } else { f64::NAN };
        let width = self.columns.len();
        here.bench.row[..FIRST_COLUMNS.len()].copy_from_slice(&[draws.log_q(row), log_p, id]);
        outputs_of_draw(here, (draws.position(row), stream), FIRST_COLUMNS.len()..width, &mut self.refused)?;
        if let Some(writer) = &mut self.sinks.own {
            writer.row(&here.bench.row[..width])?;
        }
        if self.joins {
            self.trail.rows.extend_from_slice(&here.bench.row[..width]);
        }
        Ok(())
    }
}

impl<D: Density> Service<D> for Paths<'_> {
    type Machine = Path;
    type Record = ();

    fn begin(&mut self, here: &mut Here<'_, D>) -> Result<Path, Error> {
        here.warm();
        self.place = here.place;
        let names = [(&mut self.sinks.init, &here.run.density.names()), (&mut self.sinks.own, &self.columns)];
        for (writer, names) in names {
            writer.as_mut().map_or(Ok(()), |writer| writer.names(names))?;
        }
        Ok(Path::new(self.settings.clone(), given_start(self.init, here)?))
    }

    fn go_on(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn event(&mut self, path: &mut Path, event: Waypoint, here: &mut Here<'_, D>) -> Result<After, Error> {
        self.trail.iterations = path.optimizer().iterations();
        self.trail.evaluations = path.evaluations();
        if !matches!(event, Waypoint::Row(_) | Waypoint::Done) {
            self.trail.dropped = path.dropped();
        }
        match event {
            Waypoint::Initialized => {
                let position = &path.optimizer().point().position;
                self.sinks.init.as_mut().map_or(Ok(()), |writer| writer.row(position))?;
            }
            Waypoint::Nudged => {
                let line = "the gradient at the start is nothing: the path begins anew a little beside it";
                here.log(Level::Info, line);
            }
            Waypoint::Estimated { iteration, elbo, draws, dropped } => {
                self.estimated(iteration, elbo, [draws, dropped], path, here);
            }
            Waypoint::Unfit { .. } => {}
            Waypoint::Drawn => self.drawn(path, here)?,
            Waypoint::Row(row) => self.row(row, path, here)?,
            Waypoint::Done => {
                self.done = true;
                if let (Some(writer), Some((khat, _))) = (&mut self.sinks.own, self.trail.psis) {
                    writer.message(&format!("k-hat = {}", shortest(khat)))?;
                }
                return Ok(After::Done);
            }
            Waypoint::Failed(PathFailure::Start(failure)) => {
                let Failure::InitialValue { reason, .. } = &failure;
                return Err(failed_start(&failure, Some(reason), here));
            }
            Waypoint::Failed(failure) => {
                return Err(Error::new(Code::Model, format!("{failure}{}", here.words())));
            }
        }
        Ok(After::GoOn)
    }

    fn look(&mut self, now: Instant) -> Result<(), Error> {
        self.sinks.own.as_mut().map_or(Ok(()), |writer| writer.look(now))
    }

    fn close(&mut self, warn: &dyn Fn(&str)) -> Result<(), Error> {
        if let Some(line) = self.refused.sum("rows of outputs") {
            warn(&line);
        }
        let mut result = Ok(());
        for writer in [&mut self.sinks.init, &mut self.sinks.own].into_iter().flatten() {
            result = result.and(writer.finish());
        }
        let mut trail = std::mem::take(&mut self.trail);
        if !self.done || result.is_err() {
            // What a path that failed has drawn stands for nothing.
            (trail.positions, trail.ratios, trail.rows) = Default::default();
        }
        self.gathered.put(self.place, trail);
        result
    }

    fn record(&self) -> Option<&()> {
        None
    }

    fn reopen(&mut self, _: &mut Path, (): ()) -> Result<(), Error> {
        Err(Error::new(Code::Checkpoint, "a path has no checkpoints"))
    }

    fn report(self, _: Option<&Path>, end: End) -> ChainReport {
        ChainReport::of(end)
    }
}
