//! Calls of a host's functions at many points, for prior, likelihood and data, without the Jacobian, and with the Hessian.

use super::handle::catena_model;
use super::worker::Worker;
use crate::ffi::task::{catena_task, hand, outcome};
use crate::model::{Refusal, Task};
use std::ffi::{c_int, c_void};

/// A table's function for many points.
type Batch = unsafe extern "C" fn(
    *mut c_void,
    *mut c_void,
    *mut catena_task,
    usize,
    *const f64,
    *mut f64,
    *mut f64,
    *mut c_int,
) -> c_int;

/// Positions, and where log densities, gradients and outcomes go.
type Rows<'a> = (&'a [f64], &'a mut [f64], &'a mut [f64], &'a mut [Result<(), Refusal>]);

/// Both gradients as a host takes them.
fn pointers(gradients: Option<[&mut [f64]; 2]>) -> [*mut f64; 2] {
    gradients.map_or([std::ptr::null_mut(); 2], |both| both.map(|g| g.as_mut_ptr()))
}

impl catena_model {
    /// Many points by one of the table's functions, which the model has.
    pub(super) fn batch(
        &self,
        batch: Option<Batch>,
        worker: &mut Worker,
        task: &mut Task<'_>,
        (positions, log_densities, gradients, outcomes): Rows<'_>,
    ) -> Result<(), Refusal> {
        let Some(batch) = batch else { return Err(Refusal::Stop) };
        worker.codes.clear();
        worker.codes.resize(log_densities.len(), 0);
        // SAFETY: the host's function with the host's data; the arrays are as long as the table documents.
        outcome(unsafe {
            batch(
                self.data.user,
                worker.pointer(),
                hand(task),
                log_densities.len(),
                positions.as_ptr(),
                log_densities.as_mut_ptr(),
                gradients.as_mut_ptr(),
                worker.codes.as_mut_ptr(),
            )
        })?;
        outcomes.iter_mut().zip(&worker.codes).for_each(|(out, &code)| *out = outcome(code));
        Ok(())
    }

    /// Log prior and log likelihood; the model has the function.
    #[inline]
    pub(super) fn parts(
        &self,
        worker: &mut Worker,
        task: &mut Task<'_>,
        position: &[f64],
        gradients: Option<[&mut [f64]; 2]>,
    ) -> Result<[f64; 2], Refusal> {
        let Some(parts) = self.table.log_density_parts else { return Err(Refusal::Stop) };
        let [mut prior, mut likelihood] = [f64::NAN; 2];
        let [g, h] = pointers(gradients);
        // SAFETY: the host's function with the host's data; position and gradients are `dimension` long.
        let code = unsafe {
            let (user, worker, x) = (self.data.user, worker.pointer(), position.as_ptr());
            parts(user, worker, hand(task), x, &mut prior, &mut likelihood, g, h)
        };
        outcome(code).map(|()| [prior, likelihood])
    }

    /// The same at many points, with room for the codes in the worker.
    pub(super) fn parts_batch(
        &self,
        worker: &mut Worker,
        task: &mut Task<'_>,
        positions: &[f64],
        [priors, likelihoods]: [&mut [f64]; 2],
        gradients: Option<[&mut [f64]; 2]>,
    ) -> Result<(), Refusal> {
        let Some(batch) = self.table.log_density_parts_batch else { return Err(Refusal::Stop) };
        let [g, h] = pointers(gradients);
        // SAFETY: the host's function with the host's data; the arrays are as long as the table documents.
        outcome(unsafe {
            batch(
                self.data.user,
                worker.pointer(),
                hand(task),
                priors.len(),
                positions.as_ptr(),
                priors.as_mut_ptr(),
                likelihoods.as_mut_ptr(),
                g,
                h,
                worker.codes.as_mut_ptr(),
            )
        })
    }

    /// Without the Jacobian; the model has the function.
    pub(super) fn without_jacobian(
        &self,
        worker: &mut Worker,
        task: &mut Task<'_>,
        position: &[f64],
        gradient: Option<&mut [f64]>,
    ) -> Result<f64, Refusal> {
        let Some(evaluate) = self.table.log_density_without_jacobian else { return Err(Refusal::Stop) };
        let mut value = f64::NAN;
        let gradient = gradient.map_or(std::ptr::null_mut(), |g| g.as_mut_ptr());
        // SAFETY: the host's function with the host's data; position and gradient are `dimension` long.
        let code =
            unsafe { evaluate(self.data.user, worker.pointer(), hand(task), position.as_ptr(), &mut value, gradient) };
        outcome(code).map(|()| value)
    }

    /// With the Hessian, and the Jacobian or not; the model has the function.
    pub(super) fn hessian(
        &self,
        worker: &mut Worker,
        task: &mut Task<'_>,
        (position, jacobian): (&[f64], bool),
        gradient: &mut [f64],
        hessian: &mut [f64],
    ) -> Result<f64, Refusal> {
        let Some(evaluate) = self.table.log_density_hessian else { return Err(Refusal::Stop) };
        let mut value = f64::NAN;
        let (g, h) = (gradient.as_mut_ptr(), hessian.as_mut_ptr());
        // SAFETY: the host's function with the host's data; position and gradient are `dimension` long, the Hessian its square.
        let code = unsafe {
            evaluate(
                self.data.user,
                worker.pointer(),
                hand(task),
                position.as_ptr(),
                c_int::from(jacobian),
                &mut value,
                g,
                h,
            )
        };
        outcome(code).map(|()| value)
    }

    /// Draws from the prior; the model has the function.
    pub(super) fn prior(&self, worker: &mut Worker, task: &mut Task<'_>, position: &mut [f64]) -> Result<(), Refusal> {
        let Some(draw) = self.table.sample_prior else { return Err(Refusal::Stop) };
        // SAFETY: the host's function with the host's data; the position is `dimension` long.
        outcome(unsafe { draw(self.data.user, worker.pointer(), hand(task), position.as_mut_ptr()) })
    }

    /// The density of so many data, and of the next one; the model has the function.
    pub(super) fn data(
        &self,
        worker: &mut Worker,
        task: &mut Task<'_>,
        position: &[f64],
        count: usize,
        gradients: Option<[&mut [f64]; 2]>,
    ) -> Result<[f64; 2], Refusal> {
        let Some(data) = self.table.log_density_data else { return Err(Refusal::Stop) };
        let [mut base, mut next] = [f64::NAN; 2];
        let [g, h] = pointers(gradients);
        // SAFETY: the host's function with the host's data; position and gradients are `dimension` long.
        let code = unsafe {
            let (user, worker, x) = (self.data.user, worker.pointer(), position.as_ptr());
            data(user, worker, hand(task), x, count, &mut base, &mut next, g, h)
        };
        outcome(code).map(|()| [base, next])
    }
}
