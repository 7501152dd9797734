//! Who answers a chain's requests: the pool, slices of chains, scratch memory of workers, sums inside a model.

mod answer;
mod pool;
pub mod quiet;
mod reduce;
mod threads;
mod workers;

pub use answer::{Pause, advance};
pub use pool::{Pool, default_threads};
pub use reduce::PoolReducer;
pub use threads::{Job, Slice, run};
pub use workers::{Bench, Workers};
