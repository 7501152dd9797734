//! A step length along a direction, by the strong Wolfe conditions; numbers in, decisions out.

use serde::{Deserialize, Serialize};

/// Share of the first-order decrease that a step must reach (Nocedal and Wright 2006, section 3.1; Stan's number).
const DECREASE: f64 = 1e-4;
/// Share of the first slope that may be left at the step's end (the same; Stan's number).
const CURVATURE: f64 = 0.9;
/// Steps tried before a search gives up.
const MOST_TRIALS: u32 = 20;
/// Steps tried while each is better than the last and the slope still leads on; the last is taken then.
const MOST_LENGTHENINGS: u32 = 10;
/// Least and largest lengthening beyond the best step, in lengths of the last one (Moré and Thuente 1994).
const LENGTHEN: [f64; 2] = [1.1, 4.0];
/// What remains of a step whose end has no finite log density.
const RETREAT: f64 = 0.2;
/// Least distance of a trial from both ends of its interval, as a share of it.
const MARGIN: f64 = 0.1;
/// An interval that does not shrink to this share in two trials is halved (Moré and Thuente 1994).
const SHRINK: f64 = 0.66;
/// Brackets tried in which rounding cannot tell a step from none, before a search gives up.
const MOST_EQUAL: u32 = 4;
/// Relative difference of objectives below which slopes alone decide (Hager and Zhang 2005, who take 1e-6).
const ROUNDING: f64 = 1e-12;

/// The objective along the line.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Along {
    /// Step length.
    pub at: f64,
    /// The objective, to be made small.
    pub value: f64,
    /// Its derivative along the line.
    pub slope: f64,
}

/// What a search wants next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The objective at [`LineSearch::trial`]. With `keep` the one just evaluated is the best so far.
    Try {
        /// See above.
        keep: bool,
    },
    /// Nothing: the step just tried is good.
    Take,
    /// Nothing: it has tried all that it may, and the best step so far is better than none, but not good. With `keep` that is
    /// the one just evaluated.
    Settle {
        /// See above.
        keep: bool,
    },
    /// Nothing: no step was better than none.
    GiveUp,
}

/// A search along one line: lengthening until a good step is bracketed, then cubic interpolation inside the bracket.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LineSearch {
    start: Along,
    /// The best so far; the start at first.
    best: Along,
    /// The bracket's other end; its value may be infinite.
    other: Option<Along>,
    trial: f64,
    trials: u32,
    /// Lengths of the bracket before the last two trials.
    widths: [f64; 2],
    /// Trials that had a finite objective.
    finite: u32,
    /// Brackets in which rounding could not tell a step from none.
    equal: u32,
}

impl LineSearch {
    /// A search from where the objective is `value` and falls with `slope`, that tries `first` first.
    pub fn new(value: f64, slope: f64, first: f64) -> Self {
        let start = Along { at: 0.0, value, slope };
        Self {
            start,
            best: start,
            other: None,
            trial: first,
            trials: 0,
            widths: [f64::INFINITY; 2],
            finite: 0,
            equal: 0,
        }
    }

    /// The step length to try.
    pub fn trial(&self) -> f64 {
        self.trial
    }

    /// Whether any step had a finite objective.
    pub fn met_finite(&self) -> bool {
        self.finite > 0
    }

    /// Whether rounding hides what steps are good for.
    pub fn is_at_rounding(&self) -> bool {
        self.equal >= MOST_EQUAL
    }

    /// Takes the objective and its slope at the trial; neither is finite where there is none.
    pub fn answer(&mut self, value: f64, slope: f64) -> Next {
        self.trials += 1;
        let tried = Along { at: self.trial, value, slope };
        if !(value.is_finite() && slope.is_finite()) {
            self.other = Some(Along { value: f64::INFINITY, ..tried });
            return self.retry(self.best.at + RETREAT * (tried.at - self.best.at), false);
        }
        self.finite += 1;
        if self.is_good(&tried) {
            return Next::Take;
        }
        if !self.decreases(&tried) || value > self.best.value {
            self.other = Some(tried);
            return self.narrow(false);
        }
        let toward = self.other.map_or(1.0, |other| other.at - tried.at);
        if slope * toward >= 0.0 {
            (self.other, self.best) = (Some(self.best), tried);
            return self.narrow(true);
        }
        let from = std::mem::replace(&mut self.best, tried);
        if self.other.is_some() {
            return self.narrow(true);
        }
        if self.trials >= MOST_LENGTHENINGS {
            return Next::Take;
        }
        let [least, most] = LENGTHEN.map(|factor| tried.at + factor * (tried.at - from.at));
        let to = cubic(&from, &tried).filter(|to| *to > tried.at).unwrap_or(most).clamp(least, most);
        self.retry(to, true)
    }

