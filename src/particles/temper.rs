//! How far a path is followed at a time: until the effective sample size has come down to a target (Jasra, Stephens,
//! Doucet and Tsagaris 2011, *Inference for Lévy-driven stochastic volatility models via adaptive sequential Monte Carlo*).
//!
//! The weights whose effective size is compared with the target are computed by the function that reweights the particles.

use super::weights::{Sums, sums};

/// How near the effective sample size comes to the target, as a share of the number of particles.
const TOLERANCE: f64 = 1e-9;
/// Most evaluations of one search. Each at least halves the bracket after [`PATIENCE`] others, and a bracket of doubles
/// is halved 64 times at most.
const TRIES: usize = 400;
/// Steps of the secant before the bracket is halved as integers.
const PATIENCE: usize = 30;

/// A stretch of a path.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stretch {
    /// Where it ends.
    pub share: f64,
    /// log of the ratio of evidences, end over beginning.
    pub log_ratio: f64,
    /// Effective sample size at the end.
    pub ess: f64,
    /// Whether that is the target, so that resampling is due; otherwise the path's segment ended first.
    pub at_target: bool,
}

/// Why a path cannot be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dead {
    /// No particle has any weight ahead.
    Lost,
    /// No number beyond the present share keeps the effective sample size at the target.
    Stalled,
}

/// Log weights after a step from `share` to `to`: what [`next`] judges, and what the particles get.
pub fn reweighted(log_weights: &[f64], increments: &[f64], share: f64, to: f64, out: &mut Vec<f64>) {
    let step = to - share;
    out.clear();
    // Minus infinity times the step stays, and a particle that is lost stays lost.
    out.extend(log_weights.iter().zip(increments).map(|(w, increment)| w + step * increment));
}

/// The log ratio of the weights' sums; exact where all weights change by the same factor.
fn log_ratio(before: Sums, after: Sums) -> f64 {
    (after.largest - before.largest) + libm::log(after.sum / before.sum)
}

/// The longest stretch from `share` towards 1 whose effective sample size is at least `threshold` times the number of
/// particles; 1 itself where that is as near. Increments are numbers or -inf; particles of -inf are lost at any step,
/// and where the others are too few for the target, the threshold counts among these.
///
/// # Errors
/// See [`Dead`].
pub fn next(
    log_weights: &[f64],
    increments: &[f64],
    share: f64,
    threshold: f64,
    space: &mut Vec<f64>,
) -> Result<Stretch, Dead> {
    let n = log_weights.len() as f64;
    let before = sums(log_weights);
    let alive: Vec<f64> = log_weights.iter().zip(increments).filter(|(_, i)| i.is_finite()).map(|(w, _)| *w).collect();
    let most = sums(&alive);
    if most.sum == 0.0 || before.sum == 0.0 {
        return Err(Dead::Lost);
    }
    let target = if most.ess() < threshold * n { threshold * most.ess() } else { threshold * n };
    let mut at = |to: f64| {
        reweighted(log_weights, increments, share, to, space);
        let after = sums(space);
        let stretch = Stretch { share: to, log_ratio: log_ratio(before, after), ess: after.ess(), at_target: true };
        (stretch, stretch.ess - target)
    };
    let near = TOLERANCE * n;
    let (whole, gap) = at(1.0);
    if gap >= -near {
        return Ok(Stretch { at_target: gap <= near, ..whole });
    }
    // Between: the effective size is the target's or more at `low`, less at `high`.
    let (mut low, mut high) = ((share, most.ess() - target), (1.0, gap));
    let mut guess = first_guess(log_weights, increments, &most, n / target).map(|step| share + step);
    let mut best: Option<Stretch> = None;
    let mut was_low = None;
    for tries in 0..TRIES {
        let to = match guess.take() {
            Some(to) if to > low.0 && to < high.0 => to,
            _ if low.0 == share || tries > PATIENCE => halved(share, low.0, high.0),
            _ => secant(low, high),
        };
        if !(to > low.0 && to < high.0) {
            break;
        }
        let (stretch, gap) = at(to);
        let is_low = gap >= 0.0;
        // The end that stays a second time counts half, so that it moves too (the Illinois method).
        let staying = if was_low == Some(is_low) { 0.5 } else { 1.0 };
        if is_low {
            (low, high.1) = ((to, gap), high.1 * staying);
            best = Some(stretch);
        } else {
            (high, low.1) = ((to, gap), low.1 * staying);
        }
        was_low = Some(is_low);
        if gap.abs() <= near {
            return Ok(stretch);
        }
    }
    best.ok_or(Dead::Stalled)
}

