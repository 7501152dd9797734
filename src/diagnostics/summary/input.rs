//! What a summary reads, and what it is to show.

use crate::diagnostics::{Draws, Layout, Statistic};
use crate::error::Error;

/// Names of the sampler's columns end like this.
const SAMPLER_SUFFIX: &str = "__";
/// The sampler's column that is summarised like a variable.
const LOG_DENSITY: &str = "lp__";
/// The most significant digits of a number in the table.
const MOST_DIGITS: u32 = crate::io::MAX_SIG_FIGS;

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

    pub(super) fn named(&self, name: &str) -> Option<Draws<'a>> {
        let at = self.names.iter().position(|n| n == name)?;
        self.column(at).ok()
    }

    /// Whether the array is large enough and every column has a name.
    pub(crate) fn check(&self) -> Result<(), Error> {
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

    /// Whether each chain moves in some variable.
    pub(super) fn moving(&self) -> Vec<bool> {
        let columns = || (0..self.columns).filter(|&c| is_variable(&self.names[c]));
        let draws = |column: usize| self.column(column).expect("checked");
        let moves = |chain: usize, column: usize| {
            let mut values = draws(column).chain(chain);
            let first = values.next();
            values.any(|x| Some(x) != first)
        };
        (0..self.chains).map(|chain| columns().any(|column| moves(chain, column))).collect()
    }
}

/// Whether a column is looked at when none is named.
fn is_variable(name: &str) -> bool {
    name == LOG_DENSITY || !name.ends_with(SAMPLER_SUFFIX)
}

/// The places of the columns among `names` that `wanted` asks for, in its order: columns by their names, or variables with
/// all of their elements. Without any: `lp__` and every column that is not the sampler's.
///
/// # Errors
/// No column has a name that is wanted; `argument` is who asks.
pub fn select_columns(names: &[String], wanted: &[String], argument: &str) -> Result<Vec<usize>, Error> {
    if wanted.is_empty() {
        return Ok((0..names.len()).filter(|&c| is_variable(&names[c])).collect());
    }
    let mut picked = Vec::new();
    for one in wanted {
        let fits: Vec<usize> = (0..names.len()).filter(|&c| is_named(one, &names[c])).collect();
        if fits.is_empty() {
            return Err(Error::argument(argument, "names of columns, or of variables that have several", one));
        }
        for column in fits {
            if !picked.contains(&column) {
                picked.push(column);
            }
        }
    }
    Ok(picked)
}

/// Whether `wanted` is the column `name`, or the variable whose elements the column is one of. Elements may be written as
/// in Stan (`theta[1,2]`) or as in its files (`theta.1.2`).
fn is_named(wanted: &str, name: &str) -> bool {
    let plain = |text: &str| text.replace(['[', ','], ".").replace([']', ' '], "");
    let (wanted, name) = (plain(wanted), plain(name));
    name.strip_prefix(&wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', ':']))
}

/// What a summary shows, and of what.
#[derive(Debug, Clone, PartialEq)]
pub struct SummaryOptions {
    /// Names of the variables, in the order wanted: columns, or variables with all of their elements. Default: empty, for
    /// `lp__` and every column that is not the sampler's.
    pub variables: Vec<String>,
    /// Probabilities of the quantiles of the table, from 0 to 1. Default 0.05, 0.5 and 0.95.
    pub quantiles: Vec<f64>,
    /// Significant digits of the table's numbers, 1 to 18. Default 4.
    pub digits: u32,
    /// The statistic by which rows are ordered. Default: as the columns stand, or as `variables` name them.
    pub order: Option<Statistic>,
    /// With `order`: the largest first. Default false.
    pub descending: bool,
    /// How many draws each chain had before all were cut to one length. Default: empty, for none was cut.
    pub lengths: Vec<usize>,
}

impl Default for SummaryOptions {
    fn default() -> Self {
        Self {
            variables: Vec::new(),
            quantiles: vec![0.05, 0.5, 0.95],
            digits: 4,
            order: None,
            descending: false,
            lengths: Vec::new(),
        }
    }
}

impl SummaryOptions {
    /// The same, ordered by the statistic of this name ([`Statistic::name`]), the largest first after a `-`.
    ///
    /// # Errors
    /// There is no such statistic.
    pub fn ordered_by(self, text: &str) -> Result<Self, Error> {
        let (name, descending) = text.strip_prefix('-').map_or((text, false), |name| (name, true));
        let Some(order) = Statistic::all().into_iter().find(|s| s.name() == name) else {
            let known: Vec<&str> = Statistic::all().into_iter().map(Statistic::name).collect();
            return Err(Error::argument("order", format!("one of {}", known.join(", ")), text));
        };
        Ok(Self { order: Some(order), descending, ..self })
    }

    /// Checks the ranges.
    ///
    /// # Errors
    /// The first value outside of its range.
    pub fn validate(&self) -> Result<(), Error> {
        if let Some(bad) = self.quantiles.iter().find(|p| !(0.0..=1.0).contains(*p)) {
            return Err(Error::argument("quantiles", "probabilities from 0 to 1", bad));
        }
        if !(1..=MOST_DIGITS).contains(&self.digits) {
            return Err(Error::argument("digits", format!("1 to {MOST_DIGITS}"), self.digits));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_have_the_name_of_their_variable() {
        for (wanted, name) in [
            ("mu", "mu"),
            ("theta", "theta.2"),
            ("theta[1,2]", "theta.1.2"),
            ("theta[1, 2]", "theta[1,2]"),
            ("theta.1", "theta[1,2]"),
            ("x:1", "x:1.3"),
            ("x", "x:1.3"),
        ] {
            assert!(is_named(wanted, name), "{wanted} and {name}");
        }
        for (wanted, name) in [("mu", "mu2"), ("theta[1]", "theta.12"), ("theta.1.2", "theta.1"), ("", "mu")] {
            assert!(!is_named(wanted, name), "{wanted} and {name}");
        }
    }
}
