use super::init::set_by_name;
use super::{InitContext, Refusal, Task};

/// From which threads a model may be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Threading {
    /// From any thread, several at once.
    #[default]
    Any,
    /// From any thread, but from one only in the course of a run.
    One,
    /// Only from the thread that called into the library.
    Caller,
}

/// A worker's scratch memory could not be made; holds the reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WorkerError(pub String);

/// A log density over `dim` unconstrained real coordinates, shared read-only by all chains.
///
/// Scratch memory belongs to a [`Density::Worker`]: the library makes as many as are in use at once and never
/// enters one twice at the same time, not even when a model's own parallel sum waits for other threads.
pub trait Density: Sync {
    /// Scratch memory of one evaluation at a time.
    type Worker: Send + 'static;

    /// Number of unconstrained coordinates; 0 is a model whose outputs alone are sampled.
    fn dim(&self) -> usize;

    /// From which threads a run may call this model.
    fn threading(&self) -> Threading {
        Threading::Any
    }

    /// New scratch memory. Called from any pool thread, rarely.
    fn new_worker(&self) -> Result<Self::Worker, WorkerError>;

    /// Log density (up to a constant, Jacobian of the transform included) at `position`, its gradient into `gradient`.
    /// Both slices have length [`Density::dim`]. `gradient` holds unspecified values on entry.
    fn log_density_gradient(
        &self,
        worker: &mut Self::Worker,
        task: &mut Task<'_>,
        position: &[f64],
        gradient: &mut [f64],
    ) -> Result<f64, Refusal>;

    /// Whether [`Density::log_density_gradient_batch`] is quicker than one call per point.
    fn has_batch(&self) -> bool {
        false
    }

    /// Many points in one call: `positions` and `gradients` hold one row of `dim` numbers per point, `log_densities` and
    /// `outcomes` one entry. `Err` refuses all of them.
    fn log_density_gradient_batch(
        &self,
        worker: &mut Self::Worker,
        task: &mut Task<'_>,
        positions: &[f64],
        log_densities: &mut [f64],
        gradients: &mut [f64],
        outcomes: &mut [Result<(), Refusal>],
    ) -> Result<(), Refusal> {
        let dim = self.dim();
        for (i, (value, outcome)) in log_densities.iter_mut().zip(outcomes).enumerate() {
            let row = i * dim..(i + 1) * dim;
            *outcome = self
                .log_density_gradient(worker, task, &positions[row.clone()], &mut gradients[row])
                .map(|log_density| *value = log_density);
        }
        Ok(())
    }

    /// Log density alone; computed through the gradient unless the model knows better.
    fn log_density(&self, worker: &mut Self::Worker, task: &mut Task<'_>, position: &[f64]) -> Result<f64, Refusal> {
        let mut gradient = vec![0.0; self.dim()];
        self.log_density_gradient(worker, task, position, &mut gradient)
    }

    /// Whether the coordinates are the parameters themselves, so that there is no Jacobian to be left out.
    fn is_untransformed(&self) -> bool {
        false
    }

    /// Whether [`Density::log_density_without_jacobian`] is known.
    fn has_log_density_without_jacobian(&self) -> bool {
        false
    }

    /// Log density without the Jacobian of the transforms, its gradient where that is wanted: what a mode on the
    /// constrained scale is found with. A model that knows no such density stops, with words.
    fn log_density_without_jacobian(
        &self,
        _worker: &mut Self::Worker,
        task: &mut Task<'_>,
        _position: &[f64],
        _gradient: Option<&mut [f64]>,
    ) -> Result<f64, Refusal> {
        task.set_message("it has no log density without the Jacobian of its transforms");
        Err(Refusal::Stop)
    }

    /// Whether [`Density::log_density_without_jacobian_batch`] is quicker than one call per point.
    fn has_batch_without_jacobian(&self) -> bool {
        false
    }

    /// As [`Density::log_density_gradient_batch`], without the Jacobian of the transforms.
    fn log_density_without_jacobian_batch(
        &self,
        _worker: &mut Self::Worker,
        task: &mut Task<'_>,
        _positions: &[f64],
        _log_densities: &mut [f64],
        _gradients: &mut [f64],
        _outcomes: &mut [Result<(), Refusal>],
    ) -> Result<(), Refusal> {
        Err(task.stop("it has no log density without the Jacobian of its transforms at many points"))
    }

    /// Whether [`Density::log_density_hessian`] is known, which else is made of differences of gradients.
    fn has_hessian(&self) -> bool {
        false
    }

