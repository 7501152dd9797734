//! Who answers a chain's requests: the pool, slices of chains, scratch memory of workers, sums inside a model.
//!
//! Three drivers differ in where the model runs: [`run`] calls it inline on the pool's threads; a [`Desk`] gathers the
//! evaluations of many chains into one call ([`Desk::run`]), or keeps every call on one thread ([`Desk::turn`]).

mod answer;
mod desk;
mod pool;
pub mod quiet;
mod reduce;
mod threads;
mod workers;

pub use answer::{Around, Brought, Evaluations, Pause, advance};
pub use desk::{Desk, Gather, Seated};
pub use pool::{Pool, default_threads};
pub use reduce::PoolReducer;
pub use threads::{Job, Slice, run};
pub use workers::{Bench, Workers};
