//! A Stan program: a library and one model of it.

use super::heap;
use super::library::{ErrorText, Functions, Hessian, Library, Model};
use super::print;
use crate::error::{Code, Error};
use crate::model::Task;
use std::collections::HashSet;
use std::ffi::{CStr, c_char, c_int};
use std::path::Path;
use std::ptr::null_mut;
use std::sync::{Mutex, PoisonError};

/// What `bs_model_info` says of a library that several threads may enter.
const THREADS: &str = "STAN_THREADS=true";
/// What it says of a library whose Hessians come from derivatives of second order. All others make them of differences of
/// gradients, one after the other, of a step that knows nothing of scales: ours are no worse, and are asked for as a block.
const HESSIANS: &str = "BRIDGESTAN_AD_HESSIAN=true";

/// Held inside libraries that were built without threads. One lock for all of them: they keep Stan's stack for
/// automatic differentiation in a variable that the dynamic linker may share among them (STB_GNU_UNIQUE).
static ALONE: Mutex<()> = Mutex::new(());

/// Libraries whose print callback is set, by the address of a function. To set it again would free a stream that
/// another thread may be printing to.
static PRINTING: Mutex<Option<HashSet<usize>>> = Mutex::new(None);

/// A model of a library's program.
pub(super) struct Program {
    library: Library,
    model: *mut Model,
    /// Several threads may be inside the library.
    threads: bool,
    /// Gives Hessians by derivatives of second order.
    hessian: Option<Hessian>,
    /// Number of unconstrained coordinates.
    dimension: usize,
    /// Number of the parameters' values.
    parameters: usize,
}

/// Names of a model's values.
pub(super) struct Lists {
    /// The unconstrained coordinates.
    pub coordinates: Vec<String>,
    /// The parameters.
    pub parameters: Vec<String>,
    /// How many transformed parameters follow them among the outputs.
    pub transformed: usize,
    /// Parameters, transformed parameters and generated quantities.
    pub outputs: Vec<String>,
}

impl Program {
    /// Loads a program and makes its model.
    ///
    /// # Safety
    /// As [`Library::load`]; `data` is null or NUL-terminated.
    pub unsafe fn new(path: &Path, data: *const c_char, seed: u32) -> Result<(Self, Lists), Error> {
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
                format!("the model of '{}' could not be made of its data: {words}", path.display()),
            ));
        }
        let mut program = Self { library, model, threads: false, hessian: None, dimension: 0, parameters: 0 };
        // SAFETY: the model is alive.
        let info = program.ask(|f, m| unsafe { (f.model_info)(m) });
        program.threads = info.contains(THREADS);
        program.hessian = program.library.hessian.filter(|_| info.contains(HESSIANS));
        // SAFETY: as above.
        let coordinates = program.list(path, |f, m| unsafe { ((f.param_unc_num)(m), (f.param_unc_names)(m)) })?;
        let parameters = program.list_of(path, false, false)?;
        let transformed = program.list_of(path, true, false)?.len().saturating_sub(parameters.len());
        let outputs = program.list_of(path, true, true)?;
        (program.dimension, program.parameters) = (coordinates.len(), parameters.len());
        Ok((program, Lists { coordinates, parameters, transformed, outputs }))
    }

    /// Whether several threads may be inside the library.
    pub fn threads(&self) -> bool {
        self.threads
    }

    /// The function for Hessians, where the library has them exactly.
    pub fn hessian(&self) -> Option<Hessian> {
        self.hessian
    }

    /// The words of a call's error, which are freed.
    ///
    /// # Safety
    /// As [`Library::take_error`].
    pub unsafe fn take_error(&self, text: *mut c_char) -> String {
        // SAFETY: passed on to the caller.
        unsafe { self.library.take_error(text) }
    }

    /// A text that the model owns.
    fn ask(&self, question: impl FnOnce(&Functions, *const Model) -> *const c_char) -> String {
        let text = self.enter(None, |f, m, _| question(f, m)).0;
        // SAFETY: null or a NUL-terminated text that lives as long as the model, by BridgeStan's header.
        if text.is_null() { String::new() } else { unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned() }
    }

    fn list_of(&self, path: &Path, transformed: bool, generated: bool) -> Result<Vec<String>, Error> {
        // SAFETY: the model is alive.
        self.list(path, |f, m| unsafe {
            ((f.param_num)(m, transformed, generated), (f.param_names)(m, transformed, generated))
        })
    }

    /// Names separated by commas, as many as the model says.
    fn list(
        &self,
        path: &Path,
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
        let (path, length) = (path.display(), names.len());
        let said = format!("the model of '{path}' says that it has {count} values but names {length}");
        Err(Error::new(Code::Model, said))
    }

    /// Calls into the library, alone where it needs that; then logs what it printed. Also gives back the error's text.
    #[inline]
    pub fn enter<R>(
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

    /// As [`Program::enter`]; a return code other than 0 becomes the error's text.
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
        debug_assert_eq!((position.len(), values.len()), (self.dimension, self.parameters));
        // SAFETY: the model is alive and the arrays are as long as it says.
        self.try_enter(Some(task), |f, m, error| unsafe {
            (f.param_constrain)(m, false, false, position.as_ptr(), values.as_mut_ptr(), null_mut(), error)
        })
    }

    /// The unconstrained position of the parameters that `json` names, which must be all.
    pub fn unconstrain_json(&self, task: &Task<'_>, json: &CStr, position: &mut [f64]) -> Result<(), String> {
        debug_assert_eq!(position.len(), self.dimension);
        // SAFETY: the model is alive and the array is as long as it says.
        self.try_enter(Some(task), |f, m, error| unsafe {
            (f.param_unconstrain_json)(m, json.as_ptr(), position.as_mut_ptr(), error)
        })
    }
}

impl Drop for Program {
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
