//! What warm-up came to: step sizes, metrics, times.

use crate::adapt::LowRank;
use crate::io::{Adapted, ChainRun};
use serde::Serialize;

/// Most coordinates of a metric that are shown.
const COORDINATES: usize = 400;
/// Most step sizes of a chain's warm-up.
const STEPS: usize = 300;

/// What is known of all chains' warm-up; a list is empty where the files do not say.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Warmup {
    /// The step size of each chain after warm-up.
    pub step_sizes: Vec<Option<f64>>,
    /// The step size over the warm-up of each chain, if that was saved.
    pub paths: Vec<Vec<f64>>,
    /// The diagonal of each chain's inverse metric.
    pub metrics: Vec<Vec<f64>>,
    /// Coordinates of the metric that are not among these.
    pub left_out: usize,
    /// Seconds of warm-up and of sampling of each chain.
    pub times: Vec<[f64; 2]>,
}

impl Warmup {
    /// Of the runs of all chains.
    pub fn of(runs: &[ChainRun]) -> Self {
        let adapted = || runs.iter().filter_map(|run| run.adapted.as_ref());
        let every = |count: usize| count == runs.len() && count > 0;
        let mut warmup = Self::default();
        if every(adapted().count()) {
            warmup.step_sizes = adapted().map(|a| Some(a.stepsize).filter(|s| s.is_finite())).collect();
            let diagonals: Vec<Vec<f64>> = adapted().map(diagonal).collect();
            let dim = diagonals[0].len();
            if dim > 0 && diagonals.iter().all(|d| d.len() == dim && d.iter().all(|x| x.is_finite())) {
                warmup.left_out = dim.saturating_sub(COORDINATES);
                warmup.metrics = diagonals.into_iter().map(|d| d.into_iter().take(COORDINATES).collect()).collect();
            }
        }
        if every(runs.iter().filter(|run| !run.warmup_step_sizes.is_empty()).count()) {
            warmup.paths = runs.iter().map(|run| path(&run.warmup_step_sizes)).collect();
        }
        if every(runs.iter().filter(|run| run.elapsed.is_some()).count()) {
            warmup.times = runs.iter().filter_map(|run| run.elapsed).collect();
        }
        warmup
    }
}

impl Warmup {
    /// Whether there is more than the time.
    pub fn has_pictures(&self) -> bool {
        !(self.step_sizes.is_empty() && self.paths.is_empty() && self.metrics.is_empty())
    }
}

/// The diagonal of the inverse metric.
fn diagonal(adapted: &Adapted) -> Vec<f64> {
    let (metric, rows) = (&adapted.inv_metric, adapted.metric_rows);
    match (&adapted.directions, rows) {
        (Some((values, vectors)), _) => {
            let (variances, values, vectors) = (metric.clone(), values.clone(), vectors.clone());
            LowRank { variances, values, vectors }.diagonal()
        }
        (None, 0 | 1) => metric.clone(),
        (None, _) => (0..rows).filter_map(|i| metric.get(i * rows + i).copied()).collect(),
    }
}

fn path(step_sizes: &[f64]) -> Vec<f64> {
    let n = step_sizes.len();
    let kept = n.min(STEPS);
    (0..kept).map(|k| step_sizes[k * n / kept]).filter(|s| s.is_finite()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(metric: &[f64], metric_rows: usize) -> ChainRun {
        let adapted = Some(Adapted { stepsize: 0.5, inv_metric: metric.to_vec(), metric_rows, directions: None });
        ChainRun { adapted, elapsed: Some([1.0, 2.0]), warmup_step_sizes: vec![1.0; 900], stages: Vec::new() }
    }

    #[test]
    fn a_metric_of_low_rank_has_the_diagonal_of_the_whole() {
        // Variances 4 and 9; 3 along the diagonal of the scaled coordinates: twice the half of each more.
        let direction = vec![std::f64::consts::FRAC_1_SQRT_2; 2];
        let mut low_rank = run(&[4.0, 9.0], 1);
        low_rank.adapted.as_mut().unwrap().directions = Some((vec![3.0], direction));
        let found = Warmup::of(&[low_rank]).metrics;
        assert!((found[0][0] - 8.0).abs() < 1e-12 && (found[0][1] - 18.0).abs() < 1e-12, "{found:?}");
    }

    #[test]
    fn paths_are_thinned_evenly_and_need_every_chain() {
        let with = |step_sizes: Vec<f64>| ChainRun { warmup_step_sizes: step_sizes, ..run(&[1.0], 1) };
        let steps: Vec<f64> = (1..=2 * STEPS).map(|i| i as f64).collect();
        let paths = Warmup::of(&[with(steps.clone()), with(vec![0.25, 0.5])]).paths;
        let expected: Vec<f64> = steps.iter().copied().step_by(2).collect();
        assert_eq!(paths, [expected, vec![0.25, 0.5]]);
        assert!(Warmup::of(&[with(steps), with(Vec::new())]).paths.is_empty());
    }

    #[test]
    fn metrics_are_told_by_their_diagonals() {
        let warmup = Warmup::of(&[run(&[1.0, 2.0], 1), run(&[3.0, 0.5, 0.5, 4.0], 2)]);
        assert_eq!(warmup.metrics, [[1.0, 2.0], [3.0, 4.0]]);
        assert_eq!((warmup.step_sizes.len(), warmup.paths[1].len(), warmup.times.len()), (2, STEPS, 2));
        assert_eq!(Warmup::of(&[run(&[], 0)]).metrics.len(), 0);
        assert_eq!(Warmup::of(&[]), Warmup::default());
        // One file that says nothing: no comparison.
        let silent = ChainRun { adapted: None, elapsed: None, warmup_step_sizes: Vec::new(), stages: Vec::new() };
        assert_eq!(Warmup::of(&[run(&[1.0], 1), silent]), Warmup::default());
    }
}
