use super::draws::{Draws, mean, quantile, sorted, variance};
use super::{Layout, ebfmi, ess_bulk, ess_tail, mcse_mean, mcse_sd, rhat};
use crate::error::Error;
use std::fmt::{self, Write};

/// R-hat above this, effective sample sizes below [`FEWEST_EFFECTIVE`] per chain and E-BFMI below [`LOWEST_EBFMI`] are
/// warned of (Vehtari et al. 2021, section 4; Betancourt 2016).
const HIGHEST_RHAT: f64 = 1.01;
const FEWEST_EFFECTIVE: f64 = 100.0;
const LOWEST_EBFMI: f64 = 0.3;
/// Names of the sampler's columns end like this.
const SAMPLER_SUFFIX: &str = "__";
/// The sampler's column that is summarised like a variable.
const LOG_DENSITY: &str = "lp__";

/// The draws of several chains in one array, as the memory writers fill it.
#[derive(Debug, Clone, Copy)]
pub struct SummaryInput<'a> {
    /// `chains` × `draws` × `columns` numbers.
    pub values: &'a [f64],
    /// Number of chains, at least 1.
    pub chains: usize,
    /// Draws per chain, at least 1.
    pub draws: usize,
    /// Number of columns.
    pub columns: usize,
    /// How they lie.
    pub layout: Layout,
    /// One name per column. The sampler's own columns end with `__`; they are used for warnings.
    pub names: &'a [String],
    /// The largest depth of the run, to count the transitions that reached it; `None`: not counted.
    pub max_depth: Option<u32>,
}

impl<'a> SummaryInput<'a> {
    /// The draws of column `column`.
    pub fn column(&self, column: usize) -> Result<Draws<'a>, Error> {
        let Self { chains, draws, columns, .. } = *self;
        let (offset, chain_stride, draw_stride) = match self.layout {
            Layout::Rows => (column, draws * columns, columns),
            Layout::Columns => (column * chains * draws, draws, 1),
        };
        let values = self.values.get(offset..).unwrap_or(&[]);
        Draws::new(values, chains, draws, chain_stride, draw_stride)
    }

    fn named(&self, name: &str) -> Option<Draws<'a>> {
        let at = self.names.iter().position(|n| n == name)?;
        self.column(at).ok()
    }

    fn check(&self) -> Result<(), Error> {
        let needed = self.chains.checked_mul(self.draws).and_then(|n| n.checked_mul(self.columns));
        if needed.is_none_or(|n| n > self.values.len()) {
            let expected = format!("{} x {} x {} numbers", self.chains, self.draws, self.columns);
            return Err(Error::argument("values", expected, self.values.len()));
        }
        if self.names.len() != self.columns {
            return Err(Error::argument("names", format!("{} names", self.columns), self.names.len()));
        }
        for (name, count) in [("chains", self.chains), ("draws", self.draws)] {
            if count == 0 {
                return Err(Error::argument(name, "at least 1", count));
            }
        }
        Ok(())
    }
}

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
}

impl Row {
    fn new(name: &str, draws: &Draws<'_>) -> Self {
        let all = draws.all();
        let sorted = sorted(&all);
        let value = |statistic| match statistic {
            Statistic::Mean => mean(&all),
            Statistic::McseMean => mcse_mean(draws),
            Statistic::Sd => libm::sqrt(variance(&all)),
            Statistic::McseSd => mcse_sd(draws),
            Statistic::Q5 => quantile(&sorted, 0.05),
            Statistic::Median => quantile(&sorted, 0.5),
            Statistic::Q95 => quantile(&sorted, 0.95),
            Statistic::EssBulk => ess_bulk(draws),
            Statistic::EssTail => ess_tail(draws),
            Statistic::Rhat => rhat(draws),
        };
        Self { name: name.into(), values: Statistic::ALL.map(value) }
    }

    /// The value of one statistic.
    pub fn value(&self, statistic: Statistic) -> f64 {
        self.values[statistic as usize]
    }
}

/// Statistics of every variable and what a user should be warned of. Shown as a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    rows: Vec<Row>,
    chains: usize,
    draws: usize,
    divergences: Option<u64>,
    saturated: Option<u64>,
    ebfmi: Vec<f64>,
}

impl Summary {
    /// Summarises `lp__` and every column that is not the sampler's, one at a time: at most one column is copied at once.
    pub fn new(input: &SummaryInput<'_>) -> Result<Self, Error> {
        input.check()?;
        let mut rows = Vec::new();
        for (i, name) in input.names.iter().enumerate() {
            if name == LOG_DENSITY || !name.ends_with(SAMPLER_SUFFIX) {
                rows.push(Row::new(name, &input.column(i)?));
            }
        }
        let count = |name: &str, f: &dyn Fn(f64) -> bool| {
            input.named(name).map(|d| d.all().into_iter().filter(|&x| f(x)).count() as u64)
        };
        Ok(Self {
            rows,
            chains: input.chains,
            draws: input.draws,
            divergences: count("divergent__", &|x| x != 0.0),
            saturated: input.max_depth.and_then(|depth| count("treedepth__", &|x| x >= f64::from(depth))),
            ebfmi: input
                .named("energy__")
                .map(|d| (0..d.chains()).map(|c| ebfmi(d.chain(c))).collect())
                .unwrap_or_default(),
        })
    }

