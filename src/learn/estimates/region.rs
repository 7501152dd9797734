//! The densest part of a set.

use super::kernel::Kernels;
use crate::error::Error;
use crate::learn::set::ModelSet;

/// The models of highest posterior density that together have at least the weight `level`: their numbers, densest first.
///
/// Densities are estimated by 512 normal kernels that stand for the set (QInfer takes the weights for densities, which
/// say nothing after a resampling).
///
/// # Errors
/// A level outside (0, 1]; a set whose weights are all zero.
pub fn densest(set: &ModelSet, level: f64) -> Result<Vec<usize>, Error> {
    if !(level > 0.0 && level <= 1.0) {
        return Err(Error::argument("level", "a number above 0, at most 1", level));
    }
    if set.total.sum == 0.0 {
        return Err(Error::argument("set", "weights that are not all zero", "zeros").in_set(set.id()));
    }
    let kernels = Kernels::of_some(set);
    let weights = set.weights();
    let mut model = vec![0.0; set.dim()];
    let mut order: Vec<(f64, usize)> = (0..set.len())
        .filter(|i| weights[*i] > 0.0)
        .map(|i| {
            (0..set.dim()).for_each(|j| model[j] = set.coordinate(i, j));
            (kernels.log_density(&model), i)
        })
        .collect();
    order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut sum = 0.0;
    let mut chosen = Vec::new();
    for (_, i) in order {
        chosen.push(i);
        sum += weights[i];
        if sum >= level {
            break;
        }
    }
    Ok(chosen)
}

/// Models by their numbers, one row of d numbers after the other.
pub fn points(set: &ModelSet, models: &[usize]) -> Vec<f64> {
    models.iter().flat_map(|i| (0..set.dim()).map(move |j| set.coordinate(*i, j))).collect()
}
