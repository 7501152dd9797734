//! The draws of all paths: what they are worth together, and which of them are kept.

use super::paths::Trail;
use crate::diagnostics::{Psis, WeightTail};
use crate::io::shortest;
use crate::random::{Purpose, Stream};
use crate::services::PathfinderOptions;

/// A draw of a path, both counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pick {
    pub path: usize,
    pub draw: usize,
}

/// See the module's words.
pub(super) struct Pooled {
    /// Shape of the tail of all ratios; NaN where they are not known.
    pub khat: f64,
    pub tail: WeightTail,
    /// Draws with a weight; of those that are not weighed, all.
    pub pool: usize,
    /// Whether the draws were resampled by their weights.
    pub weighed: bool,
    /// What is kept.
    pub picks: Vec<Pick>,
    /// What is wrong with the weights.
    pub warnings: Vec<String>,
}

impl Default for Pooled {
    /// No draws.
    fn default() -> Self {
        Self { khat: f64::NAN, tail: WeightTail::Few, pool: 0, weighed: false, picks: Vec::new(), warnings: Vec::new() }
    }
}

impl Pooled {
    pub fn new(seed: u64, options: &PathfinderOptions, dim: usize, trails: &[Trail]) -> Self {
        let of = |(path, trail): (usize, &Trail)| (0..trail.positions.len() / dim).map(move |draw| Pick { path, draw });
        let all: Vec<Pick> = trails.iter().enumerate().flat_map(of).collect();
        let ratios: Vec<f64> = trails.iter().flat_map(|trail| trail.ratios.iter().copied()).collect();
        if !options.calculate_lp || all.is_empty() {
            return Self { pool: all.len(), picks: all, ..Self::default() };
        }
        let Some(psis) = Psis::new(&ratios) else { return Self::default() };
        let weighed = options.psis_resample && trails.len() > 1;
        let pool = psis.log_weights.iter().filter(|w| **w > f64::NEG_INFINITY).count();
        let picks = match weighed {
            true => resample(seed, &psis.log_weights, options.num_psis_draws).map(|at| all[at]).collect(),
            false => all,
        };
        let warnings = psis.warning("draws of all paths").into_iter().collect();
        let pool = if weighed { pool } else { picks.len() };
        Self { khat: psis.khat, tail: psis.tail, pool, weighed, picks, warnings }
    }

    /// The positions of what is kept, one after the other.
    pub fn positions(&self, dim: usize, trails: &[Trail]) -> Vec<f64> {
        let of = |pick: &Pick| &trails[pick.path].positions[pick.draw * dim..(pick.draw + 1) * dim];
        self.picks.iter().flat_map(|pick| of(pick).iter().copied()).collect()
    }

    /// The last lines of the output.
    pub fn lines(&self) -> Vec<String> {
        if self.khat.is_nan() {
            return Vec::new();
        }
        let khat = format!("k-hat = {}", shortest(self.khat));
        std::iter::once(khat).chain(self.warnings.iter().cloned()).collect()
    }
}

/// Places drawn with replacement with these probabilities.
fn resample(seed: u64, log_weights: &[f64], count: usize) -> impl Iterator<Item = usize> {
    let (mut stream, sums) = (Stream::of_run(seed, Purpose::Sampler), sums(log_weights));
    (0..count).map(move |_| place(&sums, stream.uniform()))
}

/// One place drawn with these probabilities.
pub(super) fn pick(stream: &mut Stream, log_weights: &[f64]) -> usize {
    place(&sums(log_weights), stream.uniform())
}

fn sums(log_weights: &[f64]) -> Vec<f64> {
    let add = |sum: &mut f64, w: &f64| {
        *sum += libm::exp(*w);
        Some(*sum)
    };
    log_weights.iter().scan(0.0, add).collect()
}

/// The place at the share `u` of all weights. One without weight has the sum of the one before it, and is never the first
/// above a number.
fn place(sums: &[f64], u: f64) -> usize {
    let target = u * sums.last().copied().unwrap_or(0.0);
    sums.partition_point(|sum| *sum <= target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_resampled_by_their_weights_once() {
        let weights = [3f64.ln(), f64::NEG_INFINITY, 0.0].map(|w| w - 4f64.ln());
        let draws = 100_000;
        let mut counts = [0usize; 3];
        resample(5, &weights, draws).for_each(|at| counts[at] += 1);
        let share = counts[0] as f64 / draws as f64;
        // Five standard errors; squared weights would give 0.9.
        assert!((share - 0.75).abs() < 5.0 * (0.75 * 0.25 / draws as f64).sqrt(), "{share}");
        assert_eq!(counts[1], 0);
    }
}
