//! The energy's distribution beside that of its steps (Betancourt 2017, "A conceptual introduction to Hamiltonian Monte
//! Carlo", section 6.2).

use super::scale::Range;
use crate::diagnostics::{Draws, SummaryInput};
use serde::Serialize;

/// Bins of the histograms.
const BINS: usize = 48;

/// Two histograms over the same bins.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Energy {
    /// Where the first bin begins and the last one ends.
    pub low: f64,
    pub high: f64,
    /// Shares of the energies, each less its chain's mean.
    pub energies: Vec<f64>,
    /// Shares of the differences between one draw's energy and the next one's.
    pub steps: Vec<f64>,
}

impl Energy {
    /// `None` without a column `energy__`, and where its numbers are not finite.
    pub fn of(input: &SummaryInput<'_>) -> Option<Self> {
        let at = input.names.iter().position(|name| name == "energy__")?;
        let draws = input.column(at).ok()?;
        let (energies, steps) = centred(&draws);
        let range = Range::of(energies.iter().chain(&steps).copied());
        let is_whole = energies.iter().all(|e| e.is_finite()) && range.high > range.low;
        is_whole.then(|| Self {
            low: range.low,
            high: range.high,
            energies: histogram(&energies, &range),
            steps: histogram(&steps, &range),
        })
    }
}

fn centred(draws: &Draws<'_>) -> (Vec<f64>, Vec<f64>) {
    let (mut energies, mut steps) = (Vec::new(), Vec::new());
    for c in 0..draws.chains() {
        let chain: Vec<f64> = draws.chain(c).collect();
        let mean = chain.iter().sum::<f64>() / chain.len() as f64;
        energies.extend(chain.iter().map(|e| e - mean));
        steps.extend(chain.windows(2).map(|w| w[1] - w[0]));
    }
    (energies, steps)
}

fn histogram(values: &[f64], range: &Range) -> Vec<f64> {
    let mut shares = vec![0.0; BINS];
    let each = 1.0 / values.len().max(1) as f64;
    values.iter().for_each(|x| shares[range.bin(*x, BINS)] += each);
    // Enough digits for a picture.
    shares.iter().map(|share| libm::round(share * 1e5) / 1e5).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::Layout;

    #[test]
    fn steps_that_are_smaller_than_the_energies_show() {
        let energies: Vec<f64> = (0..500).map(|i| 100.0 + 10.0 * libm::sin(f64::from(i) / 40.0)).collect();
        let names = ["energy__".to_string()];
        let (values, layout) = (&energies[..], Layout::Columns);
        let input = SummaryInput { values, chains: 1, draws: 500, columns: 1, layout, names: &names, max_depth: None };
        let energy = Energy::of(&input).unwrap();
        assert!((energy.energies.iter().sum::<f64>() - 1.0).abs() < 1e-3);
        let filled = |bins: &[f64]| bins.iter().filter(|share| **share > 0.0).count();
        assert!(filled(&energy.steps) <= 3 && filled(&energy.energies) > 40, "{energy:?}");
        let names = ["x".to_string()];
        assert_eq!(Energy::of(&SummaryInput { names: &names, ..input }), None);
    }
}
