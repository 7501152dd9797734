//! What a user asks for: sampling over many chains, with its options, inputs and outputs.

mod clock;
mod control;
mod draws;
mod gather;
mod generate;
mod gradient;
mod options;
mod points;
mod report;
mod sample;
mod seat;
mod session;

pub use crate::adapt::Adaptation;
/// The columns that stand before the outputs in a NUTS run's sample writer; [`Engine::columns`] are those of any engine.
pub use crate::hmc::NUTS_COLUMNS as SAMPLER_COLUMNS;
pub use crate::hmc::{Engine, MetricKind};
pub use control::{Control, Progress};
pub use draws::GivenDraws;
pub use generate::{generate_quantities, quantity_columns};
pub use gradient::{CoordinateCheck, GradientCheck, GradientOptions, diagnose_gradient};
pub use options::{
    Choice, FailurePolicy, Given, Kind, MAX_DEPTH_LIMIT, OPTIONS, OptionRow, OptionSet, Range, SampleOptions, Service,
    Value, nearest, similarity,
};
pub use points::log_density;
pub use report::{ChainReport, Outcome, SampleReport};
pub use sample::{
    SampleIo, check_length, engine_columns, sample_columns, sample_fixed_param, sample_hmc_static, sample_nuts,
};
pub use seat::elapsed_lines;
pub use session::Session;
