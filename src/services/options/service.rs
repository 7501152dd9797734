//! The services that take options.

/// What a user asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// [`sample_nuts`](crate::services::sample_nuts)
    Nuts,
    /// [`sample_hmc_static`](crate::services::sample_hmc_static)
    Static,
    /// [`sample_fixed_param`](crate::services::sample_fixed_param)
    FixedParam,
    /// [`generate_quantities`](crate::services::generate_quantities)
    GenerateQuantities,
    /// [`diagnose_gradient`](crate::services::diagnose_gradient)
    Diagnose,
    /// [`log_density`](crate::services::log_density), which takes no options
    LogDensity,
    /// [`Population`](crate::services::Population)
    Population,
    /// [`sample_smc`](crate::services::sample_smc)
    Smc,
    /// [`pathfinder`](crate::services::pathfinder)
    Pathfinder,
    /// [`variational`](crate::services::variational)
    Variational,
    /// [`optimize`](crate::services::optimize)
    Optimize,
    /// [`laplace`](crate::services::laplace)
    Laplace,
}

use Service::{
    Diagnose, FixedParam, GenerateQuantities, Laplace, Nuts, Optimize, Pathfinder, Population, Smc, Static, Variational,
};

impl Service {
    /// Every service.
    pub fn all() -> [Self; 12] {
        [
            Nuts,
            Static,
            FixedParam,
            GenerateQuantities,
            Diagnose,
            Self::LogDensity,
            Population,
            Smc,
            Pathfinder,
            Variational,
            Optimize,
            Laplace,
        ]
    }

    /// `nuts`, `static`, `fixed_param`, `generate_quantities`, `diagnose`, `log_density`, `population`, `smc`, `pathfinder`,
    /// `variational`, `optimize` or `laplace`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nuts => "nuts",
            Self::Static => "static",
            Self::FixedParam => "fixed_param",
            Self::GenerateQuantities => "generate_quantities",
            Self::Diagnose => "diagnose",
            Self::LogDensity => "log_density",
            Self::Population => "population",
            Self::Smc => "smc",
            Self::Pathfinder => "pathfinder",
            Self::Variational => "variational",
            Self::Optimize => "optimize",
            Self::Laplace => "laplace",
        }
    }

    /// What it does.
    pub fn help(self) -> &'static str {
        match self {
            Self::Nuts => "draws by the no-U-turn sampler",
            Self::Static => "draws by static Hamiltonian Monte Carlo",
            Self::FixedParam => "generated quantities at initial values that stay",
            Self::GenerateQuantities => "generated quantities anew for draws made before",
            Self::Diagnose => "the gradient against finite differences",
            Self::LogDensity => "log density and gradient at given points",
            Self::Population => "independent sets of weighted traces",
            Self::Smc => "weighted draws and the evidence by sequential Monte Carlo",
            Self::Pathfinder => "draws from normal distributions along the paths of an optimiser",
            Self::Variational => "draws from a normal distribution fitted by climbing the evidence lower bound",
            Self::Optimize => "modes, from many starts",
            Self::Laplace => "draws from normal distributions at modes",
        }
    }
}
