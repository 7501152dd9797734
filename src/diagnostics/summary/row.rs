//! One variable's line of the summary.

use super::apart::Apart;
use crate::diagnostics::sums::{mean, variance};
use crate::diagnostics::workbench::{Flaw, Workbench};

/// A column of the summary table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum Statistic {
    /// Mean.
    Mean = 0,
    /// Monte Carlo standard error of the mean.
    McseMean = 1,
    /// Standard deviation.
    Sd = 2,
    /// Monte Carlo standard error of the standard deviation.
    McseSd = 3,
    /// 5 % quantile.
    Q5 = 4,
    /// Median.
    Median = 5,
    /// 95 % quantile.
    Q95 = 6,
    /// Bulk effective sample size.
    EssBulk = 7,
    /// Tail effective sample size.
    EssTail = 8,
    /// Rank-normalised split R-hat.
    Rhat = 9,
}

impl Statistic {
    const ALL: [Self; 10] = [
        Self::Mean,
        Self::McseMean,
        Self::Sd,
        Self::McseSd,
        Self::Q5,
        Self::Median,
        Self::Q95,
        Self::EssBulk,
        Self::EssTail,
        Self::Rhat,
    ];

    /// Every statistic, by number.
    pub fn all() -> [Self; 10] {
        Self::ALL
    }

    /// Its name: `mean`, `mcse_mean`, `sd`, `mcse_sd`, `q5`, `median`, `q95`, `ess_bulk`, `ess_tail` or `r_hat`.
    pub fn name(self) -> &'static str {
        const NAMES: [&str; Statistic::ALL.len()] =
            ["mean", "mcse_mean", "sd", "mcse_sd", "q5", "median", "q95", "ess_bulk", "ess_tail", "r_hat"];
        NAMES[self as usize]
    }

    /// The statistic with this number.
    pub fn from_number(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|s| *s as i32 == number)
    }
}

/// One variable's statistics.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Name of the variable.
    pub name: String,
    values: [f64; Statistic::ALL.len()],
    quantiles: Vec<f64>,
    pub(super) flaw: Flaw,
    /// A chain that doesn't move in it may do so by chance.
    pub(super) has_few_values: bool,
    pub(super) apart: Option<Apart>,
}

/// A variable with at most so many different values counts events, and may well not change in one chain.
const FEW_VALUES: usize = 8;

impl Row {
    pub(super) fn new(name: &str, bench: &mut Workbench, quantiles: &[f64]) -> Self {
        let (rhat, ess_bulk) = bench.rhat_and_ess_bulk();
        let value = |statistic| match statistic {
            Statistic::Mean => mean(bench.values()),
            Statistic::McseMean => bench.mcse_mean(),
            Statistic::Sd => libm::sqrt(variance(bench.values())),
            Statistic::McseSd => bench.mcse_sd(),
            Statistic::Q5 => bench.quantile(0.05),
            Statistic::Median => bench.quantile(0.5),
            Statistic::Q95 => bench.quantile(0.95),
            Statistic::EssBulk => ess_bulk,
            Statistic::EssTail => bench.ess_tail(),
            Statistic::Rhat => rhat,
        };
        let values = Statistic::ALL.map(value);
        let quantiles = quantiles.iter().map(|&p| bench.quantile(p)).collect();
        let flaw = bench.flaw().clone();
        let has_few_values = bench.sorted().chunk_by(|a, b| a == b).take(FEW_VALUES + 1).count() <= FEW_VALUES;
        let apart = Apart::look(bench, rhat);
        Self { name: name.into(), values, quantiles, flaw, has_few_values, apart }
    }

    /// The value of one statistic.
    pub fn value(&self, statistic: Statistic) -> f64 {
        self.values[statistic as usize]
    }

    /// The quantiles that were asked for.
    pub fn quantiles(&self) -> &[f64] {
        &self.quantiles
    }
}
