//! The table of function pointers that a host fills for its model.

use super::boundary::{Table, slice, text};
use super::init::catena_init;
use super::task::catena_task;
use crate::error::Error;
use crate::model::Threading;
use std::collections::HashSet;
use std::ffi::{c_char, c_int, c_void};

/// From which threads a run may call a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum catena_threading {
    /// From any thread, several at once.
    CATENA_THREADS_ANY = 0,
    /// From one thread at a time, the same one in the course of a run: a run uses one thread and warns when it was asked
    /// for more. Runs on several threads of the host over one such model are for the host (or the model) to keep apart.
    CATENA_THREADS_ONE = 1,
    /// Only from the thread that called into the library (catena_sample_nuts, catena_run_poll, catena_run_wait), and all
    /// else of the host's too: writers, init contexts and the logger are called on that thread alone.
    CATENA_THREADS_CALLER = 2,
}

/// A model: a log density over `dimension` unconstrained coordinates, with named outputs.
///
/// Set `struct_size` to sizeof(catena_density) and everything you don't provide to zero. The table and its names are
/// copied by catena_model_new; `user` must live until `release` is called (or as long as the model).
///
/// Threads: after catena_model_new, every callback may be called from any thread of a run's pool, several at once with
/// the same `user` (unless `threading` says otherwise); each call has a `worker` that no other call uses at the same time.
/// `user` must therefore be read-only or synchronise itself; scratch memory belongs into the worker.
///
/// Evaluation callbacks return 0 (done), above 0 (reject this point: a divergence while sampling, another try while
/// looking for an initial value, NaN for generated quantities) or below 0 (stop this chain). Attach a reason with
/// catena_task_message. They must not throw or longjmp out.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct catena_density {
    /// sizeof(catena_density) of the header the program was compiled with.
    pub struct_size: usize,
    /// Passed to every callback.
    pub user: *mut c_void,
    /// Called once with `user` when the model is freed; may be NULL.
    pub release: Option<unsafe extern "C" fn(user: *mut c_void)>,
    /// Number of unconstrained coordinates; 0 is a model whose outputs alone are sampled.
    pub dimension: usize,
    /// Log density (up to a constant, with the Jacobian of the transforms) at `position` and its gradient, both
    /// `dimension` long. Required; may be NULL only when `dimension` is 0.
    pub log_density_gradient: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            worker: *mut c_void,
            task: *mut catena_task,
            position: *const f64,
            log_density: *mut f64,
            gradient: *mut f64,
        ) -> c_int,
    >,
    /// Log density alone; NULL: the gradient's function is used. Only catena_model_log_density calls it.
    pub log_density: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            worker: *mut c_void,
            task: *mut catena_task,
            position: *const f64,
            log_density: *mut f64,
        ) -> c_int,
    >,
    /// Many points in one call: `positions` and `gradients` are n x dimension, row-major; `codes` (0 on entry) receives one
    /// return code per point. Returns 0, above 0 to reject all points, or below 0 to stop. NULL: points are evaluated one
    /// by one. Called by catena_model_log_density, and in runs whose options set a batch size. Draws have the same bits
    /// with and without batches when the values have.
    pub log_density_gradient_batch: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            worker: *mut c_void,
            task: *mut catena_task,
            n: usize,
            positions: *const f64,
            log_densities: *mut f64,
            gradients: *mut f64,
            codes: *mut c_int,
        ) -> c_int,
    >,
    /// Names of the unconstrained coordinates, `dimension` of them; NULL: x.1, x.2, ...
    pub names: *const *const c_char,
    /// Number of outputs; must be 0 when `constrain` is NULL (the outputs are then the coordinates themselves).
    pub output_count: usize,
    /// Names of the outputs, `output_count` of them, e.g. theta.1, theta.2, mu.
    pub output_names: *const *const c_char,
    /// Position to outputs: parameters, transformed parameters, generated quantities; `outputs` is NaN on entry. May draw
    /// random numbers from the task; that never changes the draws themselves. After a return above 0 the parameters and
    /// transformed parameters stay as they were written (see `parameter_outputs`), and the rest of the row is NaN.
    pub constrain: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            worker: *mut c_void,
            task: *mut catena_task,
            position: *const f64,
            outputs: *mut f64,
        ) -> c_int,
    >,
    /// Fills `position` (NaN on entry) from what `init` gives, on the unconstrained scale; coordinates left NaN are drawn.
    /// NULL: a value of `init` named like a coordinate sets it, and an array v sets the coordinates v.1, v.2, ...
    pub initialize: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            worker: *mut c_void,
            task: *mut catena_task,
            init: *const catena_init,
            position: *mut f64,
        ) -> c_int,
    >,
    /// Makes scratch memory for one call at a time; a return other than 0 fails the chain that needed it. NULL: every
    /// `worker` is NULL.
    pub worker_new: Option<unsafe extern "C" fn(user: *mut c_void, worker: *mut *mut c_void) -> c_int>,
    /// Frees what worker_new made, before the call that ran the chains returns. May be NULL.
    pub worker_free: Option<unsafe extern "C" fn(user: *mut c_void, worker: *mut c_void)>,
    /// A catena_threading: from which threads a run may call this model.
    pub threading: i32,
    /// How many of the outputs, the first ones, are the parameters: the values by whose names `initialize` finds a
    /// position. With 0 here and in `transformed_outputs` the model does not say. See catena_generate_quantities.
    pub parameter_outputs: usize,
    /// How many of the outputs, after the parameters, are functions of the parameters alone. The others are generated
    /// quantities.
    pub transformed_outputs: usize,
    /// Log prior (with the Jacobian of the transforms) and log likelihood at `position`, whose sum is the log density; the
    /// gradients of both, where the two pointers are not NULL. A likelihood of zero is -INFINITY. For catena_sample_smc,
    /// which follows the tempered likelihood from the prior where this and sample_prior are there. May be NULL.
    pub log_density_parts: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            worker: *mut c_void,
            task: *mut catena_task,
            position: *const f64,
            log_prior: *mut f64,
            log_likelihood: *mut f64,
            prior_gradient: *mut f64,
            likelihood_gradient: *mut f64,
        ) -> c_int,
    >,
    /// The same for many points in one call, as log_density_gradient_batch; called in runs of catena_sample_smc whose options
    /// set a batch size. May be NULL.
    pub log_density_parts_batch: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            worker: *mut c_void,
            task: *mut catena_task,
            n: usize,
            positions: *const f64,
            log_priors: *mut f64,
            log_likelihoods: *mut f64,
            prior_gradients: *mut f64,
            likelihood_gradients: *mut f64,
            codes: *mut c_int,
        ) -> c_int,
    >,
    /// Draws `position` from the prior, with the task's random numbers. May be NULL.
    pub sample_prior: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            worker: *mut c_void,
            task: *mut catena_task,
            position: *mut f64,
        ) -> c_int,
    >,
    /// Number of data that log_density_data takes one after the other; must be 0 where that is NULL.
    pub data_count: usize,
    /// Log prior (with the Jacobian) plus the log likelihood of the first `count` data, and the log likelihood of datum
    /// number `count`, from 0 to data_count - 1; the gradients of both, where the two pointers are not NULL. For
    /// catena_sample_smc, which takes the data one by one where this and sample_prior are there. May be NULL.
    pub log_density_data: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            worker: *mut c_void,
            task: *mut catena_task,
            position: *const f64,
            count: usize,
            log_density: *mut f64,
            log_likelihood: *mut f64,
            gradient: *mut f64,
            likelihood_gradient: *mut f64,
        ) -> c_int,
    >,
    /// The log density without the Jacobian of the transforms, and its gradient unless that is NULL: what catena_optimize
    /// looks for a mode of where `jacobian` is false. Returns as log_density_gradient. NULL: the model has no such function;
    /// one without `constrain` needs none.
    pub log_density_without_jacobian: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            worker: *mut c_void,
            task: *mut catena_task,
            position: *const f64,
            log_density: *mut f64,
            gradient: *mut f64,
        ) -> c_int,
    >,
    /// The log density, with the Jacobian of the transforms or without, its gradient and its Hessian: `dimension`² numbers,
    /// row after row, symmetric. Returns as log_density_gradient. NULL: Newton's method and catena_laplace make it of
    /// differences of gradients.
    pub log_density_hessian: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            worker: *mut c_void,
            task: *mut catena_task,
            position: *const f64,
            jacobian: c_int,
            log_density: *mut f64,
            gradient: *mut f64,
            hessian: *mut f64,
        ) -> c_int,
    >,
    /// As log_density_gradient_batch, without the Jacobian of the transforms; called in runs of catena_optimize and
    /// catena_laplace whose options set a batch size and leave the Jacobian out. NULL: those points are evaluated one by one.
    pub log_density_without_jacobian_batch: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            worker: *mut c_void,
            task: *mut catena_task,
            n: usize,
            positions: *const f64,
            log_densities: *mut f64,
            gradients: *mut f64,
            codes: *mut c_int,
        ) -> c_int,
    >,
}

