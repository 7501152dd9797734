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
    /// task's generator; that never changes the draws themselves. A rejection fills the row with NaN, as in Stan.
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
