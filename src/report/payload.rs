//! What the page's script gets, as JSON.

use super::energy::Energy;
use super::growth::{Growth, growth};
use super::input::ReportInput;
use super::pairs::Pairs;
use super::scale::{finite, shown};
use super::sketch::{MOST_RANKS, Shape, Sketch};
use super::warmup::Warmup;
use crate::diagnostics::{Row, Statistic, Summary};
use crate::error::Error;
use crate::particles::blocks::Blocks;
use serde::Serialize;

/// Variables whose effective sample sizes are followed.
const FOLLOWED: usize = 6;
/// The columns of the table after the name.
const COLUMNS: [Statistic; 10] = [
    Statistic::Mean,
    Statistic::McseMean,
    Statistic::Sd,
    Statistic::Q5,
    Statistic::Median,
    Statistic::Q95,
    Statistic::EssBulk,
    Statistic::EssTail,
    Statistic::Rhat,
    Statistic::McseSd,
];

#[derive(Debug, Serialize)]
pub struct Payload {
    chains: usize,
    draws: usize,
    statistics: Vec<&'static str>,
    names: Vec<String>,
    /// A row of statistics for each name; `null` for what is not known.
    rows: Vec<Vec<Option<f64>>>,
    /// Places among the names, the worst first.
    pub(super) worst: Vec<usize>,
    shape: Sizes,
    /// The ends of each sketch and its bytes; `null` without one.
    sketches: Vec<Option<(f64, f64, String)>>,
    pub(super) pairs: Option<Pairs>,
    pub(super) energy: Option<Energy>,
    ebfmi: Vec<Option<f64>>,
    pub(super) growth: Vec<Growth>,
    pub(super) warmup: Warmup,
}

#[derive(Debug, Serialize)]
struct Sizes {
    trace: usize,
    density: usize,
    ranks: usize,
    most_ranks: f64,
}

impl Payload {
    pub fn new(
        input: &ReportInput<'_>,
        summary: &Summary,
        sketches: &[Sketch],
        shape: &Shape,
        blocks: &impl Blocks,
    ) -> Result<Self, Error> {
        let draws = &input.draws;
        let rows = summary.rows();
        let worst = worst_first(rows);
        let column = |name: &String| draws.names.iter().position(|n| n == name);
        let columns: Vec<usize> = worst.iter().filter_map(|&i| column(&rows[i].name)).collect();
        let mut kept = vec![false; rows.len()];
        worst.iter().take(shape.variables).for_each(|&i| kept[i] = true);
        let sketches = sketches.iter().zip(kept).map(|(sketch, kept)| {
            kept.then(|| (finite(sketch.range.low), finite(sketch.range.high), sketch.encoded()))
        });
        Ok(Self {
            chains: draws.chains,
            draws: draws.draws,
            statistics: COLUMNS.map(Statistic::name).to_vec(),
            names: rows.iter().map(|row| row.name.clone()).collect(),
            rows: rows.iter().map(|row| COLUMNS.iter().map(|s| shown(row.value(*s))).collect()).collect(),
            shape: Sizes { trace: shape.trace, density: shape.density, ranks: shape.ranks, most_ranks: MOST_RANKS },
            sketches: sketches.collect(),
            pairs: Pairs::of(draws, &columns),
            energy: Energy::of(draws),
            ebfmi: summary.ebfmi().iter().map(|e| shown(*e)).collect(),
            growth: growth(draws, &columns[..columns.len().min(FOLLOWED)], blocks)?,
            warmup: Warmup::of(input.runs),
            worst,
        })
    }
}

/// The places of rows from the worst on: what is not known, then by R-hat where that says something, then the smallest
/// effective sample sizes first. `lp__` where its numbers put it.
fn worst_first(rows: &[Row]) -> Vec<usize> {
    /// Differences below this are noise.
    const STEP: f64 = 0.005;
    let key = |row: &Row| {
        let rhat = row.value(Statistic::Rhat);
        // What never changes is constant by design, or told of in the verdict.
        let constant = row.value(Statistic::Sd) == 0.0;
        let unknown = rhat.is_nan() && !constant;
        let size = row.value(Statistic::EssBulk).min(row.value(Statistic::EssTail));
        let size = if size.is_nan() { f64::INFINITY } else { size };
        let rhat = if rhat.is_nan() { 0.0 } else { libm::floor((rhat - 1.0).max(0.0) / STEP) };
        (!unknown, constant, -rhat, size)
    };
    let mut places: Vec<usize> = (0..rows.len()).collect();
    let keys: Vec<_> = rows.iter().map(key).collect();
    places.sort_by(|&a, &b| {
        let (a, b) = (&keys[a], &keys[b]);
        a.0.cmp(&b.0).then(a.1.cmp(&b.1)).then(a.2.total_cmp(&b.2)).then(a.3.total_cmp(&b.3))
    });
    places
}
