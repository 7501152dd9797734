//! What a run borrows from its host.

use super::warm_start::WarmStart;
use crate::drive::Pool;
use crate::error::Error;
use crate::io::{Interrupt, Keeper, Logger, Never, Silent, Writer};
use crate::model::{Communicator, InitContext};
use std::sync::Arc;

/// Everything a run borrows from its host. Each list is empty or has one entry per chain.
pub struct SampleIo<'a> {
    /// Initial values; empty: all drawn.
    pub inits: Vec<&'a dyn InitContext>,
    /// Initial inverse metrics: `dim` (diag) or `dim`² (dense) numbers each; empty: the identity.
    pub inv_metrics: Vec<&'a [f64]>,
    /// Ends of another run's chains, where these begin: with their positions (where `inits` is empty), metrics (where
    /// `inv_metrics` is) and step sizes (where `stepsize` is at its default). A warm-up of fewer than 100 iterations leaves
    /// the metric as it is. Chains take the entries in turn, so that there may be more or fewer of them; a `None` begins without.
    pub from: Vec<Option<WarmStart>>,
    /// Get the initial unconstrained values: names, one row.
    pub init_writers: Vec<&'a mut dyn Writer>,
    /// Get the draws: the engine's columns ([`Engine::columns`](crate::hmc::Engine::columns)), then the outputs. Stan's adaptation lines come as messages after warm-up, the
    /// elapsed times at the end.
    pub sample_writers: Vec<&'a mut dyn Writer>,
    /// Get the engine's columns, then position, momentum `p_…` and gradient `g_…` of each kept draw. As in Stan, `g_` is
    /// the gradient of the potential, the negative log density.
    pub diagnostic_writers: Vec<&'a mut dyn Writer>,
    /// Chains to go on with, from [`ChainReport::checkpoint`](super::ChainReport::checkpoint); an empty slice starts that chain anew.
    pub checkpoints: Vec<&'a [u8]>,
    /// Gets progress and warnings.
    pub logger: &'a dyn Logger,
    /// Ends the run early.
    pub interrupt: &'a dyn Interrupt,
    /// Keeps the chains while they run; `None`: nobody does.
    pub keeper: Option<&'a dyn Keeper>,
    /// The pool to run on, shared with other runs; `None`: one of its own, of `num_threads` threads.
    pub pool: Option<Arc<Pool>>,
    /// The processes that the run is spread over, each of which makes the same call and runs a block of the chains, as
    /// [`share`](crate::drive::share) says; `None`: this one runs all. The lists above are those of all chains on each of
    /// them; what belongs to a chain of another process is not touched there, but for writers that hold their rows in memory
    /// ([`Writer::held`]), which get them in the end.
    pub communicator: Option<&'a dyn Communicator>,
}

impl Default for SampleIo<'_> {
    /// Gives nothing and takes nothing: all values drawn, no output, no log, no interrupt.
    fn default() -> Self {
        Self {
            inits: Vec::new(),
            inv_metrics: Vec::new(),
            from: Vec::new(),
            init_writers: Vec::new(),
            sample_writers: Vec::new(),
            diagnostic_writers: Vec::new(),
            checkpoints: Vec::new(),
            logger: &Silent,
            interrupt: &Never,
            keeper: None,
            pool: None,
            communicator: None,
        }
    }
}

/// A list given for all chains must be empty or have one entry per chain.
pub fn check_length(name: &str, length: usize, num_chains: usize) -> Result<(), Error> {
    if length == 0 || length == num_chains {
        return Ok(());
    }
    Err(Error::argument(name, format!("0 or {num_chains} entries, one per chain"), length))
}
