//! Calls of a host's functions: its table as a density.

use super::handle::catena_model;
use super::worker::Worker;
use crate::ffi::init::catena_init;
use crate::ffi::task::{hand, outcome};
use crate::model::{Density, InitContext, Refusal, Task, Threading, WorkerError, set_by_name};
use std::sync::Arc;

impl Density for catena_model {
    type Worker = Worker;

    fn dim(&self) -> usize {
        self.table.dimension
    }

    fn threading(&self) -> Threading {
        self.threading
    }

    fn has_batch(&self) -> bool {
        self.table.log_density_gradient_batch.is_some()
    }

    fn log_density_gradient_batch(
        &self,
        worker: &mut Worker,
        task: &mut Task<'_>,
        positions: &[f64],
        log_densities: &mut [f64],
        gradients: &mut [f64],
        outcomes: &mut [Result<(), Refusal>],
    ) -> Result<(), Refusal> {
        let batch = self.table.log_density_gradient_batch;
        self.batch(batch, worker, task, (positions, log_densities, gradients, outcomes))
    }

    fn new_worker(&self) -> Result<Worker, WorkerError> {
        let mut pointer = std::ptr::null_mut();
        if let Some(new) = self.table.worker_new {
            // SAFETY: the host's function with the host's data.
            let code = unsafe { new(self.data.user, &mut pointer) };
            if code != 0 {
                return Err(WorkerError(format!("worker_new returned {code}")));
            }
        }
        let free = self.table.worker_free.filter(|_| self.table.worker_new.is_some());
        Ok(Worker::new(pointer, free, Arc::clone(&self.data)))
    }

    #[inline]
    fn log_density_gradient(
        &self,
        worker: &mut Worker,
        task: &mut Task<'_>,
        position: &[f64],
        gradient: &mut [f64],
    ) -> Result<f64, Refusal> {
        let Some(evaluate) = self.table.log_density_gradient else { return Ok(0.0) };
        let mut value = f64::NAN;
        // SAFETY: the host's function with the host's data; both arrays are `dimension` long.
        let code = unsafe {
            evaluate(self.data.user, worker.pointer(), hand(task), position.as_ptr(), &mut value, gradient.as_mut_ptr())
        };
        outcome(code).map(|()| value)
    }

    fn log_density(&self, worker: &mut Worker, task: &mut Task<'_>, position: &[f64]) -> Result<f64, Refusal> {
        let Some(evaluate) = self.table.log_density else {
            let mut gradient = vec![0.0; position.len()];
            return self.log_density_gradient(worker, task, position, &mut gradient);
        };
        let mut value = f64::NAN;
        // SAFETY: as above.
        let code = unsafe { evaluate(self.data.user, worker.pointer(), hand(task), position.as_ptr(), &mut value) };
        outcome(code).map(|()| value)
    }

    fn is_untransformed(&self) -> bool {
        self.table.constrain.is_none()
    }

    fn has_log_density_without_jacobian(&self) -> bool {
        self.table.log_density_without_jacobian.is_some()
    }

    fn log_density_without_jacobian(
        &self,
        worker: &mut Worker,
        task: &mut Task<'_>,
        position: &[f64],
        gradient: Option<&mut [f64]>,
    ) -> Result<f64, Refusal> {
        self.without_jacobian(worker, task, position, gradient)
    }

    fn has_batch_without_jacobian(&self) -> bool {
        self.table.log_density_without_jacobian_batch.is_some()
    }

    fn log_density_without_jacobian_batch(
        &self,
        worker: &mut Worker,
        task: &mut Task<'_>,
        positions: &[f64],
        log_densities: &mut [f64],
        gradients: &mut [f64],
        outcomes: &mut [Result<(), Refusal>],
    ) -> Result<(), Refusal> {
        let batch = self.table.log_density_without_jacobian_batch;
        self.batch(batch, worker, task, (positions, log_densities, gradients, outcomes))
    }

