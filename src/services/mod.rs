//! What a user asks for. A service reads like a recipe: check, seat, run, report.
//!
//! | room | purpose |
//! | --- | --- |
//! | `seat` | carries any machine through a run: answers, slices, time, failures, checkpoints |
//! | `service` | what a service does with a machine's events |
//! | `run`, `session`, `company` | what seats share, their driver, what they do together |
//! | `sample`, `generate`, `gradient`, `points`, `page`, `smc`, `summary` | the services |
//! | `options`, `io`, `control`, `report`, `clock` | what goes in, what is watched, what comes out |

mod clock;
mod company;
mod control;
mod filter;
mod generate;
mod gradient;
mod io;
mod keeping;
mod learn;
mod options;
mod outputs;
mod page;
mod points;
mod population;
mod report;
mod run;
mod sample;
mod seat;
mod service;
mod session;
mod smc;
mod summary;
mod warm_start;

pub use crate::adapt::{Adaptation, WarmupMode};
/// The columns that stand before the outputs in a NUTS run's sample writer; [`Engine::columns`] are those of any engine.
pub use crate::hmc::NUTS_COLUMNS as SAMPLER_COLUMNS;
pub use crate::hmc::{Engine, MetricKind};
pub use control::{Control, Progress};
pub use filter::{FilterReport, FilterRun, FilterSet, particle_filter};
pub use generate::{GivenDraws, RowInit, generate_quantities, quantity_columns};
pub use gradient::{CoordinateCheck, GradientCheck, GradientOptions, diagnose_gradient};
pub use io::{SampleIo, check_length};
pub use learn::{Criterion, Design, LearnIo, Learner};
pub use options::{
    Choice, FailurePolicy, Given, Kind, MAX_DEPTH_LIMIT, OPTIONS, OptionRow, OptionSet, PathKind, Preset, Range,
    SampleOptions, Service, SmcOptions, Value, names, nearest, similarity,
};
pub use page::write_report;
pub use points::log_density;
pub use population::{Population, PopulationIo, PopulationOptions, StepProgress, TraceFailure, Which};
pub use report::{ChainReport, Outcome, SampleReport, StopReason};
pub use sample::{elapsed_lines, engine_columns, sample_columns, sample_fixed_param, sample_hmc_static, sample_nuts};
pub use session::Session;
pub use smc::{SetOutcome, SmcReport, SmcSet, sample_smc, smc_columns};
pub use summary::summarise;
pub use warm_start::WarmStart;
