//! What weights would become, for many outcomes and experiments at once.

use super::{Models, cells};
use crate::error::Error;
use crate::learn::call::With;
use crate::learn::set::ModelSet;
use crate::learn::weights::{Weights, add_logs, update_block};
use crate::model::{Experiments, Likelihood, Number};
use crate::particles::BLOCK;
use crate::particles::blocks::Blocks;

/// Hypothetical updates over a product.
#[derive(Debug, Clone, PartialEq)]
pub struct Cells {
    /// Normalised weights: `weights[(e * n_o + o) * n_m + m]`; zeros where no model explains the outcome.
    pub weights: Vec<f64>,
    /// log of the predictive probability (density) of each outcome: `[e * n_o + o]`.
    pub log_normalizations: Vec<f64>,
}

/// The weights of a set after each of `outcomes` (a matrix of n_o rows) in each of `experiments`, the set left as it is.
///
/// # Errors
/// Those of [`super::product`].
pub fn hypothetical<M: Likelihood, B: Blocks>(
    with: &With<'_, M, B>,
    set: &ModelSet,
    outcomes: &[f64],
    experiments: &Experiments,
) -> Result<Cells, Error> {
    let n_o = outcomes.len() / with.model.outcome().width;
    with.check_fields(experiments)?;
    for e in 0..experiments.len() {
        with.check_outcomes(outcomes, n_o, experiments, e)?;
    }
    let n = set.len();
    let mut weights = vec![0.0; n * n_o * experiments.len()];
    let mut log_normalizations = vec![0.0; n_o * experiments.len()];
    let models = Models { set: set.id, first: 0, layout: set.layout, values: &set.models };
    cells(with, outcomes, models, experiments, &mut weights)?;
    let (log, probability) = (with.model.is_log(), with.model.outcome().kind == Number::Integer);
    let before = set.total.log_sum_exp();
    let mut rows: Vec<_> = weights.chunks_mut(n).zip(&mut log_normalizations).collect();
    let units = with.moves.units(rows.len(), n * rows.len());
    let row = |next: &mut Weights, (row, norm): &mut (&mut [f64], &mut f64)| -> Result<(), Error> {
        next.make_room(&set.weights);
        let ((values, held), (out, out_held)) = (set.weights.parts(), next.parts_mut());
        for (b, (row, out)) in row.chunks(BLOCK).zip(out.chunks_mut(BLOCK)).enumerate() {
            let (values, held) = (&values[b * BLOCK..][..out.len()], &held[b]);
            let next =
                if log { add_logs(values, held, row, out) } else { update_block(values, held, row, probability, out) };
            out_held[b] = next.expect("checked before");
        }
        **norm = next.total().log_sum_exp() - before;
        next.normalized(row);
        Ok(())
    };
    with.blocks.for_each(
        rows.chunks_mut(units),
        || Ok(Weights::empty()),
        |next, rows| rows.iter_mut().try_for_each(|one| row(next, one)),
    )?;
    Ok(Cells { weights, log_normalizations })
}
