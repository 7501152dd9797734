//! Pathfinder: normal distributions along the path of an optimiser, of which the one nearest to the density is drawn from
//! (Zhang, Carpenter, Gelman and Vehtari 2022, "Pathfinder: parallel quasi-Newton variational inference").

mod covariance;
mod path;

pub use covariance::PathNormal;
pub(crate) use path::STEPS_PER_HISTORY;
pub use path::{Found, Path, PathFailure, PathSettings, Waypoint};