    /// The strong Wolfe conditions; where objectives cannot be told apart, the approximate ones.
    fn is_good(&self, tried: &Along) -> bool {
        let Self { start, .. } = self;
        let levelled = tried.slope.abs() <= -CURVATURE * start.slope;
        levelled
            && (self.decreases(tried)
                || self.equals_start(tried.value) && tried.slope <= (2.0 * DECREASE - 1.0) * start.slope)
    }

    fn equals_start(&self, value: f64) -> bool {
        (value - self.start.value).abs() <= ROUNDING * self.start.value.abs()
    }

    fn decreases(&self, tried: &Along) -> bool {
        tried.value <= self.start.value + DECREASE * tried.at * self.start.slope
    }

    /// Another trial inside the bracket.
    fn narrow(&mut self, keep: bool) -> Next {
        let (best, other) = (self.best, self.other.expect("a bracket has two ends"));
        self.equal += u32::from([best, other].iter().all(|end| self.equals_start(end.value)));
        let width = (other.at - best.at).abs();
        let middle = best.at + 0.5 * (other.at - best.at);
        let slow = width > SHRINK * self.widths[0];
        self.widths = [self.widths[1], width];
        let fit = if slow || !other.value.is_finite() {
            None
        } else {
            cubic(&best, &other).or_else(|| quadratic(&best, &other))
        };
        let inside = fit.unwrap_or(middle);
        let [low, high] = if best.at < other.at { [best.at, other.at] } else { [other.at, best.at] };
        self.retry(inside.clamp(low + MARGIN * width, high - MARGIN * width), keep)
    }

    fn retry(&mut self, trial: f64, keep: bool) -> Next {
        let stuck = trial == self.best.at || self.other.is_some_and(|other| trial == other.at);
        if self.trials < MOST_TRIALS && !stuck && !self.is_at_rounding() {
            self.trial = trial;
            return Next::Try { keep };
        }
        if self.best.at > 0.0 { Next::Settle { keep } } else { Next::GiveUp }
    }
}

/// Where the cubic through values and slopes of both has its minimum (Nocedal and Wright 2006, equation 3.59).
fn cubic(a: &Along, b: &Along) -> Option<f64> {
    let d1 = a.slope + b.slope - 3.0 * (a.value - b.value) / (a.at - b.at);
    let square = d1 * d1 - a.slope * b.slope;
    let d2 = (b.at - a.at).signum() * square.sqrt();
    let at = b.at - (b.at - a.at) * (b.slope + d2 - d1) / (b.slope - a.slope + 2.0 * d2);
    at.is_finite().then_some(at)
}

