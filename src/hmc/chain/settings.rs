//! What a chain is made from.

use crate::adapt::{Adaptation, MetricKind};
use crate::hmc::engine::Engine;
use crate::hmc::metric::Metric;
use serde::{Deserialize, Serialize};

/// What a chain is made from. Two chains with equal settings and equal replies give the same bits.
#[derive(Clone, Serialize, Deserialize)]
pub struct ChainSettings {
    /// Seed of the run.
    pub seed: u64,
    /// Id of the chain.
    pub chain_id: u64,
    /// Number of coordinates.
    pub dim: usize,
    /// Warm-up iterations.
    pub num_warmup: usize,
    /// Iterations after warm-up.
    pub num_samples: usize,
    /// Inverse metric at the start.
    pub metric: Metric,
    /// What warm-up estimates the metric from.
    pub metric_kind: MetricKind,
    /// Whether warm-up begins with a metric from the gradient at the initial point instead, where it uses gradients.
    pub metric_from_gradient: bool,
    /// Step size at the start.
    pub stepsize: f64,
    /// Relative half-width of the uniform jitter of the step size.
    pub stepsize_jitter: f64,
    /// Most doublings of a trajectory.
    pub max_depth: u32,
    /// Energy error above which a trajectory is divergent.
    pub max_energy_error: f64,
    /// `None`: step size and metric stay as given.
    pub adaptation: Option<Adaptation>,
    /// Initial values not given are uniform on (-radius, radius).
    pub init_radius: f64,
    /// Keep each draw's momentum, for the diagnostic output; costs two more vectors.
    pub keep_momentum: bool,
}

impl ChainSettings {
    /// Doublings that a trajectory has memory for: a tree alone needs any.
    pub(super) fn levels(&self, engine: Engine) -> u32 {
        if engine == Engine::Nuts { self.max_depth } else { 1 }
    }

    /// What else of these settings must agree with the `other` ones so that a chain made from these may go on in a run of
    /// those: the first thing that differs, its value here and there. The number of samples may change. Metrics are
    /// compared by [`Metric::fingerprint`].
    pub(super) fn misfit(&self, metric: u32, other: &Self) -> Option<(&'static str, String, String)> {
        let theirs = other.fields(other.metric.fingerprint());
        let pairs = self.fields(metric).into_iter().zip(theirs);
        pairs.map(|((name, mine), (_, theirs))| (name, mine, theirs)).find(|(_, mine, theirs)| mine != theirs)
    }

    fn fields(&self, metric: u32) -> Vec<(&'static str, String)> {
        vec![
            ("seed", self.seed.to_string()),
            ("chain id", self.chain_id.to_string()),
            ("dimension", self.dim.to_string()),
            ("num_warmup", self.num_warmup.to_string()),
            ("metric", format!("{:?}", self.metric_kind)),
            ("initial metric", format!("one with checksum {metric:08x}")),
            ("stepsize", self.stepsize.to_string()),
            ("stepsize_jitter", self.stepsize_jitter.to_string()),
            ("max_depth", self.max_depth.to_string()),
            ("max_energy_error", self.max_energy_error.to_string()),
            ("adaptation", format!("{:?}", self.adaptation)),
            ("init_radius", self.init_radius.to_string()),
            ("diagnostic output", self.keep_momentum.to_string()),
        ]
    }
}

/// Where a chain starts: one value per coordinate; NaN is drawn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Start(pub Vec<f64>);
