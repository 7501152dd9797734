//! What a run of starts has to say.

use super::starts::Ends;
use crate::error::{Code, Error};
use crate::io::{Level, Logger, significant};
use crate::optimize::Ending;
use crate::services::{FailurePolicy, Outcome, SampleReport};

/// Two ends are the same mode when neither the log density nor any coordinate differs by more than this, relative to their
/// size or to 1.
const SAME: f64 = 1e-3;

/// How a start ended.
#[derive(Debug, Clone, PartialEq)]
pub enum StartOutcome {
    /// By itself.
    Ended(Ending),
    /// Ended by the interrupt, or by another start's failure.
    Stopped,
    /// Failed.
    Failed(Error),
}

/// One start.
#[derive(Debug, Clone, PartialEq)]
pub struct OptimizeStart {
    /// Its id.
    pub id: u64,
    /// How it ended.
    pub outcome: StartOutcome,
    /// Iterations done.
    pub iterations: usize,
    /// Evaluations of the log density with its gradient, those of finding initial values and of Hessians included.
    pub evaluations: u64,
    /// The log density where it ended, with the Jacobian of the transforms or without as was asked; NaN of a start that never
    /// had initial values.
    pub log_density: f64,
    /// The unconstrained position there.
    pub position: Vec<f64>,
    /// The model's outputs there; empty of a start that did not end by itself.
    pub outputs: Vec<f64>,
    /// Rows given to its writer.
    pub rows: usize,
    /// Seconds it took.
    pub seconds: f64,
}

impl OptimizeStart {
    /// Whether it has converged.
    pub fn is_converged(&self) -> bool {
        matches!(self.outcome, StartOutcome::Ended(ending) if ending.is_converged())
    }

    /// Why it has not converged, naming start and iteration; `None` where it has.
    pub fn error(&self) -> Option<Error> {
        let at = |what: String| format!("start {}, iteration {}: {what}", self.id, self.iterations);
        match &self.outcome {
            StartOutcome::Ended(ending) if ending.is_converged() => None,
            StartOutcome::Ended(ending) => {
                Some(Error::new(Code::NotConverged, at(ending.to_string())).in_chain(self.id))
            }
            StartOutcome::Stopped => Some(Error::new(Code::Interrupted, at("it was stopped".into())).in_chain(self.id)),
            StartOutcome::Failed(error) => Some(error.clone()),
        }
    }
}

/// A mode that one or more starts converged to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mode {
    /// Place among the starts of the one that ended highest.
    pub start: usize,
    /// How many ended there.
    pub found: usize,
}

/// A run: one report per start, in the order of their ids, and what they found.
#[derive(Debug, Clone, PartialEq)]
pub struct OptimizeReport {
    /// The starts.
    pub starts: Vec<OptimizeStart>,
    /// Place among the starts of the best: of the converged ones the one with the highest log density, or, where none has
    /// converged, of those that ended; `None` where none has.
    pub best: Option<usize>,
    /// The distinct modes, highest first: ends that differ in log density or in any coordinate by more than 1e-3, relative to
    /// their size or to 1.
    pub modes: Vec<Mode>,
    /// True when the interrupt ended the run.
    pub interrupted: bool,
    /// Whether a start's failure ends the run.
    policy: FailurePolicy,
}

impl OptimizeReport {
    pub(super) fn new(run: SampleReport, ends: Vec<Ends>, policy: FailurePolicy) -> Self {
        let starts: Vec<OptimizeStart> = run
            .chains
            .into_iter()
            .zip(ends)
            .map(|(chain, ends)| OptimizeStart {
                id: chain.chain_id,
                outcome: match (chain.outcome, ends.ending) {
                    (Outcome::Failed(error), _) => StartOutcome::Failed(error),
                    (_, Some(ending)) => StartOutcome::Ended(ending),
                    _ => StartOutcome::Stopped,
                },
                iterations: ends.iterations,
                evaluations: ends.evaluations,
                log_density: ends.log_density.unwrap_or(f64::NAN),
                position: ends.position,
                outputs: ends.outputs,
                rows: ends.rows,
                seconds: chain.warmup_seconds + chain.sampling_seconds,
            })
            .collect();
        let modes = modes(&starts);
        let best = modes.first().map(|mode| mode.start).or_else(|| {
            let ended = |start: &OptimizeStart| matches!(start.outcome, StartOutcome::Ended(_));
            highest(&starts, (0..starts.len()).filter(|&place| ended(&starts[place])))
        });
        Self { starts, best, modes, interrupted: run.interrupted, policy }
    }

