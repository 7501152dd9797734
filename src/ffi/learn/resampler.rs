//! A resampler of the host's own.

use super::handle::catena_updater;
use crate::error::{Code, Error};
use crate::ffi::boundary::{ask, change, guard, slice};
use crate::ffi::error::{catena_error, catena_status};
use crate::learn::{CustomResampler, Resampled};
use std::ffi::{c_int, c_void};

/// Where a resampler puts its models. Valid only inside the callback that got it.
pub struct catena_models {
    dim: usize,
    models: Vec<f64>,
    weights: Vec<f64>,
}

/// Puts `n` models (a matrix, column by column) and their weights (copied); what was put before is replaced. Returns 0, or -1
/// for NULL.
///
/// # Safety
/// `out` is NULL or what the callback that is running got; the arrays are as documented.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_models_put(
    out: *mut catena_models,
    n: usize,
    models: *const f64,
    weights: *const f64,
) -> c_int {
    ask(-1, || {
        // SAFETY: the caller vouches for the pointers.
        let Some(out) = (unsafe { out.as_mut() }) else { return -1 };
        // SAFETY: as above.
        let given = unsafe { (slice(models, n.saturating_mul(out.dim), "models"), slice(weights, n, "weights")) };
        let (Ok(models), Ok(weights)) = given else { return -1 };
        (out.models, out.weights) = (models.to_vec(), weights.to_vec());
        0
    })
}

/// A resampler: from `n` models (a matrix of `dimension` columns) of these normalised weights it makes others, `wanted` of them
/// or any other number from 1 on, and puts them with their weights, which are kept as they are, by catena_models_put. Called on
/// the thread that called into the library. Returns 0, or another number on failure.
pub type catena_custom_resampler = Option<
    unsafe extern "C" fn(
        user: *mut c_void,
        set: u64,
        n: usize,
        dimension: usize,
        models: *const f64,
        weights: *const f64,
        wanted: usize,
        out: *mut catena_models,
    ) -> c_int,
>;

/// The host's pointer, used on the calling thread alone.
struct User(*mut c_void);

// SAFETY: the header says that one thread at a time uses an updater, and all it was given.
unsafe impl Send for User {}

impl User {
    fn get(&self) -> *mut c_void {
        self.0
    }
}

/// Has sets resampled by `resampler` from here on; NULL: as the options say. `user` must live as long.
///
/// # Safety
/// `updater` is NULL or a live updater; `error` is NULL or points to a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_updater_resample_by(
    updater: *mut catena_updater,
    resampler: catena_custom_resampler,
    user: *mut c_void,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        let user = User(user);
        let custom = resampler.map(|resampler| -> Box<CustomResampler> {
            Box::new(move |ask: Resampled<'_>| {
                let (n, dim) = (ask.weights.len(), ask.models.len() / ask.weights.len().max(1));
                let mut out = catena_models { dim, models: Vec::new(), weights: Vec::new() };
                let (models, weights) = (ask.models.as_ptr(), ask.weights.as_ptr());
                // SAFETY: the host's function with the host's data; the arrays are as long as the counts say.
                let code = unsafe { resampler(user.get(), ask.set, n, dim, models, weights, ask.count, &mut out) };
                if code != 0 {
                    return Err(Error::new(Code::Model, format!("the resampler returned {code}")));
                }
                Ok((out.models, out.weights))
            })
        });
        // SAFETY: the caller vouches for the pointer.
        unsafe { change(updater)? }.resample_by(custom);
        Ok(())
    })
}
