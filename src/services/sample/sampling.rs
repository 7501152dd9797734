//! One chain that samples: its columns, writers, record and start.

use super::watched::Kept;
use crate::hmc::{ChainSettings, Engine};
use crate::io::Writer;
use crate::model::{Density, InitContext};
use crate::services::SampleOptions;
use crate::services::outputs::Refused;
use crate::services::pathfinder::Begun;
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
    pub(super) init: Option<&'a dyn InitContext>,
    /// What Pathfinder found for the chain.
    pub(super) begun: Option<Begun>,
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
        init: Option<&'a dyn InitContext>,
        sinks: Sinks<'a>,
        kept: Option<Kept>,
    ) -> Self {
        let (thin, save_warmup) = (options.thin, options.save_warmup);
        let record = Record { thin, save_warmup, rows: 0, divergences: 0, saturated: 0 };
        let max_gradients = options.max_gradients;
        Self { columns, settings, init, begun: None, sinks, record, kept, max_gradients, refused: Refused::default() }
    }
    /// The same chain, which begins where its path led.
    pub(super) fn begun_at(self, begun: Option<Begun>) -> Self {
        Self { begun, ..self }
    }
}
