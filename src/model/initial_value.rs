//! Initial points: those coordinates that are not given are drawn, until the model has a density there.

use super::{is_unwritten, unwritten};
use crate::random::Stream;
use serde::{Deserialize, Serialize};

/// Tries of random initial values before a machine gives up (Stan's number).
pub const INIT_TRIES: u32 = 100;

/// What was wrong with an initial value.
#[derive(Debug, Clone, PartialEq, thiserror::Error, Serialize, Deserialize)]
pub enum InitialValueReason {
    /// The model refused the point.
    #[error("the model refused it")]
    Refused,
    /// The log density is not a finite number.
    #[error("its log density is {0}")]
    LogDensity(f64),
    /// The model left an element of the gradient as it was.
    #[error("element {index} of its gradient was never written by the model")]
    Unwritten {
        /// Which element, from 0.
        index: usize,
    },
    /// An element of the gradient is not a finite number.
    #[error("element {index} of its gradient is {value}")]
    Gradient {
        /// Which element, from 0.
        index: usize,
        /// Its value.
        value: f64,
    },
}

/// Writes the next initial point to try: what `start` gives, and uniform numbers within `radius` where it is NaN. The
/// gradient is filled so that what the model forgets to write is told from what it writes.
pub fn propose_initial(start: &[f64], radius: f64, stream: &mut Stream, position: &mut [f64], gradient: &mut [f64]) {
    for (x, given) in position.iter_mut().zip(start) {
        *x = if given.is_nan() { stream.uniform_between(-radius, radius) } else { *given };
    }
    gradient.fill(unwritten());
}

/// What is wrong with an initial point, if anything is; `log_density` is `None` where the model refused it.
pub fn judge_initial(log_density: Option<f64>, gradient: &[f64]) -> Option<InitialValueReason> {
    match log_density {
        None => Some(InitialValueReason::Refused),
        Some(value) if !value.is_finite() => Some(InitialValueReason::LogDensity(value)),
        Some(_) => gradient.iter().position(|g| !g.is_finite()).map(|index| match gradient[index] {
            value if is_unwritten(value) => InitialValueReason::Unwritten { index },
            value => InitialValueReason::Gradient { index, value },
        }),
    }
}

/// Whether another initial point is worth a try after `tries` of them, the last for this `reason` in vain: when it would
/// differ, and the model did not forget an element.
pub fn tries_again(start: &[f64], radius: f64, tries: u32, reason: &InitialValueReason) -> bool {
    let forgot = matches!(reason, InitialValueReason::Unwritten { .. });
    tries < INIT_TRIES && !forgot && radius > 0.0 && start.iter().any(|x| x.is_nan())
}
