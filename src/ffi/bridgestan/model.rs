//! A model of a library, and the callbacks of its table.

use super::super::boundary::ask;
use super::super::density::{catena_density, catena_threading};
use super::super::init::catena_init;
use super::super::task::{catena_task, task};
use super::heap;
use super::inits::Parameters;
use super::library::{ErrorText, Functions, Library, Model, Rng};
use super::print;
use super::refusals::{MOST_IN_A_ROW, Refusals};
use crate::error::{Code, Error};
use crate::model::Task;
use std::collections::HashSet;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr::{null, null_mut};
use std::sync::{Mutex, PoisonError};

/// What callbacks return; see `catena_density`.
const DONE: c_int = 0;
const REJECT: c_int = 1;
const STOP: c_int = -1;

/// Log densities for sampling leave constants out.
const PROPTO: bool = true;

/// What `bs_model_info` says of a library that several threads may enter.
const THREADS: &str = "STAN_THREADS=true";

/// Held inside libraries that were built without threads. One lock for all of them: they keep Stan's stack for
/// automatic differentiation in a variable that the dynamic linker may share among them (STB_GNU_UNIQUE).
static ALONE: Mutex<()> = Mutex::new(());

/// Libraries whose print callback is set, by the address of a function. To set it again would free a stream that
/// another thread may be printing to.
static PRINTING: Mutex<Option<HashSet<usize>>> = Mutex::new(None);

/// Names for C.
struct Names {
    pointers: Vec<*const c_char>,
    _texts: Vec<CString>,
}

impl Names {
    fn new(names: &[String]) -> Self {
        let texts: Vec<CString> = names.iter().map(|n| super::super::error::c_text(n)).collect();
        Self { pointers: texts.iter().map(|t| t.as_ptr()).collect(), _texts: texts }
    }
}

/// A model and what must live as long; `user` of the table's callbacks.
pub(super) struct Loaded {
    library: Library,
    model: *mut Model,
    /// Several threads may be inside the library.
    threads: bool,
    /// Log densities include the Jacobian of the transforms.
    jacobian: bool,
    /// Number of outputs that are parameters, transformed parameters, generated quantities.
    parameter_outputs: usize,
    transformed_outputs: usize,
    generated_outputs: usize,
    names: Names,
    output_names: Names,
    parameters: Parameters,
    refusals: Refusals,
}

impl Loaded {
    /// # Safety
    /// As [`Library::load`]; `data` is null or NUL-terminated.
    pub unsafe fn new(path: &str, data: *const c_char, seed: u32) -> Result<Self, Error> {
        // SAFETY: passed on to the caller.
        let library = unsafe { Library::load(path)? };
        heap::keep_freed_memory();
        set_print_callback(&library)?;
        let mut text = null_mut();
        let model = {
            // Whether the library was built with threads is known only once there is a model.
            let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
            // SAFETY: arguments as BridgeStan's header wants them; `data` is the caller's.
            print::logging(None, || unsafe { (library.functions.model_construct)(data, seed, &mut text) })
        };
        if model.is_null() {
            // SAFETY: set by the call above.
            let words = unsafe { library.take_error(text) };
            return Err(Error::new(
                Code::Model,
                format!("the model of '{path}' could not be made of its data: {words}"),
            ));
        }
        let mut loaded = Self {
            library,
            model,
            threads: false,
            jacobian: true,
            parameter_outputs: 0,
            transformed_outputs: 0,
            generated_outputs: 0,
            names: Names::new(&[]),
            output_names: Names::new(&[]),
            parameters: Parameters::default(),
            refusals: Refusals::default(),
        };
        // SAFETY: the model is alive.
        loaded.threads = loaded.ask(|f, m| unsafe { (f.model_info)(m) }).contains(THREADS);
        // SAFETY: as above.
        let names = loaded.list(path, |f, m| unsafe { ((f.param_unc_num)(m), (f.param_unc_names)(m)) })?;
        let plain = loaded.list_of(path, false, false)?;
        let transformed = loaded.list_of(path, true, false)?;
        let outputs = loaded.list_of(path, true, true)?;
        loaded.parameter_outputs = plain.len();
        loaded.transformed_outputs = transformed.len().saturating_sub(plain.len());
        loaded.generated_outputs = outputs.len().saturating_sub(transformed.len());
        loaded.names = Names::new(&names);
        loaded.output_names = Names::new(&outputs);
        loaded.parameters = Parameters::new(&plain, &names);
        Ok(loaded)
    }

