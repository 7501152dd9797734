//! The host's traces, as a population moves them.

use super::sinks::{catena_bytes, catena_family};
use super::table::catena_traces;
use super::trace::{Free, Trace};
use crate::error::Error;
use crate::ffi::density::threading;
use crate::ffi::task::{catena_task, hand, outcome};
use crate::model::{Fingerprint, Operation, Refusal, Task, Threading, Traces};
use std::ffi::{c_int, c_void};

/// A host's table, whose required functions are there.
pub struct Host {
    table: catena_traces,
    threading: Threading,
    create: unsafe extern "C" fn(*mut c_void, *mut catena_task, *mut *mut c_void) -> c_int,
    free: Free,
    apply:
        unsafe extern "C" fn(*mut c_void, *mut c_void, i64, *const c_void, usize, *mut catena_task, *mut f64) -> c_int,
    user: *mut c_void,
}

// SAFETY: the header says that callbacks may be called from any thread with the same user.
unsafe impl Sync for Host {}

impl Host {
    /// The host of a table, whose `user` outlives it.
    pub fn new(table: catena_traces) -> Result<Self, Error> {
        fn required<F>(name: &str, function: Option<F>) -> Result<F, Error> {
            function.ok_or_else(|| Error::argument(format!("traces.{name}"), "a function", "NULL"))
        }
        let threading = threading(table.threading)
            .map_err(|_| Error::argument("traces.threading", "a catena_threading (0, 1 or 2)", table.threading))?;
        if table.serialize.is_some() != table.deserialize.is_some() {
            let (there, missing) =
                if table.serialize.is_some() { ("serialize", "deserialize") } else { ("deserialize", "serialize") };
            return Err(Error::argument(format!("traces.{missing}"), format!("a function, as {there} is one"), "NULL"));
        }
        Ok(Self {
            threading,
            create: required("create", table.create)?,
            free: required("free", table.free)?,
            apply: required("apply", table.apply)?,
            user: table.user,
            table,
        })
    }

    /// A trace that `give` made.
    fn take(
        &self,
        task: &mut Task<'_>,
        give: impl FnOnce(*mut catena_task, *mut *mut c_void) -> c_int,
    ) -> Result<Trace, Refusal> {
        let mut pointer = std::ptr::null_mut();
        let result = outcome(give(hand(task), &mut pointer));
        if pointer.is_null() {
            result?;
            return Err(task.stop("it gave NULL for a trace"));
        }
        // What was given is freed, also where the callback says that it failed.
        let trace = Trace::new(pointer, self.free, self.user);
        result.map(|()| trace)
    }
}

/// An optional function of the table, or the words that it is not there.
fn given<F>(function: Option<F>, name: &str, task: &mut Task<'_>) -> Result<F, Refusal> {
    function.ok_or_else(|| task.stop(&format!("the table of traces has no function '{name}'")))
}

impl Traces for Host {
    type Trace = Trace;

    fn threading(&self) -> Threading {
        self.threading
    }

    fn create(&self, task: &mut Task<'_>) -> Result<Trace, Refusal> {
        // SAFETY: the host's function with the host's data.
        self.take(task, |task, out| unsafe { (self.create)(self.user, task, out) })
    }

    fn can_copy(&self) -> bool {
        self.table.copy.is_some()
    }

    fn copy(&self, trace: &Trace, task: &mut Task<'_>) -> Result<Trace, Refusal> {
        let copy = given(self.table.copy, "copy", task)?;
        // SAFETY: the host's function with the host's data and trace, which nobody changes meanwhile.
        self.take(task, |task, out| unsafe { copy(self.user, trace.pointer(), task, out) })
    }

    fn apply(&self, trace: &mut Trace, operation: &Operation, task: &mut Task<'_>) -> Result<f64, Refusal> {
        let Operation { number, argument } = operation;
        let mut increment = 0.0;
        let bytes = argument.as_ptr().cast();
        let user = self.user;
        // SAFETY: the host's function with the host's data and trace, which nobody else uses meanwhile.
        let code =
            unsafe { (self.apply)(user, trace.pointer(), *number, bytes, argument.len(), hand(task), &mut increment) };
        outcome(code).map(|()| increment)
    }

