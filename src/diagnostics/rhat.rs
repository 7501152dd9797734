use super::draws::{Chains, Draws, mean, quantile, sorted, variance};
use super::special::normal_quantile;

/// Rank-normalised split R-hat, the larger of that of the draws and that of their distances from the median (Vehtari et
/// al. 2021, section 4). NaN for fewer than 4 draws per chain, draws that are all equal, or that are not finite.
pub fn rhat(draws: &Draws<'_>) -> f64 {
    let chains = Chains::new(draws);
    let split = chains.split();
    if chains.degenerate() || split.degenerate() && split.length < 2 {
        return f64::NAN;
    }
    let median = quantile(&sorted(&chains.values), 0.5);
    let folded = split.map(|x| (x - median).abs());
    basic(&rank_normalised(&split)).max(basic(&rank_normalised(&folded)))
}

/// R-hat of chains as they are (Vehtari et al. 2021, equations 1 to 4).
fn basic(chains: &Chains) -> f64 {
    let n = chains.length as f64;
    let means: Vec<f64> = chains.iter().map(mean).collect();
    let variances: Vec<f64> = chains.iter().map(variance).collect();
    let (between, within) = (n * variance(&means), mean(&variances));
    libm::sqrt((between / within + n - 1.0) / n)
}

/// Normal scores of the ranks over all chains, ties sharing their mean rank (equation 14).
pub(super) fn rank_normalised(chains: &Chains) -> Chains {
    /// Blom's offset.
    const OFFSET: f64 = 3.0 / 8.0;
    let values = &chains.values;
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_unstable_by(|&a, &b| values[a].total_cmp(&values[b]));
    let total = values.len() as f64 - 2.0 * OFFSET + 1.0;
    let mut scores = vec![0.0; values.len()];
    let mut first = 0;
    while first < order.len() {
        let ties = order[first..].iter().take_while(|&&i| values[i] == values[order[first]]).count();
        // Ranks first + 1 to first + ties.
        let rank = first as f64 + (ties as f64 + 1.0) / 2.0;
        let score = normal_quantile((rank - OFFSET) / total);
        for &i in &order[first..first + ties] {
            scores[i] = score;
        }
        first += ties;
    }
    Chains { values: scores, length: chains.length }
}
