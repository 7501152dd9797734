//! Particle filters over a host's state-space model.

mod host;
pub mod options;
pub mod read;
pub mod run;
pub mod table;

pub use run::catena_filter;
