//! What sampling does with its chains' events.

use crate::error::{Code, Error};
use crate::hmc::{Chain, ChainSettings, Engine, Failure, Metric, Request, Start};
use crate::io::{Level, Writer};
use crate::model::{Density, InitContext, Refusal};
use crate::random::{Purpose, Stream};
use crate::services::service::{After, End, Here, Service};
use crate::services::{ChainReport, SampleOptions};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// All columns of a sample writer for this model in a run of `engine`.
pub fn engine_columns<D: Density>(engine: Engine, density: &D) -> Vec<String> {
    engine.columns().iter().map(|s| s.to_string()).chain(density.output_names()).collect()
}

/// The columns of a run's writers.
pub(super) struct Columns {
    pub engine: Engine,
    /// Of the init writers.
    pub names: Vec<String>,
    /// Of the sample writers.
    pub sample: Vec<String>,
    /// Of the diagnostic writers.
    pub diagnostic: Vec<String>,
}

impl Columns {
    pub fn new<D: Density>(engine: Engine, density: &D) -> Self {
        let names = density.names();
        let with = |prefix: &'static str| names.iter().map(move |n| format!("{prefix}{n}"));
        let sampler = engine.columns().iter().map(|s| s.to_string());
        let diagnostic = sampler.chain(with("")).chain(with("p_")).chain(with("g_")).collect();
        Self { engine, sample: engine_columns(engine, density), diagnostic, names }
    }

    /// Length of the longest row.
    pub fn longest(&self) -> usize {
        self.sample.len().max(self.diagnostic.len())
    }
}

/// One chain's writers.
pub(super) struct Sinks<'a> {
    pub init: Option<&'a mut dyn Writer>,
    pub sample: Option<&'a mut dyn Writer>,
    pub diagnostic: Option<&'a mut dyn Writer>,
}

/// What a checkpoint keeps of a chain besides itself.
#[derive(Serialize, Deserialize)]
pub struct Record {
    pub(super) thin: usize,
    pub(super) save_warmup: bool,
    pub(super) rows: usize,
    pub(super) divergences: u64,
    pub(super) saturated: u64,
}

/// The service of one chain that samples.
pub struct Sampling<'a> {
    pub(super) columns: Arc<Columns>,
    pub(super) settings: ChainSettings,
    init: Option<&'a dyn InitContext>,
    pub(super) sinks: Sinks<'a>,
    pub(super) record: Record,
}

impl<'a> Sampling<'a> {
    pub(super) fn new(
        columns: Arc<Columns>,
        settings: ChainSettings,
        options: &SampleOptions,
        init: Option<&'a dyn InitContext>,
        sinks: Sinks<'a>,
    ) -> Self {
        let (thin, save_warmup) = (options.thin, options.save_warmup);
        let record = Record { thin, save_warmup, rows: 0, divergences: 0, saturated: 0 };
        Self { columns, settings, init, sinks, record }
    }

    /// The start values the model makes of the init context; NaN where they are to be drawn.
    fn start<D: Density>(&self, here: &mut Here<'_, D>) -> Result<Vec<f64>, Error> {
        let mut start = vec![f64::NAN; self.settings.dim];
        let Some(init) = self.init else { return Ok(start) };
        match init.position() {
            Some(position) if position.len() == start.len() => start.copy_from_slice(position),
            Some(position) => {
                let expected = format!("a position of {} numbers", start.len());
                return Err(Error::argument("inits", expected, position.len()));
            }
            None => self.initialize(init, here, &mut start)?,
        }
        let unused = init.unused();
        if !unused.is_empty() {
            let line = format!("initial values that the model did not ask for: {}", unused.join(", "));
            here.log(Level::Warning, &line);
        }
        Ok(start)
    }

    fn initialize<D: Density>(
        &self,
        init: &dyn InitContext,
        here: &mut Here<'_, D>,
        start: &mut [f64],
    ) -> Result<(), Error> {
        let mut stream = Stream::new(self.settings.seed, self.settings.chain_id, Purpose::Start);
        here.call(&mut stream, |density, worker, task, _| density.initialize(worker, task, init, start)).map_err(
            |refusal| {
                let verb = if refusal == Refusal::Reject { "refused" } else { "could not use" };
                let words = here.words();
                Error::new(Code::Initialization, format!("the model {verb} the initial values given{words}"))
            },
        )
    }

