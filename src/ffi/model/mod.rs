//! Models: a host's table as a density, its columns, evaluations outside a run.

mod calls;
mod columns;
mod evaluate;
mod handle;
mod parts;
mod worker;

pub use columns::*;
pub use evaluate::*;
pub use handle::*;
pub use worker::Worker;