/// The step at which n / (1 + step² variance) is the target: exact for small steps.
fn first_guess(log_weights: &[f64], increments: &[f64], sums: &Sums, ratio: f64) -> Option<f64> {
    let (mut mean, mut square) = (0.0, 0.0);
    for (w, x) in log_weights.iter().zip(increments).filter(|(_, x)| x.is_finite()) {
        let weight = super::exp::exp(w - sums.largest) / sums.sum;
        mean += weight * x;
        square += weight * x * x;
    }
    let step = ((ratio - 1.0).max(TOLERANCE) / (square - mean * mean)).sqrt();
    (step.is_finite() && step > 0.0).then_some(step)
}

/// Between two shares by their distance from where the stretch begins: as numbers where they are near to one another,
/// otherwise as the integers that their bits are, which gets to the smallest step in a few dozen halvings.
fn halved(share: f64, low: f64, high: f64) -> f64 {
    let (from, to) = (low - share, high - share);
    if from > 0.0 && to < 4.0 * from {
        return low + 0.5 * (high - low);
    }
    // Steps below this one change no share.
    let smallest = (share * f64::EPSILON).max(f64::MIN_POSITIVE);
    let from = if from > smallest { from } else { smallest };
    share + f64::from_bits((from.to_bits() + to.to_bits()) / 2)
}

/// Where the line through both ends crosses zero, kept off them.
fn secant(low: (f64, f64), high: (f64, f64)) -> f64 {
    const MARGIN: f64 = 0.02;
    let part = (low.1 / (low.1 - high.1)).clamp(MARGIN, 1.0 - MARGIN);
    low.0 + part * (high.0 - low.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(increments: &[f64], threshold: f64) -> Result<Stretch, Dead> {
        next(&vec![0.0; increments.len()], increments, 0.0, threshold, &mut Vec::new())
    }

    #[test]
    fn a_step_whose_size_is_above_the_target_goes_to_the_end() {
        let stretch = first(&[0.0, 0.0, 0.0, -100.0], 0.74).unwrap();
        assert_eq!((stretch.share, stretch.at_target), (1.0, false));
        assert!((stretch.ess - 3.0).abs() < 1e-12 && (stretch.log_ratio - 0.75f64.ln()).abs() < 1e-12);
    }

    #[test]
    fn a_constant_is_the_evidence_exactly() {
        for constant in [-1e5, -1e-3, 0.0, 12.7] {
            for threshold in [0.5, 1.0] {
                let stretch = first(&[constant; 4], threshold).unwrap();
                assert_eq!((stretch.share, stretch.log_ratio, stretch.ess), (1.0, constant, 4.0));
            }
        }
    }

    #[test]
    fn steps_of_any_size_are_found() {
        for scale in [1.0, 1e3, 1e14, 1e100, 1e290] {
            let increments: Vec<f64> = (0..1000).map(|i| -scale * f64::from(i) * 0.1).collect();
            let stretch = first(&increments, 0.5).unwrap();
            assert!((stretch.ess - 500.0).abs() <= 1e-6 * 1000.0 && stretch.at_target, "{scale}: {stretch:?}");
            assert!(stretch.share > 0.0 && stretch.share < 1.0);
        }
    }

    #[test]
    fn where_no_number_is_left_it_says_so() {
        let increments = [0.0, -1e30, -2e30, -3e30];
        assert_eq!(next(&[0.0; 4], &increments, 0.5, 0.5, &mut Vec::new()), Err(Dead::Stalled));
        assert_eq!(first(&[f64::NEG_INFINITY; 3], 0.5), Err(Dead::Lost));
        let lost = [f64::NEG_INFINITY, f64::NEG_INFINITY];
        assert_eq!(next(&lost, &[0.0, 0.0], 0.0, 0.5, &mut Vec::new()), Err(Dead::Lost));
    }

    #[test]
    fn particles_without_likelihood_are_not_waited_for() {
        let mut increments = vec![f64::NEG_INFINITY; 90];
        increments.extend([-1.0; 10]);
        let stretch = first(&increments, 0.5).unwrap();
        assert_eq!((stretch.share, stretch.ess), (1.0, 10.0));
        assert!((stretch.log_ratio - (0.1f64.ln() - 1.0)).abs() < 1e-12);
        increments[94..].fill(-1e6);
        let stretch = first(&increments, 0.5).unwrap();
        // As near as the target is asked for, as a share of all particles.
        assert!(stretch.share < 1.0 && (stretch.ess - 5.0).abs() <= TOLERANCE * 100.0, "{stretch:?}");
    }
}
