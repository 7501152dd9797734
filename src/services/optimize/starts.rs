//! What the service does with the events of one start.

use crate::error::{Code, Error};
use crate::io::{Level, Writer, significant};
use crate::model::{Density, InitContext};
use crate::optimize::{Ending, Failure, Optimizer, OptimizerSettings, Passed, norm};
use crate::random::{Purpose, Stream};
use crate::services::approximate::Gathered;
use crate::services::outputs::{Refused, outputs_of_draw};
use crate::services::service::{After, End, Here, Service};
use crate::services::start::{failed_start, given_start};
use crate::services::{ChainReport, Progress};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Instant;

/// Digits of the numbers in lines of progress.
const DIGITS: u32 = 6;
/// What is said of a start that was a stationary point already.
const AT_REST: &str = "the gradient at the initial values is nothing: they may be a saddle as well as a mode; 'jitter' \
                       begins a little beside them";

/// One start's writers.
pub(super) struct Sinks<'a> {
    pub init: Option<&'a mut dyn Writer>,
    pub sample: Option<&'a mut dyn Writer>,
}

/// What a start leaves for the report.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Ends {
    /// `None`: it was stopped, or failed.
    pub ending: Option<Ending>,
    pub iterations: usize,
    pub evaluations: u64,
    /// NaN before the initial values are found.
    pub log_density: Option<f64>,
    pub position: Vec<f64>,
    /// The model's outputs there; empty of a start that has not ended.
    pub outputs: Vec<f64>,
    pub rows: usize,
}

/// The service of one start.
pub(super) struct Starts<'a> {
    settings: OptimizerSettings,
    saves: bool,
    columns: Vec<String>,
    init: Option<&'a dyn InitContext>,
    sinks: Sinks<'a>,
    gathered: Arc<Gathered<Ends>>,
    ends: Ends,
    place: usize,
    outputs_stream: Stream,
    refused: Refused,
}

impl<'a> Starts<'a> {
    pub fn new(
        settings: OptimizerSettings,
        saves: bool,
        columns: &[String],
        init: Option<&'a dyn InitContext>,
        sinks: Sinks<'a>,
        gathered: &Arc<Gathered<Ends>>,
    ) -> Self {
        Self {
            outputs_stream: Stream::new(settings.seed, settings.id, Purpose::Outputs),
            settings,
            saves,
            columns: columns.to_vec(),
            init,
            sinks,
            gathered: Arc::clone(gathered),
            ends: Ends::default(),
            place: 0,
            refused: Refused::default(),
        }
    }

    /// The row of the point passed last, into the bench's row.
    fn row<D: Density>(&mut self, optimizer: &Optimizer, here: &mut Here<'_, D>) -> Result<(), Error> {
        let point = optimizer.point();
        here.bench.row[0] = point.log_density;
        let draw = (&point.position[..], &mut self.outputs_stream);
        outputs_of_draw(here, draw, 1..self.columns.len(), &mut self.refused)
    }

    /// Writes the point passed last.
    fn write<D: Density>(&mut self, optimizer: &Optimizer, here: &mut Here<'_, D>) -> Result<(), Error> {
        if self.sinks.sample.is_none() {
            return Ok(());
        }
        self.row(optimizer, here)?;
        if let Some(writer) = &mut self.sinks.sample {
            writer.row(&here.bench.row[..self.columns.len()])?;
            self.ends.rows += 1;
        }
        Ok(())
    }

    fn passed<D: Density>(&mut self, optimizer: &Optimizer, here: &mut Here<'_, D>) -> Result<(), Error> {
        let (iteration, point) = (optimizer.iterations(), optimizer.point());
        here.show(&Progress { iteration, in_warmup: false, gradients: optimizer.evaluations(), ..Progress::default() });
        let refresh = here.run.options.refresh;
        if refresh > 0 && (iteration <= 1 || iteration.is_multiple_of(refresh)) {
            let digits = |x: f64| significant(x, DIGITS);
            let (lp, gradient) = (digits(point.log_density), digits(norm(&point.gradient)));
            let step = digits(norm(optimizer.last_pair().0));
            let evaluations = optimizer.evaluations();
            here.log(
                Level::Info,
                &format!(
                    "Iteration {iteration}: log density {lp}, |step| {step}, |gradient| {gradient}, {evaluations} evaluations"
                ),
            );
        }
        if self.saves { self.write(optimizer, here) } else { Ok(()) }
    }

