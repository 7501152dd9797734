use super::InverseMetric;

/// One transition as warm-up sees it.
#[derive(Debug, Clone, Copy)]
pub struct Lesson<'a> {
    /// Number of the iteration, from 0.
    pub iteration: usize,
    /// Mean acceptance probability over the trajectory's points.
    pub accept_stat: f64,
    /// Whether the trajectory diverged.
    pub divergent: bool,
    /// Log density of the draw.
    pub log_density: f64,
    /// The draw, `dim` numbers.
    pub position: &'a [f64],
    /// Gradient of the log density there.
    pub gradient: &'a [f64],
}

/// What a transition changes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Change {
    /// The step size of the next iteration.
    pub stepsize: Option<f64>,
    /// The metric of the next iteration; the chain then searches for a step size anew, once it can use this one.
    pub metric: Option<InverseMetric>,
    /// Whether a step size is searched for once that metric is in use.
    pub searches: bool,
    /// The chain meets the others of its run, at the meeting of this number, before the next iteration.
    pub meets: Option<u64>,
    /// Warm-up is over after so many iterations, fewer than were planned.
    pub ends: Option<usize>,
}
