//! Sequential learning over a host's likelihood.

pub mod design;
pub mod device;
pub mod estimates;
pub mod handle;
mod host;
pub mod options;
pub mod prior;
pub mod product;
pub mod read;
pub mod resampler;
pub mod steps;
pub mod table;

pub use handle::catena_updater;
