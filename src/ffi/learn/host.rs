//! The host's functions as a likelihood.

use super::table::{catena_likelihood, catena_number};
use crate::error::Error;
use crate::ffi::UserData;
use crate::ffi::boundary::{slice, text};
use crate::ffi::density::threading;
use crate::ffi::model::Worker;
use crate::ffi::task::{catena_task, hand, outcome};
use crate::model::{
    Domain, Experiments, Field, Likelihood, Number, OutcomeShape, Refusal, Task, Threading, WorkerError,
};
use std::ffi::{c_char, c_int, c_void};
use std::sync::Arc;

type Cells = unsafe extern "C" fn(
    *mut c_void,
    *mut c_void,
    *mut c_void,
    *mut catena_task,
    usize,
    *const f64,
    usize,
    *const f64,
    usize,
    *const f64,
    *mut f64,
) -> c_int;

/// A host's table. Whoever makes one sees to it that something computes the likelihood.
pub struct Host {
    table: catena_likelihood,
    threading: Threading,
    parameters: Vec<String>,
    fields: Arc<[Field]>,
    outcome: OutcomeShape,
    /// Only lent here: whoever has the host releases it.
    data: Arc<UserData>,
}

// SAFETY: the header says that callbacks may be called from any thread with the same user.
unsafe impl Sync for Host {}

/// What the host's `prepare` made.
pub struct Context {
    pointer: *mut c_void,
    free: Option<unsafe extern "C" fn(*mut c_void, *mut c_void)>,
    user: *mut c_void,
}

// SAFETY: the header says that several calls may use a context at once, on any thread.
unsafe impl Send for Context {}
// SAFETY: as above.
unsafe impl Sync for Context {}

impl Drop for Context {
    fn drop(&mut self) {
        if let Some(free) = self.free {
            // SAFETY: made by the host's prepare, freed once.
            unsafe { free(self.user, self.pointer) };
        }
    }
}

/// A kind by its number.
fn kind(name: &str, number: i32) -> Result<Number, Error> {
    match number {
        n if n == catena_number::CATENA_NUMBER_REAL as i32 => Ok(Number::Real),
        n if n == catena_number::CATENA_NUMBER_INTEGER as i32 => Ok(Number::Integer),
        _ => Err(Error::argument(name, "a catena_number (0 or 1)", number)),
    }
}

/// # Safety
/// `names` is null or points to `count` texts.
unsafe fn names(names: *const *const c_char, count: usize, of: &str) -> Result<Vec<String>, Error> {
    // SAFETY: passed on to the caller.
    let pointers = unsafe { slice(names, count, of)? };
    // SAFETY: as above.
    pointers.iter().enumerate().map(|(i, p)| unsafe { text(*p, &format!("{of}[{i}]")) }.map(String::from)).collect()
}

impl Host {
    /// The host of a table, whose `user` outlives it.
    ///
    /// # Safety
    /// The table's arrays are as documented.
    pub unsafe fn new(table: catena_likelihood) -> Result<Self, Error> {
        let threading = threading(table.threading)
            .map_err(|_| Error::argument("likelihood.threading", "a catena_threading (0, 1 or 2)", table.threading))?;
        if table.num_parameters == 0 {
            return Err(Error::argument("likelihood.num_parameters", "at least 1", 0));
        }
        let parameters = if table.parameter_names.is_null() {
            (1..=table.num_parameters).map(|i| format!("x.{i}")).collect()
        } else {
            // SAFETY: passed on to the caller.
            unsafe { names(table.parameter_names, table.num_parameters, "likelihood.parameter_names")? }
        };
        // SAFETY: passed on to the caller.
        let field_names = unsafe { names(table.field_names, table.num_fields, "likelihood.field_names")? };
        let kinds = if table.field_kinds.is_null() {
            vec![Number::Real; table.num_fields]
        } else {
            // SAFETY: passed on to the caller.
            let numbers = unsafe { slice(table.field_kinds, table.num_fields, "likelihood.field_kinds")? };
            numbers.iter().map(|n| kind("likelihood.field_kinds", *n)).collect::<Result<_, _>>()?
        };
        let fields = field_names.into_iter().zip(kinds).map(|(name, kind)| Field { name, kind }).collect();
        let outcome = OutcomeShape {
            kind: kind("likelihood.outcome_kind", table.outcome_kind)?,
            width: table.outcome_width.max(1),
        };
        let data = Arc::new(UserData { user: table.user, release: None });
        Ok(Self { threading, parameters, fields, outcome, data, table })
    }

