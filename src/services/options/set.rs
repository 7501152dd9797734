//! All options as one value.

use super::preset::{Governed, Preset};
use super::{LaplaceOptions, OptimizeOptions, PathfinderOptions, SampleOptions, SmcOptions, VariationalOptions};
use crate::adapt::Adaptation;
use crate::services::population::PopulationOptions;

/// The options of a run, each to be set and read by its name in [`OPTIONS`](super::OPTIONS). Adaptation's are kept, and checked, while
/// adaptation is off.
#[derive(Debug, Clone, PartialEq)]
pub struct OptionSet {
    /// All options but adaptation's; its `adaptation` means nothing.
    pub(super) sample: SampleOptions,
    pub(super) adaptation: Adaptation,
    pub(super) adapt: bool,
    pub(super) preset: Preset,
    /// The run begins where another ended.
    pub(super) warm_start: bool,
    pub(super) given: Governed,
    /// Its first set's id means nothing: there is one for all.
    pub(super) smc: SmcOptions,
    /// Its seed means nothing: there is one for all.
    pub(super) population: PopulationOptions,
    pub(super) variational: VariationalOptions,
    /// Its optimiser means nothing, that is `optimize`.
    pub(super) pathfinder: PathfinderOptions,
    pub(super) optimize: OptimizeOptions,
    /// Its way to a mode means nothing, that is `optimize`; nor does its `calculate_lp`, for there is one for all.
    pub(super) laplace: LaplaceOptions,
}

impl Default for OptionSet {
    fn default() -> Self {
        let mut set = Self { given: Governed::default(), ..Self::from(&SampleOptions::default()) };
        set.settle();
        set
    }
}

/// All of a program's options are given: no preset changes them.
impl From<&SampleOptions> for OptionSet {
    fn from(options: &SampleOptions) -> Self {
        Self {
            sample: options.clone(),
            adaptation: options.adaptation.unwrap_or_default(),
            adapt: options.adaptation.is_some(),
            preset: Preset::default(),
            warm_start: false,
            given: Governed::ALL,
            smc: SmcOptions::default(),
            population: PopulationOptions::default(),
            variational: VariationalOptions::default(),
            pathfinder: PathfinderOptions::default(),
            optimize: OptimizeOptions::default(),
            laplace: LaplaceOptions::default(),
        }
    }
}

impl OptionSet {
    /// The options as a run takes them.
    pub fn options(&self) -> SampleOptions {
        SampleOptions { adaptation: self.adapt.then_some(self.adaptation), ..self.sample.clone() }
    }

    /// The options as sets of particles take them, whose metric and target no preset changes.
    pub fn options_of_particles(&self) -> SampleOptions {
        self.without_preset().options()
    }

    /// The options of sequential Monte Carlo alone.
    pub fn smc(&self) -> SmcOptions {
        SmcOptions { init_set_id: self.population.init_set_id, ..self.smc.clone() }
    }

    /// The same options of other runs, with these of sequential Monte Carlo.
    pub fn with_smc(self, smc: &SmcOptions) -> Self {
        let population = PopulationOptions { init_set_id: smc.init_set_id, ..self.population };
        Self { smc: smc.clone(), population, ..self }
    }

    /// The options of variational approximations alone.
    pub fn variational(&self) -> VariationalOptions {
        self.variational
    }

    /// The same options of other runs, with these of variational approximations.
    pub fn with_variational(self, variational: &VariationalOptions) -> Self {
        Self { variational: *variational, ..self }
    }

    /// The options of Pathfinder alone.
    pub fn pathfinder(&self) -> PathfinderOptions {
        PathfinderOptions { lbfgs: self.optimize, ..self.pathfinder }
    }

    /// The same options of other runs, with these of Pathfinder.
    pub fn with_pathfinder(self, pathfinder: &PathfinderOptions) -> Self {
        Self { pathfinder: *pathfinder, optimize: pathfinder.lbfgs, ..self }
    }

    /// The options of finding modes alone.
    pub fn optimize(&self) -> OptimizeOptions {
        self.optimize
    }

    /// The same options of other runs, with these of finding modes.
    pub fn with_optimize(self, optimize: &OptimizeOptions) -> Self {
        Self { optimize: *optimize, ..self }
    }

    /// The options of normal distributions at modes alone.
    pub fn laplace(&self) -> LaplaceOptions {
        LaplaceOptions { calculate_lp: self.pathfinder.calculate_lp, mode: self.optimize, ..self.laplace }
    }

    /// The same options of other runs, with these of normal distributions at modes.
    pub fn with_laplace(self, laplace: &LaplaceOptions) -> Self {
        let pathfinder = PathfinderOptions { calculate_lp: laplace.calculate_lp, ..self.pathfinder };
        Self { optimize: laplace.mode, laplace: *laplace, pathfinder, ..self }
    }

    /// The options as a population takes them.
    pub fn population(&self) -> PopulationOptions {
        PopulationOptions { seed: self.sample.seed, ..self.population.clone() }
    }
}
