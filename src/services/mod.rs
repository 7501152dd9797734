//! What a user asks for: sampling over many chains, with its options, inputs and outputs.

mod control;
mod gather;
mod options;
mod report;
mod sample;
mod seat;
mod session;

pub use crate::adapt::Adaptation;
pub use crate::hmc::MetricKind;
pub use control::{Control, Progress};
pub use options::{FailurePolicy, SampleOptions};
pub use report::{ChainReport, Outcome, SampleReport};
pub use sample::{SAMPLER_COLUMNS, SampleIo, check_length, sample_columns, sample_nuts};
pub use session::Session;
