//! The summary as a table, for people and as CSV.

use super::digits::significant;
use super::row::{Row, Statistic};
use super::{Summary, SummaryOptions, Verdict};
use crate::error::Error;
use crate::io::{self, shortest};
use std::fmt::{self, Write};

/// The numbers of a row, and how each is written.
enum Cell {
    Number(f64),
    Count(f64),
    Rhat(f64),
}

impl Summary {
    fn header(&self) -> Vec<String> {
        let percent = |p: &f64| format!("{}%", shortest((100.0 * p * 1e9).round() / 1e9));
        let quantiles = self.options.quantiles.iter().map(percent);
        let names = |all: &'static [&'static str]| all.iter().map(|s| s.to_string());
        names(&["", "mean", "mcse", "sd"]).chain(quantiles).chain(names(&["ess_bulk", "ess_tail", "r_hat"])).collect()
    }

    fn cells(row: &Row) -> Vec<Cell> {
        let number = |s| Cell::Number(row.value(s));
        let first = [Statistic::Mean, Statistic::McseMean, Statistic::Sd].map(number);
        let quantiles = row.quantiles().iter().map(|&q| Cell::Number(q));
        let last = [
            Cell::Count(row.value(Statistic::EssBulk)),
            Cell::Count(row.value(Statistic::EssTail)),
            Cell::Rhat(row.value(Statistic::Rhat)),
        ];
        first.into_iter().chain(quantiles).chain(last).collect()
    }

    /// The table as CSV, numbers with `digits` significant digits (1 to 18): a line of names (`name`, then those of the
    /// table), a line per variable.
    ///
    /// # Errors
    /// Another number of digits.
    pub fn csv(&self, digits: u32) -> Result<String, Error> {
        SummaryOptions { digits, ..SummaryOptions::default() }.validate()?;
        let mut text = format!("name{}\n", self.header().join(","));
        for row in &self.rows {
            text.push_str(&quoted(&row.name));
            for cell in Self::cells(row) {
                let (Cell::Number(x) | Cell::Count(x) | Cell::Rhat(x)) = cell;
                write!(text, ",{}", io::significant(x, digits)).expect("a string takes all");
            }
            text.push('\n');
        }
        Ok(text)
    }
}

/// A name for a CSV file.
fn quoted(name: &str) -> String {
    if name.contains([',', '"', '\n']) { format!("\"{}\"", name.replace('"', "\"\"")) } else { name.into() }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.options.digits;
        let text = |cell: Cell| match cell {
            Cell::Number(x) => significant(x, digits),
            Cell::Count(x) | Cell::Rhat(x) if x.is_nan() => "nan".into(),
            Cell::Count(x) => format!("{x:.0}"),
            Cell::Rhat(x) => format!("{x:.*}", RHAT_DECIMALS.max(digits.saturating_sub(1) as usize)),
        };
        let line =
            |row: &Row| std::iter::once(row.name.clone()).chain(Self::cells(row).into_iter().map(text)).collect();
        let table: Vec<Vec<String>> = std::iter::once(self.header()).chain(self.rows.iter().map(line)).collect();
        let mut widths = vec![0; table[0].len()];
        for row in &table {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.chars().count().max(*width);
            }
        }
        writeln!(f, "{} chains of {} draws each", self.chains, self.draws)?;
        for row in &table {
            let mut line = format!("{:<1$}", row[0], widths[0]);
            for (cell, width) in row.iter().zip(&widths).skip(1) {
                write!(line, "  {cell:>width$}")?;
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        self.warnings().iter().try_for_each(|w| writeln!(f, "warning: {w}"))?;
        if self.verdict() == Verdict::Good {
            let checks = if self.divergences.is_some() { "no divergences; " } else { "" };
            writeln!(f, "{checks}R-hat and effective sample sizes are good")?;
        }
        Ok(())
    }
}

/// Decimals of R-hat, more where more digits are asked for.
const RHAT_DECIMALS: usize = 3;
