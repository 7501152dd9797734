use super::clock::Times;
use crate::error::{Code, Error};
use crate::hmc::{Engine, MetricKind};
use serde::{Deserialize, Serialize};

/// How one chain ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    /// All iterations were run.
    Finished,
    /// Ended before its time by the interrupt, the evaluation limit or another chain's failure; can be resumed.
    Stopped,
    /// Failed; what it wrote before is intact.
    Failed(Error),
}

/// What ended a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[repr(i32)]
pub enum StopReason {
    /// All its iterations were run.
    AllIterations = 0,
    /// The run had what `until_ess` and `until_rhat` ask for.
    Enough = 1,
    /// The chain had used `max_gradients` gradients.
    MaxGradients = 2,
    /// The run had taken `max_seconds` seconds; the chain can be resumed.
    MaxSeconds = 3,
    /// Something asked the run to end: the interrupt, or the limit of evaluations of one call; the chain can be resumed.
    Interrupt = 4,
    /// It failed, or the failure of another chain ended the run.
    Failure = 5,
}

impl StopReason {
    /// As far as the outcome tells it.
    pub(super) fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Finished => Self::AllIterations,
            Outcome::Stopped => Self::Interrupt,
            Outcome::Failed(_) => Self::Failure,
        }
    }
}

/// What one chain has to say of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChainReport {
    /// The chain's id.
    pub chain_id: u64,
    /// How it ended.
    pub outcome: Outcome,
    /// What ended it.
    pub reason: StopReason,
    /// Iterations done, warm-up included.
    pub iterations: usize,
    /// Those of them that were warm-up, which may have ended before as many as were planned.
    pub warmup_iterations: usize,
    /// Rows given to the sample writer, resumed parts included.
    pub rows: usize,
    /// The nominal step size at the end; NaN for a chain that never moves.
    pub stepsize: f64,
    /// The target of the acceptance statistic at the end, which warm-up may have raised; `None` where the step size was not adapted.
    pub delta: Option<f64>,
    /// What moved it; `None` for what is no chain that samples.
    pub engine: Option<Engine>,
    /// Iterations after warm-up that it was asked for.
    pub num_samples: usize,
    /// The metric's shape.
    pub metric: MetricKind,
    /// The inverse metric at the end: empty (unit), `dim` variances (diag) or `dim`² elements (dense).
    pub inv_metric: Vec<f64>,
    /// Gradient evaluations in warm-up, those of finding the initial point and step size included.
    pub warmup_gradients: u64,
    /// Gradient evaluations after warm-up.
    pub sampling_gradients: u64,
    /// Divergent transitions after warm-up.
    pub divergences: u64,
    /// Transitions after warm-up that reached the largest depth.
    pub saturated: u64,
    /// Seconds of warm-up on this chain's threads.
    pub warmup_seconds: f64,
    /// Seconds of sampling.
    pub sampling_seconds: f64,
    /// The chain as bytes when it was stopped, to go on with (`SampleIo::checkpoints`). `None` for a chain of another rank.
    pub checkpoint: Option<Vec<u8>>,
}

/// The end of a machine, for its report.
pub struct End {
    pub chain_id: u64,
    pub outcome: Outcome,
    pub(super) times: Times,
    pub checkpoint: Option<Vec<u8>>,
}

impl ChainReport {
    /// What is known of every machine; the rest says that there was none of it.
    pub(super) fn of(end: End) -> Self {
        Self {
            chain_id: end.chain_id,
            reason: StopReason::of(&end.outcome),
            outcome: end.outcome,
            iterations: 0,
            warmup_iterations: 0,
            rows: 0,
            stepsize: f64::NAN,
            delta: None,
            engine: None,
            num_samples: 0,
            metric: MetricKind::Unit,
            inv_metric: Vec::new(),
            warmup_gradients: 0,
            sampling_gradients: 0,
            divergences: 0,
            saturated: 0,
            warmup_seconds: end.times.warmup.as_secs_f64(),
            sampling_seconds: end.times.sampling.as_secs_f64(),
            checkpoint: end.checkpoint,
        }
    }
}

/// What a run has to say: one report per chain, in the order of their ids.
#[derive(Debug, Clone, PartialEq)]
pub struct SampleReport {
    /// The chains.
    pub chains: Vec<ChainReport>,
    /// True when the interrupt ended the run.
    pub interrupted: bool,
}

impl SampleReport {
    /// `Ok` when every chain finished (or stopped at the evaluation limit); else one error that names the chains.
    pub fn status(&self) -> Result<(), Error> {
        let failed: Vec<&Error> = self
            .chains
            .iter()
            .filter_map(|c| match &c.outcome {
                Outcome::Failed(error) => Some(error),
                _ => None,
            })
            .collect();
        match failed[..] {
            [] if self.interrupted => Err(Error::new(Code::Interrupted, "the run was interrupted")),
            [] => Ok(()),
            [only] if self.chains.len() == 1 => Err(only.clone()),
            _ => {
                let ids: Vec<String> = failed.iter().filter_map(|e| e.chain()).map(|id| id.to_string()).collect();
                Err(Error::new(
                    Code::ChainFailed,
                    format!(
                        "{} of {} chains failed (ids {}); the first: {}",
                        failed.len(),
                        self.chains.len(),
                        ids.join(", "),
                        failed[0]
                    ),
                ))
            }
        }
    }
}