    /// Whether log densities include the Jacobian of the transforms; they do unless told otherwise.
    pub fn set_jacobian(&mut self, included: bool) {
        self.jacobian = included;
    }

    /// A text that the model owns.
    fn ask(&self, question: impl FnOnce(&Functions, *const Model) -> *const c_char) -> String {
        let text = self.enter(None, |f, m, _| question(f, m)).0;
        // SAFETY: null or a NUL-terminated text that lives as long as the model, by BridgeStan's header.
        if text.is_null() { String::new() } else { unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned() }
    }

    fn list_of(&self, path: &str, transformed: bool, generated: bool) -> Result<Vec<String>, Error> {
        // SAFETY: the model is alive.
        self.list(path, |f, m| unsafe {
            ((f.param_num)(m, transformed, generated), (f.param_names)(m, transformed, generated))
        })
    }

    /// Names separated by commas, as many as the model says.
    fn list(
        &self,
        path: &str,
        question: impl FnOnce(&Functions, *const Model) -> (c_int, *const c_char),
    ) -> Result<Vec<String>, Error> {
        let mut count = 0;
        let text = self.ask(|f, m| {
            let (n, text) = question(f, m);
            count = n;
            text
        });
        let names: Vec<String> = text.split(',').filter(|n| !n.is_empty()).map(str::to_string).collect();
        if usize::try_from(count) == Ok(names.len()) {
            return Ok(names);
        }
        let said = format!("the model of '{path}' says that it has {count} values but names {}", names.len());
        Err(Error::new(Code::Model, said))
    }

    /// Calls into the library, alone where it needs that; then logs what it printed. Also gives back the error's text.
    #[inline]
    fn enter<R>(
        &self,
        task: Option<&Task<'_>>,
        call: impl FnOnce(&Functions, *const Model, ErrorText) -> R,
    ) -> (R, *mut c_char) {
        let mut text = null_mut();
        let result = print::logging(task, || {
            let _alone = (!self.threads).then(|| ALONE.lock().unwrap_or_else(PoisonError::into_inner));
            call(&self.library.functions, self.model, &mut text)
        });
        (result, text)
    }

    /// As [`Loaded::enter`]; a return code other than 0 becomes the error's text.
    fn try_enter(
        &self,
        task: Option<&Task<'_>>,
        call: impl FnOnce(&Functions, *const Model, ErrorText) -> c_int,
    ) -> Result<(), String> {
        match self.enter(task, call) {
            (0, _) => Ok(()),
            // SAFETY: set by the call that failed.
            (_, text) => Err(unsafe { self.library.take_error(text) }),
        }
    }

    /// The parameters, without transformed ones, at an unconstrained position.
    pub fn constrain_parameters(&self, task: &Task<'_>, position: &[f64], values: &mut [f64]) -> Result<(), String> {
        debug_assert_eq!((position.len(), values.len()), (self.names.pointers.len(), self.parameters.values()));
        // SAFETY: the model is alive and the arrays are as long as it says.
        self.try_enter(Some(task), |f, m, error| unsafe {
            (f.param_constrain)(m, false, false, position.as_ptr(), values.as_mut_ptr(), null_mut(), error)
        })
    }

    /// The unconstrained position of the parameters that `json` names, which must be all.
    pub fn unconstrain_json(&self, task: &Task<'_>, json: &CStr, position: &mut [f64]) -> Result<(), String> {
        debug_assert_eq!(position.len(), self.names.pointers.len());
        // SAFETY: the model is alive and the array is as long as it says.
        self.try_enter(Some(task), |f, m, error| unsafe {
            (f.param_unconstrain_json)(m, json.as_ptr(), position.as_mut_ptr(), error)
        })
    }

    /// What an evaluation ended with.
    #[inline]
    fn evaluated(&self, task: Option<&mut Task<'_>>, (code, text): (c_int, *mut c_char)) -> c_int {
        if code != 0 {
            return self.refused(task, text);
        }
        if let Some(task) = task {
            self.refusals.done(task.chain_id());
        }
        DONE
    }