/// Where the parabola through both values and the slope of `a` has its minimum.
fn quadratic(a: &Along, b: &Along) -> Option<f64> {
    let width = b.at - a.at;
    let at = a.at - 0.5 * a.slope * width * width / (b.value - a.value - a.slope * width);
    at.is_finite().then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Searches `f` and its derivative from 0; the step taken.
    fn search(f: impl Fn(f64) -> [f64; 2], first: f64) -> Option<(f64, u32)> {
        let [value, slope] = f(0.0);
        let mut search = LineSearch::new(value, slope, first);
        let mut best = 0.0;
        loop {
            let at = search.trial();
            let [value, slope] = f(at);
            match search.answer(value, slope) {
                Next::Try { keep } => best = if keep { at } else { best },
                Next::Take => return Some((at, search.trials)),
                Next::Settle { keep } => return Some((if keep { at } else { best }, search.trials)),
                Next::GiveUp => return None,
            }
        }
    }

    /// The functions of Moré and Thuente (1994), section 5, whose searches are hard for loose rules.
    #[test]
    fn steps_meet_the_conditions_from_near_and_far() {
        let more: [fn(f64) -> [f64; 2]; 3] = [
            |a| {
                let below = a * a + 2.0;
                [-a / below, (a * a - 2.0) / (below * below)]
            },
            |a| {
                let b = a + 0.004;
                [b.powi(5) - 2.0 * b.powi(4), 5.0 * b.powi(4) - 8.0 * b.powi(3)]
            },
            |a| [(a - 1.0) * (a - 1.0), 2.0 * (a - 1.0)],
        ];
        for (number, f) in more.into_iter().enumerate() {
            let [value, slope] = f(0.0);
            for first in [1e-3, 1e-1, 1e1, 1e3] {
                let (at, trials) = search(f, first).unwrap();
                let [end, end_slope] = f(at);
                assert!(end <= value + DECREASE * at * slope, "function {number} from {first}: {at}");
                assert!(end_slope.abs() <= -CURVATURE * slope, "function {number} from {first}: {at}");
                assert!(trials <= 20, "function {number} from {first}: {trials} trials");
            }
        }
    }

    #[test]
    fn a_cliff_is_retreated_from() {
        let f = |a: f64| if a < 1e-3 { [-a, -1.0] } else { [f64::NAN; 2] };
        let (at, _) = search(f, 1.0).unwrap();
        assert!(at > 5e-4 && at < 1e-3, "{at}");
        assert_eq!(search(|a| if a > 0.0 { [f64::NAN; 2] } else { [0.0, -1.0] }, 1.0), None);
    }

    #[test]
    fn an_endless_slope_is_followed_for_a_while() {
        let (at, trials) = search(|a| [-a, -1.0], 1e-3).unwrap();
        assert!(at > 1.0 && trials == MOST_LENGTHENINGS);
    }

    #[test]
    fn decisions_by_hand() {
        let begun = || LineSearch::new(0.0, -1.0, 1.0);
        // Still falling at 95 %: farther. What is higher than the best, or no number, is an end; the best is kept.
        for value in [-0.5, f64::NAN] {
            let mut search = begun();
            assert_eq!(search.answer(-1.0, -0.95), Next::Try { keep: true });
            let far = search.trial();
            assert!((2.1..=5.0).contains(&far), "{far}");
            assert_eq!(search.answer(value, 5.0), Next::Try { keep: false });
            assert!((1.0..far).contains(&search.trial()), "{} after {far}", search.trial());
        }
        // Rising again: back.
        let mut search = begun();
        assert_eq!(search.answer(-0.5, 0.95), Next::Try { keep: true });
        assert!((0.1..0.9).contains(&search.trial()));
        // Within rounding slopes tell what values don't (Hager and Zhang 2005, the approximate conditions).
        let mut search = LineSearch::new(1.0, -1e-13, 1.0);
        assert_eq!(search.answer(1.0 + f64::EPSILON, 5e-14), Next::Take);
        let mut search = LineSearch::new(1.0, -1e-13, 1.0);
        let ended = (1..).find(|_| search.answer(1.0 + 4e-13, 1.0) == Next::GiveUp);
        assert!(search.is_at_rounding() && ended == Some(MOST_EQUAL), "{ended:?}");
    }

    #[test]
    fn fits_are_exact() {
        let along = |at: f64| Along { at, value: at.powi(3) - 3.0 * at, slope: 3.0 * at * at - 3.0 };
        for (a, b) in [(0.0, 2.0), (2.0, 0.0), (0.5, 3.0)] {
            assert!((cubic(&along(a), &along(b)).unwrap() - 1.0).abs() < 1e-14);
        }
        let along = |at: f64| Along { at, value: (at - 1.0).powi(2), slope: 2.0 * (at - 1.0) };
        for (a, b) in [(0.0, 3.0), (3.0, 0.0)] {
            assert!((quadratic(&along(a), &along(b)).unwrap() - 1.0).abs() < 1e-14);
        }
    }
}
