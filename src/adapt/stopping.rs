//! When a run has enough.

use serde::{Deserialize, Serialize};

/// Draws of each chain before a run is looked at for the first time: estimates from fewer say nothing, and chains that
/// begin at one point agree at first whatever comes.
pub const FIRST_LOOK: usize = 100;

/// Draws of each chain at the look after the one at `draws`: a quarter more. So looks cost a constant share of the run, and
/// no run is more than a quarter longer than it needs to be. Each look is a chance for the estimates to be good by luck:
/// few looks keep that small.
pub fn next_look(draws: usize) -> usize {
    draws.saturating_add(draws.div_ceil(4)).max(FIRST_LOOK)
}

/// What a run must reach before it stops early, all of it.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Enough {
    /// The effective sample size that the worst column needs; 0: any.
    pub ess: f64,
    /// The R-hat that no column may exceed; 0: any.
    pub rhat: f64,
}

impl Enough {
    /// Whether anything is asked for.
    pub fn is_asked(&self) -> bool {
        self.ess > 0.0 || self.rhat > 0.0
    }

    /// Whether the smallest effective sample size and the largest R-hat are good enough. What can't be had, NaN, never is.
    pub fn is_reached(&self, ess: f64, rhat: f64) -> bool {
        let reached = |wanted: f64, holds: bool| wanted <= 0.0 || holds;
        !ess.is_nan() && !rhat.is_nan() && reached(self.ess, ess >= self.ess) && reached(self.rhat, rhat <= self.rhat)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_grow_by_a_quarter() {
        let looks: Vec<usize> = std::iter::successors(Some(next_look(0)), |n| Some(next_look(*n))).take(6).collect();
        assert_eq!(looks, [100, 125, 157, 197, 247, 309]);
        assert_eq!(next_look(usize::MAX), usize::MAX);
    }

    #[test]
    fn all_that_is_asked_must_hold() {
        let both = Enough { ess: 400.0, rhat: 1.01 };
        assert!(both.is_reached(400.0, 1.01) && !both.is_reached(399.9, 1.0) && !both.is_reached(900.0, 1.011));
        let ess = Enough { ess: 400.0, rhat: 0.0 };
        assert!(ess.is_reached(401.0, 3.0) && !ess.is_reached(399.0, 1.0));
        let rhat = Enough { ess: 0.0, rhat: 1.05 };
        assert!(rhat.is_reached(3.0, 1.04) && !rhat.is_reached(1e9, 1.06));
        for rule in [both, ess, rhat] {
            assert!(rule.is_asked() && !rule.is_reached(f64::NAN, 1.0) && !rule.is_reached(1e9, f64::NAN));
        }
        assert!(!Enough::default().is_asked());
    }
}
