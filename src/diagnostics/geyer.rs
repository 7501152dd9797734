//! Effective sample size by Geyer's initial monotone sequence.

use super::autocovariance::{Abreast, Autocovariances, Transform};
use super::sums::{mean, variance};

/// Memory for [`size`], used again for the next.
#[derive(Default)]
pub(super) struct Memory {
    transform: Transform,
    centred: Abreast,
    rhos: Vec<f64>,
}

/// Effective sample size of chains of `length` numbers that stand one after the other, as they are (Vehtari et al. 2021,
/// equations 10 to 13), over the chains' mean autocovariances. NaN for fewer than 3 numbers or all equal ones.
pub(super) fn size(chains: &[f64], length: usize, memory: &mut Memory) -> f64 {
    let Memory { transform, centred, rhos } = memory;
    if length < 3 || chains.iter().all(|x| *x == chains[0]) {
        return f64::NAN;
    }
    let means: Vec<f64> = chains.chunks_exact(length).map(mean).collect();
    centred.load(chains, length, &means);
    let mut autocovariance = Autocovariances::new(centred, transform);
    let n = length as f64;
    let within = autocovariance.at(0) * n / (n - 1.0);
    let mut total = within * (n - 1.0) / n;
    if means.len() > 1 {
        total += variance(&means);
    }
    let mut rho = |lag: usize| 1.0 - (within - autocovariance.at(lag)) / total;
    let (mut even, mut odd) = (1.0, rho(1));
    rhos.clear();
    rhos.extend([even, odd]);
    let mut lag = 0;
    while lag + 5 < length && even + odd > 0.0 {
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
    let size = chains.len() as f64;
    let time = -1.0 + 2.0 * rhos[..lag].iter().sum::<f64>() + rhos[lag];
    // Antithetic chains may be better than independent ones, but not without limit.
    size / time.max(1.0 / libm::log10(size))
}
