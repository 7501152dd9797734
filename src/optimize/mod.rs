//! Modes of a log density: L-BFGS, BFGS and Newton with a strong-Wolfe line search, as a state machine; and the normal
//! distribution at a mode, as another.
//!
//! Nothing here calls a model. An [`Optimizer`] asks for evaluations and tells of each point that it passes, so that who
//! owns one may follow its path: [`Optimizer::point`] and [`Optimizer::pairs`].

mod convergence;
mod dense;
mod hessian;
mod laplace;
mod line_search;
mod machine;
mod memory;
mod optimizer;
mod pairs;
mod settings;
mod talk;
mod vectors;

pub use hessian::{Curvature, Differences, Eigen};
pub use laplace::{Laplace, LaplaceFailure, LaplaceSettings, Told};
pub use optimizer::Optimizer;
pub use pairs::Pairs;
pub use settings::{Algorithm, OptimizerSettings, Tolerances};
pub use talk::{Convergence, Ending, Failure, Passed, Point, Stuck};
pub use vectors::{dot, norm};
