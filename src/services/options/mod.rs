//! Options of a run. A new one is a field with its default here (or in [`Adaptation`]) and a row in `table.rs`: validation,
//! the command line, the C ABI's options by name, `bindings/abi.json`, R, Julia, C++ and `docs/options.md` go by the rows.

mod approximate;
mod by_name;
mod field;
mod modes;
mod near;
mod preset;
mod service;
mod set;
mod settle;
mod smc;
mod table;
mod value;

pub use approximate::{PathfinderOptions, VariationalOptions};
pub use modes::{LaplaceOptions, OptimizeOptions};
pub use near::{nearest, similarity};
use preset::Tuning;

pub use preset::Preset;
pub use service::Service;
pub use set::OptionSet;
pub use smc::{PathKind, SmcOptions};
pub use table::{OPTIONS, OptionRow};
pub use value::{Choice, Given, Kind, Range, Value, names};

use crate::adapt::Adaptation;
use crate::error::Error;
use crate::hmc::MetricKind;
use std::time::Duration;

/// What one chain's failure does to the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum FailurePolicy {
    /// The failed chain stops alone; the others go on.
    StopChain = 0,
    /// Every chain stops; what all of them drew is kept.
    StopRun = 1,
}

/// Where chains begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum InitKind {
    /// At what the init context gives; the rest is drawn.
    Given = 0,
    /// At a draw of a path of Pathfinder that begins there, with its covariance as first metric.
    Pathfinder = 1,
}

/// Options of a sampling run. The defaults are those of [`Preset::Catena`]; [`SampleOptions::stan`] has Stan's. A program
/// that names one of Stan's metrics begins with those: `SampleOptions { metric: MetricKind::Dense, ..SampleOptions::stan() }`.
#[derive(Debug, Clone, PartialEq)]
pub struct SampleOptions {
    /// Number of chains, at least 1. Default 4.
    pub num_chains: usize,
    /// Id of the first chain, at least 1; chain i of the run has id `init_chain_id + i`. Default 1.
    pub init_chain_id: u64,
    /// Seed of all streams. Default 0.
    pub seed: u64,
    /// Warm-up iterations. Default 200; Stan's is 1000.
    pub num_warmup: usize,
    /// Iterations after warm-up. Default 1000.
    pub num_samples: usize,
    /// Keep every `thin`-th iteration, counted from 0 separately in warm-up and sampling; at least 1. Default 1.
    pub thin: usize,
    /// Write the warm-up iterations too. Default false.
    pub save_warmup: bool,
    /// Log progress every so many iterations of a chain; 0 never. Default 100.
    pub refresh: usize,
    /// Initial values not given are uniform on (-radius, radius); at least 0, finite. Default 2.
    pub init_radius: f64,
    /// Where chains begin. Default: at what the init context gives.
    pub init_from: InitKind,
    /// Compare the gradient with finite differences where each chain begins, and fail the chain where it is wrong: twice as many
    /// evaluations of the log density as there are coordinates, at most 128, which count as no gradients. Draws keep their
    /// bits. Default false; true for models that are functions of R, Julia, Python or C++.
    pub check_gradient: bool,
    /// The metric. Default auto; Stan's is the diagonal.
    pub metric: MetricKind,
    /// Step size before adaptation, > 0, finite. Default 1.
    pub stepsize: f64,
    /// Each transition's step size is uniform within this fraction of the nominal one, in [0, 1]. Default 0.
    pub stepsize_jitter: f64,
    /// Most doublings of a NUTS trajectory, 1 to 20. Default 10.
    pub max_depth: u32,
    /// Integration time of a static trajectory, > 0, finite. Default 2π.
    pub int_time: f64,
    /// Energy error above which a trajectory counts as divergent, > 0. Default 1000.
    pub max_energy_error: f64,
    /// Adaptation in warm-up; `None` keeps the step size and metric given. Default: that of [`Adaptation`].
    pub adaptation: Option<Adaptation>,
    /// Threads of the pool; 0: the cores available to the process, cgroup limits included. Default 0.
    pub num_threads: usize,
    /// What a chain's failure does to the others. Default: it stops alone.
    pub on_failure: FailurePolicy,
    /// Stop each chain, resumably, after so many gradient evaluations in this call; 0: no limit. Default 0.
    pub max_evaluations: u64,
    /// Stop once the smallest effective sample size, bulk and tail, of [`Self::until_columns`] over all chains is at least
    /// this; 0: don't. Chains are looked at after [`FIRST_LOOK`](crate::adapt::FIRST_LOOK) kept draws each, then after a
    /// quarter more each time, and their draws then depend on which chains the run has, not on threads. Default 0.
    pub until_ess: f64,
    /// Stop once no R-hat is above this, and `until_ess` is reached where it is set too; 0: don't. Above 1. Default 0.
    pub until_rhat: f64,
    /// Columns, or variables with all of their elements, that `until_ess` and `until_rhat` look at. Default: empty, for `lp__`
    /// and all outputs.
    pub until_columns: Vec<String>,
    /// Stop the run, resumably, once it has taken so long; zero: don't. Default 0.
    pub max_seconds: Duration,
    /// End each chain with the iteration in which it has used so many gradients, warm-up included; 0: don't. Default 0.
    pub max_gradients: u64,
    /// Evaluate up to so many chains in one call of the model's batch function; 0: each by itself. Default 0.
    pub batch_size: usize,
    /// Longest time an evaluation waits for others to join its batch while their chains still compute. A batch that is
    /// full, or that no chain is left to join, never waits. Default 1 ms.
    pub batch_wait: Duration,
}

