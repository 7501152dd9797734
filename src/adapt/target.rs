use serde::{Deserialize, Serialize};
use std::iter::Sum;

/// What the target rises to.
const HIGHER: f64 = 0.9;
/// It rises where more than this share of the transitions diverged,
const SHARE: f64 = 0.03;
/// and so many at least. Where one in a hundred diverges, which a smaller step size doesn't pay for, two or three of a warm-up's
/// are chance; a share alone would let them raise the target.
const FEWEST: usize = 6;
/// Fewer transitions than this say nothing.
const LEAST: usize = 20;
/// Iterations of warm-up that don't count: the way in, with first metrics.
const WAY_IN: usize = 33;

/// Transitions since the way in, and those of them that diverged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counted {
    /// All of them.
    pub transitions: usize,
    /// Those that diverged.
    pub divergent: usize,
}

impl Counted {
    /// As numbers that chains bring to a meeting.
    pub(super) fn numbers(self) -> [f64; 2] {
        [self.transitions as f64, self.divergent as f64]
    }

    /// Of these numbers.
    pub(super) fn of([transitions, divergent]: [f64; 2]) -> Self {
        Self { transitions: transitions as usize, divergent: divergent as usize }
    }

    /// Whether a smaller step size is called for.
    fn are_many(self) -> bool {
        self.transitions >= LEAST && self.divergent >= FEWEST && self.divergent as f64 > SHARE * self.transitions as f64
    }
}

impl Sum for Counted {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |a, b| Self {
            transitions: a.transitions + b.transitions,
            divergent: a.divergent + b.divergent,
        })
    }
}

/// The target of the acceptance statistic, which rises once where transitions diverge.
///
/// Where a posterior is much narrower in some places than in most, the step size that is accepted as often as wanted on average
/// is one with which those places are hardly ever entered, and seldom left. Divergent transitions tell of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Target {
    now: f64,
    rises: bool,
    counted: Counted,
}

impl Target {
    pub fn new(delta: f64, rises: bool) -> Self {
        Self { now: delta, rises, counted: Counted::default() }
    }

    pub fn now(&self) -> f64 {
        self.now
    }

    pub fn counted(&self) -> Counted {
        self.counted
    }

    /// What was counted so far counts no more.
    pub fn forget(&mut self) {
        self.counted = Counted::default();
    }

    /// Takes the transition of iteration `iteration`.
    pub fn learn(&mut self, iteration: usize, divergent: bool) {
        if iteration >= WAY_IN {
            self.counted.transitions += 1;
            self.counted.divergent += usize::from(divergent);
        }
    }

    /// The new target, where what was `counted`, of this chain or of all, says that it is to rise.
    pub fn look(&mut self, counted: Counted) -> Option<f64> {
        if !self.rises || self.now >= HIGHER || !counted.are_many() {
            return None;
        }
        self.now = HIGHER;
        Some(HIGHER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A target after `transitions` since the way in, the last `divergent` of which diverged.
    fn after(mut target: Target, transitions: usize, divergent: usize) -> Target {
        (0..WAY_IN).for_each(|i| target.learn(i, true));
        (0..transitions).for_each(|i| target.learn(WAY_IN + i, i + divergent >= transitions));
        target
    }

    fn risen(target: Target, transitions: usize, divergent: usize) -> Option<f64> {
        let mut target = after(target, transitions, divergent);
        let counted = target.counted();
        assert_eq!(counted, Counted { transitions, divergent });
        let risen = target.look(counted);
        assert_eq!(risen.unwrap_or(target.now()), target.now());
        // Once and no more.
        assert_eq!(target.look(counted).filter(|_| risen.is_some()), None);
        risen
    }

    #[test]
    fn it_rises_where_more_than_chance_diverge() {
        let target = || Target::new(0.7, true);
        assert_eq!(risen(target(), 127, 6), Some(0.9));
        for (transitions, divergent) in [(127, 0), (127, 5), (20, 5), (200, 6), (19, 19), (1000, 30), (0, 0)] {
            assert_eq!(risen(target(), transitions, divergent), None, "{divergent} of {transitions}");
        }
        assert_eq!(risen(target(), 1000, 31), Some(0.9));
        assert_eq!(risen(Target::new(0.7, false), 100, 100), None);
        assert_eq!(risen(Target::new(0.9, true), 100, 100), None);
        assert_eq!(risen(Target::new(0.95, true), 100, 100), None);
    }

    #[test]
    fn chains_together_rise_by_what_all_of_them_saw() {
        let mut chains: Vec<Target> = [0, 3, 0, 3].map(|n| after(Target::new(0.7, true), 40, n)).into();
        let of_all: Counted = chains.iter().map(|c| Counted::of(c.counted().numbers())).sum();
        assert_eq!(of_all, Counted { transitions: 160, divergent: 6 });
        assert!(chains.iter_mut().all(|c| c.look(of_all) == Some(0.9)));
    }
}
