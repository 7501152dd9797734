use super::Adaptation;
use serde::{Deserialize, Serialize};

/// Nesterov's dual averaging of the log step size towards a target acceptance statistic (Hoffman and Gelman 2014,
/// section 3.2, equation 6), as in Stan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DualAveraging {
    options: Adaptation,
    mu: f64,
    count: f64,
    s_bar: f64,
    x_bar: f64,
}

/// The averages shrink towards ten times the step size they start from.
const SHRINKAGE_FACTOR: f64 = 10.0;

impl DualAveraging {
    /// Starts from `stepsize`.
    pub fn new(options: Adaptation, stepsize: f64) -> Self {
        let mu = libm::log(SHRINKAGE_FACTOR * stepsize);
        Self { options, mu, count: 0.0, s_bar: 0.0, x_bar: 0.0 }
    }

    /// Forgets everything and starts again from `stepsize`.
    pub fn restart(&mut self, stepsize: f64) {
        *self = Self::new(self.options, stepsize);
    }

    /// Learns from one transition's acceptance statistic; returns the step size for the next.
    pub fn learn(&mut self, accept_stat: f64) -> f64 {
        let Adaptation { delta, gamma, kappa, t0, .. } = self.options;
        self.count += 1.0;
        let eta = 1.0 / (self.count + t0);
        self.s_bar = (1.0 - eta) * self.s_bar + eta * (delta - accept_stat.min(1.0));
        let x = self.mu - self.s_bar * self.count.sqrt() / gamma;
        let weight = libm::pow(self.count, -kappa);
        self.x_bar = (1.0 - weight) * self.x_bar + weight * x;
        libm::exp(x)
    }

    /// The averaged step size to sample with; `None` when nothing was learned since the last start.
    pub fn average(&self) -> Option<f64> {
        (self.count > 0.0).then(|| libm::exp(self.x_bar))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_recursion() {
        // By hand: mu = log 10, eta = 1/11, s = (0.8 - 0.3)/11, x = mu - s/0.05, x_bar = x.
        let mut a = DualAveraging::new(Adaptation::stan(), 1.0);
        let expected = (10f64.ln() - 0.5 / 11.0 / 0.05).exp();
        assert!((a.learn(0.3) - expected).abs() < 1e-14);
        assert!((a.average().unwrap() - expected).abs() < 1e-14);
        let s = 0.5 / 11.0 * 11.0 / 12.0 + (0.8 - 1.0) / 12.0;
        let x = 10f64.ln() - s * 2f64.sqrt() / 0.05;
        let weight = 2f64.powf(-0.75);
        assert!((a.learn(7.0) - x.exp()).abs() < 1e-13);
        assert!((a.average().unwrap().ln() - ((1.0 - weight) * expected.ln() + weight * x)).abs() < 1e-13);
    }

    #[test]
    fn nothing_learned_gives_no_average() {
        let mut a = DualAveraging::new(Adaptation::default(), 0.3);
        assert_eq!(a.average(), None);
        a.learn(0.5);
        a.restart(0.1);
        assert_eq!(a.average(), None);
    }
}
