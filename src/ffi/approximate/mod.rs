//! Draws from approximations: Pathfinder and variational inference.

pub mod columns;
pub mod laplace;
pub mod result;
pub mod run;

pub use columns::*;
pub use laplace::*;
pub use result::*;
pub use run::*;