    /// # Errors
    /// No function of the host's computes the likelihood.
    pub fn check_likelihood(&self) -> Result<(), Error> {
        let found = self.table.likelihood.map(|_| ());
        found.ok_or_else(|| Error::argument("likelihood.likelihood", "a function", "NULL"))
    }

    #[allow(clippy::too_many_arguments, reason = "the signature of the table")]
    fn cells(
        &self,
        by: Cells,
        worker: &Worker,
        context: &Context,
        task: &mut Task<'_>,
        outcomes: &[f64],
        models: &[f64],
        experiments: &Experiments,
        out: &mut [f64],
    ) -> Result<(), Refusal> {
        let (n_o, n_m, n_e) =
            (outcomes.len() / self.outcome.width, models.len() / self.parameters.len(), experiments.len());
        let (user, worker, context) = (self.data.user, worker.pointer(), context.pointer);
        let (o, m, e) = (outcomes.as_ptr(), models.as_ptr(), experiments.values().as_ptr());
        // SAFETY: the host's function with the host's data; the arrays are as long as the counts say.
        outcome(unsafe { by(user, worker, context, hand(task), n_o, o, n_m, m, n_e, e, out.as_mut_ptr()) })
    }
}

impl Likelihood for Host {
    type Worker = Worker;
    type Context = Context;

    fn parameters(&self) -> Vec<String> {
        self.parameters.clone()
    }

    fn fields(&self) -> Arc<[Field]> {
        Arc::clone(&self.fields)
    }

    fn outcome(&self) -> OutcomeShape {
        self.outcome
    }

    fn threading(&self) -> Threading {
        self.threading
    }

    fn whole(&self) -> bool {
        self.table.whole != 0
    }

    fn is_log(&self) -> bool {
        self.table.is_log != 0
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
        Ok(Worker::new(pointer, free, Arc::clone(&self.data)))
    }

    fn prepare(&self, task: &mut Task<'_>, experiments: &Experiments) -> Result<Context, Refusal> {
        let mut context = Context { pointer: std::ptr::null_mut(), free: None, user: self.data.user };
        if let Some(prepare) = self.table.prepare {
            let (n, values) = (experiments.len(), experiments.values().as_ptr());
            // SAFETY: the host's function with the host's data; the table is as long as its count says.
            outcome(unsafe { prepare(self.data.user, hand(task), n, values, &mut context.pointer) })?;
            context.free = self.table.context_free;
        }
        Ok(context)
    }

    fn likelihood(
        &self,
        worker: &mut Worker,
        context: &Context,
        task: &mut Task<'_>,
        outcomes: &[f64],
        models: &[f64],
        experiments: &Experiments,
        out: &mut [f64],
    ) -> Result<(), Refusal> {
        let likelihood = self.table.likelihood.ok_or_else(|| task.stop("the table has no function 'likelihood'"))?;
        self.cells(likelihood, worker, context, task, outcomes, models, experiments, out)
    }

    fn has_validity(&self) -> bool {
        self.table.are_valid.is_some()
    }

    fn are_valid(
        &self,
        worker: &mut Worker,
        task: &mut Task<'_>,
        models: &[f64],
        valid: &mut [bool],
    ) -> Result<(), Refusal> {
        let Some(are_valid) = self.table.are_valid else { return Ok(()) };
        let mut bytes = vec![0u8; valid.len()];
        let (user, n) = (self.data.user, valid.len());
        // SAFETY: the host's function with the host's data; there are n models and as many places.
        outcome(unsafe { are_valid(user, worker.pointer(), hand(task), n, models.as_ptr(), bytes.as_mut_ptr()) })?;
        valid.iter_mut().zip(bytes).for_each(|(valid, byte)| *valid = byte != 0);
        Ok(())
    }

    fn has_canonical(&self) -> bool {
        self.table.canonicalize.is_some()
    }

