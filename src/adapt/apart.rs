//! Which of the chains that warm up together are apart from the others.

use super::Brought;
use super::sample::moves;

/// A chain is apart where, in some coordinate, its mean is so many times farther from the median of the chains' means than
/// is usual among them (their median distance and a median standard deviation together).
const APART: f64 = 8.0;
/// A chain is apart, too, where its gradients vary so many times more than the median chain's: it is on its way in.
const APART_IN_GRADIENTS: f64 = 30.0;
/// And where its mean log density is below the highest chain's by this, and by so many of that one's standard deviations: it is stuck,
/// or late.
const APART_IN_HEIGHT: (f64, f64) = (10.0, 5.0);
/// Fewer chains have no majority to be apart from.
pub(super) const FEWEST: usize = 3;
/// A chain with fewer draws that differ from the one before, the first one counted, stands still.
const MOVES: usize = 2;

/// Of the chains that move the one with the highest mean log density.
pub(super) fn highest<'c, 'a>(chains: &'c [Brought<'a>]) -> Option<&'c Brought<'a>> {
    let moving = chains.iter().filter(|c| moves(c.positions, c.present.len()) >= MOVES && !c.heights.mean.is_nan());
    moving.reduce(|a, b| if b.heights.mean > a.heights.mean { b } else { a })
}

/// Whether a chain's mean log density is far below that of the `highest` one.
pub(super) fn is_far_below(chain: &Brought<'_>, highest: &Brought<'_>) -> bool {
    let (least, sds) = APART_IN_HEIGHT;
    chain.heights.mean < highest.heights.mean - least.max(sds * highest.heights.sd)
}

/// Which of `chains` are apart.
pub(super) fn apart(chains: &[Brought<'_>]) -> Vec<bool> {
    let Some(dim) = chains.first().map(|c| c.present.len()) else { return Vec::new() };
    let mut apart: Vec<bool> = chains.iter().map(|c| moves(c.positions, dim) < MOVES).collect();
    let moving: Vec<usize> = (0..chains.len()).filter(|&c| !apart[c]).collect();
    if moving.len() < FEWEST {
        return apart;
    }
    if let Some(highest) = highest(chains) {
        moving.iter().for_each(|&c| apart[c] |= is_far_below(&chains[c], highest));
    }
    for i in 0..dim {
        // The upper middle: half of the chains are no majority that others could be apart from.
        let moments: Vec<(f64, f64)> = moving.iter().map(|&c| mean_and_sd(chains[c].positions, i, dim)).collect();
        let middle = median(moments.iter().map(|m| m.0).collect());
        let distance = |m: &(f64, f64)| (m.0 - middle).abs();
        let usual =
            middle_of(moments.iter().map(distance).collect(), true) + median(moments.iter().map(|m| m.1).collect());
        for (m, &c) in moments.iter().zip(&moving) {
            apart[c] |= distance(m) > APART * usual;
        }
        let forces: Vec<f64> = moving.iter().map(|&c| mean_and_sd(chains[c].gradients, i, dim).1).collect();
        let usual = median(forces.clone());
        for (force, &c) in forces.iter().zip(&moving) {
            apart[c] |= usual > 0.0 && *force > APART_IN_GRADIENTS * usual;
        }
    }
    apart
}

/// Mean and standard deviation of coordinate `i`.
pub(super) fn mean_and_sd(rows: &[f64], i: usize, dim: usize) -> (f64, f64) {
    let n = (rows.len() / dim) as f64;
    let column = || rows.iter().skip(i).step_by(dim);
    let mean = column().sum::<f64>() / n;
    (mean, (column().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt())
}

/// The lower one of the two in the middle, where there are two.
pub(super) fn median(of: Vec<f64>) -> f64 {
    middle_of(of, false)
}

/// The one in the middle, or the upper or lower one of two.
fn middle_of(mut of: Vec<f64>, upper: bool) -> f64 {
    of.sort_by(f64::total_cmp);
    let place = if upper { of.len() / 2 } else { of.len().saturating_sub(1) / 2 };
    of.get(place).copied().unwrap_or(f64::NAN)
}
