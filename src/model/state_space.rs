//! State-space models: what particle filters ask.

use super::{Refusal, Task, Threading, WorkerError};

/// A hidden Markov process with observations, as a filter sees it: functions over many particles at once.
///
/// States come as n x d matrices, column by column: coordinate j of particle i is `states[j * n + i]`. A call covers
/// whole blocks of [`crate::random::PARTICLE_BLOCK`] particles of one set (the last may be shorter). What is drawn with
/// [`Task::fill_normals`] and [`Task::fill_uniforms`] depends on neither threads nor how a set is cut into calls; what
/// is drawn one by one from [`Task::random`] depends on the cut ([`StateSpace::whole_sets`]) alone. Times count from 0,
/// the time of the first observation; observations belong to the model.
///
/// A log weight of -inf is a particle that is lost; NaN and +inf are errors. `Err` ends the filter.
#[allow(clippy::too_many_arguments, reason = "the signatures are those of the C table")]
pub trait StateSpace: Sync {
    /// Scratch memory of one call at a time.
    type Worker: Send + 'static;

    /// Numbers in a state, at least 1.
    fn dim(&self) -> usize;

    /// From which threads it may be called.
    fn threading(&self) -> Threading {
        Threading::Any
    }

    /// Whether each call is to cover all particles of a set, as languages want it that work on whole matrices; else it
    /// covers one block. What [`Task::fill_normals`] gives is the same.
    fn whole_sets(&self) -> bool {
        false
    }

    /// New scratch memory. Called from any pool thread, rarely.
    fn new_worker(&self) -> Result<Self::Worker, WorkerError>;

    /// Draws states at time 0.
    fn initial(&self, worker: &mut Self::Worker, task: &mut Task<'_>, states: &mut [f64]) -> Result<(), Refusal>;

    /// Draws each particle's state at `time` (1 or later) from its state before.
    fn transition(
        &self,
        worker: &mut Self::Worker,
        task: &mut Task<'_>,
        time: usize,
        previous: &[f64],
        states: &mut [f64],
    ) -> Result<(), Refusal>;

    /// The log weight of each particle at `time`: the log density of the observation, or 0 where there is none.
    /// `previous` is empty at time 0.
    fn log_weight(
        &self,
        worker: &mut Self::Worker,
        task: &mut Task<'_>,
        time: usize,
        previous: &[f64],
        states: &[f64],
        log_weights: &mut [f64],
    ) -> Result<(), Refusal>;

    /// Whether there are [`StateSpace::propose`] and [`StateSpace::proposal_log_weight`].
    fn has_proposal(&self) -> bool {
        false
    }

    /// Draws states from a proposal that knows the observation; `previous` is empty at time 0.
    fn propose(
        &self,
        _worker: &mut Self::Worker,
        task: &mut Task<'_>,
        _time: usize,
        _previous: &[f64],
        _states: &mut [f64],
    ) -> Result<(), Refusal> {
        Err(task.stop("it has no proposal"))
    }

    /// The log weight of each proposed particle: log density of the observation, plus that of the transition, minus
    /// that of the proposal.
    fn proposal_log_weight(
        &self,
        _worker: &mut Self::Worker,
        task: &mut Task<'_>,
        _time: usize,
        _previous: &[f64],
        _states: &[f64],
        _log_weights: &mut [f64],
    ) -> Result<(), Refusal> {
        Err(task.stop("it has no proposal"))
    }

    /// Whether there is [`StateSpace::auxiliary_log_weight`].
    fn has_auxiliary(&self) -> bool {
        false
    }

    /// How well each particle at `time` - 1 promises to explain the observation at `time`, as a log weight (Pitt and
    /// Shephard 1999); any function is right, a good guess of the log density of that observation is quick.
    fn auxiliary_log_weight(
        &self,
        _worker: &mut Self::Worker,
        task: &mut Task<'_>,
        _time: usize,
        _previous: &[f64],
        _log_weights: &mut [f64],
    ) -> Result<(), Refusal> {
        Err(task.stop("it has no auxiliary log weight"))
    }

    /// Whether there is [`StateSpace::transition_log_density`].
    fn has_transition_density(&self) -> bool {
        false
    }

    /// The log density of row i of `states` at `time`, given row i of `previous` one time before. Backward sampling
    /// asks for it.
    fn transition_log_density(
        &self,
        _worker: &mut Self::Worker,
        task: &mut Task<'_>,
        _time: usize,
        _previous: &[f64],
        _states: &[f64],
        _log_densities: &mut [f64],
    ) -> Result<(), Refusal> {
        Err(task.stop("it has no transition log density"))
    }

    /// An upper bound of [`StateSpace::transition_log_density`] at all times, if one is known: backward sampling then
    /// takes a time per trajectory that does not grow with the number of particles.
    fn transition_log_density_bound(&self) -> Option<f64> {
        None
    }
}