    /// A rejection, unless this chain has seen nothing else for long. Evaluations outside a run are not counted.
    #[cold]
    fn refused(&self, task: Option<&mut Task<'_>>, text: *mut c_char) -> c_int {
        ask(STOP, || {
            // SAFETY: set by the call that was refused.
            let message = unsafe { self.library.take_error(text) };
            let Some(task) = task else { return REJECT };
            if task.logger().is_some() && self.refusals.refused(task.chain_id(), &message) {
                task.set_message(&format!("{MOST_IN_A_ROW} evaluations in a row were refused, all with: {message}"));
                return STOP;
            }
            task.set_message(&message);
            REJECT
        })
    }

    /// Moves to the heap and fills a table that owns it.
    pub fn into_table(self) -> catena_density {
        let threading =
            if self.threads { catena_threading::CATENA_THREADS_ANY } else { catena_threading::CATENA_THREADS_ONE };
        let user = Box::new(self);
        let list = |names: &Names| if names.pointers.is_empty() { null() } else { names.pointers.as_ptr() };
        catena_density {
            struct_size: size_of::<catena_density>(),
            release: Some(release),
            dimension: user.names.pointers.len(),
            log_density_gradient: Some(log_density_gradient),
            log_density: Some(log_density),
            log_density_gradient_batch: None,
            names: list(&user.names),
            output_count: user.output_names.pointers.len(),
            output_names: list(&user.output_names),
            constrain: Some(constrain),
            initialize: Some(initialize),
            worker_new: Some(worker_new),
            worker_free: Some(worker_free),
            threading: threading as i32,
            parameter_outputs: user.parameter_outputs,
            transformed_outputs: user.transformed_outputs,
            user: Box::into_raw(user).cast(),
        }
    }
}

impl Drop for Loaded {
    fn drop(&mut self) {
        // SAFETY: made by model_construct and freed once, here.
        self.enter(None, |f, _, _| unsafe { (f.model_destruct)(self.model) });
    }
}

fn set_print_callback(library: &Library) -> Result<(), Error> {
    let mut set = PRINTING.lock().unwrap_or_else(PoisonError::into_inner);
    let set = set.get_or_insert_default();
    let place = library.functions.set_print_callback as usize;
    if set.contains(&place) {
        return Ok(());
    }
    let mut text = null_mut();
    // SAFETY: as BridgeStan's header wants it; the callback is static.
    if unsafe { (library.functions.set_print_callback)(Some(print::print), &mut text) } != 0 {
        // SAFETY: set by the call above.
        let words = unsafe { library.take_error(text) };
        return Err(Error::new(Code::Model, format!("bs_set_print_callback failed: {words}")));
    }
    set.insert(place);
    Ok(())
}

/// The model behind a callback's user pointer.
///
/// # Safety
/// `user` came from [`Loaded::into_table`] and is not released yet.
unsafe fn loaded<'a>(user: *mut c_void) -> &'a Loaded {
    // SAFETY: passed on to the caller.
    unsafe { &*user.cast::<Loaded>() }
}

unsafe extern "C" fn release(user: *mut c_void) {
    // SAFETY: from `into_table`, released once.
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
        let answer = model.enter(task.as_deref(), |f, m, error| {
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
        let answer = model.enter(task.as_deref(), |f, m, error| {
            (f.log_density)(m, PROPTO, model.jacobian, position, log_density, error)
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
        let (code, text) = model.enter(task.as_deref(), |f, m, error| {
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
        ask(STOP, || {
            let message = model.library.take_error(text);
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
    let dimension = model.names.pointers.len();
    let position = if dimension == 0 {
        &mut []
    } else {
        // SAFETY: as above.
        unsafe { std::slice::from_raw_parts_mut(position, dimension) }
    };
    let answer = crate::drive::quiet::catch(|| model.parameters.initialize(model, task, init.context(), position));
    match answer.unwrap_or_else(Err) {
        Ok(()) => DONE,
        Err(message) => {
            task.set_message(&message);
            STOP
        }
    }
}