    /// One entry per variable, in the order of the columns.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Divergent transitions; `None` without a column `divergent__`.
    pub fn divergences(&self) -> Option<u64> {
        self.divergences
    }

    /// Transitions that reached the largest depth; `None` when that is not known.
    pub fn saturated(&self) -> Option<u64> {
        self.saturated
    }

    /// E-BFMI of each chain; empty without a column `energy__`.
    pub fn ebfmi(&self) -> &[f64] {
        &self.ebfmi
    }

    /// What a user should look at, one sentence each; empty when all is well.
    pub fn warnings(&self) -> Vec<String> {
        let total = (self.chains * self.draws) as f64;
        let percent = |n: u64| format!("{n} of {total} transitions ({:.1} %)", 100.0 * n as f64 / total);
        let mut out = Vec::new();
        if let Some(n) = self.divergences.filter(|&n| n > 0) {
            out.push(format!(
                "{} diverged: the sampler may have missed parts of the posterior; a larger delta or another parameterization may help",
                percent(n)
            ));
        }
        if let Some(n) = self.saturated.filter(|&n| n > 0) {
            out.push(format!("{} reached the largest tree depth: sampling is slow but not wrong", percent(n)));
        }
        let low: Vec<String> = (1..)
            .zip(&self.ebfmi)
            .filter(|(_, e)| **e < LOWEST_EBFMI)
            .map(|(chain, e)| format!("{chain} ({e:.2})"))
            .collect();
        if !low.is_empty() {
            out.push(format!(
                "E-BFMI is below {LOWEST_EBFMI} in chains {} of the run: heavy tails may be explored badly; another parameterization may help",
                low.join(", ")
            ));
        }
        let worst = |statistic: Statistic, bad: &dyn Fn(f64) -> bool| {
            self.rows.iter().filter(|r| bad(r.value(statistic))).map(|r| r.name.as_str()).collect::<Vec<_>>()
        };
        let mixing = worst(Statistic::Rhat, &|r| r > HIGHEST_RHAT);
        if !mixing.is_empty() {
            out.push(format!("R-hat is above {HIGHEST_RHAT} for {}: the chains have not mixed", listed(&mixing)));
        }
        let fewest = FEWEST_EFFECTIVE * self.chains as f64;
        for (statistic, what) in [(Statistic::EssBulk, "bulk"), (Statistic::EssTail, "tail")] {
            let few = worst(statistic, &|n| n < fewest);
            if !few.is_empty() {
                out.push(format!(
                    "the {what} effective sample size is below {fewest} ({FEWEST_EFFECTIVE} per chain) for {}: run longer chains",
                    listed(&few)
                ));
            }
        }
        out
    }
}

/// Some names and how many more there are.
fn listed(names: &[&str]) -> String {
    const SHOWN: usize = 5;
    let mut text = names.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        write!(text, " and {} more", names.len() - SHOWN).expect("a string takes all");
    }
    text
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const HEADER: [&str; 10] = ["", "mean", "mcse", "sd", "5%", "50%", "95%", "ess_bulk", "ess_tail", "r_hat"];
        let cells = |row: &Row| {
            let number = |s| significant(row.value(s));
            let count = |s| if row.value(s).is_nan() { "nan".into() } else { format!("{:.0}", row.value(s)) };
            let rhat = row.value(Statistic::Rhat);
            [
                row.name.clone(),
                number(Statistic::Mean),
                number(Statistic::McseMean),
                number(Statistic::Sd),
                number(Statistic::Q5),
                number(Statistic::Median),
                number(Statistic::Q95),
                count(Statistic::EssBulk),
                count(Statistic::EssTail),
                if rhat.is_nan() { "nan".into() } else { format!("{rhat:.3}") },
            ]
        };
        let table: Vec<[String; 10]> =
            std::iter::once(HEADER.map(String::from)).chain(self.rows.iter().map(cells)).collect();
        let mut widths = [0; 10];
        for row in &table {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.chars().count().max(*width);
            }
        }
        writeln!(f, "{} chains of {} draws each", self.chains, self.draws)?;
        for row in &table {
            let mut line = format!("{:<1$}", row[0], widths[0]);
            for (cell, width) in row.iter().zip(widths).skip(1) {
                write!(line, "  {cell:>width$}")?;
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        let warnings = self.warnings();
        if warnings.is_empty() {
            let checks = if self.divergences.is_some() { "no divergences; " } else { "" };
            return writeln!(f, "{checks}R-hat and effective sample sizes are good");
        }
        warnings.iter().try_for_each(|w| writeln!(f, "warning: {w}"))
    }
}

/// Four significant digits, without an exponent where that stays short.
fn significant(x: f64) -> String {
    const DIGITS: i32 = 4;
    if !x.is_finite() {
        return format!("{x}").to_lowercase();
    }
    if x == 0.0 {
        return "0".into();
    }
    let magnitude = libm::floor(libm::log10(x.abs())) as i32;
    if !(-4..=7).contains(&magnitude) {
        return format!("{x:.*e}", DIGITS as usize - 1);
    }
    format!("{x:.*}", (DIGITS - 1 - magnitude).max(0) as usize)
}