    fn canonicalize(&self, worker: &mut Worker, task: &mut Task<'_>, models: &mut [f64]) -> Result<(), Refusal> {
        let Some(canonicalize) = self.table.canonicalize else { return Ok(()) };
        let n = models.len() / self.parameters.len();
        // SAFETY: the host's function with the host's data; there are n models.
        outcome(unsafe { canonicalize(self.data.user, worker.pointer(), hand(task), n, models.as_mut_ptr()) })
    }

    fn domain(&self, task: &mut Task<'_>, experiment: &Experiments) -> Result<Domain, Refusal> {
        let (user, row) = (self.data.user, experiment.values().as_ptr());
        let mut count = if self.outcome.kind == Number::Integer { 2 } else { 0 };
        if let Some(num_outcomes) = self.table.num_outcomes {
            // SAFETY: the host's function with the host's data; the row has a number for each field.
            outcome(unsafe { num_outcomes(user, hand(task), row, &mut count) })?;
        }
        if count == 0 {
            return Ok(Domain::Sampled);
        }
        let size = count.checked_mul(self.outcome.width).filter(|size| *size < isize::MAX as usize / size_of::<f64>());
        let size = size.ok_or_else(|| task.stop(&format!("{count} outcomes are too many to be listed")))?;
        let Some(domain) = self.table.domain else {
            if self.outcome.width > 1 {
                return Err(task.stop("the table has no function 'domain', which outcomes of several numbers need"));
            }
            return Ok(Domain::Finite((0..count).map(|k| k as f64).collect()));
        };
        let mut outcomes = vec![0.0; size];
        // SAFETY: as above; there is room for all outcomes.
        outcome(unsafe { domain(user, hand(task), row, count, outcomes.as_mut_ptr()) })?;
        Ok(Domain::Finite(outcomes))
    }

    fn has_simulator(&self) -> bool {
        self.table.simulate.is_some()
    }

    fn simulate(
        &self,
        worker: &mut Worker,
        context: &Context,
        task: &mut Task<'_>,
        models: &[f64],
        experiments: &Experiments,
        out: &mut [f64],
    ) -> Result<(), Refusal> {
        let simulate = self.table.simulate.ok_or_else(|| task.stop("the table has no function 'simulate'"))?;
        let (user, n_m, n_e) = (self.data.user, models.len() / self.parameters.len(), experiments.len());
        let (worker, context, e) = (worker.pointer(), context.pointer, experiments.values().as_ptr());
        // SAFETY: the host's function with the host's data; the arrays are as long as the counts say.
        outcome(unsafe { simulate(user, worker, context, hand(task), n_m, models.as_ptr(), n_e, e, out.as_mut_ptr()) })
    }

    fn has_timestep(&self) -> bool {
        self.table.update_timestep.is_some()
    }

    fn update_timestep(
        &self,
        worker: &mut Worker,
        task: &mut Task<'_>,
        experiment: &Experiments,
        models: &mut [f64],
    ) -> Result<(), Refusal> {
        let Some(step) = self.table.update_timestep else { return Ok(()) };
        let (n, row) = (models.len() / self.parameters.len(), experiment.values().as_ptr());
        // SAFETY: the host's function with the host's data; there are n models.
        outcome(unsafe { step(self.data.user, worker.pointer(), hand(task), row, n, models.as_mut_ptr()) })
    }

    fn experiment_cost(&self, task: &mut Task<'_>, experiments: &Experiments, out: &mut [f64]) -> Result<(), Refusal> {
        let Some(cost) = self.table.experiment_cost else {
            out.fill(1.0);
            return Ok(());
        };
        let (n, values) = (experiments.len(), experiments.values().as_ptr());
        // SAFETY: the host's function with the host's data; there is room for n costs.
        outcome(unsafe { cost(self.data.user, hand(task), n, values, out.as_mut_ptr()) })
    }

    fn has_score(&self) -> bool {
        self.table.score.is_some()
    }

    fn score(
        &self,
        worker: &mut Worker,
        context: &Context,
        task: &mut Task<'_>,
        outcomes: &[f64],
        models: &[f64],
        experiments: &Experiments,
        out: &mut [f64],
    ) -> Result<(), Refusal> {
        let score = self.table.score.ok_or_else(|| task.stop("the table has no function 'score'"))?;
        self.cells(score, worker, context, task, outcomes, models, experiments, out)
    }
}
