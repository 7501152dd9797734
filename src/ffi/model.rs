//! Models: a table of function pointers becomes a density.

use super::UserData;
use super::boundary::{Table, check_size, free, guard, hand_out, object, slice, slice_mut, table, text};
use super::engine::{ENGINES, number};
use super::error::{c_text, catena_error, catena_status};
use super::init::catena_init;
use super::task::{catena_task, hand, outcome};
use crate::error::{Code, Error};
use crate::model::{Density, InitContext, Refusal, SerialReducer, Task, Threading, WorkerError};
use crate::random::{Purpose, Stream};
use crate::services::Engine;
use std::collections::HashSet;
use std::ffi::{CString, c_char, c_int, c_void};
use std::sync::Arc;

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
/// the same `user` (unless `threading` says otherwise); each call has a `worker` that no other call uses at the same time. `user` must therefore be read-only
/// or synchronise itself; scratch memory belongs into the worker.
///
/// Evaluation callbacks return 0 (done), above 0 (reject this point: a divergence while sampling, another try while
/// looking for an initial value, a row of NaN for outputs) or below 0 (stop this chain). Attach a reason with
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
    /// Position to outputs: parameters, transformed parameters, generated quantities. May draw random numbers from the
    /// task; that never changes the draws themselves.
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
}

// SAFETY: repr(C), starts with its size, zeros are valid everywhere.
unsafe impl Table for catena_density {
    const NAME: &'static str = "catena_density";
    const REQUIRED: usize = std::mem::offset_of!(catena_density, log_density);
}

/// A model ready to be sampled. Immutable: may be used by several runs at once.
pub struct catena_model {
    table: catena_density,
    threading: Threading,
    data: Arc<UserData>,
    names: Vec<String>,
    output_names: Vec<String>,
    c_names: Vec<CString>,
    c_output_names: Vec<CString>,
    /// All columns of a sample writer, by the number of the engine.
    c_columns: [Vec<CString>; ENGINES.len()],
}

// SAFETY: the table's pointers are only used as its documentation says, which allows any thread.
unsafe impl Send for catena_model {}
// SAFETY: as above.
unsafe impl Sync for catena_model {}

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

/// Names from the host: none null, each once.
///
/// # Safety
/// `names` is null or points to `count` NUL-terminated texts.
unsafe fn names(names: *const *const c_char, count: usize, argument: &str) -> Result<Vec<String>, Error> {
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
fn threading(number: i32) -> Result<Threading, Error> {
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

/// Makes a model from a table, which is copied with its names. From here on the model owns `user` and gives it to
/// `release` when it is freed; when this function fails, `user` stays the caller's and `release` is not called.
///
/// # Safety
/// `density` is NULL or points to a table as documented; `out` and `error` are NULL or point to places for pointers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_model_new(
    density: *const catena_density,
    out: *mut *mut catena_model,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the table.
        let new = || unsafe { catena_model::from_table(table(density, "density")?) };
        // SAFETY: the caller vouches for `out`.
        unsafe { hand_out(out, new) }
    })
}

/// Frees a model and releases its user data. NULL is fine. No run may still use it.
///
/// # Safety
/// `model` is NULL or came from catena_model_new and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_model_free(model: *mut catena_model) {
    // SAFETY: the caller vouches for the pointer.
    unsafe { free(model) }
}

/// Number of unconstrained coordinates; 0 for NULL.
///
/// # Safety
/// `model` is NULL or a live model.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_model_dimension(model: *const catena_model) -> usize {
    // SAFETY: the caller vouches for the pointer.
    unsafe { model.as_ref() }.map_or(0, |m| m.table.dimension)
}

/// Number of outputs (of coordinates when the model has no `constrain`); 0 for NULL.
///
/// # Safety
/// `model` is NULL or a live model.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_model_output_count(model: *const catena_model) -> usize {
    // SAFETY: the caller vouches for the pointer.
    unsafe { model.as_ref() }.map_or(0, |m| m.output_names.len())
}

/// Name of coordinate `index`, from 0, borrowed from the model; NULL past the last.
///
/// # Safety
/// `model` is NULL or a live model.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_model_name(model: *const catena_model, index: usize) -> *const c_char {
    // SAFETY: the caller vouches for the pointer.
    name_at(unsafe { model.as_ref() }.map(|m| &m.c_names[..]), index)
}

/// Name of output `index`, from 0, borrowed from the model; NULL past the last.
///
/// # Safety
/// `model` is NULL or a live model.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_model_output_name(model: *const catena_model, index: usize) -> *const c_char {
    // SAFETY: the caller vouches for the pointer.
    name_at(unsafe { model.as_ref() }.map(|m| &m.c_output_names[..]), index)
}