    /// Log density, with the Jacobian of the transforms or without, its gradient, and its Hessian: `dim`² numbers, symmetric,
    /// row after row. A model that knows none stops, with words.
    fn log_density_hessian(
        &self,
        _worker: &mut Self::Worker,
        task: &mut Task<'_>,
        _position: &[f64],
        _jacobian: bool,
        _gradient: &mut [f64],
        _hessian: &mut [f64],
    ) -> Result<f64, Refusal> {
        Err(task.stop("it has no function for the Hessian"))
    }

    /// Whether [`Density::log_density_parts`] tells prior and likelihood apart.
    fn has_parts(&self) -> bool {
        false
    }

    /// Log prior (with the Jacobian of the transforms) and log likelihood at `position`, and the gradients of both where
    /// they are wanted; the sum of the two is [`Density::log_density`]. -inf is a likelihood of zero. A model that does
    /// not tell them apart stops, with words.
    fn log_density_parts(
        &self,
        _worker: &mut Self::Worker,
        task: &mut Task<'_>,
        _position: &[f64],
        _gradients: Option<[&mut [f64]; 2]>,
    ) -> Result<[f64; 2], Refusal> {
        Err(task.stop("it does not tell its prior and its likelihood apart"))
    }

    /// Whether [`Density::log_density_parts_batch`] is quicker than one call per point.
    fn has_parts_batch(&self) -> bool {
        false
    }

    /// As [`Density::log_density_parts`] for many points, with `values` and `gradients` of the prior first; shapes as for
    /// [`Density::log_density_gradient_batch`].
    fn log_density_parts_batch(
        &self,
        _worker: &mut Self::Worker,
        task: &mut Task<'_>,
        _positions: &[f64],
        _values: [&mut [f64]; 2],
        _gradients: Option<[&mut [f64]; 2]>,
        _outcomes: &mut [Result<(), Refusal>],
    ) -> Result<(), Refusal> {
        Err(task.stop("it has no function for prior and likelihood at many points"))
    }

    /// Whether [`Density::sample_prior`] draws from the prior.
    fn has_prior(&self) -> bool {
        false
    }

    /// Draws `position` from the prior, with the task's generator. A model that cannot stops, with words.
    fn sample_prior(
        &self,
        _worker: &mut Self::Worker,
        task: &mut Task<'_>,
        _position: &mut [f64],
    ) -> Result<(), Refusal> {
        Err(task.stop("it draws nothing from its prior"))
    }

    /// How many data [`Density::log_density_data`] takes one after the other; 0: it has no such function.
    fn data_count(&self) -> usize {
        0
    }

    /// Log prior (with the Jacobian) and the first `count` data's log likelihood together, and the log likelihood of datum
    /// number `count`, counted from 0; gradients of both where they are wanted. `count` is below [`Density::data_count`].
    fn log_density_data(
        &self,
        _worker: &mut Self::Worker,
        task: &mut Task<'_>,
        _position: &[f64],
        _count: usize,
        _gradients: Option<[&mut [f64]; 2]>,
    ) -> Result<[f64; 2], Refusal> {
        Err(task.stop("it does not take its data one after the other"))
    }

    /// Names of the unconstrained coordinates, `dim` of them.
    fn names(&self) -> Vec<String> {
        (1..=self.dim()).map(|i| format!("x.{i}")).collect()
    }

    /// Names of the outputs, in the order [`Density::constrain`] writes them.
    fn output_names(&self) -> Vec<String> {
        self.names()
    }

    /// How many of the outputs, the first ones, are the parameters: the values that [`Density::initialize`] makes a
    /// position from. With 0 here and in [`Density::transformed_outputs`] the model does not say.
    fn parameter_outputs(&self) -> usize {
        0
    }

    /// How many of the outputs, after the parameters, are functions of the parameters alone; the others are generated
    /// quantities.
    fn transformed_outputs(&self) -> usize {
        0
    }

    /// Maps a position to the outputs (parameters, transformed parameters, generated quantities). May draw from the
    /// task's generator; that never changes the draws themselves. `outputs` is NaN on entry; after a rejection the parameters
    /// and transformed parameters stay as they were written and the rest of the row is NaN, as in Stan.
    fn constrain(
        &self,
        _worker: &mut Self::Worker,
        _task: &mut Task<'_>,
        position: &[f64],
        outputs: &mut [f64],
    ) -> Result<(), Refusal> {
        outputs.copy_from_slice(position);
        Ok(())
    }

    /// Fills `position` (NaN on entry) from what `init` gives. Coordinates left NaN are drawn uniformly.
    ///
    /// By default a variable of `init` named like a coordinate sets it, and a variable `v` with n values sets the
    /// coordinates `v.1` … `v.n`.
    fn initialize(
        &self,
        _worker: &mut Self::Worker,
        task: &mut Task<'_>,
        init: &dyn InitContext,
        position: &mut [f64],
    ) -> Result<(), Refusal> {
        set_by_name(&self.names(), init, position).map_err(|why| task.stop(&why))
    }
}
