//! The log density and its gradient at points given.

use crate::error::{Code, Error};
use crate::model::{Density, NO_CHAIN, Refusal, SerialReducer, Task, WorkerError};
use crate::random::{Purpose, Stream};

/// The log density at each of `positions` (one row of `dim` numbers after the other), on the calling thread; NaN where
/// the model refuses. With `gradients`, as long as `positions`, also the gradients; what stands there at a refused point
/// means nothing.
///
/// # Errors
/// An argument that is not whole rows, or a model that stops at a point.
pub fn log_density<D: Density>(
    density: &D,
    positions: &[f64],
    mut gradients: Option<&mut [f64]>,
) -> Result<Vec<f64>, Error> {
    let dim = density.dim();
    if dim == 0 || !positions.len().is_multiple_of(dim) {
        let expected = format!("whole rows of {dim} numbers, of a model with coordinates");
        return Err(Error::argument("positions", expected, format!("{} numbers", positions.len())));
    }
    if let Some(g) = gradients.as_deref().filter(|g| g.len() != positions.len()) {
        return Err(Error::argument("gradients", format!("{} numbers", positions.len()), g.len()));
    }
    let mut evaluator = Evaluator::new(density)?;
    let values = positions.chunks_exact(dim).enumerate().map(|(i, position)| match gradients.as_deref_mut() {
        Some(gradients) => evaluator.gradient(position, &mut gradients[i * dim..][..dim]),
        None => evaluator.value(position),
    });
    values.collect()
}

/// Evaluates on the calling thread, outside a run.
pub(super) struct Evaluator<'a, D: Density> {
    density: &'a D,
    worker: D::Worker,
    stream: Stream,
    message: String,
}

impl<'a, D: Density> Evaluator<'a, D> {
    pub fn new(density: &'a D) -> Result<Self, Error> {
        let failed = |e: WorkerError| Error::new(Code::Model, format!("a worker's memory could not be made: {e}"));
        let worker = density.new_worker().map_err(failed)?;
        Ok(Self { density, worker, stream: Stream::of_run(0, Purpose::Model), message: String::new() })
    }

    /// The log density; NaN where the model refuses.
    pub fn value(&mut self, position: &[f64]) -> Result<f64, Error> {
        let density = self.density;
        self.evaluate(|worker, task| density.log_density(worker, task, position))
    }

    /// As [`Evaluator::value`], with the gradient.
    pub fn gradient(&mut self, position: &[f64], gradient: &mut [f64]) -> Result<f64, Error> {
        let density = self.density;
        self.evaluate(|worker, task| density.log_density_gradient(worker, task, position, gradient))
    }

    fn evaluate(
        &mut self,
        f: impl FnOnce(&mut D::Worker, &mut Task<'_>) -> Result<f64, Refusal>,
    ) -> Result<f64, Error> {
        // A worker was just made, so another one can be; pieces get one of their own.
        let reducer = SerialReducer(|| self.density.new_worker().expect("a second worker"));
        self.message.clear();
        let mut task = Task::new(NO_CHAIN, &mut self.stream, &mut self.message, &reducer);
        match f(&mut self.worker, &mut task) {
            Ok(value) => Ok(value),
            Err(Refusal::Reject) => Ok(f64::NAN),
            Err(Refusal::Stop) => {
                let words = super::service::in_words(&self.message);
                Err(Error::new(Code::Model, format!("the model stopped the evaluation{words}")))
            }
        }
    }
}
