use serde::{Deserialize, Serialize};

/// Gain of the first step.
const GAIN: f64 = 2.5;
/// Changes of sign that are counted before there were any.
const OFFSET: f64 = 5.0;
/// The gain falls with this power of the count; above 1/2 and below 1 the average of the way is the best there is.
const DECAY: f64 = 0.75;
/// The average begins after so many changes of sign.
const ARRIVED: u32 = 2;
/// What a step counts that has the sign of the last one.
const SAME_SIGN: f64 = 0.3;

/// Robbins and Monro's search for the log step size at which the acceptance statistic is on average what is wanted.
///
/// Each transition moves the log step size by a gain times what its statistic is above the target. The gain falls mainly
/// with the changes of sign (Kesten 1958), so that a start far off is left quickly; the result is an average of the way
/// that gives late steps more weight (Polyak and Juditsky 1992). Steps stay small where the target is met, so the average
/// acceptance is the acceptance at the average: with dual averaging, whose log step sizes swing widely and whose
/// acceptance falls ever faster with them, it is not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RobbinsMonro {
    target: f64,
    log_step: f64,
    steps: f64,
    /// Changes of sign, and a share of the other steps.
    count: f64,
    last_error: f64,
    turns: u32,
    average: f64,
    weight: f64,
}

impl RobbinsMonro {
    /// Starts from `stepsize`.
    pub fn new(target: f64, stepsize: f64) -> Self {
        let log_step = libm::log(stepsize);
        Self { target, log_step, steps: 0.0, count: 0.0, last_error: 0.0, turns: 0, average: 0.0, weight: 0.0 }
    }

    /// Forgets everything and starts again from `stepsize`.
    pub fn restart(&mut self, stepsize: f64) {
        *self = Self::new(self.target, stepsize);
    }

    /// The target from now on.
    pub fn aim(&mut self, target: f64) {
        self.target = target;
    }

    /// Learns from one transition's acceptance statistic; returns the step size for the next.
    pub fn learn(&mut self, accept_stat: f64) -> f64 {
        let error = accept_stat.min(1.0) - self.target;
        self.steps += 1.0;
        let turned = error * self.last_error < 0.0;
        self.turns += u32::from(turned);
        self.count += if turned { 1.0 } else { SAME_SIGN };
        self.last_error = error;
        self.log_step += GAIN * libm::pow(self.count + OFFSET, -DECAY) * error;
        if self.turns < ARRIVED {
            // The way in is no part of the average.
            (self.weight, self.average) = (0.0, self.log_step);
        }
        self.weight += self.steps;
        self.average += (self.log_step - self.average) * self.steps / self.weight;
        libm::exp(self.log_step)
    }

    /// The averaged step size to sample with; `None` when nothing was learned since the last start.
    pub fn average(&self) -> Option<f64> {
        (self.steps > 0.0).then(|| libm::exp(self.average))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_by_hand() {
        let mut search = RobbinsMonro::new(0.8, 2.0);
        assert_eq!(search.average(), None);
        let first = 2f64.ln() - 2.5 * 5.3f64.powf(-0.75) * 0.5;
        assert!((search.learn(0.3) - first.exp()).abs() < 1e-14);
        // The sign changes, and a statistic above 1 counts as 1.
        let second = first + 2.5 * 6.3f64.powf(-0.75) * 0.2;
        assert!((search.learn(1.5) - second.exp()).abs() < 1e-14);
        assert!((search.average().unwrap() - second.exp()).abs() < 1e-14);
        let third = second - 2.5 * 7.3f64.powf(-0.75) * 0.1;
        assert!((search.learn(0.7) - third.exp()).abs() < 1e-14);
        let fourth = third - 2.5 * 7.6f64.powf(-0.75) * 0.1;
        search.learn(0.7);
        assert!((search.average().unwrap() - ((2.0 * second + 3.0 * third + 4.0 * fourth) / 9.0).exp()).abs() < 1e-14);
        search.restart(1.0);
        assert_eq!(search, RobbinsMonro::new(0.8, 1.0));
    }

    #[test]
    fn meets_its_target_from_far_off() {
        // Acceptance falls from 1 to 0 as the step size passes 1, with a noise of ±0.3.
        let accept = |step: f64| 1.0 / (1.0 + step.powi(3));
        let wanted = (1f64 / 0.7 - 1.0).cbrt();
        for start in [1e-4, 1.0, 1e4] {
            let (mut search, mut step) = (RobbinsMonro::new(0.7, start), start);
            for i in 0..300 {
                let noise = if i % 3 == 0 { 0.3 } else { -0.15 };
                step = search.learn((accept(step) + noise).clamp(0.0, 1.0));
            }
            let met = accept(search.average().unwrap());
            assert!((met - 0.7).abs() < 0.05, "{start}: {met} at {}, not {wanted}", search.average().unwrap());
        }
    }
}