impl Default for SampleOptions {
    fn default() -> Self {
        Self::of(Preset::default())
    }
}

impl SampleOptions {
    /// Stan's defaults: those of [`Preset::Stan`].
    pub fn stan() -> Self {
        Self::of(Preset::Stan)
    }

    /// The defaults of a preset.
    pub fn of(preset: Preset) -> Self {
        let Tuning { metric, num_warmup, delta, raise_delta } = preset.tuning();
        Self {
            num_chains: 4,
            init_chain_id: 1,
            seed: 0,
            num_warmup,
            num_samples: 1000,
            thin: 1,
            save_warmup: false,
            refresh: 100,
            init_radius: 2.0,
            init_from: InitKind::Given,
            check_gradient: false,
            metric,
            stepsize: 1.0,
            stepsize_jitter: 0.0,
            max_depth: 10,
            int_time: std::f64::consts::TAU,
            max_energy_error: 1000.0,
            adaptation: Some(Adaptation { delta, raise_delta, ..Adaptation::default() }),
            num_threads: 0,
            on_failure: FailurePolicy::StopChain,
            max_evaluations: 0,
            until_ess: 0.0,
            until_rhat: 0.0,
            until_columns: Vec::new(),
            max_seconds: Duration::ZERO,
            max_gradients: 0,
            batch_size: 0,
            batch_wait: Duration::from_millis(1),
        }
    }
}

/// Largest trajectory depth accepted: 2^20 gradients for one draw is beyond any use.
pub const MAX_DEPTH_LIMIT: u32 = 20;

impl SampleOptions {
    /// Number of rows each sample writer receives when the run ends undisturbed.
    pub fn rows(&self) -> usize {
        let kept = |n: usize| n.div_ceil(self.thin.max(1));
        kept(self.num_samples) + if self.save_warmup { kept(self.num_warmup) } else { 0 }
    }

    /// Checks every option; the error names the first bad one.
    ///
    /// # Errors
    /// A value outside its range in [`OPTIONS`], or chains whose ids would go beyond 2^63 - 1.
    pub fn validate(&self) -> Result<(), Error> {
        OptionSet::from(self).validate()
    }
}
