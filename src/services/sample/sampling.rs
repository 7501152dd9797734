//! One chain that samples: its columns, writers, record and start.

use super::watched::Kept;
use crate::error::{Code, Error};
use crate::hmc::{ChainSettings, Engine};
use crate::io::{Level, Writer};
use crate::model::{Density, InitContext, Refusal};
use crate::random::{Purpose, Stream};
use crate::services::SampleOptions;
use crate::services::outputs::Refused;
use crate::services::service::Here;
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

/// Where a chain begins.
pub(super) struct Begin<'a> {
    pub init: Option<&'a dyn InitContext>,
    /// Where `init` is none; empty: it is drawn.
    pub position: Vec<f64>,
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
    begin: Begin<'a>,
    pub(super) sinks: Sinks<'a>,
    pub(super) record: Record,
    /// The columns that are to be looked at, for a chain that has not begun.
    pub(super) kept: Option<Kept>,
    pub(super) max_gradients: u64,
    /// Draws without outputs.
    pub(super) refused: Refused,
}

impl<'a> Sampling<'a> {
    pub(super) fn new(
        columns: Arc<Columns>,
        settings: ChainSettings,
        options: &SampleOptions,
        begin: Begin<'a>,
        sinks: Sinks<'a>,
        kept: Option<Kept>,
    ) -> Self {
        let (thin, save_warmup) = (options.thin, options.save_warmup);
        let record = Record { thin, save_warmup, rows: 0, divergences: 0, saturated: 0 };
        let max_gradients = options.max_gradients;
        Self { columns, settings, begin, sinks, record, kept, max_gradients, refused: Refused::default() }
    }

    /// The start values the model makes of the init context; NaN where they are to be drawn.
    pub(super) fn start<D: Density>(&self, here: &mut Here<'_, D>) -> Result<Vec<f64>, Error> {
        let mut start = vec![f64::NAN; self.settings.dim];
        let Some(init) = self.begin.init else {
            start.iter_mut().zip(&self.begin.position).for_each(|(x, given)| *x = *given);
            return Ok(start);
        };
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
}
