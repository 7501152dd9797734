//! What moves a chain from one draw to the next.

use serde::{Deserialize, Serialize};

/// The columns of [`Engine::Nuts`].
pub const NUTS_COLUMNS: [&str; 7] =
    ["lp__", "accept_stat__", "stepsize__", "treedepth__", "n_leapfrog__", "divergent__", "energy__"];

/// What moves a chain from one draw to the next.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub enum Engine {
    /// The no-U-turn sampler, multinomial.
    #[default]
    Nuts,
    /// Static Hamiltonian Monte Carlo: trajectories of a fixed integration time, accepted or rejected at their end.
    Static {
        /// Integration time of a trajectory; finite, above 0.
        int_time: f64,
    },
    /// The position stays the initial one; only the outputs are drawn anew.
    FixedParam,
}

impl Engine {
    /// The columns that stand before the outputs in a sample writer, as in Stan.
    pub fn columns(&self) -> &'static [&'static str] {
        match self {
            Self::Nuts => &NUTS_COLUMNS,
            Self::Static { .. } => &["lp__", "accept_stat__", "stepsize__", "int_time__", "energy__"],
            Self::FixedParam => &["lp__", "accept_stat__"],
        }
    }
}

/// Leapfrog steps of a static trajectory: the integration time over the nominal (not jittered) step size, truncated, at
/// least 1, as in Stan.
pub(super) fn leapfrog_steps(int_time: f64, stepsize: f64) -> u64 {
    // The conversion truncates and stays within the range of u64.
    ((int_time / stepsize) as u64).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_truncated_and_at_least_one() {
        assert_eq!(leapfrog_steps(1.0, 0.3), 3);
        assert_eq!(leapfrog_steps(1.0, 0.25), 4);
        assert_eq!(leapfrog_steps(1.0, 7.0), 1);
        assert_eq!(leapfrog_steps(1.0, f64::MIN_POSITIVE), u64::MAX);
        assert_eq!(leapfrog_steps(1.0, 0.0), u64::MAX);
    }
}