// SAFETY: repr(C), starts with its size, zeros are valid everywhere.
unsafe impl Table for catena_density {
    const NAME: &'static str = "catena_density";
    const REQUIRED: usize = std::mem::offset_of!(catena_density, log_density);
}
/// Names from the host: none null, each once.
///
/// # Safety
/// `names` is null or points to `count` NUL-terminated texts.
pub(super) unsafe fn names(names: *const *const c_char, count: usize, argument: &str) -> Result<Vec<String>, Error> {
    // SAFETY: passed on to the caller.
    let pointers = unsafe { slice(names, count, argument)? };
    let mut seen = HashSet::new();
    let mut out = Vec::with_capacity(count);
    for (i, &pointer) in pointers.iter().enumerate() {
        // SAFETY: passed on to the caller.
        let name = unsafe { text(pointer, &format!("{argument}[{i}]"))? };
        if name.is_empty() || name.contains(['\n', '\r', ',']) {
            let expected = "a name without commas and line ends";
            return Err(Error::argument(format!("{argument}[{i}]"), expected, format_args!("{name:?}")));
        }
        if !seen.insert(name) {
            return Err(Error::argument(
                format!("{argument}[{i}]"),
                "a name not used before",
                format_args!("{name:?}"),
            ));
        }
        out.push(name.to_string());
    }
    Ok(out)
}

/// What the host's number means.
pub(super) fn threading(number: i32) -> Result<Threading, Error> {
    use catena_threading::*;
    [
        (CATENA_THREADS_ANY, Threading::Any),
        (CATENA_THREADS_ONE, Threading::One),
        (CATENA_THREADS_CALLER, Threading::Caller),
    ]
    .into_iter()
    .find_map(|(known, threading)| (known as i32 == number).then_some(threading))
    .ok_or_else(|| Error::argument("density.threading", "a catena_threading (0, 1 or 2)", number))
}