    /// The best start.
    pub fn best_start(&self) -> Option<&OptimizeStart> {
        self.best.map(|place| &self.starts[place])
    }

    /// `Ok` when at least one start has converged (with [`FailurePolicy::StopRun`]: and none has failed); else one error that
    /// says why the best, or else the first, has not.
    pub fn status(&self) -> Result<(), Error> {
        if self.interrupted {
            return Err(Error::new(Code::Interrupted, "the run was interrupted"));
        }
        let failed = |start: &OptimizeStart| matches!(start.outcome, StartOutcome::Failed(_));
        let stopping = self.policy == FailurePolicy::StopRun && self.starts.iter().any(failed);
        if !stopping && !self.modes.is_empty() {
            return Ok(());
        }
        let first = self.starts.iter().find(|start| failed(start)).filter(|_| stopping || self.best.is_none());
        let told = first.or(self.best_start()).or(self.starts.first());
        match told.and_then(OptimizeStart::error) {
            None => Ok(()),
            Some(error) if self.starts.len() == 1 => Err(error),
            Some(error) => {
                let code = if failed(told.expect("it has an error")) { Code::ChainFailed } else { Code::NotConverged };
                let all = self.starts.len();
                let converged = self.starts.iter().filter(|start| start.is_converged()).count();
                Err(Error::new(code, format!("{converged} of {all} starts have converged; {error}")))
            }
        }
    }

    /// A line for the best and for each distinct mode, where there were several starts.
    pub(super) fn tell(&self, logger: &dyn Logger) {
        const DIGITS: u32 = 8;
        if self.starts.len() == 1 {
            return;
        }
        let (converged, all) = (self.modes.iter().map(|mode| mode.found).sum::<usize>(), self.starts.len());
        let line = format!("{converged} of {all} starts have converged, to {} distinct modes", self.modes.len());
        logger.log(Level::Info, None, &line);
        for mode in &self.modes {
            let start = &self.starts[mode.start];
            let (value, id) = (significant(start.log_density, DIGITS), start.id);
            let line = format!("mode with log density {value}: found {} times, best by start {id}", mode.found);
            logger.log(Level::Info, None, &line);
        }
    }
}

/// The place with the highest log density, the first of several.
fn highest(starts: &[OptimizeStart], places: impl Iterator<Item = usize>) -> Option<usize> {
    places.reduce(|best, place| if starts[place].log_density > starts[best].log_density { place } else { best })
}

fn modes(starts: &[OptimizeStart]) -> Vec<Mode> {
    let mut places: Vec<usize> = (0..starts.len()).filter(|&place| starts[place].is_converged()).collect();
    places.sort_by(|&a, &b| starts[b].log_density.total_cmp(&starts[a].log_density));
    let mut modes: Vec<Mode> = Vec::new();
    for place in places {
        match modes.iter_mut().find(|mode| is_same(&starts[mode.start], &starts[place])) {
            Some(mode) => mode.found += 1,
            None => modes.push(Mode { start: place, found: 1 }),
        }
    }
    modes
}

fn is_same(a: &OptimizeStart, b: &OptimizeStart) -> bool {
    let near = |a: f64, b: f64| (a - b).abs() <= SAME * a.abs().max(1.0);
    near(a.log_density, b.log_density) && a.position.iter().zip(&b.position).all(|(&a, &b)| near(a, b))
}
