//! Independent sets of weighted traces of a host.

pub mod handle;
mod host;
pub mod read;
pub mod saved;
pub mod sets;
pub mod sinks;
pub mod steps;
pub mod table;
mod trace;
pub mod weights;

pub use handle::catena_population;
