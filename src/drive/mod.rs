//! Who answers a machine's asks: the pool, slices of work, scratch memory of workers, meetings, sums inside a model.
//!
//! Three drivers differ in where the model runs: [`run`] calls it inline on the pool's threads; a [`Desk`] gathers the
//! evaluations of many machines into one call ([`Desk::run`]), or keeps every call on one thread ([`Desk::turn`]). Each of them may
//! be one of several processes that meet through a [`Council`].

mod answer;
mod blocks;
mod desk;
pub mod device;
mod hands;
mod job;
mod map;
mod meet;
#[cfg(feature = "opencl")]
pub mod opencl;
mod pool;
pub mod quiet;
mod ranks;
mod reduce;
mod threads;
mod workers;

pub use answer::{Around, Brought, Evaluations, Pause, advance, evaluate};
pub use blocks::{PolledBlocks, PoolBlocks, on_pool};
pub use desk::Desk;
pub use hands::Hands;
pub use job::{Job, Seated, Slice};
pub use map::map;
pub use meet::{Next, Standing, Together};
pub use pool::{Pool, default_threads};
pub use ranks::{Council, Flags, InProcess, Shared, share};
pub use reduce::PoolReducer;
pub use threads::run;
pub use workers::{Bench, Workers};
