//! Hamiltonian Monte Carlo: phase points, leapfrog passes, trajectories, and the chain as a state machine.
//!
//! Nothing here calls a model. A [`Chain`] is a plain value: [`Chain::resume`] takes the reply to its last request and
//! returns the next one, so a driver decides where and when the model runs, and a chain can be written to bytes after
//! any evaluation ([`Chain::to_bytes`]) and go on elsewhere with the same bits.

mod chain;
mod engine;
mod exp;
mod kernel;
mod kernels;
mod low_rank;
mod metric;
mod rows;
mod slots;
mod trajectory;

pub use crate::adapt::MetricKind;
pub use crate::model::Reply;
pub use chain::{Chain, ChainSettings, Failure, Request, Start, Transition};
pub use engine::{Engine, NUTS_COLUMNS};
pub use kernel::{Kernel, POINTS};
pub use metric::Metric;
