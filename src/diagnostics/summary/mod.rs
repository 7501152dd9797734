//! Statistics of every variable, and what is to be said of them.

mod apart;
mod digits;
mod input;
mod row;
mod table;
mod verdict;

pub use input::{SummaryInput, SummaryOptions, select_columns};
pub use row::{Row, Statistic};
pub use verdict::Verdict;

use super::workbench::Workbench;
use super::{Layout, ebfmi};
use crate::error::Error;
use crate::particles::blocks::{Blocks, Serial};

/// Columns that are summarised one after the other by one thread. Where the columns of a draw stand together, so many are
/// copied at once: they share a cache line.
const TOGETHER: usize = 8;

/// Statistics of every variable and what a user should be warned of. Shown as a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    options: SummaryOptions,
    rows: Vec<Row>,
    chains: usize,
    draws: usize,
    lengths: Vec<usize>,
    /// Whether each chain moves in some variable.
    moving: Vec<bool>,
    divergences: Option<u64>,
    saturated: Option<u64>,
    ebfmi: Vec<f64>,
}

impl Summary {
    /// Summarises `lp__` and every column that is not the sampler's, a few at a time: no more are copied at once.
    pub fn new(input: &SummaryInput<'_>) -> Result<Self, Error> {
        Self::with(input, &SummaryOptions::default(), &Serial)
    }

    /// Summarises what `options` say, by the threads that `blocks` has. The numbers don't depend on these.
    ///
    /// # Errors
    /// Options out of range, names that no column has, an array that is too small; an interrupt.
    pub fn with(input: &SummaryInput<'_>, options: &SummaryOptions, blocks: &impl Blocks) -> Result<Self, Error> {
        Ok(Self::with_more(input, options, blocks, |_| ())?.0)
    }

    /// As [`Summary::with`], and what `more` makes of each variable while its draws are at hand; in the order of the rows.
    ///
    /// # Errors
    /// As [`Summary::with`].
    pub fn with_more<T: Send>(
        input: &SummaryInput<'_>,
        options: &SummaryOptions,
        blocks: &impl Blocks,
        more: impl Fn(&mut Workbench) -> T + Sync,
    ) -> Result<(Self, Vec<T>), Error> {
        input.check()?;
        options.validate()?;
        let picked = select_columns(input.names, &options.variables, "variables")?;
        let mut places: Vec<Option<(Row, T)>> = picked.iter().map(|_| None).collect();
        let items = places.chunks_mut(TOGETHER).zip(picked.chunks(TOGETHER));
        blocks.for_each(
            items,
            || Ok(Bench::default()),
            |bench, (places, columns)| {
                bench.gather(input, columns);
                let size = input.chains * input.draws;
                for (k, (place, &column)) in places.iter_mut().zip(columns).enumerate() {
                    let values = bench.columns[k * size..(k + 1) * size].iter().copied();
                    bench.workbench.load(values, input.draws);
                    let row = Row::new(&input.names[column], &mut bench.workbench, &options.quantiles);
                    *place = Some((row, more(&mut bench.workbench)));
                }
                Ok(())
            },
        )?;
        let mut rows: Vec<(Row, T)> = places.into_iter().flatten().collect();
        if let Some(statistic) = options.order {
            // NaN comes last in both directions.
            let key = |row: &Row| row.value(statistic);
            rows.sort_by(|(a, _), (b, _)| {
                let order = if options.descending { key(b).total_cmp(&key(a)) } else { key(a).total_cmp(&key(b)) };
                key(a).is_nan().cmp(&key(b).is_nan()).then(order)
            });
        }
        let (rows, more) = rows.into_iter().unzip();
        let count = |name: &str, f: &dyn Fn(f64) -> bool| {
            input.named(name).map(|d| (0..d.chains()).flat_map(|c| d.chain(c)).filter(|&x| f(x)).count() as u64)
        };
        let summary = Self {
            rows,
            chains: input.chains,
            draws: input.draws,
            lengths: options.lengths.clone(),
            moving: input.moving(),
            divergences: count("divergent__", &|x| x != 0.0),
            saturated: input.max_depth.and_then(|depth| count("treedepth__", &|x| x >= f64::from(depth))),
            ebfmi: input
                .named("energy__")
                .map(|d| (0..d.chains()).map(|c| ebfmi(d.chain(c))).collect())
                .unwrap_or_default(),
            options: options.clone(),
        };
        Ok((summary, more))
    }

    /// One entry per variable, in the order of the columns or the one that was asked for.
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
}

/// One thread's memory.
#[derive(Default)]
struct Bench {
    workbench: Workbench,
    /// Column after column.
    columns: Vec<f64>,
}

impl Bench {
    /// Copies some columns, chain after chain.
    fn gather(&mut self, input: &SummaryInput<'_>, columns: &[usize]) {
        let size = input.chains * input.draws;
        self.columns.resize(columns.len() * size, 0.0);
        match input.layout {
            Layout::Columns => {
                for (out, &column) in self.columns.chunks_exact_mut(size).zip(columns) {
                    out.copy_from_slice(&input.values[column * size..(column + 1) * size]);
                }
            }
            Layout::Rows => {
                for (i, row) in input.values.chunks_exact(input.columns).take(size).enumerate() {
                    for (k, &column) in columns.iter().enumerate() {
                        self.columns[k * size + i] = row[column];
                    }
                }
            }
        }
    }
}
