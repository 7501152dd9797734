//! The host's functions as a state-space model.

use super::table::catena_state_space;
use crate::error::Error;
use crate::ffi::UserData;
use crate::ffi::density::threading;
use crate::ffi::model::Worker;
use crate::ffi::task::{catena_task, hand, outcome};
use crate::model::{Refusal, StateSpace, Task, Threading, WorkerError};
use std::ffi::{c_int, c_void};
use std::sync::Arc;

type Move =
    unsafe extern "C" fn(*mut c_void, *mut c_void, *mut catena_task, usize, usize, *const f64, *mut f64) -> c_int;
type Weigh = unsafe extern "C" fn(
    *mut c_void,
    *mut c_void,
    *mut catena_task,
    usize,
    usize,
    *const f64,
    *const f64,
    *mut f64,
) -> c_int;

/// A host's table, whose required functions are there.
pub struct Host {
    table: catena_state_space,
    threading: Threading,
    initial: unsafe extern "C" fn(*mut c_void, *mut c_void, *mut catena_task, usize, *mut f64) -> c_int,
    transition: Move,
    log_weight: Weigh,
    data: Arc<UserData>,
}

// SAFETY: the header says that callbacks may be called from any thread with the same user.
unsafe impl Sync for Host {}

impl Host {
    /// The host of a table; `data` holds its user pointer.
    pub fn new(table: catena_state_space, data: UserData) -> Result<Self, Error> {
        fn required<F>(name: &str, function: Option<F>) -> Result<F, Error> {
            function.ok_or_else(|| Error::argument(format!("model.{name}"), "a function", "NULL"))
        }
        let threading = threading(table.threading)
            .map_err(|_| Error::argument("model.threading", "a catena_threading (0, 1 or 2)", table.threading))?;
        if table.dimension == 0 {
            return Err(Error::argument("model.dimension", "at least 1", 0));
        }
        if table.propose.is_some() != table.proposal_log_weight.is_some() {
            let missing = if table.propose.is_none() { "propose" } else { "proposal_log_weight" };
            return Err(Error::argument(format!("model.{missing}"), "a function, as its counterpart is one", "NULL"));
        }
        if table.has_transition_log_density_bound != 0 && !table.transition_log_density_bound.is_finite() {
            let got = table.transition_log_density_bound;
            return Err(Error::argument("model.transition_log_density_bound", "a finite number", got));
        }
        Ok(Self {
            threading,
            initial: required("initial", table.initial)?,
            transition: required("transition", table.transition)?,
            log_weight: required("log_weight", table.log_weight)?,
            data: Arc::new(data),
            table,
        })
    }

    /// A pointer to states, or none at time 0.
    fn previous(previous: &[f64]) -> *const f64 {
        if previous.is_empty() { std::ptr::null() } else { previous.as_ptr() }
    }

    fn moved(
        &self,
        by: Move,
        worker: &Worker,
        task: &mut Task<'_>,
        time: usize,
        previous: &[f64],
        states: &mut [f64],
    ) -> Result<(), Refusal> {
        let n = states.len() / self.table.dimension;
        let (user, worker, before) = (self.data.user, worker.pointer(), Self::previous(previous));
        // SAFETY: the host's function with the host's data; both matrices have n rows of `dimension` numbers.
        outcome(unsafe { by(user, worker, hand(task), time, n, before, states.as_mut_ptr()) })
    }

    #[allow(clippy::too_many_arguments, reason = "the signature of the table")]
    fn weighed(
        &self,
        by: Weigh,
        worker: &Worker,
        task: &mut Task<'_>,
        time: usize,
        previous: &[f64],
        states: &[f64],
        out: &mut [f64],
    ) -> Result<(), Refusal> {
        let (user, worker, before) = (self.data.user, worker.pointer(), Self::previous(previous));
        let n = out.len();
        // SAFETY: as above; `out` has n numbers.
        outcome(unsafe { by(user, worker, hand(task), time, n, before, states.as_ptr(), out.as_mut_ptr()) })
    }
}