    fn ended<D: Density>(
        &mut self,
        optimizer: &Optimizer,
        ending: Ending,
        here: &mut Here<'_, D>,
    ) -> Result<(), Error> {
        self.row(optimizer, here)?;
        self.ends.outputs = here.bench.row[1..self.columns.len()].to_vec();
        if !self.saves {
            self.write_again(here)?;
        }
        self.ends.ending = Some(ending);
        let (iterations, evaluations) = (optimizer.iterations(), optimizer.evaluations());
        let what = format!("start {}, iteration {iterations} ({evaluations} evaluations)", here.id());
        let words = if ending.is_converged() { String::new() } else { here.words() };
        let level = if ending.is_converged() { Level::Info } else { Level::Warning };
        here.log(level, &format!("{what}: {ending}{words}"));
        if iterations == 0 && ending.is_converged() {
            here.log(Level::Warning, AT_REST);
        }
        Ok(())
    }

    /// Writes the row that stands in the bench's.
    fn write_again<D: Density>(&mut self, here: &mut Here<'_, D>) -> Result<(), Error> {
        let Some(writer) = &mut self.sinks.sample else { return Ok(()) };
        self.ends.rows += 1;
        writer.row(&here.bench.row[..self.columns.len()])
    }
}

impl<D: Density> Service<D> for Starts<'_> {
    type Machine = Optimizer;
    type Record = ();

    fn begin(&mut self, here: &mut Here<'_, D>) -> Result<Optimizer, Error> {
        here.warm();
        self.place = here.place;
        let names = [(&mut self.sinks.init, &here.run.density.names()), (&mut self.sinks.sample, &self.columns)];
        for (writer, names) in names {
            writer.as_mut().map_or(Ok(()), |writer| writer.names(names))?;
        }
        Ok(Optimizer::new(self.settings.clone(), given_start(self.init, here)?))
    }

    fn go_on(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn event(&mut self, optimizer: &mut Optimizer, event: Passed, here: &mut Here<'_, D>) -> Result<After, Error> {
        match event {
            Passed::Initial => {
                self.sinks.init.as_mut().map_or(Ok(()), |writer| writer.row(&optimizer.point().position))?;
                self.passed(optimizer, here)?;
            }
            Passed::Iteration => self.passed(optimizer, here)?,
            Passed::Ended(ending) => {
                self.ended(optimizer, ending, here)?;
                return Ok(After::Done);
            }
            Passed::Failed(failure) => {
                let Failure::InitialValue { reason, .. } = &failure;
                return Err(failed_start(&failure, Some(reason), here));
            }
        }
        Ok(After::GoOn)
    }

    fn look(&mut self, now: Instant) -> Result<(), Error> {
        self.sinks.sample.as_mut().map_or(Ok(()), |writer| writer.look(now))
    }

    fn close(&mut self, warn: &dyn Fn(&str)) -> Result<(), Error> {
        if let Some(line) = self.refused.sum("rows of outputs") {
            warn(&line);
        }
        let mut result = Ok(());
        for writer in [&mut self.sinks.init, &mut self.sinks.sample].into_iter().flatten() {
            result = result.and(writer.finish());
        }
        result
    }

    fn record(&self) -> Option<&()> {
        None
    }

    fn reopen(&mut self, _: &mut Optimizer, (): ()) -> Result<(), Error> {
        Err(Error::new(Code::Checkpoint, "optimisers have no checkpoints"))
    }

    fn report(mut self, optimizer: Option<&Optimizer>, end: End) -> ChainReport {
        if let Some(optimizer) = optimizer {
            let point = optimizer.point();
            self.ends.iterations = optimizer.iterations();
            self.ends.evaluations = optimizer.evaluations();
            self.ends.log_density = Some(point.log_density).filter(|value| !value.is_nan());
            self.ends.position.clone_from(&point.position);
        }
        let rows = self.ends.rows;
        self.gathered.put(self.place, self.ends);
        ChainReport { rows, ..ChainReport::of(end) }
    }
}
