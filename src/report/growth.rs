//! Effective sample sizes of the first draws, as they grow: a straight line where chains mix.

use crate::diagnostics::{Draws, SummaryInput, ess_bulk, ess_tail};
use crate::error::Error;
use crate::particles::blocks::Blocks;
use serde::Serialize;

/// Numbers of draws at which the sizes are looked at, evenly spread up to all.
const POINTS: usize = 16;
/// Fewer draws per chain have no effective sample size worth showing.
const FEWEST: usize = 8;

/// How the effective sample sizes of one variable grow.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Growth {
    pub name: String,
    /// Draws of each chain.
    pub draws: Vec<usize>,
    pub bulk: Vec<Option<f64>>,
    pub tail: Vec<Option<f64>>,
}

/// Of these columns.
pub fn growth(input: &SummaryInput<'_>, columns: &[usize], blocks: &impl Blocks) -> Result<Vec<Growth>, Error> {
    let mut all: Vec<Option<Growth>> = vec![None; columns.len()];
    blocks.for_each(
        all.iter_mut().zip(columns),
        || Ok(()),
        |(), (place, &column)| {
            *place = Some(of(&input.names[column], &input.column(column)?)?);
            Ok(())
        },
    )?;
    Ok(all.into_iter().flatten().collect())
}

fn of(name: &str, draws: &Draws<'_>) -> Result<Growth, Error> {
    let values: Vec<f64> = (0..draws.chains()).flat_map(|c| draws.chain(c)).collect();
    let numbers = (1..=POINTS).map(|k| k * draws.draws() / POINTS).filter(|n| *n >= FEWEST);
    let mut growth = Growth { name: name.into(), draws: numbers.collect(), bulk: Vec::new(), tail: Vec::new() };
    growth.draws.dedup();
    for &n in &growth.draws {
        let first = Draws::new(&values, draws.chains(), n, draws.draws(), 1)?;
        let shown = |size: f64| size.is_finite().then(|| libm::round(size));
        growth.bulk.push(shown(ess_bulk(&first)));
        growth.tail.push(shown(ess_tail(&first)));
    }
    Ok(growth)
}
