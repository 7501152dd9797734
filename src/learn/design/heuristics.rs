//! Experiments without a search.

use crate::error::{Code, Error};
use crate::learn::set::ModelSet;
use crate::random::Stream;

/// Pairs that are drawn before two models count as one.
const TRIES: usize = 10;

/// The particle guess heuristic (Wiebe, Granade, Ferrie and Cory 2014): two models are drawn by their weights; the first is
/// the guess, and the time of the next experiment is one over their distance, the root of Σ q_j (x_j - x'_j)². `scales` are
/// the q, or nothing where all are 1.
///
/// # Errors
/// [`Code::InvalidArgument`] where ten pairs were pairs of the same model.
pub fn particle_guess(set: &ModelSet, scales: &[f64], random: &mut Stream) -> Result<(Vec<f64>, f64), Error> {
    let dim = set.dim();
    if !(scales.is_empty() || scales.len() == dim) {
        return Err(Error::argument("scales", format_args!("{dim} numbers or none"), scales.len()));
    }
    let model = |i: usize| -> Vec<f64> { (0..dim).map(|j| set.coordinate(i, j)).collect() };
    for _ in 0..TRIES {
        let (a, b) = (model(drawn(set, random)), model(drawn(set, random)));
        let q = |j: usize| scales.get(j).copied().unwrap_or(1.0);
        let squares: f64 = (0..dim).map(|j| q(j) * (a[j] - b[j]) * (a[j] - b[j])).sum();
        if squares > 0.0 {
            return Ok((a, 1.0 / squares.sqrt()));
        }
    }
    let words = format!("no two distinct models came in {TRIES} pairs; the set may have shrunk to a point");
    Err(Error::new(Code::InvalidArgument, words).in_set(set.id()))
}

/// A model drawn by the weights.
pub(super) fn drawn(set: &ModelSet, random: &mut Stream) -> usize {
    let u = random.uniform();
    let (mut sum, mut found, mut last) = (0.0, None, 0);
    set.each_block(|block, weights| {
        if found.is_some() {
            return;
        }
        let of_block: f64 = weights.iter().sum();
        if u >= sum + of_block {
            sum += of_block;
            last = weights.iter().rposition(|w| *w > 0.0).map_or(last, |i| set.first_of(block) + i);
            return;
        }
        for (i, w) in weights.iter().enumerate() {
            sum += w;
            if *w > 0.0 {
                last = set.first_of(block) + i;
            }
            if u < sum {
                found = Some(last);
                return;
            }
        }
    });
    found.unwrap_or(last)
}

/// The sparse times of Ferrie, Granade and Cory (2013): (9/8)^k for the k-th experiment, from 0, times `scale`.
pub fn sparse_time(k: u32, scale: f64) -> f64 {
    scale * libm::pow(9.0 / 8.0, f64::from(k))
}