    fn has_hessian(&self) -> bool {
        self.table.log_density_hessian.is_some()
    }

    fn log_density_hessian(
        &self,
        worker: &mut Worker,
        task: &mut Task<'_>,
        position: &[f64],
        jacobian: bool,
        gradient: &mut [f64],
        hessian: &mut [f64],
    ) -> Result<f64, Refusal> {
        self.hessian(worker, task, (position, jacobian), gradient, hessian)
    }

    fn has_parts(&self) -> bool {
        self.table.log_density_parts.is_some()
    }

    #[inline]
    fn log_density_parts(
        &self,
        worker: &mut Worker,
        task: &mut Task<'_>,
        position: &[f64],
        gradients: Option<[&mut [f64]; 2]>,
    ) -> Result<[f64; 2], Refusal> {
        self.parts(worker, task, position, gradients)
    }

    fn has_parts_batch(&self) -> bool {
        self.table.log_density_parts_batch.is_some()
    }

    fn log_density_parts_batch(
        &self,
        worker: &mut Worker,
        task: &mut Task<'_>,
        positions: &[f64],
        values: [&mut [f64]; 2],
        gradients: Option<[&mut [f64]; 2]>,
        outcomes: &mut [Result<(), Refusal>],
    ) -> Result<(), Refusal> {
        worker.codes.clear();
        worker.codes.resize(outcomes.len(), 0);
        self.parts_batch(worker, task, positions, values, gradients)?;
        outcomes.iter_mut().zip(&worker.codes).for_each(|(out, &code)| *out = outcome(code));
        Ok(())
    }

    fn has_prior(&self) -> bool {
        self.table.sample_prior.is_some()
    }

    fn sample_prior(&self, worker: &mut Worker, task: &mut Task<'_>, position: &mut [f64]) -> Result<(), Refusal> {
        self.prior(worker, task, position)
    }

    fn data_count(&self) -> usize {
        self.table.data_count
    }

    fn log_density_data(
        &self,
        worker: &mut Worker,
        task: &mut Task<'_>,
        position: &[f64],
        count: usize,
        gradients: Option<[&mut [f64]; 2]>,
    ) -> Result<[f64; 2], Refusal> {
        self.data(worker, task, position, count, gradients)
    }

    fn names(&self) -> Vec<String> {
        self.names.clone()
    }

    fn output_names(&self) -> Vec<String> {
        self.output_names.clone()
    }

    fn parameter_outputs(&self) -> usize {
        self.table.parameter_outputs
    }

    fn transformed_outputs(&self) -> usize {
        self.table.transformed_outputs
    }

    fn constrain(
        &self,
        worker: &mut Worker,
        task: &mut Task<'_>,
        position: &[f64],
        outputs: &mut [f64],
    ) -> Result<(), Refusal> {
        let Some(constrain) = self.table.constrain else {
            outputs.copy_from_slice(position);
            return Ok(());
        };
        // SAFETY: as above; `outputs` is `output_count` long.
        outcome(unsafe {
            constrain(self.data.user, worker.pointer(), hand(task), position.as_ptr(), outputs.as_mut_ptr())
        })
    }

    fn initialize(
        &self,
        worker: &mut Worker,
        task: &mut Task<'_>,
        init: &dyn InitContext,
        position: &mut [f64],
    ) -> Result<(), Refusal> {
        let Some(initialize) = self.table.initialize else {
            return set_by_name(&self.names, init, position).map_err(|why| task.stop(&why));
        };
        let context = catena_init::lend(init);
        // SAFETY: as above; the context is valid during the call.
        let code = unsafe { initialize(self.data.user, worker.pointer(), hand(task), &context, position.as_mut_ptr()) };
        // The reason a value could not be used is kept where the model could not see it.
        if code != 0
            && let Some(reason) = context.complaint()
        {
            task.add_message(&reason);
        }
        outcome(code)
    }
}
