//! Calls of a host's functions: its table as a density.

use super::UserData;
use super::init::catena_init;
use super::model::catena_model;
use super::task::{hand, outcome};
use crate::error::{Code, Error};
use crate::model::{Density, InitContext, NO_CHAIN, Refusal, SerialReducer, Task, Threading, WorkerError};
use crate::random::{Purpose, Stream};
use std::ffi::{c_int, c_void};
use std::sync::Arc;

/// The host's scratch memory. Not part of the C header.
pub struct Worker {
    pointer: *mut c_void,
    free: Option<unsafe extern "C" fn(*mut c_void, *mut c_void)>,
    data: Arc<UserData>,
    /// What the batch function says of each point.
    codes: Vec<c_int>,
}

// SAFETY: the header says that a worker may be used by one thread after the other.
unsafe impl Send for Worker {}

impl Worker {
    pub(super) fn pointer(&self) -> *mut c_void {
        self.pointer
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(free) = self.free {
            // SAFETY: made by the host's worker_new, freed once.
            unsafe { free(self.data.user, self.pointer) };
        }
    }
}

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
        worker.codes.clear();
        worker.codes.resize(log_densities.len(), 0);
        self.batch(worker, task, positions, log_densities, gradients)?;
        outcomes.iter_mut().zip(&worker.codes).for_each(|(out, &code)| *out = outcome(code));
        Ok(())
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
        Ok(Worker { pointer, free, data: Arc::clone(&self.data), codes: Vec::new() })
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
            evaluate(self.data.user, worker.pointer, hand(task), position.as_ptr(), &mut value, gradient.as_mut_ptr())
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
        let code = unsafe { evaluate(self.data.user, worker.pointer, hand(task), position.as_ptr(), &mut value) };
        outcome(code).map(|()| value)
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
            constrain(self.data.user, worker.pointer, hand(task), position.as_ptr(), outputs.as_mut_ptr())
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
            return crate::model::initialize_by_name(&self.names, task, init, position);
        };
        let context = catena_init::lend(init);
        // SAFETY: as above; the context is valid during the call.
        let code = unsafe { initialize(self.data.user, worker.pointer, hand(task), &context, position.as_mut_ptr()) };
        // The reason a value could not be used is kept where the model could not see it.
        if code != 0
            && let Some(reason) = context.complaint()
        {
            task.add_message(&reason);
        }
        outcome(code)
    }
}
impl catena_model {
    /// The host's batch function, with room for the codes in the worker.
    fn batch(
        &self,
        worker: &mut Worker,
        task: &mut Task<'_>,
        positions: &[f64],
        log_densities: &mut [f64],
        gradients: &mut [f64],
    ) -> Result<(), Refusal> {
        let Some(batch) = self.table.log_density_gradient_batch else { return Err(Refusal::Stop) };
        // SAFETY: the host's function with the host's data; the arrays are as long as the table documents.
        outcome(unsafe {
            batch(
                self.data.user,
                worker.pointer,
                hand(task),
                log_densities.len(),
                positions.as_ptr(),
                log_densities.as_mut_ptr(),
                gradients.as_mut_ptr(),
                worker.codes.as_mut_ptr(),
            )
        })
    }

    /// Values, gradients and codes at points given, on this thread.
    pub(super) fn evaluate(
        &self,
        positions: &[f64],
        values: &mut [f64],
        mut gradients: Option<&mut [f64]>,
        codes: Option<&mut [c_int]>,
    ) -> Result<(), Error> {
        let dim = self.table.dimension;
        let failed = |e: WorkerError| Error::new(Code::Model, format!("a worker's memory could not be made: {e}"));
        let mut worker = self.new_worker().map_err(failed)?;
        // Workers were just made, so another one can be; pieces get one of their own.
        let reducer = SerialReducer(|| self.new_worker().expect("a second worker"));
        let mut stream = Stream::of_run(0, Purpose::Model);
        let mut message = String::new();
        let mut own_codes = vec![0; values.len()];
        let codes = codes.unwrap_or(&mut own_codes);
        let stopped =
            |message: &str| Error::new(Code::Model, format!("the model stopped the evaluation; it says: {message}"));
        if let Some(gradients) = gradients.as_deref_mut().filter(|_| self.has_batch() && values.len() > 1) {
            let mut task = Task::new(NO_CHAIN, &mut stream, &mut message, &reducer);
            let mut outcomes = vec![Ok(()); values.len()];
            let all =
                self.log_density_gradient_batch(&mut worker, &mut task, positions, values, gradients, &mut outcomes);
            codes.copy_from_slice(&worker.codes);
            if all == Err(Refusal::Stop) || outcomes.contains(&Err(Refusal::Stop)) {
                return Err(stopped(&message));
            }
            for (value, _) in values.iter_mut().zip(outcomes).filter(|(_, o)| all.and(*o).is_err()) {
                *value = f64::NAN;
            }
            return Ok(());
        }
        for (i, value) in values.iter_mut().enumerate() {
            let position = &positions[i * dim..(i + 1) * dim];
            let mut task = Task::new(NO_CHAIN, &mut stream, &mut message, &reducer);
            let result = match gradients.as_deref_mut() {
                Some(g) => self.log_density_gradient(&mut worker, &mut task, position, &mut g[i * dim..(i + 1) * dim]),
                None => self.log_density(&mut worker, &mut task, position),
            };
            (*value, codes[i]) = match result {
                Ok(value) => (value, 0),
                Err(Refusal::Reject) => (f64::NAN, 1),
                Err(Refusal::Stop) => return Err(stopped(&message)),
            };
        }
        Ok(())
    }
}