/// An optional function of the table, or the words that it is not there.
fn given<F>(function: Option<F>, name: &str, task: &mut Task<'_>) -> Result<F, Refusal> {
    function.ok_or_else(|| task.stop(&format!("the table has no function '{name}'")))
}

impl StateSpace for Host {
    type Worker = Worker;

    fn dim(&self) -> usize {
        self.table.dimension
    }

    fn threading(&self) -> Threading {
        self.threading
    }

    fn whole_sets(&self) -> bool {
        self.table.whole_sets != 0
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

    fn initial(&self, worker: &mut Worker, task: &mut Task<'_>, states: &mut [f64]) -> Result<(), Refusal> {
        let n = states.len() / self.table.dimension;
        // SAFETY: the host's function with the host's data; the matrix has n rows of `dimension` numbers.
        outcome(unsafe { (self.initial)(self.data.user, worker.pointer(), hand(task), n, states.as_mut_ptr()) })
    }

    fn transition(
        &self,
        worker: &mut Worker,
        task: &mut Task<'_>,
        time: usize,
        previous: &[f64],
        states: &mut [f64],
    ) -> Result<(), Refusal> {
        self.moved(self.transition, worker, task, time, previous, states)
    }

    fn log_weight(
        &self,
        worker: &mut Worker,
        task: &mut Task<'_>,
        time: usize,
        previous: &[f64],
        states: &[f64],
        log_weights: &mut [f64],
    ) -> Result<(), Refusal> {
        self.weighed(self.log_weight, worker, task, time, previous, states, log_weights)
    }

    fn has_proposal(&self) -> bool {
        self.table.propose.is_some()
    }

    fn propose(
        &self,
        worker: &mut Worker,
        task: &mut Task<'_>,
        time: usize,
        previous: &[f64],
        states: &mut [f64],
    ) -> Result<(), Refusal> {
        let propose = given(self.table.propose, "propose", task)?;
        self.moved(propose, worker, task, time, previous, states)
    }

    fn proposal_log_weight(
        &self,
        worker: &mut Worker,
        task: &mut Task<'_>,
        time: usize,
        previous: &[f64],
        states: &[f64],
        log_weights: &mut [f64],
    ) -> Result<(), Refusal> {
        let weigh = given(self.table.proposal_log_weight, "proposal_log_weight", task)?;
        self.weighed(weigh, worker, task, time, previous, states, log_weights)
    }

    fn has_auxiliary(&self) -> bool {
        self.table.auxiliary_log_weight.is_some()
    }

    fn auxiliary_log_weight(
        &self,
        worker: &mut Worker,
        task: &mut Task<'_>,
        time: usize,
        previous: &[f64],
        log_weights: &mut [f64],
    ) -> Result<(), Refusal> {
        let promise = given(self.table.auxiliary_log_weight, "auxiliary_log_weight", task)?;
        let (n, out) = (log_weights.len(), log_weights.as_mut_ptr());
        // SAFETY: as above.
        outcome(unsafe { promise(self.data.user, worker.pointer(), hand(task), time, n, previous.as_ptr(), out) })
    }

    fn has_transition_density(&self) -> bool {
        self.table.transition_log_density.is_some()
    }

    fn transition_log_density(
        &self,
        worker: &mut Worker,
        task: &mut Task<'_>,
        time: usize,
        previous: &[f64],
        states: &[f64],
        log_densities: &mut [f64],
    ) -> Result<(), Refusal> {
        let density = given(self.table.transition_log_density, "transition_log_density", task)?;
        self.weighed(density, worker, task, time, previous, states, log_densities)
    }

    fn transition_log_density_bound(&self) -> Option<f64> {
        (self.table.has_transition_log_density_bound != 0).then_some(self.table.transition_log_density_bound)
    }
}
