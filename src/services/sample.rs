use super::{SampleOptions, SampleReport};
use crate::error::Error;
use crate::io::{Interrupt, Logger, Writer};
use crate::model::{Density, InitContext};

/// The columns that stand before the outputs in a sample writer, as in Stan.
pub const SAMPLER_COLUMNS: [&str; 7] =
    ["lp__", "accept_stat__", "stepsize__", "treedepth__", "n_leapfrog__", "divergent__", "energy__"];

/// Everything a run borrows from its host. Each list is empty or has one entry per chain.
pub struct SampleIo<'a> {
    /// Initial values; empty: all drawn.
    pub inits: Vec<&'a dyn InitContext>,
    /// Initial inverse metrics: `dim` (diag) or `dim`² (dense) numbers each; empty: the identity.
    pub inv_metrics: Vec<&'a [f64]>,
    /// Get the initial unconstrained values: names, one row.
    pub init_writers: Vec<&'a mut dyn Writer>,
    /// Get the draws: [`SAMPLER_COLUMNS`], then the outputs.
    pub sample_writers: Vec<&'a mut dyn Writer>,
    /// Get [`SAMPLER_COLUMNS`], position, momentum `p_…` and gradient `g_…` of each kept draw.
    pub diagnostic_writers: Vec<&'a mut dyn Writer>,
    /// Chains to go on with, from [`super::ChainReport::checkpoint`]; an empty slice starts that chain anew.
    pub checkpoints: Vec<&'a [u8]>,
    /// Gets progress and warnings.
    pub logger: &'a dyn Logger,
    /// Ends the run early.
    pub interrupt: &'a dyn Interrupt,
}

/// All columns of a sample writer for this model.
pub fn sample_columns<D: Density>(density: &D) -> Vec<String> {
    SAMPLER_COLUMNS.iter().map(|s| s.to_string()).chain(density.output_names()).collect()
}

/// Runs NUTS chains over one shared model.
pub fn sample_nuts<D: Density>(density: &D, options: &SampleOptions, io: SampleIo<'_>) -> Result<SampleReport, Error> {
    options.validate()?;
    let _ = (density, io.logger);
    Err(Error::new(crate::Code::Internal, "not yet connected"))
}
