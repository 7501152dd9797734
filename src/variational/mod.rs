//! Variational inference: a normal distribution fitted to a log density by climbing the evidence lower bound.
//!
//! [`Advi`] is automatic differentiation variational inference (Kucukelbir, Tran, Ranganath, Gelman and Blei 2017) as a
//! machine. [`Draws`] serve every approximation that is judged by its draws.

mod advi;
mod ascent;
mod average;
mod draws;
mod family;
mod natural;
mod start;

pub use advi::{Advi, AdviSettings, Ended, Happening, VariationalFailure};
pub use ascent::{Change, STEP_SIZES};
pub use draws::{Bound, Draws, LOG_2_PI};
pub use family::{Approximation, Family};