    fn incorporate(&self, trace: &mut Trace, task: &mut Task<'_>) -> Result<f64, Refusal> {
        let incorporate = given(self.table.incorporate, "incorporate", task)?;
        let mut increment = 0.0;
        // SAFETY: as in `apply`.
        outcome(unsafe { incorporate(self.user, trace.pointer(), hand(task), &mut increment) }).map(|()| increment)
    }

    fn reset_to_prior(&self, trace: &mut Trace, task: &mut Task<'_>) -> Result<(), Refusal> {
        match self.table.reset_to_prior {
            // SAFETY: as in `apply`.
            Some(reset) => outcome(unsafe { reset(self.user, trace.pointer(), hand(task)) }),
            None => self.create(task).map(|fresh| *trace = fresh),
        }
    }

    fn weigh(&self, trace: &mut Trace, task: &mut Task<'_>) -> Result<f64, Refusal> {
        let weigh = given(self.table.weigh, "weigh", task)?;
        let mut weight = 0.0;
        // SAFETY: as in `apply`.
        outcome(unsafe { weigh(self.user, trace.pointer(), hand(task), &mut weight) }).map(|()| weight)
    }

    fn diversify(
        &self,
        trace: &Trace,
        operation: &Operation,
        task: &mut Task<'_>,
        emit: &mut dyn FnMut(Trace, f64),
    ) -> Result<(), Refusal> {
        let diversify = given(self.table.diversify, "diversify", task)?;
        let Operation { number, argument } = operation;
        let user = self.user;
        let mut family = catena_family { members: Vec::new(), free: self.free, user };
        let bytes = argument.as_ptr().cast();
        // SAFETY: the host's function with the host's data and trace, which nobody changes meanwhile.
        let code = unsafe { diversify(user, trace.pointer(), *number, bytes, argument.len(), hand(task), &mut family) };
        outcome(code)?;
        family.members.into_iter().for_each(|(trace, increment)| emit(trace, increment));
        Ok(())
    }

    fn fingerprint(&self, trace: &Trace, scope: i64, task: &mut Task<'_>) -> Result<Fingerprint, Refusal> {
        let fingerprint = given(self.table.fingerprint, "fingerprint", task)?;
        let mut words = Fingerprint::default();
        // SAFETY: as in `diversify`; there is room for both words.
        outcome(unsafe { fingerprint(self.user, trace.pointer(), scope, hand(task), words.as_mut_ptr()) })
            .map(|()| words)
    }

    fn report(&self, trace: &Trace, what: i64, task: &mut Task<'_>, out: &mut [f64]) -> Result<(), Refusal> {
        let report = given(self.table.report, "report", task)?;
        // SAFETY: as in `diversify`; there is room for as many numbers as are asked for.
        outcome(unsafe { report(self.user, trace.pointer(), what, hand(task), out.len(), out.as_mut_ptr()) })
    }

    fn sample(&self, trace: &Trace, what: i64, task: &mut Task<'_>, out: &mut [f64]) -> Result<(), Refusal> {
        match self.table.sample {
            // SAFETY: as in `report`.
            Some(sample) => {
                outcome(unsafe { sample(self.user, trace.pointer(), what, hand(task), out.len(), out.as_mut_ptr()) })
            }
            None => self.report(trace, what, task, out),
        }
    }

    fn can_serialize(&self) -> bool {
        self.table.serialize.is_some()
    }

    fn serialize(&self, trace: &Trace, task: &mut Task<'_>, out: &mut Vec<u8>) -> Result<(), Refusal> {
        let serialize = given(self.table.serialize, "serialize", task)?;
        let mut sink = catena_bytes { bytes: std::mem::take(out) };
        // SAFETY: as in `diversify`.
        let code = unsafe { serialize(self.user, trace.pointer(), hand(task), &mut sink) };
        *out = sink.bytes;
        outcome(code)
    }

    fn deserialize(&self, bytes: &[u8], task: &mut Task<'_>) -> Result<Trace, Refusal> {
        let deserialize = given(self.table.deserialize, "deserialize", task)?;
        let from = bytes.as_ptr().cast();
        // SAFETY: the host's function with the host's data; the bytes live through the call.
        self.take(task, |task, out| unsafe { deserialize(self.user, from, bytes.len(), task, out) })
    }
}