    fn initialized(&mut self, chain: &Chain) -> Result<(), Error> {
        self.sinks.init.as_mut().map_or(Ok(()), |writer| writer.row(chain.position()))
    }

    fn failure<D: Density>(&self, failure: &Failure, here: &Here<'_, D>) -> Error {
        Error::new(Code::Initialization, format!("{failure}{}", here.words()))
    }
}

impl<D: Density> Service<D> for Sampling<'_> {
    type Machine = Chain;
    type Record = Record;

    fn begin(&mut self, here: &mut Here<'_, D>) -> Result<Chain, Error> {
        let columns = &self.columns;
        let sinks = &mut self.sinks;
        let writers = [
            (&mut sinks.init, &columns.names),
            (&mut sinks.sample, &columns.sample),
            (&mut sinks.diagnostic, &columns.diagnostic),
        ];
        for (writer, names) in writers {
            writer.as_mut().map_or(Ok(()), |writer| writer.names(names))?;
        }
        let start = Start(self.start(here)?);
        let chain = Chain::with_engine(self.settings.clone(), self.columns.engine, start);
        // From here on the metric is the chain's alone.
        self.settings.metric = Metric::unit();
        Ok(chain)
    }

    fn go_on(&mut self) -> Result<(), Error> {
        let (rows, columns) = (self.record.rows, &self.columns);
        for (writer, names) in
            [(&mut self.sinks.sample, &columns.sample), (&mut self.sinks.diagnostic, &columns.diagnostic)]
        {
            writer.as_mut().map_or(Ok(()), |writer| writer.resumed(names, rows))?;
        }
        Ok(())
    }

    fn event(&mut self, chain: &mut Chain, event: Request, here: &mut Here<'_, D>) -> Result<After, Error> {
        match event {
            Request::Evaluate => unreachable!("an ask, not an event"),
            Request::Initialized => self.initialized(chain)?,
            Request::Draw => self.drawn(chain, here)?,
            Request::WarmupDone => {
                here.warm();
                self.adapted(chain)?;
            }
            Request::Done => {
                let (warmup, sampling) = here.seconds();
                self.messages(&super::elapsed_lines(warmup, sampling))?;
                return Ok(After::Done);
            }
            Request::Failed(failure) => return Err(self.failure(&failure, here)),
        }
        Ok(After::GoOn)
    }

    fn close(&mut self) -> Result<(), Error> {
        let sinks = &mut self.sinks;
        let mut result = Ok(());
        for writer in [&mut sinks.init, &mut sinks.sample, &mut sinks.diagnostic].into_iter().flatten() {
            result = result.and(writer.finish());
        }
        result
    }

    fn record(&self) -> Option<&Record> {
        Some(&self.record)
    }

    fn reopen(&mut self, chain: &mut Chain, record: Record) -> Result<(), Error> {
        let misfit = |name: &str, expected: String, got: String| {
            Err(Error::new(Code::Checkpoint, format!("the checkpoint's {name} is {expected}, the run's is {got}")))
        };
        if let Some((name, was, is)) = chain.misfit(self.columns.engine, &self.settings) {
            return misfit(name, was, is);
        }
        let text = |record: &Record| format!("thin {}, save_warmup {}", record.thin, record.save_warmup);
        let (was, is) = (text(&record), text(&self.record));
        if was != is {
            return misfit("output", was, is);
        }
        chain.set_num_samples(self.settings.num_samples);
        self.record = record;
        Ok(())
    }

    fn report(self, chain: Option<&Chain>, end: End) -> ChainReport {
        let metric = chain.map_or(&self.settings.metric, Chain::metric);
        let (warmup_gradients, sampling_gradients) = chain.map_or((0, 0), Chain::evaluations);
        ChainReport {
            iterations: chain.map_or(0, Chain::iterations),
            rows: self.record.rows,
            stepsize: chain.map_or(self.settings.stepsize, Chain::stepsize),
            metric: metric.kind(),
            inv_metric: metric.inverse(),
            warmup_gradients,
            sampling_gradients,
            divergences: self.record.divergences,
            saturated: self.record.saturated,
            ..ChainReport::of(end)
        }
    }
}
