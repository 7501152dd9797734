//! The table of a Stan program, and its callbacks.

use super::library::Rng;
use super::model::{DONE, Loaded, REJECT, STOP};
use crate::drive::quiet;
use crate::ffi::boundary::ask;
use crate::ffi::density::{catena_density, catena_threading};
use crate::ffi::init::catena_init;
use crate::ffi::task::{catena_task, task};
use std::ffi::{c_int, c_void};
use std::ptr::null_mut;

/// Log densities for sampling leave constants out.
const PROPTO: bool = true;

/// Moves a model to the heap and fills a table that owns it.
pub(super) fn of(model: Loaded) -> catena_density {
    let threading = if model.program.threads() {
        catena_threading::CATENA_THREADS_ANY
    } else {
        catena_threading::CATENA_THREADS_ONE
    };
    let user = Box::new(model);
    let hessian = user.program.hessian().is_some();
    catena_density {
        struct_size: size_of::<catena_density>(),
        release: Some(release),
        dimension: user.names.count(),
        log_density_gradient: Some(log_density_gradient),
        log_density: Some(log_density),
        log_density_gradient_batch: None,
        names: user.names.list(),
        output_count: user.output_names.count(),
        output_names: user.output_names.list(),
        constrain: Some(constrain),
        initialize: Some(initialize),
        worker_new: Some(worker_new),
        worker_free: Some(worker_free),
        threading: threading as i32,
        parameter_outputs: user.parameter_outputs,
        transformed_outputs: user.transformed_outputs,
        // Stan's programs know no prior by itself.
        log_density_parts: None,
        log_density_parts_batch: None,
        sample_prior: None,
        data_count: 0,
        log_density_data: None,
        log_density_without_jacobian: Some(log_density_without_jacobian),
        log_density_hessian: if hessian { Some(log_density_hessian) } else { None },
        log_density_without_jacobian_batch: None,
        user: Box::into_raw(user).cast(),
    }
}

/// The model behind a callback's user pointer.
///
/// # Safety
/// `user` came from [`of`] and is not released yet.
unsafe fn loaded<'a>(user: *mut c_void) -> &'a Loaded {
    // SAFETY: passed on to the caller.
    unsafe { &*user.cast::<Loaded>() }
}

unsafe extern "C" fn release(user: *mut c_void) {
    // SAFETY: from `of`, released once.
    let model = unsafe { Box::from_raw(user.cast::<Loaded>()) };
    ask((), || drop(model));
}

unsafe extern "C" fn worker_new(user: *mut c_void, _worker: *mut *mut c_void) -> c_int {
    // SAFETY: a callback of the table.
    unsafe { loaded(user) }.refusals.worker_made();
    DONE
}

unsafe extern "C" fn worker_free(user: *mut c_void, _worker: *mut c_void) {
    // SAFETY: a callback of the table.
    unsafe { loaded(user) }.refusals.worker_freed();
}

unsafe extern "C" fn log_density_gradient(
    user: *mut c_void,
    _worker: *mut c_void,
    task: *mut catena_task,
    position: *const f64,
    log_density: *mut f64,
    gradient: *mut f64,
) -> c_int {
    // SAFETY: a callback of the table, with arrays of the model's dimension and the task at hand.
    unsafe {
        let (model, task) = (loaded(user), self::task(task));
        let answer = model.program.enter(task.as_deref(), |f, m, error| {
            (f.log_density_gradient)(m, PROPTO, model.jacobian, position, log_density, gradient, error)
        });
        model.evaluated(task, answer)
    }
}

unsafe extern "C" fn log_density(
    user: *mut c_void,
    _worker: *mut c_void,
    task: *mut catena_task,
    position: *const f64,
    log_density: *mut f64,
) -> c_int {
    // SAFETY: as above.
    unsafe {
        let (model, task) = (loaded(user), self::task(task));
        let answer = model.program.enter(task.as_deref(), |f, m, error| {
            (f.log_density)(m, PROPTO, model.jacobian, position, log_density, error)
        });
        model.evaluated(task, answer)
    }
}

