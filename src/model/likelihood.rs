//! Likelihoods over outcomes x models x experiments: what sequential learning and design ask.

use super::{Experiments, Field, Number, Refusal, Task, Threading, WorkerError};
use std::sync::Arc;

/// What an outcome is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutcomeShape {
    /// Whether outcomes are whole numbers (their likelihoods are probabilities) or real vectors (densities).
    pub kind: Number,
    /// Numbers in an outcome, at least 1.
    pub width: usize,
}

impl OutcomeShape {
    /// One whole number.
    pub const INTEGER: Self = Self { kind: Number::Integer, width: 1 };
}

/// Which outcomes an experiment can have.
#[derive(Debug, Clone, PartialEq)]
pub enum Domain {
    /// These, each once, as a matrix of `width` columns, column by column; at least one.
    Finite(Vec<f64>),
    /// More than can be listed: they are simulated.
    Sampled,
}

/// A likelihood: the probability (density) of outcomes under models in experiments, over any block of their product.
///
/// **Layouts.** All matrices stand column by column, so that inner loops run over neighbours and R and Julia see
/// matrices: n_m models of d parameters are `models[j * n_m + i]`, n_o outcomes of w numbers are `outcomes[k * n_o + o]`,
/// experiments a table of one column per field. Results over the product have models contiguous: outcome o, model m,
/// experiment e stand at `out[(e * n_o + o) * n_m + m]`, an array of n_m x n_o x n_e in R and Julia. (QInfer's arrays are
/// the same with other names for their axes: outcomes, models, experiments, the last one contiguous.)
///
/// **Calls.** A call covers a block of the product: all outcomes asked for, [`crate::random::PARTICLE_BLOCK`] models of
/// one set or less, some experiments; with [`Likelihood::whole`] all of what is asked for in a set. Results must depend
/// on the cell alone, so that no cut changes a bit. `Err` ends what was asked for, and the state is what it was.
///
/// **Threads.** As [`Likelihood::threading`] says; a worker is used by one call at a time, a context by several.
#[allow(clippy::too_many_arguments, reason = "the signatures are those of the C table")]
pub trait Likelihood: Sync {
    /// Scratch memory of one call at a time.
    type Worker: Send + 'static;
    /// What a block's experiments share: tables, frequencies, matrices.
    type Context: Send + Sync;

    /// Names of a model's parameters, at least one.
    fn parameters(&self) -> Vec<String>;

    /// The fields of an experiment.
    fn fields(&self) -> Arc<[Field]>;

    /// What outcomes are.
    fn outcome(&self) -> OutcomeShape {
        OutcomeShape::INTEGER
    }

    /// From which threads it may be called.
    fn threading(&self) -> Threading {
        Threading::Any
    }

    /// Whether each call is to cover all that is asked for in a set, as languages want it that work on whole arrays.
    fn whole(&self) -> bool {
        false
    }

    /// Whether likelihoods over so many cells are to be asked for by one call of [`Likelihood::likelihood_joined`], as a device
    /// wants it. The answer may change from call to call.
    fn joins(&self, _cells: usize) -> bool {
        false
    }

    /// Whether [`Likelihood::likelihood`] gives logarithms: for long records, whose probability is below the smallest
    /// double.
    fn is_log(&self) -> bool {
        false
    }

    /// New scratch memory. Called from any pool thread, rarely.
    fn new_worker(&self) -> Result<Self::Worker, WorkerError>;

