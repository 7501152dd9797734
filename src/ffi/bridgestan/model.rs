//! A Stan program as a model: its outputs, initial values and refusals.

use super::inits::Parameters;
use super::program::Program;
use super::refusals::{MOST_IN_A_ROW, Refusals};
use crate::error::Error;
use crate::ffi::boundary::ask;
use crate::ffi::error::c_text;
use crate::model::Task;
use std::ffi::{CString, c_char, c_int};
use std::path::Path;
use std::ptr::null;

/// What callbacks return; see `catena_density`.
pub(super) const DONE: c_int = 0;
pub(super) const REJECT: c_int = 1;
pub(super) const STOP: c_int = -1;

/// Names for C.
pub(super) struct Names {
    pointers: Vec<*const c_char>,
    _texts: Vec<CString>,
}

impl Names {
    pub fn new(names: &[String]) -> Self {
        let texts: Vec<CString> = names.iter().map(|n| c_text(n)).collect();
        Self { pointers: texts.iter().map(|t| t.as_ptr()).collect(), _texts: texts }
    }

    pub fn count(&self) -> usize {
        self.pointers.len()
    }

    /// The list as a table has it: null for an empty one.
    pub fn list(&self) -> *const *const c_char {
        if self.pointers.is_empty() { null() } else { self.pointers.as_ptr() }
    }
}

/// A model and what must live as long; `user` of the table's callbacks.
pub(super) struct Loaded {
    pub program: Program,
    /// Log densities include the Jacobian of the transforms.
    pub jacobian: bool,
    pub names: Names,
    pub output_names: Names,
    /// Number of outputs that are parameters, transformed parameters, generated quantities.
    pub parameter_outputs: usize,
    pub transformed_outputs: usize,
    pub generated_outputs: usize,
    pub parameters: Parameters,
    pub refusals: Refusals,
}

impl Loaded {
    /// # Safety
    /// As [`Program::new`].
    pub unsafe fn new(path: &Path, data: *const c_char, seed: u32, jacobian: bool) -> Result<Self, Error> {
        // SAFETY: passed on to the caller.
        let (program, lists) = unsafe { Program::new(path, data, seed)? };
        let (parameter_outputs, transformed_outputs) = (lists.parameters.len(), lists.transformed);
        Ok(Self {
            program,
            jacobian,
            names: Names::new(&lists.coordinates),
            output_names: Names::new(&lists.outputs),
            parameter_outputs,
            transformed_outputs,
            generated_outputs: lists.outputs.len().saturating_sub(parameter_outputs + transformed_outputs),
            parameters: Parameters::new(&lists.parameters, &lists.coordinates),
            refusals: Refusals::default(),
        })
    }

    /// What an evaluation ended with.
    #[inline]
    pub fn evaluated(&self, task: Option<&mut Task<'_>>, (code, text): (c_int, *mut c_char)) -> c_int {
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
            let message = unsafe { self.program.take_error(text) };
            let Some(task) = task else { return REJECT };
            if task.logger().is_some() && self.refusals.refused(task.chain_id(), &message) {
                task.set_message(&format!("{MOST_IN_A_ROW} evaluations in a row were refused, all with: {message}"));
                return STOP;
            }
            task.set_message(&message);
            REJECT
        })
    }
}
