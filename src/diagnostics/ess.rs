use super::draws::{Chains, Draws, mean, quantile, sorted, variance};
use super::rhat::rank_normalised;
use super::special::beta_quantile;

/// The quantiles whose effective sample sizes make the tail's.
const TAIL: [f64; 2] = [0.05, 0.95];

/// Bulk effective sample size: that of the rank-normalised split draws (Vehtari et al. 2021, section 4.3).
pub fn ess_bulk(draws: &Draws<'_>) -> f64 {
    let chains = Chains::new(draws);
    if chains.degenerate() { f64::NAN } else { ess(&rank_normalised(&chains.split())) }
}

/// Tail effective sample size: the smaller of those of the 5 % and 95 % quantiles.
pub fn ess_tail(draws: &Draws<'_>) -> f64 {
    let [low, high] = TAIL.map(|p| ess_quantile(draws, p));
    if low.is_nan() || high.is_nan() { f64::NAN } else { low.min(high) }
}

/// Effective sample size for the mean.
pub fn ess_mean(draws: &Draws<'_>) -> f64 {
    let chains = Chains::new(draws);
    if chains.degenerate() { f64::NAN } else { ess(&chains.split()) }
}

/// Effective sample size for the standard deviation: that of the distances from the mean.
pub fn ess_sd(draws: &Draws<'_>) -> f64 {
    let chains = Chains::new(draws);
    if chains.degenerate() {
        return f64::NAN;
    }
    let m = mean(&chains.values);
    ess(&chains.map(|x| (x - m).abs()).split())
}

/// Effective sample size for the quantile at `probability`: that of the indicator of lying at or below it.
pub fn ess_quantile(draws: &Draws<'_>, probability: f64) -> f64 {
    let chains = Chains::new(draws);
    if chains.degenerate() || !(0.0..=1.0).contains(&probability) {
        return f64::NAN;
    }
    let at = quantile(&sorted(&chains.values), probability);
    ess(&chains.map(|x| if x <= at { 1.0 } else { 0.0 }).split())
}

/// Monte Carlo standard error of the mean.
pub fn mcse_mean(draws: &Draws<'_>) -> f64 {
    libm::sqrt(variance(&draws.all()) / ess_mean(draws))
}

/// Monte Carlo standard error of the standard deviation, by the delta method from that of the second central moment
/// (as in `posterior` since 1.2: no normality assumed).
pub fn mcse_sd(draws: &Draws<'_>) -> f64 {
    let chains = Chains::new(draws);
    if chains.degenerate() {
        return f64::NAN;
    }
    let m = mean(&chains.values);
    let squares = chains.map(|x| (x - m) * (x - m));
    let second = mean(&squares.values);
    let fourth = mean(&squares.map(|s| s * s).values);
    let variance_of_second = (fourth - second * second) / ess(&squares.split());
    libm::sqrt(variance_of_second / second / 4.0)
}

/// Monte Carlo standard error of the quantile at `probability`, from the order statistics at plus and minus one standard
/// error of its rank (Vehtari et al. 2021, section 4.4).
pub fn mcse_quantile(draws: &Draws<'_>, probability: f64) -> f64 {
    /// Normal probabilities of lying below minus and plus one standard deviation.
    const ONE_SD: [f64; 2] = [0.158_655_253_931_457_05, 0.841_344_746_068_542_9];
    let size = ess_quantile(draws, probability);
    if size.is_nan() {
        return f64::NAN;
    }
    let values = sorted(&draws.all());
    let n = values.len() as f64;
    let [low, high] = ONE_SD.map(|p| beta_quantile(p, size * probability + 1.0, size * (1.0 - probability) + 1.0));
    let below = values[((low * n).floor().max(1.0) - 1.0) as usize];
    let above = values[((high * n).ceil().min(n) - 1.0) as usize];
    (above - below) / 2.0
}

/// Effective sample size of chains as they are, by Geyer's initial monotone sequence over the chains' mean
/// autocovariances (Vehtari et al. 2021, equations 10 to 13).
///
/// Autocovariances are summed directly, lag by lag, until the sequence ends: a chain worth having needs few lags, the bits
/// are the same everywhere, and there is no transform to depend on.
fn ess(chains: &Chains) -> f64 {
    let (count, n) = (chains.count(), chains.length);
    if n < 3 || chains.values.iter().all(|x| *x == chains.values[0]) {
        return f64::NAN;
    }
    let means: Vec<f64> = chains.iter().map(mean).collect();
    let autocovariance = |lag: usize| {
        let sums = chains
            .iter()
            .zip(&means)
            .map(|(c, m)| c[..n - lag].iter().zip(&c[lag..]).map(|(a, b)| (a - m) * (b - m)).sum::<f64>() / n as f64);
        sums.sum::<f64>() / count as f64
    };
    let length = n as f64;
    let within = autocovariance(0) * length / (length - 1.0);
    let mut total = within * (length - 1.0) / length;
    if count > 1 {
        total += variance(&means);
    }
    let rho = |lag: usize| 1.0 - (within - autocovariance(lag)) / total;
    let (mut even, mut odd) = (1.0, rho(1));
    let mut rhos = vec![even, odd];
    let mut lag = 0;
    while lag + 5 < n && even + odd > 0.0 {
        lag += 2;
        (even, odd) = (rho(lag), rho(lag + 1));
        let positive = even + odd >= 0.0;
        rhos.extend(if positive { [even, odd] } else { [0.0, 0.0] });
    }
    if even > 0.0 {
        rhos[lag] = even;
    }
    // The sums of pairs must not increase.
    for t in (2..lag.saturating_sub(1)).step_by(2) {
        let before = rhos[t - 2] + rhos[t - 1];
        if rhos[t] + rhos[t + 1] > before {
            rhos[t] = before / 2.0;
            rhos[t + 1] = before / 2.0;
        }
    }
    let size = (count * n) as f64;
    let time = -1.0 + 2.0 * rhos[..lag].iter().sum::<f64>() + rhos[lag];
    // Antithetic chains may be better than independent ones, but not without limit.
    size / time.max(1.0 / libm::log10(size))
}