    /// What the likelihood of these experiments needs beside them; once per block of experiments, not per call.
    fn prepare(&self, task: &mut Task<'_>, experiments: &Experiments) -> Result<Self::Context, Refusal>;

    /// The likelihoods (or their logarithms) of a block. A probability is in [0, 1] but for rounding (1e-12), a density
    /// at least 0 and finite, a logarithm below +inf; anything else is an error that names the cell.
    fn likelihood(
        &self,
        worker: &mut Self::Worker,
        context: &Self::Context,
        task: &mut Task<'_>,
        outcomes: &[f64],
        models: &[f64],
        experiments: &Experiments,
        out: &mut [f64],
    ) -> Result<(), Refusal>;

    /// As [`Likelihood::likelihood`], of all models of a set at once; without [`Likelihood::whole`] `models` has matrices of
    /// [`crate::random::PARTICLE_BLOCK`] rows one after the other, the last one shorter.
    fn likelihood_joined(
        &self,
        worker: &mut Self::Worker,
        context: &Self::Context,
        task: &mut Task<'_>,
        outcomes: &[f64],
        models: &[f64],
        experiments: &Experiments,
        out: &mut [f64],
    ) -> Result<(), Refusal> {
        self.likelihood(worker, context, task, outcomes, models, experiments, out)
    }

    /// Whether there is [`Likelihood::are_valid`].
    fn has_validity(&self) -> bool {
        false
    }

    /// Which models are possible at all: sets every entry of `valid`, one per model.
    fn are_valid(
        &self,
        _worker: &mut Self::Worker,
        _task: &mut Task<'_>,
        _models: &[f64],
        valid: &mut [bool],
    ) -> Result<(), Refusal> {
        valid.fill(true);
        Ok(())
    }

    /// Whether there is [`Likelihood::canonicalize`].
    fn has_canonical(&self) -> bool {
        false
    }

    /// Replaces models by those that stand for them (a phase in (-pi, pi], sorted components).
    fn canonicalize(
        &self,
        _worker: &mut Self::Worker,
        _task: &mut Task<'_>,
        _models: &mut [f64],
    ) -> Result<(), Refusal> {
        Ok(())
    }

    /// The outcomes of one experiment (a table of one row). By default 0 and 1.
    fn domain(&self, _task: &mut Task<'_>, _experiment: &Experiments) -> Result<Domain, Refusal> {
        Ok(Domain::Finite(vec![0.0, 1.0]))
    }

    /// Whether there is [`Likelihood::simulate`]. Outcomes of a finite domain can be drawn without.
    fn has_simulator(&self) -> bool {
        false
    }

    /// Draws one outcome for each model in each experiment: number k of that of model m in experiment e at
    /// `out[(e * width + k) * n_m + m]`. Columns of random numbers, one per model, come from [`Task::fill_uniforms`].
    fn simulate(
        &self,
        _worker: &mut Self::Worker,
        _context: &Self::Context,
        task: &mut Task<'_>,
        _models: &[f64],
        _experiments: &Experiments,
        _out: &mut [f64],
    ) -> Result<(), Refusal> {
        Err(task.stop("it simulates nothing"))
    }

    /// Whether there is [`Likelihood::update_timestep`].
    fn has_timestep(&self) -> bool {
        false
    }

    /// Moves models to what they are after `experiment` (a table of one row), as parameters that drift.
    fn update_timestep(
        &self,
        _worker: &mut Self::Worker,
        _task: &mut Task<'_>,
        _experiment: &Experiments,
        _models: &mut [f64],
    ) -> Result<(), Refusal> {
        Ok(())
    }

    /// What each experiment costs; 1 by default.
    fn experiment_cost(
        &self,
        _task: &mut Task<'_>,
        _experiments: &Experiments,
        out: &mut [f64],
    ) -> Result<(), Refusal> {
        out.fill(1.0);
        Ok(())
    }

    /// Whether there is [`Likelihood::score`].
    fn has_score(&self) -> bool {
        false
    }

    /// The gradient of the log likelihood in the parameters, over a block: its component j at
    /// `out[((e * n_o + o) * d + j) * n_m + m]`.
    fn score(
        &self,
        _worker: &mut Self::Worker,
        _context: &Self::Context,
        task: &mut Task<'_>,
        _outcomes: &[f64],
        _models: &[f64],
        _experiments: &Experiments,
        _out: &mut [f64],
    ) -> Result<(), Refusal> {
        Err(task.stop("it has no score"))
    }
}
