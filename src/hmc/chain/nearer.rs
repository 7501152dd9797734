//! Random starts that are exponentially far out give way to others.

use super::Chain;
use crate::random::Stream;
use serde::{Deserialize, Serialize};

/// Random starts that are looked at where the first of them are far out.
const LOOKS: u32 = 20;
/// Another start takes the kept one's place where its log density is so many times nearer to 0.
const NEARER: f64 = 10.0;

/// Which of some random starts a chain sets out from, where the first one is so far out that a way in would come first.
///
/// Where roots of a time series lie outside of the unit circle, the log densities of random starts differ by tens of orders of
/// magnitude, and on the way in from the farthest chains end on ridges that they can't leave. Starts of one order of magnitude,
/// as those of a model with many data, are all alike to it: the first is kept, so that starts stay as spread as they were drawn.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Nearer {
    /// Log density of the start that is kept, and the stream that it was drawn from.
    kept: Option<(f64, Stream)>,
    looks: u32,
    /// The kept one is drawn again, to set out from.
    returns: bool,
    /// Log density of the first start that was far out.
    first: Option<f64>,
}

impl Chain {
    /// Log densities of the random start that gave way to another one, and of that one; `None` where none did. For
    /// [`super::Request::Initialized`].
    pub fn nearer_start(&self) -> Option<(f64, f64)> {
        let taken = self.trajectory.slots.log_density[self.trajectory.draw()];
        self.nearer.first.filter(|first| *first != taken).map(|first| (first, taken))
    }
}

/// What to do with a start that the model has a density at.
#[derive(Debug)]
pub(super) enum Verdict {
    /// To set out from it.
    Take,
    /// To draw another one.
    Another,
    /// To draw the kept one again, from this stream.
    Return(Stream),
}

impl Nearer {
    /// Whether a start is kept: one that the model refuses is then nothing to fail for.
    pub fn keeps_one(&self) -> bool {
        self.kept.is_some() && !self.returns
    }

    /// Takes the log density of a start that was drawn from `stream`, `None` where there is none, and whether it `is_far` out.
    pub fn look(&mut self, log_density: Option<f64>, is_far: bool, stream: &Stream) -> Verdict {
        if self.returns || (log_density.is_some() && !is_far) {
            return Verdict::Take;
        }
        self.looks += 1;
        self.first = self.first.or(log_density);
        let best = self.kept.as_ref().map_or(f64::NEG_INFINITY, |(best, _)| *best);
        let kept_now = log_density.filter(|value| value * NEARER > best);
        if let Some(value) = kept_now {
            self.kept = Some((value, stream.clone()));
        }
        if self.looks < LOOKS {
            return Verdict::Another;
        }
        self.returns = true;
        match (kept_now, &self.kept) {
            (None, Some((_, stream))) => Verdict::Return(stream.clone()),
            _ => Verdict::Take,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Purpose;

    /// The log density of the start that is set out from, of starts with these, and how many of them were looked at.
    fn taken(starts: impl IntoIterator<Item = Option<f64>>) -> (f64, usize) {
        let stream = |i: usize| Stream::new(i as u64, 1, Purpose::Init);
        let starts: Vec<_> = starts.into_iter().collect();
        let mut nearer = Nearer::default();
        for (i, log_density) in starts.iter().enumerate() {
            match nearer.look(*log_density, log_density.is_some_and(|value| value < -1e3), &stream(i)) {
                Verdict::Another => assert_eq!(nearer.keeps_one(), starts[..=i].iter().any(|s| s.is_some())),
                Verdict::Take => return (log_density.unwrap(), i + 1),
                Verdict::Return(of) => {
                    let back = (0..=i).find(|&j| stream(j) == of).unwrap();
                    assert!(!nearer.keeps_one());
                    assert!(matches!(nearer.look(starts[back], true, &of), Verdict::Take));
                    return (starts[back].unwrap(), i + 1);
                }
            }
        }
        panic!("no start was taken");
    }

    fn far(values: &[f64]) -> Vec<Option<f64>> {
        values.iter().copied().map(Some).chain(std::iter::repeat_n(Some(-1e200), LOOKS as usize)).collect()
    }

    #[test]
    fn an_ordinary_start_ends_the_search() {
        assert_eq!(taken(far(&[-10.0])), (-10.0, 1));
        assert_eq!(taken(far(&[-1e30, -1e20, -999.0, -1.0])), (-999.0, 3));
    }

    #[test]
    fn of_starts_that_are_all_far_the_first_of_the_best_order_of_magnitude_is_taken() {
        let all = LOOKS as usize;
        assert_eq!(taken(far(&[-1e30, -1e20, -2e4, -1e4, -1e25])), (-2e4, all));
        // With many data all are alike: the first stays.
        assert_eq!(taken((0..all).map(|i| Some(-9e5 + 4e4 * i as f64))), (-9e5, all));
        // The last one needn't be drawn again.
        let last = std::iter::repeat_n(Some(-1e9), all - 1).chain([Some(-1e5)]);
        assert_eq!(taken(last), (-1e5, all));
    }

    #[test]
    fn starts_without_a_density_count_as_looked_at() {
        let all = LOOKS as usize;
        let starts = [Some(-1e30), None, Some(-1e5)].into_iter().chain(std::iter::repeat_n(None, all));
        assert_eq!(taken(starts), (-1e5, all));
    }
}