/// Number of columns a sample writer of a NUTS run gets: lp__, accept_stat__, stepsize__, treedepth__, n_leapfrog__, divergent__,
/// energy__, then the outputs. 0 for NULL.
///
/// # Safety
/// `model` is NULL or a live model.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_sample_column_count(model: *const catena_model) -> usize {
    // SAFETY: the caller vouches for the pointer.
    unsafe { model.as_ref() }.map_or(0, |m| m.columns(Engine::Nuts).len())
}

/// Name of column `index` of a sample writer of a NUTS run, from 0, borrowed from the model; NULL past the last.
///
/// # Safety
/// `model` is NULL or a live model.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_sample_column(model: *const catena_model, index: usize) -> *const c_char {
    // SAFETY: the caller vouches for the pointer.
    name_at(unsafe { model.as_ref() }.map(|m| m.columns(Engine::Nuts)), index)
}

pub(super) fn name_at(names: Option<&[CString]>, index: usize) -> *const c_char {
    names.and_then(|n| n.get(index)).map_or(std::ptr::null(), |n| n.as_ptr())
}

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
    /// The model of a table, which owns `user` from here on; when this fails, `user` stays with who gave it.
    ///
    /// # Safety
    /// The table is what its documentation says.
    pub(super) unsafe fn from_table(t: catena_density) -> Result<Self, Error> {
        check_size::<f64>(t.dimension, "density.dimension")?;
        check_size::<f64>(t.output_count, "density.output_count")?;
        if t.log_density_gradient.is_none() && t.dimension > 0 {
            return Err(Error::argument("density.log_density_gradient", "a function", "NULL"));
        }
        if t.constrain.is_none() && t.output_count > 0 {
            let got = format_args!("NULL with an output_count of {}", t.output_count).to_string();
            return Err(Error::argument("density.constrain", "a function", got));
        }
        let threading = threading(t.threading)?;
        let coordinates = if t.names.is_null() {
            (1..=t.dimension).map(|i| format!("x.{i}")).collect()
        } else {
            // SAFETY: the caller vouches for the names.
            unsafe { names(t.names, t.dimension, "density.names")? }
        };
        let outputs = if t.constrain.is_none() {
            coordinates.clone()
        } else {
            // SAFETY: the caller vouches for the names.
            unsafe { names(t.output_names, t.output_count, "density.output_names")? }
        };
        let known = t.parameter_outputs.checked_add(t.transformed_outputs);
        if known.is_none_or(|known| known > t.output_count) {
            let got = format!("{} and {}", t.parameter_outputs, t.transformed_outputs);
            let expected = format!("counts of at most {} outputs together with transformed_outputs", t.output_count);
            return Err(Error::argument("density.parameter_outputs", expected, got));
        }
        let columns = |engine: Engine| {
            engine.columns().iter().copied().chain(outputs.iter().map(String::as_str)).map(c_text).collect()
        };
        Ok(catena_model {
            data: Arc::new(UserData { user: t.user, release: t.release }),
            table: t,
            threading,
            c_names: coordinates.iter().map(|n| c_text(n)).collect(),
            c_output_names: outputs.iter().map(|n| c_text(n)).collect(),
            c_columns: ENGINES.map(columns),
            names: coordinates,
            output_names: outputs,
        })
    }

    /// All columns of a sample writer.
    pub(super) fn columns(&self, engine: Engine) -> &[CString] {
        &self.c_columns[number(engine)]
    }

    /// Names of the outputs that generate_quantities writes.
    pub(super) fn quantities(&self) -> &[CString] {
        &self.c_output_names[self.table.parameter_outputs + self.table.transformed_outputs..]
    }

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
        let mut stream = Stream::new(0, 0, Purpose::Model);
        let mut message = String::new();
        let mut own_codes = vec![0; values.len()];
        let codes = codes.unwrap_or(&mut own_codes);
        let stopped =
            |message: &str| Error::new(Code::Model, format!("the model stopped the evaluation; it says: {message}"));
        if let Some(gradients) = gradients.as_deref_mut().filter(|_| self.has_batch() && values.len() > 1) {
            let mut task = Task::new(0, &mut stream, &mut message, &reducer);
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
            let mut task = Task::new(0, &mut stream, &mut message, &reducer);
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

/// The model behind a pointer of a run's arguments.
///
/// # Safety
/// `model` is null or a live model.
pub(super) unsafe fn model<'a>(model: *const catena_model) -> Result<&'a catena_model, Error> {
    // SAFETY: passed on to the caller.
    unsafe { object(model, "model", "a catena_model") }
}