unsafe extern "C" fn log_density_without_jacobian(
    user: *mut c_void,
    _worker: *mut c_void,
    task: *mut catena_task,
    position: *const f64,
    log_density: *mut f64,
    gradient: *mut f64,
) -> c_int {
    // SAFETY: as above; the gradient is null where it is not wanted.
    unsafe {
        let (model, task) = (loaded(user), self::task(task));
        let answer = model.program.enter(task.as_deref(), |f, m, error| match gradient.is_null() {
            true => (f.log_density)(m, PROPTO, false, position, log_density, error),
            false => (f.log_density_gradient)(m, PROPTO, false, position, log_density, gradient, error),
        });
        model.evaluated(task, answer)
    }
}

unsafe extern "C" fn log_density_hessian(
    user: *mut c_void,
    _worker: *mut c_void,
    task: *mut catena_task,
    position: *const f64,
    jacobian: c_int,
    log_density: *mut f64,
    gradient: *mut f64,
    hessian: *mut f64,
) -> c_int {
    // SAFETY: as above; `hessian` has room for the square of the model's dimension.
    unsafe {
        let (model, task) = (loaded(user), self::task(task));
        let Some(evaluate) = model.program.hessian() else { return STOP };
        let jacobian = jacobian != 0 && model.jacobian;
        let answer = model.program.enter(task.as_deref(), |_, m, error| {
            evaluate(m, PROPTO, jacobian, position, log_density, gradient, hessian, error)
        });
        model.evaluated(task, answer)
    }
}

/// Parameters, transformed parameters and generated quantities. Each call makes a generator of its own, seeded from the
/// chain's stream, so that the numbers do not depend on which thread or worker did the calls before. A model without
/// generated quantities needs none.
unsafe extern "C" fn constrain(
    user: *mut c_void,
    _worker: *mut c_void,
    task: *mut catena_task,
    position: *const f64,
    outputs: *mut f64,
) -> c_int {
    // SAFETY: as above; `outputs` has room for all outputs.
    unsafe {
        let (model, mut task) = (loaded(user), self::task(task));
        let generates = model.generated_outputs > 0;
        let seed = match &mut task {
            Some(task) if generates => (task.random().bits() >> u32::BITS) as u32,
            _ => 0,
        };
        let (code, text) = model.program.enter(task.as_deref(), |f, m, error| {
            let rng: *mut Rng = if generates { (f.rng_construct)(seed, error) } else { null_mut() };
            if generates && rng.is_null() {
                return REJECT;
            }
            let code = (f.param_constrain)(m, true, generates, position, outputs, rng, error);
            if !rng.is_null() {
                (f.rng_destruct)(rng);
            }
            code
        });
        if code == 0 {
            return DONE;
        }
        // Quantities that are refused take nothing from the parameters, nor from their transforms where these are not refused.
        let parts = if generates { &[true, false][..] } else { &[false] };
        parts.iter().any(|&transformed| {
            let (code, text) = model.program.enter(task.as_deref(), |f, m, error| {
                (f.param_constrain)(m, transformed, false, position, outputs, null_mut(), error)
            });
            if code != 0 {
                ask((), || drop(model.program.take_error(text)));
            }
            code == 0
        });
        ask(STOP, || {
            let message = model.program.take_error(text);
            if let Some(task) = task {
                task.set_message(&message);
            }
            REJECT
        })
    }
}

unsafe extern "C" fn initialize(
    user: *mut c_void,
    _worker: *mut c_void,
    task: *mut catena_task,
    init: *const catena_init,
    position: *mut f64,
) -> c_int {
    // SAFETY: as above; the context is the one of this callback.
    let (model, task, init) = unsafe { (loaded(user), self::task(task), init.as_ref()) };
    let (Some(task), Some(init)) = (task, init) else { return STOP };
    let dimension = model.names.count();
    let position = if dimension == 0 {
        &mut []
    } else {
        // SAFETY: as above.
        unsafe { std::slice::from_raw_parts_mut(position, dimension) }
    };
    let answer = quiet::catch(|| model.parameters.initialize(&model.program, task, init.context(), position));
    match answer.unwrap_or_else(Err) {
        Ok(()) => DONE,
        Err(message) => {
            task.set_message(&message);
            STOP
        }
    }
}
