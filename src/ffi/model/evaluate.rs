//! The log density at points given, outside a run.

use super::handle::catena_model;
use crate::error::{Code, Error};
use crate::ffi::boundary::{guard, object, slice, slice_mut};
use crate::ffi::error::{catena_error, catena_status};
use crate::model::{Density, NO_CHAIN, Refusal, SerialReducer, Task, WorkerError};
use crate::random::{Purpose, Stream};
use std::ffi::c_int;

/// Evaluates the log density at `n` points, on the calling thread. `positions` is n x dimension, row-major;
/// `log_densities` receives n numbers, NaN where the model refused; `gradients` receives n x dimension numbers or is NULL;
/// `codes` receives each point's return code or is NULL. Uses the table's log_density when no gradients are wanted, and its
/// batch function when they are and n is above 1. The first point the model stops at ends the call with CATENA_MODEL.
///
/// # Safety
/// The arrays are as long as documented; `model` is NULL or a live model.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_model_log_density(
    model: *const catena_model,
    n: usize,
    positions: *const f64,
    log_densities: *mut f64,
    gradients: *mut f64,
    codes: *mut c_int,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the pointers and lengths.
        unsafe {
            let model = object(model, "model", "a catena_model")?;
            let dim = model.table.dimension;
            let all = n
                .checked_mul(dim)
                .ok_or_else(|| Error::argument("n", "a number of points that fits into memory", n))?;
            let positions = slice(positions, all, "positions")?;
            let values = slice_mut(log_densities, n, "log_densities")?;
            let gradients = if gradients.is_null() { None } else { Some(slice_mut(gradients, all, "gradients")?) };
            let codes = if codes.is_null() { None } else { Some(slice_mut(codes, n, "codes")?) };
            model.evaluate(positions, values, gradients, codes)
        }
    })
}

impl catena_model {
    /// Values, gradients and codes at points given, on this thread.
    fn evaluate(
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
