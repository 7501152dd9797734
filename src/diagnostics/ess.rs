use super::draws::Draws;
use super::special::beta_quantile;
use super::sums::{mean, variance};
use super::workbench::{Flaw, Workbench};

/// The quantiles whose effective sample sizes make the tail's.
const TAIL: [f64; 2] = [0.05, 0.95];

/// Rank-normalised split R-hat, the larger of that of the draws and that of their distances from the median (Vehtari et
/// al. 2021, section 4). NaN for fewer than 4 draws per chain, for draws that are not finite, and where those of a chain
/// are all equal.
pub fn rhat(draws: &Draws<'_>) -> f64 {
    Workbench::with(draws).rhat_and_ess_bulk().0
}

/// Bulk effective sample size: that of the rank-normalised split draws (Vehtari et al. 2021, section 4.3).
pub fn ess_bulk(draws: &Draws<'_>) -> f64 {
    Workbench::with(draws).rhat_and_ess_bulk().1
}

/// Tail effective sample size: the smaller of those of the 5 % and 95 % quantiles.
pub fn ess_tail(draws: &Draws<'_>) -> f64 {
    Workbench::with(draws).ess_tail()
}

/// Effective sample size for the mean.
pub fn ess_mean(draws: &Draws<'_>) -> f64 {
    Workbench::with(draws).ess_of(|x| x)
}

/// Effective sample size for the standard deviation: that of the distances from the mean.
pub fn ess_sd(draws: &Draws<'_>) -> f64 {
    let mut bench = Workbench::with(draws);
    let m = mean(bench.values());
    bench.ess_of(|x| (x - m).abs())
}

/// Effective sample size for the quantile at `probability`: that of the indicator of lying at or below it.
pub fn ess_quantile(draws: &Draws<'_>, probability: f64) -> f64 {
    Workbench::with(draws).ess_quantile(probability)
}

/// Monte Carlo standard error of the mean.
pub fn mcse_mean(draws: &Draws<'_>) -> f64 {
    Workbench::with(draws).mcse_mean()
}

/// Monte Carlo standard error of the standard deviation, by the delta method from that of the second central moment
/// (as in `posterior` since 1.2: no normality assumed).
pub fn mcse_sd(draws: &Draws<'_>) -> f64 {
    Workbench::with(draws).mcse_sd()
}

/// Monte Carlo standard error of the quantile at `probability`, from the order statistics at plus and minus one standard
/// error of its rank (Vehtari et al. 2021, section 4.4).
pub fn mcse_quantile(draws: &Draws<'_>, probability: f64) -> f64 {
    /// Normal probabilities of lying below minus and plus one standard deviation.
    const ONE_SD: [f64; 2] = [0.158_655_253_931_457_05, 0.841_344_746_068_542_9];
    let mut bench = Workbench::with(draws);
    let size = bench.ess_quantile(probability);
    if size.is_nan() {
        return f64::NAN;
    }
    let values = bench.sorted();
    let n = values.len() as f64;
    let [low, high] = ONE_SD.map(|p| beta_quantile(p, size * probability + 1.0, size * (1.0 - probability) + 1.0));
    let below = values[((low * n).floor().max(1.0) - 1.0) as usize];
    let above = values[((high * n).ceil().min(n) - 1.0) as usize];
    (above - below) / 2.0
}

impl Workbench {
    /// See [`ess_tail`].
    pub fn ess_tail(&mut self) -> f64 {
        let [low, high] = TAIL.map(|p| self.ess_quantile(p));
        if low.is_nan() || high.is_nan() { f64::NAN } else { low.min(high) }
    }

    /// See [`mcse_mean`].
    pub fn mcse_mean(&mut self) -> f64 {
        libm::sqrt(variance(self.values()) / self.ess_of(|x| x))
    }

    /// See [`mcse_sd`].
    pub fn mcse_sd(&mut self) -> f64 {
        if *self.flaw() != Flaw::None {
            return f64::NAN;
        }
        let m = mean(self.values());
        let square = |x: f64| (x - m) * (x - m);
        let squares: Vec<f64> = self.values().iter().map(|&x| square(x)).collect();
        let second = mean(&squares);
        let fourth = mean(&squares.iter().map(|s| s * s).collect::<Vec<_>>());
        let variance_of_second = (fourth - second * second) / self.ess_of(square);
        libm::sqrt(variance_of_second / second / 4.0)
    }
}
