//! What a user asks for. A service reads like a recipe: check, seat, run, report.
//!
//! | room | purpose |
//! | --- | --- |
//! | `seat` | carries any machine through a run: answers, slices, time, failures, checkpoints |
//! | `service` | what a service does with a machine's events |
//! | `run`, `session`, `company`, `rows` | what seats share, their driver, what they do together, what they hand to each other |
//! | `sample`, `generate`, `gradient`, `points`, `page`, `smc`, `optimize`, `laplace`, `pathfinder`, `variational`, `summary` | the services |
//! | `approximate` | what services that draw from an approximation report |
//! | `options`, `io`, `control`, `report`, `clock` | what goes in, what is watched, what comes out |

mod approximate;
mod clock;
mod company;
mod control;
mod filter;
mod generate;
mod gradient;
mod io;
mod keeping;
mod laplace;
mod learn;
mod optimize;
mod options;
mod outputs;
mod page;
mod pathfinder;
mod points;
mod population;
mod report;
mod rows;
mod run;
mod sample;
mod seat;
mod service;
mod session;
mod smc;
mod spread;
mod start;
mod start_gradient;
mod stop;
mod summary;
mod variational;
mod warm_start;

pub use crate::adapt::{Adaptation, WarmupMode};
/// The columns that stand before the outputs in a NUTS run's sample writer; [`Engine::columns`] are those of any engine.
pub use crate::hmc::NUTS_COLUMNS as SAMPLER_COLUMNS;
pub use crate::hmc::{Engine, MetricKind};
pub use approximate::{ApproximationFit, ApproximationReport};
pub use control::{Control, Progress};
pub use filter::{FilterReport, FilterRun, FilterSet, particle_filter};
pub use generate::{GivenDraws, GivenPoint, generate_quantities, quantity_columns};
pub use gradient::{CoordinateCheck, GradientCheck, GradientOptions, diagnose_gradient};
pub use io::{SampleIo, check_length};
pub use laplace::{laplace, laplace_columns};
pub use learn::{Criterion, Design, LearnIo, Learner};
pub use optimize::{Mode, OptimizeReport, OptimizeStart, StartOutcome, optimize, optimize_columns};
pub use options::{
    Choice, FailurePolicy, Given, InitKind, Kind, LaplaceOptions, MAX_DEPTH_LIMIT, OPTIONS, OptimizeOptions, OptionRow,
    OptionSet, PathKind, PathfinderOptions, Preset, Range, SampleOptions, Service, SmcOptions, Value,
    VariationalOptions, names, nearest, similarity,
};
pub use page::{report_files, write_report, write_sets_report};
pub use pathfinder::{pathfinder, pathfinder_columns};
pub use points::log_density;
pub use population::{
    Population, PopulationIo, PopulationOptions, PopulationSpread, StepProgress, TraceFailure, Which,
};
pub use report::{ChainReport, Outcome, SampleReport, StopReason};
pub use sample::{elapsed_lines, engine_columns, sample_columns, sample_fixed_param, sample_hmc_static, sample_nuts};
pub use session::Session;
pub use smc::{SetOutcome, SmcReport, SmcSet, sample_smc, smc_columns};
pub use spread::withdraw;
pub use summary::summarise;
pub use variational::{variational, variational_columns};
pub use warm_start::WarmStart;
